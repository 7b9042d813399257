"""What a card asks for that is not done here."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any, Final, Literal

from chat._greetings import LONGEST_GREETING, MOST_GREETINGS
from chat.cards import Card
from chat.errors import LorebookError
from chat.lorebooks import Lorebook, read_lorebook
from chat.persona_prompt import CARD_VALUES, PROMPT_VALUES, Profile, character_note, persona_macros

MissingKind = Literal[
    "newer", "fields", "icons", "pictures", "address", "linked book", "book", "long book", "decorators", "outlets",
    "by meaning", "macros", "variables", "long greetings", "many greetings", "scripts", "drawing", "html",
]  # fmt: skip

_HTML: Final = re.compile(r"<(?:script|style|div|img|iframe|table|details)\b", re.IGNORECASE)
_ADDRESSES: Final = ("http:", "https:", "//")
_SCRIPTS: Final = ("regex_scripts", "tavern_helper", "TavernHelper_scripts", "risuai")
_MOST_MACROS: Final = 10_000
"""That are read, which takes some tenths of a second; what stands behind them is not looked into."""

_LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that the card asks for and that is not done here; how often, or what it is called."""

    kind: MissingKind
    count: int = 1
    names: tuple[str, ...] = ()


def entries_of(card: Card) -> list[Mapping[str, Any]]:
    """The entries of its lorebook, as they stand there."""
    entries = (card.book or {}).get("entries")
    if isinstance(entries, dict):  # as in SillyTavern's own files
        entries = list(entries.values())
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def missing_in(card: Card) -> Iterator[Missing]:
    """All that it asks for in vain."""
    if card.newer:
        yield Missing("newer")
    if card.mistyped:
        yield Missing("fields", names=card.mistyped)
    yield from _of_pictures(card)
    yield from _of_lorebook(card)
    yield from _of_macros(card)
    yield from _of_greetings(card)
    scripts = [name for name in _SCRIPTS if card.extensions.get(name)]
    if scripts:
        yield Missing("scripts", len(scripts))
    if card.extensions.get("sd_character_prompt"):
        yield Missing("drawing")
    if any(_HTML.search(text) for text in (*card.greetings, card.description)):
        yield Missing("html")


def _of_pictures(card: Card) -> Iterator[Missing]:
    icons = [asset for asset in card.assets if asset.get("type") == "icon"]
    icons.sort(key=lambda asset: asset.get("name") != "main")
    if len(icons) > 1:
        names = (name for asset in icons[1:] if isinstance(name := asset.get("name"), str) and name.strip())
        yield Missing("icons", len(icons) - 1, tuple(names))
    pictures = len(card.assets) - len(icons)
    if pictures:
        yield Missing("pictures", pictures)
    addresses = [asset for asset in card.assets if str(asset.get("uri")).lstrip().casefold().startswith(_ADDRESSES)]
    if addresses:
        yield Missing("address", len(addresses))


def _of_lorebook(card: Card) -> Iterator[Missing]:
    world = card.extensions.get("world")
    if isinstance(world, str) and world.strip() and card.book is None:
        yield Missing("linked book", names=(world,))
    if not card.book:
        return
    try:
        yield from _of_entries(read_lorebook(card.book))
    except LorebookError as error:
        yield Missing("long book" if error.fault == "many" else "book")
    found = [entry for entry in entries_of(card) if _extras(entry).get("vectorized")]
    if found:
        yield Missing("by meaning", len(found))


def _of_entries(book: Lorebook) -> Iterator[Missing]:
    if book.unbuilt:
        yield Missing("decorators", names=book.unbuilt)
    if book.outlets:
        yield Missing("outlets", book.outlets)


def _of_macros(card: Card) -> Iterator[Missing]:
    """The macros that stay as they stand, and what is kept in variables, found by putting all into words once."""
    known = dict.fromkeys((*CARD_VALUES, *PROMPT_VALUES), "")
    macros = persona_macros(None, Profile("User"), now=_LONG_AGO, random=Random(0), seed="", values=known)
    left = _MOST_MACROS
    for text, also in _texts(card):
        if (left := left - text.count("{{")) < 0:
            break
        macros.expand(text, **also)
    if macros.unknown:
        yield Missing("macros", names=tuple(macros.unknown))
    if macros.variables:
        yield Missing("variables", names=macros.variables)


def _of_greetings(card: Card) -> Iterator[Missing]:
    for_groups = card.texts("group_only_greetings")
    long = sum(len(text) > LONGEST_GREETING for text in (*card.greetings, *for_groups))
    if long:
        yield Missing("long greetings", long)
    left_out = len(card.greetings) - MOST_GREETINGS
    if left_out > 0:
        yield Missing("many greetings", left_out)


def _texts(card: Card) -> Iterator[tuple[str, Mapping[str, str]]]:
    """All texts of prompts and greetings, with the macros that each knows beside those that all know."""
    for text in (card.system_prompt, card.post_history_instructions):
        yield text, {"original": ""}
    for text in (card.description, card.personality, card.scenario, card.mes_example):
        yield text, {}
    for text in (*card.greetings, *card.texts("group_only_greetings")):
        yield text, {}
    if (note := character_note(card)) is not None:
        yield note.text, {}
    for entry in entries_of(card):
        for text in _words(entry):
            yield text, {}


def _words(entry: Mapping[str, Any]) -> Iterable[str]:
    """What an entry says and looks for."""
    keys = [entry.get(name) for name in ("keys", "secondary_keys", "key", "keysecondary")]
    said = (entry.get("content"), *(word for words in keys if isinstance(words, list) for word in words))
    return (text for text in said if isinstance(text, str))


def _extras(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    extras = entry.get("extensions")
    return extras if isinstance(extras, dict) else {}
