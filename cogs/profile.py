"""Who a person is in chats: `/profile set`, `show` and `clear`. SillyTavern calls this "persona"."""

from typing import Any, Final

import discord
from discord import app_commands
from discord.ext import commands

from chat.profiles import LONGEST_NAME, LONGEST_PROFILE, Profile, Profiles
from cogs._bot import Bot, tell
from cogs._errors import explain
from cogs._filtering import givable
from cogs._form_fields import texts_of
from cogs._profile_form import DESCRIPTION, FORM_ID, NAME, ProfileForm

COLOUR: Final = 0x5865F2
NONE_HERE = "Here you are who Discord says. `/profile set` gives you a name and a description that characters know."


class ProfileCommands(
    commands.GroupCog,
    group_name="profile",
    group_description='Who you are in chats here; what SillyTavern calls "persona"',
):
    """The profiles of people, one in each server."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self._profiles = Profiles(bot.services.storage.settings)

    @app_commands.command(name="set", description="Give yourself a name and a description; without options in a form")
    @app_commands.describe(name="What characters call you", description="What characters know about you")
    async def set_profile(
        self,
        interaction: discord.Interaction[Bot],
        name: app_commands.Range[str, 1, LONGEST_NAME] | None = None,
        description: app_commands.Range[str, 1, LONGEST_PROFILE] | None = None,
    ) -> None:
        """Change what is given, or open a form with what there is."""
        if name is None and description is None:
            profile = await self._profiles.get(interaction.guild_id, interaction.user.id)
            await interaction.response.send_modal(ProfileForm(profile, interaction.user.display_name))
            return
        await self._change(interaction, name, description)

    @app_commands.command(description="Who you are in chats here")
    async def show(self, interaction: discord.Interaction[Bot]) -> None:
        """Show it to the person alone."""
        profile = await self._profiles.get(interaction.guild_id, interaction.user.id)
        if profile is None:
            await tell(interaction, NONE_HERE)
        else:
            await interaction.response.send_message(embed=_embed(profile, interaction.user), ephemeral=True)

    @app_commands.command(description="Be who Discord says again")
    async def clear(self, interaction: discord.Interaction[Bot]) -> None:
        """Forget the profile."""
        await self._profiles.clear(interaction.guild_id, interaction.user.id)
        await tell(interaction, "Your profile is gone. What you said under its name keeps the name.")

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction[Bot]) -> None:
        """A form comes back. discord.py knows those only that this process has opened, so it is read here."""
        data: Any = interaction.data or {}
        if interaction.type is not discord.InteractionType.modal_submit or data.get("custom_id") != FORM_ID:
            return
        try:
            await self.bot.services.guard.check(
                "profile set", interaction.user, interaction.guild_id, interaction.channel
            )
            texts = texts_of(interaction)
            await self._change(interaction, texts.get(NAME, ""), texts.get(DESCRIPTION, ""))
        except Exception as error:  # noqa: BLE001  # the last place before discord.py would only log it
            await tell(interaction, explain(error).text)

    async def _change(self, interaction: discord.Interaction[Bot], name: str | None, description: str | None) -> None:
        user = interaction.user
        name, description = await givable(interaction, name), await givable(interaction, description)
        profile = await self._profiles.set(interaction.guild_id, user.id, name=name, description=description)
        if profile is None:
            await tell(interaction, NONE_HERE)
            return
        await interaction.response.send_message(
            "From your next message on, this is you here:", embed=_embed(profile, user), ephemeral=True
        )


def _embed(profile: Profile, user: discord.abc.User) -> discord.Embed:
    embed = discord.Embed(
        title=discord.utils.escape_markdown(profile.name or user.display_name),
        description=profile.description or "-# Characters know nothing else about you.",
        colour=COLOUR,
    )
    embed.set_footer(text="Only you see this. What you said before keeps the name it was said under.")
    return embed


async def setup(bot: Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    await bot.add_cog(ProfileCommands(bot))
