"""What holds for every entry of the bot, so that a new one is covered by itself."""

import inspect
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import discord
import pytest
from discord import app_commands

from chat.errors import ChatError
from cogs import _errors, _filter_words, _key_words, _report_problems, _scene_words, _setup_words
from cogs._audit_controls import EarlierEntriesControl
from cogs._bot import Bot, entry_action
from cogs._controls import CONTROLS, Control, Guarded, Menu
from cogs._editing import EditForm
from cogs._errors import explain
from cogs._key_form import KeyForm
from cogs._persona_controls import PERSONA_CONTROLS
from cogs._persona_forms import PersonaForm
from cogs._privacy_controls import PRIVACY_CONTROLS
from cogs._profile_form import ProfileForm
from cogs._reply_controls import REPLY_CONTROLS
from cogs._report_controls import REPORT_CONTROLS
from cogs._report_form import ReportForm
from cogs._setup_moderation import LimitsForm
from cogs._setup_talking import KeywordsForm
from cogs.help import in_messages
from cogs.setup import SETUP_CONTROLS
from infermatic_client import InfermaticError
from moderation.access import Reason, RefusedError
from moderation.deeds import ASKS, LOOKS, RECORDED_ELSEWHERE, is_recorded
from moderation.errors import FilterError
from moderation.reports import ReportError
from moderation.rights import REQUIRED, Level
from moderation.server_setup import SetupError
from storage import Limit, LimitUse, StorageError
from tests.e2e.conftest import Stage

DOCUMENTATION = Path(__file__).parents[2] / "docs" / "talking.md"
PRESSED: tuple[type[Guarded[Any]], ...] = (
    *CONTROLS,
    *REPLY_CONTROLS,
    EarlierEntriesControl,
    *PERSONA_CONTROLS,
    *PRIVACY_CONTROLS,
    *REPORT_CONTROLS,
    *SETUP_CONTROLS,
)
BUTTONS = [control for control in PRESSED if issubclass(control, Control)]
MENUS = [menu for menu in PRESSED if issubclass(menu, Menu)]
A_LIMIT = Limit("user", 0, "requests", "hour", 5, True, 1, datetime.now(UTC))
SAMPLES: dict[str, Any] = {
    "str": "x",
    "int": 1,
    "float": 5.0,
    "bool": True,
    "parameter": "temperature",
    "reached": LimitUse(A_LIMIT, 5, 5, datetime.now(UTC)),
    "others": (),
}


@pytest.fixture
def bot(stage: Stage) -> Bot:
    assert stage.bot is not None
    return stage.bot


def slash_commands(bot: Bot) -> list[app_commands.Command[Any, Any, Any]]:
    return [command for command in bot.tree.walk_commands() if isinstance(command, app_commands.Command)]


def context_menus(bot: Bot) -> list[app_commands.ContextMenu]:
    tree = bot.tree
    return [
        *tree.get_commands(type=discord.AppCommandType.message),
        *tree.get_commands(type=discord.AppCommandType.user),
    ]


def subclasses(base: type[Any]) -> Iterator[type[Any]]:
    for found in base.__subclasses__():
        yield found
        yield from subclasses(found)


def sample(kind: type[BaseException]) -> BaseException:
    """An error with something in every field that it needs."""
    if kind.__init__ is Exception.__init__:
        return kind()
    parameters = inspect.signature(kind).parameters.values()
    needed = [p for p in parameters if p.default is p.empty and p.kind is not p.VAR_KEYWORD]
    values = [SAMPLES.get(p.name, SAMPLES.get(getattr(p.annotation, "__name__", ""), "x")) for p in needed]
    return kind(*values)


async def test_every_entry_has_an_action_that_rights_know(bot: Bot) -> None:
    entries = [command.qualified_name for command in slash_commands(bot)]
    entries += [menu.qualified_name for menu in context_menus(bot)]
    assert entries
    assert [name for name in entries if entry_action(name) not in REQUIRED] == []
    assert [control for control in PRESSED if control.action not in REQUIRED] == []


async def test_every_right_belongs_to_something(bot: Bot) -> None:
    entries = {c.qualified_name for c in slash_commands(bot)}
    entries |= {menu.qualified_name.lower() for menu in context_menus(bot)}
    entries |= {control.action.removesuffix(" own") for control in PRESSED}
    entries |= {
        "channel set server",
        "persona look after",
        "persona mark",
        "lore server",
        "lore read",
        "apikey remove lent",
    }
    assert [action for action in REQUIRED if action.removesuffix(" own") not in entries] == []


async def test_every_button_and_menu_is_registered_so_that_it_works_after_a_restart(bot: Bot) -> None:
    leaves = {control for control in subclasses(Guarded) if not control.__subclasses__()}
    assert set(PRESSED) == leaves == {*BUTTONS, *MENUS}
    registered = set(bot._connection._view_store._dynamic_items.values())
    assert registered == leaves
    patterns = [control.__discord_ui_compiled_template__ for control in PRESSED]
    for menu in MENUS:
        assert len([pattern for pattern in patterns if pattern.fullmatch(menu.prefix)]) == 1
    for control in BUTTONS:
        custom_id = control(1 << 62).item.custom_id
        assert custom_id is not None
        assert len([pattern for pattern in patterns if pattern.fullmatch(custom_id)]) == 1
        assert control.label or control.emoji


async def test_every_form_asks_the_guard(stage: Stage, bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    forms = {form for form in subclasses(discord.ui.Modal) if form.__module__.startswith("cogs.")}
    theirs = {KeywordsForm, LimitsForm}  # those of the panel, which ask for the whole server: test_setup_panel.py
    assert forms == {EditForm, KeyForm, PersonaForm, ProfileForm, ReportForm, *theirs}
    reply = await stage.ask(stage.ada, "one", answer="The cat sat.")
    opened = await stage.ada.click(reply, label="✏️")
    await opened.answered()
    character = await stage.ada.slash(stage.channel, "persona create")
    await character.answered()
    profile = await stage.ada.slash(stage.channel, "profile set")
    await profile.answered()
    key = await stage.ada.slash(stage.channel, "apikey lend")
    await key.answered()
    report = await stage.ada.message_command(reply, "Report")
    await report.answered()
    asked: list[str] = []

    async def check(action: str, *_: object) -> None:
        asked.append(action)
        raise RefusedError(Reason.SHUTTING_DOWN)

    monkeypatch.setattr(bot.services.guard, "check", check)
    submitted = await stage.ada.submit(opened, text="The dog stood.")
    told = (await submitted.answered()).response
    assert told.ephemeral
    assert told.content == explain(RefusedError(Reason.SHUTTING_DOWN)).text
    assert asked == ["edit own"]
    submitted = await stage.ada.submit(character, name="Mira")
    assert (await submitted.answered()).response.content == told.content
    submitted = await stage.ada.submit(profile, name="Kira")
    assert (await submitted.answered()).response.content == told.content
    submitted = await stage.ada.submit(key, key="sk-one")
    assert (await submitted.answered()).response.content == told.content
    submitted = await stage.ada.submit(report, reason="rude")
    assert (await submitted.answered()).response.content == told.content
    assert asked == ["edit own", "persona create", "profile set", "apikey lend", "report"]
    assert reply.content == "The cat sat."


async def test_every_command_and_option_is_described_and_named_once(bot: Bot) -> None:
    commands = slash_commands(bot)
    names = [command.qualified_name for command in commands]
    assert len(names) == len(set(names))
    for command in commands:
        assert command.description not in {"", "…"}, command.qualified_name
        for option in command.parameters:
            assert str(option.description) not in {"", "…"}, f"{command.qualified_name} {option.name}"
    groups = [group for group in bot.tree.walk_commands() if isinstance(group, app_commands.Group)]
    assert all(group.description not in {"", "…"} for group in groups)


async def test_every_command_is_documented_and_nothing_else_is(bot: Bot) -> None:
    names = {command.qualified_name for command in slash_commands(bot)}
    rows = [line.split("|")[1] for line in DOCUMENTATION.read_text().splitlines() if line.startswith("| `/")]
    documented = set()
    for text in re.findall(r"`/([^`]+)`", "".join(rows)):
        documented.add(max((name for name in names if f"{text} ".startswith(f"{name} ")), key=len, default=text))
    assert documented == names


async def test_help_lists_what_the_person_may_use(stage: Stage, bot: Bot) -> None:
    async def listed(person: Any) -> set[str]:
        interaction = await person.slash(stage.channel, "help")
        await interaction.answered()
        await stage.settled()
        text = "\n".join(message.content for message in interaction.messages)
        found = re.findall(r"^`/(\w+) ?([^`]*)`", text, re.MULTILINE)
        return {f"{name} {part}".strip() for name, inside in found for part in inside.split(" | ")}

    everything = {command.qualified_name for command in slash_commands(bot)}
    assert await listed(stage.moderator) == everything - {"doctor", "setup", "apikey set"}
    assert await listed(stage.admin) == everything
    staff = {"doctor", "setup", "apikey set", "model set", "model reset", "history checkout", "history import"}
    staff |= {"channel set", "persona use", "persona clear", "persona turns", "note set", "note clear"}
    staff |= {"scene end"}
    staff |= {f"limit {name}" for name in ("set", "list", "remove", "grant", "weight")} | {"queue show", "queue clear"}
    staff |= {f"lore {name}" for name in ("import", "enable", "disable", "delete")}
    staff |= {f"sampling {name}" for name in ("set", "reset", "save", "load", "delete", "import")}
    staff |= {f"usage {name}" for name in ("server", "channel", "chart", "export")}
    staff |= {f"access {name}" for name in ("allow", "deny", "clear", "list")}
    staff |= {f"filter {name}" for name in ("add", "remove", "list", "test", "automod")}
    staff |= {"audit show", "audit export", "pause", "resume"}
    assert await listed(stage.ada) == everything - staff


def test_long_help_goes_over_several_messages() -> None:
    lines = ["a" * 900, "", "b" * 900, "c" * 900, "d" * 2500]
    assert in_messages(lines) == ["\n\n".join(lines[::2][:1] + lines[2:3]), lines[3], "d" * 1999]


async def test_what_is_for_the_staff_alone_is_hidden_from_others(bot: Bot) -> None:
    for command in bot.tree.get_commands(type=discord.AppCommandType.chat_input):
        leaves = [part for part in slash_commands(bot) if part.qualified_name.split()[0] == command.name]
        required = min(REQUIRED[entry_action(leaf.qualified_name)] for leaf in leaves)
        hidden_from = command.default_permissions
        if required >= Level.ADMIN:
            assert hidden_from == discord.Permissions(manage_guild=True), command.name
        elif required >= Level.MODERATOR:
            assert hidden_from == discord.Permissions(manage_messages=True), command.name
        else:
            assert hidden_from is None, command.name


def test_every_deed_is_recorded_unless_it_is_known_why_not() -> None:
    assert REQUIRED.keys() >= LOOKS | ASKS | RECORDED_ELSEWHERE
    by_right = {action for action, level in REQUIRED.items() if level > Level.MEMBER}
    assert by_right >= LOOKS | ASKS | RECORDED_ELSEWHERE
    assert {action for action in by_right if not is_recorded(action)} == LOOKS | ASKS | RECORDED_ELSEWHERE
    assert not any(is_recorded(action) for action in REQUIRED.keys() - by_right)


@pytest.mark.parametrize("base", [ChatError, FilterError, InfermaticError, ReportError, SetupError, StorageError])
def test_every_error_has_words_of_its_own(base: type[BaseException], caplog: pytest.LogCaptureFixture) -> None:
    modules = (_errors, _filter_words, _key_words, _report_problems, _scene_words, _setup_words)
    words = "".join(map(inspect.getsource, modules))
    for kind in subclasses(base):
        assert re.search(rf"\b{kind.__name__}\(", words), f"{kind.__name__} has no words"
        explanation = explain(sample(kind))
        assert explanation.text
        assert "incident" not in explanation.text, kind.__name__
    assert not caplog.records


def test_every_refusal_has_words_of_its_own() -> None:
    texts = {explain(RefusedError(reason)).text for reason in Reason}
    assert len(texts) == len(Reason)
    levels = [level for level in Level if level > Level.MEMBER]
    assert len({explain(RefusedError(Reason.LEVEL_TOO_LOW, level)).text for level in levels}) == len(levels)


def test_an_error_without_words_gets_an_incident_that_the_log_has_too(caplog: pytest.LogCaptureFixture) -> None:
    explanation = explain(RuntimeError("surprise"))
    [incident] = re.findall(r"incident `(\w+)`", explanation.text)
    assert incident in caplog.text
    assert "surprise" not in explanation.text
