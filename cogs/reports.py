"""Reports: "Report" in the menu of messages, its form, and what the moderators' channel hears besides."""

import discord
from discord import app_commands
from discord.ext import commands

from cogs._bot import Bot, tell
from cogs._errors import explain
from cogs._form_fields import texts_of
from cogs._log_posts import LogPosts
from cogs._report_controls import REPORT_CONTROLS
from cogs._report_form import REASON, reported_in
from cogs._reporting import Reporting


class ReportCommands(commands.Cog):
    """Tells moderators what members think they should see."""

    def __init__(self, bot: Bot, log_posts: LogPosts) -> None:
        self.bot = bot
        self.log_posts = log_posts
        self._menu = app_commands.ContextMenu(name="Report", callback=self.report_message)
        self._menu.guild_only = True

    async def cog_load(self) -> None:
        """Put the entry into the menu of messages."""
        self.bot.tree.add_command(self._menu)

    async def cog_unload(self) -> None:
        """Take it out again."""
        self.bot.tree.remove_command(self._menu.name, type=self._menu.type)

    async def report_message(self, interaction: discord.Interaction[Bot], message: discord.Message) -> None:
        """Open the form for the message that was clicked on."""
        await self.bot.reporting.open_form(interaction, message)

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction[Bot]) -> None:
        """A form comes back. discord.py knows those only that this process has opened, so it is read here."""
        if interaction.type is not discord.InteractionType.modal_submit:
            return
        discord_id = reported_in(interaction)
        if discord_id is None:
            return
        try:
            await self.bot.services.guard.check("report", interaction.user, interaction.guild_id, interaction.channel)
            await self.bot.reporting.report(interaction, discord_id, texts_of(interaction).get(REASON, ""))
        except Exception as error:  # noqa: BLE001  # the last place before discord.py would only log it
            await tell(interaction, explain(error).text)

    @commands.Cog.listener()
    async def on_refusal(
        self, error: BaseException, user_id: int, guild_id: int | None, channel_id: int | None
    ) -> None:
        """Somebody was refused something."""
        self.log_posts.refused(error, user_id, guild_id, channel_id)


async def setup(bot: Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    bot.reporting = Reporting(bot)
    log_posts = LogPosts(bot)
    bot.services.filters.on_flag = log_posts
    bot.add_dynamic_items(*REPORT_CONTROLS)
    await bot.add_cog(ReportCommands(bot, log_posts))
