"""Characters speak: greetings, prompts and names in replies; those for adults only where they may."""

from pathlib import Path

import pytest

from tests.e2e.acting import buttons, quiet, shown, slow_text, stored
from tests.e2e.characters import card_file, greeting, look, taken_in, use
from tests.e2e.conftest import Stage, running
from tests.e2e.processes import environment, started

SEND_MESSAGES = 1 << 11

pytestmark = pytest.mark.usefixtures("no_rate_limits", "no_webhooks")


async def test_a_greeting_opens_the_conversation_and_its_alternates_are_swipes(stage: Stage) -> None:
    await taken_in(stage, stage.moderator)
    told = await use(stage)
    assert told.content == "**Mira** speaks in this channel from now on."
    first = await greeting(stage)
    assert first.content == "**Mira**\n*The lamp turns.* Good evening, Max."
    assert buttons(first)[:3] == ["◀️", "1/3", "▶️"]
    await stage.moderator.click(first, label="▶️")
    await stage.world.wait_until(lambda: first.content == "**Mira**\nWho is there?")
    reply = await stage.ask(stage.ada, "It is me.", answer="Mira: Come in.")
    assert reply.content == "**Mira**\nCome in."
    assert (await stored(stage, reply)).content == "Come in."
    said = stage.prompts[-1]
    assert [m["content"] for m in said if m["role"] == "assistant"] == ["Who is there?"]


async def test_a_long_greeting_is_said_whole(stage: Stage) -> None:
    def said() -> list[str]:
        return [message.content for message in shown(stage) if "speaks in this channel" not in message.content]

    words = " ".join(f"w{number} {{{{user}}}}" for number in range(1200))
    await taken_in(stage, stage.moderator, card_file(first_mes=words, alternate_greetings=["Short."]))
    await use(stage)
    last = await stage.reply("w1199")
    await quiet(stage)
    assert len(said()) == 6
    assert " ".join(said()).split() == f"**Mira** {words}".replace("{{user}}", "Max").split()
    await stage.moderator.click(last, label="▶️")
    await stage.world.wait_until(lambda: said() == ["**Mira**\nShort."])


async def test_a_greeting_can_be_written_anew_and_taken_back(stage: Stage) -> None:
    await stage.command(stage.moderator, "profile set", name="Maxim", description="{{user}} keeps bees.")
    await taken_in(stage, stage.moderator, card_file(description="{{char}} knows {{user}}.{{//secret}}"))
    await use(stage)
    first = await greeting(stage)
    stage.api.replies.add("Another evening.")
    await stage.moderator.click(first, label="🔄")
    await stage.world.wait_until(lambda: first.content == "**Mira**\nAnother evening.")
    await stage.settled()
    assert buttons(first)[:3] == ["◀️", "4/4", "▶️"]
    assert "Mira knows Maxim." in stage.said_to_model
    assert "Maxim keeps bees." in stage.said_to_model
    assert "secret" not in stage.said_to_model
    assert (await stage.command(stage.moderator, "undo")).content == "-# The last turn is taken back."
    assert first.deleted
    assert (await stage.ask(stage.ada, "Hello?", answer="Yes.")).content == "**Mira**\nYes."
    assert "evening" not in stage.said_to_model


async def test_where_the_bot_may_not_write_the_greeting_is_the_command_s_answer(stage: Stage) -> None:
    quiet = stage.guild.add_text_channel("quiet")
    quiet.set_permissions(stage.guild.everyone, deny=SEND_MESSAGES)
    await taken_in(stage, stage.moderator)
    answer = await use(stage, channel=quiet)
    await stage.world.wait_until(lambda: "Good evening" in answer.content)


async def test_the_prompt_is_the_card_s(stage: Stage) -> None:
    await taken_in(
        stage,
        stage.moderator,
        card_file(
            system_prompt="{{original}} You are {{char}}.",
            scenario="A harbour where {{user}} lives.",
            mes_example="<START>\n{{user}}: Hi\n{{char}}: Hush.",
            post_history_instructions="Answer as {{char}}.",
            creator_notes="Never in the prompt.",
            character_book={"entries": [{"keys": ["tide"], "content": "The tide is late.", "enabled": True}]},
        ),
    )
    await use(stage)
    await greeting(stage)
    await stage.ask(stage.ada, "What of the tide?", answer="Late.")
    [system, *_, last] = stage.prompts[-1]
    pieces = [
        "You are the bot of this test. You are Mira.",
        "Mira keeps the harbour light.",
        "Mira's personality: calm",
        "Scenario: A harbour where Ada lives.",
        "Mira: Hush.",
    ]
    assert [piece for piece in pieces if piece not in system["content"]] == []
    assert "The tide is late." in system["content"]
    assert last["content"].endswith("Answer as Mira.")
    assert "Never in the prompt" not in stage.said_to_model
    context = await stage.command(stage.tom, "context")
    assert "description" in context.content
    await stage.command(stage.moderator, "persona clear")
    await stage.ask(stage.ada, "And now?", answer="Now.")
    assert stage.prompts[-1][0]["content"] == "You are the bot of this test."


async def test_a_card_with_nothing_but_a_name_can_speak(stage: Stage) -> None:
    bare = dict.fromkeys(("description", "personality", "scenario", "first_mes", "mes_example"), "")
    await taken_in(stage, stage.moderator, card_file(alternate_greetings=[], **bare))
    await use(stage)
    assert (await stage.ask(stage.ada, "a", answer="A.")).content == "**Mira**\nA."


async def test_replies_keep_their_name_through_swipes_and_clear(stage: Stage) -> None:
    await stage.ask(stage.ada, "Who is there?", answer="Only me.")
    await taken_in(stage, stage.moderator)
    await use(stage)
    await greeting(stage)
    shown = await stage.command(stage.tom, "channel show")
    assert "`persona` **Mira** · this channel" in shown.content
    reply = await stage.ask(stage.ada, "Hello?", answer="One.")
    stage.api.replies.add("Two.")
    await stage.ada.click(reply, label="🔄")
    await stage.world.wait_until(lambda: reply.content == "**Mira**\nTwo.")
    await stage.settled()
    cleared = await stage.command(stage.moderator, "persona clear")
    assert "I speak for myself again" in cleared.content
    await stage.ada.click(reply, label="◀️")
    await stage.world.wait_until(lambda: reply.content == "**Mira**\nOne.")
    stage.api.replies.add(" And more.")
    await stage.ada.click(reply, label="⏩")
    await stage.world.wait_until(lambda: reply.content.startswith("**Mira**\nOne. And more."))
    await stage.settled()
    plain = await stage.ask(stage.ada, "And you?", answer="Three.")
    assert plain.content == "Three."
    branch = cleared.content.rpartition("branch:")[2].strip("`")
    await stage.command(stage.moderator, "history checkout", branch=branch)
    await stage.ask(stage.ada, "And before that?", answer="Nothing.")
    assert "Only me." in stage.said_to_model
    assert "Good evening" not in stage.said_to_model
    again = await stage.command(stage.moderator, "persona clear")
    assert (again.content, again.ephemeral) == ("No character was chosen for this very place.", True)


async def test_what_is_bound_outlives_a_restart_and_holds_in_threads(offstage: Stage) -> None:
    thread = offstage.channel.add_thread("plans", offstage.ada.user)
    async with running(offstage, offstage.settings):
        await taken_in(offstage, offstage.moderator)
        await taken_in(offstage, offstage.moderator, card_file("Nora", first_mes="Nora here.", alternate_greetings=[]))
        await use(offstage)
        await greeting(offstage)
        await use(offstage, "Nora", channel=thread)
        await greeting(offstage, "Nora here.", channel=thread)
    async with running(offstage, offstage.settings):
        assert (await offstage.ask(offstage.ada, "a", answer="A.")).content == "**Mira**\nA."
        assert (await offstage.ask(offstage.ada, "b", answer="B.", channel=thread)).content == "**Nora**\nB."
        cleared = await offstage.command(offstage.moderator, "persona clear", thread)
        assert cleared.content.startswith("**Mira** speaks here again")
        assert (await offstage.ask(offstage.ada, "c", answer="C.", channel=thread)).content == "**Mira**\nC."
        listed = await offstage.command(offstage.tom, "persona list")
        assert listed.content == "- **Mira** · speaks here\n- **Nora**"
        await offstage.command(offstage.moderator, "persona delete", name="Mira")
        assert (await offstage.ask(offstage.ada, "d", answer="D.")).content == "D."


async def test_after_a_kill_a_reply_keeps_its_name_and_its_words_apart(offstage: Stage, tmp_path: Path) -> None:
    async with running(offstage, offstage.settings):
        await taken_in(offstage, offstage.moderator, card_file(first_mes="", alternate_greetings=[]))
        await use(offstage)
    offstage.api.faults.add("slow", tokens_per_second=40)
    offstage.api.replies.add(slow_text(150))
    async with started(tmp_path, environment(offstage)) as process:
        await offstage.world.wait_until_connected(timeout=15)
        await offstage.say(offstage.ada, "write")
        reply = await offstage.reply("w1")
        await process.kill()
    text = reply.content.removeprefix("**Mira**\n")
    assert text != reply.content
    async with running(offstage, offstage.settings):
        await offstage.reply("I was restarted")
        assert reply.content.startswith(f"**Mira**\n{text}\n-# ⚠️")
        assert (await stored(offstage, reply)).content == text


async def test_a_command_s_answer_has_the_name_below_the_question(stage: Stage) -> None:
    await taken_in(stage, stage.moderator)
    await use(stage)
    await greeting(stage)
    stage.api.replies.add("Come in.")
    answer = await stage.command(stage.ada, "chat", message="It is me.")
    await stage.world.wait_until(lambda: answer.content == "> It is me.\n**Mira**\nCome in.")


async def test_using_a_character_begins_a_new_conversation_and_says_how_to_go_back(stage: Stage) -> None:
    await taken_in(stage, stage.moderator)
    await stage.ask(stage.ada, "Before.", answer="Yes.")
    told = await use(stage)
    assert "A new conversation begins.\n-# What was said before is kept. To go back: `/history checkout" in told.content
    await greeting(stage)
    await stage.ask(stage.ada, "After.", answer="Yes.")
    assert "Before." not in stage.said_to_model
    branch = told.content.rsplit("branch:", 1)[1].rstrip("`")
    back = await stage.command(stage.moderator, "history checkout", branch=branch)
    assert back.content.startswith("The conversation goes on from branch")
    await stage.ask(stage.ada, "Again.", answer="Yes.")
    assert "Before." in stage.said_to_model


async def test_a_conversation_that_begins_anew_begins_with_the_greeting(stage: Stage) -> None:
    await taken_in(stage, stage.moderator)
    await use(stage)
    first = await greeting(stage)
    await stage.ask(stage.ada, "Before.", answer="Yes.")
    divider = await stage.command(stage.moderator, "reset")
    again = await stage.world.wait_for_message(
        stage.channel, lambda message: "Good evening" in message.content and message is not first
    )
    await stage.ask(stage.ada, "After.", answer="Yes.")
    assert "Before." not in stage.said_to_model
    assert "Good evening, Max." in stage.said_to_model
    assert again.content.startswith("**Mira**\n")
    await stage.press(stage.moderator, divider, "Restore")
    await stage.ask(stage.ada, "Back.", answer="Yes.")
    assert "Before." in stage.said_to_model
    assert "After." not in stage.said_to_model


async def test_a_character_without_greetings_takes_over_what_is_said(stage: Stage) -> None:
    await taken_in(stage, stage.moderator, card_file(first_mes="", alternate_greetings=[]))
    await stage.ask(stage.ada, "Before.", answer="Yes.")
    await use(stage)
    assert (await stage.ask(stage.ada, "After.", answer="Hm.")).content == "**Mira**\nHm."
    assert "Before." in stage.said_to_model


async def test_nobody_can_be_used_while_a_reply_is_being_written(stage: Stage) -> None:
    await taken_in(stage, stage.moderator)
    stage.api.hold()
    await stage.say(stage.ada, "Slow.")
    await stage.world.wait_until(lambda: len(stage.prompts) == 1)
    interaction = await stage.moderator.slash(stage.channel, "persona use", name="Mira")
    await interaction.answered()
    assert "I am writing here" in interaction.response.content
    await stage.command(stage.ada, "stop")


async def test_a_name_cannot_disturb_what_is_shown(stage: Stage) -> None:
    await taken_in(
        stage, stage.moderator, card_file("**@everyone**\n# Big", first_mes="Hello.", alternate_greetings=[])
    )
    await use(stage, "**@everyone** # Big")
    first = await greeting(stage, "Hello.")
    assert first.content.splitlines()[0] == "**\\*\\*@\u200beveryone\\*\\* # Big**"


# --- adults


async def test_adult_cards_stay_in_age_restricted_channels(stage: Stage) -> None:
    den = stage.guild.add_text_channel("den", nsfw=True)
    file = card_file(tags=["sea", "NSFW"])
    refusal = await look(stage, stage.moderator, file)
    assert refusal.content == "`Mira` is for adults and works in age-restricted channels only."
    preview = await look(stage, stage.moderator, file, den)
    assert preview.embeds[0]["title"] == "Mira 🔞"
    await stage.press(stage.moderator, preview, "Confirm")
    assert (await stage.command(stage.tom, "persona list")).content == "- **Mira** 🔞"
    for name in ("show", "export", "use"):
        told = await stage.command(stage.moderator, f"persona {name}", name="Mira")
        assert "age-restricted channels only" in told.content
    await use(stage, channel=den)
    await greeting(stage, channel=den)
    thread = den.add_thread("scene", stage.ada.user)
    in_thread = await stage.ask(stage.ada, "a", answer="A.", channel=thread)
    assert in_thread.content == "**Mira**\nA."
    reply = await stage.ask(stage.ada, "a", answer="A.", channel=den)
    stage.api.replies.add("B.")
    await stage.press(stage.ada, reply, "🔄")
    await stage.world.wait_until(lambda: reply.content == "**Mira**\nB.")
    asked = len(stage.prompts)
    den.edit(nsfw=False)
    for place in (den, thread):
        said = await stage.say(stage.ada, "b", channel=place)
        assert "age-restricted channels only" in (await stage.reply_to(said)).content
    for message, label in ((reply, "🔄"), (reply, "⏩"), (reply, "◀️"), (in_thread, "🔄"), (in_thread, "⏩")):
        pressed = await stage.press(stage.ada, message, label)
        assert "age-restricted channels only" in pressed.content
    assert reply.content == "**Mira**\nB."
    assert "age-restricted channels only" in (await stage.command(stage.ada, "chat", den, message="c")).content
    assert len(stage.prompts) == asked


async def test_the_importer_marks_a_card_as_one_for_adults(stage: Stage) -> None:
    den = stage.guild.add_text_channel("den", nsfw=True)
    preview = await look(stage, stage.ada, card_file())
    await stage.press(stage.ada, preview, "For adults")
    assert preview.embeds[0]["title"] == "Mira 🔞"
    told = await stage.press(stage.ada, preview, "Confirm")
    assert "age-restricted channels only" in told.content
    elsewhere = await look(stage, stage.ada, card_file(), den)
    await stage.press(stage.ada, elsewhere, "For adults")
    await stage.press(stage.ada, elsewhere, "Confirm")
    assert "**Mira 🔞** is one of your characters now" in elsewhere.content
