"""`/doctor`: what it says of the channel, the server, the services and the database, and to whom."""

from typing import Any

import discord
import pytest
from cryptography.fernet import Fernet

from chat.diagnosis import Finding, Mark
from cogs._account import PERMISSIONS
from cogs.doctor import MOST_CHANNELS, permission_words, report_text
from infermatic_client import _retry
from playground.discord import LocalDiscord, Permission, PersonError
from playground.infermatic import LocalInfermatic
from settings import Settings
from storage.health import DatabaseReport
from tests.e2e.conftest import MODEL, Stage, changed, running

pytestmark = pytest.mark.usefixtures("no_rate_limits")

TOKEN, KEY, SEAL = "canary-token", "sk-canary-key", Fernet.generate_key().decode()


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused key is tried twice, with a pause that no test needs."""
    monkeypatch.setattr(_retry, "AUTHENTICATION_PAUSE_SECONDS", 0.01)


@pytest.fixture
async def world() -> Any:
    async with LocalDiscord(token=TOKEN) as world:
        world.redirect()
        yield world


@pytest.fixture
def settings(api: LocalInfermatic, settings: Settings) -> Settings:
    api.add_key(KEY)
    return changed(settings, discord_token=TOKEN, infermatic_api_key=(KEY,), secret_key=(SEAL,))


@pytest.fixture
def offstage(offstage: Stage) -> Stage:
    """The bot has exactly what its invitation asks for."""
    member = offstage.guild.members[offstage.world.bot.id]
    for role in member.roles:
        role.edit(permissions=PERMISSIONS.value)
    offstage.guild.everyone.edit(permissions=int(Permission.VIEW_CHANNEL | Permission.USE_APPLICATION_COMMANDS))
    return offstage


async def report(stage: Stage, channel: Any = None) -> str:
    """What the admin is told, and nobody else."""
    shown = await stage.command(stage.admin, "doctor", channel)
    assert shown.ephemeral
    assert len(shown.content) <= 2000
    for secret in ("canary", SEAL):
        assert secret not in shown.content
    return str(shown.content)


async def test_all_is_well(stage: Stage) -> None:
    text = await report(stage)
    assert "❌" not in text
    assert "⚠️" not in text
    lines = [
        "✅ **Message Content intent**: on.",
        "✅ **This channel**: I have every permission that I need.",
        f"✅ **API key**: accepted; {len(stage.api.models) - 1} models.",
        f"✅ **Default model**: `{MODEL}` is served.",
        "✅ **SECRET_KEY**: set.",
        "✅ **Clock**: right.",
    ]
    assert [line for line in lines if line not in text] == []
    assert "✅ **Database**: SQLite" in text
    assert "✅ **Disk**:" in text


async def test_it_is_for_people_who_manage_the_server(stage: Stage) -> None:
    with pytest.raises(PersonError):
        await stage.command(stage.moderator, "doctor")
    stage.guild.override_command("doctor", stage.guild.everyone, allowed=True)
    refused = await stage.command(stage.moderator, "doctor")
    assert refused.content == "That is for people who may manage this server."
    assert refused.ephemeral


@pytest.mark.parametrize(
    ("lost", "mark"),
    [
        (Permission.EMBED_LINKS, "⚠️"),
        (Permission.READ_MESSAGE_HISTORY, "❌"),
        (Permission.ADD_REACTIONS, "⚠️"),
        (Permission.ATTACH_FILES, "⚠️"),
    ],
)
async def test_a_permission_that_is_missing_here_is_named(stage: Stage, lost: Permission, mark: str) -> None:
    stage.channel.set_permissions(stage.world.bot, deny=int(lost))
    text = await report(stage)
    assert f"{mark} **This channel**: I lack {permission_words(str(lost.name).lower())}." in text
    assert "Allow it in the channel's settings" in text


async def test_a_thread_needs_the_permission_of_threads(stage: Stage) -> None:
    thread = stage.channel.add_thread("plans", stage.admin.user)
    stage.channel.set_permissions(stage.world.bot, deny=int(Permission.SEND_MESSAGES_IN_THREADS))
    assert "I lack Send Messages in Threads" in await report(stage, thread)
    assert "This channel**: I have every permission" in await report(stage)


async def test_other_channels_with_something_missing_are_named_and_hidden_ones_counted(stage: Stage) -> None:
    for number in range(MOST_CHANNELS + 2):
        stage.guild.add_text_channel(f"c{number}").set_permissions(
            stage.world.bot, deny=int(Permission.READ_MESSAGE_HISTORY)
        )
    hidden = stage.guild.add_text_channel("hidden")
    hidden.set_permissions(stage.world.bot, deny=int(Permission.VIEW_CHANNEL))
    assert stage.bot is not None
    guild = stage.bot.get_guild(stage.guild.id)
    await stage.world.wait_until(lambda: guild is not None and guild.get_channel(hidden.id) is not None)
    text = await report(stage)
    assert text.count(": I lack Read Message History.") == MOST_CHANNELS
    assert "2 more where I lack something" in text
    assert "✅ **Hidden channels**: 1;" in text


async def test_what_the_settings_get_wrong_is_said(offstage: Stage) -> None:
    windows = {MODEL: 1000}
    settings = changed(
        offstage.settings, default_model="gone`model", fallback_models=("old-one", MODEL), secret_key=(),
        context_windows=windows, infermatic_api_key=(KEY, "sk-canary-wrong"),
    )  # fmt: skip
    async with running(offstage, settings, message_content=False):
        text = await report(offstage)
    assert "⚠️ **Message Content intent**: off" in text
    assert f"/applications/{offstage.world.application.id}/bot" in text
    assert "✅ **API key 1**: accepted" in text
    assert "❌ **API key 2**: the service does not accept it." in text
    assert "❌ **Default model**: `gone'model` is not served." in text
    assert "⚠️ **Fallback models**: `old-one` is not served." in text
    assert "1 set by you" in text
    assert "⚠️ **SECRET_KEY**: not set" in text


async def test_what_was_learned_of_windows_counts(stage: Stage) -> None:
    assert stage.bot is not None
    await stage.bot.services.catalogue.learn_context_window(MODEL, 9000)
    assert "1 learned" in await report(stage)


async def test_a_service_that_is_down_is_said_in_time(stage: Stage) -> None:
    await stage.api.stop()
    text = await report(stage)
    assert "❌ **API key**: the service cannot be reached." in text
    assert "⚠️ **Models**: not known" in text


async def test_in_a_direct_message_the_operator_hears_of_everything_but_channels(offstage: Stage) -> None:
    owners = frozenset({offstage.ada.user.id})
    async with running(offstage, changed(offstage.settings, owner_ids=owners)):
        direct = await offstage.ada.open_dm()
        shown = await offstage.command(offstage.ada, "doctor", direct)
    assert "**API key**" in shown.content
    assert "channel" not in shown.content


def test_a_report_that_does_not_fit_leaves_out_what_is_well() -> None:
    findings = [Finding(f"Good {n}", Mark.GOOD, "x" * 80) for n in range(15)]
    findings += [Finding(f"Wrong {n}", Mark.WRONG, "y" * 80, "mend it") for n in range(12)]
    text = report_text(findings)
    assert len(text) <= 2000
    assert text.count("❌") == 12
    assert 0 < text.count("✅") < 15
    assert f"{15 - text.count('✅')} more lines do not fit here" in text


def test_permissions_are_called_as_discord_calls_them() -> None:
    assert {permission_words(name) for name, needed in PERMISSIONS if needed} == {
        "View Channel", "Send Messages", "Send Messages in Threads", "Read Message History", "Add Reactions",
        "Embed Links", "Attach Files", "Manage Webhooks", "Create Public Threads",
    }  # fmt: skip
    assert not discord.Permissions(manage_guild=True).is_subset(PERMISSIONS)


@pytest.mark.parametrize(("room", "mark"), [(1 << 40, "✅"), (100 << 20, "⚠️"), (1 << 20, "❌")])
async def test_a_full_disk_is_said(stage: Stage, monkeypatch: pytest.MonkeyPatch, room: int, mark: str) -> None:
    monkeypatch.setattr("storage.health.room_beside", lambda _: room)
    assert f"{mark} **Disk**: " in await report(stage)
    assert DatabaseReport("SQLite", "3", None, "1").room is None
