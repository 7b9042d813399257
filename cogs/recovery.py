"""After a restart or a lost session: unfinished replies are closed, and what was missed is followed and answered.

Replies that could not be shown to their end because their thread was closed get it when the thread is open again.
"""

import asyncio
import logging
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import discord
from discord.ext import commands

from chat.errors import ReplyInterruptedError
from cogs._bot import Bot
from cogs._controls import RetryControl, StopControl, view_of
from cogs._errors import explain
from cogs._outlets import shown_text
from cogs._posts import WRITE_PROBLEMS
from cogs._screen import notice_nonce
from cogs._voices import marks_in
from storage import ConversationKey, ShownReply, StorageError, StoredMessage

logger = logging.getLogger(__name__)

MISSED_MINUTES = 15
CHANNELS_LOOKED_THROUGH = 50
SMALL_PRINT = re.compile(r"(?:\A|\n)-# (?:⏳|⚠️|⏹️|✂️|✏️|📎|🛡️)[^\n]*(?:\n-# [^\n]*)*\Z")  # what the bot itself writes below
REOPENED = re.compile(r"```[^\n`]*\n")
CLOSED_UNDER = 2  # the newest replies of a thread; one may have begun with the message that opened it again
CLAIMS_KEPT = timedelta(days=2)  # longer than anything is looked through again


class Recovery(commands.Cog):
    """Makes up for the time that the bot was away."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self._started = datetime.now(UTC)
        self._closed_unfinished = False
        self._task: asyncio.Task[None] | None = None

    async def cog_unload(self) -> None:
        """End the work when the bot stops."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """A new session has begun: events of the time before it are lost and must be looked for."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._recover())

    async def _recover(self) -> None:
        try:
            if not self._closed_unfinished:
                self._closed_unfinished = True
                await self.bot.services.storage.history.prune_claims(datetime.now(UTC) - CLAIMS_KEPT)
                for reply in await self.bot.services.storage.history.unfinished(self._started):
                    await self._close(reply)
            await self._answer_missed()
        except StorageError:
            logger.exception("what was missed could not be looked through")

    # --- unfinished replies

    async def _close(self, reply: StoredMessage) -> None:
        """Keep what stands in Discord as the reply's text, mark it, and offer another try."""
        if not self._is_ours(reply.guild_id):
            return
        history = self.bot.services.storage.history
        if (former := await history.withdraw(reply.guild_id, reply.id)) is not None:
            # Nothing of a further swipe was shown yet: the one before it still stands there.
            await self.bot.replies.show_again(former, f"\n{_interrupted()}")
            return
        try:
            shown = await self._found(reply)
            if await history.withdraw_unasked(reply.guild_id, reply.id):
                return
            if shown is not None and shown.discord_ids:
                await self._mark(shown)
            elif shown is not None:
                await self._say_so(shown)
        except WRITE_PROBLEMS as error:
            logger.info("an unfinished reply could not be marked: %s", type(error).__name__)
        await history.close_unfinished(reply.id)

    async def _found(self, reply: StoredMessage) -> ShownReply | None:
        """The reply with the messages that show it, also one that was posted and not yet noted down."""
        history = self.bot.services.storage.history
        shown = await history.shown_reply(reply.guild_id, reply.id)
        if shown is None or shown.discord_ids:
            return shown
        left = await self.bot.voices.left_behind(reply)
        if left is None:
            return shown
        await history.posted(reply.id, left[0], 0, left[1])
        return await history.shown_reply(reply.guild_id, reply.id)

    async def _mark(self, shown: ShownReply) -> None:
        """What was written stays, with a note below it."""
        reply = shown.reply
        channel: Any = self.bot.get_partial_messageable(reply.channel_id, guild_id=reply.guild_id)
        messages = [await channel.fetch_message(message_id) for message_id in shown.discord_ids]
        spot = await self.bot.replies.in_channel(shown, old_too=True)
        said = _said(messages, self.bot.replies.header_of(shown, spot.outlet))
        kept = said_after(reply.content, said)
        if kept != reply.content:
            await self.bot.services.storage.history.edit(reply.guild_id, reply.id, kept)
        again = await self.bot.services.storage.history.shown_reply(reply.guild_id, reply.id)
        if again is not None:
            await self.bot.replies.show_again(again, f"\n{_interrupted()}", retry=True)

    async def _say_so(self, shown: ShownReply) -> None:
        """Nothing stands there, unless it is a notice of the place in line, which its nonce finds again."""
        reply, view = shown.reply, view_of(RetryControl(shown.reply.id))
        channel: Any = self.bot.get_partial_messageable(reply.channel_id, guild_id=reply.guild_id)
        question = await self._question(reply, shown.asked)
        note = _interrupted()
        message = await channel.send(note, view=view, nonce=notice_nonce(reply.id), reference=question)
        if message.content != note:
            await message.edit(content=note, view=view, suppress=True)
        await self.bot.services.storage.history.posted(reply.id, message.id, 0)

    async def _question(self, reply: StoredMessage, asked: Sequence[StoredMessage]) -> discord.MessageReference | None:
        for message in reversed(asked):
            for discord_id in await self.bot.services.storage.history.discord_ids(reply.guild_id, message.id):
                return discord.MessageReference(
                    message_id=discord_id, channel_id=reply.channel_id, fail_if_not_exists=False
                )
        return None

    # --- threads that were closed

    @commands.Cog.listener()
    async def on_thread_join(self, thread: discord.Thread) -> None:
        """A thread is new, or archived no longer: nothing that stands in an archived one can be changed."""
        await self._show_ends(thread)

    @commands.Cog.listener()
    async def on_thread_update(self, before: discord.Thread, after: discord.Thread) -> None:
        """A thread is locked no longer: in a locked one nothing more can be posted."""
        if before.locked and not after.locked:
            await self._show_ends(after)

    async def _show_ends(self, thread: discord.Thread) -> None:
        """Show the newest replies to their ends where they could not be."""
        history = self.bot.services.storage.history
        try:
            head = await history.head(ConversationKey(thread.guild.id, thread.id))
            said = [] if head is None else await anext(aiter(history.path(thread.guild.id, head)), [])
            for reply in [message for message in said if message.role == "assistant"][:CLOSED_UNDER]:
                await self._show_end(reply)
        except StorageError:
            logger.exception("what was said in an open thread could not be looked up")

    async def _show_end(self, reply: StoredMessage) -> None:
        answer = self.bot.services.conversations.answer_over(reply.id)
        if answer is not None:
            if not answer.is_ending:
                return  # it is being written
            await answer.ended.wait()
        shown = await self.bot.services.storage.history.shown_reply(reply.guild_id, reply.id)
        if shown is not None and shown.reply.content.strip() and await self._lacks_its_end(shown):
            await self.bot.replies.show_again(shown, "")

    async def _lacks_its_end(self, shown: ShownReply) -> bool:
        """Whether a reply still has its Stop button, or does not have those of a newest one."""
        if not shown.discord_ids:
            return shown.on_head and shown.newest
        try:
            last = await self.bot.http.get_message(shown.reply.channel_id, shown.discord_ids[-1])
        except WRITE_PROBLEMS:
            return False
        marks = [str(mark) for mark in marks_in(last)]
        return shown.newest if not marks else any(mark.startswith(f"{StopControl.prefix}:") for mark in marks)

    # --- missed messages

    async def _answer_missed(self) -> None:
        since = datetime.now(UTC) - timedelta(minutes=MISSED_MINUTES)
        channels = await self.bot.services.storage.history.recent_channels(CHANNELS_LOOKED_THROUGH)
        for guild_id, channel_id in channels:
            if self._is_ours(guild_id):
                await self._answer_missed_in(guild_id, channel_id, since)

    async def _answer_missed_in(self, guild_id: int | None, channel_id: int, since: datetime) -> None:
        try:
            # An archived thread is in no cache, and a channel without its guild would be taken for a DM.
            channel: Any = self.bot.get_channel(channel_id) or await self.bot.fetch_channel(channel_id)
            newest = await self.bot.following.catch_up(guild_id, channel)
        except WRITE_PROBLEMS:
            return
        for message in reversed(newest):
            if message.created_at > since:
                await self.bot.talking.hear(message)

    def _is_ours(self, guild_id: int | None) -> bool:
        """Whether this process is the one that hears of that server; direct messages come to shard 0 alone."""
        if guild_id is None:
            return self.bot.hears_direct_messages
        return self.bot.get_guild(guild_id) is not None


def _interrupted() -> str:
    return f"-# ⚠️ {explain(ReplyInterruptedError()).text}"


def _said(shown: Sequence[discord.Message], header: str) -> str:
    """What the messages of a reply say, without the question above it and the small print below."""
    return SMALL_PRINT.sub("", joined([shown_text(message) for message in shown]).removeprefix(header))


def joined(parts: Sequence[str]) -> str:
    """The parts of a reply as one text; a code block that was closed and reopened between two of them is one again."""
    text = parts[0] if parts else ""
    for part in parts[1:]:
        reopened = REOPENED.match(part)
        if reopened is not None and text.endswith("\n```") and reopened[0] in text:
            text = f"{text.removesuffix('```')}{part[reopened.end() :]}"
        else:
            text = f"{text}\n{part}"
    return text


def said_after(content: str, said: str) -> str:
    """What is said where a reply that said this went on: its white space stays, and what came after it is added."""
    place = 0
    for sign in "".join(content.split()):
        while place < len(said) and said[place].isspace():
            place += 1
        if not said.startswith(sign, place):
            return said
        place += 1
    return content + said[place:].rstrip() if content.strip() else said


async def setup(bot: Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    await bot.add_cog(Recovery(bot))
