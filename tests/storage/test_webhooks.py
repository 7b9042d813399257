"""Webhooks of personas: which there are, whom they look like, and what they posted."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from storage import Storage, StoredWebhook, Voice
from tests.storage.builders import CHANNEL, GUILD, OTHER_GUILD, begin

THEN = datetime(2026, 1, 1, tzinfo=UTC)
HOOK = StoredWebhook(71, GUILD, CHANNEL, 900, "as it looked", THEN)


async def test_webhooks_of_a_channel_come_with_the_least_recently_used_first(storage: Storage) -> None:
    hooks = storage.webhooks
    later = replace(HOOK, id=72, used_at=THEN + timedelta(hours=1))
    for hook in (later, HOOK, replace(HOOK, id=73, channel_id=CHANNEL + 1)):
        await hooks.save(hook)
    assert await hooks.of_channel(GUILD, CHANNEL) == [HOOK, later]
    changed = replace(HOOK, persona_id=901, looks="otherwise", used_at=THEN + timedelta(hours=2))
    await hooks.save(changed)
    assert await hooks.of_channel(GUILD, CHANNEL) == [later, changed]
    await hooks.remove(GUILD, 72)
    assert await hooks.get(GUILD, 72) is None


async def test_a_post_is_known_with_who_spoke_and_makes_its_webhook_the_latest(storage: Storage) -> None:
    await storage.webhooks.save(HOOK)
    begun = await begin(storage)
    await storage.history.posted(begun.reply_id, 501, 0, Voice(71, 900))
    await storage.history.posted(begun.reply_id, 502, 1)
    assert await storage.webhooks.voices(GUILD, [501, 502]) == {501: Voice(71, 900)}
    used = await storage.webhooks.get(GUILD, 71)
    assert used is not None
    assert used.used_at > THEN
    await storage.webhooks.forget_post(501)
    assert await storage.webhooks.voices(GUILD, [501]) == {}


async def test_another_guild_neither_sees_nor_removes_a_webhook(storage: Storage) -> None:
    await storage.webhooks.save(HOOK)
    begun = await begin(storage)
    await storage.history.posted(begun.reply_id, 501, 0, Voice(71, 900))
    await storage.webhooks.remove(OTHER_GUILD, 71)
    assert await storage.webhooks.get(OTHER_GUILD, 71) is None
    assert await storage.webhooks.of_channel(OTHER_GUILD, CHANNEL) == []
    assert await storage.webhooks.voices(OTHER_GUILD, [501]) == {}
    assert await storage.webhooks.get(GUILD, 71) is not None
    await storage.webhooks.remove(GUILD, 71)
    assert await storage.webhooks.voices(GUILD, [501]) == {}
