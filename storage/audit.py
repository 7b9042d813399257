"""What was changed and decided: who did it, what, before, after, when. Entries are kept for a year."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, insert, select

from storage.database import Database
from storage.ids import first_id_at, new_id
from storage.records import utc_now
from storage.schema import audit_entries

LONGEST_VALUE: Final = 1_000
"""Characters of JSON that are kept of a value; of longer ones the beginning is."""

FORGOTTEN_AT_ONCE: Final = 500
ENTRIES_AT_ONCE: Final = 500

_insert = insert(audit_entries)
_entries = select(
    audit_entries.c.id,
    audit_entries.c.guild_id,
    audit_entries.c.actor_id,
    audit_entries.c.action,
    audit_entries.c.subject,
    audit_entries.c.before,
    audit_entries.c.after,
    audit_entries.c.reason,
    audit_entries.c.at,
).order_by(audit_entries.c.id.desc())
_actions = select(audit_entries.c.action).where(audit_entries.c.guild_id == bindparam("guild")).distinct()
_old = (
    select(audit_entries.c.id)
    .where(audit_entries.c.id < bindparam("end"))
    .order_by(audit_entries.c.id)
    .limit(FORGOTTEN_AT_ONCE)
)
_forget = delete(audit_entries).where(audit_entries.c.id.in_(bindparam("ids", expanding=True)))


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change or deed. `subject` names its kind and id, as in `channel:21`."""

    id: int
    guild_id: int | None
    actor_id: int | None
    action: str
    subject: str
    before: Any
    after: Any
    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries of a guild are wanted; an action also stands for those that begin with its words."""

    actor_id: int | None = None
    action: str | None = None
    since: datetime | None = None


class Audit:
    """The record of changes and of moderators' deeds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(
        self,
        guild_id: int | None,
        actor_id: int | None,
        action: str,
        subject: str,
        before: Any,
        after: Any,
        reason: str | None = None,
    ) -> None:
        """Note what somebody did; None as a value: there was, or is, nothing."""
        await self._database.write(
            add_entry, guild_id, actor_id, action=action, subject=subject, before=before, after=after, reason=reason
        )

    async def page(
        self, guild_id: int | None, wanted: AuditFilter, *, before_id: int | None = None, limit: int = 10
    ) -> list[AuditEntry]:
        """The newest entries, newest first, or those before one that was seen."""
        return await self._database.read(_read, guild_id, wanted, before_id, limit)

    async def pages(self, guild_id: int | None, wanted: AuditFilter) -> AsyncIterator[list[AuditEntry]]:
        """All entries, newest first, some at a time."""
        last: int | None = None
        while page := await self.page(guild_id, wanted, before_id=last, limit=ENTRIES_AT_ONCE):
            yield page
            last = page[-1].id

    async def actions(self, guild_id: int | None) -> list[str]:
        """The actions that this guild has entries of, sorted."""
        return await self._database.read(_read_actions, guild_id)

    async def forget_older(self, before: datetime) -> int:
        """Forget the entries of all guilds that are older; how many they were."""
        forgotten = 0
        while count := await self._database.write(_forget_some, first_id_at(before)):
            forgotten += count
        return forgotten


def add_entry(
    connection: Connection,
    guild_id: int | None,
    actor_id: int | None,
    *,
    action: str,
    subject: str,
    before: Any,
    after: Any,
    reason: str | None = None,
) -> None:
    """Note what somebody did, as part of a transaction."""
    values = {
        "id": new_id(),
        "guild_id": guild_id,
        "actor_id": actor_id,
        "action": action,
        "subject": subject,
        "before": shortened(before),
        "after": shortened(after),
        "reason": reason,
        "at": utc_now(),
    }
    connection.execute(_insert, values)


def shortened(value: Any) -> Any:
    """A value as it is kept: whole, or the beginning of its JSON."""
    encoded = json.dumps(value, ensure_ascii=False)
    if len(encoded) <= LONGEST_VALUE:
        return value
    text = value if isinstance(value, str) else encoded
    return text[: LONGEST_VALUE - 1] + "…"


def _read(
    connection: Connection, guild_id: int | None, wanted: AuditFilter, before_id: int | None, limit: int
) -> list[AuditEntry]:
    statement = _entries.where(audit_entries.c.guild_id == guild_id).limit(limit)
    if wanted.actor_id is not None:
        statement = statement.where(audit_entries.c.actor_id == wanted.actor_id)
    if wanted.action is not None:
        action = audit_entries.c.action
        statement = statement.where((action == wanted.action) | action.startswith(f"{wanted.action} ", autoescape=True))
    if wanted.since is not None:
        statement = statement.where(audit_entries.c.id >= first_id_at(wanted.since))
    if before_id is not None:
        statement = statement.where(audit_entries.c.id < before_id)
    return [AuditEntry(*row) for row in connection.execute(statement)]


def _read_actions(connection: Connection, guild_id: int | None) -> list[str]:
    return sorted(connection.execute(_actions, {"guild": guild_id}).scalars())


def _forget_some(connection: Connection, end: int) -> int:
    ids = list(connection.execute(_old, {"end": end}).scalars())
    if ids:
        connection.execute(_forget, {"ids": ids})
    return len(ids)
