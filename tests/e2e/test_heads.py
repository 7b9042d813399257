"""Where conversations stand: what is shown after moves, in conversations of one's own, and after an hour."""

import json
import time
from types import SimpleNamespace
from typing import Any

import pytest

from chat.branches import short_id
from cogs import _outlets
from tests.e2e.acting import NEWEST, asked, buttons, quiet, shown, stored, swipes
from tests.e2e.conftest import Stage

pytestmark = pytest.mark.usefixtures("no_rate_limits")


async def exchange(stage: Stage, text: str, answer: str, person: Any = None) -> tuple[Any, Any]:
    """A question and its finished reply."""
    said = await stage.say(person or stage.ada, text, answer=answer)
    return said, await stage.reply_to(said)


async def press(stage: Stage, message: Any, label: str, answer: str | None = None, person: Any = None) -> Any:
    """Press a button and wait until everything has come of it; what the person is told."""
    if answer is not None:
        stage.api.replies.add(answer)
    interaction = await (person or stage.ada).click(message, label=label)
    await interaction.answered()
    await quiet(stage, 0.02)
    return interaction.response


async def checkout(stage: Stage, branch: str) -> str:
    """Move the conversation; the branch on which it was."""
    told = await stage.command(stage.moderator, "history checkout", branch=branch)
    await quiet(stage, 0.02)
    return str(told.content.rpartition("branch:")[2].strip("`"))


def turns(stage: Stage) -> list[str]:
    """What stands in the newest prompt after the system message."""
    return [message["content"] for message in stage.prompts[-1][1:]]


# --- after moves


async def test_after_a_checkout_the_messages_show_the_way_to_the_head(stage: Stage) -> None:
    _, first = await exchange(stage, "one", "a")
    branch = short_id((await stored(stage, first)).id)
    await press(stage, first, "🔄", "b")
    _, second = await exchange(stage, "two", "c")
    back = await checkout(stage, branch)
    await stage.world.wait_until(lambda: (first.content, buttons(first)) == ("a", swipes(1, 2)))
    assert buttons(second) == NEWEST  # the end of a side branch now
    await checkout(stage, back)
    await stage.world.wait_until(lambda: (first.content, buttons(first)) == ("b", []))
    assert buttons(second) == NEWEST
    await stage.ask(stage.ada, "three")
    assert turns(stage) == ["one", "b", "two", "c", "three"]
    await checkout(stage, branch)
    await stage.ask(stage.ada, "instead")
    assert turns(stage) == ["one", "a", "instead"]


async def test_after_restore_the_newest_reply_has_its_buttons(stage: Stage) -> None:
    await exchange(stage, "one", "a")
    _, newest = await exchange(stage, "two", "b")
    divider = await stage.command(stage.moderator, "reset")
    await exchange(stage, "anew", "c")
    await press(stage, divider, "Restore", person=stage.moderator)
    await stage.world.wait_until(lambda: buttons(newest) == NEWEST)
    await press(stage, newest, "🔄", "d")
    assert turns(stage) == ["one", "a", "two"]
    await stage.ask(stage.ada, "three")
    assert turns(stage) == ["one", "a", "two", "d", "three"]


async def test_after_undo_the_reply_before_has_the_buttons_and_its_swipes(stage: Stage) -> None:
    _, first = await exchange(stage, "one", "a")
    await press(stage, first, "🔄", "b")
    await exchange(stage, "two", "c")
    await stage.world.wait_until(lambda: not first.components)
    await stage.command(stage.ada, "undo")
    await stage.world.wait_until(lambda: buttons(first) == swipes(2, 2))
    await press(stage, first, "◀️")
    await stage.world.wait_until(lambda: first.content == "a")
    await stage.ask(stage.ada, "three")
    assert turns(stage) == ["one", "a", "three"]


async def test_an_imported_conversation_is_regenerated_in_a_message_of_its_own(stage: Stage) -> None:
    _, before = await exchange(stage, "here", "a")
    lines = [
        {"user_name": "Ada", "character_name": "Bot"},
        {"name": "Ada", "is_user": True, "mes": "of the sea"},
        {"name": "Bot", "is_user": False, "mes": "It is deep."},
    ]
    content = "\n".join(json.dumps(line) for line in lines).encode()
    await stage.command(stage.moderator, "history import", file=("chat.jsonl", content))
    stage.api.replies.add("It is wide.")
    await stage.command(stage.moderator, "regenerate")
    anew = await stage.reply("It is wide.")
    await quiet(stage, 0.02)
    assert (anew.content, buttons(anew)) == ("> of the sea\nIt is wide.", swipes(2, 2))
    await press(stage, anew, "◀️", person=stage.moderator)
    await stage.world.wait_until(lambda: anew.content == "> of the sea\nIt is deep.")
    await stage.ask(stage.ada, "and?")
    assert turns(stage)[-2] == "It is deep."
    assert buttons(before) == NEWEST


# --- conversations of one's own


async def test_everyone_has_a_newest_reply_of_their_own(stage: Stage) -> None:
    await stage.command(stage.moderator, "channel set", history_scope="user")
    _, adas = await exchange(stage, "one", "a")
    _, toms = await exchange(stage, "uno", "α", stage.tom)
    assert buttons(adas) == buttons(toms) == NEWEST
    await press(stage, adas, "🔄", "b")
    assert turns(stage) == ["one"]
    assert (adas.content, toms.content) == ("b", "α")
    assert "moderators" in (await press(stage, adas, "🔄", person=stage.tom)).content
    stage.api.replies.add("β")
    await stage.command(stage.tom, "regenerate")
    await quiet(stage, 0.02)
    assert (toms.content, buttons(toms), buttons(adas)) == ("β", swipes(2, 2), swipes(2, 2))
    await stage.command(stage.tom, "undo")
    assert toms.deleted
    assert not adas.deleted
    await exchange(stage, "due", "γ", stage.tom)
    assert turns(stage) == ["due"]
    await exchange(stage, "two", "c")
    assert turns(stage) == ["one", "b", "two"]
    await stage.world.wait_until(lambda: not adas.components)


async def test_everyone_resets_and_restores_their_own(stage: Stage) -> None:
    await stage.command(stage.moderator, "channel set", history_scope="user")
    _, adas = await exchange(stage, "one", "a")
    _, toms = await exchange(stage, "uno", "α", stage.tom)
    divider = await stage.command(stage.ada, "reset")
    assert stage.ada.user.mention in divider.content
    assert "moderators" in (await press(stage, divider, "Restore", person=stage.tom)).content
    await exchange(stage, "due", "β", stage.tom)
    assert turns(stage) == ["uno", "α", "due"]
    await press(stage, divider, "Restore")
    await stage.world.wait_until(lambda: buttons(adas) == NEWEST)
    assert (await stage.command(stage.ada, "continue")).ephemeral
    await quiet(stage, 0.02)
    assert asked(stage)[-1].body["messages"][1]["content"] == "one"
    assert toms.content == "α"


# --- after an hour


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What time the bot believes it is when it asks how old a message is; seconds ahead of ours."""
    clock = SimpleNamespace(ahead=0.0, monotonic=time.monotonic)
    clock.time = lambda: time.time() + clock.ahead
    monkeypatch.setattr(_outlets, "time", clock)
    return clock


async def test_an_hour_later_another_answer_is_posted_anew(stage: Stage, clock: Any) -> None:
    said, old = await exchange(stage, "one", "a")
    clock.ahead = 3600.0
    await press(stage, old, "🔄", "b")
    await stage.world.wait_until(lambda: old.deleted)
    [anew] = shown(stage)
    assert (anew.content, anew.reply_to, buttons(anew)) == ("b", said, swipes(2, 2))
    clock.ahead = 0.0
    await press(stage, anew, "◀️")
    await stage.world.wait_until(lambda: anew.content == "a")
    assert shown(stage) == [anew]
    await stage.ask(stage.ada, "two")
    assert turns(stage) == ["one", "a", "two"]


async def test_an_hour_later_a_swipe_and_more_are_posted_anew_and_a_failure_leaves_the_old(
    stage: Stage, clock: Any
) -> None:
    said, old = await exchange(stage, "one", "a")
    await press(stage, old, "🔄", "b")
    clock.ahead = 3600.0
    await press(stage, old, "◀️")
    await stage.world.wait_until(lambda: old.deleted)
    [anew] = shown(stage)
    assert (anew.content, anew.reply_to, buttons(anew)) == ("a", said, swipes(1, 2))
    stage.api.faults.add("status", status=404)
    await press(stage, anew, "🔄")
    [_, failure] = shown(stage)
    assert (anew.content, buttons(anew)) == ("a", swipes(1, 2))
    assert failure.content.startswith("-# ⚠️")
    assert buttons(failure) == []
    await press(stage, anew, "⏩", " and on")
    await stage.world.wait_until(lambda: anew.deleted)
    [_, longer] = shown(stage)
    assert longer.content == "a and on"
    assert (await stored(stage, longer)).content == "a and on"
    await stage.ask(stage.ada, "two")
    assert turns(stage) == ["one", "a and on", "two"]
