"""The bot as a process of its own, at the local Discord and the local Infermatic of a stage."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tests.e2e.conftest import Stage

ROOT = Path(__file__).parents[2]
RUN = (str(ROOT / "bot.py"), "run")
SERVE = ("-m", "playground.bot_process")


def environment(stage: Stage, **changes: str) -> dict[str, str]:
    """What the process is told; nothing of this process's own settings."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "error::ResourceWarning",
        "PLAYGROUND_DISCORD_URL": stage.world.url,
        "DISCORD_TOKEN": stage.settings.discord_token,
        "INFERMATIC_API_KEY": ",".join(stage.settings.infermatic_api_key),
        "INFERMATIC_BASE_URL": stage.api.url,
        "DATABASE_URL": stage.settings.database_url,
        "DEFAULT_MODEL": stage.settings.default_model,
        **changes,
    }


class Process:
    """A running bot and what it writes."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self.process = process
        self._log = log

    @property
    def log(self) -> str:
        """All that it wrote so far."""
        return self._log.read_text(errors="replace")

    async def exit_code(self, timeout: float = 15.0) -> int:
        """Wait for its end."""
        return await asyncio.wait_for(self.process.wait(), timeout)

    async def kill(self) -> None:
        """End it as a power failure would."""
        self.process.kill()
        await self.process.wait()


@asynccontextmanager
async def started(folder: Path, env: dict[str, str], arguments: Sequence[str] = SERVE) -> AsyncIterator[Process]:
    """The process, killed at the end if it still runs."""
    log = folder / "process.log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, env=env, cwd=folder, stdout=output, stderr=output
        )
    bot = Process(process, log)
    try:
        yield bot
    finally:
        if process.returncode is None:
            await bot.kill()
