"""Lorebooks of all guilds, where they are switched on, and at which messages their entries fired."""

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Final, TypeVar

from sqlalchemy import Connection, bindparam, delete, func, insert, select, tuple_

from storage._leftovers import note_words_gone
from storage._tree import path_ids
from storage.database import Database
from storage.ids import new_id
from storage.recent import Recent
from storage.records import LorebookOutline, Scope, StoredLorebook, utc_now
from storage.schema import lore_fired, lorebook_places, lorebooks, messages

MAX_CACHED_SCOPES: Final = 20_000
"""As many as settings: it is asked for the same ones, and in most there are no lorebooks."""

T = TypeVar("T")

_OUTLINE = tuple(lorebooks.c[name] for name in ("id", "guild_id", "name", "entries", "created_by", "created_at"))

_guild = lorebooks.c.guild_id == bindparam("guild")
_by_id = lorebooks.c.id == bindparam("book")
_all = select(*_OUTLINE).where(_guild).order_by(func.lower(lorebooks.c.name), lorebooks.c.id)
_one = select(*_OUTLINE, lorebooks.c.data).where(_guild, _by_id)
_count = select(func.count()).select_from(lorebooks).where(_guild)
_insert = insert(lorebooks)
_delete = delete(lorebooks).where(_guild, _by_id)
_own = select(lorebooks.c.id).where(_guild, _by_id)

_at_place = (
    lorebook_places.c.scope_kind == bindparam("kind"),
    lorebook_places.c.scope_id == bindparam("scope"),
)
_placed = insert(lorebook_places)
_unplaced = delete(lorebook_places).where(lorebook_places.c.lorebook_id.in_(_own), *_at_place)
_places = (
    select(lorebook_places.c.lorebook_id, lorebook_places.c.scope_kind, lorebook_places.c.scope_id)
    .join(lorebooks, lorebooks.c.id == lorebook_places.c.lorebook_id)
    .where(_guild)
    .order_by(lorebook_places.c.lorebook_id)
)
_switched_on = _places.where(
    tuple_(lorebook_places.c.scope_kind, lorebook_places.c.scope_id).in_(bindparam("scopes", expanding=True))
)

_in_guild = select(messages.c.id).where(
    messages.c.guild_id == bindparam("guild"), messages.c.id.in_(bindparam("ids", expanding=True))
)
_fired = (
    select(lore_fired.c.entry, lore_fired.c.message_id)
    .where(lore_fired.c.message_id.in_(_in_guild))
    .order_by(lore_fired.c.message_id)
)
_fired_above = (
    select(lore_fired.c.entry, lore_fired.c.message_id)
    .where(lore_fired.c.message_id.in_(path_ids))
    .order_by(lore_fired.c.message_id)
)
_forget_fired = delete(lore_fired).where(lore_fired.c.message_id.in_(_in_guild))
_add_fired = insert(lore_fired)


class Lorebooks:
    """Lorebooks; a read finds nothing of another guild's (None: direct messages).

    Where they are switched on is asked in every turn and kept in memory: a guild belongs to one process.
    """

    def __init__(self, database: Database, *, max_cached_scopes: int = MAX_CACHED_SCOPES) -> None:
        self._database = database
        self._on: Recent[tuple[int | None, Scope], tuple[int, ...]] = Recent(max_cached_scopes)

    async def add(
        self, guild_id: int | None, name: str, data: bytes, entries: int, created_by: int, most: int
    ) -> int | None:
        """Keep a lorebook; its id, None if the guild has as many as it may."""
        return await self._database.write(_add, guild_id, name, data, entries, created_by, most)

    async def all(self, guild_id: int | None) -> list[LorebookOutline]:
        """The guild's lorebooks by name."""
        return await self._database.read(_list, guild_id)

    async def get(self, guild_id: int | None, book_id: int) -> StoredLorebook | None:
        """A lorebook as a whole."""
        return await self._database.read(_get, guild_id, book_id)

    async def delete(self, guild_id: int | None, book_id: int) -> bool:
        """Forget a lorebook; False if there is none."""
        write = partial(_remove, guild_id=guild_id, book_id=book_id)
        return await self._database.finish(self._change(write, lambda: self.forget(guild_id)))

    async def switch(self, guild_id: int | None, book_id: int, scope: Scope, *, on: bool) -> bool:
        """Let a lorebook be looked through here, or no longer; False if that changes nothing or it does not exist."""
        write = partial(_switch, guild_id=guild_id, book_id=book_id, scope=scope, on=on)
        return await self._database.finish(self._change(write, lambda: self._on.forget((guild_id, scope))))

    async def places(self, guild_id: int | None) -> dict[int, list[Scope]]:
        """Where each of the guild's lorebooks is switched on."""
        return await self._database.read(_all_places, guild_id)

    async def switched_on(self, guild_id: int | None, scopes: Collection[Scope]) -> dict[Scope, list[int]]:
        """The lorebooks that are looked through in these scopes."""
        known = self._on.known((guild_id, scope) for scope in scopes)
        missing = [scope for scope in scopes if (guild_id, scope) not in known]
        if missing:
            changes = self._on.changes
            found = await self._database.read(_on_in, guild_id, missing)
            read = {(guild_id, scope): tuple(found.get(scope, ())) for scope in missing}
            self._on.keep(read, changes)
            known |= read
        return {scope: list(books) for scope in scopes if (books := known[guild_id, scope])}

    def forget(self, guild_id: int | None) -> None:
        """Read anew where a guild's lorebooks are switched on."""
        self._on.forget_where(lambda place: place[0] == guild_id)

    def forget_all(self) -> None:
        """Read anew where lorebooks are switched on, in all guilds."""
        self._on.forget_all()

    async def fired(self, guild_id: int | None, message_ids: Sequence[int]) -> dict[str, int]:
        """The entries that fired at these messages, each with the last of them."""
        return await self._database.read(_read_fired, guild_id, message_ids)

    async def fired_above(self, guild_id: int | None, message_id: int) -> dict[str, int]:
        """The entries that fired at this message or any above it, each with the last of them."""
        return await self._database.read(_read_fired_above, guild_id, message_id)

    async def remember(self, guild_id: int | None, message_id: int, entries: Collection[str]) -> None:
        """Note down what fired at a message, instead of what was noted before."""
        await self._database.write(_remember, guild_id, message_id, entries)

    async def _change(self, write: Callable[[Connection], T], forget: Callable[[], None]) -> T:
        try:
            return await self._database.write(write)
        finally:
            forget()


def _add(
    connection: Connection, guild_id: int | None, name: str, data: bytes, entries: int, created_by: int, most: int
) -> int | None:
    if connection.execute(_count, {"guild": guild_id}).scalar_one() >= most:
        return None
    book_id = new_id()
    row = {
        "id": book_id,
        "guild_id": guild_id,
        "name": name,
        "data": data,
        "entries": entries,
        "created_by": created_by,
        "created_at": utc_now(),
    }
    connection.execute(_insert, row)
    return book_id


def _list(connection: Connection, guild_id: int | None) -> list[LorebookOutline]:
    return [LorebookOutline(*row) for row in connection.execute(_all, {"guild": guild_id})]


def _get(connection: Connection, guild_id: int | None, book_id: int) -> StoredLorebook | None:
    row = connection.execute(_one, {"guild": guild_id, "book": book_id}).one_or_none()
    return None if row is None else StoredLorebook(LorebookOutline(*row[: len(_OUTLINE)]), row.data)


def _remove(connection: Connection, guild_id: int | None, book_id: int) -> bool:
    note_words_gone(connection)
    return connection.execute(_delete, {"guild": guild_id, "book": book_id}).rowcount > 0


def _switch(connection: Connection, guild_id: int | None, book_id: int, scope: Scope, on: bool) -> bool:
    if connection.execute(_own, {"guild": guild_id, "book": book_id}).first() is None:
        return False
    place = {"guild": guild_id, "book": book_id, "kind": scope.kind, "scope": scope.id}
    was_on = connection.execute(_unplaced, place).rowcount > 0
    if on:
        connection.execute(_placed, {"lorebook_id": book_id, "scope_kind": scope.kind, "scope_id": scope.id})
    return was_on != on


def _all_places(connection: Connection, guild_id: int | None) -> dict[int, list[Scope]]:
    found: dict[int, list[Scope]] = {}
    for book_id, kind, scope_id in connection.execute(_places, {"guild": guild_id}):
        found.setdefault(book_id, []).append(Scope(kind, scope_id))
    return found


def _on_in(connection: Connection, guild_id: int | None, scopes: Collection[Scope]) -> dict[Scope, list[int]]:
    found: dict[Scope, list[int]] = {}
    parameters = {"guild": guild_id, "scopes": [(scope.kind, scope.id) for scope in scopes]}
    for book_id, kind, scope_id in connection.execute(_switched_on, parameters):
        found.setdefault(Scope(kind, scope_id), []).append(book_id)
    return found


def _read_fired(connection: Connection, guild_id: int | None, message_ids: Sequence[int]) -> dict[str, int]:
    rows = connection.execute(_fired, {"guild": guild_id, "ids": list(message_ids)})
    return {row.entry: row.message_id for row in rows}


def _read_fired_above(connection: Connection, guild_id: int | None, message_id: int) -> dict[str, int]:
    rows = connection.execute(_fired_above, {"guild": guild_id, "message": message_id})
    return {row.entry: row.message_id for row in rows}


def _remember(connection: Connection, guild_id: int | None, message_id: int, entries: Collection[str]) -> None:
    parameters = {"guild": guild_id, "ids": [message_id]}
    connection.execute(_forget_fired, parameters)
    if entries and connection.execute(_in_guild, parameters).first() is not None:
        connection.execute(_add_fired, [{"message_id": message_id, "entry": entry} for entry in entries])
