"""Settings by scope: the first scope of a chain that says something wins, else the operator's default."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final
from weakref import WeakValueDictionary

from sqlalchemy import Connection, bindparam, delete, select, tuple_

from storage._upsert import Upsert
from storage.audit import add_entry
from storage.database import Database
from storage.recent import Recent
from storage.records import Scope, utc_now
from storage.schema import settings

MAX_CACHED_SCOPES: Final = 20_000
"""Most scopes set nothing and take about 200 bytes each; those of a turn are the ones used last."""

NOT_RECORDED: Final = frozenset({"trigger_since", "persona_before"})
"""Settings that come with others and that nobody chooses."""

_put = Upsert(settings, overwrite=("value", "set_by", "updated_at"))
_of_scope = (
    settings.c.guild_id == bindparam("guild"),
    settings.c.scope_kind == bindparam("kind"),
    settings.c.scope_id == bindparam("scope"),
)
_own = select(settings.c.value).where(*_of_scope, settings.c.name == bindparam("setting"))
_clear = delete(settings).where(*_of_scope, settings.c.name == bindparam("setting"))
_select = select(settings.c.scope_kind, settings.c.scope_id, settings.c.name, settings.c.value).where(
    settings.c.guild_id == bindparam("guild"),
    tuple_(settings.c.scope_kind, settings.c.scope_id).in_(bindparam("scopes", expanding=True)),
)

_chosen = select(settings.c.name, settings.c.value, settings.c.set_by, settings.c.updated_at).where(*_of_scope)
_chosen_anywhere = select(
    settings.c.scope_kind, settings.c.scope_id, settings.c.value, settings.c.set_by, settings.c.updated_at
).where(settings.c.guild_id == bindparam("guild"), settings.c.name == bindparam("setting"))
_guilds_with = select(settings.c.guild_id).where(settings.c.name == bindparam("setting")).distinct()

Values = Mapping[str, Any]
_Place = tuple[int | None, Scope]


@dataclass(frozen=True, slots=True)
class Setting:
    """A value and the scope it comes from; None is the operator's default."""

    value: Any
    source: Scope | None


@dataclass(frozen=True, slots=True)
class Chosen:
    """A value that somebody set; `set_by` is None when it is not known any more who."""

    value: Any
    set_by: int | None
    set_at: datetime


class Resolved(Mapping[str, Setting]):
    """Every setting that has a value for this chain of scopes."""

    def __init__(self, layers: Sequence[tuple[Scope | None, Values]]) -> None:
        self._layers = layers

    def __getitem__(self, name: str) -> Setting:
        for source, values in self._layers:
            if name in values:
                # The caller may change what it gets; the cache keeps its own.
                return Setting(deepcopy(values[name]), source)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name for _, values in self._layers for name in values))

    def __len__(self) -> int:
        return len(set().union(*(values for _, values in self._layers)))


class ScopedSettings:
    """Settings of all guilds, with what was read last in memory: a guild belongs to one process.

    What changes for a guild is recorded, with the change. What people set for themselves is their own affair.
    """

    def __init__(self, database: Database, *, max_cached_scopes: int = MAX_CACHED_SCOPES) -> None:
        self._database = database
        self._cache: Recent[_Place, Values] = Recent(max_cached_scopes)
        self._guilds: dict[str, set[int | None]] = {}
        self._reading_guilds = asyncio.Lock()
        self._changing: WeakValueDictionary[int | None, asyncio.Lock] = WeakValueDictionary()

    def changing(self, guild_id: int | None) -> asyncio.Lock:
        """To be held while a guild's setting is read to be set anew, so that of two such changes both count."""
        return self._changing.setdefault(guild_id, asyncio.Lock())

    async def put(self, guild_id: int | None, scope: Scope, name: str, value: Any, set_by: int | None) -> None:
        """Set a JSON value in one scope."""
        write = partial(_write, guild_id=guild_id, scope=scope, name=name, value=value, set_by=set_by)
        await self._database.finish(self._change((guild_id, scope), write))
        if name in self._guilds:
            self._guilds[name].add(guild_id)

    async def clear(self, guild_id: int | None, scope: Scope, name: str, by: int | None = None) -> None:
        """Let the next scope of the chain, or the default, decide again; `by` is the person who wants that."""
        write = partial(_erase, guild_id=guild_id, scope=scope, name=name, by=by)
        await self._database.finish(self._change((guild_id, scope), write))

    def forget(self, guild_id: int | None, scope: Scope) -> None:
        """Read this scope anew when it is asked for: a process to which the guild does not belong missed changes."""
        self._cache.forget((guild_id, scope))

    def forget_all(self) -> None:
        """Read everything anew when it is asked for."""
        self._cache.forget_all()

    async def resolve(self, guild_id: int | None, chain: Sequence[Scope], defaults: Values) -> Resolved:
        """The settings that hold where this chain of scopes meets, the first scope of it being the strongest."""
        known = self._cache.known((guild_id, scope) for scope in chain)
        if missing := [scope for scope in chain if (guild_id, scope) not in known]:
            known |= await self._load(guild_id, missing)
        layers: dict[Scope | None, Values] = {scope: known[guild_id, scope] for scope in chain}
        return Resolved([*layers.items(), (None, defaults)])

    async def chosen(self, guild_id: int | None, scope: Scope) -> dict[str, Chosen]:
        """What is set in one scope, by whom and when."""
        return await self._database.read(_read_chosen, guild_id, scope)

    async def chosen_anywhere(self, guild_id: int | None, name: str) -> dict[Scope, Chosen]:
        """The scopes of a guild in which something is set, with who set it and when."""
        return await self._database.read(_read_chosen_anywhere, guild_id, name)

    async def guilds_with(self, name: str) -> AbstractSet[int | None]:
        """The guilds of which some scope sets this, and perhaps some where it was cleared since.

        Once asked for it is kept in memory, so that it can be asked for every message of every guild.
        """
        if name not in self._guilds:
            async with self._reading_guilds:
                while name not in self._guilds:
                    changes = self._cache.changes
                    found = await self._database.read(_read_guilds, name)
                    if changes == self._cache.changes:
                        self._guilds[name] = found
        return self._guilds[name]

    async def _change(self, place: _Place, write: Callable[[Connection], None]) -> None:
        try:
            await self._database.write(write)
        finally:
            self._cache.forget(place)

    async def _load(self, guild_id: int | None, scopes: Sequence[Scope]) -> dict[_Place, Values]:
        changes = self._cache.changes
        read = await self._database.read(_read, guild_id, scopes)
        found: dict[_Place, Values] = {(guild_id, scope): values for scope, values in read.items()}
        self._cache.keep(found, changes)
        return found


def _write(
    connection: Connection, guild_id: int | None, scope: Scope, name: str, value: Any, set_by: int | None
) -> None:
    _record(connection, guild_id, scope, name, value, set_by)
    _put(
        connection,
        guild_id=guild_id,
        scope_kind=scope.kind,
        scope_id=scope.id,
        name=name,
        value=value,
        set_by=set_by,
        updated_at=utc_now(),
    )


def _erase(connection: Connection, guild_id: int | None, scope: Scope, name: str, by: int | None) -> None:
    _record(connection, guild_id, scope, name, None, by)
    connection.execute(_clear, _key(guild_id, scope, name))


def _key(guild_id: int | None, scope: Scope, name: str) -> dict[str, Any]:
    return {"guild": guild_id, "kind": scope.kind, "scope": scope.id, "setting": name}


def _record(
    connection: Connection, guild_id: int | None, scope: Scope, name: str, after: Any, actor_id: int | None
) -> None:
    """Note a change before it is made; None is also what stands where nothing is set."""
    if guild_id is None or scope.kind == "user" or name in NOT_RECORDED:
        return
    before = connection.execute(_own, _key(guild_id, scope, name)).scalar_one_or_none()
    if before != after:
        subject = f"{scope.kind}:{scope.id}"
        add_entry(connection, guild_id, actor_id, action=f"set {name}", subject=subject, before=before, after=after)


def _read(connection: Connection, guild_id: int | None, scopes: Sequence[Scope]) -> dict[Scope, Values]:
    found: dict[Scope, dict[str, Any]] = {scope: {} for scope in scopes}
    parameters = {"guild": guild_id, "scopes": [(scope.kind, scope.id) for scope in scopes]}
    for kind, scope_id, name, value in connection.execute(_select, parameters):
        found[Scope(kind, scope_id)][name] = value
    return dict(found)


def _read_chosen(connection: Connection, guild_id: int | None, scope: Scope) -> dict[str, Chosen]:
    rows = connection.execute(_chosen, {"guild": guild_id, "kind": scope.kind, "scope": scope.id})
    return {row.name: Chosen(row.value, row.set_by, row.updated_at) for row in rows}


def _read_chosen_anywhere(connection: Connection, guild_id: int | None, name: str) -> dict[Scope, Chosen]:
    rows = connection.execute(_chosen_anywhere, {"guild": guild_id, "setting": name})
    return {Scope(row.scope_kind, row.scope_id): Chosen(row.value, row.set_by, row.updated_at) for row in rows}


def _read_guilds(connection: Connection, name: str) -> set[int | None]:
    return set(connection.execute(_guilds_with, {"setting": name}).scalars())
