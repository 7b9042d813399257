"""What a person sees of a card before it is taken in: its parts with their length, and what it asks for in vain."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from chat.cards import Card
from chat.errors import LorebookError
from chat.lorebooks import read_lorebook

MissingKind = Literal[
    "newer",
    "pictures",
    "address",
    "linked book",
    "book",
    "long book",
    "scripts",
    "drawing",
    "by meaning",
    "html",
    "fields",
]

# Between these there is no letter and no digit. What people write between the letters to hide a word does not hide it.
_ADULT: Final = re.compile(
    r"""(?:^|[\W_])(?:
        n[\W_]*s[\W_]*f[\W_]*[wl] | not\ssafe\sfor\swork
        | (?<!young[\W_])adults?(?:[\W_]only)?
        | (?:r[\W_]?)?18\s?\+ | \+\s?18 | r[\W_]?18g? | over\s18 | rated[\W_]x | x[\W_]rated | xxx
        | porn\w* | smut\w* | erotic\w* | erp | hentai | lewd | explicit | sexual\scontent
    )(?:$|[\W_])|\N{NO ONE UNDER EIGHTEEN SYMBOL}""",
    re.IGNORECASE | re.VERBOSE,
)
_HTML: Final = re.compile(r"<(?:script|style|div|img|iframe|table|details)\b", re.IGNORECASE)
_ADDRESSES: Final = ("http:", "https:", "//")
_SCRIPTS: Final = ("regex_scripts", "tavern_helper", "TavernHelper_scripts", "risuai")


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that the card asks for and that is not done here; how often, or what it is called."""

    kind: MissingKind
    count: int = 1
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """A card for people to look at; `parts` are the texts that go into prompts, by the names of the parts."""

    card: Card
    parts: Mapping[str, str]
    entries: int
    missing: tuple[Missing, ...]


def preview_of(card: Card) -> Preview:
    """What there is to see of a card."""
    entries = _entries(card)
    texts = {
        "system prompt": card.system_prompt,
        "description": card.description,
        "personality": card.personality,
        "scenario": card.scenario,
        "examples": card.mes_example,
        "greeting": card.first_mes,
        "character's note": _note(card),
        "after the history": card.post_history_instructions,
        "lorebook": "\n".join(text for entry in entries if isinstance(text := entry.get("content"), str)),
    }
    parts = {name: text for name, text in texts.items() if text.strip()}
    return Preview(card, parts, len(entries), tuple(_missing(card, entries)))


def is_adult(card: Card) -> bool:
    """Whether the card's tags say that it is for adults, also those beside its data, for older programs."""
    return any(_ADULT.search(_plainly(tag)) for tag in (*_tags(card.data), *_tags(card.content)))


def _tags(fields: Mapping[str, Any]) -> list[str]:
    """The tags, also of a card that has them in one text."""
    tags = fields.get("tags")
    if isinstance(tags, str):
        return tags.split(",")
    return [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []


def _plainly(tag: str) -> str:
    """A tag without signs that cannot be seen, and with those that only look special as what they look like."""
    return "".join(sign for sign in unicodedata.normalize("NFKC", tag) if unicodedata.category(sign) != "Cf")


def _note(card: Card) -> str:
    found = card.extensions.get("depth_prompt")
    text = found.get("prompt") if isinstance(found, dict) else None
    return text if isinstance(text, str) else ""


def _entries(card: Card) -> list[Mapping[str, Any]]:
    entries = (card.book or {}).get("entries")
    if isinstance(entries, dict):  # as in SillyTavern's own files
        entries = list(entries.values())
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _missing(card: Card, entries: Iterable[Mapping[str, Any]]) -> Iterable[Missing]:
    if card.newer:
        yield Missing("newer")
    if card.mistyped:
        yield Missing("fields", names=card.mistyped)
    yield from _missing_pictures(card)
    world = card.extensions.get("world")
    if isinstance(world, str) and world.strip() and card.book is None:
        yield Missing("linked book", names=(world,))
    if (fault := _book_fault(card)) is not None:
        yield fault
    scripts = [name for name in _SCRIPTS if card.extensions.get(name)]
    if scripts:
        yield Missing("scripts", len(scripts))
    if card.extensions.get("sd_character_prompt"):
        yield Missing("drawing")
    found = [entry for entry in entries if _extras(entry).get("vectorized")]
    if found:
        yield Missing("by meaning", len(found))
    if any(_HTML.search(text) for text in (*card.greetings, card.description)):
        yield Missing("html")


def _missing_pictures(card: Card) -> Iterable[Missing]:
    pictures = [asset for asset in card.assets if asset.get("type") != "icon"]
    if pictures:
        yield Missing("pictures", len(pictures))
    addresses = [asset for asset in card.assets if str(asset.get("uri")).lstrip().casefold().startswith(_ADDRESSES)]
    if addresses:
        yield Missing("address", len(addresses))


def _book_fault(card: Card) -> Missing | None:
    """Why nothing of the card's lorebook will be looked through, if that is so."""
    if not card.book:
        return None
    try:
        read_lorebook(card.book)
    except LorebookError as error:
        return Missing("long book" if error.fault == "many" else "book")
    return None


def _extras(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    extras = entry.get("extensions")
    return extras if isinstance(extras, dict) else {}
