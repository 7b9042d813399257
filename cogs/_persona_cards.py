"""How a character stands in Discord: as a card to look at, and as a line of a list."""

import asyncio
import io
from collections.abc import Callable, Sequence
from typing import Final

import discord

from chat.cards import Card, FileNote
from chat.lorebooks import MOST_ENTRIES, MOST_KEYS
from chat.persona_library import FoundPersona, Visitor
from chat.persona_preview import LONGEST_GREETING, MOST_GREETINGS, Missing, MissingKind, Preview, preview_of
from cogs._words import plain
from storage import PersonaOutline

COLOUR: Final = 0x5865F2
NOTES_CHARACTERS: Final = 1200
GREETING_CHARACTERS: Final = 1000  # what a field of an embed holds is 1,024
FIELD_CHARACTERS: Final = 1000
TAG_CHARACTERS: Final = 40
MOST_TAGS: Final = 20
MOST_NAMES: Final = 5
NAME_CHARACTERS: Final = 60
AVATAR_NAMES: Final = {"image/png": "avatar.png", "image/jpeg": "avatar.jpg"}
ADULT_MARK: Final = "🔞"

MISSING_WORDS: Final[dict[MissingKind, str]] = {
    "newer": "what is new in a later edition of character cards",
    "icons": "{count} further pictures of the character{: names}",
    "pictures": "{count} pictures for moods or backgrounds",
    "address": "{count} pictures at addresses; I fetch none",
    "linked book": "the lorebook {names}, which is not in the card",
    "long book": f"its lorebook: it has more than {MOST_ENTRIES:,} entries or {MOST_KEYS:,} keys, so I use none of it",
    "book": "its lorebook, which I cannot read",
    "decorators": "decorators in its lorebook: {names}",
    "outlets": "{count} lorebook entries for outlets; they are never in a prompt",
    "macros": "macros that I cannot read; they stay as they stand: {names}",
    "variables": "variables; what is set in one prompt is gone in the next: {names}",
    "long greetings": f"greetings over {LONGEST_GREETING:,} characters, of which I say the beginning: {{count}}",
    "many greetings": f"greetings after the first {MOST_GREETINGS}: {{count}}",
    "scripts": "scripts that change what is shown",
    "drawing": "instructions for drawing the character",
    "by meaning": "{count} lorebook entries that are found by meaning",
    "html": "HTML in its texts; it is shown as text",
    "fields": "what is no text or list where one belongs: {names}; I take it for empty, an export keeps it",
}

NOTE_WORDS: Final[dict[FileNote, str]] = {
    "broken": "One card in this file is damaged. I took another one that is in it.",
    "several": "There is more than one card in this file. I took the first, as SillyTavern does.",
    "picture": "I cannot open the picture in this file.",
}

Estimate = Callable[[str], int]


async def card_of(found: FoundPersona, estimate: Estimate) -> tuple[discord.Embed, discord.File | None]:
    """A character to look at, with its picture; the greeting that comes first is the one that is shown."""
    preview, tokens = await asyncio.to_thread(_counted, found.card, estimate)
    embed = discord.Embed(title=title_of(found), description=_notes(preview), colour=COLOUR)
    if tags := ", ".join(_cut(tag, TAG_CHARACTERS) for tag in found.card.tags[:MOST_TAGS]):
        embed.add_field(name="Tags", value=_cut(plain(tags), FIELD_CHARACTERS), inline=False)
    embed.add_field(name="Tokens, our estimate", value=_token_words(preview, tokens), inline=False)
    if preview.missing:
        lines = "\n".join(f"- {_missing_words(missing)}" for missing in preview.missing)
        embed.add_field(name="What I cannot do with it", value=_cut(lines, FIELD_CHARACTERS), inline=False)
    if greetings := found.card.greetings:
        number = min(found.outline.greeting, len(greetings) - 1)
        which = f" {number + 1} of {len(greetings)}" if len(greetings) > 1 else ""
        embed.add_field(
            name=f"Greeting{which}", value=_cut(greetings[number].strip(), GREETING_CHARACTERS), inline=False
        )
    embed.set_footer(text=_footer(found))
    return embed, _picture(found, embed)


def note_lines(found: FoundPersona) -> list[str]:
    """What there is to say about the file that a character was just read from; nothing for most."""
    return [f"-# {NOTE_WORDS[note]}" for note in found.notes]


def title_of(found: FoundPersona) -> str:
    """The name with the mark of what is for adults."""
    return plain(found.outline.name) + (f" {ADULT_MARK}" if found.outline.adult else "")


def list_line(outline: PersonaOutline, *, own: bool, speaks: bool) -> str:
    """A character in a list."""
    mark = f" {ADULT_MARK}" if outline.adult else ""
    whose = "yours" if own and outline.kind == "own" else f"of <@{outline.owner_id}>"
    kind = "" if outline.kind == "server" else f" · {whose}"
    return f"- **{plain(outline.name)}**{mark}{kind}{' · speaks here' if speaks else ''}"


def choice_name(outline: PersonaOutline, visitor: Visitor, *, alone: bool) -> str:
    """A character in a choice; whose it is, unless it is ``alone`` in having this name."""
    if alone:
        return outline.name
    if outline.kind == "server":
        return f"{outline.name[:80]} · the server's"
    return f"{outline.name[:70]} · " + ("yours" if outline.owner_id == visitor.user_id else f"of {outline.owner_id}")


def name_line(name: str | None) -> str:
    """The line above what a character says."""
    return f"**{plain(name)}**\n" if name else ""


def _counted(card: Card, estimate: Estimate) -> tuple[Preview, dict[str, int]]:
    preview = preview_of(card)
    return preview, {name: estimate(text) for name, text in preview.parts.items()}


def _notes(preview: Preview) -> str:
    notes = preview.card.creator_notes.strip()
    return _cut(notes, NOTES_CHARACTERS) if notes else "-# The creator left no notes."


def _token_words(preview: Preview, tokens: dict[str, int]) -> str:
    rows = [
        f"{name if name != 'lorebook' else f'lorebook ({preview.entries})'} **{count:,}**"
        for name, count in tokens.items()
    ]
    total = sum(count for name, count in tokens.items() if name != "lorebook")
    return _cut(f"{' · '.join(rows)}\nIn every prompt at most **{total:,}**, and what of the lorebook fires.", 1024)


def _missing_words(missing: Missing) -> str:
    words = MISSING_WORDS[missing.kind].replace("{count}", f"{missing.count:,}")
    names = names_in_words(missing.names)
    return words.replace("{: names}", f": {names}" if names else "").replace("{names}", names)


def names_in_words(names: Sequence[str]) -> str:
    """The first of some names that strangers chose, and how many more there are."""
    shown = [" ".join(_cut(name, NAME_CHARACTERS).replace("`", "'").split()) for name in names[:MOST_NAMES]]
    more = f" and {len(names) - MOST_NAMES:,} more" if len(names) > MOST_NAMES else ""
    return ", ".join(f"`{name}`" for name in shown) + more


def _footer(found: FoundPersona) -> str:
    creator = found.card.text("creator").strip()
    edition = found.card.text("character_version").strip()
    by = f" by {_cut(creator, 60)}" if creator else ""
    return f"Character card V{found.card.version}{by}" + (f", version {_cut(edition, 30)}" if edition else "")


def _picture(found: FoundPersona, embed: discord.Embed) -> discord.File | None:
    if found.avatar is None:
        return None
    name = AVATAR_NAMES.get(found.avatar.content_type, "avatar.png")
    embed.set_thumbnail(url=f"attachment://{name}")
    return discord.File(io.BytesIO(found.avatar.data), name)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
