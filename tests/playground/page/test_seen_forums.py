"""Forums with their posts, and threads that are closed or locked."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from .seen import Seen
from .showing_bot import picture

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def open_forum(seen: Seen, name: str) -> None:
    await seen.page.locator("#channels").get_by_role("button", name=name, exact=True).click()
    await expect(seen.page.get_by_role("heading", name=name, level=1)).to_be_visible()


async def test_a_forum_shows_its_posts_and_takes_new_ones(seen: Seen) -> None:
    page, demo, world = seen.page, seen.demo, seen.running.discord
    forum = demo.guild.add_forum("plays", tags=["open"])
    await open_forum(seen, "plays")
    posts = page.get_by_role("list", name="Posts of plays")
    place = page.get_by_role("region", name="Posts")
    await expect(place).to_contain_text("Nobody has posted here yet.")
    await expect(page.locator("#message-box")).to_be_hidden()

    channel = await seen.place(forum)
    webhook = await channel.create_webhook(name="Mira", avatar=picture(16, 16, (90, 160, 120)))
    tag = channel.available_tags[0]
    await webhook.send("*The lamp* is lit.", thread_name="A long night", applied_tags=[tag])
    card = place.get_by_role("button", name="A long night")
    await expect(card).to_contain_text(
        re.compile("open.*A long night.*Mira.*APP.*The lamp is lit.*0 replies", re.DOTALL)
    )
    await expect(card.locator(".avatar img")).to_have_count(1)
    await world.person(demo.tom).say(forum.threads[0], "Good evening")
    await expect(card).to_contain_text("1 reply")

    await page.get_by_role("button", name="New post").click()
    asked = page.get_by_role("dialog", name="New post in plays")
    await asked.get_by_role("button", name="Post", exact=True).click()
    await expect(asked.get_by_role("alert")).to_contain_text("A post has a title and a first message.")
    await asked.get_by_label("Title").fill("Gull Point")
    await asked.get_by_label("Message").fill("Who comes along?")
    await asked.get_by_role("button", name="Post", exact=True).click()
    await expect(page.get_by_role("heading", name="Gull Point", level=1)).to_be_visible()
    await expect(seen.message("Who comes along?").locator(".author")).to_have_text("Ada")
    forum.threads[0].archive()
    await open_forum(seen, "plays")
    await expect(place.locator(".post-name")).to_have_text(["Gull Point", "A long night"])  # what is closed comes last
    await expect(card).to_contain_text("Closed")
    await expect(posts.first).to_contain_text("Gull Point")


async def test_closed_and_locked_threads_say_so(seen: Seen) -> None:
    page, demo = seen.page, seen.demo
    board = demo.guild.add_text_channel("board")
    thread = board.add_thread("a tale", demo.mia)
    await page.locator(f'#channels [data-channel="{thread.id}"]').click()
    box = page.locator("#message-box")
    thread.archive()
    await expect(box).to_have_attribute("placeholder", "This thread is closed: a message opens it again")
    thread.archive(locked=True)
    await expect(page.locator(f'#channels [data-channel="{thread.id}"]')).to_contain_text("(locked)")
    await expect(box).to_be_enabled()  # the owner manages threads
    await page.get_by_role("radio", name="Tom").click()
    await expect(box).to_have_attribute("placeholder", "This thread is locked: only moderators write here")
    await expect(box).to_be_disabled()
    await page.get_by_role("radio", name="Ada").click()
    await expect(box).to_be_enabled()
