"""Running a real discord.py bot against a local Discord."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import discord
from discord.ext import commands

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from discord import app_commands

    from playground.discord import Channel, Guild, LocalDiscord, Member, Person

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


class Lab:
    """A world in which one bot is to run."""

    def __init__(self, world: LocalDiscord) -> None:
        self.world = world
        self.user = world.add_user("ada")
        self.guild: Guild = world.add_guild("Lab", owner=world.add_user("owner"))
        self.member: Member = self.guild.add_member(self.user)
        self.channel: Channel = self.guild.add_text_channel("general")
        self.person: Person = world.person(self.user)
        self.bot = make_bot()

    def command(self, *added: app_commands.Command[Any, ..., Any] | app_commands.Group) -> None:
        for command in added:
            self.bot.tree.add_command(command)

        async def setup() -> None:
            await self.bot.tree.sync()

        self.bot.setup_hook = setup  # type: ignore[method-assign]  # discord.py offers the hook for this


async def eventually(predicate: Callable[[], Any]) -> Any:
    """Wait for something that the bot, not the world, does."""
    for _ in range(500):
        if result := predicate():
            return result
        await asyncio.sleep(0.005)
    msg = "It never became true"
    raise AssertionError(msg)
