"""One process with several connections to Discord, as thousands of servers need them."""

import asyncio

import bot as bot_module
from cogs._bot import ShardedBot
from playground.discord import LocalDiscord
from settings import Settings
from tests.e2e.conftest import changed


async def test_servers_of_every_shard_are_answered(settings: Settings) -> None:
    async with LocalDiscord(shards=2) as world:
        world.redirect()
        ada = world.add_user("Ada")
        channels = [world.add_guild(f"Harbour {n}", owner=ada).add_text_channel("general") for n in range(4)]
        assert {(channel.guild.id >> 22) % 2 for channel in channels if channel.guild} == {0, 1}
        bot = bot_module.create_bot(changed(settings, shard_count=2))
        assert isinstance(bot, ShardedBot)
        bot._connection.guild_ready_timeout = 0.02
        running = asyncio.create_task(bot.start(settings.discord_token))
        try:
            await asyncio.wait_for(bot.wait_until_ready(), 20)
            for channel in channels:
                said = await world.person(ada).say(channel, f"<@{world.bot.id}> good evening")
                reply = await world.wait_for_message(channel, lambda message: message.author is world.bot)
                assert reply.reply_to is said
        finally:
            await bot.close()
            await running


def test_direct_messages_belong_to_the_process_with_the_first_shard(settings: Settings) -> None:
    for shard_ids, hears in (((), True), ((0, 1), True), ((1,), False)):
        bot = bot_module.create_bot(changed(settings, shard_count=2, shard_ids=shard_ids))
        assert isinstance(bot, ShardedBot)
        assert bot.hears_direct_messages is hears
