"""Servers that the bot has left: what is kept of them is deleted after a time in which it can be invited again.

A server that is unavailable was not left. Discord lists it all the same, and is asked once more before anything goes.
"""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import Final

import discord
from discord.ext import commands

from cogs._bot import Bot
from cogs._posts import WRITE_PROBLEMS
from storage import StorageError

logger = logging.getLogger(__name__)

GRACE: Final = timedelta(days=30)
"""A bot is removed by mistake, or to be set up anew."""

PAUSE_SECONDS: Final = 3600.0
SHARD_SHIFT: Final = 22  # how Discord deals servers out to shards


class Leaving(commands.Cog):
    """Notes when servers are left and joined, and goes round once an hour."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self._task: asyncio.Task[None] | None = None
        self._looked_for_missed = False

    async def cog_unload(self) -> None:
        """End the rounds when the bot stops."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @commands.Cog.listener()
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """The bot was removed, or the server deleted. Of one that is unavailable discord.py tells by another event."""
        await self.bot.services.storage.left_guilds.note_left(guild.id)

    @commands.Cog.listener()
    async def on_guild_join(self, guild: discord.Guild) -> None:
        """What was kept stays."""
        await self.bot.services.storage.left_guilds.note_joined(guild.id)

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """From now on it is known which servers are there."""
        if self._task is None:
            self._task = asyncio.create_task(self._go_round())

    async def _go_round(self) -> None:
        while True:
            try:
                await self.look_round(datetime.now(UTC))
            except StorageError:
                logger.exception("what is kept of servers that were left could not be deleted")
            await asyncio.sleep(PAUSE_SECONDS)

    async def look_round(self, now: datetime) -> None:
        """Note down what was missed, and delete what is due."""
        storage = self.bot.services.storage
        if not self._looked_for_missed:
            await self._note_missed()
            self._looked_for_missed = True
        for guild_id in await storage.left_guilds.due(now - GRACE):
            if self._is_ours(guild_id):
                await self._purge(guild_id)
        await storage.privacy.prune(now)

    async def _note_missed(self) -> None:
        """Servers that were left or joined while the bot was away."""
        left_guilds = self.bot.services.storage.left_guilds
        noted = await left_guilds.left()
        for guild_id in await left_guilds.known_guilds():
            if self._is_ours(guild_id) and not self._is_there(guild_id) and guild_id not in noted:
                await left_guilds.note_left(guild_id)
        for guild_id in noted:
            if self._is_there(guild_id):
                await left_guilds.note_joined(guild_id)

    async def _purge(self, guild_id: int) -> None:
        storage = self.bot.services.storage
        if self._is_there(guild_id):
            await storage.left_guilds.note_joined(guild_id)
            return
        if not await self._was_left(guild_id):
            return
        purged = await storage.left_guilds.purge(guild_id, lambda: not self._is_there(guild_id))
        storage.settings.forget_all()
        storage.access.forget(guild_id)
        storage.filters.forget(guild_id)
        storage.limits.forget(guild_id)
        storage.lorebooks.forget(guild_id)
        storage.webhooks.forget(guild_id)
        self.bot.services.personas.forget_cached()
        if purged:
            logger.info("deleted what was kept of server %s, which was left a month ago", guild_id)
            await storage.database.sweep()

    async def _was_left(self, guild_id: int) -> bool:
        """Whether Discord itself says that the bot is no member; nothing is deleted on the word of an outage."""
        try:
            await self.bot.fetch_guild(guild_id, with_counts=False)
        except (discord.NotFound, discord.Forbidden):
            return True
        except WRITE_PROBLEMS as error:
            logger.info("Discord does not say whether a server was left: %s", type(error).__name__)
            return False
        return False

    def _is_there(self, guild_id: int) -> bool:
        return self.bot.get_guild(guild_id) is not None

    def _is_ours(self, guild_id: int) -> bool:
        """Whether this process would hear of the server."""
        shard_ids = getattr(self.bot, "shard_ids", None)
        count = self.bot.shard_count or 1
        return shard_ids is None or (guild_id >> SHARD_SHIFT) % count in shard_ids


async def setup(bot: Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    await bot.add_cog(Leaving(bot))
