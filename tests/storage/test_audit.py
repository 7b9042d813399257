"""The record of changes: per guild, filtered, in pages, and gone after its time."""

from datetime import UTC, datetime, timedelta

from storage import AuditFilter, Scope, Storage
from storage.audit import FORGOTTEN_AT_ONCE, LONGEST_VALUE, add_entry
from tests.storage.builders import ADA, GUILD, OTHER_GUILD

TOM = 32
EVERYTHING = AuditFilter()


async def test_an_entry_tells_who_what_before_after_and_when(storage: Storage) -> None:
    earlier = datetime.now(UTC)
    await storage.audit.record(GUILD, ADA, "limit set", "channel:21", None, {"tokens": 5}, "too much")
    (entry,) = await storage.audit.page(GUILD, EVERYTHING)
    assert (entry.guild_id, entry.actor_id, entry.action, entry.subject) == (GUILD, ADA, "limit set", "channel:21")
    assert (entry.before, entry.after, entry.reason) == (None, {"tokens": 5}, "too much")
    assert earlier <= entry.at <= datetime.now(UTC)
    assert await storage.audit.page(OTHER_GUILD, EVERYTHING) == []
    assert await storage.audit.page(None, EVERYTHING) == []


async def test_entries_are_filtered_by_person_action_and_time(storage: Storage) -> None:
    for actor, action in ((ADA, "access deny"), (TOM, "access allow"), (TOM, "accessory"), (ADA, "100% off")):
        await storage.audit.record(GUILD, actor, action, "guild:11", None, None)

    async def found(**wanted: object) -> list[str]:
        return [entry.action for entry in await storage.audit.page(GUILD, AuditFilter(**wanted))]  # type: ignore[arg-type]  # a test's shorthand

    assert await found() == ["100% off", "accessory", "access allow", "access deny"]
    assert await found(actor_id=TOM) == ["accessory", "access allow"]
    assert await found(action="access") == ["access allow", "access deny"]
    assert await found(action="access deny") == ["access deny"]
    assert await found(action="100%") == ["100% off"]
    assert await found(action="a_cess") == []
    assert await found(since=datetime.now(UTC) - timedelta(minutes=1)) == await found()
    assert await found(since=datetime.now(UTC) + timedelta(minutes=1)) == []
    assert await storage.audit.actions(GUILD) == sorted(await found())
    assert await storage.audit.actions(OTHER_GUILD) == []


async def test_pages_go_back_without_gaps(storage: Storage) -> None:
    for number in range(7):
        await storage.audit.record(GUILD, ADA, "note", str(number), None, None)
        await storage.audit.record(OTHER_GUILD, ADA, "note", str(number), None, None)
    seen: list[str] = []
    page = await storage.audit.page(GUILD, EVERYTHING, limit=3)
    while page:
        seen += [entry.subject for entry in page]
        page = await storage.audit.page(GUILD, EVERYTHING, before_id=page[-1].id, limit=3)
    assert seen == [str(number) for number in reversed(range(7))]


async def test_what_databases_refuse_and_what_is_long_is_kept_as_well_as_it_goes(storage: Storage) -> None:
    await storage.audit.record(GUILD, ADA, "persona\0 edit", "x\ud800", "a" * 5_000, ["b" * 5_000, "\ud800"])
    (entry,) = await storage.audit.page(GUILD, EVERYTHING)
    assert (entry.action, entry.subject) == ("persona edit", "x\ufffd")
    assert entry.before == "a" * (LONGEST_VALUE - 1) + "…"
    assert entry.after.startswith('["bbb')
    assert len(entry.after) == LONGEST_VALUE


async def test_entries_are_forgotten_after_their_time(storage: Storage) -> None:
    def add_many(connection: object) -> None:
        for number in range(FORGOTTEN_AT_ONCE + 1):
            add_entry(connection, GUILD, ADA, action="old", subject=str(number), before=None, after=None)  # type: ignore[arg-type]  # the database gives a connection

    await storage.database.write(add_many)
    assert await storage.audit.forget_older(datetime.now(UTC) - timedelta(days=365)) == 0
    assert await storage.audit.forget_older(datetime.now(UTC) + timedelta(seconds=1)) == FORGOTTEN_AT_ONCE + 1
    assert await storage.audit.page(GUILD, EVERYTHING) == []


async def test_every_change_of_a_setting_is_recorded_with_it(storage: Storage) -> None:
    settings, channel = storage.settings, Scope("channel", 21)
    await settings.put(GUILD, channel, "model", "a", ADA)
    await settings.put(GUILD, channel, "model", "a", TOM)
    await settings.put(GUILD, channel, "model", ["b"], TOM)
    await settings.clear(GUILD, channel, "model", ADA)
    await settings.clear(GUILD, channel, "model", ADA)
    entries = await storage.audit.page(GUILD, EVERYTHING)
    assert {(entry.action, entry.subject) for entry in entries} == {("set model", "channel:21")}
    told = [(entry.actor_id, entry.before, entry.after) for entry in reversed(entries)]
    assert told == [(ADA, None, "a"), (TOM, "a", ["b"]), (ADA, ["b"], None)], "what changes nothing is no change"


async def test_what_people_set_for_themselves_is_not_recorded(storage: Storage) -> None:
    await storage.settings.put(GUILD, Scope("user", ADA), "name", "Captain", ADA)
    await storage.settings.put(None, Scope("channel", 22), "model", "a", ADA)
    await storage.settings.put(GUILD, Scope("channel", 21), "trigger_since", 5.0, ADA)
    assert await storage.audit.page(GUILD, EVERYTHING) == []
    assert await storage.audit.page(None, EVERYTHING) == []
