"""Servers that the bot has left: what is kept of them goes after a time of grace, some rows at a time."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from sqlalchemy import (
    BigInteger,
    Connection,
    Table,
    bindparam,
    delete,
    func,
    literal,
    select,
    tuple_,
    type_coerce,
    update,
)

from storage._upsert import Upsert
from storage.database import Database
from storage.records import utc_now
from storage.schema import left_guilds, messages, metadata, opt_outs

DELETED_AT_ONCE: Final = 500
"""Rows that one transaction deletes."""

GUILDS_AT_ONCE: Final = 500

STAYS: Final[frozenset[Table]] = frozenset({left_guilds, opt_outs})
"""Who does not want to be heard there is not heard either when the bot is invited again."""

PURGED: Final[tuple[Table, ...]] = tuple(
    table for table in reversed(metadata.sorted_tables) if "guild_id" in table.c and table not in STAYS
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
        found: set[int] = set()
        for table in PURGED:
            after: int | None = 0
            while after is not None:
                some = await self._database.read(_some_guilds, table, after)
                found.update(some)
                after = some[-1] if len(some) == GUILDS_AT_ONCE else None
        return sorted(found)

    async def purge(self, guild_id: int, goes_on: Callable[[], bool] = lambda: True) -> bool:
        """Delete all that is kept of a guild; False if it did not go on to the end.

        Raises `ValueError` for direct messages, which nobody can leave.
        """
        if not guild_id:
            raise ValueError("direct messages are no guild that can be left")
        for table in PURGED:
            while goes_on() and await self._database.write(_delete_some, table, guild_id) > 0:
                pass
        if goes_on():
            await self._database.write(_erase, guild_id)
        return goes_on()


def _write(connection: Connection, guild_id: int) -> None:
    _note(connection, guild_id=guild_id, left_at=utc_now())


def _erase(connection: Connection, guild_id: int) -> None:
    connection.execute(_forget, {"guild": guild_id})


def _read_due(connection: Connection, before: datetime) -> list[int]:
    return list(connection.execute(_due, {"before": before}).scalars())


def _some_guilds(connection: Connection, table: Table, after: int) -> list[int]:
    """The next higher ids in a table, from one to the other: reading all of its index would take long."""
    # As plain numbers: the type of the column takes guild 0 for no guild.
    plain = type_coerce(table.c.guild_id, BigInteger)
    first = select(func.min(plain).label("id"), literal(1).label("step")).where(plain > after)
    steps = first.cte("steps", recursive=True)
    following = select(func.min(plain)).where(plain > steps.c.id).scalar_subquery()
    steps = steps.union_all(
        select(following, steps.c.step + 1).where(steps.c.id.is_not(None), steps.c.step < GUILDS_AT_ONCE)
    )
    ids = select(steps.c.id).where(steps.c.id.is_not(None)).order_by(steps.c.id)
    return list(connection.execute(ids).scalars())


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
