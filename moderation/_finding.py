"""What all that looks for something in a folded text has in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from storage import FilterAction


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a match stands for: what happens then, and what moderators call it."""

    action: FilterAction
    label: str
    filter_id: int = 0  # 0: it comes from Discord's own filter


class Found(NamedTuple):
    """A match, by its places in the folded text."""

    begin: int
    end: int
    meaning: Meaning


class Look(NamedTuple):
    """What begins before a place, for good, while more text may change what begins behind it."""

    found: Sequence[Found]
    hold: int


class Finder(Protocol):
    """Looks for something in a text that is still being written."""

    @property
    def bounded(self) -> bool:
        """Whether matches have a longest length; else nothing is known before the text ends."""

    @property
    def widest(self) -> int:
        """The longest match, with what is looked at behind it."""

    @property
    def meaning(self) -> Meaning:
        """What it stands for when it takes too long."""

    def look(self, text: str, scan: int, until: float, *, final: bool) -> Look:
        """What begins behind a place. Raises `TimeoutError` when that takes until then."""


class Excepting:
    """A finder whose matches do not count inside of what is allowed."""

    def __init__(self, finder: Finder, allowed: Sequence[Finder]) -> None:
        self._finder = finder
        self._allowed = allowed
        self._behind = max(one.widest for one in allowed)
        self.bounded = finder.bounded
        self.widest = max(finder.widest, self._behind)
        self.meaning = finder.meaning

    def look(self, text: str, scan: int, until: float, *, final: bool) -> Look:
        """What is found outside of what is allowed."""
        look = self._finder.look(text, scan, until, final=final)
        allowed = [one.look(text, max(0, scan - self._behind), until, final=final) for one in self._allowed]
        hold = max(scan, min(look.hold, *(one.hold for one in allowed)))
        spans = [(match.begin, match.end) for one in allowed for match in one.found]
        found = [
            match
            for match in look.found
            if match.begin < hold and not any(begin <= match.begin and match.end <= end for begin, end in spans)
        ]
        return Look(found, hold)
