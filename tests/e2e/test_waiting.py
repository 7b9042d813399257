import asyncio
from typing import Any

import pytest

import cogs._screen as screen_module
from chat.conversations import Conversations
from infermatic_client import _limits
from tests.e2e.acting import (
    NEWEST,
    asked,
    begun,
    buttons,
    edits_heard,
    occupy,
    one_slot,
    prompt,
    quiet,
    shown,
    slow_text,
    stored,
    waiting,
)
from tests.e2e.conftest import Stage

pytestmark = pytest.mark.usefixtures("short_rate_limits")


@pytest.fixture(autouse=True)
def quick_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen_module, "REACTION_AFTER_SECONDS", 0.1)
    monkeypatch.setattr(screen_module, "NOTICE_AFTER_SECONDS", 0.3)
    monkeypatch.setattr(screen_module, "NOTICE_EVERY_SECONDS", 3.0)


async def test_waiting_shows_a_mark_and_then_one_notice_that_becomes_the_reply(offstage: Stage) -> None:
    stage = offstage
    async with one_slot(stage):
        await occupy(stage)
        question = await stage.ada.say(stage.channel, f"{stage.mention} my question")
        await stage.world.wait_until(lambda: question.reaction("⏳"))
        assert not shown(stage)
        notice = await stage.reply("⏳")
        assert "You are next, in about" in notice.content
        assert buttons(notice) == ["Stop"]
        stage.api.release()
        reply = await stage.reply("my question")
        await quiet(stage)
        assert reply is notice
        assert shown(stage) == [reply]
        assert not question.reactions
        assert buttons(reply) == NEWEST
        assert (await stored(stage, reply)).state == "complete"


async def test_a_place_behind_others_is_told(offstage: Stage) -> None:
    stage = offstage
    async with one_slot(stage):
        await occupy(stage)
        other = stage.guild.add_text_channel("third")
        await stage.moderator.say(other, f"{stage.mention} before you")
        await waiting(stage, 1)
        await stage.ada.say(stage.channel, f"{stage.mention} my question")
        notice = await stage.reply("1 before you, about")
        stage.api.release()
        await stage.reply("my question")
        await quiet(stage)
        assert shown(stage) == [notice]


@pytest.mark.parametrize("waited_long", [True, False])
async def test_the_reply_is_posted_fresh_when_others_wrote_since(
    offstage: Stage, waited_long: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = offstage
    monkeypatch.setattr(screen_module, "FRESH_PING_AFTER_SECONDS", 0.5 if waited_long else 30.0)
    async with one_slot(stage):
        await occupy(stage)
        question = await stage.ada.say(stage.channel, f"{stage.mention} my question")
        notice = await stage.reply("⏳")
        await stage.tom.say(stage.channel, "chatter among people")
        if waited_long:
            await asyncio.sleep(screen_module.FRESH_PING_AFTER_SECONDS)
        stage.api.release()
        reply = await stage.reply("my question")
        await quiet(stage)
        assert reply is not notice
        assert notice.deleted
        assert reply.reply_to is question
        posts = stage.world.requests_for("POST", rf"/channels/{stage.channel.id}/messages$")
        assert [post.body["allowed_mentions"].get("replied_user", False) for post in posts] == [False, waited_long]
        assert all(post.body["allowed_mentions"]["parse"] == [] for post in posts)
        assert (await stored(stage, reply)).state == "complete"


async def test_what_is_said_while_waiting_joins_the_one_request(offstage: Stage) -> None:
    stage = offstage
    async with one_slot(stage):
        await occupy(stage)
        first = await stage.ada.say(stage.channel, f"{stage.mention} apples?")
        await waiting(stage, 1)
        second = await stage.moderator.say(stage.channel, f"{stage.mention} and pears?")
        third = await stage.ada.say(stage.channel, f"{stage.mention} and plums?")
        await stage.world.wait_until(lambda: second.reaction("⏳") and third.reaction("⏳"))
        await stage.moderator.edit(second, f"{stage.mention} and quinces?")
        await stage.ada.delete(third)
        await stage.remembered(second, "and quinces?")
        await stage.remembered(third, "")
        await edits_heard(stage)
        stage.api.faults.add("slow", tokens_per_second=20)
        stage.api.replies.add(slow_text(200))
        stage.api.release()
        await begun(stage, 2)
        await stage.world.wait_for_message(stage.channel, lambda m: buttons(m) == ["Stop"] and "w" in m.content)
        reply = shown(stage)[-1]
        click = await stage.moderator.click(reply, label="Stop")
        await click.answered()
        await stage.reply("Stopped.")
        await quiet(stage)
        assert len(asked(stage)) == 2
        words = prompt(asked(stage)[1])
        assert "apples?" in words
        assert "quinces?" in words
        assert "pears" not in words
        assert "plums" not in words
        assert len(shown(stage)) == 1
        assert not first.reactions
        assert not second.reactions


async def test_deleting_the_only_question_withdraws_it(offstage: Stage) -> None:
    stage = offstage
    async with one_slot(stage) as bot:
        await occupy(stage)
        question = await stage.ada.say(stage.channel, f"{stage.mention} never mind")
        await stage.world.wait_until(lambda: question.reaction("⏳"))
        await stage.ada.delete(question)
        await stage.world.wait_until(lambda: len(bot.services.conversations._answers) == 1)
        stage.api.release()
        await quiet(stage)
        assert len(asked(stage)) == 1
        assert not shown(stage)


async def test_what_is_said_right_after_a_stop_is_a_turn_of_its_own(offstage: Stage) -> None:
    stage = offstage
    async with one_slot(stage) as bot:
        await occupy(stage)
        await stage.ada.say(stage.channel, f"{stage.mention} stop this")
        answers = bot.services.conversations._answers
        await stage.world.wait_until(lambda: len(answers) == 2)
        list(answers.values())[-1].stop()
        await stage.moderator.say(stage.channel, f"{stage.mention} answer this")
        await waiting(stage, 1)
        stage.api.release()
        await stage.reply("answer this")
        await quiet(stage)
        assert len(asked(stage)) == 2


async def test_a_join_that_meets_the_withdrawal_is_not_lost(offstage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = offstage
    async with one_slot(stage) as bot:
        await occupy(stage)
        question = await stage.ada.say(stage.channel, f"{stage.mention} withdrawn")
        answers = bot.services.conversations._answers
        await stage.world.wait_until(lambda: len(answers) == 2)
        has_words, looked = Conversations._has_words, asyncio.Event()

        async def has_words_slowly(self: Conversations, answer: Any) -> bool:
            found = await has_words(self, answer)
            looked.set()
            await asyncio.sleep(0.1)  # meanwhile somebody else says something
            return found

        monkeypatch.setattr(Conversations, "_has_words", has_words_slowly)
        await stage.ada.delete(question)
        await looked.wait()
        await stage.moderator.say(stage.channel, f"{stage.mention} but this stays")
        stage.api.release()
        await stage.reply("but this stays")
        await quiet(stage)


async def test_a_notice_that_is_just_being_posted_is_not_left_behind(offstage: Stage) -> None:
    stage = offstage
    async with one_slot(stage):
        await occupy(stage)
        stage.world.faults.add("POST", rf"/channels/{stage.channel.id}/messages$", delay=0.5)
        await stage.ada.say(stage.channel, f"{stage.mention} my question")
        await asyncio.sleep(screen_module.NOTICE_AFTER_SECONDS + 0.1)
        stage.api.release()
        reply = await stage.reply("my question")
        await quiet(stage)
        assert shown(stage) == [reply]
        assert buttons(reply) == NEWEST


async def test_a_wait_that_would_be_too_long_is_refused_in_words(offstage: Stage) -> None:
    stage = offstage
    async with one_slot(stage) as bot:
        await occupy(stage)
        bot.services.conversations._generator._queue.seconds_per_reply = 150.0
        await stage.moderator.say(stage.guild.add_text_channel("third"), f"{stage.mention} I wait")
        await waiting(stage, 1)
        refused = await stage.ada.say(stage.channel, f"{stage.mention} me too")
        refusal = await stage.reply("Too many are waiting: it would take about 4 minutes")
        assert refused.reaction("🚫")
        assert not buttons(refusal)
        command = await stage.ada.slash(stage.channel, "chat", message="and me?")
        told = (await command.answered()).response
        await stage.world.wait_until(lambda: command.response is not None and command.response.content)
        told = command.response
        assert told.ephemeral
        assert "Too many are waiting" in told.content
        assert await bot.services.storage.history.by_discord_id(stage.guild.id, refused.id) is None
        assert len(asked(stage)) == 1
        stage.api.release()


async def test_a_busy_server_waits_behind_a_quiet_one(offstage: Stage) -> None:
    stage = offstage
    owner = stage.world.add_user("Quiet owner")
    quiet_guild = stage.world.add_guild("Quiet", owner=owner)
    quiet_channel = quiet_guild.add_text_channel("calm")
    async with one_slot(stage):
        await occupy(stage)
        for number in range(3):
            channel = stage.guild.add_text_channel(f"busy-{number}")
            await stage.ada.say(channel, f"{stage.mention} flood {number}")
        await waiting(stage, 3)
        await stage.world.person(owner).say(quiet_channel, f"{stage.mention} calm question")
        await waiting(stage, 4)
        stage.api.release()
        await begun(stage, 5)
        await quiet(stage)
        assert "calm question" in prompt(asked(stage)[1])


async def test_a_person_who_floods_waits_behind_one_who_asks_once(offstage: Stage) -> None:
    stage = offstage
    async with one_slot(stage):
        elsewhere = await occupy(stage)
        for number in range(3):
            channel = stage.guild.add_text_channel(f"busy-{number}")
            await stage.tom.say(channel, f"{stage.mention} flood {number}")
        await waiting(stage, 3)
        await stage.ada.say(stage.channel, f"{stage.mention} my one question")
        await waiting(stage, 4)
        stage.api.release()
        await begun(stage, 5)
        await quiet(stage)
        assert elsewhere.messages
        assert "my one question" in prompt(asked(stage)[1])


async def test_the_minute_limit_pauses_the_whole_key_and_then_the_turn_is_answered(offstage: Stage) -> None:
    stage = offstage
    async with one_slot(stage, requests_per_minute=12):
        stage.api.faults.add("minute_limit", retry_after=1)
        other = stage.guild.add_text_channel("other")
        question = await stage.ada.say(stage.channel, f"{stage.mention} first")
        await begun(stage)
        await stage.tom.say(other, f"{stage.mention} second")
        await stage.world.wait_until(lambda: question.reaction("⏳"))
        await stage.reply("first")
        await stage.reply("second", other)
        await quiet(stage)
        refused, again, later = asked(stage)
        assert (refused.status, again.status, later.status) == (429, 200, 200)
        assert again.at - refused.at > 0.9
        assert "first" in prompt(again)
        assert not question.reactions


async def test_a_longer_pause_is_told_instead_of_waited_for(offstage: Stage) -> None:
    stage = offstage
    async with one_slot(stage, requests_per_minute=12):
        stage.api.faults.add("minute_limit", retry_after=300)
        await stage.ada.say(stage.channel, f"{stage.mention} first")
        refusal = await stage.reply("Come back in 5 minutes")
        assert buttons(refusal) == ["Retry"]
        assert len(asked(stage)) == 1


async def test_a_key_that_is_busy_elsewhere_is_said_and_tried_again(
    offstage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = offstage
    monkeypatch.setattr(_limits, "_PARALLEL_BACKOFF_SECONDS", (0.4, 0.4, 0.4))
    async with one_slot(stage):
        stage.api.faults.add("parallel_limit", times=3)
        await stage.ada.say(stage.channel, f"{stage.mention} patience")
        notice = await stage.reply("The API key is busy elsewhere. I answer as soon as it is free.")
        reply = await stage.reply("patience")
        assert reply is notice
        assert [request.status for request in asked(stage)] == [429, 429, 429, 200]


async def test_several_keys_answer_at_the_same_time(offstage: Stage) -> None:
    stage = offstage
    stage.api.add_key("sk-second", None, 1)
    async with one_slot(stage, infermatic_api_key=("sk-local", "sk-second")):
        await occupy(stage)
        await stage.ada.say(stage.channel, f"{stage.mention} at once")
        await begun(stage, 2)
        assert {request.key for request in asked(stage)} == {"sk-local", "sk-second"}
        stage.api.release()
        await stage.reply("at once")
        await quiet(stage)


async def test_who_waits_behind_their_own_conversation_sees_it_too(stage: Stage) -> None:
    stage.api.hold()
    await stage.ada.say(stage.channel, f"{stage.mention} first")
    await begun(stage)
    question = await stage.tom.say(stage.channel, f"{stage.mention} second")
    await stage.world.wait_until(lambda: question.reaction("⏳"))
    await stage.reply("1 before you")
    stage.api.release()
    await stage.reply("second")
    await quiet(stage)
    assert not question.reactions
    assert len(shown(stage)) == 2


async def test_a_slot_granted_while_somebody_joins_is_not_lost_by_a_stop(offstage: Stage) -> None:
    stage = offstage
    async with one_slot(stage) as bot:
        await occupy(stage)
        await stage.ada.say(stage.channel, f"{stage.mention} stop this")
        answers = bot.services.conversations._answers
        await stage.world.wait_until(lambda: len(answers) == 2)
        answer = list(answers.values())[-1]
        async with answer.joining:
            stage.api.release()
            await stage.world.wait_until(lambda: asked(stage)[0].finished_at)
            await stage.world.wait_until(lambda: not len(bot.services.conversations._generator._queue))
            answer.stop()
            await asyncio.sleep(0.02)
        await quiet(stage)
        limits = bot.services.pool.keys[0].client.limits
        assert limits is not None
        assert limits.in_flight == 0


async def test_a_command_that_joins_still_shows_its_question(stage: Stage) -> None:
    stage.api.hold()
    await stage.say(stage.ada, "who keeps the light?", answer="Whoever is awake.")
    await begun(stage)
    second = await stage.say(stage.tom, "and who pays for it?", answer="Nobody.")
    command = await stage.ada.slash(stage.channel, "chat", message="since when?")
    await stage.world.wait_until(lambda: command.messages and "together" in command.messages[0].content)
    stage.api.release()
    assert command.messages[0].content.startswith("> since when?")
    await stage.reply_to(second)
    assert "since when?" in stage.said_to_model
