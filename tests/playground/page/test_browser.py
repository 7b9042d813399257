"""A person at the page, with a real browser, a real discord.py bot and nothing in between faked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import discord
import pytest
import pytest_asyncio
from discord.gateway import DiscordWebSocket
from discord.http import Route
from playwright.async_api import Browser, Page, expect

from playground.discord import Channel
from playground.world import Playground, start_playground

from .conftest import open_page
from .scripted_bot import ScriptedBot

pytestmark = pytest.mark.asyncio(loop_scope="package")


@dataclass
class Stage:
    """Everything that a test needs, and a channel of its own."""

    running: Playground
    page: Page
    bot: ScriptedBot
    errors: list[str] = field(default_factory=list)
    channel: Channel = field(init=False)

    async def enter(self, name: str) -> None:
        """Open a new channel as Ada."""
        if await self.page.locator("dialog[open], .menu, .command-form, #inspector:not([hidden])").count():
            await self.page.reload()
        self.channel = self.running.demo.guild.add_text_channel(name)
        await self.become("Ada")
        await self.page.get_by_role("button", name=name).click()
        await expect(self.page.get_by_role("heading", name=name)).to_be_visible()

    async def become(self, name: str) -> None:
        await self.page.get_by_role("radio", name=name).click()
        await expect(self.page.get_by_role("radio", name=name)).to_be_checked()

    async def say(self, text: str) -> None:
        box = self.page.get_by_role("combobox", name="Message", exact=True)
        await box.fill(f"{text} ")  # the space closes the list of suggestions
        await box.press("Enter")

    async def command(self, name: str) -> None:
        """Choose a slash command by typing it."""
        await self.page.locator("#message-box").press_sequentially(f"/{name}")
        await self.page.keyboard.press("Enter")


@asynccontextmanager
async def redirected(running: Playground) -> AsyncIterator[None]:
    """Point discord.py at the playground, and back."""
    before = (Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY, discord.Asset.BASE)
    running.discord.redirect()
    try:
        yield
    finally:
        Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY, discord.Asset.BASE = before


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def theatre(browser: Browser) -> AsyncIterator[Stage]:
    """Yield an open page with the scripted bot online."""
    async with await start_playground() as running, redirected(running):
        bot = ScriptedBot()
        task = asyncio.create_task(bot.start(running.discord.token))
        await running.discord.wait_until_connected()
        page = await open_page(browser, running)
        stage = Stage(running, page, bot)
        page.on("pageerror", lambda error: stage.errors.append(str(error)))
        page.on("console", lambda message: stage.errors.append(message.text) if message.type == "error" else None)
        yield stage
        await page.context.close()
        await bot.close()
        await asyncio.gather(task, return_exceptions=True)


@pytest_asyncio.fixture(loop_scope="package")
async def stage(theatre: Stage, request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """Yield the page in a fresh channel; errors in its console fail the test."""
    theatre.errors.clear()
    await theatre.enter(request.node.name.removeprefix("test_").replace("_", "-")[:40])
    yield theatre
    assert not theatre.errors


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


async def test_the_bot_is_seen_typing(stage: Stage) -> None:
    await stage.say("@Infermatic hello")
    await expect(stage.page.get_by_text("Infermatic is typing…")).to_be_visible()


async def test_a_slash_command_with_suggestions_answers_in_private(stage: Stage) -> None:
    page = stage.page
    await page.locator("#message-box").press_sequentially("/mod")
    await expect(page.get_by_role("option", name="/model set")).to_contain_text("Choose the model of this channel")
    await page.keyboard.press("Enter")
    form = page.get_by_role("form", name="/model set")
    await form.get_by_role("button", name="Send").click()
    await expect(form.get_by_role("combobox", name="model")).to_have_attribute("aria-invalid", "true")
    await form.get_by_role("combobox", name="model").press_sequentially("rocin")
    await expect(page.get_by_role("option")).to_have_text(["TheDrummer-Rocinante-12B-v1.1"])
    await page.keyboard.press("Enter")
    await form.get_by_label("temperature").fill("1.25")
    await page.keyboard.press("Enter")
    answer = page.locator(".message.ephemeral")
    await expect(answer).to_contain_text("TheDrummer-Rocinante-12B-v1.1 answers from now on, at 1.25.")
    await expect(answer).to_contain_text("Only you can see this")
    assert stage.bot.chosen_model == "TheDrummer-Rocinante-12B-v1.1"
    await stage.become("Tom")
    await expect(page.locator(".message.ephemeral")).to_have_count(0)
    await stage.become("Ada")
    await answer.get_by_role("button", name="Dismiss message").click()
    await expect(answer).to_have_count(0)


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


async def test_messages_are_answered_edited_and_deleted(stage: Stage) -> None:
    page = stage.page
    await stage.say("frist")
    await expect(page.locator(".message").last).to_contain_text("frist")
    await page.keyboard.press("ArrowUp")
    await expect(page.get_by_text("Editing your message")).to_be_visible()
    await stage.say("first @Mia")
    own = page.locator(".message").last
    await expect(own.locator(".text")).to_have_text("first @Mia (edited)")
    assert stage.running.demo.mia in stage.channel.messages[-1].mentions
    await stage.become("Mia")
    theirs = page.locator(".message", has_text="first").last
    await theirs.hover()
    await theirs.get_by_role("button", name="Reply").click()
    await page.get_by_role("button", name="@ on").click()
    await stage.say("here I am")
    await expect(page.locator(".message").last.locator(".context")).to_contain_text("Ada")
    reply = stage.channel.messages[-1]
    assert stage.running.demo.ada not in reply.mentions
    last = page.locator(".message").last
    await last.hover()
    await last.get_by_role("button", name="More").click()
    await page.get_by_role("menuitem", name="React with 🎉").click()
    await expect(last.get_by_role("button", name="🎉, 1")).to_have_attribute("aria-pressed", "true")
    await last.hover()
    await last.get_by_role("button", name="More").click()
    await page.get_by_role("menuitem", name="Delete").click()
    await expect(page.get_by_text("here I am")).to_have_count(0)


async def test_message_commands_are_in_the_menu(stage: Stage) -> None:
    page = stage.page
    await page.get_by_role("button", name="general").click()
    first = page.locator(".message", has_text="I keep order here")
    await first.hover()
    await first.get_by_role("button", name="More").click()
    await page.get_by_role("menuitem", name="Report").click()
    await expect(page.locator(".message.ephemeral")).to_contain_text("Reported: I keep order here")


async def test_embeds_and_what_was_used_are_shown(stage: Stage) -> None:
    await stage.command("card")
    await stage.page.keyboard.press("Enter")
    embed = stage.page.locator(".embed", has_text="Mira of the Inn")
    await expect(embed).to_be_visible()
    await expect(embed.locator("dt")).to_have_text(["Model", "Lore"])
    await expect(stage.page.locator(".context", has_text="used")).to_contain_text("Ada used /card")


async def test_a_silent_command_is_said_to_have_failed(stage: Stage) -> None:
    settings = stage.running.discord.settings
    before, settings.interaction_deadline_seconds = settings.interaction_deadline_seconds, 0.2
    await stage.command("silent")
    await stage.page.keyboard.press("Enter")
    await expect(stage.page.get_by_text("/silent: the application did not respond")).to_be_visible()
    settings.interaction_deadline_seconds = before


async def test_place_and_person_survive_a_reload(stage: Stage) -> None:
    page = stage.page
    await stage.become("Mia")
    await page.get_by_role("button", name="first ideas").click()
    await stage.say("a thread is a good place")
    await page.reload()
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


async def test_messages_cannot_bring_scripts(stage: Stage) -> None:
    await stage.say("<img src=x onerror=document.title='stolen'> <script>document.title='stolen'</script> ||hidden||")
    message = stage.page.locator(".message").last
    await expect(message.locator(".text")).to_contain_text("<script>")
    assert await message.locator(".text img, .text script").count() == 0
    assert "stolen" not in await stage.page.title()
    spoiler = message.get_by_role("button", name="Spoiler")
    await spoiler.focus()
    await stage.page.keyboard.press("Enter")
    await expect(message.locator(".spoiler")).to_have_attribute("aria-expanded", "true")


async def test_the_drawer_shows_which_model_was_asked(stage: Stage) -> None:
    page = stage.page
    await page.get_by_role("button", name="Requests").click()
    drawer = page.get_by_role("complementary", name="Requests to the model API")
    await expect(drawer).to_be_visible()
    body = {"model": "Midnight-Miqu-70B-v1.5", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 3}
    answer = await page.context.request.post(
        f"{stage.running.infermatic.url}/v1/chat/completions", data=body, headers={"Authorization": "Bearer sk-local"}
    )
    assert answer.ok
    await expect(drawer.get_by_text("Midnight-Miqu-70B-v1.5")).to_be_visible()
    await drawer.locator("summary").click()
    await expect(drawer.locator(".parameters")).to_have_text("max_tokens: 3")


async def test_a_narrow_screen_has_everything_behind_a_button(stage: Stage) -> None:
    page = stage.page
    await page.set_viewport_size({"width": 390, "height": 780})
    await expect(page.get_by_role("button", name="roleplay")).to_be_hidden()
    await page.get_by_role("button", name="Channels and people").click()
    await page.get_by_role("button", name="roleplay").click()
    await expect(page.get_by_role("heading", name="roleplay")).to_be_visible()
    await expect(page.get_by_role("button", name="bot-lab")).to_be_hidden()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await page.set_viewport_size({"width": 1280, "height": 800})
