"""Forgetting what is older than a channel keeps: some messages at a time, so that nobody waits for it."""

from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, select, update

from storage.database import Database
from storage.ids import first_id_at
from storage.pictures import delete_pictures
from storage.schema import UNFINISHED, heads, is_unfinished, messages

LOOKED_AT_AT_ONCE: Final = 500
"""Messages that one transaction looks at."""

_channels = select(heads.c.channel_id).where(heads.c.guild_id == bindparam("guild")).distinct()
_old = (
    select(messages.c.id, messages.c.state)
    .where(
        messages.c.guild_id == bindparam("guild"),
        messages.c.channel_id == bindparam("channel"),
        messages.c.id > bindparam("after"),
        messages.c.id < bindparam("before"),
    )
    .order_by(messages.c.id)
    .limit(LOOKED_AT_AT_ONCE)
)
_forget = (
    update(messages)
    .where(
        messages.c.id.in_(bindparam("ids", expanding=True)),
        messages.c.state != "deleted",
        ~is_unfinished,
    )
    .values(content="", state="deleted")
)


class Retention:
    """What is kept of channels, and for how long."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def channels(self, guild_id: int | None) -> list[int]:
        """The channels and threads of a guild in which something was said; None: all direct messages."""
        return await self._database.read(_read_channels, guild_id)

    async def forget_older(self, guild_id: int | None, channel_id: int, before: datetime) -> int:
        """Empty the messages that came before then, private ones too, and keep their places; how many they were.

        Replies that are being written stay. What came from a file counts from when it was taken in.
        """
        forgotten, after, end = 0, 0, first_id_at(before)
        while True:
            ids, last = await self._database.read(_look, guild_id, channel_id, after, end)
            if ids:
                forgotten += await self._database.write(_forget_some, guild_id, ids)
            if last is None:
                return forgotten
            after = last


def _read_channels(connection: Connection, guild_id: int | None) -> list[int]:
    return list(connection.execute(_channels, {"guild": guild_id}).scalars())


def _look(
    connection: Connection, guild_id: int | None, channel_id: int, after: int, before: int
) -> tuple[list[int], int | None]:
    """What of the next messages is to be forgotten, and after which id to go on; None at the end."""
    parameters = {"guild": guild_id, "channel": channel_id, "after": after, "before": before}
    rows = connection.execute(_old, parameters).all()
    last = rows[-1].id if len(rows) == LOOKED_AT_AT_ONCE else None
    return [row.id for row in rows if row.state != "deleted" and row.state not in UNFINISHED], last


def _forget_some(connection: Connection, guild_id: int | None, ids: list[int]) -> int:
    delete_pictures(connection, guild_id, ids)
    return connection.execute(_forget, {"ids": ids}).rowcount
