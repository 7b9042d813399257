"""Migrations run by themselves, whole or not at all, after a backup; a newer schema is refused."""

import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, make_url

from storage import NewerSchemaError, Storage, open_storage
from storage._migrate import OURS, _config
from storage._postgres import PostgresDatabase
from storage._sqlite_file import prepare
from storage.schema import metadata
from tests.conftest import PostgresServer
from tests.storage.builders import GUILD, begin, walk
from tests.storage.second_migration import with_second_migration

ROOT = Path(__file__).parents[2]


def test_the_head_is_the_last_script() -> None:
    assert ScriptDirectory.from_config(_config(OURS)).get_heads() == [OURS.head]


async def test_the_migrated_tables_are_those_of_the_schema(storage: Storage) -> None:
    def differences(connection: Connection) -> list[Any]:
        return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata))

    assert await storage.database.read(differences) == []


def test_constraints_are_those_of_the_schema(sqlite_path: Path) -> None:
    """Alembic compares no checks and no options of tables, so compare what SQLite noted down."""
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        metadata.create_all(connection)
        expected = {row[0]: row[1] for row in connection.exec_driver_sql("SELECT name, sql FROM sqlite_master")}
    engine.dispose()
    with closing(sqlite3.connect(sqlite_path)) as file:
        found = dict(file.execute("SELECT name, sql FROM sqlite_master").fetchall())
    del found["alembic_version"]
    found = {name: sql for name, sql in found.items() if name != "sqlite_autoindex_alembic_version_1"}

    def normal(sql: str | None) -> list[str]:
        # A column that was added later stands in the line of the one before it.
        return sorted(line.strip().rstrip(",") for line in re.split(r"\n|(?<=[A-Z]), (?=\w)", sql or ""))

    assert {name: normal(sql) for name, sql in found.items()} == {name: normal(sql) for name, sql in expected.items()}


async def test_a_sqlite_file_is_backed_up_before_it_is_migrated(sqlite_path: Path, tmp_path: Path) -> None:
    storage = await open_storage(f"sqlite:///{sqlite_path}")
    begun = await begin(storage, "kept")
    await storage.close()
    prepare(sqlite_path, with_second_migration(tmp_path / "versions"))

    with closing(sqlite3.connect(sqlite_path)) as connection:
        assert connection.execute("SELECT mood FROM messages").fetchall() == [("good",), ("good",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    (backup,) = tmp_path.glob("bot.db.before-9999.*")
    assert backup.stat().st_mode & 0o777 == 0o600
    restored = await open_storage(f"sqlite:///{backup}")
    assert [message.content for message in await walk(restored, begun.reply_id)] == ["", "kept"]
    await restored.close()


async def test_a_current_file_is_not_backed_up(sqlite_path: Path) -> None:
    storage = await open_storage(f"sqlite:///{sqlite_path}")
    await storage.close()
    assert [path.name for path in sqlite_path.parent.iterdir()] == ["bot.db"]


async def test_a_newer_sqlite_schema_is_refused_and_left_alone(sqlite_path: Path, tmp_path: Path) -> None:
    prepare(sqlite_path, with_second_migration(tmp_path / "versions"))
    before = sqlite_path.read_bytes()
    with pytest.raises(NewerSchemaError) as caught:
        await open_storage(f"sqlite:///{sqlite_path}")
    assert (caught.value.path, caught.value.found, caught.value.known) == (str(sqlite_path), "9999", OURS.head)
    assert sqlite_path.read_bytes() == before


async def test_postgresql_is_migrated_and_a_newer_schema_refused(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    address = postgres_server.url(await postgres_server.new_database())
    storage = await open_storage(address)
    await begin(storage, "kept")
    await storage.close()
    url = make_url(address).set(drivername="postgresql+asyncpg")
    database = await PostgresDatabase.open(url, migrations=with_second_migration(tmp_path / "versions"))
    moods = await database.read(lambda connection: connection.exec_driver_sql("SELECT mood FROM messages").all())
    await database.close()
    assert moods == [("good",), ("good",)]
    with pytest.raises(NewerSchemaError) as caught:
        await open_storage(address)
    assert caught.value.found == "9999"
    assert "password" not in str(caught.value)


async def test_a_postgresql_migration_stopped_at_any_statement_is_completed(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    migrations = with_second_migration(tmp_path / "versions")
    name = await postgres_server.new_database()
    url = make_url(postgres_server.url(name)).set(drivername="postgresql+asyncpg")
    survived, stop_at = False, 0
    while not survived:
        stop_at += 4
        executed = 0

        def stop(*_: object) -> None:
            nonlocal executed
            executed += 1
            if executed == stop_at:  # noqa: B023  the listener is gone before the next round
                raise InterruptedMigrationError

        event.listen(Engine, "before_cursor_execute", stop)
        try:
            await (await PostgresDatabase.open(url, migrations=migrations)).close()
            survived = True
        except InterruptedMigrationError:
            pass
        finally:
            event.remove(Engine, "before_cursor_execute", stop)
    assert stop_at > 12, "it was stopped again and again"
    database = await PostgresDatabase.open(url, migrations=migrations)
    notes = await database.read(lambda connection: connection.exec_driver_sql("SELECT note FROM extra").all())
    await database.close()
    assert notes == [("first",)]


class InterruptedMigrationError(Exception):
    """The end of a process, as far as the server can tell."""


KILLER = """
import os, signal, sys
from pathlib import Path
from sqlalchemy import Engine, event
from storage import _migrate
from storage._sqlite_file import prepare
from tests.storage.second_migration import with_second_migration
import alembic.command

path, migrations = Path(sys.argv[1]), with_second_migration(Path(sys.argv[2]))
first, step = int(sys.argv[3]), int(sys.argv[4])
executed, kill_at = 0, first

def count(*_):
    global executed
    executed += 1
    if executed == kill_at:
        os.kill(os.getpid(), signal.SIGKILL)

event.listen(Engine, "before_cursor_execute", count)
while True:
    child = os.fork()
    if child == 0:
        prepare(path, migrations)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if os.WIFEXITED(status):
        print(kill_at, os.WEXITSTATUS(status))
        break
    kill_at += step
"""


@pytest.mark.parametrize("existing", [False, True])
async def test_a_sqlite_migration_killed_at_any_statement_is_completed_by_the_next_start(
    existing: bool, sqlite_template: Path, tmp_path: Path
) -> None:
    """Each start is killed a little later than the one before, until one gets through."""
    path = tmp_path / "bot.db"
    if existing:
        path.write_bytes(sqlite_template.read_bytes())
        storage = await open_storage(f"sqlite:///{path}")
        await begin(storage, "kept")
        await storage.close()
    step = "2" if existing else "11"  # all the tables are many statements
    arguments = [sys.executable, "-c", KILLER, str(path), str(tmp_path / "versions"), "1", step]
    result = subprocess.run(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    last_kill, exit_code = map(int, result.stdout.split())
    assert exit_code == 0
    assert last_kill > 15, "it was killed again and again"
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT note FROM extra").fetchall() == [("first",)]
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("9999",)]
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        if existing:
            kept = connection.execute("SELECT content FROM messages WHERE guild_id = ? ORDER BY id", [GUILD]).fetchall()
            assert kept == [("kept",), ("",)]
