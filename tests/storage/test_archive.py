"""A channel's whole history: searched, outlined, copied out and taken in, without what belongs to others."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import insert

from storage import ConversationKey, Storage, StoredMessage, TranscriptMessage, WrongConversationError, _archive
from storage.schema import messages
from tests.storage.builders import ADA, CHANNEL, GUILD, KEY, NOW, OTHER_GUILD, answer, begin, walk

TOM = 32
PRIVATE = ConversationKey(GUILD, CHANNEL, owner_id=ADA, private=True)
ELSEWHERE = [
    pytest.param(replace(KEY, guild_id=OTHER_GUILD), id="another guild"),
    pytest.param(replace(KEY, guild_id=None), id="direct messages"),
    pytest.param(replace(KEY, channel_id=22), id="another channel"),
]


async def found(
    storage: Storage, *words: str, guild_id: int | None = GUILD, channel_id: int = CHANNEL, viewer_id: int = TOM
) -> list[str]:
    """The contents of all messages with these words."""
    pages = storage.history.search(guild_id, channel_id, viewer_id, words)
    return [message.content async for page in pages for message in page.found]


async def everything(storage: Storage, key: ConversationKey = KEY) -> list[StoredMessage]:
    pages = storage.history.everything(key.guild_id, key.channel_id)
    return [message async for page in pages for message in page]


async def fill(storage: Storage, count: int, **changes: Any) -> None:
    """So many messages at once."""
    row = {
        "guild_id": GUILD,
        "channel_id": CHANNEL,
        "role": "user",
        "content": "filler",
        "state": "complete",
        "created_at": NOW,
        **changes,
    }
    rows = [{**row, "id": number} for number in range(1, count + 1)]
    await storage.database.write(lambda connection: connection.execute(insert(messages), rows).close())


def message(content: str, parent: int | None = None, **changes: Any) -> TranscriptMessage:
    return TranscriptMessage(parent, changes.pop("role", "user"), content, NOW, **changes)


# --- search


async def test_a_search_finds_messages_with_all_words_newest_first(storage: Storage) -> None:
    for content in ("the grey harbour", "a harbour", "HARBOUR, all in Grey"):
        await begin(storage, content)
    assert await found(storage, "harbour", "grey") == ["HARBOUR, all in Grey", "the grey harbour"]
    assert await found(storage, "harbour") == ["HARBOUR, all in Grey", "a harbour", "the grey harbour"]
    assert await found(storage, "lighthouse") == []


@pytest.mark.parametrize(
    ("content", "word"), [("GRÖSSE", "größe"), ("ПРИВЕТ", "привет"), ("cafe\u0301", "café"), ("ﬁsh", "fish")]
)
async def test_case_and_ways_of_writing_do_not_matter_in_any_script(storage: Storage, content: str, word: str) -> None:
    await begin(storage, content)
    assert await found(storage, word) == [content]


@pytest.mark.parametrize("sign", ["%", "_", "\\", "'", "100%", "*", '"'])
async def test_signs_of_query_languages_are_words_like_others(storage: Storage, sign: str) -> None:
    await begin(storage, "plain 100 words")
    await begin(storage, f"with {sign} in it")
    assert await found(storage, sign) == [f"with {sign} in it"]


@pytest.mark.parametrize("key", ELSEWHERE)
async def test_a_search_stays_in_its_channel(storage: Storage, key: ConversationKey) -> None:
    await begin(storage, "treasure", key)
    assert await found(storage, "treasure") == []
    assert await found(storage, "treasure", guild_id=key.guild_id, channel_id=key.channel_id) == ["treasure"]


async def test_private_messages_are_found_by_their_owner_alone(storage: Storage) -> None:
    await begin(storage, "treasure", PRIVATE)
    assert await found(storage, "treasure", viewer_id=TOM) == []
    assert await found(storage, "treasure", viewer_id=ADA) == ["treasure"]


async def test_forgotten_words_are_not_found(storage: Storage) -> None:
    begun = await begin(storage, "treasure")
    await storage.history.forget(GUILD, begun.user_message_id)
    assert await found(storage, "treasure") == []


async def test_a_search_looks_at_a_bounded_number_of_messages_at_once(storage: Storage) -> None:
    await fill(storage, 2 * _archive.SEARCHED_AT_ONCE + 3)
    pages = [page async for page in storage.history.search(GUILD, CHANNEL, TOM, ["nothing"])]
    assert [page.looked_through for page in pages] == [_archive.SEARCHED_AT_ONCE, _archive.SEARCHED_AT_ONCE, 3]
    assert [page.go_on_before for page in pages] == [504, 4, None]


async def test_links_lead_to_the_first_part_and_stay_in_the_guild(storage: Storage) -> None:
    begun = await begin(storage, discord_id=700)
    for part, discord_id in ((1, 702), (0, 703)):
        await storage.history.posted(begun.reply_id, discord_id, part)
    ids = [begun.user_message_id, begun.reply_id, 404]
    assert await storage.history.links(GUILD, ids) == {begun.user_message_id: 700, begun.reply_id: 703}
    assert await storage.history.links(OTHER_GUILD, ids) == {}
    assert await storage.history.links(GUILD, []) == {}


# --- the shape of the tree


async def test_an_outline_shows_the_newest_first_and_only_beginnings(storage: Storage) -> None:
    first = await begin(storage, "x" * 500)
    await answer(storage, first, "y")
    second = await begin(storage, "z")
    outlined = await storage.history.outline(GUILD, CHANNEL, 100)
    assert [(m.id, m.parent_id) for m in outlined] == [
        (second.reply_id, second.user_message_id),
        (second.user_message_id, first.reply_id),
        (first.reply_id, first.user_message_id),
        (first.user_message_id, None),
    ]
    assert [len(m.beginning) for m in outlined] == [0, 1, 1, _archive.OUTLINED_CHARACTERS]
    assert (outlined[0].role, outlined[0].state, outlined[3].author_name) == ("assistant", "pending", "Ada")


@pytest.mark.parametrize("most", [1, 200, 250, 1000])
async def test_an_outline_is_no_longer_than_asked_for(storage: Storage, most: int) -> None:
    await fill(storage, 450)
    outlined = await storage.history.outline(GUILD, CHANNEL, most)
    assert [m.id for m in outlined] == list(range(450, max(0, 450 - most), -1))


@pytest.mark.parametrize("key", [*ELSEWHERE, pytest.param(PRIVATE, id="private")])
async def test_outlines_and_copies_hold_nothing_of_others(storage: Storage, key: ConversationKey) -> None:
    begun = await begin(storage, "secret", key)
    assert await storage.history.outline(GUILD, CHANNEL, 100) == []
    assert await everything(storage) == []
    if key.guild_id != GUILD:
        assert await storage.history.replies_under(GUILD, [begun.user_message_id]) == []


async def test_everything_comes_oldest_first_in_pages(storage: Storage) -> None:
    await fill(storage, 401)
    pages = [page async for page in storage.history.everything(GUILD, CHANNEL)]
    assert [len(page) for page in pages] == [200, 200, 1]
    assert [m.id for page in pages for m in page] == list(range(1, 402))


async def test_replies_under_several_messages_come_with_their_swipes(storage: Storage) -> None:
    one, two = await begin(storage), await begin(storage)
    swipe = await storage.history.begin_reply(KEY, one.user_message_id, 5, ADA, None, on_head=False)
    await begin(storage, "a branch", parent_id=one.user_message_id, on_head=False)
    assert swipe is not None
    replies = await storage.history.replies_under(GUILD, [one.user_message_id, two.user_message_id])
    assert [reply.id for reply in replies] == [one.reply_id, two.reply_id, swipe.reply_id]


# --- taking a copy in


async def test_a_copy_is_taken_in_beside_what_is_there(storage: Storage) -> None:
    old = await begin(storage, "old")
    copied = [
        message("one", author_name="Ada", author_id=ADA),
        message("first", 0, role="assistant", model="m", tokens=5, prompt_tokens=6, finish_reason="stop"),
        message("second", 0, role="assistant", state="stopped"),
        message("two", 1),
    ]
    grafted = await storage.history.graft(KEY, copied, 3)
    assert (grafted.previous_head, grafted.messages) == (old.reply_id, 4)
    assert await storage.history.head(KEY) == grafted.head
    path = await walk(storage, grafted.head)
    assert [m.content for m in path] == ["two", "first", "one"]
    first = path[1]
    assert (first.model, first.tokens, first.prompt_tokens, first.finish_reason) == ("m", 5, 6, "stop")
    assert (path[2].author_id, path[2].author_name, path[2].created_at) == (ADA, "Ada", NOW)
    assert [m.content for m in await storage.history.siblings(GUILD, first.id)] == ["first", "second"]
    assert [m.content for m in await walk(storage, old.reply_id)] == ["", "old"]
    await storage.history.set_head(KEY, grafted.previous_head)


async def test_the_first_conversation_of_a_channel_may_be_a_copy(storage: Storage) -> None:
    grafted = await storage.history.graft(KEY, [message("one")], 0)
    assert grafted.previous_head is None
    begun = await begin(storage, "two")
    assert begun.parent_id == grafted.head


async def test_a_private_copy_is_private(storage: Storage) -> None:
    await storage.history.graft(PRIVATE, [message("treasure")], 0)
    assert await found(storage, "treasure", viewer_id=TOM) == []
    assert await storage.history.head(KEY) is None


@pytest.mark.parametrize("parent", [1, 2, -1, 1 << 40])
async def test_a_copy_whose_tree_is_broken_leaves_nothing(storage: Storage, parent: int) -> None:
    old = await begin(storage, "old")
    with pytest.raises(ValueError, match="parent"):
        await storage.history.graft(KEY, [message("one"), message("two", parent)], 1)
    assert len(await everything(storage)) == 2
    assert await storage.history.head(KEY) == old.reply_id


async def test_a_copy_that_fails_late_leaves_nothing(storage: Storage) -> None:
    many = [message(f"{number}", number - 1 if number else None) for number in range(_archive.INSERTED_AT_ONCE + 5)]
    broken = replace(many[-1], role="nobody")  # type: ignore[arg-type]  # what the schema refuses
    with pytest.raises(Exception, match=r"role|constraint"):
        await storage.history.graft(KEY, [*many, broken], 0)
    assert await everything(storage) == []
    assert await storage.history.head(KEY) is None
    assert (await storage.history.graft(KEY, many, len(many) - 1)).messages == len(many)


async def test_ids_grow_in_the_order_of_the_copy(storage: Storage) -> None:
    grafted = await storage.history.graft(KEY, [message("0"), *(message(f"{n}", 0) for n in range(1, 1200))], 0)
    assert [m.content for m in await storage.history.children(GUILD, grafted.head)] == [str(n) for n in range(1, 1200)]


@pytest.mark.parametrize("key", [*ELSEWHERE, pytest.param(PRIVATE, id="private")])
async def test_a_head_is_not_moved_to_a_copy_elsewhere(storage: Storage, key: ConversationKey) -> None:
    grafted = await storage.history.graft(key, [message("one")], 0)
    with pytest.raises(WrongConversationError):
        await storage.history.set_head(KEY, grafted.head)
