"""Pictures of what admins and moderators see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.async_api import expect

if TYPE_CHECKING:
    from playground.discord import Message
    from playground.discord._interactions import Interaction
    from playground.pictures import Studio


async def setup_picture(studio: Studio) -> None:
    """The panel from which a server is set up, with some things chosen."""
    demo = studio.playground.demo
    ada = studio.playground.discord.person(demo.ada)
    panel = await answer_to(await ada.slash(demo.bot_lab, "setup"))
    await (await ada.select(panel, "setup-trigger", ["keywords"])).answered()
    form = await ada.click(panel, label="Keywords")
    await form.answered()
    await (await ada.submit(form, keywords="Wren, lantern")).answered()
    await (await ada.select(panel, "setup-only", [demo.general, demo.roleplay, demo.bot_lab])).answered()
    async with studio.page(width=1000, height=900) as page:
        await page.get_by_text("bot-lab", exact=True).first.click()
        await expect(page.locator(".message").last).to_contain_text("Only in #general, #roleplay, #bot-lab.")
        await page.locator("#log").evaluate("log => log.scrollTo(0, log.scrollHeight)")
        await page.locator(".subtext time").evaluate_all(
            "all => all.forEach(one => (one.textContent = '2 minutes ago'))"
        )
        await studio.shoot(page, "setup")


async def chart_picture(studio: Studio) -> None:
    """Who used how much."""
    demo = studio.playground.demo
    for person, text in (
        (demo.mia, "We reach the lighthouse at dusk. I knock."),
        (demo.tom, "I hold the lantern up. Does anybody open?"),
        (demo.mia, "Then I open the door myself."),
        (demo.ada, "What do you see inside?"),
    ):
        await studio.ask(person, demo.roleplay, text)
    moderator = studio.playground.discord.person(demo.max)
    async with studio.page(width=1000, height=760) as page:
        await page.get_by_role("radio", name="Max").click()
        await page.get_by_text("bot-lab", exact=True).first.click()
        await answer_to(await moderator.slash(demo.bot_lab, "usage chart", what="user", period="day"))
        picture = page.locator(".message.ephemeral .part-attachments img")
        await expect(picture).to_be_visible()
        await page.wait_for_function(
            "() => document.querySelector('.message.ephemeral .part-attachments img')?.naturalWidth > 0"
        )
        await page.locator("#log").evaluate("log => log.scrollTo(0, log.scrollHeight)")
        await studio.shoot(page, "chart")


async def audit_picture(studio: Studio) -> None:
    """What was changed, and by whom."""
    demo, world = studio.playground.demo, studio.playground.discord
    ada, moderator = world.person(demo.ada), world.person(demo.max)
    await (await ada.slash(demo.bot_lab, "channel set", trigger="keywords", keywords="Wren, lantern")).answered()
    await (
        await moderator.slash(demo.bot_lab, "limit set", amount=60, unit="requests", per="hour", each="user")
    ).answered()
    await (await moderator.slash(demo.bot_lab, "access deny", {"user": demo.tom, "reason": "flooding"})).answered()
    await (await moderator.slash(demo.bot_lab, "pause", channel=demo.roleplay)).answered()
    async with studio.page(width=1000, height=420) as page:
        await page.get_by_role("radio", name="Max").click()
        await page.get_by_text("bot-lab", exact=True).first.click()
        await answer_to(await moderator.slash(demo.bot_lab, "audit show"))
        await expect(page.locator(".message.ephemeral").last).to_contain_text("paused")
        await studio.shoot(page, "audit")


async def answer_to(interaction: Interaction) -> Message:
    """The message that a command brings."""
    answered = await interaction.answered(timeout=10)
    assert answered.response is not None
    return answered.response
