"""From the claim to the settlement, on both databases."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from storage import (
    BegunTurn,
    ConstraintError,
    ConversationKey,
    ModelFacts,
    Quote,
    Settlement,
    State,
    Storage,
    StoredMessage,
    TurnStartedError,
    UsageTotals,
    WrongConversationError,
)
from tests.storage.builders import ADA, CHANNEL, GUILD, KEY, NOW, OTHER_GUILD, answer, begin, new_turn, usage_row, walk

DAY = timedelta(days=1)


async def test_a_begun_turn_is_a_message_with_a_pending_reply_at_the_head(storage: Storage) -> None:
    turn = new_turn("hi", persona_id=7)
    begun = await storage.history.begin_turn(turn)
    assert begun is not None
    assert begun.parent_id is None
    reply = await storage.history.message(GUILD, begun.reply_id)
    assert reply is not None
    assert abs(reply.created_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert reply == StoredMessage(
        begun.reply_id, GUILD, CHANNEL, begun.user_message_id, "assistant", ADA, None, 7, "model-a", "", "pending",
        None, None, reply.created_at,
    )  # fmt: skip
    assert await storage.history.message(GUILD, begun.user_message_id) == StoredMessage(
        begun.user_message_id, GUILD, CHANNEL, None, "user", ADA, "Ada", None, None, "hi", "complete",
        None, None, NOW,
    )  # fmt: skip
    assert await storage.history.head(KEY) == begun.reply_id
    assert turn.discord_id is not None
    found = await storage.history.by_discord_id(GUILD, turn.discord_id)
    assert found is not None
    assert found.id == begun.user_message_id


async def test_times_come_back_aware_and_in_utc(storage: Storage) -> None:
    begun = await begin(storage, created_at=NOW.astimezone(datetime.fromisoformat("2026-01-01T00:00:00+05:30").tzinfo))
    message = await storage.history.message(GUILD, begun.user_message_id)
    assert message is not None
    assert message.created_at == NOW
    assert message.created_at.utcoffset() == timedelta(0)


async def test_a_naive_time_is_refused(storage: Storage) -> None:
    with pytest.raises(ValueError, match="zone"):
        await storage.history.begin_turn(new_turn(created_at=NOW.replace(tzinfo=None)))


async def test_a_claimed_turn_is_not_begun_again(storage: Storage) -> None:
    turn = new_turn()
    first = await storage.history.begin_turn(turn)
    assert first is not None
    assert await storage.history.begin_turn(turn) is None
    assert await storage.history.join_turn(first.reply_id, turn) is None
    assert await storage.history.begin_reply(KEY, first.user_message_id, turn.claim_id, ADA, None) is None
    assert [message.id for message in await walk(storage, first.reply_id)] == [first.reply_id, first.user_message_id]


async def test_turns_go_on_from_the_head(storage: Storage) -> None:
    first, second = await begin(storage, "one"), await begin(storage, "two")
    assert second.parent_id == first.reply_id
    assert await storage.history.head(KEY) == second.reply_id


async def test_a_side_branch_leaves_the_head(storage: Storage) -> None:
    first, second = await begin(storage, "one"), await begin(storage, "two")
    side = await begin(storage, "about that", parent_id=first.reply_id, on_head=False)
    assert side.parent_id == first.reply_id
    assert await storage.history.head(KEY) == second.reply_id


async def test_a_message_joins_a_waiting_reply(storage: Storage) -> None:
    first = await begin(storage, "one")
    joined = await storage.history.join_turn(first.reply_id, new_turn("two", author_id=32, author_name="Bob"))
    assert joined == BegunTurn(joined.user_message_id, first.reply_id, first.user_message_id) if joined else False
    turn = await storage.history.turn_of(GUILD, first.reply_id)
    assert [(message.author_name, message.content) for message in turn] == [("Ada", "one"), ("Bob", "two")]
    assert await storage.history.head(KEY) == first.reply_id


@pytest.mark.parametrize("state", ["streaming", "complete", "deleted"])
async def test_nothing_joins_a_reply_that_has_begun(storage: Storage, state: State) -> None:
    begun = await begin(storage)
    await storage.history.settle(begun.reply_id, Settlement("text", state))
    late = new_turn("late")
    with pytest.raises(TurnStartedError) as caught:
        await storage.history.join_turn(begun.reply_id, late)
    assert (caught.value.reply_id, caught.value.state) == (begun.reply_id, state)
    assert len(await walk(storage, begun.reply_id)) == 2
    assert await storage.history.begin_turn(late) is not None, "the claim is free again"


async def test_a_further_reply_is_a_sibling_and_moves_the_head_if_told(storage: Storage) -> None:
    first = await begin(storage)
    swipe = await storage.history.begin_reply(KEY, first.user_message_id, 1, 99, "model-b", persona_id=5)
    assert swipe == BegunTurn(first.user_message_id, swipe.reply_id, None) if swipe else False
    assert swipe is not None
    assert await storage.history.head(KEY) == swipe.reply_id
    aside = await storage.history.begin_reply(KEY, first.user_message_id, 2, 99, "model-b", on_head=False)
    assert aside is not None
    assert await storage.history.head(KEY) == swipe.reply_id
    siblings = await storage.history.siblings(GUILD, first.reply_id)
    assert [message.id for message in siblings] == [first.reply_id, swipe.reply_id, aside.reply_id]
    assert (siblings[1].author_id, siblings[1].model, siblings[1].persona_id) == (99, "model-b", 5)


async def test_a_posted_reply_is_streaming_and_found_by_its_messages(storage: Storage) -> None:
    begun = await begin(storage)
    await storage.history.posted(begun.reply_id, 502, 1)
    await storage.history.posted(begun.reply_id, 501, 0)
    reply = await storage.history.by_discord_id(GUILD, 502)
    assert reply is not None
    assert (reply.id, reply.state) == (begun.reply_id, "streaming")
    assert await storage.history.discord_ids(GUILD, begun.reply_id) == [501, 502]


async def test_a_discord_message_shows_the_swipe_posted_last(storage: Storage) -> None:
    begun = await begin(storage)
    await storage.history.posted(begun.reply_id, 501, 0)
    await answer(storage, begun)
    swipe = await storage.history.begin_reply(KEY, begun.user_message_id, 1, ADA, None)
    assert swipe is not None
    await storage.history.posted(swipe.reply_id, 501, 0)
    assert await storage.history.discord_ids(GUILD, swipe.reply_id) == [501]
    await storage.history.posted(begun.reply_id, 501, 0)
    shown = await storage.history.by_discord_id(GUILD, 501)
    assert shown is not None
    assert (shown.id, shown.state) == (begun.reply_id, "complete"), "showing it again does not open it again"


async def test_a_message_unlinked_from_discord_stays(storage: Storage) -> None:
    turn = new_turn(discord_id=600)
    begun = await storage.history.begin_turn(turn)
    assert begun is not None
    await storage.history.unlink_discord(600)
    assert await storage.history.by_discord_id(GUILD, 600) is None
    assert await storage.history.message(GUILD, begun.user_message_id) is not None


async def test_settling_stores_reply_usage_and_facts(storage: Storage) -> None:
    begun = await begin(storage)
    facts = ModelFacts("model-b", 8192, False, 1.25, 3, NOW)
    settlement = Settlement("done", "complete", "model-b", 100, 20, "stop", usage_row(), facts)
    await storage.history.settle(begun.reply_id, settlement)
    reply = await storage.history.message(GUILD, begun.reply_id)
    assert reply is not None
    assert (reply.content, reply.state, reply.model) == ("done", "complete", "model-b")
    assert (reply.tokens, reply.prompt_tokens, reply.finish_reason) == (20, 100, "stop")
    assert await storage.usage.totals(GUILD, NOW - DAY) == UsageTotals(1, 100, 20)
    assert await storage.models.all() == {"model-b": facts}


async def test_settling_without_a_model_keeps_the_one_asked(storage: Storage) -> None:
    begun = await begin(storage)
    await storage.history.settle(begun.reply_id, Settlement("", "failed"))
    reply = await storage.history.message(GUILD, begun.reply_id)
    assert reply is not None
    assert (reply.model, reply.state) == ("model-a", "failed")


async def test_settling_does_not_bring_back_what_was_forgotten(storage: Storage) -> None:
    begun = await begin(storage)
    await storage.history.forget(GUILD, begun.reply_id)
    await storage.history.settle(begun.reply_id, Settlement("secret", "complete", usage=usage_row()))
    reply = await storage.history.message(GUILD, begun.reply_id)
    assert reply is not None
    assert (reply.content, reply.state) == ("", "deleted")
    assert (await storage.usage.totals(GUILD, NOW - DAY)).requests == 1, "it was used all the same"


async def test_unfinished_replies_are_found_and_closed_once(storage: Storage) -> None:
    pending, streaming, done = await begin(storage), await begin(storage), await begin(storage)
    await storage.history.posted(streaming.reply_id, 1, 0)
    await answer(storage, done)
    found = await storage.history.unfinished()
    assert [message.id for message in found] == [pending.reply_id, streaming.reply_id]
    assert await storage.history.unfinished(before=datetime.now(UTC) - DAY) == []
    assert await storage.history.unfinished(before=datetime.now(UTC) + DAY) == found
    assert await storage.history.close_unfinished(pending.reply_id)
    assert not await storage.history.close_unfinished(pending.reply_id)
    assert not await storage.history.close_unfinished(done.reply_id)
    closed = await storage.history.message(GUILD, pending.reply_id)
    assert closed is not None
    assert closed.state == "interrupted"


async def test_a_reply_that_does_not_exist_is_a_constraint_error(storage: Storage) -> None:
    with pytest.raises(ConstraintError):
        await storage.history.posted(404, 1, 0)


async def test_heads_of_a_channel_are_apart(storage: Storage) -> None:
    keys = [KEY, replace(KEY, owner_id=ADA), replace(KEY, owner_id=ADA, private=True), ConversationKey(None, CHANNEL)]
    begun = [await begin(storage, key=key) for key in keys]
    assert [turn.parent_id for turn in begun] == [None] * len(keys)
    assert [await storage.history.head(key) for key in keys] == [turn.reply_id for turn in begun]


async def test_setting_the_head_returns_the_one_before(storage: Storage) -> None:
    assert await storage.history.head(KEY) is None
    first, second = await begin(storage), await begin(storage)
    assert await storage.history.set_head(KEY, None) == second.reply_id
    assert await storage.history.head(KEY) is None
    assert await storage.history.set_head(KEY, first.reply_id) is None
    fresh = ConversationKey(GUILD, CHANNEL, owner_id=77)
    assert await storage.history.set_head(fresh, first.reply_id) is None
    assert (await begin(storage, key=fresh)).parent_id == first.reply_id


WRONG_PLACES = [
    ConversationKey(OTHER_GUILD, CHANNEL),
    ConversationKey(GUILD, CHANNEL + 1),
    ConversationKey(None, CHANNEL),
    ConversationKey(GUILD, CHANNEL, ADA, private=True),
]


@pytest.mark.parametrize("key", WRONG_PLACES)
async def test_a_message_of_elsewhere_is_no_place_to_go_on(storage: Storage, key: ConversationKey) -> None:
    begun, own = await begin(storage), await begin(storage, key=key)
    for attempt in (
        lambda: storage.history.set_head(key, begun.reply_id),
        lambda: storage.history.begin_turn(new_turn(key=key, parent_id=begun.reply_id, on_head=False)),
        lambda: storage.history.begin_reply(key, begun.user_message_id, 1, ADA, None),
        lambda: storage.history.join_turn(begun.reply_id, new_turn(key=key)),
        lambda: storage.history.set_head(KEY, own.reply_id),
    ):
        with pytest.raises(WrongConversationError):
            await attempt()
    assert await storage.history.head(key) == own.reply_id
    assert await storage.history.head(KEY) == begun.reply_id


async def test_private_messages_stay_out_of_another_persons_private_head(storage: Storage) -> None:
    mine = ConversationKey(GUILD, CHANNEL, ADA, private=True)
    begun = await begin(storage, key=mine)
    message = await storage.history.message(GUILD, begun.reply_id)
    assert message is not None
    assert message.private_to == ADA
    with pytest.raises(WrongConversationError) as caught:
        await storage.history.set_head(replace(mine, owner_id=ADA + 1), begun.reply_id)
    assert caught.value.message_id == begun.reply_id


async def test_a_message_that_does_not_exist_is_no_head(storage: Storage) -> None:
    with pytest.raises(WrongConversationError):
        await storage.history.set_head(KEY, 404)


async def test_what_discord_knows_of_a_channel_s_newest_messages(storage: Storage) -> None:
    first = await begin(storage, discord_id=901)
    await storage.history.posted(first.reply_id, 902, 0)
    await storage.history.posted(first.reply_id, 903, 1)
    await begin(storage, "really?", discord_id=904, quote=Quote(905, ADA, "words"))
    await begin(storage, discord_id=906, key=ConversationKey(GUILD, CHANNEL, ADA))
    await begin(storage, discord_id=907, key=ConversationKey(GUILD, CHANNEL, ADA, private=True))
    await begin(storage, discord_id=908, key=ConversationKey(GUILD, CHANNEL + 1))
    gone = await begin(storage, discord_id=909)
    await storage.history.forget(GUILD, gone.user_message_id)
    known = storage.history.known_in_discord
    assert await known(GUILD, CHANNEL, 100) == {901, 902, 903, 904, 905, 906}
    assert await known(GUILD, CHANNEL, 3) == {906}, "below two replies that are not shown yet"
    assert await known(OTHER_GUILD, CHANNEL, 100) == set()


async def test_channels_are_listed_by_their_latest_turn(storage: Storage) -> None:
    keys = [ConversationKey(GUILD, 1), ConversationKey(None, 2), ConversationKey(OTHER_GUILD, 3)]
    for key in keys:
        await begin(storage, key=key)
    for person in range(5):
        await begin(storage, key=replace(keys[0], owner_id=person))
    await begin(storage, key=ConversationKey(GUILD, 4, ADA, private=True))
    await begin(storage, key=ConversationKey(GUILD, 5))
    await storage.history.set_head(ConversationKey(GUILD, 5), None)
    assert await storage.history.recent_channels(10) == [(GUILD, 1), (OTHER_GUILD, 3), (None, 2)]
    assert await storage.history.recent_channels(2) == [(GUILD, 1), (OTHER_GUILD, 3)], "a channel counts once"


async def test_a_begun_turn_brings_the_newest_of_its_path(storage: Storage) -> None:
    for number in range(40):
        begun = await storage.history.begin_turn(new_turn(content=f"question {number}"))
        assert begun is not None
        await answer(storage, begun, f"answer {number}")
    last = await storage.history.begin_turn(new_turn(content="and now?"))
    assert last is not None
    walked = [m async for page in storage.history.path(GUILD, last.user_message_id) for m in page]
    known = [m async for p in storage.history.path(GUILD, last.user_message_id, known=last.recent) for m in p]
    assert [message.content for message in last.recent] == [message.content for message in walked[: len(last.recent)]]
    assert len(last.recent) == 50
    assert known == walked
