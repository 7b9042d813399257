"""Lorebooks: `/lore import`, `list`, `show`, `test`, `enable`, `disable` and `delete`."""

import io
from pathlib import PurePath
from typing import Literal

import discord
from discord import app_commands
from discord.ext import commands

from chat.attachments import Fault
from chat.context import Cast
from chat.errors import LorebookError, NoSuchLorebookError, NothingThereError
from chat.lore_library import LONGEST_NAME, MAX_FILE_BYTES, ListedBook, LoreLibrary
from chat.lorebooks import Entry, Lorebook, Scan, Verdict
from cogs._bot import Bot, tell
from cogs._deeds import note_deed
from cogs._lists import LONGEST_LIST, listed
from cogs._persona_cards import names_in_words
from cogs._places import SOURCE_WORDS, conversation_of, place_of, scopes_of
from storage import LorebookOutline, Scope

LONGEST_TEXT = 4000
LONGEST_SHOWN = 60
LONGEST_TITLE = 100  # what Discord shows in a suggestion
MOST_CHOICES = 25

Where = Literal["here", "server"]
BookName = app_commands.Range[str, 1, LONGEST_NAME]

REASONS = {
    "constant": "is always in",
    "key": "key",
    "sticky": "stays for a while",
    "kept": "stays once it fired",
    "decorator": "by its decorator",
    "disabled": "is switched off in the book",
    "character": "is for other characters",
    "delay": "the conversation is too short for it",
    "cooldown": "rests for a while",
    "later": "fires on other entries only",
    "not in recursion": "does not fire on other entries",
    "no key": "no key is there",
    "secondary": "its secondary keys say no, key",
    "excluded": "is kept out by",
    "group": "another of its group came in:",
    "probability": "chance was against it:",
    "budget": "there is no room left",
    "slow": "its pattern takes too long",
    "outlet": "is for an outlet, which is not known here",
}
WHERE = [
    app_commands.Choice(name="this channel or thread", value="here"),
    app_commands.Choice(name="the whole server", value="server"),
]


class LoreCommands(commands.GroupCog, group_name="lore", group_description="What characters know of their world"):
    """The lorebooks of a server."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self.library: LoreLibrary = bot.services.lore

    @app_commands.command(name="import", description="Take in a lorebook and let it be looked through")
    @app_commands.describe(
        file="A world-info file of SillyTavern, a lorebook_v3, or a card as JSON; up to 4 MiB",
        name="What to call it; else as in the file",
        where="Where it is looked through; the whole server is for moderators of the server",
    )
    @app_commands.choices(where=WHERE)
    async def import_file(
        self,
        interaction: discord.Interaction[Bot],
        file: discord.Attachment,
        name: BookName | None = None,
        where: Where = "here",
    ) -> None:
        """Keep the file and tell what is in it."""
        scope = await self._scope(interaction, where)
        await interaction.response.defer(ephemeral=True, thinking=True)
        data = await self.bot.talking.reader.whole(file, MAX_FILE_BYTES)
        if isinstance(data, Fault):
            raise LorebookError("large" if data is Fault.TOO_LARGE else "unreachable")
        outline, book = await self.library.take_in(
            place_of(interaction), data, scope, interaction.user.id, name=name, file_name=book_name(file.filename)
        )
        note_deed(interaction, _subject(outline, scope), after={"entries": outline.entries})
        entries = f"{outline.entries} {'entry' if outline.entries == 1 else 'entries'}"
        await tell(
            interaction,
            f"**{_escaped(outline.name)}** with {entries} is looked through in {SOURCE_WORDS[scope.kind]} from now on."
            f"{_in_vain(book)}",
        )

    @app_commands.command(name="list", description="The lorebooks that are there, and where they are looked through")
    async def list_all(self, interaction: discord.Interaction[Bot]) -> None:
        """List them privately."""
        books = await self.library.all(place_of(interaction), interaction.user.id)
        lines = [_list_line(book, interaction) for book in books]
        await tell(interaction, listed(lines) or "There are no lorebooks here. `/lore import` takes one in.")

    @app_commands.command(description="The entries of a lorebook")
    @app_commands.describe(name="The lorebook", entry="Read this entry whole; for moderators and who took the book in")
    async def show(
        self,
        interaction: discord.Interaction[Bot],
        name: BookName,
        entry: app_commands.Range[str, 1, LONGEST_TITLE] | None = None,
    ) -> None:
        """Show them, or one of them whole, privately."""
        found, book = await self.library.open(place_of(interaction), name, interaction.user.id)
        if entry is None:
            lines = [f"**{_escaped(found.outline.name)}**", *(_entry_line(entry) for entry in book.entries)]
            await tell(interaction, listed(lines, more="; `entry` shows each."))
            return
        await self.bot.services.guard.check_own("lore read", {found.outline.created_by}, interaction)
        wanted = next(iter(_entries_called(book, entry)), None)
        if wanted is None:
            raise NothingThereError("lore show")
        await _tell_whole(interaction, wanted)

    @show.autocomplete("entry")
    async def choose_entry(self, interaction: discord.Interaction[Bot], typed: str) -> list[app_commands.Choice[str]]:
        """The entries of the chosen book that have in their titles or keys what is typed."""
        try:
            _, book = await self.library.open(
                place_of(interaction), interaction.namespace.name or "", interaction.user.id
            )
        except NoSuchLorebookError:
            return []
        found = _entries_called(book, typed)[:MOST_CHOICES]
        return [app_commands.Choice(name=entry.title[:LONGEST_TITLE] or entry.id, value=entry.id) for entry in found]

    @app_commands.command(description="What would come in from lorebooks if you said this here now, and why")
    @app_commands.describe(text="What somebody might say")
    async def test(self, interaction: discord.Interaction[Bot], text: app_commands.Range[str, 1, LONGEST_TEXT]) -> None:
        """Tell it privately; nothing is said to anybody."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        cast = Cast(
            await conversation_of(interaction),
            scopes_of(interaction.channel, interaction.guild_id),
            await self.bot.talking.casting.speaking(interaction.guild_id, interaction.channel),
        )
        found = await self.library.test(cast, text, interaction.user.id, interaction.user.display_name)
        await tell(interaction, "No lorebook is looked through here." if found is None else _outcome(found))

    @app_commands.command(description="Let a lorebook be looked through")
    @app_commands.describe(name="The lorebook", where="Where; the whole server is for moderators of the server")
    @app_commands.choices(where=WHERE)
    async def enable(self, interaction: discord.Interaction[Bot], name: BookName, where: Where = "here") -> None:
        """Switch it on, for all to see."""
        await self._switch(interaction, name, where, on=True)

    @app_commands.command(description="Let a lorebook be looked through no longer")
    @app_commands.describe(name="The lorebook", where="Where; the whole server is for moderators of the server")
    @app_commands.choices(where=WHERE)
    async def disable(self, interaction: discord.Interaction[Bot], name: BookName, where: Where = "here") -> None:
        """Switch it off, for all to see."""
        await self._switch(interaction, name, where, on=False)

    @app_commands.command(description="Delete a lorebook for good, wherever it is looked through")
    @app_commands.describe(name="The lorebook")
    async def delete(self, interaction: discord.Interaction[Bot], name: BookName) -> None:
        """Forget it."""
        place = place_of(interaction)
        found = await self.library.find(place, name, interaction.user.id)
        note_deed(interaction, _subject(found.outline), before={"entries": found.outline.entries})
        await self.library.delete(place, found)
        await tell(interaction, f"**{_escaped(found.outline.name)}** is deleted.")

    async def _switch(self, interaction: discord.Interaction[Bot], name: str, where: Where, *, on: bool) -> None:
        scope, place = await self._scope(interaction, where), place_of(interaction)
        found = await self.library.find(place, name, interaction.user.id)
        note_deed(interaction, _subject(found.outline, scope), before=_switched(not on), after=_switched(on))
        await self.library.switch(place, found, scope, on=on)
        until = "from now on" if on else "no longer"
        await interaction.response.send_message(
            f"**{_escaped(found.outline.name)}** is looked through in {SOURCE_WORDS[scope.kind]} {until}."
        )

    async def _scope(self, interaction: discord.Interaction[Bot], where: Where) -> Scope:
        """Where something is to hold. Raises `RefusedError`."""
        place = place_of(interaction)
        if where == "server":
            await self.bot.services.guard.check_everywhere("lore server", interaction)
        return place.whole if where == "server" else place.here

    @show.autocomplete("name")
    @enable.autocomplete("name")
    @disable.autocomplete("name")
    @delete.autocomplete("name")
    async def choose(self, interaction: discord.Interaction[Bot], typed: str) -> list[app_commands.Choice[str]]:
        """The lorebooks that have in their names what is typed."""
        books = await self.library.all(place_of(interaction), interaction.user.id)
        found = [book.outline for book in books if typed.casefold().strip() in book.outline.name.casefold()]
        return [app_commands.Choice(name=outline.name, value=str(outline.id)) for outline in found[:MOST_CHOICES]]


def book_name(file_name: str) -> str:
    """A file's name without its ending, as a book may be called."""
    return PurePath(file_name).stem.replace("_", " ").strip()[:LONGEST_NAME]


def _subject(outline: LorebookOutline, scope: Scope | None = None) -> str:
    """What the record calls a lorebook, and where it is looked through."""
    return f"lorebook {outline.name}" + (f" in {scope.kind}:{scope.id}" if scope is not None else "")


def _switched(on: bool) -> str:
    return "on" if on else "off"


def _outcome(found: Scan) -> str:
    fired = [_verdict_line(verdict) for verdict in found.verdicts if verdict.fired]
    others = [_verdict_line(verdict) for verdict in found.verdicts if not verdict.fired]
    lines = ["**Comes in**", *fired] if fired else ["Nothing comes in."]
    if others:
        lines += ["**Stays out**", *others]
    return listed([*lines, "-# Entries of which no key is there are not listed."])


def _verdict_line(verdict: Verdict) -> str:
    detail = f" `{_code(verdict.detail)}`" if verdict.detail else ""
    line = f"- **{_escaped(verdict.source.entry.title[:LONGEST_SHOWN])}** · {REASONS[verdict.why]}{detail}"
    if verdict.passage:
        line += " · through another entry"
    return f"{line} · about {verdict.tokens:,} tokens" if verdict.fired else line


def _in_vain(book: Lorebook) -> str:
    """What a file has that is not done here, as lines behind others."""
    lines = []
    if book.skipped:
        lines.append(f"{book.skipped} things in the file are no entries.")
    if book.unbuilt:
        lines.append(f"I do not follow these decorators: {names_in_words(book.unbuilt)}.")
    if book.outlets:
        lines.append(f"Entries for an outlet, which are never in a prompt: {book.outlets}.")
    return "".join(f"\n-# {line}" for line in lines)


def _list_line(book: ListedBook, interaction: discord.Interaction[Bot]) -> str:
    on = ", ".join(_place_words(scope) for scope in book.places) or "nowhere"
    return f"- **{_escaped(book.outline.name)}** · {book.outline.entries} entries · {on}"


def _place_words(scope: Scope) -> str:
    return f"<#{scope.id}>" if scope.kind in {"channel", "thread"} else SOURCE_WORDS[scope.kind]


def _entry_line(entry: Entry) -> str:
    keys = ", ".join(f"`{_code(key.text)}`" for key in entry.keys[:5]) or ("always" if entry.constant else "no keys")
    more = f" and {len(entry.keys) - 5} more" if len(entry.keys) > 5 else ""
    off = "" if entry.enabled else " · off"
    return f"- {_escaped(entry.title[:LONGEST_SHOWN])} · {'always' if entry.constant else keys + more}{off}"


def _entries_called(book: Lorebook, typed: str) -> list[Entry]:
    """The entry of this id, then those of this title, then those that have it in their titles or keys."""
    typed = " ".join(typed.split()).casefold()
    named = [(entry, "\n".join((entry.title, *(key.text for key in entry.keys))).casefold()) for entry in book.entries]
    found = [entry for entry in book.entries if entry.id.casefold() == typed]
    found += [entry for entry in book.entries if entry.title.casefold() == typed]
    found += [entry for entry, names in named if typed in names]
    return list({entry.id: entry for entry in found}.values())


async def _tell_whole(interaction: discord.Interaction[Bot], entry: Entry) -> None:
    """Its keys and its content, as a file where that is long."""
    line, content = _entry_line(entry), _escaped(entry.content)
    if len(line) + len(content) < LONGEST_LIST:
        await tell(interaction, f"{line}\n{content}")
    else:
        await tell(interaction, line, file=discord.File(io.BytesIO(entry.content.encode()), "entry.txt"))


def _escaped(text: str) -> str:
    return discord.utils.escape_mentions(discord.utils.escape_markdown(text))


def _code(text: str) -> str:
    return " ".join(text.replace("`", "'").split())[:LONGEST_SHOWN]


async def setup(bot: Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    await bot.add_cog(LoreCommands(bot))
