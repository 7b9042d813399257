"""What SQLite leaves behind of deleted words, and old copies of the file.

With `secure_delete` it overwrites what is deleted, but not the copies that stay in the free part of a page when rows
move to another one, nor its log. Rewriting the whole file is what removes them.
"""

import logging
import re
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from storage.database import Swept

_log = logging.getLogger(__name__)

LARGEST_REWRITTEN_BYTES: Final = 64 * 1024 * 1024
"""Rewriting this much took 0.5 to 0.8 seconds, in which nobody else reads or writes."""

BACKUPS_KEPT: Final = timedelta(days=30)
"""Long enough to notice that a migration went wrong; they hold words that were deleted since."""

STAMP_FORMAT: Final = "%Y%m%dT%H%M%S%fZ"

_IN_USE: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


def sweep(connection: Connection, *, busy_milliseconds: int) -> Swept:
    """Rewrite the file unless it is large, and empty the log; nobody is waited for."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    size = _number(driver, "page_count") * _number(driver, "page_size")
    try:
        driver.execute("PRAGMA busy_timeout=0").close()
        if size <= LARGEST_REWRITTEN_BYTES:
            driver.execute("VACUUM").close()
        (busy, _, _) = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.OperationalError as exc:
        if exc.sqlite_errorcode & 0xFF not in _IN_USE:
            raise
        return "busy"
    finally:
        driver.execute(f"PRAGMA busy_timeout={busy_milliseconds}").close()
    if busy:
        return "busy"
    return "done" if size <= LARGEST_REWRITTEN_BYTES else "large"


def rewrite_if_asked(connection: Connection, path: Path) -> None:
    """At the start, when nobody waits: what was put off because the file is large.

    It takes as much room again beside the file, in one without a name.
    """
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    asked = "SELECT 1 FROM erasures WHERE done_at IS NOT NULL AND swept_at IS NULL LIMIT 1"
    if driver.execute(asked).fetchone() is None:
        return
    _log.info("the database is rewritten, because words were deleted from it")
    driver.execute("PRAGMA temp_store=FILE").close()
    folder = str(path.absolute().parent).replace("'", "''")
    driver.execute(f"PRAGMA temp_store_directory='{folder}'").close()
    driver.execute("VACUUM").close()
    driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
    driver.execute("UPDATE erasures SET swept_at = done_at WHERE done_at IS NOT NULL AND swept_at IS NULL").close()


def prune_backups(path: Path, now: datetime) -> int:
    """Delete the copies that were made before migrations and are older than they are kept; how many they were."""
    old = [backup for backup, made_at in _backups(path) if made_at < now - BACKUPS_KEPT]
    for backup in old:
        backup.unlink(missing_ok=True)
    return len(old)


def _backups(path: Path) -> Iterator[tuple[Path, datetime]]:
    name = re.compile(rf"{re.escape(path.name)}\.before-\w+\.(\d{{8}}T\d{{12}}Z)")
    for found in path.parent.iterdir():
        if (match := name.fullmatch(found.name)) is not None:
            yield found, datetime.strptime(match[1], STAMP_FORMAT).replace(tzinfo=UTC)


def _number(driver: sqlite3.Connection, pragma: str) -> int:
    value: int = driver.execute(f"PRAGMA {pragma}").fetchone()[0]
    return value
