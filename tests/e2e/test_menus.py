"""The right-click menu of messages: Regenerate, Continue from here, Forget."""

from typing import Any

import pytest

from tests.e2e.acting import NEWEST, asked, begun, buttons, quiet, shown, slow_text, stored, swipes
from tests.e2e.conftest import Stage, changed, running

pytestmark = pytest.mark.usefixtures("no_rate_limits")

REGENERATE, CONTINUE, FORGET = "Regenerate", "Continue from here", "Forget"


async def choose(stage: Stage, person: Any, message: Any, name: str) -> Any:
    """Choose from the menu of a message and wait until everything has come of it; what the person sees of it."""
    interaction = await person.message_command(message, name)
    await interaction.answered()
    await quiet(stage, 0.02)
    return interaction.response


async def click(stage: Stage, person: Any, message: Any, label: str) -> None:
    """Press a button and wait until everything has come of it."""
    await (await person.click(message, label=label)).answered()
    await quiet(stage, 0.02)


async def exchange(stage: Stage, text: str, answer: str, person: Any = None, channel: Any = None) -> tuple[Any, Any]:
    """A question and its finished reply."""
    said = await stage.say(person or stage.ada, text, answer=answer, channel=channel)
    return said, await stage.reply_to(said)


def turns(stage: Stage) -> list[str]:
    """What stands in the newest prompt after the system message."""
    return [message["content"] for message in stage.prompts[-1][1:]]


# --- Regenerate


async def test_the_newest_reply_gets_a_swipe_in_its_place(stage: Stage) -> None:
    said, reply = await exchange(stage, "one", "a")
    for count, message in ((2, said), (3, reply)):
        stage.api.replies.add(f"swipe {count}")
        told = await choose(stage, stage.ada, message, REGENERATE)
        assert told.ephemeral
        assert shown(stage) == [reply]
        assert (reply.content, buttons(reply)) == (f"swipe {count}", swipes(count, count))
    await stage.ask(stage.ada, "two")
    assert turns(stage) == ["one", "swipe 3", "two"]


async def test_an_older_reply_gets_a_side_branch_that_lives_on_its_own(stage: Stage) -> None:
    first, older = await exchange(stage, "one", "a")
    _, newest = await exchange(stage, "two", "b")
    stage.api.replies.add("a, but otherwise")
    await choose(stage, stage.ada, older, REGENERATE)
    side = await stage.reply("a, but otherwise")
    assert turns(stage) == ["one"]
    assert side.reply_to is first
    assert (older.content, buttons(newest)) == ("a", NEWEST)
    stage.api.replies.add("a third way")
    await click(stage, stage.ada, side, "🔄")
    assert (side.content, buttons(side)) == ("a third way", swipes(2, 2))
    await click(stage, stage.ada, side, "◀️")
    await stage.world.wait_until(lambda: side.content == "a, but otherwise")
    await stage.ask(stage.ada, "and there?", reply_to=side)
    assert turns(stage) == ["one", "a, but otherwise", "and there?"]
    await stage.ask(stage.ada, "here again")
    assert turns(stage) == ["one", "a", "two", "b", "here again"]


async def test_a_question_of_before_is_answered_anew_beside(stage: Stage) -> None:
    first, older = await exchange(stage, "one", "a")
    await exchange(stage, "two", "b")
    stage.api.replies.add("c")
    await choose(stage, stage.ada, first, REGENERATE)
    assert (await stage.reply("c")).reply_to is first
    assert older.content == "a"


async def test_what_is_no_part_of_the_conversation_is_left_alone_in_words(stage: Stage) -> None:
    await exchange(stage, "one", "a")
    alone = await stage.tom.say(stage.channel, "people among themselves")
    for name, words in (
        (REGENERATE, "There is no reply here that I could answer anew."),
        (CONTINUE, "There is no reply here that could go on."),
        (FORGET, "That message is not in my memory."),
    ):
        told = await choose(stage, stage.tom, alone, name)
        assert (told.ephemeral, told.content) == (True, words)
    assert len(asked(stage)) == 1


async def test_each_channel_has_its_own(stage: Stage) -> None:
    other = stage.guild.add_text_channel("other")
    _, here = await exchange(stage, "one", "a")
    said, there = await exchange(stage, "far away", "b", channel=other)
    stage.api.replies.add("c")
    await choose(stage, stage.ada, there, REGENERATE)
    assert (there.content, here.content) == ("c", "a")
    assert turns(stage) == ["far away"]
    await choose(stage, stage.ada, said, FORGET)
    await stage.ask(stage.ada, "two")
    assert turns(stage) == ["one", "a", "two"]


# --- Continue from here


async def test_the_newest_reply_goes_on(stage: Stage) -> None:
    said, reply = await exchange(stage, "one", "The light")
    for message, more in ((said, " stood"), (reply, " alone.")):
        stage.api.replies.add(more)
        told = await choose(stage, stage.ada, message, CONTINUE)
        assert told.ephemeral
    assert shown(stage) == [reply]
    assert reply.content == "The light stood alone."


async def test_from_an_older_reply_the_conversation_goes_on_there(stage: Stage) -> None:
    said, older = await exchange(stage, "one", "a")
    _, newest = await exchange(stage, "two", "b")
    await stage.world.wait_until(lambda: not older.components)
    refused = await choose(stage, stage.ada, older, CONTINUE)
    assert refused.ephemeral
    assert "moderators" in refused.content
    told = await choose(stage, stage.moderator, said, CONTINUE)
    assert not told.ephemeral
    assert f"/{older.id})" in told.content
    assert str((await stored(stage, newest)).id) not in told.content
    await stage.world.wait_until(lambda: buttons(older) == NEWEST)
    await stage.ask(stage.ada, "instead")
    assert turns(stage) == ["one", "a", "instead"]
    branch = told.content.partition("branch:")[2].strip("`")
    await stage.command(stage.moderator, "history checkout", branch=branch)
    await stage.ask(stage.ada, "back")
    assert turns(stage) == ["one", "a", "two", "b", "back"]


async def test_nothing_moves_while_a_reply_is_written(stage: Stage) -> None:
    _, older = await exchange(stage, "one", "a")
    await exchange(stage, "two", "b")
    stage.api.hold(after_tokens=10)
    await stage.say(stage.ada, "three", answer=slow_text(40))
    await stage.reply("w")
    told = (await (await stage.moderator.message_command(older, CONTINUE)).answered()).response
    assert told.ephemeral
    assert "I am writing here." in told.content
    await stage.command(stage.ada, "stop")
    stage.api.release()
    await stage.ask(stage.ada, "four")
    assert turns(stage)[:5] == ["one", "a", "two", "b", "three"]


async def test_a_question_without_a_reply_has_nothing_to_go_on_from(stage: Stage) -> None:
    said, _ = await exchange(stage, "one", "a")
    await stage.command(stage.ada, "undo")
    for name in (REGENERATE, CONTINUE):
        assert "There is no reply here" in (await choose(stage, stage.ada, said, name)).content
    assert len(asked(stage)) == 1


# --- Forget


async def test_ones_own_words_are_forgotten_and_stay_in_discord(stage: Stage) -> None:
    said, _ = await exchange(stage, "my secret", "a")
    await exchange(stage, "two", "b")
    refused = await choose(stage, stage.tom, said, FORGET)
    assert "moderators" in refused.content
    told = await choose(stage, stage.ada, said, FORGET)
    assert told.ephemeral
    assert "no longer know" in told.content
    assert said.reaction("🧹")
    assert not said.deleted
    await stage.ask(stage.ada, "three")
    assert "my secret" not in stage.said_to_model
    assert "not in my memory" in (await choose(stage, stage.ada, said, FORGET)).content


async def test_moderators_may_forget_what_others_said(stage: Stage) -> None:
    said, reply = await exchange(stage, "a rude word", "a")
    await choose(stage, stage.moderator, said, FORGET)
    assert said.reaction("🧹")
    await stage.world.wait_until(lambda: "The question was deleted." in reply.content)
    await stage.ask(stage.ada, "two")
    assert "rude" not in stage.said_to_model


async def test_a_forgotten_reply_goes_from_discord_and_history_with_its_swipes(stage: Stage) -> None:
    said, reply = await exchange(stage, "one", "a")
    stage.api.replies.add("b")
    await click(stage, stage.ada, reply, "🔄")
    before = await stored(stage, reply)
    assert "moderators" in (await choose(stage, stage.tom, reply, FORGET)).content
    await choose(stage, stage.ada, reply, FORGET)
    assert reply.deleted
    assert stage.bot is not None
    history = stage.bot.services.storage.history
    assert {(s.content, s.state) for s in await history.siblings(stage.guild.id, before.id)} == {("", "deleted")}
    stage.api.replies.add("c")
    await stage.command(stage.ada, "regenerate")
    again = await stage.reply("c")
    await quiet(stage)
    assert (again.reply_to, buttons(again)) == (said, NEWEST)


async def test_a_reply_that_is_being_written_is_ended_and_forgotten(stage: Stage) -> None:
    stage.api.hold(after_tokens=10)
    await stage.say(stage.ada, "one", answer=slow_text(60))
    reply = await stage.reply("w")
    await choose(stage, stage.ada, reply, FORGET)
    assert reply.deleted
    assert shown(stage) == []
    stage.api.release()
    await stage.ask(stage.ada, "two")
    assert "w0" not in stage.said_to_model


@pytest.mark.parametrize("has_words", [False, True])
async def test_forgetting_a_reply_takes_the_swipe_that_is_on_its_way_along(stage: Stage, has_words: bool) -> None:
    _, reply = await exchange(stage, "one", "a")
    stage.api.hold(after_tokens=20 if has_words else 0)
    stage.api.replies.add(slow_text(60))
    await stage.ada.click(reply, label="🔄")
    await begun(stage, 2)
    if has_words:
        await stage.world.wait_until(lambda: reply.content.startswith("w0"))
    await choose(stage, stage.ada, reply, FORGET)
    assert reply.deleted
    assert shown(stage) == []
    stage.api.release()
    await stage.ask(stage.ada, "two")
    assert turns(stage) == ["one\n\ntwo"]


# --- who may


async def test_whoever_started_a_thread_commands_it(stage: Stage) -> None:
    thread = stage.channel.add_thread("plans", stage.ada.user)
    said, older = await exchange(stage, "one", "a", stage.tom, thread)
    _, newest = await exchange(stage, "two", "b", stage.tom, thread)
    assert "goes on from" in (await choose(stage, stage.ada, older, CONTINUE)).content
    assert "moderators" in (await choose(stage, stage.tom, newest, CONTINUE)).content
    stage.api.replies.add("c")
    await choose(stage, stage.ada, older, REGENERATE)
    assert older.content == "c"
    await choose(stage, stage.ada, said, FORGET)
    assert said.reaction("🧹")


async def test_in_direct_messages_everyone_commands_their_own(offstage: Stage) -> None:
    stage = offstage
    async with running(stage, changed(stage.settings, allow_dms=True)):
        await stage.at_home(stage.ada)
        dm = await stage.ada.open_dm()
        said, older = await exchange(stage, "one", "a", channel=dm)
        _, newest = await exchange(stage, "two", "b", channel=dm)
        stage.api.replies.add("c")
        await choose(stage, stage.ada, newest, REGENERATE)
        assert (newest.content, buttons(newest)) == ("c", swipes(2, 2))
        assert "goes on from" in (await choose(stage, stage.ada, older, CONTINUE)).content
        await stage.world.wait_until(lambda: buttons(older) == NEWEST)
        await choose(stage, stage.ada, said, FORGET)
        await stage.ask(stage.ada, "three", channel=dm)
        assert "one" not in turns(stage)


async def test_the_channel_says_who_may_regenerate(stage: Stage) -> None:
    _, reply = await exchange(stage, "one", "a")
    for rights, may in (("asker", False), ("anyone", True), ("moderators", False)):
        await stage.command(stage.moderator, "channel set", swipe_rights=rights)
        before = len(asked(stage))
        told = await choose(stage, stage.tom, reply, REGENERATE)
        assert ("moderators" in told.content, len(asked(stage)) > before) == (not may, may)
