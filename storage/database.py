"""What a database does for the repositories: run one of their functions in one transaction."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine

_log = logging.getLogger(__name__)

Swept = Literal["done", "busy", "large"]
"""Whether nothing of what was deleted is left in files; else that is tried again later, or at the next start."""

P = ParamSpec("P")
T = TypeVar("T")


class Database(ABC):
    """One database, SQLite or PostgreSQL.

    A function given to it works on the connection alone: it may be run again after a rollback, when the connection was
    lost or when a write that shared its transaction failed.
    """

    def __init__(self) -> None:
        self._unattended: set[asyncio.Task[Any]] = set()

    @property
    @abstractmethod
    def engine(self) -> Engine:
        """The engine below, to listen to its events."""

    @abstractmethod
    async def write(self, function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run the function in one transaction and return once it is committed.

        A caller that is cancelled meanwhile leaves the transaction to finish: it is done whole or not at all.
        """

    @abstractmethod
    async def read(self, function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run the function in a transaction that writes nothing."""

    async def sweep(self) -> Swept:
        """Remove what is left of deleted rows from the database's files, in a time that nobody minds."""
        return "done"

    async def prune_backups(self, now: datetime) -> int:
        """Delete copies that were made before migrations and that are too old; how many they were."""
        del now  # only files beside the database have copies of ours
        return 0

    @abstractmethod
    async def close(self) -> None:
        """Finish what was begun and let go of the database."""

    async def finish(self, work: Coroutine[Any, Any, T]) -> T:
        """Await work that goes on to its end even if the caller is cancelled."""
        task = asyncio.ensure_future(work)
        self._unattended.add(task)
        task.add_done_callback(self._unattended.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(_report_failure)
            raise

    async def _finish_unattended(self) -> None:
        while self._unattended:
            await asyncio.wait(self._unattended)


def _report_failure(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("a write failed whose caller had gone", exc_info=error)
