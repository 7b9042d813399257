"""The demo: the playground in this process, the real bot in a child of its own, both in one process group."""

import asyncio
import os
import signal
import sys
import tempfile
from asyncio.subprocess import Process
from pathlib import Path

from playground.world import start_playground

STOP_SECONDS = 12.0  # the bot lets replies finish for eight seconds


async def run_demo(port: int = 0) -> int:
    """Run until interrupted or until the bot ends; returns the exit code."""
    stopped = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    with tempfile.TemporaryDirectory(prefix="infermatic-demo-") as folder:
        async with await start_playground(page_port=port) as playground:
            environment = {
                **playground.environment(),
                "PLAYGROUND_DISCORD_URL": playground.discord.url,
                "DATABASE_URL": f"sqlite:///{folder}/demo.db",
            }
            bot = await start_bot(environment)
            print(f"\n  Open {playground.page_url}\n  Ctrl+C ends the demo.\n", flush=True)  # noqa: T201  # the demo's only output
            ended = asyncio.create_task(bot.wait())
            await asyncio.wait([ended, asyncio.create_task(stopped.wait())], return_when=asyncio.FIRST_COMPLETED)
            await stop_bot(bot)
            return 0 if stopped.is_set() else bot.returncode or 0


async def start_bot(environment: dict[str, str]) -> Process:
    """The real bot in a process of its own, pointed at the local Discord by its environment."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "VIRTUAL_ENV") if name in os.environ}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "playground.bot_process", env={**kept, **environment}, cwd=Path(__file__).parent.parent
    )


async def stop_bot(bot: Process) -> None:
    """Ask the bot to stop, and end it when it does not."""
    if bot.returncode is None:
        bot.terminate()
        try:
            await asyncio.wait_for(bot.wait(), STOP_SECONDS)
        except TimeoutError:
            bot.kill()
            await bot.wait()
