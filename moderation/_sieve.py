"""Texts with what filters find in them taken away, also while they are still being written."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from moderation._finding import Finder, Look, Meaning
from moderation._folding import Folded, fold, has_disguise, visible
from moderation._words import is_letter

MASK: Final = "▇"

QUICK_SECONDS: Final = 0.004
"""What a look at a growing reply may take beside everything else; what takes longer is done in a thread."""

PATTERN_SECONDS: Final = 0.2
"""What a pattern may take there. After that it counts as found."""

LONGEST_WORD: Final = 200
"""Characters of a word that are held back together; more in a row are no word."""

LONG_TEXT: Final = 2_000
"""Characters that are looked through at once; longer texts, and patterns in texts as a whole, go to a thread."""


class Hit(NamedTuple):
    """What was found, by its places in the original; `late` when a pattern ran out of time instead."""

    begin: int
    end: int
    meaning: Meaning
    late: bool = False


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A text as it may be kept, and what was found in it; `blocked` if it ends where something is not allowed."""

    text: str
    blocked: bool
    hits: Sequence[Hit]


class Sieve:
    """All that is looked for in one place."""

    def __init__(self, finders: Sequence[Finder]) -> None:
        self.finders = finders
        self.bounded = all(finder.bounded for finder in finders)
        self.widest = max(finder.widest for finder in finders)

    async def review(self, text: str) -> Reviewed:
        """A text as a whole."""
        reading = Reading(self)
        kept = await reading.read(text)
        return Reviewed(kept, reading.ended, reading.hits)

    def reviewed(self, text: str) -> Reviewed:
        """The same at once, however long it takes."""
        reading = Reading(self)
        reading.take(text, final=True)
        kept = reading.settle(reading.look_patiently())
        return Reviewed(kept, reading.ended, reading.hits)


class _View:
    """The text in one of its folded forms, and how far each finder has come in it."""

    def __init__(self, sieve: Sieve, *, bare: bool = False) -> None:
        self.folded = Folded(bare=bare)
        self.scans = [0] * len(sieve.finders)

    def word_begin(self, original: int, *, final: bool) -> int:
        """The place itself, or where the word begins that it is inside of."""
        text = self.folded.text
        place = len(text) if original == self.folded.original_length else self.folded.place_of(original)
        if place == 0 or not is_letter(text[place - 1]) or (not is_letter(text[place]) if place < len(text) else final):
            return original
        lowest = max(0, place - LONGEST_WORD - 1)
        while place > lowest and is_letter(text[place - 1]):
            place -= 1
        return min(original, self.folded.begin(place))


class Reading:
    """A reply that is being written, as far as it may be shown.

    ``feed`` it piece by piece and show what it gives back. When it has ``ended``, nothing more will be shown. A match
    may begin in what stands ``before``, which was shown already.
    """

    def __init__(self, sieve: Sieve, before: str = "") -> None:
        self.ended = False
        self._sieve = sieve
        self._text = before
        self._seam = self._shown = len(before)
        self._final = False
        self._cut: int | None = None
        self._masks: list[tuple[int, int]] = []
        self._hits: list[Hit] = []
        self._given_up: set[Finder] = set()
        self._views = [_View(sieve)]
        self._views[0].folded.add(before)
        start = max(0, len(self._views[0].folded.text) - sieve.widest)
        self._views[0].scans = [start] * len(sieve.finders)
        self._undisguise(before)

    @property
    def hits(self) -> list[Hit]:
        """What was found in what is shown, and what ended it."""
        return [hit for hit in self._hits if self._cut is None or hit.begin <= self._cut]

    async def feed(self, text: str) -> str:
        """Add the next piece; returns what has become visible."""
        if self.ended or not text:
            return ""
        self.take(text)
        return await self._go_on() if self._sieve.bounded else ""

    async def finish(self) -> str:
        """End the reply; returns what was held back."""
        return "" if self.ended or self._final else await self.read("")

    async def read(self, text: str) -> str:
        """All of a text, or the last of it."""
        if len(text) > LONG_TEXT:
            await asyncio.to_thread(self.take, text, final=True)
        else:
            self.take(text, final=True)
        return await self._go_on()

    async def _go_on(self) -> str:
        if len(self._text) - self._shown <= LONG_TEXT:
            try:
                return self.settle(self._look_quickly())
            except TimeoutError:
                pass
        return self.settle(await asyncio.to_thread(self.look_patiently))

    def take(self, text: str, *, final: bool = False) -> None:
        """Add to the text without looking at it."""
        self._text += text
        self._final = final
        for view in self._views:
            view.folded.add(text, final=final)
        self._undisguise(text)

    def _undisguise(self, text: str) -> None:
        """From the first disguise on there is a second form of the text, in which nothing is disguised."""
        if len(self._views) > 1 or not has_disguise(text):
            return
        plain, bare = self._views[0], _View(self._sieve, bare=True)
        bare.folded.add(self._text, final=self._final)
        bare.scans = [bare.folded.place_of(plain.folded.begin(scan)) for scan in plain.scans]
        self._views.append(bare)

    def _look_quickly(self) -> list[list[Look]]:
        until = time.perf_counter() + QUICK_SECONDS
        return [
            [
                finder.look(view.folded.text, scan, until, final=self._final)
                for finder, scan in zip(self._sieve.finders, view.scans, strict=True)
            ]
            for view in self._views
        ]

    def look_patiently(self) -> list[list[Look]]:
        """Look at what is new, with time for each pattern; what takes too long is given up."""
        return [
            [self._one(view, finder, scan) for finder, scan in zip(self._sieve.finders, view.scans, strict=True)]
            for view in self._views
        ]

    def _one(self, view: _View, finder: Finder, scan: int) -> Look:
        if finder not in self._given_up:
            try:
                return finder.look(view.folded.text, scan, time.perf_counter() + PATTERN_SECONDS, final=self._final)
            except TimeoutError:
                self._given_up.add(finder)
                self._give_up(finder, view.folded.begin(scan))
        return Look((), len(view.folded.text))

    def _give_up(self, finder: Finder, begin: int) -> None:
        """What takes too long counts as found. Nobody knows where it is, so instead of a mask nothing is shown."""
        begin = max(begin, self._seam)
        self._hits.append(Hit(begin, len(self._text), finder.meaning, late=True))
        if finder.meaning.action != "flag":
            self._cut = begin if self._cut is None else min(begin, self._cut)

    def settle(self, looks: Sequence[Sequence[Look]]) -> str:
        """Take note of what was found; returns what has become visible."""
        limit = len(self._text)
        for view, seen in zip(self._views, looks, strict=True):
            for place, look in enumerate(seen):
                view.scans[place] = look.hold
                limit = min(limit, view.folded.begin(look.hold))
                for match in look.found:
                    self._note(view.folded.begin(match.begin), view.folded.end(match.end), match.meaning)
        if self._cut is not None and limit >= self._cut:
            limit, self.ended = self._cut, True
        return self._release(self._between_words(limit)) if limit > self._shown else ""

    def _between_words(self, limit: int) -> int:
        """The last place up to there that is not inside a word: what is shown must not end with half of one.

        Half a word can be a word that is not allowed, "cat" of "cats" for one.
        """
        place = limit
        while (before := min(view.word_begin(place, final=self._final) for view in self._views)) < place:
            place = before
        return place if limit - place <= LONGEST_WORD else limit

    def _note(self, begin: int, end: int, meaning: Meaning) -> None:
        if end <= self._seam:  # it stood there before
            return
        hit = Hit(max(begin, self._seam), end, meaning)
        if hit not in self._hits:
            self._hits.append(hit)
        if meaning.action == "block":
            self._cut = hit.begin if self._cut is None else min(hit.begin, self._cut)
        elif meaning.action == "mask":
            self._masks.append((hit.begin, end))

    def _release(self, limit: int) -> str:
        if limit <= self._shown:
            return ""
        begin, self._shown = self._shown, limit
        if not self._masks:
            return self._text[begin:limit]
        self._masks = [mask for mask in self._masks if mask[1] > begin]
        shown: list[str] = []
        place = begin
        for mask_begin, mask_end in sorted(self._masks):
            first, last = max(mask_begin, place), min(mask_end, limit)
            if first < last:
                shown += (self._text[place:first], masked(self._text[first:last]))
                place = last
        return "".join(shown) + self._text[place:limit]


def masked(text: str) -> str:
    """As many blocks as the text has signs that can be seen."""
    return "".join(sign if sign.isspace() else MASK for sign in visible(text) if sign.isspace() or fold(sign))
