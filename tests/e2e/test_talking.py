from typing import Any

import pytest

from playground.discord import LocalDiscord, MessageFlag, Permission
from tests.e2e.conftest import Stage, changed, running

pytestmark = pytest.mark.usefixtures("no_rate_limits")


def system_and(*turns: str) -> list[dict[str, str]]:
    """A prompt in which user and assistant speak in turn."""
    roles = ("user", "assistant")
    said = [{"role": roles[number % 2], "content": turn} for number, turn in enumerate(turns)]
    return [{"role": "system", "content": "You are the bot of this test."}, *said]


async def nothing_asked(stage: Stage) -> None:
    """Until a later message has been answered, so that earlier ones have had their time; and only that one was."""
    before = len(stage.prompts)
    await stage.ask(stage.moderator, "Are you there?", channel=stage.guild.add_text_channel("elsewhere"))
    assert len(stage.prompts) == before + 1


async def test_a_mention_is_answered_in_a_reply_to_it(stage: Stage) -> None:
    said = await stage.ada.say(stage.channel, f"{stage.mention} good evening")
    reply = await stage.reply("good evening")
    assert reply.reply_to.id == said.id
    await stage.settled()
    assert stage.api.requests[-1].body["messages"][-1] == {"role": "user", "content": "good evening"}
    assert stage.api.requests[-1].body["messages"][0]["content"] == "You are the bot of this test."


async def test_other_mentions_reach_the_model_as_names(stage: Stage) -> None:
    role = stage.guild.add_role("sailors")
    text = f"ask {stage.tom.user.mention} and {role.mention} in {stage.channel.mention} <:wave:123> {stage.mention} !"
    await stage.ask(stage.ada, text)
    assert stage.prompts[-1][-1]["content"] == "ask @Tom and @sailors in #general :wave:  !"


# --- where a message belongs in the history


async def test_a_reply_with_ping_goes_on(stage: Stage) -> None:
    reply = await stage.ask(stage.ada, "one", answer="first")
    await stage.reply_to(await stage.ada.say(stage.channel, "two", reply_to=reply))
    assert stage.prompts[-1] == system_and("one", "first", "two")


async def test_a_reply_without_ping_is_not_addressed(stage: Stage) -> None:
    reply = await stage.ask(stage.ada, "one", answer="first")
    await stage.ada.say(stage.channel, "not to you", reply_to=reply, ping=False)
    await nothing_asked(stage)


async def test_a_reply_to_an_older_message_is_a_side_branch(stage: Stage) -> None:
    older = await stage.ask(stage.ada, "one", answer="first")
    await stage.ask(stage.ada, "two", answer="second")
    side = await stage.ask(stage.tom, "aside", answer="sideways", reply_to=older)
    assert stage.prompts[-1] == system_and("Ada: one", "first", "Tom: aside")
    await stage.ask(stage.ada, "three", answer="third")
    assert stage.prompts[-1] == system_and("one", "first", "two", "second", "three")
    await stage.ask(stage.tom, "further", reply_to=side)
    assert stage.prompts[-1] == system_and("Ada: one", "first", "Tom: aside", "sideways", "Tom: further")


async def test_a_reply_to_any_message_of_the_newest_exchange_goes_on(stage: Stage) -> None:
    question = await stage.say(stage.ada, "one", answer="first")
    await stage.reply_to(question)
    await stage.ask(stage.tom, "two", answer="second", reply_to=question)
    await stage.ask(stage.ada, "three")
    assert stage.prompts[-1] == system_and("Ada: one", "first", "Tom: two", "second", "Ada: three")


async def test_a_reply_to_the_first_of_two_questions_answered_together_goes_on(stage: Stage) -> None:
    stage.api.hold()
    await stage.say(stage.ada, "zero")
    await stage.world.wait_until(lambda: stage.prompts)
    first = await stage.say(stage.ada, "one")
    await stage.remembered(first, "one")
    await stage.remembered(await stage.say(stage.tom, "two"), "two")
    stage.api.release()
    await stage.reply_to(first)
    assert len(stage.prompts) == 2
    await stage.ask(stage.ada, "three", reply_to=first)
    assert stage.prompts[-1][-2]["role"] == "assistant"


async def test_a_reply_to_words_outside_the_conversation_quotes_them(stage: Stage) -> None:
    overheard = await stage.tom.say(stage.channel, "The tide is late.")
    await stage.ask(stage.ada, "is that true?", reply_to=overheard)
    assert stage.prompts[-1][-1]["content"] == "[Replying to Tom, who wrote: The tide is late.]\nis that true?"


async def test_an_edit_keeps_the_quote(stage: Stage) -> None:
    overheard = await stage.tom.say(stage.channel, "The tide is late.")
    said = await stage.say(stage.ada, "is that true?", reply_to=overheard)
    await stage.reply_to(said)
    await stage.ada.edit(said, f"{stage.mention} is that so?")
    await stage.remembered(said, "is that so?")
    await stage.ask(stage.ada, "well?")
    assert stage.prompts[-1][1]["content"] == "[Replying to Tom, who wrote: The tide is late.]\nis that so?"


# --- who is answered


async def test_a_mention_with_nothing_said_gets_a_hint_once(stage: Stage) -> None:
    said = await stage.say(stage.ada, "")
    hint = await stage.world.wait_for_message(stage.channel, lambda message: message.reply_to is said)
    assert "said nothing" in hint.content
    stage.world.deliver_again(said)
    await nothing_asked(stage)
    assert [message for message in stage.channel.messages if message.reply_to is said] == [hint]


async def test_direct_messages_are_refused_unless_allowed(stage: Stage) -> None:
    channel = await stage.ada.open_dm()
    await stage.ada.say(channel, "hello?")
    refusal = await stage.reply("I do not answer direct messages", channel=channel)
    assert refusal.reply_to is None
    assert not stage.prompts


async def test_direct_messages_need_no_mention_where_they_are_allowed(offstage: Stage) -> None:
    async with running(offstage, changed(offstage.settings, allow_dms=True)):
        channel = await offstage.ada.open_dm()
        await offstage.at_home(offstage.ada)
        await offstage.reply_to(await offstage.ada.say(channel, "hello?"))
        assert offstage.prompts[-1] == system_and("hello?")
        await offstage.command(offstage.ada, "reset", channel)  # everyone is moderator of their own conversation
        await offstage.reply_to(await offstage.ada.say(channel, "again?"))
        assert offstage.prompts[-1] == system_and("again?")


async def test_owners_may_always_write_directly(offstage: Stage) -> None:
    async with running(offstage, changed(offstage.settings, owner_ids=frozenset({offstage.tom.user.id}))):
        channel = await offstage.tom.open_dm()
        await offstage.reply_to(await offstage.tom.say(channel, "hello?"))
        assert offstage.prompts[-1] == system_and("hello?")


async def test_bots_webhooks_and_talk_among_people_are_ignored(stage: Stage) -> None:
    robot = stage.world.add_user("Robot", bot=True)
    stage.guild.add_member(robot)
    await stage.say(stage.world.person(robot), "hello")
    stage.channel.add_webhook("Proxy").say(f"{stage.mention} hello")
    await stage.ada.say(stage.channel, f"{stage.tom.user.mention} hello")
    await nothing_asked(stage)


async def test_a_place_where_the_bot_may_not_write_is_told_of_once_and_nothing_is_asked(stage: Stage) -> None:
    quiet = stage.guild.add_text_channel("quiet")
    quiet.set_permissions(stage.guild.bot_role, deny=Permission.SEND_MESSAGES)
    for _ in range(2):
        await stage.say(stage.ada, "hello", channel=quiet)
    await nothing_asked(stage)
    told = [message.content for message in (await stage.ada.open_dm()).messages]
    assert told == ["I may not write in that channel: I need Send Messages there."]


async def test_several_speakers_are_told_apart_and_one_alone_is_not(stage: Stage) -> None:
    await stage.ask(stage.ada, "one", answer="first")
    await stage.ask(stage.ada, "two", answer="second")
    assert stage.prompts[-1] == system_and("one", "first", "two")
    await stage.ask(stage.tom, "three")
    assert stage.prompts[-1] == system_and("Ada: one", "first", "Ada: two", "second", "Tom: three")


async def test_hints_fade_at_the_latest_when_the_bot_stops(offstage: Stage) -> None:
    async with running(offstage, offstage.settings) as bot:
        said = await offstage.say(offstage.ada, "")
        hint = await offstage.world.wait_for_message(offstage.channel, lambda message: message.reply_to is said)
        await offstage.world.wait_until(lambda: bot.talking.unanswered._fading)
    assert hint.deleted


# --- conversations do not mix


async def test_channels_threads_and_servers_have_conversations_of_their_own(stage: Stage) -> None:
    other_guild = stage.world.add_guild("Lighthouse", owner=stage.ada.user)
    places = [
        stage.channel,
        stage.guild.add_text_channel("quiet"),
        stage.channel.add_thread("plans", stage.ada.user),
        stage.guild.add_forum("stories").add_post("The ship", stage.ada.user, "Once upon a time"),
        other_guild.add_text_channel("general"),
    ]
    for number, place in enumerate(places):
        await stage.ask(stage.ada, f"secret {number}", channel=place)
    for number, place in enumerate(places):
        await stage.ask(stage.ada, "what was said here?", channel=place)
        assert f"secret {number}" in stage.said_to_model
        assert stage.said_to_model.count("secret") == stage.said_to_model.count(f"secret {number}")


# --- without the message content intent


@pytest.fixture
async def blind(offstage: Stage) -> Any:
    async with running(offstage, offstage.settings, message_content=False):
        yield offstage


async def test_without_the_intent_mentions_are_answered_and_help_says_what_is_missing(blind: Stage) -> None:
    reply = await blind.ask(blind.ada, "one", answer="first")
    await blind.reply_to(await blind.ada.say(blind.channel, "two", reply_to=reply))
    assert blind.prompts[-1] == system_and("one", "first", "two")
    assert "Message Content" in (await blind.command(blind.ada, "help")).content


async def test_help_is_silent_about_the_intent_when_it_is_there(stage: Stage) -> None:
    assert "Message Content" not in (await stage.command(stage.ada, "help")).content


async def test_without_the_intent_an_edit_does_not_blank_the_history(blind: Stage) -> None:
    said = await blind.say(blind.ada, "one", answer="first")
    await blind.reply_to(said)
    await blind.ada.edit(said, "one, without a mention")  # arrives without content
    await blind.ask(blind.ada, "two")
    assert blind.prompts[-1] == system_and("one", "first", "two")


# --- what the model writes is only text


def is_harmless(body: dict[str, Any]) -> bool:
    allowed = body["allowed_mentions"]
    return allowed["parse"] == [] and not allowed.get("users") and not allowed.get("roles")


@pytest.mark.parametrize("by_command", [False, True])
async def test_nothing_the_model_writes_mentions_anyone(stage: Stage, by_command: bool) -> None:
    everyone = stage.guild.everyone.mention
    stage.api.replies.add(f"@everyone @here {stage.tom.user.mention} {everyone} " + "word " * 60)
    stage.api.hold(after_tokens=40)
    if by_command:
        await stage.ada.slash(stage.channel, "chat", message="call them")
    else:
        await stage.say(stage.ada, "call them")
    reply = await stage.reply("word")
    stage.api.release()
    await stage.settled()
    assert "@everyone @here" in reply.content
    assert not reply.mentions
    assert not reply.mention_everyone
    written = [
        r
        for r in [*stage.world.requests_for("POST", r"/messages$"), *stage.world.requests_for("PATCH", "/messages/")]
        if r.body.get("content")
    ]
    assert len(written) >= 2
    assert all(is_harmless(r.body) for r in written)


async def test_previews_are_suppressed_on_sends_and_edits(stage: Stage) -> None:
    stage.api.hold(after_tokens=20)
    await stage.say(stage.ada, "link", answer="See https://example.org/leak now. " + "word " * 60)
    reply = await stage.reply("word")
    stage.api.release()
    await stage.settled()
    assert len(reply.history) > 1
    assert reply.flags & MessageFlag.SUPPRESS_EMBEDS
    assert not reply.embeds
    bodies = [r.body for r in stage.world.requests if r.method in {"POST", "PATCH"} and "/messages" in r.path]
    assert all(body["flags"] & MessageFlag.SUPPRESS_EMBEDS for body in bodies)


async def test_a_command_shows_addresses_without_previews(stage: Stage) -> None:
    stage.api.replies.add("See https://example.org/leak now.")
    shown = await stage.command(stage.ada, "chat", message="link")
    assert "<https://example.org/leak>" in shown.content
    assert not shown.embeds


# --- /chat


async def test_chat_is_deferred_in_time_and_quotes_the_question(stage: Stage) -> None:
    stage.api.first_token_seconds = 0.3
    stage.api.replies.add("Because of the moon.")
    interaction = await stage.ada.slash(stage.channel, "chat", message="why\nis the tide late?")
    await stage.world.wait_until(lambda: interaction.deferred)
    assert interaction.acknowledged_at - interaction.created_at < 1
    await stage.world.wait_until(lambda: not interaction.original.loading)
    await stage.settled()
    assert interaction.original.content == "> why\n> is the tide late?\nBecause of the moon."
    assert not interaction.original.ephemeral
    await stage.ask(stage.ada, "go on")
    assert stage.prompts[-1] == system_and("why\nis the tide late?", "Because of the moon.", "go on")


async def test_a_long_answer_goes_on_in_further_messages(stage: Stage) -> None:
    words = " ".join(["waves"] * 390)
    stage.api.replies.add(words)
    await stage.ada.slash(stage.channel, "chat", message="a lot, please")
    await stage.world.wait_until(lambda: len(stage.prompts) == 1)
    await stage.settled()
    shown = [message.content for message in stage.channel.messages]
    assert len(shown) == 2
    assert all(len(content) <= 2000 for content in shown)
    assert " ".join(" ".join(shown).split()) == f"> a lot, please {words}"


async def test_code_that_the_quote_cuts_off_does_not_swallow_the_answer(stage: Stage) -> None:
    stage.api.replies.add(" ".join(["waves"] * 390))
    await stage.command(stage.ada, "chat", message="explain\n```py\n" + "x = 1\n" * 80 + "```")
    first, second = stage.channel.messages
    assert first.content.count("```") == 2
    assert "```" not in second.content


async def test_a_private_chat_is_seen_by_one_and_has_a_history_of_its_own(stage: Stage) -> None:
    await stage.ask(stage.ada, "in public", answer="publicly")
    stage.api.replies.add("privately")
    private = await stage.command(stage.ada, "chat", message="in private", private=True)
    assert private.ephemeral
    assert "privately" in private.content
    assert stage.prompts[-1] == system_and("in private")
    await stage.command(stage.ada, "chat", message="in private again", private=True)
    assert stage.prompts[-1] == system_and("in private", "privately", "in private again")
    await stage.command(stage.tom, "chat", message="my own", private=True)
    assert stage.prompts[-1] == system_and("my own")
    await stage.ask(stage.ada, "and now?")
    assert stage.prompts[-1] == system_and("in public", "publicly", "and now?")


# --- edits and deletions in Discord


async def test_edits_and_deletions_change_what_the_next_prompt_says(stage: Stage) -> None:
    first = await stage.say(stage.ada, "one", answer="first")
    await stage.reply_to(first)
    second = await stage.say(stage.ada, "two", answer="second")
    reply = await stage.reply_to(second)
    await stage.ada.edit(first, f"{stage.mention} uno")
    await stage.ada.delete(second)
    await stage.moderator.delete(reply)
    await stage.forgotten(reply)
    await stage.ask(stage.ada, "three")
    assert stage.prompts[-1] == system_and("uno", "first", "three")


async def test_a_reply_that_is_deleted_while_it_is_written_leaves_the_history(stage: Stage) -> None:
    stage.api.hold(after_tokens=20)
    said = await stage.say(stage.ada, "one", answer="waves " * 200)
    reply = await stage.world.wait_for_message(stage.channel, lambda message: message.reply_to is said)
    await stage.moderator.delete(reply)
    await stage.settled()
    stage.api.release()
    await stage.ask(stage.ada, "two")
    assert "waves" not in stage.said_to_model
    assert "waves" not in "".join(message.content for message in stage.channel.messages)


async def test_messages_cleared_away_together_leave_the_history(stage: Stage) -> None:
    said = await stage.say(stage.ada, "one", answer="first")
    reply = await stage.reply_to(said)
    stage.channel.bulk_delete([said, reply])
    await stage.forgotten(reply)
    await stage.ask(stage.ada, "two")
    assert stage.prompts[-1] == system_and("two")


# --- claims


async def test_a_message_delivered_twice_is_answered_once(stage: Stage) -> None:
    said = await stage.say(stage.ada, "one")
    stage.world.deliver_again(said)
    await stage.reply_to(said)
    stage.world.deliver_again(said)
    await nothing_asked(stage)
    assert len([message for message in stage.channel.messages if message.reply_to is said]) == 1


async def test_what_is_said_while_the_connection_is_down_is_answered_once_after_the_resume(stage: Stage) -> None:
    stage.world.drop_gateway()
    said = await stage.say(stage.ada, "are you there?")
    await stage.world.wait_until(lambda: stage.world.gateway_resumes == 1, timeout=10)
    await stage.reply_to(said)
    await nothing_asked(stage)


async def test_two_processes_on_one_database_answer_once(stage: Stage, world: LocalDiscord) -> None:
    async with running(stage, stage.settings):
        for number in range(3):
            await stage.ask(stage.ada, f"question {number}")
        empty = await stage.say(stage.ada, "")
        await world.wait_for_message(stage.channel, lambda message: message.reply_to is empty)
        await stage.command(stage.ada, "chat", message="by command")
        await nothing_asked(stage)
        # Asked before one of the processes ends, which takes its hint away.
        assert len([message for message in stage.channel.messages if message.author is world.bot]) == 5
    assert len(stage.prompts) == 5
