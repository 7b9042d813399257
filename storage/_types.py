"""Column types that mean the same on both databases."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, Text, TypeDecorator

from storage.text import clean_json, clean_text

RowId = BigInteger().with_variant(Integer(), "sqlite")
"""A primary key made by us. On SQLite only a column declared INTEGER is the row number itself, which saves an index."""


class UtcDateTime(TypeDecorator[datetime]):
    """Aware in, aware out, always UTC. SQLite has no type for it; it keeps text that compares as the times do.

    The processors are overridden whole, because they run for each row of a context.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any]:
        """PostgreSQL's driver takes the time as it is."""
        return _time_to_text if dialect.name == "sqlite" else _aware

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[str | None], datetime | None] | None:
        """PostgreSQL's driver gives the time as it should be."""
        return _text_to_time if dialect.name == "sqlite" else None


def _aware(value: datetime | None) -> datetime | None:
    if value is not None and value.tzinfo is None:
        raise ValueError("a time without its zone")
    return value


def _time_to_text(value: datetime | None) -> str | None:
    value = _aware(value)
    return None if value is None else value.astimezone(UTC).isoformat(" ", "microseconds")


def _text_to_time(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


class CleanText(TypeDecorator[str]):
    """Text, cleaned on its way in, in comparisons too."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Both databases refuse some characters."""
        return None if value is None else clean_text(value)


class JsonText(TypeDecorator[Any]):
    """A JSON value in a text column: the same bytes on both databases. None is JSON's null, not an absent value."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        """Refuse NaN and infinity, which are not JSON."""
        return json.dumps(clean_json(value), allow_nan=False, separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """Back to the value."""
        return None if value is None else json.loads(value)


class GuildId(TypeDecorator[int]):
    """A guild's id, or None for direct messages, stored as 0: so it compares with = and can be part of a key."""

    impl = BigInteger
    cache_ok = True
    coerce_to_is_types = ()

    def bind_processor(self, dialect: Dialect) -> Callable[[int | None], int]:
        """Direct messages are guild 0."""
        return lambda value: value or 0

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[int | None], int | None]:
        """Guild 0 is direct messages."""
        return lambda value: value or None
