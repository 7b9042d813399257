"""Webhooks of personas: which there are, whom they look like, and what they posted."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from storage import PersonaContent, Storage, StoredWebhook, Voice, Webhooks
from tests.storage.builders import CHANNEL, GUILD, OTHER_GUILD, begin
from tests.storage.reading import LateReads, Reads

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
    assert await hooks.of_channel(GUILD, CHANNEL) == [changed]


async def test_webhooks_whose_personas_are_gone_are_free(storage: Storage) -> None:
    content = PersonaContent("Mira", b"{}")
    draft = await storage.personas.add_draft(GUILD, 5, content)
    hooks = storage.webhooks
    for hook in (replace(HOOK, id=72, used_at=THEN + timedelta(hours=1)), HOOK, replace(HOOK, id=73, persona_id=draft)):
        await hooks.save(hook)
    assert await hooks.free(GUILD, CHANNEL) == [71, 72]
    await storage.personas.delete(GUILD, draft)
    assert await hooks.free(GUILD, CHANNEL) == [71, 73, 72]
    assert await hooks.free(OTHER_GUILD, CHANNEL) == []


async def test_a_post_is_known_with_who_spoke_and_makes_its_webhook_the_latest(storage: Storage) -> None:
    await storage.webhooks.save(HOOK)
    begun = await begin(storage)
    await storage.history.posted(begun.reply_id, 501, 0, Voice(71, 900))
    await storage.history.posted(begun.reply_id, 502, 1)
    assert await storage.webhooks.voices(GUILD, [501, 502]) == {501: Voice(71, 900)}
    [used] = await storage.webhooks.of_channel(GUILD, CHANNEL)
    assert used.used_at > THEN
    await storage.webhooks.forget_post(501)
    assert await storage.webhooks.voices(GUILD, [501]) == {}


async def test_another_guild_neither_sees_nor_removes_a_webhook(storage: Storage) -> None:
    await storage.webhooks.save(HOOK)
    begun = await begin(storage)
    await storage.history.posted(begun.reply_id, 501, 0, Voice(71, 900))
    await storage.webhooks.remove(OTHER_GUILD, 71)
    assert await storage.webhooks.channel_of(OTHER_GUILD, 71) is None
    assert await storage.webhooks.of_channel(OTHER_GUILD, CHANNEL) == []
    assert await storage.webhooks.voices(OTHER_GUILD, [501]) == {}
    assert await storage.webhooks.channel_of(GUILD, 71) == CHANNEL
    await storage.webhooks.remove(GUILD, 71)
    assert await storage.webhooks.voices(GUILD, [501]) == {}
    assert await storage.webhooks.channel_of(GUILD, 71) is None


async def test_who_posted_last_is_known_without_reading(storage: Storage) -> None:
    reads = Reads(storage.database.engine)
    begun = await begin(storage)
    assert await storage.webhooks.voices(GUILD, [500]) == {}
    before = reads.count
    assert await storage.webhooks.voices(GUILD, [501, 502]) == {}
    assert reads.count == before, "a server without webhooks has no voices"
    await storage.webhooks.save(HOOK)
    assert await storage.webhooks.channel_of(GUILD, 71) == CHANNEL
    await storage.history.posted(begun.reply_id, 501, 0, Voice(71, 900))
    await storage.history.posted(begun.reply_id, 502, 1)
    before = reads.count
    assert await storage.webhooks.voices(GUILD, [501, 502]) == {501: Voice(71, 900)}
    assert await storage.webhooks.channel_of(GUILD, 71) == CHANNEL
    assert reads.count == before
    await storage.history.posted(begun.reply_id, 501, 0, Voice(71, 901))
    assert await storage.webhooks.voices(GUILD, [501]) == {501: Voice(71, 901)}
    assert await Webhooks(storage.database).voices(GUILD, [501, 502]) == {501: Voice(71, 901)}
    assert await storage.webhooks.voices(OTHER_GUILD, [501]) == {}


async def test_what_goes_is_forgotten(storage: Storage) -> None:
    begun = await begin(storage)
    for hook in (HOOK, replace(HOOK, id=72), replace(HOOK, id=73)):
        await storage.webhooks.save(hook)
        await storage.history.posted(begun.reply_id, 430 + hook.id, 0, Voice(hook.id, 900))
    asked = [501, 502, 503]
    assert set(await storage.webhooks.voices(GUILD, asked)) == set(asked)
    await storage.webhooks.forget_post(501)
    assert set(await storage.webhooks.voices(GUILD, asked)) == {502, 503}
    await storage.webhooks.remove(GUILD, 72)
    assert set(await storage.webhooks.voices(GUILD, asked)) == {503}
    assert await storage.webhooks.channel_of(GUILD, 72) is None
    await storage.left_guilds.purge(GUILD)
    storage.webhooks.forget(GUILD)
    assert await storage.webhooks.voices(GUILD, asked) == {}


async def test_a_webhook_made_while_they_are_read_is_not_missed(storage: Storage) -> None:
    late = LateReads(storage.database)
    hooks = Webhooks(late)
    reading = asyncio.ensure_future(hooks.channel_of(GUILD, 71))
    await late.has_read.wait()
    await hooks.save(HOOK)
    late.let_go.set()
    assert await reading is None
    assert await hooks.channel_of(GUILD, 71) == CHANNEL
