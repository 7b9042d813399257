"""INSERT with a rule for conflicts: the one statement whose form differs between the databases."""

from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

InsertT = TypeVar("InsertT", sqlite.Insert, postgresql.Insert)


class Upsert:
    """An INSERT that overwrites the named columns of a row that is there already; with none named it leaves the row."""

    def __init__(self, table: Table, overwrite: Sequence[str] = ()) -> None:
        self._table = table
        self._sqlite = _conflict_rule(sqlite.insert(table), table, overwrite)
        self._postgresql = _conflict_rule(postgresql.insert(table), table, overwrite)

    def __call__(self, connection: Connection, **values: Any) -> bool:
        """Write the row; False if it was there and was left alone."""
        statement = self._sqlite if connection.dialect.name == "sqlite" else self._postgresql
        return connection.execute(statement, values).rowcount > 0


def _conflict_rule(insert: InsertT, table: Table, overwrite: Sequence[str]) -> InsertT:
    keys = list(table.primary_key)
    if not overwrite:
        return insert.on_conflict_do_nothing(index_elements=keys)
    return insert.on_conflict_do_update(index_elements=keys, set_={name: insert.excluded[name] for name in overwrite})
