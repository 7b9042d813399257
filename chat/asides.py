"""Remarks out of character, ``((like this))``, which are between people and not for the model."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

import regex

from chat._markdown import find_code
from chat._scripts import UNSPACED

# Glued to a word it is a call or a sad smiley, behind a bracket arithmetic; scripts without spaces glue everything.
_BARE: Final = regex.compile(r"\(\((?!\))")
_OPENING: Final = regex.compile(rf"(?:(?<![\w()\]\\])|(?<=[{UNSPACED}])){_BARE.pattern}")
_RUN: Final = regex.compile(r"\({2,}|\){2,}")
_PARAGRAPH: Final = regex.compile(r"\n[^\S\n]*\n")
# Deeper is no aside any more; a text of nothing but openings must not take long.
_DEEPEST: Final = 8
_WORD: Final = regex.compile(rf"\p{{L}}\p{{M}}*\p{{L}}|[{UNSPACED}]")
_CLOSING_MARK: Final = regex.compile(r"[\p{Pe}\p{Pf}.,;:!?…]")


def without_asides(text: str) -> str:
    """The text as the model gets it: asides are gone with the white space that they leave double; code is untouched.

    An aside is closed by the next ``))``, perhaps some lines on; on a line of its own it need not be closed. A text
    without asides comes back unchanged, one of nothing else as the empty string.
    """
    if "((" not in text:
        return text
    kept, done = "", 0
    for start, end in _joined(text, _Finder(text).spans()):
        kept += text[done:start]
        rest = text[end:].lstrip()
        before, after = kept[len(kept.rstrip()) :], text[end : len(text) - len(rest)]
        kept = kept.rstrip()
        if kept and rest:
            kept += _between(before, after, rest[0])
        done = len(text) - len(rest)
    return kept + text[done:]


def _joined(text: str, spans: Iterator[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans with those made one that only white space stands between."""
    joined: list[tuple[int, int]] = []
    for start, end in spans:
        if joined and not text[joined[-1][1] : start].strip():
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _between(before: str, after: str, following: str) -> str:
    """What stands for the white space on both sides of an aside: the wider of the two, with the new indentation."""
    breaks = max(before.count("\n"), after.count("\n"))
    if "\n" in after:
        return "\n" * breaks + after.rpartition("\n")[2]
    if "\n" in before:
        return before
    # "I walk ((slowly))." leaves no space, and neither does "*((slowly)) I walk*".
    return " " if before and (after or not _CLOSING_MARK.match(following)) else ""


class _Finder:
    """Reads one text from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        code = find_code(text)
        fences = [(fence.start, len(text) if fence.end is None else fence.end) for fence in code.fences]
        self._fences = fences
        self._code = sorted([*fences, *code.inline])

    def spans(self) -> Iterator[tuple[int, int]]:
        """Where asides start and end."""
        position, behind_one = 0, False
        while opening := (behind_one and _BARE.match(self._text, position)) or _OPENING.search(self._text, position):
            start = opening.start()
            end = None if self._in_code(start) else self._end(start)
            behind_one = end is not None
            if end is not None:
                yield start, end
            position = end or opening.end()

    def _in_code(self, position: int) -> bool:
        index = bisect_right(self._code, (position, len(self._text)))
        return index > 0 and position < self._code[index - 1][1]

    def _leads(self, position: int) -> bool:
        """Whether a line begins here."""
        return not self._text[self._text.rfind("\n", 0, position) + 1 : position].strip()

    def _end(self, start: int) -> int | None:
        leads = self._leads(start)
        paragraph = None if leads else _PARAGRAPH.search(self._text, start)
        closed = self._closing(start, paragraph.start() if paragraph else len(self._text))
        if closed is not None:
            return None if self._is_arithmetic(start, closed) else closed
        end = self._line_end(start)
        return end if leads and self._balanced_at(start, end) is None else None

    def _closing(self, start: int, limit: int) -> int | None:
        """Behind the parentheses that close those at ``start``; the next line that opens some gives up on them."""
        depth, last = 0, None
        for run in _RUN.finditer(self._text, start, limit):
            if self._in_code(run.start()):
                continue
            if run[0][0] == "(":
                if depth > _DEEPEST or (depth and self._leads(run.start())):
                    break
                depth += len(run[0]) // 2
            else:
                depth -= len(run[0]) // 2
                last = run.end()
                if depth <= 0:
                    return last
        return last if last is not None and last <= self._line_end(start) else None

    def _line_end(self, start: int) -> int:
        ends = [position for position, _ in self._fences if position > start]
        if (line := self._text.find("\n", start)) >= 0:
            ends.append(line)
        return min(ends, default=len(self._text))

    def _is_arithmetic(self, start: int, end: int) -> bool:
        """Whether this is like ``((a+b)*(c+d))``: no words, and the two parentheses do not close together."""
        if _WORD.search(self._text, start, end):
            return False
        inner = self._balanced_at(start + 1, end)
        return inner is not None and self._balanced_at(start, end) not in {None, inner + 1}

    def _balanced_at(self, start: int, limit: int) -> int | None:
        """Behind the parenthesis that closes the single one at ``start``."""
        depth = 0
        for position in range(start, limit):
            character = self._text[position]
            depth += (character == "(") - (character == ")")
            if depth == 0:
                return position + 1
        return None
