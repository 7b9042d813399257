"""`/profile` and `/note`: who people are for characters, and words that stand near the end of each prompt."""

from typing import Any

import pytest

from playground.discord import InvalidOptionError
from storage.audit import AuditFilter
from tests.chat import card_files as files
from tests.chat.card_files import as_json
from tests.e2e.acting import asked
from tests.e2e.conftest import Stage, changed, running

pytestmark = pytest.mark.usefixtures("no_rate_limits")


async def with_mira(stage: Stage, channel: Any, **fields: Any) -> None:
    """Let a character of the server speak in a channel."""
    card = files.card(2, name="Mira", description="Mira waits for {{user}}.", alternate_greetings=[], **fields)
    preview = await stage.command(stage.moderator, "persona import", file=("card.json", as_json(card)))
    await stage.press(stage.moderator, preview, "Confirm")
    await stage.command(stage.moderator, "persona use", channel, name="Mira")


def part(stage: Stage, name: str) -> str:
    """The lines of the newest prompt's opening that name somebody."""
    return "\n".join(line for line in stage.prompts[-1][0]["content"].splitlines() if name in line)


async def test_characters_know_who_people_are(offstage: Stage) -> None:
    stage = offstage
    other = stage.world.add_guild("Lighthouse", owner=stage.admin.user).add_text_channel("general")
    assert other.guild is not None
    other.guild.add_member(stage.ada.user)
    async with running(stage, stage.settings):
        said = await stage.command(stage.ada, "profile set", name="Kira:", description="{{user}} is {{char}}'s sister.")
        assert said.ephemeral
        assert (said.embeds[0]["title"], said.embeds[0]["description"]) == ("Kira", "{{user}} is {{char}}'s sister.")
        await with_mira(stage, stage.channel, first_mes="Who goes there, {{user}}?")
        await stage.reply("Who goes there, Max?")
        await stage.ask(stage.ada, "It is me.")
        assert part(stage, "sister") == "Kira is Mira's sister."
        assert "Mira waits for Kira." in stage.said_to_model
        assert "Ada" not in stage.said_to_model
        await stage.command(stage.tom, "profile set", description="Tall.")
        await stage.ask(stage.tom, "And me.")
        assert "Mira waits for Tom." in stage.said_to_model
        assert part(stage, "Tall") == "Tom: Tall."
        assert part(stage, "sister") == "Kira: Kira is Mira's sister."
        assert "Kira: It is me." in stage.said_to_model
        assert {"\nKira:", "\nTom:"} <= set(asked(stage)[-1].body["stop"])
        await stage.ask(stage.ada, "Elsewhere.", channel=other)
        assert "Kira" not in stage.said_to_model
        assert "no profile" in (await stage.command(stage.ada, "profile clear", other)).content
        reset = await stage.command(stage.ada, "chat", message="By command.")
        assert reset is not None
        assert "Kira: By command." in stage.said_to_model
    async with running(stage, stage.settings):
        await stage.ask(stage.ada, "Again.")
        assert part(stage, "sister") == "Kira: Kira is Mira's sister."
        shown = await stage.command(stage.ada, "profile show")
        assert shown.ephemeral
        assert shown.embeds[0]["title"] == "Kira"
        assert "gone" in (await stage.command(stage.ada, "profile clear")).content
        await stage.ask(stage.ada, "Once more.")
        assert "Ada: Once more." in stage.said_to_model
        assert "Kira: It is me." in stage.said_to_model  # said as Kira, it stays so
        assert "sister" not in part(stage, "Kira")
        assert "who Discord says" in (await stage.command(stage.ada, "profile show")).content


async def test_a_profile_is_written_in_a_form_and_told_of_without_a_character(stage: Stage) -> None:
    opened = await stage.ada.slash(stage.channel, "profile set")
    await opened.answered()
    await (await stage.ada.submit(opened, name="Kira", description="A smith.\nStrong.")).answered()
    await stage.ask(stage.ada, "Hello.")
    assert stage.prompts[-1][0]["content"] == "You are the bot of this test.\n\nA smith.\nStrong."
    opened = await stage.ada.slash(stage.channel, "profile set")
    await opened.answered()
    submitted = await stage.ada.submit(opened, description="")  # the name is still in its field
    assert (await submitted.answered()).response.embeds[0]["title"] == "Kira"
    await stage.command(stage.ada, "profile set", name=" : ")
    assert "who Discord says" in (await stage.command(stage.ada, "profile show")).content
    with pytest.raises(InvalidOptionError):
        await stage.command(stage.ada, "profile set", name="K" * 33)


async def test_a_profile_holds_in_direct_messages_on_its_own(offstage: Stage) -> None:
    async with running(offstage, changed(offstage.settings, allow_dms=True)):
        await offstage.at_home(offstage.ada)
        place = await offstage.ada.open_dm()
        await offstage.command(offstage.ada, "profile set", name="Kira", description="A smith.")
        await offstage.ask(offstage.ada, "Hello.", channel=place)
        assert "A smith." not in offstage.said_to_model
        await offstage.command(offstage.ada, "profile set", place, description="A sailor.")
        await offstage.ask(offstage.ada, "Hello.", channel=place)
        assert "A sailor." in offstage.said_to_model


async def test_a_note_stands_near_the_end_of_each_prompt(offstage: Stage) -> None:
    stage = offstage
    thread = stage.channel.add_thread("plans", stage.ada.user)
    async with running(stage, stage.settings):
        told = await stage.command(stage.moderator, "note set", text="The butler did it.", depth=1)
        assert not told.ephemeral
        assert "butler" not in told.content
        assert "one message before the end of each prompt, as an instruction" in told.content
        await stage.ask(stage.tom, "Who was it?", answer="Guess.", channel=thread)
        await stage.ask(stage.tom, "Tell me.", answer="No.", channel=thread)
        assert stage.prompts[-1][-1] == {"role": "user", "content": "The butler did it.\n\nTell me."}
        await stage.command(stage.ada, "note set", thread, text="It rains.", depth=0, role="user")
        await stage.ask(stage.tom, "And now?", channel=thread)
        assert stage.prompts[-1][-1] == {"role": "user", "content": "And now?\n\nIt rains."}
        assert "butler" not in stage.said_to_model
        assert "That is for" in (await stage.command(stage.tom, "note set", thread, text="It snows.")).content
    async with running(stage, stage.settings) as bot:
        shown = await stage.command(stage.tom, "note show", thread)
        assert shown.ephemeral
        assert shown.embeds[0]["description"] == "It rains."
        assert "set by this thread" in shown.embeds[0]["footer"]["text"]
        gone = await stage.command(stage.ada, "note clear", thread)
        assert "That of this thread's channel holds again." in gone.content
        assert "No note was set for this very place." in (await stage.command(stage.ada, "note clear", thread)).content
        await stage.command(stage.moderator, "note clear")
        assert "no note here" in (await stage.command(stage.tom, "note show", thread)).content
        changes = await bot.services.audit.page(stage.guild.id, AuditFilter())
        assert [(change.action, change.actor_id) for change in changes] == [
            ("set note", person.user.id) for person in (stage.moderator, stage.ada, stage.ada, stage.moderator)
        ]
