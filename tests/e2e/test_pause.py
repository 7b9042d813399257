"""A pause stops what is under way within a second, and lets nothing new begin until it is taken back."""

import asyncio
import time
from typing import Any

import pytest

from tests.e2e.acting import asked, begun, shown, slow_text
from tests.e2e.conftest import MANAGE_MESSAGES, Stage, changed, running

pytestmark = pytest.mark.usefixtures("no_rate_limits")

PAUSED = "I am paused here. A moderator can let me go on with `/resume`."


async def at_work(stage: Stage, person: Any, channel: Any = None) -> Any:
    """A reply that takes some seconds, and has begun."""
    stage.api.hold(after_tokens=20)
    stage.api.replies.add(slow_text(150))
    said = await stage.say(person, "go", channel=channel)
    return await stage.world.wait_for_message(
        said.channel, lambda message: message.reply_to is said and "w0" in message.content
    )


async def test_a_channel_s_pause_stops_its_replies_and_threads_and_its_staff_goes_on(stage: Stage) -> None:
    thread, other = stage.channel.add_thread("scene", stage.ada.user), stage.guild.add_text_channel("other")
    here, inside, beside = await asyncio.gather(*(at_work(stage, stage.ada, place) for place in (None, thread, other)))
    started = time.monotonic()
    told = await stage.moderator.slash(stage.channel, "pause")
    await told.answered()
    await stage.world.wait_until(lambda: all("⏹️" in reply.content for reply in (here, inside)))
    assert time.monotonic() - started < 5.0  # a second on a machine that does nothing else
    assert told.response.content == "⏸️ I am paused here until `/resume`. I stopped 2 replies."
    assert "A moderator paused me here." in here.content
    assert "⏹️" not in beside.content

    count = len(asked(stage))
    for place in (stage.channel, thread):
        said = await stage.say(stage.tom, "hello", channel=place)
        line = await stage.world.wait_for_message(place, lambda message, said=said: message.reply_to is said)  # type: ignore[misc]  # a lambda with a default
        assert (await stage.press(stage.tom, line, "Why?")).content == PAUSED
    for person in (stage.tom, stage.moderator, stage.admin):
        answer = await person.slash(stage.channel, "chat", message="hello")
        assert (await answer.answered()).response.content == PAUSED
    retried = await stage.admin.click(here, label="🔄")
    assert (await retried.answered()).response.content == PAUSED
    shown_model = await stage.moderator.slash(stage.channel, "model show")
    assert "answers here" in (await shown_model.answered()).response.content
    assert len(asked(stage)) == count

    told = await stage.moderator.slash(thread, "resume")
    assert "paused with its channel" in (await told.answered()).response.content
    told = await stage.moderator.slash(other, "resume", channel=stage.channel)
    assert (await told.answered()).response.content == f"▶️ I answer in <#{stage.channel.id}> again."
    told = await stage.moderator.slash(stage.channel, "resume")
    assert (await told.answered()).response.content == "Nothing is paused there."
    stage.api.release()
    await stage.ask(stage.tom, "hello")


async def test_a_server_s_pause_stops_all_that_waits_or_writes_and_its_members_direct_messages(offstage: Stage) -> None:
    stage, other = offstage, offstage.guild.add_text_channel("other")
    lobby = stage.world.add_guild("Lighthouse", owner=stage.tom.user).add_text_channel("lobby")
    async with running(stage, changed(stage.settings, allow_dms=True, parallel_requests=3)) as bot:
        dm = await stage.ada.open_dm()
        await stage.at_home(stage.ada)
        places = ((stage.ada, None), (stage.ada, dm), (stage.tom, lobby))
        *writing, elsewhere = await asyncio.gather(*(at_work(stage, person, place) for person, place in places))
        await stage.say(stage.ada, "and me?", channel=other)
        conversations = bot.services.conversations
        await stage.world.wait_until(lambda: len(conversations.answers_where(lambda _: True)) == 4)
        started = time.monotonic()
        told = await stage.moderator.slash(stage.channel, "pause", server=True)
        assert (await told.answered()).response.content.endswith("on this server until `/resume`. I stopped 3 replies.")
        await stage.world.wait_until(lambda: all("⏹️" in reply.content for reply in writing))
        await stage.world.wait_until(lambda: any("paused me" in message.content for message in shown(stage, other)))
        assert time.monotonic() - started < 5.0  # a second on a machine that does nothing else
        assert "⏹️" not in elsewhere.content
        assert len(asked(stage)) == 3
        stage.api.release()
        await stage.settled()


async def test_what_was_let_in_before_a_pause_does_not_begin_behind_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file of a message is being read when the pause comes."""
    assert stage.bot is not None
    reader, reading, let_go = stage.bot.talking.reader, asyncio.Event(), asyncio.Event()
    read = reader.read

    async def slowly(*args: Any, **options: Any) -> Any:
        reading.set()
        await let_go.wait()
        return await read(*args, **options)

    monkeypatch.setattr(reader, "read", slowly)
    said = await stage.say(stage.ada, "hello")
    await reading.wait()
    await (await stage.moderator.slash(stage.channel, "pause")).answered()
    let_go.set()
    reply = await stage.world.wait_for_message(stage.channel, lambda message: message.reply_to is said)
    await stage.settled()
    assert "A moderator paused me here." in reply.content
    assert not asked(stage)
    monkeypatch.undo()
    await (await stage.moderator.slash(stage.channel, "resume")).answered()
    await stage.ada.click(reply, label="Retry")
    await begun(stage)
    await stage.settled()


async def test_rights_in_one_channel_pause_that_channel_alone(stage: Stage) -> None:
    mine = stage.guild.add_text_channel("mine")
    mine.set_permissions(stage.tom.user, allow=MANAGE_MESSAGES)
    for options in ({"server": True}, {"channel": stage.channel}):
        told = await (await stage.tom.slash(mine, "pause", options)).answered()
        assert told.response.content == "That is for moderators."
    assert "paused here" in (await stage.command(stage.tom, "pause", mine)).content
    await stage.ask(stage.ada, "hello")
