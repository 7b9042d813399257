"""Pictures that people showed, kept with the message they came with."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select

from storage._leftovers import note_words_gone
from storage.database import Database
from storage.records import Picture
from storage.schema import messages, pictures

_columns = tuple(pictures.c[field.name] for field in fields(Picture))
_in_guild = (
    messages.c.guild_id == bindparam("guild"),
    messages.c.id.in_(bindparam("ids", expanding=True)),
)
_of = (
    select(pictures.c.message_id, *_columns)
    .join(messages, pictures.c.message_id == messages.c.id)
    .where(*_in_guild)
    .order_by(pictures.c.message_id, pictures.c.attachment_id)
)
_insert = insert(pictures)
_own = select(messages.c.id).where(*_in_guild)
_delete = delete(pictures).where(pictures.c.message_id.in_(_own))
_keep_only = _delete.where(pictures.c.attachment_id.not_in(bindparam("kept", expanding=True)))


class Pictures:
    """Pictures of all guilds; every read names the guild and finds nothing of another's (None: direct messages)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, guild_id: int | None, message_ids: Sequence[int]) -> dict[int, list[Picture]]:
        """The pictures of these messages, in the order in which they were attached; messages without are left out."""
        return await self._database.read(_read, guild_id, message_ids)

    async def keep_only(self, guild_id: int | None, message_id: int, attachment_ids: Sequence[int]) -> int:
        """Delete the message's other pictures; how many there were."""
        return await self._database.write(_drop_others, guild_id, message_id, attachment_ids)


def add_pictures(connection: Connection, message_id: int, shown: Iterable[Picture]) -> None:
    """Keep a message's pictures, as part of a transaction."""
    rows: list[dict[str, Any]] = [
        {"message_id": message_id, **{column.name: getattr(picture, column.name) for column in _columns}}
        for picture in shown
    ]
    if rows:
        connection.execute(_insert, rows)


def delete_pictures(connection: Connection, guild_id: int | None, message_ids: Sequence[int]) -> None:
    """Delete the pictures of these messages, as part of a transaction."""
    connection.execute(_delete, {"guild": guild_id, "ids": list(message_ids)})


def _read(connection: Connection, guild_id: int | None, message_ids: Sequence[int]) -> dict[int, list[Picture]]:
    found: dict[int, list[Picture]] = {}
    for row in connection.execute(_of, {"guild": guild_id, "ids": list(message_ids)}):
        found.setdefault(row.message_id, []).append(Picture(*row[1:]))
    return found


def _drop_others(connection: Connection, guild_id: int | None, message_id: int, kept: Sequence[int]) -> int:
    parameters = {"guild": guild_id, "ids": [message_id], "kept": list(kept)}
    note_words_gone(connection)
    return connection.execute(_keep_only, parameters).rowcount
