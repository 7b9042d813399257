"""Personas speak through webhooks: under their own names and pictures, with everything that replies can do."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from playground.discord import Permission
from tests.e2e.acting import NEWEST, buttons, shown, slow_text, stored, swipes
from tests.e2e.characters import card_file, greeting, taken_in, use
from tests.e2e.conftest import Stage, changed, running
from tests.e2e.processes import environment, started

pytestmark = pytest.mark.usefixtures("no_rate_limits")


async def on_stage(stage: Stage, name: str = "Mira", channel: Any = None, **fields: Any) -> Any:
    """A character that speaks in the channel; gives its greeting."""
    await taken_in(stage, stage.moderator, card_file(name, **fields))
    await use(stage, name, channel=channel)
    return await greeting(stage, channel=channel)


def webhooks(stage: Stage) -> list[Any]:
    return [hook for hook in stage.world.webhooks if hook.application_id == stage.world.bot.id]


async def test_a_character_speaks_under_its_name_and_picture(stage: Stage) -> None:
    first = await on_stage(stage)
    [hook] = webhooks(stage)
    assert (first.author.name, first.webhook_id, hook.name) == ("Mira", hook.id, "Mira")
    assert hook.avatar is not None
    assert buttons(first) == swipes(1, 3)
    await stage.press(stage.moderator, first, "▶️")
    await stage.world.wait_until(lambda: first.content == "Who is there?")
    said = await stage.ada.say(stage.channel, "I am.", reply_to=first)  # which mentions nobody
    stage.api.replies.add("Come in, Ada.")
    reply = await stage.reply_to(said)
    assert (reply.content, reply.webhook_id, buttons(reply)) == ("Come in, Ada.", hook.id, NEWEST)
    await stage.world.wait_until(lambda: buttons(first) == [])
    assert (await stored(stage, reply)).content == "Come in, Ada."
    assert "Who is there?" in stage.said_to_model


async def test_all_that_replies_can_do_they_do_through_the_webhook(stage: Stage) -> None:
    await on_stage(stage)
    reply = await stage.ask(stage.ada, "Hello?", answer="One.")
    stage.api.replies.add("Two.")
    await stage.press(stage.ada, reply, "🔄")
    await stage.world.wait_until(lambda: (reply.content, buttons(reply)) == ("Two.", swipes(2, 2)))
    stage.api.replies.add(" And three.")
    await stage.press(stage.ada, reply, "⏩")
    await stage.world.wait_until(lambda: reply.content.startswith("Two. And three."))
    await stage.settled()
    form = await stage.ada.click(reply, label="✏️")
    await form.answered()
    await stage.ada.submit(form, text="Edited.")
    await stage.world.wait_until(lambda: reply.content == "Edited.")
    await stage.settled()
    await stage.press(stage.ada, reply, "🗑️")
    await stage.world.wait_until(lambda: reply.content == "One.")
    await stage.settled()
    await stage.command(stage.ada, "undo")
    await stage.world.wait_until(lambda: reply.deleted)
    [hook] = webhooks(stage)
    assert [message.content for message in shown(stage) if message.webhook_id == hook.id] == [
        "*The lamp turns.* Good evening, Max."
    ]


async def test_an_answer_to_a_command_comes_under_the_name_with_the_question_above(stage: Stage) -> None:
    await on_stage(stage)
    stage.api.replies.add("Light.")
    acknowledged = await stage.command(stage.ada, "chat", message="What do you keep?")
    reply = await stage.reply("Light.")
    assert (acknowledged.content, acknowledged.ephemeral) == ("-# Mira answers you here.", True)
    assert (reply.author.name, reply.content) == ("Mira", "> -# Ada:\n> What do you keep?\nLight.")
    stage.api.replies.add("Nothing.")
    await stage.press(stage.ada, reply, "🔄")
    await stage.world.wait_until(lambda: reply.content == "> -# Ada:\n> What do you keep?\nNothing.")
    await stage.settled()
    stage.api.replies.add("Hush.")
    private = await stage.command(stage.ada, "chat", message="A secret?", private=True)
    await stage.world.wait_until(lambda: private.content == "> A secret?\n**Mira**\nHush.")
    assert private.ephemeral


async def test_threads_speak_through_the_webhook_of_their_channel_also_after_a_restart(offstage: Stage) -> None:
    thread = offstage.channel.add_thread("plans", offstage.ada.user)
    async with running(offstage, offstage.settings):
        await on_stage(offstage)
        reply = await offstage.ask(offstage.ada, "a", answer="A.", channel=thread)
    async with running(offstage, offstage.settings):
        [hook] = webhooks(offstage)
        offstage.api.replies.add("B.")
        await offstage.press(offstage.ada, reply, "🔄")
        await offstage.world.wait_until(lambda: reply.content == "B.")
        await offstage.settled()
        again = await offstage.ask(offstage.ada, "c", answer="C.")
        assert (reply.webhook_id, again.webhook_id, again.channel) == (hook.id, hook.id, offstage.channel)
        assert webhooks(offstage) == [hook]


async def test_a_post_that_seemed_to_fail_is_not_repeated(stage: Stage) -> None:
    await on_stage(stage)
    path = r"/webhooks/\d+/[^/]+$"
    stage.world.faults.add("POST", path, status=502, after=True, times=1)
    reply = await stage.ask(stage.ada, "Once?", answer="Once. " + "More. " * 5)
    assert [m.content for m in stage.channel.messages if m.webhook_id and "Once." in m.content] == [reply.content]
    assert reply.content.endswith("More.")
    stage.world.faults.add("POST", path, status=502, times=1)
    assert (await stage.ask(stage.ada, "And now?", answer="Twice.")).content == "Twice."


async def test_a_changed_character_changes_its_webhook(stage: Stage) -> None:
    await on_stage(stage)
    [hook] = webhooks(stage)
    before = hook.avatar
    form = await stage.moderator.slash(stage.channel, "persona edit", name="Mira")
    await form.answered()
    await stage.moderator.submit(form, name="Discord Nora")
    await stage.settled()
    reply = await stage.ask(stage.ada, "Who?", answer="I.")
    assert reply.author.name.replace("\u2060", "") == "Discord Nora"
    assert (webhooks(stage), hook.avatar == before) == ([hook], False)


async def test_a_webhook_that_somebody_deletes_is_made_anew(stage: Stage) -> None:
    await on_stage(stage)
    old = await stage.ask(stage.ada, "a", answer="A.")
    webhooks(stage)[0].delete()
    stage.api.replies.add("B.")
    await stage.press(stage.ada, old, "🔄")  # what the old one wrote, nobody can change any more
    fresh = await stage.reply("B.")
    await stage.settled()
    assert (fresh.author.name, buttons(fresh)) == ("Mira", swipes(2, 2))
    [hook] = webhooks(stage)
    hook.delete()
    assert (await stage.ask(stage.ada, "c", answer="C.")).author.name == "Mira"


async def test_a_channel_has_few_webhooks_of_ours(stage: Stage) -> None:
    for number in range(9):
        await on_stage(stage, f"Mira {number}")
    assert sorted(hook.name for hook in webhooks(stage)) == [f"Mira {number}" for number in range(1, 9)]
    full = stage.guild.add_text_channel("full")
    others = [full.add_webhook(f"somebody {number}") for number in range(15)]
    await use(stage, "Mira 0", channel=full)
    assert (await greeting(stage, channel=full)).content.startswith("**Mira 0**\n")
    told = (await stage.command(stage.admin, "doctor", full)).content
    assert "⚠️ **Voices of characters**: as the bot's, under a bold name: others have all 15 webhooks" in told
    others[0].delete()
    assert (await stage.ask(stage.ada, "a", answer="A.", channel=full)).author.name == "Mira 0"
    assert "Voices" not in (await stage.command(stage.admin, "doctor", full)).content


async def test_the_webhook_of_a_deleted_character_goes_to_the_next(stage: Stage) -> None:
    await on_stage(stage)
    reply = await stage.ask(stage.ada, "a", answer="A.")
    [hook] = webhooks(stage)
    face = (reply.author.name, reply.author.avatar)
    await stage.command(stage.moderator, "persona delete", name="Mira")
    await on_stage(stage, "Nora")
    assert (webhooks(stage), hook.name) == ([hook], "Nora")
    assert (reply.author.name, reply.author.avatar) == face
    await stage.command(stage.moderator, "persona clear")
    pressed = await stage.moderator.message_command(reply, "Forget")
    await pressed.answered()
    await stage.world.wait_until(lambda: reply.deleted)  # which only its webhook can do without Manage Messages
    await on_stage(stage, "Otis")
    assert sorted(hook.name for hook in webhooks(stage)) == ["Nora", "Otis"]


async def test_another_character_takes_over_under_its_own_name(stage: Stage) -> None:
    await on_stage(stage)
    reply = await stage.ask(stage.ada, "a", answer="A.")
    await stage.command(stage.moderator, "persona clear")
    stage.api.replies.add("B.")
    await stage.press(stage.ada, reply, "🔄")
    fresh = await stage.reply("B.")
    await stage.world.wait_until(lambda: reply.deleted)
    assert (fresh.author, buttons(fresh)) == (stage.world.bot, swipes(2, 2))
    await stage.press(stage.ada, fresh, "◀️")
    await stage.world.wait_until(lambda: fresh.content == "**Mira**\nA.")  # the bot's own message can say it as well


async def test_without_the_intent_or_the_permission_there_is_a_name_line(offstage: Stage) -> None:
    async with running(offstage, offstage.settings, message_content=False):
        assert (await on_stage(offstage)).content.startswith("**Mira**\n")
    role = offstage.guild.bot_role
    role.edit(permissions=role.permissions & ~Permission.MANAGE_WEBHOOKS)
    async with running(offstage, offstage.settings):
        assert (await offstage.ask(offstage.ada, "a", answer="A.")).content == "**Mira**\nA."
        report = await offstage.command(offstage.admin, "doctor")
        assert "Manage Webhooks" in report.content


async def test_a_long_wait_shows_in_a_notice_that_becomes_the_reply(
    offstage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cogs._screen.REACTION_AFTER_SECONDS", 0.02)
    monkeypatch.setattr("cogs._screen.NOTICE_AFTER_SECONDS", 0.05)
    async with running(offstage, changed(offstage.settings, requests_per_minute=60, parallel_requests=1)):
        await on_stage(offstage)
        other = offstage.guild.add_text_channel("other")
        offstage.api.hold()
        offstage.api.replies.add("word " * 30)
        await offstage.say(offstage.tom, "first", channel=other)
        await offstage.world.wait_until(lambda: len(offstage.prompts) == 1)
        said = await offstage.say(offstage.ada, "second", answer="Here I am.")
        notice = await offstage.reply("⏳")
        offstage.api.release()
        reply = await offstage.reply_to(said)
        assert (reply, reply.content, reply.webhook_id) == (notice, "Here I am.", webhooks(offstage)[0].id)


@pytest.mark.parametrize("noted", [True, False])
async def test_after_a_kill_a_reply_is_closed_where_it_stands(offstage: Stage, tmp_path: Path, noted: bool) -> None:
    async with running(offstage, offstage.settings):
        await on_stage(offstage)
    if not noted:  # it stands in Discord, but the bot does not hear of that any more
        offstage.world.faults.add("POST", r"/webhooks/\d+/[^/]+$", status=502, after=True)
        offstage.world.faults.add("GET", r"/channels/\d+/messages$", status=500, times=None)
    offstage.api.faults.add("slow", tokens_per_second=40)
    offstage.api.replies.add(slow_text(150))
    async with started(tmp_path, environment(offstage)) as process:
        await offstage.world.wait_until_connected(timeout=15)
        await offstage.say(offstage.ada, "write")
        reply = await offstage.world.wait_for_message(
            offstage.channel,
            lambda m: offstage.by_bot(m) and m.content.startswith("w") and (not noted or "w1" in m.content),
        )
        await process.kill()
    offstage.world.faults.clear()
    text = reply.content
    async with running(offstage, offstage.settings):
        await offstage.reply("I was restarted")
        assert reply.content.startswith(f"{text}\n-# ⚠️")
        assert (await stored(offstage, reply)).content == text
        assert len([message for message in shown(offstage) if message.author.name == "Mira"]) == 2
        offstage.api.replies.add("Again.")
        await offstage.press(offstage.ada, reply, "Retry")
        await offstage.world.wait_until(lambda: reply.content == "Again.")


async def test_who_waited_long_is_mentioned_above_a_reply_that_comes_later(
    offstage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cogs._screen.REACTION_AFTER_SECONDS", 0.02)
    monkeypatch.setattr("cogs._screen.NOTICE_AFTER_SECONDS", 0.05)
    monkeypatch.setattr("cogs._screen.FRESH_PING_AFTER_SECONDS", 0.1)
    async with running(offstage, changed(offstage.settings, requests_per_minute=60, parallel_requests=1)):
        await on_stage(offstage)
        other = offstage.guild.add_text_channel("other")
        offstage.api.hold()
        offstage.api.replies.add("word " * 40)
        await offstage.say(offstage.tom, "first", channel=other)
        await offstage.world.wait_until(lambda: len(offstage.prompts) == 1)
        await offstage.say(offstage.ada, "second", answer="Here I am.")
        notice = await offstage.reply("⏳")
        await asyncio.sleep(0.1)
        await offstage.tom.say(offstage.channel, "by the way")
        offstage.api.release()
        reply = await offstage.world.wait_for_message(offstage.channel, lambda m: "Here I am." in m.content)
        await offstage.settled()
        assert (reply.content, [user.id for user in reply.mentions]) == (
            f"-# <@{offstage.ada.user.id}>\nHere I am.",
            [offstage.ada.user.id],
        )
        assert notice.deleted
        assert (await stored(offstage, reply)).content == "Here I am."
