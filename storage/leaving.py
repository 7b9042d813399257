"""Servers that the bot has left: what is kept of them goes after a time of grace, some rows at a time."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, Table, bindparam, delete, func, select, tuple_, type_coerce, update

from storage._upsert import Upsert
from storage.database import Database
from storage.records import utc_now
from storage.schema import left_guilds, messages, metadata

DELETED_AT_ONCE: Final = 500
"""Rows that one transaction deletes."""

PURGED: Final[tuple[Table, ...]] = tuple(
    table for table in reversed(metadata.sorted_tables) if "guild_id" in table.c and table is not left_guilds
)
"""Whatever is kept of a guild, what refers to others first; what hangs under these rows goes with them."""

_note = Upsert(left_guilds)
_forget = delete(left_guilds).where(left_guilds.c.guild_id == bindparam("guild"))
_due = select(left_guilds.c.guild_id).where(left_guilds.c.left_at <= bindparam("before"))
_left = select(left_guilds.c.guild_id)
_part_from_parents = (
    update(messages).where(messages.c.parent_id.in_(bindparam("ids", expanding=True))).values(parent_id=None)
)
_some_messages = select(messages.c.id).where(messages.c.guild_id == bindparam("guild")).limit(DELETED_AT_ONCE)
_delete_messages = delete(messages).where(messages.c.id.in_(bindparam("ids", expanding=True)))


class LeftGuilds:
    """When the bot left which server."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note_left(self, guild_id: int) -> None:
        """The bot is no member any more; the first time counts."""
        await self._database.write(_write, guild_id)

    async def note_joined(self, guild_id: int) -> None:
        """The bot is there (again)."""
        await self._database.write(_erase, guild_id)

    async def left(self) -> set[int]:
        """Those that are noted."""
        return await self._database.read(lambda connection: set(connection.execute(_left).scalars()))

    async def due(self, before: datetime) -> list[int]:
        """Those that were left until then."""
        return await self._database.read(_read_due, before)

    async def known_guilds(self) -> list[int]:
        """Every guild of which something is kept."""
        found, after = [], 0
        while (guild_id := await self._database.read(_next_guild, after)) is not None:
            found.append(guild_id)
            after = guild_id
        return found

    async def purge(self, guild_id: int) -> int:
        """Delete all that is kept of a guild; how many rows that were, without those that hung under them.

        Raises `ValueError` for direct messages, which nobody can leave.
        """
        if not guild_id:
            raise ValueError("direct messages are no guild that can be left")
        deleted = 0
        for table in PURGED:
            while count := await self._database.write(_delete_some, table, guild_id):
                deleted += count
        await self._database.write(_erase, guild_id)
        return deleted


def _write(connection: Connection, guild_id: int) -> None:
    _note(connection, guild_id=guild_id, left_at=utc_now())


def _erase(connection: Connection, guild_id: int) -> None:
    connection.execute(_forget, {"guild": guild_id})


def _read_due(connection: Connection, before: datetime) -> list[int]:
    return list(connection.execute(_due, {"before": before}).scalars())


def _next_guild(connection: Connection, after: int) -> int | None:
    """The next higher id; each table has an index that begins with the guild, so this reads one row of each."""
    found: Collection[int] = [
        guild_id
        for table in PURGED
        if (guild_id := connection.execute(_least(table), {"after": after}).scalar_one()) is not None
    ]
    return min(found, default=None)


def _least(table: Table) -> Any:
    # As a plain number: the type of the column takes guild 0 for no guild.
    plain = type_coerce(table.c.guild_id, BigInteger)
    return select(func.min(plain)).where(table.c.guild_id > bindparam("after", type_=BigInteger))


def _delete_some(connection: Connection, table: Table, guild_id: int) -> int:
    if table is messages:
        return _delete_some_messages(connection, guild_id)
    keys = list(table.primary_key)
    some = select(*keys).where(table.c.guild_id == guild_id).limit(DELETED_AT_ONCE)
    return connection.execute(delete(table).where(tuple_(*keys).in_(some))).rowcount


def _delete_some_messages(connection: Connection, guild_id: int) -> int:
    """What hangs under them stays until it is deleted itself."""
    ids = list(connection.execute(_some_messages, {"guild": guild_id}).scalars())
    if ids:
        connection.execute(_part_from_parents, {"ids": ids})
        connection.execute(_delete_messages, {"ids": ids})
    return len(ids)
