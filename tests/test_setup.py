"""The setup and the doctor on the command line, against the local Discord and the local Infermatic."""

import asyncio
import io
import os
import re
import socket
import stat
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path

import discord
import pytest
from aiohttp import web
from cryptography.fernet import Fernet
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import bot
from chat import diagnosis
from cogs._account import PERMISSIONS, SCOPES, invitation
from cogs.doctor import permission_words
from infermatic_client import InfermaticClient, _retry
from playground.discord import LocalDiscord
from playground.infermatic import LocalInfermatic
from settings import Settings
from setup_wizard import with_values, write_private
from storage import open_storage

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


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AUTHENTICATION_PAUSE_SECONDS", "MIN_BACKOFF_SECONDS", "MAX_BACKOFF_SECONDS"):
        monkeypatch.setattr(_retry, name, 0.01)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with LocalDiscord(token=TOKEN) as world, LocalInfermatic() as api:
        world.redirect()
        api.add_key(KEY)
        yield Desk(world, api, tmp_path)


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


# --- setup


async def test_the_questions_end_in_a_file_that_the_bot_can_run_with(desk: Desk) -> None:
    ended = await desk.run("setup", answers=[TOKEN, KEY, "2", "", "y"])
    assert ended.code == 0, ended.output
    values = {name: value or "" for name, value in desk.values.items()}
    settings = Settings.from_env(values)
    names = sorted(await models(desk))
    assert (settings.discord_token, settings.infermatic_api_key) == (TOKEN, (KEY,))
    assert settings.default_model == names[1]
    assert settings.owner_ids == {desk.world.application.owner.id}
    assert Fernet(settings.secret_key[0])
    assert settings.infermatic_base_url == desk.api.url
    assert stat.S_IMODE(desk.file.stat().st_mode) == 0o600
    assert desk.files == {".env"}
    assert "# --- Storage" in desk.file.read_text()
    assert invitation(desk.world.application.id) in ended.output
    assert settings.secret_key[0] not in ended.output


async def models(desk: Desk) -> list[str]:
    async with InfermaticClient(KEY, desk.api.url) as client:
        return await diagnosis.models_of(client)


async def test_wrong_answers_are_explained_and_asked_for_again(desk: Desk) -> None:
    typed = [
        "wrong-token",
        "two words",
        TOKEN,
        "sk-wrong",
        "sk ä",
        KEY,
        "999",
        "no-such-model",
        MODEL,
        "ada",
        "5, 6",
        "y",
    ]
    ended = await desk.run("setup", answers=typed)
    assert ended.code == 0, ended.output
    assert ended.output.count("Discord does not accept this token") == 2
    assert "the service does not accept it" in ended.output
    assert "no spaces and no special characters" in ended.output
    assert ended.output.count("no model of that name or number") == 2
    assert "A Discord id is a number" in ended.output
    assert (desk.values["DEFAULT_MODEL"], desk.values["OWNER_IDS"]) == (MODEL, "5, 6")
    assert "wrong" not in desk.file.read_text()


async def test_existing_values_are_kept_and_the_old_file_with_them(desk: Desk) -> None:
    old = f"# mine\nSECRET_KEY=\n\nDEFAULT_MODEL={MODEL}\nSYSTEM_PROMPT='two\nlines'\nexport DISCORD_TOKEN=old\nX=1"
    desk.file.write_text(old)
    desk.file.chmod(0o644)
    ended = await desk.run("setup", answers=["", TOKEN, KEY, "", "", "y"])
    assert ended.code == 0, ended.output
    assert "Discord does not accept this token" in ended.output
    assert desk.files == {".env", ".env.bak"}
    backup = desk.file.with_name(".env.bak")
    assert backup.read_text() == old
    assert stat.S_IMODE(backup.stat().st_mode) == stat.S_IMODE(desk.file.stat().st_mode) == 0o600
    assert desk.file.read_text().startswith("# mine\nSECRET_KEY=")
    assert desk.values["SYSTEM_PROMPT"] == "two\nlines"
    assert (desk.values["DISCORD_TOKEN"], desk.values["X"], desk.values["DEFAULT_MODEL"]) == (TOKEN, "1", MODEL)


async def test_a_second_run_changes_nothing(desk: Desk) -> None:
    assert (await desk.set_up()).code == 0
    before = desk.file.read_text()
    ended = await desk.run("setup", answers=["", "", "", ""])
    assert ended.code == 0, ended.output
    assert "says all this already" in ended.output
    assert desk.file.read_text() == before
    assert desk.files == {".env"}


@pytest.mark.parametrize("answers", [[TOKEN, KEY, "1", "", "n"], [TOKEN, KEY], []])
async def test_nothing_is_written_before_the_last_yes(desk: Desk, answers: list[str]) -> None:
    desk.file.write_text("X=1\n")
    assert (await desk.run("setup", answers=answers)).code == 1
    assert desk.files == {".env"}
    assert desk.file.read_text() == "X=1\n"


async def test_without_questions_everything_comes_from_the_environment_or_options(desk: Desk) -> None:
    ended = await desk.run("setup", "--token", TOKEN, "--key", KEY, "--model", MODEL, "--owner", "7", "--yes")
    assert ended.code == 0, ended.output
    assert (desk.values["DEFAULT_MODEL"], desk.values["OWNER_IDS"]) == (MODEL, "7")
    desk.file.unlink()
    assert (await desk.set_up()).code == 0
    assert desk.values["DISCORD_TOKEN"] == TOKEN


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"DISCORD_TOKEN": ""}, 78, "DISCORD_TOKEN is not given"),
        ({"DISCORD_TOKEN": "wrong"}, 78, "Discord does not accept this token"),
        ({"INFERMATIC_API_KEY": ""}, 78, "INFERMATIC_API_KEY is not given"),
        ({"INFERMATIC_API_KEY": f"{KEY}, sk-wrong"}, 78, "the service does not accept it"),
        ({"INFERMATIC_BASE_URL": "nonsense"}, 78, "INFERMATIC_BASE_URL must be an address"),
        ({"DEFAULT_MODEL": "none-such"}, 78, "no model of that name"),
        ({"OWNER_IDS": "ada"}, 78, "A Discord id is a number"),
    ],
)
async def test_without_questions_a_problem_ends_it_in_words(
    desk: Desk, changes: dict[str, str], code: int, words: str
) -> None:
    ended = await desk.set_up(**changes)
    assert (ended.code, desk.files) == (code, set())
    assert words in ended.output


async def test_a_service_out_of_reach_may_be_asked_again(desk: Desk) -> None:
    desk.world.faults.add(path_regex="/users/@me", status=503, times=1)
    async with service_that_first_answers(503, 502) as address:
        answers = [TOKEN, "y", KEY, "y", "", "", "y"]
        desk.environment["INFERMATIC_BASE_URL"] = address
        ended = await desk.run("setup", answers=answers)
    assert ended.code == 0, ended.output
    assert "Discord answers with a failure (503)" in ended.output
    assert "Infermatic: the service has a problem of its own" in ended.output
    assert desk.values["DISCORD_TOKEN"] == TOKEN


async def test_a_service_out_of_reach_ends_it_without_questions(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = await desk.set_up(INFERMATIC_BASE_URL=unused_address())
    assert (ended.code, desk.files) == (1, set())
    assert "the service cannot be reached" in ended.output
    monkeypatch.setattr(discord.http.Route, "BASE", unused_address())
    ended = await desk.set_up()
    assert (ended.code, desk.files) == (1, set())
    assert "Discord cannot be reached" in ended.output


async def test_one_refusal_of_a_good_key_is_no_proof(desk: Desk) -> None:
    async with service_that_first_answers(401) as address:
        assert (await desk.set_up(INFERMATIC_BASE_URL=address)).code == 0
    async with service_that_first_answers(401, 401) as address:
        assert (await desk.set_up(INFERMATIC_BASE_URL=address)).code == 78


async def test_an_intent_that_is_off_is_said_with_the_place_to_switch_it_on(tmp_path: Path) -> None:
    async with LocalDiscord(token=TOKEN, message_content_intent=False) as world, LocalInfermatic() as api:
        world.redirect()
        api.add_key(KEY)
        ended = await Desk(world, api, tmp_path).set_up()
    assert ended.code == 0
    assert f"https://discord.com/developers/applications/{world.application.id}/bot" in ended.output


async def test_a_folder_that_cannot_be_written_is_said_before_any_question(desk: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    # Root may write everywhere but in the system's own view of its processes.
    desk.file = (folder if os.geteuid() else Path("/proc/self/fdinfo")) / ".env"
    ended = await desk.run("setup", answers=[])
    assert ended.code == 78
    assert "cannot be written" in ended.output
    assert not desk.world.requests


def test_a_file_that_cannot_be_replaced_stays_as_it_was(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    (target / "inside").mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        write_private(target, "text")
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_private(tmp_path / "link", "text")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "text"


async def test_a_terminal_does_not_show_what_is_secret(desk: Desk) -> None:
    ours, theirs = os.openpty()
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "LOCAL_DISCORD": desk.world.url, "TERM": "dumb"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", f"{REDIRECTED}; bot.app()", "setup", "--file", str(desk.file),
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        env={**environment, "INFERMATIC_BASE_URL": desk.api.url},
    )  # fmt: skip
    os.close(theirs)
    seen = ""
    for prompt, typed in (("Token,", TOKEN), ("Key,", KEY), ("Number", ""), ("Discord id", ""), ("Write", "y")):
        # The last blank of a prompt comes once the terminal shows nothing any more.
        while not (prompt in seen.rsplit("\n", 1)[-1] and seen.endswith(": ")):
            more = await read_some(ours)
            assert more, seen
            seen += more
        os.write(ours, f"{typed}\n".encode())
    while text := await read_some(ours):
        seen += text
    os.close(ours)
    assert await process.wait() == 0, seen
    assert TOKEN not in seen
    assert KEY not in seen
    assert desk.values["INFERMATIC_API_KEY"] == KEY


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


names = st.from_regex(r"[A-Z][A-Z_]{0,6}", fullmatch=True)
texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=20).filter(
    lambda t: "$" not in t
)


@given(st.dictionaries(names, texts), st.dictionaries(names, texts, min_size=1))
def test_what_is_written_is_what_is_read(before: dict[str, str], changes: dict[str, str]) -> None:
    written = with_values("# kept\n" + with_values("", before), changes)
    read = dotenv_values(stream=io.StringIO(written))
    assert read == {**before, **changes}
    assert written.startswith("# kept\n")


def test_the_readme_names_the_permissions_and_scopes_of_the_invitation() -> None:
    readme = " ".join((ROOT / "README.md").read_text().split())
    for name, needed in PERMISSIONS:
        if needed:
            assert permission_words(name) in readme
    link = invitation(5)
    assert f"permissions={PERMISSIONS.value}" in link
    assert re.search(r"scope=([\w.+]+)", link)[1].split("+") == list(SCOPES)  # type: ignore[index]  # None would fail, too


# --- doctor


async def diagnosed(desk: Desk, **environment: str) -> Ended:
    desk.environment |= environment
    return await desk.run("doctor")


@pytest.fixture
async def ready(desk: Desk) -> Desk:
    """A desk with everything set up."""
    assert (await desk.set_up(DEFAULT_MODEL=MODEL)).code == 0
    database = f"sqlite:///{desk.file.parent}/bot.db"
    desk.file.write_text(with_values(desk.file.read_text(), {"DATABASE_URL": database}))
    desk.environment["INFERMATIC_BASE_URL"] = None
    return desk


async def test_all_is_well(ready: Desk) -> None:
    ended = await diagnosed(ready)
    assert ended.code == 0, ended.output
    assert "✗" not in ended.output
    for words in ("Token: accepted", "intent: on", "Clock: right", "API key: accepted; ", f"{MODEL} is served",
                  "Database: none yet", "SECRET_KEY: set", "documented"):  # fmt: skip
        assert words in ended.output
    assert not (ready.file.parent / "bot.db").exists()


async def test_a_database_in_use_is_looked_at_and_left_alone(ready: Desk) -> None:
    storage = await open_storage(f"sqlite:///{ready.file.parent}/bot.db")
    ended = await diagnosed(ready)
    await storage.close()
    assert ended.code == 0, ended.output
    assert re.search(r"Database: SQLite [\d.]+ answers, schema \d+, \d+ KiB", ended.output)
    assert re.search(r"Disk: [\d.,]+ [MG]iB free", ended.output)


async def wrong_setting(desk: Desk, name: str, value: str) -> Ended:
    desk.file.write_text(with_values(desk.file.read_text(), {name: value}))
    return await diagnosed(desk)


@pytest.mark.parametrize(
    ("name", "value", "code", "words"),
    [
        ("DISCORD_TOKEN", "canary-wrong", 1, "Token: Discord does not accept it"),
        ("DISCORD_TOKEN", "", 78, "Token: none is set"),
        ("INFERMATIC_API_KEY", "sk-canary-wrong", 1, "API key: the service does not accept it"),
        ("INFERMATIC_API_KEY", "sk canary ä", 1, "one holds characters that no key has"),
        ("INFERMATIC_API_KEY", "", 78, "API key: none is set"),
        ("DEFAULT_MODEL", "gone-model", 1, "gone-model is not served"),
        ("FALLBACK_MODELS", "gone-model", 0, "gone-model is not served"),
        ("SECRET_KEY", "", 0, "SECRET_KEY: not set"),
        ("SECRET_KEY", "canary-short", 78, "SECRET_KEY must be Fernet keys"),
        ("DATABASE_URL", "postgresql://u:canary-word@127.0.0.1:1/d", 1, "Database: it does not answer"),
        ("DATABASE_URL", "postgresql://u:canary-word@h/d?canary=1", 1, "names none that can be opened"),
    ],
)
async def test_what_is_wrong_is_said_with_its_mend_and_without_secrets(
    ready: Desk, name: str, value: str, code: int, words: str
) -> None:
    ended = await wrong_setting(ready, name, value)
    assert (ended.code, words in ended.output) == (code, True), ended.output
    assert "canary" not in ended.output


async def test_a_damaged_database_is_said(ready: Desk) -> None:
    (ready.file.parent / "bot.db").write_bytes(b"no database at all" * 500)
    ended = await diagnosed(ready)
    assert ended.code == 1
    assert "Database: the file is damaged" in ended.output
    assert "Put a backup in its place" in ended.output


async def test_services_out_of_reach_are_said(ready: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discord.http.Route, "BASE", unused_address())
    ended = await diagnosed(ready, INFERMATIC_BASE_URL=unused_address())
    assert ended.code == 1
    assert "Discord: cannot be reached" in ended.output
    assert "API key: the service cannot be reached" in ended.output
    assert "Models: not known" in ended.output


async def test_a_clock_that_is_wrong_is_said(ready: Desk) -> None:
    await diagnosed(ready)
    [*_, request] = ready.world.requests_for("GET", "/applications/@me")
    long_ago = {"Date": formatdate(1e9)}
    ready.world.faults.add(path_regex="/applications/@me", status=200, json=request.answer, headers=long_ago)
    ended = await diagnosed(ready)
    assert ended.code == 0
    assert re.search(r"Clock: [\d,]{9,} seconds ahead of Discord's", ended.output)
    assert "NTP" in ended.output
    assert diagnosis.clock_finding(-90.0).text == "90 seconds behind Discord's."
