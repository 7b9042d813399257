"""Where code stands in a text, read the way Discord reads it.

Discord knows one fence only: three backticks, anywhere in a line, closed by the next three. A longer run is a fence
and stray backticks, fences do not nest, and ``~~~`` means nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import regex

FENCE = "```"

# Outside a fence: an escaped character, inline code within one line, or an opening fence with its language.
# The language counts only when a line break follows it directly; blank lines after it are not shown either.
_OUTSIDE = regex.compile(
    r"\\[^0-9A-Za-z\s]"
    r"|(?<!`)(?P<ticks>`{1,2})(?!`)[^\n]*?[^`\n](?P=ticks)(?!`)"
    r"|(?P<fence>```)(?:(?P<language>[A-Za-z0-9_+\-.#]+)\n)?\n*"
)


@dataclass(frozen=True, slots=True)
class Fence:
    """One code block: from its first backtick; ``body`` is where its content starts, ``end`` is after the last one."""

    start: int
    body: int
    end: int | None  # None: not closed in this text
    language: str

    def holds(self, position: int) -> bool:
        """Whether a cut at this position would fall into the block."""
        return self.start < position and (self.end is None or position < self.end)


@dataclass(frozen=True, slots=True)
class Code:
    """The code blocks and the inline code of a text."""

    fences: tuple[Fence, ...]
    inline: tuple[tuple[int, int], ...]

    def fence_at(self, position: int) -> Fence | None:
        """The block that a cut at this position would fall into."""
        return next((fence for fence in self.fences if fence.holds(position)), None)


def find_code(text: str, open_language: str | None = None) -> Code:
    """All code in a text; with ``open_language`` the text starts inside a block of that language."""
    fences: list[Fence] = []
    inline: list[tuple[int, int]] = []
    position = 0
    if open_language is not None:
        end = _after_closing(text, 0)
        fences.append(Fence(-1, 0, end, open_language))
        position = len(text) if end is None else end
    while match := _OUTSIDE.search(text, position):
        position = match.end()
        if match["fence"]:
            end = _after_closing(text, match.end())
            fences.append(Fence(match.start(), match.end(), end, match["language"] or ""))
            position = len(text) if end is None else end
        elif match["ticks"]:
            inline.append(match.span())
    return Code(tuple(fences), tuple(inline))


def _after_closing(text: str, position: int) -> int | None:
    found = text.find(FENCE, position)
    return None if found < 0 else found + len(FENCE)
