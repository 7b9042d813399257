"""Two servers: nothing that people of one do to the bot, with whatever ids, shows or changes anything of the other.

What they do is read from the command tree, the registered buttons and menus, and the forms. Whoever adds one of these,
or an option, says here what of the other server could stand in it.
"""

import asyncio
import copy
import io
import json
import re
import zipfile
from collections.abc import Coroutine, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Final

import discord
import pytest
from discord import AppCommandOptionType, app_commands

from cogs._bot import Bot
from cogs._controls import Control, Menu
from cogs._editing import EditForm
from cogs._key_form import KeyForm
from cogs._persona_forms import PersonaForm
from cogs._profile_form import ProfileForm
from cogs._report_form import ReportForm
from cogs._setup_moderation import LimitsForm
from cogs._setup_talking import KeywordsForm
from infermatic_client import _retry
from playground.discord import InteractionType
from playground.discord import _message_payloads as message_payloads
from playground.discord import _options as options
from playground.discord import _person_commands as person_commands
from playground.discord._components import interactive
from playground.discord._flags import CommandType, ComponentType
from tests.e2e.characters import taken_in
from tests.e2e.conftest import Stage, being_handled, changed, running
from tests.e2e.neighbours import (
    AMOUNT,
    NAME,
    SECRET,
    TEMPERATURE,
    WORD,
    Neighbour,
    a_card,
    begin_a_reply,
    build,
    fill,
    rows_of,
)
from tests.e2e.test_surface import context_menus, slash_commands, subclasses

pytestmark = pytest.mark.usefixtures("no_rate_limits")

OWN: Final = "Beacon"
"""What the strangers call their own things."""

AT_ONCE: Final = 8
LONGEST: Final = 6000
SOME: Final = 3
"""As many of a kind are enough."""

LEAKS: Final = rf"{SECRET}|(?<!\d)(?:{TEMPERATURE}|{AMOUNT}|{AMOUNT:,}|{{}})(?!\d)"
"""What must not be seen elsewhere; the last is the id of a person."""

CHOSEN: Final = {("lore show", "entry"): {"name": NAME}}
"""What stands in other options while something is suggested for one."""

TYPED: Final[dict[str, tuple[Any, ...]]] = {
    "among_themselves": (1,),
    "amount": (5,),
    "depth": (2,),
    "description": (WORD,),
    "for": ("1h",),
    "keywords": (WORD,),
    "max_tokens": (16,),
    "message": (f"What of the {WORD} and the wolf, {NAME}?",),
    "messages": (10,),
    "name": (OWN,),
    "page": (1,),
    "prompt": (WORD,),
    "reason": (WORD,),
    "retention": ("3d",),
    "search": (WORD,),
    "since": ("1d",),
    "text": (f"{WORD} wolf", NAME),
    "title": (NAME,),
    "value": ("0.9",),
    "weight": (2,),
    "words": (WORD, NAME),
}
"""What is typed into options for which nothing is suggested."""

LAST: Final = ("save", "delete", "remove", "clear", "reset", "undo", "end")
SPOILING: Final = ("filter", "limit", "access", "queue", "pause", "privacy", "resume")


@dataclass
class Stranger:
    """Somebody who may do everything in another server, and all that came of what they did."""

    stage: Stage
    neighbour: Neighbour
    person: Any
    place: Any
    reply: Any = None
    """One of the bot's in their own server."""
    done: list[Any] = field(default_factory=list)
    offered: dict[tuple[str, str], list[Any]] = field(default_factory=dict)
    """What the neighbour's options suggest there."""

    async def has(self, interaction: Any) -> Any:
        """What came of something that was done."""
        self.done.append(interaction)
        return await interaction.answered(timeout=8)

    async def use(self, name: str, values: dict[str, Any]) -> Any:
        return await self.has(await self.person.slash(self.place, name, values))

    async def press(self, custom_id: str, message: Any, kind: ComponentType, values: list[str] | None = None) -> None:
        """Press a button that has such an id, as it would be if somebody had sent it without the app."""
        data = {"custom_id": custom_id, "component_type": int(kind)}
        if custom_id not in {part["custom_id"] for part in interactive(message.components)}:
            message = copy.copy(message)
            button = {"type": 2, "style": 2, "label": "Press", "custom_id": custom_id}
            message.components = [*message.components, {"type": 1, "components": [button]}]
        more: dict[str, Any] = {"values": values} if values is not None else {}
        begin = self.place.state.interactions.begin
        kind_of = InteractionType.MESSAGE_COMPONENT
        await self.has(begin(kind_of, self.person.user, self.place, {**data, **more}, name=custom_id, message=message))

    async def idle(self) -> None:
        """Until the bot works on nothing but the neighbour's reply."""
        assert self.stage.bot is not None
        answers, chores = self.stage.bot.services.conversations._answers, self.stage.bot._chores
        await self.stage.world.wait_until(lambda: not (len(answers) > 1 or being_handled() or chores), timeout=8)


async def together(deeds: Iterable[Coroutine[Any, Any, Any]]) -> None:
    """Some at a time."""
    left = iter(deeds)
    while group := list(islice(left, AT_ONCE)):
        await asyncio.gather(*group)


def autocompleted(bot: Bot) -> list[tuple[str, str]]:
    """All options with suggestions."""
    return [(c.qualified_name, p.display_name) for c in slash_commands(bot) for p in c.parameters if p.autocomplete]


async def suggestions(person: Any, place: Any, option: tuple[str, str], typed: str = "") -> list[Any]:
    command, name = option
    return list(await person.autocomplete(place, command, {**CHOSEN.get(option, {}), name: typed}, focused=name))


async def all_suggestions(stranger: Stranger, suggesting: list[tuple[str, str]]) -> dict[Any, list[Any]]:
    """What is suggested to the strangers, also for parts of what the neighbours have."""
    await stranger.idle()
    asked = [(option, typed) for option in suggesting for typed in ("", NAME[:4], WORD[:4])]
    found = await asyncio.gather(*(suggestions(stranger.person, stranger.place, *one) for one in asked))
    return dict(zip(asked, found, strict=True))


def values_of(stranger: Stranger, command: str, option: app_commands.Parameter) -> tuple[Any, ...]:
    """What of the neighbour could stand in an option."""
    their, name = stranger.neighbour, option.display_name
    if option.choices:
        return tuple(choice.value for choice in option.choices[:SOME])
    if option.autocomplete:
        return (*(choice.value for choice in stranger.offered[command, name][:SOME]), OWN)
    channels = [place for kind, place in their.places.items() if kind in {t.value for t in option.channel_types}]
    by_type: dict[AppCommandOptionType, tuple[Any, ...]] = {
        AppCommandOptionType.user: (stranger.stage.tom.user,),
        AppCommandOptionType.role: (their.role,),
        AppCommandOptionType.channel: (*channels,) if option.channel_types else (their.channel, their.busy),
        AppCommandOptionType.attachment: (a_card(OWN, "A light."),),
        AppCommandOptionType.boolean: (True, False),
    }
    found = by_type.get(option.type) or TYPED.get(name)
    if not found:
        pytest.fail(f"/{command}: say in TYPED what of another server could stand in {name}")
    link = their.told.jump_url
    has_room = option.type is AppCommandOptionType.string and (option.max_value or LONGEST) >= len(link)
    return (link, *found) if has_room else found


def runs(stranger: Stranger, command: app_commands.Command[Any, Any, Any]) -> Iterator[dict[str, Any]]:
    """Every option with every value, the others as short as may be."""
    values = {p.display_name: values_of(stranger, command.qualified_name, p) for p in command.parameters}
    needed = {p.display_name: values[p.display_name][-1] for p in command.parameters if p.required}
    yield needed
    for name, found in values.items():
        yield from ({**needed, name: value} for value in found if needed.get(name) is not value)


def in_order(command: app_commands.Command[Any, Any, Any]) -> tuple[bool, bool]:
    words = command.qualified_name.split()
    return is_grave(words[0]), words[-1] in LAST


def is_grave(entry: str) -> bool:
    """Whether others would show less after it."""
    return entry.startswith(SPOILING)


def custom_ids(neighbour: Neighbour) -> dict[str, list[str]]:
    """What could stand behind the prefix of each button."""
    ids, vera = neighbour.ids, neighbour.member.user.id
    replies = [str(reply) for reply in (*ids["replies"], neighbour.under_way)]
    drafts, reports = [str(one) for one in ids["personas"]], [str(one) for one in ids["reports"]]
    entries, guild = [str(one) for one in ids["audit_entries"][-2:]], str(neighbour.guild.id)
    return {
        "stop": replies,
        "retry": replies,
        "restore": [*replies, f"{replies[-1]}:{vera}"],
        "why": ["0", "12", guild],
        "approve": [guild],
        **dict.fromkeys(("earlier", "later", "another", "more", "edit", "delete"), replies),
        "part": [f"{reply}00" for reply in replies],
        **dict.fromkeys(("persona-in", "persona-out", "persona-adult", "persona-earlier", "persona-later"), drafts),
        **dict.fromkeys(("persona-edit", "persona-share"), drafts),
        "persona-undo": [f"{one}:{version}" for one in drafts for version in (1, 2)],
        "audit": [*entries, f"{entries[0]}:{vera}::access deny"],
        **dict.fromkeys(("report-delete", "report-block", "report-dismiss"), reports),
        "report-block-for": [f"{one}4" for one in reports],
        "setup": ["1", "2", "3", guild],
        "setup-words": ["0", guild],
        "setup-models": ["0", "7", guild],
        "setup-limits": ["0", guild, "0:5|"],
        "setup-log": ["0", "1", "2", "3", guild],
        "privacy-delete": ["3", *(str(one) for one in ids["erasures"])],
    }


def presses(stranger: Stranger, bot: Bot) -> Iterator[str]:
    """Every button with the neighbour's numbers."""
    known = custom_ids(stranger.neighbour)
    for found, kind in bot._connection._view_store._dynamic_items.items():
        if not issubclass(kind, Menu):
            assert issubclass(kind, Control)
            assert kind.prefix in known, f"{kind.__name__}: say in custom_ids what of another server its id could have"
            for custom_id in (f"{kind.prefix}:{number}" for number in known[kind.prefix]):
                assert found.fullmatch(custom_id), f"{kind.__name__} has no such id: {custom_id}"
                yield custom_id


async def press_all(stranger: Stranger, custom_ids: Iterable[str]) -> None:
    """Press buttons where they could stand."""
    panel, asked = (await stranger.use("setup", {})).response, (await stranger.use("privacy delete", {})).response
    places = {"setup": panel, "privacy": asked}
    await together(
        stranger.press(one, places.get(re.split("[:-]", one)[0], stranger.reply), ComponentType.BUTTON)
        for one in custom_ids
    )


async def choose_all(stranger: Stranger, bot: Bot) -> None:
    """The neighbour's channels, roles and models in all menus of the panel."""
    their, met, panel = stranger.neighbour, set(), (await stranger.use("setup", {})).response
    menus = {kind.prefix for kind in bot._connection._view_store._dynamic_items.values() if issubclass(kind, Menu)}
    for page in ("1", "2", "3"):
        await stranger.press(f"setup:{page}", panel, ComponentType.BUTTON)
        await stranger.idle()
        for menu in [part for part in interactive(panel.components) if part["custom_id"] in menus]:
            kind = ComponentType(menu["type"])
            chosen = {ComponentType.ROLE_SELECT: their.role.id, ComponentType.CHANNEL_SELECT: their.channel.id}
            await stranger.press(menu["custom_id"], panel, kind, [str(chosen.get(kind, NAME))])
            met.add(menu["custom_id"])
    assert met == menus, "a menu stands elsewhere: let it be chosen from"


async def forms_of(stage: Stage, neighbour: Neighbour) -> dict[type[discord.ui.Modal], Any]:
    """Each form as the neighbours opened it."""
    mod, vera, admin = stage.moderator, neighbour.member, stage.admin
    panel = await stage.command(admin, "setup")
    opened = {
        EditForm: await vera.click(neighbour.plain, label="✏️"),
        PersonaForm: await mod.slash(neighbour.channel, "persona edit", name=NAME),
        ReportForm: await stage.tom.message_command(neighbour.told, "Report"),
        ProfileForm: await vera.slash(neighbour.channel, "profile set"),
        KeyForm: await admin.slash(neighbour.channel, "apikey set"),
        KeywordsForm: await admin.click(panel, label="Keywords"),
    }
    await (await admin.click(panel, label="2 Moderation")).answered()
    opened[LimitsForm] = await admin.click(panel, label="Change")
    for interaction in opened.values():
        assert (await interaction.answered()).modal is not None, interaction.name
    forms = {form for form in subclasses(discord.ui.Modal) if form.__module__.startswith("cogs.")}
    assert set(opened) == forms, "let the neighbours open the form, too"
    return dict(opened)


async def send_all(stranger: Stranger, forms: dict[type[discord.ui.Modal], Any]) -> None:
    """The neighbour's forms, sent from elsewhere."""
    panel = (await stranger.use("setup", {})).response
    for form, opened in forms.items():
        message = panel if form in {KeywordsForm, LimitsForm} else stranger.reply
        theirs = replace(opened, user=stranger.person.user, channel=stranger.place, message=message)
        texts = {part["custom_id"]: OWN for part in opened.modal.fields if part["type"] == ComponentType.TEXT_INPUT}
        await stranger.has(await stranger.person.submit(theirs, texts))


async def choose_from_menus(stranger: Stranger, bot: Bot) -> None:
    """Every entry of the menus of messages and people, on their own messages and on the neighbour's."""
    targets = [stranger.neighbour.plain, stranger.neighbour.whispered, stranger.reply.reply_to, stranger.reply]
    for menu in context_menus(bot):
        kind = CommandType(menu.type.value)
        for target in targets if kind is CommandType.MESSAGE else [stranger.stage.tom.user]:
            user, place = stranger.person.user, stranger.place
            await stranger.has(person_commands.context_menu(user, place, menu.name, kind, target))


def shown_to(stranger: Stranger) -> Iterator[tuple[str, str]]:
    """All that somebody of the other server was shown, and by what."""
    messages = {id(one): (action.name, one) for action in stranger.done for one in action.messages}
    messages |= {id(one): ("the channel", one) for one in stranger.place.messages}
    for name, message in messages.values():
        yield name, json.dumps(message_payloads.message(message), default=str, ensure_ascii=False)
        yield from ((name, text) for file in message.attachments for text in texts_in(file.data))
    yield from ((action.name, repr(action.modal.components)) for action in stranger.done if action.modal is not None)


def texts_in(data: bytes) -> Iterator[str]:
    """What stands in a file, or in the files that it holds."""
    yield data.decode(errors="replace")
    if zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            for name in packed.namelist():
                yield from texts_in(packed.read(name))


@pytest.fixture
def stranger(offstage: Stage) -> Stranger:
    eve = offstage.world.add_user("Eve")
    place = offstage.world.add_guild("Lighthouse", owner=eve).add_text_channel("lobby")
    return Stranger(offstage, build(offstage), offstage.world.person(eve), place)


async def settle_in(stranger: Stranger) -> None:
    """Let the strangers have things of their own."""
    stage, person, place = stranger.stage, stranger.person, stranger.place
    stranger.reply = await stage.ask(person, "hello", answer="Hello.", channel=place)
    await taken_in(stage, person, a_card(OWN, "A light."), place)
    await stage.command(person, "lore import", place, file=a_card(OWN, "A light."), name=OWN)
    await stage.command(person, "sampling save", place, name=OWN)


async def do_everything(stranger: Stranger, bot: Bot, forms: dict[type[discord.ui.Modal], Any]) -> None:
    """Whatever can be done, the gravest last."""
    pressed = sorted(presses(stranger, bot), key=is_grave)
    await press_all(stranger, (one for one in pressed if not is_grave(one)))
    await choose_all(stranger, bot)
    await send_all(stranger, forms)
    await choose_from_menus(stranger, bot)
    for command in sorted(slash_commands(bot), key=in_order):
        await together(stranger.use(command.qualified_name, values) for values in runs(stranger, command))
    await press_all(stranger, (one for one in pressed if is_grave(one)))
    await stranger.idle()


async def test_nothing_of_another_server_is_shown_or_changed(
    stranger: Stranger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_retry, "AUTHENTICATION_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr("storage.limits.RENEWED_AFTER_SECONDS", 600.0)  # which changes a row of the reply under way
    stage, their = stranger.stage, stranger.neighbour
    settings = changed(stage.settings, allow_dms=True, owner_ids=frozenset({stranger.person.user.id}))
    # Who owns the bot may more than any admin.
    async with running(stage, settings) as bot:
        await stage.command(stage.admin, "model list")  # else no model is suggested
        suggesting = autocompleted(bot)
        charts: Any = bot.get_cog("UsageCommands")
        charts.drawer.available = False  # what stands in text can be looked through
        await settle_in(stranger)
        own = await all_suggestions(stranger, suggesting)
        await fill(stage, their)
        stranger.offered = {one: await suggestions(stage.admin, their.channel, one) for one in suggesting}
        assert [one for one in suggesting if not stranger.offered[one]] == [], "or this test is about nothing"
        forms = await forms_of(stage, their)
        await begin_a_reply(stage, their)
        assert await all_suggestions(stranger, suggesting) == own

        await stranger.idle()
        read, requests, prompts = bot.services.storage.database.read, len(stage.world.requests), len(stage.api.requests)
        before, direct = await read(rows_of, their.guild.id), await read(rows_of, None)
        monkeypatch.setattr(options, "_check_object", lambda _, value, __: value)  # as if Discord checked nothing
        await do_everything(stranger, bot, forms)

        after = await read(rows_of, their.guild.id)
        assert {name: rows for name, rows in after.items() if rows != before[name]} == {}
        now = await read(rows_of, None)  # to which the strangers added their own, for all servers
        gone = {name: [row for row in rows if row not in now[name]] for name, rows in direct.items()}
        assert {name: rows for name, rows in gone.items() if rows and name != "erasures"} == {}
        assert [name for name, text in shown_to(stranger) if "incident `" in text] == []
        leak = re.compile(LEAKS.format(their.member.user.id))
        assert [(name, text) for name, text in shown_to(stranger) if leak.search(text)] == []
        asked = [f"{request.body} {request.key}" for request in stage.api.requests[prompts:]]
        assert [request for request in asked if leak.search(request)] == []
        assert len(asked) > 10, "or this test is about nothing"
        sent = [request for request in stage.world.requests[requests:] if request.method != "GET"]
        assert [request for request in sent if leak.search(f"{request.path} {request.body}")] == []
        places = [*their.guild.channels.values(), their.direct]
        quiet = {str(place.id) for place in places} - {str(their.busy.id)}
        assert [request for request in sent if quiet & set(request.path.split("/"))] == []
        [answer] = bot.services.conversations._answers.values()
        assert answer.reply_id == their.under_way
        answer.stop()
        await stage.settled()
