import asyncio
import json
import signal
import socket
from pathlib import Path

import aiohttp
import pytest

from tests.e2e.acting import NEWEST, asked, buttons, shown, slow_text, swipes
from tests.e2e.conftest import Stage
from tests.e2e.processes import RUN, environment, started

CANARY_KEY = "sk-canary-key-8f2a71"
CANARY_TOKEN = "MTIzNDU2.canary-token-91c3.x"
CANARY_WORDS = "violet-hippopotamus"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_without_a_token_one_line_tells_what_to_do(offstage: Stage, tmp_path: Path) -> None:
    async with started(tmp_path, environment(offstage, DISCORD_TOKEN=""), RUN) as process:
        assert await process.exit_code() == 78
    (line,) = process.log.splitlines()
    assert line.startswith("DISCORD_TOKEN is not set.")


async def test_all_bad_settings_are_listed(offstage: Stage, tmp_path: Path) -> None:
    env = environment(offstage, REQUESTS_PER_MINUTE="many", LOG_FORMAT="xml", OWNER_IDS="me")
    async with started(tmp_path, env, RUN) as process:
        assert await process.exit_code() == 78
    lines = process.log.splitlines()
    assert len(lines) == 3
    assert all(line.startswith("settings: ") for line in lines)
    for name in ("REQUESTS_PER_MINUTE", "LOG_FORMAT", "OWNER_IDS"):
        assert sum(name in line for line in lines) == 1


@pytest.mark.parametrize("refused", ["at the login", "by the gateway"])
async def test_a_bad_token_ends_the_process_for_good(offstage: Stage, tmp_path: Path, refused: str) -> None:
    if refused == "by the gateway":
        offstage.world.refuse_identify(4004)
        env = environment(offstage)
    else:
        env = environment(offstage, DISCORD_TOKEN=CANARY_TOKEN)
    async with started(tmp_path, env) as process:
        assert await process.exit_code() == 78
    assert process.log.splitlines()[-1].startswith(("Discord does not accept DISCORD_TOKEN", "Discord closed the"))
    assert "Traceback" not in process.log
    assert CANARY_TOKEN not in process.log


async def test_a_corrupt_database_is_named_and_left_alone(offstage: Stage, tmp_path: Path) -> None:
    path = tmp_path / "bot.db"
    path.write_bytes(b"this is no database" * 400)
    async with started(tmp_path, environment(offstage)) as process:
        assert await process.exit_code() == 78
    last = process.log.splitlines()[-1]
    assert last.startswith("The database cannot be used: ")
    assert str(path) in last
    assert path.read_bytes() == b"this is no database" * 400
    assert "Traceback" not in process.log


async def test_without_the_message_content_intent_it_runs(offstage: Stage, tmp_path: Path) -> None:
    world = offstage.world
    world.refuse_identify(4014)
    async with started(tmp_path, environment(offstage)) as process:
        await world.wait_until(lambda: world.gateway_identifies >= 2, timeout=15)
        await world.wait_until_connected()
        await offstage.ada.say(offstage.channel, f"{offstage.mention} do you hear me?")
        await offstage.reply("do you hear me?", timeout=10)
        process.process.terminate()
        assert await process.exit_code() == 0
    assert "Traceback" not in process.log


@pytest.mark.parametrize("log_format", ["text", "json"])
async def test_a_whole_life_leaves_no_secret_and_no_words_in_the_log(
    offstage: Stage, tmp_path: Path, log_format: str
) -> None:
    stage, port = offstage, free_port()
    stage.api.add_key(CANARY_KEY)
    stage.api.faults.add("unauthorized_once")
    stage.api.faults.add("cut", after_tokens=20)
    env = environment(
        stage,
        INFERMATIC_API_KEY=CANARY_KEY,
        LOG_LEVEL="DEBUG",
        LOG_FORMAT=log_format,
        METRICS_ADDRESS=f"127.0.0.1:{port}",
    )
    async with started(tmp_path, env) as process:
        await stage.world.wait_until_connected(timeout=15)
        stage.api.replies.add(f"{CANARY_WORDS} " * 40)
        await stage.ada.say(stage.channel, f"{stage.mention} say {CANARY_WORDS}")
        message = await stage.reply("broke off", timeout=10)
        stage.world.faults.add("PATCH", rf"/messages/{message.id}$", status=500)
        await stage.ada.click(message, label="Retry")
        await stage.world.wait_until(
            lambda: buttons(message) == swipes(2, 2) and "broke off" not in message.content, timeout=10
        )
        command = await stage.ada.slash(stage.channel, "chat", message=f"quietly {CANARY_WORDS}", private=True)
        await command.answered(10)
        await stage.world.wait_until(lambda: CANARY_WORDS in command.messages[-1].content, timeout=10)
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/metrics") as answer:
            figures = await answer.text()
        await stage.world.wait_until(lambda: all(request.finished_at for request in asked(stage)))
        stage.api.faults.add("slow", tokens_per_second=60)
        stage.api.replies.add(slow_text(40))
        await stage.tom.say(stage.channel, f"{stage.mention} the last one {CANARY_WORDS}")
        last = await stage.world.wait_for_message(stage.channel, lambda m: m.content.startswith("w"))
        process.process.send_signal(signal.SIGTERM)
        assert await process.exit_code() == 0
    assert last.content == slow_text(40)
    assert buttons(last) == NEWEST
    log = process.log
    for secret in (CANARY_KEY, CANARY_KEY[-6:], stage.settings.discord_token, CANARY_WORDS):
        assert secret not in log
    assert "Traceback" not in log
    assert "ResourceWarning" not in log
    if log_format == "json":
        assert all({"time", "level", "logger", "message"} <= json.loads(line).keys() for line in log.splitlines())
    assert 'bot_replies_total{state="interrupted"} 1.0' in figures
    assert "bot_waiting 0.0" in figures
    assert CANARY_WORDS not in figures


async def test_a_second_signal_does_not_break_the_shutdown(offstage: Stage, tmp_path: Path) -> None:
    stage = offstage
    async with started(tmp_path, environment(stage)) as process:
        await stage.world.wait_until_connected(timeout=15)
        stage.api.hold(after_tokens=10)
        stage.api.replies.add(slow_text(25))
        await stage.ada.say(stage.channel, f"{stage.mention} go")
        await stage.reply("w")
        process.process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.1)
        process.process.send_signal(signal.SIGINT)
        stage.api.release()
        assert await process.exit_code() == 0
    assert shown(stage)[0].content == slow_text(25)
    assert "Traceback" not in process.log
    assert len(asked(stage)) == 1
