"""The process of the bot in the demo: ended, started again, and gone by itself."""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.subprocess import Process
from typing import Any

import pytest

from playground.demo import DemoBot

WAITS = "import sys, time; print('up', flush=True); time.sleep(60)"


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Process]:
    """Let a small program stand in for the bot; the list holds those that were started."""
    processes: list[Process] = []
    start = asyncio.create_subprocess_exec

    async def start_small(*_: str, **options: Any) -> Process:
        assert options["env"]["METRICS_ADDRESS"].startswith("127.0.0.1:")
        process = await start(sys.executable, "-c", WAITS, stdout=asyncio.subprocess.PIPE)
        assert process.stdout is not None
        await process.stdout.readline()
        processes.append(process)
        return process

    monkeypatch.setattr("playground.demo.asyncio.create_subprocess_exec", start_small)
    return processes


async def test_a_restart_is_no_end_and_an_end_is(started: list[Process]) -> None:
    bot = DemoBot({})
    await bot.start()
    ended = asyncio.create_task(bot.ended())
    await bot.restart()
    await asyncio.gather(bot.restart(), bot.restart())
    assert [process.returncode for process in started] == [-signal.SIGTERM] * 3 + [None]
    assert not ended.done()
    started[-1].kill()
    assert await asyncio.wait_for(ended, 5) == -signal.SIGKILL
    await bot.stop()


async def test_stopping_ends_it(started: list[Process]) -> None:
    bot = DemoBot({})
    await bot.start()
    await bot.stop()
    assert await bot.ended() == -signal.SIGTERM
    assert len(started) == 1
