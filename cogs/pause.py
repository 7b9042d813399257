"""`/pause` and `/resume`: nobody gets answers in a channel, or on the whole server, until a moderator says so."""

import discord
from discord import app_commands
from discord.ext import commands

from chat.answers import Answer
from chat.errors import NothingThereError, PausedError
from cogs._bot import Bot, tell
from cogs._places import place_of
from cogs.access import SomeChannel
from moderation.admission import PAUSED
from storage import Scope

STOPPED = "A moderator paused me here."
ONLY_THE_CHANNEL = "-# This place is paused with its channel or the whole server: name that to resume it."


class Pause(commands.Cog):
    """Stops the bot at once, and lets it go on."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot

    @app_commands.command(description="Stop me here, in a channel or on the whole server, replies under way too")
    @app_commands.describe(channel="Which channel or thread; else this one", server="The whole server")
    @app_commands.guild_only()
    @app_commands.default_permissions(manage_messages=True)
    async def pause(
        self, interaction: discord.Interaction[Bot], channel: SomeChannel | None = None, server: bool = False
    ) -> None:
        """Keep the pause first, so that nothing begins behind it, and stop what is under way."""
        guild_id, scope = await self._scope(interaction, "pause", channel, server)
        await self.bot.services.storage.settings.put(guild_id, scope, PAUSED, True, interaction.user.id)
        stopped = self._stop(guild_id, scope)
        what = f" I stopped {'a reply' if stopped == 1 else f'{stopped} replies'}." if stopped else ""
        where = _where(scope, interaction)
        await interaction.response.send_message(f"⏸️ I am paused {where} until `/resume`.{what}")

    @app_commands.command(description="Let me answer again")
    @app_commands.describe(channel="Which channel or thread; else this one", server="The whole server")
    @app_commands.guild_only()
    @app_commands.default_permissions(manage_messages=True)
    async def resume(
        self, interaction: discord.Interaction[Bot], channel: SomeChannel | None = None, server: bool = False
    ) -> None:
        """Take the pause of just this place back."""
        guild_id, scope = await self._scope(interaction, "resume", channel, server)
        settings = self.bot.services.storage.settings
        own = (await settings.resolve(guild_id, [scope], {PAUSED: False}))[PAUSED].value
        if not own:
            holding = await settings.resolve(guild_id, place_of(interaction).scopes, {PAUSED: False})
            if channel is None and not server and holding[PAUSED].value:
                await tell(interaction, ONLY_THE_CHANNEL)
                return
            raise NothingThereError("resume")
        await settings.clear(guild_id, scope, PAUSED, interaction.user.id)
        await interaction.response.send_message(f"▶️ I answer {_where(scope, interaction)} again.")

    async def _scope(
        self, interaction: discord.Interaction[Bot], action: str, channel: SomeChannel | None, server: bool
    ) -> tuple[int, Scope]:
        """What is meant; rights in this channel are enough for this channel alone."""
        if interaction.guild_id is None:
            raise app_commands.NoPrivateMessage
        here = place_of(interaction).here
        if server:
            scope = Scope("guild", interaction.guild_id)
        elif channel is None:
            scope = here
        else:
            scope = Scope("thread" if isinstance(channel, discord.Thread) else "channel", channel.id)
        if scope != here:
            await self.bot.services.guard.check_everywhere(action, interaction)
        return interaction.guild_id, scope

    def _stop(self, guild_id: int, scope: Scope) -> int:
        """Stop what is under way there; direct messages that count against the server belong to it, too."""
        guard = self.bot.services.guard

        def is_there(answer: Answer) -> bool:
            key = answer.key
            if key.guild_id is None:
                ruling_id = guard.ruling_id(None, key.channel_id, answer.asker_id)
                return scope.kind == "guild" and ruling_id == guild_id
            return key.guild_id == guild_id and scope in answer.scopes

        found = self.bot.services.conversations.answers_where(is_there)
        for answer in found:
            if answer.text.strip():
                answer.notes.append(STOPPED)
            answer.stop(because=PausedError())
        return len(found)


def _where(scope: Scope, interaction: discord.Interaction[Bot]) -> str:
    if scope.kind == "guild":
        return "on this server"
    return "here" if scope.id == interaction.channel_id else f"in <#{scope.id}>"


async def setup(bot: Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    await bot.add_cog(Pause(bot))
