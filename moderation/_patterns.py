"""Patterns that moderators write, looked for in a folded text under a limit of time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

import regex

from moderation._finding import Found, Look, Meaning
from moderation._pattern_syntax import UnknownSyntaxError, reach
from moderation.errors import PatternError
from patterns import repeats_too_much

LONGEST_PATTERN: Final = 260
"""Characters, as many as Discord's own filter takes."""

WIDEST_MATCH: Final = 200
"""Signs of a match. While a reply is written so many are held back at most; what may be longer is waited for whole."""

SHORTEST_SECONDS: Final = 0.001


class Pattern:
    """One pattern. Raises `PatternError` when it is none."""

    def __init__(self, written: str, meaning: Meaning) -> None:
        self.meaning = meaning
        self._pattern = compiled(written)
        found = reach(written)
        self.bounded = found.widest <= WIDEST_MATCH
        self.widest = int(found.widest) + 1 if self.bounded else WIDEST_MATCH  # with what is looked at behind it
        self._plain = not found.looks  # then partial matches tell what may still become one

    def look(self, text: str, scan: int, until: float, *, final: bool) -> Look:
        """What is found. Raises `TimeoutError` when that is not known at a time of `time.perf_counter`."""
        if not (final or self.bounded):
            return Look([], scan)
        found = list(self._all(text, scan, until))
        if final:
            return Look(found, len(text))
        safe = max(scan, len(text) - self.widest)
        if not self._plain or any(match.begin >= safe for match in found):
            return Look([match for match in found if match.begin < safe], safe)
        begun = self._pattern.search(text, safe, partial=True, concurrent=True, timeout=_left(until))
        return Look(found, len(text) if begun is None else begun.start())

    def _all(self, text: str, scan: int, until: float) -> Iterator[Found]:
        match = self._pattern.search(text, scan, concurrent=True, timeout=_left(until))
        while match is not None:
            if match.end() > match.start():
                yield Found(match.start(), match.end(), self.meaning)
            if match.start() >= len(text):
                return
            match = self._pattern.search(text, match.start() + 1, concurrent=True, timeout=_left(until))


def compiled(written: str) -> regex.Pattern[str]:
    """The pattern, ready to search. Raises `PatternError`."""
    if len(written) > LONGEST_PATTERN:
        raise PatternError("long")
    if repeats_too_much(written):
        raise PatternError("repeats")
    try:
        reach(written)
        pattern = regex.compile(written, regex.IGNORECASE | regex.VERSION0, cache_pattern=False)
        empty = pattern.fullmatch("", timeout=0.1) is not None
    except UnknownSyntaxError:
        raise PatternError("syntax") from None
    except Exception:  # noqa: BLE001 - a stranger's pattern makes the compiler fail in more ways than it documents
        raise PatternError("syntax") from None
    if empty:
        raise PatternError("empty")
    return pattern


def _left(until: float) -> float:
    left = until - time.perf_counter()
    if left <= 0:
        raise TimeoutError
    return max(left, SHORTEST_SECONDS)
