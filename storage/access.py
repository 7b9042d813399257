"""Whom a guild lets use the bot, where and with which models: its rules, kept in memory once they were read."""

import time
from collections.abc import Callable
from dataclasses import astuple, dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, insert, select

from storage._of_guilds import OfGuilds
from storage.audit import add_entry
from storage.database import Database
from storage.ids import new_id
from storage.records import Verdict, utc_now
from storage.schema import access_rules

FORGOTTEN_AT_ONCE: Final = 500

_columns = ("id", "verdict", "reason", "expires_at", "set_by", "created_at")
_parts = ("user_id", "role_id", "channel_id", "category_id", "model")
_select = (
    select(*(access_rules.c[name] for name in (*_columns, *_parts)))
    .where(access_rules.c.guild_id == bindparam("guild"))
    .order_by(access_rules.c.id)
)
_insert = insert(access_rules)
_delete = delete(access_rules).where(
    access_rules.c.guild_id == bindparam("guild"), access_rules.c.id.in_(bindparam("ids", expanding=True))
)
_expired = (
    select(access_rules.c.id)
    .where(access_rules.c.expires_at < bindparam("now"))
    .order_by(access_rules.c.expires_at)
    .limit(FORGOTTEN_AT_ONCE)
)
_forget = delete(access_rules).where(access_rules.c.id.in_(bindparam("ids", expanding=True)))


@dataclass(frozen=True, slots=True)
class Target:
    """What a rule is about. All that is given must be so; None: anybody, anywhere, any model."""

    user_id: int | None = None
    role_id: int | None = None
    channel_id: int | None = None
    category_id: int | None = None
    model: str | None = None

    def __str__(self) -> str:
        """The kinds and ids, as records of changes name them."""
        named = zip(("user", "role", "channel", "category", "model"), astuple(self), strict=True)
        return " ".join(f"{kind}:{value}" for kind, value in named if value is not None)


@dataclass(frozen=True, slots=True)
class AccessRule:
    """Something that is allowed or denied, until `expires_at` if that is given."""

    id: int
    verdict: Verdict
    target: Target
    reason: str | None
    expires_at: datetime | None
    set_by: int
    created_at: datetime


class AccessRules:
    """The rules of all guilds."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._rules = OfGuilds(database, _read, clock)

    async def of(self, guild_id: int, within_seconds: float | None = None) -> tuple[AccessRule, ...]:
        """The rules of a guild, also those that have expired. In memory as `OfGuilds.of` tells."""
        return await self._rules.of(guild_id, within_seconds)

    async def set(
        self,
        guild_id: int,
        verdict: Verdict,
        target: Target,
        *,
        set_by: int,
        reason: str | None = None,
        expires_at: datetime | None = None,
    ) -> AccessRule:
        """Allow or deny something, in place of what was said about the very same before."""
        rule = AccessRule(new_id(), verdict, target, reason, expires_at, set_by, utc_now())
        await self._rules.change(guild_id, partial(_write, guild_id=guild_id, rule=rule))
        return rule

    async def clear(self, guild_id: int, target: Target, by: int) -> AccessRule | None:
        """Take back what was said about this; None if nothing was."""
        return await self._rules.change(guild_id, partial(_erase, guild_id=guild_id, target=target, by=by))

    async def forget_expired(self, now: datetime) -> int:
        """Forget the rules of all guilds that have expired; how many they were."""
        forgotten = 0
        while count := await self._database.write(_forget_some, now):
            forgotten += count
        return forgotten

    def forget(self, guild_id: int) -> None:
        """Read the rules of a guild anew when they are asked for."""
        self._rules.forget(guild_id)


def _read(connection: Connection, guild_id: int) -> tuple[AccessRule, ...]:
    rules = []
    for row in connection.execute(_select, {"guild": guild_id}):
        target = Target(*(getattr(row, name) for name in _parts))
        rules.append(AccessRule(row.id, row.verdict, target, row.reason, row.expires_at, row.set_by, row.created_at))
    return tuple(rules)


def _write(connection: Connection, guild_id: int, rule: AccessRule) -> None:
    before = _take(connection, guild_id, rule.target)
    values = {name: getattr(rule, name) for name in _columns}
    values |= {name: getattr(rule.target, name) for name in _parts}
    connection.execute(_insert, {"guild_id": guild_id, **values})
    add_entry(
        connection, guild_id, rule.set_by, action=f"access {rule.verdict}", subject=str(rule.target),
        before=_told(before), after=_told(rule), reason=rule.reason,
    )  # fmt: skip


def _erase(connection: Connection, guild_id: int, target: Target, by: int) -> AccessRule | None:
    before = _take(connection, guild_id, target)
    if before is not None:
        add_entry(
            connection, guild_id, by, action="access clear", subject=str(target), before=_told(before), after=None
        )
    return before


def _take(connection: Connection, guild_id: int, target: Target) -> AccessRule | None:
    """Remove what was said about this, and return it."""
    found = [rule for rule in _read(connection, guild_id) if rule.target == target]
    if found:
        connection.execute(_delete, {"guild": guild_id, "ids": [rule.id for rule in found]})
    return found[-1] if found else None


def _told(rule: AccessRule | None) -> Any:
    """A rule as records of changes tell it."""
    if rule is None:
        return None
    until = rule.expires_at and rule.expires_at.isoformat(timespec="seconds")
    return {"verdict": rule.verdict} | ({"until": until} if until else {})


def _forget_some(connection: Connection, now: datetime) -> int:
    ids = list(connection.execute(_expired, {"now": now}).scalars())
    if ids:
        connection.execute(_forget, {"ids": ids})
    return len(ids)
