"""Messages are kept as long as their channel says, and no longer."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from storage.ids import first_id_at
from tests.e2e.acting import begun, stored
from tests.e2e.conftest import Stage, running

pytestmark = pytest.mark.usefixtures("no_rate_limits")


async def set_days(stage: Stage, days: str, channel: Any = None, **how: Any) -> None:
    await stage.command(stage.moderator, "channel set", channel, retention=days, **how)


async def pass_days(stage: Stage, days: float) -> None:
    """What the hourly round does so many days later."""
    assert stage.bot is not None
    cog: Any = stage.bot.get_cog("Retention")
    await cog.forget_old(datetime.now(UTC) + timedelta(days=days))


async def is_kept(stage: Stage, message: Any) -> bool:
    found = await stored(stage, message)
    assert bool(found.content) == (found.state != "deleted")
    return bool(found.content)


async def test_each_channel_and_thread_keeps_what_it_is_told_to(stage: Stage) -> None:
    quiet = stage.guild.add_text_channel("quiet")
    inheriting = stage.channel.add_thread("inheriting", stage.ada.user)
    own = stage.channel.add_thread("own", stage.ada.user)
    archived = stage.channel.add_thread("archived", stage.ada.user)
    elsewhere = stage.world.add_guild("Elsewhere", owner=stage.ada.user).add_text_channel("lobby")
    await set_days(stage, "3")
    await set_days(stage, "off", own)
    replies = {
        channel.name: await stage.ask(stage.ada, "hello", channel=channel)
        for channel in (stage.channel, quiet, inheriting, own, archived, elsewhere)
    }
    archived.archive()

    async def left() -> set[str]:
        return {name for name, reply in replies.items() if await is_kept(stage, reply)}

    await pass_days(stage, 2.9)
    assert await left() == set(replies)
    await pass_days(stage, 3.1)
    assert await left() == {"quiet", "own", "lobby"}
    await set_days(stage, "5", where="server")
    await pass_days(stage, 5.1)
    assert await left() == {"own", "lobby"}
    await stage.ask(stage.ada, "what did we say?")
    assert "hello" not in stage.said_to_model


async def test_a_thread_that_is_in_no_cache_is_looked_up_once(stage: Stage) -> None:
    thread = stage.channel.add_thread("old", stage.ada.user)
    reply = await stage.ask(stage.ada, "hello", channel=thread)
    thread.archive()
    assert stage.bot is not None
    await stage.world.wait_until(lambda: stage.bot and stage.bot.get_channel(thread.id) is None)
    await set_days(stage, "3")
    for days in (1.0, 2.0, 4.0):
        await pass_days(stage, days)
    lookups = [r for r in stage.world.requests if r.method == "GET" and r.path.endswith(f"/channels/{thread.id}")]
    assert len(lookups) == 1
    assert not await is_kept(stage, reply)


async def test_a_channel_that_is_hidden_keeps_what_was_set_for_it(stage: Stage) -> None:
    longer, other = stage.guild.add_text_channel("longer"), stage.guild.add_text_channel("other")
    await set_days(stage, "3", where="server")
    await set_days(stage, "30", longer)
    replies = [await stage.ask(stage.ada, "hello", channel=channel) for channel in (longer, other)]
    assert stage.bot is not None
    guild = stage.bot.get_guild(stage.guild.id)
    assert guild is not None
    for channel in (longer, other):
        guild._remove_channel(guild.get_channel(channel.id))  # type: ignore[arg-type]  # it is there
        stage.world.faults.add("GET", rf"/channels/{channel.id}$", status=403, times=None)
    await pass_days(stage, 4)
    assert [await is_kept(stage, reply) for reply in replies] == [True, False]
    await pass_days(stage, 31)
    assert not await is_kept(stage, replies[0])


async def test_what_was_said_in_a_deleted_channel_is_forgotten(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cogs.gone.PAUSE_SECONDS", 0.0)
    going, thread = stage.guild.add_text_channel("going"), stage.channel.add_thread("thread", stage.ada.user)
    archived = going.add_thread("archived", stage.ada.user)
    replies = [await stage.ask(stage.ada, "hello", channel=channel) for channel in (going, thread, archived)]
    staying = await stage.ask(stage.ada, "hello")
    archived.archive()
    await stage.world.wait_until(lambda: stage.bot and stage.bot.get_channel(archived.id) is None)
    stage.api.hold()
    stage.api.replies.add("too late")
    late = await stage.ada.say(going, f"{stage.mention} and this?")
    await begun(stage, 5)
    for channel in (thread, going):
        channel.delete()
    for reply in replies:
        await stage.remembered(reply, "")
    await stage.remembered(late, "")
    stage.api.release()
    await stage.settled()
    assert await is_kept(stage, staying)
    assert stage.bot is not None
    storage = stage.bot.services.storage
    assert await storage.retention.channels(stage.guild.id) == sorted(
        channel.id for channel in (going, thread, archived, stage.channel)
    )
    assert not await storage.retention.has_words(stage.guild.id, going.id)


async def test_what_was_deleted_while_the_bot_was_away_is_forgotten_at_the_start(
    offstage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = offstage
    monkeypatch.setattr("cogs.gone.PAUSE_SECONDS", 0.0)
    names = ("going", "hidden", "down", "staying")
    channels = {name: stage.guild.add_text_channel(name) for name in names}
    async with running(stage, stage.settings):
        replies = {name: await stage.ask(stage.ada, "hello", channel=channels[name]) for name in names}
    channels["going"].delete()
    for name, status in (("hidden", 403), ("down", 503)):
        channels[name].delete()
        stage.world.faults.add("GET", rf"/channels/{channels[name].id}$", status=status, times=None)
    async with running(stage, stage.settings) as bot:
        await stage.remembered(replies["going"], "")
        cog: Any = bot.get_cog("Gone")
        await asyncio.wait([cog._search])
        assert [name for name in names if await is_kept(stage, replies[name])] == ["hidden", "down", "staying"]


async def test_a_server_that_is_unavailable_is_left_alone(stage: Stage) -> None:
    await set_days(stage, "3")
    reply = await stage.ask(stage.ada, "hello")
    assert stage.bot is not None
    guild = stage.bot.get_guild(stage.guild.id)
    assert guild is not None
    guild.unavailable = True
    await pass_days(stage, 4)
    assert await is_kept(stage, reply)
    guild.unavailable = False
    await pass_days(stage, 4)
    assert not await is_kept(stage, reply)


async def test_it_happens_by_itself_when_the_bot_starts(offstage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(offstage, offstage.settings):
        await set_days(offstage, "3")
        reply = await offstage.ask(offstage.ada, "hello")

    monkeypatch.setattr("storage.retention.first_id_at", lambda before: first_id_at(before + timedelta(days=4)))
    async with running(offstage, offstage.settings):
        for _ in range(200):
            if not await is_kept(offstage, reply):
                break
            await asyncio.sleep(0.01)
        assert not await is_kept(offstage, reply)
