"""PostgreSQL when connections are cut, the server restarts or is away: everything is done exactly once."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import Connection, make_url

from storage import (
    ConstraintError,
    CorruptDatabaseError,
    DiskFullError,
    Storage,
    StorageError,
    StorageUnavailableError,
    UsageTotals,
    new_id,
    open_storage,
)
from storage import _turns as turns_module
from storage._postgres import PostgresDatabase
from tests.conftest import PostgresServer
from tests.storage.builders import ADA, GUILD, KEY, NOW, answer, begin, new_turn, usage_row, walk
from tests.storage.proxy import Moment, Proxy


@pytest.fixture
async def proxy(postgres_server: PostgresServer) -> AsyncIterator[Proxy]:
    proxy = Proxy(postgres_server.socket_folder)
    await proxy.start()
    yield proxy
    await proxy.stop()


@pytest.fixture
async def proxied(proxy: Proxy, postgres_url: str) -> AsyncIterator[Storage]:
    """A storage whose connections go through the proxy and that gives up after two seconds."""
    url = make_url(postgres_url).set(
        drivername="postgresql+asyncpg", host="127.0.0.1", port=proxy.port, query={"ssl": "disable"}
    )
    storage = Storage.on(await PostgresDatabase.open(url, retry_seconds=2.0))
    yield storage
    await storage.close()


@pytest.mark.parametrize("moment", ["before", "after", "meanwhile"])
async def test_a_commit_whose_answer_is_lost_is_done_exactly_once(
    proxied: Storage, proxy: Proxy, moment: Moment
) -> None:
    proxy.cut_next_commit(moment)
    begun = await begin(proxied, "once")
    assert proxy.cuts == 1
    assert await proxied.history.head(KEY) == begun.reply_id
    assert [message.content for message in await walk(proxied, begun.reply_id)] == ["", "once"]
    proxy.cut_next_commit(moment)
    await proxied.usage.add(usage_row())
    assert proxy.cuts == 2
    assert await proxied.usage.totals(GUILD, NOW) == UsageTotals(1, 100, 20)
    proxy.cut_next_commit(moment)
    assert await proxied.history.set_head(KEY, None) == begun.reply_id, "the head before, not the one it set"
    proxy.cut_next_commit(moment)
    assert await proxied.history.claim(1, "message"), "it was this call that won"
    assert not await proxied.history.claim(1, "message")


async def test_cut_connections_are_replaced(proxied: Storage, proxy: Proxy) -> None:
    begun = await begin(proxied)
    proxy.cut()
    await answer(proxied, begun)
    proxy.cut()
    assert (await walk(proxied, begun.reply_id))[0].content == "answer"


async def test_connections_ended_by_the_server_are_replaced(
    postgres_storage: Storage, postgres_server: PostgresServer
) -> None:
    begun = await begin(postgres_storage)
    for _ in range(5):
        await postgres_server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        begun = await begin(postgres_storage)
    assert len(await walk(postgres_storage, begun.reply_id)) == 12


async def test_writes_under_way_survive_a_restart(proxied: Storage, proxy: Proxy) -> None:
    """Claims and turns of many callers while the server goes away and comes back."""
    claims = list(range(1, 41))
    waiting = [asyncio.ensure_future(proxied.history.begin_turn(new_turn(claim_id=claim_id))) for claim_id in claims]
    for _ in range(3):
        await asyncio.sleep(0.02)
        await proxy.stop()
        await asyncio.sleep(0.02)
        await proxy.start()
    begun = await asyncio.gather(*waiting)
    assert None not in begun, "each claim was its own"
    head = await proxied.history.head(KEY)
    assert head is not None
    assert len(await walk(proxied, head)) == 2 * len(claims)


async def test_a_server_that_stays_away_is_unavailable_in_time(proxied: Storage, proxy: Proxy) -> None:
    await begin(proxied)
    await proxy.stop()
    started = time.monotonic()
    with pytest.raises(StorageUnavailableError):
        await proxied.history.head(KEY)
    assert time.monotonic() - started < 3
    await proxy.start()
    assert await proxied.history.head(KEY) is not None


async def test_a_wrong_password_or_database_is_not_tried_for_long(postgres_server: PostgresServer) -> None:
    started = time.monotonic()
    with pytest.raises(StorageUnavailableError) as caught:
        await open_storage(postgres_server.url("nowhere").replace("postgres:@", "postgres:hush@"))
    assert time.monotonic() - started < 5
    assert "nowhere" in str(caught.value)
    assert "hush" not in str(caught.value)


async def test_an_id_made_by_another_process_too_is_made_anew(
    postgres_storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await begin(postgres_storage)
    ids = iter([first.reply_id])
    monkeypatch.setattr(turns_module, "new_id", lambda: next(ids, None) or new_id())
    second = await begin(postgres_storage)
    assert len({first.user_message_id, first.reply_id, second.user_message_id, second.reply_id}) == 4


async def test_an_id_that_is_always_taken_is_an_error(postgres_storage: Storage) -> None:
    def insert_twice(connection: Connection) -> None:
        connection.exec_driver_sql("INSERT INTO claims VALUES (1, 'x', now())")
        connection.exec_driver_sql("INSERT INTO claims VALUES (1, 'x', now())")

    with pytest.raises(ConstraintError) as caught:
        await postgres_storage.database.write(insert_twice)
    assert "DETAIL" not in str(caught.value), "details quote the row"


async def test_processes_that_start_together_migrate_once(postgres_server: PostgresServer) -> None:
    name = await postgres_server.new_database()
    storages = await asyncio.gather(*(open_storage(postgres_server.url(name)) for _ in range(3)))
    assert await storages[0].history.claim(1, "message")
    assert not await storages[1].history.claim(1, "message")
    for storage in storages:
        await storage.close()


async def test_readers_that_go_away_leave_no_connection_behind(postgres_storage: Storage) -> None:
    begun = await begin(postgres_storage)
    for _ in range(30):
        reading = asyncio.ensure_future(postgres_storage.history.message(GUILD, begun.reply_id))
        await asyncio.sleep(0.001)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    replies = await asyncio.gather(*(postgres_storage.history.message(GUILD, begun.reply_id) for _ in range(30)))
    assert {reply.author_id if reply else None for reply in replies} == {ADA}


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("53100", DiskFullError),
        ("XX001", CorruptDatabaseError),
        ("55000", StorageUnavailableError),
        ("42P01", StorageError),
    ],
)
async def test_the_servers_codes_are_understood(
    postgres_storage: Storage, code: str, error: type[StorageError]
) -> None:
    def fail(connection: Connection) -> None:
        connection.exec_driver_sql(f"DO $$ BEGIN RAISE EXCEPTION 'so it goes' USING ERRCODE = '{code}'; END $$")

    with pytest.raises(StorageError) as caught:
        await postgres_storage.database.write(fail)
    assert type(caught.value) is error


@pytest.mark.parametrize("code", ["40001", "40P01"])
async def test_a_transaction_the_server_gave_up_is_made_again(postgres_storage: Storage, code: str) -> None:
    attempts = 0

    def fail_once(connection: Connection) -> str:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            connection.exec_driver_sql(f"DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '{code}'; END $$")
        return "done"

    assert await postgres_storage.database.write(fail_once) == "done"
    assert attempts == 2
