import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

import cogs._bot
import cogs._screen as screen_module
from storage.schema import claims
from tests.e2e.acting import FAILED, NEWEST, asked, begun, buttons, prompt, quiet, shown, slow_text, stored, swipes
from tests.e2e.conftest import Stage, changed, running
from tests.e2e.processes import environment, started

pytestmark = pytest.mark.usefixtures("short_rate_limits")

INTERRUPTED = "I was restarted while I was answering."
QUICK_NOTICE = """
import cogs._screen as screen
screen.REACTION_AFTER_SECONDS, screen.NOTICE_AFTER_SECONDS = 0.05, 0.2
from playground.bot_process import main
main()
"""


async def test_after_a_kill_replies_are_closed_and_can_be_tried_again(offstage: Stage, tmp_path: Path) -> None:
    stage = offstage
    other = stage.guild.add_text_channel("other")
    stage.api.faults.add("slow", tokens_per_second=40)
    stage.api.replies.add(slow_text(150))
    async with started(tmp_path, environment(stage), ("-c", QUICK_NOTICE)) as process:
        await stage.world.wait_until_connected(timeout=15)
        await stage.ada.say(stage.channel, f"{stage.mention} write")
        reply = await stage.reply("w1")
        question = await stage.tom.say(other, f"{stage.mention} wait")
        notice = await stage.reply("⏳", other)
        await process.kill()
    text = reply.content
    assert buttons(reply) == ["Stop"]
    async with running(stage, stage.settings):
        await stage.reply(INTERRUPTED)
        await stage.reply(INTERRUPTED, other)
        await quiet(stage)
        assert reply.content == f"{text}\n-# ⚠️ {INTERRUPTED}"
        assert (buttons(reply), buttons(notice)) == (FAILED, ["Retry"])
        assert shown(stage, other) == [notice]
        assert notice.reply_to is question
        kept = await stored(stage, reply)
        assert (kept.state, kept.content) == ("interrupted", text)
        assert (await stored(stage, notice)).state == "interrupted"
        assert len(asked(stage)) == 1
        await stage.ada.click(reply, label="Retry")
        await stage.tom.click(notice, label="Retry")
        await begun(stage, 3)
        await quiet(stage)
        assert (await stored(stage, reply)).state == (await stored(stage, notice)).state == "complete"
        assert shown(stage, other) == [notice]
        assert (buttons(reply), buttons(notice)) == (swipes(2, 2), NEWEST)


async def test_closing_waits_for_a_reply_that_ends_soon(offstage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = offstage
    monkeypatch.setattr(cogs._bot, "CLOSE_GRACE_SECONDS", 15.0)
    async with running(stage, stage.settings):
        stage.api.tokens_per_second = 60
        stage.api.replies.add(slow_text(25))
        await stage.ada.say(stage.channel, f"{stage.mention} go")
        await stage.reply("w")
    assert shown(stage)[0].content == slow_text(25)
    assert buttons(shown(stage)[0]) == NEWEST


async def test_closing_interrupts_what_takes_longer_and_retry_works_afterwards(
    offstage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = offstage
    monkeypatch.setattr(cogs._bot, "CLOSE_GRACE_SECONDS", 1.0)
    other = stage.guild.add_text_channel("other")
    settings = changed(stage.settings, parallel_requests=1)
    async with running(stage, settings):
        stage.api.faults.add("slow", tokens_per_second=40)
        stage.api.replies.add(slow_text(150))
        await stage.ada.say(stage.channel, f"{stage.mention} go")
        await stage.reply("w")
        await stage.tom.say(other, f"{stage.mention} waiting")
        await asyncio.sleep(0.05)
    (reply,), (waited,) = shown(stage), shown(stage, other)
    assert reply.content.endswith(INTERRUPTED)
    assert waited.content.endswith(INTERRUPTED)
    assert (buttons(reply), buttons(waited)) == (FAILED, ["Retry"])
    async with running(stage, settings):
        kept = await stored(stage, reply)
        assert kept.state == "interrupted"
        assert reply.content.startswith(kept.content.strip()[:50])
        await stage.ada.click(reply, label="Retry")
        await begun(stage, 2)
        await quiet(stage)
        assert (await stored(stage, reply)).state == "complete"


async def test_what_is_said_during_the_shutdown_is_refused_in_words(offstage: Stage) -> None:
    stage = offstage
    async with running(stage, stage.settings) as bot:
        stage.api.hold(after_tokens=8)
        stage.api.replies.add(slow_text(30))
        await stage.ada.say(stage.channel, f"{stage.mention} go")
        await stage.reply("w")
        closing = asyncio.create_task(bot.close())
        await asyncio.sleep(0)
        await stage.tom.say(stage.channel, f"{stage.mention} one more")
        refused = await stage.tom.slash(stage.channel, "chat", message="and another")
        await refused.answered()
        assert "restarting" in refused.messages[-1].content
        refusal = await stage.reply("I ")
        why = await stage.tom.click(refusal, label="Why?") if buttons(refusal) else None
        if why is not None:
            await why.answered()
        assert "restarting" in (why.messages[-1].content if why else refusal.content)
        stage.api.release()
        await closing
    assert len(asked(stage)) == 1


async def test_what_was_said_while_the_bot_was_away_is_answered_once(offstage: Stage) -> None:
    stage = offstage
    async with running(stage, stage.settings):
        await stage.ada.say(stage.channel, f"{stage.mention} before")
        await stage.reply("before")
        await quiet(stage)
    stage.api.replies.add("answer to what was missed")
    await stage.ada.say(stage.channel, f"{stage.mention} missed")
    await stage.ada.say(stage.channel, "people among themselves")
    async with running(stage, stage.settings):
        await stage.reply("answer to what was missed")
        await quiet(stage)
        assert "missed" in prompt(asked(stage)[-1])
    async with running(stage, stage.settings):
        await stage.ada.say(stage.channel, f"{stage.mention} afterwards")
        await stage.reply("afterwards")
        await quiet(stage, 0.2)
        assert len(asked(stage)) == 3
        assert len(shown(stage)) == 3


async def test_old_claims_are_pruned(offstage: Stage) -> None:
    stage = offstage
    async with running(stage, stage.settings) as bot:
        await stage.ada.say(stage.channel, f"{stage.mention} before")
        await stage.reply("before")
        await quiet(stage)
        storage = bot.services.storage
        await storage.history.claim(42, "test")
        age = update(claims).where(claims.c.claim_id == 42).values(created_at=datetime.now(UTC) - timedelta(days=3))
        await storage.database.write(lambda connection: connection.execute(age))
    async with running(stage, stage.settings) as bot:
        await quiet(stage, 0.1)
        ids = select(claims.c.claim_id)
        kept = await bot.services.storage.database.read(lambda connection: connection.execute(ids).scalars().all())
        assert len(kept) == 1
        assert 42 not in kept


async def test_a_command_interrupted_by_a_kill_keeps_only_its_answer(offstage: Stage, tmp_path: Path) -> None:
    stage = offstage
    stage.api.faults.add("slow", tokens_per_second=40)
    stage.api.replies.add(slow_text(100))
    async with started(tmp_path, environment(stage)) as process:
        await stage.world.wait_until_connected(timeout=15)
        await stage.ada.slash(stage.channel, "chat", message="tell me")
        reply = await stage.reply("w1")
        await process.kill()
    assert reply.content.startswith("> tell me\n")
    async with running(stage, stage.settings):
        await stage.reply(INTERRUPTED)
        await quiet(stage)
        assert (await stored(stage, reply)).content.startswith("w0 w1")


async def test_nothing_is_left_behind_when_the_bot_closes(offstage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = offstage
    monkeypatch.setattr(cogs._bot, "CLOSE_GRACE_SECONDS", 0.3)
    monkeypatch.setattr(screen_module, "REACTION_AFTER_SECONDS", 0.05)
    before = asyncio.all_tasks()
    settings = changed(stage.settings, parallel_requests=1, requests_per_minute=12)
    async with running(stage, settings):
        stage.api.faults.add("slow", tokens_per_second=40)
        stage.api.replies.add(slow_text(100))
        other = stage.guild.add_text_channel("other")
        await stage.ada.say(stage.channel, f"{stage.mention} go")
        await stage.reply("w")
        await stage.tom.say(other, f"{stage.mention} waiting")
        await asyncio.sleep(0.1)
        stage.world.faults.add("PATCH", r"/messages/", status=503, times=None)
    await asyncio.sleep(0.05)
    left = {
        task for task in asyncio.all_tasks() - before if "playground" not in repr(task) and "web_" not in repr(task)
    }
    assert not left
