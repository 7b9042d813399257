"""Remarks out of character are between people: the bot neither reads nor answers them."""

import pytest

from tests.e2e.acting import quiet, stored
from tests.e2e.conftest import Stage

pytestmark = pytest.mark.usefixtures("no_rate_limits")


async def test_nothing_but_an_aside_is_not_answered_and_not_kept(stage: Stage) -> None:
    assert stage.bot is not None
    aside = await stage.say(stage.ada, "((brb, tea))")
    await stage.command(stage.moderator, "channel set", trigger="always")
    overheard = await stage.tom.say(stage.channel, "((me too))")
    by_command = await stage.command(stage.ada, "chat", message="((back))")
    assert (by_command.content, by_command.ephemeral) == (
        "-# That is a remark out of character. I take no notice of it.",
        True,
    )
    await quiet(stage)
    for message in (aside, overheard):
        assert not message.reactions
        assert not [m for m in stage.channel.messages if m.reply_to is message]
        assert await stage.bot.services.storage.history.by_discord_id(stage.guild.id, message.id) is None
    assert not stage.prompts


async def test_asides_are_left_out_of_what_is_said_of_commands_and_of_what_is_replied_to(stage: Stage) -> None:
    said = await stage.say(stage.ada, "I open the door ((slowly)) and wait")
    await stage.reply_to(said)
    assert (await stored(stage, said)).content == "I open the door and wait"
    await stage.command(stage.ada, "chat", message="((ooc)) knock, knock")
    other = await stage.tom.say(stage.channel, "a lamp ((a red one)) burns")
    await stage.ask(stage.ada, "see?", reply_to=other)
    for word in ("slowly", "ooc", "red"):
        assert word not in stage.said_to_model
    for word in ("door", "knock, knock", "lamp"):
        assert word in stage.said_to_model


async def test_a_message_that_becomes_an_aside_leaves_the_history(stage: Stage) -> None:
    said = await stage.say(stage.ada, "the harbour is blue", answer="Noted.")
    await stage.reply_to(said)
    await stage.ada.edit(said, f"{stage.mention} ((the harbour is blue))")
    await stage.remembered(said, "")
    await stage.ask(stage.tom, "which colour?")
    assert "blue" not in stage.said_to_model
