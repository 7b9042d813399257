"""What was used of limits, and what is set aside: each function is the whole of one transaction, or part of one.

Windows are written in one order everywhere, so that two transactions never wait for each other on PostgreSQL.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, insert, or_, select, tuple_, update

from storage._upsert import Upsert
from storage.records import LimitWindow, Reserved, Spent
from storage.schema import limit_counters, limit_reservations

AT_ONCE: Final = 200

_keys = ("subject", "subject_id", "unit", "period", "start")
_columns = [limit_counters.c[name] for name in _keys]
_add_row = Upsert(limit_counters)
_used = (
    select(*_columns, limit_counters.c.ends_at, limit_counters.c.spent, limit_counters.c.reserved)
    .where(limit_counters.c.guild_id == bindparam("guild"), tuple_(*_columns).in_(bindparam("windows", expanding=True)))
    .order_by(*_columns)
)
_lock = _used.with_for_update()
_change = (
    update(limit_counters)
    .where(
        limit_counters.c.guild_id == bindparam("guild"),
        *(limit_counters.c[name] == bindparam(f"of_{name}") for name in _keys),
    )
    .values(
        spent=limit_counters.c.spent + bindparam("more_spent"),
        reserved=limit_counters.c.reserved + bindparam("more_reserved"),
    )
)
_note = insert(limit_reservations)
_let_go = delete(limit_reservations).where(limit_reservations.c.id == bindparam("reservation"))
_abandoned = (
    select(*(limit_reservations.c[name] for name in ("id", "guild_id", "windows", "requests", "tokens", "people")))
    .where(or_(limit_reservations.c.process == bindparam("ours"), limit_reservations.c.expires_at < bindparam("now")))
    .order_by(limit_reservations.c.id)
    .limit(AT_ONCE)
    .with_for_update(skip_locked=True)
)
_ours = select(limit_reservations.c.id).where(limit_reservations.c.process == bindparam("ours")).limit(1)
_expired = select(limit_reservations.c.id).where(limit_reservations.c.expires_at < bindparam("now")).limit(1)
_renew = (
    update(limit_reservations)
    .where(limit_reservations.c.process == bindparam("ours"))
    .values(expires_at=bindparam("until", type_=limit_reservations.c.expires_at.type))
)
_over = (
    select(limit_counters.c.guild_id, *_columns)
    .where(limit_counters.c.ends_at < bindparam("before"))
    .order_by(limit_counters.c.ends_at)
    .limit(AT_ONCE)
)
_forget = delete(limit_counters).where(
    tuple_(limit_counters.c.guild_id, *_columns).in_(bindparam("windows", expanding=True))
)


def read(connection: Connection, guild_id: int, windows: Sequence[LimitWindow]) -> dict[LimitWindow, int]:
    """What was used in each of these windows and what is set aside there, together."""
    return _by_window(connection.execute(_used, {"guild": guild_id, "windows": [_key(one) for one in windows]}))


def reserve(
    connection: Connection,
    wanted: Reserved,
    process: str,
    expires_at: datetime,
    admits: Callable[[Mapping[LimitWindow, int]], bool],
) -> bool:
    """Set aside in all windows, or in none if `admits` says so of what was used in them until this moment."""
    windows = sorted(wanted.windows, key=_key)
    for window in windows:
        _add_row(connection, guild_id=wanted.guild_id, spent=0, reserved=0, **_row(window))
    rows = connection.execute(_lock, {"guild": wanted.guild_id, "windows": [_key(window) for window in windows]})
    if not admits(_by_window(rows)):
        return False
    _add(connection, wanted.guild_id, {window: (0, _share(wanted, window, wanted.people)) for window in windows})
    values = {
        "id": wanted.id,
        "guild_id": wanted.guild_id,
        "process": process,
        "expires_at": expires_at,
        "windows": [_as_json(window) for window in windows],
        "requests": wanted.requests,
        "tokens": wanted.tokens,
        "people": wanted.people,
    }
    connection.execute(_note, values)
    return True


def settle(connection: Connection, spent: Spent) -> None:
    """What was used takes the place of what was set aside, as part of a transaction."""
    reserved = spent.reserved
    held = connection.execute(_let_go, {"reservation": reserved.id}).rowcount > 0
    _add(
        connection,
        reserved.guild_id,
        {
            window: (
                _share(spent, window, reserved.people),
                -_share(reserved, window, reserved.people) if held else 0,
            )
            for window in reserved.windows
        },
    )


def holds(connection: Connection, process: str) -> bool:
    """Whether a process has set something aside."""
    return connection.execute(_ours, {"ours": process}).first() is not None


def renew(connection: Connection, process: str, until: datetime) -> None:
    """Prolong the leases of all that a process has set aside."""
    connection.execute(_renew, {"ours": process, "until": until})


def any_abandoned(connection: Connection, now: datetime) -> bool:
    """Whether a lease has run out."""
    return connection.execute(_expired, {"now": now}).first() is not None


def release_some(connection: Connection, process: str | None, now: datetime) -> int:
    """Give back what nobody will settle, some reservations at a time; how many they were."""
    rows = list(connection.execute(_abandoned, {"ours": process, "now": now}))
    given_back: Counter[tuple[int, LimitWindow]] = Counter()
    for row in rows:
        windows = tuple(_from_json(window) for window in row.windows)
        reserved = Reserved(row.id, row.guild_id, windows, row.requests, row.tokens, row.people)
        connection.execute(_let_go, {"reservation": row.id})
        for window in windows:
            given_back[row.guild_id, window] += _share(reserved, window, row.people)
    for guild_id in sorted({guild_id for guild_id, _ in given_back}):
        _add(connection, guild_id, {w: (0, -amount) for (of, w), amount in given_back.items() if of == guild_id})
    return len(rows)


def forget_some(connection: Connection, before: datetime) -> int:
    """Delete windows that ended before then, some at a time; how many they were."""
    keys = [tuple(row) for row in connection.execute(_over, {"before": before})]
    if keys:
        connection.execute(_forget, {"windows": keys})
    return len(keys)


def _add(connection: Connection, guild_id: int, amounts: Mapping[LimitWindow, tuple[int, int]]) -> None:
    rows = [
        {
            "guild": guild_id,
            **{f"of_{name}": value for name, value in zip(_keys, _key(window), strict=True)},
            "more_spent": amounts[window][0],
            "more_reserved": amounts[window][1],
        }
        for window in sorted(amounts, key=_key)
    ]
    if rows:
        connection.execute(_change, rows)


def _share(amounts: Reserved | Spent, window: LimitWindow, people: int) -> int:
    return window.count(amounts.requests, amounts.tokens, people)


def _by_window(rows: Iterable[Any]) -> dict[LimitWindow, int]:
    return {LimitWindow(*row[:-2]): row.spent + row.reserved for row in rows}


def _key(window: LimitWindow) -> tuple[Any, ...]:
    return astuple(window)[:-1]


def _row(window: LimitWindow) -> dict[str, Any]:
    return dict(zip((*_keys, "ends_at"), astuple(window), strict=True))


def _as_json(window: LimitWindow) -> list[Any]:
    *key, start, ends_at = astuple(window)
    return [*key, start.isoformat(), ends_at.isoformat()]


def _from_json(window: Sequence[Any]) -> LimitWindow:
    subject, subject_id, unit, period, start, ends_at = window
    return LimitWindow(
        subject, subject_id, unit, period, datetime.fromisoformat(start), datetime.fromisoformat(ends_at)
    )
