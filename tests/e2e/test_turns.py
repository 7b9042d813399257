"""What people do to turns: undo, reset, restore, stop; and completions outside of any conversation."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.e2e.acting import NEWEST, buttons
from tests.e2e.conftest import Stage, changed, running

pytestmark = pytest.mark.usefixtures("no_rate_limits")

LONG = " ".join(["waves"] * 200)
OTHER_MODEL = "TheDrummer-UnslopNemo-12B-v4.1"


async def being_written(stage: Stage, asker: Any = None, channel: Any = None) -> Any:
    """A reply that has begun, and goes on when the service is released."""
    stage.api.hold(after_tokens=20)
    said = await stage.say(asker or stage.ada, "tell me of the sea", answer=LONG, channel=channel)
    return await stage.world.wait_for_message(said.channel, lambda message: message.reply_to is said)


def turns_of(prompt: list[dict[str, str]]) -> list[str]:
    """What stands in a prompt after the system message."""
    return [message["content"] for message in prompt[1:]]


async def usage(stage: Stage) -> tuple[int, int]:
    """How many requests the server has used, and how many tokens they wrote."""
    assert stage.bot is not None
    totals = await stage.bot.services.storage.usage.totals(stage.guild.id, datetime.min.replace(tzinfo=UTC))
    return totals.requests, totals.completion_tokens


# --- /undo


@pytest.mark.parametrize("who", ["ada", "moderator"])
async def test_undo_takes_the_last_turn_back(stage: Stage, who: str) -> None:
    await stage.ask(stage.ada, "one", answer="first")
    said = await stage.say(stage.ada, "two", answer="second")
    reply = await stage.reply_to(said)
    told = await stage.command(getattr(stage, who), "undo")
    assert told.ephemeral
    assert reply.deleted
    assert said.reaction("↩️").user_ids == [stage.world.bot.id]
    await stage.ask(stage.ada, "three")
    assert turns_of(stage.prompts[-1]) == ["one", "first", "three"]


async def test_undo_takes_back_one_turn_after_the_other_until_there_is_none(stage: Stage) -> None:
    await stage.ask(stage.ada, "one", answer="first")
    await stage.ask(stage.ada, "two", answer="second")
    await stage.command(stage.ada, "undo")
    await stage.command(stage.ada, "undo")
    assert "no turn here" in (await stage.command(stage.ada, "undo")).content
    await stage.ask(stage.ada, "three")
    assert turns_of(stage.prompts[-1]) == ["three"]


async def test_others_may_not_undo(stage: Stage) -> None:
    reply = await stage.ask(stage.ada, "one", answer="first")
    refusal = await stage.command(stage.tom, "undo")
    assert refusal.ephemeral
    assert "moderators" in refusal.content
    assert not reply.deleted


async def test_everyone_who_asked_may_undo_an_answer_to_several(stage: Stage) -> None:
    stage.api.hold()
    await stage.say(stage.moderator, "zero")
    await stage.world.wait_until(lambda: stage.prompts)
    said = [await stage.say(stage.ada, "one"), await stage.say(stage.tom, "two")]
    for message, words in zip(said, ("one", "two"), strict=True):
        await stage.remembered(message, words)
    stage.api.release()
    await stage.reply_to(said[0])
    await stage.command(stage.tom, "undo")
    assert all(message.reaction("↩️") for message in said)


async def test_undo_removes_every_message_of_a_long_reply_and_nothing_of_it_is_lost(stage: Stage) -> None:
    await stage.ask(stage.ada, "tell", answer=" ".join(["waves"] * 390))
    assert stage.bot is not None
    history = stage.bot.services.storage.history
    shown = [message for message in stage.channel.messages if message.author is stage.world.bot]
    stored = await history.by_discord_id(stage.guild.id, shown[0].id)
    assert stored is not None
    await stage.command(stage.ada, "undo")
    assert len(shown) == 2
    assert all(message.deleted for message in shown)
    await stage.ask(stage.ada, "again")  # by now Discord has told of the deletions
    kept = await history.message(stage.guild.id, stored.id)
    assert kept is not None
    assert kept.content == stored.content


async def test_undo_ends_a_reply_that_is_being_written(stage: Stage) -> None:
    reply = await being_written(stage)
    await stage.command(stage.ada, "undo")
    assert reply.deleted
    stage.api.release()
    await stage.ask(stage.ada, "next")
    assert turns_of(stage.prompts[-1]) == ["next"]
    assert LONG[:20] not in "".join(message.content for message in stage.channel.messages)


# --- /reset and Restore


async def test_reset_begins_anew_and_restore_goes_back_even_after_a_restart(offstage: Stage) -> None:
    async with running(offstage, offstage.settings):
        await offstage.ask(offstage.ada, "one", answer="first")
        divider = await offstage.command(offstage.moderator, "reset")
        assert not divider.ephemeral
        await offstage.ask(offstage.ada, "two", answer="second")
        assert turns_of(offstage.prompts[-1]) == ["two"]
    async with running(offstage, offstage.settings):
        await offstage.press(offstage.moderator, divider, "Restore")
        assert not divider.components
        await offstage.ask(offstage.ada, "three")
        assert turns_of(offstage.prompts[-1]) == ["one", "first", "three"]


async def test_members_may_neither_reset_nor_restore(stage: Stage) -> None:
    await stage.ask(stage.ada, "one", answer="first")
    assert "moderators" in (await stage.command(stage.ada, "reset")).content
    divider = await stage.command(stage.moderator, "reset")
    refusal = await stage.press(stage.ada, divider, "Restore")
    assert refusal.ephemeral
    assert "moderators" in refusal.content
    await stage.ask(stage.ada, "two")
    assert turns_of(stage.prompts[-1]) == ["two"]


async def test_whoever_started_a_thread_may_reset_it(stage: Stage) -> None:
    thread = stage.channel.add_thread("plans", stage.ada.user)
    await stage.ask(stage.tom, "one", answer="first", channel=thread)
    assert "moderators" in (await stage.command(stage.tom, "reset", thread)).content
    divider = await stage.command(stage.ada, "reset", thread)
    await stage.press(stage.ada, divider, "Restore")
    await stage.ask(stage.tom, "two", channel=thread)
    assert turns_of(stage.prompts[-1]) == ["one", "first", "two"]


async def test_resetting_nothing_is_said_in_words(stage: Stage) -> None:
    assert "empty already" in (await stage.command(stage.moderator, "reset")).content


async def test_reset_ends_what_is_being_written_and_answers_in_time(stage: Stage) -> None:
    reply = await being_written(stage)
    stage.world.settings.interaction_deadline_seconds = 1.5
    stage.world.faults.add(method="PATCH", path_regex=f"/messages/{reply.id}", delay=2.0, times=None)
    interaction = await stage.moderator.slash(stage.channel, "reset")
    await interaction.answered()
    assert "New conversation" in interaction.response.content
    stage.api.release()
    await stage.settled()
    assert "Stopped" in reply.content
    stage.world.faults.clear()
    await stage.ask(stage.ada, "next")
    assert turns_of(stage.prompts[-1]) == ["next"]


# --- /stop and the Stop button


@pytest.mark.parametrize("who", ["ada", "moderator"])
@pytest.mark.parametrize("by_button", [False, True])
async def test_stop_keeps_the_text_so_far(stage: Stage, who: str, by_button: bool) -> None:
    reply = await being_written(stage)
    person = getattr(stage, who)
    if by_button:
        await person.click(reply, label="Stop")
    else:
        await stage.command(person, "stop")
    await stage.world.wait_until(lambda: "Stopped" in reply.content)
    stage.api.release()
    await stage.settled()
    assert buttons(reply) == NEWEST
    text = reply.content.partition("\n-#")[0]
    assert 0 < len(text) < len(LONG)
    requests, written = await usage(stage)
    assert requests == 1
    assert 0 < written <= len(text)
    stage.api.tokens_per_second = 2000
    await stage.ask(stage.ada, "go on")
    kept = turns_of(stage.prompts[-1])[1]
    assert LONG.startswith(kept)
    assert kept.strip() == text.strip()


async def test_strangers_may_not_stop_and_are_told_so_privately(stage: Stage) -> None:
    reply = await being_written(stage)
    pressed = await stage.press(stage.tom, reply, "Stop")
    interaction = await stage.tom.slash(stage.channel, "stop")
    commanded = (await interaction.answered()).response
    for refusal in (pressed, commanded):
        assert refusal.ephemeral
        assert "moderators" in refusal.content
    stage.api.release()
    await stage.settled()
    assert reply.content.strip() == LONG


async def test_stopping_nothing_is_said_in_words(stage: Stage) -> None:
    assert "not writing anything" in (await stage.command(stage.ada, "stop")).content


async def test_a_stopped_stream_is_drained_before_its_slot_is_used_again(offstage: Stage) -> None:
    offstage.api.add_key("sk-one", parallel_requests=1)
    limited = changed(offstage.settings, infermatic_api_key=("sk-one",), parallel_requests=1)
    async with running(offstage, limited):
        reply = await being_written(offstage)
        await offstage.press(offstage.ada, reply, "Stop")
        await offstage.world.wait_until(lambda: "Stopped" in reply.content)
        assert not offstage.api.requests[-1].ended
        offstage.api.release()
        await offstage.ask(offstage.ada, "next")
    first, second = (r for r in offstage.api.requests if r.path == "/v1/chat/completions")
    assert first.ended == "complete"
    assert first.finished_at is not None
    assert second.at >= first.finished_at
    assert second.status == 200


# --- /complete


async def test_complete_streams_outside_of_any_conversation(stage: Stage) -> None:
    await stage.ask(stage.ada, "one", answer="first")
    stage.api.replies.add(("the tide " * 30).strip(), model=OTHER_MODEL)
    stage.api.hold(after_tokens=30)
    asked = await stage.ada.slash(stage.channel, "complete", prompt="At night", model=OTHER_MODEL, max_tokens=77)
    await stage.reply("the tide")
    stage.api.release()
    await stage.settled()
    shown = asked.original
    [request] = stage.completions
    assert request.body["prompt"] == "At night"
    assert request.body["model"] == OTHER_MODEL
    assert request.body["max_tokens"] == 77
    assert request.stream
    assert len(shown.history) > 1
    assert shown.content == "> At night\n" + ("the tide " * 30).strip()
    assert await usage(stage) == (2, 1 + 60)
    await stage.ask(stage.ada, "two")
    assert turns_of(stage.prompts[-1]) == ["one", "first", "two"]


async def test_complete_uses_the_channels_model_and_the_default_length(stage: Stage) -> None:
    await stage.command(stage.moderator, "model set", model=OTHER_MODEL)
    await stage.command(stage.ada, "complete", prompt="At night")
    assert stage.completions[-1].body["model"] == OTHER_MODEL
    assert stage.completions[-1].body["max_tokens"] == 400


async def test_complete_suggests_models_and_refuses_unknown_ones(stage: Stage) -> None:
    await stage.command(stage.ada, "model list")
    choices = await stage.ada.autocomplete(stage.channel, "complete", focused="model", prompt="x", model="miqu")
    assert [choice.value for choice in choices] == ["Midnight-Miqu-70B-v1.5"]
    refusal = await stage.command(stage.ada, "complete", prompt="At night", model="no-such-model")
    assert "no-such-model" in refusal.content
    assert "/model list" in refusal.content
    assert not stage.completions


async def test_a_completion_can_be_stopped_but_not_by_strangers(stage: Stage) -> None:
    stage.api.hold(after_tokens=20)
    stage.api.replies.add(LONG)
    interaction = await stage.ada.slash(stage.channel, "complete", prompt="At night")
    await stage.world.wait_until(lambda: interaction.original and interaction.original.components)
    assert (await stage.press(stage.tom, interaction.original, "Stop")).ephemeral
    await stage.press(stage.ada, interaction.original, "Stop")
    await stage.world.wait_until(lambda: "Stopped" in interaction.original.content)
    stage.api.release()
    await stage.settled()
    assert not interaction.original.components


async def test_a_reply_that_loses_one_of_its_messages_is_gone_as_a_whole(stage: Stage) -> None:
    first = await stage.ask(stage.ada, "a long one", answer="lamps " * 380)
    parts = [message for message in stage.channel.messages if message.author is stage.world.bot]
    assert len(parts) == 2
    await stage.moderator.delete(parts[1])
    await stage.world.wait_until(lambda: first.deleted)
    await stage.ask(stage.ada, "and now?")
    assert "lamps" not in stage.said_to_model
