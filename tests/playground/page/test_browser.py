"""A person at the page, with a real browser, a real discord.py bot and nothing in between faked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.async_api import expect

from .stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="package")


@contextmanager
def deadline(stage: Stage, seconds: float) -> Iterator[None]:
    """Let the bot have less time to answer."""
    settings = stage.running.discord.settings
    before, settings.interaction_deadline_seconds = settings.interaction_deadline_seconds, seconds
    try:
        yield
    finally:
        settings.interaction_deadline_seconds = before


async def test_an_answer_is_streamed_into_view(stage: Stage) -> None:
    page = stage.page
    await page.locator("#message-box").press_sequentially("@inf")
    await expect(page.get_by_role("option", name="@Infermatic")).to_be_visible()
    await page.keyboard.press("Enter")
    await page.keyboard.type("is anybody **there**?")
    await page.keyboard.press("Enter")
    await expect(page.locator(".message .text strong", has_text="there")).to_be_visible()
    answer = page.locator(".message", has_text="The lamp").last
    await expect(answer).to_be_visible()
    element = await answer.element_handle()
    await expect(page.get_by_text("Infermatic is typing…")).to_be_hidden()
    await expect(answer.locator("blockquote")).to_have_text("Come in")
    await expect(answer.get_by_text("(edited)")).to_be_visible()
    await expect(answer.locator(".context")).to_contain_text("Ada")
    await expect(answer.get_by_role("button", name="Gone")).to_be_disabled()
    await expect(answer.get_by_role("link", name="Handbook")).to_have_attribute("href", "https://example.org/handbook")
    assert element is not None
    assert await element.evaluate("node => node.isConnected"), (
        "the stream of edits must patch the message, not replace it"
    )


async def test_buttons_menus_and_forms_work(stage: Stage) -> None:
    page = stage.page
    await stage.say("@Infermatic hello")
    await page.get_by_role("button", name="Why?").click()
    await expect(page.locator(".message.ephemeral")).to_contain_text("Because you pressed the button.")
    await page.get_by_role("combobox", name="Pick a colour").click()
    await page.get_by_role("option", name="Blue").click()
    await expect(page.get_by_text("You chose Blue.")).to_be_visible()
    await page.get_by_role("button", name="Rename").click()
    form = page.get_by_role("dialog", name="Rename the scene")
    await form.get_by_label("New name").fill("At the *sea*")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("The scene is now called")).to_be_visible()
    await expect(form).to_be_hidden()
    await page.get_by_role("button", name="Regenerate").click()
    await expect(page.get_by_text("Another answer, the second one.")).to_be_visible()


async def test_a_silent_command_is_said_to_have_failed(stage: Stage) -> None:
    page = stage.page
    with deadline(stage, 0.2):
        await stage.command("silent")
        await page.keyboard.press("Enter")
        told = stage.message("The application did not respond")
        await expect(told.locator(".context")).to_have_text(re.compile("Ada used /silent"))
    await expect(page.locator("#announcer")).to_contain_text("only for you: The application did not respond")
    await expect(page.locator(".toast")).to_have_count(0)
    await page.get_by_role("button", name="roleplay").click()
    await expect(told).to_have_count(0)
    await page.get_by_role("button", name=stage.channel.name).click()
    await expect(told).to_contain_text("Only you can see this")
    await told.get_by_role("button", name="Dismiss").click()
    await expect(told).to_have_count(0)


async def test_a_form_that_fails_says_so_once(stage: Stage) -> None:
    page = stage.page
    form = page.get_by_role("dialog", name="Rename the scene")
    await stage.say("@Infermatic hello")
    await page.get_by_role("button", name="Rename").click()
    await form.get_by_label("New name").fill("never")
    with deadline(stage, 0.2):
        await page.keyboard.press("Enter")
        await expect(form.get_by_text("What you wrote is still here.")).to_be_visible()
        await expect(page.locator(".message, .toast", has_text="did not respond")).to_have_count(0)
    with deadline(stage, 0.3):
        await page.keyboard.press("Enter")
        await page.keyboard.press("Escape")
        await expect(form).to_be_hidden()
        await expect(stage.message("The application did not respond")).to_be_visible()


async def test_place_and_person_survive_a_reload(stage: Stage) -> None:
    page = stage.page
    await stage.become("Mia")
    await page.get_by_role("button", name="first ideas").click()
    await stage.say("a thread is a good place")
    await page.get_by_role("radio", name="Tom").click()
    await page.get_by_role("radio", name="Mia").click()
    await page.reload()  # before the server has answered
    await expect(page.get_by_role("radio", name="Mia")).to_be_checked()
    await expect(page.get_by_role("heading", name="first ideas")).to_be_visible()
    await expect(page.get_by_text("a thread is a good place")).to_be_visible()


async def test_what_happens_elsewhere_is_marked_and_the_own_conversation_is_private(stage: Stage) -> None:
    page, demo = stage.page, stage.running.demo
    await stage.running.discord.person(demo.mia).say(demo.roleplay, "psst")
    await expect(page.get_by_role("button", name="roleplay (new messages)")).to_be_visible()
    await page.get_by_role("button", name="Direct messages").click()
    await stage.say("only for the bot")
    await expect(page.get_by_text("only for the bot")).to_be_visible()
    await stage.become("Tom")
    await page.get_by_role("button", name="Direct messages").click()
    await expect(page.get_by_role("heading", name="Infermatic")).to_be_visible()
    await expect(page.get_by_text("only for the bot")).to_have_count(0)
