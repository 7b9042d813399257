"""Dates and times in words, as macros ask for them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

_PATTERN: Final = re.compile(r"\[([^\]]*)\]|YYYY|YY|MMMM|MMM|MM|M|DDDD|DD|D|dddd|ddd|HH|H|hh|h|mm|m|ss|s|A|a|LT|LL")
_FORMATS: Final = {
    "YYYY": "%Y", "YY": "%y", "MMMM": "%B", "MMM": "%b", "MM": "%m", "DDDD": "%j", "DD": "%d",
    "dddd": "%A", "ddd": "%a", "HH": "%H", "hh": "%I", "mm": "%M", "ss": "%S", "A": "%p",
}  # fmt: skip
_SHORT: Final = {"M": "%m", "D": "%d", "H": "%H", "h": "%I", "m": "%M", "s": "%S"}
_UTC: Final = re.compile(r"time_utc([+-]\d{1,2})")
_MOST_HOURS: Final = 14

# Up to so many seconds a time is told in a unit of so many; what is shorter than the first is "a few seconds".
_UNITS: Final = (
    (2_700, 60, "minute"),
    (79_200, 3_600, "hour"),
    (2_246_400, 86_400, "day"),
    (27_648_000, 2_629_800, "month"),
)
_YEAR_SECONDS: Final = 31_557_600
_FEW_SECONDS: Final = 45


def formatted(moment: datetime, wish: str) -> str:
    """The moment in the signs of moment.js: ``YYYY-MM-DD HH:mm``; words in brackets stay."""

    def value(match: re.Match[str]) -> str:
        sign = match[0]
        if sign.startswith("["):
            return match[1]
        if sign in {"LT", "LL"}:
            return clock_time(moment) if sign == "LT" else long_date(moment)
        if sign in _SHORT:
            return str(int(moment.strftime(_SHORT[sign])))
        return (
            moment.strftime(_FORMATS["A" if sign == "a" else sign]).lower()
            if sign == "a"
            else moment.strftime(_FORMATS[sign])
        )

    return _PATTERN.sub(value, wish)


def clock_time(moment: datetime) -> str:
    """As in 4:05 PM."""
    return f"{int(moment.strftime('%I'))}:{moment:%M %p}"


def long_date(moment: datetime) -> str:
    """As in May 4, 2026."""
    return f"{moment:%B} {moment.day}, {moment.year}"


def time_elsewhere(moment: datetime, name: str) -> str | None:
    """The time that ``time_utc+2`` asks for; None when it is something else."""
    match = _UTC.fullmatch(name)
    if not match or abs(int(match[1])) > _MOST_HOURS:
        return None
    return clock_time(moment.astimezone(timezone(timedelta(hours=int(match[1])))))


def how_long(time: timedelta) -> str:
    """Roughly how long that is, as one says it."""
    seconds = abs(time.total_seconds())
    if seconds < _FEW_SECONDS:
        return "a few seconds"
    for most, unit, name in _UNITS:
        if seconds < most:
            return _counted(max(1, round(seconds / unit)), name)
    return _counted(max(1, round(seconds / _YEAR_SECONDS)), "year")


def between(later: str, earlier: str) -> str | None:
    """How long it is between two dates, seen from the second; None when one of them is no date."""
    try:
        first, second = (_aware(datetime.fromisoformat(text.strip())) for text in (later, earlier))
    except ValueError:
        return None
    words = how_long(first - second)
    return f"in {words}" if first > second else f"{words} ago"


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _counted(number: int, unit: str) -> str:
    if number == 1:
        return f"{'an' if unit == 'hour' else 'a'} {unit}"
    return f"{number} {unit}s"
