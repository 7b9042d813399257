"""What guilds have set, read once and then answered from memory: rules, limits, filters."""

import time
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from sqlalchemy import Connection

from storage.database import Database
from storage.recent import Recent

MAX_CACHED_GUILDS: Final = 20_000
"""As many as one process is for; most have set nothing."""

T = TypeVar("T")
W = TypeVar("W")


class OfGuilds(Generic[T]):
    """One thing of every guild, which `read` gets from the database."""

    def __init__(
        self, database: Database, read: Callable[[Connection, int], T], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._read = read
        self._clock = clock
        self._cache: Recent[int, tuple[float, T]] = Recent(MAX_CACHED_GUILDS)

    async def of(self, guild_id: int, within_seconds: float | None = None) -> T:
        """What a guild has set; the same object until that changes.

        What was read once is answered from memory. That is exact in the process to which the guild belongs; another one
        says within how many seconds it wants to know of changes.
        """
        known = self._cache.known([guild_id]).get(guild_id)
        if known is not None and (within_seconds is None or self._clock() - known[0] < within_seconds):
            return known[1]
        changes, at = self._cache.changes, self._clock()
        found = await self._database.read(self._read, guild_id)
        if known is not None and known[1] == found:
            found = known[1]
        self._cache.keep({guild_id: (at, found)}, since=changes)
        return found

    def forget(self, guild_id: int) -> None:
        """Read what a guild has set anew when it is asked for."""
        self._cache.forget(guild_id)

    async def change(self, guild_id: int, write: Callable[[Connection], W]) -> W:
        """Change what a guild has set, to the end also where whoever asked for it goes away."""
        return await self._database.finish(self._write(guild_id, write))

    async def _write(self, guild_id: int, write: Callable[[Connection], W]) -> W:
        try:
            return await self._database.write(write)
        finally:
            self._cache.forget(guild_id)
