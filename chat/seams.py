"""Joins the continuation of a reply to what stands there already.

Models begin a continuation anywhere: in the middle of a word, with a line break, with an ellipsis, or by saying once
more what they said last.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import regex

from chat._joints import Joint, ends_sentence
from chat._markdown import find_code
from chat._scripts import UNSPACED

LONGEST_REPEAT: Final = 4000
"""So many characters are held back at most while they only repeat what stands there: two messages of Discord."""

# What chance alone makes rarely: a repetition of at least so many characters, those of unspaced scripts counted twice.
_SURE_REPEAT: Final = 12
# Everything said a second time, even where it does not reach the end: the model began its reply anew.
_RESTART: Final = 40
_OPENER: Final = regex.compile(r"```[A-Za-z0-9_+\-.#]{1,30}[ \t]{0,4}\n")
_UNSPACED: Final = regex.compile(rf"[{UNSPACED}]")


@dataclass(frozen=True, slots=True)
class _Beginning:
    """The text read so far: the white space in front, and the rest."""

    space: str
    body: str
    spaced: bool = False  # the white space was in the text
    repeats: bool = False  # what came before the body stands at the end already


class Seam:
    """Takes a continuation piece by piece and gives back what is to be appended to ``before`` exactly as it stands.

    ``cut`` says that ``before`` ended at its length limit and may stop in the middle of a word. Only the beginning is
    held back: a few characters, or what repeats the text before; from then on everything comes through unchanged.
    """

    def __init__(self, before: str, *, cut: bool) -> None:
        code = find_code(before)
        self._in_fence = bool(code.fences) and code.fences[-1].end is None
        self._joint = Joint(before, code, cut=cut)
        self._standing = _squeezed(before).rstrip()
        self._drops_ellipsis = not self._in_fence and (
            before.rstrip().endswith(("…", "...")) or not ends_sentence(before)
        )
        self._held = ""
        self._joined = not before.strip()

    def feed(self, text: str) -> str:
        """Add the next piece; returns what is to be appended now."""
        return self._run(text, final=False)

    def finish(self) -> str:
        """End the continuation; returns what was held back."""
        return self._run("", final=True)

    def _run(self, text: str, *, final: bool) -> str:
        if self._joined:
            return text
        self._held += text
        # Beyond the limit nothing is looked at, so that the result does not depend on how the text arrives.
        window, rest = self._held[:LONGEST_REPEAT], self._held[LONGEST_REPEAT:]
        full = len(window) == LONGEST_REPEAT
        beginning = self._read(window, final=final or full)
        if beginning is None:
            return ""
        self._joined, self._held = True, ""
        if final and not full and self._is_restart(beginning.body):
            return ""
        return self._joint.join(beginning.space, beginning.body, repeats=beginning.repeats) + rest

    def _read(self, text: str, *, final: bool) -> _Beginning | None:
        """The beginning without what is dropped; None while more must be known."""
        beginning = _parted(text)
        for drop in (self._without_opener, self._without_ellipsis, self._without_repeat):
            found = drop(beginning, final=final)
            if found is None:
                return None
            beginning = found
        waits = not beginning.body or (not beginning.repeats and self._joint.waits(beginning.body))
        return None if waits and not final else beginning

    def _without_opener(self, text: _Beginning, *, final: bool) -> _Beginning | None:
        """In an open fence another opening means the same fence; three backticks alone close it."""
        if not self._in_fence:
            return text
        opener = _OPENER.match(text.body, partial=not final)
        if opener is None:
            return text
        # What follows is a line of its own, with its indentation.
        return None if opener.partial else _Beginning("\n", text.body[opener.end() :])

    def _without_ellipsis(self, text: _Beginning, *, final: bool) -> _Beginning | None:
        """An ellipsis in front only says that a sentence goes on."""
        after = text.body.lstrip(".…")
        dots = text.body[: len(text.body) - len(after)]
        if not self._drops_ellipsis or not dots:
            return text
        if not after.strip():
            return text if final else None
        if "…" not in dots and len(dots) < len("..."):
            return text
        rest = _parted(after)
        return _Beginning(next((space for space in (text.space, rest.space) if "\n" in space), " "), rest.body)

    def _without_repeat(self, text: _Beginning, *, final: bool) -> _Beginning | None:
        squeezed = _squeezed(text.body)
        if not final and squeezed in self._standing:  # it may still reach the end, or reach further than that
            return None
        for length in range(min(len(squeezed), len(self._standing)), 0, -1):
            if self._standing.endswith(squeezed[:length]) and self._is_sensible(squeezed, length, spaced=text.spaced):
                rest = _parted(text.body[_raw_length(text.body, length) :])
                return _Beginning(rest.space, rest.body, repeats=True)
        return text

    def _is_sensible(self, text: str, length: int, *, spaced: bool) -> bool:
        """Whether so much in common is no chance."""
        common, following = text[:length], text[length : length + 1]
        if length + len(_UNSPACED.findall(common)) >= _SURE_REPEAT:
            return True
        # In front of a new word stands white space: "very" and " very good".
        if spaced or not any(map(str.isalnum, common)) or _UNSPACED.search(common):
            return False
        if length == 1 and following.isalnum():  # "a" and "again"
            return False
        start = len(self._standing) - length
        return start == 0 or not self._standing[start - 1].isalnum()

    def _is_restart(self, text: str) -> bool:
        squeezed = _squeezed(text).strip()
        return len(squeezed) >= _RESTART and squeezed in self._standing


def _parted(text: str) -> _Beginning:
    body = text.lstrip()
    return _Beginning(text[: len(text) - len(body)], body, spaced=len(body) < len(text))


def _squeezed(text: str) -> str:
    """The text with every run of white space as one space."""
    squeezed = " ".join(text.split())
    return squeezed + " " if squeezed and text[-1].isspace() else squeezed


def _raw_length(text: str, squeezed_length: int) -> int:
    """How much of a text makes up so much of its squeezed form; the text begins with no white space."""
    position = 0
    for _ in range(squeezed_length):
        position += 1
        if text[position - 1].isspace():
            position += len(text[position:]) - len(text[position:].lstrip())
    return position
