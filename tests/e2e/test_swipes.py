"""The buttons under the newest reply: swipes, regenerate, continue, edit and delete."""

import asyncio
from typing import Any

import pytest

from tests.e2e.acting import NEWEST, allow_long_replies, asked, begun, buttons, quiet, shown, slow_text, stored, swipes
from tests.e2e.conftest import Stage, changed, running

pytestmark = pytest.mark.usefixtures("no_rate_limits")

EARLIER, LATER, ANOTHER, MORE, EDIT, DELETE = "◀️", "▶️", "🔄", "⏩", "✏️", "🗑️"


async def press(stage: Stage, person: Any, message: Any, label: str) -> Any:
    """Press a button and wait until everything has come of it; the interaction."""
    interaction = await person.click(message, label=label)
    await interaction.answered()
    await quiet(stage, 0.02)
    return interaction


async def says(stage: Stage, message: Any, text: str) -> None:
    """Until a message in Discord says this."""
    await stage.world.wait_until(lambda: message.content == text)


async def another(stage: Stage, message: Any, text: str, person: Any = None) -> None:
    """Regenerate a reply, which then says this."""
    stage.api.replies.add(text)
    await press(stage, person or stage.ada, message, ANOTHER)
    await says(stage, message, text)


def turns(stage: Stage) -> list[str]:
    """What stands in the newest prompt after the system message."""
    return [message["content"] for message in stage.prompts[-1][1:]]


async def test_swipes_stand_in_place_and_the_one_that_is_shown_goes_into_the_prompt(stage: Stage) -> None:
    reply = await stage.ask(stage.ada, "who goes there?", answer="A friend.")
    assert buttons(reply) == NEWEST
    await another(stage, reply, "A foe.")
    assert turns(stage) == ["who goes there?"]
    assert buttons(reply) == swipes(2, 2)
    await another(stage, reply, "A ghost.")
    assert buttons(reply) == swipes(3, 3)
    await press(stage, stage.ada, reply, EARLIER)
    await says(stage, reply, "A foe.")
    assert buttons(reply) == swipes(2, 3)
    await press(stage, stage.ada, reply, EARLIER)
    await says(stage, reply, "A friend.")
    await press(stage, stage.ada, reply, LATER)
    await says(stage, reply, "A foe.")
    assert shown(stage) == [reply]
    assert (await stored(stage, reply)).content == "A foe."
    await stage.ask(stage.ada, "then come in")
    assert turns(stage) == ["who goes there?", "A foe.", "then come in"]


async def test_the_ends_of_the_swipes_cannot_be_passed(stage: Stage) -> None:
    reply = await stage.ask(stage.ada, "one", answer="a")
    await another(stage, reply, "b")

    def disabled() -> dict[str, bool]:
        return {b.get("label") or b["emoji"]["name"]: b["disabled"] for r in reply.components for b in r["components"]}

    assert [disabled()[label] for label in (EARLIER, "2/2", LATER)] == [False, True, True]
    await press(stage, stage.ada, reply, EARLIER)
    await says(stage, reply, "a")
    assert [disabled()[label] for label in (EARLIER, "1/2", LATER)] == [True, True, False]


async def test_only_the_newest_reply_has_buttons(stage: Stage) -> None:
    first = await stage.ask(stage.ada, "one", answer="a")
    old_button = first.components[0]["components"][0]["custom_id"]
    second = await stage.ask(stage.ada, "two", answer="b")
    await stage.world.wait_until(lambda: not first.components)
    assert buttons(second) == NEWEST
    await stage.command(stage.ada, "undo")
    await stage.world.wait_until(lambda: buttons(first) == NEWEST)
    assert first.components[0]["components"][0]["custom_id"] == old_button


async def test_a_button_that_was_pressed_too_late_changes_nothing_and_goes(stage: Stage) -> None:
    first = await stage.ask(stage.ada, "one", answer="a")
    stage.api.hold(after_tokens=10)
    said = await stage.say(stage.ada, "two", answer=slow_text(30))
    await stage.world.wait_for_message(stage.channel, lambda m: m.reply_to is said)
    interaction = await stage.ada.click(first, label=DELETE)
    await interaction.answered()
    await stage.world.wait_until(lambda: not first.components)
    await stage.world.wait_until(lambda: any("changed since" in m.content for m in interaction.messages))
    assert first.content == "a"
    stage.api.release()
    await quiet(stage)


async def test_an_answer_is_regenerated_visibly_and_can_be_stopped(stage: Stage) -> None:
    reply = await stage.ask(stage.ada, "one", answer="the first answer")
    stage.api.hold()
    stage.api.replies.add(slow_text(60))
    await stage.ada.click(reply, label=ANOTHER)
    await stage.world.wait_until(lambda: buttons(reply) == ["Stop"])
    assert reply.content == "the first answer"
    stage.api.release()
    stage.api.hold(after_tokens=10)
    await stage.world.wait_until(lambda: reply.content.startswith("w0"))
    await press(stage, stage.ada, reply, "Stop")
    await stage.world.wait_until(lambda: "Stopped" in reply.content)
    assert buttons(reply) == swipes(2, 2)
    await press(stage, stage.ada, reply, EARLIER)
    await says(stage, reply, "the first answer")
    await press(stage, stage.ada, reply, LATER)
    await stage.world.wait_until(lambda: "Stopped" in reply.content)


@pytest.mark.parametrize("label", [ANOTHER, MORE])
async def test_what_comes_to_nothing_leaves_the_reply_as_it_was(stage: Stage, label: str) -> None:
    reply = await stage.ask(stage.ada, "one", answer="still here")
    kept = await stored(stage, reply)
    stage.api.faults.add("status", status=404)
    await press(stage, stage.ada, reply, label)
    await stage.world.wait_until(lambda: "⚠️" in reply.content)
    assert reply.content.startswith("still here\n-# ⚠️")
    assert buttons(reply) == NEWEST
    assert await stored(stage, reply) == kept
    stage.api.hold()
    await stage.ada.click(reply, label=label)
    await begun(stage, 3)
    await press(stage, stage.ada, reply, "Stop")
    await stage.world.wait_until(lambda: buttons(reply) == NEWEST)
    assert reply.content.startswith("still here")
    assert await stored(stage, reply) == kept
    stage.api.release()
    await stage.ask(stage.ada, "two")
    assert turns(stage) == ["one", "still here", "two"]


async def test_a_shorter_swipe_takes_messages_away_and_a_longer_one_adds_some(stage: Stage) -> None:
    await allow_long_replies(stage)
    long = " ".join(f"Sentence number {n} stands here." for n in range(150))
    await stage.say(stage.ada, "one", answer=long)
    await stage.world.wait_until(lambda: len(shown(stage)) == 3)
    await quiet(stage)
    last = shown(stage)[-1]
    assert [buttons(message) for message in shown(stage)] == [[], [], NEWEST]
    stage.api.replies.add("short")
    await press(stage, stage.ada, last, ANOTHER)
    await stage.world.wait_until(lambda: [m.content for m in shown(stage)] == ["short"])
    [first] = shown(stage)
    assert buttons(first) == swipes(2, 2)
    await press(stage, stage.ada, first, EARLIER)
    await stage.world.wait_until(lambda: len(shown(stage)) == 3)
    await stage.world.wait_until(lambda: buttons(shown(stage)[-1]) == swipes(1, 2))
    assert " ".join(m.content for m in shown(stage)) == long
    assert buttons(first) == []
    await stage.ask(stage.ada, "two")
    assert turns(stage)[1] == long


async def test_an_answer_to_a_command_keeps_its_question_above(stage: Stage) -> None:
    response = await stage.command(stage.ada, "chat", message="who goes there?")
    await stage.world.wait_until(lambda: buttons(response) == NEWEST)
    stage.api.replies.add("A foe, see <https://example.org>")
    await press(stage, stage.ada, response, ANOTHER)
    await stage.world.wait_until(lambda: buttons(response) == swipes(2, 2))
    assert response.content == "> who goes there?\nA foe, see <https://example.org>"
    await press(stage, stage.ada, response, EARLIER)
    await stage.world.wait_until(lambda: buttons(response) == swipes(1, 2))
    assert response.content.startswith("> who goes there?\n")
    assert "foe" not in response.content


async def test_private_answers_can_be_swiped_by_their_owner(stage: Stage) -> None:
    stage.api.replies.add("one")
    response = await stage.command(stage.ada, "chat", message="quietly", private=True)
    await stage.world.wait_until(lambda: buttons(response) == NEWEST)
    stage.api.replies.add("two")
    await press(stage, stage.ada, response, ANOTHER)
    await stage.world.wait_until(lambda: response.content == "> quietly\ntwo")
    await press(stage, stage.ada, response, EARLIER)
    await stage.world.wait_until(lambda: response.content == "> quietly\none")
    await press(stage, stage.ada, response, DELETE)
    await stage.world.wait_until(lambda: response.content == "> quietly\ntwo")
    await press(stage, stage.ada, response, DELETE)
    await stage.world.wait_until(lambda: response.deleted)
    assert shown(stage) == []


# --- continue


async def test_a_reply_goes_on_without_a_seam(stage: Stage) -> None:
    reply = await stage.ask(stage.ada, "of the sea", answer="The ligh")
    stage.api.replies.add("thouse stood", finish_reason="length")
    kept = await stored(stage, reply)
    await press(stage, stage.ada, reply, MORE)
    request = asked(stage)[-1].body
    assert request["messages"][-1] == {"role": "assistant", "content": "The ligh"}
    assert (request["continue_final_message"], request["add_generation_prompt"]) == (True, False)
    await stage.world.wait_until(lambda: "✂️" in reply.content)
    stage.api.replies.add(" alone.")
    await press(stage, stage.ada, reply, MORE)
    await stage.world.wait_until(lambda: reply.content.endswith("house stood alone."))
    again = await stored(stage, reply)
    assert (again.id, again.state, again.content) == (kept.id, "complete", reply.content)
    assert buttons(reply) == NEWEST
    await stage.ask(stage.ada, "two")
    assert turns(stage) == ["of the sea", reply.content, "two"]


async def test_a_reply_goes_on_over_the_border_of_a_message(stage: Stage) -> None:
    await allow_long_replies(stage)
    code = "\n".join(f"line_{n} = {n}" for n in range(120))
    reply = await stage.ask(stage.ada, "code please", answer=f"```python\n{code}")
    more = "\n".join(f"other_{n} = {n}" for n in range(120))
    stage.api.replies.add(f"\n{more}\n```\nDone.")
    await press(stage, stage.ada, reply, MORE)
    await stage.world.wait_until(lambda: len(shown(stage)) == 2 and buttons(shown(stage)[-1]) == NEWEST)
    first, second = shown(stage)
    assert first is reply
    assert all(len(m.content) <= 2000 and m.content.count("```") == 2 for m in (first, second))
    text = (await stored(stage, first)).content
    assert text == f"```python\n{code}\n{more}\n```\nDone."
    assert (await stored(stage, second)).id == (await stored(stage, first)).id


async def test_a_model_that_cannot_resume_is_asked_in_words(stage: Stage) -> None:
    reply = await stage.ask(stage.ada, "one", answer="First half,")
    stage.api.faults.add("status", status=400)
    stage.api.replies.add("second half.")
    await press(stage, stage.ada, reply, MORE)
    await says(stage, reply, "First half, second half.")
    assert "continue_final_message" not in asked(stage)[-1].body
    assert "Go on" in asked(stage)[-1].body["messages"][-1]["content"]
    stage.api.replies.add("And more.")
    await press(stage, stage.ada, reply, MORE)
    await says(stage, reply, "First half, second half. And more.")
    assert len(asked(stage)) == 4


# --- edit


async def edit(stage: Stage, person: Any, opened: Any, text: str) -> Any:
    """Send the form that was opened, with another text."""
    submitted = await person.submit(opened, text=text)
    await submitted.answered()
    await quiet(stage, 0.02)
    return submitted


async def test_a_reply_is_edited_in_a_form(stage: Stage) -> None:
    reply = await stage.ask(stage.ada, "one", answer="The cat sat.")
    opened = await press(stage, stage.ada, reply, EDIT)
    await edit(stage, stage.ada, opened, "The dog stood.")
    await says(stage, reply, "The dog stood.")
    assert buttons(reply) == NEWEST
    await stage.ask(stage.ada, "two")
    assert turns(stage) == ["one", "The dog stood.", "two"]


async def test_of_a_long_reply_one_part_is_edited(stage: Stage) -> None:
    await allow_long_replies(stage)
    text = " ".join(f"Sentence number {n} stands here." for n in range(100))
    await stage.say(stage.ada, "one", answer=text)
    await stage.world.wait_until(lambda: len(shown(stage)) == 2)
    await quiet(stage)
    first, second = shown(stage)
    chooser = (await press(stage, stage.ada, second, EDIT)).response
    assert chooser.ephemeral
    assert buttons(chooser) == ["Part 1", "Part 2"]
    opened = await press(stage, stage.ada, chooser, "Part 2")
    await edit(stage, stage.ada, opened, ending := "So ends this long story of many sentences.")
    await says(stage, second, ending)
    assert text.startswith(first.content)
    assert (await stored(stage, first)).content == f"{first.content} {ending}"
    assert chooser.content == "-# Changed."


async def test_a_form_works_after_a_restart_but_not_when_the_reply_has_changed(offstage: Stage) -> None:
    stage = offstage
    async with running(stage, stage.settings):
        reply = await stage.ask(stage.ada, "one", answer="The cat sat.")
        first = await press(stage, stage.ada, reply, EDIT)
        second = await press(stage, stage.ada, reply, EDIT)
    async with running(stage, changed(stage.settings)):
        await edit(stage, stage.ada, first, "The dog stood.")
        await says(stage, reply, "The dog stood.")
        refused = await edit(stage, stage.ada, second, "My precious words.")
        assert refused.response.ephemeral
        assert "changed since" in refused.response.content
        assert "My precious words." in refused.response.content
        assert reply.content == "The dog stood."
        await another(stage, reply, "Buttons work, too.")


# --- delete


async def test_deleting_a_swipe_shows_the_one_before_it_and_the_last_one_takes_the_message_away(stage: Stage) -> None:
    reply = await stage.ask(stage.ada, "one", answer="a")
    await another(stage, reply, "b")
    await press(stage, stage.ada, reply, DELETE)
    await says(stage, reply, "a")
    assert buttons(reply) == NEWEST
    await press(stage, stage.ada, reply, DELETE)
    await stage.world.wait_until(lambda: reply.deleted)
    await stage.ask(stage.ada, "two")
    assert turns(stage) == ["one\n\ntwo"]


async def test_after_deleting_a_reply_its_question_can_be_answered_again(stage: Stage) -> None:
    said = await stage.say(stage.ada, "one", answer="a")
    reply = await stage.reply_to(said)
    await press(stage, stage.ada, reply, DELETE)
    await stage.world.wait_until(lambda: reply.deleted)
    stage.api.replies.add("b")
    await stage.command(stage.ada, "regenerate")
    again = await stage.reply("b")
    await quiet(stage)
    assert again.reply_to is said
    assert buttons(again) == NEWEST


# --- who may


@pytest.mark.parametrize(
    ("rights", "stranger_may", "asker_may"),
    [("asker", False, True), ("anyone", True, True), ("moderators", False, False)],
)
async def test_the_channel_says_who_may_press_the_buttons(
    stage: Stage, rights: str, stranger_may: bool, asker_may: bool
) -> None:
    await stage.command(stage.moderator, "channel set", swipe_rights=rights)
    reply = await stage.ask(stage.ada, "one", answer="a")
    for person, may in ((stage.tom, stranger_may), (stage.ada, asker_may), (stage.moderator, True)):
        before = len(asked(stage))
        interaction = await press(stage, person, reply, ANOTHER)
        await stage.world.wait_until(
            lambda before=before, interaction=interaction: len(asked(stage)) > before or interaction.messages  # type: ignore[misc]  # a lambda with defaults
        )
        await quiet(stage, 0.02)
        assert (len(asked(stage)) > before) == may
        if not may:
            assert interaction.response.ephemeral
            assert "moderators" in interaction.response.content


async def test_pressing_twice_at_once_asks_once(stage: Stage) -> None:
    reply = await stage.ask(stage.ada, "one", answer="a")
    stage.api.hold()
    stage.api.replies.add("b")
    first = await stage.ada.click(reply, label=ANOTHER)
    second = await stage.moderator.click(reply, label=ANOTHER)
    await first.answered()
    await second.answered()
    stage.api.release()
    await says(stage, reply, "b")
    await quiet(stage)
    assert len(asked(stage)) == 2
    assert buttons(reply) == swipes(2, 2)


async def test_replies_in_an_embed_are_swiped_continued_and_edited_there(stage: Stage) -> None:
    await stage.command(stage.moderator, "channel set", reply_style="embed")
    reply = await stage.ask(stage.ada, "one", answer="a")

    def described() -> str:
        return "".join(embed["description"] for embed in reply.embeds)

    assert (reply.content, described()) == ("", "a")
    stage.api.replies.add("b")
    await press(stage, stage.ada, reply, ANOTHER)
    await stage.world.wait_until(lambda: described() == "b" and buttons(reply) == swipes(2, 2))
    opened = await press(stage, stage.ada, reply, EDIT)
    await edit(stage, stage.ada, opened, "c")
    await stage.world.wait_until(lambda: described() == "c")
    await stage.command(stage.moderator, "channel set", reply_style="plain")
    await press(stage, stage.ada, reply, EARLIER)
    await says(stage, reply, "a")
    assert described() == ""


async def test_a_button_pressed_the_moment_it_appears_works(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    reply = await stage.ask(stage.ada, "one", answer="a")
    assert stage.bot is not None
    history = stage.bot.services.storage.history
    settle = history.settle

    async def settle_slowly(*args: Any) -> None:
        await asyncio.sleep(0.3)
        await settle(*args)

    monkeypatch.setattr(history, "settle", settle_slowly)
    for text, count in (("b", 2), ("c", 3)):
        stage.api.replies.add(text)
        await stage.ada.click(reply, label=ANOTHER)
        await stage.world.wait_until(lambda count=count: buttons(reply) == swipes(count, count))  # type: ignore[misc]  # a lambda with a default
    await says(stage, reply, "c")
