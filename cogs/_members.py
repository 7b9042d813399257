"""Who is a member where: Discord is asked, because the bot keeps no members in memory."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import aiohttp
import discord

BELIEVED_SECONDS: Final = 3600.0
MOST_REMEMBERED: Final = 10_000


@dataclass(frozen=True, slots=True)
class _Seen:
    at: float
    roles: frozenset[int] | None


class Members:
    """Asks Discord about one person in one server, and believes the answer for an hour."""

    def __init__(self, client: discord.Client, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._known: OrderedDict[tuple[int, int], _Seen] = OrderedDict()

    async def roles(self, guild_id: int, user_id: int, *, anew: bool = False) -> frozenset[int] | None:
        """The roles of a member, that of everyone too; None: they are no member there, or the bot is not.

        What Discord said last is believed while it cannot be asked. `anew` asks in any case. Raises discord's errors.
        """
        known = self._known.get((guild_id, user_id))
        if known is not None and not anew and self._clock() - known.at < BELIEVED_SECONDS:
            return known.roles
        try:
            roles = await self._fetched(guild_id, user_id)
        except (discord.HTTPException, discord.RateLimited, aiohttp.ClientError, OSError):
            if known is None:
                raise
            return known.roles
        self._known[guild_id, user_id] = _Seen(self._clock(), roles)
        self._known.move_to_end((guild_id, user_id))
        while len(self._known) > MOST_REMEMBERED:
            self._known.popitem(last=False)
        return roles

    async def _fetched(self, guild_id: int, user_id: int) -> frozenset[int] | None:
        """Not by a guild's own method, because the guild may belong to another process."""
        try:
            member = await self._client.http.get_member(guild_id, user_id)
        except (discord.NotFound, discord.Forbidden):
            return None
        return frozenset({guild_id, *map(int, member["roles"])})
