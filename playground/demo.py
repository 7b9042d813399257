"""The demo: the playground in this process, the real bot in a child of its own, both in one process group."""

import asyncio
import os
import signal
import socket
import sys
import tempfile
from asyncio.subprocess import Process
from pathlib import Path

from playground.world import start_playground

SQLITE = "sqlite:///"
STOP_SECONDS = 12.0  # the bot lets replies finish for eight seconds


async def run_demo(port: int = 0) -> int:
    """Run until interrupted or until the bot ends; returns the exit code."""
    stopped = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    with tempfile.TemporaryDirectory(prefix="infermatic-demo-") as folder:
        async with await start_playground(page_port=port) as playground:
            bot = DemoBot(
                {
                    **playground.environment(),
                    "PLAYGROUND_DISCORD_URL": playground.discord.url,
                    "DATABASE_URL": f"sqlite:///{folder}/demo.db",
                }
            )
            await bot.start()
            playground.page.hold(bot)
            print(f"\n  Open {playground.page_url}\n  Ctrl+C ends the demo.\n", flush=True)  # noqa: T201  # the demo's only output
            ended = asyncio.create_task(bot.ended())
            await asyncio.wait([ended, asyncio.create_task(stopped.wait())], return_when=asyncio.FIRST_COMPLETED)
            await bot.stop()
            return 0 if stopped.is_set() else await ended


class DemoBot:
    """The real bot in a process of its own, pointed at the local Discord by its environment."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.metrics_address = f"127.0.0.1:{_free_port()}"
        self._environment = {**environment, "METRICS_ADDRESS": self.metrics_address}
        address = environment.get("DATABASE_URL", "")
        self.database = Path(address.removeprefix(SQLITE)) if address.startswith(SQLITE) else None
        self._process: Process | None = None
        self._changing = asyncio.Lock()

    async def start(self) -> None:
        """Start the process."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "VIRTUAL_ENV") if name in os.environ}
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "playground.bot_process",
            env={**kept, **self._environment},
            cwd=Path(__file__).parent.parent,
        )

    async def stop(self) -> None:
        """Ask the bot to stop, and end it when it does not."""
        process = self._process
        if process is not None and process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), STOP_SECONDS)
            except TimeoutError:
                process.kill()
                await process.wait()

    async def restart(self) -> None:
        """End the process and start another."""
        async with self._changing:
            await self.stop()
            await self.start()

    async def ended(self) -> int:
        """Wait until the bot has ended without being started again; returns its exit code."""
        while True:
            process = self._process
            assert process is not None
            code = await process.wait()
            async with self._changing:
                if process is self._process:
                    return code


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
