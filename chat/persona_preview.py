"""What a person sees of a card before it is taken in: its parts with their length, and what it asks for in vain."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from chat._card_wishes import Missing, MissingKind, entries_of, missing_in
from chat._greetings import LONGEST_GREETING, MOST_GREETINGS
from chat.cards import Card
from chat.persona_prompt import character_note

__all__ = [
    "LONGEST_GREETING",
    "MOST_GREETINGS",
    "Missing",
    "MissingKind",
    "Preview",
    "adult_tags",
    "is_adult",
    "preview_of",
]

# Between these there is no letter and no digit. What people write between the letters to hide a word does not hide it.
_ADULT: Final = re.compile(
    r"""(?:^|[\W_])(?:
        n[\W_]*s[\W_]*f[\W_]*[wl] | (?:not|non?|un)[\W_]*(?:sfw|safe\sfor\swork)
        | (?<!young[\W_])adults?(?:[\W_]only)? | mature
        | (?:r[\W_]?)?18\s?(?:\+|plus) | \+\s?18 | r[\W_]?18g? | over\s18 | rated[\W_](?:x|r) | [xr][\W_]rated | xxx
        | rule\s?34 | r34 | uncensored | explicit | spicy | steamy | lewds? | erp | (?:h[\W_])?ecchi | hentai | yiff
        | porn\w* | smut\w* | erotic\w* | sexy? | sexual\w* | kink\w* | fetish\w* | bdsm | bondage | cnc
        | nud(?:e|es|ity|ist) | naked | futa(?:nari)? | milfs? | dilfs? | (?:fem|male)dom | dominatrix | ahegao
        | incest\w* | (?:non|dub)[\W_]?con | gangbang | orgy | fuck\w* | slut\w* | cum | vore
        | (?:loli|shota)(?:con)? | dead[\W_]dove
    )(?:$|[\W_])|\N{NO ONE UNDER EIGHTEEN SYMBOL}""",
    re.IGNORECASE | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Preview:
    """A card for people to look at; `parts` are the texts that go into prompts, by the names of the parts."""

    card: Card
    parts: Mapping[str, str]
    entries: int
    missing: tuple[Missing, ...]


def preview_of(card: Card) -> Preview:
    """What there is to see of a card."""
    entries, note = entries_of(card), character_note(card)
    texts = {
        "system prompt": card.system_prompt,
        "description": card.description,
        "personality": card.personality,
        "scenario": card.scenario,
        "examples": card.mes_example,
        "greeting": card.first_mes,
        "character's note": note.text if note is not None else "",
        "after the history": card.post_history_instructions,
        "lorebook": "\n".join(text for entry in entries if isinstance(text := entry.get("content"), str)),
    }
    parts = {name: text for name, text in texts.items() if text.strip()}
    return Preview(card, parts, len(entries), tuple(missing_in(card)))


def is_adult(card: Card) -> bool:
    """Whether the card's tags say that it is for adults, also those beside its data, for older programs."""
    return bool(adult_tags(card))


def adult_tags(card: Card) -> frozenset[str]:
    """The tags that say so."""
    tags = (_plainly(tag).strip().casefold() for tag in (*_tags(card.data), *_tags(card.content)))
    return frozenset(tag for tag in tags if _ADULT.search(tag))


def _tags(fields: Mapping[str, Any]) -> list[str]:
    """The tags, also of a card that has them in one text."""
    tags = fields.get("tags")
    if isinstance(tags, str):
        return tags.split(",")
    return [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []


def _plainly(tag: str) -> str:
    """A tag without signs that cannot be seen, and with those that only look special as what they look like."""
    return "".join(sign for sign in unicodedata.normalize("NFKC", tag) if unicodedata.category(sign) != "Cf")
