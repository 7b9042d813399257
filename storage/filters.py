"""What a guild's filters look for: kept in memory once they were read."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Literal

from sqlalchemy import Connection, bindparam, delete, insert, select

from storage._of_guilds import OfGuilds
from storage.audit import add_entry
from storage.database import Database
from storage.ids import new_id
from storage.records import utc_now
from storage.schema import filters

FilterKind = Literal["words", "pattern"]
FilterSide = Literal["asked", "answered", "both"]
FilterAction = Literal["block", "mask", "flag"]

_columns = ("id", "channel_id", "kind", "text", "side", "action", "created_by", "created_at")
_select = (
    select(*(filters.c[name] for name in _columns))
    .where(filters.c.guild_id == bindparam("guild"))
    .order_by(filters.c.id)
)
_insert = insert(filters)
_delete = delete(filters).where(filters.c.guild_id == bindparam("guild"), filters.c.id == bindparam("filter"))


@dataclass(frozen=True, slots=True)
class FilterRule:
    """Words or a pattern, where they are looked for, and what happens then. `channel_id` None: everywhere."""

    id: int
    channel_id: int | None
    kind: FilterKind
    text: str
    side: FilterSide
    action: FilterAction
    created_by: int
    created_at: datetime


class FilterRules:
    """The filters of all guilds."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._rules = OfGuilds(database, _read, clock)

    async def of(self, guild_id: int, within_seconds: float | None = None) -> tuple[FilterRule, ...]:
        """The filters of a guild, the oldest first. In memory as `OfGuilds.of` tells."""
        return await self._rules.of(guild_id, within_seconds)

    async def add(
        self,
        guild_id: int,
        kind: FilterKind,
        text: str,
        *,
        side: FilterSide,
        action: FilterAction,
        channel_id: int | None,
        by: int,
        most: int,
    ) -> FilterRule | None:
        """Keep a filter; None if the guild has as many as it may."""
        rule = FilterRule(new_id(), channel_id, kind, text, side, action, by, utc_now())
        written = await self._rules.change(guild_id, partial(_write, guild_id=guild_id, rule=rule, most=most))
        return rule if written else None

    async def remove(self, guild_id: int, filter_id: int, by: int) -> FilterRule | None:
        """Forget a filter; None if there is none with this id."""
        return await self._rules.change(guild_id, partial(_erase, guild_id=guild_id, filter_id=filter_id, by=by))

    def forget(self, guild_id: int) -> None:
        """Read the filters of a guild anew when they are asked for."""
        self._rules.forget(guild_id)


def _read(connection: Connection, guild_id: int) -> tuple[FilterRule, ...]:
    return tuple(FilterRule(*row) for row in connection.execute(_select, {"guild": guild_id}))


def _write(connection: Connection, guild_id: int, rule: FilterRule, most: int) -> bool:
    if len(_read(connection, guild_id)) >= most:
        return False
    connection.execute(_insert, {"guild_id": guild_id, **{name: getattr(rule, name) for name in _columns}})
    _note(connection, guild_id, rule.created_by, "filter add", rule, after=_told(rule))
    return True


def _erase(connection: Connection, guild_id: int, filter_id: int, by: int) -> FilterRule | None:
    found = next((rule for rule in _read(connection, guild_id) if rule.id == filter_id), None)
    if found is not None:
        connection.execute(_delete, {"guild": guild_id, "filter": filter_id})
        _note(connection, guild_id, by, "filter remove", found, before=_told(found))
    return found


def _note(
    connection: Connection,
    guild_id: int,
    by: int,
    action: str,
    rule: FilterRule,
    *,
    before: Any = None,
    after: Any = None,
) -> None:
    add_entry(connection, guild_id, by, action=action, subject=f"filter:{rule.id}", before=before, after=after)


def _told(rule: FilterRule) -> Any:
    """A filter as records of changes tell it."""
    told = {"kind": rule.kind, "text": rule.text, "where": rule.side, "action": rule.action}
    return told if rule.channel_id is None else told | {"channel": str(rule.channel_id)}
