"""Keeps a model's thinking out of what people see.

Models without a reasoning field of their own write ``<think>...</think>`` into the reply, cut into chunks anywhere.
"""

from __future__ import annotations

from typing import Final

import regex

from chat._markdown import FENCE

# Spaces are allowed but bounded, so that a lone "<" is not held back for long.
_TAG: Final = regex.compile(
    r"<[ \t]{0,4}(?P<close>/?)[ \t]{0,4}(?:think|thinking|reasoning)[ \t]{0,4}>", regex.IGNORECASE
)
_MARK: Final = regex.compile(r"`+|<")


class ReasoningFilter:
    """Takes a reply piece by piece and gives back what may be shown.

    Tags inside code mean themselves: in a fence, or directly behind one or two backticks. A closing tag without an
    opening one (its template had opened it in the prompt) is dropped and noted in ``unopened``; for such a model
    ``inside=True`` starts hidden.
    """

    def __init__(self, *, inside: bool = False) -> None:
        self.unopened = False
        self._inside = inside
        self._hidden = inside  # whether anything was hidden
        self._seen = False  # whether anything but white space was shown
        self._in_fence = False
        self._ticks = 0  # backticks in a row at the end of what was shown
        self._held = ""  # the end of the input that may become a tag
        self._drop_space = inside
        self._ends_blank = True  # what was shown ends with white space, or nothing was shown

    @property
    def thinking(self) -> bool:
        """Whether the reply is inside a hidden block now."""
        return self._inside

    @property
    def only_reasoning(self) -> bool:
        """Whether something was hidden and nothing was there to show."""
        return self._hidden and not self._seen

    def feed(self, text: str) -> str:
        """Add the next piece; returns what has become visible."""
        return self._run(self._held + text, final=False)

    def finish(self) -> str:
        """End the reply; returns what was held back in vain. A block still open stays hidden."""
        return self._run(self._held, final=True)

    def _run(self, text: str, *, final: bool) -> str:
        self._held = ""
        shown: list[str] = []
        position = 0
        while position < len(text):
            mark = _MARK.search(text, position)
            if mark is None:
                self._show(text[position:], shown)
                break
            self._show(text[position : mark.start()], shown)
            position = mark.end()
            tag = self._tag(text, mark.start(), final=final) if mark[0] == "<" else None
            if tag is None:
                self._show(mark[0], shown)
            elif tag.partial:
                self._held = text[mark.start() :]
                break
            else:
                self._pass(closing=bool(tag["close"]))
                position = tag.end()
        return "".join(shown)

    def _tag(self, text: str, start: int, *, final: bool) -> regex.Match[str] | None:
        """The tag at this place, perhaps its beginning only, if a tag means anything here."""
        if not self._inside and (self._in_fence or self._ticks % len(FENCE)):
            return None
        return _TAG.match(text, start, partial=not final)

    def _pass(self, *, closing: bool) -> None:
        """Go through a tag; an opening one inside a block changes nothing."""
        if closing and not self._inside:
            self.unopened = True
        self._inside = not closing
        self._hidden = True
        self._ticks = 0
        self._drop_space = self._ends_blank

    def _show(self, piece: str, shown: list[str]) -> None:
        if self._inside or not piece:
            return
        if self._drop_space:
            piece = piece.lstrip()
            if not piece:
                return
            self._drop_space = False
        self._count_ticks(piece)
        self._ends_blank = piece[-1].isspace()
        self._seen = self._seen or bool(piece.strip())
        shown.append(piece)

    def _count_ticks(self, piece: str) -> None:
        """Every third backtick in a row opens or closes a fence."""
        if piece[0] != "`":
            self._ticks = 0
            return
        before = self._ticks // len(FENCE)
        self._ticks += len(piece)
        if (self._ticks // len(FENCE) - before) % 2:
            self._in_fence = not self._in_fence
