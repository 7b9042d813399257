"""What was used, summed up by day and month, on both databases."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, select, update

from storage import Settlement, Storage, UsageBook, UsageRow, UsageSum, UsageTotals
from storage._usage_forgetting import DAYS_KEPT, REQUESTS_KEPT, ROWS_AT_ONCE, SUMS_BY_DAY_KEPT
from storage.ids import first_id_at
from storage.records import WAIT_EDGES, UsageLevel, UsageScopeKind
from storage.schema import usage, usage_days, usage_sums
from storage.usage import add_usage
from tests.storage.builders import ADA, CHANNEL, GUILD, KEY, NOW, OTHER_GUILD, begin, usage_row

DAY = timedelta(days=1)
USERS, CHANNELS = (ADA, ADA + 1, ADA + 2), (CHANNEL, CHANNEL + 1)
BEGINNING = date(2025, 1, 1)
EMPTY = UsageBook((), {}, {})


def some_rows(count: int, seed: int = 1) -> list[UsageRow]:
    """Requests of some months, here and elsewhere."""
    random = Random(seed)
    return [
        UsageRow(
            random.choice([GUILD, GUILD, OTHER_GUILD, None]),
            random.choice(CHANNELS),
            random.choice(USERS),
            random.choice(["model-a", "model-b"]),
            random.choice(["chat", "chat", "complete"]),
            random.randrange(1, 5000),
            random.randrange(400),
            NOW - timedelta(days=random.randrange(90), seconds=random.randrange(86_400)),
            random.choice([None, 0.0, 0.25, 1.0, 1.001, 15.5, 120.0, 700.25]),
        )
        for _ in range(count)
    ]


async def add_all(storage: Storage, rows: Iterable[UsageRow]) -> None:
    def add(connection: Connection) -> None:
        for row in rows:
            add_usage(connection, row)

    await storage.database.write(add)


def summed(rows: Iterable[UsageRow]) -> UsageSum:
    """The same in the plainest way."""
    found = list(rows)
    waited = [row.waited_seconds for row in found if row.waited_seconds is not None]
    edges = [-1.0, *WAIT_EDGES, float("inf")]
    waits = [sum(low < seconds <= high for seconds in waited) for low, high in pairwise(edges)]
    prompt, completion = sum(row.prompt_tokens for row in found), sum(row.completion_tokens for row in found)
    return UsageSum(len(found), prompt, completion, round(sum(waited), 3), tuple(waits))


def totals(rows: Iterable[UsageRow]) -> UsageTotals:
    used = summed(rows)
    return UsageTotals(used.requests, used.prompt_tokens, used.completion_tokens)


def grouped(rows: Iterable[UsageRow], *names: str) -> dict[Any, list[UsageRow]]:
    groups: dict[Any, list[UsageRow]] = defaultdict(list)
    for row in rows:
        groups[tuple(getattr(row, name) for name in names)].append(row)
    return groups


def expected_book(rows: Iterable[UsageRow], kind: UsageScopeKind, scope_id: int, level: UsageLevel) -> UsageBook:
    mine = [row for row in rows if kind == "server" or getattr(row, f"{kind}_id") == scope_id]
    by_time: dict[tuple[date, str], list[UsageRow]] = defaultdict(list)
    for row in mine:
        day = row.at.date()
        by_time[day if level == "day" else day.replace(day=1), row.model].append(row)
    users = {user: totals(found) for (user,), found in grouped(mine, "user_id").items()}
    channels = {channel: totals(found) for (channel,), found in grouped(mine, "channel_id").items()}
    return UsageBook(
        tuple((start, model, summed(by_time[start, model])) for start, model in sorted(by_time)),
        users if kind != "user" else {},
        channels if kind == "server" else {},
    )


async def test_books_say_what_the_single_requests_say(storage: Storage) -> None:
    rows = some_rows(200)
    await add_all(storage, rows)
    scopes: list[tuple[UsageScopeKind, int]] = [("server", 0), ("channel", CHANNEL), ("user", ADA)]
    levels: tuple[UsageLevel, ...] = ("day", "month")
    for guild in (GUILD, OTHER_GUILD, None):
        here = [row for row in rows if row.guild_id == guild]
        for kind, scope_id in scopes:
            for level in levels:
                found = await storage.usage.book(guild, kind, scope_id, level, BEGINNING)
                assert found == expected_book(here, kind, scope_id, level), (guild, kind, level)
    since = (NOW - 20 * DAY).date()
    late = [row for row in rows if row.guild_id == GUILD and row.at.date() >= since]
    assert await storage.usage.book(GUILD, "server", 0, "day", since) == expected_book(late, "server", 0, "day")
    assert await storage.usage.book(GUILD, "channel", 999, "day", BEGINNING) == EMPTY
    assert await storage.usage.book(999, "server", 0, "month", BEGINNING) == EMPTY


async def test_days_are_given_in_full_one_after_the_other(storage: Storage) -> None:
    rows = some_rows(100)
    await add_all(storage, rows)
    since, until = (NOW - 30 * DAY).date(), (NOW - 2 * DAY).date()
    found = [day async for page in storage.usage.days(GUILD, since, until) for day in page]
    expected: dict[Any, list[UsageRow]] = defaultdict(list)
    for row in rows:
        if row.guild_id == GUILD and since <= row.at.date() <= until:
            expected[row.at.date(), row.channel_id, row.user_id, row.model, row.kind].append(row)
    keys = [(day.day, day.channel_id, day.user_id, day.model, day.kind) for day in found]
    assert keys == sorted(expected)
    assert [day.used for day in found] == [summed(expected[key]) for key in keys]
    adas = [day async for page in storage.usage.days(GUILD, since, until, ADA) for day in page]
    assert adas == [day for day in found if day.user_id == ADA]
    assert [page async for page in storage.usage.days(999, since, until)] == []


async def test_a_settled_turn_is_summed_up_and_one_that_fails_is_not(storage: Storage) -> None:
    begun = await begin(storage, "hello")
    row = usage_row(waited_seconds=3.5)
    await storage.history.settle(begun.reply_id, Settlement("done", "complete", usage=row))
    book = await storage.usage.book(GUILD, "channel", KEY.channel_id, "day", NOW.date())
    assert book == expected_book([row], "channel", CHANNEL, "day")

    def fail(connection: Connection) -> None:
        add_usage(connection, row)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await storage.database.write(fail)
    assert await storage.usage.book(GUILD, "channel", KEY.channel_id, "day", NOW.date()) == book


async def test_days_end_at_midnight_in_utc(storage: Storage) -> None:
    midnight = datetime(2026, 3, 1, tzinfo=UTC)
    east = midnight.astimezone(datetime.fromisoformat("2026-03-01T00:00:00+05:00").tzinfo)
    for at in (midnight - timedelta(microseconds=1), midnight, east):
        await storage.usage.add(usage_row(at=at))
    by_day = await storage.usage.book(GUILD, "user", ADA, "day", BEGINNING)
    by_month = await storage.usage.book(GUILD, "user", ADA, "month", BEGINNING)
    assert [(start, used.requests) for start, _, used in by_day.models] == [
        (date(2026, 2, 28), 1),
        (date(2026, 3, 1), 2),
    ]
    assert [(start, used.requests) for start, _, used in by_month.models] == [
        (date(2026, 2, 1), 1),
        (date(2026, 3, 1), 2),
    ]


async def test_who_is_forgotten_leaves_the_totals(storage: Storage) -> None:
    rows = some_rows(150)
    await add_all(storage, rows)
    # More rows than are moved at once, so that it takes several transactions.
    many = [usage_row(model=f"model-{n}", at=NOW - (n % 5) * DAY) for n in range(ROWS_AT_ONCE + 20)]
    await add_all(storage, many)
    assert await storage.usage.guilds_with(ADA) == [None, GUILD, OTHER_GUILD]
    await storage.usage.forget_user(GUILD, ADA)
    assert await storage.usage.guilds_with(ADA) == [None, OTHER_GUILD]
    here = [replace(row, user_id=0 if row.user_id == ADA else row.user_id) for row in [*rows, *many]]
    here = [row for row in here if row.guild_id == GUILD]
    assert await storage.usage.book(GUILD, "user", ADA, "month", BEGINNING) == EMPTY
    assert await storage.usage.book(GUILD, "server", 0, "month", BEGINNING) == expected_book(here, "server", 0, "month")
    found = await storage.usage.book(GUILD, "channel", CHANNEL, "day", BEGINNING)
    assert found == expected_book(here, "channel", CHANNEL, "day")
    users = {day.user_id async for page in storage.usage.days(GUILD, BEGINNING, NOW.date()) for day in page}
    assert users == {0, ADA + 1, ADA + 2}
    elsewhere = await storage.usage.book(OTHER_GUILD, "user", ADA, "month", BEGINNING)
    assert elsewhere == expected_book([row for row in rows if row.guild_id == OTHER_GUILD], "user", ADA, "month")


async def test_what_is_old_is_pruned_but_for_the_months(storage: Storage) -> None:
    rows = [*some_rows(100), *(usage_row(model=f"model-{n}") for n in range(ROWS_AT_ONCE + 5))]
    await add_all(storage, rows)

    def age(connection: Connection) -> None:
        """Ids are made from the time of writing."""
        for number, (old, at) in enumerate(connection.execute(select(usage.c.id, usage.c.at)).all()):
            connection.execute(update(usage).where(usage.c.id == old).values(id=first_id_at(at) + number))

    await storage.database.write(age)
    here = [row for row in rows if row.guild_id == GUILD]
    assert await storage.usage.prune(NOW) == sum(row.at < NOW - REQUESTS_KEPT for row in rows)
    assert await storage.usage.totals(GUILD, NOW - 365 * DAY) == totals(r for r in here if r.at >= NOW - REQUESTS_KEPT)

    first_kept = NOW - 30 * DAY
    assert await storage.usage.prune(first_kept + SUMS_BY_DAY_KEPT) > 0
    found = await storage.usage.book(GUILD, "user", ADA, "day", BEGINNING)
    late = [row for row in here if row.at.date() >= first_kept.date()]
    assert found == expected_book(late, "user", ADA, "day")
    first = min(row.at for row in here).date()
    assert await anext(page[0].day async for page in storage.usage.days(GUILD, BEGINNING, NOW.date())) == first

    assert await storage.usage.prune(NOW + DAYS_KEPT + DAY) > ROWS_AT_ONCE
    assert [page async for page in storage.usage.days(GUILD, BEGINNING, NOW.date())] == []
    book = await storage.usage.book(GUILD, "server", 0, "month", BEGINNING)
    assert book == expected_book(here, "server", 0, "month")
    assert await storage.usage.prune(NOW + DAYS_KEPT + DAY) == 0


async def test_what_was_used_before_is_summed_up_by_the_migration(storage: Storage) -> None:
    rows = [replace(row, waited_seconds=None) for row in some_rows(150)]
    rows.append(usage_row(at=datetime(2026, 2, 28, 23, 59, 59, 999_999, tzinfo=UTC)))
    await add_all(storage, rows)
    migration = import_module("storage.migrations.versions.0006_moderation")

    def everything(connection: Connection) -> list[list[Any]]:
        tables = (usage_days, usage_sums)
        return [sorted(connection.execute(select(table)).all(), key=str) for table in tables]

    def migrate(connection: Connection) -> None:
        usage_days.drop(connection)
        usage_sums.drop(connection)
        with Operations.context(MigrationContext.configure(connection)):
            migration._usage()

    added = await storage.database.read(everything)
    await storage.database.write(migrate)
    assert await storage.database.read(everything) == added
