"""Discord's ids: 64 bits that begin with the milliseconds since 2015."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

EPOCH_MS = 1_420_070_400_000
"""The first millisecond of 2015, where Discord's ids begin."""

_TIMESTAMP_SHIFT = 22
_GUILD_AGE_MS = 30 * 24 * 3600 * 1000


class Snowflakes:
    """Makes ids that carry their time and never repeat or run backwards."""

    def __init__(self, wall_clock: Callable[[], float] = time.time) -> None:
        self._wall_clock = wall_clock
        self._last = 0
        self._guild_ms = int(wall_clock() * 1000) - _GUILD_AGE_MS

    def next(self) -> int:
        """Give an id of this moment, greater than every one before."""
        self._last = max(self.at(self._wall_clock()), self._last + 1)
        return self._last

    def next_guild(self) -> int:
        """Give an id of a millisecond of its own, so that guilds made in a row belong to different shards."""
        self._guild_ms += 1
        return (self._guild_ms - EPOCH_MS) << _TIMESTAMP_SHIFT

    @staticmethod
    def at(unix_seconds: float) -> int:
        """Give the lowest id of a moment."""
        return max(0, int(unix_seconds * 1000) - EPOCH_MS) << _TIMESTAMP_SHIFT


def snowflake_seconds(snowflake: int) -> float:
    """Give the Unix time at which an id was made."""
    return ((snowflake >> _TIMESTAMP_SHIFT) + EPOCH_MS) / 1000


def snowflake_time(snowflake: int) -> datetime:
    """Give the moment at which an id was made."""
    return datetime.fromtimestamp(snowflake_seconds(snowflake), UTC)


def shard_of(guild_id: int, shard_count: int) -> int:
    """Give the shard that receives a guild's events."""
    return (guild_id >> _TIMESTAMP_SHIFT) % shard_count
