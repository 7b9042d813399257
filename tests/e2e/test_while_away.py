"""What people do to messages while nobody listens: the history follows when the bot is back."""

import pytest

from playground.discord import Permission
from tests.e2e.acting import NEWEST, buttons, quiet, shown
from tests.e2e.conftest import Stage, running
from tests.e2e.test_quotes import quoting

pytestmark = pytest.mark.usefixtures("no_rate_limits")


async def test_edits_and_deletions_are_followed(offstage: Stage) -> None:
    stage = offstage
    async with running(stage, stage.settings):
        remark = await stage.ada.say(stage.channel, "apples are blue")
        other = await stage.ada.say(stage.channel, "pears are square")
        await stage.ask(stage.tom, "is that so?", answer="Hm.", reply_to=remark)
        await stage.ask(stage.tom, "and that?", answer="Hm.", reply_to=other)
        edited = await stage.say(stage.ada, "a secret name", answer="Nice.")
        await stage.reply_to(edited)
        deleted = await stage.say(stage.tom, "a secret place", answer="I know.")
        reply = await stage.reply_to(deleted)
        removed = await stage.ask(stage.tom, "say it", answer="A secret answer.")
        last = await stage.ask(stage.ada, "well?", answer="Yes.")
        await stage.command(stage.moderator, "filter add", kind="words", text="vile")
    for message in (remark, deleted, removed):
        await stage.moderator.delete(message)
    await stage.ada.edit(edited, f"{stage.mention} a plain name")
    await stage.ada.edit(other, "pears are vile")
    async with running(stage, stage.settings):
        await stage.remembered(edited, "a plain name")
        await stage.remembered(deleted, "")
        await stage.forgotten(removed)
        await quiet(stage)
        assert await quoting(stage) == []
        await stage.ask(stage.tom, "and now?", answer="Now.")
        said = stage.said_to_model
        assert [word in said for word in ("secret", "apples", "pears", "plain name", "I know.")] == [False] * 3 + [
            True
        ] * 2
        assert reply in shown(stage)
        await stage.world.wait_until(lambda: (last.content, buttons(last)) == ("Yes.", []))
    count = len(stage.prompts)
    async with running(stage, stage.settings):
        await quiet(stage)
        assert len(stage.prompts) == count
        await stage.world.wait_until(lambda: buttons(shown(stage)[-1]) == NEWEST)


async def test_an_edit_is_followed_once(offstage: Stage) -> None:
    stage = offstage
    async with running(stage, stage.settings):
        said = await stage.say(stage.ada, "look", answer="I see.", files=[("notes.txt", b"apples are blue")])
        await stage.reply_to(said)
        await stage.ada.edit(said, f"{stage.mention} look here")
        await stage.world.wait_until(lambda: "edited" in shown(stage)[0].content)
    stage.world.faults.add("GET", "/attachments/", status=404, times=None)
    async with running(stage, stage.settings):
        await quiet(stage)
        await stage.ask(stage.ada, "and now?", answer="Now.")
        assert "apples are blue" in stage.said_to_model


async def test_a_past_that_may_not_be_read_is_not_taken_for_deleted(offstage: Stage) -> None:
    stage = offstage
    async with running(stage, stage.settings):
        await stage.ask(stage.ada, "apples are blue", answer="Nice.")
    stage.channel.set_permissions(stage.guild.members[stage.world.bot.id], deny=Permission.READ_MESSAGE_HISTORY)
    async with running(stage, stage.settings):
        await quiet(stage)
        stage.channel.set_permissions(stage.guild.members[stage.world.bot.id])
        await stage.ask(stage.ada, "and now?", answer="Now.")
        assert "apples are blue" in stage.said_to_model


async def test_private_answers_stay(offstage: Stage) -> None:
    stage = offstage
    async with running(stage, stage.settings):
        await stage.ask(stage.ada, "in public", answer="Yes.")
        await stage.command(stage.ada, "chat", message="a secret", private=True)
        await quiet(stage)
    async with running(stage, stage.settings):
        await stage.command(stage.ada, "chat", message="and now?", private=True)
        await quiet(stage)
        assert "a secret" in stage.said_to_model
