"""Takes out of messages what people say in them who do not want it to be passed on."""

from collections.abc import Callable

import discord

from cogs._bot import Bot

AuthorOf = Callable[[int], int | None]
"""Who said what a proxy bot's webhook posted, where that is known."""


def cover(bot: Bot, message: discord.Message, author_of: AuthorOf) -> None:
    """Leave names and quoted words of people who opted out, so that neither is read: `author_of` knows proxied ones."""
    opt_outs, guild_id = bot.services.storage.opt_outs, message.guild.id if message.guild else None
    if not opt_outs.anybody(guild_id):
        return
    message.mentions = [user for user in message.mentions if not opt_outs.holds(guild_id, user.id)]
    replied = message.reference.resolved if message.reference is not None else None
    if message.reference is None or not isinstance(replied, discord.Message):
        return
    author_id = replied.author.id
    if replied.webhook_id is not None and not bot.voices.is_own(replied):
        # A webhook may have spoken for anybody; who it was is forgotten with a restart.
        known = author_of(replied.id)
        if known is None:
            message.reference.resolved = None
            return
        author_id = known
    if opt_outs.holds(guild_id, author_id):
        message.reference.resolved = None
    else:
        replied.mentions = [user for user in replied.mentions if not opt_outs.holds(guild_id, user.id)]
