from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat._speakers import LONGEST_NAME
from chat.cleaning import MOST_SPEAKERS, ReplyCleaner, speaker_stops

OWN = ["Ada"]
OTHERS = ["Tom", "Zoë B.", "Адам", "小明", "Ada Lovelace", "x_X*"]
PIECES = [
    "Ada",
    "ada:",
    "**Ada:**",
    "**Ada**:",
    "*Ada: ",
    "Tom",
    "To",
    "m",
    ":",
    "：",
    "**",
    "*",
    "_",
    "Zoë",
    " B.",
    "zoë b.:",
]
PIECES += ["Адам:", "小明：", "Ada Lovelace:", "x_X*:", "word", " ", "  ", "\n", "\n\n", "```", "`", "```py\n", "\\"]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=25).map("".join)
PLAIN = st.lists(st.sampled_from(["word", "Adam said:", "A", "*waves*", "**", "1. x", "T", " ", "\n", "```", "`"])).map(
    "".join
)


def cleaned(*chunks: str, stopped: bool = True, before: str = "") -> str:
    cleaner = ReplyCleaner(OWN, OTHERS, before=before)
    return "".join(map(cleaner.feed, chunks)) + cleaner.finish(stopped=stopped)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Ada: Hello", "Hello"),
        ("ADA: Hello", "Hello"),
        ("Ada : Hello", "Hello"),
        ("Ada：Hello", "Hello"),
        ("**Ada:** Hello", "Hello"),
        ("**Ada**: Hello", "Hello"),
        ("_Ada_: Hello", "Hello"),
        ("Ada: Ada: Hello", "Hello"),
        ("Ada:\n\nHello", "Hello"),
        ("**Ada:***waves* Hello", "*waves* Hello"),
        ("Hello\n\nAda: World", "Hello\n\nWorld"),
        ("Hello\nAda:\nWorld", "Hello\nWorld"),
        ("*Ada: waves.*", "*Ada: waves.*"),
        ("I am Ada: hello", "I am Ada: hello"),
        ("Adam: Hello", "Adam: Hello"),
        ("Hello\nTom: Hi", "Hello"),
        ("Hello \n\n  **tom:** Hi\nAda: x", "Hello"),
        ("Hello\n*Tom: waves*", "Hello"),
        ("Hello\nAda: Tom: Hi", "Hello"),
        ("Hello\nAda Lovelace: Hi", "Hello"),
        ("Hello\nzoe\u0308 b.: Hi", "Hello"),
        ("你好\n小明：你好", "你好"),
        ("Hello\nTomas: Hi", "Hello\nTomas: Hi"),
        ("Hello, Tom: Hi", "Hello, Tom: Hi"),
        ("Hello\n- Tom: wine", "Hello\n- Tom: wine"),
        ("Hello\n`Tom:`", "Hello\n`Tom:`"),
        ("Hello\nTo", "Hello"),
        ("Hello\nTom", "Hello"),
        ("Hello\nto", "Hello\nto"),
        ("Hello\n  To", "Hello\n  To"),
        ("Hello\nTom\n", "Hello\nTom\n"),
        ("Hello\n**", "Hello\n**"),
        ("Hello\nAd", "Hello"),
        ("Hello\nAda: To", "Hello\nTo"),
        ("To", "To"),
        ("Tom: Hello", "Hello"),
        ("**Tom**: Hello\nTom: Bye", "Hello"),
        ("Tom: Ada: Hello\nAda: again", "Hello\nagain"),
        ("*Tom: waves*", "*Tom: waves*"),
        ("```\nAda: x\nTom: y\n```\nTom: z", "```\nAda: x\nTom: y\n```"),
        ("Hello ```\nTo", "Hello ```\nTo"),
        ("`` ``` ``\nTom: z", "`` ``` ``"),
        ("Ada: ```\nAda: x", "```\nAda: x"),
    ],
)
def test_only_the_own_words_are_shown(text: str, shown: str) -> None:
    assert cleaned(text) == shown
    assert cleaned(*text) == shown


def test_a_name_cut_by_the_length_limit_stays() -> None:
    assert cleaned("Hello\nTo", stopped=False) == "Hello\nTo"
    assert cleaned("Hello\nTom: x", stopped=False) == "Hello"


def test_the_caller_learns_that_the_reply_has_ended() -> None:
    cleaner = ReplyCleaner(OWN, OTHERS)
    assert cleaner.feed("Hello\nTom") == "Hello"
    assert not cleaner.ended
    assert cleaner.feed(": Hi") == ""
    assert cleaner.ended
    assert cleaner.feed("\nAda: more") == cleaner.finish() == ""


def test_a_continuation_knows_what_stands_before() -> None:
    assert cleaned("Ada: and on", before="Hello") == "and on"
    assert cleaned("Tom: Hi", before="Hello") == ""
    assert cleaned("Tom: 1\n```\nTom: 2", before="```yaml\nAda: 1\n") == "Tom: 1\n```"
    assert cleaned("Tom: 1", before="```yaml\nAda: ") == "Tom: 1"


def test_without_names_nothing_happens() -> None:
    cleaner = ReplyCleaner([""], [])
    assert cleaner.feed("User: : **hi**\n:") == "User: : **hi**\n:"
    assert cleaner.finish() == ""


def test_only_the_beginning_of_a_name_is_held_back() -> None:
    cleaner = ReplyCleaner(OWN, OTHERS)
    assert cleaner.feed("T") == ""
    assert cleaner.feed("he cat") == "The cat"
    assert cleaner.feed(" Tom: sa") == " Tom: sa"
    assert cleaner.feed("w\n") == "w"
    assert cleaner.feed("**") == ""
    assert cleaner.feed("Zo") == ""
    assert cleaner.feed("om ") == "\n**Zoom"
    assert cleaner.finish() == " "


@given(TEXTS, st.lists(st.integers(0, 200)), st.booleans(), st.sampled_from(["", "Hi\n", "```\nx", "Hi `"]))
@settings(max_examples=250, deadline=None)
def test_how_the_text_arrives_changes_nothing(text: str, cuts: list[int], stopped: bool, before: str) -> None:
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    chunks = [text[start:end] for start, end in itertools.pairwise(edges)]
    whole = cleaned(text, stopped=stopped, before=before)
    assert cleaned(*chunks, stopped=stopped, before=before) == whole == cleaned(*text, stopped=stopped, before=before)


@given(PLAIN)
@settings(max_examples=150, deadline=None)
def test_a_text_without_names_comes_through_unchanged(text: str) -> None:
    assert cleaned(*text, stopped=False) == text


@given(TEXTS)
@settings(max_examples=150, deadline=None)
def test_what_is_clean_stays_as_it_is(text: str) -> None:
    once = cleaned(text, stopped=False)
    assert cleaned(once, stopped=False) == once


@given(TEXTS)
@settings(max_examples=150, deadline=None)
def test_little_is_held_back(text: str) -> None:
    cleaner = ReplyCleaner(OWN, OTHERS)
    longest = max(map(len, OTHERS)) + len("***" + "***" + " :")
    for character in text:
        cleaner.feed(character)
        assert len(cleaner._held) <= longest
        assert "\n" not in cleaner._held


def test_endless_white_space_does_not_pile_up() -> None:
    cleaner = ReplyCleaner(OWN, OTHERS)
    assert len(cleaner.feed("x" + "\n" * 5000)) > 4000
    assert len(cleaned("x", "\n" * 5000, "y")) == 5002


def test_stops_are_the_clean_names_newest_first() -> None:
    assert speaker_stops(["Tom", "Zoë\n B.", "Tom", "ADA", "小明:"], own=["Ada", ""]) == [
        "\nTom:",
        "\nZoë B.:",
        "\n小明:",
    ]
    assert speaker_stops(["", " "]) == ["\nUser:"]
    assert speaker_stops([]) == []
    assert speaker_stops(["Tom", "Ann"], most=1) == ["\nTom:"]


def test_stops_are_few_and_short() -> None:
    stops = speaker_stops([f"{number} {'name' * 20}" for number in range(50)])
    assert len(stops) == MOST_SPEAKERS
    assert all(len(stop) <= LONGEST_NAME + len("\n:") for stop in stops)
