"""What requests cost, by guild, channel and person."""

from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, bindparam, func, insert, select

from storage import _usage_forgetting as forgetting
from storage._limit_counters import settle
from storage._usage_sums import AMOUNTS, amounts_as_sum, sum_up
from storage.database import Database
from storage.ids import new_id
from storage.records import Spent, UsageBook, UsageDay, UsageLevel, UsageRow, UsageScopeKind, UsageTotals
from storage.schema import usage, usage_days, usage_sums

_insert = insert(usage)
_totals = select(
    func.count(),
    func.coalesce(func.sum(usage.c.prompt_tokens), 0),
    func.coalesce(func.sum(usage.c.completion_tokens), 0),
)
_of_scope = (
    usage_sums.c.guild_id == bindparam("guild"),
    usage_sums.c.level == bindparam("by_level"),
    usage_sums.c.scope_kind == bindparam("kind"),
    usage_sums.c.scope_id == bindparam("scope"),
    usage_sums.c.part == bindparam("by"),
    usage_sums.c.start >= bindparam("since"),
)
_by_time = (
    select(usage_sums.c.start, usage_sums.c.key, *(usage_sums.c[name] for name in AMOUNTS))
    .where(*_of_scope)
    .order_by(usage_sums.c.start, usage_sums.c.key)
)
_summed = [func.sum(usage_sums.c[name]) for name in ("requests", "prompt_tokens", "completion_tokens")]
_by_key = select(usage_sums.c.key, *_summed).where(*_of_scope).group_by(usage_sums.c.key)
_day_keys = [usage_days.c[name] for name in ("day", "channel_id", "user_id", "model", "kind")]
_of_day = (
    select(*_day_keys, *(usage_days.c[name] for name in AMOUNTS))
    .where(usage_days.c.guild_id == bindparam("guild"), usage_days.c.day == bindparam("on"))
    .order_by(*_day_keys)
)

_recent_guilds = select(usage.c.guild_id).where(usage.c.user_id == bindparam("user")).distinct()


class Usage:
    """The record of requests."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, row: UsageRow | None, spent: Spent | None = None) -> None:
        """Record one request that is not part of a turn, and settle it; a turn's settlement records its own."""
        if row is not None or spent is not None:
            await self._database.write(_add, row, spent)

    async def totals(
        self, guild_id: int | None, since: datetime, user_id: int | None = None, channel_id: int | None = None
    ) -> UsageTotals:
        """What was used since then, by one person or in one channel if named; single requests are kept for weeks."""
        return await self._database.read(_sum_up, guild_id, since, user_id, channel_id)

    async def recent_guilds_of(self, user_id: int, most: int) -> list[int]:
        """Guilds in which a person has used the bot in the last weeks."""
        return await self._database.read(_read_recent_guilds, user_id, most)

    async def book(
        self, guild_id: int | None, kind: UsageScopeKind, scope_id: int, level: UsageLevel, since: date
    ) -> UsageBook:
        """What a server (its id is 0 here), a channel or a person used since that day or month, at one moment."""
        return await self._database.read(_read_book, guild_id, kind, scope_id, level, since)

    async def days(
        self, guild_id: int | None, since: date, until: date, user_id: int | None = None
    ) -> AsyncIterator[list[UsageDay]]:
        """All there is of each day that has something, one day at a time, of one person if named."""
        for number in range((until - since).days + 1):
            if found := await self._database.read(_read_day, guild_id, since + timedelta(number), user_id):
                yield found

    async def forget_user(self, guild_id: int | None, user_id: int) -> None:
        """Let what a person used be nobody's (user 0), so that the totals stay."""
        while await self._database.write(forgetting.forget_requests, guild_id, user_id):
            pass
        while await self._database.write(forgetting.forget_days, guild_id, user_id):
            pass
        while await self._database.write(forgetting.forget_sums, guild_id, user_id):
            pass

    async def guilds_with(self, user_id: int) -> list[int | None]:
        """Wherever the person ever used something; None: in direct messages."""
        found, guild = [], forgetting.BEFORE_ALL_GUILDS
        while (next_guild := await self._database.read(forgetting.next_guild, guild)) is not None:
            guild = next_guild
            if await self._database.read(forgetting.is_user_of, guild, user_id):
                found.append(guild or None)
        return found

    async def prune(self, now: datetime) -> int:
        """Delete what is kept no longer, some rows at a time; how many they were. The sums by month are for good."""
        deleted = 0
        while count := await self._database.write(forgetting.prune_requests, now):
            deleted += count
        guild = forgetting.BEFORE_ALL_GUILDS
        while (next_guild := await self._database.read(forgetting.next_guild, guild)) is not None:
            guild = next_guild
            while count := await self._database.write(forgetting.prune_guild, guild, now.date()):
                deleted += count
        return deleted


def _add(connection: Connection, row: UsageRow | None, spent: Spent | None) -> None:
    if row is not None:
        add_usage(connection, row)
    if spent is not None:
        settle(connection, spent)


def add_usage(connection: Connection, row: UsageRow) -> None:
    """Record one request, as part of a transaction."""
    values = {
        "id": new_id(),
        "guild_id": row.guild_id,
        "channel_id": row.channel_id,
        "user_id": row.user_id,
        "model": row.model,
        "kind": row.kind,
        "prompt_tokens": row.prompt_tokens,
        "completion_tokens": row.completion_tokens,
        "at": row.at,
    }
    connection.execute(_insert, values)
    sum_up(connection, row)


def _sum_up(
    connection: Connection, guild_id: int | None, since: datetime, user_id: int | None, channel_id: int | None
) -> UsageTotals:
    statement = _totals.where(usage.c.guild_id == guild_id, usage.c.at >= since)
    if user_id is not None:
        statement = statement.where(usage.c.user_id == user_id)
    if channel_id is not None:
        statement = statement.where(usage.c.channel_id == channel_id)
    return UsageTotals(*connection.execute(statement).one())


def _read_recent_guilds(connection: Connection, user_id: int, most: int) -> list[int]:
    found = connection.execute(_recent_guilds.limit(most + 1), {"user": user_id}).scalars()  # one may be none
    return [guild_id for guild_id in found if guild_id is not None][:most]


def _read_book(
    connection: Connection, guild_id: int | None, kind: UsageScopeKind, scope_id: int, level: UsageLevel, since: date
) -> UsageBook:
    where: dict[str, object] = {"guild": guild_id, "kind": kind, "scope": scope_id, "by_level": level, "since": since}
    models = connection.execute(_by_time, {**where, "by": "model"})
    return UsageBook(
        tuple((start, model, amounts_as_sum(amounts)) for start, model, *amounts in models),
        _totals_by(connection, where, "user"),
        _totals_by(connection, where, "channel"),
    )


def _totals_by(connection: Connection, where: dict[str, object], part: str) -> dict[int, UsageTotals]:
    rows = connection.execute(_by_key, {**where, "by": part})
    return {int(key): UsageTotals(*(int(amount) for amount in amounts)) for key, *amounts in rows}


def _read_day(connection: Connection, guild_id: int | None, day: date, user_id: int | None) -> list[UsageDay]:
    statement = _of_day if user_id is None else _of_day.where(usage_days.c.user_id == user_id)
    rows = connection.execute(statement, {"guild": guild_id, "on": day})
    return [
        UsageDay(day, channel_id, by_user_id, model, kind, amounts_as_sum(amounts))
        for day, channel_id, by_user_id, model, kind, *amounts in rows
    ]
