"""Demo worlds with their pages: alone, with the scripted bot, with the showing bot; and a browser."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from playground.world import Playground, start_playground

from .opening import redirected
from .seen import Seen, open_seen
from .stage import Stage, open_stage

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


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def theatre(browser: Browser) -> AsyncIterator[Stage]:
    """Yield an open page with the scripted bot online."""
    async with open_stage(browser) as stage:
        yield stage


@pytest_asyncio.fixture(loop_scope="package")
async def stage(theatre: Stage, request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """Yield the page in a fresh channel; errors in its console fail the test."""
    theatre.errors.clear()
    await theatre.enter(request.node.name.removeprefix("test_").replace("_", "-")[:40])
    with redirected(theatre.running):
        yield theatre
    assert not theatre.errors


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def gallery(browser: Browser) -> AsyncIterator[Seen]:
    """Yield an open page with the showing bot online."""
    async with open_seen(browser) as seen:
        yield seen


@pytest_asyncio.fixture(loop_scope="package")
async def seen(gallery: Seen) -> AsyncIterator[Seen]:
    """Yield the page at its usual size; errors in its console fail the test."""
    gallery.errors.clear()
    await gallery.page.set_viewport_size({"width": 1280, "height": 800})
    with redirected(gallery.running):
        yield gallery
    assert not gallery.errors
