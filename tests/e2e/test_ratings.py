"""What characters for adults said does not come back in a channel that is no longer age-restricted."""

from dataclasses import replace
from typing import Any

import pytest

from tests.e2e.acting import FAILED, NEWEST, buttons, one_slot, quiet, shown, slow_text, stored, swipes, waiting
from tests.e2e.characters import card_file, greeting, look, storage_of, taken_in, use
from tests.e2e.conftest import Stage, changed, running

pytestmark = pytest.mark.usefixtures("no_rate_limits")

REFUSAL = "`Mira` is for adults and works in age-restricted channels only."


async def in_a_den(stage: Stage, **fields: Any) -> Any:
    """An age-restricted channel in which a character for adults speaks."""
    den = stage.guild.add_text_channel("den", nsfw=True)
    await taken_in(stage, stage.moderator, card_file(tags=["NSFW"], **fields), den)
    await use(stage, channel=den)
    return den


async def open_to_all(stage: Stage, channel: Any) -> None:
    """The channel stops being age-restricted, and the bot has heard of it."""
    channel.edit(nsfw=False)
    assert stage.bot is not None
    seen: Any = stage.bot.get_channel(channel.id)
    await stage.world.wait_until(lambda: not seen.nsfw)


async def branch_of(stage: Stage, message: Any) -> str:
    """What `/history checkout` takes for the branch that ends with a message."""
    return str((await stored(stage, message)).id)


async def test_nothing_is_shown_anew_where_everybody_may_read(stage: Stage) -> None:
    den = await in_a_den(stage, first_mes="", alternate_greetings=[])
    reply = await stage.ask(stage.ada, "a", answer="One.", channel=den)
    stage.api.replies.add("Two.")
    await stage.press(stage.ada, reply, "🔄")
    await stage.remembered(reply, "Two.")
    branch = await branch_of(stage, reply)
    divider = await stage.command(stage.moderator, "reset", den)
    await open_to_all(stage, den)
    assert (await stage.press(stage.moderator, divider, "Restore")).content == REFUSAL
    assert (await stage.command(stage.moderator, "history checkout", den, branch=branch)).content == REFUSAL
    den.edit(nsfw=True)
    seen: Any = stage.bot.get_channel(den.id) if stage.bot is not None else None
    await stage.world.wait_until(lambda: seen.nsfw)
    await stage.press(stage.moderator, divider, "Restore")
    await stage.world.wait_until(lambda: buttons(reply) == swipes(2, 2))
    await open_to_all(stage, den)
    for label in ("🗑️", "◀️", "✏️", "🔄", "⏩"):
        assert (await stage.press(stage.ada, reply, label)).content == REFUSAL
    await quiet(stage)
    assert (reply.content, buttons(reply), len(stage.prompts)) == ("Two.", swipes(2, 2), 2)
    assert [message.content for message in shown(stage, den) if "One." in message.content] == []


async def test_undo_takes_back_but_brings_nothing_back(stage: Stage) -> None:
    den = await in_a_den(stage, first_mes="", alternate_greetings=[])
    first = await stage.ask(stage.ada, "a", answer="One.", channel=den)
    second = await stage.ask(stage.ada, "b", answer="Two.", channel=den)
    third = await stage.ask(stage.ada, "c", answer="Three.", channel=den)
    branch = await branch_of(stage, second)
    for _ in range(3):
        await stage.command(stage.ada, "undo", den)
    assert (first.deleted, second.deleted, third.deleted) == (True, True, True)
    await stage.command(stage.moderator, "history checkout", den, branch=branch)
    again = await stage.reply("Two.", channel=den)
    await open_to_all(stage, den)
    assert (await stage.command(stage.ada, "undo", den)).content == REFUSAL  # it would post the first one again
    assert (again.deleted, [m for m in shown(stage, den) if "One." in m.content]) == (False, [])
    # What stands there may be taken back, down to something else that stands there.
    other = stage.guild.add_text_channel("other den", nsfw=True)
    await use(stage, channel=other)
    kept = await stage.ask(stage.ada, "a", answer="Kept.", channel=other)
    gone = await stage.ask(stage.ada, "b", answer="Gone.", channel=other)
    await open_to_all(stage, other)
    await stage.command(stage.ada, "undo", other)
    await stage.world.wait_until(lambda: gone.deleted and buttons(kept) == NEWEST)


async def test_retry_is_refused_where_everybody_may_read_by_now(stage: Stage) -> None:
    den = await in_a_den(stage, first_mes="", alternate_greetings=[])
    stage.api.faults.add("cut", after_tokens=3)
    broken = await stage.ask(stage.ada, "a", answer="One two three four five six.", channel=den)
    assert buttons(broken) == FAILED
    words = broken.content
    await open_to_all(stage, den)
    assert (await stage.press(stage.ada, broken, "Retry")).content == REFUSAL
    await quiet(stage)
    assert (broken.content, len(stage.prompts)) == (words, 1)


async def test_what_waits_or_is_being_said_ends_where_everybody_may_read(offstage: Stage) -> None:
    stage = offstage
    async with one_slot(stage):
        den = await in_a_den(stage)
        thread = den.add_thread("talk", stage.ada.user)
        preview = await look(stage, stage.ada, card_file("Vex", tags=["NSFW"]), den)
        stage.api.hold(after_tokens=20)
        stage.api.replies.add(slow_text(100))
        await stage.say(stage.ada, "Tell me all.", channel=thread)
        begun = await stage.world.wait_for_message(thread, lambda message: "w1" in message.content)
        await stage.say(stage.tom, "And me?", channel=den)
        await waiting(stage, 1)
        den.edit(nsfw=False)
        refused = await stage.reply(REFUSAL, channel=den)
        await stage.settled()
        assert begun.content.endswith("⏹️ Stopped.")
        assert (buttons(refused), len(stage.prompts)) == ([], 1)
        assert (await stage.press(stage.ada, preview, "▶️")).content == REFUSAL.replace("Mira", "Vex")


async def test_what_a_character_says_ends_when_it_is_marked_as_one_for_adults(stage: Stage) -> None:
    await taken_in(stage, stage.moderator)
    den = stage.guild.add_text_channel("den", nsfw=True)
    for channel in (stage.channel, den):
        await use(stage, channel=channel)
    said = []
    stage.api.hold(after_tokens=20)
    for channel in (stage.channel, den):
        stage.api.replies.add(slow_text(100))
        await stage.say(stage.ada, "Tell me all.", channel=channel)
        said.append(await stage.world.wait_for_message(channel, lambda message: "w1" in message.content))
    marked = await stage.moderator.slash(stage.channel, "persona edit", name="Mira", adult=True)
    await marked.answered()
    await stage.world.wait_until(lambda: said[0].content.endswith("⏹️ Stopped."))
    stage.api.release()
    await stage.settled()
    assert "w99" in said[1].content


async def test_direct_messages_are_not_for_adults(offstage: Stage) -> None:
    async with running(offstage, changed(offstage.settings, allow_dms=True)):
        dm = await offstage.ada.open_dm()
        await offstage.at_home(offstage.ada)
        assert (await look(offstage, offstage.ada, card_file(tags=["NSFW"]), dm)).content == REFUSAL
        await taken_in(offstage, offstage.ada, card_file(), dm)
        await use(offstage, person=offstage.ada, channel=dm)
        first = await greeting(offstage, channel=dm)
        personas = storage_of(offstage).personas
        [outline] = await personas.all(None, offstage.ada.user.id)
        kept = await personas.get(None, outline.id)
        assert kept is not None
        await personas.save(None, outline.id, replace(kept.content, adult=True), offstage.ada.user.id)
        assert offstage.bot is not None
        offstage.bot.services.personas.forget_cached()
        assert (await use(offstage, person=offstage.ada, channel=dm)).content == REFUSAL
        said = await offstage.ada.say(dm, "hello")
        assert REFUSAL in (await offstage.reply_to(said)).content
        assert (await offstage.press(offstage.ada, first, "▶️")).content == REFUSAL
        assert offstage.prompts == []
