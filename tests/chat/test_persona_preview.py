"""What is told of a card before it is taken in, and the name under which it speaks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.cards import parse_card
from chat.persona import LONGEST_NAME, short_name
from chat.persona_preview import LONGEST_GREETING, MOST_GREETINGS, Missing, MissingKind, is_adult, preview_of
from tests.chat import card_files as files
from tests.chat.card_files import as_json

ADULT = (
    "NSFW", "nsfw ", "Adult", "adults only", "18+", "R-18", "r18", "mild nsfw", "(adult)", "nSfW_content", "SFW/NSFW",
    "N.S.F.W.", "n s f w", "N\u200bSFW", "\uff2e\uff33\uff26\uff37", "+18", "18 +", "18\uff0b", "R 18", "over 18",
    "Mature", "mature themes", "BDSM", "Kink", "kinky", "Fetish", "Nudity", "Sexual", "Sexual Content", "Not SFW",
    "non-sfw",
    "Futanari", "Smut", "Spicy", "Sex", "Uncensored", "Rule 34", "18 plus", "Dead Dove", "NonCon", "dub-con", "Femdom",
    "Not Safe For Work", "X-rated", "XXX", "Erotica", "porn", "smutty", "ERP",
    "\N{NO ONE UNDER EIGHTEEN SYMBOL}",
)  # fmt: skip


@pytest.mark.parametrize("tag", ADULT)
def test_tags_tell_what_is_for_adults(tag: str) -> None:
    assert is_adult(parse_card(as_json(files.card(tags=["sea", tag]))))


@pytest.mark.parametrize(
    "tag",
    [
        "SFW",
        "adulthood",
        "Young Adult",
        "1180",
        "drama",
        "180+",
        "safe for work",
        "inns of water",
        "interpreter",
        "",
        "immature",
        "premature",
        "asexual",
        "Bisexual",
        "Sussex",
        "sextant",
        "document",
        "denuded",
        "fluff",
        "spice",
        "Futaba",
    ],
)
def test_other_tags_do_not(tag: str) -> None:
    assert not is_adult(parse_card(as_json(files.card(tags=[tag]))))


def test_tags_that_stand_in_one_text_count_too() -> None:
    assert is_adult(parse_card(as_json(files.card(tags="sea, NSFW"))))
    assert not is_adult(parse_card(as_json(files.card(tags="sea, night"))))


def test_fields_of_a_wrong_type_are_told() -> None:
    card = parse_card(as_json(files.card(tags="sea, night", character_book="", character_version=2)))
    assert preview_of(card).missing == (Missing("fields", names=("character_version", "tags", "character_book")),)


def test_tags_outside_of_the_data_count_too() -> None:
    assert is_adult(parse_card(as_json({**files.card(tags=[]), "tags": [1, "NSFW"]})))


@pytest.mark.parametrize(
    ("book", "kind"), [({"entries": [{"keys": ["a"]}] * 5_001}, "long book"), ({"entries": "none"}, "book")]
)
def test_a_lorebook_that_cannot_be_used_is_told(book: dict[str, object], kind: MissingKind) -> None:
    assert Missing(kind) in preview_of(parse_card(as_json(files.card(character_book=book)))).missing


@given(files.cards)
def test_every_card_can_be_looked_at(content: dict[str, object]) -> None:
    preview = preview_of(parse_card(as_json(content)))
    assert all(text.strip() for text in preview.parts.values())


def test_the_parts_of_a_card_are_named_and_empty_ones_left_out() -> None:
    note = {"depth_prompt": {"prompt": "Softly.", "depth": 4}}
    book = {"entries": {"0": {"content": "One."}, "1": {"content": "Two."}, "2": "no entry"}}
    card = files.card(2, extensions=note, character_book=book, post_history_instructions="Stay.")
    preview = preview_of(parse_card(as_json(card)))
    assert list(preview.parts) == [
        "description", "personality", "scenario", "greeting", "character's note", "after the history", "lorebook",
    ]  # fmt: skip
    assert preview.parts["lorebook"] == "One.\nTwo."
    assert (preview.entries, preview.missing) == (2, ())


def test_what_is_asked_for_in_vain_is_told() -> None:
    card = files.card(
        3,
        first_mes="<style>x</style>",
        group_only_greetings=["Hello all."],
        assets=[
            {"type": "icon", "uri": "embeded://asleep.png", "name": "asleep"},
            {"type": "icon", "uri": "https://example.com/a.png", "name": "main"},
            {"type": "background", "uri": "embeded://b.png"},
            {"type": "emotion", "uri": "http://example.com/c.png"},
        ],
        extensions={"world": "Harbour", "regex_scripts": [{}], "sd_character_prompt": {"positive": "x"}},
    )
    card["spec_version"] = "3.5"
    assert preview_of(parse_card(as_json(card))).missing == (
        Missing("newer"),
        Missing("icons", 1, ("asleep",)),
        Missing("pictures", 2),
        Missing("address", 2),
        Missing("linked book", names=("Harbour",)),
        Missing("scripts"),
        Missing("drawing"),
        Missing("html"),
    )


def test_what_a_lorebook_asks_for_in_vain_is_told() -> None:
    entries = [
        {"keys": ["a"], "content": "@@instruct_depth 2\n@@depth 3\n@@is_greeting 1\nWords."},
        {"keys": ["b"], "content": "@@glow\n@@@activate\nWords."},
        {"keys": ["c"], "content": "@@fog\n@@@mist\nWords.", "extensions": {"position": 7}},
        {"keys": ["d"], "content": "@@unheard\nWords.", "enabled": False, "extensions": {"position": 7}},
    ]
    assert preview_of(parse_card(as_json(files.card(character_book={"entries": entries})))).missing == (
        Missing("decorators", names=("instruct_depth", "fog")),
        Missing("outlets"),
    )


def test_macros_that_stay_as_they_stand_are_told() -> None:
    card = files.card(
        first_mes="{{user}}, {{random:a,{{magic::b}}}} {{roll:many}} {{// nothing}}{{lastMessage}}",
        alternate_greetings=["{{setvar::mood::calm}}{{addvar::hours::1}}{{getvar::mood}}", "{{#if x}}y{{/if}}"],
        system_prompt="{{original}} {{OUTLET::here}}",
        description="{{original}} {{personality}}",
        character_book={"entries": [{"keys": ["{{foe}}"], "content": "{{char}} {{summary}} {{persona}} { {no} }"}]},
    )
    assert preview_of(parse_card(as_json(card))).missing == (
        Missing("macros", names=("outlet", "original", "magic", "roll", "#if", "/if", "summary", "foe")),
        Missing("variables", names=("mood", "hours")),
    )


def test_greetings_that_are_not_said_whole_are_told() -> None:
    alternates = [*["a"] * MOST_GREETINGS, "b" * (LONGEST_GREETING + 1)]
    assert preview_of(parse_card(as_json(files.card(alternate_greetings=alternates)))).missing == (
        Missing("long greetings"),
        Missing("many greetings", 2),
    )


@given(st.text())
def test_names_are_short_and_on_one_line(name: str) -> None:
    short = short_name(name)
    assert len(short) <= LONGEST_NAME
    assert len(short.splitlines()) <= 1
    assert short_name(short) == short


def test_signs_that_turn_others_are_left_out_of_names() -> None:
    assert short_name("Mi\u202era\u200b \U0001f469\u200d\U0001f52c") == "Mira \U0001f469\u200d\U0001f52c"
    assert short_name("x" * 5_000) == "x" * 79 + "…"
