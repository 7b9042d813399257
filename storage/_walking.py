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
    by: Sequence[str] = (),
) -> tuple[list[Row[Any]], Key | None]:
    """The next rows after a key, with their keys, and the key after which to go on; None at the end.

    The key is the primary one, unless the columns of an index are named to go `by`.
    """
    keys = [table.c[name] for name in by] or list(table.primary_key)
    names = dict.fromkeys([*(key.name for key in keys), *columns])
    statement = select(*(table.c[name] for name in names)).where(*in_scope(table, where)).limit(LOOKED_AT_AT_ONCE)
    # Within one guild its id tells no rows apart, and SQLite uses no index for a range that begins with it.
    apart = [key for key in keys if where is EVERYWHERE or key.name != "guild_id"]
    names_apart = {key.name for key in apart}
    if after is not None:
        values = [literal(value, key.type) for key, value in zip(keys, after, strict=True) if key.name in names_apart]
        statement = statement.where(apart[0] > values[0] if len(apart) == 1 else tuple_(*apart) > tuple_(*values))
    rows = list(connection.execute(statement.order_by(*apart)))
    last = rows[-1] if len(rows) == LOOKED_AT_AT_ONCE else None
    return rows, None if last is None else tuple(getattr(last, key.name) for key in keys)


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
