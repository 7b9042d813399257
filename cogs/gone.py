"""Channels and threads that were deleted in Discord: what was said there is forgotten, as with single messages.

What was deleted while the bot was away, and archived threads that go with their channel, are found by asking Discord.
"""

import asyncio
import logging
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

import discord
from discord.ext import commands

from cogs._bot import Bot
from cogs._posts import WRITE_PROBLEMS
from storage import StorageError

logger = logging.getLogger(__name__)

PAUSE_SECONDS: Final = 1.0
"""Between two questions to Discord; a server can have thousands of archived threads."""

UNKNOWN_CHANNEL: Final = 10003
AHEAD: Final = timedelta(minutes=5)  # ids may come from a clock that is a little fast


class Gone(commands.Cog):
    """Forgets what was said where nobody can read it any more."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self._search: asyncio.Task[None] | None = None
        self._wanted: set[int] = set()
        self._there: dict[int, set[int]] = {}

    async def cog_unload(self) -> None:
        """End the search when the bot stops."""
        if self._search is not None:
            self._search.cancel()
            await asyncio.gather(self._search, return_exceptions=True)

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """Look for what was deleted while the bot was away."""
        self._look_in(guild.id for guild in self.bot.guilds)

    @commands.Cog.listener()
    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        """Its threads go with it; those that are archived are not told of."""
        await self._forget(channel.guild.id, channel.id)
        self._there.pop(channel.guild.id, None)
        self._look_in([channel.guild.id])

    @commands.Cog.listener()
    async def on_raw_thread_delete(self, payload: discord.RawThreadDeleteEvent) -> None:
        """A thread can be deleted while it is archived and in no cache."""
        await self._forget(payload.guild_id, payload.thread_id)

    async def _forget(self, guild_id: int, channel_id: int) -> None:
        """End what is being answered there, then empty the history."""
        answers = self.bot.services.conversations.answers_in(guild_id, channel_id)
        for answer in answers:
            answer.stop()
        for answer in answers:
            await answer.ended.wait()
        await self.bot.services.storage.retention.forget_older(guild_id, channel_id, datetime.now(UTC) + AHEAD)

    # --- what nobody told

    def _look_in(self, guild_ids: Iterable[int]) -> None:
        self._wanted.update(guild_ids)
        if self._wanted and (self._search is None or self._search.done()):
            self._search = asyncio.create_task(self._look_round())

    async def _look_round(self) -> None:
        while self._wanted:
            guild_id = self._wanted.pop()
            try:
                await self._look_through(guild_id)
            except StorageError:
                logger.exception("deleted channels of server %s could not be looked for", guild_id)

    async def _look_through(self, guild_id: int) -> None:
        retention = self.bot.services.storage.retention
        for channel_id in await retention.channels(guild_id):
            guild = self.bot.get_guild(guild_id)
            if guild is None or guild.unavailable:
                return
            if channel_id in self._there.get(guild_id, ()) or guild.get_channel_or_thread(channel_id) is not None:
                continue
            if await retention.has_words(guild_id, channel_id) and await self._is_gone(guild_id, channel_id):
                await self._forget(guild_id, channel_id)

    async def _is_gone(self, guild_id: int, channel_id: int) -> bool:
        """Whether Discord knows the channel no more; one that is hidden from the bot is still there."""
        await asyncio.sleep(PAUSE_SECONDS)
        try:
            await self.bot.fetch_channel(channel_id)
        except discord.NotFound as error:
            return error.code == UNKNOWN_CHANNEL
        except (*WRITE_PROBLEMS, discord.InvalidData) as error:
            logger.info("a channel could not be looked up: %s", type(error).__name__)
            return False
        self._there.setdefault(guild_id, set()).add(channel_id)
        return False


async def setup(bot: Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    await bot.add_cog(Gone(bot))
