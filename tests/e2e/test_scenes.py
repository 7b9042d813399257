"""`/scene`: threads in which a character plays, whose they are, what holds in them, and how they end."""

import re
from functools import partial
from typing import Any

import pytest

from chat.bursts import Burst
from chat.scenes import RECAP, RECAP_TOKENS
from playground.discord import Permission
from tests.e2e.acting import NEWEST, asked, buttons, quiet, slow_text, stored, swipes
from tests.e2e.characters import card_file, taken_in
from tests.e2e.conftest import Stage, changed, running

pytestmark = pytest.mark.usefixtures("no_rate_limits")


@pytest.fixture(autouse=True)
def short_bursts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat.answers.Burst", partial(Burst, 0.05, 0.2))


async def begun(stage: Stage, person: Any, channel: Any = None, **options: Any) -> Any:
    """The thread of a scene that somebody starts, when its greeting stands there."""
    told = await stage.command(person, "scene start", channel, **{"persona": "Mira", **options})
    assert not told.ephemeral, told.content
    [thread_id] = re.findall(r"<#(\d+)>", told.content)
    thread = next(t for t in stage.guild.threads.values() if t.id == int(thread_id))
    await said_in(stage, thread, "Good evening")
    return thread


async def said_in(stage: Stage, thread: Any, containing: str) -> Any:
    message = await stage.world.wait_for_message(thread, lambda message: containing in message.content)
    await stage.settled()
    return message


async def refusal(stage: Stage, person: Any, channel: Any = None, **options: Any) -> str:
    """Why a scene was not started."""
    before = len(stage.guild.threads)
    told = await stage.command(person, "scene start", channel, **{"persona": "Mira", **options})
    assert told.ephemeral
    assert len(stage.guild.threads) == before
    return str(told.content)


async def test_a_scene_is_a_thread_of_whoever_starts_it(offstage: Stage) -> None:
    stage = offstage
    other = stage.channel.add_thread("other", stage.tom.user)
    async with running(stage, stage.settings):
        await taken_in(stage, stage.moderator, card_file())
        await stage.command(stage.ada, "profile set", name="Kira")
        thread = await begun(stage, stage.ada, title="  The lighthouse ")
        assert (thread.name, thread.parent, thread.thread.owner_id) == (
            "The lighthouse", stage.channel, stage.world.bot.id,
        )  # fmt: skip
        assert thread.thread.auto_archive_minutes == 7 * 24 * 60
        assert stage.ada.user.id in thread.thread.members
        opening, greeting = thread.messages[-2:]
        assert opening.content.startswith("-# A scene with **Mira**, started by <@")
        assert "everything that is said here" in opening.content
        assert (greeting.author.name, buttons(greeting)) == ("Mira", swipes(1, 3))
        assert greeting.content == "*The lamp turns.* Good evening, Kira."
        await stage.press(stage.ada, greeting, "▶️")
        await stage.world.wait_until(lambda: greeting.content == "Who is there?")
        stage.api.replies.add("Tom? Come in.")
        await stage.tom.say(thread, "It is me, Tom.")
        reply = await said_in(stage, thread, "Come in.")
        assert (reply.author.name, buttons(reply)) == ("Mira", NEWEST)
        assert "Who is there?" in stage.said_to_model
        assert "It is me, Tom." in stage.said_to_model
        await stage.ask(stage.ada, "Who are you?")
        assert "Mira" not in stage.said_to_model
    async with running(stage, stage.settings):
        model = "TheDrummer-UnslopNemo-12B-v4.1"
        for person, place, allowed in (
            (stage.ada, thread, True), (stage.tom, thread, False), (stage.ada, stage.channel, False),
            (stage.ada, other, False), (stage.tom, other, True), (stage.moderator, thread, True),
        ):  # fmt: skip
            told = await stage.command(person, "model set", place, model=model)
            assert told.content.startswith("That is for") != allowed
        await stage.command(stage.ada, "note set", thread, text="It rains.")
        shown = await stage.command(stage.tom, "scene settings", thread)
        assert shown.ephemeral
        assert shown.content.splitlines()[0].startswith(f"This scene belongs to <@{stage.ada.user.id}>, who started it")
        for line in (
            "`persona` **Mira** · this thread",
            f"`model` `{model}` · this thread",
            "`temperature` **0.8** · the operator's default",
            "`trigger` **always** (every message) · this thread",
            "`history_scope` **channel** (one conversation for all) · this thread",
            "`note` is set; `/note show` shows it · this thread",
        ):
            assert line in shown.content.splitlines()
        assert "no scene in this thread" in (await stage.command(stage.tom, "scene settings", other)).content
        stage.api.replies.add("Still here.")
        await stage.tom.say(thread, "Mira?")
        await said_in(stage, thread, "Still here.")
        assert "Come in." in stage.said_to_model


async def test_a_scene_ends_with_a_recap(stage: Stage) -> None:
    await taken_in(stage, stage.moderator, card_file(post_history_instructions="Stay in character."))
    thread = await begun(stage, stage.ada)
    stage.api.replies.add("The lamp is lit.")
    await stage.tom.say(thread, "Light the lamp.")
    await said_in(stage, thread, "The lamp is lit.")
    assert (await stage.command(stage.tom, "scene end", thread, recap=True)).content.startswith("That is for")
    stage.api.faults.add("status", status=400)
    failed = await stage.command(stage.ada, "scene end", thread, recap=True)
    assert failed.content.startswith("**What happened**\n")
    assert "⚠️" in failed.content
    assert (buttons(failed), thread.thread.archived) == ([], False)
    assert "The scene goes on" in [m for m in stage.ada.messages(thread) if m.ephemeral][-1].content
    stage.api.replies.add("Tom: he came.\nMira lit the lamp for him.")
    recap = await stage.command(stage.ada, "scene end", thread, recap=True)
    assert recap.content == "**What happened**\nTom: he came.\nMira lit the lamp for him."
    assert not recap.ephemeral
    asking = asked(stage)[-1].body
    assert asking["messages"][-1] == {"role": "user", "content": RECAP}
    assert asking["messages"][-2] == {"role": "assistant", "content": "The lamp is lit."}
    assert "Stay in character." not in stage.said_to_model
    assert (asking["max_tokens"], asking.get("stop")) == (RECAP_TOKENS, None)
    over = thread.messages[-1].content
    assert over.startswith("**The scene is over.** What was said is kept.\n-# This thread is archived and locked")
    assert (thread.thread.archived, thread.thread.locked) == (True, True)
    await stage.admin.say(thread, "Nobody listens now.")  # which opens it
    await quiet(stage)
    await stage.ask(stage.admin, "And the lamp?", channel=thread)
    assert "he came" not in stage.said_to_model
    assert "The lamp is lit." in stage.said_to_model
    assert "Nobody listens now." not in stage.said_to_model
    assert "It is over since" in (await stage.command(stage.ada, "scene settings", thread)).content


async def test_the_end_of_a_scene_stops_what_is_being_written(stage: Stage) -> None:
    await taken_in(stage, stage.moderator, card_file())
    thread = await begun(stage, stage.ada)
    stage.channel.set_permissions(stage.world.bot, deny=int(Permission.MANAGE_THREADS))
    stage.api.hold(after_tokens=20)
    stage.api.replies.add(slow_text(100))
    await stage.tom.say(thread, "Tell me all.")
    reply = await stage.world.wait_for_message(thread, lambda message: "w1" in message.content)
    over = await stage.command(stage.moderator, "scene end", thread)
    assert "I may not lock it" in over.content
    assert (thread.thread.archived, thread.thread.locked) == (True, False)
    assert reply.content.endswith("⏹️ Stopped.")
    assert (await stored(stage, reply)).state == "stopped"


async def test_scenes_are_posts_in_forums_too(stage: Stage) -> None:
    forum = stage.guild.add_forum("stories")
    await taken_in(stage, stage.moderator, card_file())
    post = await begun(stage, stage.ada, forum=forum)
    assert (post.parent, post.name) == (forum, "Mira")
    opening, greeting = post.messages
    assert "A scene with **Mira**" in opening.content
    assert greeting.author.name == "Mira"
    theirs = await stage.tom.start_post(forum, "Mine", "Who plays?")
    another = await begun(stage, stage.tom, theirs, title="Night")
    assert (another.parent, another.name) == (forum, "Night")
    thread = await begun(stage, stage.tom, stage.channel.add_thread("talk", stage.tom.user))
    assert thread.parent is stage.channel
    await stage.command(stage.tom, "scene end", another)
    assert another.thread.locked


async def test_scenes_need_a_place_rights_and_grown_ups(offstage: Stage) -> None:
    stage = offstage
    voice, robot = stage.guild.add_voice_channel("voice"), stage.world.bot
    forum = stage.guild.add_forum("stories")
    grown_up = stage.guild.add_text_channel("night", nsfw=True)
    async with running(stage, changed(stage.settings, allow_dms=True)):
        await stage.at_home(stage.ada)
        await taken_in(stage, stage.moderator, card_file())
        await taken_in(stage, stage.ada, card_file("Nora"))
        await taken_in(stage, stage.moderator, card_file("Vex", tags=["nsfw"]), grown_up)
        assert "there are none in this channel" in await refusal(stage, stage.ada, voice)
        for name in ("scene start", "scene end", "scene settings"):
            options = {"persona": "Mira"} if name == "scene start" else {}
            told = await stage.command(stage.ada, name, await stage.ada.open_dm(), **options)
            assert told.content == "This works in servers only."
        assert "no scene in this thread" in (await stage.command(stage.moderator, "scene end")).content
        assert "no character `Nora` here" in await refusal(stage, stage.tom, persona="Nora")
        assert (await begun(stage, stage.ada, persona="Nora")).name == "Nora"
        names = await stage.ada.autocomplete(stage.channel, "scene start", focused="persona", persona="or")
        assert [choice.name for choice in names] == ["Nora"]
        assert "age-restricted channels only" in await refusal(stage, stage.ada, persona="Vex")
        assert "age-restricted channels only" in await refusal(stage, stage.ada, grown_up, persona="Vex", forum=forum)
        assert (await begun(stage, stage.ada, grown_up, persona="Vex")).parent is grown_up
        stage.channel.set_permissions(robot, deny=int(Permission.CREATE_PUBLIC_THREADS))
        assert await refusal(stage, stage.ada) == "I lack a permission in #general: Create Public Threads."
        stage.channel.set_permissions(robot, deny=int(Permission.SEND_MESSAGES_IN_THREADS))
        assert await refusal(stage, stage.ada) == "I lack a permission in #general: Send Messages in Threads."
        stage.channel.set_permissions(robot)
        stage.channel.set_permissions(stage.ada.user, deny=int(Permission.CREATE_PUBLIC_THREADS))
        assert await refusal(stage, stage.ada) == "You lack a permission in #general: Create Public Threads."
        forum.set_permissions(stage.ada.user, deny=int(Permission.SEND_MESSAGES))
        assert await refusal(stage, stage.ada, forum=forum) == "You lack a permission in #stories: Send Messages."
    async with running(stage, stage.settings, message_content=False):
        thread = await begun(stage, stage.tom)
        assert "Mention me, reply to me" in thread.messages[-2].content
        stage.api.replies.add("Here.")
        await stage.say(stage.tom, "Mira?", channel=thread)
        await said_in(stage, thread, "Here.")


async def test_what_discord_refuses_is_said_and_leaves_no_thread(stage: Stage) -> None:
    await taken_in(stage, stage.moderator, card_file())
    forum = stage.guild.add_forum("stories", tags=["staff", "open"])
    staff, free = forum.available_tags

    async def kept_for_staff(count: int) -> None:
        forum.edit(topic=f"Tags for the staff: {count}.")  # with which the bot hears of them
        guild: Any = stage.bot.get_guild(stage.guild.id) if stage.bot is not None else None
        await stage.world.wait_until(
            lambda: any(sum(tag.moderated for tag in seen.available_tags) == count for seen in guild.forums)
        )

    forum.requires_tag = staff.moderated = True
    await kept_for_staff(1)
    assert (await begun(stage, stage.ada, forum=forum)).thread.applied_tags == [free.id]
    free.moderated = True
    await kept_for_staff(2)
    assert (await begun(stage, stage.ada, forum=forum)).thread.applied_tags == [staff.id]
    forum.set_permissions(stage.world.bot, deny=int(Permission.MANAGE_THREADS))
    threads = len(stage.guild.threads)

    async def told(code: int, path: str = "threads", **where: Any) -> str:
        stage.world.faults.add("POST", rf"/channels/\d+/{path}$", code=code)
        return str((await stage.command(stage.ada, "scene start", persona="Mira", **where)).content)

    assert "Posts in #stories need a tag" in await told(40067, "nothing", forum=forum)
    assert "too many are open" in await told(160006)
    assert "AutoMod allows no thread" in await told(200001)
    assert "Choose another `title`" in await told(50035)
    assert "I lack a permission" in await told(50013, "messages")
    assert len(stage.guild.threads) == threads
