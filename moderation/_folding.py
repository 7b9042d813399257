"""Text as filters compare it: without case, without signs that cannot be seen, each letter in its plain form.

What was found must be masked in the original text, so every place of the folded text knows where it came from.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from functools import lru_cache
from typing import Final

import regex

MARKUP: Final = "*_~|`"
"""Signs that Discord takes away when they format something, also in the middle of a word."""

# Signs that change nothing or only pile up on others: zero-width ones, marks of no script in particular, controls.
_NOTHING: Final = regex.compile(r"[\p{Cf}\p{DI}[\p{M}&&\p{Script=Inherited}][\p{Cc}--\s]]", regex.VERSION1)
_MARKS: Final = regex.compile(r"[\p{M}&&\p{Script=Inherited}]", regex.VERSION1)

# Runs of plain signs are taken at once; the last of them stands alone if something may sit on it.
_PIECE: Final = regex.compile(r"[\t\n\r -~]+(?![^\x00-\x7f])|\X")
_BARE_PIECE: Final = regex.compile(rf"[\t\n\r -~--[{MARKUP}]]+(?![^\x00-\x7f])|[{MARKUP}]+|\X", regex.VERSION1)
_CLUSTERS: Final = regex.compile(r"\X")
_ODD: Final = regex.compile(rf"[{MARKUP}[\p{{M}}&&\p{{Script=Inherited}}]]", regex.VERSION1)


def fold(text: str) -> str:
    """A text of which no place in the original is wanted."""
    folded = Folded()
    folded.add(text, final=True)
    return folded.text


def has_disguise(text: str) -> bool:
    """Whether something in the text may only look different from what it says: formatting, or marks on letters."""
    return _ODD.search(text) is not None


def visible(text: str) -> list[str]:
    """What a reader sees as single signs."""
    return _CLUSTERS.findall(text)


class Folded:
    """A text that comes in pieces, as it is compared.

    The last sign is not in ``text`` until something follows it or the text ends, because a mark may still be put on it.
    A ``bare`` one also lacks formatting and marks that were typed behind their letters, which hide words from readers
    of the plain one and from nobody else.
    """

    def __init__(self, *, bare: bool = False) -> None:
        self.text = ""
        self._bare = bare
        self._piece = _BARE_PIECE if bare else _PIECE
        self._waiting = ""
        self._length = 0  # of the original, without what waits
        self._places: list[int] = []  # where each piece begins here,
        self._begins: list[int] = []  # where in the original,
        self._ends: list[int] = []  # and where it ends there
        self._steps: list[int] = []  # 1 where the signs of a piece correspond one by one, else 0

    @property
    def original_length(self) -> int:
        """How much of the original is here."""
        return self._length

    def add(self, text: str, *, final: bool = False) -> None:
        """The next piece of the original."""
        text = self._waiting + text
        self._waiting = ""
        if not final:
            last = _last_sign(text)
            text, self._waiting = text[: len(text) - len(last)], last
        added: list[str] = []
        place = len(self.text)
        for piece in self._piece.findall(text):
            plain = piece.isascii() and piece[0] not in (_NOT_PLAIN_BARE if self._bare else _NOT_PLAIN)
            shown = piece.lower() if plain else _folded(piece, bare=self._bare)
            if shown:
                self._places.append(place)
                self._begins.append(self._length)
                self._ends.append(self._length + len(piece))
                self._steps.append(int(plain))
                added.append(shown)
                place += len(shown)
            self._length += len(piece)
        self.text += "".join(added)

    def begin(self, place: int) -> int:
        """Where in the original the sign begins that is at this place; behind the last one: the end."""
        if place >= len(self.text):
            return self._length
        index = bisect_right(self._places, place) - 1
        return self._begins[index] + self._steps[index] * (place - self._places[index])

    def end(self, place: int) -> int:
        """Where in the original the text before this place ends, without what cannot be seen behind it."""
        if place <= 0:
            return 0
        index = bisect_right(self._places, place - 1) - 1
        if self._steps[index]:
            return self._begins[index] + place - self._places[index]
        return self._ends[index]

    def place_of(self, original: int) -> int:
        """Where the first sign is that begins at or behind this place of the original."""
        index = bisect_right(self._begins, original) - 1
        if index < 0:
            return 0
        if self._steps[index] and original < self._ends[index]:
            return self._places[index] + original - self._begins[index]
        if original == self._begins[index]:
            return self._places[index]
        return self._places[index + 1] if index + 1 < len(self._places) else len(self.text)


def _last_sign(text: str) -> str:
    if text.isascii():
        return text[-1:]
    signs = _CLUSTERS.findall(text)
    return signs[-1] if signs else ""


@lru_cache(maxsize=8192)
def _folded(sign: str, *, bare: bool) -> str:
    if bare:
        sign = _MARKS.sub("", sign.translate(_NO_MARKUP))
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", sign).casefold())
    return _NOTHING.sub("", plain)


_NO_MARKUP: Final = str.maketrans("", "", MARKUP)
_NOT_PLAIN: Final = frozenset(map(chr, [*range(32), 127])) - set("\t\n\r")
_NOT_PLAIN_BARE: Final = _NOT_PLAIN | set(MARKUP)
