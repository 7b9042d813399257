"""The API keys of servers, sealed: a server's own, and those that members lend to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, delete, select, update

from storage._upsert import Upsert
from storage.audit import add_entry
from storage.database import Database
from storage.records import utc_now
from storage.schema import sealed_keys

A_KEY: Final = "a key"
"""What the record of changes says instead of the key."""

_of_guild = (
    select(sealed_keys.c.owner_id, sealed_keys.c.sealed, sealed_keys.c.updated_at, sealed_keys.c.refused_at)
    .where(sealed_keys.c.guild_id == bindparam("guild"))
    .order_by(sealed_keys.c.owner_id)
)
_everything = select(sealed_keys.c.guild_id, sealed_keys.c.owner_id, sealed_keys.c.sealed)
_is_it = (sealed_keys.c.guild_id == bindparam("guild")) & (sealed_keys.c.owner_id == bindparam("owner"))
_put = Upsert(sealed_keys, ("sealed", "updated_at", "refused_at"))
_there = select(sealed_keys.c.owner_id).where(_is_it)
_delete = delete(sealed_keys).where(_is_it)
_refused = update(sealed_keys).where(_is_it, sealed_keys.c.refused_at.is_(None)).values(refused_at=bindparam("at"))
_accepted = update(sealed_keys).where(_is_it).values(refused_at=None)
_reseal = (
    update(sealed_keys).where(_is_it, sealed_keys.c.sealed == bindparam("old")).values(sealed=bindparam("renewed"))
)


@dataclass(frozen=True, slots=True)
class SealedKey:
    """A key of a server; its owner is 0 for the server's own. `refused_at`: since when it is known to be no use."""

    owner_id: int
    sealed: bytes
    since: datetime
    refused_at: datetime | None


class SealedKeys:
    """The keys of all servers. Who changes them is recorded with the change."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, guild_id: int) -> list[SealedKey]:
        """A server's keys, its own first."""
        return await self._database.read(_read, guild_id)

    async def everything(self) -> Sequence[tuple[int, int, bytes]]:
        """Server, owner and sealed key of all there are."""
        return await self._database.read(lambda connection: [tuple(row) for row in connection.execute(_everything)])

    async def put(self, guild_id: int, owner_id: int, sealed: bytes, *, by: int) -> None:
        """Keep a key, in place of the one that the owner had here."""
        await self._database.write(_write, guild_id, owner_id, sealed, by)

    async def remove(self, guild_id: int, owner_id: int, *, by: int | None) -> bool:
        """Forget a key; whether there was one. Without a person it is recorded as the bot's own deed."""
        return await self._database.write(erase, guild_id, owner_id, by)

    async def note_refused(self, guild_id: int, owner_id: int) -> bool:
        """A key is no use any more; whether that is news."""
        return await self._database.write(_mark, guild_id, owner_id)

    async def note_accepted(self, guild_id: int, owner_id: int) -> None:
        """A key is of use again."""
        await self._database.write(lambda connection: connection.execute(_accepted, _ids(guild_id, owner_id)) and None)

    async def reseal(self, guild_id: int, owner_id: int, old: bytes, renewed: bytes) -> None:
        """Keep the same key sealed anew, unless it was replaced meanwhile."""
        values = _ids(guild_id, owner_id) | {"old": old, "renewed": renewed}
        await self._database.write(lambda connection: connection.execute(_reseal, values) and None)


def _ids(guild_id: int, owner_id: int) -> dict[str, object]:
    return {"guild": guild_id, "owner": owner_id}


def _read(connection: Connection, guild_id: int) -> list[SealedKey]:
    return [SealedKey(*row) for row in connection.execute(_of_guild, {"guild": guild_id})]


def _write(connection: Connection, guild_id: int, owner_id: int, sealed: bytes, by: int) -> None:
    before = connection.execute(_there, _ids(guild_id, owner_id)).first()
    now = utc_now()
    _put(
        connection, guild_id=guild_id, owner_id=owner_id, sealed=sealed, created_at=now, updated_at=now, refused_at=None
    )
    _record(connection, guild_id, owner_id, by, "lend" if owner_id else "set", A_KEY if before else None, A_KEY)


def erase(connection: Connection, guild_id: int, owner_id: int, by: int | None) -> bool:
    """Forget a key, as part of a transaction; whether there was one."""
    there = connection.execute(_delete, _ids(guild_id, owner_id)).rowcount > 0
    if there:
        _record(connection, guild_id, owner_id, by, "remove", A_KEY, None)
    return there


def _record(
    connection: Connection,
    guild_id: int,
    owner_id: int,
    by: int | None,
    verb: str,
    before: str | None,
    after: str | None,
) -> None:
    subject = f"user:{owner_id}" if owner_id else f"guild:{guild_id}"
    add_entry(connection, guild_id, by, action=f"apikey {verb}", subject=subject, before=before, after=after)


def _mark(connection: Connection, guild_id: int, owner_id: int) -> bool:
    return connection.execute(_refused, _ids(guild_id, owner_id) | {"at": utc_now()}).rowcount > 0
