"""What moderators' wishes can fail by.

FilterError
├── PatternError         this is no pattern that can be looked for
├── NoWordsError         nothing was typed that could be looked for, or a word is too long
├── NoSuchFilterError    there is no such filter here
└── TooManyFiltersError  there are as many as there may be
"""

from dataclasses import dataclass
from typing import Literal

PatternProblem = Literal["long", "repeats", "syntax", "empty"]


class FilterError(Exception):
    """Base of what can be wrong with filters."""


@dataclass
class PatternError(FilterError):
    """It is too long, repeats too much, matches nothing at all, or has what is not understood."""

    problem: PatternProblem


@dataclass
class NoWordsError(FilterError):
    """There is no word to look for; `long` if one has more characters than it may."""

    long: bool = False


class NoSuchFilterError(FilterError):
    """There is no filter with this id in this server."""


@dataclass
class TooManyFiltersError(FilterError):
    """The server has `limit` already, of what `kind` says."""

    limit: int
    kind: Literal["filters", "patterns", "words"]
