"""Bring a database's schema up to date, or say that it is newer than we know.

Each migration and its record are committed together, on SQLite too: killed at any statement, the next start
completes it.
"""

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Column, Connection, MetaData, String, Table, inspect, select

from storage.errors import NewerSchemaError

if TYPE_CHECKING:
    from alembic.config import Config

FOLDER: Final = Path(__file__).parent / "migrations"

_version = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))

_alembic_lock: Final = threading.Lock()
"""Alembic's context is one for the whole process, and SQLite files are prepared on several threads."""


@dataclass(frozen=True, slots=True)
class Migrations:
    """Migration scripts and the last of them."""

    versions: tuple[Path, ...] = (FOLDER / "versions",)
    head: str = "0006"


OURS: Final = Migrations()


def current_revision(connection: Connection) -> str | None:
    """The last migration this database has seen; None for an empty one. Needs no Alembic, which is slow to import."""
    if not inspect(connection).has_table(_version.name):
        return None
    return connection.execute(select(_version.c.version_num)).scalar_one_or_none()


def require_known(revision: str, migrations: Migrations, path: str) -> None:
    """Refuse a revision that is not among the scripts."""
    if revision == migrations.head:
        return
    from alembic.script import ScriptDirectory

    known = {script.revision for script in ScriptDirectory.from_config(_config(migrations)).walk_revisions()}
    if revision not in known:
        raise NewerSchemaError(path, found=revision, known=migrations.head)


def upgrade(connection: Connection, migrations: Migrations) -> None:
    """Run what is missing. The connection is in no transaction, and begins real ones."""
    from alembic import command

    config = _config(migrations)
    config.attributes["connection"] = connection
    command.upgrade(config, migrations.head)


def upgrade_on_thread(connection: Connection, migrations: Migrations) -> None:
    """The same, where others may do so at the same time on other threads."""
    with _alembic_lock:
        upgrade(connection, migrations)


def _config(migrations: Migrations) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("path_separator", "newline")
    config.set_main_option("script_location", _escaped(FOLDER))
    config.set_main_option("version_locations", "\n".join(map(_escaped, migrations.versions)))
    return config


def _escaped(path: Path) -> str:
    return str(path).replace("%", "%%")
