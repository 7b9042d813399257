"""What people say, before the engine takes it up: as the bot may show it, and as it may be kept after an edit."""

from typing import TypeVar

import discord

from cogs._bot import Bot
from cogs._places import scopes_of
from moderation.access import RefusedError


async def showable(interaction: discord.Interaction[Bot], text: str) -> str:
    """What a command says, as others may see it. Raises `RefusedError`; the engine looks at all of it again."""
    scopes = scopes_of(interaction.channel, interaction.guild_id)
    filters = interaction.client.services.filters
    return await filters.asked(interaction.guild_id, scopes, interaction.user.id, text, note=False)


Given = TypeVar("Given", str, str | None)


async def givable(interaction: discord.Interaction[Bot], text: Given) -> Given:
    """What somebody wants to be kept, as it may be. Raises `RefusedError`."""
    if not text:
        return text
    scopes = scopes_of(interaction.channel, interaction.guild_id)
    return await interaction.client.services.filters.asked(interaction.guild_id, scopes, interaction.user.id, text)


async def keepable(bot: Bot, message: discord.Message, text: str, kept: str) -> tuple[str, RefusedError | None]:
    """What of an edited message may be kept, and the refusal if that is nothing; `kept` is what it said before."""
    if text == kept:
        return kept, None
    guild_id = message.guild.id if message.guild else None
    scopes = scopes_of(message.channel, guild_id)
    if guild_id is None:
        await bot.services.guard.allows("chat", message.author, None, message.channel)  # which looks up their server
    try:
        return await bot.services.filters.asked(guild_id, scopes, message.author.id, text), None
    except RefusedError as refusal:
        return "", refusal
