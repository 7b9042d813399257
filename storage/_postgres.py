"""PostgreSQL: a pool of asyncpg connections; the same synchronous functions run on them in SQLAlchemy's greenlets."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from functools import partial
from operator import methodcaller
from typing import Any, Concatenate, Final, Generic, Self

from sqlalchemy import URL, AdaptedConnection, Connection, Engine, NullPool, Text, bindparam, cast, event, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.types import UserDefinedType

from storage._migrate import OURS, Migrations, current_revision, require_known, upgrade
from storage._translate import is_id_taken, is_transient, translated
from storage.database import Database, P, Swept, T
from storage.schema import metadata

POOL_SIZE: Final = 10
"""Transactions at the same time; the 100 connections of a default server are enough for several processes."""

POOL_TIMEOUT_SECONDS: Final = 30
CONNECT_TIMEOUT_SECONDS: Final = 10
COMMAND_TIMEOUT_SECONDS: Final = 30
RETRY_SECONDS: Final = 30.0
"""How long a restart of the server may take before callers hear of it."""

FIRST_DELAY_SECONDS: Final = 0.05
LONGEST_DELAY_SECONDS: Final = 2.0

PLANNER_SETTINGS: Final = (
    # Every statement here reads by keys, so one plan fits all values: planning takes as long as running.
    "SET plan_cache_mode = force_generic_plan",
    # A plan made while a table was small, and kept, must not go on reading all of it.
    "SET enable_seqscan = off",
    "SET enable_hashjoin = off",
    "SET enable_mergejoin = off",
    # Compiling a statement takes longer than any of them runs.
    "SET jit = off",
)

MIGRATION_LOCK: Final = 5_213_460_817_729_306_412
"""Any number that nobody else locks in this database: processes that start together migrate one after the other."""


class _Xid8(UserDefinedType[str]):
    """The server's number of a transaction, which never comes again."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "xid8"


_own_transaction = select(cast(func.pg_current_xact_id_if_assigned(), Text))
_transaction_status = select(func.pg_xact_status(cast(bindparam("transaction", type_=Text), _Xid8)))


class _LostCommitError(Exception, Generic[T]):
    """The connection was lost while committing: the server knows whether it did."""

    def __init__(self, transaction: str, result: T) -> None:
        super().__init__(transaction)
        self.transaction = transaction
        self.result = result


class _StillRunningError(ConnectionError):
    """The server has not noticed yet that the connection of a transaction is gone."""


class PostgresDatabase(Database):
    """A PostgreSQL database that is ready for use."""

    def __init__(self, url: URL, *, retry_seconds: float = RETRY_SECONDS) -> None:
        super().__init__()
        self._name = f"{url.get_backend_name()}://{url.host or url.query.get('host', '')}/{url.database}"
        self._url = url
        self._retry_seconds = retry_seconds
        self._engine = create_async_engine(
            url,
            pool_size=POOL_SIZE,
            max_overflow=0,
            pool_timeout=POOL_TIMEOUT_SECONDS,
            connect_args={"timeout": CONNECT_TIMEOUT_SECONDS, "command_timeout": COMMAND_TIMEOUT_SECONDS},
            hide_parameters=True,  # they are people's messages, and errors are logged
        )
        event.listen(self.engine, "connect", _set_planner)

    @classmethod
    async def open(cls, url: URL, *, migrations: Migrations = OURS, retry_seconds: float = RETRY_SECONDS) -> Self:
        """Connect and bring the schema up to date."""
        database = cls(url, retry_seconds=retry_seconds)
        try:
            await database._persist(partial(database._migrate, migrations))
        except BaseException:
            await database.close()
            raise
        return database

    @property
    def engine(self) -> Engine:
        """The engine below, to listen to its events."""
        return self._engine.sync_engine

    async def write(self, function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run the function in one transaction and return once it is committed."""
        return await self.finish(self._write(lambda connection: function(connection, *args, **kwargs)))

    async def read(self, function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run the function in a transaction that writes nothing."""
        return await self._persist(partial(self._read, lambda connection: function(connection, *args, **kwargs)))

    async def sweep(self) -> Swept:
        """Free what deleted rows took; the server skips tables that this user may not vacuum."""
        with translated(self._name):
            async with self._own_connection(isolation_level="AUTOCOMMIT") as connection:
                quoted = connection.dialect.identifier_preparer.format_table
                for table in metadata.sorted_tables:
                    await connection.exec_driver_sql(f"VACUUM {quoted(table)}")
        return "done"

    async def close(self) -> None:
        """Finish what was begun and let go of the connections."""
        await self._finish_unattended()
        await self._engine.dispose()

    async def _write(self, function: Callable[[Connection], T]) -> T:
        """Exactly once: when the answer to a commit was lost, ask what became of it before doing anything again."""
        lost: _LostCommitError[T] | None = None

        async def attempt() -> T:
            nonlocal lost
            if lost is not None and await self._read(partial(_was_committed, lost.transaction)):
                return lost.result
            lost = None
            try:
                return await self._transact(function)
            except _LostCommitError as exc:
                lost = exc
                raise ConnectionError("lost while committing") from exc

        return await self._persist(attempt)

    async def _transact(self, function: Callable[[Connection], T]) -> T:
        async with self._engine.connect() as connection:
            result, transaction = await connection.run_sync(_run_and_identify, function)
            try:
                await connection.commit()
            except Exception as exc:
                if transaction is None or not is_transient(exc):
                    raise
                raise _LostCommitError(transaction, result) from exc
            return result

    async def _read(self, function: Callable[[Connection], T]) -> T:
        async with self._engine.connect() as connection:
            return await connection.run_sync(function)

    async def _persist(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Try again for a while when the server is away, restarts or asks for it; once more if an id was in use."""
        deadline = time.monotonic() + self._retry_seconds
        delay = FIRST_DELAY_SECONDS
        ids_taken = 0
        while True:
            with translated(self._name):
                try:
                    return await attempt()
                except Exception as exc:
                    ids_taken += is_id_taken(exc)
                    again = is_transient(exc) or (is_id_taken(exc) and ids_taken == 1)
                    if not again or time.monotonic() + delay > deadline:
                        raise
            await asyncio.sleep(delay * random.uniform(0.5, 1.0))
            delay = min(2 * delay, LONGEST_DELAY_SECONDS)

    async def _migrate(self, migrations: Migrations) -> None:
        """On a connection of its own, where statements may take their time and whose end gives up the lock."""
        if await self._read(current_revision) == migrations.head:
            return
        async with self._own_connection() as connection:
            await connection.run_sync(_migrate, migrations, self._name)

    def _own_connection(self, **options: Any) -> AsyncConnection:
        """A connection outside of the pool, whose statements may take their time."""
        engine = create_async_engine(
            self._url,
            poolclass=NullPool,
            connect_args={"timeout": CONNECT_TIMEOUT_SECONDS},
            hide_parameters=True,
            **options,
        )
        return engine.connect()


def _set_planner(connection: AdaptedConnection, _record: object) -> None:
    for setting in PLANNER_SETTINGS:
        connection.run_async(methodcaller("execute", setting))


def _run_and_identify(connection: Connection, function: Callable[[Connection], T]) -> tuple[T, str | None]:
    result = function(connection)
    return result, connection.execute(_own_transaction).scalar_one()


def _was_committed(transaction: str, connection: Connection) -> bool:
    status = connection.execute(_transaction_status, {"transaction": transaction}).scalar_one()
    if status == "in progress":
        raise _StillRunningError(transaction)
    return bool(status == "committed")


def _migrate(connection: Connection, migrations: Migrations, name: str) -> None:
    connection.execute(select(func.pg_advisory_lock(MIGRATION_LOCK)))
    revision = current_revision(connection)
    connection.commit()
    if revision is not None:
        require_known(revision, migrations, name)
    if revision != migrations.head:
        upgrade(connection, migrations)
