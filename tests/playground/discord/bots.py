"""Running a real discord.py bot against a local Discord."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import discord
from discord.ext import commands

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from playground.discord import LocalDiscord

NO_WAIT_SECONDS = 0.02


def make_bot(intents: discord.Intents | None = None, **options: Any) -> commands.Bot:
    """Make a bot that is ready as soon as its guilds have arrived."""
    bot = commands.Bot(
        command_prefix=commands.when_mentioned,
        intents=intents or discord.Intents.all(),
        help_command=None,
        **options,
    )
    bot._connection.guild_ready_timeout = NO_WAIT_SECONDS
    return bot


@contextlib.asynccontextmanager
async def running(world: LocalDiscord, client: discord.Client) -> AsyncIterator[None]:
    """Run a bot until the block ends; its failure fails the test."""
    world.redirect()
    task = asyncio.create_task(client.start(world.token))
    ready = asyncio.create_task(client.wait_until_ready()) if client.is_ready() else None
    ready = asyncio.create_task(_wait_ready(client, task))
    try:
        await asyncio.wait({ready, task}, return_when=asyncio.FIRST_COMPLETED, timeout=5)
        if task.done():
            task.result()
        yield
    finally:
        ready.cancel()
        await client.close()
        with contextlib.suppress(asyncio.CancelledError):
            await ready
        if not task.done():
            await asyncio.wait({task}, timeout=5)
        if task.done() and not task.cancelled():
            task.result()


async def _wait_ready(client: discord.Client, task: asyncio.Task[None]) -> None:
    while not client.is_ready() and not task.done():  # noqa: ASYNC110 - discord.py has no event before it logged in
        await asyncio.sleep(0.001)


async def eventually(predicate: Callable[[], Any]) -> Any:
    """Wait for something that the bot, not the world, does."""
    for _ in range(500):
        if result := predicate():
            return result
        await asyncio.sleep(0.005)
    msg = "It never became true"
    raise AssertionError(msg)
