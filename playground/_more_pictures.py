"""Pictures of the moderator's view, of a report, of privacy, and of several characters in one channel."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from playwright.async_api import expect

from playground._staff_pictures import answer_to
from playground.sample_card import FILENAME, sample_card

if TYPE_CHECKING:
    from playground.discord import Channel, Message
    from playground.pictures import Studio

PATIENCE = 30.0


async def moderation_picture(studio: Studio) -> None:
    """What a moderator sees beside the chat: a report, a pause, who used how much, what was changed."""
    demo, world = studio.playground.demo, studio.playground.discord
    ada, moderator = world.person(demo.ada), world.person(demo.max)
    panel = await answer_to(await ada.slash(demo.bot_lab, "setup"))
    await (await ada.click(panel, label="2 Moderation")).answered()
    await (await ada.select(panel, "setup-log-channel", [demo.mod_desk])).answered()
    reply = await _said_in(studio)
    await _reported(studio, reply)
    await (
        await moderator.slash(demo.bot_lab, "limit set", amount=60, unit="requests", per="hour", each="user")
    ).answered()
    await (await moderator.slash(demo.bot_lab, "access deny", {"user": demo.tom, "reason": "flooding"})).answered()
    await (await moderator.slash(demo.bot_lab, "pause", channel=demo.bot_lab)).answered()
    async with studio.page(width=1280, height=860) as page:
        await page.get_by_role("radio", name="Max").click()
        await page.locator(f'#channels [data-channel="{demo.mod_desk.id}"]').click()
        await expect(page.locator(".message").last).to_contain_text("Delete everywhere")
        await page.locator("#open-inspector").click()
        await page.get_by_role("tab", name="Moderation").click()
        await expect(page.locator(".staff-audit li").first).to_be_visible()
        await page.locator("#log").evaluate("log => log.scrollTo(0, log.scrollHeight)")
        await studio.shoot(page, "moderation")


async def _said_in(studio: Studio) -> Message:
    """Some use by several people; the last reply."""
    demo = studio.playground.demo
    for person, text in (
        (demo.mia, "We reach the lighthouse at dusk. I knock."),
        (demo.tom, "I hold the lantern up. Does anybody open?"),
        (demo.tom, "I said: does anybody open?!"),
    ):
        reply = await studio.ask(person, demo.roleplay, text)
    return reply


async def _reported(studio: Studio, reply: Message) -> None:
    demo, world = studio.playground.demo, studio.playground.discord
    mia = world.person(demo.mia)
    form = await mia.message_command(reply, "Report")
    await form.answered()
    await (await mia.submit(form, reason="He keeps shouting at the bot, and it shouts back.")).answered()
    await world.wait_for_message(demo.mod_desk, lambda one: one.author is world.bot, timeout=PATIENCE)


async def privacy_picture(studio: Studio) -> None:
    """What the bot says that it keeps."""
    demo, world = studio.playground.demo, studio.playground.discord
    await studio.ask(demo.mia, demo.bot_lab, "Do you remember me?")
    async with studio.page(width=1000, height=860) as page:
        await page.get_by_role("radio", name="Mia").click()
        await page.get_by_text("bot-lab", exact=True).first.click()
        await answer_to(await world.person(demo.mia).slash(demo.bot_lab, "privacy info"))
        await expect(page.locator(".message.ephemeral").last).to_be_visible()
        await page.locator("#log").evaluate("log => log.scrollTo(0, log.scrollHeight)")
        await studio.shoot(page, "privacy")


async def delete_picture(studio: Studio) -> None:
    """What will go, before it goes."""
    demo, world = studio.playground.demo, studio.playground.discord
    await studio.ask(demo.mia, demo.bot_lab, "Forget what I am going to say, will you?")
    async with studio.page(width=1000, height=520) as page:
        await page.get_by_role("radio", name="Mia").click()
        await page.get_by_text("bot-lab", exact=True).first.click()
        await answer_to(await world.person(demo.mia).slash(demo.bot_lab, "privacy delete"))
        await expect(page.locator(".message.ephemeral").last).to_be_visible()
        await page.locator("#log").evaluate("log => log.scrollTo(0, log.scrollHeight)")
        await studio.shoot(page, "privacy-delete")


_TOBIAS = {
    "name": "Tobias",
    "description": "{{char}} kept the lighthouse on Gull Point for thirty years.",
    "first_mes": "*He hangs his wet coat over the stove.* “Is there anything left to eat, Wren?”",
}
_TURNS = (
    ("Wren, did you see the light go out on Gull Point?", "“I saw it.” *She does not look at Tobias.* “Twice.”"),
    ("Tobias, who lit it again?", "“Nobody.” *He warms his hands.* “I took the matches with me.”"),
)


async def characters_picture(studio: Studio) -> None:
    """Two characters in one channel, each with a voice and a face."""
    demo, world = studio.playground.demo, studio.playground.discord
    moderator = world.person(demo.max)
    for file in ((FILENAME, sample_card()), ("tobias.json", _card(_TOBIAS))):
        preview = await answer_to(await moderator.slash(demo.bot_lab, "persona import", file=file))
        await (await moderator.click(preview, label="Confirm")).answered()
    await moderator.slash(demo.bot_lab, "persona use", name="Wren")
    await _spoken(studio, demo.bot_lab, "Wren")
    await moderator.slash(demo.bot_lab, "persona use", name="Tobias", beside=True)
    await _spoken(studio, demo.bot_lab, "Tobias")
    mia = world.person(demo.mia)
    for text, answer in _TURNS:
        studio.playground.infermatic.replies.add(answer)
        await mia.say(demo.bot_lab, text, mentions_bot=True)
        await _spoken(studio, demo.bot_lab, text.partition(",")[0], answer[:20])
    async with studio.page(width=1000, height=760) as page:
        await page.get_by_text("bot-lab", exact=True).first.click()
        await expect(page.locator(".message").last).to_contain_text("I took the matches with me.")
        await page.wait_for_function("() => document.querySelector('.entry:last-child .avatar img')?.naturalWidth > 0")
        await page.locator("#log").evaluate("log => log.scrollTo(0, log.scrollHeight)")
        await studio.shoot(page, "characters")


async def _spoken(studio: Studio, channel: Channel, name: str, words: str = "") -> Message:
    """The finished message of a character."""
    return await studio.playground.discord.wait_for_message(
        channel,
        lambda one: one.author.is_webhook and one.author.name == name and words in one.content and bool(one.components),
        timeout=PATIENCE,
    )


def _card(fields: dict[str, str]) -> bytes:
    return json.dumps({"spec": "chara_card_v2", "spec_version": "2.0", "data": fields}).encode()
