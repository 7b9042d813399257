"""The promise over many kinds of fault: nothing accepted is lost, nothing is answered twice, nobody meets silence.

Every kind runs with one seed here and with more where `FAULT_SEEDS` says so (25 make a thousand injected faults).
"""

import asyncio
import logging
import os
import random
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

import bot as bot_module
import cogs._posts
from infermatic_client import InfermaticClient, Timeouts, _retry
from playground.infermatic._faults import FaultKind
from settings import Settings
from storage import StoredMessage
from tests.e2e.acting import buttons
from tests.e2e.conftest import Stage, running

pytestmark = pytest.mark.usefixtures("short_rate_limits")

SEEDS = range(int(os.environ.get("FAULT_SEEDS", "1")))
QUESTIONS = 3
PATIENCE_SECONDS = 20.0  # an endless reply fills several messages, and a channel takes five in five seconds
TERMINAL_STATES = {"complete", "failed", "interrupted", "stopped"}
ANSWER = "The lamp burns, the sea is calm, and nobody is awake to see it."

Inject = Callable[[Stage, random.Random], None]


def of_api(kind: FaultKind, **details: Any) -> Inject:
    """A fault of the service, for one or two requests, somewhere in the stream."""

    def inject(stage: Stage, chance: random.Random) -> None:
        where: dict[str, Any] = {"after_tokens": chance.randint(0, 6)} if kind in IN_MID_STREAM else {}
        stage.api.faults.add(kind, times=chance.randint(1, 2), path="/v1/chat/completions", **where, **details)

    return inject


def of_discord(method: str, path: str, **details: Any) -> Inject:
    """A fault of Discord's, for one or two requests."""

    def inject(stage: Stage, chance: random.Random) -> None:
        stage.world.faults.add(method, path, times=chance.randint(1, 2), **details)

    return inject


def gateway(act: Callable[[Stage], None]) -> Inject:
    """Trouble with the connection to Discord, at some moment."""

    def inject(stage: Stage, chance: random.Random) -> None:
        asyncio.get_running_loop().call_later(chance.uniform(0.0, 0.1), act, stage)

    return inject


PLAIN_KINDS: tuple[FaultKind, ...] = (
    "unauthorized_once", "html_502", "plain_500", "empty_500", "timeout", "drop_connection", "stall_first",
    "stall", "cut", "close", "upstream_cut", "made_up_finish", "error_frame", "upstream_end", "no_done", "empty",
    "empty_choices", "garbage", "invalid_utf8", "lone_surrogate", "nul", "huge_line", "endless", "duplicate_finish",
    "crlf", "comments", "split_bytes", "parallel_limit",
)  # fmt: skip
IN_MID_STREAM = {
    "stall", "cut", "close", "upstream_cut", "made_up_finish", "error_frame", "upstream_end", "garbage",
    "invalid_utf8", "lone_surrogate", "nul", "huge_line",
}  # fmt: skip
SEND, EDIT, REACT = r"/messages$", r"/messages/\d+$", r"/reactions/"
KINDS: dict[str, Inject] = {
    **{f"api status {status}": of_api("status", status=status) for status in (400, 403, 404, 500, 503)},
    **{f"api {kind}": of_api(kind) for kind in PLAIN_KINDS},
    "api minute_limit": of_api("minute_limit", retry_after=0.1),
    "api context_window": of_api("context_window", limit=4096),
    **{f"send {status}": of_discord("POST", SEND, status=status) for status in (500, 502, 503)},
    **{f"send {status} afterwards": of_discord("POST", SEND, status=status, after=True) for status in (500, 502)},
    "send cut afterwards": of_discord("POST", SEND, cut=True, after=True),
    "send delayed": of_discord("POST", SEND, delay=0.2),
    "send 429": of_discord("POST", SEND, status=429, headers={"Retry-After": "0.1"}),
    **{f"edit {status}": of_discord("PATCH", EDIT, status=status) for status in (500, 503)},
    "edit cut": of_discord("PATCH", EDIT, cut=True),
    "edit delayed": of_discord("PATCH", EDIT, delay=0.3),
    "edit 429": of_discord("PATCH", EDIT, status=429, headers={"Retry-After": "0.1"}),
    "typing 500": of_discord("POST", r"/typing$", status=503),
    "connection dropped": gateway(lambda stage: stage.world.drop_gateway(resumable=True)),
    "reconnect asked for": gateway(lambda stage: stage.world.ask_to_reconnect()),
    "delivered again": gateway(lambda stage: stage.world.deliver_again(stage.channel.messages[-1])),
}  # fmt: skip


@pytest.fixture
async def hasty(offstage: Stage, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    """The stage with a bot that loses patience within moments."""

    def opener(settings: Settings) -> Callable[..., InfermaticClient]:
        patience = Timeouts(first_byte_seconds=0.4, between_chunks_seconds=0.4, total_seconds=3)
        return lambda key, **_: InfermaticClient(key, settings.infermatic_base_url, timeout=patience)

    monkeypatch.setattr(bot_module, "_opener", opener)
    for name in ("MIN_BACKOFF", "MAX_BACKOFF", "AUTHENTICATION_PAUSE", "_PARALLEL_PAUSE"):
        monkeypatch.setattr(_retry, f"{name}_SECONDS", 0.02)
    monkeypatch.setattr(cogs._posts, "FINAL_WRITE_PAUSES", (0.05, 0.1, 0.2, 0.4))
    async with running(offstage, offstage.settings):
        yield offstage


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", KINDS)
async def test_the_promise_holds(hasty: Stage, kind: str, seed: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    chance = random.Random(f"{kind} {seed}")
    hasty.api.replies.add(ANSWER, times=None)
    KINDS[kind](hasty, chance)
    questions = []
    for number in range(QUESTIONS):
        person = chance.choice([hasty.ada, hasty.tom, hasty.moderator])
        questions.append(await person.say(hasty.channel, f"{hasty.mention} question {number}"))
        await asyncio.sleep(chance.uniform(0.0, 0.15))
    replies = [await reply_that_answers(hasty, question) for question in questions]
    await hasty.settled(PATIENCE_SECONDS)

    for reply in {reply.id: reply for reply in replies}.values():
        await check_what_is_shown(hasty, reply)
    answered = [m for m in hasty.channel.messages if m.author is hasty.world.bot and m.reply_to is not None]
    assert len(answered) == len({reply.id for reply in replies}), "an answer too many"
    assert not await bot_of(hasty).services.storage.history.unfinished()
    for secret in ("sk-local", "local-token"):
        assert not any(secret in record.getMessage() for record in caplog.records if "discord" not in record.name)


def bot_of(stage: Stage) -> Any:
    assert stage.bot is not None
    return stage.bot


async def reply_that_answers(stage: Stage, question: Any) -> Any:
    """The message of the bot that answers a question, alone or together with others, once it is finished."""
    history = bot_of(stage).services.storage.history
    for _ in range(1000):
        asked = await history.by_discord_id(stage.guild.id, question.id)
        reply = await _reply_below(history, stage.guild.id, asked) if asked else None
        if reply is not None and reply.state in TERMINAL_STATES:
            await stage.settled(PATIENCE_SECONDS)
            ids = await history.discord_ids(stage.guild.id, reply.id)
            shown = [message for message in stage.channel.messages if message.id in ids]
            if shown:
                return shown[0]
        await asyncio.sleep(0.01)
    raise AssertionError(f"{question.content} met silence")


async def _reply_below(history: Any, guild_id: int, asked: StoredMessage) -> StoredMessage | None:
    """The reply under a question, below the questions that joined it."""
    below: list[StoredMessage] = await history.children(guild_id, asked.id)
    for message in below:
        return message if message.role == "assistant" else await _reply_below(history, guild_id, message)
    return None


async def check_what_is_shown(stage: Stage, reply: Any) -> None:
    """The screen says what the history says, and an end that is not whole is explained."""
    stored = await bot_of(stage).services.storage.history.by_discord_id(stage.guild.id, reply.id)
    assert stored is not None
    assert reply.content.startswith(stored.content.strip()[:50])
    assert "\0" not in reply.content
    if stored.state != "complete":
        assert "⚠️" in reply.content
    assert "Stop" not in buttons(reply)
