"""What requests cost, by guild, channel and person."""

from datetime import datetime

from sqlalchemy import Connection, func, insert, select

from storage.database import Database
from storage.ids import new_id
from storage.records import UsageRow, UsageTotals
from storage.schema import usage

_insert = insert(usage)
_totals = select(
    func.count(),
    func.coalesce(func.sum(usage.c.prompt_tokens), 0),
    func.coalesce(func.sum(usage.c.completion_tokens), 0),
)


class Usage:
    """The record of requests."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, row: UsageRow) -> None:
        """Record one request that is not part of a turn; a turn's settlement records its own."""
        await self._database.write(add_usage, row)

    async def totals(
        self, guild_id: int | None, since: datetime, user_id: int | None = None, channel_id: int | None = None
    ) -> UsageTotals:
        """What was used since then, by one person or in one channel if named."""
        return await self._database.read(_sum_up, guild_id, since, user_id, channel_id)


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


def _sum_up(
    connection: Connection, guild_id: int | None, since: datetime, user_id: int | None, channel_id: int | None
) -> UsageTotals:
    statement = _totals.where(usage.c.guild_id == guild_id, usage.c.at >= since)
    if user_id is not None:
        statement = statement.where(usage.c.user_id == user_id)
    if channel_id is not None:
        statement = statement.where(usage.c.channel_id == channel_id)
    return UsageTotals(*connection.execute(statement).one())
