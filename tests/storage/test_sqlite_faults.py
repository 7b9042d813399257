"""SQLite when the process is killed, the disk is full or another program holds the lock."""

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection

from storage import DiskFullError, Storage, StorageUnavailableError, open_storage
from storage import _sqlite as sqlite_module
from tests.storage.builders import GUILD, KEY, begin, new_turn, walk

ROOT = Path(__file__).parents[2]
KILLS = 15
ACKNOWLEDGED_WORDS = 4


def _write_until_killed(writers: subprocess.Popen[str], first_claim: int, lines: int) -> list[list[str]]:
    """Let one write, kill it after so many lines, and return what it had acknowledged."""
    assert writers.stdin is not None
    assert writers.stdout is not None
    writers.stdin.write(f"{first_claim}\n")
    writers.stdin.flush()
    pid = int(writers.stdout.readline())
    said: list[str] = []
    for line in writers.stdout:
        if line == "dead\n":
            break
        said.append(line)
        if len(said) == lines:
            os.kill(pid, signal.SIGKILL)
    return [words for words in map(str.split, said) if len(words) == ACKNOWLEDGED_WORDS]


async def test_nothing_acknowledged_is_lost_when_the_process_is_killed(sqlite_path: Path) -> None:
    chance = random.Random(5)
    acknowledged: list[list[str]] = []
    command = [sys.executable, "-m", "tests.storage.writer", str(sqlite_path)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writers:
        for kill in range(KILLS):
            acknowledged += _write_until_killed(writers, 1 + kill * 1_000_000, chance.randint(1, 60))
    storage = await open_storage(f"sqlite:///{sqlite_path}")
    head = await storage.history.head(KEY)
    assert head is not None
    stored = {message.id: message for message in await walk(storage, head)}
    for what, claim_id, user_message_id, reply_id in acknowledged:
        assert stored[int(user_message_id)].content == f"text {claim_id}"
        reply = stored[int(reply_id)]
        assert reply.parent_id == int(user_message_id)
        if what == "settled":
            assert (reply.content, reply.state) == (f"answer {claim_id}", "complete")
        assert await storage.history.begin_turn(new_turn(claim_id=int(claim_id))) is None, "its claim holds"
        found = await storage.history.by_discord_id(GUILD, int(claim_id))
        assert found is not None
    await storage.close()
    assert len(acknowledged) > KILLS


def _limit_pages(connection: Connection, more: int) -> None:
    pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    connection.exec_driver_sql(f"PRAGMA max_page_count={pages + more}")


async def test_a_full_disk_refuses_writes_and_recovers(sqlite_storage: Storage) -> None:
    kept = await begin(sqlite_storage, "kept")
    await sqlite_storage.database.read(_limit_pages, 5)
    results = await asyncio.gather(
        sqlite_storage.history.edit(GUILD, kept.user_message_id, "small"),
        begin(sqlite_storage, "x" * 100_000),
        sqlite_storage.history.claim(77, "message"),
        return_exceptions=True,
    )
    assert results[0] is True
    assert isinstance(results[1], DiskFullError)
    assert results[1].path.endswith("bot.db")
    assert results[2] is True, "what still fits is written"
    assert [message.content for message in await walk(sqlite_storage, kept.reply_id)] == ["", "small"]

    await sqlite_storage.database.read(_limit_pages, 1_000_000)
    again = await begin(sqlite_storage, "x" * 100_000)
    assert again.parent_id == kept.reply_id


async def test_a_lock_that_is_let_go_is_waited_for(sqlite_path: Path, sqlite_storage: Storage) -> None:
    with closing(sqlite3.connect(sqlite_path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.ensure_future(sqlite_storage.history.claim(1, "message"))
        done, _ = await asyncio.wait([waiting], timeout=0.05)
        assert not done
        other.execute("COMMIT")
        assert await waiting


async def test_a_lock_that_stays_is_an_error(
    sqlite_path: Path, sqlite_storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sqlite_storage.database.read(lambda connection: connection.exec_driver_sql("PRAGMA busy_timeout=20").close())
    with closing(sqlite3.connect(sqlite_path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageUnavailableError):
            await sqlite_storage.history.claim(1, "message")
        assert await sqlite_storage.history.head(KEY) is None, "reading goes on"
        other.execute("COMMIT")
    assert await sqlite_storage.history.claim(1, "message")


async def test_a_connection_that_cannot_even_roll_back_is_replaced(
    sqlite_storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(connection: Connection) -> None:
        connection.exec_driver_sql("INSERT INTO claims VALUES (5, 'message', '2026-01-01 00:00:00.000000+00:00')")
        monkeypatch.setattr(connection.dialect, "do_rollback", _refuse)
        raise ValueError

    with pytest.raises(Exception, match="no rollback"):
        await sqlite_storage.database.write(fail)
    monkeypatch.undo()
    assert await sqlite_storage.history.claim(5, "message"), "the row went with the old connection"


def _refuse(_: object) -> None:
    raise sqlite3.OperationalError("no rollback")


def test_errors_do_not_quote_what_people_wrote(sqlite_path: Path) -> None:
    async def fail() -> None:
        storage = await open_storage(f"sqlite:///{sqlite_path}")
        try:
            await storage.database.write(
                lambda connection: connection.exec_driver_sql(
                    "INSERT INTO claims VALUES (?, ?, ?)", (1, None, "SECRET")
                )
            )
        finally:
            await storage.close()

    with pytest.raises(Exception, match="NOT NULL") as caught:
        asyncio.run(fail())
    error: BaseException | None = caught.value
    while error is not None:
        assert "SECRET" not in str(error)
        error = error.__cause__


def test_writes_together_are_bounded() -> None:
    assert 1 < sqlite_module.MAX_WRITES_TOGETHER < 1000
