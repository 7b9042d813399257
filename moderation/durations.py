"""How long something is to hold, as people type it: `30m`, `2h30m`, `7 days`, `1w`."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

LONGEST: Final = timedelta(days=366)
SHORTEST: Final = timedelta(minutes=1)

_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_PIECE: Final = re.compile(r"(\d{1,6})\s*(m|h|d|w)[a-z]*[\s,]*", re.ASCII)
_WORDS: Final = re.compile(
    r"(?:\d{1,6}\s*(?:m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?)(?![a-z])[\s,]*)+", re.ASCII
)


@dataclass
class DurationError(Exception):
    """This is no time between a minute and a year."""

    typed: str


def read_duration(typed: str) -> timedelta:
    """The time that was meant. Raises `DurationError`."""
    text = re.sub(r"(?<=[a-z])(?=\d)", " ", typed.strip().lower())
    if not _WORDS.fullmatch(text):
        raise DurationError(typed)
    total = sum((timedelta(**{_UNITS[unit]: int(count)}) for count, unit in _PIECE.findall(text)), timedelta())
    if not SHORTEST <= total <= LONGEST:
        raise DurationError(typed)
    return total


def read_since(typed: str, now: datetime) -> datetime:
    """The moment that was meant: so long ago, or the beginning of a day in UTC. Raises `DurationError`."""
    try:
        day = datetime.strptime(typed.strip(), "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return now - read_duration(typed)
    return min(day, now)
