"""Where the tests of the command line sit: the commands, both services within reach, and a file of settings."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web
from dotenv import dotenv_values
from typer.testing import CliRunner

import bot
from infermatic_client import _retry
from playground.discord import LocalDiscord
from playground.infermatic import LocalInfermatic

ROOT = Path(__file__).parent.parent
TOKEN, KEY = "canary-token-of-discord", "sk-canary-of-infermatic"
MODEL = "Sao10K-L3.3-70B-Euryale-v2.3-FP8-Dynamic"
ALL_SETTINGS = ("DISCORD_TOKEN", "INFERMATIC_API_KEY", "DEFAULT_MODEL", "OWNER_IDS", "SECRET_KEY", "DATABASE_URL")
REDIRECTED = (
    "import os; from playground.discord import redirect_discord as r; r(os.environ['LOCAL_DISCORD']); import bot"
)


@dataclass
class Ended:
    """A command that has ended."""

    code: int
    output: str


class Desk:
    """Where an operator sits: both services within reach, and a file that is not written yet."""

    def __init__(self, world: LocalDiscord, api: LocalInfermatic, folder: Path) -> None:
        self.world, self.api = world, api
        self.file = folder / ".env"
        self.environment: dict[str, str | None] = {**dict.fromkeys(ALL_SETTINGS), "INFERMATIC_BASE_URL": api.url}

    async def run(self, command: str, *options: str, answers: Sequence[str] = ()) -> Ended:
        """The command in a thread, because it has a loop of its own, with lines for its questions."""
        arguments = [command, "--file", str(self.file), *options]
        typed = "".join(f"{answer}\n" for answer in answers)
        result = await asyncio.to_thread(CliRunner().invoke, bot.app, arguments, input=typed, env=self.environment)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        for secret in (TOKEN, KEY):
            assert secret not in result.output
        return Ended(result.exit_code, result.output)

    async def set_up(self, **environment: str) -> Ended:
        """Without questions."""
        self.environment |= {"DISCORD_TOKEN": TOKEN, "INFERMATIC_API_KEY": KEY, **environment}
        ended = await self.run("setup", "--yes")
        self.environment |= {"DISCORD_TOKEN": None, "INFERMATIC_API_KEY": None, **dict.fromkeys(environment)}
        return ended

    @property
    def values(self) -> Mapping[str, str | None]:
        return dotenv_values(self.file)

    @property
    def files(self) -> set[str]:
        return {file.name for file in self.file.parent.iterdir()}


def unused_address() -> str:
    """Where nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


@asynccontextmanager
async def service_that_first_answers(*failures: int) -> AsyncIterator[str]:
    """The address of a service with one model whose list fails a few times; the local Infermatic's never does."""
    left = list(failures)

    async def answer(_: web.BaseRequest) -> web.Response:
        if left:
            error = {"message": "refused", "type": "token_not_found_in_db" if left[0] == 401 else None, "code": "x"}
            return web.json_response({"error": error}, status=left.pop(0))
        return web.json_response({"data": [{"id": MODEL, "object": "model", "created": 1, "owned_by": "x"}]})

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@contextmanager
def without_pauses() -> Iterator[None]:
    """The client's pauses before it tries again, left out."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AUTHENTICATION_PAUSE_SECONDS", "MIN_BACKOFF_SECONDS", "MAX_BACKOFF_SECONDS"):
            patch.setattr(_retry, name, 0.01)
        yield


@asynccontextmanager
async def desk_in(folder: Path, *, message_content_intent: bool = True) -> AsyncIterator[Desk]:
    """A desk between a local Discord and a local Infermatic."""
    async with (
        LocalDiscord(token=TOKEN, message_content_intent=message_content_intent) as world,
        LocalInfermatic() as api,
    ):
        world.redirect()
        api.add_key(KEY)
        with without_pauses():
            yield Desk(world, api, folder)


async def read_some(terminal: int) -> str:
    """What the terminal shows next; nothing once the process has ended."""
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(terminal, readable.set)
    try:
        await asyncio.wait_for(readable.wait(), 20)
        return os.read(terminal, 4096).decode(errors="replace")
    except OSError:
        return ""
    finally:
        loop.remove_reader(terminal)
