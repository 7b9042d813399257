"""The ways in which SillyTavern's versions have written when something was said."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST_SECONDS: Final = 32_503_680_000  # the year 3000
_WITH_SIGNS: Final = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2}) ?@ ?(\d{1,2})h ?(\d{1,2})m ?(\d{1,2})s(?: ?(\d{1,3})ms)?", re.ASCII
)
_IN_WORDS: Final = "%B %d, %Y %I:%M%p"
_LONGEST: Final = 40


def parsed_date(written: str | float | None) -> datetime | None:
    """The time, or None when it is not readable. Times without a zone are taken for UTC."""
    if isinstance(written, str):
        return _from_text(written.strip()) if len(written) <= _LONGEST else None
    if written is None or not 0 <= written <= _LATEST_SECONDS * 1000:
        return None
    return _EPOCH + timedelta(milliseconds=round(written))


def _from_text(written: str) -> datetime | None:
    if written.isascii() and written.isdecimal():
        return parsed_date(float(written))
    if match := _WITH_SIGNS.fullmatch(written):
        *whole, milliseconds = (int(part or 0) for part in match.groups())
        try:
            return datetime(*whole, milliseconds * 1000, tzinfo=UTC)  # type: ignore[misc, arg-type]  # six numbers
        except ValueError:
            return None
    for read in (datetime.fromisoformat, _in_words):
        try:
            time = read(written)
            return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    return None


def _in_words(written: str) -> datetime:
    return datetime.strptime(written, _IN_WORDS)  # noqa: DTZ007  # it has no zone
