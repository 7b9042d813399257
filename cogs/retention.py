"""Channels that keep messages for some days only: what is older is forgotten, at the start and every hour.

What was used is let go of as well, once a day.
"""

import asyncio
import logging
from datetime import UTC, date, datetime, timedelta

import discord
from discord.ext import commands

from cogs._bot import Bot
from cogs._places import scopes_of
from cogs._posts import WRITE_PROBLEMS
from storage import Scope

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 3600.0
AUDIT_KEPT = timedelta(days=365)
FETCHES_AT_ONCE = 50  # threads that are in no cache; the others have to wait for the next round


class Retention(commands.Cog):
    """Goes round the channels of the guilds that set it."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self._task: asyncio.Task[None] | None = None
        self._fetched: dict[int, tuple[Scope, ...]] = {}
        self._fetches_left = 0
        self._pruned_on: date | None = None

    async def cog_unload(self) -> None:
        """End the rounds when the bot stops."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """From now on it is known which guilds are there."""
        if self._task is None:
            self._task = asyncio.create_task(self._go_round())

    async def _go_round(self) -> None:
        while True:
            try:
                await self.forget_old(datetime.now(UTC))
            except Exception:
                logger.exception("old messages could not be forgotten")
            try:
                await self.prune_usage(datetime.now(UTC))
            except Exception:
                logger.exception("old records of usage could not be deleted")
            try:
                await self.prune_rules(datetime.now(UTC))
            except Exception:
                logger.exception("old records of changes could not be deleted")
            await asyncio.sleep(PAUSE_SECONDS)

    async def prune_rules(self, now: datetime) -> None:
        """Delete records of changes and reports that are a year old, and what has expired of rules and limits."""
        storage = self.bot.services.storage
        await storage.audit.forget_older(now - AUDIT_KEPT)
        await storage.reports.forget_older(now - AUDIT_KEPT)
        await storage.access.forget_expired(now)
        await storage.limits.release_abandoned(now)
        await storage.limits.prune(now)

    async def prune_usage(self, now: datetime) -> None:
        """Delete records of usage that are kept no longer; their sums stay."""
        if self._pruned_on != now.date():
            await self.bot.services.storage.usage.prune(now)
            self._pruned_on = now.date()

    async def forget_old(self, now: datetime) -> None:
        """Forget what is older than its channel keeps."""
        self._fetches_left = FETCHES_AT_ONCE
        storage = self.bot.services.storage
        for guild_id in list(await storage.settings.guilds_with("retention_days")):
            if not self._is_there(guild_id):
                continue
            for channel_id in await storage.retention.channels(guild_id):
                days = await self._days(guild_id, channel_id)
                if days is not None:
                    await storage.retention.forget_older(guild_id, channel_id, now - timedelta(days=days))

    def _is_there(self, guild_id: int | None) -> bool:
        """Whether the guild belongs to this process and can be looked into."""
        if guild_id is None:
            return self.bot.hears_direct_messages
        guild = self.bot.get_guild(guild_id)
        return guild is not None and not guild.unavailable

    async def _days(self, guild_id: int | None, channel_id: int) -> int | None:
        """How long this channel keeps messages; None for ever, or when it cannot be told now."""
        scopes = await self._scopes(guild_id, channel_id)
        if scopes is None:
            return None
        preferences = await self.bot.services.context.preferences(guild_id, scopes)
        days: int | None = preferences["retention_days"].value
        return days

    async def _scopes(self, guild_id: int | None, channel_id: int) -> tuple[Scope, ...] | None:
        """Where the channel's settings are looked up; None if that cannot be told in this round."""
        if guild_id is None:
            return (Scope("channel", channel_id),)
        guild = self.bot.get_guild(guild_id)
        channel = guild.get_channel_or_thread(channel_id) if guild is not None else None
        if channel is not None:
            return scopes_of(channel, guild_id)
        if channel_id not in self._fetched and self._fetches_left > 0:
            self._fetches_left -= 1
            await self._fetch(guild_id, channel_id)
        return self._fetched.get(channel_id)

    async def _fetch(self, guild_id: int, channel_id: int) -> None:
        """An archived thread is in no cache, but has a parent; what cannot be seen keeps what was set for it."""
        try:
            self._fetched[channel_id] = scopes_of(await self.bot.fetch_channel(channel_id), guild_id)
        except (discord.NotFound, discord.Forbidden):
            own = (Scope("thread", channel_id), Scope("channel", channel_id))
            self._fetched[channel_id] = (*own, Scope("guild", guild_id))
        except WRITE_PROBLEMS as error:
            logger.info("a channel could not be looked up: %s", type(error).__name__)


async def setup(bot: Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    await bot.add_cog(Retention(bot))
