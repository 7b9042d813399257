"""`/persona`: cards are looked at, taken in, found by who may see them, bound to channels, and given back as files."""

import json
from pathlib import Path
from typing import Any

import pytest

from chat.cards import read_card
from chat.persona_rights import MOST_OWN
from playground.discord._call import Upload
from storage import Storage
from tests.chat import card_files as files
from tests.chat.card_files import as_json, charx, png_card
from tests.e2e.acting import buttons, shown, slow_text, stored
from tests.e2e.conftest import Stage, changed, running
from tests.e2e.processes import environment, started

SEND_MESSAGES = 1 << 11

pytestmark = pytest.mark.usefixtures("no_rate_limits", "no_webhooks")

GREETINGS = ("*The lamp turns.* Good evening, {{user}}.", "Who is there?", "{{char}} is asleep.")


def mira(**fields: Any) -> dict[str, Any]:
    """A card with two more greetings than one."""
    alternates: dict[str, Any] = {"first_mes": GREETINGS[0], "alternate_greetings": list(GREETINGS[1:])}
    return files.card(2, **{**alternates, **fields})


def card_file(name: str = "Mira", **fields: Any) -> tuple[str, bytes]:
    return "card.json", as_json(mira(name=name, **fields))


async def look(stage: Stage, person: Any, file: Any, channel: Any = None) -> Any:
    """What is shown of a file."""
    return await stage.command(person, "persona import", channel, file=file)


async def taken_in(stage: Stage, person: Any, file: Any = None, channel: Any = None) -> Any:
    """The answer to Confirm."""
    preview = await look(stage, person, file or card_file(), channel)
    await stage.press(person, preview, "Confirm")
    return preview


async def use(stage: Stage, name: str = "Mira", person: Any = None, channel: Any = None) -> Any:
    return await stage.command(person or stage.moderator, "persona use", channel, name=name)


async def greeting(stage: Stage, containing: str = "Good evening", channel: Any = None) -> Any:
    return await stage.reply(containing, channel=channel)


def fields_of(message: Any) -> dict[str, str]:
    [embed] = message.embeds
    return {field["name"]: field["value"] for field in embed["fields"]}


def storage_of(stage: Stage) -> Storage:
    assert stage.bot is not None
    return stage.bot.services.storage


# --- taking in


@pytest.mark.parametrize(
    "file",
    [
        ("card.png", png_card(**mira()["data"])),
        ("card.png", png_card(b"ccv3", around=files.animation(), **mira()["data"])),
        ("card.json", as_json(mira())),
        ("card.charx", charx({"card.json": as_json(files.card(3, **mira()["data"]))})),
    ],
    ids=["png", "apng", "json", "charx"],
)
async def test_a_card_is_shown_and_then_taken_in(stage: Stage, file: tuple[str, bytes]) -> None:
    preview = await look(stage, stage.ada, file)
    assert preview.ephemeral
    assert preview.embeds[0]["title"] == "Mira"
    assert [a.filename for a in preview.attachments] == (["avatar.jpg"] if file[0] == "card.png" else [])
    assert buttons(preview) == ["◀️", "1/3", "▶️", "For adults", "Confirm", "Cancel"]
    assert "no characters here" in (await stage.command(stage.ada, "persona list")).content
    await stage.press(stage.ada, preview, "Confirm")
    assert preview.content == "**Mira** is one of your characters now. `/persona use` lets it speak."
    assert (preview.embeds, buttons(preview), preview.attachments) == ([], [], [])
    listed = await stage.command(stage.ada, "persona list")
    assert listed.content == "- **Mira** · yours\n-# 1 of your 5 own."


async def test_the_preview_tells_what_matters(stage: Stage) -> None:
    card = mira(
        creator_notes="Best with *long* replies.",
        creator="Nell",
        tags=["sea", "slow **burn**"],
        system_prompt="Stay calm.",
        character_book={"entries": [{"keys": ["tide"], "content": "Twice a day.", "extensions": {"vectorized": True}}]},
        extensions={"world": "Harbour", "regex_scripts": [{}], "depth_prompt": {"prompt": "Speak softly.", "depth": 4}},
        group_only_greetings=["Hello all."],
    )
    preview = await look(stage, stage.ada, ("card.json", as_json(card)))
    assert preview.embeds[0]["description"] == "Best with *long* replies."
    assert preview.embeds[0]["footer"]["text"] == "Character card V2 by Nell"
    fields = fields_of(preview)
    assert fields["Tags"] == r"sea, slow \*\*burn\*\*"
    assert "system prompt **" in fields["Tokens, our estimate"]
    assert "lorebook (1) **" in fields["Tokens, our estimate"]
    assert fields["What I cannot do with it"].splitlines() == [
        "- scripts that change what is shown",
        "- 1 lorebook entries that are found by meaning",
    ]
    assert fields["Greeting 1 of 3"] == GREETINGS[0]


async def test_a_greeting_is_chosen_and_confirm_works_after_a_restart(offstage: Stage) -> None:
    async with running(offstage, offstage.settings):
        preview = await look(offstage, offstage.moderator, card_file())
        await offstage.press(offstage.moderator, preview, "▶️")
        assert fields_of(preview)["Greeting 2 of 3"] == GREETINGS[1]
        assert buttons(preview)[:3] == ["◀️", "2/3", "▶️"]
    async with running(offstage, offstage.settings):
        await offstage.press(offstage.moderator, preview, "Confirm")
        assert "a character of this server now" in preview.content
        await use(offstage)
        first = await greeting(offstage, "Who is there?")
        assert first.content == "**Mira**\nWho is there?"


async def test_cancel_takes_nothing_in_and_a_draft_is_decided_once(stage: Stage) -> None:
    preview = await look(stage, stage.ada, card_file())
    other = await look(stage, stage.ada, card_file("Nora"))
    confirm = next(i for row in other.components for i in row["components"] if i.get("label") == "Confirm")
    await stage.press(stage.ada, preview, "Cancel")
    assert preview.content == "-# Not imported."
    await stage.press(stage.ada, other, "Confirm")
    other.components.append({"type": 1, "components": [confirm]})  # pressed on another device
    told = await stage.press(stage.ada, other, "Confirm")
    assert "has changed since" in told.content
    assert (await stage.command(stage.ada, "persona list")).content.startswith("- **Nora** · yours\n")


async def test_a_card_is_taken_from_a_message(stage: Stage) -> None:
    said = await stage.tom.say(stage.channel, "look", files=[("notes.txt", b"x"), ("Mira.PNG", png_card())])
    interaction = await stage.ada.message_command(said, "Import as persona")
    await interaction.answered()
    preview = interaction.response
    assert preview.embeds[0]["title"] == "Mira"
    without = await stage.tom.say(stage.channel, "nothing")
    refused = await stage.ada.message_command(without, "Import as persona")
    await refused.answered()
    assert refused.response.content == "There is no PNG, JSON or CHARX file in that message."


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (("x.png", files.picture()), "no character card in this file"),
        (("x.json", b"[" * 100_000), "neither a PNG picture nor"),
        (("x.json", b'{"name":"x","description":' + b"[" * 100_000 + b"]" * 100_000 + b"}"), "nested too deeply"),
        (("x.json", as_json(mira(description=7))), "is not what it should be: `description`."),
        (Upload("x.png", b"", claimed_size=11 << 20), "larger than 10 MiB"),
        (("x.charx", charx({"../card.json": b"{}"})), "files that lead out of it"),
    ],
)
async def test_files_that_are_no_cards_are_refused_in_words(stage: Stage, file: Any, words: str) -> None:
    refusal = await look(stage, stage.ada, file)
    assert words in refusal.content
    assert refusal.ephemeral
    assert not refusal.embeds


async def test_nothing_in_a_card_is_fetched(stage: Stage) -> None:
    assets = [{"type": "icon", "name": "main", "uri": f"{stage.world.url}/cdn/spy.png"}]
    await look(stage, stage.ada, ("card.json", as_json(files.card(3, assets=assets))))
    assert not [request for request in stage.world.requests if "spy" in request.path]


async def test_a_file_that_discord_does_not_give_is_told(stage: Stage) -> None:
    stage.world.faults.add(path_regex=r"/cdn/.*attachments/", status=404, times=None)
    assert "Discord did not give me the file" in (await look(stage, stage.ada, card_file())).content


# --- who may


async def test_a_member_has_five_of_their_own(stage: Stage) -> None:
    for number in range(MOST_OWN):
        await taken_in(stage, stage.ada, card_file(f"Mira {number}"))
    preview = await look(stage, stage.ada, card_file("One more"))
    told = await stage.press(stage.ada, preview, "Confirm")
    assert told.content == "You have 5 characters here, which is the most. Make room with `/persona delete`."
    await stage.command(stage.ada, "persona delete", name="mira 3")
    await stage.press(stage.ada, preview, "Confirm")
    assert "One more** is one of your characters" in preview.content


async def test_own_characters_are_seen_by_their_owner_and_moderators(stage: Stage) -> None:
    await taken_in(stage, stage.ada)
    await taken_in(stage, stage.moderator, card_file("Nora"))
    seen = {}
    for person in (stage.ada, stage.tom, stage.moderator):
        seen[person] = (await stage.command(person, "persona list")).content.splitlines()
    assert seen[stage.ada] == ["- **Mira** · yours", "- **Nora**", "-# 1 of your 5 own."]
    assert seen[stage.tom] == ["- **Nora**"]
    assert seen[stage.moderator] == [f"- **Mira** · of <@{stage.ada.user.id}>", "- **Nora**"]
    for name in ("show", "export", "delete"):
        told = await stage.command(stage.tom, f"persona {name}", name="Mira")
        assert told.content == "I know no character `Mira` here. `/persona list` shows them."
    assert "That is for moderators" in (await stage.command(stage.ada, "persona delete", name="Nora")).content
    removed = await stage.command(stage.moderator, "persona delete", name="Mira")
    assert removed.content == "**Mira** is deleted."
    assert (await stage.command(stage.ada, "persona list")).content == "- **Nora**"


async def test_a_scene_belongs_to_who_started_it(stage: Stage) -> None:
    await taken_in(stage, stage.ada)
    thread = stage.channel.add_thread("scene", stage.ada.user)
    assert "That is for" in (await use(stage, person=stage.ada)).content
    assert "**Mira** speaks in this thread" in (await use(stage, person=stage.ada, channel=thread)).content
    await greeting(stage, channel=thread)
    assert "That is for" in (await stage.command(stage.tom, "persona clear", thread)).content
    assert "I speak for myself again" in (await stage.command(stage.ada, "persona clear", thread)).content


async def test_suggestions_are_what_a_person_sees(stage: Stage) -> None:
    await taken_in(stage, stage.ada)
    await taken_in(stage, stage.moderator, card_file("Nora"))
    for person, expected in ((stage.ada, ["Mira", "Nora"]), (stage.tom, ["Nora"])):
        found = await person.autocomplete(stage.channel, "persona show", focused="name", name="")
        assert [choice.name for choice in found] == expected
    found = await stage.ada.autocomplete(stage.channel, "persona show", focused="name", name="MIR")
    shown_card = await stage.command(stage.ada, "persona show", name=found[0].value)
    assert (shown_card.ephemeral, shown_card.embeds[0]["title"]) == (True, "Mira")


async def test_equal_names_are_told_apart_and_nobody_takes_the_servers_place(stage: Stage) -> None:
    for person in (stage.tom, stage.ada, stage.moderator):
        await taken_in(stage, person, card_file(description=person.user.name))
    mine, servers, theirs = "Mira · yours", "Mira · the server's", f"Mira · of {stage.tom.user.id}"
    for person, expected in ((stage.ada, [mine, servers]), (stage.admin, [servers, theirs])):
        found = await person.autocomplete(stage.channel, "persona show", focused="name", name="mir")
        assert [choice.name for choice in found][: len(expected)] == expected
        found = await person.autocomplete(stage.channel, "scene start", focused="persona", persona="")
        assert [choice.name for choice in found][: len(expected)] == expected
        meant = await stage.command(person, "persona export", name="mira", format="JSON")
        whose = stage.ada if person is stage.ada else stage.moderator
        assert read_card(meant.attachments[0].data).card.description == whose.user.name


async def test_another_server_finds_nothing(stage: Stage) -> None:
    elsewhere = stage.world.add_guild("Elsewhere", owner=stage.moderator.user)
    elsewhere.add_member(stage.ada.user)
    lobby = elsewhere.add_text_channel("lobby")
    await taken_in(stage, stage.moderator)
    await taken_in(stage, stage.ada, card_file("Own"))
    [mira_id, own_id] = [str(outline.id) for outline in await storage_of(stage).personas.all(stage.guild.id)]
    assert "no characters here" in (await stage.command(stage.moderator, "persona list", lobby)).content
    for person, persona_id in ((stage.moderator, mira_id), (stage.ada, own_id)):
        assert await person.autocomplete(lobby, "persona show", focused="name", name="") == []
        for name in ("show", "export", "delete", "edit", "undo", "bring"):
            options = {"model": "default"} if name == "bring" else {}
            told = await stage.command(person, f"persona {name}", lobby, name=persona_id, **options)
            assert told.content.startswith("I know no character")
    assert (await use(stage, mira_id, channel=lobby)).content.startswith("I know no character")
    assert len(await storage_of(stage).personas.all(stage.guild.id)) == 2
    assert shown(stage, lobby) == []


async def test_direct_messages_have_only_one_s_own(offstage: Stage) -> None:
    async with running(offstage, changed(offstage.settings, allow_dms=True)):
        mine, theirs = await offstage.ada.open_dm(), await offstage.tom.open_dm()
        await offstage.at_home(offstage.ada, offstage.tom)
        await taken_in(offstage, offstage.ada, channel=mine)
        assert "- **Mira** · yours" in (await offstage.command(offstage.ada, "persona list", mine)).content
        assert "no characters here" in (await offstage.command(offstage.tom, "persona list", theirs)).content
        assert "I know no" in (await use(offstage, person=offstage.tom, channel=theirs)).content
        await use(offstage, person=offstage.ada, channel=mine)
        assert "Good evening, Ada" in (await greeting(offstage, channel=mine)).content


# --- giving back


async def test_an_export_is_the_card_byte_for_byte(stage: Stage) -> None:
    original = as_json(mira(extensions={"x": [1.10, None]}, x_unknown="é"))
    await taken_in(stage, stage.moderator, ("card.json", original))
    for kind in ("PNG", "JSON"):
        answer = await stage.command(stage.tom, "persona export", name="Mira", format=kind)
        [attachment] = answer.attachments
        assert (answer.ephemeral, attachment.filename) == (True, f"Mira.{kind.lower()}")
        card = read_card(attachment.data).card
        fields = json.loads(original)["data"]
        assert {name: card.data[name] for name in fields} == fields
        assert kind == "PNG" or attachment.data == original


async def test_a_picture_comes_back_with_its_card(stage: Stage) -> None:
    await taken_in(stage, stage.moderator, ("card.png", png_card()))
    answer = await stage.command(stage.tom, "persona export", name="Mira")
    read = read_card(answer.attachments[0].data)
    assert read.card.name == "Mira"
    assert read.picture is not None
    again = await look(stage, stage.ada, ("again.png", answer.attachments[0].data))
    assert again.attachments


# --- speaking


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


async def test_a_greeting_can_be_written_anew_and_taken_back(stage: Stage) -> None:
    await taken_in(stage, stage.moderator)
    await use(stage)
    first = await greeting(stage)
    stage.api.replies.add("Another evening.")
    await stage.moderator.click(first, label="🔄")
    await stage.world.wait_until(lambda: first.content == "**Mira**\nAnother evening.")
    await stage.settled()
    assert buttons(first)[:3] == ["◀️", "4/4", "▶️"]
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
    await taken_in(stage, stage.moderator)
    await use(stage)
    await greeting(stage)
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
    stage.api.first_token_seconds = 5.0
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
