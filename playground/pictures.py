"""`python -m playground.pictures [name ...]`: draws docs/pictures from the demo with the real bot in it.

Each picture is a function below; the same scene gives the same picture, because the page's clock is set and the local
models always say the same.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.async_api import Browser, Page, async_playwright, expect

from playground._more_pictures import characters_picture, delete_picture, moderation_picture, privacy_picture
from playground._staff_pictures import audit_picture, chart_picture, setup_picture
from playground.demo import DemoBot
from playground.world import Playground, start_playground

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from playground.discord import Channel, Message, User

FOLDER = Path(__file__).parent.parent / "docs" / "pictures"
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--font-render-hinting=none",
)
SHOWN_START = datetime(2026, 3, 14, 18, 30, 2, tzinfo=UTC)
"""What the clocks in the pictures say, whenever they are drawn."""

TOKENS_PER_SECOND = 400.0
WAIT_SECONDS = 30.0

_SET_CLOCK = """
{
  const Real = Date, late = %d;
  globalThis.Date = class extends Real {
    constructor(...given) {
      if (given.length === 0) super(Real.now() - late);
      else if (typeof given[0] === "string") super(Real.parse(given[0]) - late);
      else super(...given);
    }
    static now() { return Real.now() - late; }
    static parse(text) { return Real.parse(text) - late; }
  };
}
"""

_ROUND_SECONDS = """
for (const one of document.querySelectorAll(".request summary *")) {
  const text = one.lastChild;
  if (text?.nodeType === Node.TEXT_NODE) text.data = text.data.replace(/\\d+\\.\\d+ s$/, "0.6 s");
}
"""


@dataclass(slots=True)
class Studio:
    """A demo with the bot online, and a browser."""

    playground: Playground
    browser: Browser
    started: datetime

    @asynccontextmanager
    async def page(
        self, *, theme: str = "dark", width: int = 1280, height: int = 800, phone: bool = False
    ) -> AsyncIterator[Page]:
        """Open the page in a fresh browser context."""
        context = await self.browser.new_context(
            viewport={"width": width, "height": height},
            locale="en-GB",
            timezone_id="UTC",
            color_scheme="light" if theme == "light" else "dark",
            reduced_motion="reduce",
            has_touch=phone,
        )
        late = int((self.started - SHOWN_START).total_seconds() * 1000)
        await context.add_init_script(_SET_CLOCK % late)
        page = await context.new_page()
        page.set_default_timeout(WAIT_SECONDS * 1000)
        await page.goto(self.playground.page_url)
        await page.wait_for_selector("[data-ready]")
        yield page
        await context.close()

    async def shoot(self, page: Page, name: str) -> None:
        """Write a picture of what the page shows."""
        await page.evaluate("document.activeElement?.blur()")
        await page.mouse.move(0, 0)
        FOLDER.mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=FOLDER / f"{name}.png", animations="disabled")

    async def ask(self, user: User, channel: Channel, text: str) -> Message:
        """Say something to the bot and wait until its reply stands."""
        world = self.playground.discord
        said = await world.person(user).say(channel, text, mentions_bot=True)
        return await world.wait_for_message(
            channel, lambda reply: reply.reply_to is said and _is_finished(reply), timeout=WAIT_SECONDS
        )


def _is_finished(reply: Message) -> bool:
    """Whether the buttons of a finished reply hang below it."""
    return bool(reply.components) and "Stop" not in _labels(reply)


async def playground_picture(studio: Studio) -> None:
    """The page as the README shows it: a chat between people and the bot."""
    demo, world = studio.playground.demo, studio.playground.discord
    reply = await studio.ask(demo.ada, demo.general, "good evening! Who is on duty tonight?")
    await world.person(demo.mia).react(reply, "🕯️")
    await world.person(demo.tom).react(reply, "🕯️")
    await world.person(demo.max).say(demo.general, "The kettle is on. ||It always is.||", reply_to=reply, ping=False)
    await world.person(demo.mia).say(demo.roleplay, f"{demo.ada.mention} your turn!")
    await studio.ask(demo.mia, demo.general, "and what do you see from the lighthouse?")
    async with studio.page(width=1360, height=850) as page:
        await expect(page.locator(".message").last).to_contain_text("lighthouse")
        await world.person(demo.tom).say(demo.roleplay, f"{demo.ada.mention} hurry")
        await expect(page.locator(".channel .count")).to_be_visible()
        await studio.shoot(page, "playground")


async def inspector_picture(studio: Studio) -> None:
    """What the model API was asked, in the light theme."""
    demo = studio.playground.demo
    await studio.ask(demo.mia, demo.roleplay, "We reach the lighthouse at dusk. I knock.")
    await studio.ask(demo.tom, demo.roleplay, "I hold the lantern up. Does anybody open?")
    async with studio.page(theme="light", width=1360, height=850) as page:
        await page.get_by_text("roleplay", exact=True).first.click()
        await page.get_by_role("button", name="Inspector").click()
        await page.locator(".request summary").first.click()
        await expect(page.locator(".request .parameters").first).to_be_visible()
        await page.evaluate(_ROUND_SECONDS)  # the only thing in view that is never twice the same
        await studio.shoot(page, "inspector")


async def _regenerated(studio: Studio) -> Message:
    """A reply with three swipes, of which the second is shown."""
    demo, world = studio.playground.demo, studio.playground.discord
    reply = await studio.ask(demo.ada, demo.roleplay, "who keeps the light tonight?")
    for pressed, counter in (("🔄", "2/2"), ("🔄", "3/3"), ("◀️", "2/3")):
        await world.person(demo.ada).click(reply, label=pressed)
        await world.wait_until(lambda counter=counter: counter in _labels(reply), timeout=WAIT_SECONDS)  # type: ignore[misc]  # a lambda with a default
    return reply


async def swipes_picture(studio: Studio) -> None:
    """The buttons under the newest reply."""
    await _regenerated(studio)
    async with studio.page(width=1000, height=520) as page:
        await page.get_by_text("roleplay", exact=True).first.click()
        await expect(page.locator(".message").last).to_contain_text("2/3")
        await studio.shoot(page, "swipes")


async def edit_picture(studio: Studio) -> None:
    """The form in which a reply is edited."""
    await _regenerated(studio)
    async with studio.page(width=1000, height=620) as page:
        await page.get_by_text("roleplay", exact=True).first.click()
        await page.locator(".message").last.get_by_role("button", name="✏️").click()
        await expect(page.get_by_role("dialog")).to_be_visible()
        await studio.shoot(page, "edit")


async def waiting_picture(studio: Studio) -> None:
    """Somebody waits while the key's slots are taken."""
    demo, world = studio.playground.demo, studio.playground.discord
    studio.playground.infermatic.tokens_per_second = 15
    for person, channel in ((demo.mia, demo.roleplay), (demo.tom, demo.bot_lab), (demo.max, demo.ideas)):
        await world.person(person).say(channel, "tell me a long story", mentions_bot=True)
    said = await world.person(demo.ada).say(demo.general, "good evening! Is anybody there?", mentions_bot=True)
    await world.wait_for_message(demo.general, lambda m: m.reply_to is said, timeout=WAIT_SECONDS)
    async with studio.page(width=1000, height=360) as page:
        await expect(page.locator(".message").last).to_contain_text("⏳")
        await studio.shoot(page, "waiting")


async def branches_picture(studio: Studio) -> None:
    """The tree of a conversation, drawn in text."""
    demo, world = studio.playground.demo, studio.playground.discord
    first = await studio.ask(demo.ada, demo.roleplay, "we reach the lighthouse at dusk")
    await studio.ask(demo.mia, demo.roleplay, "I knock at the door")
    ada = world.person(demo.ada)
    side = await ada.say(demo.roleplay, "and if we had taken the boat?", reply_to=first)
    await world.wait_for_message(demo.roleplay, lambda m: m.reply_to is side and _is_finished(m), timeout=WAIT_SECONDS)
    await studio.ask(demo.mia, demo.roleplay, "nobody answers, so I open it")
    async with studio.page(width=1000, height=520) as page:
        await page.get_by_text("roleplay", exact=True).first.click()
        await ada.slash(demo.roleplay, "history branches")
        await expect(page.locator(".message").last).to_contain_text("▶")
        await studio.shoot(page, "branches")


async def import_picture(studio: Studio) -> None:
    """What a card holds, before it is taken in."""
    demo, world = studio.playground.demo, studio.playground.discord
    async with studio.page(width=1000, height=860) as page:
        await page.get_by_text("roleplay", exact=True).first.click()
        await world.person(demo.ada).message_command(demo.roleplay.messages[0], "Import as persona")
        await expect(page.locator(".message.ephemeral .embed-thumbnail img")).to_be_visible()
        await expect(page.get_by_role("button", name="Confirm")).to_be_visible()
        await studio.shoot(page, "import")


async def _taken_in(studio: Studio) -> None:
    """Wren is a character of the server."""
    demo, world = studio.playground.demo, studio.playground.discord
    moderator = world.person(demo.max)
    asked = await moderator.message_command(demo.roleplay.messages[0], "Import as persona")
    preview = await world.wait_until(
        lambda: asked.response if asked.response and asked.response.components else None, timeout=WAIT_SECONDS
    )
    assert preview is not None
    await moderator.click(preview, label="Confirm")
    await world.wait_until(lambda: not preview.components, timeout=WAIT_SECONDS)


async def persona_picture(studio: Studio) -> None:
    """A character speaks under her own name and face, her greetings as swipes."""
    demo, world = studio.playground.demo, studio.playground.discord
    await _taken_in(studio)
    moderator = world.person(demo.max)
    await moderator.slash(demo.bot_lab, "persona use", name="Wren")
    greeting = await world.wait_for_message(
        demo.bot_lab, lambda one: one.author.is_webhook and _is_finished(one), timeout=WAIT_SECONDS
    )
    await moderator.click(greeting, label="▶️")
    await world.wait_until(lambda: "2/3" in _labels(greeting), timeout=WAIT_SECONDS)
    async with studio.page(width=1000, height=520) as page:
        await page.get_by_text("bot-lab", exact=True).first.click()
        await expect(page.locator(".message").last).to_contain_text("2/3")
        await page.wait_for_function("() => document.querySelector('.entry:last-child .avatar img')?.naturalWidth > 0")
        await studio.shoot(page, "persona")


async def create_picture(studio: Studio) -> None:
    """The form in which a character is written."""
    async with studio.page(width=1000, height=860) as page:
        await page.get_by_text("bot-lab", exact=True).first.click()
        await page.locator("#message-box").press_sequentially("/persona create")
        await page.keyboard.press("Enter")
        await page.locator(".command-form").get_by_role("button", name="Send").click()
        form = page.get_by_role("dialog")
        await form.get_by_role("textbox", name="Name").fill("Tobias")
        texts = {
            "Description": "{{char}} kept the lighthouse on Gull Point for thirty years. He owes the inn nine crowns.",
            "Scenario": "{{user}} has rowed out to the rock at low tide.",
            "Greeting": "*The door opens before you knock.* “You took your time.”",
        }
        for label, text in texts.items():
            await form.get_by_label(label).fill(text)
        await studio.shoot(page, "create")


_SCENE_TURN = "No light. But somebody has left a wet coat on your stairs."
_SCENE_REPLY = (
    "*Wren looks at the stairs, then at the lantern in her hand, as if it had told on her.*\n\n"
    "“That coat was dry this morning.” *She does not go nearer.* “And it was in the cellar.”"
)


async def scene_picture(studio: Studio) -> None:
    """A scene: a thread of its own with the greeting and a first turn."""
    demo, world = studio.playground.demo, studio.playground.discord
    await _taken_in(studio)
    mia = world.person(demo.mia)
    await mia.slash(demo.roleplay, "scene start", persona="Wren", title="The last guest")
    thread = await world.wait_until(lambda: next(iter(demo.roleplay.threads), None), timeout=WAIT_SECONDS)
    assert thread is not None
    await world.wait_for_message(thread, lambda one: one.author.is_webhook and _is_finished(one), timeout=WAIT_SECONDS)
    studio.playground.infermatic.replies.add(_SCENE_REPLY)
    said = await mia.say(thread, _SCENE_TURN)
    await world.wait_for_message(thread, lambda one: one.id > said.id and _is_finished(one), timeout=WAIT_SECONDS)
    async with studio.page(width=1000, height=720) as page:
        await page.locator(f'[data-channel="{thread.id}"]').click()
        await expect(page.locator(".message").last).to_contain_text("And it was in the cellar.")
        await page.wait_for_function("() => document.querySelector('.entry:last-child .avatar img')?.naturalWidth > 0")
        await studio.shoot(page, "scene")


def _labels(message: Message) -> set[str | None]:
    return {part.get("label") for row in message.components for part in row.get("components") or []}


PICTURES: dict[str, Callable[[Studio], Awaitable[None]]] = {
    "playground": playground_picture,
    "inspector": inspector_picture,
    "swipes": swipes_picture,
    "edit": edit_picture,
    "waiting": waiting_picture,
    "branches": branches_picture,
    "import": import_picture,
    "persona": persona_picture,
    "create": create_picture,
    "scene": scene_picture,
    "setup": setup_picture,
    "chart": chart_picture,
    "audit": audit_picture,
    "moderation": moderation_picture,
    "privacy": privacy_picture,
    "privacy-delete": delete_picture,
    "characters": characters_picture,
}


async def draw(names: list[str], chromium: str) -> None:
    """Draw pictures, each in a demo of its own."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        for name in names:
            async with open_studio(browser) as studio:
                await PICTURES[name](studio)
        await browser.close()


@asynccontextmanager
async def open_studio(browser: Browser) -> AsyncIterator[Studio]:
    """Run the demo with the real bot until the block ends."""
    with tempfile.TemporaryDirectory(prefix="infermatic-pictures-") as folder:
        async with await start_playground(tokens_per_second=TOKENS_PER_SECOND) as playground:
            started = datetime.now(UTC)
            bot = DemoBot(
                {
                    **playground.environment(),
                    "PLAYGROUND_DISCORD_URL": playground.discord.url,
                    "DATABASE_URL": f"sqlite:///{folder}/pictures.db",
                    "LOG_LEVEL": "ERROR",
                }
            )
            await bot.start()
            playground.page.hold(bot)
            try:
                await playground.discord.wait_until_connected(timeout=WAIT_SECONDS)
                yield Studio(playground, browser, started)
            finally:
                await bot.stop()


def main() -> None:
    """Draw those that were named, or all."""
    parser = argparse.ArgumentParser(prog="python -m playground.pictures", description="Draw docs/pictures")
    parser.add_argument("names", nargs="*", metavar="name", help=f"one of: {', '.join(PICTURES)}")
    names = parser.parse_args().names or list(PICTURES)
    unknown = sorted(set(names) - set(PICTURES))
    if unknown:
        parser.error(f"no such picture: {', '.join(unknown)}")
    chromium = CHROMIUM if Path(CHROMIUM).exists() else shutil.which("chromium")
    if chromium is None:
        sys.exit(f"The pictures need Chromium at {CHROMIUM}: apt-get install chromium")
    asyncio.run(draw(names, chromium))


if __name__ == "__main__":
    main()
