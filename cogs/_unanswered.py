"""What is said about messages that stay unanswered: a reaction, a line that deletes itself, privately the reason."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from secrets import token_hex
from typing import Any

import discord

from chat.errors import LimitReachedError, QueueTooLongError
from cogs._bot import Bot
from cogs._controls import WhyControl, view_of
from cogs._errors import explain
from cogs._outlets import Outlet
from cogs._pace import Pace
from cogs._posts import WRITE_PROBLEMS, quietly
from moderation.access import Reason, RefusedError
from storage import WithdrawnError

logger = logging.getLogger(__name__)

REFUSAL_SECONDS = 12.0  # a refusal of a plain message cannot be private, so it deletes itself
CLOSE_SECONDS = 2.0  # for the last of them when the bot stops
REFUSED_REACTION = "🚫"
TURN_CLAIM = "turn"  # what an answered message is claimed as, so that a refused one is not answered after a restart
CANNOT_ANSWER = "-# I cannot answer this."
NOTHING_SAID = "-# You called me, but said nothing. Write your question behind the mention."


class Unanswered:
    """Tells people why there is no answer."""

    def __init__(self, bot: Bot, pace: Pace) -> None:
        self._bot = bot
        self._pace = pace
        self._fading: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()
        self._reached: dict[int, tuple[int, LimitReachedError]] = {}

    async def close(self) -> None:
        """What would have vanished by itself does so now, because later nobody would take it away."""
        self._closing.set()
        if self._fading:
            _, late = await asyncio.wait(self._fading, timeout=CLOSE_SECONDS)
            for task in late:
                task.cancel()

    async def refuse(self, message: discord.Message, refusal: RefusedError) -> None:
        """A reaction and one short line that deletes itself, with a button that tells the reason privately."""
        # What comes while the bot stops is answered after the restart.
        if not await self._claim(message, "notice" if refusal.reason is Reason.SHUTTING_DOWN else TURN_CLAIM):
            return
        self._bot.note_refusal(refusal, message)
        if message.guild is None and refusal.reason is not Reason.SHUTTING_DOWN:
            await self.say_privately(message, explain(refusal).text)
            return
        await self.show(message, refusal)

    async def show(self, message: discord.Message, refusal: RefusedError) -> None:
        """The same for a message that is known already."""
        await self._show(message, CANNOT_ANSWER, WhyControl.about(refusal))

    async def turn_away(self, message: discord.Message, error: LimitReachedError | QueueTooLongError) -> None:
        """There is no room for it now. Which limit somebody has reached is told to them alone.

        Nothing is said about what was answered before and is heard of again after a restart.
        """
        if not await self._claim(message, TURN_CLAIM):
            return
        self._bot.note_refusal(error, message)
        words = explain(error).text
        if message.guild is None:
            await self.say_privately(message, words)
        elif isinstance(error, LimitReachedError):
            about = WhyControl.about(RefusedError(Reason.LIMITED))
            line = await self._show(message, CANNOT_ANSWER, about)
            if line is not None:
                self._reached[line.id] = message.author.id, error
        else:
            await self._show(message, f"-# {words}", None)

    def reached_by(self, user_id: int, line: discord.Message | None) -> LimitReachedError | None:
        """The limit of which a line tells this person, if it is about what they said."""
        told = self._reached.get(line.id) if line is not None else None
        return told[1] if told is not None and told[0] == user_id else None

    async def hint(self, message: discord.Message) -> None:
        """Somebody called the bot without saying anything."""
        if await self._claim(message, TURN_CLAIM):
            self._let_fade(await message.reply(NOTHING_SAID, mention_author=False))

    async def say_privately(self, message: discord.Message, text: str) -> None:
        """Tell the person in a direct message, now and then."""
        if not self._pace.may_tell(message.author.id, message.channel.id):
            return
        try:
            await message.author.send(text)
        except WRITE_PROBLEMS:
            logger.info("a person could not be told that their message stays unanswered")

    async def _show(self, message: discord.Message, text: str, why: WhyControl | None) -> discord.Message | None:
        try:
            await message.add_reaction(REFUSED_REACTION)
            options: dict[str, Any] = {} if why is None else {"view": view_of(why)}
            line = await message.reply(text, mention_author=False, **options)
        except WRITE_PROBLEMS:
            logger.info("a refusal could not be shown")
            return None
        self._let_fade(line)
        return line

    def _let_fade(self, message: discord.Message) -> None:
        task = asyncio.create_task(self._fade(message))
        self._fading.add(task)
        task.add_done_callback(self._fading.discard)

    async def _fade(self, message: discord.Message) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), REFUSAL_SECONDS)
        self._reached.pop(message.id, None)
        with contextlib.suppress(*WRITE_PROBLEMS):
            await message.delete()

    async def _claim(self, message: discord.Message, kind: str) -> bool:
        """Whether nobody has said yet why this message is not answered; it may be heard of again after a restart."""
        return await self._bot.services.storage.history.claim(message.id, kind)


async def turn_away_from(outlet: Outlet, question: str, because: BaseException) -> None:
    """Tell somebody where they asked why that is not answered with the rest; which limit it is, to them alone."""
    text, view = f"-# ⚠️ {explain(because).text}", view_of()
    if isinstance(because, LimitReachedError):
        text, view = CANNOT_ANSWER, view_of(WhyControl.about(RefusedError(Reason.LIMITED)))
    await quietly(outlet.unmark_waiting())
    await quietly(outlet.create(0, question + text, view, nonce=token_hex(8)))


@contextlib.asynccontextmanager
async def turned_away_alone(interaction: discord.Interaction[Bot]) -> AsyncIterator[None]:
    """If there is no room, what all can see of a command goes, so that its error is told to the person alone."""
    try:
        yield
    except (LimitReachedError, QueueTooLongError, WithdrawnError):
        await quietly(interaction.delete_original_response())
        raise
