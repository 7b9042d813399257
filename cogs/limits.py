"""How much may be used: `/limit set`, `list`, `remove`, `grant` and `weight`."""

from typing import Final

import discord
from discord import app_commands
from discord.ext import commands

from cogs._bot import Bot, tell
from cogs._guard import whole_server
from cogs._limit_words import grant_words, limit_line, overview_lines, role_words, scope_words
from cogs._lists import page_of
from cogs.access import SomeChannel
from moderation.limit_book import Each, LimitBook, LimitTarget, name_of
from moderation.limiter import MOST_WEIGHT, USUAL_WEIGHT
from storage import LimitPeriod, LimitUnit

MOST_AMOUNT: Final = 1_000_000_000
LINES_ON_A_PAGE: Final = 15
MOST_CHOICES: Final = 25  # as many as Discord suggests
TARGETS = {
    "channel": "Of a channel with its threads, or of one thread; else of the whole server",
    "role": "Of each person with this role; their most favourable role counts",
    "user": "Of one person",
    "each": "Of each person, or of each channel",
    "hard": "Refuse who is past it; else they come last in the line",
}
SOFT: Final = "-# Who is past it comes last in the line, so that an idle key is not wasted. `hard` refuses them."


@app_commands.guild_only()
@app_commands.default_permissions(manage_messages=True)
class LimitCommands(commands.GroupCog, group_name="limit", group_description="How much may be used, by whom and where"):
    """The limits of a server."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        storage = bot.services.storage
        self.book = LimitBook(storage.limits, storage.settings)

    @app_commands.command(
        name="set", description="Limit requests or tokens of the server, a channel, a role or a person"
    )
    @app_commands.describe(amount="How many", unit="Of what", per="In which time, by the clock in UTC", **TARGETS)
    async def set_limit(
        self,
        interaction: discord.Interaction[Bot],
        amount: app_commands.Range[int, 1, MOST_AMOUNT],
        unit: LimitUnit,
        per: LimitPeriod,
        channel: SomeChannel | None = None,
        role: discord.Role | None = None,
        user: discord.User | None = None,
        each: Each | None = None,
        hard: bool = False,
    ) -> None:
        """Set a limit in place of the one of the same unit and time."""
        guild_id = await whole_server(interaction, "limit set")
        channel_id, role_id, user_id = (None if named is None else named.id for named in (channel, role, user))
        target = LimitTarget(channel_id, role_id, user_id, each)
        limit, _ = await self.book.set(guild_id, target, unit, per, amount, hard=hard, by=interaction.user.id)
        line = limit_line(limit, guild_id)
        await tell(interaction, line if hard else f"{line}\n{SOFT}")

    @app_commands.command(name="list", description="The limits of this server, and how far they are used")
    @app_commands.describe(page="Which page")
    async def list_limits(
        self, interaction: discord.Interaction[Bot], page: app_commands.Range[int, 1, 20] = 1
    ) -> None:
        """List what is set privately."""
        guild_id = await whole_server(interaction, "limit list")
        lines = overview_lines(await self.book.overview(guild_id), guild_id)
        shown, which = page_of(lines, page, most=LINES_ON_A_PAGE)
        await tell(interaction, "\n".join([*shown, *([which] if which else [])]))

    @app_commands.command(description="Take a limit away")
    @app_commands.describe(limit="Which one; type to search")
    async def remove(self, interaction: discord.Interaction[Bot], limit: app_commands.Range[str, 1, 100]) -> None:
        """Forget one limit."""
        guild_id = await whole_server(interaction, "limit remove")
        removed = await self.book.remove(guild_id, limit, interaction.user.id)
        await tell(
            interaction, f"{scope_words(removed, guild_id)}: {removed.unit} per {removed.period} are free again."
        )

    @app_commands.command(description="Give somebody extra for a while, in each of their own limits")
    @app_commands.describe(
        user="Who",
        amount="How many more; 0 takes it back",
        unit="Of what",
        duration="For how long, as 30m, 12h, 7d or 2w",
    )
    @app_commands.rename(duration="for")
    async def grant(
        self,
        interaction: discord.Interaction[Bot],
        user: discord.User,
        amount: app_commands.Range[int, 0, MOST_AMOUNT],
        unit: LimitUnit,
        duration: app_commands.Range[str, 1, 40] = "1d",
    ) -> None:
        """Raise what somebody may use until then."""
        guild_id = await whole_server(interaction, "limit grant")
        grant = await self.book.grant(guild_id, user.id, unit, amount, duration, interaction.user.id)
        await tell(interaction, grant_words(grant))

    @app_commands.command(description="How many times the usual share of the line those with a role get")
    @app_commands.describe(role="Whose", weight="How many times; of several roles the highest counts, 1 is the usual")
    async def weight(
        self,
        interaction: discord.Interaction[Bot],
        role: discord.Role,
        weight: app_commands.Range[int, USUAL_WEIGHT, MOST_WEIGHT],
    ) -> None:
        """Let a role weigh more when several wait."""
        guild_id = await whole_server(interaction, "limit weight")
        await self.book.weigh(guild_id, role.id, weight, interaction.user.id)
        await tell(interaction, f"{role_words(role.id, guild_id)} weighs {weight} in the line.")

    @remove.autocomplete("limit")
    async def choose_limit(self, interaction: discord.Interaction[Bot], typed: str) -> list[app_commands.Choice[str]]:
        """The limits, in words that Discord does not turn into names."""
        guild_id = await whole_server(interaction, "limit remove")
        choices = [
            app_commands.Choice(name=f"{limit}: {limit.amount:,}"[:100], value=name_of(limit))
            for limit in await self.book.all(guild_id)
        ]
        return [choice for choice in choices if typed.casefold() in choice.name.casefold()][:MOST_CHOICES]


async def setup(bot: Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    await bot.add_cog(LimitCommands(bot))
