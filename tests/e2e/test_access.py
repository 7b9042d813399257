"""Who may use the bot, asked through Discord: denials with a reason and an end, lists, models, and direct messages."""

import asyncio
import re
from typing import Any

import pytest

from cogs._members import BELIEVED_SECONDS
from storage import Scope
from tests.e2e.acting import asked, quiet, shown, slow_text, waiting
from tests.e2e.conftest import MANAGE_MESSAGES, MODEL, Stage, changed, running

pytestmark = pytest.mark.usefixtures("no_rate_limits")

OTHER_MODEL = "TheDrummer-UnslopNemo-12B-v4.1"
SWITCHED_OFF = "A moderator has switched this off for you here"
ONLY_SOME = "I may be used here by some people or in some channels only"


async def rule(stage: Stage, verb: str, person: Any = None, **options: Any) -> Any:
    """What `/access` answers."""
    if "duration" in options:
        options["for"] = options.pop("duration")
    interaction = await (person or stage.moderator).slash(stage.channel, f"access {verb}", options)
    return (await interaction.answered()).response


async def refused(stage: Stage, person: Any, channel: Any = None) -> str:
    """Why a message of this person is not answered, as the button tells it."""
    said = await stage.say(person, "hello", channel=channel)
    line = await stage.world.wait_for_message(said.channel, lambda message: message.reply_to is said)
    assert (line.content, bool(said.reaction("🚫"))) == ("-# I cannot answer this.", True)
    why = await stage.press(person, line, "Why?")
    assert why.ephemeral
    return str(why.content)


async def test_who_is_denied_is_told_why_and_until_when_at_every_entry(stage: Stage) -> None:
    reply = await stage.ask(stage.tom, "one", answer="The cat sat.")
    form = await stage.tom.click(reply, label="✏️")
    await form.answered()
    made = await rule(stage, "deny", user=stage.tom.user, duration="2h", reason="spam `x`")
    assert made.ephemeral
    assert re.fullmatch(rf"⛔ <@{stage.tom.user.id}> denied until <t:\d+:f> · spam 'x'", made.content)

    before = len(asked(stage))
    said = await stage.say(stage.tom, "hello")
    line = await stage.world.wait_for_message(stage.channel, lambda message: message.reply_to is said)
    why = await stage.press(stage.tom, line, "Why?")
    assert re.fullmatch(rf"{SWITCHED_OFF} until <t:\d+:f> \(<t:\d+:R>\)\. Their reason: spam `x`", why.content)
    assert (await stage.press(stage.ada, line, "Why?")).content == f"{SWITCHED_OFF}.", "it is none of her business"
    for interaction in (
        await stage.tom.slash(stage.channel, "chat", message="hello"),
        await stage.tom.click(reply, label="🔄"),
        await stage.tom.submit(form, text="The dog sat."),
        await stage.tom.message_command(reply, "Regenerate"),
    ):
        shown_to_tom = (await interaction.answered()).response
        assert shown_to_tom.ephemeral
        assert shown_to_tom.content == why.content
    assert await stage.tom.autocomplete(stage.channel, "tokens", focused="model", text="x", model="70b") == []
    assert len(asked(stage)) == before
    assert reply.content == "The cat sat."
    assert "`/undo`" not in (await stage.command(stage.tom, "help")).content, "help is open, and honest"

    await stage.ask(stage.ada, "hello")
    assert "denied" in (await rule(stage, "list")).content
    assert "any more" in (await rule(stage, "clear", user=stage.tom.user)).content
    assert "Nothing was said" in (await rule(stage, "clear", user=stage.tom.user)).content
    await stage.ask(stage.tom, "again")


async def test_lists_of_people_and_places_leave_out_the_rest_and_deny_beats_allow(stage: Stage) -> None:
    vip, category = stage.guild.add_role("vip"), stage.guild.add_category("games")
    stage.guild.members[stage.ada.user.id].roles.append(vip)
    games = stage.guild.add_text_channel("dice", category=category)
    thread = games.add_thread("night", stage.ada.user)
    await rule(stage, "allow", role=vip)
    await rule(stage, "allow", category=category)
    assert (await refused(stage, stage.tom, thread)).startswith(ONLY_SOME)
    assert (await refused(stage, stage.ada)).startswith(ONLY_SOME)
    await stage.ask(stage.ada, "hello", channel=thread)
    await rule(stage, "deny", channel=games, reason="quiet hours")
    assert (await refused(stage, stage.ada, thread)) == f"{SWITCHED_OFF}. Their reason: quiet hours"
    listed = (await rule(stage, "list")).content.splitlines()
    assert [line[0] for line in listed] == ["⛔", "✅", "✅"]

    lobby = stage.world.add_guild("Lighthouse", owner=stage.tom.user).add_text_channel("lobby")
    await stage.ask(stage.tom, "here it is open", channel=lobby)
    foreign = await stage.moderator.autocomplete(stage.channel, "access clear", focused="rule", rule="quiet")
    assert foreign == []
    [found] = await stage.moderator.autocomplete(
        stage.channel, "access clear", focused="rule", rule=f"deny channel:{games.id}"
    )
    told = await stage.command(stage.tom, "access clear", lobby, rule=found.value)
    assert told.content.startswith("Nothing was said"), "another server's rule"
    await rule(stage, "clear", rule=found.value)
    await stage.ask(stage.ada, "hello", channel=thread)


async def test_what_cannot_be_a_rule_is_refused_in_words_and_takes_rights_in_the_whole_server(stage: Stage) -> None:
    role = stage.guild.add_role("new")
    for options, words in (
        ({}, "Name at least one"),
        ({"user": stage.tom.user, "role": role}, "Name a person or a role, not both."),
        ({"user": stage.tom.user, "duration": "soon"}, "`for` takes a time"),
        ({"rule": "x"}, "Nothing was said"),
    ):
        told = await rule(stage, "clear" if "rule" in options else "deny", **options)
        assert told.content.startswith(words)
    quiet_place = stage.guild.add_text_channel("quiet")
    quiet_place.set_permissions(stage.tom.user, allow=MANAGE_MESSAGES)
    told = await stage.command(stage.tom, "access deny", quiet_place, user=stage.ada.user)
    assert told.content == "That is for moderators."
    assert (await rule(stage, "list")).content.startswith("There are no rules")


async def test_a_denied_model_cannot_be_set_and_another_answers_in_its_place(stage: Stage) -> None:
    await stage.command(stage.moderator, "model set", model=OTHER_MODEL)
    new = stage.guild.add_role("new")
    stage.guild.members[stage.tom.user.id].roles.append(new)
    await rule(stage, "deny", role=new, model=OTHER_MODEL.lower())
    note = f"`{OTHER_MODEL}` may not answer here; `{MODEL}` did."
    assert note in (await stage.ask(stage.tom, "one")).content
    assert note not in (await stage.ask(stage.tom, "two")).content, "once is enough"
    await stage.ask(stage.ada, "three")
    assert [request.body["model"] for request in asked(stage)[-3:]] == [MODEL, MODEL, OTHER_MODEL]
    told = await stage.command(stage.tom, "complete", prompt="At night", model=OTHER_MODEL)
    assert f"does not let `{OTHER_MODEL}` answer" in told.content
    assert (await stage.command(stage.moderator, "model set", model=OTHER_MODEL)).content.startswith(f"`{OTHER_MODEL}`")
    await rule(stage, "allow", model=MODEL)
    told = await stage.command(stage.moderator, "model set", model=OTHER_MODEL)
    assert f"does not let `{OTHER_MODEL}` answer" in told.content
    await stage.ask(stage.ada, "four")
    assert asked(stage)[-1].body["model"] == MODEL


# --- direct messages


async def test_direct_messages_count_against_a_server_that_both_are_in(offstage: Stage) -> None:
    stage, elsewhere = offstage, offstage.world.add_guild("Lighthouse", owner=offstage.tom.user)
    async with running(stage, changed(stage.settings, allow_dms=True)) as bot:
        dm = await stage.ada.open_dm()
        await stage.ada.say(dm, "hello?")
        await stage.reply("Choose yours with `/home`", channel=dm)
        assert "have not chosen" in (await stage.command(stage.ada, "home", dm)).content
        [choice] = await stage.ada.autocomplete(dm, "home", focused="server", server="")
        assert (choice.name, choice.value) == ("Harbour", str(stage.guild.id))
        for unknown in (str(elsewhere.id), "Lighthouse", "9" * 30, "1"):
            assert "share no server" in (await stage.command(stage.ada, "home", dm, server=unknown)).content
        assert "**Harbour**" in (await stage.command(stage.ada, "home", dm, server="harbour")).content
        await stage.reply_to(await stage.ada.say(dm, "hello"))

        await rule(stage, "deny", role=stage.guild.everyone, reason="closed")
        told = await stage.command(stage.ada, "chat", dm, message="hello")
        assert told.content == f"{SWITCHED_OFF}. Their reason: closed"
        await rule(stage, "clear", role=stage.guild.everyone)  # its staff is not locked out by that
        await rule(stage, "allow", channel=stage.channel)
        await stage.reply_to(await stage.ada.say(dm, "places do not matter here"))

        await stage.command(stage.moderator, "pause", server=True)
        guard = bot.services.guard
        guard._homes_read_at.clear()  # as seconds later, or in the process of another shard
        assert "I am paused" in (await stage.command(stage.ada, "chat", dm, message="hello")).content
        await stage.command(stage.moderator, "resume", server=True)
        guard._homes_read_at.clear()

        stage.guild.remove_member(stage.ada.user)
        assert guard.members is not None
        clock = guard.members._clock
        guard.members._clock = lambda: clock() + BELIEVED_SECONDS
        before = len(asked(stage))
        assert "Choose yours" in (await stage.command(stage.ada, "chat", dm, message="hello")).content
        assert len(asked(stage)) == before


# --- moderators, messages that were missed, and bots


async def test_where_roles_are_chosen_for_moderators_managing_messages_makes_nobody_one(stage: Stage) -> None:
    assert stage.bot is not None
    crew = stage.guild.add_role("crew")
    stage.guild.members[stage.ada.user.id].roles.append(crew)
    guild_id = stage.guild.id
    settings = stage.bot.services.storage.settings
    await settings.put(guild_id, Scope("guild", guild_id), "moderator_roles", [crew.id], stage.admin.user.id)
    assert "answers in" in (await stage.command(stage.ada, "model set", model=MODEL)).content
    for command in ("model reset", "pause", "access list"):
        assert (await stage.command(stage.moderator, command)).content.startswith("That is for moderators")
    assert "answers here again" in (await stage.command(stage.admin, "model reset")).content
    stage.guild.override_command("access", stage.guild.everyone, allowed=True)  # as an admin can for chosen roles
    assert "There are no rules" in (await stage.command(stage.ada, "access list")).content


async def test_a_denied_role_is_known_also_of_messages_that_were_missed(offstage: Stage) -> None:
    stage, muted = offstage, offstage.guild.add_role("muted")
    stage.guild.members[stage.tom.user.id].roles.append(muted)
    async with running(stage, stage.settings):
        await rule(stage, "deny", role=muted)
        await stage.ask(stage.ada, "one")
    for person in (stage.tom, stage.ada):
        await stage.say(person, "missed")
    async with running(stage, stage.settings):
        await stage.world.wait_for_message(stage.channel, lambda message: "cannot answer" in message.content)
        await stage.world.wait_until(lambda: len(asked(stage)) == 2)
        await stage.settled()
    assert [message.reply_to.author.name for message in shown(stage) if message.reply_to] == ["Ada", "Ada"]


async def test_bots_and_webhooks_get_no_answer_however_they_call(stage: Stage) -> None:
    robot = stage.world.add_user("Robot", bot=True)
    stage.guild.add_member(robot)
    reply = await stage.ask(stage.ada, "one")
    await stage.command(stage.moderator, "channel set", trigger="always")
    before = len(asked(stage))
    await stage.say(stage.world.person(robot), "hello")
    await stage.world.person(robot).say(stage.channel, "hello", reply_to=reply)
    stage.channel.add_webhook("Feed").say(f"{stage.mention} hello")
    await quiet(stage)
    assert len(asked(stage)) == before


async def test_a_denial_ends_what_waits_and_what_is_written_for_those_alone(offstage: Stage) -> None:
    stage, places = offstage, [offstage.guild.add_text_channel(f"place-{number}") for number in range(4)]
    async with running(stage, changed(stage.settings, parallel_requests=2)):
        stage.api.hold(after_tokens=20)
        for person, place in ((stage.ada, places[0]), (stage.tom, places[1])):
            await stage.say(person, "write", channel=place, answer=slow_text(150))
        writing = [await stage.reply("w0 ", place) for place in places[:2]]
        for number, (person, place) in enumerate(((stage.ada, places[2]), (stage.tom, places[3])), 1):
            await stage.say(person, "wait", channel=place)
            await waiting(stage, number)

        made = await rule(stage, "deny", user=stage.ada.user, reason="enough")
        assert made.content.endswith(" I stopped 2 replies.")
        await stage.world.wait_until(lambda: "⏹️" in writing[0].content and "switched this off" in writing[0].content)
        told = await stage.reply(f"{SWITCHED_OFF}.", places[2])
        assert "enough" not in told.content, "which is between her and the moderators"
        assert "⏹️" not in writing[1].content
        assert not [message for message in shown(stage, places[3]) if SWITCHED_OFF in message.content]
        assert (await rule(stage, "deny", channel=places[3])).content.endswith(" I stopped a reply.")
        await stage.reply(f"{SWITCHED_OFF}.", places[3])
        assert "stopped" not in (await rule(stage, "deny", model=OTHER_MODEL)).content
        assert (await rule(stage, "deny", model=MODEL)).content.endswith(" I stopped a reply.")
        await stage.world.wait_until(lambda: "⏹️" in writing[1].content)
        stage.api.release()
        await stage.settled()
        assert len(asked(stage)) == 2


async def test_what_was_let_in_before_a_denial_does_not_begin_behind_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file of a message is being read when the denial comes."""
    assert stage.bot is not None
    reader, reading, let_go = stage.bot.talking.reader, asyncio.Event(), asyncio.Event()
    read = reader.read

    async def slowly(*args: Any, **options: Any) -> Any:
        reading.set()
        await let_go.wait()
        return await read(*args, **options)

    monkeypatch.setattr(reader, "read", slowly)
    await stage.say(stage.ada, "hello")
    await reading.wait()
    await rule(stage, "deny", user=stage.ada.user)
    let_go.set()
    await stage.reply(f"{SWITCHED_OFF}.")
    await stage.settled()
    assert not asked(stage)
