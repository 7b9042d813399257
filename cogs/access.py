"""Who may use the bot, where and with which models: `/access allow`, `deny`, `clear` and `list`."""

from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from cogs._bot import Bot, tell
from cogs._guard import whole_server
from cogs._lists import page_of
from cogs._rule_words import rule_line, target_words
from cogs._stopping import stop_denied, stopped_words
from cogs.talk import model_choices
from moderation.rulebook import NoSuchRuleError, Rulebook
from storage import Target, Verdict

RULES_ON_A_PAGE = 15
SomeChannel = discord.TextChannel | discord.VoiceChannel | discord.StageChannel | discord.ForumChannel | discord.Thread
Reason = app_commands.Range[str, 1, 300]
TARGETS = {
    "user": "A person",
    "role": "A role",
    "channel": "A channel or thread",
    "category": "A category of channels",
    "model": "A model; type to search",
}
HOW_LONG = "For how long, as 30m, 12h, 7d or 2w; else until it is cleared"
WHY = "Who is denied may read it"


@app_commands.guild_only()
@app_commands.default_permissions(manage_messages=True)
class AccessCommands(
    commands.GroupCog, group_name="access", group_description="Who may use me, where, and with which models"
):
    """The rules of a server."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self.rulebook = Rulebook(bot.services.storage.access)

    @app_commands.command(description="Put on a list: where there is one, nobody and nothing else is allowed")
    @app_commands.describe(**TARGETS, duration=HOW_LONG, reason="Why; for the record")
    @app_commands.rename(duration="for")
    async def allow(
        self,
        interaction: discord.Interaction[Bot],
        user: discord.User | None = None,
        role: discord.Role | None = None,
        channel: SomeChannel | None = None,
        category: discord.CategoryChannel | None = None,
        model: app_commands.Range[str, 1, 100] | None = None,
        duration: app_commands.Range[str, 1, 40] | None = None,
        reason: Reason | None = None,
    ) -> None:
        """Allow what all the options together name."""
        target = self._target(interaction, user, role, channel, category, model)
        await self._set(interaction, "allow", target, duration, reason)

    @app_commands.command(description="Deny people, channels or models; what you name together is denied together")
    @app_commands.describe(**TARGETS, duration=HOW_LONG, reason=WHY)
    @app_commands.rename(duration="for")
    async def deny(
        self,
        interaction: discord.Interaction[Bot],
        user: discord.User | None = None,
        role: discord.Role | None = None,
        channel: SomeChannel | None = None,
        category: discord.CategoryChannel | None = None,
        model: app_commands.Range[str, 1, 100] | None = None,
        duration: app_commands.Range[str, 1, 40] | None = None,
        reason: Reason | None = None,
    ) -> None:
        """Deny what all the options together name."""
        target = self._target(interaction, user, role, channel, category, model)
        await self._set(interaction, "deny", target, duration, reason)

    @app_commands.command(description="Take back what was allowed or denied")
    @app_commands.describe(**TARGETS, rule="One of the rules, where what it names is gone; type to search")
    async def clear(
        self,
        interaction: discord.Interaction[Bot],
        user: discord.User | None = None,
        role: discord.Role | None = None,
        channel: SomeChannel | None = None,
        category: discord.CategoryChannel | None = None,
        model: app_commands.Range[str, 1, 100] | None = None,
        rule: app_commands.Range[str, 1, 100] | None = None,
    ) -> None:
        """Forget the rule that names just this."""
        guild_id = await whole_server(interaction, "access clear")
        if rule is not None:
            if not (rule.isascii() and rule.isdecimal()):
                raise NoSuchRuleError
            cleared = await self.rulebook.clear_rule(guild_id, int(rule), interaction.user.id)
        else:
            target = self._target(interaction, user, role, channel, category, model)
            cleared = await self.rulebook.clear(guild_id, target, interaction.user.id)
        await tell(interaction, f"Nothing is said about {target_words(cleared.target)} any more.")

    @app_commands.command(name="list", description="What is allowed and denied on this server")
    @app_commands.describe(page="Which page")
    async def list_rules(
        self, interaction: discord.Interaction[Bot], page: app_commands.Range[int, 1, 100] = 1
    ) -> None:
        """List the rules privately."""
        rules = await self.rulebook.all(await whole_server(interaction, "access list"))
        lines, which = page_of(map(rule_line, rules), page, most=RULES_ON_A_PAGE)
        lines = lines or ["There are no rules: everybody may use me everywhere."]
        await tell(interaction, "\n".join([*lines, *([which] if which else [])]))

    @allow.autocomplete("model")
    @deny.autocomplete("model")
    @clear.autocomplete("model")
    async def choose_model(self, interaction: discord.Interaction[Bot], typed: str) -> list[app_commands.Choice[str]]:
        """Models whose names match what is typed."""
        return model_choices(interaction, typed)

    @clear.autocomplete("rule")
    async def choose_rule(self, interaction: discord.Interaction[Bot], typed: str) -> list[app_commands.Choice[str]]:
        """The rules, in words that Discord does not turn into names."""
        guild_id = await whole_server(interaction, "access clear")
        choices = [
            app_commands.Choice(name=f"{rule.verdict} {rule.target}"[:100], value=str(rule.id))
            for rule in await self.rulebook.all(guild_id)
        ]
        return [choice for choice in choices if typed.casefold() in choice.name.casefold()][:25]

    async def _set(
        self,
        interaction: discord.Interaction[Bot],
        verdict: Verdict,
        target: Target,
        duration: str | None,
        reason: str | None,
    ) -> None:
        guild_id = await whole_server(interaction, f"access {verdict}")
        rule = await self.rulebook.set(guild_id, verdict, target, interaction.user.id, duration=duration, reason=reason)
        stopped = await stop_denied(self.bot, guild_id) if verdict == "deny" else 0
        await tell(interaction, rule_line(rule) + stopped_words(stopped))

    def _target(
        self,
        interaction: discord.Interaction[Bot],
        user: discord.User | discord.Member | None,
        role: discord.Role | None,
        channel: Any,
        category: discord.CategoryChannel | None,
        model: str | None,
    ) -> Target:
        """What the options name together; a model by the name that the service has for it, if it has one."""
        user_id, role_id, channel_id, category_id = (
            None if named is None else int(named.id) for named in (user, role, channel, category)
        )
        named_model = None if model is None else interaction.client.services.catalogue.match(model) or model.strip()
        return Target(user_id, role_id, channel_id, category_id, named_model)


async def setup(bot: Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    await bot.add_cog(AccessCommands(bot))
