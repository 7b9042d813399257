"""The rules of access: one for each target, in memory once read, recorded when they change, gone when they expire."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, event

from storage import AccessRules, AuditFilter, Storage, Target
from tests.storage.builders import ADA, GUILD, OTHER_GUILD

TOM = 32
TOM_HERE = Target(user_id=TOM, channel_id=21)


async def test_what_is_said_last_about_a_target_holds(storage: Storage) -> None:
    rules = storage.access
    until = datetime(2027, 1, 1, tzinfo=UTC)
    await rules.set(GUILD, "deny", TOM_HERE, set_by=ADA, reason="spam", expires_at=until)
    await rules.set(GUILD, "deny", Target(user_id=TOM), set_by=ADA)
    await rules.set(OTHER_GUILD, "deny", Target(model="x"), set_by=ADA)
    kept = await rules.set(GUILD, "allow", TOM_HERE, set_by=ADA)
    assert [(rule.verdict, rule.target, rule.reason, rule.expires_at) for rule in await rules.of(GUILD)] == [
        ("deny", Target(user_id=TOM), None, None),
        ("allow", TOM_HERE, None, None),
    ]
    assert await rules.clear(GUILD, Target(channel_id=21), ADA) is None
    assert await rules.clear(OTHER_GUILD, TOM_HERE, ADA) is None
    assert await rules.clear(GUILD, TOM_HERE, ADA) == kept
    assert len(await rules.of(GUILD)) == len(await rules.of(OTHER_GUILD)) == 1
    told = [
        (entry.action, entry.subject, entry.before, entry.after, entry.reason)
        for entry in reversed(await storage.audit.page(GUILD, AuditFilter()))
    ]
    denied = {"verdict": "deny", "until": "2027-01-01T00:00:00+00:00"}
    assert told == [
        ("access deny", "user:32 channel:21", None, denied, "spam"),
        ("access deny", "user:32", None, {"verdict": "deny"}, None),
        ("access allow", "user:32 channel:21", denied, {"verdict": "allow"}, None),
        ("access clear", "user:32 channel:21", {"verdict": "allow"}, None, None),
    ]


async def test_rules_are_read_once_and_again_after_a_change(sqlite_storage: Storage) -> None:
    now, reads = 0.0, 0

    def count(_connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        nonlocal reads
        reads += statement.startswith("SELECT")

    event.listen(sqlite_storage.database.engine, "before_cursor_execute", count)
    rules = AccessRules(sqlite_storage.database, clock=lambda: now)
    elsewhere = sqlite_storage.access
    for _ in range(3):
        assert await rules.of(GUILD) == ()
    assert reads == 1
    await elsewhere.set(GUILD, "deny", TOM_HERE, set_by=ADA)
    reads, now = 0, 4.0
    assert await rules.of(GUILD, within_seconds=5) == (), "another process may not know it yet"
    assert reads == 0
    now = 5.0
    assert len(await rules.of(GUILD, within_seconds=5)) == 1
    assert reads == 1
    await rules.set(GUILD, "deny", Target(model="x"), set_by=ADA)
    assert len(await rules.of(GUILD)) == 2


async def test_expired_rules_are_forgotten(storage: Storage) -> None:
    now = datetime.now(UTC)
    for user_id, hours in ((1, -2), (2, -1), (3, 1)):
        await storage.access.set(
            GUILD, "deny", Target(user_id=user_id), set_by=ADA, expires_at=now + timedelta(hours=hours)
        )
    await storage.access.set(GUILD, "deny", Target(user_id=4), set_by=ADA)
    assert await storage.access.forget_expired(now) == 2
    fresh = AccessRules(storage.database)
    assert [rule.target.user_id for rule in await fresh.of(GUILD)] == [3, 4]
