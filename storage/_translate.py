"""The one place where errors of the databases and their drivers become ours."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from storage.errors import (
    ConstraintError,
    CorruptDatabaseError,
    DiskFullError,
    StorageError,
    StorageUnavailableError,
)

_SQLITE_PRIMARY_CODE: Final = 0xFF
"""SQLite's extended codes hold the plain one in the low byte."""

_SQLITE_CORRUPT: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_SQLITE_UNAVAILABLE: Final = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_AUTH,
    sqlite3.SQLITE_NOLFS,
}

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_PG_DISK_FULL: Final = "53100"
_PG_CORRUPT: Final = {"XX001", "XX002"}
_PG_TRANSIENT: Final = {
    "40001",  # serialization failure
    "40P01",  # deadlock
    "53300",  # too many connections
    "57P01",  # shut down by the administrator
    "57P02",  # shut down after a crash
    "57P03",  # starting up
    "57P05",  # idle too long
    "25006",  # read-only: a standby that is about to take over
}
_PG_CONNECTION_CLASS: Final = "08"
_PG_UNAVAILABLE_CLASSES: Final = {
    "28",  # not let in
    "3D",  # no such database
    "53",  # out of something
    "55",  # in no state to do this
    "57",  # the operator steps in
    "58",  # the server's own input or output
}


@contextmanager
def translated(path: str) -> Iterator[None]:
    """Raise errors of SQLAlchemy, sqlite3, asyncpg and the network as ours; all others pass."""
    try:
        yield
    except StatementError as exc:
        if isinstance(exc, DBAPIError) or exc.orig is None:
            raise _meaning(exc, path) from exc
        raise exc.orig from None  # a value that a column refuses, which is the caller's mistake
    except (SQLAlchemyError, sqlite3.Error, OSError) as exc:
        raise _meaning(exc, path) from exc
    except Exception as exc:
        if not _is_asyncpg_error(exc):
            raise
        raise _meaning(exc, path) from exc


def is_transient(exc: BaseException) -> bool:
    """True if the same work may succeed on a new connection in a while."""
    if isinstance(exc, OSError):
        return True
    if isinstance(exc, DBAPIError) and exc.connection_invalidated:
        return True
    state = _sqlstate(exc)
    if state is None:
        # While a connection is being prepared nobody wraps the driver's own complaint that it has closed.
        return _is_asyncpg_error(exc)
    return state in _PG_TRANSIENT or state.startswith(_PG_CONNECTION_CLASS)


def is_id_taken(exc: BaseException) -> bool:
    """True if a primary key of ours was in use."""
    return _sqlstate(exc) == "23505"


def _is_asyncpg_error(exc: BaseException) -> bool:
    # By name, because asyncpg is an optional dependency.
    return type(exc).__module__.partition(".")[0] == "asyncpg"


def _sqlstate(exc: BaseException) -> str | None:
    origin = exc.orig if isinstance(exc, DBAPIError) else exc
    state = getattr(origin, "sqlstate", None)
    return state if isinstance(state, str) else None


def _meaning(exc: Exception, path: str) -> StorageError:
    origin = exc.orig if isinstance(exc, DBAPIError) and exc.orig is not None else exc
    if isinstance(origin, sqlite3.Error):
        return _sqlite_meaning(origin, path)
    state = _sqlstate(exc)
    if state == _PG_DISK_FULL:
        return DiskFullError(path)
    if state in _PG_CORRUPT:
        return CorruptDatabaseError(path, type(origin).__name__)
    if isinstance(exc, IntegrityError):
        return ConstraintError(_first_line(origin))
    if is_transient(exc) or isinstance(exc, PoolTimeoutError) or (state or "")[:2] in _PG_UNAVAILABLE_CLASSES:
        return StorageUnavailableError(path, _first_line(origin))
    return StorageError(f"{path}: {_first_line(origin)}")


def _sqlite_meaning(error: sqlite3.Error, path: str) -> StorageError:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & _SQLITE_PRIMARY_CODE
    if code in _SQLITE_CORRUPT:
        return CorruptDatabaseError(path, str(error))
    if code == sqlite3.SQLITE_FULL:
        return DiskFullError(path)
    if code == sqlite3.SQLITE_CONSTRAINT:
        return ConstraintError(str(error))
    if code in _SQLITE_UNAVAILABLE:
        return StorageUnavailableError(path, str(error))
    return StorageError(f"{path}: {error}")


def _first_line(error: BaseException) -> str:
    """Without PostgreSQL's detail lines, which quote the row."""
    return (str(error).splitlines() or [type(error).__name__])[0]
