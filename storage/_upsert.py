"""INSERT with a rule for conflicts: the one statement whose form differs between the databases."""

from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

InsertT = TypeVar("InsertT", sqlite.Insert, postgresql.Insert)


class Upsert:
    """An INSERT that overwrites the named columns of a row that is there already; with none named it leaves the row.

    To the columns in `add` it adds the new values.
    """

    def __init__(self, table: Table, overwrite: Sequence[str] = (), add: Sequence[str] = ()) -> None:
        self._table = table
        self._sqlite = _conflict_rule(sqlite.insert(table), table, overwrite, add)
        self._postgresql = _conflict_rule(postgresql.insert(table), table, overwrite, add)

    def __call__(self, connection: Connection, **values: Any) -> bool:
        """Write the row; False if it was there and was left alone."""
        return connection.execute(self._for(connection), values).rowcount > 0

    def many(self, connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
        """Write the rows in this order."""
        if rows:
            connection.execute(self._for(connection), rows)

    def _for(self, connection: Connection) -> sqlite.Insert | postgresql.Insert:
        return self._sqlite if connection.dialect.name == "sqlite" else self._postgresql


def _conflict_rule(insert: InsertT, table: Table, overwrite: Sequence[str], add: Sequence[str]) -> InsertT:
    keys = list(table.primary_key)
    if not overwrite and not add:
        return insert.on_conflict_do_nothing(index_elements=keys)
    values: dict[str, ColumnElement[Any]] = {name: insert.excluded[name] for name in overwrite}
    values |= {name: table.c[name] + insert.excluded[name] for name in add}
    return insert.on_conflict_do_update(index_elements=keys, set_=values)
