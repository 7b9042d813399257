"""What the bot answers to in a channel, who is told when it does not, and bursts that are answered once."""

import asyncio
from functools import partial
from typing import Any

import pytest
from sqlalchemy import event

from chat.bursts import Burst
from tests.e2e.acting import quiet, shown
from tests.e2e.conftest import Stage, changed, running

pytestmark = pytest.mark.usefixtures("no_rate_limits")

SEND_MESSAGES = 1 << 11


@pytest.fixture(autouse=True)
def short_bursts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat.answers.Burst", partial(Burst, 0.15, 0.6))


async def put(stage: Stage, channel: Any = None, **options: Any) -> Any:
    return await stage.command(stage.moderator, "channel set", channel, **options)


async def said_quietly(stage: Stage, *said: Any) -> None:
    """None of this was answered, refused or marked, though something later was."""
    before = len(stage.prompts)
    await quiet(stage)
    assert len(stage.prompts) == before
    for message in said:
        assert not [m for m in message.channel.messages if m.reply_to is message]
        assert not message.reactions


# --- always


async def test_everything_that_people_say_is_answered_where_the_bot_always_listens(stage: Stage) -> None:
    thread = stage.channel.add_thread("plans", stage.ada.user)
    await put(stage, trigger="always")
    await stage.ask(stage.ada, "hello all")
    for channel in (stage.channel, thread):
        await stage.reply_to(await stage.tom.say(channel, f"no mention in {channel.name}"))
        assert f"no mention in {channel.name}" in stage.said_to_model
    elsewhere = stage.guild.add_text_channel("elsewhere")
    robot = stage.world.add_user("Robot", bot=True)
    stage.guild.add_member(robot)
    await said_quietly(
        stage,
        await stage.tom.say(elsewhere, "not for you"),
        await stage.world.person(robot).say(stage.channel, "I am a bot"),
        stage.channel.add_webhook("Proxy").say("I am a webhook"),
    )
    assert (await stage.command(stage.ada, "chat", message="by command")).content


async def test_a_burst_of_several_people_is_answered_once(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat.answers.Burst", partial(Burst, 1.5, 6.0))
    await put(stage, trigger="always")
    for person, text in ((stage.ada, "one"), (stage.tom, "two"), (stage.ada, "three")):
        await person.say(stage.channel, text)
    await stage.world.wait_until(lambda: stage.prompts)
    await quiet(stage)
    assert len(stage.prompts) == 1
    assert all(text in stage.said_to_model for text in ("Ada: one", "Tom: two", "Ada: three"))


async def test_whoever_goes_on_writing_is_answered_all_the_same(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat.answers.Burst", partial(Burst, 3600.0, 0.4))
    await put(stage, trigger="always")
    spoken = 0
    while not stage.prompts:
        assert spoken < 50
        await stage.ada.say(stage.channel, f"and {spoken}")
        spoken += 1
        await asyncio.sleep(0.05)
    assert "and 1" in stage.said_to_model
    await quiet(stage)


async def test_a_mention_elsewhere_is_never_waited_for(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat.answers.Burst", partial(Burst, 3600.0, 3600.0))
    await stage.ask(stage.ada, "hello")
    await put(stage, trigger="keywords", keywords="luna")
    await stage.reply_to(await stage.ada.say(stage.channel, "luna?"))
    assert len(stage.prompts) == 2


async def test_who_may_not_be_answered_is_left_in_peace_unless_they_call(offstage: Stage) -> None:
    elsewhere = offstage.world.add_guild("Lighthouse", owner=offstage.admin.user)
    async with running(offstage, offstage.settings):
        await put(offstage, trigger="always", where="server")
    async with running(offstage, changed(offstage.settings, allowed_guilds=frozenset({elsewhere.id}))):
        await said_quietly(offstage, await offstage.ada.say(offstage.channel, "to nobody"))
        called = await offstage.say(offstage.ada, "to you")
        await offstage.world.wait_for_message(offstage.channel, lambda message: message.reply_to is called)
    offstage.channel.set_permissions(offstage.guild.everyone, deny=SEND_MESSAGES)
    offstage.channel.set_permissions(offstage.ada.user, allow=SEND_MESSAGES)
    async with running(offstage, offstage.settings):
        dm = await offstage.ada.open_dm()
        await said_quietly(offstage, await offstage.ada.say(offstage.channel, "to nobody"))
        assert not dm.messages
        await offstage.say(offstage.ada, "to you")
        await offstage.world.wait_for_message(dm, lambda message: "I may not write" in message.content)


async def test_what_is_missed_is_answered_but_not_what_was_said_before_the_bot_listened(offstage: Stage) -> None:
    async with running(offstage, offstage.settings):
        await offstage.ask(offstage.tom, "so that the channel is known")
        before = await offstage.ada.say(offstage.channel, "among ourselves")
        await put(offstage, trigger="always")
    missed = await offstage.ada.say(offstage.channel, "anyone there?")
    async with running(offstage, offstage.settings):
        await offstage.reply_to(missed)
        await said_quietly(offstage, before)
    assert "among ourselves" not in offstage.said_to_model


# --- keywords


async def test_keywords_and_mentions_call_and_nothing_else(stage: Stage) -> None:
    thread = stage.channel.add_thread("plans", stage.ada.user)
    await put(stage, trigger="keywords", keywords="Luna, old friend")
    for channel, text in ((stage.channel, "LUNA!"), (thread, "hey, old  friend"), (thread, f"{stage.mention} hello")):
        await stage.reply_to(await stage.ada.say(channel, text))
    await said_quietly(stage, await stage.ada.say(stage.channel, "a lunar eclipse"))
    await put(stage, keywords="default")
    answer = await put(stage, trigger="keywords")
    assert "⚠️ There are no keywords yet. Until you set some, I answer mentions alone." in answer.content
    await said_quietly(stage, await stage.ada.say(stage.channel, "Luna?"))


async def test_without_the_intent_only_mentions_call_and_that_is_said(offstage: Stage) -> None:
    async with running(offstage, offstage.settings, message_content=False):
        for trigger in ("always", "keywords"):
            words = f"⚠️ I cannot read messages here that do not mention me, so `{trigger}` works like `mention`."
            assert words in (await put(offstage, trigger=trigger, keywords="luna")).content
            assert words in (await offstage.command(offstage.tom, "channel show")).content
        assert "⚠️" not in (await put(offstage, retention="5")).content
        await offstage.ask(offstage.ada, "hello")
        await said_quietly(offstage, await offstage.ada.say(offstage.channel, "luna"))


# --- off


async def test_where_it_is_off_a_mention_is_refused_in_words_and_commands_work(stage: Stage) -> None:
    thread = stage.channel.add_thread("plans", stage.ada.user)
    await put(stage, trigger="off")
    for channel in (stage.channel, thread):
        called = await stage.say(stage.ada, "hello", channel=channel)
        refusal = await stage.world.wait_for_message(channel, lambda m, called=called: m.reply_to is called)  # type: ignore[misc]  # a lambda with a default
        assert called.reaction("🚫")
        why = await stage.press(stage.ada, refusal, "Why?")
        assert why.content == "I am switched off in this channel, except for commands such as `/chat`."
    await said_quietly(stage, await stage.ada.say(stage.channel, "to nobody"))
    assert not stage.prompts
    await stage.command(stage.ada, "chat", message="by command")
    assert "by command" in stage.said_to_model


# --- what it costs


async def test_ordinary_messages_cost_no_look_into_the_database(stage: Stage) -> None:
    assert stage.bot is not None
    listening = stage.guild.add_text_channel("listening")
    await put(stage, listening, trigger="keywords", keywords="luna")
    elsewhere = stage.world.add_guild("Elsewhere", owner=stage.admin.user)
    elsewhere.add_member(stage.ada.user)
    lobby = elsewhere.add_text_channel("lobby")
    for channel in (listening, stage.channel):
        await said_quietly(stage, await stage.ada.say(channel, "now its settings are known"))
    statements: list[str] = []
    event.listen(
        stage.bot.services.storage.database.engine, "before_cursor_execute", lambda *asked: statements.append(asked[2])
    )
    for channel in (listening, stage.channel, lobby):
        for number in range(5):
            await stage.ada.say(channel, f"talk among people {number}")
    await quiet(stage)
    assert statements == []
    await stage.reply_to(await stage.ada.say(listening, "luna?"))
    assert statements
    assert len(shown(stage, lobby)) == 0
