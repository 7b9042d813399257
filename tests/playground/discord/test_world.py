"""The world as tests and pages use it: events, waiting, starting and stopping."""

from __future__ import annotations

import asyncio
import gc
import time
from typing import TYPE_CHECKING, Any

import discord
import pytest
from discord.gateway import DiscordWebSocket
from discord.http import Route
from hypothesis import given
from hypothesis import strategies as st

import playground.discord
from playground.discord import LocalDiscord, Message, RestRequest, events, redirect_discord
from playground.discord._mentions import AllowedMentions, find
from playground.discord._requests import KEPT_REQUESTS, RequestLog
from playground.discord._snowflakes import Snowflakes, shard_of, snowflake_seconds, snowflake_time
from tests.playground.discord.bots import make_bot, running
from tests.playground.discord.test_commands import command, put

if TYPE_CHECKING:
    from tests.playground.discord.conftest import Clock, Scene


async def test_starting_and_stopping_is_quick_and_leaves_nothing() -> None:
    async with LocalDiscord() as warm:
        assert warm.url.startswith("http://127.0.0.1:")
    before = asyncio.all_tasks()
    began = time.process_time()
    for _ in range(20):
        async with LocalDiscord():
            pass
    assert time.process_time() - began < 0.5
    assert asyncio.all_tasks() == before


async def test_a_bot_leaves_nothing_behind() -> None:
    """Warnings are errors here: a socket or task that nobody closed would fail this test."""
    before = asyncio.all_tasks()
    async with LocalDiscord() as world:
        channel = world.add_guild("Lab").add_text_channel("general")
        bot = make_bot()
        async with running(world, bot):
            await bot.get_partial_messageable(channel.id).send("https://example.org")
            world.drop_gateway()
            await world.wait_until(lambda: world.gateway_resumes)
    await asyncio.sleep(0.01)
    assert asyncio.all_tasks() == before
    gc.collect()


async def test_a_world_may_stop_before_its_bot() -> None:
    world = LocalDiscord()
    await world.start()
    bot = make_bot()
    async with running(world, bot):
        await world.stop()


def test_discord_py_is_redirected() -> None:
    redirect_discord("http://127.0.0.1:1234")
    assert Route.BASE == "http://127.0.0.1:1234/api/v10"
    assert str(DiscordWebSocket.DEFAULT_GATEWAY) == "ws://127.0.0.1:1234/gateway"
    assert discord.Asset.BASE == "http://127.0.0.1:1234/cdn"


def test_everything_public_is_listed_and_documented() -> None:
    for name in playground.discord.__all__:
        assert getattr(playground.discord, name).__doc__ or name.isupper()
    assert sorted(playground.discord.__all__) == sorted(set(playground.discord.__all__))


def test_a_world_is_furnished_before_any_loop_runs() -> None:
    world = LocalDiscord(bot_name="Botty")
    guild = world.add_guild("Lab")
    channel = guild.add_text_channel("general")
    message = world.add_message(channel, world.bot, "https://example.org")
    assert message.embeds
    assert (world.bot.name, world.guilds, world.channel(channel.id)) == ("Botty", [guild], channel)
    assert world.message(message.id) is message
    assert "general" in repr(channel)


async def test_subscribers_hear_of_everything(scene: Scene) -> None:
    seen: list[events.WorldEvent] = []
    remove = scene.world.subscribe(seen.append)

    def kinds() -> list[str]:
        names = [type(e).__name__ for e in seen]
        seen.clear()
        return names

    message = await scene.person.say(scene.channel, "x")
    await scene.person.edit(message, "y")
    await scene.person.react(message, "👍")
    await scene.person.unreact(message, "👍")
    await scene.person.type(scene.channel)
    await scene.person.delete(message)
    assert kinds() == [
        "MessageCreated", "MessageEdited", "ReactionChanged", "ReactionChanged", "TypingStarted", "MessageDeleted"
    ]  # fmt: skip
    thread = scene.channel.add_thread("plans", scene.owner)
    thread.delete()
    scene.guild.add_role("mods")
    scene.guild.add_member(scene.world.add_user("grace"))
    assert kinds() == [
        "ChannelChanged", "MessageCreated", "ChannelChanged", "GuildChanged", "GuildChanged"
    ]  # fmt: skip
    await put(scene, command())
    assert kinds() == ["CommandsChanged", "RequestAnswered"]
    interaction = await scene.person.slash(scene.channel, "ask")
    path = f"/interactions/{interaction.id}/{interaction.token}/callback"
    row = {"type": 1, "components": [{"type": 4, "custom_id": "a", "label": "A", "style": 1}]}
    await scene.rest("POST", path, {"type": 9, "data": {"title": "T", "custom_id": "t", "components": [row]}})
    assert kinds() == ["InteractionChanged", "ModalOpened", "InteractionChanged", "RequestAnswered"]
    remove()
    remove()
    await scene.person.say(scene.channel, "unheard")
    assert kinds() == []


async def test_bots_come_and_go_on_the_page() -> None:
    async with LocalDiscord() as world:
        seen: list[Any] = []
        world.subscribe(
            lambda e: seen.append(e) if isinstance(e, events.BotConnected | events.BotDisconnected) else None
        )
        async with running(world, make_bot()):
            await world.wait_until_connected()
            world.drop_gateway()
            await world.wait_until(lambda: len(seen) == 3)
        await world.wait_until(lambda: len(seen) == 4)
    assert seen == [
        events.BotConnected(0, resumed=False),
        events.BotDisconnected(0),
        events.BotConnected(0, resumed=True),
        events.BotDisconnected(0),
    ]


async def test_a_failing_subscriber_disturbs_nobody(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    def fail(_event: events.WorldEvent) -> None:
        raise ValueError

    heard: list[events.WorldEvent] = []
    scene.world.subscribe(fail)
    scene.world.subscribe(heard.append)
    await scene.person.say(scene.channel, "x")
    assert len(heard) == 1
    assert "A subscriber failed on MessageCreated" in caplog.text


async def test_waiting(scene: Scene) -> None:
    async def say_later() -> Message:
        return await scene.person.say(scene.channel, "later")

    task = asyncio.create_task(say_later())
    message = await scene.world.wait_for_message(scene.channel, lambda m: m.content == "later")
    assert message is await task
    with pytest.raises(TimeoutError, match="ada: later"):
        await scene.world.wait_for_message(scene.channel, lambda m: m.content == "never", timeout=0.02)
    with pytest.raises(TimeoutError):
        await scene.world.wait_until(lambda: False, timeout=0.02)
    outside: list[int] = []
    asyncio.get_running_loop().call_later(0.03, outside.append, 1)
    assert await scene.world.wait_until(lambda: outside) == [1]


async def test_requests_are_recorded(scene: Scene) -> None:
    await scene.rest.post(f"{scene.path}/messages", {"content": "x"})
    await scene.rest("GET", f"{scene.path}/messages", limit=1)
    posted, listed = scene.world.requests
    assert (posted.method, posted.path, posted.route) == (
        "POST",
        f"{scene.path}/messages",
        "/channels/{channel_id}/messages",
    )
    assert (posted.body, posted.status, posted.answer["content"]) == ({"content": "x"}, 200, "x")
    assert listed.query == {"limit": "1"}
    assert posted.at <= listed.at
    assert scene.world.requests_for(None, "/messages") == [posted, listed]
    assert scene.world.requests_for("GET", "/messages$") == [listed]


def test_a_long_running_demo_forgets_old_requests() -> None:
    log = RequestLog()
    for number in range(KEPT_REQUESTS + 1):
        log.add(RestRequest("GET", "/", "/", None, number, {}))
    assert len(log.all) == KEPT_REQUESTS // 2 + 1
    assert log.all[-1].at == KEPT_REQUESTS


# Ids and mentions


def test_ids_carry_their_time_and_only_grow(clock: Clock) -> None:
    snowflakes = Snowflakes(clock.wall)
    ids = [snowflakes.next() for _ in range(100)]
    assert ids == sorted(set(ids))
    assert snowflake_seconds(ids[0]) == clock.wall()
    assert snowflake_time(ids[0]).year == 2025
    clock.advance(-5)
    assert snowflakes.next() > ids[-1]


def test_guilds_made_in_a_row_take_turns_on_shards(clock: Clock) -> None:
    snowflakes = Snowflakes(clock.wall)
    shards = [shard_of(snowflakes.next_guild(), 4) for _ in range(8)]
    assert sorted(shards) == [0, 0, 1, 1, 2, 2, 3, 3]


IDS = st.lists(st.integers(1, 10**18), max_size=5)


@given(IDS, IDS, st.text())
def test_mentions_are_found_once_each_and_in_order(users: list[int], roles: list[int], noise: str) -> None:
    calm = noise.replace("`", "").replace("<", "").replace("@", "")
    text = calm.join([*(f"<@{u}>" for u in users), *(f"<@&{r}>" for r in roles), ""])
    found = find(text, AllowedMentions())
    assert list(found.user_ids) == list(dict.fromkeys(users))
    assert list(found.role_ids) == list(dict.fromkeys(roles))
    nobody = find(text + "@everyone", AllowedMentions.parse({"parse": []}))
    assert (nobody.user_ids, nobody.role_ids, nobody.everyone) == ((), (), False)


@pytest.mark.parametrize("code", ["`<@1>`", "``<@1>``", "```<@1>```", "```py\n<@1>\n@everyone```"])
def test_code_mentions_nobody(code: str) -> None:
    found = find(code + " <@2>", AllowedMentions())
    assert (found.user_ids, found.everyone) == ((2,), False)
