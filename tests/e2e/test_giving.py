"""Everything in which people can write or hand over a file: what takes their words refuses those who opted out."""

import json
from collections.abc import Iterator
from typing import Any

import discord
import pytest
from discord import app_commands

from cogs._bot import Bot, entry_action
from cogs._editing import EditForm
from cogs._key_form import KeyForm
from cogs._persona_forms import PersonaForm
from cogs._profile_form import ProfileForm
from cogs._report_form import ReportForm
from cogs._report_words import WITHOUT_REASON
from cogs._setup_moderation import LimitsForm
from cogs._setup_talking import KeywordsForm
from moderation.rights import GIVES_WORDS
from tests.e2e.characters import card_file, storage_of, taken_in
from tests.e2e.conftest import Stage
from tests.e2e.test_surface import context_menus, slash_commands, subclasses

pytestmark = pytest.mark.usefixtures("no_rate_limits")

WORDS = "sealed lips"
OPTED_OUT = "You opted out"
LORE = json.dumps({"entries": {"0": {"key": ["sea"], "content": WORDS}}}).encode()
CHAT = json.dumps({"mes": WORDS, "is_user": True, "name": "Ada"}).encode()
GIVING: dict[str, dict[str, Any]] = {
    "chat": {"message": WORDS},
    "complete": {"prompt": WORDS},
    "tokens": {"text": WORDS},
    "profile set": {"name": WORDS},
    "persona create": {},
    "persona import": {"file": card_file()},
    "persona edit": {"name": "Mira", "file": card_file()},
    "lore import": {"file": ("lore.json", LORE)},
    "history import": {"file": ("chat.jsonl", CHAT)},
    "note set": {"text": WORDS},
    "scene start": {"persona": "Mira", "title": WORDS},
}
"""The commands that take words of a person, with such words."""

NOT_WORDS = {
    "model list": "looks for a model",
    "sampling set": "a number, or where a reply ends",
    "sampling save": "what a set of numbers is called",
    "sampling import": "a set of numbers",
    "channel set": "what the channel listens for, and for how long it keeps messages",
    "lore test": "is compared with a lorebook and not kept",
    "history search": "looks for what was said",
    "access allow": "a time, and a moderator's reason for the record",
    "access deny": "a time, and a moderator's reason for the record",
    "filter add": "what is not to be said",
    "filter test": "is compared with filters and not kept",
    "audit show": "a time",
    "audit export": "a time",
    "limit grant": "a time",
}
"""The others in which something can be typed, and why that is nobody's words."""

FORMS: dict[type[discord.ui.Modal], str | None] = {
    EditForm: "edit own",
    PersonaForm: "persona create",
    ProfileForm: "profile set",
    ReportForm: None,  # the report is taken, its reason is not
    KeyForm: None,  # a secret, sealed
    KeywordsForm: None,  # of the panel, in which admins set what holds for the server
    LimitsForm: None,
}
"""The forms, with what the guard is asked when one comes back."""

MENUS = {"Import as persona": True, "Regenerate": False, "Continue from here": False, "Forget": False, "Report": False}
"""The entries in the menu of messages, and whether they take in what a person gives."""


def typed_or_handed_over(command: app_commands.Command[Any, Any, Any]) -> Iterator[str]:
    """The options in which anything may stand."""
    for option in command.parameters:
        is_typed = option.type is discord.AppCommandOptionType.string and not option.choices and not option.autocomplete
        if is_typed or option.type is discord.AppCommandOptionType.attachment:
            yield option.name


@pytest.fixture
def bot(stage: Stage) -> Bot:
    assert stage.bot is not None
    return stage.bot


async def test_every_way_to_give_words_says_whether_it_does(bot: Bot) -> None:
    typed = {command.qualified_name for command in slash_commands(bot) if [*typed_or_handed_over(command)]}
    assert typed | {"persona create"} == GIVING.keys() | NOT_WORDS.keys()
    assert not GIVING.keys() & NOT_WORDS.keys()
    assert {menu.qualified_name for menu in context_menus(bot)} == MENUS.keys()
    giving = {*GIVING, *(name for name, gives in MENUS.items() if gives)}
    assert {entry_action(name) for name in giving} | {"edit", "edit own", "persona edit"} == GIVES_WORDS
    assert {form for form in subclasses(discord.ui.Modal) if form.__module__.startswith("cogs.")} == FORMS.keys()
    assert {action for action in FORMS.values() if action is not None} <= GIVES_WORDS


async def test_who_opted_out_can_give_words_nowhere_not_even_in_a_scene_of_their_own(stage: Stage) -> None:
    ada, thread = stage.ada, stage.channel.add_thread("ada's", stage.ada.user)
    await taken_in(stage, stage.moderator)
    reply = await stage.ask(ada, "hello", answer="The cat sat.")
    edit = await ada.click(reply, label="✏️")
    create = await ada.slash(stage.channel, "persona create")
    profile = await ada.slash(stage.channel, "profile set")
    report = await ada.message_command(reply, "Report")
    for opened in (edit, create, profile, report):
        await opened.answered()
    await stage.command(ada, "privacy opt_out")
    for name, options in GIVING.items():
        told = await stage.command(ada, name, thread, **options)
        assert OPTED_OUT in told.content, name
        assert told.ephemeral, name
    shared = await ada.say(stage.channel, "a card", files=[card_file()])
    assert OPTED_OUT in (await (await ada.message_command(shared, "Import as persona")).answered()).response.content
    for form, written in ((edit, {"text": WORDS}), (create, {"name": WORDS}), (profile, {"name": WORDS})):
        assert OPTED_OUT in (await (await ada.submit(form, **written)).answered()).response.content
    submitted = await ada.submit(report, reason=WORDS)
    await stage.world.wait_until(
        lambda: submitted.response is not None and WITHOUT_REASON in submitted.response.content
    )
    [waiting] = await storage_of(stage).reports.waiting(stage.guild.id, 5)
    assert [reporter.reason for reporter in waiting.reporters] == [None]
    assert all(channel.name != WORDS for channel in stage.world._state.channels.values() if hasattr(channel, "name"))
    await stage.ask(stage.tom, "hello there", channel=thread)
    assert WORDS not in stage.said_to_model
