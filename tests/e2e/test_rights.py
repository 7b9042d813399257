"""Who may do what, asked through Discord: levels, servers that nobody approved, and buttons with made-up ids."""

from typing import Any

import pytest

from cogs._bot import Bot
from moderation.rights import Level
from storage import StorageUnavailableError
from tests.e2e.conftest import Stage, changed, running

pytestmark = pytest.mark.usefixtures("no_rate_limits")

MANAGE_GUILD, MANAGE_MESSAGES = 1 << 5, 1 << 13
LONG = " ".join(["waves"] * 100)
REFUSED = "That is for"

# Who may use a command on what others said, from the least of them on.
COMMANDS: dict[str, tuple[Level, dict[str, Any]]] = {
    "help": (Level.MEMBER, {}),
    "chat": (Level.MEMBER, {"message": "hello"}),
    "complete": (Level.MEMBER, {"prompt": "At night"}),
    "tokens": (Level.MEMBER, {"text": "hello"}),
    "context": (Level.MEMBER, {}),
    "privacy info": (Level.MEMBER, {}),
    "privacy export": (Level.MEMBER, {}),
    "privacy delete": (Level.MEMBER, {}),  # asks first
    "privacy opt_out": (Level.MEMBER, {}),
    "privacy opt_in": (Level.MEMBER, {}),
    "usage me": (Level.MEMBER, {}),
    "usage server": (Level.MODERATOR, {}),
    "usage channel": (Level.MODERATOR, {}),
    "usage chart": (Level.MODERATOR, {}),
    "usage export": (Level.MODERATOR, {}),
    "limit set": (Level.MODERATOR, {"amount": 1000, "unit": "requests", "per": "month"}),
    "limit list": (Level.MODERATOR, {}),
    "limit remove": (Level.MODERATOR, {"limit": "none"}),
    "limit grant": (Level.MODERATOR, {"user": "a person", "amount": 5, "unit": "requests"}),
    "limit weight": (Level.MODERATOR, {"role": "a role", "weight": 1}),
    "queue show": (Level.MODERATOR, {}),
    "queue clear": (Level.MODERATOR, {}),
    "model list": (Level.MEMBER, {}),
    "model show": (Level.MEMBER, {}),
    "model set": (Level.SCENE_OWNER, {"model": "TheDrummer-UnslopNemo-12B-v4.1"}),
    "model reset": (Level.SCENE_OWNER, {}),
    "sampling show": (Level.MEMBER, {}),
    "sampling set": (Level.SCENE_OWNER, {"parameter": "temperature", "value": "1"}),
    "sampling reset": (Level.SCENE_OWNER, {}),
    "sampling save": (Level.MODERATOR, {"name": "calm"}),
    "sampling load": (Level.SCENE_OWNER, {"name": "calm"}),
    "sampling delete": (Level.MODERATOR, {"name": "calm"}),
    "sampling import": (Level.SCENE_OWNER, {"file": ("preset.json", b'{"temp": 1}')}),
    "persona list": (Level.MEMBER, {}),
    "persona show": (Level.MEMBER, {"name": "none"}),
    "persona export": (Level.MEMBER, {"name": "none"}),
    "persona import": (Level.MEMBER, {"file": ("card.json", b"{}")}),
    "persona create": (Level.MEMBER, {}),
    "persona edit": (Level.MEMBER, {"name": "none"}),  # one's own
    "persona bring": (Level.MEMBER, {"name": "none", "model": "default"}),
    "persona undo": (Level.MEMBER, {"name": "none"}),
    "persona redo": (Level.MEMBER, {"name": "none"}),
    "persona delete": (Level.MEMBER, {"name": "none"}),  # one's own
    "persona use": (Level.SCENE_OWNER, {"name": "none"}),
    "persona clear": (Level.SCENE_OWNER, {}),
    "persona turns": (Level.SCENE_OWNER, {"order": "turns"}),
    "lore list": (Level.MEMBER, {}),
    "lore show": (Level.MEMBER, {"name": "none"}),
    "lore test": (Level.MEMBER, {"text": "wolf"}),
    "lore import": (Level.SCENE_OWNER, {"file": ("sea.json", b'{"entries": []}')}),
    "lore enable": (Level.SCENE_OWNER, {"name": "none"}),
    "lore disable": (Level.SCENE_OWNER, {"name": "none"}),
    "lore delete": (Level.MODERATOR, {"name": "none"}),
    "scene start": (Level.MEMBER, {"persona": "none"}),
    "scene settings": (Level.MEMBER, {}),
    "scene end": (Level.SCENE_OWNER, {}),
    "profile set": (Level.MEMBER, {"name": "Kira"}),
    "profile show": (Level.MEMBER, {}),
    "profile clear": (Level.MEMBER, {}),
    "note show": (Level.MEMBER, {}),
    "note set": (Level.SCENE_OWNER, {"text": "It rains."}),
    "note clear": (Level.SCENE_OWNER, {}),
    "channel show": (Level.MEMBER, {}),
    "channel set": (Level.SCENE_OWNER, {"reply_style": "plain"}),
    "history show": (Level.MEMBER, {}),
    "history search": (Level.MEMBER, {"words": "hello"}),
    "history branches": (Level.MEMBER, {}),
    "history export": (Level.MEMBER, {"format": "Markdown"}),
    "history checkout": (Level.SCENE_OWNER, {"branch": "none"}),
    "history import": (Level.SCENE_OWNER, {"file": ("chat.jsonl", b'{"mes": "hello"}')}),
    "regenerate": (Level.SCENE_OWNER, {}),
    "continue": (Level.SCENE_OWNER, {}),
    "undo": (Level.SCENE_OWNER, {}),
    "stop": (Level.SCENE_OWNER, {}),
    "reset": (Level.SCENE_OWNER, {}),
    "doctor": (Level.ADMIN, {}),
    "setup": (Level.ADMIN, {}),
    "home": (Level.MEMBER, {}),
    "access allow": (Level.MODERATOR, {"model": "TheDrummer-UnslopNemo-12B-v4.1", "for": "1m"}),
    "access deny": (Level.MODERATOR, {"model": "TheDrummer-UnslopNemo-12B-v4.1", "for": "1m"}),
    "access clear": (Level.MODERATOR, {"model": "TheDrummer-UnslopNemo-12B-v4.1"}),
    "access list": (Level.MODERATOR, {}),
    "filter add": (Level.MODERATOR, {"kind": "words", "text": "xyzzy"}),
    "filter remove": (Level.MODERATOR, {"filter": "none"}),
    "filter list": (Level.MODERATOR, {}),
    "filter test": (Level.MODERATOR, {"text": "hello"}),
    "filter automod": (Level.MODERATOR, {"honour": False}),
    "apikey set": (Level.ADMIN, {}),
    "apikey lend": (Level.MEMBER, {}),
    "apikey show": (Level.MEMBER, {}),  # one's own
    "apikey remove": (Level.MEMBER, {}),  # one's own
    "audit show": (Level.MODERATOR, {}),
    "audit export": (Level.MODERATOR, {}),
    "pause": (Level.MODERATOR, {}),
    "resume": (Level.MODERATOR, {}),
}


def given(stage: Stage, options: dict[str, Any]) -> dict[str, Any]:
    """The options with a real person and role in them."""
    real = {"a person": stage.tom.user, "a role": stage.guild.everyone}
    return {name: real.get(value, value) if isinstance(value, str) else value for name, value in options.items()}


@pytest.fixture
def people(offstage: Stage) -> dict[Level, Any]:
    """One person for each level."""
    admin, operator = offstage.world.add_user("Amy"), offstage.world.add_user("Olga")
    offstage.guild.add_member(admin, roles=[offstage.guild.add_role("staff", permissions=MANAGE_GUILD)])
    offstage.guild.add_member(operator)
    return {
        Level.MEMBER: offstage.tom,
        Level.SCENE_OWNER: offstage.ada,
        Level.MODERATOR: offstage.moderator,
        Level.ADMIN: offstage.world.person(admin),
        Level.OPERATOR: offstage.world.person(operator),
    }


ABOUT_A_TURN = {"stop", "undo", "reset", "regenerate", "continue"}


def show_all(stage: Stage, bot: Bot) -> None:
    """Let everybody see all commands: hidden is not guarded."""
    for command in bot.tree.get_commands():
        stage.guild.override_command(command.name, stage.guild.everyone, allowed=True)


async def test_every_command_is_open_to_its_level_and_to_no_lower_one(
    offstage: Stage, people: dict[Level, Any]
) -> None:
    stage, thread = offstage, offstage.channel.add_thread("plans", offstage.ada.user)
    eve = stage.world.add_user("Eve")
    stage.guild.add_member(eve)
    owners = frozenset({people[Level.OPERATOR].user.id})
    async with running(stage, changed(stage.settings, owner_ids=owners)) as bot:
        show_all(stage, bot)
        assert set(COMMANDS) == {
            command.qualified_name for command in bot.tree.walk_commands() if not hasattr(command, "commands")
        }
        for name, (required, options) in COMMANDS.items():
            for level, person in people.items():
                if name in ABOUT_A_TURN:
                    if name == "stop":
                        stage.api.hold(after_tokens=20)
                    said = await stage.say(
                        stage.world.person(eve), "hello", answer=LONG if name == "stop" else "Hello.", channel=thread
                    )
                    await stage.world.wait_for_message(thread, lambda m, said=said: m.reply_to is said)  # type: ignore[misc]  # a lambda with a default
                    if name != "stop":
                        await stage.settled()
                interaction = await person.slash(thread, name, **given(stage, options))
                shown = (await interaction.answered()).response
                refused = shown is not None and shown.content.startswith(REFUSED)  # None: a form opens
                assert refused == (level < required), f"{name} by {level.name}: {shown}"
                assert not refused or shown.ephemeral
                for answer in bot.services.conversations.answers_in(stage.guild.id, thread.id):
                    answer.stop()
                stage.api.release()
                await stage.settled()


async def test_rights_given_in_one_channel_hold_there_alone(stage: Stage) -> None:
    quiet = stage.guild.add_text_channel("quiet")
    stage.channel.set_permissions(stage.ada.user, allow=MANAGE_MESSAGES)
    for channel, allowed in ((stage.channel, True), (quiet, False)):
        shown = await stage.command(stage.ada, "model reset", channel)
        assert shown.content.startswith(REFUSED) != allowed


async def test_an_owner_of_one_thread_has_no_rights_in_another(stage: Stage) -> None:
    stage.channel.add_thread("mine", stage.ada.user)
    theirs = stage.channel.add_thread("theirs", stage.tom.user)
    assert (await stage.command(stage.ada, "model reset", theirs)).content.startswith(REFUSED)


async def test_who_may_not_choose_gets_no_suggestions(stage: Stage) -> None:
    await stage.command(stage.ada, "model list")
    assert await stage.moderator.autocomplete(stage.channel, "model set", focused="model", model="70b")
    assert await stage.ada.autocomplete(stage.channel, "model set", focused="model", model="70b") == []


async def test_strangers_may_not_retry_and_are_told_so_privately(stage: Stage) -> None:
    stage.api.faults.add("status", times=None, status=400)
    reply = await stage.ask(stage.ada, "one")
    stage.api.faults.clear()
    refusal = await stage.press(stage.tom, reply, "Retry")
    assert refusal.ephemeral
    assert refusal.content.startswith(REFUSED)
    stage.api.replies.add("At last.")
    await stage.press(stage.ada, reply, "Retry")
    await stage.world.wait_until(lambda: reply.content == "At last.")
    assert len(stage.prompts) == 2


async def test_retry_pressed_twice_asks_once(stage: Stage) -> None:
    stage.api.faults.add("status", times=None, status=400)
    reply = await stage.ask(stage.ada, "one")
    stage.api.faults.clear()
    stage.api.hold()
    for _ in range(2):
        pressed = await stage.ada.click(reply, label="Retry")
        await pressed.answered()
    stage.api.release()
    await stage.world.wait_until(lambda: "⚠️" not in reply.content)
    await stage.settled()
    assert len(stage.prompts) == 2


async def test_a_guard_that_cannot_decide_says_so_in_words(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async def check(*_: object) -> None:
        raise StorageUnavailableError("bot.db", "gone")

    assert stage.bot is not None
    monkeypatch.setattr(stage.bot.services.guard, "check", check)
    assert "cannot reach my memory" in (await stage.command(stage.ada, "help")).content
    assert "cannot reach my memory" in (await stage.ask(stage.ada, "one")).content
    assert await stage.moderator.autocomplete(stage.channel, "model set", focused="model", model="70b") == []


# --- servers that nobody approved


@pytest.fixture
def dormant(offstage: Stage, people: dict[Level, Any]) -> Stage:
    """The operator's list names another server than this one."""
    elsewhere = offstage.world.add_guild("Lighthouse", owner=offstage.ada.user)
    offstage.settings = changed(
        offstage.settings,
        allowed_guilds=frozenset({elsewhere.id}),
        owner_ids=frozenset({people[Level.OPERATOR].user.id}),
    )
    return offstage


async def refusal_of(stage: Stage, person: Any) -> Any:
    """The short line under a message that is not answered."""
    said = await stage.say(person, "hello")
    refusal = await stage.world.wait_for_message(stage.channel, lambda message: message.reply_to is said)
    assert said.reaction("🚫")
    assert "I cannot answer this." in refusal.content
    return refusal


async def test_a_dormant_server_is_silent_but_for_the_refusal(dormant: Stage, people: dict[Level, Any]) -> None:
    elsewhere = next(guild for guild in dormant.world.guilds if guild.name == "Lighthouse")
    async with running(dormant, dormant.settings) as bot:
        show_all(dormant, bot)
        await refusal_of(dormant, people[Level.ADMIN])
        for name, (_, options) in COMMANDS.items():
            interaction = await people[Level.ADMIN].slash(dormant.channel, name, **given(dormant, options))
            shown = (await interaction.answered()).response
            assert shown.ephemeral
            assert ("not approved" in shown.content) == (name != "help" and not name.startswith("privacy "))
        assert await dormant.ada.autocomplete(dormant.channel, "tokens", focused="model", text="x", model="70b") == []
        assert not dormant.prompts
        assert not dormant.completions
        await dormant.ask(dormant.ada, "hello", channel=elsewhere.add_text_channel("general"))
        assert len(dormant.prompts) == 1


async def test_only_the_operator_can_approve_and_that_is_kept(dormant: Stage, people: dict[Level, Any]) -> None:
    async with running(dormant, dormant.settings):
        refusal = await refusal_of(dormant, dormant.ada)
        why = await dormant.press(people[Level.ADMIN], refusal, "Why?")
        assert why.ephemeral
        assert "not approved" in why.content
        assert not why.components
        offer = await dormant.press(people[Level.OPERATOR], refusal, "Why?")
        assert offer.ephemeral
        assert "approved" in (await dormant.press(people[Level.OPERATOR], offer, "Approve this server")).content
        await dormant.ask(dormant.ada, "one")
    async with running(dormant, dormant.settings):
        await dormant.ask(dormant.ada, "two")
    assert len(dormant.prompts) == 2


# --- buttons with made-up ids


def forge(message: Any, custom_id: str) -> None:
    """Let the only button of a message carry another id."""
    message.components[0]["components"][0]["custom_id"] = custom_id


@pytest.mark.parametrize("custom_id", ["why:9999", "why:19", f"stop:{10**19}", "restore:0", "retry:0", "approve:0"])
async def test_made_up_numbers_do_nothing(stage: Stage, custom_id: str) -> None:
    await stage.ask(stage.ada, "one")
    divider = await stage.command(stage.moderator, "reset")
    forge(divider, custom_id)
    interaction = await stage.moderator.click(divider)
    assert (await interaction.answered()).response.ephemeral
