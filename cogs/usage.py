"""Who uses the bot: `/usage me`, `server`, `channel`, `chart` and `export`."""

import asyncio
import io
from collections.abc import Iterable
from typing import Any

import aiohttp
import discord
from discord import app_commands
from discord.ext import commands

from cogs._bot import Bot, tell
from cogs._usage_words import direct_lines, own_text, report_text
from moderation.charts import Chart, ChartDrawer, ChartKind, chart_of, describe, shown_people, text_bars
from moderation.usage import PERIODS, Period, Report, UsageReports
from moderation.usage_table import usage_table

HERE_IT_IS = "-# Here it is. People and channels in it show their names when you paste them into a message."
LARGEST_FILE = 10 * 1024 * 1024  # what Discord takes everywhere
NOTHING_TO_DRAW = "There is nothing to draw: nobody used me in that time, or nobody's waiting was measured."
NO_PICTURE = "-# Pictures need the extra `charts` (matplotlib), which whoever runs me has not installed."
PERIOD = "day, week, month, year, or a number of days; else a month"
CHARTS: dict[ChartKind, str] = {
    "time": "tokens by day, or by month for a long time",
    "model": "tokens by model",
    "user": "tokens by person",
    "waits": "waiting times",
}


class UsageCommands(commands.GroupCog, group_name="usage", group_description="Who uses me, how much, and who waits"):
    """Reports, for those who ask alone. In direct messages everything is about the person's own use."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self.reports = UsageReports(bot.services.storage.usage)
        self.drawer = ChartDrawer()

    @app_commands.command(description="What you used here, and how long you waited")
    @app_commands.describe(period=PERIOD)
    async def me(self, interaction: discord.Interaction[Bot], period: app_commands.Range[str, 1, 20] = "month") -> None:
        """Show one's own numbers privately."""
        found = self.reports.period(period)
        await tell(
            interaction, own_text(await self.reports.of_person(interaction.guild_id, interaction.user.id, found))
        )

    @app_commands.command(description="What this server used, by person, channel and model")
    @app_commands.describe(period=PERIOD)
    async def server(
        self, interaction: discord.Interaction[Bot], period: app_commands.Range[str, 1, 20] = "month"
    ) -> None:
        """Show the server's numbers privately."""
        if interaction.guild_id is None:
            await self._tell_own(interaction, period)
            return
        await interaction.client.services.guard.check_everywhere("usage server", interaction)
        found = self.reports.period(period)
        report = await self.reports.of(interaction.guild_id, "server", 0, found)
        direct = await self.reports.of(interaction.guild_id, "direct", 0, found)
        await tell(interaction, "\n".join([report_text("this server", report), *direct_lines(direct)]))

    @app_commands.command(description="What a channel or thread used, by person and model")
    @app_commands.describe(channel="Which one; else this one", period=PERIOD)
    async def channel(
        self,
        interaction: discord.Interaction[Bot],
        channel: app_commands.AppCommandChannel | app_commands.AppCommandThread | None = None,
        period: app_commands.Range[str, 1, 20] = "month",
    ) -> None:
        """Show the numbers of a channel privately."""
        if interaction.guild_id is None:
            await self._tell_own(interaction, period)
            return
        channel_id = await self._channel_id(interaction, "usage channel", channel)
        report = await self.reports.of(interaction.guild_id, "channel", channel_id, self.reports.period(period))
        await tell(interaction, report_text(f"<#{channel_id}>", report))

    @app_commands.command(description="A picture of what was used")
    @app_commands.describe(
        what="What it shows", period=PERIOD, person="Of one person only", channel="Of one channel only"
    )
    @app_commands.rename(person="for")
    @app_commands.choices(what=[app_commands.Choice(name=words, value=kind) for kind, words in CHARTS.items()])
    async def chart(
        self,
        interaction: discord.Interaction[Bot],
        what: ChartKind = "time",
        period: app_commands.Range[str, 1, 20] = "month",
        person: discord.User | None = None,
        channel: app_commands.AppCommandChannel | app_commands.AppCommandThread | None = None,
    ) -> None:
        """Answer with a chart, for the person alone."""
        found = self.reports.period(period)
        if channel is None or person is not None:
            await self._check_server(interaction, "usage chart")
        channel_id = None if channel is None else await self._channel_id(interaction, "usage chart", channel)
        await interaction.response.defer(ephemeral=True, thinking=True)
        report, whose = await self._charted(interaction, found, person, channel_id)
        names = await self._names(interaction, shown_people(report)) if what == "user" else {}
        drawn = chart_of(what, report, whose, names)
        if drawn is None:
            await tell(interaction, NOTHING_TO_DRAW)
        elif self.drawer.available:
            await interaction.followup.send(file=await self._picture(drawn), ephemeral=True)
        else:
            await tell(interaction, f"**{drawn.title}**\n{drawn.note}\n```\n{text_bars(drawn)}\n```\n{NO_PICTURE}")

    @app_commands.command(description="What this server used, as a table for spreadsheets (CSV)")
    @app_commands.describe(period=PERIOD)
    async def export(
        self, interaction: discord.Interaction[Bot], period: app_commands.Range[str, 1, 20] = "month"
    ) -> None:
        """Answer with the file, for the person alone."""
        found = self.reports.period(period)
        await self._check_server(interaction, "usage export")
        await interaction.response.defer(ephemeral=True, thinking=True)
        content = await usage_table(
            interaction.client.services.storage.usage,
            interaction.guild_id,
            found,
            _visible_channels(interaction),
            min(interaction.filesize_limit, LARGEST_FILE),
            interaction.user.id if interaction.guild_id is None else None,
        )
        file = discord.File(io.BytesIO(content), f"usage-{found.since}-to-{found.until}.csv")
        await interaction.followup.send(HERE_IT_IS, file=file, ephemeral=True)

    @me.autocomplete("period")
    @server.autocomplete("period")
    @channel.autocomplete("period")
    @chart.autocomplete("period")
    @export.autocomplete("period")
    async def choose_period(self, interaction: discord.Interaction[Bot], typed: str) -> list[app_commands.Choice[str]]:
        """The periods that have names, and what is typed if it is one."""
        del interaction
        names = [name for name in PERIODS if typed.strip().casefold() in name]
        if typed.strip().isdecimal():
            names = [f"{typed.strip()} days"]
        return [app_commands.Choice(name=name, value=name) for name in names]

    async def _tell_own(self, interaction: discord.Interaction[Bot], period: str) -> None:
        own = await self.reports.of_person(None, interaction.user.id, self.reports.period(period))
        await tell(interaction, own_text(own))

    async def _check_server(self, interaction: discord.Interaction[Bot], action: str) -> None:
        """What is told of the whole server takes more than rights in this channel."""
        if interaction.guild_id is not None:
            await interaction.client.services.guard.check_everywhere(action, interaction)

    async def _channel_id(self, interaction: discord.Interaction[Bot], action: str, channel: Any | None) -> int:
        """The channel that is meant; of another than this one only who has rights in the server is told."""
        here = interaction.channel_id or 0
        if channel is None or channel.id == here:
            return here
        await self._check_server(interaction, action)
        return int(channel.id)

    async def _charted(
        self,
        interaction: discord.Interaction[Bot],
        period: Period,
        person: discord.User | discord.Member | None,
        channel_id: int | None,
    ) -> tuple[Report, str]:
        """The report that is drawn, and whose it is."""
        guild = interaction.guild
        if guild is None:
            person, channel_id = interaction.user, None
        if person is not None:
            return await self.reports.of(interaction.guild_id, "user", person.id, period), person.display_name
        if channel_id is not None:
            channel = guild.get_channel_or_thread(channel_id) if guild is not None else None
            name = f"#{channel.name}" if channel is not None else "a channel"
            return await self.reports.of(interaction.guild_id, "channel", channel_id, period), name
        name = guild.name if guild is not None else "this server"
        return await self.reports.of(interaction.guild_id, "server", 0, period), name

    async def _names(self, interaction: discord.Interaction[Bot], user_ids: Iterable[int]) -> dict[int, str]:
        """What people are called here; those who left have no name."""
        guild = interaction.guild
        if guild is None:
            return {interaction.user.id: interaction.user.display_name}
        wanted = list(user_ids)
        found = await asyncio.gather(*(_member_name(guild, user_id) for user_id in wanted))
        return {user_id: name for user_id, name in zip(wanted, found, strict=True) if name}

    async def _picture(self, chart: Chart) -> discord.File:
        content = await self.drawer.draw(chart)
        return discord.File(io.BytesIO(content), "usage.png", description=describe(chart))


async def _member_name(guild: discord.Guild, user_id: int) -> str | None:
    try:
        return (await guild.fetch_member(user_id)).display_name
    except (discord.HTTPException, discord.RateLimited, aiohttp.ClientError, OSError):
        return None


def _visible_channels(interaction: discord.Interaction[Bot]) -> dict[int, str]:
    """The names of the channels and threads that this person may see."""
    guild, member = interaction.guild, interaction.user
    if guild is None or not isinstance(member, discord.Member):
        return {}
    return {place.id: place.name for place in (*guild.channels, *guild.threads) if _sees(member, place)}


def _sees(member: discord.Member, place: discord.abc.GuildChannel | discord.Thread) -> bool:
    if not isinstance(place, discord.Thread):
        return place.permissions_for(member).view_channel
    if place.parent is None:
        return False
    permissions = place.parent.permissions_for(member)
    return permissions.view_channel and (permissions.manage_threads or not place.is_private())


async def setup(bot: Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    await bot.add_cog(UsageCommands(bot))
