"""Lists of lines that end before a message is full."""

from collections.abc import Iterable
from itertools import accumulate
from typing import Final

LONGEST_LIST: Final = 1900
"""Characters, below Discord's 2,000."""


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
