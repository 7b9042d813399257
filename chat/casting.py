"""Who of several characters answers: the one that is called, else by chance, in turn, or nobody."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Any, Final, Literal

import regex

from chat.triggers import folded, whole_words

Order = Literal["natural", "turns", "called"]

TALKATIVENESS: Final = 0.5
"""Of a card that says nothing of it, as in SillyTavern."""

LONGEST_LOOKED_THROUGH: Final = 20_000
"""Characters in which names are looked for; who wants an answer names somebody before that."""

# A first word that calls nobody by itself: "the" stands in every other message.
_TITLES: Final = frozenset(
    (
        "a", "an", "the", "mr", "mrs", "ms", "miss", "dr", "prof", "sir", "lord", "lady", "king", "queen", "prince",
        "princess", "captain", "of", "der", "die", "das", "herr", "frau", "von", "van", "le", "la", "les", "el", "los",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Candidate:
    """A character that may be called, and how readily it speaks uncalled: from 0, never, to 1, always."""

    id: int
    names: tuple[str, ...]
    talkativeness: float = TALKATIVENESS
    barred: bool = False  # it does not speak here; who calls it is told so


@dataclass(frozen=True, slots=True)
class Choice:
    """Who answers, and whether somebody wanted just this one."""

    id: int
    called: bool = False


def choose(
    cast: Sequence[Candidate],
    order: Order,
    text: str,
    *,
    random: Random,
    last: int | None = None,
    replied_to: int | None = None,
    expected: bool = True,
) -> Choice | None:
    """Who answers what a person said, ``last`` being who spoke last and ``replied_to`` whose words it replies to.

    Nobody only if all are barred, or if an answer is not ``expected`` and they speak when called alone.
    """
    if (called := first_called(cast, text)) is None and replied_to in {candidate.id for candidate in cast}:
        called = replied_to
    if called is not None:
        return Choice(called, called=True)
    present = [candidate for candidate in cast if not candidate.barred]
    if not present:
        return None
    if order == "called":
        return Choice(_same_or_first(present, last)) if expected else None
    chosen = (
        _next(cast, last) if order == "turns" else _by_chance(present, last, random) or _anybody(present, last, random)
    )
    return None if chosen is None else Choice(chosen)


def choose_among(cast: Sequence[Candidate], order: Order, text: str, *, random: Random, last: int) -> Choice | None:
    """Who answers what one of them said, if anybody does; nobody has to."""
    present = [candidate for candidate in cast if not candidate.barred]
    others = [candidate for candidate in present if candidate.id != last]
    if (called := first_called(others, text)) is not None:
        return Choice(called, called=True)
    if order == "called" or not others:
        return None
    chosen = _next(cast, last) if order == "turns" else _by_chance(others, last, random)
    return None if chosen is None else Choice(chosen)


def first_called(cast: Sequence[Candidate], text: str) -> int | None:
    """Whose name comes first in the text as whole words; of names that begin there, the longest."""
    text = folded(text[:LONGEST_LOOKED_THROUGH])
    found = [
        (match.start(), -match.end(), place)
        for place, candidate in enumerate(cast)
        if (match := _names(candidate.names).search(text)) is not None
    ]
    return cast[min(found)[2]].id if found else None


def call_names(names: Sequence[str]) -> tuple[str, ...]:
    """What a character is called by: its names, and of longer ones the first word that is a name."""
    firsts = []
    for name in names:
        words = [word.strip(".,") for word in name.split()]
        firsts += [word for word in words if len(word) > 1 and folded(word) not in _TITLES][:1]
    return tuple(dict.fromkeys(name for name in (*names, *firsts) if name.strip()))


def talkativeness_of(extensions: Mapping[str, Any]) -> float:
    """How readily a character speaks, as its card says; some programs write it as text."""
    said = extensions.get("talkativeness")
    if isinstance(said, bool) or not isinstance(said, int | float | str):
        return TALKATIVENESS
    try:
        value = float(said)
    except (ValueError, OverflowError):
        return TALKATIVENESS
    return TALKATIVENESS if math.isnan(value) else min(max(value, 0.0), 1.0)


def _same_or_first(present: Sequence[Candidate], last: int | None) -> int:
    return next((candidate.id for candidate in present if candidate.id == last), present[0].id)


def _next(cast: Sequence[Candidate], last: int | None) -> int | None:
    """The next in the list after who spoke last; one that has left was nobody."""
    place = next((number for number, candidate in enumerate(cast) if candidate.id == last), -1)
    turned = [*cast[place + 1 :], *cast[: place + 1]]
    return next((candidate.id for candidate in turned if not candidate.barred), None)


def _by_chance(present: Sequence[Candidate], last: int | None, random: Random) -> int | None:
    """One of those whom their talkativeness lets speak now."""
    willing = [candidate.id for candidate in _others(present, last) if random.random() < candidate.talkativeness]
    return random.choice(willing) if willing else None


def _anybody(present: Sequence[Candidate], last: int | None, random: Random) -> int:
    """Somebody has to answer: one who speaks uncalled at all, if there is one."""
    others = _others(present, last)
    talkative = next((some for pool in (others, present) if (some := [c for c in pool if c.talkativeness > 0])), others)
    return random.choice(talkative).id


def _others(present: Sequence[Candidate], last: int | None) -> Sequence[Candidate]:
    """All but who spoke last, unless that one is alone."""
    return [candidate for candidate in present if candidate.id != last] or present


@lru_cache(maxsize=1000)
def _names(names: tuple[str, ...]) -> regex.Pattern[str]:
    longest_first = sorted(call_names(names), key=lambda name: (-len(folded(name)), name))
    return regex.compile("|".join(map(whole_words, longest_first)) or "(?!)", regex.VERSION1)
