"""How much text a pattern can take up at most, read from the pattern itself.

Only what is understood for sure is let through: anything else that regex knows (recursion, fuzzy matching, sets of
sets) is refused. What has no limit is let through and called unbounded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import regex

UNBOUNDED: Final = math.inf

_COUNT: Final = regex.compile(r"\{(?:(\d{1,4})|(\d{0,4}),(\d{0,4}))\}")
_GROUP: Final = regex.compile(r"\((?:\?(?P<kind>:|>|=|!|<=|<!|P?<[A-Za-z_]\w{0,30}>|[ims]{1,3}:))?")
_COMMENT: Final = regex.compile(r"\(\?#[^)]*\)|\(\?[ims]{1,3}\)")
_ONE_SIGN: Final = regex.compile(
    r"\\(?:[dDwWsSaefnrtv]|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|[pP](?:\{[^{}]{1,60}\}|[A-Z])|[^\w])"
)
_PLACE: Final = regex.compile(r"\\[bBAZ]")
_BACK: Final = regex.compile(r"\\[1-9]\d?|\(\?P=[A-Za-z_]\w{0,30}\)|\\X")
_SET: Final = regex.compile(r"\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\\[])*+\]", regex.DOTALL)
_DEEPEST: Final = 30


class UnknownSyntaxError(ValueError):
    """The pattern has something that is not understood here."""


@dataclass(frozen=True, slots=True)
class Reach:
    """The longest match; `looks` tells whether it also looks at what stands around it."""

    widest: float
    looks: bool


def reach(pattern: str) -> Reach:
    """How far the pattern reaches, looks ahead counted. Raises `UnknownSyntaxError`."""
    reader = _Reader(pattern)
    widest = reader.ways(0)
    if reader.place < len(pattern):
        raise UnknownSyntaxError(pattern)
    return Reach(widest, reader.looks)


class _Reader:
    """Goes through a pattern once."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self.place = 0
        self.looks = False

    def ways(self, depth: int) -> float:
        """The widest of what is divided by bars."""
        if depth > _DEEPEST:
            raise UnknownSyntaxError(self._pattern)
        widest, here = 0.0, 0.0
        while self.place < len(self._pattern) and self._pattern[self.place] != ")":
            if self._pattern[self.place] == "|":
                self.place += 1
                widest, here = max(widest, here), 0.0
            else:
                here += self._piece(depth)
        return max(widest, here)

    def _piece(self, depth: int) -> float:
        """One thing with how often it comes."""
        if self._takes(_COMMENT):
            return 0.0
        width = self._thing(depth)
        most = self._most()
        return width * most if width else 0.0

    def _thing(self, depth: int) -> float:
        if self._takes(_PLACE):
            self.looks = True
            return 1.0  # the sign that is looked at
        if self._takes(_BACK):
            return UNBOUNDED
        if self._takes(_ONE_SIGN) or self._takes(_SET):
            return 1.0
        sign = self._pattern[self.place]
        if sign == "(":
            return self._group(depth)
        if sign in "\\[*+?{":
            raise UnknownSyntaxError(self._pattern)
        self.looks |= sign in "^$"
        self.place += 1
        return 1.0

    def _group(self, depth: int) -> float:
        match = _GROUP.match(self._pattern, self.place)
        if match is None or (match["kind"] is None and self._pattern.startswith("(?", self.place)):
            raise UnknownSyntaxError(self._pattern)
        self.looks |= match["kind"] in {"=", "!", "<=", "<!"}
        self.place = match.end()
        width = self.ways(depth + 1)
        if not self._pattern.startswith(")", self.place):
            raise UnknownSyntaxError(self._pattern)
        self.place += 1
        return width

    def _most(self) -> float:
        """How often the thing before this may come."""
        sign = self._pattern[self.place : self.place + 1]
        if sign and sign in "*+?":
            self.place += 1
            most = 1.0 if sign == "?" else UNBOUNDED
        elif sign == "{":
            most = self._counted()
        else:
            return 1.0
        if self._pattern.startswith(("?", "+"), self.place):  # lazy, or never given back
            self.place += 1
        return most

    def _counted(self) -> float:
        match = _COUNT.match(self._pattern, self.place)
        if match is None:
            raise UnknownSyntaxError(self._pattern)
        self.place = match.end()
        exactly, _, most = match.groups()
        if exactly is not None:
            return float(exactly)
        return float(most) if most else UNBOUNDED

    def _takes(self, kind: regex.Pattern[str]) -> bool:
        match = kind.match(self._pattern, self.place)
        if match is not None:
            self.place = match.end()
        return match is not None
