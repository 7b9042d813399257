"""Personas of all guilds with their earlier versions; every statement asks for the guild beside the id."""

from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from storage._leftovers import note_words_gone
from storage.database import Database
from storage.ids import new_id
from storage.records import Avatar, PersonaContent, PersonaKind, PersonaOutline, StoredPersona, utc_now
from storage.schema import persona_versions, personas, settings

KEPT_VERSIONS: Final = 30
"""Going back makes one, too."""

KEPT_DRAFTS: Final = 3
"""Of one person; an older preview can no longer be confirmed."""

DRAFT_LIFE: Final = timedelta(days=1)

_OUTLINE: Final = (
    "id", "guild_id", "owner_id", "kind", "name", "adult", "greeting", "version", "created_at", "updated_at",
    "updated_by",
)  # fmt: skip
_CONTENT: Final = ("name", "card", "avatar", "avatar_type", "adult", "greeting")

_guild = personas.c.guild_id == bindparam("guild")
_by_id = personas.c.id == bindparam("persona")
_outline = tuple(personas.c[name] for name in _OUTLINE)
_one = select(*_outline, personas.c.card, personas.c.avatar, personas.c.avatar_type).where(_by_id, _guild)
_one_locked = _one.add_columns(personas.c.undo_to, personas.c.redo_to).with_for_update()
_all = select(*_outline).where(_guild, personas.c.kind != "draft").order_by(func.lower(personas.c.name), personas.c.id)
_of_owner = (
    select(personas.c.id, personas.c.kind)
    .where(_guild, personas.c.owner_id == bindparam("owner"))
    .order_by(personas.c.id)
    .with_for_update()
)
_count_all = select(func.count()).select_from(personas).where(_guild, personas.c.kind != "draft")
_insert = insert(personas)
_delete = delete(personas).where(_by_id, _guild)
_delete_settings = delete(settings).where(
    settings.c.guild_id == bindparam("guild"),
    settings.c.scope_kind == "persona",
    settings.c.scope_id == bindparam("persona"),
)
_delete_old_drafts = delete(personas).where(personas.c.kind == "draft", personas.c.created_at < bindparam("before"))
_delete_some = delete(personas).where(_guild, personas.c.id.in_(bindparam("ids", expanding=True)))

_keep = insert(persona_versions)
_version = select(persona_versions).where(
    persona_versions.c.persona_id == bindparam("persona"), persona_versions.c.version == bindparam("wanted")
)
_drop_oldest = delete(persona_versions).where(
    persona_versions.c.persona_id == bindparam("persona"), persona_versions.c.version <= bindparam("up_to")
)


class Personas:
    """Characters; a read finds nothing of another guild's (None: direct messages)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_draft(self, guild_id: int | None, owner_id: int, content: PersonaContent) -> int:
        """Keep what somebody looks at before they take it in; the id."""
        return await self._database.write(_add_draft, guild_id, owner_id, content)

    async def change_draft(
        self, guild_id: int | None, persona_id: int, owner_id: int, *, adult: bool | None = None,
        greeting: int | None = None,
    ) -> bool:  # fmt: skip
        """Note down a choice about a draft; False if this person has none of this id."""
        changes = {"adult": adult, "greeting": greeting}
        values = {name: value for name, value in changes.items() if value is not None}
        return await self._database.write(_change_draft, guild_id, persona_id, owner_id, values)

    async def rewrite_draft(
        self, guild_id: int | None, persona_id: int, owner_id: int, content: PersonaContent
    ) -> bool:
        """Let a draft be something else; False if this person has none of this id."""
        return await self._database.write(_change_draft, guild_id, persona_id, owner_id, _values(content))

    async def confirm(
        self, guild_id: int | None, persona_id: int, owner_id: int, kind: PersonaKind, most_own: int, most: int
    ) -> int | None:
        """Make a persona of a draft. None, or the limit that stands in the way.

        Raises `LookupError` if this person has no draft of this id.
        """
        return await self._database.write(_confirm, guild_id, persona_id, owner_id, kind, most_own, most)

    async def get(self, guild_id: int | None, persona_id: int) -> StoredPersona | None:
        """A persona or a draft as a whole."""
        return await self._database.read(_get, guild_id, persona_id)

    async def all(self, guild_id: int | None, owner_id: int | None = None) -> list[PersonaOutline]:
        """The guild's personas by name, without drafts; those of one owner if named."""
        return await self._database.read(_list, guild_id, owner_id)

    async def delete(self, guild_id: int | None, persona_id: int) -> bool:
        """Delete a persona or a draft with all its versions and what is set for it; False if there is none."""
        return await self._database.write(_remove, guild_id, persona_id)

    async def save(
        self, guild_id: int | None, persona_id: int, content: PersonaContent, by: int, version: int | None = None
    ) -> int | None:
        """Let a persona be something else and keep what it was; its new version.

        None if there is no such persona, or it is at another version than the one that is named.
        """
        return await self._database.write(_save, guild_id, persona_id, content, by, version)

    async def mark(self, guild_id: int | None, persona_id: int, *, adult: bool) -> bool:
        """Let a persona be for adults in all its versions, or as it is now no longer; False if there is none.

        It gets a new number, so that nothing that was read before is saved over this.
        """
        return await self._database.write(_mark, guild_id, persona_id, adult)

    async def undo(self, guild_id: int | None, persona_id: int, by: int) -> int | None:
        """Be again what it was before the last change, as a new version: its number. None if that is not known."""
        return await self._database.write(_go, guild_id, persona_id, by, "undo_to")

    async def redo(self, guild_id: int | None, persona_id: int, by: int) -> int | None:
        """Take the last `undo` back, as a new version: its number. None if there is none, or something was changed."""
        return await self._database.write(_go, guild_id, persona_id, by, "redo_to")


def _add_draft(connection: Connection, guild_id: int | None, owner_id: int, content: PersonaContent) -> int:
    now = utc_now()
    connection.execute(_delete_old_drafts, {"before": now - DRAFT_LIFE})
    owned = connection.execute(_of_owner, {"guild": guild_id, "owner": owner_id}).all()
    drafts = [row.id for row in owned if row.kind == "draft"]
    if spent := drafts[: max(0, len(drafts) - KEPT_DRAFTS + 1)]:
        connection.execute(_delete_some, {"guild": guild_id, "ids": spent})
    persona_id = new_id()
    row = {
        "id": persona_id,
        "guild_id": guild_id,
        "owner_id": owner_id,
        "kind": "draft",
        "version": 1,
        "created_at": now,
        "updated_at": now,
        "updated_by": owner_id,
        **_values(content),
    }
    connection.execute(_insert, row)
    return persona_id


def _change_draft(
    connection: Connection, guild_id: int | None, persona_id: int, owner_id: int, values: dict[str, Any]
) -> bool:
    statement = update(personas).where(_by_id, _guild, personas.c.owner_id == owner_id, personas.c.kind == "draft")
    return connection.execute(statement.values(values), {"guild": guild_id, "persona": persona_id}).rowcount > 0


def _confirm(
    connection: Connection,
    guild_id: int | None,
    persona_id: int,
    owner_id: int,
    kind: PersonaKind,
    most_own: int,
    most: int,
) -> int | None:
    # All of the person's rows are locked, so that two confirmations at once count each other.
    kinds = {row.id: row.kind for row in connection.execute(_of_owner, {"guild": guild_id, "owner": owner_id})}
    if kinds.get(persona_id) != "draft":
        raise LookupError(persona_id)
    if kind == "own" and sum(found == "own" for found in kinds.values()) >= most_own:
        return most_own
    if connection.execute(_count_all, {"guild": guild_id}).scalar_one() >= most:
        return most
    now = utc_now()
    statement = update(personas).where(_by_id, _guild).values(kind=kind, created_at=now, updated_at=now)
    connection.execute(statement, {"guild": guild_id, "persona": persona_id})
    return None


def _get(connection: Connection, guild_id: int | None, persona_id: int) -> StoredPersona | None:
    row = connection.execute(_one, {"guild": guild_id, "persona": persona_id}).one_or_none()
    return None if row is None else StoredPersona(PersonaOutline(*row[: len(_OUTLINE)]), _content(row))


def _list(connection: Connection, guild_id: int | None, owner_id: int | None) -> list[PersonaOutline]:
    statement = _all if owner_id is None else _all.where(personas.c.owner_id == owner_id)
    return [PersonaOutline(*row) for row in connection.execute(statement, {"guild": guild_id})]


def _remove(connection: Connection, guild_id: int | None, persona_id: int) -> bool:
    note_words_gone(connection)
    connection.execute(_delete_settings, {"guild": guild_id, "persona": persona_id})
    return connection.execute(_delete, {"guild": guild_id, "persona": persona_id}).rowcount > 0


def _save(
    connection: Connection,
    guild_id: int | None,
    persona_id: int,
    content: PersonaContent,
    by: int,
    expected: int | None,
) -> int | None:
    row = connection.execute(_one_locked, {"guild": guild_id, "persona": persona_id}).one_or_none()
    if row is None or row.kind == "draft" or expected not in {None, row.version}:
        return None
    return _follow(connection, row, {**_values(content), "undo_to": row.version, "redo_to": None}, by)


def _mark(connection: Connection, guild_id: int | None, persona_id: int, adult: bool) -> bool:
    row = connection.execute(_one_locked, {"guild": guild_id, "persona": persona_id}).one_or_none()
    if row is None or row.kind == "draft":
        return False
    if adult:
        connection.execute(update(persona_versions).where(persona_versions.c.persona_id == row.id).values(adult=True))
    changed = update(personas).where(_by_id, _guild).values(adult=adult, version=row.version + 1)
    connection.execute(changed, {"guild": guild_id, "persona": persona_id})
    return True


def _go(connection: Connection, guild_id: int | None, persona_id: int, by: int, way: str) -> int | None:
    row = connection.execute(_one_locked, {"guild": guild_id, "persona": persona_id}).one_or_none()
    if row is None:
        return None
    wanted = {"persona": persona_id, "wanted": getattr(row, way)}
    found = connection.execute(_version, wanted).one_or_none()
    if found is None:
        return None
    values = {name: getattr(found, name) for name in (*_CONTENT, "undo_to", "redo_to")}
    if way == "undo_to":
        values["redo_to"] = row.version
    return _follow(connection, row, values, by)


def _follow(connection: Connection, row: Any, values: dict[str, Any], by: int) -> int:
    """Keep what a persona was, and let it be something else under a number that it never had."""
    names = (*_CONTENT, "version", "updated_at", "updated_by", "undo_to", "redo_to")
    connection.execute(_keep, {"persona_id": row.id, **{name: getattr(row, name) for name in names}})
    connection.execute(_drop_oldest, {"persona": row.id, "up_to": row.version - KEPT_VERSIONS})
    version: int = row.version + 1
    changed = {**values, "version": version, "updated_by": by, "updated_at": utc_now()}
    statement = update(personas).where(_by_id, _guild).values(changed)
    connection.execute(statement, {"guild": row.guild_id, "persona": row.id})
    return version


def _values(content: PersonaContent) -> dict[str, Any]:
    return {
        "name": content.name,
        "card": content.card,
        "avatar": content.avatar.data if content.avatar else None,
        "avatar_type": content.avatar.content_type if content.avatar else None,
        "adult": content.adult,
        "greeting": content.greeting,
    }


def _content(row: Any) -> PersonaContent:
    avatar = Avatar(row.avatar_type, row.avatar) if row.avatar is not None else None
    return PersonaContent(row.name, row.card, avatar, row.adult, row.greeting)
