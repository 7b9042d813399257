"""Cards and lorebooks in prompts, and `/lore`: taken in, switched on and off, tried out, and looked through."""

import json
from typing import Any

import pytest

from storage import Scope, Storage
from tests.chat import card_files as files
from tests.chat.lore_books import card_entry
from tests.e2e.conftest import Stage, running

pytestmark = pytest.mark.usefixtures("no_rate_limits", "no_webhooks")


def world(*entries: dict[str, Any], **fields: Any) -> tuple[str, bytes]:
    """A world-info file."""
    listed = {
        str(n): {"uid": n, "key": ["wolf"], "content": "Wolves sing.", **entry} for n, entry in enumerate(entries)
    }
    return "sea_lore.json", json.dumps({"entries": listed, **fields}).encode()


def card_file(**fields: Any) -> tuple[str, bytes]:
    """A card without a greeting, so that the conversation begins with what is said."""
    plain = {"name": "Mira", "description": "{{char}} keeps the lamp for {{user}}.", "personality": "", "scenario": "",
             "first_mes": "", "mes_example": "", "alternate_greetings": [], "system_prompt": "",
             "post_history_instructions": ""}  # fmt: skip
    return "card.json", files.as_json(files.card(2, **{**plain, **fields}))


async def bound(stage: Stage, **fields: Any) -> None:
    """Let a character speak in the stage's channel."""
    preview = await stage.command(stage.moderator, "persona import", file=card_file(**fields))
    await stage.press(stage.moderator, preview, "Confirm")
    await stage.command(stage.moderator, "persona use", name="Mira")


async def lore(stage: Stage, which: str, person: Any = None, channel: Any = None, **options: Any) -> str:
    """The answer to a command."""
    answer = await stage.command(person or stage.moderator, f"lore {which}", channel, **options)
    content: str = answer.content
    return content


def storage_of(stage: Stage) -> Storage:
    assert stage.bot is not None
    return stage.bot.services.storage


async def test_a_card_is_what_the_model_is_told(stage: Stage) -> None:
    await bound(
        stage,
        personality="calm",
        mes_example="<START>\n{{user}}: Hi\n{{char}}: Hm.",
        system_prompt="{{original}} You are {{char}}.",
        post_history_instructions="Stay brief.",
        extensions={"depth_prompt": {"prompt": "Whisper, {{char}}.", "depth": 1}},
    )
    reply = await stage.ask(stage.ada, "Hello?", answer="Mira: Come in.\nAda: Thanks.")
    assert reply.content == "**Mira**\nCome in."
    [opening, *rest] = stage.prompts[-1]
    assert opening["role"] == "system"
    assert opening["content"].endswith(
        " You are Mira.\n\nMira keeps the lamp for Ada.\n\nMira's personality: calm\n\n[Example Chat]\nAda: Hi\n"
        "Mira: Hm.\n\nWhisper, Mira."
    )
    assert [message["content"] for message in rest] == ["Hello?\n\nStay brief."]
    await stage.ask(stage.ada, "And now?", answer="Yes.")
    assert [message["content"] for message in stage.prompts[-1][1:]] == [
        "Hello?",
        "Come in.",
        "Whisper, Mira.\n\nAnd now?\n\nStay brief.",
    ]
    told = (await stage.command(stage.ada, "context")).content
    for part in ("description", "personality", "examples", "character_note", "post_history"):
        assert f"\n{part} " in told


async def test_a_cards_own_lorebook_is_looked_through(stage: Stage) -> None:
    book = {
        "entries": [{"keys": ["wolf"], "content": "Wolves sing to {{char}}.", "enabled": True, "insertion_order": 1}]
    }
    await bound(stage, character_book=book)
    await stage.ask(stage.ada, "Hello?", answer="Yes.")
    assert "Wolves" not in stage.said_to_model
    await stage.ask(stage.ada, "A WOLF!", answer="Yes.")
    assert "Wolves sing to Mira." in stage.said_to_model
    assert "\nlore_before " in (await stage.command(stage.ada, "context")).content


async def test_a_persona_brings_settings_that_the_channel_overrides_and_the_server_does_not(stage: Stage) -> None:
    await bound(stage)
    settings = storage_of(stage).settings
    [persona] = await storage_of(stage).personas.all(stage.guild.id)
    for scope, value in ((Scope("guild", stage.guild.id), 0.1), (Scope("persona", persona.id), 0.2)):
        await settings.put(stage.guild.id, scope, "temperature", value, None)
    await stage.ask(stage.ada, "Hello?", answer="Yes.")
    assert stage.api.requests[-1].body["temperature"] == 0.2
    assert "0.2" in (await stage.command(stage.ada, "sampling show")).content
    await settings.put(stage.guild.id, Scope("channel", stage.channel.id), "temperature", 0.3, None)
    await stage.ask(stage.ada, "Hello?", answer="Yes.")
    assert stage.api.requests[-1].body["temperature"] == 0.3


async def test_a_profile_and_a_note_are_in_the_prompt(stage: Stage) -> None:
    await bound(stage)
    settings, guild = storage_of(stage).settings, stage.guild.id
    profile = {"name": "Captain", "description": "{{user}} sails; {{description}}"}
    await settings.put(guild, Scope("user", stage.ada.user.id), "profile", profile, None)
    await settings.put(guild, Scope("channel", stage.channel.id), "note", {"text": "Night falls.", "depth": 0}, None)
    await stage.ask(stage.ada, "Hello?", answer="Yes.")
    assert "Mira keeps the lamp for Captain.\n\nCaptain sails; {{description}}" in stage.said_to_model
    assert stage.said_to_model.rstrip().endswith("Hello?\n\nNight falls.")


async def test_lorebooks_are_taken_in_switched_and_deleted(stage: Stage) -> None:
    assert "no lorebooks here" in await lore(stage, "list", stage.ada)
    told = await lore(stage, "import", file=world({}, {"key": ["whale"], "comment": "Whales"}))
    assert told == "**sea lore** with 2 entries is looked through in this channel from now on."
    assert await lore(stage, "list", stage.ada) == f"- **sea lore** · 2 entries · <#{stage.channel.id}>"
    assert await lore(stage, "show", stage.ada, name="Sea Lore") == "**sea lore**\n- wolf · `wolf`\n- Whales · `whale`"
    await stage.ask(stage.ada, "A wolf!", answer="Yes.")
    assert "Wolves sing." in stage.said_to_model
    other = stage.guild.add_text_channel("other")
    await stage.ask(stage.ada, "A wolf!", answer="Yes.", channel=other)
    assert "Wolves sing." not in stage.said_to_model
    assert "this channel no longer" in await lore(stage, "disable", name="sea lore")
    assert "not switched on" in await lore(stage, "disable", name="sea lore")
    await stage.ask(stage.ada, "A wolf!", answer="Yes.")
    assert "Wolves sing." not in stage.said_to_model
    assert "this server from now on" in await lore(stage, "enable", stage.admin, name="sea lore", where="server")
    await stage.ask(stage.ada, "A wolf!", answer="Yes.", channel=other)
    assert "Wolves sing." in stage.said_to_model
    assert await lore(stage, "delete", name="sea lore") == "**sea lore** is deleted."
    assert "no lorebook `sea lore`" in await lore(stage, "show", name="sea lore")
    await stage.ask(stage.ada, "A wolf!", answer="Yes.", channel=other)
    assert "Wolves sing." not in stage.said_to_model


async def test_a_book_is_called_as_it_calls_itself_or_as_somebody_wishes(stage: Stage) -> None:
    assert (await lore(stage, "import", file=world({}, name="Deep *sea*"))).startswith(r"**Deep \*sea\*** with 1 entry")
    asks = world({"position": 7, "content": "@@glow\n@@`fog` 1\nWords."}, name="Outlets")
    assert (await lore(stage, "import", file=asks)).splitlines()[1:] == [
        "-# I do not follow these decorators: `glow`, `'fog'`.",
        "-# Entries for an outlet, which are never in a prompt: 1.",
    ]
    assert (await lore(stage, "import", file=world({}), name="Mine")).startswith("**Mine** with 1 entry")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"nonsense", "it is no JSON"),
        (b'{"entries": 1}', "no lorebook in this file"),
        (b'{"entries": ' + b"[" * 100 + b"]" * 100 + b"}", "nested too deeply"),
        (json.dumps({"entries": [{"keys": ["k"]}] * 5001}).encode(), "too many entries"),
    ],
)
async def test_what_cannot_be_taken_in_is_said(stage: Stage, content: bytes, words: str) -> None:
    assert words in await lore(stage, "import", file=("book.json", content))
    assert "no lorebooks here" in await lore(stage, "list")


async def test_a_test_shows_what_would_come_in_and_why(stage: Stage) -> None:
    assert await lore(stage, "test", stage.ada, text="wolf") == "No lorebook is looked through here."
    await lore(
        stage,
        "import",
        file=world(
            {"comment": "Wolves"},
            {"key": ["whale"], "comment": "Whales"},
            {"key": [], "constant": True, "comment": "Sea"},
            {"key": ["/w.lf/"], "comment": "Never", "disable": True},
            {"keysecondary": ["moon"], "selective": True, "comment": "Moon"},
        ),
    )
    asked = len(stage.prompts)
    assert (await lore(stage, "test", stage.ada, text="A wolf!")).splitlines() == [
        "**Comes in**",
        "- **Wolves** · key `wolf` · about 3 tokens",
        "- **Sea** · is always in · about 3 tokens",
        "**Stays out**",
        "- **Never** · is switched off in the book",
        "- **Moon** · its secondary keys say no, key `wolf`",
        "-# Entries of which no key is there are not listed.",
    ]
    assert len(stage.prompts) == asked


async def test_entries_for_one_greeting_and_those_near_the_beginning(stage: Stage) -> None:
    entries = [card_entry("", f"@@activate\n@@is_greeting {number}\nGreeting {number}.") for number in range(3)]
    entries.append(card_entry("", "@@activate\n@@reverse_depth 1\nNear the beginning."))
    await bound(stage, first_mes="One.", alternate_greetings=["", "Two."], character_book={"entries": entries})
    first = await stage.reply("One.")
    await stage.ask(stage.ada, "Hello?", answer="Yes.")
    assert [number for number in range(3) if f"Greeting {number}." in stage.said_to_model] == [0]
    said = stage.said_to_model
    assert said.index("One.") < said.index("Near the beginning.") < said.index("Hello?")
    await stage.command(stage.moderator, "undo")
    await stage.press(stage.moderator, first, "▶️")
    await stage.world.wait_until(lambda: "Two." in first.content)
    await stage.settled()
    await stage.ask(stage.ada, "Hello?", answer="Yes.")
    assert [number for number in range(3) if f"Greeting {number}." in stage.said_to_model] == [2]
    await stage.command(stage.moderator, "reset")  # which opens with the first greeting again
    await stage.ask(stage.ada, "Hello?", answer="Yes.")
    assert [number for number in range(3) if f"Greeting {number}." in stage.said_to_model] == [0]


async def test_what_stays_does_so_over_restarts_and_only_on_its_own_branch(offstage: Stage) -> None:
    async with running(offstage, offstage.settings):
        await lore(offstage, "import", file=world({"sticky": 4, "scanDepth": 1}))
        await offstage.ask(offstage.ada, "A wolf!", answer="Yes.")
    async with running(offstage, offstage.settings):
        await offstage.ask(offstage.ada, "And?", answer="Yes.")
        assert "Wolves sing." in offstage.said_to_model
        await offstage.ask(offstage.ada, "And then?", answer="Yes.")
        assert "Wolves sing." not in offstage.said_to_model
        await offstage.ask(offstage.ada, "A wolf!", answer="Yes.")
        await offstage.command(offstage.ada, "undo")
        await offstage.ask(offstage.ada, "Hm?", answer="Yes.")
        assert "Wolves sing." not in offstage.said_to_model


def came_in(stage: Stage, *words: str) -> list[str]:
    """Which of these words stand in the newest prompt."""
    return [word for word in words if word in stage.said_to_model]


async def test_entries_call_each_other_exclude_each_other_and_are_left_to_chance(stage: Stage) -> None:
    await lore(
        stage,
        "import",
        file=world(
            {"content": "Their den is at Nyx."},
            {"key": ["nyx"], "content": "Nyx is an island.", "preventRecursion": True},
            {"key": ["island"], "content": "Islands drift."},
            {"key": ["den"], "content": "Dens are warm.", "excludeRecursion": True},
            {"content": "Pack A.", "group": "pack", "groupOverride": True, "order": 9},
            {"content": "Pack B.", "group": "pack", "groupOverride": True, "order": 1},
            {"content": "Never so.", "probability": 0, "useProbability": True},
            {"content": "@@depth 0\nVery near.", "order": 3},
        ),
    )
    await stage.ask(stage.ada, "A wolf!", answer="Yes.")
    words = ("Nyx is an island.", "Islands drift.", "Dens are warm.", "Pack A.", "Pack B.", "Never so.", "Very near.")
    assert came_in(stage, *words) == ["Nyx is an island.", "Pack A.", "Very near."]
    assert stage.prompts[-1][-1]["content"].endswith("Very near.")
    shown = await lore(stage, "test", stage.ada, text="A wolf!")
    assert "- **wolf** · chance was against it: `0 %`" in shown
    assert "- **wolf** · another of its group came in: `pack`" in shown
    assert "- **nyx** · key `nyx` · through another entry" in shown


async def test_an_entry_is_read_whole_by_those_who_know_it(stage: Stage) -> None:
    long = "Deep. " * 400
    entries = ({"comment": "Wolves", "content": "*Sing* @everyone"}, {"key": ["sea"], "content": long})
    await lore(stage, "import", file=world(*entries))
    book = "sea lore"
    assert await lore(stage, "show", name=book, entry="wolves") == "- Wolves · `wolf`\n\\*Sing\\* @\u200beveryone"
    answer = await stage.command(stage.moderator, "lore show", name=book, entry="sea")
    assert [file.data.decode() for file in answer.attachments] == [long]
    assert await lore(stage, "show", name=book, entry="bears") == "This lorebook has no such entry."
    assert await lore(stage, "show", stage.ada, name=book, entry="wolves") == "That is for moderators."
    assert "- Wolves · `wolf`" in await lore(stage, "show", stage.ada, name=book)
    offered = await stage.moderator.autocomplete(stage.channel, "lore show", focused="entry", name=book, entry="W")
    assert [choice.name for choice in offered] == ["Wolves"]


async def test_what_counts_messages_does_so_from_the_first_and_the_test_says_the_same(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat._lore_entries.MOST_LOOKED_AT", 3)
    await lore(
        stage,
        "import",
        file=world(
            {"content": "Late.", "delay": 6, "comment": "Late"},
            {"content": "Rests.", "cooldown": 3, "comment": "Rests"},
            {"content": "@@activate_only_every 2\nEven.", "comment": "Even"},
            {"content": "@@dont_activate_after_match\nOnce.", "comment": "Once"},
            {"key": ["bear"], "content": "@@keep_activate_after_match\nBears stay.", "comment": "Bears"},
        ),
    )
    seen = []
    for turn in range(5):
        shown = await lore(stage, "test", stage.ada, text="A wolf!")
        await stage.ask(stage.ada, "A wolf!" + " And a bear!" * (turn == 0), answer="Yes.")
        seen.append(came_in(stage, "Late.", "Rests.", "Even.", "Once.", "Bears stay."))
        if turn:
            comes, _, stays = shown.partition("**Stays out**")
            assert [f"{name}." for name in ("Late", "Rests", "Even", "Once") if f"**{name}**" in comes] == [
                word for word in seen[-1] if word != "Bears stay."
            ], (comes, stays)
    assert seen == [
        ["Rests.", "Even.", "Once.", "Bears stay."],
        ["Bears stay."],
        ["Rests.", "Even.", "Bears stay."],
        ["Late.", "Bears stay."],
        ["Late.", "Rests.", "Even.", "Bears stay."],
    ]
