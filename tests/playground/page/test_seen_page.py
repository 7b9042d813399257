"""The page around the messages: themes, places, members, and that everybody can use it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import Page, expect

from .probes import CUT_OFF, DOUBLE_IDS, LOST_REFERENCES, PLACE, POOR_CONTRAST, UNNAMED, WITHOUT_OUTLINE
from .seen import Seen
from .showing_bot import all_marks

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def ground(page: Page) -> str:
    color: str = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    return color


async def test_the_theme_follows_the_system_until_somebody_decides(seen: Seen) -> None:
    page = seen.page
    await page.emulate_media(color_scheme="dark")
    dark = await ground(page)
    await expect(page.get_by_role("button", name="Switch to the light theme")).to_be_visible()
    await page.emulate_media(color_scheme="light")
    light = await ground(page)
    assert light != dark
    await page.get_by_role("button", name="Switch to the dark theme").click()
    assert await ground(page) == dark
    await page.reload()
    await page.wait_for_selector("[data-ready]")
    assert await ground(page) == dark
    await page.get_by_role("button", name="Switch to the light theme").click()
    assert await ground(page) == light
    await page.evaluate("localStorage.removeItem('playground.theme')")


async def test_members_stand_under_their_roles(seen: Seen) -> None:
    page, demo = seen.page, seen.demo
    await seen.enter(demo.general)
    members = page.get_by_role("complementary", name="Members")
    await expect(members.locator("h3")).to_have_text(["Moderator — 1", "Roleplayer — 1", "Online — 3"])
    await expect(members.get_by_role("list", name="Moderator")).to_contain_text("Max")
    colour = await members.locator(".name", has_text="Max").evaluate("n => getComputedStyle(n).color")
    said = await page.locator(".author", has_text="Max").first.evaluate("n => getComputedStyle(n).color")
    assert colour == said != await members.locator(".name", has_text="Tom").evaluate("n => getComputedStyle(n).color")
    await members.get_by_role("button", name="Mia").click()
    card = page.get_by_role("dialog", name="Mia")
    await expect(card.get_by_role("list", name="Roles")).to_have_text("Roleplayer")
    await page.keyboard.press("Escape")
    await expect(card).to_have_count(0)
    await expect(members.get_by_role("button", name="Mia")).to_be_focused()
    button = page.get_by_role("button", name="Members")
    await page.get_by_role("button", name="Inspector").click()
    await expect(button).to_have_attribute("aria-expanded", "false")
    await button.click()
    await expect(members).to_be_visible()
    await button.click()
    await expect(members).to_be_hidden()
    await page.reload()
    await page.wait_for_selector("[data-ready]")
    await expect(members).to_be_hidden()
    await page.get_by_role("button", name="Members").click()
    await expect(members).to_be_visible()


async def test_channels_stand_under_their_categories_with_their_threads(seen: Seen) -> None:
    page, guild = seen.page, seen.demo.guild
    chapters = guild.add_category("chapters")
    tavern = guild.add_text_channel("tavern", category=chapters)
    tavern.edit(nsfw=True)
    tavern.add_thread("a long night", seen.demo.mia)
    fold = page.get_by_role("button", name="chapters")
    await expect(page.get_by_role("list", name="Threads of tavern")).to_have_text("a long night")
    await expect(page.get_by_role("button", name="tavern")).to_contain_text("18+")
    await fold.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="tavern")).to_have_count(0)
    await expect(fold).to_be_focused()
    await expect(fold).to_have_attribute("aria-expanded", "false")
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="tavern").click()
    gate = page.get_by_role("region", name="Age-restricted channel")
    await seen.running.discord.person(seen.demo.mia).say(tavern, "a word for adults")
    await gate.get_by_role("button", name="Go back").click()
    await expect(page.get_by_role("heading", name="general")).to_be_visible()
    await (
        page.get_by_role("list", name="Threads of tavern").get_by_role("button", name="a long night").click()
    )  # a thread is behind the same gate
    await expect(gate).to_be_visible()
    await expect(page.get_by_role("combobox", name="Message", exact=True)).to_be_hidden()
    await expect(page.locator(".message")).to_have_count(0)
    await page.keyboard.press("Enter")
    await expect(gate).to_be_hidden()
    await page.get_by_role("button", name="tavern").click()
    await expect(page.get_by_text("a word for adults")).to_be_visible()
    await page.get_by_role("button", name="Open thread").click()
    await expect(page.get_by_text("This is the start of the thread.")).to_be_visible()
    await page.get_by_role("button", name="Direct messages").click()
    await expect(page.get_by_role("button", name="Infermatic", exact=True)).to_have_attribute("aria-current", "page")
    await page.get_by_role("button", name="The Lantern Inn").click()
    await expect(page.get_by_role("heading", name="a long night")).to_be_visible()


async def test_archived_threads_are_found_again(seen: Seen) -> None:
    page, world, library = seen.page, seen.running.discord, seen.demo.guild.add_text_channel("archive")
    old = library.add_thread("an old tale", seen.demo.mia)
    await world.person(seen.demo.mia).say(old, "long ago")
    threads = page.get_by_role("list", name="Threads of archive")
    await expect(threads).to_contain_text("an old tale")
    await seen.enter(old)
    await seen.enter(library)
    old.archive()
    await expect(threads).to_have_text("1 archived thread")
    await threads.get_by_role("button", name="1 archived thread").click()
    await threads.get_by_role("button", name="an old tale").click()
    await expect(page.get_by_text("long ago")).to_be_visible()
    await world.person(seen.demo.ada).say(old, "and again")
    await expect(threads).to_have_text("an old tale")


@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_everything_is_readable_named_and_within_the_page(seen: Seen, theme: Any) -> None:
    page, demo, world = seen.page, seen.demo, seen.running.discord
    await page.emulate_media(color_scheme=theme)
    channel = demo.guild.add_text_channel(f"all-{theme}", topic="One of everything")
    first = await world.person(demo.mia).say(channel, f"{demo.ada.mention} hello", files=[("a.txt", b"text")])
    for show in (seen.bot.show_embed, seen.bot.show_buttons, seen.bot.show_menus, seen.bot.show_layout):
        await show(await seen.place(channel))
    await world.person(demo.mia).say(channel, all_marks(demo, first.jump_url))
    last = await world.person(demo.max).say(channel, "yes", reply_to=first)
    await world.person(demo.ada).react(last, "👍")
    await world.person(demo.tom).react(last, "🎉")
    await seen.enter(channel)
    await page.get_by_role("button", name="🔒").click()
    await expect(page.get_by_text("Only you can see this")).to_be_visible()
    await world.person(demo.tom).say(demo.roleplay, f"{demo.ada.mention} come")
    await page.locator(".mentions-me").hover()
    assert await page.evaluate(POOR_CONTRAST) == []
    await page.get_by_role("button", name="Form", exact=True).click()
    await page.get_by_role("button", name="Submit").click()
    assert await page.evaluate(POOR_CONTRAST) == []
    assert await page.evaluate(UNNAMED) == []
    assert await page.evaluate(DOUBLE_IDS) == []
    assert await page.evaluate(LOST_REFERENCES) == []
    await page.keyboard.press("Escape")
    for width in (1280, 900, 390):
        await page.set_viewport_size({"width": width, "height": 780})
        assert not await page.evaluate(CUT_OFF), width


async def test_the_keyboard_reaches_everything_in_order(seen: Seen) -> None:
    page, channel = seen.page, seen.demo.guild.add_text_channel("keys")
    for words in ("first words", "last words"):
        seen.running.discord.add_message(channel, seen.demo.mia, words)
    await seen.enter(channel)
    await page.locator(".skip").focus()
    places = ["skip"]
    for _ in range(60):
        await page.keyboard.press("Tab")
        place: str = await page.evaluate(PLACE)
        places += [place] if places[-1] != place else []
        assert place == "composer" or not await page.evaluate(WITHOUT_OUTLINE), place
        if place == "members":
            break
    assert places == ["skip", "rail", "channels", "people", "head", "log", "composer", "members"]
    await page.locator("#message-box").focus()
    await page.locator(".message").last.focus()
    await page.keyboard.press("ArrowUp")
    await expect(seen.message("first words")).to_be_focused()
    await expect(seen.message("first words").locator(".tools")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator("#message-box")).to_be_focused()


async def test_a_phone_has_places_and_members_behind_buttons(seen: Seen) -> None:
    page = seen.page
    await page.set_viewport_size({"width": 390, "height": 780})
    await expect(page.get_by_role("complementary", name="Members")).to_be_hidden()
    await page.get_by_role("button", name="Members").click()
    await expect(page.get_by_role("complementary", name="Members")).to_be_visible()
    await page.get_by_role("button", name="Members").click()
    for name in ("Inspector", "Controls"):  # one covers the chat, its button and those beside it stay in reach
        await page.get_by_role("button", name=name, exact=True).click()
        await expect(page.get_by_role("complementary", name=name)).to_be_visible()
    await page.get_by_role("button", name="Controls", exact=True).click()
    await page.get_by_role("button", name="Channels and people").click()
    await expect(page.get_by_role("button", name="roleplay")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="roleplay")).to_be_hidden()
    await expect(page.locator("#message-box")).to_have_attribute("placeholder", re.compile("Message"))
