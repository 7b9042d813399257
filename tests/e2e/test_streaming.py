import asyncio
import itertools
import re
from collections.abc import Callable
from typing import Any

import pytest

from storage import BegunTurn, NewTurn
from tests.e2e.acting import NEWEST, allow_long_replies, asked, begun, buttons, prompt, quiet, shown, slow_text, stored
from tests.e2e.conftest import Stage, changed, running

INLINE_REASONING = "DeepSeek-R1-Distill-Llama-70B"
FIELD_REASONING = "Qwen-Qwen3.6-35B-A3B"


async def test_the_first_words_come_at_once_and_edits_follow_within_the_allowance(stage: Stage) -> None:
    stage.api.tokens_per_second = 40
    stage.api.replies.add(text := slow_text(90))
    stage.api.hold(after_tokens=5)
    await stage.ada.say(stage.channel, f"{stage.mention} go")
    await stage.reply("w0")
    stage.api.release()
    await stage.reply("w89")
    await stage.settled()
    (message,) = shown(stage)
    versions = [content for _, content in message.history]
    assert len(versions) >= 5
    assert all(text.startswith(version) for version in versions)
    assert [len(version) for version in versions] == sorted(len(version) for version in versions)
    assert versions[-1] == text
    finished_at = asked(stage)[0].finished_at
    assert finished_at is not None
    assert message.history[-1][0] - finished_at < 3
    edits = [request.at for request in stage.world.requests_for("PATCH", f"/messages/{message.id}$")]
    assert all(later - first > 4.95 for first, later in zip(edits, edits[5:], strict=False))
    assert not stage.world.invalid_requests


async def test_a_long_reply_comes_in_parts_and_nothing_is_lost_or_doubled(stage: Stage) -> None:
    code = "\n".join(f"    line_{n} = {n} * value" for n in range(120))
    prose = " ".join(f"Sentence number {n} stands here." for n in range(60))
    stage.api.replies.add(text := f"{prose}\n```python\ndef f():\n{code}\n```\n{prose}")
    stage.api.tokens_per_second = 2500
    await allow_long_replies(stage)
    await stage.ada.say(stage.channel, f"{stage.mention} long")
    await stage.world.wait_until(lambda: len(shown(stage)) >= 4)
    await quiet(stage)
    parts = [message.content for message in shown(stage)]
    assert all(len(part) <= 2000 and part.count("```") % 2 == 0 for part in parts)
    fences = re.compile(r"```(?:python)?|\s")
    assert fences.sub("", "".join(parts)) == fences.sub("", text)
    assert (await stored(stage, shown(stage)[0])).content == text
    assert [(await stored(stage, message)).id for message in shown(stage)] == [
        (await stored(stage, shown(stage)[0])).id
    ] * len(parts)
    assert [buttons(message) for message in shown(stage)] == [[]] * (len(parts) - 1) + [NEWEST]


@pytest.mark.parametrize("model", [INLINE_REASONING, FIELD_REASONING])
async def test_reasoning_is_never_shown(stage: Stage, model: str) -> None:
    inline = model == INLINE_REASONING
    stage.api.replies.add(
        "<think>my secret plan\nis this</think>Good evening." if inline else "Good evening.",
        reasoning="" if inline else "my secret plan",
    )
    stage.api.tokens_per_second = 40
    await stage.moderator.slash(stage.channel, "model set", model=model)
    await stage.ada.say(stage.channel, f"{stage.mention} hello")
    reply = await stage.reply("Good evening.")
    await stage.settled()
    assert {word for _, version in reply.history for word in re.findall(r"secret|plan|think", version)} == set()
    assert (await stored(stage, reply)).content == "Good evening."


@pytest.mark.parametrize("inline", [True, False])
async def test_a_reply_of_reasoning_alone_is_said_in_words(stage: Stage, inline: bool) -> None:
    if inline:
        stage.api.replies.add("<think>only a plan</think>")
    else:
        stage.api.replies.add("", reasoning="only a plan")
    await stage.ada.say(stage.channel, f"{stage.mention} hello")
    reply = await stage.reply("only thought and never spoke")
    assert "plan" not in reply.content
    assert buttons(reply) == ["Retry"]


async def test_typing_is_shown_until_the_first_word(stage: Stage) -> None:
    stage.api.hold()
    await stage.ada.say(stage.channel, f"{stage.mention} hello")
    await stage.world.wait_until(lambda: stage.world.bot.id in stage.channel.typing)
    assert not shown(stage)
    stage.api.release()
    await stage.reply("hello")


async def test_stop_is_there_while_streaming_and_gone_afterwards(stage: Stage) -> None:
    stage.api.hold(after_tokens=10)
    stage.api.replies.add(slow_text(20))
    await stage.ada.say(stage.channel, f"{stage.mention} go")
    message = await stage.reply("w")
    assert buttons(message) == ["Stop"]
    stage.api.release()
    await stage.reply("w19")
    await stage.settled()
    assert buttons(message) == NEWEST


async def test_stop_shows_the_end_at_once_and_the_rest_is_read_silently(offstage: Stage) -> None:
    stage = offstage
    async with running(stage, changed(stage.settings, requests_per_minute=12, parallel_requests=1)):
        stage.api.add_key("sk-local", 12, 1)
        stage.api.hold(after_tokens=15)
        stage.api.replies.add(slow_text(30))
        await stage.ada.say(stage.channel, f"{stage.mention} go")
        message = await stage.reply("w")
        await stage.ada.click(message, label="Stop")
        await stage.reply("Stopped.")
        await stage.settled()
        assert buttons(message) == NEWEST
        assert asked(stage)[0].ended == ""  # the service still writes
        stage.api.release()
        await stage.ada.say(stage.channel, f"{stage.mention} and now this")
        await stage.reply("and now this")
        await stage.settled()
        assert [request.ended for request in asked(stage)] == ["complete", "complete"]
        assert (await stored(stage, message)).state == "stopped"
        first, _, note = message.content.partition("\n")
        assert note == "-# ⏹️ Stopped."
        assert (await stored(stage, message)).content.startswith(first)
        assert not [request for request in asked(stage) if request.status == 429]


async def test_strangers_may_not_stop_a_reply(stage: Stage) -> None:
    stage.api.hold(after_tokens=10)
    stage.api.replies.add(slow_text(20))
    await stage.ada.say(stage.channel, f"{stage.mention} go")
    message = await stage.reply("w")
    refusal = await stage.tom.click(message, label="Stop")
    await refusal.answered()
    stage.api.release()
    await stage.reply("w19")
    assert refusal.messages[-1].ephemeral
    assert "Stopped" not in message.content


async def test_two_channels_are_answered_at_the_same_time(stage: Stage) -> None:
    stage.api.hold(after_tokens=5)
    stage.api.replies.add(slow_text(15), times=2)
    other = stage.guild.add_text_channel("other")
    await asyncio.gather(
        stage.ada.say(stage.channel, f"{stage.mention} one"), stage.tom.say(other, f"{stage.mention} two")
    )
    await begun(stage, 2)
    stage.api.release()
    await stage.reply("w14")
    await stage.reply("w14", other)
    first, second = asked(stage)
    assert first.finished_at is not None
    assert second.at < first.finished_at


async def test_one_conversation_is_answered_one_after_the_other(stage: Stage) -> None:
    stage.api.hold(after_tokens=5)
    stage.api.replies.add(slow_text(10))
    await stage.ada.say(stage.channel, f"{stage.mention} first question")
    await stage.reply("w0")
    later = await stage.tom.say(stage.channel, f"{stage.mention} second question")
    await stage.remembered(later, "second question")
    stage.api.release()
    await stage.reply("second question")
    await quiet(stage)
    first, second = asked(stage)
    assert first.finished_at is not None
    assert second.at >= first.finished_at
    assert "w9" in prompt(second)
    assert len(shown(stage)) == 2


async def test_a_question_that_comes_as_the_last_reply_ends_opens_no_second_line(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert stage.bot is not None
    history, conversations = stage.bot.services.storage.history, stage.bot.services.conversations
    begin_turn, calls = history.begin_turn, itertools.count(1)

    async def begin_late(turn: NewTurn) -> BegunTurn | None:
        if next(calls) == 2:  # the first answer ends while this one is being remembered
            await asyncio.gather(*(answer.ended.wait() for answer in list(conversations._answers.values())))
            await asyncio.sleep(0.01)
        return await begin_turn(turn)

    monkeypatch.setattr(history, "begin_turn", begin_late)
    stage.api.tokens_per_second = 60
    stage.api.replies.add(slow_text(10), times=3)
    for number in range(3):
        await stage.ada.say(stage.channel, f"{stage.mention} question {number}")
        await begun(stage, min(number + 1, 2))
    await begun(stage, 3)
    await quiet(stage)
    requests = asked(stage)
    assert all(later.at >= (earlier.finished_at or 0) for earlier, later in itertools.pairwise(requests))
    assert not conversations._lanes


async def test_a_turn_takes_two_write_transactions_and_one_for_each_message(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert stage.bot is not None
    database = stage.bot.services.storage.database
    written: list[str] = []
    write = database.write

    async def counted(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        written.append(function.__name__)
        return await write(function, *args, **kwargs)

    await allow_long_replies(stage)
    await stage.ada.say(stage.channel, f"{stage.mention} to begin with")
    await stage.reply("to begin with")
    await quiet(stage)
    monkeypatch.setattr(database, "write", counted)
    stage.api.replies.add("word " * 700)
    await stage.ada.say(stage.channel, f"{stage.mention} go")
    await stage.world.wait_until(lambda: len(shown(stage)) == 3)
    await quiet(stage)
    assert len(shown(stage)) == 3
    assert sorted(written) == ["begin_turn", "posted", "posted", "settle"]
