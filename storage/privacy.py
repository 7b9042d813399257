"""What is kept about people: giving it to them, and deleting it on their word.

What was asked for is noted down before it is done, so that a restart in between does not forget it.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, insert, or_, select, update

from storage import _erasing as erasing
from storage import _holdings as holdings
from storage._erasing import ShownIn
from storage._holdings import Kept, KeptFile
from storage._leftovers import NOBODY, note_words_gone
from storage._quotes import erase_quotes
from storage._walking import Key
from storage.database import Database, Swept
from storage.ids import new_id
from storage.records import EVERYWHERE, Where, utc_now
from storage.schema import erasures
from storage.usage import Usage

NOTED_FOR: Final = timedelta(days=30)
"""How long it is kept that something was deleted."""

DAYS_EXPORTED: Final = timedelta(days=400)

Hide = Callable[[Sequence[ShownIn]], Awaitable[None]]

_insert = insert(erasures)
_open = select(erasures).where(erasures.c.done_at.is_(None)).order_by(erasures.c.id)
_finished = (
    select(erasures)
    .where(erasures.c.done_at > bindparam("since"), erasures.c.user_id != NOBODY)
    .order_by(erasures.c.id)
)
_done = update(erasures).where(erasures.c.id == bindparam("erasure")).values(done_at=bindparam("now"))
_unswept = select(erasures.c.id).where(erasures.c.done_at.is_not(None), erasures.c.swept_at.is_(None)).limit(1)
_swept = (
    update(erasures)
    .where(erasures.c.done_at <= bindparam("until"), erasures.c.swept_at.is_(None))
    .values(swept_at=bindparam("now"))
)
_prune = delete(erasures).where(
    erasures.c.done_at < bindparam("before"), or_(erasures.c.user_id != NOBODY, erasures.c.swept_at.is_not(None))
)


@dataclass(frozen=True, slots=True)
class Erasure:
    """Somebody's wish to have deleted what they said until then, with the answers to it, in Discord too."""

    id: int
    where: Where
    user_id: int
    answers: bool
    in_discord: bool


@dataclass(slots=True)
class Erased:
    """How much went."""

    messages: int = 0
    answers: int = 0
    pictures: int = 0
    personas: int = 0
    keys: int = 0


class Privacy:
    """Looks after what is about a person, wherever it is kept."""

    def __init__(self, database: Database, usage: Usage) -> None:
        self._database = database
        self._usage = usage

    # --- deleting

    async def ask_to_erase(self, where: Where, user_id: int, *, answers: bool, in_discord: bool) -> Erasure:
        """Note down what is to be deleted; what is said from now on is not."""
        return await self._database.write(_note, where, user_id, answers, in_discord)

    async def unfinished(self) -> list[Erasure]:
        """What is still to be deleted."""
        return await self._database.read(_read, _open, {})

    async def finished_since(self, since: datetime) -> list[Erasure]:
        """What was deleted since then, by any process."""
        return await self._database.read(_read, _finished, {"since": since})

    async def erase(self, erasure: Erasure, hide: Hide | None = None) -> Erased:
        """Delete it, some rows at a time; again after a restart does no harm.

        `hide` is given the messages in Discord that show replies, before these are deleted.
        """
        erased = Erased()
        await self._erase_messages(erasure, erased, hide)
        where, user_id = erasure.where, erasure.user_id
        await self._erase_personas(where, user_id, erased)
        await self._take_back_keys(where, user_id, erased)
        for step in (
            erase_quotes,
            erasing.erase_settings,
            erasing.erase_heads,
            erasing.erase_lorebooks,
            erasing.disown_personas,
            erasing.erase_audit,
            erasing.erase_report_reasons,
        ):
            after: Key | None = None
            while (after := await self._database.write(step, where, user_id, after)) is not None:
                pass
        for guild_id in await self._usage.guilds_with(user_id):
            if where in (EVERYWHERE, guild_id):
                await self._usage.forget_user(guild_id, user_id)
        await self._database.write(_finish, erasure.id)
        return erased

    async def sweep(self) -> Swept:
        """See that nothing of what was deleted is left in the database's files, without anybody waiting for it long.

        `busy`: somebody else reads the file, so try again later; `large`: that is done at the next start.
        """
        if not await self._database.read(_is_unswept):
            return "done"
        until = utc_now()
        swept = await self._database.sweep()
        if swept == "done":
            await self._database.write(_note_swept, until)
        return swept

    async def prune(self, now: datetime) -> None:
        """Forget what was asked for long ago, and old copies of the database."""
        await self._database.write(_prune_before, now - NOTED_FOR)
        await self._database.prune_backups(now)

    async def _erase_messages(self, erasure: Erasure, erased: Erased, hide: Hide | None) -> None:
        after: int | None = 0
        while after is not None:
            place = (erasure.where, erasure.user_id, erasure.answers, after, erasure.id)
            if hide is not None:
                looked = await self._database.read(erasing.look_at_messages, *place)
                await hide(await self._database.read(erasing.shown_in, looked.answers))
            looked, pictures = await self._database.write(erasing.erase_messages, *place)
            erased.messages += len(looked.said)
            erased.answers += len(looked.answers)
            erased.pictures += pictures
            after = looked.last

    async def _erase_personas(self, where: Where, user_id: int, erased: Erased) -> None:
        """First what tells of them elsewhere, so that it is found again if this is interrupted."""
        own: list[int] = []
        after: Key | None = None
        while True:
            found, after = await self._database.read(erasing.own_personas, where, user_id, after)
            own += found
            if after is None:
                break
        if not own:
            return
        while (after := await self._database.write(erasing.erase_traces, where, own, after)) is not None:
            pass
        for persona_id in own:
            await self._database.write(erasing.erase_personas, [persona_id])
        erased.personas += len(own)

    async def _take_back_keys(self, where: Where, user_id: int, erased: Erased) -> None:
        after: Key | None = None
        while True:
            count, after = await self._database.write(erasing.erase_lent_keys, where, user_id, after)
            erased.keys += count
            if after is None:
                return

    # --- giving

    async def everything(self, where: Where, user_id: int) -> AsyncIterator[Kept]:
        """All that is kept about a person, some of it at a time."""
        async for page in self._messages(where, user_id):
            yield page
        async for page in self._quotes(where, user_id):
            yield page
        for holding in holdings.HOLDINGS:
            after: Key | None = None
            while True:
                rows, after = await self._database.read(holdings.walk_page, holding, where, user_id, after)
                if rows:
                    yield Kept(holding.part, rows)
                for row in rows:
                    async for file in self._files(holding.part, row):
                        yield Kept(holding.part, (), (file,))
                if after is None:
                    break
        async for page in self._used(where, user_id):
            yield page

    async def _messages(self, where: Where, user_id: int) -> AsyncIterator[Kept]:
        after: int | None = 0
        while after is not None:
            rows, with_pictures, after = await self._database.read(holdings.messages_page, where, user_id, after)
            if rows:
                yield Kept("messages", rows)
            for message_id in with_pictures:
                yield Kept("pictures", (), await self._database.read(holdings.pictures_of, message_id))

    async def _quotes(self, where: Where, user_id: int) -> AsyncIterator[Kept]:
        after: int | None = 0
        while after is not None:
            rows, after = await self._database.read(holdings.quotes_page, where, user_id, after)
            if rows:
                yield Kept("what others quoted of you", rows)

    async def _files(self, part: str, row: holdings.Fields) -> AsyncIterator[KeptFile]:
        if part == "characters":
            persona_id = int(row["id"])
            versions: list[int | None] = [None, *await self._database.read(holdings.versions_of, persona_id)]
            for version in versions:
                for file in await self._database.read(holdings.card_of, persona_id, version):
                    yield file
        elif part == "lorebooks":
            for file in await self._database.read(holdings.lorebook_file, int(row["id"])):
                yield file

    async def _used(self, where: Where, user_id: int) -> AsyncIterator[Kept]:
        after: int | None = 0
        while after is not None:
            rows, after = await self._database.read(holdings.requests_page, where, user_id, after)
            if rows:
                yield Kept("requests", rows)
        today = utc_now().date()
        for guild_id in await self._usage.guilds_with(user_id):
            if where in (EVERYWHERE, guild_id):
                async for page in self._used_in(guild_id, user_id, today):
                    yield page

    async def _used_in(self, guild_id: int | None, user_id: int, today: date) -> AsyncIterator[Kept]:
        async for days in self._usage.days(guild_id, today - DAYS_EXPORTED, today, user_id):
            yield Kept("usage by day", [_day(guild_id, day) for day in days])
        if months := await self._database.read(holdings.months_of, guild_id, user_id):
            yield Kept("usage by month", months)


def _day(guild_id: int | None, day: Any) -> holdings.Fields:
    values = {
        "guild_id": guild_id, "day": day.day, "channel_id": day.channel_id, "model": day.model, "kind": day.kind,
        "requests": day.used.requests, "prompt_tokens": day.used.prompt_tokens,
        "completion_tokens": day.used.completion_tokens, "waited_seconds": day.used.waited_seconds,
    }  # fmt: skip
    return {name: holdings.in_json(name, value) for name, value in values.items()}


def _note(connection: Connection, where: Where, user_id: int, answers: bool, in_discord: bool) -> Erasure:
    # Its id is made here, so that it is higher than those of all that was kept before.
    erasure = Erasure(new_id(), where, user_id, answers, in_discord)
    everywhere = erasure.where is EVERYWHERE
    row = {
        "id": erasure.id, "guild_id": None if everywhere else erasure.where, "everywhere": everywhere,
        "user_id": erasure.user_id, "answers": erasure.answers, "in_discord": erasure.in_discord,
        "asked_at": utc_now(), "done_at": None, "swept_at": None,
    }  # fmt: skip
    connection.execute(_insert, row)
    return erasure


def _read(connection: Connection, statement: Any, parameters: dict[str, Any]) -> list[Erasure]:
    return [
        Erasure(row.id, EVERYWHERE if row.everywhere else row.guild_id, row.user_id, row.answers, row.in_discord)
        for row in connection.execute(statement, parameters)
    ]


def _finish(connection: Connection, erasure_id: int) -> None:
    connection.execute(_done, {"erasure": erasure_id, "now": utc_now()})


def _is_unswept(connection: Connection) -> bool:
    return connection.execute(_unswept).first() is not None


def _note_swept(connection: Connection, until: datetime) -> None:
    connection.execute(_swept, {"until": until, "now": utc_now()})


def _prune_before(connection: Connection, before: datetime) -> None:
    if _is_unswept(connection):
        note_words_gone(connection)  # or the next start would not know that the file is to be rewritten
    connection.execute(_prune, {"before": before})
