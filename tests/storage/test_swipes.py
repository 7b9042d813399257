"""What may be done to replies and their swipes, and what must never be changed."""

from collections.abc import Awaitable, Callable

import pytest

from storage import ReplyMovedOnError, Settlement, Storage
from tests.storage.builders import ADA, GUILD, KEY, OTHER_GUILD, answer, begin


async def _two_swipes(storage: Storage, post: int) -> tuple[int, int]:
    """A reply that is shown by a message on the head, and a swipe beside it that is not."""
    begun = await begin(storage)
    await storage.history.posted(begun.reply_id, post, 0)
    await answer(storage, begun, "one")
    assert await storage.history.begin_reply(KEY, begun.user_message_id, post, ADA, None)
    other = await storage.history.head(KEY)
    assert other is not None
    await storage.history.posted(other, post, 0)
    await storage.history.settle(other, Settlement("two", "complete"))
    return other, begun.reply_id


Change = Callable[[Storage, int, int], Awaitable[object]]
CHANGES: list[Change] = [
    lambda storage, shown, other: storage.history.turn_to(GUILD, shown, other),
    lambda storage, shown, _: storage.history.drop_swipe(GUILD, shown),
    lambda storage, shown, _: storage.history.go_on(GUILD, shown, shown),
]


@pytest.mark.parametrize("why", ["answered", "turned", "forgotten", "being written", "undone", "unknown"])
async def test_what_has_moved_on_is_not_changed(storage: Storage, why: str) -> None:
    history = storage.history
    shown, other = await _two_swipes(storage, 901)
    question = await _parent(storage, other)
    match why:
        case "answered":
            await answer(storage, await begin(storage))
        case "turned":
            await history.turn_to(GUILD, shown, other)
        case "forgotten":
            await history.forget(GUILD, shown)
        case "being written":
            await history.go_on(GUILD, shown, 5)
        case "undone":
            await history.set_head(KEY, None)
            await history.unlink_discord(901)
        case "unknown":
            shown += 7
    head, before = await history.head(KEY), await history.children(GUILD, question)
    for change in CHANGES:
        with pytest.raises(ReplyMovedOnError):
            await change(storage, shown, other)
    assert await history.head(KEY) == head
    assert await history.children(GUILD, question) == before


async def _parent(storage: Storage, reply: int) -> int:
    stored = await storage.history.message(GUILD, reply)
    assert stored is not None
    assert stored.parent_id is not None
    return stored.parent_id


async def test_a_late_go_on_leaves_its_claim_free(storage: Storage) -> None:
    shown, other = await _two_swipes(storage, 902)
    with pytest.raises(ReplyMovedOnError):
        await storage.history.go_on(GUILD, other, 6)
    assert await storage.history.go_on(GUILD, shown, 6)


async def test_only_a_swipe_of_the_same_question_takes_the_place(storage: Storage) -> None:
    elsewhere, _ = await _two_swipes(storage, 903)
    shown, _ = await _two_swipes(storage, 904)
    with pytest.raises(ReplyMovedOnError):
        await storage.history.turn_to(GUILD, shown, elsewhere)
    assert await storage.history.head(KEY) == shown


async def test_an_abandoned_reply_that_is_seen_is_not_withdrawn(storage: Storage) -> None:
    shown, other = await _two_swipes(storage, 905)
    await storage.history.posted(other, 906, 0)  # both are seen, as after Regenerate on an older message
    await storage.history.go_on(GUILD, shown, 7)
    assert await storage.history.withdraw(GUILD, shown) is None
    assert await storage.history.head(KEY) == shown
    assert [reply.id for reply in await storage.history.unfinished()] == [shown]


@pytest.mark.parametrize("by_restart", [False, True])
async def test_what_was_said_behind_a_swipe_that_came_to_nothing_follows_the_reply_that_is_seen(
    storage: Storage, by_restart: bool
) -> None:
    shown, _ = await _two_swipes(storage, 910)
    swipe = await storage.history.begin_reply(KEY, await _parent(storage, shown), 911, ADA, None)
    behind = await begin(storage)
    assert swipe is not None
    if by_restart:
        assert await storage.history.withdraw(GUILD, swipe.reply_id)
    else:
        await storage.history.settle(swipe.reply_id, Settlement("", "failed", instead_of=shown))
    assert await _parent(storage, behind.user_message_id) == shown
    assert await storage.history.head(KEY) == behind.reply_id


async def test_what_people_say_to_a_question_is_no_swipe_of_its_answer(storage: Storage) -> None:
    history = storage.history
    shown, _ = await _two_swipes(storage, 912)
    question = await _parent(storage, shown)
    await history.unlink_discord(912)
    aside = await begin(storage, parent_id=question, on_head=False, discord_id=913)
    assert await history.take_places(GUILD, shown) == []
    waiting = await history.begin_reply(KEY, question, 914, ADA, None)
    assert waiting is not None
    assert await history.withdraw(GUILD, waiting.reply_id) is None
    assert await history.head(KEY) == waiting.reply_id
    assert await history.discord_ids(GUILD, aside.user_message_id) == [913]


async def test_other_guilds_find_and_change_nothing(storage: Storage) -> None:
    history = storage.history
    shown, other = await _two_swipes(storage, 907)
    begun = await history.begin_reply(KEY, await _parent(storage, shown), 908, ADA, None)
    assert begun is not None
    before = [await history.shown_reply(GUILD, reply) for reply in (shown, other, begun.reply_id)]
    for guild in (OTHER_GUILD, None):
        assert await history.shown_reply(guild, shown) is None
        assert await history.reply_under(guild, await _parent(storage, shown)) is None
        assert await history.take_places(guild, shown) == []
        assert await history.withdraw(guild, begun.reply_id) is None
        for late in (
            history.turn_to(guild, shown, other),
            history.drop_swipe(guild, shown),
            history.go_on(guild, shown, 909),
        ):
            with pytest.raises(ReplyMovedOnError):
                await late
    assert [await history.shown_reply(GUILD, reply) for reply in (shown, other, begun.reply_id)] == before
    assert await history.head(KEY) == begun.reply_id
