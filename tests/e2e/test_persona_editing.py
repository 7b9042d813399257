"""`/persona create`, `edit` and `undo`: characters written in Discord, with every earlier version kept."""

import asyncio
import json
import time
from typing import Any

import pytest

from chat.cards import read_card
from cogs._persona_forms import PART_NAMES
from storage import AuditFilter, StoredPersona
from tests.chat import card_files as files
from tests.chat.card_files import as_json
from tests.e2e.acting import buttons
from tests.e2e.characters import GREETINGS, card_file, fields_of, look, storage_of, taken_in, use
from tests.e2e.conftest import MODEL, Stage, running

pytestmark = pytest.mark.usefixtures("no_rate_limits", "no_webhooks")


async def form(stage: Stage, person: Any, command: str, **options: Any) -> Any:
    """An interaction that opened a form."""
    interaction = await person.slash(stage.channel, command, **options)
    await interaction.answered()
    assert interaction.modal is not None, interaction.response
    return interaction


async def sent(person: Any, opened: Any, **values: Any) -> Any:
    """The answer to a form."""
    submitted = await person.submit(opened, **values)
    await submitted.answered()
    return submitted.response


async def edited(stage: Stage, person: Any, part: str | None = None, /, **values: Any) -> Any:
    options = {"part": part} if part is not None else {}
    return await sent(person, await form(stage, person, "persona edit", name="Mira", **options), **values)


async def exported(stage: Stage, person: Any) -> Any:
    answer = await stage.command(person, "persona export", name="Mira", format="JSON")
    return json.loads(answer.attachments[0].data)


async def test_a_character_is_written_in_a_form_and_taken_in(stage: Stage) -> None:
    opened = await form(stage, stage.ada, "persona create")
    preview = await sent(
        stage.ada,
        opened,
        name="Mira",
        description="{{char}} keeps the light.",
        first_mes="Good evening, {{user}}.",
        picture=[("mira.png", files.picture())],
    )
    assert preview.ephemeral
    assert preview.embeds[0]["title"] == "Mira"
    assert preview.attachments
    assert buttons(preview) == ["For adults", "Confirm", "Edit", "Cancel"]
    await stage.press(stage.ada, preview, "Confirm")
    answer = await stage.command(stage.ada, "persona export", name="Mira")
    read = read_card(answer.attachments[0].data)
    assert (read.card.name, read.card.description) == ("Mira", "{{char}} keeps the light.")
    assert (read.card.first_mes, read.card.text("creator_notes"), read.card.tags) == ("Good evening, {{user}}.", "", ())


async def test_a_draft_is_edited_before_it_is_taken_in(stage: Stage) -> None:
    preview = await look(stage, stage.ada, card_file(description="x" * 4001))
    opened = await stage.ada.click(preview, label="Edit")
    await opened.answered()
    await stage.ada.submit(opened, name="Nora", personality="loud")
    await stage.world.wait_until(lambda: preview.embeds[0]["title"] == "Nora")
    assert "Too long for a form: `description`." in preview.content
    assert buttons(preview)[3:] == ["For adults", "Confirm", "Edit", "Cancel"]
    await stage.press(stage.ada, preview, "Confirm")
    assert preview.content.startswith("**Nora** is one of your characters now.")
    late = await sent(stage.ada, opened, personality="quiet")
    assert "has changed since" in late.content
    card = json.loads(
        (await stage.command(stage.ada, "persona export", name="Nora", format="JSON")).attachments[0].data
    )
    assert card == json.loads(card_file("Nora", description="x" * 4001, personality="loud")[1])


async def test_an_edit_is_shown_and_undone_by_its_button_as_long_as_it_is_the_last(stage: Stage) -> None:
    await taken_in(stage, stage.ada)
    told = await edited(stage, stage.ada, first_mes="Another evening.")
    assert fields_of(told)["Greeting 1 of 3"] == "Another evening."
    assert buttons(told) == ["Undo"]
    later = await edited(stage, stage.ada, personality="loud")
    pressed = await stage.ada.click(told, label="Undo")
    await pressed.answered()
    assert "has changed since" in pressed.response.content
    await stage.ada.click(later, label="Undo")
    await stage.world.wait_until(lambda: later.content == "**Mira**, version 4.\n-# `/persona redo` takes this back.")
    assert buttons(later) == []
    data = (await exported(stage, stage.ada))["data"]
    assert (data["personality"], data["first_mes"]) == ("calm", "Another evening.")


async def test_what_sillytavern_users_write_is_written_in_forms(stage: Stage) -> None:
    await taken_in(stage, stage.ada, card_file(extensions={"x": [1]}))
    greetings, group, note = (
        part for part in PART_NAMES.values() if part.startswith(("Alternate greetings, ", "Nickname", "Character's"))
    )
    opened = await form(stage, stage.ada, "persona edit", name="Mira", part=greetings)
    assert [field.get("value", "") for field in opened.modal.fields] == [*GREETINGS[1:], "", "", ""]
    swiped = {"alternate_greetings.0": "", "alternate_greetings.4": "Once more."}
    told = await sent(stage.ada, opened, **swiped)
    assert "Greeting 1 of 3" in fields_of(told)
    group_only = {"group_only_greetings.1": "Hello all.", "extensions.talkativeness": "0.9", "nickname": "Mi"}
    assert "version 3" in (await edited(stage, stage.ada, group, **group_only)).content
    opened = await form(stage, stage.ada, "persona edit", name="Mi", part=note)
    told = await sent(stage.ada, opened, **{"depth_prompt.prompt": "Hush.", "depth_prompt.role": "nobody"})
    assert told.content == "A field of the card is not what it should be: `role`."
    [back] = told.attachments
    assert back.data.decode().splitlines()[:2] == ["Note, so many messages before the end:", "Hush."]
    texts = {"depth_prompt.prompt": "Hush.", "depth_prompt.role": "user", "depth_prompt.depth": "2"}
    assert "character's note" in fields_of(await sent(stage.ada, opened, **texts))["Tokens, our estimate"]
    card = json.loads((await stage.command(stage.ada, "persona export", name="Mi", format="JSON")).attachments[0].data)
    expected = card_file(
        alternate_greetings=[GREETINGS[2], "Once more."],
        group_only_greetings=["Hello all."],
        nickname="Mi",
        extensions={
            "x": [1],
            "talkativeness": 0.9,
            "depth_prompt": {"prompt": "Hush.", "depth": 2, "role": "user"},
        },
    )
    assert card == json.loads(expected[1])


async def test_an_edit_changes_what_was_changed_and_undo_goes_back(stage: Stage) -> None:
    await taken_in(stage, stage.ada, card_file(x_unknown=[1, {"a": None}], tags=["sea"]))
    before = await exported(stage, stage.ada)
    told = await edited(stage, stage.ada, description="Another one.")
    assert told.content == "**Mira**, version 2."
    await edited(stage, stage.ada, "Prompts, examples, notes, tags", tags="sea, night ,sea", system_prompt="Be calm.")
    after = await exported(stage, stage.ada)
    expected = before["data"] | {"description": "Another one.", "tags": ["sea", "night"], "system_prompt": "Be calm."}
    assert after == before | {"data": expected}
    for version in (4, 5):
        undone = await stage.command(stage.ada, "persona undo", name="Mira")
        assert undone.content == f"**Mira**, version {version}.\n-# `/persona redo` takes this back."
    assert await exported(stage, stage.ada) == before
    none = await stage.command(stage.ada, "persona undo", name="Mira")
    assert none.content == "There is no earlier version of this character."
    for version in (6, 7):
        redone = await stage.command(stage.ada, "persona redo", name="Mira")
        assert redone.content == f"**Mira**, version {version}."
    assert await exported(stage, stage.ada) == after
    none = await stage.command(stage.ada, "persona redo", name="Mira")
    assert none.content == "Nothing of this character was undone that could come back."


async def test_a_form_changes_no_byte_of_what_nobody_changed_in_it(stage: Stage) -> None:
    tags, scenario = ["sea, and more", " spaced  tag "], "One.\r\nTwo.  "
    await taken_in(stage, stage.ada, card_file(tags=tags, scenario=scenario, personality="  calm\r\n"))
    before = await exported(stage, stage.ada)
    # Discord sends line breaks of its own, and no space around what is written.
    opened = await form(stage, stage.ada, "persona edit", name="Mira")
    await sent(stage.ada, opened, description="New.", scenario="One.\nTwo.", personality="calm")
    opened = await form(stage, stage.ada, "persona edit", name="Mira", part="Prompts, examples, notes, tags")
    await sent(stage.ada, opened, creator_notes="Notes.", tags="sea, and more,  spaced  tag")
    expected = before["data"] | {"description": "New.", "creator_notes": "Notes."}
    assert await exported(stage, stage.ada) == before | {"data": expected}


async def test_a_third_version_card_says_when_it_was_changed_here_and_only_then(stage: Stage) -> None:
    content = files.card(3, modification_date=5)
    await taken_in(stage, stage.ada, ("card.json", as_json(content)))
    assert await exported(stage, stage.ada) == content
    before = int(time.time())
    await edited(stage, stage.ada, personality="loud")
    assert before <= (await exported(stage, stage.ada))["data"]["modification_date"] <= time.time()


async def test_a_character_that_speaks_is_another_at_once(stage: Stage) -> None:
    await taken_in(stage, stage.moderator, card_file(first_mes="", alternate_greetings=[]))
    await use(stage)
    assert (await stage.ask(stage.ada, "a", answer="A.")).content == "**Mira**\nA."
    await edited(stage, stage.moderator, name="Nora")
    assert (await stage.ask(stage.ada, "b", answer="B.")).content == "**Nora**\nB."


async def test_a_picture_is_changed_by_a_form(stage: Stage) -> None:
    await taken_in(stage, stage.ada)
    told = await edited(stage, stage.ada, "Picture", picture=[("x.png", files.picture("navy"))])
    assert told.attachments
    refused = await edited(stage, stage.ada, "Picture", picture=[("x.png", b"no picture")])
    assert "I cannot open this picture" in refused.content


async def test_longer_texts_come_by_file(stage: Stage) -> None:
    long = "wave " * 1000
    await taken_in(stage, stage.ada, card_file(description=long))
    told = await edited(stage, stage.ada, personality="calmer")
    assert "Too long for a form: `description`." in told.content
    assert (await exported(stage, stage.ada))["data"]["description"] == long
    name, data = card_file(description=long + "more")
    told = await stage.command(stage.ada, "persona edit", name="Mira", file=(name, data))
    assert told.content == "**Mira**, version 3."
    assert await exported(stage, stage.ada) == json.loads(data)


async def test_a_form_works_after_a_restart_but_not_on_what_has_changed_since(offstage: Stage) -> None:
    async with running(offstage, offstage.settings):
        await taken_in(offstage, offstage.ada)
        first = await form(offstage, offstage.ada, "persona edit", name="Mira")
        second = await form(offstage, offstage.ada, "persona edit", name="Mira")
    async with running(offstage, offstage.settings):
        assert "version 2" in (await sent(offstage.ada, first, personality="One.")).content
        stale = await sent(offstage.ada, second, personality="Two.")
        assert "has changed since" in stale.content
        assert "Personality, in every prompt:\nTwo.\n" in stale.attachments[0].data.decode()
        assert (await exported(offstage, offstage.ada))["data"]["personality"] == "One."


async def test_only_the_owner_and_moderators_change_a_character(stage: Stage) -> None:
    await taken_in(stage, stage.ada)
    await taken_in(stage, stage.moderator, card_file("Nora"))
    for command in ("persona edit", "persona undo"):
        assert "That is for moderators" in (await stage.command(stage.ada, command, name="Nora")).content
        assert "I know no character" in (await stage.command(stage.tom, command, name="Mira")).content
    told = await edited(stage, stage.moderator, personality="Seen by a moderator.")
    assert "version 2" in told.content


async def test_a_character_brings_its_model_and_sampling(stage: Stage) -> None:
    async def asked() -> tuple[str, float]:
        await stage.ask(stage.ada, "hello")
        body = [r.body for r in stage.api.requests if r.path == "/v1/chat/completions"][-1]
        return body["model"], body["temperature"]

    other = "TheDrummer-UnslopNemo-12B-v4.1"
    await taken_in(stage, stage.moderator, card_file(first_mes="", alternate_greetings=[]))
    await stage.command(stage.moderator, "sampling set", parameter="temperature", value="1.5")
    saved = await stage.moderator.slash(stage.channel, "sampling save", name="wild")
    await saved.answered()
    await stage.command(stage.moderator, "sampling reset")
    told = await stage.command(stage.moderator, "persona bring", name="Mira", model=other, preset="wild")
    assert told.content.splitlines()[1:3] == [f"- model: `{other}`", "- sampling: the preset `wild`"]
    assert await asked() == (MODEL, 0.8)
    await use(stage)
    assert await asked() == (other, 1.5)
    assert "set by the persona" in (await stage.command(stage.ada, "model show")).content
    assert "`temperature` **1.5** · the persona" in (await stage.command(stage.ada, "sampling show")).content
    await stage.command(stage.moderator, "model set", model=MODEL)
    assert await asked() == (MODEL, 1.5)
    await stage.command(stage.moderator, "model reset")
    await stage.command(stage.moderator, "persona bring", name="Mira", model="default", preset="default")
    assert await asked() == (MODEL, 0.8)
    assert "What shall I set?" in (await stage.command(stage.moderator, "persona bring", name="Mira")).content
    await stage.command(stage.moderator, "persona bring", name="Mira", model=other, preset="wild")
    assert await asked() == (other, 1.5)
    await stage.command(stage.moderator, "persona delete", name="Mira")
    assert await asked() == (MODEL, 0.8)


async def test_what_is_for_adults_stays_so(stage: Stage) -> None:
    den = stage.guild.add_text_channel("den", nsfw=True)
    refused = await form(stage, stage.ada, "persona create")
    await taken_in(stage, stage.ada)
    told = await edited(stage, stage.ada, "Prompts, examples, notes, tags", tags="nsfw")
    assert "age-restricted channels only" in told.content
    assert (await sent(stage.ada, refused, name=" \u200b")).content == "The character has no name."
    await taken_in(stage, stage.ada, card_file("Nora", tags=["nsfw"]), den)
    changed = await stage.command(
        stage.ada, "persona edit", den, name="Nora", file=("card.json", as_json(files.card(name="Nora")))
    )
    assert changed.embeds[0]["title"] == "Nora 🔞"


async def test_a_character_that_is_read_while_it_changes_is_read_anew(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await taken_in(stage, stage.ada)
    assert stage.bot is not None
    library, stored = stage.bot.services.personas, stage.bot.services.storage.personas
    [outline] = await stored.all(stage.guild.id)
    has_read, go_on = asyncio.Event(), asyncio.Event()
    read = stored.get

    async def slowly(guild_id: int | None, persona_id: int) -> StoredPersona | None:
        found = await read(guild_id, persona_id)
        has_read.set()
        await go_on.wait()
        return found

    with monkeypatch.context() as patched:
        patched.setattr(stored, "get", slowly)
        reading = asyncio.ensure_future(library.persona(stage.guild.id, outline.id))
        await has_read.wait()
    await edited(stage, stage.ada, description="Another one.")
    go_on.set()
    assert await reading
    now = await library.persona(stage.guild.id, outline.id)
    assert now is not None
    assert now.card.description == "Another one."


async def test_only_moderators_take_the_mark_of_what_is_for_adults_away(stage: Stage) -> None:
    den = stage.guild.add_text_channel("den", nsfw=True)
    await taken_in(stage, stage.ada, card_file(tags=["Spicy food"]), den)

    async def marked(person: Any, adult: bool) -> str:
        return str((await stage.command(person, "persona edit", den, name="Mira", adult=adult)).content)

    assert "That is for moderators" in await marked(stage.ada, False)
    assert await marked(stage.moderator, False) == "**Mira** is not for adults any more."
    [entry] = await storage_of(stage).audit.page(stage.guild.id, AuditFilter(), limit=1)
    assert (entry.action, entry.actor_id) == ("persona mark", stage.moderator.user.id)
    assert (entry.before, entry.after) == ({"adult": True}, {"adult": False})
    assert "version 3" in (await edited(stage, stage.ada, personality="loud")).content
    told = await edited(stage, stage.ada, "Prompts, examples, notes, tags", tags="Spicy food, Smut")
    assert "age-restricted channels only" in told.content
    assert await marked(stage.ada, True) == "**Mira 🔞** is for adults from now on, in age-restricted channels only."
    assert "age-restricted channels only" in (await stage.command(stage.ada, "persona show", name="Mira")).content
    await stage.command(stage.ada, "persona undo", den, name="Mira")
    assert "age-restricted channels only" in (await stage.command(stage.ada, "persona show", name="Mira")).content


async def test_a_file_and_a_mark_hold_together(stage: Stage) -> None:
    await taken_in(stage, stage.ada)
    den = stage.guild.add_text_channel("den", nsfw=True)

    async def replaced(person: Any, adult: bool, **fields: Any) -> Any:
        return await stage.command(person, "persona edit", den, name="Mira", file=card_file(**fields), adult=adult)

    told = await replaced(stage.ada, True, personality="bold")
    assert told.content.startswith("**Mira 🔞**, version ")
    assert "age-restricted channels only" in (await stage.command(stage.ada, "persona show", name="Mira")).content
    assert "That is for moderators" in (await replaced(stage.ada, False)).content
    await stage.press(stage.ada, told, "Undo")
    shown = await stage.command(stage.ada, "persona export", den, name="Mira", format="JSON")
    assert json.loads(shown.attachments[0].data)["data"]["personality"] == "calm"
    assert (await replaced(stage.moderator, False, tags=["Spicy food"])).content.startswith("**Mira**, version ")
    [entry] = await storage_of(stage).audit.page(stage.guild.id, AuditFilter(), limit=1)
    assert (entry.action, entry.after["changed"]) == ("persona mark", ["tags", "adult"])
