"""The history follows what people do to messages in Discord: edits and deletions, also those of the time away."""

from collections.abc import Sequence
from typing import Any, Final

import discord

from cogs._bot import Bot
from cogs._posts import WRITE_PROBLEMS, quietly
from cogs._proxies import Proxies

LOOKED_THROUGH: Final = 100
"""Messages of a channel that one question to Discord gives."""

MOST_KNOWN: Final = 300
"""Newest messages of a channel that are looked for in these: each reply may take several messages of Discord."""

UNKNOWN_MESSAGE: Final = 10008


class Following:
    """Lets edited messages say what they say now, and forgets deleted ones."""

    def __init__(self, bot: Bot, proxies: Proxies) -> None:
        self._bot = bot
        self._proxies = proxies

    async def edited(self, guild_id: int | None, message: discord.Message) -> None:
        """A message may read otherwise now; one without an edit time does not, an unreadable one only ends quotes."""
        theirs = self._proxies.edited(message)
        if theirs is None or theirs.edited_at is None:
            return
        if self._bot.services.storage.opt_outs.holds(guild_id, theirs.author.id):
            await self.deleted(guild_id, theirs.channel.id, theirs.id)  # the new words are not kept either
            return
        await self._bot.talking.requote(guild_id, theirs)
        if theirs.content or theirs.attachments:
            await self._bot.talking.edit_message(guild_id, theirs)
        await self._is_new(theirs)

    async def deleted(self, guild_id: int | None, channel_id: int, message_id: int) -> None:
        """A reply that lost one of its messages is gone as a whole, so that what is seen is what the history says."""
        self._bot.talking.message_gone(message_id)
        self._proxies.message_gone(message_id)
        forgotten = await self._bot.services.turns.forget_message(guild_id, message_id)
        for other in forgotten.other_discord_ids:
            await quietly(self._bot.voices.delete(guild_id, channel_id, other))
        if forgotten.answered_by is not None:
            await self._bot.replies.offer_redo(forgotten.answered_by, deleted=True)
        else:
            await self._bot.replies.offer_later(guild_id, channel_id, message_id, deleted=True)

    async def catch_up(self, guild_id: int | None, channel: Any) -> Sequence[discord.Message]:
        """Follow what nobody told of the newest messages of a channel; these, the newest first.

        Raises what stands in `WRITE_PROBLEMS` where they cannot be read.
        """
        history = self._bot.services.storage.history
        # What is kept is asked first: what is said meanwhile is not taken for deleted.
        known = await history.known_in_discord(guild_id, channel.id, MOST_KNOWN)
        newest = [message async for message in channel.history(limit=LOOKED_THROUGH)]
        there = {message.id for message in newest}
        oldest = newest[-1].id if len(newest) == LOOKED_THROUGH else 0
        gone = [message_id for message_id in known if message_id >= oldest and message_id not in there]
        if gone and await self._is_gone(channel, gone[0]):
            for message_id in gone:
                await self.deleted(guild_id, channel.id, message_id)
        for message in newest:
            if message.edited_at is None or message.id not in known or self._proxies.edited(message) is None:
                continue
            if await self._is_new(message):
                await self.edited(guild_id, message)
        return newest

    async def _is_new(self, message: discord.Message) -> bool:
        """Whether the message's newest edit is followed for the first time; reading files again could lose words."""
        return await self._bot.services.storage.history.claim(message.id, f"edit {message.edited_at}")

    async def _is_gone(self, channel: Any, message_id: int) -> bool:
        """Whether a message was deleted: where the bot may not read what was said before, Discord shows none at all."""
        try:
            await channel.fetch_message(message_id)
        except discord.NotFound as error:
            return error.code == UNKNOWN_MESSAGE
        except WRITE_PROBLEMS:
            return False
        return False
