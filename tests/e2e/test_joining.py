"""People who join a question that waits: admitted like everybody, charged like everybody, and at nobody's cost."""

from functools import partial
from typing import Any

import pytest

import cogs._screen as screen_module
from storage import ConversationKey
from tests.e2e.acting import asked, begun, buttons, limit, occupy, one_slot, prompt, quiet, shown, stored, waiting
from tests.e2e.conftest import MODEL, Stage

pytestmark = pytest.mark.usefixtures("no_rate_limits")

OTHER_MODEL = "TheDrummer-UnslopNemo-12B-v4.1"
SENT_AWAY = "-# ⚠️ A moderator sent away those who waited."


@pytest.fixture
def quick_notices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen_module, "REACTION_AFTER_SECONDS", 0.01)
    monkeypatch.setattr(screen_module, "NOTICE_AFTER_SECONDS", 0.02)


async def used(stage: Stage, person: Any) -> dict[tuple[str, str], int]:
    """What is counted of the limits that hold for somebody in the stage's channel."""
    assert stage.bot is not None
    key = ConversationKey(stage.guild.id, stage.channel.id)
    standing = await stage.bot.services.limiter.standing(key, person.user.id)
    uses = [*standing.others, *([standing.reached] if standing.reached is not None else [])]
    return {(use.limit.scope_kind, use.limit.unit): use.used for use in uses}


async def joins(stage: Stage, person: Any, text: str) -> Any:
    """Somebody joins what waits in the stage's channel."""
    said = await stage.say(person, text)
    await stage.remembered(said, text)
    return said


async def below(stage: Stage, said: Any) -> Any:
    """What the bot says in reply to a message."""
    return await stage.world.wait_for_message(said.channel, lambda message: message.reply_to is said)


def is_told(said: Any, message: Any) -> bool:
    """Whether a message tells somebody that what they said is not answered."""
    return message.reply_to is said and message.content == SENT_AWAY


def is_told_so(command: Any, words: str) -> bool:
    """Whether these words are the answer to a command."""
    return bool(command.messages) and command.messages[0].content == words


def answered(request: Any, *words: str) -> list[bool]:
    """Which of these words a request says to the model."""
    return [word in prompt(request) for word in words]


async def test_who_joins_passes_the_gate_and_all_who_ask_are_charged(offstage: Stage) -> None:
    stage = offstage
    async with one_slot(stage) as bot:
        await limit(stage, 1, scope_id=stage.moderator.user.id)
        for kind in ("user", "guild"):
            await limit(stage, 900_000, unit="tokens", scope_kind=kind)
        await limit(stage, 900, scope_kind="guild")
        await stage.ask(stage.moderator, "my only one today")
        await occupy(stage)
        await stage.say(stage.ada, "apples?")
        await waiting(stage, 1)
        refused = await stage.say(stage.moderator, "pears?")
        line = await below(stage, refused)
        assert (line.content, buttons(line)) == ("-# I cannot answer this.", ["Why?"])
        await joins(stage, stage.admin, "plums?")
        taken_back = await joins(stage, stage.tom, "quinces?")
        await stage.tom.delete(taken_back)
        await stage.remembered(taken_back, "")
        [waits] = [answer for answer in bot.services.conversations._answers.values() if answer.waits]
        await stage.world.wait_until(lambda: len(waits.participants) == 2)
        stage.api.release()
        await begun(stage, 3)
        await quiet(stage)
        assert answered(asked(stage)[2], "apples?", "pears?", "plums?") == [True, False, True]
        of_ada, of_admin = await used(stage, stage.ada), await used(stage, stage.admin)
        assert of_ada == of_admin
        assert of_ada["guild", "requests"] == 3
        others = [(await used(stage, person))["user", "tokens"] for person in (stage.tom, stage.moderator)]
        parts = 2 * of_ada["user", "tokens"]
        assert 0 <= sum(others) + parts - of_ada["guild", "tokens"] <= 1, "each has an equal part"


async def test_the_best_of_those_who_ask_counts_in_the_line(offstage: Stage) -> None:
    stage = offstage
    async with one_slot(stage):
        await limit(stage, 1, hard=False, scope_id=stage.ada.user.id)
        await stage.ask(stage.ada, "one")
        await occupy(stage)
        await stage.say(stage.ada, "past my limit")
        await waiting(stage, 1)
        shows = (await (await stage.moderator.slash(stage.channel, "queue show")).answered()).response.content
        assert "past a limit" in shows
        await joins(stage, stage.moderator, "within mine")
        await stage.say(stage.admin, "later", channel=stage.guild.add_text_channel("other"))
        await waiting(stage, 2)
        shows = (await (await stage.moderator.slash(stage.channel, "queue show")).answered()).response.content
        assert f"- <@{stage.ada.user.id}>, <@{stage.moderator.user.id}> in <#{stage.channel.id}>" in shows
        assert "past a limit" not in shows
        stage.api.release()
        await begun(stage, 4)
        await quiet(stage)
        assert [answered(request, "past my", "within", "later") for request in asked(stage)[2:]] == [
            [True, True, False], [False, False, True],
        ]  # fmt: skip
        assert (await used(stage, stage.ada))["user", "requests"] == 2


async def test_who_may_not_use_the_model_is_answered_apart_by_another(offstage: Stage) -> None:
    stage = offstage
    new = stage.guild.add_role("new")
    stage.guild.members[stage.moderator.user.id].roles.append(new)
    async with one_slot(stage):
        await stage.command(stage.admin, "model set", model=OTHER_MODEL)
        await stage.command(stage.admin, "access deny", role=new, model=OTHER_MODEL)
        await occupy(stage)
        await stage.say(stage.ada, "apples?")
        await waiting(stage, 1)
        for person, text in ((stage.moderator, "pears?"), (stage.admin, "plums?")):
            await joins(stage, person, text)
        stage.api.release()
        await begun(stage, 4)
        await quiet(stage)
        found = [(request.body["model"], answered(request, "apples?", "pears?")[1]) for request in asked(stage)[1:]]
        assert found == [(OTHER_MODEL, False), (MODEL, True), (OTHER_MODEL, True)]


async def test_one_of_several_is_sent_away_and_the_others_are_answered(offstage: Stage, quick_notices: None) -> None:
    stage = offstage
    async with one_slot(stage):
        await occupy(stage)
        first = await stage.say(stage.ada, "apples?")
        await stage.reply("You are next")
        second = await joins(stage, stage.moderator, "pears?")
        third = await joins(stage, stage.admin, "plums?")
        for person, said in ((stage.moderator, second), (stage.ada, first)):
            cleared = await stage.moderator.slash(stage.channel, "queue clear", user=person.user)
            assert "One question sent away" in (await cleared.answered()).response.content
            await stage.remembered(said, "")
        for said in (first, second):
            await stage.world.wait_for_message(stage.channel, partial(is_told, said))
        cleared = await stage.moderator.slash(stage.channel, "queue clear", user=stage.tom.user)
        assert "Nobody waits" in (await cleared.answered()).response.content
        stage.api.release()
        reply = await stage.reply("plums?")
        await quiet(stage)
        assert reply.reply_to is third
        assert answered(asked(stage)[1], "apples?", "pears?", "plums?") == [False, False, True]
        assert "plums?" in reply.content
        assert (await stored(stage, reply)).author_id == stage.admin.user.id
        assert len(shown(stage)) == 3


async def test_who_has_no_room_any_more_is_sent_away_from_what_they_joined(offstage: Stage) -> None:
    """Both questions were joined while there was room for one."""
    stage = offstage
    async with one_slot(stage):
        await limit(stage, 1, scope_id=stage.moderator.user.id)
        await occupy(stage)
        other = stage.guild.add_text_channel("other")
        joined = []
        for number, (person, channel) in enumerate(((stage.ada, stage.channel), (stage.admin, other)), 1):
            await stage.say(person, "apples?", channel=channel)
            await waiting(stage, number)
            joined.append(await stage.say(stage.moderator, "pears?", channel=channel))
            await stage.remembered(joined[-1], "pears?")
        stage.api.release()
        await begun(stage, 3)
        await quiet(stage)
        assert sorted(answered(request, "apples?", "pears?") for request in asked(stage)[1:]) == [
            [True, False], [True, True],
        ]  # fmt: skip
        [told] = [m for channel in (stage.channel, other) for m in shown(stage, channel) if m.reply_to in joined]
        assert (told.content, buttons(told)) == ("-# I cannot answer this.", ["Why?"])
        why = await stage.press(stage.moderator, told, "Why?")
        assert why.content.startswith("You have used up your 1 request per day.")
        assert (await used(stage, stage.moderator))["user", "requests"] == 1


async def test_who_asked_by_command_is_told_in_its_answer(offstage: Stage, quick_notices: None) -> None:
    stage = offstage
    async with one_slot(stage):
        await occupy(stage)
        first = await stage.ada.slash(stage.channel, "chat", message="apples?")
        await stage.world.wait_until(lambda: first.messages and "You are next" in first.messages[0].content)
        second = await joins(stage, stage.moderator, "pears?")
        third = await stage.admin.slash(stage.channel, "chat", message="plums?")
        await stage.world.wait_until(lambda: third.messages and "together" in third.messages[0].content)
        for person, command, text in ((stage.admin, third, "plums?"), (stage.ada, first, "apples?")):
            cleared = await stage.moderator.slash(stage.channel, "queue clear", user=person.user)
            await cleared.answered()
            await stage.world.wait_until(partial(is_told_so, command, f"> {text}\n{SENT_AWAY}"))
        stage.api.release()
        reply = await stage.reply("pears?")
        await quiet(stage)
        assert reply.reply_to is second
        assert answered(asked(stage)[1], "apples?", "pears?", "plums?") == [False, True, False]
        assert "apples" not in reply.content
        assert [command.messages[0].content for command in (first, third)] == [
            f"> apples?\n{SENT_AWAY}", f"> plums?\n{SENT_AWAY}",
        ]  # fmt: skip
