"""People obey what a real client obeys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from playground.discord import (
    InvalidOptionError,
    NotAllowedError,
    NotVisibleError,
    Permission,
    PersonError,
    UnknownCommandError,
)
from tests.playground.discord.test_commands import command, group, option, put, sub

if TYPE_CHECKING:
    from tests.playground.discord.conftest import Clock, Scene


async def test_words_have_limits(scene: Scene) -> None:
    with pytest.raises(InvalidOptionError, match="empty"):
        await scene.person.say(scene.channel, "  ")
    with pytest.raises(InvalidOptionError, match="2000"):
        await scene.person.say(scene.channel, "x" * 2001)
    message = await scene.person.say(scene.channel, "mine")
    with pytest.raises(InvalidOptionError):
        await scene.person.edit(message, "")
    await scene.person.edit(message, "changed")
    assert (message.content, message.edited) == ("changed", True)
    with pytest.raises(NotAllowedError, match="author"):
        await scene.world.person(scene.owner).edit(message, "yours")


async def test_mentions_are_read_out_of_the_text(scene: Scene) -> None:
    asked = await scene.person.say(scene.channel, "hello", mentions_bot=True)
    assert (asked.mentions, asked.content) == ([scene.world.bot], f"<@{scene.world.bot.id}> hello")
    reply = await scene.world.person(scene.owner).say(scene.channel, "yes", reply_to=asked)
    assert (reply.mentions, reply.reply_to) == ([scene.ada], asked)
    silent = await scene.world.person(scene.owner).say(scene.channel, "no", reply_to=asked, ping=False)
    assert silent.mentions == []
    everyone = await scene.person.say(scene.channel, "@everyone")
    assert not everyone.mention_everyone
    everyone = await scene.world.person(scene.owner).say(scene.channel, "@everyone")
    assert everyone.mention_everyone


async def test_places_one_cannot_see_or_write_in(scene: Scene) -> None:
    hidden = scene.guild.add_text_channel("hidden", overwrites={scene.guild.everyone: (0, Permission.VIEW_CHANNEL)})
    secret = scene.world.add_message(hidden, scene.owner, "secret")
    mute = scene.guild.add_text_channel("mute", overwrites={scene.guild.everyone: (0, Permission.SEND_MESSAGES)})
    for action in (
        scene.person.say(hidden, "x"),
        scene.person.react(secret, "👍"),
        scene.person.slash(hidden, "ask"),
        scene.person.click(secret, "x"),
        scene.person.delete(secret),
    ):
        with pytest.raises(NotVisibleError):
            await action
    with pytest.raises(NotVisibleError):
        scene.person.messages(hidden)
    with pytest.raises(NotAllowedError, match="may not write"):
        await scene.person.say(mute, "x")
    with pytest.raises(NotAllowedError, match="Nobody writes"):
        await scene.person.say(scene.guild.add_category("rooms"), "x")
    with pytest.raises(NotAllowedError, match="MANAGE_MESSAGES"):
        await scene.person.delete(scene.world.add_message(scene.channel, scene.owner, "not yours"))
    stranger = scene.world.person(scene.world.add_user("stranger"))
    with pytest.raises(NotVisibleError):
        await stranger.say(scene.channel, "x")


async def test_a_time_out_silences(timed: Scene, clock: Clock) -> None:
    timed.guild.members[timed.ada.id].time_out(60)
    with pytest.raises(NotAllowedError):
        await timed.person.say(timed.channel, "x")
    clock.advance(61)
    await timed.person.say(timed.channel, "free again")


async def test_slow_mode(timed: Scene, clock: Clock) -> None:
    timed.channel.edit(rate_limit_per_user=10)
    await timed.person.say(timed.channel, "one")
    with pytest.raises(NotAllowedError, match="10 s"):
        await timed.person.say(timed.channel, "two")
    owner = timed.world.person(timed.owner)
    await owner.say(timed.channel, "a")
    await owner.say(timed.channel, "b")
    clock.advance(10)
    await timed.person.say(timed.channel, "two")


async def test_threads_of_people(scene: Scene) -> None:
    message = await scene.person.say(scene.channel, "topic")
    thread = await scene.person.start_thread(scene.channel, "talk", message=message)
    await scene.person.say(thread, "in here")
    assert (thread.id, message.thread) == (message.id, thread)
    other = scene.channel.add_thread("other", scene.owner)
    await scene.person.join_thread(other)
    await scene.person.leave_thread(other)
    assert other.thread is not None
    assert scene.ada.id not in other.thread.members
    scene.guild.everyone.edit(permissions=scene.guild.everyone.permissions & ~Permission.SEND_MESSAGES_IN_THREADS)
    with pytest.raises(NotAllowedError):
        await scene.person.say(thread, "silenced")
    other.archive(locked=True)
    await scene.world.person(scene.owner).say(other, "owners may")


async def test_pins_and_typing(scene: Scene) -> None:
    message = await scene.person.say(scene.channel, "x")
    with pytest.raises(NotAllowedError):
        await scene.person.pin(message)
    await scene.world.person(scene.owner).pin(message)
    assert message.pinned
    await scene.person.type(scene.channel)
    assert scene.ada.id in scene.channel.typing


EVERYTHING = command(
    "every",
    options=[
        option("text", 3, min_length=2, max_length=4),
        option("count", 4, min_value=1, max_value=5),
        option("flag", 5),
        option("who", 6),
        option("where", 7, channel_types=[0]),
        option("role", 8),
        option("whom", 9),
        option("ratio", 10, max_value=1.5),
        option("file", 11),
        option("pick", 3, choices=[{"name": "One", "value": "1"}, {"name": "Two", "value": "2"}]),
    ],
)


async def test_options_of_every_kind_are_resolved(scene: Scene) -> None:
    await put(scene, EVERYTHING)
    role = scene.guild.add_role("readers")
    interaction = await scene.person.slash(
        scene.channel,
        "every",
        text="abc",
        count=3,
        flag=True,
        who=scene.owner,
        where=scene.channel,
        role=role,
        whom=role,
        ratio=0.5,
        file=("notes.txt", b"words"),
        pick="Two",
    )
    values = {o["name"]: o["value"] for o in interaction.data["options"]}
    resolved = interaction.data["resolved"]
    assert (values["text"], values["count"], values["flag"], values["ratio"], values["pick"]) == (
        "abc", 3, True, 0.5, "2"
    )  # fmt: skip
    assert (values["who"], values["where"], values["role"], values["whom"]) == (
        str(scene.owner.id), str(scene.channel.id), str(role.id), str(role.id)
    )  # fmt: skip
    assert resolved["attachments"][values["file"]]["filename"] == "notes.txt"
    assert set(resolved) == {"users", "members", "channels", "roles", "attachments"}


@pytest.mark.parametrize(
    "values",
    [
        {"text": "x"},
        {"text": "xxxxx"},
        {"text": 5},
        {"count": 0},
        {"count": 6},
        {"count": 1.5},
        {"count": True},
        {"flag": "yes"},
        {"who": "ada"},
        {"where": "general"},
        {"role": 5},
        {"whom": None, "who": 7},
        {"ratio": 2.0},
        {"file": b"raw"},
        {"pick": "Three"},
        {"unknown": "x"},
    ],
)
async def test_options_are_checked(scene: Scene, values: dict[str, Any]) -> None:
    await put(scene, EVERYTHING)
    with pytest.raises(InvalidOptionError):
        await scene.person.slash(scene.channel, "every", values)
    assert scene.world.interactions == []


async def test_channels_of_the_wrong_kind_are_not_offered(scene: Scene) -> None:
    await put(scene, EVERYTHING)
    with pytest.raises(InvalidOptionError, match="channel of the right kind"):
        await scene.person.slash(scene.channel, "every", where=scene.guild.add_forum("stories"))
    elsewhere = scene.world.add_guild("Elsewhere").add_text_channel("general")
    with pytest.raises(InvalidOptionError):
        await scene.person.slash(scene.channel, "every", where=elsewhere)


async def test_required_options(scene: Scene) -> None:
    await put(scene, command(options=[option(required=True), option("more")]))
    with pytest.raises(InvalidOptionError, match="text is required"):
        await scene.person.slash(scene.channel, "ask", more="x")
    interaction = await scene.person.slash(scene.channel, "ask", {"more": "2"}, text="1")
    assert [o["name"] for o in interaction.data["options"]] == ["text", "more"]


async def test_subcommands_are_found_two_deep(scene: Scene) -> None:
    await put(scene, command("model", options=[sub("set", option(required=True)), group("more", sub("list"))]))
    interaction = await scene.person.slash(scene.channel, "model set", text="x")
    assert interaction.data["options"] == [
        {"type": 1, "name": "set", "options": [{"type": 3, "name": "text", "value": "x"}]}
    ]
    assert interaction.name == "/model set"
    deep = await scene.person.slash(scene.channel, "model more list")
    assert deep.data["options"][0]["options"][0]["name"] == "list"
    for wrong in ("model", "model more", "model nothing", "nothing"):
        with pytest.raises(UnknownCommandError):
            await scene.person.slash(scene.channel, wrong)


async def test_who_is_offered_which_command(scene: Scene) -> None:
    manage = str(int(Permission.MANAGE_MESSAGES))
    await put(
        scene,
        command("all"),
        command("staff", default_member_permissions=manage),
        command("admins", default_member_permissions="0"),
        command("adult", nsfw=True),
        command("private", contexts=[1]),
        command("guilds", dm_permission=False),
    )

    def offered(person: Any, channel: Any) -> set[str]:
        return {c["name"] for c in person.commands(channel)}

    owner = scene.world.person(scene.owner)
    assert offered(scene.person, scene.channel) == {"all", "guilds"}
    assert offered(owner, scene.channel) == {"all", "staff", "admins", "guilds"}
    assert offered(scene.person, await scene.person.open_dm()) == {"all", "staff", "admins", "adult", "private"}
    den = scene.guild.add_text_channel("den", nsfw=True)
    assert "adult" in offered(scene.person, den)
    assert "adult" in offered(scene.person, den.add_thread("deeper", scene.owner))

    scene.guild.members[scene.ada.id].add_role(scene.guild.add_role("mods", Permission.MANAGE_MESSAGES))
    assert "staff" in offered(scene.person, scene.channel)
    with pytest.raises(UnknownCommandError, match="not offered"):
        await scene.person.slash(scene.channel, "admins")
    scene.channel.set_permissions(scene.guild.everyone, deny=Permission.USE_APPLICATION_COMMANDS)
    assert offered(scene.person, scene.channel) == set()


async def test_admins_override_what_commands_ask_for(scene: Scene) -> None:
    await put(scene, command("staff", default_member_permissions="0"), command("all"))
    guild, person = scene.guild, scene.person
    guild.override_command("staff", guild.everyone, allowed=True)
    await person.slash(scene.channel, "staff")
    guild.override_command("staff", scene.ada, allowed=False)
    with pytest.raises(UnknownCommandError):
        await person.slash(scene.channel, "staff")
    guild.override_command("all", scene.channel, allowed=False)
    with pytest.raises(UnknownCommandError):
        await person.slash(scene.channel, "all")
    role = guild.add_role("readers")
    guild.members[scene.ada.id].add_role(role)
    other = guild.add_text_channel("other")
    guild.override_command("all", guild.everyone, allowed=False)
    guild.override_command("all", role, allowed=True)
    await person.slash(other, "all")


async def test_context_menus(scene: Scene) -> None:
    await put(scene, command("Report", type=3, description=""), command("Profile", type=2, description=""))
    message = await scene.person.say(scene.channel, "report me")
    reported = await scene.person.message_command(message, "Report")
    assert reported.data["target_id"] == str(message.id)
    assert reported.data["resolved"]["messages"][str(message.id)]["content"] == "report me"
    shown = await scene.person.user_command(scene.owner, "Profile")
    assert shown.channel is scene.channel
    assert str(scene.owner.id) in shown.data["resolved"]["users"]
    with pytest.raises(UnknownCommandError):
        await scene.person.message_command(message, "Profile")
    with pytest.raises(NotVisibleError):
        await scene.person.user_command(scene.world.add_user("stranger"), "Profile")


async def test_guild_commands_come_first_and_only_where_the_bot_is(scene: Scene) -> None:
    await put(scene, command("ask"))
    own = (await put(scene, command("ask"), guild=True)).body[0]
    interaction = await scene.person.slash(scene.channel, "ask")
    assert (interaction.data["id"], interaction.data["guild_id"]) == (own["id"], str(scene.guild.id))
    scene.guild.remove_bot()
    assert scene.person.commands(scene.channel) == []


def test_every_error_of_a_person_has_one_root() -> None:
    assert all(
        issubclass(kind, PersonError)
        for kind in (InvalidOptionError, NotAllowedError, NotVisibleError, UnknownCommandError)
    )
