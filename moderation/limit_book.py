"""Setting limits, as moderators ask for it.

LimitError
├── LimitTargetError     two things were named of which only one can be limited
├── TooManyLimitsError   the server has as many as it may
└── NoSuchLimitError     there is no such limit
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from moderation.durations import read_duration
from moderation.limiter import WEIGHTS, weights_of
from moderation.limits import EACH, Bound, extra_of, use_of, window_for
from storage import (
    GuildLimits,
    Limit,
    LimitGrant,
    LimitPeriod,
    Limits,
    LimitScope,
    LimitUnit,
    LimitUse,
    LimitWindow,
    Scope,
    ScopedSettings,
)

MAX_LIMITS: Final = 50
"""All that hold are counted for each request."""

Each = Literal["channel", "user"]


class LimitError(Exception):
    """A limit cannot be as somebody wishes."""


class LimitTargetError(LimitError):
    """Two things were named of which only one can be limited."""


@dataclass
class TooManyLimitsError(LimitError):
    """The server has as many as it may."""

    limit: int


class NoSuchLimitError(LimitError):
    """There is no such limit."""


@dataclass(frozen=True, slots=True)
class LimitTarget:
    """Whom or what a limit is for; nothing named: the whole server."""

    channel_id: int | None = None
    role_id: int | None = None
    user_id: int | None = None
    each: Each | None = None

    @property
    def scope(self) -> tuple[LimitScope, int]:
        """The one scope that is meant. Raises `LimitTargetError`."""
        named: list[tuple[LimitScope, int]] = []
        if self.channel_id is not None:
            named.append(("channel", self.channel_id))
        if self.role_id is not None:
            named.append(("role", self.role_id))
        if self.user_id is not None:
            named.append(("user", self.user_id))
        if self.each is not None:
            named.append((self.each, EACH))
        if len(named) > 1:
            raise LimitTargetError
        return named[0] if named else ("guild", 0)


@dataclass(frozen=True, slots=True)
class Overview:
    """All that is set for a server, and how far the limits are used that count one thing alone."""

    uses: tuple[tuple[Limit, LimitUse | None], ...]
    grants: tuple[LimitGrant, ...]
    weights: dict[int, int]


class LimitBook:
    """The limits of servers, for those who set them."""

    def __init__(
        self, limits: Limits, settings: ScopedSettings, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._limits = limits
        self._settings = settings
        self._clock = clock

    async def set(
        self,
        guild_id: int,
        target: LimitTarget,
        unit: LimitUnit,
        period: LimitPeriod,
        amount: int,
        *,
        hard: bool,
        by: int,
    ) -> tuple[Limit, Limit | None]:
        """Set a limit; it and the one that it replaces. Raises `LimitError`."""
        limit = Limit(*target.scope, unit, period, amount, hard, by, self._clock())
        known = (await self._limits.of(guild_id)).limits
        if len(known) >= MAX_LIMITS and all(one.key != limit.key for one in known):
            raise TooManyLimitsError(MAX_LIMITS)
        return limit, await self._limits.set(guild_id, limit)

    async def named(self, guild_id: int, name: str) -> Limit:
        """The limit with this name, as `name_of` gives it. Raises `NoSuchLimitError`."""
        for limit in (await self._limits.of(guild_id)).limits:
            if name_of(limit) == name:
                return limit
        raise NoSuchLimitError

    async def remove(self, guild_id: int, name: str, by: int) -> Limit:
        """Take a limit away. Raises `NoSuchLimitError`."""
        limit = await self.named(guild_id, name)
        if not await self._limits.remove(guild_id, limit, by):
            raise NoSuchLimitError
        return limit

    async def grant(
        self, guild_id: int, user_id: int, unit: LimitUnit, amount: int, duration: str, by: int
    ) -> LimitGrant:
        """Give extra for a while; 0 takes it back. Raises `DurationError`."""
        now = self._clock()
        grant = LimitGrant(user_id, unit, amount, now + read_duration(duration), by, now)
        await self._limits.grant(guild_id, grant)
        return grant

    async def weigh(self, guild_id: int, role_id: int, weight: int, by: int) -> None:
        """Let those with a role have so many times the usual share of the line."""
        scope = Scope("guild", guild_id)
        async with self._settings.changing(guild_id):
            weights = await weights_of(self._settings, guild_id)
            weights.pop(role_id, None)
            if weight != 1:
                weights[role_id] = weight
            if weights:
                value = {str(known): found for known, found in weights.items()}
                await self._settings.put(guild_id, scope, WEIGHTS, value, by)
            else:
                await self._settings.clear(guild_id, scope, WEIGHTS, by)

    async def all(self, guild_id: int) -> tuple[Limit, ...]:
        """The limits of a server."""
        return (await self._limits.of(guild_id)).limits

    async def overview(self, guild_id: int) -> Overview:
        """All that is set, and how far it is used."""
        found, now = await self._limits.of(guild_id), self._clock()
        windows = {limit: window for limit in found.limits if (window := _own_window(limit, now)) is not None}
        used = await self._limits.used(guild_id, list(windows.values()))
        uses = tuple(
            (limit, use_of(Bound(limit, windows[limit], limit.amount + _extra(found, limit, now)), used))
            if limit in windows
            else (limit, None)
            for limit in found.limits
        )
        grants = tuple(grant for grant in found.grants if grant.until > now)
        return Overview(uses, grants, await weights_of(self._settings, guild_id))


def name_of(limit: Limit) -> str:
    """What tells a limit from the others of its server."""
    return f"{limit.scope_kind}:{limit.scope_id}:{limit.unit}:{limit.period}"


def _own_window(limit: Limit, now: datetime) -> LimitWindow | None:
    """Where a limit counts that is for one thing alone."""
    if limit.scope_kind == "role" or (limit.scope_kind != "guild" and limit.scope_id == EACH):
        return None
    return window_for(limit, limit.scope_kind, limit.scope_id, now)


def _extra(found: GuildLimits, limit: Limit, now: datetime) -> int:
    if limit.scope_kind != "user":
        return 0
    return extra_of(found, limit.scope_id, limit.unit, now)
