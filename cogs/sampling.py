"""How the model draws its words: `/sampling show`, `set`, `reset`, `save`, `load`, `delete` and `import`."""

from collections.abc import Mapping
from typing import Any

import aiohttp
import discord
from discord import app_commands
from discord.ext import commands

from chat.errors import PresetFileError
from chat.preferences import Place
from chat.presets import (
    MAX_FILE_BYTES,
    MAX_NAME_CHARACTERS,
    PARAMETERS,
    ImportedPreset,
    parse_preset_file,
    range_words,
    value_text,
)
from chat.sampling import SamplingSettings
from cogs._bot import Bot, tell
from cogs._places import SOURCE_WORDS, place_of, source_words
from storage import Setting

LONGEST_ANSWER = 1900  # characters, below Discord's 2,000
PARAMETER_CHOICES = [app_commands.Choice(name=f"{name} ({range_words(name)})"[:100], value=name) for name in PARAMETERS]
PresetName = app_commands.Range[str, 1, MAX_NAME_CHARACTERS]


class SamplingCommands(
    commands.GroupCog, group_name="sampling", group_description="How the model draws its words here"
):
    """The sampling parameters of a channel or thread, and the presets of a server."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self._sampling = SamplingSettings(bot.services.storage.settings, bot.services.context)

    @app_commands.command(description="The sampling parameters that hold here, and where each was set")
    async def show(self, interaction: discord.Interaction[Bot]) -> None:
        """List them privately."""
        place = place_of(interaction)
        holding = await self._sampling.show(place)
        lines = [
            f"`{name}` {sampling_value(setting.value)} · {source_words(setting.source, interaction)}"
            for name, setting in holding.items()
        ]
        presets = ", ".join(f"`{name}`" for name in await self._sampling.presets(place))
        lines.append(f"-# Presets: {presets or 'none yet'}. What is not listed is left to the model.")
        await tell(interaction, _cut("\n".join(lines)))

    @app_commands.command(name="set", description="Set a sampling parameter for this channel or thread")
    @app_commands.describe(parameter="Which parameter", value="Its value; texts of `stop` with commas between")
    @app_commands.choices(parameter=PARAMETER_CHOICES)
    async def set_parameter(
        self, interaction: discord.Interaction[Bot], parameter: str, value: app_commands.Range[str, 1, 600]
    ) -> None:
        """Keep the value for this channel or thread."""
        place = place_of(interaction)
        kept = await self._sampling.set(place, parameter, value, interaction.user.id)
        await _say(interaction, f"`{parameter}` is {sampling_value(kept)} in {_here(place)} from now on.")

    @app_commands.command(description="Go back to what holds elsewhere, for one parameter or all")
    @app_commands.describe(parameter="Which parameter; else all that are set here")
    @app_commands.choices(parameter=PARAMETER_CHOICES)
    async def reset(self, interaction: discord.Interaction[Bot], parameter: str | None = None) -> None:
        """Forget what was set for this channel or thread."""
        place = place_of(interaction)
        holding = await self._sampling.reset(place, parameter, interaction.user.id)
        if parameter is None:
            await _say(interaction, f"No sampling is set for {_here(place)} any more. Here holds: {_listed(holding)}")
        elif parameter in holding:
            setting = holding[parameter]
            source = source_words(setting.source, interaction)
            await _say(interaction, f"`{parameter}` is {sampling_value(setting.value)} here again, set by {source}.")
        else:
            await _say(interaction, f"`{parameter}` is left to the model here again.")

    @app_commands.command(description="Keep the sampling that holds here as a preset of this server")
    @app_commands.describe(name="What to call it; an older preset of this name is replaced")
    async def save(self, interaction: discord.Interaction[Bot], name: PresetName) -> None:
        """Make a preset."""
        kept, replaced = await self._sampling.save(place_of(interaction), name, interaction.user.id)
        older = " It replaces the older one." if replaced else ""
        await _say(interaction, f"Kept as `{kept}`; `/sampling load` sets it anywhere in this server.{older}")

    @app_commands.command(description="Set the sampling of a preset for this channel or thread")
    @app_commands.describe(name="The preset")
    async def load(self, interaction: discord.Interaction[Bot], name: PresetName) -> None:
        """Set here what the preset says, and nothing else."""
        place = place_of(interaction)
        loaded, values = await self._sampling.load(place, name, interaction.user.id)
        await _say(interaction, f"`{loaded}` holds in {_here(place)} from now on: {_listed(values)}")

    @app_commands.command(description="Delete a preset of this server")
    @app_commands.describe(name="The preset; where it was loaded, its values stay")
    async def delete(self, interaction: discord.Interaction[Bot], name: PresetName) -> None:
        """Forget the preset."""
        deleted = await self._sampling.delete(place_of(interaction), name, interaction.user.id)
        await _say(interaction, f"The preset `{deleted}` is deleted.")

    @load.autocomplete("name")
    @delete.autocomplete("name")
    async def choose(self, interaction: discord.Interaction[Bot], typed: str) -> list[app_commands.Choice[str]]:
        """The server's presets that have in their names what is typed."""
        names = await self._sampling.presets(place_of(interaction))
        found = [name for name in names if typed.casefold().strip() in name.casefold()]
        return [app_commands.Choice(name=name, value=name) for name in found[:25]]

    @app_commands.command(name="import", description="Set the sampling of a SillyTavern preset here")
    @app_commands.describe(file="A preset for text or chat completion, a JSON file of up to 256 KiB")
    async def import_file(self, interaction: discord.Interaction[Bot], file: discord.Attachment) -> None:
        """Read the file, set what the service understands, and say what became of the rest."""
        if file.size > MAX_FILE_BYTES:
            raise PresetFileError("too large")
        await interaction.response.defer(ephemeral=True, thinking=True)  # Discord may be slow to give the file
        preset = parse_preset_file(await _read(file))
        place = place_of(interaction)
        if preset.values:
            await self._sampling.apply(place, preset.values, interaction.user.id)
        await tell(interaction, _report(preset, place))
        if preset.values:
            words = f"{interaction.user.mention} set the sampling of {_here(place)} from a file. See `/sampling show`."
            await interaction.followup.send(words, silent=True)


async def _say(interaction: discord.Interaction[Bot], text: str) -> None:
    """Tell everyone here, because it changes everyone's conversation."""
    await interaction.response.send_message(_cut(text))


async def _read(file: discord.Attachment) -> bytes:
    try:
        return await file.read()
    except (discord.HTTPException, aiohttp.ClientError, TimeoutError) as error:
        raise PresetFileError("not fetched") from error


def _here(place: Place) -> str:
    return SOURCE_WORDS[place.here.kind]


def sampling_value(value: Any) -> str:
    """A parameter's value as it is shown."""
    text = value_text(value)
    return f"**{text}**" if not isinstance(value, list | str) else f"`{text.replace('`', chr(39))}`"


def _listed(values: Mapping[str, Any]) -> str:
    """Parameters and their values in one line."""
    pairs = ((name, item.value if isinstance(item, Setting) else item) for name, item in values.items())
    return ", ".join(f"`{name}` {sampling_value(value)}" for name, value in pairs) or "nothing"


def _report(preset: ImportedPreset, place: Place) -> str:
    """What was taken over from a file and what was not."""
    lines = [f"Set in {_here(place)} from now on: {_listed(preset.values)}" if preset.values else "Nothing was set."]
    lines += [
        f"`{change.parameter}` is {value_text(change.taken)} instead of {value_text(change.wanted)}: "
        f"it takes {_limits(change.parameter)}."
        for change in preset.clamped
    ]
    lines += [f"`{name}` was left out: it takes {range_words(name)}." for name in preset.refused]
    if preset.ignored:
        lines.append("The service has no " + ", ".join(f"`{name}`" for name in preset.ignored) + ".")
    if preset.others:
        lines.append(f"-# Entries of other kinds (prompts, formatting, ...): {preset.others}, left out.")
    return _cut("\n".join(lines))


def _limits(parameter: str) -> str:
    return "at most `max_tokens`" if parameter == "min_tokens" else range_words(parameter)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_ANSWER else text[: LONGEST_ANSWER - 1] + "…"


async def setup(bot: Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    await bot.add_cog(SamplingCommands(bot))
