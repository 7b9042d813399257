"""A small bot that does one of everything: streams an answer, offers commands, buttons, menus and a form."""

from __future__ import annotations

import asyncio

import discord
from discord import app_commands

MODELS = ("Midnight-Miqu-70B-v1.5", "Sao10K-L3.3-70B-Euryale-v2.3-FP8-Dynamic", "TheDrummer-Rocinante-12B-v1.1")
STEP_SECONDS = 0.15


class Controls(discord.ui.View):
    """Buttons of every style, and a menu."""

    def __init__(self) -> None:
        super().__init__(timeout=None)
        self.add_item(discord.ui.Button(label="Handbook", url="https://example.org/handbook"))

    @discord.ui.button(label="Regenerate", style=discord.ButtonStyle.primary, custom_id="regenerate")
    async def regenerate(self, interaction: discord.Interaction, _: discord.ui.Button[Controls]) -> None:
        await interaction.response.edit_message(content="Another answer, the second one.")

    @discord.ui.button(label="Why?", style=discord.ButtonStyle.secondary, custom_id="why")
    async def why(self, interaction: discord.Interaction, _: discord.ui.Button[Controls]) -> None:
        await interaction.response.send_message("Because you pressed the button.", ephemeral=True)

    @discord.ui.button(label="Rename", style=discord.ButtonStyle.success, custom_id="rename")
    async def rename(self, interaction: discord.Interaction, _: discord.ui.Button[Controls]) -> None:
        await interaction.response.send_modal(Rename())

    @discord.ui.button(label="Gone", style=discord.ButtonStyle.danger, custom_id="gone", disabled=True)
    async def gone(self, interaction: discord.Interaction, _: discord.ui.Button[Controls]) -> None:
        raise AssertionError

    @discord.ui.select(
        custom_id="pick",
        placeholder="Pick a colour",
        options=[discord.SelectOption(label="Red", description="like wine"), discord.SelectOption(label="Blue")],
    )
    async def pick(self, interaction: discord.Interaction, menu: discord.ui.Select[Controls]) -> None:
        await interaction.response.send_message(f"You chose {menu.values[0]}.", ephemeral=True)


class Rename(discord.ui.Modal, title="Rename the scene"):
    """A form with one field."""

    name: discord.ui.TextInput[Rename] = discord.ui.TextInput(label="New name", placeholder="At the inn")

    async def on_submit(self, interaction: discord.Interaction) -> None:
        if self.name.value == "never":
            return
        await interaction.response.send_message(f"The scene is now called **{self.name.value}**.")


class ScriptedBot(discord.Client):
    """Answers mentions with a streamed edit and has a few commands."""

    def __init__(self) -> None:
        intents = discord.Intents.default()
        intents.message_content = True
        super().__init__(intents=intents, guild_ready_timeout=0.02, max_messages=None)
        self.tree = app_commands.CommandTree(self)
        self.chosen_model = MODELS[0]

    async def setup_hook(self) -> None:
        """Register the commands."""
        add_commands(self)
        self.add_view(Controls())
        await self.tree.sync()

    async def on_message(self, message: discord.Message) -> None:
        """Stream an answer to whoever mentions the bot."""
        if message.author.bot or self.user not in message.mentions:
            return
        await message.channel.typing()
        await asyncio.sleep(STEP_SECONDS)
        reply = await message.reply("The lamp")
        for text in ("The lamp is lit", "The lamp is lit and the **door** is open.\n> Come in\n- warm\n- dry\n`ok`"):
            await asyncio.sleep(STEP_SECONDS)
            await reply.edit(content=text)
        await reply.edit(view=Controls())


def add_commands(bot: ScriptedBot) -> None:
    """Give the bot its commands."""
    model = app_commands.Group(name="model", description="Which model answers")

    @model.command(name="set", description="Choose the model of this channel")
    @app_commands.describe(model="Its name", temperature="How bold")
    async def set_model(interaction: discord.Interaction, model: str, temperature: float = 0.8) -> None:
        bot.chosen_model = model
        text = f"`{model}` answers from now on, at {temperature}."
        await interaction.response.send_message(text, ephemeral=True)

    @set_model.autocomplete("model")
    async def suggest(_: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
        return [app_commands.Choice(name=name, value=name) for name in MODELS if current.lower() in name.lower()]

    @app_commands.command(name="card", description="Show an embed")
    async def card(interaction: discord.Interaction) -> None:
        await interaction.response.defer()
        embed = discord.Embed(
            title="Mira of the Inn", description="*Keeps the lamp.* Speaks **softly**.", color=0xD79A5D
        )
        embed.add_field(name="Model", value=f"`{bot.chosen_model}`").add_field(name="Lore", value="12 entries")
        embed.set_footer(text="Imported by Mia")
        await interaction.followup.send(embed=embed)

    @app_commands.command(name="silent", description="Never answers")
    async def silent(_: discord.Interaction) -> None:
        return

    @app_commands.command(name="fill", description="Takes one of everything")
    @app_commands.choices(
        size=[app_commands.Choice(name="Small cup", value="s"), app_commands.Choice(name="Big", value="b")]
    )
    async def fill(
        interaction: discord.Interaction,
        title: app_commands.Range[str, 3, 10],
        count: app_commands.Range[int, 1, 5],
        who: discord.User,
        ratio: float | None = None,
        loud: bool | None = None,
        role: discord.Role | None = None,
        place: discord.TextChannel | None = None,
        anyone: discord.Role | discord.Member | None = None,
        size: str | None = None,
        card: discord.Attachment | None = None,
    ) -> None:
        given = [title, count, who.name, ratio, loud, role and role.name, place and place.name, anyone and anyone.name]
        await interaction.response.send_message(f"Filled: {[*given, size, card and card.filename]}", ephemeral=True)

    @app_commands.command(name="ban", description="For moderators")
    @app_commands.default_permissions(manage_messages=True)
    async def ban(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("Banned.", ephemeral=True)

    @app_commands.context_menu(name="Report")
    async def report(interaction: discord.Interaction, message: discord.Message) -> None:
        await interaction.response.send_message(f"Reported: {message.content[:40]}", ephemeral=True)

    bot.tree.add_command(model)
    bot.tree.add_command(card)
    bot.tree.add_command(silent)
    bot.tree.add_command(fill)
    bot.tree.add_command(ban)
    bot.tree.add_command(report)
