"""A demo world with its page, a scripted bot in it, and a browser."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from playground.world import Playground, start_playground

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture
async def playground() -> AsyncIterator[Playground]:
    """Yield a running playground without a bot."""
    async with await start_playground() as running:
        yield running


@pytest.fixture
async def client(playground: Playground) -> AsyncIterator[aiohttp.ClientSession]:
    """Yield a session that was let in, as a browser would be."""
    headers = {"Origin": playground.page.address, "X-Playground-Secret": playground.page.token}
    async with aiohttp.ClientSession(playground.page.address, headers=headers) as session:
        yield session


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def browser() -> AsyncIterator[Browser]:
    """Yield the browser; tests share it, each in a context of its own."""
    found = CHROMIUM if Path(CHROMIUM).exists() else shutil.which("chromium")
    if found is None:
        pytest.fail(f"The page's tests need Chromium at {CHROMIUM}: apt-get install chromium", pytrace=False)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield browser
        await browser.close()


async def open_page(browser: Browser, running: Playground, *, width: int = 1280) -> Page:
    """Open the page in a fresh context; an error in its console fails the test that closes it."""
    context = await browser.new_context(viewport={"width": width, "height": 800}, locale="en-GB", timezone_id="UTC")
    page = await context.new_page()
    page.set_default_timeout(5000)
    await page.goto(running.page_url)
    await page.wait_for_selector("[data-ready]")
    return page
