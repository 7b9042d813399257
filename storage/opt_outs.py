"""Who does not want to be heard: kept in memory as a whole, because it is asked for every message."""

from sqlalchemy import Connection, bindparam, delete, select

from storage._upsert import Upsert
from storage.database import Database
from storage.records import EVERYWHERE, Where, utc_now
from storage.schema import opt_outs

_all = select(opt_outs.c.guild_id, opt_outs.c.user_id, opt_outs.c.everywhere)
_put = Upsert(opt_outs)
_of_user = opt_outs.c.user_id == bindparam("user")
_remove_all = delete(opt_outs).where(_of_user)
_remove = delete(opt_outs).where(_of_user, opt_outs.c.guild_id == bindparam("guild"), opt_outs.c.everywhere.is_(False))

_Known = frozenset[tuple[Where, int]]


class OptOuts:
    """Answers from memory; `refresh` reads what other processes were told meanwhile."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: _Known = frozenset()
        self._changes = 0

    async def refresh(self) -> None:
        """Read them anew."""
        changes = self._changes
        known = await self._database.read(_read)
        if changes == self._changes:  # else what was read may have been overtaken already
            self._known = known

    def holds(self, guild_id: int | None, user_id: int) -> bool:
        """Whether somebody is not to be heard there."""
        return (guild_id, user_id) in self._known or (EVERYWHERE, user_id) in self._known

    def everywhere(self, user_id: int) -> bool:
        """Whether somebody is to be heard nowhere."""
        return (EVERYWHERE, user_id) in self._known

    def anybody(self, guild_id: int | None) -> bool:
        """Whether anybody is not to be heard there."""
        return any(where is EVERYWHERE or where == guild_id for where, _ in self._known)

    async def opt_out(self, where: Where, user_id: int) -> None:
        """Do not hear somebody from now on."""
        self._known |= {(where, user_id)}
        self._changes += 1
        await self._database.write(_write, where, user_id)

    async def opt_in(self, where: Where, user_id: int) -> None:
        """Hear somebody again there; everywhere also means wherever they opted out alone."""
        await self._database.write(_erase, where, user_id)
        self._changes += 1
        gone = {known for known in self._known if known[1] == user_id and where in (EVERYWHERE, known[0])}
        self._known -= gone


def _read(connection: Connection) -> _Known:
    rows = connection.execute(_all)
    return frozenset((EVERYWHERE if everywhere else guild_id, user_id) for guild_id, user_id, everywhere in rows)


def _write(connection: Connection, where: Where, user_id: int) -> None:
    everywhere = where is EVERYWHERE
    guild_id = None if everywhere else where
    _put(connection, guild_id=guild_id, user_id=user_id, everywhere=everywhere, since=utc_now())


def _erase(connection: Connection, where: Where, user_id: int) -> None:
    if where is EVERYWHERE:
        connection.execute(_remove_all, {"user": user_id})
    else:
        connection.execute(_remove, {"user": user_id, "guild": where})
