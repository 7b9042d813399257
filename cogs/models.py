"""Which model answers: `/model list`, `show`, `set` and `reset`."""

import discord
from discord import app_commands
from discord.ext import commands

from chat.errors import ModelDeniedError
from cogs._bot import Bot, tell
from cogs._lists import listed
from cogs._places import SOURCE_WORDS, place_of, source_words
from cogs.talk import model_choices

SHOWN_MODELS = 40  # about what one Discord message holds


class Models(commands.GroupCog, group_name="model", group_description="Which model answers here"):
    """The model of a channel or thread."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot

    @app_commands.command(name="list", description="The models that can answer")
    @app_commands.describe(search="Only models with these words in their names")
    async def list_models(self, interaction: discord.Interaction[Bot], search: str = "") -> None:
        """Show the list privately."""
        catalogue = interaction.client.services.catalogue
        if not catalogue.names:
            await interaction.response.defer(ephemeral=True, thinking=True)
            await catalogue.refresh()
        found = catalogue.search(search, limit=1000)
        current = await self._current(interaction)
        lines = [
            f"- {'**' if name == current else ''}`{name}`{'** (answers here)' if name == current else ''}"
            for name in found
        ]
        shown = listed(lines, more="; narrow them down with `search`", most=SHOWN_MODELS)
        await tell(interaction, shown or "No model has these words in its name.")

    @app_commands.command(description="The model that answers here, and where that was set")
    async def show(self, interaction: discord.Interaction[Bot]) -> None:
        """Show the model and its source."""
        services = interaction.client.services
        setting = (await services.context.preferences(interaction.guild_id, place_of(interaction).scopes))["model"]
        model = services.catalogue.choose(setting.value)
        window = services.catalogue.context_window(model)
        lines = [
            f"`{model}` answers here, set by {source_words(setting.source, interaction)}.",
            f"-# Context window: {window:,} tokens",
        ]
        if setting.value and model != setting.value:
            lines.insert(1, f"`{setting.value}` was chosen, but is not served any more.")
        if not services.catalogue.system_role(model):
            lines.append("-# It takes no system prompt; mine goes into the first message.")
        await tell(interaction, "\n".join(lines))

    @app_commands.command(name="set", description="Choose the model that answers here")
    @app_commands.describe(model="The model's name; type to search")
    async def set_model(self, interaction: discord.Interaction[Bot], model: app_commands.Range[str, 1, 100]) -> None:
        """Keep the choice for this channel or thread."""
        services = interaction.client.services
        name = await services.catalogue.find(model)
        if not await services.guard.may_choose(interaction.guild_id, interaction.channel, name):
            raise ModelDeniedError(name)
        scope = place_of(interaction).here
        await services.storage.settings.put(interaction.guild_id, scope, "model", name, interaction.user.id)
        await interaction.response.send_message(f"`{name}` answers in {SOURCE_WORDS[scope.kind]} from now on.")

    @set_model.autocomplete("model")
    async def choose(self, interaction: discord.Interaction[Bot], typed: str) -> list[app_commands.Choice[str]]:
        """Models whose names match what is typed."""
        return model_choices(interaction, typed)

    @app_commands.command(description="Go back to the default model")
    async def reset(self, interaction: discord.Interaction[Bot]) -> None:
        """Forget the choice for this channel or thread."""
        services = interaction.client.services
        scope = place_of(interaction).here
        await services.storage.settings.clear(interaction.guild_id, scope, "model", interaction.user.id)
        current = await self._current(interaction)
        await interaction.response.send_message(f"`{current}` answers here again.")

    async def _current(self, interaction: discord.Interaction[Bot]) -> str:
        services = interaction.client.services
        preferences = await services.context.preferences(interaction.guild_id, place_of(interaction).scopes)
        return services.catalogue.choose(preferences["model"].value)


async def setup(bot: Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    await bot.add_cog(Models(bot))
