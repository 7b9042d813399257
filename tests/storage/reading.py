"""Counts what is read, and lets it arrive late."""

import asyncio
from collections.abc import Callable
from typing import Concatenate

from sqlalchemy import Connection, Engine, event

from storage import Database
from storage.database import P, T


class Reads:
    """Counts queries."""

    def __init__(self, engine: Engine) -> None:
        self.count = 0
        event.listen(engine, "before_cursor_execute", self._executed)

    def _executed(self, _connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        self.count += statement.startswith("SELECT")


class LateReads(Database):
    """Answers of reads arrive when they are let go."""

    def __init__(self, below: Database) -> None:
        super().__init__()
        self._below = below
        self.has_read = asyncio.Event()
        self.let_go = asyncio.Event()

    @property
    def engine(self) -> Engine:
        return self._below.engine

    async def write(self, function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._below.write(function, *args, **kwargs)

    async def read(self, function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        result = await self._below.read(function, *args, **kwargs)
        self.has_read.set()
        await self.let_go.wait()
        return result

    async def close(self) -> None:
        await self._finish_unattended()
