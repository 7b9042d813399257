"""Letting go of what was used: of whose it was, and of what is too old; each function is one short transaction."""

from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Delete,
    Select,
    Table,
    bindparam,
    delete,
    func,
    select,
    type_coerce,
    update,
)

from storage._upsert import Upsert
from storage._usage_sums import add_to_days, add_to_sums
from storage.ids import first_id_at
from storage.schema import usage, usage_days, usage_sums

NOBODY: Final = 0
BEFORE_ALL_GUILDS: Final = -1

REQUESTS_KEPT: Final = timedelta(days=40)
"""What a person may want to look at again; limits have counters of their own."""

SUMS_BY_DAY_KEPT: Final = timedelta(days=100)
"""Reports of a longer time go by month."""

DAYS_KEPT: Final = timedelta(days=400)
"""What can be exported: a year and a little more."""

ROWS_AT_ONCE: Final = 500
"""Rows that one transaction deletes or moves."""


def _some(table: Table, *where: ColumnElement[bool]) -> Select[Any]:
    of_guild = table.c.guild_id == bindparam("guild")
    return select(*table.primary_key).where(of_guild, *where).limit(ROWS_AT_ONCE)


def _delete_row(table: Table) -> Delete:
    return delete(table).where(*(column == bindparam(f"old_{column.name}") for column in table.primary_key))


_old_requests = select(usage.c.id).where(usage.c.id < bindparam("before")).order_by(usage.c.id).limit(ROWS_AT_ONCE)
_prune_requests = delete(usage).where(usage.c.id.in_(_old_requests))
_requests_of = (
    select(usage.c.id)
    .where(usage.c.guild_id == bindparam("guild"), usage.c.user_id == bindparam("user"))
    .limit(ROWS_AT_ONCE)
)
_disown_requests = update(usage).where(usage.c.id.in_(_requests_of)).values(user_id=NOBODY)
_old_days = _some(usage_days, usage_days.c.day < bindparam("before"))
_old_sums = _some(usage_sums, usage_sums.c.level == "day", usage_sums.c.start < bindparam("before"))

_days_of = _some(usage_days, usage_days.c.user_id == bindparam("user")).with_only_columns(*usage_days.c)
_sums_of = _some(usage_sums, usage_sums.c.part == "user", usage_sums.c.key == bindparam("user")).with_only_columns(
    *usage_sums.c
)
_own = (
    usage_sums.c.guild_id == bindparam("guild"),
    usage_sums.c.level.in_(["day", "month"]),
    usage_sums.c.scope_kind == "user",
    usage_sums.c.scope_id == bindparam("user"),
)
_delete_own = delete(usage_sums).where(*_own)
_has_own = select(usage_sums.c.key).where(*_own).limit(1)

# As a plain number: the type of the column takes guild 0 for no guild.
_next_guild = select(type_coerce(func.min(usage_sums.c.guild_id), BigInteger)).where(
    usage_sums.c.guild_id > bindparam("after")
)
_delete_row_of = {table.name: _delete_row(table) for table in (usage_days, usage_sums)}


def forget_requests(connection: Connection, guild_id: int | None, user_id: int) -> int:
    """Make some of a person's single requests nobody's; how many they were."""
    return connection.execute(_disown_requests, {"guild": guild_id, "user": user_id}).rowcount


def forget_days(connection: Connection, guild_id: int | None, user_id: int) -> int:
    """Make some of a person's days nobody's; how many they were."""
    return _move(connection, usage_days, add_to_days, _days_of, {"guild": guild_id, "user": user_id}, "user_id", NOBODY)


def forget_sums(connection: Connection, guild_id: int | None, user_id: int) -> int:
    """Make some of a person's sums nobody's, and delete those that are about nobody else."""
    connection.execute(_delete_own, {"guild": guild_id, "user": user_id})
    where = {"guild": guild_id, "user": str(user_id)}
    return _move(connection, usage_sums, add_to_sums, _sums_of, where, "key", str(NOBODY))


def prune_requests(connection: Connection, now: datetime) -> int:
    """Delete some of the single requests that are too old."""
    return connection.execute(_prune_requests, {"before": first_id_at(now - REQUESTS_KEPT)}).rowcount


def prune_guild(connection: Connection, guild_id: int, today: date) -> int:
    """Delete some of what a guild keeps by day, when it is too old."""
    days = _delete(connection, usage_days, _old_days, {"guild": guild_id, "before": today - DAYS_KEPT})
    return days + _delete(connection, usage_sums, _old_sums, {"guild": guild_id, "before": today - SUMS_BY_DAY_KEPT})


def next_guild(connection: Connection, after: int) -> int | None:
    """The guild with the next higher id that used something, 0 for direct messages; None at the end."""
    return connection.execute(_next_guild, {"after": after}).scalar_one()


def is_user_of(connection: Connection, guild_id: int, user_id: int) -> bool:
    """Whether the person used something there."""
    return connection.execute(_has_own, {"guild": guild_id, "user": user_id}).first() is not None


def _move(
    connection: Connection, table: Table, add: Upsert, some: Select[Any], where: dict[str, Any], name: str, value: Any
) -> int:
    rows = [dict(row) for row in connection.execute(some, where).mappings()]
    if rows:
        add.many(connection, [{**row, name: value} for row in rows])
        _delete_rows(connection, table, rows)
    return len(rows)


def _delete(connection: Connection, table: Table, some: Select[Any], where: dict[str, Any]) -> int:
    rows = [dict(row) for row in connection.execute(some, where).mappings()]
    if rows:
        _delete_rows(connection, table, rows)
    return len(rows)


def _delete_rows(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    keys = [{f"old_{column.name}": row[column.name] for column in table.primary_key} for row in rows]
    connection.execute(_delete_row_of[table.name], keys)
