"""Many at once, callers that go away, and what one turn costs in transactions."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event

from storage import Scope, Settlement, Storage, TurnStartedError, open_storage
from storage._conversations import claim
from storage._tree import CLAIMS_AT_ONCE
from tests.storage.builders import CHANNEL, GUILD, KEY, begin, new_turn, usage_row, walk


class Transactions:
    """The statements of each committed transaction that changed something."""

    def __init__(self, engine: Engine) -> None:
        self.written: list[list[str]] = []
        self._statements: list[str] = []
        event.listen(engine, "before_cursor_execute", self._executed)
        event.listen(engine, "commit", self._committed)

    def _executed(self, _connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        self._statements.append(statement.split(maxsplit=1)[0])

    def _committed(self, _: Connection) -> None:
        statements, self._statements = self._statements, []
        if {"INSERT", "UPDATE", "DELETE"} & set(statements):
            self.written.append(statements)


async def test_a_turn_is_two_transactions_and_one_for_each_message_posted(storage: Storage) -> None:
    await begin(storage)
    transactions = Transactions(storage.database.engine)
    begun = await begin(storage)
    assert len(transactions.written) == 1
    await walk(storage, begun.reply_id)
    await storage.settings.resolve(GUILD, [Scope("channel", CHANNEL)], {})
    await storage.history.posted(begun.reply_id, 1, 0)
    await storage.history.posted(begun.reply_id, 2, 1)
    assert len(transactions.written) == 3
    await storage.history.settle(begun.reply_id, Settlement("done", "complete", usage=usage_row()))
    assert len(transactions.written) == 4


async def test_one_of_a_hundred_claims_wins(storage: Storage) -> None:
    won = await asyncio.gather(*(storage.history.claim(1, "message") for _ in range(100)))
    assert won.count(True) == 1


async def test_one_of_a_hundred_claims_wins_across_processes(database_url: str) -> None:
    """Separate connections, as separate processes have."""
    storages = [await open_storage(database_url) for _ in range(4)]
    won = await asyncio.gather(*(storages[n % 4].history.claim(1, "message") for n in range(100)))
    for storage in storages:
        await storage.close()
    assert won.count(True) == 1


async def test_claims_of_different_kinds_are_apart(storage: Storage) -> None:
    assert await storage.history.claim(1, "message")
    assert await storage.history.claim(1, "edit")
    assert not await storage.history.claim(1, "edit")


async def test_old_claims_are_pruned(storage: Storage) -> None:
    def claim_many(connection: Connection) -> None:
        for claim_id in range(CLAIMS_AT_ONCE + 5):
            claim(connection, claim_id, "message")

    await storage.database.write(claim_many)
    assert await storage.history.prune_claims(datetime.now(UTC) - timedelta(days=1)) == 0
    assert not await storage.history.claim(1, "message")
    assert await storage.history.prune_claims(datetime.now(UTC) + timedelta(days=1)) == CLAIMS_AT_ONCE + 5
    assert await storage.history.claim(1, "message")


async def test_simultaneous_turns_of_one_conversation_form_a_chain(storage: Storage) -> None:
    begun = await asyncio.gather(*(begin(storage, f"{n}") for n in range(30)))
    head = await storage.history.head(KEY)
    assert head is not None
    path = await walk(storage, head)
    assert len(path) == 60
    assert {message.id for message in path} == {
        message_id for turn in begun for message_id in (turn.user_message_id, turn.reply_id)
    }
    assert [message.role for message in path] == ["assistant", "user"] * 30


async def test_simultaneous_messages_join_one_reply_or_find_it_begun(storage: Storage) -> None:
    first = await begin(storage, "first")

    async def join(number: int) -> bool:
        if number == 10:
            await storage.history.posted(first.reply_id, 1, 0)
        try:
            return await storage.history.join_turn(first.reply_id, new_turn(f"{number}")) is not None
        except TurnStartedError:
            return False

    joined = await asyncio.gather(*(join(number) for number in range(20)))
    turn = await storage.history.turn_of(GUILD, first.reply_id)
    assert {message.content for message in turn} == {"first"} | {f"{n}" for n, has in enumerate(joined) if has}
    assert len(turn) == 1 + sum(joined)


async def test_a_failing_write_does_not_take_its_neighbours_along(storage: Storage) -> None:
    def fail(connection: Connection) -> None:
        claim(connection, 999, "message")
        raise ValueError("mine alone")

    results: list[Any] = await asyncio.gather(
        *(storage.history.claim(n, "message") for n in range(5)),
        storage.database.write(fail),
        *(storage.history.claim(n, "message") for n in range(5, 10)),
        return_exceptions=True,
    )
    failure = results.pop(5)
    assert isinstance(failure, ValueError)
    assert results == [True] * 10
    assert await storage.history.claim(999, "message"), "what it had done was undone"


async def test_waiting_writes_share_a_commit(sqlite_storage: Storage) -> None:
    transactions = Transactions(sqlite_storage.database.engine)
    await asyncio.gather(*(begin(sqlite_storage, f"{n}") for n in range(40)))
    assert len(transactions.written) <= 3
    assert sum(statements.count("BEGIN") for statements in transactions.written) == len(transactions.written)


async def test_a_cancelled_caller_leaves_its_write_whole(database_url: str) -> None:
    storage = await open_storage(database_url)
    waiting = [asyncio.ensure_future(storage.history.begin_turn(new_turn(f"{n}"))) for n in range(10)]
    await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results)
    await storage.close()

    storage = await open_storage(database_url)
    head = await storage.history.head(KEY)
    assert head is not None
    path = await walk(storage, head)
    await storage.close()
    assert {message.content for message in path if message.role == "user"} == {f"{n}" for n in range(10)}
    assert len(path) == 20


async def test_a_failure_nobody_waits_for_is_logged(storage: Storage, caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: Connection) -> None:
        raise ValueError("too late")

    task = asyncio.ensure_future(storage.database.write(fail))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await storage.close()
    await asyncio.sleep(0)
    assert [record.exc_info is not None and "too late" in str(record.exc_info[1]) for record in caplog.records] == [
        True
    ]


async def test_a_closed_storage_refuses_work(sqlite_storage: Storage) -> None:
    await sqlite_storage.close()
    with pytest.raises(RuntimeError, match="closed"):
        await sqlite_storage.history.head(KEY)
    await sqlite_storage.close()
