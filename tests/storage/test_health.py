"""Looking at a database without changing it."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from storage import (
    CorruptDatabaseError,
    DatabaseUrlError,
    ModelFacts,
    NewerSchemaError,
    Storage,
    StorageUnavailableError,
)
from storage._migrate import OURS
from storage.health import DatabaseReport, report_on, report_on_address, room_beside

FACTS = ModelFacts("m", 8192, None, None, 0, datetime(2026, 1, 1, tzinfo=UTC))


async def test_an_open_database_and_its_address_give_the_same_report(
    storage: Storage, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.health.room_beside", lambda _: 1 << 30)  # others write to the disk, too
    await storage.models.save(FACTS)
    seen = await report_on(storage.database)
    assert await report_on_address(database_url) == seen
    assert seen.schema == seen.known_schema == OURS.head
    assert seen.facts == {"m": FACTS}
    assert seen.kind.lower() in database_url.replace("postgresql", "postgresql ").lower()
    assert seen.version


async def test_a_file_tells_its_size_and_room(sqlite_storage: Storage, sqlite_path: Path) -> None:
    seen = await report_on(sqlite_storage.database)
    assert seen.size is not None
    assert seen.size >= sqlite_path.stat().st_size
    assert seen.room == pytest.approx(room_beside(sqlite_path), rel=0.1)


async def test_what_is_not_there_yet_is_not_made(tmp_path: Path) -> None:
    assert await report_on_address(f"sqlite:///{tmp_path}/folder/bot.db") is None
    assert list(tmp_path.iterdir()) == []
    assert room_beside(tmp_path / "folder" / "bot.db")


async def test_a_file_is_not_changed_by_being_looked_at(sqlite_path: Path) -> None:
    before = sqlite_path.read_bytes()
    seen = await report_on_address(f"sqlite:///{sqlite_path}")
    assert isinstance(seen, DatabaseReport)
    assert sqlite_path.read_bytes() == before


async def test_an_empty_database_has_no_schema(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "bot.db")) as other:
        other.execute("CREATE TABLE theirs (x)")
    seen = await report_on_address(f"sqlite:///{tmp_path}/bot.db")
    assert seen is not None
    assert (seen.schema, seen.facts) == (None, {})


async def test_a_newer_schema_is_said(sqlite_path: Path) -> None:
    with closing(sqlite3.connect(sqlite_path)) as other:
        other.execute("UPDATE alembic_version SET version_num = 'from-the-future'")
        other.commit()
    with pytest.raises(NewerSchemaError):
        await report_on_address(f"sqlite:///{sqlite_path}")


async def test_what_cannot_be_opened_is_said(tmp_path: Path) -> None:
    (tmp_path / "bot.db").write_bytes(b"something else" * 1000)
    with pytest.raises(CorruptDatabaseError):
        await report_on_address(f"sqlite:///{tmp_path}/bot.db")
    with pytest.raises(StorageUnavailableError):
        await report_on_address("postgresql://someone:secret@127.0.0.1:1/none")
    with pytest.raises(DatabaseUrlError):
        await report_on_address("nothing")
