"""The moderator's view beside the chat: told from the real bot's records, to those who moderate alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from playground.world import Playground, start_playground

from .opening import note_errors, open_page, redirected
from .probes import POOR_CONTRAST
from .test_character import bot_in, use

pytestmark = pytest.mark.asyncio(loop_scope="package")


@dataclass(frozen=True)
class HeldBot:
    """A bot of this process, as the page holds it."""

    database: Path | None
    metrics_address: str | None = None

    async def restart(self) -> None:
        raise NotImplementedError


async def become(page: Page, name: str) -> None:
    await page.get_by_role("radio", name=name).click()
    await expect(page.get_by_role("radio", name=name)).to_be_checked()


async def test_moderators_see_what_happens_and_act_from_there(browser: Browser, tmp_path: Path) -> None:
    async with await start_playground(tokens_per_second=2000) as running:
        with redirected(running):
            async with bot_in(running, tmp_path):
                running.page.hold(HeldBot(tmp_path / "bot.db"))
                page, errors = await open_page(browser, running), list[str]()
                note_errors(page, errors)
                await see_it_all(page, running)
            await expect(page.locator("#tab-panel")).to_contain_text("The bot does not run now.")
            await page.context.close()
            assert not errors


async def see_it_all(page: Page, running: Playground) -> None:
    demo = running.demo
    await become(page, "Mia")
    await page.locator(f'#channels [data-channel="{demo.general.id}"]').click()
    assert not await page.locator(f'#channels [data-channel="{demo.mod_desk.id}"]').count(), "it is for moderators"
    await running.discord.person(demo.mia).say(demo.general, f"<@{running.discord.bot.id}> hello")
    await running.discord.wait_for_message(
        demo.general, lambda m: m.author is running.discord.bot and "\n" not in m.content
    )
    await page.locator("#open-inspector").click()
    await page.get_by_role("tab", name="Moderation").click()
    panel = page.locator("#tab-panel")
    await expect(panel).to_contain_text("Mia is a member of The Lantern Inn.")
    await expect(panel).not_to_contain_text("Used today")
    await panel.get_by_role("button", name="Be Max (moderator)").click()
    await expect(panel).to_contain_text("Max is a moderator of The Lantern Inn.")
    await expect(panel.locator(".staff-shares").first.locator("th")).to_have_text(["Mia"])
    await expect(panel).to_contain_text("Nothing was changed yet.")
    await expect(panel).to_contain_text("Choose a moderators' channel with /setup")
    await panel.get_by_role("button", name="/pause").click()
    await page.locator(".command-form").get_by_role("button", name="Send").click()
    await expect(panel).to_contain_text("⏸️ Paused in #general")
    await expect(panel.locator(".staff-audit li").first).to_contain_text("set paused #general: nothing → true")
    await use(page, "resume")
    await expect(panel.locator(".staff-paused")).to_have_count(0)
    for theme in ("dark", "light"):
        await page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
        assert not await page.evaluate(POOR_CONTRAST), theme
    await page.set_viewport_size({"width": 390, "height": 800})
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it fits on a phone"
