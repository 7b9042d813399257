"""What can be seen of a database without changing it: for people who want to know how it is."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, NullPool, create_engine

from storage._migrate import OURS, current_revision, require_known
from storage._open import asyncpg_url, parsed, sqlite_path
from storage._sqlite_file import CHECK_BYTES
from storage._translate import translated
from storage.database import Database
from storage.errors import CorruptDatabaseError
from storage.models import read_facts
from storage.records import ModelFacts

CONNECT_SECONDS: Final = 5


@dataclass(frozen=True, slots=True)
class DatabaseReport:
    """One database as it is now. Sizes are in bytes and known for SQLite alone; so is the room left on the disk."""

    kind: str
    version: str
    schema: str | None
    known_schema: str
    size: int | None = None
    room: int | None = None
    facts: dict[str, ModelFacts] = field(default_factory=dict)


async def report_on(database: Database) -> DatabaseReport:
    """Look at a database that is open. Raises `StorageError`."""
    return await database.read(_report)


async def report_on_address(database_url: str) -> DatabaseReport | None:
    """Look at a database that may be in use elsewhere, without making or migrating it; None if there is no file yet.

    Raises `StorageError`.
    """
    url = parsed(database_url)
    if url.get_backend_name() == "sqlite":
        return await asyncio.to_thread(_report_on_file, sqlite_path(url))
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine(asyncpg_url(url), poolclass=NullPool, connect_args={"timeout": CONNECT_SECONDS})
    try:
        with translated(f"{url.host or url.query.get('host', '')}/{url.database}"):
            async with engine.connect() as connection:
                return await connection.run_sync(_report)
    finally:
        await engine.dispose()


def room_beside(path: Path) -> int | None:
    """Bytes that are free on the disk of a file, or of the nearest folder that is there already."""
    for folder in path.absolute().parents:
        if folder.exists():
            return shutil.disk_usage(folder).free
    return None


def _report_on_file(path: Path) -> DatabaseReport | None:
    with translated(str(path)):
        if not path.exists():
            return None
        address = f"{path.absolute().as_uri()}?mode=ro"
        engine = create_engine("sqlite://", creator=lambda: sqlite3.connect(address, uri=True), poolclass=NullPool)
        try:
            with engine.connect() as connection:
                _check(connection, path)
                return _report(connection)
        finally:
            engine.dispose()


def _check(connection: Connection, path: Path) -> None:
    """Read a file of bearable size through."""
    if path.stat().st_size <= CHECK_BYTES:
        finding = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
        if finding != "ok":
            raise CorruptDatabaseError(str(path), str(finding))


def _report(connection: Connection) -> DatabaseReport:
    path, schema = _path(connection), current_revision(connection)
    if schema is not None:
        require_known(schema, OURS, str(path or ""))
    facts = read_facts(connection) if schema == OURS.head else {}
    if path is None:
        version = ".".join(map(str, connection.dialect.server_version_info or ()))
        return DatabaseReport("PostgreSQL", version, schema, OURS.head, facts=facts)
    files = (path, path.with_name(f"{path.name}-wal"))
    size = sum(file.stat().st_size for file in files if file.exists())
    room = room_beside(path)
    return DatabaseReport("SQLite", sqlite3.sqlite_version, schema, OURS.head, size, room, facts)


def _path(connection: Connection) -> Path | None:
    """The file of a SQLite database."""
    if connection.dialect.name != "sqlite":
        return None
    with closing(connection.exec_driver_sql("PRAGMA database_list")) as rows:
        return next(Path(file) for _, name, file in rows if name == "main")
