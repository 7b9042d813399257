from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.cards import Card, parse_card
from chat.lorebooks import Chat, Fired, Said, read_lorebook, scan
from chat.persona_prompt import (
    CARD_VALUES,
    LONGEST_OF_COMPANY,
    MOST_COMPANY,
    Note,
    Profile,
    example_blocks,
    fixed_sections,
    persona_macros,
    read_note,
    read_profile,
)
from chat.prompt import Prompt, PromptBuilder, Section, Turn
from chat.tokens import TokenEstimator

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ESTIMATOR = TokenEstimator(1.0, 100)
ADA = Profile("Ada", "{{user}} likes {{char}} and {{description}}.")

FIELDS: Mapping[str, Any] = {
    "name": "Mira",
    "description": "{{char}} keeps the lamp for {{user}}.",
    "personality": "calm",
    "scenario": "A {{weekday}} night with {{user}}.",
    "first_mes": "Hello.",
    "mes_example": "<START>\n{{user}}: Hi\n{{char}}: Hm.\n<start>\n{{char}}: Later.",
    "system_prompt": "Play {{char}}. {{original}}",
    "post_history_instructions": "Stay brief.{{original}}",
    "extensions": {"depth_prompt": {"prompt": "{{char}} whispers.", "depth": 1, "role": "system"}},
}


def card(**fields: Any) -> Card:
    return parse_card(
        json.dumps({"spec": "chara_card_v2", "spec_version": "2.0", "data": {**FIELDS, **fields}}).encode()
    )


def sections(mira: Card | None, profile: Profile = ADA, **more: Any) -> list[Section]:
    macros = persona_macros(mira, profile, now=NOW, random=Random(1), seed="s")
    return [s for s in fixed_sections(mira, macros, **{"system_prompt": "Be kind, {{user}}.", **more}) if s.text]


def built(parts: list[Section], window: int = 4096) -> Prompt:
    builder = PromptBuilder(ESTIMATOR, window, 200, parts)
    for number, role in ((3, "user"), (2, "assistant"), (1, "user")):
        builder.offer(Turn(number, role, "Ada" if role == "user" else None, f"line {number}"))
    return builder.build()


async def lore(*entries: dict[str, Any]) -> list[Fired]:
    book = read_lorebook({"entries": list(entries)}, key="b")
    macros = persona_macros(None, Profile("Ada"), now=NOW, random=Random(1), seed="s")
    chat = Chat([Said(1, "Ada", "k", by_user=True)])
    return (await scan([[book]], chat, macros, ESTIMATOR.measure, 4000, random=Random(1))).fired


async def test_a_prompt_stands_in_sillytaverns_order() -> None:
    fired = await lore(*({"key": ["k"], "content": f"LORE{n}", "position": n, "depth": 2} for n in range(7)))
    prompt = built(sections(card(), note=Note("NOTE", depth=0), lore=fired))
    assert [message["content"] for message in prompt.messages] == [
        "Play Mira. Be kind, Ada.\n\n"  # noqa: ISC004 - the opening message, part by part
        "LORE0\n\n"
        "Mira keeps the lamp for Ada.\n\n"
        "Mira's personality: calm\n\n"
        "Scenario: A Thursday night with Ada.\n\n"
        "LORE1\n\n"
        "Ada likes Mira and {{description}}.\n\n"
        "LORE5\n\n"
        "[Example Chat]\nAda: Hi\nMira: Hm.\n\n"
        "[Example Chat]\nMira: Later.\n\n"
        "LORE6",
        "line 1",
        "LORE4",
        "line 2",
        "Mira whispers.",
        "line 3",
        "LORE2\nNOTE\nLORE3",
        "Stay brief.",
    ]
    names = [count.name for count in prompt.counts]
    assert {
        "description",
        "examples",
        "lore",
        "lore_before",
        "character_note",
        "note",
        "profile",
        "post_history",
    } <= set(names)
    assert sum(count.tokens for count in prompt.counts) == prompt.prompt_tokens


def test_without_a_card_only_the_system_prompt_the_profile_the_note_and_lore_are_there() -> None:
    parts = sections(None, note=Note("NOTE"))
    assert [(part.name, part.text) for part in parts] == [
        ("system", "Be kind, {{user}}."),
        ("profile", "Ada likes {{char}} and {{description}}."),
        ("note", "NOTE"),
    ]


def test_several_people_are_told_of_by_their_names() -> None:
    def profile(own: str, *company: Profile) -> str:
        parts = sections(card(), Profile("Ada", own), company=company)
        return next((part.text for part in parts if part.name == "profile"), "")

    tom, eve = Profile("Tom", " {{user}} fears {{char}}.{{newline}} "), Profile("Eve")
    assert profile("{{user}} is tall.") == "Ada is tall."
    assert profile("{{user}} is tall.", eve) == "Ada: Ada is tall."
    assert profile("Tall.", tom, eve) == "Ada: Tall.\n\nTom: Tom fears Mira.{{newline}}"
    assert profile("", tom) == "Tom: Tom fears Mira.{{newline}}"
    assert profile("", eve) == ""
    crowd = [Profile(f"P{number}", "x" * 3000) for number in range(9)]
    assert profile("", *crowd).count("x") == MOST_COMPANY * LONGEST_OF_COMPANY


@pytest.mark.parametrize(
    ("own", "hides", "system"),
    [
        ("", (), "Be kind, Ada."),
        ("  ", (), "Be kind, Ada."),
        ("Mine.", (), "Mine."),
        ("{{ORIGINAL}} Mine.", (), "Be kind, Ada. Mine."),
        ("{{original}} Mine.", ("system_prompt",), "Mine."),
    ],
)
def test_the_cards_system_prompt_replaces_the_channels(own: str, hides: tuple[str, ...], system: str) -> None:
    assert sections(card(system_prompt=own), hides=hides)[0].text == system


def test_a_nickname_is_what_the_character_is_called() -> None:
    third = {**FIELDS, "nickname": "Mi", "group_only_greetings": []}
    read = parse_card(json.dumps({"spec": "chara_card_v3", "spec_version": "3.0", "data": third}).encode())
    assert "Mi keeps the lamp for Ada." in [part.text for part in sections(read)]


def test_examples_give_way_oldest_first_and_before_lore() -> None:
    examples = "".join(f"<START>{n} {'word ' * 100}" for n in range(4))
    parts = [*sections(card(mes_example=examples)), Section("lore_before", "light " * 90, weight=1),
             Section("lore_before", "heavy " * 90, weight=2)]  # fmt: skip
    few = built(parts, 900).messages[0]["content"]
    assert ("0 word" in few, "3 word" in few, "light" in few) == (False, True, True)
    none = built(parts, 420).messages[0]["content"]
    assert ("3 word" in none, "light" in none, "heavy" in none) == (False, False, True)


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("", []),
        ("<START>", []),
        ("a\nb", ["a\nb"]),
        ("<START>a<START><start> b ", ["a", "b"]),
        ("a<START>b", ["a", "b"]),
    ],
)
def test_examples_are_divided(text: str, blocks: list[str]) -> None:
    assert example_blocks(text) == blocks


@given(st.text(max_size=40))
def test_a_persons_own_words_stay_as_they_are(words: str) -> None:
    marked = f"{{{{description}}}}{{{{roll:6}}}}<BOT>{words}".replace("{{user}}", "").replace("{{char}}", "")
    profile = Profile(words, marked)
    [shown] = [part.text for part in sections(card(), profile) if part.name == "profile"]
    assert shown.startswith("{{description}}{{roll:6}}<BOT>")


STORED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.dictionaries(st.sampled_from(["text", "depth", "role", "name", "description"]), inner, max_size=5),
)


@given(STORED)
def test_whatever_is_stored_as_note_or_profile_can_be_read(value: Any) -> None:
    note = read_note(value)
    assert note is None or Section("note", note.text, depth=note.depth, role=note.role)
    assert read_profile(value, "Ada").name.strip()


def test_parts_of_a_card_may_hold_each_other() -> None:
    nested = card(
        description="A {{personality}} one. {{scenario}}",
        scenario="On an island, {{personality}}.",
        system_prompt="Play {{char}} {{charVersion}}. {{original}}",
        post_history_instructions="Keep to: {{charPrompt}}",
        character_version="2.1",
    )
    told = {part.name: part.text for part in sections(nested, system_prompt="Be kind.")}
    assert told["description"] == "A calm one. On an island, calm."
    assert told["system"] == "Play Mira 2.1. Be kind."
    assert told["post_history"] == "Keep to: Play Mira 2.1. {{original}}"
    endless = {part.name: part.text for part in sections(card(description="I am {{description}}", scenario=""))}
    assert endless["description"] == "I am I am I am {{description}}"


def test_a_group_is_all_who_speak_there() -> None:
    macros = persona_macros(card(), ADA, now=NOW, random=Random(1), seed="s", company=("Nora", "Otis"))
    assert macros.expand("{{group}} | {{charIfNotGroup}} | {{char}}") == "Mira, Nora, Otis | Mira, Nora, Otis | Mira"
    alone = persona_macros(card(), ADA, now=NOW, random=Random(1), seed="s")
    assert alone.expand("{{group}}") == "Mira"


@given(st.lists(st.sampled_from(["Ada", "Nora", ""]), min_size=1, max_size=6), st.integers(256, 600))
def test_another_persona_s_words_always_have_its_name(speakers: list[str], window: int) -> None:
    builder = PromptBuilder(ESTIMATOR, window, 60)
    for number, name in enumerate(speakers):
        builder.offer(
            Turn(
                number, "user" if name else "assistant", name or None, "word " * 9, (), None, is_persona=name == "Nora"
            )
        )
    prompt = builder.build()
    said = [message["content"] for message in prompt.messages if message["role"] == "user"]
    included = [speakers[number] for number in prompt.included_ids]
    if "Nora" in included:
        assert [text.split(":")[0] for text in said] == [name for name in included if name]
    assert prompt.prompt_tokens + prompt.reserve_tokens + prompt.margin_tokens + prompt.free_tokens == window
    if "Nora" not in speakers and len(set(speakers) - {""}) < 2:
        assert all(":" not in text for text in said)


def test_the_macros_that_a_card_gives_are_known() -> None:
    everything = "".join(f"{{{{{name}}}}}" for name in CARD_VALUES)
    macros = persona_macros(card(description=everything), ADA, now=NOW, random=Random(1), seed="s")
    macros.unknown.clear()
    macros.expand(everything)
    assert not macros.unknown
