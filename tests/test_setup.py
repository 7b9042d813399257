"""The setup, against the local Discord and the local Infermatic."""

import asyncio
import io
import os
import re
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import discord
import pytest
from cryptography.fernet import Fernet
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st

from chat.diagnosis import models_of
from cogs._account import PERMISSIONS, SCOPES, invitation
from cogs.doctor import permission_words
from infermatic_client import InfermaticClient
from settings import Settings
from setup_wizard import with_values, write_private
from tests.desk import (
    KEY,
    MODEL,
    REDIRECTED,
    ROOT,
    TOKEN,
    Desk,
    desk_in,
    read_some,
    service_that_first_answers,
    unused_address,
)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk_in(tmp_path) as desk:
        yield desk


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
        return await models_of(client)


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
    async with desk_in(tmp_path, message_content_intent=False) as desk:
        ended = await desk.set_up()
    assert ended.code == 0
    assert f"https://discord.com/developers/applications/{desk.world.application.id}/bot" in ended.output


async def test_the_owner_of_a_team_is_suggested_rather_than_the_team(desk: Desk) -> None:
    await desk.set_up()
    [request] = desk.world.requests_for("GET", "/applications/@me")
    team: dict[str, Any] = {"id": "5", "name": "Crew", "icon": None, "owner_user_id": "77", "members": []}
    answer = {**request.answer, "team": team}
    desk.world.faults.add(path_regex="/applications/@me", status=200, json=answer)
    desk.file.unlink()
    assert (await desk.set_up()).code == 0
    assert desk.values["OWNER_IDS"] == "77"


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
