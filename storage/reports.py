"""What members reported to the moderators, and what became of it. It holds no words but the reporters' reasons."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import Connection, Select, bindparam, delete, func, insert, select, update

from storage._upsert import Upsert
from storage.audit import add_entry
from storage.database import Database
from storage.ids import first_id_at, new_id
from storage.records import ReportDeed, utc_now
from storage.schema import report_deeds, report_reporters, reports

FORGOTTEN_AT_ONCE: Final = 500

_guild = reports.c.guild_id == bindparam("guild")
_insert = insert(reports)
_add_reporter = Upsert(report_reporters)
_add_deed = Upsert(report_deeds)
_one = select(reports).where(_guild, reports.c.id == bindparam("report"))
_of_message = select(reports).where(_guild).order_by(reports.c.id.desc()).limit(1)
_by_message_id = _of_message.where(reports.c.message_id == bindparam("message"))
_by_discord_id = _of_message.where(reports.c.message_id.is_(None), reports.c.discord_id == bindparam("discord"))
_reporters = (
    select(report_reporters)
    .where(report_reporters.c.report_id.in_(bindparam("ids", expanding=True)))
    .order_by(report_reporters.c.at, report_reporters.c.reporter_id)
)
_deeds = (
    select(report_deeds)
    .where(report_deeds.c.report_id.in_(bindparam("ids", expanding=True)))
    .order_by(report_deeds.c.at, report_deeds.c.deed)
)
_count = select(func.count()).where(
    report_reporters.c.guild_id == bindparam("guild"),
    report_reporters.c.reporter_id == bindparam("reporter"),
    report_reporters.c.at > bindparam("since"),
)
_done_with = select(report_deeds.c.report_id).where(report_deeds.c.report_id == reports.c.id).exists()
_is_waiting = (_guild, reports.c.posted_id.is_(None), ~_done_with)
_waiting = select(reports).where(*_is_waiting).order_by(reports.c.id).limit(bindparam("most"))
_count_waiting = select(func.count()).select_from(reports).where(*_is_waiting)
_post = (
    update(reports)
    .where(_guild, reports.c.id == bindparam("report"))
    .values(log_channel_id=bindparam("posted_in"), posted_id=bindparam("posted"))
)
_old = select(reports.c.id).where(reports.c.id < bindparam("end")).order_by(reports.c.id).limit(FORGOTTEN_AT_ONCE)
_forget = delete(reports).where(reports.c.id.in_(bindparam("ids", expanding=True)))


@dataclass(frozen=True, slots=True)
class ReportedMessage:
    """What a report is about: a message in Discord and, if the history knows it, the reply that it shows."""

    guild_id: int
    channel_id: int
    discord_id: int
    message_id: int | None = None
    requester_id: int | None = None


@dataclass(frozen=True, slots=True)
class Reporter:
    """Who reported it, and why."""

    user_id: int
    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class DoneDeed:
    """What a moderator did about it; a block ends at `until`, or never."""

    deed: ReportDeed
    done_by: int
    at: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """A report, with everybody who made it and all that was done, oldest first."""

    id: int
    about: ReportedMessage
    created_at: datetime
    reporters: tuple[Reporter, ...]
    deeds: tuple[DoneDeed, ...] = ()
    log_channel_id: int | None = None
    posted_id: int | None = None  # the moderators' message

    @property
    def state(self) -> Literal["open"] | ReportDeed:
        """What was done last."""
        return self.deeds[-1].deed if self.deeds else "open"

    def can_be(self, deed: ReportDeed) -> bool:
        """Whether this can still be done about it: each once, and nothing more once it was dismissed."""
        done = {found.deed for found in self.deeds}
        return not done if deed == "dismissed" else not done & {deed, "dismissed"}


@dataclass(frozen=True, slots=True)
class AddedReport:
    """A report that somebody made or joined; `again` if they had reported the message before."""

    report: Report
    again: bool = False


class Reports:
    """The reports of all guilds."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._adding = asyncio.Lock()  # a guild belongs to one process, so one message never gets two reports

    async def add(
        self, about: ReportedMessage, reporter_id: int, reason: str | None, *, since: datetime, most: int
    ) -> AddedReport | None:
        """Report a message, or join its open report; None if this person made so many reports since then."""
        async with self._adding:
            return await self._database.write(_add, about, reporter_id, reason, since, most)

    async def get(self, guild_id: int, report_id: int) -> Report | None:
        """A report of this guild."""
        return await self._database.read(_get, guild_id, report_id)

    async def note_posted(self, guild_id: int, report_id: int, log_channel_id: int, posted_id: int) -> None:
        """Keep where the moderators can see it."""
        values = {"guild": guild_id, "report": report_id, "posted_in": log_channel_id, "posted": posted_id}
        await self._database.write(_execute, _post, values)

    async def note_done(
        self, guild_id: int, report_id: int, deed: ReportDeed, by: int, until: datetime | None = None
    ) -> Report | None:
        """Keep what a moderator did, and record it; None if it could not be done any more."""
        return await self._database.write(_note_done, guild_id, report_id, DoneDeed(deed, by, utc_now(), until))

    async def waiting(self, guild_id: int, most: int) -> list[Report]:
        """Open reports that no moderator could see yet, the oldest first."""
        return await self._database.read(_read, _waiting, {"guild": guild_id, "most": most})

    async def count_waiting(self, guild_id: int) -> int:
        """How many there are."""
        return await self._database.read(_scalar, _count_waiting, {"guild": guild_id})

    async def forget_older(self, before: datetime) -> int:
        """Forget the reports of all guilds that are older; how many they were."""
        forgotten = 0
        while count := await self._database.write(_forget_some, first_id_at(before)):
            forgotten += count
        return forgotten


def _add(
    connection: Connection, about: ReportedMessage, reporter_id: int, reason: str | None, since: datetime, most: int
) -> AddedReport | None:
    known = _newest_of(connection, about)
    if known is not None and reporter_id in {reporter.user_id for reporter in known.reporters}:
        return AddedReport(known, again=True)
    place = {"guild": about.guild_id, "reporter": reporter_id, "since": since}
    if _scalar(connection, _count, place) >= most:
        return None
    if known is None or known.deeds:
        report_id = new_id()
        connection.execute(_insert, {"id": report_id, "created_at": utc_now(), **asdict(about)})
    else:
        report_id = known.id
    _add_reporter(
        connection, report_id=report_id, guild_id=about.guild_id, reporter_id=reporter_id, reason=reason, at=utc_now()
    )
    added = _get(connection, about.guild_id, report_id)
    assert added is not None
    return AddedReport(added)


def _newest_of(connection: Connection, about: ReportedMessage) -> Report | None:
    if about.message_id is None:
        found = _read(connection, _by_discord_id, {"guild": about.guild_id, "discord": about.discord_id})
    else:
        found = _read(connection, _by_message_id, {"guild": about.guild_id, "message": about.message_id})
    return found[0] if found else None


def _note_done(connection: Connection, guild_id: int, report_id: int, deed: DoneDeed) -> Report | None:
    report = _get(connection, guild_id, report_id)
    if report is None or not report.can_be(deed.deed):
        return None
    if not _add_deed(connection, report_id=report_id, guild_id=guild_id, **asdict(deed)):
        return None
    about = report.about
    subject = f"report:{report_id} channel:{about.channel_id} message:{about.discord_id}"
    subject += f" user:{about.requester_id}" if about.requester_id is not None else ""
    after = deed.until and {"until": deed.until.isoformat(timespec="seconds")}
    action = f"report {deed.deed}"
    add_entry(connection, guild_id, deed.done_by, action=action, subject=subject, before=report.state, after=after)
    return _get(connection, guild_id, report_id)


def _get(connection: Connection, guild_id: int, report_id: int) -> Report | None:
    found = _read(connection, _one, {"guild": guild_id, "report": report_id})
    return found[0] if found else None


def _read(connection: Connection, statement: Select[Any], values: dict[str, Any]) -> list[Report]:
    rows = connection.execute(statement, values).all()
    ids = [row.id for row in rows]
    reporters: dict[int, list[Reporter]] = defaultdict(list)
    deeds: dict[int, list[DoneDeed]] = defaultdict(list)
    for row in connection.execute(_reporters, {"ids": ids}) if ids else ():
        reporters[row.report_id].append(Reporter(row.reporter_id, row.reason, row.at))
    for row in connection.execute(_deeds, {"ids": ids}) if ids else ():
        deeds[row.report_id].append(DoneDeed(row.deed, row.done_by, row.at, row.until))
    return [_report(row, reporters[row.id], deeds[row.id]) for row in rows]


def _report(row: Any, reporters: Sequence[Reporter], deeds: Sequence[DoneDeed]) -> Report:
    about = ReportedMessage(row.guild_id, row.channel_id, row.discord_id, row.message_id, row.requester_id)
    return Report(row.id, about, row.created_at, tuple(reporters), tuple(deeds), row.log_channel_id, row.posted_id)


def _execute(connection: Connection, statement: Any, values: dict[str, Any]) -> None:
    connection.execute(statement, values)


def _scalar(connection: Connection, statement: Select[Any], values: dict[str, Any]) -> int:
    return int(connection.execute(statement, values).scalar_one())


def _forget_some(connection: Connection, end: int) -> int:
    ids = list(connection.execute(_old, {"end": end}).scalars())
    if ids:
        connection.execute(_forget, {"ids": ids})
    return len(ids)
