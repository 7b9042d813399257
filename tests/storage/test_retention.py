"""Old messages are emptied, some at a time; what is young, elsewhere or being written stays."""

from datetime import UTC, datetime, timedelta

import pytest

from storage import ConversationKey, Storage, new_id
from storage import retention as retention_module
from storage.ids import first_id_at
from tests.storage.builders import ADA, CHANNEL, GUILD, KEY, OTHER_GUILD, answer, begin, walk

LATER = timedelta(minutes=5)
PRIVATE = ConversationKey(GUILD, CHANNEL, owner_id=ADA, private=True)


async def contents(storage: Storage, message_id: int, guild_id: int | None = GUILD) -> list[tuple[str, str]]:
    return [(message.content, message.state) for message in await walk(storage, message_id, guild_id)]


async def forget_all(storage: Storage, guild_id: int | None = GUILD) -> int:
    return await storage.retention.forget_older(guild_id, CHANNEL, datetime.now(UTC) + LATER)


def test_ids_made_from_a_time_on_are_not_below_its_first() -> None:
    before, made, after = datetime.now(UTC), new_id(), datetime.now(UTC) + timedelta(milliseconds=1)
    assert first_id_at(before) <= made < first_id_at(after)
    assert first_id_at(datetime(1990, 1, 1, tzinfo=UTC)) == 0


async def test_what_is_older_is_emptied_and_keeps_its_place(storage: Storage) -> None:
    begun = await begin(storage, "one")
    await answer(storage, begun, "two")
    secret = await begin(storage, "hidden", PRIVATE)
    await answer(storage, secret, "quiet")
    assert await storage.retention.forget_older(GUILD, CHANNEL, datetime.now(UTC) - LATER) == 0
    assert await contents(storage, begun.reply_id) == [("two", "complete"), ("one", "complete")]
    assert await forget_all(storage) == 4
    assert await contents(storage, begun.reply_id) == [("", "deleted")] * 2
    assert await contents(storage, secret.reply_id) == [("", "deleted")] * 2
    assert all(message.author_name is None for message in await walk(storage, begun.reply_id, GUILD))
    assert await storage.history.head(KEY) == begun.reply_id
    assert await forget_all(storage) == 0


async def test_more_than_one_look_holds_is_forgotten_too(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention_module, "LOOKED_AT_AT_ONCE", 2)
    monkeypatch.setattr(retention_module, "_old", retention_module._old.limit(2))
    for number in range(3):
        await answer(storage, begun := await begin(storage, f"question {number}"))
    assert await forget_all(storage) == 6
    assert await contents(storage, begun.reply_id) == [("", "deleted")] * 6


async def test_a_reply_that_is_being_written_is_left_alone(storage: Storage) -> None:
    begun = await begin(storage, "one")
    assert await forget_all(storage) == 1
    assert await contents(storage, begun.reply_id) == [("", "pending"), ("", "deleted")]
    await answer(storage, begun, "two")
    assert await forget_all(storage) == 1


async def test_other_channels_and_guilds_are_left_alone(storage: Storage) -> None:
    elsewhere = await begin(storage, "one", ConversationKey(GUILD, CHANNEL + 1))
    other_guild = await begin(storage, "two", ConversationKey(OTHER_GUILD, CHANNEL))
    direct = await begin(storage, "three", ConversationKey(None, CHANNEL))
    assert await forget_all(storage) == 0
    assert await forget_all(storage, None) == 1
    assert (await contents(storage, elsewhere.reply_id))[1][0] == "one"
    assert (await contents(storage, other_guild.reply_id, OTHER_GUILD))[1][0] == "two"
    assert (await contents(storage, direct.reply_id, None))[1][0] == ""


async def test_the_channels_of_a_guild_are_those_where_something_was_said(storage: Storage) -> None:
    await begin(storage, "one")
    await begin(storage, "two", PRIVATE)
    await begin(storage, "three", ConversationKey(GUILD, 99))
    await begin(storage, "four", ConversationKey(None, 98))
    assert sorted(await storage.retention.channels(GUILD)) == [CHANNEL, 99]
    assert await storage.retention.channels(None) == [98]
    assert await storage.retention.channels(OTHER_GUILD) == []
