"""The bot ends while swipes and continuations are under way: what is shown afterwards is what the history says."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import cogs._bot
from tests.e2e.acting import FAILED, NEWEST, asked, begun, buttons, quiet, shown, slow_text, stored, swipes
from tests.e2e.conftest import Stage, running
from tests.e2e.processes import environment, started

pytestmark = pytest.mark.usefixtures("no_rate_limits")

INTERRUPTED = "I was restarted while I was answering."
NOTE = f"\n-# ⚠️ {INTERRUPTED}"


@dataclass
class Scene:
    """A channel for each kind of work, with its newest reply."""

    waiting: Any
    swiped: Any
    longer: Any
    border: Any


async def scene(stage: Stage) -> Scene:
    """Four conversations with a finished reply, and under each of them something that has just begun."""
    replies = []
    long = f"Begun {'seafaring ' * 190}finished."  # almost what one message holds
    for name, answer in (("waiting", "a"), ("swiped", "a"), ("longer", "First half,"), ("border", long)):
        channel = stage.guild.add_text_channel(name)
        said = await stage.say(stage.ada, "one", answer=answer, channel=channel)
        replies.append(
            await stage.world.wait_for_message(
                channel,
                lambda m, said=said: m.reply_to is said and buttons(m) == NEWEST,  # type: ignore[misc]  # a lambda with a default
            )
        )
    found = Scene(*replies)
    stage.api.tokens_per_second, stage.api.first_token_seconds = 60, 60.0
    await stage.ada.click(found.waiting, label="🔄")
    await begun(stage, 5)
    stage.api.first_token_seconds = 0.0
    for number, (reply, label) in enumerate(((found.swiped, "🔄"), (found.longer, "⏩"), (found.border, "⏩"))):
        stage.api.replies.add((" " if label == "⏩" else "") + slow_text(300))
        await stage.ada.click(reply, label=label)
        await begun(stage, 6 + number)
    await stage.world.wait_until(lambda: "w5" in found.swiped.content and "w5" in found.longer.content)
    await stage.world.wait_until(lambda: len(shown(stage, found.border.channel)) == 2)
    await stage.world.wait_until(lambda: "w30" in shown(stage, found.border.channel)[1].content)
    # An edit of the second message comes after it was noted down that there is one.
    await stage.world.wait_until(lambda: len(shown(stage, found.border.channel)[1].history) > 1)
    await stage.world.wait_until(lambda: buttons(found.waiting) == ["Stop"])
    return found


async def check(stage: Stage, found: Scene) -> None:
    """What holds after any end."""
    bordering = shown(stage, found.border.channel)
    assert (found.waiting.content, buttons(found.waiting)) == (f"a{NOTE}", NEWEST)
    assert (await stored(stage, found.waiting)).content == "a"
    swipe = await stored(stage, found.swiped)
    assert found.swiped.content == f"{swipe.content.rstrip()}{NOTE}"
    assert swipe.content.startswith("w0 w1")
    assert swipe.state == "interrupted"
    assert buttons(found.swiped) == swipes(2, 2, FAILED)
    longer = await stored(stage, found.longer)
    assert found.longer.content == f"{longer.content.rstrip()}{NOTE}"
    assert longer.content.startswith("First half, w0 w1")
    assert buttons(found.longer) == FAILED
    border = (await stored(stage, found.border)).content
    assert [buttons(message) for message in bordering] == [[], FAILED]
    assert " ".join(message.content for message in bordering).removesuffix(NOTE).split() == border.split()
    for word in ("Begun", "finished.", "w0", "w30"):
        assert border.split().count(word) == 1
    assert "-#" not in border + longer.content + swipe.content


async def goes_on(stage: Stage, found: Scene) -> None:
    """Every button and every conversation works."""
    stage.api.tokens_per_second, count = 2000, len(asked(stage))
    stage.api.replies.add("b")
    await stage.ada.click(found.waiting, label="🔄")
    await stage.world.wait_until(lambda: (found.waiting.content, buttons(found.waiting)) == ("b", swipes(2, 2)))
    stage.api.replies.add("c")
    await stage.ada.click(found.swiped, label="Retry")
    await stage.world.wait_until(lambda: (found.swiped.content, buttons(found.swiped)) == ("c", swipes(3, 3)))
    stage.api.replies.add(" The end.")
    await stage.ada.click(found.longer, label="⏩")
    await stage.world.wait_until(lambda: found.longer.content.endswith("The end."))
    assert len(asked(stage)) == count + 3
    for reply, ending in ((found.waiting, "b"), (found.swiped, "c"), (found.longer, "The end.")):
        await stage.ask(stage.ada, "two", channel=reply.channel)
        assert stage.prompts[-1][2]["content"].endswith(ending)


async def test_after_a_kill_what_is_shown_is_what_the_history_says(offstage: Stage, tmp_path: Path) -> None:
    stage = offstage
    async with started(tmp_path, environment(stage, PARALLEL_REQUESTS="10", REQUESTS_PER_MINUTE="600")) as process:
        await stage.world.wait_until_connected(timeout=15)
        found = await scene(stage)
        await process.kill()
    async with running(stage, stage.settings):
        for reply in (found.waiting, found.swiped, found.longer, found.border):
            await stage.reply(INTERRUPTED, reply.channel)
        await quiet(stage)
        await check(stage, found)
        await goes_on(stage, found)


async def test_after_a_stop_what_is_shown_is_what_the_history_says(
    offstage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = offstage
    monkeypatch.setattr(cogs._bot, "CLOSE_GRACE_SECONDS", 0.6)
    async with running(stage, stage.settings):
        found = await scene(stage)
    before = [message.content for reply in (found.waiting, found.longer) for message in shown(stage, reply.channel)]
    async with running(stage, stage.settings):
        await quiet(stage)
        assert before == [found.waiting.content, found.longer.content]
        await check(stage, found)
        await goes_on(stage, found)
