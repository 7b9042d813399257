"""What must not be said to the bot or by it: `/filter add`, `remove`, `list`, `test` and `automod`."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from cogs._automod import read_server_rules
from cogs._bot import Bot, tell
from cogs._guard import whole_server
from cogs._lists import page_of
from cogs._log_posts import plain_label
from cogs._places import scopes_of
from cogs.access import SomeChannel
from moderation.errors import NoSuchFilterError
from moderation.filters import LONGEST_TEXT, Reviewed, Side
from storage import FilterAction, FilterKind, FilterRule, FilterSide

FILTERS_ON_A_PAGE = 15
LONGEST_TESTED = 4000
LONGEST_SHOWN = 300
MOST_HITS = 4

SIDE_WORDS: dict[FilterSide, str] = {
    "both": "what is asked and answered",
    "asked": "what people ask",
    "answered": "what I answer",
}
ACTION_WORDS: dict[FilterAction, str] = {
    "block": "refuse it, or stop the reply there",
    "mask": "put ▇▇▇ in its place",
    "flag": "let it pass and tell the moderators",
}
MAY_NOT_READ = "I need the permission Manage Server to read AutoMod's rules. I try again every quarter of an hour."


def _choices(words: Mapping[Any, str]) -> list[app_commands.Choice[str]]:
    return [app_commands.Choice(name=f"{value}: {told}", value=value) for value, told in words.items()]


@app_commands.guild_only()
@app_commands.default_permissions(manage_messages=True)
class FilterCommands(commands.GroupCog, group_name="filter", group_description="What must not be said to me or by me"):
    """The filters of a server."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self.filters = bot.services.filters

    @app_commands.command(description="Look for words or a pattern from now on")
    @app_commands.describe(
        kind="What you type below",
        text="Words and phrases with commas between, cat* also for cats; or one regular expression",
        where="In what; else in both",
        action="What happens then; else it is blocked",
        channel="Only in this channel or thread; else everywhere",
    )
    @app_commands.choices(
        kind=[
            app_commands.Choice(name="words and phrases", value="words"),
            app_commands.Choice(name="a pattern (regular expression)", value="pattern"),
        ],
        where=_choices(SIDE_WORDS),
        action=_choices(ACTION_WORDS),
    )
    async def add(
        self,
        interaction: discord.Interaction[Bot],
        kind: FilterKind,
        text: app_commands.Range[str, 1, LONGEST_TEXT],
        where: FilterSide = "both",
        action: FilterAction = "block",
        channel: SomeChannel | None = None,
    ) -> None:
        """Keep it, and say so privately."""
        guild_id = await whole_server(interaction, "filter add")
        await interaction.response.defer(ephemeral=True, thinking=True)
        rule = await self.filters.add(
            guild_id,
            kind,
            text,
            side=where,
            action=action,
            channel_id=channel.id if channel is not None else None,
            by=interaction.user.id,
        )
        whole = ""
        if rule.kind == "pattern" and rule.side != "asked" and not self.filters.is_bounded(rule):
            whole = (
                "\n-# A match of it may be of any length, so replies are shown only once they are written to the end."
            )
        await tell(interaction, f"From now on: {_line(rule)}{whole}")

    @app_commands.command(description="Look for something no longer")
    @app_commands.describe(chosen="Which filter; type to search")
    @app_commands.rename(chosen="filter")
    async def remove(self, interaction: discord.Interaction[Bot], chosen: app_commands.Range[str, 1, 100]) -> None:
        """Forget a filter."""
        guild_id = await whole_server(interaction, "filter remove")
        if not (chosen.isascii() and chosen.isdecimal() and len(chosen) < 20):
            raise NoSuchFilterError
        rule = await self.filters.remove(guild_id, int(chosen), interaction.user.id)
        await tell(interaction, f"No longer: {_line(rule)}")

    @app_commands.command(name="list", description="What is looked for here")
    @app_commands.describe(page="Which page")
    async def list_filters(
        self, interaction: discord.Interaction[Bot], page: app_commands.Range[int, 1, 100] = 1
    ) -> None:
        """List the filters privately."""
        guild_id = await whole_server(interaction, "filter list")
        rules = await self.filters.all(guild_id)
        lines, which = page_of((f"- {_line(rule)}" for rule in rules), page, most=FILTERS_ON_A_PAGE)
        lines = lines or ["There are no filters. `/filter add` makes one."]
        if await self.bot.services.server_rules.honours(guild_id):
            lines.append("-# The words of Discord's AutoMod hold, too.")
        await tell(interaction, "\n".join([*lines, *([which] if which else [])]))

    @app_commands.command(description="What would happen to a text here, and why")
    @app_commands.describe(text="What somebody might say, or I might answer", where="Said by whom; else both")
    @app_commands.choices(where=_choices(SIDE_WORDS))
    async def test(
        self,
        interaction: discord.Interaction[Bot],
        text: app_commands.Range[str, 1, LONGEST_TESTED],
        where: FilterSide = "both",
    ) -> None:
        """Tell it privately; nobody else hears of it."""
        guild_id = await whole_server(interaction, "filter test")
        await interaction.response.defer(ephemeral=True, thinking=True)
        scopes = scopes_of(interaction.channel, guild_id)
        sides: Sequence[Side] = ("asked", "answered") if where == "both" else (where,)
        lines: list[str] = []
        for side in sides:
            reviewed = await self.filters.test(guild_id, scopes, side, text)
            lines += [f"**{SIDE_WORDS[side]}**: {_verdict(side, reviewed)}", *_reasons(text, reviewed)]
        await tell(interaction, "\n".join(lines))

    @app_commands.command(description="Let the words of Discord's AutoMod hold for me, too")
    @app_commands.describe(honour="Whether they are to hold")
    async def automod(self, interaction: discord.Interaction[Bot], honour: bool) -> None:
        """Switch it on or off, and tell what holds."""
        guild_id = await whole_server(interaction, "filter automod")
        await interaction.response.defer(ephemeral=True, thinking=True)
        held = await self.bot.services.server_rules.honour(guild_id, interaction.user.id, on=honour)
        if not honour:
            await tell(interaction, "The rules of AutoMod do not hold for me any more.")
        elif held is None:
            await tell(interaction, MAY_NOT_READ)
        else:
            words, rules = (
                f"{held.words:,} {_counted(held.words, 'word')}",
                f"{held.rules} {_counted(held.rules, 'rule')}",
            )
            unread = (
                f"\n-# {held.unread_patterns} of their patterns I do not understand." if held.unread_patterns else ""
            )
            await tell(interaction, f"AutoMod's words hold for me, too: {words} of {rules}.{unread}")

    @remove.autocomplete("chosen")
    async def choose(self, interaction: discord.Interaction[Bot], typed: str) -> list[app_commands.Choice[str]]:
        """The filters that have in them what is typed."""
        guild_id = await whole_server(interaction, "filter remove")
        choices = [
            app_commands.Choice(
                name=f"{plain_label(rule.text)} · {rule.action} · {rule.side}"[:100], value=str(rule.id)
            )
            for rule in await self.filters.all(guild_id)
            if typed.casefold() in rule.text.casefold() or typed == str(rule.id)
        ]
        return choices[:25]

    # --- Discord's own filter

    @commands.Cog.listener()
    async def on_automod_rule_create(self, rule: discord.AutoModRule) -> None:
        """Read the rules anew."""
        await self.bot.services.server_rules.changed(rule.guild.id)

    @commands.Cog.listener()
    async def on_automod_rule_update(self, rule: discord.AutoModRule) -> None:
        """Read the rules anew."""
        await self.bot.services.server_rules.changed(rule.guild.id)

    @commands.Cog.listener()
    async def on_automod_rule_delete(self, rule: discord.AutoModRule) -> None:
        """Read the rules anew."""
        await self.bot.services.server_rules.changed(rule.guild.id)


def _line(rule: FilterRule) -> str:
    where = f" in <#{rule.channel_id}>" if rule.channel_id is not None else ""
    return f"**{rule.action}** {rule.kind} `{plain_label(rule.text)}` · {SIDE_WORDS[rule.side]}{where}"


def _verdict(side: Side, reviewed: Reviewed | None) -> str:
    if reviewed is None:
        return "nothing is looked for here."
    if reviewed.blocked:
        return "refused." if side == "asked" else "the reply ends there."
    if any(hit.meaning.action == "mask" for hit in reviewed.hits):
        return f"masked: {_quoted(reviewed.text)}"
    return "it passes, and the moderators hear of it." if reviewed.hits else "it passes."


def _reasons(text: str, reviewed: Reviewed | None) -> list[str]:
    if reviewed is None:
        return []
    lines = []
    for hit in reviewed.hits[:MOST_HITS]:
        found = "it took too long" if hit.late else f"`{plain_label(text[hit.begin : hit.end])}`"
        whose = "" if hit.meaning.filter_id else " of AutoMod"
        lines.append(f"- **{hit.meaning.action}** `{plain_label(hit.meaning.label)}`{whose}: {found}")
    if len(reviewed.hits) > MOST_HITS:
        lines.append(f"-# and {len(reviewed.hits) - MOST_HITS} more")
    return lines


def _quoted(text: str) -> str:
    shown = discord.utils.escape_markdown(" ".join(text.split()))
    return shown if len(shown) <= LONGEST_SHOWN else f"{shown[:LONGEST_SHOWN]}…"


def _counted(count: int, thing: str) -> str:
    return thing if count == 1 else f"{thing}s"


async def setup(bot: Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    bot.services.server_rules.read = partial(read_server_rules, bot)
    await bot.add_cog(FilterCommands(bot))
