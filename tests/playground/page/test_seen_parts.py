"""What a message holds: text, embeds, pictures, files, buttons, menus, layouts and forms."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import discord
import pytest
import pytest_asyncio
from playwright.async_api import expect

from .opening import redirected
from .seen import Seen
from .showing_bot import all_marks, picture

pytestmark = pytest.mark.asyncio(loop_scope="package")


@pytest_asyncio.fixture(loop_scope="package")
async def seen(gallery: Seen, request: pytest.FixtureRequest) -> AsyncIterator[Seen]:
    """Yield the stage in a channel of its own; errors in its console fail the test."""
    gallery.errors.clear()
    gallery.bot.answers.clear()
    while not gallery.bot.heard.empty():
        gallery.bot.heard.get_nowait()
    gallery.channel = gallery.demo.guild.add_text_channel(request.node.name.removeprefix("test_")[:30])
    await gallery.page.set_viewport_size({"width": 1280, "height": 800})
    await gallery.enter(gallery.channel)
    with redirected(gallery.running):
        yield gallery
    assert not gallery.errors


async def test_markdown_is_alive(seen: Seen) -> None:
    page, demo = seen.page, seen.demo
    said = await seen.running.discord.person(demo.tom).say(seen.channel, "where it leads")
    await seen.running.discord.person(demo.mia).say(seen.channel, all_marks(demo, said.jump_url))
    text = seen.message("Heading").locator(".text")
    for tag in ("strong", "em", "u", "s", "code", "blockquote", "ul ul", "ol", "pre", ".h1", ".h2", ".subtext"):
        await expect(text.locator(tag).first).to_be_visible()
    await expect(text.locator(".code-keyword").first).to_have_text("def")
    await expect(text.locator("span.emoji")).to_have_text("👋")
    wave = text.get_by_role("img", name=":wave:")
    assert await wave.evaluate("image => image.naturalWidth > 0")
    await expect(text.locator("time")).to_have_text(re.compile("years ago"))
    await expect(text.locator(".mention")).to_have_text(
        ["@Mia", "@Moderator", "#roleplay", "@everyone", f"#{seen.channel.name} › message"]
    )
    spoiler = text.get_by_role("button", name="Spoiler")
    assert await spoiler.evaluate("s => getComputedStyle(s).color") == "rgba(0, 0, 0, 0)"
    await spoiler.focus()
    await page.keyboard.press("Enter")
    await expect(text.locator(".spoiler")).to_have_attribute("aria-expanded", "true")
    await text.get_by_role("link", name="message").click()
    await expect(page.locator(f"#message-{said.id}")).to_have_class(re.compile("pointed-at"))
    await text.get_by_role("link", name="#roleplay").click()
    await expect(page.get_by_role("heading", name="roleplay", level=1)).to_be_visible()


async def test_a_hostile_message_does_nothing(seen: Seen) -> None:
    page, channel = seen.page, await seen.place(seen.channel)
    evil = "<img src=x onerror=document.title='stolen'><script>document.title='stolen'</script>[x](javascript:alert(1))"
    embed = discord.Embed(title=evil[:200], description=evil).set_footer(text=evil).set_author(name=evil[:200])
    embed.add_field(name=evil[:200], value=evil)
    view = discord.ui.View(timeout=None)
    view.add_item(discord.ui.Button(label="<b>bold</b>", custom_id="<b>"))
    view.add_item(discord.ui.Select(placeholder="<i>", options=[discord.SelectOption(label="<u>x</u>", value="x")]))
    await channel.send(evil, embed=embed, view=view)
    message = seen.message("stolen")
    await expect(message.get_by_role("button", name="<b>bold</b>")).to_be_visible()
    assert await message.locator("script, img, [onerror], a[href^='javascript']").count() == 0
    await message.get_by_role("combobox", name="<i>").click()
    await expect(page.get_by_role("option", name="<u>x</u>")).to_be_visible()
    await page.keyboard.press("Escape")
    assert "stolen" not in await page.title()


async def test_embeds_show_all_their_parts(seen: Seen) -> None:
    await seen.bot.show_embed(await seen.place(seen.channel))
    embed = seen.page.locator(".embed")
    await expect(embed.get_by_role("link", name="Mira")).to_have_attribute("href", "https://example.org/mira")
    await expect(embed.locator("dt")).to_have_text(["Model", "Lore", "Tokens", "Greeting"])
    await expect(embed.locator(".embed-footer")).to_contain_text(re.compile(r"By Mia • \d\d:\d\d"))
    assert await embed.evaluate("e => getComputedStyle(e).borderLeftColor") == "rgb(215, 154, 93)"
    tops = await embed.locator(".field").evaluate_all("all => all.map(f => Math.round(f.getBoundingClientRect().top))")
    assert len(set(tops[:3])) == 1, "inline fields stand side by side"
    assert tops[3] > tops[0]
    assert await embed.locator("img").evaluate_all("all => all.every(i => i.complete && i.naturalWidth > 0)")
    await expect(seen.page.locator(".message").last.locator(".part-attachments")).to_be_empty()


async def test_pictures_open_in_full_and_files_can_be_had(seen: Seen) -> None:
    page = seen.page
    files = [(f"{name}.png", picture(20, 20, (90, 90, 200))) for name in ("one", "two", "SPOILER_three")]
    notes = ("notes.txt", b"the first line\n" * 40)
    await seen.running.discord.person(seen.demo.mia).say(
        seen.channel, "look", files=[*files, notes, ("x.bin", b"1" * 2048)]
    )
    message = seen.message("look")
    await message.get_by_role("link", name="Enlarge: one.png").click()
    box = page.get_by_role("dialog", name="Picture")
    await expect(box.locator("img")).to_have_attribute("alt", "one.png")
    await page.keyboard.press("ArrowRight")
    await expect(box).to_contain_text("2 of 2")
    await page.keyboard.press("Escape")
    await expect(box).to_be_hidden()
    await expect(message.get_by_role("link", name="Enlarge: one.png")).to_be_focused()
    await message.get_by_role("link", name="Spoiler: picture").click()
    await expect(message.get_by_role("link", name="Enlarge: SPOILER_three.png")).to_be_visible()
    await expect(message.locator(".file-text pre")).to_contain_text("the first line")
    await message.get_by_role("button", name="Show more of notes.txt").click()
    await expect(message.locator(".file-text")).to_have_class("file-text open")
    await expect(message.get_by_role("link", name="Download x.bin")).to_have_attribute("download", "x.bin")
    await expect(message).to_contain_text("2.0 KB")


async def test_buttons_wait_and_say_when_nothing_comes(seen: Seen) -> None:
    page, settings = seen.page, seen.running.discord.settings
    await seen.bot.show_buttons(await seen.place(seen.channel))
    slow = page.get_by_role("button", name="Slow")
    await slow.focus()
    await page.keyboard.press("Enter")
    await expect(slow).to_have_attribute("aria-busy", "true")
    seen.bot.answers.set()
    await expect(slow).not_to_have_attribute("aria-busy", "true")
    await expect(slow).to_be_focused()
    before, settings.interaction_deadline_seconds = settings.interaction_deadline_seconds, 0.2
    await page.get_by_role("button", name="Never").click()
    await expect(seen.message("Press one").get_by_role("alert")).to_contain_text("This interaction failed")
    settings.interaction_deadline_seconds = before
    await page.get_by_role("button", name="🔒").click()
    private = seen.message("Only for you.")
    await expect(private).to_contain_text("Only you can see this")
    await expect(seen.message("Press one").get_by_role("alert")).to_have_count(0)
    await private.get_by_role("button", name="Dismiss message").click()
    await expect(private).to_have_count(0)
    seen.bot.answers.clear()
    await page.get_by_role("button", name="Think").click()
    await expect(page.get_by_text("Infermatic is thinking…")).to_be_visible()
    seen.bot.answers.set()
    await expect(seen.message("Thought.")).to_be_visible()
    await expect(page.locator("#announcer")).to_contain_text("Infermatic: Thought.")
    await expect(page.get_by_role("button", name="Closed")).to_be_disabled()
    await expect(page.get_by_role("link", name="Handbook")).to_have_attribute("rel", "noopener noreferrer")


async def test_menus_offer_what_there_is(seen: Seen) -> None:
    page, demo = seen.page, seen.demo
    await seen.bot.show_menus(await seen.place(seen.channel))
    colours = page.get_by_role("combobox", name="Colours")
    await colours.focus()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("option", name="Blue")).to_have_attribute("aria-disabled", "true")
    await page.keyboard.press("Escape")
    assert await seen.bot.heard.get() == ("colours", ["Red", "Green"])
    await expect(colours).to_be_focused()
    await expect(colours).to_contain_text("Green")
    await page.get_by_role("combobox", name="Who", exact=True).click()
    await page.keyboard.type("mi")
    await expect(page.get_by_role("option")).to_have_count(1)
    await page.keyboard.press("Enter")
    assert await seen.bot.heard.get() == ("user", [str(demo.mia.id)])
    await page.get_by_role("combobox", name="Which role").click()
    await page.get_by_role("option", name="@Moderator").click()
    assert (await seen.bot.heard.get())[0] == "role"
    await page.get_by_role("combobox", name="Where").click()
    await page.get_by_role("option", name="roleplay").click()
    assert await seen.bot.heard.get() == ("channel", [str(demo.roleplay.id)])
    await page.get_by_role("combobox", name="Whoever").click()
    await page.get_by_role("option", name="Tom").click()
    await page.get_by_role("option", name="@Roleplayer").click()
    await page.keyboard.press("Escape")
    assert (await seen.bot.heard.get())[1][0] == str(demo.tom.id)


async def test_layouts_are_drawn(seen: Seen) -> None:
    await seen.bot.show_layout(await seen.place(seen.channel))
    box = seen.page.locator(".container")
    await expect(box.locator(".h2")).to_have_text("Setup")
    assert await box.evaluate("b => getComputedStyle(b).borderLeftColor") == "rgb(93, 176, 215)"
    await expect(box.locator(".section").first.get_by_role("button", name="Change")).to_be_visible()
    await expect(box.locator(".thumbnail")).to_be_visible()
    await expect(box.locator("hr.separator.large")).to_have_count(1)
    await expect(box.get_by_role("link", name="Enlarge: First")).to_be_visible()
    await expect(box.get_by_role("link", name="Spoiler: picture")).to_be_visible()
    await expect(box.locator(".file-text")).to_contain_text("Mira")
    await expect(seen.page.locator(".message").last.locator(".part-attachments")).to_be_empty()


async def test_forms_check_what_is_written(seen: Seen) -> None:
    page = seen.page
    await seen.bot.show_buttons(await seen.place(seen.channel))
    opener = page.get_by_role("button", name="Form", exact=True)
    await opener.click()
    await seen.bot.heard.get()
    form = page.get_by_role("dialog", name="A form")
    name = form.get_by_role("textbox", name="Name")
    await expect(name).to_be_focused()
    await page.keyboard.type("ab")
    await page.keyboard.press("Enter")
    await expect(name).to_have_attribute("aria-invalid", "true")
    await expect(form.get_by_text("At least 3 characters, please.")).to_be_visible()
    await expect(form.get_by_text("This field is required.")).to_have_count(2)
    await page.keyboard.type("c")
    await expect(form.get_by_text("At least 3 characters, please.")).to_have_count(0)
    await expect(form.get_by_text("3 / 20")).to_be_visible()
    await form.get_by_role("combobox", name="Mood").click()
    await page.get_by_role("option", name="Wild").click()
    await form.locator("input[type=file]").set_input_files(
        {"name": "mira.json", "mimeType": "text/json", "buffer": b"{}"}
    )
    await expect(form.get_by_role("button", name="Remove mira.json")).to_be_visible()
    for _ in range(12):
        await page.keyboard.press("Tab")
        assert await page.evaluate(
            "document.activeElement.closest('dialog') !== null || document.activeElement === document.body"
        )
    await form.get_by_role("button", name="Submit").click()
    assert await seen.bot.heard.get() == ("abc", "", ["Wild"], ["mira.json"])
    await expect(form).to_be_hidden()
    await expect(seen.message("abc it is.")).to_be_visible()
    await expect(opener).to_be_focused()
    await opener.click()
    await expect(form).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(form).to_be_hidden()
    await expect(opener).to_be_focused()


async def test_reactions_are_counted_and_toggled(seen: Seen) -> None:
    page, demo, world = seen.page, seen.demo, seen.running.discord
    said = await world.person(demo.mia).say(seen.channel, "👍 🎉")
    await world.person(demo.tom).react(said, "🕯️")
    await expect(page.locator(".message .text.jumbo")).to_be_visible()
    reaction = page.get_by_role("button", name="🕯️, 1")
    await expect(reaction).to_have_attribute("aria-pressed", "false")
    await expect(reaction).to_have_attribute("title", "Tom")
    await reaction.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="🕯️, 2")).to_have_attribute("aria-pressed", "true")
    await expect(page.get_by_role("button", name="🕯️, 2")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="🕯️, 1")).to_have_attribute("aria-pressed", "false")


async def test_webhooks_have_faces_of_their_own(seen: Seen) -> None:
    page, channel = seen.page, await seen.place(seen.channel)
    webhook = await channel.create_webhook(name="Mira", avatar=picture(16, 16, (90, 160, 120)))
    await webhook.send("Good evening, traveller.")
    await webhook.send("The lamp is lit.")
    await webhook.send("And I am somebody else.", username="Old Tom")
    first, same, other = (page.locator(".message").nth(place) for place in range(3))
    await expect(first.locator(".part-head")).to_contain_text(re.compile("Mira.*APP"))
    await page.wait_for_function("() => document.querySelector('.message .avatar img')?.naturalWidth === 16")
    await expect(same).to_have_class(re.compile("follows"))
    await expect(other.locator(".author")).to_have_text("Old Tom")
    await webhook.send("My face is elsewhere.", avatar_url="https://example.org/face.png")
    await expect(seen.message("My face is elsewhere.").locator(".gutter .avatar")).to_have_text("M")
    said = seen.channel.messages[0]
    await seen.running.discord.person(seen.demo.tom).say(seen.channel, "Good evening to you", reply_to=said)
    quote = page.get_by_role("button", name="Replying to Mira: Good evening, traveller.")
    await expect(quote.locator(".badge")).to_have_text("APP")
    await expect(quote.locator(".avatar img")).to_have_count(1)
