"""Reading and pruning the tree, on both databases."""

import contextlib
import inspect
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update

from storage import History, ReplyMovedOnError, Settlement, Storage
from storage.schema import messages
from tests.storage.builders import ADA, CHANNEL, GUILD, KEY, OTHER_GUILD, answer, begin, new_turn, walk


async def _chain(storage: Storage, turns: int) -> list[int]:
    """Ids from the root to the newest reply."""
    ids: list[int] = []
    for number in range(turns):
        begun = await begin(storage, f"question {number}")
        ids += [begun.user_message_id, begun.reply_id]
    return ids


@pytest.mark.parametrize("page_size", [1, 3, 8, 50])
async def test_a_path_comes_in_pages_newest_first(storage: Storage, page_size: int) -> None:
    ids = await _chain(storage, 4)
    pages = [page async for page in storage.history.path(GUILD, ids[-1], page_size=page_size)]
    assert all(len(page) == page_size for page in pages[:-1])
    assert 0 < len(pages[-1]) <= page_size
    assert [message.id for page in pages for message in page] == ids[::-1]


async def test_a_path_starts_anywhere_and_ends_nowhere_else(storage: Storage) -> None:
    ids = await _chain(storage, 3)
    assert [message.id for message in await walk(storage, ids[2])] == ids[2::-1]
    assert await walk(storage, 404) == []


async def test_a_path_reads_no_more_than_is_consumed(storage: Storage) -> None:
    ids = await _chain(storage, 4)
    pages = storage.history.path(GUILD, ids[-1], page_size=2)
    assert [message.id for message in await anext(pages)] == [ids[7], ids[6]]
    await storage.history.forget(GUILD, ids[5])
    assert [message.state for message in await anext(pages)] == ["deleted", "complete"]


async def test_a_walk_stops_at_another_guilds_message(storage: Storage) -> None:
    """No method links guilds; should a fault ever do so, nothing of the other one is read."""
    own, foreign = await begin(storage), await begin(storage, key=replace(KEY, guild_id=OTHER_GUILD))
    link = update(messages).where(messages.c.id == own.user_message_id).values(parent_id=foreign.reply_id)
    await storage.database.write(lambda connection: connection.execute(link).close())
    assert [message.id for message in await walk(storage, own.reply_id)] == [own.reply_id, own.user_message_id]
    assert [message.id for message in await walk(storage, own.reply_id, page_size=2)] == [
        own.reply_id,
        own.user_message_id,
    ]
    assert [message.id for message in await storage.history.turn_of(GUILD, own.reply_id)] == [own.user_message_id]
    assert await storage.history.siblings(GUILD, foreign.user_message_id) == []


async def test_children_are_in_order_of_creation(storage: Storage) -> None:
    root = await begin(storage)
    branches = [await begin(storage, f"{n}", parent_id=root.reply_id, on_head=False) for n in range(3)]
    children = await storage.history.children(GUILD, root.reply_id)
    assert [message.id for message in children] == [branch.user_message_id for branch in branches]
    assert await storage.history.children(GUILD, branches[0].reply_id) == []


async def test_the_first_message_of_a_conversation_has_no_swipes(storage: Storage) -> None:
    first = await begin(storage)
    await storage.history.set_head(KEY, None)
    await begin(storage)
    assert [message.id for message in await storage.history.siblings(GUILD, first.user_message_id)] == [
        first.user_message_id
    ]
    assert await storage.history.siblings(GUILD, 404) == []


async def test_a_turn_ends_at_the_reply_before_it(storage: Storage) -> None:
    await begin(storage, "before")
    second = await begin(storage, "one")
    await storage.history.join_turn(second.reply_id, new_turn("two"))
    turn = await storage.history.turn_of(GUILD, second.reply_id)
    assert [message.content for message in turn] == ["one", "two"]
    assert await storage.history.turn_of(GUILD, second.user_message_id) == [], "above it stands a reply"


async def test_an_edit_replaces_the_content(storage: Storage) -> None:
    begun = await begin(storage, "old")
    assert await storage.history.edit(GUILD, begun.user_message_id, "new")
    message = await storage.history.message(GUILD, begun.user_message_id)
    assert message is not None
    assert message.content == "new"
    assert not await storage.history.edit(GUILD, 404, "new")


async def test_forgetting_empties_a_message_and_keeps_the_tree(storage: Storage) -> None:
    first, second = await begin(storage, "one"), await begin(storage, "two")
    await answer(storage, first)
    assert await storage.history.forget(GUILD, first.reply_id)
    assert not await storage.history.forget(GUILD, 404)
    assert not await storage.history.edit(GUILD, first.reply_id, "again"), "what was forgotten stays so"
    assert [(message.content, message.state) for message in await walk(storage, second.user_message_id)] == [
        ("two", "complete"),
        ("", "deleted"),
        ("one", "complete"),
    ]


@pytest.mark.parametrize("text", ["a\0b", "lone \ud800 high", "lone \udc00 low", "\ud83d\ude00", "é" * 4000, ""])
async def test_any_text_can_be_stored(storage: Storage, text: str) -> None:
    begun = await begin(storage, text, author_name=text, model=text)
    await storage.history.settle(begun.reply_id, Settlement(text, "complete", model=text, finish_reason=text))
    await storage.history.edit(GUILD, begun.user_message_id, text)
    reply, question = await walk(storage, begun.reply_id)
    expected = {"a\0b": "ab", "lone \ud800 high": "lone \ufffd high", "lone \udc00 low": "lone \ufffd low"}.get(
        text, "😀" if text == "\ud83d\ude00" else text
    )
    assert {reply.content, reply.model, reply.finish_reason, question.content, question.author_name} == {expected}


async def test_direct_messages_are_a_guild_of_their_own(storage: Storage) -> None:
    key = replace(KEY, guild_id=None)
    begun = await begin(storage, key=key)
    message = await storage.history.message(None, begun.reply_id)
    assert message is not None
    assert message.guild_id is None
    assert await storage.history.message(GUILD, begun.reply_id) is None
    assert len(await walk(storage, begun.reply_id, guild_id=None)) == 2


def _methods_with_guild() -> list[str]:
    members = inspect.getmembers(History, inspect.isfunction)
    return [name for name, function in members if "guild_id" in inspect.signature(function).parameters]


async def test_no_method_reaches_into_another_guild(storage: Storage) -> None:
    """Every method that takes a guild: with another guild's, ids of this one find and change nothing."""
    begun = await begin(storage, discord_id=700)
    await answer(storage, begun)
    before = await walk(storage, begun.reply_id)
    names = _methods_with_guild()
    assert {"path", "message", "by_discord_id", "discord_ids", "edit", "forget", "turn_of"} <= set(names)
    for guild_id in (OTHER_GUILD, None):
        for name in names:
            found = await _call(getattr(storage.history, name), guild_id, begun.reply_id)
            assert not found or found == (0, 0), name
        assert await storage.history.by_discord_id(guild_id, 700) is None
        assert await storage.history.discord_ids(guild_id, begun.user_message_id) == []
    assert await walk(storage, begun.reply_id) == before


async def _call(method: Any, guild_id: int | None, message_id: int) -> Any:
    ids = ("message_id", "reply_id", "discord_id", "asked_id", "head_id", "shown_id", "other_id")
    values: dict[str, Any] = {**dict.fromkeys(ids, message_id), "claim_id": message_id}
    values |= {"guild_id": guild_id, "channel_id": CHANNEL, "viewer_id": ADA, "most": 100, "persona_id": 5}
    values |= {"left_by": ADA, "left_to": ADA + 1}
    values |= {"content": "changed", "words": ["hello"], "message_ids": [message_id], "parent_ids": [message_id]}
    wanted = {name: value for name, value in values.items() if name in inspect.signature(method).parameters}
    result = method(**wanted)
    if isinstance(result, AsyncIterator):
        return [page async for page in result if getattr(page, "found", page)]
    with contextlib.suppress(ReplyMovedOnError):  # a refusal finds nothing either
        return await result
    return None
