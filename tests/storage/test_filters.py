"""Filters on both databases: each guild's for itself, and every change on record."""

from storage import AuditFilter, FilterRule, Storage, open_storage
from tests.storage.builders import ADA, CHANNEL, GUILD, OTHER_GUILD


async def added(storage: Storage, text: str = "cat", guild: int = GUILD, most: int = 3) -> FilterRule | None:
    return await storage.filters.add(
        guild, "words", text, side="both", action="block", channel_id=CHANNEL, by=ADA, most=most
    )


async def test_filters_are_kept_up_to_a_number(storage: Storage, database_url: str) -> None:
    rules = [await added(storage, text) for text in ("cat", "Dog \0\ud83d", "bird")]
    assert await added(storage, "fish") is None
    kept = await storage.filters.of(GUILD)
    assert [rule.text for rule in kept] == ["cat", "Dog �", "bird"]
    assert kept[0] == rules[0]
    assert (kept[0].channel_id, kept[0].side, kept[0].action, kept[0].created_by) == (CHANNEL, "both", "block", ADA)
    assert await storage.filters.of(GUILD) is kept
    again = await open_storage(database_url)
    assert await again.filters.of(GUILD) == kept
    await again.close()


async def test_what_changes_is_read_anew_and_on_record(storage: Storage) -> None:
    rule = await added(storage)
    assert rule is not None
    assert await storage.filters.of(GUILD) == (rule,)
    assert await storage.filters.remove(GUILD, rule.id, 77) == rule
    assert await storage.filters.remove(GUILD, rule.id, 77) is None
    assert await storage.filters.of(GUILD) == ()
    removed, kept = await storage.audit.page(GUILD, AuditFilter(action="filter"))
    told = {"kind": "words", "text": "cat", "where": "both", "action": "block", "channel": str(CHANNEL)}
    assert (kept.action, kept.actor_id, kept.before, kept.after) == ("filter add", ADA, None, told)
    assert (removed.action, removed.actor_id, removed.before, removed.after) == ("filter remove", 77, told, None)
    assert kept.subject == removed.subject == f"filter:{rule.id}"


async def test_another_guild_finds_and_removes_nothing(storage: Storage) -> None:
    rule = await added(storage, most=1)
    assert rule is not None
    assert await storage.filters.of(OTHER_GUILD) == ()
    assert await storage.filters.remove(OTHER_GUILD, rule.id, ADA) is None
    assert await added(storage, guild=OTHER_GUILD, most=1) is not None
    assert await storage.filters.of(GUILD) == (rule,)
