"""Forgetting what is older than a channel keeps: some messages at a time, so that nobody waits for it."""

from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, func, literal, select, update

from storage._leftovers import NO_WORDS, note_words_gone
from storage.database import Database
from storage.ids import first_id_at
from storage.pictures import delete_pictures
from storage.schema import UNFINISHED, is_unfinished, messages

LOOKED_AT_AT_ONCE: Final = 500
"""Messages that one transaction looks at."""

CHANNELS_AT_ONCE: Final = 500

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
_some_words = (
    select(messages.c.id)
    .where(
        messages.c.guild_id == bindparam("guild"),
        messages.c.channel_id == bindparam("channel"),
        messages.c.state != "deleted",
    )
    .limit(1)
)
_forget = (
    update(messages)
    .where(
        messages.c.id.in_(bindparam("ids", expanding=True)),
        messages.c.state != "deleted",
        ~is_unfinished,
    )
    .values(NO_WORDS)
)


class Retention:
    """What is kept of channels, and for how long."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def channels(self, guild_id: int | None) -> list[int]:
        """The channels and threads of a guild in which something was said; None: all direct messages."""
        found: list[int] = []
        after: int | None = 0
        while after is not None:
            some = await self._database.read(_next_channels, guild_id, after)
            found += some
            after = some[-1] if len(some) == CHANNELS_AT_ONCE else None
        return found

    async def has_words(self, guild_id: int | None, channel_id: int) -> bool:
        """Whether anything is still known of what was said there."""
        return await self._database.read(_has_words, guild_id, channel_id)

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


def _next_channels(connection: Connection, guild_id: int | None, after: int) -> list[int]:
    """The next higher ids, from one to the other: reading all messages of a guild would take long."""
    channel = messages.c.channel_id
    in_guild = messages.c.guild_id == guild_id
    first = select(func.min(channel).label("id"), literal(1).label("step")).where(in_guild, channel > after)
    steps = first.cte("steps", recursive=True)
    following = select(func.min(channel)).where(in_guild, channel > steps.c.id).scalar_subquery()
    steps = steps.union_all(
        select(following, steps.c.step + 1).where(steps.c.id.is_not(None), steps.c.step < CHANNELS_AT_ONCE)
    )
    return list(connection.execute(select(steps.c.id).where(steps.c.id.is_not(None)).order_by(steps.c.id)).scalars())


def _has_words(connection: Connection, guild_id: int | None, channel_id: int) -> bool:
    return connection.execute(_some_words, {"guild": guild_id, "channel": channel_id}).first() is not None


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
    note_words_gone(connection)
    return connection.execute(_forget, {"ids": ids}).rowcount
