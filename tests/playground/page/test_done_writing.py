"""Writing at the page: suggestions, files, drafts, replies, edits, menus and commands."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from playwright.async_api import FilePayload, expect

from .stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="package")

PICTURE = base64.b64decode("R0lGODlhAQABAIAAAAUEBAAAACwAAAAAAQABAAACAkQBADs=")

DROP = """([name, kind]) => {
  const brought = new DataTransfer();
  brought.items.add(new File(["hello"], name, { type: kind }));
  for (const step of ["dragenter", "dragover", "drop"])
    window.dispatchEvent(new DragEvent(step, { dataTransfer: brought, bubbles: true, cancelable: true }));
}"""

PASTE = """(element, text) => {
  const pasted = new DataTransfer();
  pasted.setData("text/plain", text);
  element.dispatchEvent(new ClipboardEvent("paste", { clipboardData: pasted, bubbles: true, cancelable: true }));
}"""


async def test_words_are_completed_and_lines_broken(stage: Stage) -> None:
    page, box = stage.page, stage.box
    demo = stage.running.demo
    moderator = next(role for role in demo.guild.roles.values() if role.name == "Moderator")
    await box.press_sequentially("@mi")
    await expect(box).to_have_attribute("aria-expanded", "true")
    await expect(page.get_by_role("listbox", name="Suggestions").get_by_role("option")).to_have_count(1)
    await page.keyboard.press("Tab")
    await box.press_sequentially("@modera")
    await page.keyboard.press("Enter")
    await box.press_sequentially("#role")
    await page.get_by_role("option", name="#roleplay").click()
    await box.press_sequentially(":smi")
    await page.keyboard.press("ArrowDown")
    active = await box.get_attribute("aria-activedescendant")
    await expect(page.locator(f"#{active}")).to_have_attribute("aria-selected", "true")
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Shift+Enter")
    low = await box.evaluate("node => node.offsetHeight")
    await box.press_sequentially(":lanter")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Shift+Enter")
    await box.press_sequentially("3 `:fire:` :fire: :lan")
    assert await box.evaluate("node => node.offsetHeight") > low
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("listbox", name="Suggestions")).to_be_hidden()
    await page.keyboard.press("Enter")
    await expect(stage.message("`:fire:`").or_(page.locator(".message .text"))).to_be_visible()
    emoji = next(iter(demo.guild.emojis.values()))
    mentions = f"{demo.mia.mention} {moderator.mention} {demo.roleplay.mention}"
    written = f"{mentions} 😃 \n<:lantern:{emoji.id}> \n3 `:fire:` 🔥 :lan"
    assert stage.channel.messages[-1].content == written
    await page.get_by_role("button", name="Emoji", exact=True).click()
    await page.get_by_role("combobox", name="Find an emoji").fill("tad")
    await page.keyboard.press("Enter")
    await expect(box).to_have_value("🎉 ")
    await expect(box).to_be_focused()
    await box.fill("")


async def test_files_come_by_button_drop_and_long_paste(stage: Stage) -> None:
    page, box = stage.page, stage.box
    files = page.get_by_role("list", name="Files to send").get_by_role("listitem")
    await page.locator("input[type=file]").set_input_files(
        FilePayload(name="dot.gif", mimeType="image/gif", buffer=PICTURE)
    )
    await expect(files.locator("img")).to_have_attribute(
        "src", "data:image/gif;base64," + base64.b64encode(PICTURE).decode()
    )
    await page.evaluate(DROP, ["notes.txt", "text/plain"])
    await box.evaluate(PASTE, "long " * 401)
    await expect(page.get_by_text("attached as message.txt")).to_be_visible()
    await expect(files.locator(".preview-name")).to_have_text(["dot.gif", "notes.txt", "message.txt"])
    await page.get_by_role("button", name="Remove notes.txt").click()
    await expect(page.get_by_role("button", name="Remove message.txt")).to_be_focused()
    await box.press("Enter")
    await expect(files).to_have_count(0)
    await expect(page.locator(".message")).to_have_count(1)
    sent = stage.channel.messages[-1].attachments
    assert [(file.filename, file.size) for file in sent] == [("dot.gif", len(PICTURE)), ("message.txt", 2005)]
    await page.evaluate(
        """() => { window.big = new DataTransfer(); big.items.add(new File([new Uint8Array(10485761)], "big.bin")) }"""
    )
    await page.evaluate(
        """() => window.dispatchEvent(new DragEvent("drop", { dataTransfer: big, bubbles: true, cancelable: true }))"""
    )
    await expect(page.get_by_role("alert").filter(has_text="big.bin is too large")).to_be_visible()
    await box.fill("x" * 2001)
    await expect(page.locator(".composer-count")).to_have_text("-1")
    await box.press("Enter")
    await expect(page.get_by_role("alert").filter(has_text="1 characters too long")).to_be_visible()
    assert len(stage.channel.messages) == 1
    await box.fill("")


async def test_drafts_stay_in_their_channel_and_outlive_a_reload(stage: Stage) -> None:
    page, box = stage.page, stage.box
    await stage.say("something to answer")
    target = stage.message("something to answer")
    await target.hover()
    await target.get_by_role("button", name="Reply").click()
    await box.fill("half a thought")
    await page.evaluate(DROP, ["notes.txt", "text/plain"])
    await page.get_by_role("button", name="bot-lab").click()
    await expect(box).to_have_value("")
    await expect(page.get_by_text("Replying to")).to_be_hidden()
    await box.fill("another")
    await page.get_by_role("button", name=stage.channel.name).click()
    await expect(box).to_have_value("half a thought")
    await expect(page.get_by_text("Replying to Ada")).to_be_visible()
    await expect(page.get_by_role("button", name="Remove notes.txt")).to_be_visible()
    await stage.become("Mia")
    await expect(box).to_have_value("")
    await stage.become("Ada")
    await expect(box).to_have_value("half a thought")
    await page.reload()
    await page.wait_for_selector("[data-ready]")
    await expect(box).to_have_value("half a thought")
    await box.fill("")
    await page.get_by_role("button", name="bot-lab").click()
    await expect(box).to_have_value("another")
    await box.fill("")


async def test_messages_are_answered_edited_in_place_and_deleted(stage: Stage) -> None:
    page, box = stage.page, stage.box
    await stage.say("frist")
    await expect(stage.message("frist")).to_be_visible()
    await page.keyboard.press("ArrowUp")
    edit = page.get_by_role("combobox", name="Edit message")
    await expect(edit).to_have_value("frist")
    await expect(edit).to_be_focused()
    await edit.fill("lost")
    await page.keyboard.press("Escape")
    await expect(box).to_be_focused()
    await page.keyboard.press("ArrowUp")
    await edit.fill("first @Mia ")
    await page.keyboard.press("Enter")
    own = stage.message("first")
    await expect(own.locator(".text")).to_have_text("first @Mia (edited)")
    assert stage.running.demo.mia in stage.channel.messages[-1].mentions
    await stage.become("Mia")
    theirs = stage.message("first")
    await theirs.hover()
    await theirs.get_by_role("button", name="Reply").click()
    await page.get_by_role("button", name="@ on").click()
    await expect(page.get_by_role("button", name="@ off")).to_be_focused()
    await stage.say("here I am")
    await expect(stage.message("here I am").locator(".context")).to_contain_text("Ada")
    assert stage.running.demo.ada not in stage.channel.messages[-1].mentions
    last = stage.message("here I am")
    await page.keyboard.press("ArrowUp")
    await edit.fill("")
    await page.keyboard.press("Enter")
    question = page.get_by_role("alertdialog", name="Delete message")
    await expect(question).to_contain_text("here I am")
    await page.keyboard.press("Escape")
    await expect(edit).to_be_focused()
    await page.keyboard.press("Escape")
    await last.click(button="right", position={"x": 200, "y": 20})
    await page.get_by_role("menuitem", name="Delete").click()
    await question.get_by_role("button", name="Delete").click()
    await expect(last).to_have_count(0)


async def test_a_menu_reacts_and_uses_the_bots_commands(stage: Stage) -> None:
    page = stage.page
    await stage.say("look at this")
    message = stage.message("look at this")
    await message.hover()
    await message.get_by_role("button", name="Add reaction").click()
    await page.get_by_role("combobox", name="Find an emoji").press_sequentially("lanter")
    await page.get_by_role("option", name="lantern").click()
    await expect(message.get_by_role("button", name=":lantern:, 1")).to_have_attribute("aria-pressed", "true")
    await message.focus()
    await page.keyboard.press("Enter")
    menu = page.get_by_role("menu", name="Message")
    await expect(menu.get_by_role("menuitem", name="React with 👍")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(message).to_be_focused()
    await page.keyboard.press("r")
    await expect(page.get_by_text("Replying to Ada")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_text("Replying to Ada")).to_be_hidden()
    await message.hover()
    await message.get_by_role("button", name="More").click()
    await menu.get_by_role("menuitem", name="React with 🎉").click()
    await expect(message.get_by_role("button", name="🎉, 1")).to_be_visible()
    await message.click(button="right", position={"x": 200, "y": 20})
    await menu.get_by_role("group", name="Apps").get_by_role("menuitem", name="Report").click()
    await expect(page.locator(".message.ephemeral")).to_contain_text("Reported: look at this")


async def test_a_command_asks_for_its_options_and_checks_them(stage: Stage) -> None:
    page = stage.page
    await stage.box.press_sequentially("/fil")
    await expect(page.get_by_role("option", name="/fill")).to_contain_text("Takes one of everything")
    await page.keyboard.press("Enter")
    form = page.get_by_role("form", name="/fill")
    title, count = form.get_by_label("title"), form.get_by_label("count")
    await expect(title).to_be_focused()
    await form.get_by_role("button", name="Send").click()
    await expect(form.get_by_text("This option is required.")).to_have_count(3)
    await expect(title).to_be_focused()
    await title.fill("ab")
    await count.fill("1.5")
    await form.get_by_role("button", name="Send").click()
    await expect(form.get_by_text("At least 3 characters, please.")).to_be_visible()
    await expect(form.get_by_text("This takes a whole number.")).to_be_visible()
    await count.fill("9")
    await page.keyboard.press("Enter")
    await expect(form.get_by_text("This takes 1 to 5.")).to_be_visible()
    await title.fill("abc")
    await count.fill("5")

    async def choose(name: str, option: str) -> None:
        await form.get_by_role("combobox", name=name).click()
        await page.get_by_role("option", name=option, exact=True).click()

    await choose("who", "Mia mia")
    for name in ("ratio", "loud", "role", "place", "anyone", "size", "card"):
        await form.get_by_role("button", name=f"Add {name}:").click()
    await form.get_by_label("ratio").fill("0.5")
    await choose("loud", "True")
    await choose("role", "@Roleplayer")
    await choose("place", "roleplay")
    await choose("anyone", "@Moderator")
    await choose("size", "Small cup")
    await page.evaluate(DROP, ["card.json", "application/json"])
    await form.get_by_role("button", name="Send").click()
    filled: list[Any] = ["abc", 5, "mia", 0.5, True, "Roleplayer", "roleplay", "Moderator", "s", "card.json"]
    await expect(page.locator(".message.ephemeral")).to_contain_text(f"Filled: {filled}")
    await expect(form).to_have_count(0)


async def test_suggestions_come_while_one_types_and_only_what_is_allowed_is_offered(stage: Stage) -> None:
    page = stage.page
    await stage.box.press_sequentially("/mod")
    await expect(page.get_by_role("option", name="/model set")).to_contain_text("Choose the model of this channel")
    await page.keyboard.press("Enter")
    form = page.get_by_role("form", name="/model set")
    await form.get_by_role("combobox", name="model").press_sequentially("rocin")
    await expect(page.get_by_role("option")).to_have_text(["TheDrummer-Rocinante-12B-v1.1"])
    await page.keyboard.press("Enter")
    await form.get_by_label("temperature").fill("1.25")
    await page.keyboard.press("Enter")
    answer = page.locator(".message.ephemeral")
    await expect(answer).to_contain_text("TheDrummer-Rocinante-12B-v1.1 answers from now on, at 1.25.")
    assert stage.bot.chosen_model == "TheDrummer-Rocinante-12B-v1.1"
    await stage.box.press_sequentially("/ban")
    await expect(page.get_by_role("option", name="/ban")).to_be_visible()
    await stage.box.fill("")
    await stage.become("Tom")
    await expect(answer).to_have_count(0)
    await stage.box.press_sequentially("/b")
    await expect(page.get_by_role("option", name="/ban")).to_have_count(0)
    tom = stage.running.demo.guild.members[stage.running.demo.tom.id]
    moderator = next(role for role in stage.running.demo.guild.roles.values() if role.name == "Moderator")
    async with page.expect_response("**/commands?*"):
        tom.add_role(moderator)
    await stage.box.fill("")
    await stage.box.press_sequentially("/b")
    await expect(page.get_by_role("option", name="/ban")).to_be_visible()
    await stage.box.fill("")
    tom.remove_role(moderator)
