"""Care for the SQLite file before it is used: made whole or not at all, checked, backed up, migrated."""

import errno
import os
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from glob import escape
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, event

from storage._migrate import OURS, Migrations, current_revision, require_known, upgrade_on_thread
from storage._sqlite import sqlite_engine
from storage._sqlite_sweep import STAMP_FORMAT, prune_backups, rewrite_if_asked
from storage._translate import translated
from storage.errors import CorruptDatabaseError

PRIVATE_FILE: Final = 0o600
PRIVATE_FOLDER: Final = 0o700

CHECK_BYTES: Final = 256 * 1024 * 1024
"""Files up to this size are read through at every start, which takes a second or two; damage in a larger one shows when
it is met."""


LEFTOVER_SECONDS: Final = 600
"""An unfinished file that nobody has written to for so long is left from a start that was killed."""


def prepare(path: Path, migrations: Migrations = OURS) -> None:
    """Leave an existing, sound and current database at the path."""
    with translated(str(path)):
        path.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        _remove_leftovers(path)
        if not path.exists():
            _create(path, migrations)
        _check(path)
        _bring_up_to_date(path, migrations)
        prune_backups(path, datetime.now(UTC))


def back_up(path: Path, name: str) -> Path:
    """A copy of the database beside it, with all that is committed; others may go on using the database meanwhile."""
    stamp = datetime.now(UTC).strftime(STAMP_FORMAT)
    target = path.with_name(f"{path.name}.{name}.{stamp}")
    with _new_file_beside(path) as unfinished:
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(unfinished)) as copy:
            source.backup(copy)
        unfinished.rename(target)
    return target


def _create(path: Path, migrations: Migrations) -> None:
    """Make the database under another name first, so that a file with this name is never an empty or half-made one."""
    if _journal(path).exists():
        raise CorruptDatabaseError(str(path), "the file is missing while its journal is there")
    with _new_file_beside(path) as unfinished:
        with _connected(unfinished) as connection:
            upgrade_on_thread(connection, migrations)
        _name(unfinished, path)


def _check(path: Path) -> None:
    """Raise if the file is damaged; SQLite takes an empty one for a new database, but we never leave one."""
    size = path.stat().st_size
    if size == 0:
        raise CorruptDatabaseError(str(path), "the file is empty")
    with suppress(PermissionError):  # somebody else's file that we may use
        path.chmod(PRIVATE_FILE)
    if size > CHECK_BYTES:
        return
    with _connected(path) as connection:
        finding = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
    if finding != "ok":
        raise CorruptDatabaseError(str(path), str(finding))


def _bring_up_to_date(path: Path, migrations: Migrations) -> None:
    with _connected(path) as connection:
        with connection.begin():
            revision = current_revision(connection)
        if revision is None:
            raise CorruptDatabaseError(str(path), "it holds no tables of ours")
        if revision == migrations.head:
            if migrations is OURS:
                rewrite_if_asked(connection, path)
            return
        require_known(revision, migrations, str(path))
        back_up(path, f"before-{migrations.head}")
        upgrade_on_thread(connection, migrations)


@contextmanager
def _connected(path: Path) -> Iterator[Connection]:
    """A connection whose transactions are real from the first statement, so that they hold changes of the schema."""
    engine = sqlite_engine(path)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        with engine.connect() as connection:
            # Rebuilding a table, as SQLite's migrations do, would count as deleting its rows.
            # The pragma does nothing within a transaction, and the driver is in none yet.
            driver = connection.connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            driver.execute("PRAGMA foreign_keys=OFF").close()
            yield connection
    finally:
        engine.dispose()


@contextmanager
def _new_file_beside(path: Path) -> Iterator[Path]:
    """An empty file for this process alone, gone afterwards unless it was renamed."""
    handle, name = tempfile.mkstemp(prefix=f"{path.name}.", suffix=".new", dir=path.parent)
    os.close(handle)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _remove_leftovers(path: Path) -> None:
    oldest = time.time() - LEFTOVER_SECONDS
    for unfinished in path.parent.glob(f"{escape(path.name)}.*.new*"):
        with suppress(FileNotFoundError):  # its maker, or another start, has removed it
            if unfinished.stat().st_mtime < oldest:
                unfinished.unlink()


def _name(unfinished: Path, path: Path) -> None:
    """Give the file its name, unless another process was quicker: then its file is the one to use."""
    try:
        path.hardlink_to(unfinished)
    except FileExistsError:
        return
    except OSError as exc:
        if exc.errno not in {errno.EPERM, errno.ENOTSUP, errno.ENOSYS}:
            raise
        unfinished.rename(path)  # a file system without hard links


def _journal(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")
