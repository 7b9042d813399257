"""Open the storage an address names."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from storage._sqlite import SqliteDatabase
from storage._sqlite_file import prepare
from storage.access import AccessRules
from storage.audit import Audit
from storage.database import Database
from storage.errors import DatabaseUrlError
from storage.filters import FilterRules
from storage.history import History
from storage.keys import SealedKeys
from storage.leaving import LeftGuilds
from storage.limits import Limits
from storage.lorebooks import Lorebooks
from storage.models import ModelFactsRepository
from storage.opt_outs import OptOuts
from storage.personas import Personas
from storage.pictures import Pictures
from storage.privacy import Privacy
from storage.reports import Reports
from storage.retention import Retention
from storage.settings import ScopedSettings
from storage.usage import Usage
from storage.webhooks import MAX_CACHED_POSTS, Posts, Webhooks

POSTGRES_NAMES: Final = {"postgres", "postgresql"}

POSTGRES_OPTIONS: Final = {"host": "host", "port": "port", "ssl": "ssl", "sslmode": "ssl"}
"""Options of an address and what asyncpg calls them."""


@dataclass(frozen=True, slots=True)
class Storage:
    """One database and a repository for each subject."""

    database: Database
    history: History
    settings: ScopedSettings
    usage: Usage
    models: ModelFactsRepository
    retention: Retention
    pictures: Pictures
    personas: Personas
    webhooks: Webhooks
    lorebooks: Lorebooks
    audit: Audit
    access: AccessRules
    filters: FilterRules
    limits: Limits
    privacy: Privacy
    opt_outs: OptOuts
    left_guilds: LeftGuilds
    keys: SealedKeys
    reports: Reports

    @classmethod
    def on(cls, database: Database) -> Self:
        """The repositories of an open database."""
        usage = Usage(database)
        posts = Posts(MAX_CACHED_POSTS)
        return cls(
            database,
            History(database, posts),
            ScopedSettings(database),
            usage,
            ModelFactsRepository(database),
            Retention(database),
            Pictures(database),
            Personas(database),
            Webhooks(database, posts),
            Lorebooks(database),
            Audit(database),
            AccessRules(database),
            FilterRules(database),
            Limits(database),
            Privacy(database, usage),
            OptOuts(database),
            LeftGuilds(database),
            SealedKeys(database),
            Reports(database),
        )

    async def close(self) -> None:
        """Finish what was begun and let go of the database."""
        await self.database.close()


async def open_storage(database_url: str) -> Storage:
    """Open sqlite:///path/to/file or postgresql://..., made and migrated as needed.

    Raises a StorageError: the address is none (DatabaseUrlError), the file is damaged (CorruptDatabaseError), the
    schema is newer than this program (NewerSchemaError), the database does not answer (StorageUnavailableError).
    """
    return Storage.on(await _open_database(parsed(database_url)))


async def _open_database(url: URL) -> Database:
    if url.get_backend_name() == "sqlite":
        path = sqlite_path(url)
        await asyncio.to_thread(prepare, path)
        return await SqliteDatabase.open(path)
    if url.get_backend_name() not in POSTGRES_NAMES:
        raise DatabaseUrlError("neither sqlite nor postgresql")
    return await _open_postgres(url)


async def _open_postgres(url: URL) -> Database:
    address = asyncpg_url(url)
    from storage._postgres import PostgresDatabase

    return await PostgresDatabase.open(address)


def asyncpg_url(url: URL) -> URL:
    """The address as asyncpg takes it. Raises `DatabaseUrlError`, also when asyncpg is not installed."""
    try:
        import asyncpg  # noqa: F401  only to see that it is there
    except ImportError as exc:
        raise DatabaseUrlError("postgresql needs the extra 'postgres' (asyncpg)") from exc
    unknown = url.query.keys() - POSTGRES_OPTIONS.keys()
    if unknown:
        raise DatabaseUrlError(f"unknown options: {', '.join(sorted(unknown))}")
    options = {POSTGRES_OPTIONS[name]: value for name, value in url.query.items()}
    return url.set(drivername="postgresql+asyncpg", query=options)


def parsed(database_url: str) -> URL:
    """The address in its parts. Raises `DatabaseUrlError`."""
    try:
        return make_url(database_url)
    except (ArgumentError, ValueError):
        # Not from the parser's error: it may quote the address, and with it a password.
        raise DatabaseUrlError("not an address such as sqlite:///data/bot.db") from None


def sqlite_path(url: URL) -> Path:
    """The file that a SQLite address names. Raises `DatabaseUrlError`."""
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise DatabaseUrlError("sqlite needs a file, as in sqlite:///data/bot.db")
    if url.host or url.query:
        raise DatabaseUrlError("sqlite takes a path with three slashes, or four if absolute, and no options")
    return Path(url.database)
