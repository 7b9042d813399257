"""Lets the characters of a place answer people, and each other."""

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import discord

from chat.answers import Answer, Question, Wish
from chat.casts import Company, Heard, Speaker
from chat.persona import Persona
from chat.preferences import ReplyStyle
from cogs._places import is_age_restricted, scopes_of
from cogs._screen import ReplyScreen
from storage import ConversationKey, StorageError, StoredMessage

if TYPE_CHECKING:
    from cogs._bot import Bot

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 4.0  # before a character answers another one, so that people come first


class Casting:
    """Asks who speaks for the cogs, and goes on where people let characters talk among themselves."""

    def __init__(self, bot: "Bot") -> None:
        self._bot = bot

    async def company(self, guild_id: int | None, channel: Any) -> Company:
        """Who speaks in a channel."""
        return await self._bot.services.casts.here(
            guild_id, scopes_of(channel, guild_id), age_restricted=is_age_restricted(channel)
        )

    async def answering(self, guild_id: int | None, channel: Any, key: ConversationKey, heard: Heard) -> Speaker | None:
        """Who answers what was said; None where nobody does unless called. Raises `AdultPersonaError`."""
        return await self._bot.services.casts.answering(await self.company(guild_id, channel), key, heard)

    async def speaking(
        self, guild_id: int | None, channel: Any, reply: StoredMessage | None = None, *, goes_on: bool = False
    ) -> Persona | None:
        """Who answers anew what a reply answers, goes on with it, or speaks here first. Raises `AdultPersonaError`."""
        company = await self.company(guild_id, channel)
        if reply is not None and goes_on:
            return await self._bot.services.casts.going_on(company, reply)
        return self._bot.services.casts.again(company, reply)

    async def ask(
        self, question: Question, screen: ReplyScreen, asker: discord.abc.User, channel: Any, style: ReplyStyle
    ) -> None:
        """Hand a question to the engine; where that is wanted, characters answer each other afterwards."""
        answer = await self._bot.services.conversations.ask(question, screen)
        is_new = answer is not None and answer.screen is screen  # else it joined one that waits
        goes_on = question.turn.on_head and not question.turn.key.private
        if answer is not None and is_new and goes_on and question.persona is not None and question.persona.company:
            self._bot.begin_chore(self._talk(answer, asker, channel, style))

    async def _talk(self, answer: Answer, asker: discord.abc.User, channel: Any, style: ReplyStyle) -> None:
        said: Answer | None = answer
        turns = 0
        try:
            while said is not None:
                await said.ended.wait()
                if (await self.company(answer.key.guild_id, channel)).turns <= turns:
                    return
                await asyncio.sleep(PAUSE_SECONDS)
                said = await self._next(said, asker, channel, style, turns)
                turns += 1
        except (StorageError, discord.DiscordException, OSError) as error:
            logger.info("characters could not go on among themselves: %s", type(error).__name__)

    async def _next(
        self, said: Answer, asker: discord.abc.User, channel: Any, style: ReplyStyle, turns: int
    ) -> Answer | None:
        """The answer of another character to one of them, unless people have gone on or nobody has anything to say."""
        services, guild_id = self._bot.services, said.key.guild_id
        shown = await services.storage.history.shown_reply(guild_id, said.reply_id)
        if shown is None or not shown.on_head or shown.reply.state != "complete":
            return None
        company = await self.company(guild_id, channel)
        persona = services.casts.next_among(company, shown.reply) if turns < company.turns else None
        if persona is None or not await services.guard.allows("chat", asker, guild_id, channel):
            return None
        outlet = await self._bot.voices.outlet(channel, guild_id, persona, style)
        screen = ReplyScreen(outlet, self._bot.pace, name=persona.name)
        own_names = self._bot.talking.own_names(getattr(channel, "guild", None), persona)
        # One claim for each reply, so that only one process goes on from it.
        wish = Wish(shown, shown.reply.id, said.asker_id, scopes_of(channel, guild_id), own_names, persona)
        return await services.conversations.carry_on(wish, screen)
