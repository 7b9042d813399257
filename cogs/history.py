"""The history of a channel: `/history show`, `search`, `branches`, `checkout`, `export` and `import`."""

import asyncio
import io
import re

import aiohttp
import discord
from discord import app_commands
from discord.ext import commands

from chat.archive import Archive, Format, Found
from chat.branches import one_line, short_id
from chat.errors import TranscriptError
from chat.transcripts import MAX_BYTES
from cogs._bot import Bot, tell
from cogs._deeds import note_deed
from cogs._places import conversation_of, scopes_of
from cogs._words import link_to, way_back
from storage import ConversationKey, StoredMessage

SHOWN_MESSAGES = 25  # more would leave too few words of each
SHOWN_CHARACTERS = 1700  # what one message holds, less the words around
LONGEST_SHOWN = 400
SNIPPET_CHARACTERS = 100
WORDS_BEFORE_A_HIT = 30
FETCH_SECONDS = 30.0
ENDINGS: dict[Format, str] = {"markdown": "md", "json": "json", "sillytavern": "jsonl"}


class HistoryCommands(commands.GroupCog, group_name="history", group_description="What was said here"):
    """The channel's conversation as a whole."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self.archive = Archive(bot.services.storage.history, bot.services.conversations)

    @app_commands.command(description="The newest messages of this conversation, as the next prompt contains them")
    @app_commands.describe(messages="How many")
    async def show(
        self, interaction: discord.Interaction[Bot], messages: app_commands.Range[int, 1, SHOWN_MESSAGES] = 10
    ) -> None:
        """Show the end of the prompt privately."""
        report = await interaction.client.services.context.report(
            await conversation_of(interaction),
            scopes_of(interaction.channel, interaction.guild_id),
            await interaction.client.talking.casting.speaking(interaction.guild_id, interaction.channel),
        )
        prompt = report.prompt
        count = len(prompt.included_ids)
        if count == 0:
            await tell(interaction, "This conversation is empty.")
            return
        opening = 1 if prompt.messages[0]["role"] == "system" else 0
        shown = prompt.messages[opening:][-messages:]
        room = min(LONGEST_SHOWN, SHOWN_CHARACTERS // len(shown) - 12)
        lines = [f"{message['role']}: {one_line(message['content'], room)}" for message in shown]
        dropped = "-# Older ones no longer fit." if prompt.dropped else ""
        newest = f"; the newest {len(shown)}" if len(shown) < count else ""
        await tell(
            interaction,
            f"The next prompt contains {_counted(count)} of this conversation{newest}:\n"
            "```\n" + "\n".join(lines) + f"\n```\n{dropped}",
        )

    @app_commands.command(description="Find messages of this channel that contain all the words")
    @app_commands.describe(words="The words to look for")
    async def search(self, interaction: discord.Interaction[Bot], words: app_commands.Range[str, 1, 200]) -> None:
        """List what was found privately, with links."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        key = await conversation_of(interaction)
        found = await self.archive.search(key, interaction.user.id, words)
        await tell(interaction, found_text(key, words, found))

    @app_commands.command(description="Draw the branches of this conversation")
    async def branches(self, interaction: discord.Interaction[Bot]) -> None:
        """Show the drawing privately."""
        branches = await self.archive.branches(await conversation_of(interaction))
        drawing = branches.draw()
        if not drawing:
            await tell(interaction, "Nothing was said here yet.")
            return
        here = "▶ is where the conversation goes on" if branches.head is not None else "The next message begins anew"
        await tell(interaction, f"```\n{drawing}\n```\n-# {here}. Id, messages, time (UTC), newest words.")

    @app_commands.command(description="Let the conversation go on from another branch")
    @app_commands.describe(branch="The branch's id, as /history branches shows it")
    async def checkout(self, interaction: discord.Interaction[Bot], branch: app_commands.Range[str, 1, 30]) -> None:
        """Move the channel's conversation, for all to see."""
        key = await conversation_of(interaction)
        moved = await self.archive.checkout(key, branch, self.bot.replies.ratings.going_on(key, interaction.channel))
        note_deed(interaction, before={"branch": moved.previous}, after={"branch": moved.head})
        await interaction.response.send_message(
            f"The conversation goes on from branch `{moved.head}`: `{moved.words}`\n{way_back(moved.previous)}",
            suppress_embeds=True,
        )
        await self.bot.replies.show_head(key, moved.left)

    @checkout.autocomplete("branch")
    async def choose(self, interaction: discord.Interaction[Bot], typed: str) -> list[app_commands.Choice[str]]:
        """The newest branches whose id or newest words contain what is typed."""
        branches = await self.archive.branches(await conversation_of(interaction))
        choices: list[app_commands.Choice[str]] = []
        for tip in branches.tips:
            name = f"{short_id(tip.id)} · {branches.words_of(tip.id, 80)}"
            if typed.casefold() in name.casefold():
                choices.append(app_commands.Choice(name=name, value=str(tip.id)))
        return choices[:25]

    @app_commands.command(description="This conversation as a file, for you alone")
    @app_commands.describe(kind="Markdown to read, JSON with all branches, or a chat for SillyTavern")
    @app_commands.rename(kind="format")
    @app_commands.choices(
        kind=[
            app_commands.Choice(name="Markdown", value="markdown"),
            app_commands.Choice(name="JSON", value="json"),
            app_commands.Choice(name="SillyTavern", value="sillytavern"),
        ]
    )
    async def export(self, interaction: discord.Interaction[Bot], kind: Format) -> None:
        """Answer with the file."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        me = interaction.client.user
        bot_name = me.display_name if me is not None else "Assistant"
        limit = min(interaction.filesize_limit, MAX_BYTES)
        content = await self.archive.export(await conversation_of(interaction), kind, bot_name, limit)
        file = discord.File(io.BytesIO(content), f"{_file_name(interaction)}.{ENDINGS[kind]}")
        await interaction.followup.send("-# Here it is.", file=file, ephemeral=True)

    @app_commands.command(name="import", description="Go on from a conversation in a file; the one here is kept")
    @app_commands.describe(file="A JSON file of mine, or a chat of SillyTavern (.jsonl)")
    async def import_file(self, interaction: discord.Interaction[Bot], file: discord.Attachment) -> None:
        """Take the file's conversation in as a new branch, for all to see."""
        if file.size > MAX_BYTES:
            raise TranscriptError("size")
        await interaction.response.defer(ephemeral=True, thinking=True)
        key = await conversation_of(interaction)
        taken = await self.archive.take_in(
            key, await _fetched(file), interaction.user.id, scopes_of(interaction.channel, interaction.guild_id)
        )
        note_deed(
            interaction,
            before={"branch": taken.moved.previous},
            after={"branch": taken.moved.head, "messages": taken.messages},
        )
        hidden = f" {_counted(taken.left_out)} hidden in SillyTavern stayed out." if taken.left_out else ""
        emptied = f" This server's filter emptied {_counted(taken.emptied)}." if taken.emptied else ""
        await tell(interaction, f"-# Imported {_counted(taken.messages)}, swipes counted.{hidden}{emptied}")
        await interaction.followup.send(
            f"{interaction.user.mention} imported a conversation of {_counted(taken.messages)}. It goes on from "
            f"`{taken.moved.head}`: `{taken.moved.words}`\n{way_back(taken.moved.previous)}",
            suppress_embeds=True,
        )


def found_text(key: ConversationKey, words: str, found: Found) -> str:
    """What a search found, a line for each message."""
    if not found.messages:
        text = f"Nothing here contains all of `{one_line(words, 100)}`."
        return text if found.complete else f"{text}\n-# I looked through the newest {found.looked_through:,} messages."
    lines = [_found_line(key, words, message, found.links.get(message.id)) for message in found.messages]
    if not found.complete:
        lines.append("-# There may be more; add a word to narrow them down.")
    return "\n".join(lines)


def _found_line(key: ConversationKey, words: str, message: StoredMessage, discord_id: int | None) -> str:
    speaker = message.author_name or ("" if message.role == "user" else "me")
    text = one_line(f"{one_line(speaker, 30)}: {_around(message.content, words)}", SNIPPET_CHARACTERS)
    line = f"- <t:{int(message.created_at.timestamp())}:d> `{text}`"
    if message.private_to is not None:
        return f"{line} (private)"
    if discord_id is None:
        return line
    return f"{line} [jump](<{link_to(key.guild_id, key.channel_id, discord_id)}>)"


def _around(content: str, words: str) -> str:
    """The content from just before the first of the words."""
    line = " ".join(content.split())
    hits = [hit for word in words.split() if (hit := line.casefold().find(word.casefold())) >= 0]
    start = max(0, min(hits, default=0) - WORDS_BEFORE_A_HIT)
    return f"…{line[start:]}" if start else line


async def _fetched(file: discord.Attachment) -> bytes:
    try:
        async with asyncio.timeout(FETCH_SECONDS):
            return await file.read()
    except (discord.HTTPException, aiohttp.ClientError, OSError) as error:  # a TimeoutError is an OSError
        raise TranscriptError("unreachable") from error


def _counted(messages: int) -> str:
    return "1 message" if messages == 1 else f"{messages:,} messages"


def _file_name(interaction: discord.Interaction[Bot]) -> str:
    name = re.sub(r"[^\w-]+", "-", getattr(interaction.channel, "name", None) or "", flags=re.ASCII).strip("-")
    return f"{name or 'conversation'}-{interaction.created_at:%Y-%m-%d}"


async def setup(bot: Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    await bot.add_cog(HistoryCommands(bot))
