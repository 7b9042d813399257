"""Reports on both databases: one for each message, everybody who made it, and each deed once."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from storage import EVERYWHERE, AddedReport, AuditFilter, Report, ReportedMessage, Storage, open_storage
from tests.storage.builders import ADA, CHANNEL, GUILD, OTHER_GUILD

TOM, MAX = 32, 41
REPLY = ReportedMessage(GUILD, CHANNEL, 501, 401, ADA)


async def add(
    storage: Storage, about: ReportedMessage = REPLY, by: int = TOM, reason: str | None = None, **limit: Any
) -> AddedReport | None:
    values = {"since": datetime.now(UTC) - timedelta(minutes=10), "most": 5, **limit}
    return await storage.reports.add(about, by, reason, **values)


async def added(storage: Storage, *args: Any, **options: Any) -> Report:
    report = await add(storage, *args, **options)
    assert report is not None
    return report.report


async def test_a_message_has_one_report_until_that_is_done_with(storage: Storage, database_url: str) -> None:
    first = await added(storage, reason="so \0rude")
    again = await add(storage)
    assert again == AddedReport(first, again=True)
    joined = await added(storage, replace(REPLY, discord_id=502), by=MAX)
    assert (joined.id, joined.state, joined.about) == (first.id, "open", REPLY)
    assert [(reporter.user_id, reporter.reason) for reporter in joined.reporters] == [(TOM, "so rude"), (MAX, None)]
    reopened = await open_storage(database_url)
    assert await reopened.reports.get(GUILD, first.id) == joined
    await reopened.close()
    assert await storage.reports.note_done(GUILD, first.id, "dismissed", MAX) is not None
    looked_at = await add(storage)
    assert looked_at is not None
    assert (looked_at.again, looked_at.report.state) == (True, "dismissed"), "it was looked at"
    anew = await added(storage, by=77)
    assert anew.id != first.id
    assert anew.state == "open"


async def test_what_the_history_does_not_know_is_told_apart_by_discord(storage: Storage) -> None:
    unknown = ReportedMessage(GUILD, CHANNEL, 501)
    report = await added(storage, unknown)
    assert (await added(storage, unknown, by=MAX)).id == report.id
    assert (await added(storage)).id != report.id
    assert (await added(storage, replace(unknown, discord_id=502))).id != report.id


async def test_many_at_once_make_one_report(storage: Storage) -> None:
    reports = await asyncio.gather(*(added(storage, by=person) for person in range(100, 110)))
    assert len({report.id for report in reports}) == 1
    whole = await storage.reports.get(GUILD, reports[0].id)
    assert whole is not None
    assert {reporter.user_id for reporter in whole.reporters} == set(range(100, 110))


async def test_a_member_makes_so_many_in_a_while(storage: Storage) -> None:
    for number in range(2):
        await added(storage, replace(REPLY, message_id=number), most=2)
    assert await add(storage, most=2) is None
    assert await add(storage, by=MAX, most=2) is not None
    assert await add(storage, replace(REPLY, guild_id=OTHER_GUILD), most=2) is not None
    assert await add(storage, replace(REPLY, message_id=1), most=2) is not None, "it is no report more"
    assert await add(storage, most=2, since=datetime.now(UTC) + timedelta(seconds=1)) is not None


async def test_each_deed_is_done_once_and_on_record(storage: Storage) -> None:
    report, until = await added(storage), datetime(2026, 5, 1, tzinfo=UTC)
    done = await storage.reports.note_done(GUILD, report.id, "blocked", MAX, until)
    assert done is not None
    assert (done.state, done.can_be("blocked"), done.can_be("deleted"), done.can_be("dismissed")) == (
        "blocked", False, True, False,
    )  # fmt: skip
    assert await storage.reports.note_done(GUILD, report.id, "blocked", TOM) is None
    assert await storage.reports.note_done(GUILD, report.id, "dismissed", TOM) is None
    done = await storage.reports.note_done(GUILD, report.id, "deleted", TOM)
    assert done is not None
    assert [(deed.deed, deed.done_by, deed.until) for deed in done.deeds] == [
        ("blocked", MAX, until),
        ("deleted", TOM, None),
    ]
    deleted, blocked = await storage.audit.page(GUILD, AuditFilter(action="report"))
    assert (blocked.action, blocked.actor_id, blocked.before) == ("report blocked", MAX, "open")
    assert blocked.after == {"until": "2026-05-01T00:00:00+00:00"}
    assert blocked.subject == f"report:{report.id} channel:{CHANNEL} message:501 user:{ADA}"
    assert (deleted.action, deleted.actor_id, deleted.before, deleted.after) == ("report deleted", TOM, "blocked", None)
    dismissed = await added(storage, replace(REPLY, message_id=402, requester_id=None))
    assert await storage.reports.note_done(GUILD, dismissed.id, "dismissed", MAX) is not None
    assert await storage.reports.note_done(GUILD, dismissed.id, "deleted", MAX) is None


async def test_what_no_moderator_saw_yet_waits(storage: Storage) -> None:
    first, second = await added(storage), await added(storage, replace(REPLY, message_id=402))
    done = await added(storage, replace(REPLY, message_id=403))
    await storage.reports.note_done(GUILD, done.id, "deleted", MAX)
    await storage.reports.note_posted(GUILD, first.id, 61, 601)
    assert await storage.reports.waiting(GUILD, 9) == [second]
    assert await storage.reports.count_waiting(GUILD) == 1
    found = await storage.reports.get(GUILD, first.id)
    assert found is not None
    assert (found.log_channel_id, found.posted_id) == (61, 601)


async def test_another_guild_finds_and_does_nothing(storage: Storage) -> None:
    report = await added(storage)
    assert await storage.reports.get(OTHER_GUILD, report.id) is None
    assert await storage.reports.note_done(OTHER_GUILD, report.id, "deleted", MAX) is None
    await storage.reports.note_posted(OTHER_GUILD, report.id, 61, 601)
    assert await storage.reports.waiting(OTHER_GUILD, 9) == []
    assert await storage.reports.get(GUILD, report.id) == report


async def test_reports_are_forgotten_after_their_time(storage: Storage) -> None:
    report = await added(storage)
    await added(storage, replace(REPLY, message_id=402))
    await storage.reports.note_done(GUILD, report.id, "deleted", MAX)
    assert await storage.reports.forget_older(datetime.now(UTC) - timedelta(days=365)) == 0
    assert await storage.reports.forget_older(datetime.now(UTC) + timedelta(seconds=1)) == 2
    assert await storage.reports.get(GUILD, report.id) is None


async def test_people_get_what_is_kept_of_them_and_their_words_go(storage: Storage) -> None:
    report = await added(storage, reason="canary")
    await added(storage, by=MAX, reason="mine")
    await storage.reports.note_done(GUILD, report.id, "blocked", MAX)

    async def kept(user_id: int) -> dict[str, Any]:
        return {page.part: page.rows[0] async for page in storage.privacy.everything(GUILD, user_id) if page.rows}

    assert (await kept(TOM))["messages you reported"]["reason"] == "canary"
    assert set((await kept(ADA))["reports of replies to you"]) == {
        "id", "guild_id", "channel_id", "discord_id", "created_at",
    }  # fmt: skip
    assert (await kept(MAX))["reports you dealt with"]["deed"] == "blocked"
    erasure = await storage.privacy.ask_to_erase(EVERYWHERE, TOM, answers=False, in_discord=False)
    await storage.privacy.erase(erasure)
    found = await storage.reports.get(GUILD, report.id)
    assert found is not None
    assert [(reporter.user_id, reporter.reason) for reporter in found.reporters] == [(TOM, None), (MAX, "mine")]
