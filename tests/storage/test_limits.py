"""Limits: what is set, what is set aside for simultaneous requests, and what becomes of that."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event

from storage import (
    AuditFilter,
    GuildLimits,
    Limit,
    LimitGrant,
    Limits,
    LimitWindow,
    Reserved,
    Settlement,
    Spent,
    Storage,
    open_storage,
)
from storage import limits as limits_module
from tests.storage.builders import ADA, GUILD, NOW, OTHER_GUILD, begin, usage_row

TOM = 32
HOUR = datetime(2026, 3, 1, 12, tzinfo=UTC)
END = HOUR + timedelta(hours=1)
REQUESTS = LimitWindow("user", ADA, "requests", "hour", HOUR, END)
TOKENS = LimitWindow("guild", 0, "tokens", "hour", HOUR, END)


def limit(amount: int = 5, **changes: Any) -> Limit:
    values: dict[str, Any] = {
        "scope_kind": "guild",
        "scope_id": 0,
        "unit": "tokens",
        "period": "day",
        "hard": False,
        "set_by": ADA,
    }
    return Limit(amount=amount, set_at=NOW, **(values | changes))


def at_most(**amounts: int) -> Callable[[Mapping[LimitWindow, int]], bool]:
    """Admit one request of 100 tokens while each unit stays within its amount."""
    costs = {"requests": 1, "tokens": 100}
    return lambda used: all(
        used[w] + costs[w.unit] <= amounts.get(w.unit, 10**9) for w in (REQUESTS, TOKENS) if w in used
    )


async def reserve(limits: Limits, admits: Callable[[Mapping[LimitWindow, int]], bool] | None = None) -> Reserved | None:
    return await limits.reserve(GUILD, (REQUESTS, TOKENS), 100, admits or at_most())


async def used(limits: Limits) -> tuple[int, int]:
    found = await limits.used(GUILD, (REQUESTS, TOKENS))
    return found.get(REQUESTS, 0), found.get(TOKENS, 0)


async def test_what_is_set_last_holds_and_is_recorded(storage: Storage) -> None:
    limits = storage.limits
    assert await limits.of(GUILD) == GuildLimits()
    first, second, other = limit(), limit(7, hard=True), limit(scope_kind="user", scope_id=0, unit="requests")
    assert await limits.set(GUILD, first) is None
    assert await limits.set(GUILD, second) == first
    await limits.set(GUILD, other)
    await limits.set(OTHER_GUILD, first)
    assert (await limits.of(GUILD)).limits == (second, other)
    assert not await limits.remove(GUILD, limit(period="week"), ADA)
    assert await limits.remove(GUILD, other, ADA)
    grant = LimitGrant(ADA, "tokens", 50, END, ADA, NOW)
    await limits.grant(GUILD, grant)
    assert await limits.of(GUILD) == GuildLimits((second,), (grant,))
    await limits.grant(GUILD, LimitGrant(ADA, "tokens", 0, END, ADA, NOW))
    assert await limits.of(GUILD) == GuildLimits((second,))
    assert (await limits.of(OTHER_GUILD)).limits == (first,)
    entries = reversed(await storage.audit.page(GUILD, AuditFilter()))
    granted = {"amount": 50, "until": "2026-03-01T13:00:00+00:00"}
    assert [(entry.action, entry.subject, entry.before, entry.after) for entry in entries] == [
        ("limit set", "guild tokens per day", None, {"amount": 5, "hard": False}),
        ("limit set", "guild tokens per day", {"amount": 5, "hard": False}, {"amount": 7, "hard": True}),
        ("limit set", "user:each requests per day", None, {"amount": 5, "hard": False}),
        ("limit remove", "user:each requests per day", {"amount": 5, "hard": False}, None),
        ("limit grant", f"user:{ADA} tokens", None, granted),
        ("limit grant", f"user:{ADA} tokens", granted, None),
    ]


async def test_a_guild_without_limits_is_read_once(sqlite_storage: Storage) -> None:
    now, reads = 0.0, 0

    def count(_connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        nonlocal reads
        reads += statement.startswith("SELECT")

    event.listen(sqlite_storage.database.engine, "before_cursor_execute", count)
    limits = Limits(sqlite_storage.database, clock=lambda: now)
    for _ in range(3):
        assert await limits.of(GUILD) == GuildLimits()
    assert reads == 2, "the limits and the grants"
    await sqlite_storage.limits.set(GUILD, limit())
    reads, now = 0, 4.0
    assert await limits.of(GUILD, within_seconds=5) == GuildLimits(), "another process may not know it yet"
    now = 5.0
    assert len((await limits.of(GUILD, within_seconds=5)).limits) == 1
    assert reads == 2


async def test_a_hundred_simultaneous_requests_never_overspend(database_url: str) -> None:
    """Separate connections, as separate processes have."""
    storages = [await open_storage(database_url) for _ in range(4)]
    found = await asyncio.gather(*(reserve(storages[n % 4].limits, at_most(tokens=1234)) for n in range(100)))
    admitted = [one for one in found if one is not None]
    assert len(admitted) == 12, "as many as fit whole"
    assert await used(storages[0].limits) == (12, 1200)
    # What a reply really took is its estimate and an error, by which alone the limit can be missed.
    errors = [-90, -40, 3] * 4
    spent = [Spent(one, 1, 100 + error) for one, error in zip(admitted, errors, strict=True)]
    await asyncio.gather(*(storages[n % 4].limits.settle(one) for n, one in enumerate(spent)))
    assert await used(storages[0].limits) == (12, 1200 + sum(errors))
    assert not await reserve(storages[1].limits, at_most(requests=12))
    for storage in storages:
        await storage.close()


async def test_all_windows_are_charged_or_none(sqlite_storage: Storage) -> None:
    limits = sqlite_storage.limits
    assert await reserve(limits, at_most(requests=1, tokens=1000)) is not None
    assert await reserve(limits, at_most(requests=1, tokens=1000)) is None
    assert await reserve(limits, at_most(requests=5, tokens=150)) is None
    assert await used(limits) == (1, 100)
    assert await limits.used(OTHER_GUILD, (REQUESTS, TOKENS)) == {}


async def test_a_reply_is_settled_with_what_it_took_in_one_transaction(storage: Storage) -> None:
    reserved = await reserve(storage.limits)
    assert reserved is not None
    begun = await begin(storage)
    commits = 0

    def count(_: Connection) -> None:
        nonlocal commits
        commits += 1

    event.listen(storage.database.engine, "commit", count)
    settlement = Settlement("done", "complete", usage=usage_row(), spent=Spent(reserved, 1, 130))
    await storage.history.settle(begun.reply_id, settlement)
    assert commits == 1
    assert await used(storage.limits) == (1, 130)
    # Settled twice it would be counted twice; what is set aside is given back only once, whatever happens.
    await storage.limits.settle(Spent(reserved, 0, 0))
    assert await used(storage.limits) == (1, 130)


async def test_a_reply_that_came_to_nothing_costs_nothing(sqlite_storage: Storage) -> None:
    reserved = await reserve(sqlite_storage.limits)
    assert reserved is not None
    await sqlite_storage.limits.settle(Spent(reserved, 0, 0))
    assert await used(sqlite_storage.limits) == (0, 0)


async def test_a_process_that_lives_keeps_what_it_set_aside_and_a_dead_one_does_not(database_url: str) -> None:
    killed, draining, started = [await open_storage(database_url) for _ in range(3)]
    for _ in range(3):
        assert await reserve(killed.limits) is not None
    kept = await reserve(draining.limits)
    assert kept is not None
    await killed.close()
    async with started.limits.leased():
        assert await used(started.limits) == (4, 400)
        now = datetime.now(UTC)
        assert await started.limits.release_abandoned(now) == 0, "they may still be running"
        for second in range(15, 120, 15):
            await draining.limits.renew(now + timedelta(seconds=second))
        assert await started.limits.release_abandoned(now + timedelta(seconds=120)) == 3
        assert await used(started.limits) == (1, 100)
        await draining.limits.settle(Spent(kept, 1, 70))
        assert await reserve(started.limits) is not None
        assert await used(started.limits) == (2, 170)
    assert await used(draining.limits) == (1, 70), "who stops in good order leaves nothing behind"
    await started.close()
    await draining.close()


async def test_leases_are_renewed_by_themselves_and_at_no_cost_without_any(
    sqlite_storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits_module, "RENEWED_AFTER_SECONDS", 0.01)
    limits, rounds, writes = sqlite_storage.limits, asyncio.Event(), 0
    release = limits.release_abandoned

    async def counted(now: datetime) -> int:
        rounds.set()
        return await release(now)

    def count(_connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        nonlocal writes
        writes += statement.startswith("UPDATE")

    monkeypatch.setattr(limits, "release_abandoned", counted)
    event.listen(sqlite_storage.database.engine, "before_cursor_execute", count)
    async with limits.leased():
        for _ in range(2):
            await rounds.wait()
            rounds.clear()
        assert not writes
        assert await reserve(limits) is not None
        writes = 0
        for _ in range(2):
            await rounds.wait()
            rounds.clear()
        assert writes


async def test_a_lease_that_has_run_out_is_given_back_once(storage: Storage) -> None:
    reserved = await reserve(storage.limits)
    assert reserved is not None
    later = datetime.now(UTC) + timedelta(hours=2)
    assert await storage.limits.release_abandoned(later) == 1
    assert await storage.limits.release_abandoned(later) == 0
    assert await used(storage.limits) == (0, 0)
    await storage.limits.settle(Spent(reserved, 1, 90))
    assert await used(storage.limits) == (1, 90), "what it took counts all the same"


async def test_windows_that_are_over_are_forgotten(storage: Storage) -> None:
    await reserve(storage.limits)
    await storage.limits.grant(GUILD, LimitGrant(ADA, "tokens", 50, END, ADA, NOW))
    assert await storage.limits.prune(END + timedelta(hours=1)) == 0
    assert await storage.limits.prune(END + timedelta(days=3)) == 2
    assert await used(storage.limits) == (0, 0)
    assert (await Limits(storage.database).of(GUILD)).grants == ()


async def test_what_several_asked_for_together_is_shared_where_one_persons_is_counted(storage: Storage) -> None:
    of_tom = LimitWindow("user", TOM, "tokens", "hour", HOUR, END)
    of_ada = LimitWindow("user", ADA, "tokens", "hour", HOUR, END)
    windows = (REQUESTS, TOKENS, of_ada, of_tom)

    async def counted() -> list[int]:
        found = await storage.limits.used(GUILD, windows)
        return [found[window] for window in windows]

    reserved = [await storage.limits.reserve(GUILD, windows, 101, lambda _: True, people=2) for _ in range(2)]
    assert await counted() == [2, 202, 102, 102]
    assert reserved[0] is not None
    await storage.limits.settle(Spent(reserved[0], 1, 50))
    assert await counted() == [2, 151, 76, 76]
    assert await storage.limits.release_abandoned(datetime.now(UTC) + timedelta(hours=2)) == 1
    assert await counted() == [1, 50, 25, 25]
