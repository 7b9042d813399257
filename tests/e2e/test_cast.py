"""Several characters in one channel: who answers, what each is told, and what they say among themselves."""

import asyncio
import json
from functools import partial
from typing import Any

import pytest

import cogs._bot
from chat.bursts import Burst
from chat.preferences import Place
from storage import ConversationKey, Scope
from tests.e2e.acting import NEWEST, asked, begun, buttons, prompt, quiet, shown, stored, swipes
from tests.e2e.characters import card_file, taken_in, use
from tests.e2e.conftest import MODEL, Stage, changed, running

pytestmark = pytest.mark.usefixtures("no_rate_limits")

OWN_MODEL = "TheDrummer-UnslopNemo-12B-v4.1"
MIRA: dict[str, Any] = {
    "first_mes": "Mira greets you.",
    "alternate_greetings": [],
    "description": "{{char}} keeps the lamp. Here are {{group}}.",
    "extensions": {"talkativeness": "1"},
}
NORA: dict[str, Any] = {
    "first_mes": "Nora greets you.",
    "alternate_greetings": [],
    "group_only_greetings": ["Nora joins {{group}}."],
    "description": "{{char}} sails.",
    "extensions": {"talkativeness": 0},
}


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cogs._casting.PAUSE_SECONDS", 0.01)
    monkeypatch.setattr("chat.answers.Burst", partial(Burst, 0.2, 0.6))


async def both_on_stage(stage: Stage) -> tuple[Any, Any]:
    """Mira speaks in the channel, and Nora beside her; gives their greetings."""
    await taken_in(stage, stage.moderator, card_file("Mira", **MIRA))
    await taken_in(stage, stage.moderator, card_file("Nora", **NORA))
    await use(stage, "Mira")
    first = await stage.reply("Mira greets you.")
    told = await stage.command(stage.moderator, "persona use", name="Nora", beside=True)
    assert told.content == "**Nora** speaks in this channel from now on, beside **Mira**."
    return first, await stage.reply("Nora joins")


async def turns(stage: Stage, **options: Any) -> str:
    told = await stage.command(stage.moderator, "persona turns", **options)
    return str(told.content)


async def spoken(stage: Stage, count: int) -> list[tuple[str, str]]:
    """Who has said what, once so many replies of characters stand there."""

    def said() -> list[tuple[str, str]]:
        return [(m.author.name, m.content) for m in shown(stage) if m.webhook_id and m.author.is_webhook]

    await stage.world.wait_until(lambda: len(said()) >= count)
    await quiet(stage, 0.05)
    return said()


def words(stage: Stage, role: str) -> list[str]:
    """What stands in the newest prompt under a role."""
    return [message["content"] for message in stage.prompts[-1] if message["role"] == role]


async def test_who_is_named_answers_else_chance_or_turns_decide(stage: Stage) -> None:
    first, second = await both_on_stage(stage)
    assert (first.author.name, second.author.name, second.content) == ("Mira", "Nora", "Nora joins Nora, Mira.")
    assert buttons(second) == swipes(1, 2)  # the greeting for groups, and the other one
    await stage.world.wait_until(lambda: buttons(first) == [])
    listed = (await stage.command(stage.ada, "persona list")).content
    assert listed == "- **Mira** · speaks here\n- **Nora** · speaks here"
    assert (
        "speaks here already" in (await stage.command(stage.moderator, "persona use", name="Nora", beside=True)).content
    )
    await stage.command(stage.moderator, "persona bring", name="Nora", model=OWN_MODEL)

    named = await stage.ask(stage.ada, "Is NORA there?", answer="Nora: Here I am.\nMira: And I.")
    assert (named.author.name, named.content) == ("Nora", "Here I am.")
    request = asked(stage)[-1].body
    assert request["model"] == OWN_MODEL
    assert {"\nMira:", "\nAda:"} <= set(request["stop"])
    assert "\nNora:" not in request["stop"]
    assert words(stage, "system")[0].startswith("You are the bot of this test.\n\nNora sails.")
    assert "lamp" not in words(stage, "system")[0]
    assert words(stage, "user") == ["Mira: Mira greets you.", "Ada: Is NORA there?"]
    assert words(stage, "assistant") == ["Nora joins Nora, Mira."]

    by_chance = await stage.ask(stage.ada, "Good evening.", answer="Good evening.")  # Nora never speaks by chance
    assert (by_chance.author.name, asked(stage)[-1].body["model"]) == ("Mira", MODEL)
    assert "Mira keeps the lamp. Here are Mira, Nora." in stage.said_to_model
    assert "sails" not in stage.said_to_model
    assert words(stage, "assistant") == ["Mira greets you."]
    assert "Nora: Here I am." in "\n".join(words(stage, "user"))

    stage.api.replies.add("Or good night.")
    await stage.press(stage.ada, by_chance, "🔄")
    await stage.world.wait_until(lambda: by_chance.content == "Or good night.")
    await stage.settled()
    assert (by_chance.author.name, (await stored(stage, by_chance)).author_name) == ("Mira", "Mira")

    told = await turns(stage, order="turns")
    assert (
        told.splitlines()[1] == "Characters: `order` **turns** (who is named, else one after the other) · this channel"
    )
    assert told.splitlines()[1] in (await stage.command(stage.tom, "channel show")).content
    for speaker in ("Nora", "Mira", "Nora"):
        reply = await stage.ask(stage.ada, "And then?", answer="So it was.")
        assert reply.author.name == speaker
    stage.api.replies.add("You asked me.")
    said = await stage.ada.say(stage.channel, "Why?", reply_to=reply)
    again = await stage.reply_to(said)
    assert (again.author.name, buttons(again)) == ("Nora", NEWEST)


async def test_only_who_is_called_speaks_where_that_is_wanted(stage: Stage) -> None:
    await both_on_stage(stage)
    await turns(stage, order="called")
    await stage.command(stage.moderator, "channel set", trigger="always")
    before = len(shown(stage))
    await stage.ada.say(stage.channel, "What a night, Tom.")
    await quiet(stage, 0.1)
    assert (len(shown(stage)), asked(stage)) == (before, [])
    stage.api.replies.add("Yes?")
    said = await stage.ada.say(stage.channel, "Mira?")
    await stage.ada.say(stage.channel, "It is late.")  # which belongs to what waits
    assert (await stage.reply_to(said)).author.name == "Mira"
    assert "What a night" not in stage.said_to_model
    assert "Ada: It is late." in stage.said_to_model
    assert (await stage.ask(stage.ada, "And you?", answer="I too.")).author.name == "Mira"  # who spoke last
    stage.api.replies.add("Here.")
    chat = await stage.command(stage.ada, "chat", message="Nora, where are you?")
    assert chat.content == "-# Nora answers you here."


@pytest.mark.parametrize("by_webhook", [True, False])
async def test_whoever_joins_a_question_may_name_who_answers(
    stage: Stage, request: pytest.FixtureRequest, by_webhook: bool
) -> None:
    if not by_webhook:
        request.getfixturevalue("no_webhooks")
    await both_on_stage(stage)
    await stage.command(stage.moderator, "persona bring", name="Nora", model=OWN_MODEL)
    stage.api.hold()
    await stage.say(stage.ada, "One.", answer="First.")
    await begun(stage)
    await stage.remembered(await stage.say(stage.ada, "Two.", answer="Second."), "Two.")
    await stage.remembered(await stage.say(stage.tom, "Nora, three?"), "Nora, three?")
    await stage.remembered(await stage.say(stage.tom, "Mira, four?"), "Mira, four?")  # the first who was named answers
    stage.api.release()
    await stage.world.wait_until(lambda: len(asked(stage)) == 2)
    await quiet(stage, 0.05)
    first, second = shown(stage)[-2:]
    if by_webhook:
        assert [(m.author.name, m.content) for m in (first, second)] == [("Mira", "First."), ("Nora", "Second.")]
    else:
        assert [m.content for m in (first, second)] == ["**Mira**\nFirst.", "**Nora**\nSecond."]
    assert [request.body["model"] for request in asked(stage)] == [MODEL, OWN_MODEL]
    assert "Nora sails." in stage.said_to_model
    assert all(text in stage.said_to_model for text in ("Ada: Two.", "Tom: Nora, three?", "Tom: Mira, four?"))
    reply = await stored(stage, second)
    assert (reply.author_name, reply.content, reply.model) == ("Nora", "Second.", OWN_MODEL)
    assert not [message for message in stage.channel.messages if message.reactions]


async def test_a_notice_goes_when_somebody_else_is_called_meanwhile(
    offstage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cogs._screen.REACTION_AFTER_SECONDS", 0.02)
    monkeypatch.setattr("cogs._screen.NOTICE_AFTER_SECONDS", 0.05)
    async with running(offstage, changed(offstage.settings, requests_per_minute=60, parallel_requests=1)):
        await both_on_stage(offstage)
        other = offstage.guild.add_text_channel("other")
        offstage.api.hold()
        await offstage.say(offstage.tom, "One.", channel=other, answer="word " * 40)
        await begun(offstage)
        await offstage.say(offstage.ada, "Two.", answer="Second.")
        notice = await offstage.reply("⏳")
        assert notice.author.name == "Mira"
        await offstage.remembered(await offstage.say(offstage.tom, "Nora, three?"), "Nora, three?")
        offstage.api.release()
        await quiet(offstage)
        assert notice not in shown(offstage)
        assert [(m.author.name, m.content) for m in shown(offstage)[4:]] == [("Nora", "Second.")]


async def test_characters_answer_each_other_within_their_budget(stage: Stage) -> None:
    await both_on_stage(stage)
    await stage.command(stage.ada, "profile set", description="{{user}} keeps bees.")
    assert "**2** after something people said" in await turns(stage, order="turns", among_themselves=2)
    for answer in ("Good evening, Ada.", "Quiet, Mira.", "As you like."):
        stage.api.replies.add(answer)
    await stage.say(stage.ada, "Good evening.")
    said = await spoken(stage, 5)
    assert said[2:] == [("Mira", "Good evening, Ada."), ("Nora", "Quiet, Mira."), ("Mira", "As you like.")]
    assert words(stage, "user")[-1] == "Nora: Quiet, Mira."
    assert "Ada keeps bees." in words(stage, "system")[0]
    newest = shown(stage)[-1]
    assert [buttons(message) for message in shown(stage)[-3:]] == [[], [], NEWEST]
    assert {(await stored(stage, message)).author_id for message in shown(stage)[-3:]} == {stage.ada.user.id}

    exported = await stage.command(stage.ada, "history export", format="SillyTavern")
    lines = [json.loads(line) for line in exported.attachments[0].data.splitlines()[1:]]
    assert [line["name"] for line in lines] == ["Mira", "Nora", "Ada", "Mira", "Nora", "Mira"]
    assert [len(line.get("swipes", [])) for line in lines[:2]] == [1, 2]

    stage.api.replies.add("As I like.")
    await stage.press(stage.ada, newest, "🔄")  # what they say belongs to who asked
    await stage.world.wait_until(lambda: newest.content == "As I like.")
    await quiet(stage, 0.05)
    assert buttons(newest) == swipes(2, 2)
    await stage.command(stage.ada, "undo")
    assert newest.deleted
    assert (await spoken(stage, 4))[-1] == ("Nora", "Quiet, Mira.")
    await stage.world.wait_until(lambda: buttons(shown(stage)[-1]) == NEWEST)
    stage.api.replies.add("Not you.")
    to_first = await stage.ada.say(stage.channel, "Mira?", reply_to=shown(stage)[-2])  # of the same exchange
    await turns(stage, among_themselves=0)
    await stage.reply_to(to_first)
    assert "Nora: Quiet, Mira." in stage.said_to_model
    assert "As I like." not in stage.said_to_model


def held_up(stage: Stage, model: str) -> None:
    """Let the next request to a model have no words for long."""
    stage.api.faults.add("stall_first", model=model, seconds=1.5)
    stage.api.replies.add("Never said.", model=model)


async def test_people_come_before_what_characters_have_to_say_to_each_other(stage: Stage) -> None:
    await both_on_stage(stage)
    await stage.command(stage.moderator, "persona bring", name="Nora", model=OWN_MODEL)
    await turns(stage, order="turns", among_themselves=1)
    stage.api.replies.add("Good evening.", model=MODEL)
    held_up(stage, OWN_MODEL)
    await stage.say(stage.ada, "Good evening.")
    await begun(stage, 2)  # Nora is about to answer Mira
    stage.api.replies.add("Yes, Ada?", model=OWN_MODEL)
    held_up(stage, MODEL)
    await stage.say(stage.ada, "Nora, wait!")
    await begun(stage, 4)  # she has answered Ada, and Mira is about to answer her
    assert [m.content for m in shown(stage)[-2:]] == ["Good evening.", "Yes, Ada?"]
    assert words(stage, "user")[-1].endswith("Ada: Nora, wait!\n\nNora: Yes, Ada?")
    assert [message["content"] for message in stage.prompts[2] if message["role"] == "assistant"] == [
        "Nora joins Nora, Mira."
    ]
    reply = shown(stage)[-1]
    stage.api.replies.add("Better so.", model=OWN_MODEL)
    await stage.press(stage.ada, reply, "🔄")  # Mira makes way
    await stage.world.wait_until(lambda: reply.content == "Better so.")
    await quiet(stage, 0.05)
    assert buttons(reply) == swipes(2, 2)

    stage.api.replies.add("Hm.", model=MODEL)
    held_up(stage, OWN_MODEL)
    asking = await stage.say(stage.ada, "Mira, and you?")
    await begun(stage, 7)
    assert (await stage.command(stage.ada, "undo")).content == "-# The last turn is taken back."
    assert asking.reactions
    await quiet(stage, 0.05)
    assert (await spoken(stage, 4))[2:] == [("Mira", "Good evening."), ("Nora", "Better so.")]

    stage.api.replies.add("I am.", model=MODEL)
    stage.api.faults.add("status", status=400, times=None, model=OWN_MODEL)
    await stage.say(stage.ada, "Mira, are you there?")
    await begun(stage, 9)
    assert (await spoken(stage, 5))[-1] == ("Mira", "I am.")
    assert stage.channel.messages[-1].content == "I am."  # what nobody asked for fails without a word


async def test_the_cast_and_whose_turn_it_is_outlive_a_restart(
    offstage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cogs._bot, "CLOSE_GRACE_SECONDS", 0.2)
    async with running(offstage, offstage.settings):
        await both_on_stage(offstage)
        await turns(offstage, order="turns", among_themselves=1)
        await offstage.command(offstage.moderator, "persona bring", name="Nora", model=OWN_MODEL)
        offstage.api.replies.add("Good evening.")
        held_up(offstage, OWN_MODEL)
        await offstage.say(offstage.ada, "Good evening.")
        await begun(offstage, 2)
    assert offstage.channel.messages[-1].content == "Good evening."
    async with running(offstage, offstage.settings) as bot:
        await quiet(offstage, 0.05)
        history = bot.services.storage.history
        head = await history.head(ConversationKey(offstage.guild.id, offstage.channel.id))
        assert head == (await stored(offstage, offstage.channel.messages[-1])).id
        assert await history.unfinished(None) == []
        await turns(offstage, among_themselves=0)
        reply = await offstage.ask(offstage.ada, "And now?", answer="My turn.")
        assert (reply.author.name, reply.content) == ("Nora", "My turn.")


async def test_two_who_are_sent_off_at_once_are_both_gone(stage: Stage) -> None:
    await both_on_stage(stage)
    await taken_in(stage, stage.moderator, card_file("Otis", **NORA))
    await stage.command(stage.moderator, "persona use", name="Otis", beside=True)
    assert stage.bot is not None
    casts, server = stage.bot.services.casts, Scope("guild", stage.guild.id)
    place = Place(stage.guild.id, (Scope("channel", stage.channel.id), server))
    company = await casts.here(place.guild_id, place.scopes, age_restricted=False)
    gone = (casts.dismiss(place, company, name, stage.moderator.user.id) for name in ("Mira", "Otis"))
    await asyncio.gather(*gone)
    assert [p.name for p in (await casts.here(place.guild_id, place.scopes, age_restricted=False)).personas] == ["Nora"]


async def test_who_may_not_speak_or_is_gone_drops_out(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    await both_on_stage(stage)
    stage.channel.edit(nsfw=True)
    await taken_in(stage, stage.moderator, card_file("Otis", **{**NORA, "tags": ["nsfw"], "group_only_greetings": []}))
    monkeypatch.setattr("chat.casts.MOST", 2)
    full = await stage.command(stage.moderator, "persona use", name="Otis", beside=True)
    assert full.content.startswith("2 characters speak here, which is the most.")
    monkeypatch.setattr("chat.casts.MOST", 8)
    added = await stage.command(stage.moderator, "persona use", name="Otis", beside=True)
    assert added.content == "**Otis 🔞** speaks in this channel from now on, beside **Mira** and **Nora**."
    await turns(stage, order="turns")
    stage.channel.edit(nsfw=False)
    assert stage.bot is not None
    seen: Any = stage.bot.get_channel(stage.channel.id)
    await stage.world.wait_until(lambda: not seen.nsfw)
    for speaker in ("Mira", "Nora", "Mira"):
        assert (await stage.ask(stage.ada, "Well?", answer="Well.")).author.name == speaker
    said = await stage.say(stage.ada, "Otis, you?")
    refusal = await stage.world.wait_for_message(stage.channel, lambda message: message.reply_to is said)
    assert "`Otis` is for adults" in refusal.content

    await stage.command(stage.moderator, "persona delete", name="Mira")
    assert (await stage.ask(stage.ada, "Mira?", answer="Gone.")).author.name == "Nora"
    gone = await stage.command(stage.moderator, "persona clear", name="otis")
    assert gone.content == "**Otis** speaks here no longer; **Nora** does."
    unknown = await stage.command(stage.moderator, "persona clear", name="Otis")
    assert unknown.content.startswith("I know no character `Otis` here.")
    thread = stage.channel.add_thread("aside", stage.moderator.user)
    assert (await stage.ask(stage.ada, "Here too?", answer="Yes.", channel=thread)).author.name == "Nora"
    last = await stage.command(stage.moderator, "persona clear", name="Nora")
    assert last.content == "I speak for myself again. What was said is kept; `/reset` begins anew."
    assert (await stage.ask(stage.ada, "Who is there?", answer="Only me.")).author is stage.world.bot


LAMP, SAILS = "The lamp is lit. " * 12 + "Sleep.", "The sails are set. " * 12 + "Go."


async def both_called(stage: Stage, *, at_once: bool) -> None:
    """Ada has called Mira and Tom has called Nora, before either has said all."""
    stage.api.hold(after_tokens=12)
    before = len(asked(stage))
    await stage.say(stage.ada, "Mira, what is new?", answer=LAMP)
    await stage.reply("The lamp")
    await stage.say(stage.tom, "Nora, what is new?", answer=SAILS)
    if at_once:
        await begun(stage, before + 2)
        await stage.reply("The sails")
    stage.api.release()
    await stage.reply("Go.")
    await stage.settled()


def said_by(stage: Stage, name: str) -> list[str]:
    """What a character has said below the greetings."""
    return [m.content for m in shown(stage) if m.author.name == name and "greets" not in m.content][-1:]


async def test_two_who_speak_at_once_to_different_people_keep_their_words_apart(stage: Stage) -> None:
    await both_on_stage(stage)
    await stage.command(stage.moderator, "channel set", history_scope="user")
    await both_called(stage, at_once=True)
    assert (said_by(stage, "Mira"), said_by(stage, "Nora")) == ([LAMP], [SAILS])
    for message in shown(stage)[-2:]:
        await stage.remembered(message, message.content)
        assert buttons(message) == NEWEST


async def test_in_one_conversation_they_take_turns(stage: Stage) -> None:
    await both_on_stage(stage)
    await both_called(stage, at_once=False)
    assert (said_by(stage, "Mira"), said_by(stage, "Nora")) == ([LAMP], [SAILS])
    assert [LAMP in prompt(request) for request in asked(stage)[-2:]] == [False, True]
