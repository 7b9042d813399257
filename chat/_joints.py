"""What stands between the two texts of a seam."""

from __future__ import annotations

from typing import Final

import regex

from chat._markdown import FENCE, Code
from chat._scripts import UNSPACED

_UNSPACED: Final = regex.compile(rf"[{UNSPACED}]")
_SENTENCE_ENDS: Final = ".!?…"
_CLOSERS: Final = '"”»*_`)]'
_PAUSES: Final = ",;:"
_SENTENCE: Final = regex.compile(rf"[{regex.escape(_SENTENCE_ENDS)}][{regex.escape(_CLOSERS)}'’~]*\Z")
_OPENING_QUOTE: Final = "“„«‘"

# A line of a list, a quotation or a heading.
_BLOCK: Final = regex.compile(r"(?:[-*+]|\d{1,2}[.)]|#{1,3}|>) ")
_WAITS: Final = regex.compile(rf"{_BLOCK.pattern}|{FENCE}|\.\.\.")
_BULLET: Final = regex.compile(r"(?m)^\s*\* ")
_EMPHASIS: Final = regex.compile(r"(?<!\s)\*+|\*+(?!\s)|(?<!\w)_+|_+(?!\w)")
_ADDRESS: Final = regex.compile(r"(?:://|www\.)\S*\Z")


def ends_sentence(text: str) -> bool:
    """Whether nothing is left to say of the last sentence."""
    return bool(_SENTENCE.search(text.rstrip()))


class Joint:
    """The end of a text, to which something is joined."""

    def __init__(self, before: str, code: Code, *, cut: bool) -> None:
        text = before.rstrip()
        self._text = text
        self._cut = cut
        self._space = before[len(text) :]
        self._in_fence = bool(code.fences) and code.fences[-1].end is None
        self._behind_fence = bool(code.fences) and code.fences[-1].end == len(text)
        self._last_line = text.rpartition("\n")[2].lstrip()
        # Addresses and inline code hold no sentences.
        self._verbatim = bool(_ADDRESS.search(before)) or self._last_line.count("`") % 2 == 1
        paragraph = _BULLET.sub("", text[text.rfind("\n\n") + 1 :])
        self._open_emphasis = _open_emphasis(paragraph)
        self._open_quote = paragraph.count('"') % 2 == 1
        words = text.split()
        self._last_word = words[-1] if words else ""

    def waits(self, body: str) -> bool:
        """Whether more must be read to know what the body begins with."""
        beginning = _WAITS.match(body, partial=True)
        return beginning is not None and beginning.partial

    def join(self, space: str, body: str, *, repeats: bool) -> str:
        """The body as it is to be appended, with the white space that is missing in front of it.

        With ``repeats`` it goes on from something that stands here, and needs none but its own.
        """
        if not body:
            return ""
        if self._in_fence:
            return self._in_code(space, closes=body.startswith(FENCE) and not repeats) + body
        if self._behind_fence or (body.startswith(FENCE) and not repeats):
            space = space if "\n" in space else "\n"
        elif not space and not self._space and not repeats:
            space = self._missing(body)
        return self._added(space) + body

    def _added(self, space: str) -> str:
        """What of the white space does not stand here yet."""
        if not self._space:
            return space
        if "\n" in space:
            missing = max(0, space.count("\n") - self._space.count("\n"))
            return "\n" * missing + space.rpartition("\n")[2]
        # Behind a line break it is the indentation, if it is more than the space in front of every word.
        return space if self._space.endswith("\n") and len(space) > 1 else ""

    def _in_code(self, space: str, *, closes: bool) -> str:
        """In code white space means something: nothing but a line break for the closing fence is added."""
        if closes and "\n" not in self._space + space:
            return "\n"
        return "" if space == "\n" and self._space.endswith("\n") else space

    def _missing(self, body: str) -> str:
        """The white space between two texts that have none."""
        last, first = self._text[-1], body[0]
        if _UNSPACED.match(last) or _UNSPACED.match(first):
            return ""
        if _BLOCK.match(body) and (ends_sentence(self._text) or _BLOCK.match(self._last_line)):
            return "\n"
        if self._verbatim or self._opens(last) or not self._begins_something(body):
            return ""
        if last.isalnum() and first.isalnum():
            return "" if self._goes_on(last, first) else " "
        if first.isdigit() and self._cut:  # "3." and "14"
            return ""
        return " " if last.isalnum() or last in _CLOSERS + _PAUSES or ends_sentence(self._text) else ""

    def _opens(self, last: str) -> bool:
        """Whether the last character belongs to what comes now."""
        return (last in "*_" and self._open_emphasis) or (last == '"' and self._open_quote)

    def _begins_something(self, body: str) -> bool:
        """Whether the text begins with a word, or with a mark that opens something."""
        first = body[0]
        if first in "*_":
            return not self._open_emphasis
        if first == '"':
            return not self._open_quote
        if body.startswith(("…", "...")):
            return ends_sentence(self._text)
        return first.isalnum() or first in _OPENING_QUOTE + "([`"

    def _goes_on(self, last: str, first: str) -> bool:
        """Whether two letters or digits belong to one word."""
        if not self._cut:
            return False
        if not first.isupper() and not last.isupper():
            # The word before ended when the next begins with the same single letter: "a" and "again".
            return not (len(self._last_word) == 1 and last == first and first.isalpha())
        if first.isupper():  # "NA" and "SA"
            return len(self._last_word) > 1 and self._last_word.isupper()
        return len(self._last_word) == 1 and last != "I"  # "T" and "om"


def _open_emphasis(paragraph: str) -> bool:
    """Whether asterisks or underscores wait for their partners."""
    waiting: list[str] = []
    for run in _EMPHASIS.findall(paragraph):
        if waiting and waiting[-1] == run:
            waiting.pop()
        else:
            waiting.append(run)
    return bool(waiting)
