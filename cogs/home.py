"""`/home`: the server against which a person's direct messages count."""

import asyncio
import contextlib

import discord
from discord import app_commands
from discord.ext import commands

from cogs._bot import Bot, tell
from cogs._guard import HOME
from cogs._members import Members
from cogs._posts import WRITE_PROBLEMS
from storage import Scope

MOST_SHARED = 25  # as many as Discord suggests
LONGER_THAN_IDS = 20  # digits
SUGGESTED_WITHIN_SECONDS = 2.0
NOT_SHARED = "We share no server of that name. Type to see those where you have talked with me."
CHOSEN = "Your direct messages count against **{name}** from now on: its rules and limits hold here, too."
NOT_YET = "You have not chosen a server yet. Until you do, I answer no direct messages."


class Home(commands.Cog):
    """Whose rules hold in direct messages."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self.members = Members(bot)
        bot.services.guard.members = self.members

    @app_commands.command(description="Choose the server whose rules and limits hold in your direct messages")
    @app_commands.describe(server="A server that we share; leave it out to see which one it is now")
    async def home(
        self, interaction: discord.Interaction[Bot], server: app_commands.Range[str, 1, 100] | None = None
    ) -> None:
        """Keep the choice, or tell which it is."""
        services, user = self.bot.services, interaction.user
        await interaction.response.defer(ephemeral=True, thinking=True)
        if server is None:
            home_id = await services.guard.home_of(user.id)
            await tell(interaction, NOT_YET if home_id is None else f"It is **{await self._name(home_id)}**.")
            return
        guild_id = await self._meant(user.id, server)
        if guild_id is None or await self.members.roles(guild_id, user.id, anew=True) is None:
            await tell(interaction, NOT_SHARED)
            return
        await services.storage.settings.put(None, Scope("user", user.id), HOME, guild_id, user.id)
        await tell(interaction, CHOSEN.format(name=await self._name(guild_id)))

    @home.autocomplete("server")
    async def choose(self, interaction: discord.Interaction[Bot], typed: str) -> list[app_commands.Choice[str]]:
        """The servers that the person and the bot share, as far as they are known."""
        shared = await self._shared(interaction.user.id)
        return [
            app_commands.Choice(name=name[:100], value=str(guild_id))
            for guild_id, name in shared.items()
            if typed.casefold() in name.casefold()
        ]

    async def _meant(self, user_id: int, typed: str) -> int | None:
        if typed.isascii() and typed.isdecimal():
            return int(typed) if len(typed) < LONGER_THAN_IDS else None
        shared = await self._shared(user_id)
        return next((i for i, name in shared.items() if name.casefold() == typed.strip().casefold()), None)

    async def _shared(self, user_id: int) -> dict[int, str]:
        """Where they have used the bot; of a bot with few servers all are looked at."""
        found = dict.fromkeys(await self.bot.services.storage.usage.recent_guilds_of(user_id, MOST_SHARED))
        if len(self.bot.guilds) <= MOST_SHARED:
            found |= dict.fromkeys(guild.id for guild in self.bot.guilds)
        names: dict[int, str] = {}

        async def look(guild_id: int) -> None:
            with contextlib.suppress(*WRITE_PROBLEMS):
                if await self.members.roles(guild_id, user_id) is not None:
                    names[guild_id] = await self._name(guild_id)

        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SUGGESTED_WITHIN_SECONDS):
                await asyncio.gather(*(look(guild_id) for guild_id in list(found)[:MOST_SHARED]))
        return dict(sorted(names.items(), key=lambda item: item[1].casefold()))

    async def _name(self, guild_id: int) -> str:
        guild = self.bot.get_guild(guild_id) or await self.bot.fetch_guild(guild_id, with_counts=False)
        return discord.utils.escape_markdown(guild.name)


async def setup(bot: Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    await bot.add_cog(Home(bot))
