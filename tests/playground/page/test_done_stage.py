"""The drawer, the inspector and the live events in a browser."""

from __future__ import annotations

import aiohttp
import pytest
from playwright.async_api import Browser, expect

from playground.world import API_KEY

from .opening import open_page
from .probes import DOUBLE_IDS, LOST_REFERENCES, POOR_CONTRAST, UNNAMED
from .stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def ask(stage: Stage, words: str) -> int:
    body = {
        "model": "Midnight-Miqu-70B-v1.5",
        "messages": [{"role": "user", "content": f"Ada: {words}"}],
        "max_tokens": 3,
    }
    headers = {"Authorization": f"Bearer {API_KEY}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        url = f"{stage.running.infermatic.url}/v1/chat/completions"
        async with session.post(url, json=body) as response:
            await response.read()
            return response.status


async def test_trouble_says_what_will_happen_is_seen_and_is_taken_back(stage: Stage) -> None:
    page = stage.page
    await page.locator("#open-controls").click()
    drawer = page.get_by_role("complementary", name="Controls")
    await expect(drawer.get_by_role("heading", name="Controls")).to_be_focused()
    await drawer.get_by_text("The model API fails", exact=True).click()
    form = drawer.locator("[data-control=fault-api]")
    await form.get_by_label("What").select_option("Empty answer")
    await expect(form.locator(".outcome")).to_contain_text("answers without a word")
    await form.get_by_label("What").select_option("Overloaded (503)")
    await form.get_by_label("How often").select_option("Twice")
    await form.get_by_role("button", name="Make it fail").click()
    on_now = drawer.get_by_role("region", name="On now")
    await expect(on_now).to_contain_text("Overloaded (503)2 more")
    assert await ask(stage, "x") == 503
    await expect(on_now).to_contain_text("1 more, struck 1")
    await drawer.get_by_text("What the key may", exact=True).click()
    await drawer.get_by_label("Requests a minute").fill("3")
    await drawer.locator("[data-control=limits]").get_by_role("button", name="Set").click()
    await expect(on_now).to_contain_text("3 a minute, 2 at once")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="Controls (2 on)")).to_be_focused()
    await page.reload()
    await page.wait_for_selector("[data-ready]")
    await page.get_by_role("button", name="Controls (2 on)").click()
    await on_now.get_by_role("button", name="Take back: Other limits").click()
    await expect(page.get_by_role("button", name="Controls (1 on)")).to_be_visible()
    await on_now.get_by_role("button", name="Take back: Overloaded").click()
    await expect(on_now).to_be_empty()
    assert await ask(stage, "x") == 200
    await drawer.get_by_text("Restart the bot", exact=True).click()
    await expect(drawer.get_by_text("The bot was started by somebody else here")).to_be_visible()
    await expect(drawer.get_by_role("button", name="Restart", exact=True)).to_be_disabled()
    resumes = stage.running.discord.gateway_resumes
    await drawer.get_by_text("Drop the gateway connection", exact=True).click()
    await drawer.get_by_role("button", name="Drop it").click()
    await expect(page.get_by_text("The connection was dropped.")).to_be_visible()
    await stage.running.discord.wait_until(lambda: stage.running.discord.gateway_resumes > resumes)
    await expect(page.get_by_text("Infermatic is online")).to_be_visible()


async def test_people_and_places_are_added(stage: Stage) -> None:
    page, guild = stage.page, stage.running.demo.guild
    await page.locator("#open-controls").click()
    drawer = page.get_by_role("complementary", name="Controls")

    async def add(title: str, control: str, name: str, *ticked: str) -> None:
        if not await drawer.locator(f"[data-control={control}]").is_visible():
            await drawer.get_by_text(title, exact=True).click()
        form = drawer.locator(f"[data-control={control}]")
        await form.get_by_label("Name").fill(name)
        for label in ticked:
            await form.get_by_label(label, exact=True).check()
        await form.get_by_role("button", name="Add").click()
        await expect(form.get_by_label("Name")).to_have_value("")

    await add("A role", "role", "Scribe", "Manage messages")
    await add("A person", "person", "Eve", "Scribe")
    await expect(page.get_by_role("radio", name="Eve")).to_contain_text("Scribe")
    await add("A channel", "channel", "After Dark", "Age-restricted")
    await expect(page.get_by_role("button", name="after-dark")).to_contain_text("18+")
    await add("A thread", "thread", "Side talk")
    await expect(page.get_by_role("button", name="Side talk")).to_be_visible()
    await drawer.get_by_text("Somebody from another server", exact=True).click()
    await drawer.get_by_role("button", name="Invite").click()
    await expect(page.get_by_text("Zoe has joined The Lantern Inn.")).to_be_visible()
    assert stage.running.demo.zoe.id in guild.members
    await add("A server", "server", "Third Place")
    await expect(page.get_by_role("button", name="Third Place")).to_be_visible()
    role = drawer.locator("[data-control=role]")
    await role.get_by_label("Name").fill("Scribe of a very long name indeed")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert").filter(has_text="A name has at most 32 characters")).to_be_visible()
    await expect(role.get_by_label("Name")).to_have_value("Scribe of a very long name indeed")
    stage.errors.clear()  # the browser itself complains of what is refused


async def test_the_inspector_shows_why(stage: Stage) -> None:
    page = stage.page
    await page.locator("#open-inspector").click()
    inspector = page.get_by_role("complementary", name="Inspector")
    await stage.running.discord.person(stage.running.demo.ada).say(stage.channel, "why is the lamp lit?")
    await ask(stage, "why is the lamp lit?")
    row = inspector.locator(".request", has_text=f"#{stage.channel.name}")
    await expect(row).to_contain_text("200")
    await row.locator("summary").click()
    await expect(row.locator(".sent[data-role=user]")).to_contain_text("Ada: why is the lamp lit?")
    await expect(row.get_by_text("in 1 part")).to_be_visible()
    await expect(row.locator(".parameters")).to_have_text("max_tokens3")
    await expect(row.get_by_text("Answer: 3 tokens, answered")).to_be_visible()
    await inspector.get_by_role("tab", name="Model API").focus()
    await page.keyboard.press("ArrowRight")
    await expect(inspector.get_by_role("tab", name="Queue")).to_have_attribute("aria-selected", "true")
    await expect(inspector.get_by_role("meter", name="At once")).to_have_attribute("aria-valuemax", "2")
    await expect(inspector.get_by_text("No request is under way.")).to_be_visible()
    await page.keyboard.press("ArrowRight")
    await stage.say("@Infermatic light it")
    await expect(inspector.locator(".write", has_text="Edited 3 times").first).to_contain_text(f"#{stage.channel.name}")
    await expect(inspector.locator(".allowances")).to_contain_text(f"Edits in #{stage.channel.name}: 2 of 5 left")
    await inspector.get_by_label("Only the open channel").check()
    await page.get_by_role("button", name="bot-lab").click()
    await expect(inspector.get_by_text("The bot sent nothing to Discord yet.")).to_be_visible()
    await page.reload()
    await page.wait_for_selector("[data-ready]")
    await expect(inspector.get_by_role("tab", name="Discord")).to_have_attribute("aria-selected", "true")
    await expect(inspector.get_by_label("Only the open channel")).to_be_checked()
    await inspector.get_by_label("Only the open channel").uncheck()
    await page.keyboard.press("Escape")
    await expect(inspector).to_be_hidden()


async def test_everything_has_a_name_and_can_be_read(stage: Stage) -> None:
    page = stage.page
    await stage.say("something")
    await ask(stage, "something")
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for opener in ("#open-controls", "#open-inspector"):
            await page.locator(opener).click()
            if opener == "#open-controls":
                await page.evaluate(
                    "document.querySelectorAll('#controls details').forEach((one) => { one.open = true })"
                )
            else:
                await page.get_by_role("tab", name="Model API").click()
                await page.locator(".request summary").first.click()
                await expect(page.locator(".request .parameters").first).to_be_visible()
            assert await page.evaluate(POOR_CONTRAST) == []
            for probe in (UNNAMED, DOUBLE_IDS, LOST_REFERENCES):
                assert await page.evaluate(probe) == []
        await page.keyboard.press("Escape")
        await stage.box.press_sequentially("/fil")
        await page.keyboard.press("Enter")
        await page.get_by_role("button", name="Send").click()
        for probe in (POOR_CONTRAST, UNNAMED, DOUBLE_IDS, LOST_REFERENCES):
            assert await page.evaluate(probe) == []
        await page.keyboard.press("Escape")
        await page.evaluate("document.querySelectorAll('.request details').forEach((one) => { one.open = false })")
    await stage.page.set_viewport_size({"width": 390, "height": 780})
    await page.locator("#open-controls").click()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await page.keyboard.press("Escape")
    await stage.page.set_viewport_size({"width": 1280, "height": 800})
    await page.emulate_media(color_scheme=None, reduced_motion=None)


async def test_a_broken_connection_is_said_and_nothing_is_lost_or_doubled(stage: Stage, browser: Browser) -> None:
    page, running = stage.page, stage.running
    await stage.say("before")
    second = await open_page(browser, running)
    await second.get_by_role("button", name=stage.channel.name).click()
    await page.context.set_offline(True)
    for listener in list(running.page._audience._listeners):
        if listener._transport is not None:
            listener._transport.abort()
    await expect(page.get_by_text("The playground does not answer. Trying again…")).to_be_visible()
    for number in range(3):
        await running.discord.person(running.demo.mia).say(stage.channel, f"meanwhile {number}")
    await page.context.set_offline(False)
    for one in (page, second):
        await expect(one.locator(".message .text")).to_have_text(
            ["before", "meanwhile 0", "meanwhile 1", "meanwhile 2"]
        )
    await expect(page.get_by_text("The playground does not answer.")).to_be_hidden()
    await second.context.close()
    stage.errors.clear()  # the browser itself complains of connections that fail
