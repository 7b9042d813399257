"""`/setup`: the panel from which an admin sets the bot up for a server, and the forms that it opens."""

from typing import Any, Final

import discord
from discord import app_commands
from discord.ext import commands

from chat.errors import ChannelSettingError
from cogs import _setup_members, _setup_moderation, _setup_talking
from cogs._bot import Bot, tell
from cogs._controls import Control, Menu
from cogs._errors import explain
from cogs._form_fields import texts_of
from cogs._guard import whole_server
from cogs._rule_words import as_code
from cogs._setup_moderation import FORM, LimitsControl
from cogs._setup_panel import ACTION, PageControl, panel, redraw, sight_of
from cogs._setup_talking import FORM_ID, KEYWORDS, KeywordsControl
from moderation.server_setup import EACH_PERSON, AmountError, read_amount

SETUP_CONTROLS: Final[tuple[type[Control] | type[Menu], ...]] = (
    PageControl,
    *_setup_talking.CONTROLS,
    *_setup_moderation.CONTROLS,
    *_setup_members.CONTROLS,
)


class SetupCommand(commands.Cog):
    """Opens the panel, and takes what its forms bring."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot

    @app_commands.command(description="Set me up for this server, and see what is set and by whom")
    @app_commands.guild_only()
    @app_commands.default_permissions(manage_guild=True)
    async def setup(self, interaction: discord.Interaction[Bot]) -> None:
        """Show the first page to the admin alone."""
        await whole_server(interaction, ACTION)
        await interaction.response.send_message(view=await panel(interaction, 1), ephemeral=True)

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction[Bot]) -> None:
        """A form comes back. discord.py knows those only that this process has opened, so it is read here."""
        data: Any = interaction.data or {}
        form_id = str(data.get("custom_id", ""))
        is_ours = form_id == FORM_ID or FORM.fullmatch(form_id) is not None
        if interaction.type is not discord.InteractionType.modal_submit or not is_ours:
            return
        try:
            await whole_server(interaction, ACTION)
            await (self._keywords(interaction) if form_id == FORM_ID else self._limits(interaction, form_id))
        except Exception as error:  # noqa: BLE001  # the last place before discord.py would only log it
            await tell(interaction, explain(error).text)

    async def _keywords(self, interaction: discord.Interaction[Bot]) -> None:
        """Set the keywords; what cannot be taken is shown again, so that nothing of it is lost."""
        typed = texts_of(interaction).get(KEYWORDS, "")
        sight, problem, again = await sight_of(interaction), None, None
        try:
            await sight.set_typed({KEYWORDS: typed if typed.strip() else "default"}, interaction)
        except ChannelSettingError as error:
            problem = f"{explain(error).text} You typed: `{as_code(typed)}`"
            again = KeywordsControl(1)
        await redraw(interaction, KeywordsControl.page, problem, again)

    async def _limits(self, interaction: discord.Interaction[Bot], form_id: str) -> None:
        """Set the limits that were changed in the form, all or none."""
        match, typed = FORM.fullmatch(form_id), texts_of(interaction)
        assert match is not None
        texts = {unit: typed.get(unit, "") for unit in EACH_PERSON}
        try:
            wanted = {unit: read_amount(unit, text) for unit, text in texts.items()}
        except AmountError as error:
            again = LimitsControl(0, tuple(texts.values()))
            await redraw(interaction, LimitsControl.page, explain(error).text, again)
            return
        guild_id = interaction.guild_id or 0
        for unit, amount in wanted.items():
            if amount != read_amount(unit, match[unit]):
                await self.bot.services.server_setup.limit_each(guild_id, unit, amount, interaction.user.id)
        await redraw(interaction, LimitsControl.page)


async def setup(bot: Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    bot.add_dynamic_items(*SETUP_CONTROLS)
    await bot.add_cog(SetupCommand(bot))
