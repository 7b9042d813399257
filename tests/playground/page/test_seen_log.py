"""The messages of a channel: how they stand together, what is new, and that thousands scroll."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import expect

from .seen import Seen

pytestmark = pytest.mark.asyncio(loop_scope="package")

MOST_IN_DOM = 150
TOPS = """() => Object.fromEntries([...document.querySelectorAll('.message')]
    .map(m => [m.dataset.id, m.getBoundingClientRect().top]).filter(([, top]) => top > 60 && top < 600))"""

ABOVE = """() => [...document.querySelectorAll('.message')]
    .filter(m => m.getBoundingClientRect().bottom < 0).at(-1).dataset.id"""


async def moved(seen: Seen, before: dict[str, float]) -> list[float]:
    """How far the messages that were in view have moved."""
    after = await seen.page.evaluate(TOPS)
    return [abs(after[number] - top) for number, top in before.items() if number in after]


async def test_messages_stand_in_groups_under_their_days(seen: Seen) -> None:
    world, demo, page = seen.running.discord, seen.demo, seen.page
    channel = demo.guild.add_text_channel("groups")
    noon = datetime.now(UTC).replace(hour=12, minute=0) - timedelta(days=1)
    first = world.add_message(channel, demo.mia, "the day before", at=noon - timedelta(days=1))
    for minute, (who, text) in enumerate(
        [(demo.mia, "one"), (demo.mia, "two"), (demo.tom, "three"), (demo.mia, "four")]
    ):
        world.add_message(channel, who, text, at=noon + timedelta(minutes=minute))
    world.add_message(channel, demo.mia, "later", at=noon + timedelta(minutes=12))
    answer = await world.person(demo.mia).say(channel, "an answer", reply_to=first)
    await world.person(demo.mia).edit(answer, "a better answer")
    await seen.enter(channel)
    follows = await page.locator(".message").evaluate_all("all => all.map(m => m.classList.contains('follows'))")
    assert follows == [False, False, True, False, False, False, False]
    assert await page.locator(".day").count() == 3
    await expect(seen.message("one").locator(".time")).to_have_text("Yesterday at 12:00")
    await expect(seen.message("one").locator(".time")).to_have_attribute("title", re.compile(r"\w+day.* at 12:00"))
    await expect(seen.message("a better answer").get_by_text("(edited)")).to_have_attribute(
        "title", re.compile("^Edited")
    )
    await page.get_by_role("button", name="Replying to Mia: the day before").click()
    target = page.locator(f"#message-{first.id}")
    await expect(target).to_have_class(re.compile("pointed-at"))
    await expect(target).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await expect(seen.message("one")).to_be_focused()
    await page.keyboard.press("End")
    await expect(seen.message("a better answer")).to_be_focused()


async def test_thousands_of_messages_scroll_and_stay_where_they_are(seen: Seen) -> None:
    world, demo, page = seen.running.discord, seen.demo, seen.page
    channel = demo.guild.add_text_channel("thousands")
    start = datetime.now(UTC) - timedelta(days=3)
    said = [
        world.add_message(
            channel,
            (demo.mia, demo.tom)[n // 3 % 2],
            f"number {n} " + "word " * (n % 40),
            at=start + timedelta(minutes=n),
        )
        for n in range(3000)
    ]
    await seen.enter(channel)
    await expect(seen.message("number 2999")).to_be_in_viewport()
    scroller = page.locator("#scroller")
    for _ in range(6):
        earliest = await page.locator(".message").first.get_attribute("id")
        before = await page.evaluate(TOPS)
        await scroller.evaluate("s => s.scrollTop = Math.min(s.scrollTop, 500)")
        before = await page.evaluate(TOPS)
        await page.wait_for_function("first => document.querySelector('.message').id !== first", arg=earliest)
        assert max(await moved(seen, before)) < 1
        assert await page.locator(".message").count() <= MOST_IN_DOM
    before = await page.evaluate(TOPS)
    above = await page.evaluate(ABOVE)
    await world.person(next(m for m in said if str(m.id) == above).author).edit(
        world.message(int(above)), "much longer " * 60
    )
    await expect(page.locator(f"#message-{above}")).to_contain_text("much longer")
    assert max(await moved(seen, before)) < 1
    newest = said[-1]
    await world.person(newest.author).edit(newest, "an edit far below")  # is nothing new
    await world.person(demo.tom).say(channel, "something new")
    button = page.get_by_role("button", name="1 new message")
    await expect(button).to_contain_text("Jump to present")
    assert max(await moved(seen, before)) < 1
    await button.click()
    await expect(seen.message("something new")).to_be_in_viewport()
    await expect(page.locator("#to-newest")).to_be_hidden()
    assert await page.locator(".message").count() <= MOST_IN_DOM


async def test_reading_goes_on_where_it_was_after_everything_was_fetched_again(seen: Seen) -> None:
    world, demo, page = seen.running.discord, seen.demo, seen.page
    channel = demo.guild.add_text_channel("reading")
    for n in range(120):
        world.add_message(channel, demo.mia, f"line {n}\nand more")
    await seen.enter(channel)
    for top, shown in ((1000, 50), (200, 100), (100, 120)):  # at last among messages that the first page does not hold
        await page.locator("#scroller").evaluate("(s, top) => { s.scrollTop = top }", top)
        await expect(page.locator(".message")).to_have_count(shown)
        before = await page.evaluate(TOPS)
        assert before
        first = await page.locator(".message").first.element_handle()
        assert first is not None
        audience = seen.running.page._audience
        audience.epoch = f"another run {top}"  # what was missed is not known any more
        for listener in list(audience._listeners):
            assert listener._transport is not None
            listener._transport.abort()
        await page.wait_for_function("node => !node.isConnected", arg=first)
        await page.wait_for_function("id => document.getElementById(`message-${id}`)", arg=next(iter(before)))
        assert max(await moved(seen, before)) < 1


async def test_the_view_follows_new_messages_at_the_end_only(seen: Seen) -> None:
    world, demo, page = seen.running.discord, seen.demo, seen.page
    channel = demo.guild.add_text_channel("following")
    for n in range(40):
        world.add_message(channel, demo.mia, f"line {n}\nand more")
    await seen.enter(channel)
    await world.person(demo.tom).say(channel, "at the end")
    await expect(seen.message("at the end")).to_be_in_viewport()
    await page.locator("#scroller").evaluate("s => s.scrollTop = 300")
    await expect(page.get_by_role("button", name="Jump to present")).to_be_visible()
    await world.person(demo.tom).say(channel, "below the view")
    await expect(page.get_by_role("button", name="1 new message")).to_be_visible()
    await expect(page.locator(".divider.new")).to_have_attribute("aria-label", "New messages")
    await expect(page.locator("#announcer")).to_contain_text("Tom: below the view")
    await expect(page.get_by_role("log", name="New messages")).to_have_attribute("aria-live", "polite")
    box = page.locator("#message-box")
    await box.fill("my own words ")
    await box.press("Enter")
    await expect(seen.message("my own words")).to_be_in_viewport()
    await expect(page.locator(".divider.new")).to_have_count(0)


async def test_what_was_not_read_is_marked(seen: Seen) -> None:
    world, demo, page = seen.running.discord, seen.demo, seen.page
    channel = demo.guild.add_text_channel("unread")
    world.add_message(channel, demo.mia, "old words")
    await seen.enter(channel)
    await seen.enter(demo.general)
    await world.person(demo.tom).say(channel, "new words")
    await expect(page.get_by_role("button", name="unread (new messages)")).to_be_visible()
    await world.person(demo.tom).say(channel, f"{demo.ada.mention} for you")
    await expect(page.get_by_role("button", name="unread (1 mention)")).to_be_visible()
    await (
        page.get_by_role("button", name="reading-room")
        .or_(page.get_by_role("button", name="Harbour Library"))
        .first.click()
    )
    await expect(page.get_by_role("button", name=re.compile(r"The Lantern Inn \(\d+ mention"))).to_be_visible()
    await expect(page).to_have_title(re.compile(r"^\(\d+\) reading-room · Playground"))
    await page.get_by_role("button", name="The Lantern Inn").click()
    await page.reload()
    await page.get_by_role("button", name="unread (new messages)").click()
    await expect(page.locator(".entry", has=page.locator(".divider.new"))).to_contain_text("new words")
    await expect(seen.message("for you")).to_have_class(re.compile("mentions-me"))
    await expect(page.get_by_role("button", name="unread", exact=True)).to_have_attribute("aria-current", "page")


async def test_those_who_write_are_named(seen: Seen) -> None:
    world, demo, page = seen.running.discord, seen.demo, seen.page
    await seen.enter(demo.general)
    await world.person(demo.tom).type(demo.general)
    await expect(page.locator("#typing")).to_have_text("Tom is typing…")
    await (await seen.place(demo.general)).typing()
    await expect(page.locator("#typing")).to_have_text("Tom and Infermatic are typing…")
    for who in (demo.mia, demo.max):
        await world.person(who).type(demo.general)
    await expect(page.locator("#typing")).to_have_text("Several people are typing…")
    await world.person(demo.tom).say(demo.general, "done")
    await expect(page.locator("#typing")).to_contain_text("Mia")
