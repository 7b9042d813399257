"""The SQLite file: made with care, refused when it is damaged, never replaced."""

import asyncio
import errno
import os
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection

from storage import CorruptDatabaseError, DatabaseUrlError, Storage, StorageUnavailableError, _sqlite_file, open_storage
from storage._sqlite_file import back_up
from storage._tree import _all_unfinished, _page
from tests.storage.builders import KEY, begin, walk


async def test_file_and_folder_are_made_and_private(tmp_path: Path) -> None:
    path = tmp_path / "some where" / "100% deep" / "bot.db"
    storage = await open_storage(f"sqlite:///{path}")
    await begin(storage)
    files = list(path.parent.iterdir())
    assert {file.name for file in files} == {"bot.db", "bot.db-wal", "bot.db-shm"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    await storage.close()
    assert [file.name for file in path.parent.iterdir()] == ["bot.db"], "closed cleanly"


async def test_an_existing_file_is_made_private(sqlite_path: Path) -> None:
    sqlite_path.chmod(0o644)
    storage = await open_storage(f"sqlite:///{sqlite_path}")
    await storage.close()
    assert stat.S_IMODE(sqlite_path.stat().st_mode) == 0o600


async def test_a_relative_path_is_relative_to_the_folder_of_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    storage = await open_storage("sqlite:///data/bot.db")
    await storage.close()
    assert (tmp_path / "data" / "bot.db").exists()


async def test_the_pragmas_hold(sqlite_storage: Storage) -> None:
    def values(connection: Connection) -> dict[str, object]:
        names = ["journal_mode", "synchronous", "busy_timeout", "foreign_keys", "secure_delete"]
        return {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names}

    assert await sqlite_storage.database.read(values) == {
        "journal_mode": "wal",
        "synchronous": 2,
        "busy_timeout": 5000,
        "foreign_keys": 1,
        "secure_delete": 1,
    }


async def test_statements_that_must_not_scan_use_an_index(sqlite_storage: Storage) -> None:
    def plans(connection: Connection) -> list[str]:
        found = []
        for statement in (_page, _all_unfinished):
            compiled = statement.compile(dialect=connection.dialect, compile_kwargs={"render_postcompile": True})
            parameters = tuple(compiled.params.get(name) for name in compiled.positiontup or ())
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", parameters)
            found.append("\n".join(row[3] for row in rows))
        return found

    path, unfinished = await sqlite_storage.database.read(plans)
    assert "SCAN messages" not in path
    assert "SCAN above" not in path
    assert "ix_messages_unfinished" in unfinished


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "header": lambda data: b"X" * 100 + data[100:],
    "text": lambda _: b"this was never a database, whatever its name says",
    "cut off": lambda data: data[: len(data) // 2],
    "overwritten": lambda data: data[:5000] + b"\xff" * 9000 + data[14000:],
    "zeros": lambda data: bytes(len(data)),
}


@pytest.mark.parametrize("kind", DAMAGE)
async def test_a_damaged_file_is_refused_and_left_as_it_is(sqlite_path: Path, kind: str) -> None:
    damaged = DAMAGE[kind](sqlite_path.read_bytes())
    sqlite_path.write_bytes(damaged)
    with pytest.raises(CorruptDatabaseError) as caught:
        await open_storage(f"sqlite:///{sqlite_path}")
    assert caught.value.path == str(sqlite_path)
    assert caught.value.reason
    assert sqlite_path.read_bytes() == damaged


async def test_a_file_gone_while_its_journal_is_there_is_not_made_anew(sqlite_path: Path) -> None:
    sqlite_path.with_name("bot.db-wal").write_bytes(b"left over")
    sqlite_path.unlink()
    with pytest.raises(CorruptDatabaseError):
        await open_storage(f"sqlite:///{sqlite_path}")
    assert not sqlite_path.exists()


async def test_somebody_elses_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "photos.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE photos (id INTEGER)")
    with pytest.raises(CorruptDatabaseError):
        await open_storage(f"sqlite:///{path}")


async def test_damage_met_while_running_is_an_error_of_that_call_only(sqlite_path: Path) -> None:
    storage = await open_storage(f"sqlite:///{sqlite_path}")
    begun = await begin(storage, "x" * 200_000)
    later = await begin(storage)
    await storage.close()
    storage = await open_storage(f"sqlite:///{sqlite_path}")
    at = sqlite_path.read_bytes().index(b"x" * 4000)
    with sqlite_path.open("r+b") as file:
        file.seek(at - at % 4096)
        file.write(b"\xff" * 4096)
    with pytest.raises(CorruptDatabaseError):
        await storage.history.message(11, begun.user_message_id)
    assert await storage.history.message(11, later.reply_id) is not None
    await storage.close()


async def test_a_folder_in_its_place_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "bot.db").mkdir()
    with pytest.raises(StorageUnavailableError):
        await open_storage(f"sqlite:///{tmp_path / 'bot.db'}")


@pytest.mark.parametrize(
    "address",
    ["", "bot.db", "sqlite://", "sqlite:///:memory:", "sqlite:///bot.db?mode=ro", "sqlite://host/bot.db",
     "mysql://user:secret@host/db", "postgresql://u:secret@h/db?frobnicate=1", "postgresql://u:secret@h:port/db"],
)  # fmt: skip
async def test_other_addresses_are_refused_without_quoting_them(address: str) -> None:
    with pytest.raises(DatabaseUrlError) as caught:
        await open_storage(address)
    assert "secret" not in repr(caught.value)
    assert caught.value.__cause__ is None


async def test_several_first_starts_share_one_file(tmp_path: Path) -> None:
    path = tmp_path / "bot.db"
    storages = await asyncio.gather(*(open_storage(f"sqlite:///{path}") for _ in range(3)))
    begun = [await begin(storage) for storage in storages]
    assert len(await walk(storages[0], begun[-1].reply_id)) == 6
    for storage in storages:
        await storage.close()
    assert [file.name for file in tmp_path.iterdir()] == ["bot.db"]


async def test_what_a_killed_start_left_is_removed_later(sqlite_path: Path) -> None:
    old, young, other = (
        sqlite_path.with_name(name) for name in ("bot.db.abc.new", "bot.db.def.new-wal", "my.db.abc.new")
    )
    for file in (old, young, other):
        file.touch()
    os.utime(old, (1, 1))
    os.utime(other, (1, 1))
    await (await open_storage(f"sqlite:///{sqlite_path}")).close()
    assert not old.exists()
    assert young.exists(), "somebody may be at it"
    assert other.exists(), "not ours"


async def test_a_backup_is_taken_while_the_storage_is_in_use(sqlite_path: Path) -> None:
    storage = await open_storage(f"sqlite:///{sqlite_path}")
    begun = await begin(storage, "kept")
    copy = await asyncio.to_thread(back_up, sqlite_path, "test")
    await begin(storage, "later")
    await storage.close()
    restored = await open_storage(f"sqlite:///{copy}")
    assert await restored.history.head(KEY) == begun.reply_id
    await restored.close()


async def test_a_file_system_without_hard_links_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "no hard links here")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    await (await open_storage(f"sqlite:///{tmp_path / 'bot.db'}")).close()
    assert [file.name for file in tmp_path.iterdir()] == ["bot.db"]


async def test_a_large_file_is_not_read_through_but_still_recognised(
    sqlite_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_sqlite_file, "CHECK_BYTES", 10)
    await (await open_storage(f"sqlite:///{sqlite_path}")).close()
    sqlite_path.write_bytes(b"X" * 100 + sqlite_path.read_bytes()[100:])
    with pytest.raises(CorruptDatabaseError):
        await open_storage(f"sqlite:///{sqlite_path}")
