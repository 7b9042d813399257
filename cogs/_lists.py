"""Lists of lines that end, or go on to another page, before a message is full."""

from collections.abc import Iterable
from itertools import accumulate
from typing import Final

LONGEST_LIST: Final = 1900
"""Characters, below Discord's 2,000."""

LONGEST_PAGE: Final = 1850
"""Leaves room for what stands below."""


def listed(lines: Iterable[str], *, more: str = ".", most: int | None = None) -> str:
    """As many lines as one message holds, at most so many, and the number of those that are left out.

    `more` stands behind that number: a full stop, or how to see them.
    """
    all_lines = list(lines)
    room = LONGEST_LIST - len(f"\n-# and {len(all_lines)} more{more}")
    fitting = sum(length <= room for length in accumulate(len(line) + 1 for line in all_lines[:most]))
    text = "\n".join(all_lines[:fitting])
    left_out = len(all_lines) - fitting
    return f"{text}\n-# and {left_out} more{more}" if left_out else text


def page_of(lines: Iterable[str], number: int, *, most: int) -> tuple[list[str], str | None]:
    """The lines on a page, else on the last one, and which it is of how many; None where one holds them all.

    A page has at most so many lines, and fewer where they are long.
    """
    pages: list[list[str]] = [[]]
    for line in lines:
        shown = pages[-1]
        if shown and (len(shown) == most or sum(len(other) + 1 for other in (*shown, line)) > LONGEST_PAGE):
            pages.append([])
        pages[-1].append(line)
    number = min(number, len(pages))
    return pages[number - 1], f"-# Page {number} of {len(pages)}." if len(pages) > 1 else None
