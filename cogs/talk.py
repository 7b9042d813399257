"""Talking with the bot: messages, `/chat`, `/complete`, and what people do to their turns."""

import asyncio
import contextlib

import discord
from discord import app_commands
from discord.ext import commands

from chat.branches import short_id
from chat.errors import AdultPersonaError, BusyConversationError, NothingThereError
from cogs._bot import Bot, tell
from cogs._controls import CONTROLS, RestoreControl, view_of
from cogs._deeds import note_deed
from cogs._following import Following
from cogs._places import conversation_of, is_age_restricted
from cogs._posts import quietly
from cogs._proxies import Proxies
from cogs._replies import Replies
from cogs._talking import Talking
from cogs._voices import Voices

UNDONE_REACTION = "↩️"
LONGEST_PROMPT = 6000  # what Discord lets a person type into one option


class Talk(commands.Cog):
    """The conversation itself."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self.talking: Talking = bot.talking
        self.proxies = Proxies(bot)
        self.talking.author_of = self.proxies.author_of
        self.following = bot.following = Following(bot, self.proxies)

    async def cog_unload(self) -> None:
        """Take away what was only to stand for a moment."""
        self.proxies.close()
        await self.talking.close()
        await self.bot.voices.close()

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        """Answer what is said to the bot."""
        with self.talking.sources.watch(message):
            await self._hear(await self.proxies.heard(message))

    @commands.Cog.listener()
    async def on_webhooks_update(self, channel: discord.abc.GuildChannel) -> None:
        """Look again which webhooks there are, when a persona is to speak."""
        self.bot.voices.webhooks.changed(channel.id)

    @commands.Cog.listener()
    async def on_guild_channel_update(self, before: discord.abc.GuildChannel, after: discord.abc.GuildChannel) -> None:
        """Characters for adults fall silent where everybody may read from now on."""
        if is_age_restricted(before) and not is_age_restricted(after):
            self.bot.replies.ratings.stop_adults(after.id)

    @commands.Cog.listener()
    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        """The history follows edits."""
        await self.following.edited(payload.guild_id, payload.message)

    @commands.Cog.listener()
    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        """A deleted message leaves the history."""
        await self.following.deleted(payload.guild_id, payload.channel_id, payload.message_id)

    @commands.Cog.listener()
    async def on_raw_bulk_message_delete(self, payload: discord.RawBulkMessageDeleteEvent) -> None:
        """So do messages that a moderator cleared away together."""
        for message_id in payload.message_ids:
            await self.following.deleted(payload.guild_id, payload.channel_id, message_id)

    @commands.Cog.listener("on_raw_message_delete")
    async def hear_instead(self, payload: discord.RawMessageDeleteEvent) -> None:
        """A proxy bot may have said it already."""
        await self._hear(await self.proxies.deleted(payload.channel_id, payload.message_id))

    async def _hear(self, message: discord.Message | None) -> None:
        if message is not None:
            await self.talking.hear(message)

    @app_commands.command(description="Say something to the bot")
    @app_commands.describe(
        message="What you want to say",
        attachment="A text file to read, or a picture",
        private="Only you see the question and the answer",
    )
    async def chat(
        self,
        interaction: discord.Interaction[Bot],
        message: app_commands.Range[str, 1, LONGEST_PROMPT],
        attachment: discord.Attachment | None = None,
        private: bool = False,
    ) -> None:
        """Answer in the channel, or privately."""
        await self.talking.answer_command(interaction, message, attachment=attachment, private=private)

    @app_commands.command(description="Let a model go on from a text, without any conversation")
    @app_commands.describe(
        prompt="The text to go on from",
        model="Which model; else the channel's",
        max_tokens="The longest reply, in tokens",
    )
    async def complete(
        self,
        interaction: discord.Interaction[Bot],
        prompt: app_commands.Range[str, 1, LONGEST_PROMPT],
        model: str | None = None,
        max_tokens: app_commands.Range[int, 1, 4096] | None = None,
    ) -> None:
        """Stream a text completion."""
        if model is not None:
            model = await interaction.client.services.catalogue.find(model)
        await self.talking.complete(interaction, prompt, model, max_tokens)

    @complete.autocomplete("model")
    async def complete_model(self, interaction: discord.Interaction[Bot], typed: str) -> list[app_commands.Choice[str]]:
        """Models whose names match what is typed."""
        return model_choices(interaction, typed)

    @app_commands.command(description="Stop the reply that is being written here")
    async def stop(self, interaction: discord.Interaction[Bot]) -> None:
        """Stop one's own replies; moderators stop all of the channel."""
        services = interaction.client.services
        answers = services.conversations.answers_in(interaction.guild_id, interaction.channel_id or 0)
        own = [answer for answer in answers if interaction.user.id in answer.asker_ids | {answer.asker_id}]
        if not answers:
            raise NothingThereError("stop")
        if not own:
            await services.guard.check_own("stop", frozenset(), interaction)
        note_deed(interaction, before={"replies": len(own or answers)})
        for answer in own or answers:
            answer.stop()
        await tell(interaction, "-# Stopped.")

    @app_commands.command(description="Take back the last turn: your message and the reply")
    async def undo(self, interaction: discord.Interaction[Bot]) -> None:
        """Remove the reply, mark the question, and go on from before it."""
        services = interaction.client.services
        key = await conversation_of(interaction)
        if await services.storage.history.head(key) is None:
            raise NothingThereError("undo")
        await services.guard.check_own("undo", await services.turns.last_askers(key), interaction)
        await interaction.response.defer(ephemeral=True, thinking=True)
        undone = await services.turns.undo(key, self.bot.replies.ratings.going_back(key, interaction.channel))
        askers = " ".join(f"user:{i}" for i in dict.fromkeys(said.author_id for said in undone.user_messages) if i)
        note_deed(
            interaction,
            f"{askers} channel:{key.channel_id}".strip(),
            before={"messages": len(undone.user_messages) + 1},
        )
        channel = self.bot.get_partial_messageable(key.channel_id, guild_id=key.guild_id)
        for message_id in undone.reply_discord_ids:
            # A message that somebody deletes is forgotten; what is only taken back stays in the tree.
            await services.storage.history.unlink_discord(message_id)
        await asyncio.gather(
            *(quietly(self.bot.voices.delete(key.guild_id, key.channel_id, i)) for i in undone.reply_discord_ids),
            *(quietly(channel.get_partial_message(i).add_reaction(UNDONE_REACTION)) for i in undone.user_discord_ids),
        )
        await interaction.edit_original_response(content="-# The last turn is taken back.")
        await self.bot.replies.dress(key)

    @app_commands.command(description="Begin a new conversation here; the old one is kept")
    async def reset(self, interaction: discord.Interaction[Bot]) -> None:
        """Post a divider from which the old conversation can be restored."""
        services = interaction.client.services
        key = await conversation_of(interaction)
        await services.guard.check_own("reset", {key.owner_id}, interaction)
        if await services.storage.history.head(key) is None:
            raise NothingThereError("reset")
        await interaction.response.defer(thinking=True)  # a reply that is being written is ended first
        previous = await services.turns.reset(key)
        note_deed(interaction, before={"branch": short_id(previous)})
        whose = f" for {interaction.user.mention}" if key.owner_id else ""
        await interaction.edit_original_response(
            content=f"**New conversation{whose}.** I no longer see what was said above; it is kept.",
            view=view_of(RestoreControl(previous, key.owner_id)),
        )
        await self.bot.replies.dress_left(key, previous)
        with contextlib.suppress(AdultPersonaError, BusyConversationError):  # who speaks now begins the conversation
            persona = await self.talking.casting.speaking(interaction.guild_id, interaction.channel)
            if persona is not None:
                await self.bot.replies.greet_again(interaction, key, persona)


def model_choices(interaction: discord.Interaction[Bot], typed: str) -> list[app_commands.Choice[str]]:
    """Autocomplete from the list of models."""
    names = interaction.client.services.catalogue.search(typed)
    return [app_commands.Choice(name=name[:100], value=name[:100]) for name in names]


async def setup(bot: Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    bot.voices = Voices(bot)
    bot.talking = Talking(bot, bot.pace)
    bot.replies = Replies(bot, bot.pace)
    bot.add_dynamic_items(*CONTROLS)
    await bot.add_cog(Talk(bot))
