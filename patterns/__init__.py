"""Search patterns that strangers write: what must not even be compiled."""

import math
from typing import Final

import regex

MOST_REPEATED: Final = 500
"""How often all repetitions of a pattern may repeat something at least, taken together: the compiler writes them out,
so that ``(a{1000}){1000}`` would take hundreds of megabytes before any search begins."""

_REPEATED: Final = regex.compile(r"\{\s*(\d[\d\s]*)")


def repeats_too_much(pattern: str) -> bool:
    """Whether compiling the pattern would take more time and memory than a stranger is given."""
    counts = (int("".join(count.split())) for count in _REPEATED.findall(pattern))
    return math.prod(max(1, count) for count in counts) > MOST_REPEATED
