"""The panel of `/setup`, drawn by the page and used with the pointer, with the real bot."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, expect

from playground.world import start_playground

from .opening import note_errors, open_page, redirected
from .test_character import bot_in, use

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_the_panel_is_drawn_and_shows_what_was_chosen(browser: Browser, tmp_path: Path) -> None:
    async with await start_playground(tokens_per_second=2000) as running:
        with redirected(running):
            async with bot_in(running, tmp_path):
                page, errors = await open_page(browser, running), list[str]()
                note_errors(page, errors)
                await page.locator(f'#channels [data-channel="{running.demo.bot_lab.id}"]').click()
                await use(page, "setup")
                panel = page.locator(".message.ephemeral").last
                await expect(panel.locator(".h2")).to_have_text("Talking · The Lantern Inn")
                await expect(panel.locator(".container .h3")).to_have_text(["Model", "Trigger", "Where I answer"])
                await expect(panel.locator(".container hr.separator")).to_have_count(3)
                await choose(panel, "Only in these channels; none: in all", "general", "roleplay")
                await expect(panel.locator(".container")).to_contain_text("Only in #general, #roleplay.")
                await expect(menu(panel, "Only in these channels; none: in all").locator(".picked")).to_have_count(2)
                await expect(panel.locator(".subtext time")).to_be_visible()
                await panel.get_by_role("button", name="2 Moderation").click()
                await expect(panel.get_by_role("button", name="2 Moderation")).to_be_disabled()
                await choose(panel, "Roles; none: who may Manage Messages", "@Moderator")
                await expect(panel.locator(".text .mention", has_text="@Moderator")).to_be_visible()
                await panel.get_by_role("button", name="Change").click()
                form = page.get_by_role("dialog", name="Limits for each person")
                await form.get_by_role("textbox", name="Requests per hour").fill("30")
                await form.get_by_role("button", name="Submit").click()
                await expect(panel.locator(".container")).to_contain_text("Each person has 30 requests per hour.")
                await page.set_viewport_size({"width": 360, "height": 740})
                assert await panel.evaluate("m => m.scrollWidth <= m.clientWidth"), "it fits on a phone"
                await page.context.close()
                assert not errors


def menu(panel: Locator, placeholder: str) -> Locator:
    """A menu by what stands in it when nothing is chosen."""
    return panel.locator(".choice", has=panel.page.get_by_role("combobox", name=placeholder))


async def choose(panel: Locator, placeholder: str, *options: str) -> None:
    """Pick options in a menu that takes several."""
    page = panel.page
    await menu(panel, placeholder).get_by_role("combobox").click()
    for option in options:
        await page.get_by_role("option", name=option, exact=True).click()
    await page.keyboard.press("Escape")
