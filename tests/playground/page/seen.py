"""The stage of the tests of what is seen: the page, open as Ada, with the showing bot online."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Browser, Locator, Page, expect

from playground.discord import Channel
from playground.world import DemoWorld, Playground, start_playground

from .opening import note_errors, open_page, redirected
from .showing_bot import ShowingBot, start_showing


@dataclass
class Seen:
    """The page, the world behind it and the bot."""

    running: Playground
    bot: ShowingBot
    page: Page
    errors: list[str] = field(default_factory=list)
    channel: Channel = field(init=False)

    @property
    def demo(self) -> DemoWorld:
        return self.running.demo

    async def enter(self, channel: Channel) -> None:
        """Open a channel and wait until it is drawn."""
        await self.page.locator(f'#channels [data-channel="{channel.id}"]').click()
        await expect(self.page.get_by_role("heading", name=channel.name)).to_be_visible()
        await expect(self.page.locator("#log:not([aria-busy])")).to_have_count(1)

    def message(self, text: str) -> Locator:
        """The newest message with a text."""
        return self.page.locator(".message", has_text=text).last

    async def place(self, channel: Channel) -> Any:
        """The channel as the bot has it."""
        return await self.running.discord.wait_until(lambda: self.bot.get_channel(channel.id))


@asynccontextmanager
async def open_seen(browser: Browser) -> AsyncIterator[Seen]:
    """Set the stage; discord.py of this process talks to it until the block ends."""
    async with await start_playground() as running:
        with redirected(running):
            bot = ShowingBot()
            task = await start_showing(bot, running.discord)
            page = await open_page(browser, running)
            seen = Seen(running, bot, page)
            note_errors(page, seen.errors)
            yield seen
            await page.context.close()
            await bot.close()
            await asyncio.gather(task, return_exceptions=True)
