"""Going through a table by its key, some rows at a time: for what no index finds, so that nobody waits for it."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Table, literal, select, tuple_

from storage.records import EVERYWHERE, Where

LOOKED_AT_AT_ONCE: Final = 500
"""Rows that one transaction looks at."""

Key = tuple[Any, ...]


def walk(
    connection: Connection,
    table: Table,
    columns: Iterable[str],
    where: Where,
    after: Key | None,
    *conditions: ColumnElement[bool],
) -> tuple[list[Row[Any]], Key | None]:
    """The next rows after a key, with their keys, and the key after which to go on; None at the end."""
    keys = list(table.primary_key)
    names = dict.fromkeys([*(key.name for key in keys), *columns])
    statement = select(*(table.c[name] for name in names)).order_by(*keys).limit(LOOKED_AT_AT_ONCE)
    statement = statement.where(*in_scope(table, where), *conditions)
    if after is not None:
        values = [literal(value, key.type) for key, value in zip(keys, after, strict=True)]
        statement = statement.where(keys[0] > values[0] if len(keys) == 1 else tuple_(*keys) > tuple_(*values))
    rows = list(connection.execute(statement))
    return rows, key_of(table, rows[-1]) if len(rows) == LOOKED_AT_AT_ONCE else None


def key_of(table: Table, row: Row[Any]) -> Key:
    """The primary key of a row that was walked over."""
    return tuple(getattr(row, key.name) for key in table.primary_key)


def in_scope(table: Table, where: Where) -> list[ColumnElement[bool]]:
    """The rows of one guild, of direct messages (None), or of all."""
    return [] if where is EVERYWHERE else [table.c.guild_id == where]


def with_keys(table: Table, keys: Sequence[Key]) -> ColumnElement[bool]:
    """The rows with these primary keys."""
    columns = list(table.primary_key)
    if len(columns) == 1:
        return columns[0].in_([key[0] for key in keys])
    return tuple_(*columns).in_(keys)
