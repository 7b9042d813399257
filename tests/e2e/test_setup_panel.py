"""`/setup`: one message in which an admin sees what holds for a server, by whom, and changes it for real."""

from collections.abc import Sequence
from typing import Any

import pytest

from playground.discord._components import interactive, walk
from playground.infermatic import ModelSpec
from storage import AuditFilter
from tests.e2e.conftest import MODEL, Stage, changed, running
from tests.e2e.test_rights import MANAGE_GUILD, REFUSED

pytestmark = pytest.mark.usefixtures("no_rate_limits")

OTHER_MODEL = "TheDrummer-UnslopNemo-12B-v4.1"
SEND_MESSAGES = 1 << 11
TEXT = 10


async def opened(stage: Stage, person: Any = None, page: str = "") -> Any:
    """The panel, as the person sees it, turned to a page."""
    panel = await stage.command(person or stage.admin, "setup")
    assert panel.ephemeral
    if page:
        await press(stage, panel, page, person)
    return panel


def words(panel: Any) -> str:
    """All texts of the panel."""
    return "\n".join(part["content"] for part in walk(panel.components) if part["type"] == TEXT)


async def press(stage: Stage, panel: Any, label: str, person: Any = None) -> Any:
    interaction = await (person or stage.admin).click(panel, label=label)
    await interaction.answered()
    await stage.settled()
    return interaction


async def choose(stage: Stage, panel: Any, menu: str, values: Sequence[Any], person: Any = None) -> Any:
    interaction = await (person or stage.admin).select(panel, f"setup-{menu}", values)
    await interaction.answered()
    await stage.settled()
    return interaction


def defaults(panel: Any, menu: str) -> list[str]:
    """What is chosen in a menu."""
    [found] = [part for part in interactive(panel.components) if part.get("custom_id") == f"setup-{menu}"]
    options = [option["value"] for option in found.get("options") or [] if option.get("default")]
    return options or [one["id"] for one in found.get("default_values") or []]


async def told(interaction: Any) -> str:
    """What was answered."""
    return str((await interaction.answered()).response.content)


async def audited(stage: Stage) -> list[str]:
    """The actions on record, the oldest first."""
    assert stage.bot is not None
    pages = stage.bot.services.audit.pages(stage.guild.id, AuditFilter())
    return [entry.action for entry in reversed([entry async for page in pages for entry in page])]


async def refused(stage: Stage, person: Any, channel: Any) -> str:
    """Why a message of this person is not answered."""
    said = await stage.say(person, "hello", channel=channel)
    line = await stage.world.wait_for_message(channel, lambda message: message.reply_to is said)
    return str((await stage.press(person, line, "Why?")).content)


async def test_the_first_page_sets_which_model_answers_to_what_and_where(offstage: Stage) -> None:
    stage, quiet = offstage, offstage.guild.add_text_channel("quiet")
    thread = quiet.add_thread("inside", stage.tom.user)
    by_grace = f"-# Set by <@{stage.admin.user.id}> <t:"
    async with running(stage, stage.settings):
        await stage.command(stage.tom, "model list")
        panel = await opened(stage)
        assert words(panel).count("The operator's default.") == 3
        await choose(stage, panel, "model", [OTHER_MODEL])
        assert f"`{OTHER_MODEL}` answers.\n{by_grace}" in words(panel)
        await stage.ask(stage.ada, "one")
        assert stage.api.requests[-1].body["model"] == OTHER_MODEL
        await stage.command(stage.admin, "access deny", model=MODEL)
        await choose(stage, panel, "model", [MODEL])
        assert "⚠️ " in words(panel)
        assert defaults(panel, "model") == [OTHER_MODEL], "what holds is shown, whatever was wished"
        await stage.command(stage.admin, "access clear", model=MODEL)
        await choose(stage, panel, "model", ["The operator's default"])
        assert "⚠️ " not in words(panel)
        await choose(stage, panel, "trigger", ["keywords"])
        assert "There are no keywords yet." in words(panel)

    async with running(stage, stage.settings):  # the panel is still there
        form = await press(stage, panel, "Keywords")
        typed = ", ".join(f"word{number}" for number in range(21))
        await (await stage.admin.submit(form, keywords=typed)).answered()
        assert "A channel has up to 20 keywords." in words(panel)
        assert f"`{typed}`" in words(panel), "nothing that was typed is lost"
        form = await stage.admin.click(panel, custom_id="setup-words:1")
        await form.answered()
        await (await stage.admin.submit(form, keywords="Luna, lamp")).answered()
        assert f"Keywords: `Luna`, `lamp`\n{by_grace}" in words(panel)
        stage.api.replies.add("Luna did.")
        said = await stage.ada.say(stage.channel, "who lit the lamp?")
        assert (await stage.reply_to(said)).content == "Luna did."

        await choose(stage, panel, "silent", [quiet])
        assert f"Commands only in <#{quiet.id}>." in words(panel)
        unheard = await stage.ada.say(thread, "the lamp!")
        assert "switched off in this channel" in await refused(stage, stage.ada, quiet)
        assert not any(message.reply_to is unheard for message in thread.messages)
        await choose(stage, panel, "silent", [])
        assert (await stage.ask(stage.ada, "hi", channel=quiet, answer="The cat sat.")).content == "The cat sat."
        await choose(stage, panel, "only", [stage.channel])
        assert f"Only in <#{stage.channel.id}>." in words(panel)
        assert "in some channels only" in await refused(stage, stage.ada, quiet)
        await choose(stage, panel, "only", [quiet])
        quiet.delete()
        await press(stage, panel, "2 Moderation")
        await press(stage, panel, "1 Talking")
        assert "Nowhere.\n⚠️ 1 on the list I cannot see any more" in words(panel)
        [rule] = await stage.admin.autocomplete(stage.channel, "access clear", focused="rule", rule="allow")
        await stage.command(stage.admin, "access clear", rule=rule.value)
        await choose(stage, panel, "only", [stage.channel])
        await choose(stage, panel, "only", [])
        assert "Wherever I may read." in words(panel)
        assert (await stage.ask(stage.ada, "hi", answer="A dog ran.")).content == "A dog ran."


async def test_limits_are_typed_again_and_hold(stage: Stage) -> None:
    panel = await opened(stage, page="2 Moderation")
    assert "Each person may use me as much as they like." in words(panel)
    form = await press(stage, panel, "Change")
    await (await stage.admin.submit(form, requests="1", tokens="lots|of 50k")).answered()
    assert "Tokens per day: `lots|of 50k` is no number from 1 to" in words(panel)
    assert "as much as they like" in words(panel)
    form = await press(stage, panel, "Try again")
    assert [field.get("value") for field in form.modal.fields] == ["1", "lots of 50k"]
    await (await stage.admin.submit(form, tokens="50,000")).answered()
    assert "Each person has **1** requests per hour and **50,000** tokens per day." in words(panel)
    assert f"-# Set by <@{stage.admin.user.id}> <t:" in words(panel)
    stale = await press(stage, panel, "Change")
    await stage.command(stage.admin, "limit set", amount=2, unit="requests", per="hour", each="user", hard=True)
    await (await stage.admin.submit(stale, tokens="")).answered()
    assert "Each person has **2** requests per hour (hard)." in words(panel), "what was not typed is not changed"
    form = await press(stage, panel, "Change")
    await (await stage.admin.submit(form, requests="1")).answered()
    assert "**1** requests per hour (hard)" in words(panel)
    await stage.ask(stage.ada, "one")
    assert "used up your 1 request per hour" in await refused(stage, stage.ada, stage.channel)
    limits = [name for name in await audited(stage) if name.startswith("limit")]
    assert limits == ["limit set", "limit set", "limit set", "limit remove", "limit set"]


async def test_moderators_have_a_channel_and_roles(stage: Stage) -> None:
    log, keepers = stage.guild.add_text_channel("log"), stage.guild.add_role("keepers")
    stage.guild.add_member(stage.world.add_user("Kim"), roles=[keepers])
    kim = stage.world.person(next(user for user in stage.world.users if user.name == "Kim"))
    stage.guild.override_command("pause", keepers, allowed=True)
    panel = await opened(stage, page="2 Moderation")
    log.set_permissions(stage.guild.everyone, deny=SEND_MESSAGES)
    await choose(stage, panel, "log-channel", [log])
    assert f"I cannot write in <#{log.id}>: I lack Send Messages, Attach Files there." in words(panel)
    assert defaults(panel, "log-channel") == []
    log.set_permissions(stage.guild.everyone)
    await choose(stage, panel, "log-channel", [log])
    assert defaults(panel, "log-channel") == [str(log.id)]
    posts = stage.bot.services.filters.on_flag  # type: ignore[union-attr]  # it is running
    posts.spacing_seconds = 0.01  # type: ignore[union-attr]  # what tells them has it
    await stage.command(stage.admin, "filter add", kind="words", text="rumour", action="flag")
    await press(stage, panel, "Flags: on")
    await stage.ask(stage.ada, "a rumour", answer="Hm.")
    await press(stage, panel, "Flags: off")
    await stage.ask(stage.tom, "another rumour", answer="Hm.")
    flag = await stage.world.wait_for_message(log, lambda message: "🚩" in message.content)
    assert f"<@{stage.tom.user.id}> said something" in flag.content
    assert len(log.messages) == 1

    assert (await told(await kim.slash(stage.channel, "pause"))).startswith(REFUSED)
    await choose(stage, panel, "roles", [stage.guild.everyone])
    assert "everybody would be a moderator" in words(panel)
    await choose(stage, panel, "roles", [keepers])
    assert f"Who has <@&{keepers.id}>." in words(panel)
    assert (await told(await kim.slash(stage.channel, "pause"))).startswith("⏸️")
    assert (await stage.command(stage.moderator, "resume")).content.startswith(REFUSED), "the roles are in its place"
    keepers.delete()
    await press(stage, panel, "3 Personas and privacy")
    await press(stage, panel, "2 Moderation")
    assert "The roles that were chosen are gone, so only admins moderate." in words(panel)
    await choose(stage, panel, "roles", [])
    assert "Who may Manage Messages." in words(panel)
    assert (await stage.command(stage.moderator, "resume")).content.startswith("▶️")


async def test_members_bring_characters_and_messages_are_kept_as_the_third_page_says(stage: Stage) -> None:
    panel = await opened(stage, page="3 Personas and privacy")
    assert "Everybody may take in characters of their own, up to 5 each." in words(panel)
    await choose(stage, panel, "own", ["1"])
    for name in ("Mira", "Nora"):
        form = await stage.ada.slash(stage.channel, "persona create")
        await form.answered()
        shown = (await (await stage.ada.submit(form, name=name)).answered()).response
        await press(stage, shown, "Confirm", stage.ada)
    await stage.settled()
    assert "-# 1 of your 1 own." in (await stage.command(stage.ada, "persona list")).content
    for menu, values in (("imports", ["moderators"]), ("own", ["0"])):
        await choose(stage, panel, menu, values)
        assert "Only moderators may take characters in." in words(panel)
        kept = await told(await stage.ada.slash(stage.channel, "persona create"))
        assert kept == "On this server only moderators take characters in."
        await choose(stage, panel, "imports", ["members"])
    form = await stage.moderator.slash(stage.channel, "persona create")
    assert (await form.answered()).modal

    assert "I keep messages until somebody deletes them." in words(panel)
    await choose(stage, panel, "retention", ["30"])
    assert "I forget messages after 30 days." in words(panel)
    assert "**30 days**" in (await stage.command(stage.tom, "channel show")).content
    await stage.command(stage.moderator, "channel set", retention="9", where="server")
    await press(stage, panel, "1 Talking")
    await press(stage, panel, "3 Personas and privacy")
    assert defaults(panel, "retention") == ["9"]
    assert f"-# Set by <@{stage.moderator.user.id}>" in words(panel)
    await choose(stage, panel, "retention", ["Keep them"])
    assert "until somebody deletes them" in words(panel)
    changes = ["set persona_own_most", "set persona_imports", "set persona_imports", "set persona_own_most"]
    assert [name for name in await audited(stage) if "persona" in name] == changes


async def test_two_admins_at_once_lose_nothing(stage: Stage) -> None:
    amy = stage.world.add_user("Amy")
    stage.guild.add_member(amy, roles=[stage.guild.add_role("staff", permissions=MANAGE_GUILD)])
    other = stage.world.person(amy)
    roles = [stage.guild.add_role(name) for name in ("one", "two")]
    places = [stage.guild.add_text_channel(name) for name in ("here", "there")]
    hers, theirs = await opened(stage), await opened(stage, other)
    await choose(stage, hers, "only", [places[0]])
    await choose(stage, theirs, "only", [places[1]], other)
    assert defaults(theirs, "only") == [str(place.id) for place in places]
    await press(stage, hers, "2 Moderation")
    await press(stage, theirs, "2 Moderation", other)
    begun = [
        await stage.admin.select(hers, "setup-roles", roles[:1]),
        await other.select(theirs, "setup-roles", roles[1:]),
    ]
    for interaction in begun:
        await interaction.answered()
    await press(stage, hers, "1 Talking")
    await press(stage, hers, "2 Moderation")
    assert set(defaults(hers, "roles")) == {str(role.id) for role in roles}
    assert (await audited(stage)).count("set moderator_roles") == 2


async def test_the_panel_is_for_admins_of_this_server(stage: Stage) -> None:
    amy = stage.world.add_user("Amy")
    staff = stage.guild.add_role("staff", permissions=MANAGE_GUILD)
    stage.guild.add_member(amy, roles=[staff])
    person = stage.world.person(amy)
    assert not any(command["name"] == "setup" for command in stage.moderator.commands(stage.channel))
    panels = [await opened(stage, person) for _ in range(2)]
    await press(stage, panels[1], "2 Moderation", person)
    forms = [await press(stage, panels[0], "Keywords", person), await press(stage, panels[1], "Change", person)]
    elsewhere = stage.world.add_guild("Lighthouse", owner=amy)
    foreign = elsewhere.add_text_channel("lamp")
    stage.guild.override_command("setup", stage.guild.everyone, allowed=True)
    for somebody in (stage.tom, stage.moderator):
        assert (await stage.command(somebody, "setup")).content == "That is for people who may manage this server."
    with_foreign = await person.select(panels[0], "setup-only", [foreign])
    await with_foreign.answered()
    assert "This belongs to something that has changed since." in words(panels[0])
    staff.edit(permissions=0)
    before = [words(panel) for panel in panels]
    for pressed in (
        await person.select(panels[0], "setup-trigger", ["off"]),
        await person.click(panels[0], label="2 Moderation"),
        await person.submit(forms[0], keywords="lamp"),
        await person.submit(forms[1], requests="1"),
    ):
        assert await told(pressed) == "That is for people who may manage this server."
    assert [words(panel) for panel in panels] == before
    assert await audited(stage) == []


async def test_all_of_many_models_can_be_chosen(offstage: Stage) -> None:
    stage, names = offstage, [f"Maker-Model-{number:02}-70B" for number in range(60)]
    stage.api.models = {name: ModelSpec(name) for name in names}
    stage.api.context_windows = dict.fromkeys(names, 8192)

    def offered(panel: Any) -> list[str]:
        [menu] = [part for part in interactive(panel.components) if part.get("custom_id") == "setup-model"]
        return [option["value"] for option in menu["options"][1:]]

    async with running(stage, changed(stage.settings, default_model=names[0])):
        panel = await opened(stage)
        seen = offered(panel)
        assert "Models 1 to 23 of 60." in words(panel)
        for _ in range(2):
            await press(stage, panel, "More models")
            seen += offered(panel)
        assert seen == names
        await choose(stage, panel, "model", [names[59]])
        assert f"`{names[59]}` answers." in words(panel)
        assert defaults(panel, "model") == [names[59]]
        assert "Models 47 to 60 of 60." in words(panel)
        await press(stage, panel, "More models")
        assert offered(panel) == names[:23]
        await stage.ask(stage.ada, "hello")
        assert stage.api.requests[-1].body["model"] == names[59]
