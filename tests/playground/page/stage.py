"""The stage of the tests of what is done: the page, open as Ada, with the scripted bot online."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from playwright.async_api import Browser, Locator, Page, expect

from playground.discord import Channel
from playground.world import Playground, start_playground

from .opening import note_errors, open_page, redirected
from .scripted_bot import ScriptedBot


@dataclass
class Stage:
    """Everything that a test needs, and a channel of its own."""

    running: Playground
    page: Page
    bot: ScriptedBot
    errors: list[str] = field(default_factory=list)
    channel: Channel = field(init=False)

    async def enter(self, name: str) -> None:
        """Open a new channel as Ada."""
        if await self.page.locator("dialog[open], .menu, .command-form, .edit-form, .panel:not([hidden])").count():
            await self.page.evaluate("sessionStorage.removeItem('playground.panel')")
            await self.page.reload()
            await self.page.wait_for_selector("[data-ready]")
        self.channel = self.running.demo.guild.add_text_channel(name)
        await self.become("Ada")
        await self.page.get_by_role("button", name=name).click()
        await expect(self.page.get_by_role("heading", name=name)).to_be_visible()

    async def become(self, name: str) -> None:
        await self.page.get_by_role("radio", name=name).click()
        await expect(self.page.get_by_role("radio", name=name)).to_be_checked()

    async def say(self, text: str) -> None:
        box = self.page.get_by_role("combobox", name="Message", exact=True)
        await box.fill(f"{text} ")  # the space closes the list of suggestions
        await box.press("Enter")

    @property
    def box(self) -> Locator:
        """Where one writes."""
        return self.page.locator("#message-box")

    def message(self, text: str) -> Locator:
        """The newest message with a text."""
        return self.page.locator(".message", has_text=text).last

    async def command(self, name: str) -> None:
        """Choose a slash command by typing it."""
        await self.page.locator("#message-box").press_sequentially(f"/{name}")
        await self.page.keyboard.press("Enter")


@asynccontextmanager
async def open_stage(browser: Browser) -> AsyncIterator[Stage]:
    """Open the page with the scripted bot online."""
    async with await start_playground() as running:
        with redirected(running):
            bot = ScriptedBot()
            task = asyncio.create_task(bot.start(running.discord.token))
            await running.discord.wait_until_connected()
            page = await open_page(browser, running)
            stage = Stage(running, page, bot)
            note_errors(page, stage.errors)
            yield stage
            await page.context.close()
            await bot.close()
            await asyncio.gather(task, return_exceptions=True)
