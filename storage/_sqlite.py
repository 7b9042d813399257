"""SQLite: one connection, on one thread of its own.

Transactions run one after the other, as SQLite has it anyway, with one change of thread for each and none for each
statement. Writes that wait at the same time are committed together: each commit waits for the disk, and forty of them
would wait in line.
"""

import asyncio
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Concatenate, Final, Self

from sqlalchemy import Connection, Engine, NullPool, create_engine, event

from storage._sqlite_sweep import prune_backups, sweep
from storage._translate import translated
from storage.database import Database, P, Swept, T

_log = logging.getLogger(__name__)

BUSY_TIMEOUT_MILLISECONDS: Final = 5000
CACHE_KIBIBYTES: Final = 16_000
"""Room for the pages of several hundred conversations; SQLite's own default holds a dozen."""

PRAGMAS: Final = (
    f"busy_timeout={BUSY_TIMEOUT_MILLISECONDS}",  # first: the others may meet a lock
    "journal_mode=WAL",
    "synchronous=FULL",  # in WAL mode NORMAL loses acknowledged commits when the power fails
    "foreign_keys=ON",
    "secure_delete=ON",
    "temp_store=MEMORY",  # messages never lie in files of the temporary folder
    f"cache_size=-{CACHE_KIBIBYTES}",
)

MAX_WRITES_TOGETHER: Final = 64
"""Bounds how long the first of them waits for the others."""


def sqlite_engine(path: Path) -> Engine:
    """An engine for an existing file; it never makes one. Transactions begin where BEGIN is executed, not before."""
    address = f"{path.absolute().as_uri()}?mode=rw"
    engine = create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(address, uri=True, isolation_level=None),
        poolclass=NullPool,
        hide_parameters=True,  # they are people's messages, and errors are logged
    )
    event.listen(engine, "connect", _set_pragmas)
    return engine


def _set_pragmas(connection: sqlite3.Connection, _record: object) -> None:
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}").close()


@dataclass(slots=True)
class _Job:
    """One transaction that somebody awaits."""

    run: Callable[[Connection], Any]
    writes: bool
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None
    alone: bool = False  # what cannot be done within a transaction


class SqliteDatabase(Database):
    """A SQLite file that is ready for use."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = str(path)
        self._engine = sqlite_engine(path)
        self._loop = asyncio.get_running_loop()
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._held: list[_Job | None] = []
        self._connection: Connection | None = None
        self._thread = threading.Thread(target=self._serve, name="storage", daemon=True)
        self._closed = False

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Start the thread and see that it can read."""
        database = cls(path)
        database._thread.start()
        try:
            await database.read(lambda _: None)
        except BaseException:
            await database.close()
            raise
        return database

    @property
    def engine(self) -> Engine:
        """The engine below, to listen to its events."""
        return self._engine

    async def write(self, function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run the function in one transaction and return once it is committed."""
        return await self._submit(function, True, args, kwargs)

    async def read(self, function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run the function in a transaction that writes nothing."""
        return await self._submit(function, False, args, kwargs)

    async def sweep(self) -> Swept:
        """Rewrite the file, if it is small enough for others to wait, and empty its log."""
        future: asyncio.Future[Swept] = self._loop.create_future()
        self._put(_Job(partial(sweep, busy_milliseconds=BUSY_TIMEOUT_MILLISECONDS), False, future, alone=True))
        return await future

    async def prune_backups(self, now: datetime) -> int:
        """Delete old copies of the file that lie beside it."""
        with translated(self._path):
            return await asyncio.to_thread(prune_backups, Path(self._path), now)

    async def close(self) -> None:
        """Finish what was begun and let go of the file."""
        await self._finish_unattended()
        if not self._closed:
            self._closed = True
            self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    def _submit(
        self, function: Callable[..., T], writes: bool, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> asyncio.Future[T]:
        future: asyncio.Future[T] = self._loop.create_future()
        self._put(_Job(lambda connection: function(connection, *args, **kwargs), writes, future))
        return future

    def _put(self, job: _Job) -> None:
        if self._closed:
            raise RuntimeError("the storage is closed")
        self._jobs.put(job)

    def _serve(self) -> None:
        while jobs := self._take():
            if jobs[0].writes:
                self._write(jobs)
            elif jobs[0].alone:
                self._run_alone(jobs[0])
            else:
                self._run(jobs, "BEGIN")
            with suppress(RuntimeError):  # the loop is gone, and with it everybody who waited
                self._loop.call_soon_threadsafe(_deliver, jobs)
        self._disconnect()

    def _take(self) -> list[_Job]:
        """Wait for the next job; a write comes with the writes right behind it. Nothing once closed."""
        job = self._held.pop() if self._held else self._jobs.get()
        if job is None:
            return []
        jobs = [job]
        while job.writes and len(jobs) < MAX_WRITES_TOGETHER and not self._jobs.empty():
            following = self._jobs.get()
            if following is None or not following.writes:
                self._held.append(following)
                break
            jobs.append(following)
        return jobs

    def _write(self, jobs: list[_Job]) -> None:
        """Commit them together; if that fails, each alone, so that only those fail that cannot be done."""
        if not self._run(jobs, "BEGIN IMMEDIATE") and len(jobs) > 1:
            for job in jobs:
                self._run([job], "BEGIN IMMEDIATE")

    def _run(self, jobs: list[_Job], begin: str) -> bool:
        try:
            with self._transaction(begin) as connection:
                for job in jobs:
                    job.result = job.run(connection)
        except BaseException as exc:  # noqa: BLE001  it belongs to those who wait, and the thread goes on
            for job in jobs:
                job.error = exc
            return False
        for job in jobs:
            job.error = None
        return True

    def _run_alone(self, job: _Job) -> None:
        try:
            with translated(self._path):
                self._connection = self._connection or self._engine.connect()
                job.result = job.run(self._connection)
        except BaseException as exc:  # noqa: BLE001  it belongs to whoever waits, and the thread goes on
            job.error = exc

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Connection]:
        with translated(self._path):
            connection = self._connection = self._connection or self._engine.connect()
            try:
                # SQLAlchemy keeps the books of this transaction, but the driver begins none by itself.
                with connection.begin():
                    connection.exec_driver_sql(begin)
                    yield connection
            except BaseException:
                if connection.closed or _is_open(connection):
                    self._disconnect()
                raise

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _is_open(connection: Connection) -> bool:
    """True if the driver is still in a transaction, because even the rollback failed."""
    driver = connection.connection.driver_connection
    return isinstance(driver, sqlite3.Connection) and driver.in_transaction


def _deliver(jobs: list[_Job]) -> None:
    for job in jobs:
        if job.future.cancelled():
            if job.writes and job.error is not None:
                _log.error("a write failed whose caller had gone", exc_info=job.error)
        elif job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)
