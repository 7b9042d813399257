"""What does a report on a year cost, beside one on a month?

    python -m benchmarks.usage

Stores a year of a busy server (200 people, 20 channels, 5 models, a thousand requests a day), reads the reports of the
server, of a channel and of a person for a month and for a year, in turns, on SQLite and on PostgreSQL. Prints the
ratios of the medians; exits with 1 if one is above the limit.
"""

import asyncio
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import asyncpg
from sqlalchemy import Connection, insert

from benchmarks.history_walk import server
from moderation.usage import UsageReports
from storage import Storage, UsageRow, UsageScopeKind, open_storage
from storage._usage_sums import AMOUNTS, sum_rows
from storage.schema import usage_sums

LIMIT = 3.0
USERS, CHANNELS, MODELS = 200, 20, 5
REQUESTS_A_DAY = 1000
DAYS = 365
GUILD = 1
TODAY = date(2026, 11, 22)
ROUNDS, WARM_UP = 60, 6
CHUNK = 20_000
"""Rows in one transaction, which PostgreSQL must finish within the storage's time-out."""

SCOPES: tuple[tuple[UsageScopeKind, int], ...] = (("server", 0), ("channel", 3), ("user", 7))


async def main() -> int:
    """Measure both databases."""
    rows = list(_year())
    print(f"{REQUESTS_A_DAY * DAYS:,} requests in {len(rows):,} sums")
    worst = 0.0
    for name, opened in (("SQLite", _sqlite), ("PostgreSQL", _postgresql)):
        async with opened() as storage:
            await _fill(storage, rows)
            for kind, scope_id in SCOPES:
                month, year = await _measure(storage, kind, scope_id)
                worst = max(worst, year / month)
                print(
                    f"  {name}, a {kind}: a month {month * 1e3:.2f} ms, a year {year * 1e3:.2f} ms, "
                    f"ratio {year / month:.2f}"
                )
    print(f"worst ratio {worst:.2f}, limit {LIMIT}")
    return int(worst > LIMIT)


async def _measure(storage: Storage, kind: UsageScopeKind, scope_id: int) -> tuple[float, float]:
    """Median seconds of each, taken in turns so that both see the same weather."""
    reports = UsageReports(storage.usage, lambda: TODAY)
    seconds: dict[str, list[float]] = {"month": [], "year": []}
    for number in range(WARM_UP + ROUNDS):
        for typed in ("month", "year") if number % 2 else ("year", "month"):
            started = time.perf_counter()
            report = await reports.of(GUILD, kind, scope_id, reports.period(typed))
            seconds[typed].append(time.perf_counter() - started)
            assert report.total.requests > 0
    return median(seconds["month"][WARM_UP:]), median(seconds["year"][WARM_UP:])


def _year() -> Iterator[dict[str, Any]]:
    """The sums of all requests; few people and channels have most of them."""
    chance = random.Random(1)
    sums: dict[tuple[Any, ...], dict[str, Any]] = {}
    for day in range(DAYS):
        at = datetime(TODAY.year, TODAY.month, TODAY.day, tzinfo=UTC) - timedelta(day)
        for _ in range(REQUESTS_A_DAY):
            user, channel = int(USERS * chance.random() ** 1.5), int(CHANNELS * chance.random() ** 1.5)
            model, waited = f"model-{chance.randrange(MODELS)}", chance.expovariate(0.1)
            for row in sum_rows(UsageRow(GUILD, 1 + channel, 1 + user, model, "chat", 900, 150, at, waited)):
                _add(sums, row)
    return iter(sums.values())


def _add(sums: dict[tuple[Any, ...], dict[str, Any]], row: dict[str, Any]) -> None:
    key = (row["level"], row["scope_kind"], row["scope_id"], row["part"], row["start"], row["key"])
    known = sums.setdefault(key, row)
    if known is not row:
        for name in AMOUNTS:
            known[name] += row[name]


async def _fill(storage: Storage, rows: list[dict[str, Any]]) -> None:
    def add(connection: Connection, first: int) -> None:
        connection.execute(insert(usage_sums), rows[first : first + CHUNK])

    for first in range(0, len(rows), CHUNK):
        await storage.database.write(add, first)
    if storage.database.engine.dialect.name == "postgresql":
        # The server does so by itself once it finds the time.
        await storage.database.write(lambda connection: connection.exec_driver_sql("ANALYZE usage_sums").close())


@asynccontextmanager
async def _sqlite() -> AsyncIterator[Storage]:
    with tempfile.TemporaryDirectory() as folder:
        async with _opened(f"sqlite:///{folder}/bot.db") as storage:
            yield storage


@asynccontextmanager
async def _postgresql() -> AsyncIterator[Storage]:
    with tempfile.TemporaryDirectory() as folder, server(Path(folder) / "data") as address:
        connection = await asyncpg.connect(address)
        await connection.execute("CREATE DATABASE bot")
        await connection.close()
        async with _opened(address.replace("/postgres?", "/bot?")) as storage:
            yield storage


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[Storage]:
    storage = await open_storage(url)
    try:
        yield storage
    finally:
        await storage.close()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
