"""How a real bot connects: lost connections, refusals, intents and shards."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import discord
import pytest
from discord.ext import commands

from playground.discord import LocalDiscord
from tests.playground.discord.bots import NO_WAIT_SECONDS, eventually, make_bot, running

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.playground.discord.bots import Lab


async def test_a_lost_connection_is_resumed_and_nothing_is_missed(lab: Lab) -> None:
    heard: list[str] = []

    @lab.bot.listen()
    async def on_message(message: discord.Message) -> None:
        heard.append(message.content)

    async with running(lab.world, lab.bot):
        losses: list[Callable[[], None]] = [
            lab.world.drop_gateway,
            functools.partial(lab.world.drop_gateway, close_code=4000),
            lab.world.ask_to_reconnect,
            functools.partial(lab.world.invalidate_sessions, resumable=True),
        ]
        for number, lose in enumerate(losses):
            lose()
            await lab.person.say(lab.channel, f"after {number}")
            await eventually(lambda: len(heard) == lab.world.gateway_resumes == number + 1)  # noqa: B023 - awaited here
        assert lab.world.gateway_identifies == 1
        assert heard == ["after 0", "after 1", "after 2", "after 3"]


async def test_an_event_may_come_twice_and_many_deletions_as_one(lab: Lab) -> None:
    heard: list[int] = []
    gone: list[set[int]] = []

    @lab.bot.listen()
    async def on_message(message: discord.Message) -> None:
        heard.append(message.id)

    @lab.bot.listen()
    async def on_raw_bulk_message_delete(event: discord.RawBulkMessageDeleteEvent) -> None:
        gone.append(event.message_ids)

    async with running(lab.world, lab.bot):
        message = await lab.person.say(lab.channel, "once")
        lab.world.deliver_again(message)
        lab.channel.bulk_delete([message, await lab.person.say(lab.channel, "more")])
        await eventually(lambda: gone)
    assert heard[:2] == [message.id, message.id]
    assert len(gone[0]) == 2
    assert lab.channel.messages == []


async def test_the_bot_shows_what_it_does(lab: Lab) -> None:
    async with running(lab.world, lab.bot):
        assert lab.world.presence is None
        await lab.bot.change_presence(activity=discord.Game("chess"), status=discord.Status.idle)
        shown = await lab.world.wait_until(lambda: lab.world.presence)
        assert (shown["status"], shown["activities"][0]["name"]) == ("idle", "chess")


async def test_a_lost_session_begins_anew(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    async def at_once(*_args: Any, **_kwargs: Any) -> None:
        return

    monkeypatch.setattr(lab.bot, "before_identify_hook", at_once)
    async with running(lab.world, lab.bot):
        lab.world.drop_gateway(resumable=False)
        await lab.world.wait_until(lambda: lab.world.gateway_identifies == 2)


@pytest.mark.parametrize(
    ("code", "error"), [(4004, discord.ConnectionClosed), (4014, discord.PrivilegedIntentsRequired)]
)
async def test_a_refused_identify_ends_the_bot(lab: Lab, code: int, error: type[Exception]) -> None:
    lab.world.refuse_identify(code)
    with pytest.raises(error):
        async with running(lab.world, lab.bot):
            pass


async def test_a_wrong_token_is_no_login(lab: Lab) -> None:
    lab.world.redirect()
    async with lab.bot:
        with pytest.raises(discord.LoginFailure):
            await lab.bot.login("wrong")


async def test_intents_that_are_not_allowed() -> None:
    async with LocalDiscord(message_content_intent=False) as world:
        with pytest.raises(discord.PrivilegedIntentsRequired):
            async with running(world, make_bot()):
                pass
        allowed = discord.Intents.default()
        bot = make_bot(allowed)
        async with running(world, bot):
            assert not bot.application_flags.gateway_message_content_limited


async def test_several_shards() -> None:
    async with LocalDiscord(shards=2) as world:
        guilds = [world.add_guild(f"Guild {i}") for i in range(4)]
        channels = [g.add_text_channel("general") for g in guilds]
        bot = commands.AutoShardedBot(commands.when_mentioned, intents=discord.Intents.all())
        bot._connection.guild_ready_timeout = NO_WAIT_SECONDS
        heard: set[int] = set()

        @bot.listen()
        async def on_message(message: discord.Message) -> None:
            assert message.guild is not None
            assert message.guild.shard_id == (message.guild.id >> 22) % 2
            heard.add(message.channel.id)

        async def at_once(*_args: Any, **_kwargs: Any) -> None:
            return

        bot.before_identify_hook = at_once  # type: ignore[method-assign]  # the five seconds between identifies
        async with running(world, bot):
            for channel, guild in zip(channels, guilds, strict=True):
                world.add_message(channel, world._state.users[guild.owner_id], "hello")
            await eventually(lambda: heard == {c.id for c in channels})
