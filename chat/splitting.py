"""A growing reply as messages that Discord accepts.

Only the last part can still change: those before it have been posted and are never touched again, and a later part
never makes an earlier one disappear.
"""

from __future__ import annotations

from typing import Final

import regex

from chat._boundaries import EXTENDS_CLUSTER, choose_cut
from chat._markdown import FENCE, Fence, find_code
from chat.links import neutralise

MESSAGE_LIMIT: Final = 2000
"""Characters in one Discord message."""

_CLOSING = "\n" + FENCE
# Below this a reopened and closed fence would leave no room for text.
_SMALLEST_LIMIT = 20

# White space in front of a part is dropped; in code only whole blank lines, because indentation means something.
_LEADING_PROSE = regex.compile(rf"\A(?:\s(?!{EXTENDS_CLUSTER}))++")
_LEADING_CODE = regex.compile(r"\A(?:[^\S\n]*+\n)++")
# One or two backticks alone in the last line of open code: most likely a closing fence that is still arriving.
_ARRIVING_FENCE = regex.compile(r"(?:\A|\n)[ \t]*+(`{1,2})\Z")
_VISIBLE = regex.compile(r"\S")


class ReplyParts:
    """Splits a reply while it arrives; the result does not depend on how the text was cut into pieces."""

    def __init__(self, limit: int = MESSAGE_LIMIT, *, neutral_links: bool = False) -> None:
        if limit < _SMALLEST_LIMIT:
            raise ValueError(f"limit must be at least {_SMALLEST_LIMIT}")
        self._limit = limit
        self._neutral_links = neutral_links
        self._frozen: list[str] = []
        self._raw = ""  # what the last part shows, as it came
        self._length = 0  # of all that came
        self._ranges: list[tuple[int, int]] = []  # where the frozen parts stand in it
        self._language: str | None = None  # of the block that the last part reopens
        # So much white space in a row is a boundary in itself; it must not pile up in memory.
        self._desert = regex.compile(rf"\s{{{limit + 1}}}")

    @property
    def parts(self) -> list[str]:
        """The messages as they are to be shown now, each of 1 to ``limit`` characters and never blank."""
        last = self._shown(self._raw)
        return [*self._frozen, last] if last else list(self._frozen)

    @property
    def ranges(self) -> list[tuple[int, int]]:
        """For each of the parts, where its words begin and end in all that was appended."""
        text = self._raw.rstrip()
        start = self._length - len(self._raw)
        return [*self._ranges, *([(start, start + len(text))] if self._shown(self._raw) else [])]

    def append(self, text: str) -> None:
        """Add the next piece of the reply."""
        for start in range(0, len(text), self._limit):
            piece = text[start : start + self._limit]
            self._raw += piece
            self._length += len(piece)
            self._trim_start()
            while (end := self._overflow()) is not None:
                self._cut(end)
                self._trim_start()

    def with_suffix(self, suffix: str) -> list[str]:
        """The parts with a short note at the end of the last one, or in a part of its own when it does not fit."""
        parts = self.parts
        if parts and len(parts[-1]) + len(suffix) <= self._limit:
            parts[-1] += suffix
            return parts
        return parts + split(suffix, self._limit)

    def _trim_start(self) -> None:
        """Drop white space in front of the part, and a fence that would be reopened only to be closed."""
        visible = self._raw.lstrip()
        if self._language is not None and visible.startswith(FENCE):
            # The fence added at the end of the part before stands for this one.
            self._raw = visible = visible[len(FENCE) :]
            self._language = None
        if visible.strip():
            leading = _LEADING_PROSE if self._language is None else _LEADING_CODE
            self._raw = leading.sub("", self._raw)

    def _overflow(self) -> int | None:
        """The length of the shortest beginning that no longer fits one message, None while everything fits."""
        links = self._raw.count("://") if self._neutral_links else 0
        safe = self._limit - len(self._opening()) - len(_CLOSING) - 2 * links
        if len(self._raw) <= safe:
            return None
        end = self._first_too_long(max(safe, 0))
        desert = self._desert.search(self._raw) if len(self._raw) > self._limit else None
        if desert and (end is None or desert.end() < end):
            return desert.end()
        return end

    def _first_too_long(self, start: int) -> int | None:
        while match := _VISIBLE.search(self._raw, start):
            room = self._limit - len(self._shown(self._raw[: match.end()]))
            if room < 0:
                return match.end()
            # One more character adds at most itself and the brackets of a link; all of them together one closing fence.
            start = match.end() + max(0, (room - len(_CLOSING)) // 3 - 1)
        return None

    def _cut(self, end: int) -> None:
        """Freeze the best part of the first ``end`` characters; the rest becomes the last part."""
        window = self._raw[:end]
        if window[-1].isspace():
            position = len(window.rstrip())
            rest = self._raw[end:]
        else:
            position = choose_cut(window, self._language, self._limit, self._fits)
            rest = self._raw[position:]
        if position == 0:  # nothing but the indentation of code: too wide to be kept
            self._raw = rest.lstrip()
            return
        head = self._raw[:position]
        start = self._length - len(self._raw)
        self._ranges.append((start, start + len(head.rstrip())))
        self._frozen.append(self._closed(head))
        fence = self._open_fence(head.rstrip())
        self._language = fence.language if fence else None
        self._raw = rest

    def _fits(self, position: int) -> bool:
        head = self._raw[:position]
        return bool(head.strip()) and len(self._closed(head)) <= self._limit

    def _opening(self) -> str:
        if self._language is None:
            return ""
        opening = f"{FENCE}{self._language}\n"
        return opening if len(opening) <= self._limit // 4 else FENCE + "\n"

    def _closed(self, head: str) -> str:
        """A part that will not change any more."""
        text = head.rstrip()
        return self._finished(self._opening() + text + (_CLOSING if self._open_fence(text) else ""))

    def _shown(self, raw: str) -> str:
        """The last part as it looks now; empty when there is nothing to show yet."""
        text = raw.rstrip()
        if not text or (self._language is not None and text.strip() in {"`", "``"}):
            return ""
        fence = self._open_fence(text)
        closing = ""
        if fence and text[fence.body :].strip():
            arriving = _ARRIVING_FENCE.search(text)
            closing = FENCE[len(arriving[1]) :] if arriving else _CLOSING
        return self._finished(self._opening() + text + closing)

    def _open_fence(self, text: str) -> Fence | None:
        fences = find_code(text, self._language).fences
        return fences[-1] if fences and fences[-1].end is None else None

    def _finished(self, text: str) -> str:
        return neutralise(text) if self._neutral_links else text


def split(text: str, limit: int = MESSAGE_LIMIT) -> list[str]:
    """A finished text as messages; none for a blank text."""
    parts = ReplyParts(limit)
    parts.append(text)
    return parts.parts
