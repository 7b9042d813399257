"""Opening the page in the browser, with discord.py of this process in its world."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import discord
from discord.gateway import DiscordWebSocket
from discord.http import Route
from playwright.async_api import Browser, Page, expect

from playground.world import Playground

PATIENCE_MILLISECONDS = 15_000
expect.set_options(timeout=PATIENCE_MILLISECONDS)


async def open_page(browser: Browser, running: Playground, *, width: int = 1280) -> Page:
    """Open the page in a fresh context; an error in its console fails the test that closes it."""
    context = await browser.new_context(viewport={"width": width, "height": 800}, locale="en-GB", timezone_id="UTC")
    page = await context.new_page()
    page.set_default_timeout(PATIENCE_MILLISECONDS)
    await page.goto(running.page_url)
    await page.wait_for_selector("[data-ready]")
    return page


def note_errors(page: Page, errors: list[str]) -> None:
    """Collect what the page's console complains of."""
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)


@contextmanager
def redirected(running: Playground) -> Iterator[None]:
    """Point discord.py at the playground, and back."""
    before = (Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY, discord.Asset.BASE)
    running.discord.redirect()
    try:
        yield
    finally:
        Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY, discord.Asset.BASE = before
