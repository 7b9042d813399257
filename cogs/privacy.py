"""What is kept about a person, in their own hands: `/privacy info`, `export`, `delete`, `opt_out` and `opt_in`."""

import io
from typing import Final

import discord
from discord import app_commands
from discord.ext import commands

from cogs import _privacy_words as words
from cogs._bot import Bot, tell
from cogs._controls import view_of
from cogs._erasures import Erasures
from cogs._places import scopes_of
from cogs._privacy_controls import PRIVACY_CONTROLS, ErasureControl, Place
from moderation.privacy import Exporter, ExportPace
from storage import EVERYWHERE, Where

LARGEST_FILE: Final = 10 * 1024 * 1024  # what Discord takes everywhere
WHERE: Final = "This server (or these direct messages), or everywhere"


class PrivacyCommands(
    commands.GroupCog, group_name="privacy", group_description="What I keep about you, in your hands"
):
    """Everything is shown to the person alone, and is about nobody else."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self._pace = ExportPace()
        self._exporter = Exporter(bot.services.storage.privacy)

    async def cog_load(self) -> None:
        """Look after what was asked for before a restart, and in other processes."""
        self.bot.erasures.start()

    async def cog_unload(self) -> None:
        """What is not done then is done after the restart."""
        await self.bot.erasures.close()

    @app_commands.command(description="What I keep about you, for how long, and what you can do about it")
    async def info(self, interaction: discord.Interaction[Bot]) -> None:
        """Tell it in plain words."""
        services = self.bot.services
        scopes = scopes_of(interaction.channel, interaction.guild_id)
        days = (await services.context.preferences(interaction.guild_id, scopes))["retention_days"].value
        out = services.storage.opt_outs.holds(interaction.guild_id, interaction.user.id)
        await tell(interaction, words.info_text(days, opted_out=out))

    @app_commands.command(description="All that I keep about you, as files for you alone")
    @app_commands.describe(where=WHERE)
    async def export(self, interaction: discord.Interaction[Bot], where: Place = "here") -> None:
        """Answer with one zip, or with several where Discord does not take so much at once."""
        user_id = interaction.user.id
        if (seconds := self._pace.begin(user_id)) > 0:
            await tell(interaction, words.too_soon(seconds))
            return
        try:
            await interaction.response.defer(ephemeral=True, thinking=True)
            await self._send_export(interaction, where)
        except BaseException:
            self._pace.failed(user_id)
            raise

    @app_commands.command(description="Delete what you said to me, and what else I keep about you")
    @app_commands.describe(
        where=WHERE,
        answers="Also what I answered you alone; else it stays in conversations",
        in_discord="Also delete these answers of mine in Discord",
    )
    async def delete(
        self,
        interaction: discord.Interaction[Bot],
        where: Place = "here",
        answers: bool = True,
        in_discord: bool = False,
    ) -> None:
        """Say exactly what will happen; a button does it."""
        in_discord = in_discord and answers
        control = ErasureControl.of(where, answers=answers, in_discord=in_discord)
        is_direct = interaction.guild_id is None
        text = words.delete_text(where == "everywhere", is_direct=is_direct, answers=answers, in_discord=in_discord)
        await tell(interaction, text, view=view_of(control))

    @app_commands.command(description="Let me neither keep nor pass on what you say")
    @app_commands.describe(where=WHERE)
    async def opt_out(self, interaction: discord.Interaction[Bot], where: Place = "here") -> None:
        """Hear the person no longer, and answer nothing of theirs that still waits."""
        meant = _meant(interaction, where)
        await interaction.response.defer(ephemeral=True, thinking=True)
        await self.bot.services.storage.opt_outs.opt_out(meant, interaction.user.id)
        await self.bot.erasures.let_go(meant, interaction.user.id)
        await tell(interaction, words.opted_out(where == "everywhere", is_direct=interaction.guild_id is None))

    @app_commands.command(description="Let me hear you again")
    @app_commands.describe(where=WHERE)
    async def opt_in(self, interaction: discord.Interaction[Bot], where: Place = "here") -> None:
        """Take back that the person opted out."""
        opt_outs, user_id = self.bot.services.storage.opt_outs, interaction.user.id
        await opt_outs.opt_in(_meant(interaction, where), user_id)
        still = where == "here" and opt_outs.everywhere(user_id)
        await tell(interaction, words.STILL_OUT if still else words.OPTED_IN)

    # --- giving

    async def _send_export(self, interaction: discord.Interaction[Bot], where: Place) -> None:
        user_id, meant = interaction.user.id, _meant(interaction, where)
        limit = min(interaction.filesize_limit, LARGEST_FILE)
        today = f"{interaction.created_at:%Y-%m-%d}"
        scope = words.scope_of(where == "everywhere", is_direct=interaction.guild_id is None)
        number = 0
        async for content in self._exporter.zips(meant, user_id, limit, scope=scope, today=today):
            number += 1
            file = discord.File(io.BytesIO(content), f"about-me-{today}-{number}.zip")
            await interaction.followup.send(words.exported(number, scope), file=file, ephemeral=True)


def _meant(interaction: discord.Interaction[Bot], where: Place) -> Where:
    return EVERYWHERE if where == "everywhere" else interaction.guild_id


async def setup(bot: Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    bot.erasures = Erasures(bot)
    bot.add_dynamic_items(*PRIVACY_CONTROLS)
    await bot.add_cog(PrivacyCommands(bot))
