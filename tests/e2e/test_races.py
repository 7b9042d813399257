"""Two people act on one conversation at the same time: whoever comes second acts on what is there then, or is told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from chat._lanes import LaneKey
from storage import ConversationKey
from tests.e2e.acting import NEWEST, asked, buttons, quiet, shown, slow_text, stored, swipes
from tests.e2e.conftest import Stage

pytestmark = pytest.mark.usefixtures("no_rate_limits")

EARLIER, LATER, ANOTHER, MORE, EDIT, DELETE = "◀️", "▶️", "🔄", "⏩", "✏️", "🗑️"
Act = Callable[[], Awaitable[Any]]


@asynccontextmanager
async def together(stage: Stage) -> AsyncIterator[Callable[[Act], Awaitable[Any]]]:
    """What is done in here waits in the conversation's line, in the order in which it is done, and then goes on."""
    assert stage.bot is not None
    conversations = stage.bot.services.conversations
    key: LaneKey = (ConversationKey(stage.guild.id, stage.channel.id), None)
    interactions = []
    async with conversations.line(key) as lane:

        async def act(do: Act) -> Any:
            waiting = lane.users
            interactions.append(await do())
            for _ in range(200):
                if lane.users > waiting:
                    break
                await asyncio.sleep(0.005)
            return interactions[-1]

        yield act
    for interaction in interactions:
        if hasattr(interaction, "answered"):
            await interaction.answered()
    await quiet(stage, 0.05)


async def consistent(stage: Stage, texts: list[str]) -> None:
    """The bot's messages say this, and so does the next prompt."""
    await stage.world.wait_until(lambda: [message.content.partition("\n-#")[0] for message in shown(stage)] == texts)
    await stage.ask(stage.ada, "and now?")
    assert [m["content"] for m in stage.prompts[-1] if m["role"] == "assistant"] == texts


async def two_swipes(stage: Stage) -> Any:
    """A reply that says "b", with "a" before it."""
    reply = await stage.ask(stage.ada, "one", answer="a")
    stage.api.replies.add("b")
    await (await stage.ada.click(reply, label=ANOTHER)).answered()
    await stage.world.wait_until(lambda: buttons(reply) == swipes(2, 2))
    await quiet(stage, 0.02)
    return reply


@pytest.mark.parametrize("label", [ANOTHER, MORE, DELETE, EARLIER])
async def test_a_button_does_nothing_to_a_swipe_that_was_just_left(stage: Stage, label: str) -> None:
    reply = await two_swipes(stage)
    stage.api.replies.add("c")
    async with together(stage) as act:
        await act(lambda: stage.ada.click(reply, label=EARLIER))
        late = await act(lambda: stage.moderator.click(reply, label=label))
    assert "changed since" in late.messages[-1].content
    assert len(asked(stage)) == 2
    assert buttons(reply) == swipes(1, 2)
    stage.api.replies.clear()
    await consistent(stage, ["a"])


async def test_a_form_for_a_swipe_that_was_just_left_changes_nothing(stage: Stage) -> None:
    reply = await two_swipes(stage)
    opened = await stage.moderator.click(reply, label=EDIT)
    await opened.answered()
    async with together(stage) as act:
        await act(lambda: stage.ada.click(reply, label=EARLIER))
        await act(lambda: stage.moderator.submit(opened, text="x"))
    assert buttons(reply) == swipes(1, 2)
    await consistent(stage, ["a"])


@pytest.mark.parametrize("label", [ANOTHER, MORE])
@pytest.mark.parametrize("second", [DELETE, EARLIER, MORE])
async def test_what_is_about_to_be_replaced_is_not_changed(stage: Stage, label: str, second: str) -> None:
    reply = await two_swipes(stage)
    stage.api.faults.add("status", status=404)  # so that what stood there is shown again
    async with together(stage) as act:
        await act(lambda: stage.ada.click(reply, label=label))
        late = await act(lambda: stage.moderator.click(reply, label=second))
    assert late.messages
    assert len(asked(stage)) == 3
    await stage.world.wait_until(lambda: buttons(reply) == swipes(2, 2))
    assert reply.content.startswith("b\n-# ⚠️")
    await consistent(stage, ["b"])


@pytest.mark.parametrize("label", [ANOTHER, MORE, DELETE, EARLIER])
async def test_a_button_comes_too_late_when_something_was_just_said(stage: Stage, label: str) -> None:
    reply = await two_swipes(stage)
    stage.api.replies.add("c")
    async with together(stage) as act:
        await act(lambda: stage.say(stage.tom, "two"))
        late = await act(lambda: stage.ada.click(reply, label=label))
    assert "changed since" in late.messages[-1].content
    await stage.world.wait_until(lambda: not buttons(reply))
    await consistent(stage, ["b", "c"])


async def test_what_is_said_while_a_turn_is_taken_back_goes_on_from_before_it(stage: Stage) -> None:
    await stage.ask(stage.ada, "zero", answer="z")
    await two_swipes(stage)
    stage.api.replies.add("c")
    async with together(stage) as act:
        await act(lambda: stage.ada.slash(stage.channel, "undo"))
        await act(lambda: stage.say(stage.tom, "two"))
    await consistent(stage, ["z", "c"])


async def test_what_was_just_said_is_taken_back_with_its_turn(stage: Stage) -> None:
    await stage.ask(stage.ada, "zero", answer="z")
    stage.api.hold()
    async with together(stage) as act:
        await act(lambda: stage.say(stage.ada, "two", answer="c"))
        await act(lambda: stage.moderator.slash(stage.channel, "undo"))
    stage.api.release()
    stage.api.replies.clear()
    await consistent(stage, ["z"])


async def test_restore_waits_until_nothing_is_being_written(stage: Stage) -> None:
    await stage.ask(stage.ada, "one", answer="a")
    divider = await stage.command(stage.moderator, "reset")
    stage.api.hold(after_tokens=10)
    await stage.say(stage.ada, "two", answer=slow_text(20))
    await stage.reply("w0")
    refused = await stage.press(stage.moderator, divider, "Restore")
    assert refused.ephemeral
    assert buttons(divider) == ["Restore"]
    stage.api.release()
    await stage.settled()
    await stage.press(stage.moderator, divider, "Restore")
    await stage.ask(stage.ada, "three")
    assert [m["content"] for m in stage.prompts[-1] if m["role"] == "assistant"] == ["a"]


@pytest.mark.parametrize("begun", [False, True])
async def test_a_message_that_goes_while_another_swipe_is_written_takes_that_with_it(stage: Stage, begun: bool) -> None:
    reply = await stage.ask(stage.ada, "one", answer="a")
    stage.api.hold(after_tokens=10 if begun else 0)
    stage.api.replies.add(slow_text(20))
    await stage.ada.click(reply, label=ANOTHER)
    await stage.world.wait_until(lambda: buttons(reply) == ["Stop"] and (not begun or "w0" in reply.content))
    await stage.moderator.delete(reply)
    await quiet(stage)
    stage.api.release()
    stage.api.replies.clear()
    assert shown(stage) == []
    await stage.ask(stage.ada, "two")
    assert [m["content"] for m in stage.prompts[-1] if m["role"] == "assistant"] == []
    assert (await stored(stage, shown(stage)[-1])).state == "complete"
    assert buttons(shown(stage)[-1]) == NEWEST


async def test_a_reply_that_is_just_being_deleted_is_not_answered_anew(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = await stage.ask(stage.ada, "hello", answer="Old.")
    await stage.ask(stage.ada, "go on", answer="New.")
    reply = await stage.ask(stage.ada, "aside", answer="One.", reply_to=old)
    assert stage.bot is not None
    voices, forgotten, go_on = stage.bot.voices, asyncio.Event(), asyncio.Event()
    find = voices.outlet_in_place

    async def once_told(*args: Any) -> Any:
        if not forgotten.is_set():  # the first who asks is about to take the message away
            forgotten.set()
            await go_on.wait()
        return await find(*args)

    monkeypatch.setattr(voices, "outlet_in_place", once_told)
    await stage.ada.click(reply, label="🗑️")
    await forgotten.wait()
    stage.api.replies.add("Two.")
    late = await stage.ada.click(reply, label="🔄")
    await stage.world.wait_until(lambda: late.messages or len(asked(stage)) > 3)
    go_on.set()
    await stage.settled()
    assert reply.deleted
    assert len(asked(stage)) == 3
