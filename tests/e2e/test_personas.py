"""`/persona`: cards are looked at, taken in, found by who may see them, and given back as files."""

import base64
import json
from typing import Any

import aiohttp
import discord
import pytest

from chat.cards import read_card
from chat.persona_rights import MOST_OWN
from playground.discord._call import Upload
from tests.chat import card_files as files
from tests.chat.card_files import as_json, charx, png_card
from tests.e2e.acting import buttons, shown
from tests.e2e.characters import GREETINGS, card_file, fields_of, greeting, look, mira, storage_of, taken_in, use
from tests.e2e.conftest import Stage, changed, running

pytestmark = pytest.mark.usefixtures("no_rate_limits", "no_webhooks")


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
    assert buttons(preview) == ["◀️", "1/3", "▶️", "For adults", "Confirm", "Edit", "Cancel"]
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
        system_prompt="Stay calm. " + "".join(f"{{{{a{number}::b}}}}" for number in range(1, 8)),
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
        "- 1 lorebook entries that are found by meaning",
        "- macros that I cannot read; they stay as they stand: `a1`, `a2`, `a3`, `a4`, `a5` and 2 more",
        "- scripts that change what is shown",
    ]
    assert fields["Greeting 1 of 3"] == GREETINGS[0]


async def test_a_file_that_is_damaged_in_part_gives_what_is_whole_and_says_so(stage: Stage) -> None:
    good = files.text_chunk(b"chara", base64.b64encode(as_json(mira(tags="sea, night", character_book=[]))))
    preview = await look(stage, stage.ada, ("mira.png", files.png(files.text_chunk(b"ccv3", b"!"), good)))
    told = "-# One card in this file is damaged. I took another one that is in it."
    assert preview.content == told
    assert fields_of(preview)["What I cannot do with it"] == (
        "- what is no text or list where one belongs: `tags`, `character_book`; I take it for empty, an export keeps it"
    )
    await stage.press(stage.ada, preview, "▶️")
    assert preview.content == told
    await stage.press(stage.ada, preview, "Confirm")
    assert preview.content.startswith("**Mira** is one of your characters now.")
    archive = charx(
        {"card.json": as_json(files.card(3, assets=[{"type": "icon", "uri": "embeded://x"}])), "x": b"no picture"}
    )
    told = await stage.command(stage.ada, "persona edit", name="Mira", file=("mira.charx", archive))
    assert told.content == "**Mira**, version 2.\n-# I cannot open the picture in this file."


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


async def posted_by_webhook(stage: Stage, channel: Any) -> Any:
    """A card in a message of somebody else's webhook."""
    hook = channel.add_webhook("Cards")
    url = f"{discord.http.Route.BASE}/webhooks/{hook.id}/{hook.token}"
    async with aiohttp.ClientSession() as session:
        form = aiohttp.FormData({"payload_json": json.dumps({"content": "a card"})})
        form.add_field("files[0]", png_card(), filename="card.png", content_type="image/png")
        async with session.post(url, data=form) as response:
            assert response.status < 300
    return await stage.world.wait_for_message(channel, lambda message: message.webhook_id == hook.id)


async def test_a_card_is_taken_from_a_message(stage: Stage) -> None:
    said = await stage.tom.say(stage.channel, "look", files=[("notes.txt", b"x"), ("Mira.PNG", png_card())])
    interaction = await stage.ada.message_command(said, "Import as persona")
    await interaction.answered()
    preview = interaction.response
    assert preview.embeds[0]["title"] == "Mira"
    lounge = stage.guild.add_text_channel("lounge")
    for shared in (await stage.tom.forward(said, lounge), await posted_by_webhook(stage, lounge)):
        interaction = await stage.ada.message_command(shared, "Import as persona")
        await interaction.answered()
        assert interaction.response.embeds[0]["title"] == "Mira"
    await stage.press(stage.ada, interaction.response, "Confirm")
    assert "one of your characters now" in interaction.response.content
    without = await stage.tom.say(stage.channel, "nothing")
    refused = await stage.ada.message_command(without, "Import as persona")
    await refused.answered()
    assert refused.response.content == "There is no PNG, JSON or CHARX file in that message."


async def test_of_several_files_in_a_message_those_that_are_cards_are_shown(stage: Stage) -> None:
    async def seen(*attached: tuple[str, bytes]) -> list[str]:
        said = await stage.tom.say(stage.channel, "look", files=attached)
        pressed = await stage.ada.message_command(said, "Import as persona")
        await pressed.answered()
        await stage.settled()
        return [m.embeds[0]["title"] if m.embeds else m.content for m in pressed.messages]

    screenshot, notes = ("shot.png", files.picture()), ("notes.json", b'{"a": 1}')
    assert await seen(screenshot, notes, ("Mira.png", png_card()), card_file("Nora")) == ["Mira", "Nora"]
    assert (await seen(*(card_file(f"Mira {number}") for number in range(4))))[2:] == ["Mira 2"]
    photo = files.picture(kind="JPEG")
    assert await seen(("Mira.jpeg", photo + charx({"card.json": as_json(files.card(3))}))) == ["Mira"]
    [refused] = await seen(screenshot, ("deep.json", b'{"name":"x","description":' + b"[" * 100_000 + b"]" * 100_000))
    assert "nested too deeply" in refused
    [refused] = await seen(("photo.jpg", photo), screenshot)
    assert "neither a PNG picture nor" in refused


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


async def test_a_moderator_makes_a_copy_of_a_members_character_the_servers(offstage: Stage) -> None:
    stage = offstage
    async with running(stage, stage.settings):
        await taken_in(stage, stage.ada, card_file(tags=["sea"]))
        seen = await stage.command(stage.moderator, "persona show", name="Mira")
        assert buttons(await stage.command(stage.ada, "persona show", name="Mira")) == []
    async with running(stage, stage.settings):
        await stage.press(stage.moderator, seen, "Copy it for the server")
        assert seen.content.startswith(f"**Mira** is a character of this server now, too; <@{stage.ada.user.id}> keeps")
        assert buttons(seen) == []
        assert (await stage.command(stage.tom, "persona list")).content == "- **Mira**"
        assert buttons(await stage.command(stage.moderator, "persona show", name="Mira")) == []  # the server's
        await stage.command(stage.ada, "persona edit", name="Mira", file=card_file(personality="loud"))
        file = await stage.command(stage.tom, "persona export", name="Mira", format="JSON")
        assert file.attachments[0].data == card_file(tags=["sea"])[1]
        await stage.command(stage.moderator, "persona delete", name="Mira")
        assert (await stage.command(stage.ada, "persona list")).content.startswith("- **Mira** · yours\n")
        again = await stage.command(stage.moderator, "persona show", name="Mira")
        await stage.command(stage.ada, "privacy opt_out")
        assert "opted out" in (await stage.press(stage.moderator, again, "Copy it for the server")).content
        assert buttons(await stage.command(stage.moderator, "persona show", name="Mira")) == []


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
        for name in ("show", "export", "delete", "edit", "undo", "redo", "bring"):
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
