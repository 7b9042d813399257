"""What stands in the channel, and what the next prompt holds, after the conversation went on somewhere else."""

from typing import Any

import pytest

from tests.e2e.acting import NEWEST, asked, begun, buttons, quiet, shown, stored, swipes
from tests.e2e.conftest import Stage, changed, running

pytestmark = pytest.mark.usefixtures("no_rate_limits")

EARLIER, ANOTHER = "◀️", "🔄"


async def press(stage: Stage, message: Any, label: str) -> None:
    """Press a button and wait until everything has come of it."""
    await (await stage.ada.click(message, label=label)).answered()
    await quiet(stage, 0.02)


async def checkout(stage: Stage, branch: int) -> None:
    """Go on from a message of the history."""
    options = {"branch": str(branch)}
    await (await stage.moderator.slash(stage.channel, "history checkout", options)).answered()
    await quiet(stage, 0.02)


def turns(stage: Stage) -> list[str]:
    """What stands in the newest prompt after the system message."""
    return [message["content"] for message in stage.prompts[-1][1:]]


async def test_what_is_said_behind_a_swipe_that_fails_follows_the_reply_that_is_seen(stage: Stage) -> None:
    reply = await stage.ask(stage.ada, "one", answer="a")
    stage.api.hold()
    stage.api.faults.add("empty")
    await stage.ada.click(reply, label=ANOTHER)
    await begun(stage, 2)
    said = await stage.say(stage.ada, "two", answer="b")
    await stage.remembered(said, "two")
    stage.api.release()
    answer = await stage.reply_to(said)
    await quiet(stage)
    assert reply.content.startswith("a\n-# ⚠️")
    assert turns(stage) == ["one", "a", "two"]
    assert (buttons(reply), buttons(answer)) == ([], NEWEST)


async def test_a_message_in_reply_to_a_question_is_no_swipe_of_its_answer(stage: Stage) -> None:
    question = await stage.say(stage.ada, "one", answer="a")
    reply = await stage.reply_to(question)
    first = (await stored(stage, reply)).id
    await stage.command(stage.ada, "undo")
    other = await stage.say(stage.ada, "rather this", answer="b", reply_to=question)
    await stage.reply_to(other)
    await checkout(stage, first)
    assert (await stored(stage, other)).role == "user"
    assert not stage.world.invalid_requests
    await stage.ask(stage.ada, "two")
    assert turns(stage) == ["one", "a", "two"]


async def test_a_reply_that_was_taken_back_is_seen_again_where_the_conversation_returns_to_it(stage: Stage) -> None:
    reply = await stage.ask(stage.ada, "one", answer="a")
    first = (await stored(stage, reply)).id
    await stage.command(stage.ada, "undo")
    assert shown(stage) == []
    await checkout(stage, first)
    [again] = [message for message in shown(stage) if message.content == "a"]
    assert buttons(again) == NEWEST
    stage.api.replies.add("b")
    await press(stage, again, ANOTHER)
    await stage.world.wait_until(lambda: (again.content, buttons(again)) == ("b", swipes(2, 2)))


async def test_an_answered_reply_has_no_buttons_once_the_conversation_leaves_it(stage: Stage) -> None:
    first = await stage.ask(stage.ada, "one", answer="a")
    await stage.ask(stage.ada, "two", answer="b")
    await stage.command(stage.ada, "undo")
    await stage.world.wait_until(lambda: buttons(first) == NEWEST)
    divider = await stage.command(stage.moderator, "reset")
    await stage.world.wait_until(lambda: buttons(first) == [])
    await stage.press(stage.moderator, divider, "Restore")
    await stage.world.wait_until(lambda: buttons(first) == NEWEST)


async def test_restore_goes_on_from_the_swipe_that_is_seen(stage: Stage) -> None:
    reply = await stage.ask(stage.ada, "one", answer="a")
    stage.api.replies.add("b")
    await press(stage, reply, ANOTHER)
    divider = await stage.command(stage.moderator, "reset")
    await press(stage, reply, EARLIER)
    await stage.press(stage.moderator, divider, "Restore")
    await quiet(stage, 0.05)
    assert (reply.content, buttons(reply)) == ("a", swipes(1, 2))
    await stage.ask(stage.ada, "two")
    assert turns(stage) == ["one", "a", "two"]


async def test_an_answer_on_a_side_branch_counts_the_swipes_it_can_turn_to(stage: Stage) -> None:
    question = await stage.say(stage.ada, "one", answer="a")
    reply = await stage.reply_to(question)
    stage.api.replies.add("b")
    await press(stage, reply, ANOTHER)
    await stage.ask(stage.ada, "two", answer="so it is")
    stage.api.replies.add("elsewhere")
    await (await stage.ada.message_command(reply, "Regenerate")).answered()
    side = await stage.reply("elsewhere")
    await quiet(stage)
    assert buttons(side) == swipes(2, 2)
    await press(stage, side, EARLIER)
    await stage.world.wait_until(lambda: (side.content, buttons(side)) == ("a", swipes(1, 2)))


async def test_a_question_whose_answer_was_deleted_is_answered_again_from_the_menu(stage: Stage) -> None:
    question = await stage.say(stage.ada, "one", answer="a")
    await stage.moderator.delete(await stage.reply_to(question))
    await quiet(stage)
    stage.api.replies.add("b")
    await (await stage.ada.message_command(question, "Regenerate")).answered()
    again = await stage.reply("b")
    await quiet(stage)
    assert again.reply_to is question
    assert buttons(again) == NEWEST
    assert len(asked(stage)) == 2


async def test_a_failed_reply_can_be_tried_again_when_what_came_after_it_is_taken_back(stage: Stage) -> None:
    stage.api.faults.add("status", status=404)
    failed = await stage.ask(stage.ada, "one")
    assert buttons(failed) == ["Retry"]
    await stage.ask(stage.ada, "two")
    await stage.world.wait_until(lambda: buttons(failed) == [])
    await stage.command(stage.ada, "undo")
    await stage.world.wait_until(lambda: buttons(failed) == ["Retry"])


async def test_the_buttons_of_an_older_reply_go_although_the_bot_stops(offstage: Stage) -> None:
    stage = offstage
    async with running(stage, stage.settings):
        first = await stage.ask(stage.ada, "one")
        stage.api.first_token_seconds = 0.1
        await stage.say(stage.ada, "two")
        await begun(stage, 2)
    assert [buttons(message) for message in shown(stage)] == [[], NEWEST]
    assert shown(stage)[0] is first
    async with running(stage, changed(stage.settings)):
        assert buttons(first) == []
