"""Reports, from the right click to what moderators do about them; and what their channel hears of refusals."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cogs._log_posts import LogPosts
from cogs._report_words import KEPT, KNOWN, REPORTED
from playground.discord import MessageFlag, Permission
from storage import AuditFilter, Scope, Target
from tests.e2e.acting import buttons, quiet, stored
from tests.e2e.characters import card_file, greeting, taken_in, use
from tests.e2e.conftest import MODEL, Stage, running

pytestmark = pytest.mark.usefixtures("no_rate_limits")

OPEN = ["Delete everywhere", "Block", "Dismiss"]
STALE = "This belongs to something that has changed since."


@pytest.fixture
def log(offstage: Stage) -> Any:
    return offstage.guild.add_text_channel("log")


async def choose(stage: Stage, guild: Any, **settings: Any) -> None:
    """Set something for a server."""
    assert stage.bot is not None
    for name, value in settings.items():
        await stage.bot.services.storage.settings.put(guild.id, Scope("guild", guild.id), name, value, 1)


async def report(stage: Stage, person: Any, message: Any, reason: str = "") -> str:
    """What a person is told who reports a message."""
    form = await person.message_command(message, "Report")
    await form.answered()
    if form.modal is None:
        assert form.response.ephemeral
        return str(form.response.content)
    interaction = await person.submit(form, reason=reason)
    await interaction.answered()
    await stage.settled()
    assert interaction.messages[-1].ephemeral
    return str(interaction.messages[-1].content)


async def press(stage: Stage, person: Any, message: Any, label: str) -> Any:
    """Press a button and wait until everything has come of it; what only the person sees of it."""
    interaction = await person.click(message, label=label)
    await interaction.answered()
    await quiet(stage, 0.02)
    return next((found for found in interaction.messages if found.ephemeral), None)


def prompts_in(report: Any) -> str:
    [file] = report.attachments
    assert file.filename == "report.txt"
    return bytes(file.data).decode()


async def test_a_report_tells_all_and_block_and_delete_work_after_a_restart(offstage: Stage, log: Any) -> None:
    stage = offstage
    async with running(stage, stage.settings) as bot:
        await choose(stage, stage.guild, log_channel=log.id)
        await stage.ask(stage.tom, "The lamp?", answer="It burns.")
        reply = await stage.ask(stage.ada, "And [now](https://example.org)?", answer="First words.")
        prompt = stage.prompts[-1]
        stage.api.replies.add("Nasty <@1> **words**.")
        await stage.press(stage.ada, reply, "🔄")
        await stage.world.wait_until(lambda: reply.content.startswith("Nasty"))
        await stage.settled()
        first_id, shown_id = [swipe.id for swipe in await bot.services.storage.history.siblings(
            stage.guild.id, (await stored(stage, reply)).id
        )]  # fmt: skip
        assert await report(stage, stage.tom, reply, "so @everyone\nrude") == REPORTED
        [told] = log.messages
        assert f"(https://discord.com/channels/{stage.guild.id}/{stage.channel.id}/{reply.id})" in told.content
        assert f"Asked by <@{stage.ada.user.id}>" in told.content
        assert f"`{MODEL}`" in told.content
        assert f"Reported by <@{stage.tom.user.id}>: so @\u200beveryone rude" in told.content
        assert r"\[now](https://example.org)" in told.content
        assert r"\*\*words\*\*" in told.content
        assert (told.mentions, told.mention_everyone, told.embeds) == ([], False, [])
        assert buttons(told) == OPEN
        whole = prompts_in(told)
        assert [said["content"] for said in prompt if said["content"] not in whole] == []
        assert "Rebuilt from what is kept now." in whole
        assert "Nasty <@1> **words**." in whole

        assert await report(stage, stage.tom, reply) == KNOWN
        assert await report(stage, stage.ada, reply) == REPORTED
        assert (len(log.messages), told.content.count("Reported by")) == (1, 2)
        assert told.flags == MessageFlag.SUPPRESS_EMBEDS
        refused = await press(stage, stage.tom, told, "Dismiss")
        assert refused.content == "That is for moderators."

    async with running(stage, stage.settings) as bot:
        await press(stage, stage.moderator, reply, "◀️")
        assert reply.content == "First words."
        chooser = await press(stage, stage.moderator, told, "Block")
        assert buttons(chooser) == ["10 minutes", "1 hour", "1 day", "1 week", "For good"]
        await press(stage, stage.moderator, chooser, "10 minutes")
        assert re.search(r"may not use me until <t:\d+:f>", chooser.content)
        assert f"<@{stage.moderator.user.id}> blocked <@{stage.ada.user.id}> until" in told.content
        assert buttons(told) == ["Delete everywhere"]
        before = len(stage.prompts)
        said = await stage.say(stage.ada, "hello")
        line = await stage.world.wait_for_message(stage.channel, lambda message: message.reply_to is said)
        why = await stage.press(stage.ada, line, "Why?")
        assert why.content.endswith("Their reason: reported message")
        assert len(stage.prompts) == before
        bot.services.guard.access._clock = lambda: datetime.now(UTC) + timedelta(minutes=11)
        await stage.ask(stage.ada, "I am back", answer="Good.")

        stage.world.faults.add("DELETE", rf"/messages/{reply.id}$", status=403, times=1)
        left = await press(stage, stage.moderator, told, "Delete everywhere")
        assert left.content == "I no longer know it, but Discord did not let me delete a message."
        assert (reply.deleted, buttons(told)) == (False, ["Delete everywhere"])
        await press(stage, stage.moderator, told, "Delete everywhere")
        assert reply.deleted
        history = bot.services.storage.history
        for message_id in (first_id, shown_id):
            kept = await history.message(stage.guild.id, message_id)
            assert kept is not None
            assert (kept.content, kept.state) == ("", "deleted")
        assert (told.attachments, buttons(told), "Nasty" in told.content) == ([], [], False)
        await stage.ask(stage.tom, "What did you say?", answer="Nothing.")
        assert "Nasty" not in stage.said_to_model
        records = await bot.services.audit.page(stage.guild.id, AuditFilter(actor_id=stage.moderator.user.id))
        done = ["report deleted", "report delete from history", "report blocked", "access deny"]
    assert [entry.action for entry in records] == done
    assert records[1].after == {"left in Discord": 1}


async def test_characters_and_others_messages_and_what_only_one_person_sees(stage: Stage, log: Any) -> None:
    await choose(stage, stage.guild, log_channel=log.id)
    await taken_in(stage, stage.moderator, card_file("Mira"))
    await use(stage, "Mira")
    opening = await greeting(stage)
    reply = await stage.ask(stage.ada, "Hello?", answer="Go away.")
    assert (opening.webhook_id is not None, reply.author.name) == (True, "Mira")
    words = await report(stage, stage.tom, await stage.tom.say(stage.channel, "people among themselves"))
    assert words == "Only what I said can be reported here. About people's messages, tell a moderator."
    assert await report(stage, stage.tom, opening) == REPORTED
    assert "No model was asked for it." in prompts_in(log.messages[-1])
    assert await report(stage, stage.tom, reply, "rude") == REPORTED
    told = log.messages[-1]
    assert f"Written by `{MODEL}` as Mira" in told.content
    assert "Character: Mira" in prompts_in(told)
    await press(stage, stage.moderator, told, "Delete everywhere")
    assert (reply.deleted, opening.deleted) == (True, False)
    first = log.messages[0]
    await stage.moderator.delete(first)
    assert await report(stage, stage.ada, opening) == REPORTED, "it is shown again"
    first = log.messages[-1]
    assert first.content.count("Reported by") == 2
    both = [await person.click(first, label="Dismiss") for person in (stage.moderator, stage.admin)]
    for pressed in both:
        await pressed.answered()
    await quiet(stage, 0.02)
    assert [message.content for pressed in both for message in pressed.messages if message.ephemeral] == [STALE]
    assert first.content.count("dismissed it") == 1
    assert buttons(first) == []
    assert await report(stage, stage.tom, opening) == KNOWN

    completed = await stage.command(stage.ada, "complete", prompt="At night")
    await stage.settled()
    assert await report(stage, stage.tom, completed) == REPORTED
    told = log.messages[-1]
    assert "At night" in told.content
    assert f"Asked by <@{stage.ada.user.id}>" in told.content
    await press(stage, stage.moderator, told, "Delete everywhere")
    assert completed.deleted

    stage.api.replies.add("A secret answer.")
    private = await stage.command(stage.ada, "chat", message="A secret?", private=True)
    await stage.world.wait_until(lambda: "A secret answer." in private.content)
    await stage.settled()
    form = await stage.ada.message_command(private, "Report")
    await form.answered()
    assert "Only you see this message." in str(form.modal.components)
    await (await stage.ada.submit(form)).answered()
    await stage.world.wait_until(lambda: "A secret answer" in log.messages[-1].content)


async def test_without_a_channel_reports_wait_and_nobody_makes_too_many(stage: Stage, log: Any) -> None:
    assert stage.bot is not None
    replies = [await stage.ask(stage.ada, f"Question {n}", answer=f"Answer {n}.") for n in range(6)]
    other = stage.world.add_guild("Lighthouse", owner=stage.tom.user)
    elsewhere = other.add_text_channel("lobby")
    await choose(stage, stage.guild, log_channel=elsewhere.id)
    assert await report(stage, stage.tom, replies[0], "bad") == KEPT, "it is another server's channel"
    await choose(stage, stage.guild, log_channel=log.id)
    log.set_permissions(stage.world.bot, deny=int(Permission.SEND_MESSAGES))
    assert await report(stage, stage.tom, replies[1]) == KEPT
    doctor = await stage.command(stage.admin, "doctor")
    assert f"⚠️ **Moderators' channel**: I lack Send Messages, Attach Files in <#{log.id}>." in doctor.content
    log.set_permissions(stage.world.bot, deny=int(Permission.ATTACH_FILES))
    assert await report(stage, stage.tom, replies[2]) == REPORTED
    await stage.world.wait_until(lambda: len(log.messages) == 3)
    assert not any(message.attachments for message in log.messages)
    for reply in replies[3:5]:
        assert await report(stage, stage.tom, reply) == REPORTED
    assert await report(stage, stage.tom, replies[5]) == (
        "You may report 5 messages in 10 minutes. Tell a moderator what cannot wait."
    )
    assert await report(stage, stage.ada, replies[5]) == REPORTED
    assert not elsewhere.messages


async def test_refusals_are_told_where_that_is_wanted_and_not_too_often(stage: Stage, log: Any) -> None:
    assert stage.bot is not None
    posts = stage.bot.services.filters.on_flag
    assert isinstance(posts, LogPosts)
    posts.spacing_seconds = 2.0
    await choose(stage, stage.guild, log_channel=log.id)
    reply = await stage.ask(stage.ada, "one", answer="The cat.")
    await stage.bot.services.storage.access.set(stage.guild.id, "deny", Target(user_id=stage.ada.user.id), set_by=1)
    await stage.command(stage.ada, "chat", message="hello")
    await quiet(stage)
    assert not log.messages, "nobody asked for it"
    await choose(stage, stage.guild, log_refusals=True)
    await stage.command(stage.ada, "chat", message="hello")
    await stage.world.wait_until(lambda: len(log.messages) == 1)
    line = f"🚫 I refused <@{stage.ada.user.id}> in <#{stage.channel.id}>: a moderator denied it"
    assert log.messages[0].content == line
    await stage.press(stage.ada, reply, "🔄")
    await stage.say(stage.ada, "hello?")
    await stage.reply("I cannot answer this.")
    await stage.world.wait_until(lambda: len(log.messages) == 2)
    assert log.messages[1].content == f"{line}\n{line}"
    await stage.command(stage.moderator, "pause")
    await stage.command(stage.tom, "model set", model="none")
    await stage.command(stage.tom, "chat", message="hello")
    await stage.world.wait_until(lambda: len(log.messages) == 3)
    assert log.messages[2].content.endswith(": I am paused")
    assert await report(stage, stage.ada, reply) == REPORTED, "also by people who are denied, while it is paused"
