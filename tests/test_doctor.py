"""The doctor on the terminal, against the local Discord and the local Infermatic."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from email.utils import formatdate
from pathlib import Path

import discord
import pytest

from chat.diagnosis import clock_finding
from setup_wizard import with_values
from storage import open_storage
from tests.desk import MODEL, REDIRECTED, ROOT, TOKEN, Desk, Ended, desk_in, unused_address


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk_in(tmp_path) as desk:
        yield desk


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


@pytest.mark.parametrize(("token", "code"), [(TOKEN, 0), ("canary-wrong", 1), ("", 78)])
async def test_a_process_ends_with_the_code_of_what_it_found(ready: Desk, token: str, code: int) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error::ResourceWarning", "-c", f"{REDIRECTED}; bot.app()",
        "doctor", "--file", ready.file,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "LOCAL_DISCORD": ready.world.url,
             "DISCORD_TOKEN": token},
    )  # fmt: skip
    output, errors = await process.communicate()
    assert (process.returncode, errors) == (code, b"")
    assert b"canary" not in output
    assert b"API key: accepted" in output


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
    assert clock_finding(-90.0).text == "90 seconds behind Discord's."
