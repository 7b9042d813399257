"""Deletes what people want deleted, in the background: also after a restart, and until no trace of it is left."""

import asyncio
import contextlib
import logging
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import discord

from chat.erasing import Erasing
from cogs import _privacy_words as words
from cogs._bot import Bot
from cogs._posts import WRITE_PROBLEMS
from storage import Erasure, ShownIn, StorageError, Swept, Where

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 60.0
"""How late other processes hear that somebody opted out or deleted something everywhere."""

SWEEP_SECONDS: Final = 30.0

SWEPT_EVERY_SECONDS: Final = 900.0
"""How soon what single deletions, edits and retention leave in files is swept out; all of it at once."""


class Erasures:
    """Carries deletions out and tells the person how they ended."""

    def __init__(self, bot: Bot) -> None:
        services = bot.services
        self._bot = bot
        self._privacy = services.storage.privacy
        self._erasing = Erasing(services.storage, services.conversations, services.personas, services.keyring)
        self._looked_at = datetime.now(UTC)
        self._tasks: set[asyncio.Task[None]] = set()
        self._sweeping = asyncio.Lock()

    def start(self) -> None:
        """Go on with what was begun before, and listen to other processes."""
        self._run(self._go_on())
        self._run(self._look_round())
        self._run(self._sweep_round())

    async def close(self) -> None:
        """What is not done is done after the restart."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def begin(
        self, interaction: discord.Interaction[Bot], where: Where, *, answers: bool, in_discord: bool
    ) -> None:
        """Note down what the person wants, and do it."""
        erasure = await self._privacy.ask_to_erase(where, interaction.user.id, answers=answers, in_discord=in_discord)
        self._run(self._erase(erasure, interaction))

    async def let_go(self, where: Where, user_id: int) -> None:
        """Answer nothing of this person's that still waits."""
        await self._erasing.stop(where, user_id)
        await self._erasing.reconsider_in(where)

    async def look_once(self, now: datetime) -> None:
        """Learn what people decided in other processes."""
        await self._bot.services.storage.opt_outs.refresh()
        await self._erasing.notice(self._looked_at)
        self._looked_at = now

    async def _erase(self, erasure: Erasure, interaction: discord.Interaction[Bot] | None) -> None:
        try:
            erased = await self._erasing.erase(erasure, self._hide if erasure.in_discord else None)
            swept = await self._swept()
        except StorageError:
            logger.exception("what somebody wanted deleted could not be deleted; it is tried again after a restart")
            await _update(interaction, words.NOT_YET)
            return
        await _update(interaction, words.deleted(erased, swept, in_discord=erasure.in_discord))
        if swept == "busy":
            self._run(self._sweep_until_done())

    async def _hide(self, shown: Sequence[ShownIn]) -> None:
        """Delete answers in Discord; that one cannot be deleted there is no reason to keep the words."""
        for guild_id in {message.guild_id for message in shown if message.guild_id is not None}:
            self._bot.services.storage.webhooks.forget(guild_id)  # it may belong to another process
        for message in shown:
            try:
                await self._bot.voices.delete(message.guild_id, message.channel_id, message.discord_id)
            except WRITE_PROBLEMS as error:
                logger.info("a reply could not be deleted in Discord: %s", type(error).__name__)

    async def _swept(self) -> Swept:
        async with self._sweeping:
            return await self._privacy.sweep()

    async def _sweep_until_done(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            with contextlib.suppress(StorageError):
                if await self._swept() != "busy":
                    return

    async def _go_on(self) -> None:
        """What a restart interrupted."""
        await self._bot.wait_until_ready()
        try:
            for erasure in await self._privacy.unfinished():
                await self._erase(erasure, None)
            swept = await self._swept()
        except StorageError:
            logger.exception("what people wanted deleted before the restart could not be looked up")
            return
        if swept == "busy":
            await self._sweep_until_done()

    async def _look_round(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            with contextlib.suppress(StorageError):
                await self.look_once(datetime.now(UTC))

    async def _sweep_round(self) -> None:
        while True:
            await asyncio.sleep(SWEPT_EVERY_SECONDS)
            try:
                if await self._swept() == "busy":
                    await self._sweep_until_done()
            except StorageError as error:
                logger.warning("what is left of deleted words could not be swept out: %s", type(error).__name__)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _update(interaction: discord.Interaction[Bot] | None, text: str) -> None:
    """Say how it ended, if there is still somebody to say it to."""
    if interaction is not None:
        with contextlib.suppress(*WRITE_PROBLEMS):
            await interaction.edit_original_response(content=text)
