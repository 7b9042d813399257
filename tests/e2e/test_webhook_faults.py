"""Personas speak on when Discord fails, refuses, or loses what they speak through."""

from typing import Any

import pytest

from tests.e2e.acting import NEWEST, allow_long_replies, begun, buttons, quiet, shown, slow_text, stored, swipes
from tests.e2e.characters import card_file, greeting, taken_in, use
from tests.e2e.conftest import Stage
from tests.e2e.test_persona_webhooks import on_stage, webhooks

pytestmark = pytest.mark.usefixtures("no_rate_limits")

MAKE = r"/channels/\d+/webhooks$"
POST = r"/webhooks/\d+/[^/]+$"
EDIT = r"/webhooks/\d+/[^/]+/messages/\d+$"
PAGE = "<html><body><h1>502 Bad Gateway</h1></body></html>"


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cogs._posts.FINAL_WRITE_PAUSES", (0.05,) * 5)


def replies(stage: Stage) -> list[Any]:
    """What stands there below the greeting."""
    return shown(stage)[2:]


async def test_a_failure_or_a_limit_between_leaves_each_part_once(stage: Stage) -> None:
    await on_stage(stage)
    await allow_long_replies(stage)
    faults = stage.world.faults
    # What is in front of Discord answers with a page; a reply may stand there nevertheless.
    faults.add("POST", POST, status=502, json=PAGE, times=3)
    assert (await stage.ask(stage.ada, "a", answer="A.")).content == "A."
    faults.add("POST", POST, status=429, json=PAGE, headers={"Retry-After": "0.05"}, times=2)
    assert (await stage.ask(stage.ada, "b", answer="B.")).content == "B."
    faults.add("POST", POST, status=502, json=PAGE, after=True, times=1)
    faults.add("POST", POST, status=502, after=True, times=1, when=lambda request: "w500" in str(request.body))
    faults.add("PATCH", EDIT, status=429, headers={"Retry-After": "0.05"}, times=2)
    text = slow_text(900)
    await stage.say(stage.ada, "c", answer=text)
    await stage.reply("w899")
    await stage.settled()
    said = replies(stage)[2:]
    assert (" ".join(part.content for part in said), buttons(said[-1])) == (text, NEWEST)
    faults.add("POST", POST, code=200000)
    await stage.say(stage.ada, "d", answer="Bad words.")
    blocked = await stage.reply("AutoMod")
    assert (blocked.author.name, blocked.content) == ("Mira", "-# ⚠️ This server's AutoMod blocked the reply.")


@pytest.mark.parametrize("end", ["deleted", "archived", "thread deleted"])
async def test_what_goes_while_it_is_written_is_not_posted_again(stage: Stage, end: str) -> None:
    await on_stage(stage)
    thread = stage.channel.add_thread("plans", stage.ada.user)
    stage.api.tokens_per_second = 60
    stage.api.hold(after_tokens=8)
    await stage.say(stage.ada, "a", answer=slow_text(60), channel=thread)
    reply = await stage.reply("w1", channel=thread)
    kept = await stored(stage, reply)
    if end == "deleted":
        await stage.moderator.delete(reply)
    elif end == "archived":
        stage.world.faults.add("PATCH", EDIT, code=50083, times=None)
        thread.edit(archived=True)
    else:
        thread.delete()
    stage.api.release()
    await quiet(stage)
    assert stage.bot is not None
    found = await stage.bot.services.storage.history.message(stage.guild.id, kept.id)
    assert found is None or found.state in {"stopped", "deleted"}
    assert [m for m in thread.messages if "w1" in m.content and m is not reply] == []
    stage.api.tokens_per_second = 2000
    assert (await stage.ask(stage.ada, "b", answer="B.")).content == "B."


@pytest.mark.parametrize("refused", [False, True])
async def test_a_webhook_that_goes_while_it_writes_costs_no_words(stage: Stage, refused: bool) -> None:
    await on_stage(stage)
    if refused:
        stage.world.faults.add("POST", MAKE, code=50013, times=None)
    text = slow_text(60)
    stage.api.hold(after_tokens=8)
    await stage.say(stage.ada, "a", answer=text)
    await stage.reply("w1")
    for hook in webhooks(stage):
        hook.delete()
    stage.api.release()
    whole = await stage.reply("w59")
    await stage.settled()
    assert whole.content == (f"**Mira**\n{text}" if refused else text)
    assert (whole.author.name == "Mira", buttons(whole)) == (not refused, NEWEST)
    assert (await stored(stage, whole)).content == text
    stage.api.replies.add("Another.")
    await stage.press(stage.ada, whole, "🔄")
    await stage.world.wait_until(lambda: whole.content == ("**Mira**\nAnother." if refused else "Another."))


async def test_a_webhook_that_goes_while_a_swipe_is_made_costs_no_second_press(stage: Stage) -> None:
    await on_stage(stage)
    old = await stage.ask(stage.ada, "a", answer="A.")
    stage.api.hold()
    stage.api.replies.add("B.")
    await stage.press(stage.ada, old, "🔄")
    await stage.world.wait_until(lambda: buttons(old) == ["Stop"])
    for hook in webhooks(stage):
        hook.delete()
    stage.api.release()
    fresh = await stage.reply("B.")
    await stage.world.wait_until(lambda: buttons(fresh) == swipes(2, 2) and old.deleted)
    assert (fresh.author.name, len(webhooks(stage))) == ("Mira", 1)
    await stage.settled()
    await stage.press(stage.ada, fresh, "◀️")
    await stage.world.wait_until(lambda: fresh.content == "A.")
    # What comes to nothing leaves what stood there, which can be answered anew.
    stage.api.hold()
    await stage.press(stage.ada, fresh, "🔄")
    await stage.world.wait_until(lambda: buttons(fresh) == ["Stop"])
    for hook in webhooks(stage):
        hook.delete()
    await stage.press(stage.ada, fresh, "Stop")
    await stage.settled()
    stage.api.release()
    assert [m.content for m in replies(stage)] == ["A."]
    stage.api.replies.add("C.")
    await stage.command(stage.ada, "regenerate")
    last = await stage.reply("C.")
    await stage.world.wait_until(lambda: buttons(last) == swipes(3, 3) and fresh.deleted)


async def test_a_webhook_that_goes_before_the_first_word_leaves_a_line_with_the_name(stage: Stage) -> None:
    await on_stage(stage)
    stage.api.hold()
    await stage.say(stage.ada, "a", answer="A.")
    await begun(stage)
    stage.world.faults.add("POST", MAKE, code=50013, times=None)
    for hook in webhooks(stage):
        hook.delete()
    stage.api.release()
    reply = await stage.reply("A.")
    await stage.settled()
    assert (reply.author, reply.content, buttons(reply)) == (stage.world.bot, "**Mira**\nA.", NEWEST)


async def test_a_name_that_discord_refuses_keeps_nobody_else_from_speaking(stage: Stage) -> None:
    refused = {"everyone", "here", "bad"}
    stage.world.faults.add(
        "POST", MAKE, code=50035, times=None, when=lambda request: (request.body or {}).get("name") in refused
    )
    for name in ("Everyone", "bad", "Otis"):
        await taken_in(stage, stage.moderator, card_file(name.casefold() if name != "Otis" else name))
        await use(stage, name)
    spoken = [m.author.name.replace("\u2060", "") for m in shown(stage) if "Good evening" in m.content]
    assert spoken == ["everyone", stage.world.bot.name, "Otis"]
    assert (await greeting(stage, "**bad**")).author is stage.world.bot
    assert "Voices" not in (await stage.command(stage.admin, "doctor")).content
    await use(stage, "bad")
    assert "one of them as the bot's" in (await stage.command(stage.admin, "doctor")).content
