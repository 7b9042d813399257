import asyncio
import functools
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

import bot as bot_module
from chat import generation, keys
from infermatic_client import InfermaticClient, Timeouts, _retry
from playground.infermatic import LocalInfermatic
from tests.e2e.acting import NEWEST, asked, begun, buttons, prompt, quiet, shown, slow_text, stored, swipes
from tests.e2e.conftest import MODEL, Stage, changed, running

pytestmark = pytest.mark.usefixtures("short_rate_limits")

OTHER_MODEL = "TheDrummer-UnslopNemo-12B-v4.1"
SEND_MESSAGES = 1 << 11

Spoil = Callable[[LocalInfermatic], Any]


@pytest.fixture(autouse=True)
def quick_times(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Short pauses; patience with the service is short only where its silence is the fault."""
    monkeypatch.setattr(_retry, "MIN_BACKOFF_SECONDS", 0.01)
    monkeypatch.setattr(_retry, "MAX_BACKOFF_SECONDS", 0.02)
    monkeypatch.setattr(_retry, "AUTHENTICATION_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(generation, "PAUSE_SECONDS", (0.01, 0.02))
    patience = 0.5 if {"slow first byte", "silence", "stall"} & set(given(request).values()) else 15.0
    times = Timeouts(first_byte_seconds=patience, between_chunks_seconds=patience)
    monkeypatch.setattr(bot_module, "InfermaticClient", functools.partial(InfermaticClient, timeout=times))


def given(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The parameters of a test, if it has any."""
    call = getattr(request.node, "callspec", None)
    return call.params if call else {}


def fault(kind: str, times: int | None = None, **details: Any) -> Spoil:
    return lambda api: api.faults.add(kind, times=times, **details)  # type: ignore[arg-type]  # a FaultKind by name


BEFORE_TEXT: dict[str, tuple[Spoil, str]] = {
    "service unavailable": (fault("status", status=503), "The service has a problem of its own"),
    "service error": (fault("status", status=500), "The service has a problem of its own"),
    "upstream overloaded": (fault("status", status=429), "used up its requests"),
    "gateway timeout": (fault("timeout"), "The service has a problem of its own"),
    "slow first byte": (fault("stall_first"), "did not answer in time"),
    "html": (fault("html_502"), "The service has a problem of its own"),
    "plain text": (fault("plain_500"), "The service has a problem of its own"),
    "dropped": (fault("drop_connection"), "I cannot reach the service"),
    "empty": (fault("empty"), "The model's reply was empty"),
    "error frame": (fault("error_frame", after_tokens=0), "The service"),
    "bad request": (fault("status", status=400), "The service refused the request"),
}


@pytest.mark.parametrize("name", BEFORE_TEXT)
async def test_a_failure_before_any_text_is_said_in_words_with_retry(stage: Stage, name: str) -> None:
    spoil, words = BEFORE_TEXT[name]
    spoil(stage.api)
    said = await stage.ada.say(stage.channel, f"{stage.mention} hello")
    message = await stage.reply(words)
    await quiet(stage)
    assert message.reply_to is said
    assert shown(stage) == [message]
    assert buttons(message) == ["Retry"]
    assert (await stored(stage, message)).state == "failed"
    assert len(asked(stage)) <= 4
    stage.api.faults.clear()
    await stage.ada.click(message, label="Retry")
    await stage.reply("hello")
    await quiet(stage)
    assert shown(stage) == [message]
    assert (await stored(stage, message)).state == "complete"


AFTER_TEXT: dict[str, tuple[Spoil, str]] = {
    "cut": (fault("cut", after_tokens=8), "broke off"),
    "clean end without a finish": (fault("close", after_tokens=8), "broke off"),
    "made up finish": (fault("made_up_finish", after_tokens=8), "broke off"),
    "error frame": (fault("error_frame", after_tokens=8), "broke off"),
    "silence": (fault("stall", after_tokens=8), "did not answer in time"),
    "garbage": (fault("garbage", after_tokens=8), "something I could not read"),
    "huge line": (fault("huge_line", after_tokens=8), "something I could not read"),
}


@pytest.mark.parametrize("name", AFTER_TEXT)
async def test_text_before_a_failure_is_kept_marked_and_can_be_tried_again(stage: Stage, name: str) -> None:
    spoil, words = AFTER_TEXT[name]
    spoil(stage.api)
    stage.api.replies.add(slow_text(40), times=None)
    await stage.ada.say(stage.channel, f"{stage.mention} hello")
    message = await stage.reply(words)
    await quiet(stage)
    text, _, note = message.content.rpartition("\n")
    assert text.startswith("w0 w1")
    assert note.startswith("-# ⚠️")
    assert len(asked(stage)) == 1
    kept = await stored(stage, message)
    assert (kept.state, kept.content.strip()) == ("interrupted", text)
    refusal = await stage.tom.click(message, label="Retry")
    await refusal.answered()
    await quiet(stage)
    assert len(asked(stage)) == 1
    assert refusal.messages[-1].ephemeral
    stage.api.faults.clear()
    await stage.ada.click(message, label="Retry")
    await stage.reply("w39")
    await quiet(stage)
    assert shown(stage) == [message]
    again = await stored(stage, message)
    assert (again.state, again.parent_id) == ("complete", kept.parent_id)
    assert again.id != kept.id
    assert buttons(message) == swipes(2, 2)


async def test_a_second_click_on_retry_is_harmless(stage: Stage) -> None:
    stage.api.faults.add("empty")
    await stage.ada.say(stage.channel, f"{stage.mention} hello")
    message = await stage.reply("reply was empty")
    await quiet(stage)
    stage.api.hold()
    first = await stage.ada.click(message, label="Retry")
    second = await stage.ada.click(message, label="Retry")
    await stage.world.wait_until(lambda: second.messages and "already" in second.messages[-1].content)
    stage.api.release()
    await stage.reply("hello")
    await quiet(stage)
    await first.answered()
    await second.answered()
    assert second.messages[-1].content == "-# I am on it already."
    assert len(asked(stage)) == 2
    assert shown(stage) == [message]


async def test_while_a_retry_writes_its_message_can_be_stopped(stage: Stage) -> None:
    stage.api.faults.add("cut", after_tokens=8)
    stage.api.replies.add(slow_text(40), times=None)
    await stage.ada.say(stage.channel, f"{stage.mention} hello")
    message = await stage.reply("broke off")
    await quiet(stage)
    stage.api.hold(after_tokens=8)
    await stage.ada.click(message, label="Retry")
    await stage.world.wait_until(lambda: buttons(message) == ["Stop"])
    await stage.ada.click(message, label="Stop")
    await stage.reply("Stopped.")
    await quiet(stage)
    assert buttons(message) == NEWEST


async def test_a_shorter_retry_of_a_long_reply_leaves_nothing_over_and_loses_nothing(stage: Stage) -> None:
    stage.api.faults.add("cut", after_tokens=390)
    stage.api.replies.add("abcde " * 390)
    await stage.ada.say(stage.channel, f"{stage.mention} long")
    await stage.reply("broke off")
    await quiet(stage)
    first, last = shown(stage)
    stage.api.replies.add("short now")
    await stage.ada.click(last, label="Retry")
    await stage.reply("short now")
    await quiet(stage)
    assert shown(stage) == [first]
    assert (await stored(stage, first)).content == "short now"
    stage.api.replies.add("and on")
    await stage.ada.say(stage.channel, "go on", reply_to=first)
    await stage.reply("and on")
    assert "short now" in prompt(asked(stage)[-1])
    assert "abcde" not in prompt(asked(stage)[-1])


async def test_without_a_key_that_is_said(offstage: Stage) -> None:
    stage = offstage
    async with running(stage, changed(stage.settings, infermatic_api_key=())):
        await stage.ada.say(stage.channel, f"{stage.mention} hello")
        message = await stage.reply("I have no API key yet")
        assert not buttons(message)


async def test_a_key_that_is_refused_three_times_is_given_up(offstage: Stage) -> None:
    stage = offstage
    owner = frozenset({stage.admin.user.id})
    async with running(stage, changed(stage.settings, infermatic_api_key=("sk-unknown",), owner_ids=owner)):
        for number in range(4):
            await stage.ada.say(stage.channel, f"{stage.mention} hello {number}")
            await stage.world.wait_until(lambda count=number + 1: len(shown(stage)) == count)  # type: ignore[misc]  # one count for each
            await quiet(stage, 0.02)
        assert all("does not accept my API key" in message.content for message in shown(stage))
        assert "sk-unknown" not in "".join(message.content for message in shown(stage))
        told = (await stage.admin.open_dm()).messages
        assert [message.content for message in told] == [
            "The service does not accept API key number 1 any more. I try it again in ten minutes."
        ]
        assert len(asked(stage)) == 6  # each of three turns asked twice, the fourth did not ask


async def test_one_refusal_of_a_valid_key_is_not_even_noticed(stage: Stage) -> None:
    stage.api.faults.add("unauthorized_once")
    await stage.ada.say(stage.channel, f"{stage.mention} hello")
    message = await stage.reply("hello")
    await quiet(stage)
    assert "⚠️" not in message.content


async def test_a_good_key_answers_when_the_other_is_refused(offstage: Stage) -> None:
    stage = offstage
    async with running(stage, changed(stage.settings, infermatic_api_key=("sk-unknown", "sk-local"))):
        for number in range(3):
            await stage.ada.say(stage.channel, f"{stage.mention} hello {number}")
            await stage.reply(f"hello {number}")
            await quiet(stage, 0.02)
        assert len([request for request in asked(stage) if request.status == 401]) == 2


async def test_a_model_outside_the_plan(stage: Stage) -> None:
    stage.api.keys["sk-local"].models = (OTHER_MODEL,)
    await stage.ada.say(stage.channel, f"{stage.mention} hello")
    await stage.reply("")
    await quiet(stage)
    assert "plan does not include this model" in shown(stage)[0].content or "not served" in shown(stage)[0].content


async def test_an_unknown_model_falls_back_and_says_so(offstage: Stage) -> None:
    stage = offstage
    settings = changed(stage.settings, fallback_models=(OTHER_MODEL,))
    async with running(stage, settings):
        await stage.ada.say(stage.channel, f"{stage.mention} one")
        await stage.reply("one")
        await quiet(stage)
        del stage.api.models[MODEL]
        await stage.ada.say(stage.channel, f"{stage.mention} two")
        message = await stage.reply(f"`{MODEL}` is not served any more; `{OTHER_MODEL}` answered")
        await quiet(stage)
        assert "two" in message.content
        assert (await stored(stage, message)).model == OTHER_MODEL


async def test_an_unknown_model_without_a_fallback_is_said(stage: Stage) -> None:
    await stage.ada.say(stage.channel, f"{stage.mention} one")
    await stage.reply("one")
    await quiet(stage)
    del stage.api.models[MODEL]
    await stage.ada.say(stage.channel, f"{stage.mention} two")
    message = await stage.reply(f"The model `{MODEL}` is not served any more")
    assert buttons(message) == ["Retry"]


async def test_a_model_that_takes_no_system_role_is_found_out_once(stage: Stage) -> None:
    spec = stage.api.models[MODEL]
    stage.api.models[MODEL] = type(spec)(MODEL, system_role=False)
    await stage.ada.say(stage.channel, f"{stage.mention} one")
    await stage.reply("one")
    await quiet(stage)
    first = len(asked(stage))
    await stage.ada.say(stage.channel, f"{stage.mention} two")
    await stage.reply("two")
    await quiet(stage)
    assert len(asked(stage)) == first + 1
    assert [message["role"] for message in asked(stage)[-1].body["messages"]] == ["user", "assistant", "user"]
    assert "You are the bot of this test." in prompt(asked(stage)[-1])


async def test_a_smaller_window_is_learned_and_kept_to(stage: Stage) -> None:
    stage.world.rate_limits.enabled = False
    for number in range(4):
        stage.api.replies.add(f"answer {number} " + "word " * 300)
        await stage.ada.say(stage.channel, f"{stage.mention} question {number} " + "talk " * 300)
        await begun(stage, number + 1)
        await quiet(stage)
    stage.api.context_windows[MODEL] = 1500
    await stage.tom.say(stage.channel, f"{stage.mention} does it fit?")
    await stage.reply("does it fit?", timeout=10)
    await quiet(stage)
    refused, fitted = asked(stage)[4:]
    assert (refused.status, fitted.status) == (400, 200)
    assert "question 0" in prompt(refused)
    assert "question 0" not in prompt(fitted)


async def test_what_can_never_fit_is_said(stage: Stage) -> None:
    stage.api.faults.add("context_window", times=None, limit=1024)
    await stage.ada.say(stage.channel, f"{stage.mention} hello")
    await stage.reply("too long for the model")
    assert len(asked(stage)) == 2


async def test_five_failures_open_the_circuit_which_probes_later(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "PROBE_AFTER_SECONDS", 1.0)
    stage.api.faults.add("status", status=503, times=None)
    channels = [stage.guild.add_text_channel(f"c{number}") for number in range(5)]
    for channel in channels:
        await stage.ada.say(channel, f"{stage.mention} hello")
        await stage.reply("The service has a problem of its own", channel)
    await quiet(stage, 0.02)
    count = len(asked(stage))
    await stage.ada.say(stage.channel, f"{stage.mention} hello")
    message = await stage.reply("The service is down for this model. I ask it again in")
    assert len(asked(stage)) == count
    stage.api.faults.clear()
    await asyncio.sleep(1.0)
    await stage.ada.click(message, label="Retry")
    await stage.reply("hello")
    await quiet(stage)
    assert len(asked(stage)) == count + 1


async def test_a_service_that_is_not_there_is_said(offstage: Stage) -> None:
    stage = offstage
    async with running(stage, changed(stage.settings, infermatic_base_url="http://127.0.0.1:9")):
        await stage.ada.say(stage.channel, f"{stage.mention} hello")
        message = await stage.reply("I cannot reach the service")
        assert buttons(message) == ["Retry"]


async def test_a_place_where_the_bot_may_not_write_is_told_once_by_dm(stage: Stage) -> None:
    stage.channel.set_permissions(stage.guild.members[stage.world.bot.id], deny=SEND_MESSAGES)
    await asyncio.sleep(0.1)
    for number in range(3):
        await stage.ada.say(stage.channel, f"{stage.mention} hello {number}")
    dm = await stage.ada.open_dm()
    await stage.world.wait_until(lambda: dm.messages)
    await quiet(stage)
    assert [message.content for message in dm.messages] == [
        "I may not write in that channel: I need Send Messages there."
    ]
    assert not asked(stage)
    assert not stage.world.invalid_requests


async def test_without_the_message_content_intent_mentions_are_answered(offstage: Stage) -> None:
    stage = offstage
    async with running(stage, stage.settings, message_content=False):
        await stage.ada.say(stage.channel, "not for the bot")
        await stage.ada.say(stage.channel, f"{stage.mention} for the bot")
        await stage.reply("for the bot")
        helped = await stage.ada.slash(stage.channel, "help")
        await helped.answered()
        assert "Message Content intent" in helped.messages[-1].content


@pytest.fixture
async def limited(offstage: Stage) -> AsyncIterator[Stage]:
    offstage.api.add_key("sk-local", 12, 1)
    async with running(offstage, changed(offstage.settings, requests_per_minute=12, parallel_requests=1)):
        yield offstage


async def test_an_overloaded_model_is_tried_once_more_and_no_more(limited: Stage) -> None:
    limited.api.faults.add("status", status=429, times=None)
    await limited.ada.say(limited.channel, f"{limited.mention} hello")
    await limited.reply("used up its requests")
    await quiet(limited)
    assert len(asked(limited)) == 2


@pytest.mark.parametrize("kind", ["cut", "garbage", "stall", "error_frame", "empty", "html_502", "drop_connection"])
async def test_no_failure_keeps_the_slot(limited: Stage, kind: str) -> None:
    fault(kind, 2)(limited.api)
    await limited.ada.say(limited.channel, f"{limited.mention} hello")
    await limited.reply("⚠️")
    await quiet(limited)
    limited.api.faults.clear()
    assert limited.bot is not None
    limits = limited.bot.services.pool.keys[0].client.limits
    assert limits is not None
    if kind not in {"stall", "garbage"}:  # the service may still be writing these, so their slot counts as taken
        assert limits.in_flight == 0
