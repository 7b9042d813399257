"""How much a guild lets people use: its limits and grants, in memory once read, and what was used of them."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import Connection, bindparam, delete, select

from storage import _limit_counters as counters
from storage._of_guilds import OfGuilds
from storage._upsert import Upsert
from storage.audit import add_entry
from storage.database import Database
from storage.errors import StorageError
from storage.ids import new_id
from storage.records import LimitPeriod, LimitScope, LimitUnit, LimitWindow, Reserved, Spent, utc_now
from storage.schema import limit_grants, limits

logger = logging.getLogger(__name__)

LEASE: Final = timedelta(minutes=1)
"""What a process has set aside is given back when it has not shown for so long that it lives."""

RENEWED_AFTER_SECONDS: Final = 15.0
"""So that a lease outlives two renewals that fail, and clocks of two machines that differ."""

KEPT: Final = timedelta(days=2)
"""Windows stay for a while after their end, because a reply that began in one is counted there."""

_limit_columns = ("scope_kind", "scope_id", "unit", "period", "amount", "hard", "set_by", "set_at")
_grant_columns = ("user_id", "unit", "amount", "until", "set_by", "set_at")
_of_guild = (
    select(*(limits.c[name] for name in _limit_columns))
    .where(limits.c.guild_id == bindparam("guild"))
    .order_by(limits.c.scope_kind, limits.c.scope_id, limits.c.unit, limits.c.period)
)
_grants = (
    select(*(limit_grants.c[name] for name in _grant_columns))
    .where(limit_grants.c.guild_id == bindparam("guild"))
    .order_by(limit_grants.c.user_id, limit_grants.c.unit)
)
_put_limit = Upsert(limits, overwrite=("amount", "hard", "set_by", "set_at"))
_put_grant = Upsert(limit_grants, overwrite=("amount", "until", "set_by", "set_at"))
_drop_limit = delete(limits).where(
    limits.c.guild_id == bindparam("guild"),
    *(limits.c[name] == bindparam(f"of_{name}") for name in _limit_columns[:4]),
)
_drop_grant = delete(limit_grants).where(
    limit_grants.c.guild_id == bindparam("guild"),
    limit_grants.c.user_id == bindparam("user"),
    limit_grants.c.unit == bindparam("of_unit"),
)
_drop_expired = delete(limit_grants).where(limit_grants.c.until < bindparam("now"))


@dataclass(frozen=True, slots=True)
class Limit:
    """So much in each period; a `scope_id` of 0 means each person or each channel, that of the server is 0, too."""

    scope_kind: LimitScope
    scope_id: int
    unit: LimitUnit
    period: LimitPeriod
    amount: int
    hard: bool
    set_by: int
    set_at: datetime

    @property
    def key(self) -> tuple[LimitScope, int, LimitUnit, LimitPeriod]:
        """What there is one limit for."""
        return self.scope_kind, self.scope_id, self.unit, self.period

    def __str__(self) -> str:
        """What it is about, as records of changes name it."""
        whom = "guild" if self.scope_kind == "guild" else f"{self.scope_kind}:{self.scope_id or 'each'}"
        return f"{whom} {self.unit} per {self.period}"


@dataclass(frozen=True, slots=True)
class LimitGrant:
    """Until then each of a person's own limits of this unit is higher by so much."""

    user_id: int
    unit: LimitUnit
    amount: int
    until: datetime
    set_by: int
    set_at: datetime


@dataclass(frozen=True, slots=True)
class GuildLimits:
    """All that a guild has set, also grants that have expired."""

    limits: tuple[Limit, ...] = ()
    grants: tuple[LimitGrant, ...] = ()


@dataclass(frozen=True, slots=True)
class LimitUse:
    """How far a limit is used: `amount` is what holds for the person, with what they were granted."""

    limit: Limit
    amount: int
    used: int
    ends_at: datetime

    @property
    def left(self) -> int:
        """What is left until it ends."""
        return max(0, self.amount - self.used)


class Limits:
    """The limits of all guilds. What one process sets aside is told from what others did, be it before a restart."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._process = uuid4().hex
        self._set = OfGuilds(database, _read, clock)

    async def of(self, guild_id: int, within_seconds: float | None = None) -> GuildLimits:
        """What a guild has set. In memory as `OfGuilds.of` tells."""
        return await self._set.of(guild_id, within_seconds)

    def forget(self, guild_id: int) -> None:
        """Read what a guild has set anew when it is needed."""
        self._set.forget(guild_id)

    async def set(self, guild_id: int, limit: Limit) -> Limit | None:
        """Set a limit; the one in whose place it comes, if there was one."""
        return await self._set.change(guild_id, partial(_write_limit, guild_id=guild_id, limit=limit))

    async def remove(self, guild_id: int, limit: Limit, by: int) -> bool:
        """Take a limit away; False if it is not there."""
        return await self._set.change(guild_id, partial(_erase_limit, guild_id=guild_id, limit=limit, by=by))

    async def grant(self, guild_id: int, grant: LimitGrant) -> None:
        """Give extra for a while, in place of what was granted before; an amount of 0 takes it back."""
        await self._set.change(guild_id, partial(_write_grant, guild_id=guild_id, grant=grant))

    async def used(self, guild_id: int, windows: Sequence[LimitWindow]) -> dict[LimitWindow, int]:
        """What was used and is set aside in these windows; nothing where there is no entry."""
        return await self._database.read(counters.read, guild_id, windows) if windows else {}

    async def reserve(
        self,
        guild_id: int,
        windows: Sequence[LimitWindow],
        tokens: int,
        admits: Callable[[Mapping[LimitWindow, int]], bool],
        people: int = 1,
    ) -> Reserved | None:
        """Set one request and its tokens aside in all these windows or in none; None if `admits` refuses.

        So many `people` asked for it together: it is a request of each, and its tokens are shared where one person's
        are counted. `admits` gets what was used in each until this moment. It is called in another thread, perhaps
        twice.
        """
        wanted = Reserved(new_id(), guild_id, tuple(windows), 1, tokens, people)
        admitted = await self._database.write(counters.reserve, wanted, self._process, utc_now() + LEASE, admits)
        return wanted if admitted else None

    async def settle(self, spent: Spent) -> None:
        """Count what was used instead of what was set aside; of a turn its settlement does that."""
        await self._database.write(counters.settle, spent)

    @contextlib.asynccontextmanager
    async def leased(self) -> AsyncIterator[None]:
        """Keep what is set aside here from being taken for that of a dead process; at the end nothing is left of it."""
        keeping = asyncio.create_task(self._keep())
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            with _logged("what was set aside could not be given back"):
                await self._release(self._process, utc_now())

    async def renew(self, now: datetime) -> None:
        """Show that this process lives. It costs no write while nothing is set aside."""
        if await self._database.read(counters.holds, self._process):
            await self._database.write(counters.renew, self._process, now + LEASE)

    async def release_abandoned(self, now: datetime) -> int:
        """Give back what is set aside past its lease; how many reservations they were."""
        return await self._release(None, now) if await self._database.read(counters.any_abandoned, now) else 0

    async def _release(self, process: str | None, now: datetime) -> int:
        released = 0
        while count := await self._database.write(counters.release_some, process, now):
            released += count
        return released

    async def _keep(self) -> None:
        while True:
            with _logged("leases could not be renewed"):
                await self.renew(utc_now())
                await self.release_abandoned(utc_now())
            await asyncio.sleep(RENEWED_AFTER_SECONDS)

    async def prune(self, now: datetime) -> int:
        """Forget windows that are long over and grants that have expired; how many windows they were."""
        await self._database.write(_forget_grants, now)
        forgotten = 0
        while count := await self._database.write(counters.forget_some, now - KEPT):
            forgotten += count
        return forgotten


@contextlib.contextmanager
def _logged(problem: str) -> Iterator[None]:
    """Go on where the database does not answer: a lease is there for that."""
    try:
        yield
    except StorageError as error:
        logger.warning("%s: %s", problem, type(error).__name__)


def _read(connection: Connection, guild_id: int) -> GuildLimits:
    return GuildLimits(
        tuple(Limit(*row) for row in connection.execute(_of_guild, {"guild": guild_id})),
        tuple(LimitGrant(*row) for row in connection.execute(_grants, {"guild": guild_id})),
    )


def _write_limit(connection: Connection, guild_id: int, limit: Limit) -> Limit | None:
    before = _limit_like(connection, guild_id, limit)
    _put_limit(connection, guild_id=guild_id, **{name: getattr(limit, name) for name in _limit_columns})
    add_entry(
        connection, guild_id, limit.set_by, action="limit set", subject=str(limit), before=_told(before),
        after=_told(limit),
    )  # fmt: skip
    return before


def _erase_limit(connection: Connection, guild_id: int, limit: Limit, by: int) -> bool:
    before = _limit_like(connection, guild_id, limit)
    if before is None:
        return False
    where = {f"of_{name}": getattr(limit, name) for name in _limit_columns[:4]}
    connection.execute(_drop_limit, {"guild": guild_id, **where})
    add_entry(connection, guild_id, by, action="limit remove", subject=str(limit), before=_told(before), after=None)
    return True


def _limit_like(connection: Connection, guild_id: int, limit: Limit) -> Limit | None:
    return next((found for found in _read(connection, guild_id).limits if found.key == limit.key), None)


def _write_grant(connection: Connection, guild_id: int, grant: LimitGrant) -> None:
    found = _read(connection, guild_id).grants
    before = next((old for old in found if (old.user_id, old.unit) == (grant.user_id, grant.unit)), None)
    if grant.amount:
        _put_grant(connection, guild_id=guild_id, **{name: getattr(grant, name) for name in _grant_columns})
    else:
        connection.execute(_drop_grant, {"guild": guild_id, "user": grant.user_id, "of_unit": grant.unit})
    add_entry(
        connection, guild_id, grant.set_by, action="limit grant", subject=f"user:{grant.user_id} {grant.unit}",
        before=_granted(before), after=_granted(grant if grant.amount else None),
    )  # fmt: skip


def _told(limit: Limit | None) -> Any:
    """A limit as records of changes tell it."""
    return None if limit is None else {"amount": limit.amount, "hard": limit.hard}


def _granted(grant: LimitGrant | None) -> Any:
    return None if grant is None else {"amount": grant.amount, "until": grant.until.isoformat(timespec="seconds")}


def _forget_grants(connection: Connection, now: datetime) -> None:
    connection.execute(_drop_expired, {"now": now})
