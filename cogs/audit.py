"""What was changed and decided here: `/audit show` and `export`. Deeds that do not record themselves are noted here."""

import io
from datetime import UTC, datetime
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from cogs._audit_controls import LONGEST_ACTION, EarlierEntriesControl, entries_page
from cogs._audit_words import as_table
from cogs._bot import Bot, tell
from cogs._controls import view_of
from cogs._deeds import Deed, deed_of, place_subject
from cogs._guard import RIGHT, whole_server
from moderation.deeds import is_recorded
from moderation.durations import read_since
from storage import AuditFilter

LARGEST_FILE = 8 * 1024 * 1024
WHO = "What this person changed or did"
WHAT = "Only this, such as `set model`, `access` or `pause`; type to search"
SINCE = "How far back, as 12h, 7d or 2026-03-01"
Action = app_commands.Range[str, 1, LONGEST_ACTION]
Since = app_commands.Range[str, 1, 40]


@app_commands.guild_only()
@app_commands.default_permissions(manage_messages=True)
class AuditCommands(
    commands.GroupCog, group_name="audit", group_description="What moderators changed and decided on this server"
):
    """The record, for those who may see it, and its other end."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot

    @app_commands.command(description="Who changed what, and when, the newest first")
    @app_commands.describe(who=WHO, action=WHAT, since=SINCE)
    async def show(
        self,
        interaction: discord.Interaction[Bot],
        who: discord.User | None = None,
        action: Action | None = None,
        since: Since | None = None,
    ) -> None:
        """Show the newest entries privately."""
        guild_id = await whole_server(interaction, "audit show")
        wanted = _wanted(who, action, since)
        text, earlier = await entries_page(interaction, guild_id, wanted, None)
        await tell(interaction, text, view=view_of(earlier) if earlier else None)

    @app_commands.command(description="The record as a table for spreadsheets (CSV)")
    @app_commands.describe(who=WHO, action=WHAT, since=SINCE)
    async def export(
        self,
        interaction: discord.Interaction[Bot],
        who: discord.User | None = None,
        action: Action | None = None,
        since: Since | None = None,
    ) -> None:
        """Answer with the file, for the person alone."""
        guild_id = await whole_server(interaction, "audit export")
        wanted = _wanted(who, action, since)
        await interaction.response.defer(ephemeral=True, thinking=True)
        limit = min(interaction.filesize_limit, LARGEST_FILE)
        content = await as_table(self.bot.services.audit.pages(guild_id, wanted), limit)
        file = discord.File(io.BytesIO(content), f"audit-{interaction.created_at:%Y-%m-%d}.csv")
        await interaction.followup.send("-# Here it is.", file=file, ephemeral=True)

    @show.autocomplete("action")
    @export.autocomplete("action")
    async def choose(self, interaction: discord.Interaction[Bot], typed: str) -> list[app_commands.Choice[str]]:
        """The actions that were recorded here."""
        guild_id = await whole_server(interaction, "audit show")
        actions = await self.bot.services.audit.actions(guild_id)
        found = [name for name in actions if typed.casefold() in name.casefold() and len(name) <= LONGEST_ACTION]
        return [app_commands.Choice(name=name, value=name) for name in found[:25]]

    # --- the other end

    @commands.Cog.listener()
    async def on_app_command_completion(self, interaction: discord.Interaction[Bot], _command: object) -> None:
        """A command was carried out."""
        await self.note_deed(interaction)

    @commands.Cog.listener()
    async def on_deed(self, interaction: discord.Interaction[Bot]) -> None:
        """So was what a button or a form asked for."""
        await self.note_deed(interaction)

    async def note_deed(self, interaction: discord.Interaction[Bot]) -> None:
        """Record what was done by more than a member's right; to open a form for it does nothing yet."""
        action = interaction.extras.get(RIGHT)
        if action is None or interaction.guild_id is None or not is_recorded(action):
            return
        if interaction.response.type is discord.InteractionResponseType.modal:
            return
        options = _options(interaction)
        reason = options.pop("reason", None)
        deed = deed_of(interaction) or Deed(place_subject(interaction), after=options or None)
        await self.bot.services.audit.record(
            interaction.guild_id,
            interaction.user.id,
            action,
            deed.subject,
            deed.before,
            deed.after,
            str(reason) if reason is not None else None,
        )


def _wanted(who: discord.User | discord.Member | None, action: str | None, since: str | None) -> AuditFilter:
    after = read_since(since, datetime.now(UTC)) if since is not None else None
    return AuditFilter(None if who is None else who.id, action.strip() if action else None, after)


def _options(interaction: discord.Interaction[Any]) -> dict[str, Any]:
    """What was chosen for a command's options."""
    data: Any = interaction.data or {}
    options = data.get("options") or []
    while options and options[0].get("type") in {1, 2}:  # a subcommand or a group of them
        options = options[0].get("options") or []
    return {str(option["name"]): option.get("value") for option in options}


async def setup(bot: Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    bot.add_dynamic_items(EarlierEntriesControl)
    await bot.add_cog(AuditCommands(bot))
