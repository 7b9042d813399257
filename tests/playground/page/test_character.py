"""From a character card to a scene, by the page alone, with the real bot."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, FilePayload, Page, expect

from bot import create_bot
from playground.world import Playground, start_playground
from settings import Settings

from .opening import note_errors, open_page, redirected
from .showing_bot import picture

pytestmark = pytest.mark.asyncio(loop_scope="package")

SHOWN = "() => document.querySelector('.entry:last-child .gutter img')?.naturalWidth > 0"


@asynccontextmanager
async def bot_in(running: Playground, folder: Path) -> AsyncIterator[None]:
    """The real bot, online."""
    environment = {**running.environment(), "DATABASE_URL": f"sqlite:///{folder}/bot.db"}
    bot = create_bot(Settings.from_env(environment))
    bot._connection.guild_ready_timeout = 0.02  # saves two seconds
    task = asyncio.create_task(bot.start(running.discord.token))
    await running.discord.wait_until_connected(timeout=10)
    await running.discord.wait_until(running.discord.commands, timeout=10)
    try:
        yield
    finally:
        await bot.close()
        await task


async def use(page: Page, command: str, **options: str) -> None:
    """Fill in a slash command as somebody types it."""
    await page.locator("#message-box").press_sequentially(f"/{command}")
    await page.keyboard.press("Enter")
    form = page.locator(".command-form")
    for name, value in options.items():
        if await form.get_by_role("button", name=name, exact=True).count():  # an option that has to be asked for
            await form.get_by_role("button", name=name, exact=True).click()
        await form.locator(f"[data-option={name}] :is(input, textarea)").fill(value)
    await form.get_by_role("button", name="Send").click()


async def test_a_card_becomes_a_scene(browser: Browser, tmp_path: Path) -> None:
    async with await start_playground(tokens_per_second=2000) as running:
        with redirected(running):
            async with bot_in(running, tmp_path):
                page, errors = await open_page(browser, running), list[str]()
                note_errors(page, errors)
                await take_in(page, running)
                await play(page, running)
                await write_one(page)
                await page.context.close()
                assert not errors


async def take_in(page: Page, running: Playground) -> None:
    """Import the character that lies in the demo."""
    await page.locator(f'#channels [data-channel="{running.demo.roleplay.id}"]').click()
    card = page.locator(".message", has_text="Somebody left a character here")
    await card.hover()
    await card.get_by_role("button", name="More").click()
    await page.get_by_role("menuitem", name="Import as persona").click()
    preview = page.locator(".message.ephemeral")
    await expect(preview.locator(".embed-thumbnail img")).to_be_visible()
    await expect(preview.locator(".part-attachments")).to_be_empty()
    await preview.get_by_role("button", name="▶️").click()
    await expect(preview).to_contain_text("Greeting 2 of 3")
    await preview.get_by_role("button", name="Confirm").click()
    await expect(preview).to_contain_text("Wren is a character of this server now")


async def play(page: Page, running: Playground) -> None:
    """Start a scene, go through the greetings, be answered, end it."""
    await use(page, "scene start", persona="Wren", title="The last guest")
    await page.get_by_role("button", name="Open thread").click()
    greeting = page.locator(".message", has_text="It is long past midnight")
    await expect(greeting.locator(".part-head")).to_contain_text(re.compile("Wren.*APP"))
    await page.wait_for_function(SHOWN)
    await greeting.get_by_role("button", name="▶️").click()
    await expect(page.locator(".message", has_text="Morning. The storm has not gone")).to_contain_text("3/3")
    running.infermatic.replies.add("*She counts the keys again.*")
    await page.locator("#message-box").fill("It was not me. ")
    await page.keyboard.press("Enter")
    answer = page.locator(".message", has_text="She counts the keys again.")
    await expect(answer.locator(".author")).to_have_text("Wren")
    await expect(answer.get_by_role("button", name="🔄")).to_be_visible()
    await use(page, "scene end")
    await expect(page.locator(".message").last).to_contain_text("The scene is over.")
    thread = running.demo.roleplay.threads[0]
    await expect(page.locator(f'#channels [data-channel="{thread.id}"]')).to_contain_text("(locked)")


async def write_one(page: Page) -> None:
    """Write a character in a form, with a picture."""
    await page.locator("#channels").get_by_role("button", name="bot-lab", exact=True).click()
    await use(page, "persona create")
    form = page.get_by_role("dialog", name="A new character")
    await form.get_by_role("textbox", name="Name").fill("Tobias")
    await form.get_by_label("Greeting").fill("*The door opens before you knock.*")
    face = FilePayload(name="face.png", mimeType="image/png", buffer=picture(64, 64, (90, 160, 120)))
    await form.locator("input[type=file]").set_input_files(face)
    await form.get_by_role("button", name="Submit").click()
    preview = page.locator(".message.ephemeral")
    await expect(preview).to_contain_text("The door opens before you knock.")
    await expect(preview.locator(".embed-thumbnail img")).to_be_visible()
