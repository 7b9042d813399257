"""People who speak through proxy bots such as Tupperbox and PluralKit: what their webhooks post counts as theirs.

A proxied message is passed on as if its author had said it under the name that is shown, so that whatever asks who said
something, from the guard to the history, finds the person.
"""

import asyncio
import contextlib
import copy
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

import discord

from chat.proxies import HOLD_SECONDS, Proxied, ProxyMatcher, ProxyUsers, Words, without_quote
from cogs._bot import Bot
from cogs._places import conversation_for
from cogs._posts import quietly
from cogs._talking import SAID
from cogs._unanswered import TURN_CLAIM

MOST_EDITABLE: Final = (
    1000  # proxied messages whose author is still known when they are edited; the words always follow
)


@dataclass(frozen=True, slots=True)
class _Speaker:
    """Whose words a webhook posted, and what they replied to."""

    author: discord.User | discord.Member
    reference: discord.MessageReference | None


class Proxies:
    """Stands before what hears messages: it holds back what may be said anew, and tells who says what webhooks post."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._matcher = ProxyMatcher[discord.Message](HOLD_SECONDS)
        self._users = ProxyUsers()
        self._held: dict[int, asyncio.Event] = {}
        self._speakers: OrderedDict[int, _Speaker] = OrderedDict()
        self._closing = False

    def close(self) -> None:
        """What is held back is answered after the restart."""
        self._closing = True
        for held in self._held.values():
            held.set()

    async def heard(self, message: discord.Message) -> discord.Message | None:
        """What there is to be taken up now that this was said: itself, or a person's words in it, or nothing."""
        if message.guild is None or not self._bot.intents.message_content or message.type not in SAID:
            return message
        if message.webhook_id is not None:
            if message.application_id == self._bot.application_id or message.author.id != message.webhook_id:
                return message  # ours, or a command's answer
            return await self._taken_over(self._matcher.posted(message.channel.id, _words(message)))
        if message.author.bot:
            return message
        self._matcher.said(message.channel.id, _words(message))
        if (message.guild.id, message.author.id) in self._users and await self._goes(message.id):
            return None
        return message

    async def deleted(self, channel_id: int, message_id: int) -> discord.Message | None:
        """What there is to be taken up now that a message was deleted: what was said in its place already, if that."""
        return await self._taken_over(self._matcher.deleted(channel_id, message_id))

    def message_gone(self, message_id: int) -> None:
        """A message was deleted; nobody needs to wait for that any longer."""
        if (held := self._held.get(message_id)) is not None:
            held.set()

    def edited(self, message: discord.Message) -> discord.Message | None:
        """A message that was edited, with its author; None for one that is no person's."""
        if message.webhook_id is None:
            return None if message.author.bot else message
        if message.application_id == self._bot.application_id:
            return None
        speaker = self._speakers.get(message.id)
        return message if speaker is None else _said_by(speaker, message)

    def author_of(self, message_id: int) -> int | None:
        """Who said what a webhook posted, as long as it is known."""
        speaker = self._speakers.get(message_id)
        return None if speaker is None else speaker.author.id

    async def _goes(self, message_id: int) -> bool:
        """Whether a message is deleted within the time in which a proxy would do so."""
        held = self._held[message_id] = asyncio.Event()
        if self._closing:
            held.set()
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HOLD_SECONDS):
                    await held.wait()
            return held.is_set()
        finally:
            self._held.pop(message_id, None)

    async def _taken_over(self, proxied: Proxied[discord.Message] | None) -> discord.Message | None:
        """A webhook's message as its author's, when the one that it stands for is out of the way."""
        if proxied is None or proxied.original.guild is None:
            return None
        original, posted = proxied.original, proxied.posted
        self._users.add(proxied.original.guild.id, original.author.id)
        speaker = self._speakers[posted.id] = _Speaker(
            _under_name(original.author, posted.author.display_name), original.reference
        )
        if len(self._speakers) > MOST_EDITABLE:
            self._speakers.popitem(last=False)
        if not await self._withdrawn(original, proxied.original.guild.id):
            return None
        said = _said_by(speaker, posted)
        known = {user.id for user in said.mentions}
        said.mentions = [*said.mentions, *(user for user in original.mentions if user.id not in known)]
        return said

    async def _withdrawn(self, original: discord.Message, guild_id: int) -> bool:
        """See that a message is not answered any more; False when its author was told that they get no answer."""
        services = self._bot.services
        if await services.storage.history.claim(original.id, TURN_CLAIM):
            return True
        key = await conversation_for(services, original.channel, guild_id, original.author.id)
        answered_in = await services.turns.unask(key, original.id)
        if answered_in is None:
            return False
        await self._bot.replies.end_drawing(answered_in)
        for message_id in answered_in:
            await services.storage.history.unlink_discord(message_id)
            await quietly(self._bot.voices.delete(guild_id, original.channel.id, message_id))
        return True


def _words(message: discord.Message) -> Words[discord.Message]:
    is_reply = message.reference is not None
    return Words(message.id, message.content, len(message.attachments), message, is_reply)


def _said_by(speaker: _Speaker, posted: discord.Message) -> discord.Message:
    """What a webhook posted, as if this person had."""
    said = copy.copy(posted)
    said.author = speaker.author
    if said.reference is None and speaker.reference is not None:
        said.reference, said.content = speaker.reference, without_quote(posted.content)
    return said


def _under_name(author: discord.User | discord.Member, name: str) -> discord.User | discord.Member:
    """A person as others see them just now."""
    shown = copy.copy(author)
    if isinstance(shown, discord.Member):
        shown.nick = name
    else:
        shown.global_name = name
    return shown
