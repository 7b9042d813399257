"""A question that was answered reads differently: its reply offers to be redone."""

import asyncio
from typing import Any

import pytest

from cogs._ratings import Ratings
from cogs._replies import Replies
from tests.e2e.acting import NEWEST, asked, begun, buttons, edits_heard, quiet, slow_text, stored, swipes
from tests.e2e.conftest import Stage

pytestmark = pytest.mark.usefixtures("no_rate_limits")

EDITED = "\n-# ✏️ The question was edited. 🔄 answers again."
CUT = "\n-# ✏️ Part of the question was deleted. 🔄 answers again."
DELETED = "\n-# ✏️ The question was deleted. 🗑️ deletes this, too."


async def exchange(stage: Stage, text: str, answer: str, person: Any = None) -> tuple[Any, Any]:
    """A question and its finished reply."""
    said = await stage.say(person or stage.ada, text, answer=answer)
    return said, await stage.reply_to(said)


async def edit(stage: Stage, said: Any, text: str) -> None:
    """Edit a question and wait until the history says so."""
    author = stage.world.person(said.author)
    await author.edit(said, f"{stage.mention} {text}")
    await stage.remembered(said, text)


async def again(stage: Stage, reply: Any, answer: str) -> None:
    """Press 🔄 and wait for the other answer."""
    stage.api.replies.add(answer)
    await (await stage.ada.click(reply, label="🔄")).answered()
    await stage.world.wait_until(lambda: reply.content == answer)
    await quiet(stage, 0.02)


def turns(stage: Stage) -> list[str]:
    """What stands in the newest prompt after the system message."""
    return [message["content"] for message in stage.prompts[-1][1:]]


def writes(stage: Stage, message: Any) -> int:
    """How often the bot has edited a message."""
    return len(stage.world.requests_for("PATCH", f"/messages/{message.id}$"))


async def test_the_reply_to_an_edited_question_offers_to_be_redone(stage: Stage) -> None:
    said, reply = await exchange(stage, "how is teh sea?", "Calm.")
    await edit(stage, said, "how is the sea?")
    await stage.world.wait_until(lambda: reply.content == f"Calm.{EDITED}")
    assert buttons(reply) == NEWEST
    assert (await stored(stage, reply)).content == "Calm."
    await again(stage, reply, "Wild.")
    assert turns(stage) == ["how is the sea?"]
    assert buttons(reply) == swipes(2, 2)


async def test_what_stood_below_stays_below(stage: Stage) -> None:
    stage.api.replies.add("Calm and", finish_reason="length")
    said = await stage.say(stage.ada, "how is teh sea?")
    reply = await stage.reply_to(said)
    await edit(stage, said, "how is the sea?")
    await stage.world.wait_until(lambda: reply.content.endswith(EDITED))
    assert reply.content == f"Calm and\n-# ✂️ The reply reached its limit. ⏩ goes on.{EDITED}"


async def test_an_edit_of_an_older_question_changes_the_history_alone(stage: Stage) -> None:
    said, older = await exchange(stage, "one", "a")
    _, newest = await exchange(stage, "two", "b")
    await edit(stage, said, "uno")
    await quiet(stage)
    assert (older.content, newest.content) == ("a", "b")
    await stage.ask(stage.ada, "three")
    assert turns(stage) == ["uno", "a", "two", "b", "three"]


async def test_a_deleted_question_is_said_below_its_reply_and_an_older_one_is_not(stage: Stage) -> None:
    first, older = await exchange(stage, "one", "a")
    second, newest = await exchange(stage, "two", "b")
    await stage.ada.delete(first)
    await stage.ada.delete(second)
    await stage.world.wait_until(lambda: newest.content == f"b{DELETED}")
    assert older.content == "a"
    await stage.ask(stage.ada, "three")
    assert "one" not in stage.said_to_model
    assert "two" not in stage.said_to_model


async def test_each_of_several_questions_that_were_answered_together_counts(stage: Stage) -> None:
    stage.api.hold()
    await stage.say(stage.moderator, "zero", answer="0")
    await begun(stage)
    said = [await stage.say(stage.ada, "one", answer="both"), await stage.say(stage.tom, "two")]
    await stage.remembered(said[0], "one")
    await stage.remembered(said[1], "two")
    stage.api.release()
    reply = await stage.reply_to(said[0])
    await quiet(stage)
    content = "both"
    for number, message in enumerate(said):
        await edit(stage, message, f"new {number}")
        await stage.world.wait_until(lambda content=content: reply.content == content + EDITED)  # type: ignore[misc]  # a lambda with a default
        content = f"otherwise {number}"
        await again(stage, reply, content)
        assert f"new {number}" in turns(stage)[-1]
    assert "one" not in stage.said_to_model
    assert "two" not in stage.said_to_model
    for person, message, note in ((stage.ada, said[0], CUT), (stage.tom, said[1], DELETED)):
        await person.delete(message)
        await stage.world.wait_until(lambda note=note: reply.content == content + note)  # type: ignore[misc]  # a lambda with a default


async def test_a_question_that_waits_is_asked_with_its_new_words(stage: Stage) -> None:
    stage.api.hold()
    await stage.say(stage.moderator, "zero", answer="0")
    await begun(stage)
    said = await stage.say(stage.ada, "one", answer="a")
    await stage.remembered(said, "one")
    await edit(stage, said, "uno")
    await stage.remembered(said, "uno")
    await edits_heard(stage)
    stage.api.release()
    reply = await stage.reply_to(said)
    await quiet(stage)
    assert turns(stage)[-1] == "Ada: uno"
    assert reply.content == "a"


async def test_a_reply_that_is_being_written_offers_it_at_its_end(stage: Stage) -> None:
    stage.api.hold(after_tokens=10)
    said = await stage.say(stage.ada, "one", answer=slow_text(30))
    reply = await stage.reply("w0")
    await edit(stage, said, "uno")
    assert stage.bot is not None
    [answer] = stage.bot.services.conversations.answers_in(stage.guild.id, stage.channel.id)
    await stage.world.wait_until(lambda: answer.notes)
    stage.api.release()
    await quiet(stage)
    assert reply.content == slow_text(30) + EDITED
    assert (await stored(stage, reply)).content == slow_text(30)
    await again(stage, reply, "a")
    assert turns(stage) == ["uno"]


async def test_edits_that_change_no_words_do_nothing(stage: Stage) -> None:
    said, reply = await exchange(stage, "one", "a")
    before = writes(stage, reply)
    await stage.ada.edit(said, said.content)
    await stage.ada.edit(said, f"  {stage.mention}   one ")
    await quiet(stage, 0.1)
    assert (reply.content, writes(stage, reply)) == ("a", before)


async def test_many_quick_edits_make_few_writes_and_the_last_one_counts(stage: Stage) -> None:
    said, reply = await exchange(stage, "one", "a")
    before = writes(stage, reply)
    stage.world.faults.add("PATCH", f"/messages/{reply.id}", delay=1.5, times=1)
    for number in range(12):
        await stage.ada.edit(said, f"{stage.mention} one {number}")
    await stage.remembered(said, "one 11")
    await stage.world.wait_until(lambda: reply.content == f"a{EDITED}")
    await quiet(stage, 0.1)
    assert 1 <= writes(stage, reply) - before <= 2
    await again(stage, reply, "b")
    assert turns(stage) == ["one 11"]


async def test_an_offer_that_was_held_up_does_not_write_over_a_later_answer(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    said, reply = await exchange(stage, "one", "a")
    allows, looked, may_go_on = Ratings.allows, asyncio.Event(), asyncio.Event()

    async def allows_late(self: Ratings, *about: Any) -> bool:
        if not looked.is_set():
            looked.set()
            await may_go_on.wait()
        return await allows(self, *about)

    monkeypatch.setattr(Ratings, "allows", allows_late)
    await edit(stage, said, "uno")
    await looked.wait()
    await again(stage, reply, "b")
    may_go_on.set()
    await edits_heard(stage)
    await quiet(stage, 0.05)
    assert (reply.content, buttons(reply)) == ("b", swipes(2, 2))


async def test_an_offer_does_not_begin_where_an_answer_is_about_to_stand(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    said, reply = await exchange(stage, "one", "a")
    screen, allows, about_to, drawn = Replies._screen, Ratings.allows, asyncio.Event(), asyncio.Event()

    async def screen_late(self: Replies, *about: Any) -> Any:
        about_to.set()
        await drawn.wait()
        await asyncio.sleep(0.05)
        return await screen(self, *about)

    async def allows_late(self: Ratings, *about: Any) -> bool:
        await about_to.wait()
        drawn.set()
        return await allows(self, *about)

    monkeypatch.setattr(Replies, "_screen", screen_late)
    monkeypatch.setattr(Ratings, "allows", allows_late)
    stage.world.faults.add("PATCH", f"/messages/{reply.id}", delay=0.4, times=1)
    await edit(stage, said, "uno")
    await again(stage, reply, "b")
    await edits_heard(stage)
    await quiet(stage, 0.5)
    assert (reply.content, buttons(reply)) == ("b", swipes(2, 2))


async def test_an_offer_under_way_does_not_write_over_the_answer_that_was_asked_for(stage: Stage) -> None:
    said, reply = await exchange(stage, "one", "a")
    stage.world.faults.add("PATCH", f"/messages/{reply.id}", delay=0.3, times=1)
    await edit(stage, said, "uno")
    await asyncio.sleep(0.05)
    await again(stage, reply, "b")
    await quiet(stage, 0.1)
    assert (reply.content, buttons(reply)) == ("b", swipes(2, 2))
    assert len(asked(stage)) == 2
