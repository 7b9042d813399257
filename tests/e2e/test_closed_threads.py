"""Threads that are archived or locked while a reply is written: it ends, and gets its end when they are open again."""

from typing import Any

import pytest

from tests.e2e.acting import NEWEST, allow_long_replies, buttons, quiet, shown, slow_text, stored
from tests.e2e.conftest import Stage
from tests.e2e.test_persona_webhooks import on_stage

pytestmark = pytest.mark.usefixtures("no_rate_limits")

STOPPED = "-# ⏹️ Stopped."


async def begun_in(stage: Stage, thread: Any) -> Any:
    """A reply in a thread that has shown some words, and does not go on until it is released."""
    stage.api.hold(after_tokens=8)
    await stage.say(stage.ada, "a", answer=slow_text(60), channel=thread)
    return await stage.reply("w3", channel=thread)


async def ended(stage: Stage, thread: Any, reply: Any) -> str:
    """What the whole reply says, which cannot be shown in the closed thread."""
    before = reply.content
    stage.api.release()
    await quiet(stage)
    kept = await stored(stage, reply)
    assert kept.state in {"stopped", "complete"}  # as Discord's refusal comes before the last words, or after them
    assert (reply.content, buttons(reply), thread.thread.archived) == (before, ["Stop"], True)
    assert kept.content.startswith(before)
    return kept.content + (f"\n{STOPPED}" if kept.state == "stopped" else "")


@pytest.mark.parametrize("locked", [False, True])
async def test_a_reply_in_a_closed_thread_gets_its_end_when_it_is_open_again(stage: Stage, locked: bool) -> None:
    if locked:
        await on_stage(stage)  # who speaks through a webhook
    thread = stage.channel.add_thread("plans", stage.ada.user)
    reply = await begun_in(stage, thread)
    thread.archive(locked=locked)
    whole = await ended(stage, thread, reply)
    thread.reopen()
    await stage.world.wait_until(lambda: (reply.content, buttons(reply)) == (whole, NEWEST))
    assert [m for m in shown(stage, thread) if m.id > reply.id] == []


async def test_what_is_said_there_opens_it_again(stage: Stage) -> None:
    thread = stage.channel.add_thread("plans", stage.ada.user)
    reply = await begun_in(stage, thread)
    thread.archive()
    whole = await ended(stage, thread, reply)
    fresh = await stage.reply_to(await stage.say(stage.ada, "b", answer="B.", channel=thread))
    await stage.world.wait_until(lambda: (reply.content, buttons(reply), buttons(fresh)) == (whole, [], NEWEST))


async def test_a_long_reply_goes_on_in_a_thread_that_is_locked_no_longer(stage: Stage) -> None:
    await allow_long_replies(stage)
    thread = stage.channel.add_thread("plans", stage.ada.user)
    text = slow_text(900)
    stage.world.faults.add("POST", r"/channels/\d+/messages$", code=160005, when=lambda r: "w500" in str(r.body))
    await stage.say(stage.ada, "a", answer=text, channel=thread)
    await stage.reply("w300", channel=thread)
    await quiet(stage)
    [first] = shown(stage, thread)
    kept = await stored(stage, first)
    thread.archive(locked=True)
    thread.reopen()
    last = await stage.reply(kept.content[-4:], channel=thread)
    await stage.world.wait_until(lambda: buttons(last) == NEWEST)
    assert " ".join(m.content.removesuffix(f"\n{STOPPED}") for m in shown(stage, thread)) == kept.content
