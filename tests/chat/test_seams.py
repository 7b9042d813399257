from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chat.seams import LONGEST_REPEAT, Seam

WORDS = ["the", "lighthouse", "stood", "above", "grey", "water", "while", "Mira", "counted", "every", "boat", "between"]
WORDS += ["his", "harbour", "and", "old", "Norway"]
PIECES = [
    *WORDS[:6],
    "ligh",
    "thouse",
    ".",
    "...",
    "…",
    "! ",
    '"',
    "”",
    "*",
    "**",
    "- ",
    "1. ",
    "`",
    "_",
    "```",
    "```py\n",
]
PIECES += [
    "x = 1",
    " ",
    "  ",
    "\n",
    "\n\n",
    "\n    ",
    "文字",
    "。",
    "https://a.b",
    "A",
    "I",
    "3",
    ",",
    "(",
    ")",
    "e\u0301",
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)
SENTENCES = [
    "The keeper climbed the stairs.",
    "Nobody had been here since spring!",
    "*She lifts the lamp.*",
    '"Who is there?" asked the boy.',
    "Rain fell on the slates,\n\nand the wind rose.",
]


def joined(before: str, *chunks: str, cut: bool = True) -> str:
    seam = Seam(before, cut=cut)
    return before + "".join(map(seam.feed, chunks)) + seam.finish()


def without_space(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize(
    ("before", "text", "whole"),
    [
        ("", " Hello", " Hello"),
        ("Hello", "", "Hello"),
        ("Hello", " \n", "Hello"),
        # white space
        ("Hello ", " there", "Hello there"),
        ("Hello", " there", "Hello there"),
        ("Hello.", "There", "Hello. There"),
        ("Hello!", '"There"', 'Hello! "There"'),
        ("Hello…", "*waves*", "Hello… *waves*"),
        ("*waves*", "Hello", "*waves* Hello"),
        ('"Hello."', "She", '"Hello." She'),
        ("“Hello.”", "“You?”", "“Hello.” “You?”"),
        ("(Hello)", "She", "(Hello) She"),
        ("Well,", "then", "Well, then"),
        ("He said", '"Hello"', 'He said "Hello"'),
        ("Hello.\n", "There", "Hello.\nThere"),
        ("Hello.\n\n", "\n\nThere", "Hello.\n\nThere"),
        ("Hello.\n", "\n\nThere", "Hello.\n\nThere"),
        ("Hello.", "\n\nThere", "Hello.\n\nThere"),
        ("Hello. ", "\n\nThere", "Hello. \n\nThere"),
        ("- Tea\n", "  - Green", "- Tea\n  - Green"),
        ("- Tea", "- Milk", "- Tea\n- Milk"),
        ("Buy:\n1. Tea.", "2. Milk", "Buy:\n1. Tea.\n2. Milk"),
        ("Hello", ", you", "Hello, you"),
        ("Hello", ". You", "Hello. You"),
        ("It is 3.", "14", "It is 3.14"),
        ("See https://example.", "com/x", "See https://example.com/x"),
        ("Call `os.", "path`", "Call `os.path`"),
        ("Call `x`", "now", "Call `x` now"),
        ("Call", "`x`", "Call `x`"),
        ("_waves_", "Hello", "_waves_ Hello"),
        ("so _she", "_ went", "so _she_ went"),
        ("‘Hello.’", "She", "‘Hello.’ She"),
        ("I don’", "t", "I don’t"),
        ("你好。", "再见", "你好。再见"),
        ("你", "好", "你好"),
        # half words
        ("the ligh", "thouse", "the lighthouse"),
        ("the ligh", " thouse", "the ligh thouse"),
        ("маленьк", "ий", "маленький"),
        ("T", "om", "Tom"),
        ("NA", "SA", "NASA"),
        ("the sea", "Then", "the sea Then"),
        ("then I", "went", "then I went"),
        ("I came a", "again", "I came a again"),
        # repetition
        ("the ligh", "lighthouse", "the lighthouse"),
        ("He went to the", "the harbour", "He went to the harbour"),
        ("very", " very good", "very very good"),
        ("Rain. He nods.", "He nods. Then he goes", "Rain. He nods. Then he goes"),
        ("Rain fell on the roof.", "Rain fell on the roof. Then", "Rain fell on the roof. Then"),
        ("Rain fell on\n\nthe roof.  ", "Rain fell on the roof.\n\nThen", "Rain fell on\n\nthe roof.  \n\nThen"),
        ("A. Rain fell on the ro", " Rain fell on the roof", "A. Rain fell on the roof"),
        ("- Tea\n- Oat milk", "- Oat milk\n- Rice", "- Tea\n- Oat milk\n- Rice"),
        ("雨が屋根に降っていた", "雨が屋根に降っていた。そして", "雨が屋根に降っていた。そして"),
        # ellipsis
        ("He walked", "...and left", "He walked and left"),
        ("He walked", "… and left", "He walked and left"),
        ("He walked", "...he walked and left", "He walked he walked and left"),
        ("He opened the lighth", "...the lighthouse", "He opened the lighthouse"),
        ("Well...", "...so", "Well... so"),
        ("He walked.", "...and left", "He walked. ...and left"),
        ("He walked", "...", "He walked..."),
        # code and markdown
        ("```py\nx = 1", "```py\ny = 2\n```", "```py\nx = 1\ny = 2\n```"),
        ("```py\nx = 1\n", "```py\ny = 2", "```py\nx = 1\ny = 2"),
        ("```py\nx = foo(", "```python\nx = foo(1)", "```py\nx = foo(1)"),
        ("```py\nx = foo(", "bar)", "```py\nx = foo(bar)"),
        ("```py\nif x:\n", "    y", "```py\nif x:\n    y"),
        ("```py\nx = 1", "```\nDone", "```py\nx = 1\n```\nDone"),
        ("```py\nx = 1", "\n```\nDone", "```py\nx = 1\n```\nDone"),
        ("```py\nx\n```", "Done", "```py\nx\n```\nDone"),
        ("```py\nx\n```", " Done", "```py\nx\n```\nDone"),
        ("```py\nx\n```", "\n\nDone", "```py\nx\n```\n\nDone"),
        ("Look:", "```py\nx", "Look:\n```py\nx"),
        ("so **bold", " and** on", "so **bold and** on"),
        ("so **bold", "** on", "so **bold** on"),
        ("He said *", "loudly*", "He said *loudly*"),
        ('He said "', 'Hi"', 'He said "Hi"'),
        ('He said "Hi', '" and', 'He said "Hi" and'),
    ],
)
def test_a_continuation_goes_on_without_a_seam(before: str, text: str, whole: str) -> None:
    assert joined(before, text) == whole
    assert joined(before, *text) == whole


@pytest.mark.parametrize(
    ("before", "text", "whole"),
    [
        ("the light", "house", "the light house"),
        ("room 1", "2 more", "room 1 2 more"),
        ("Fine.", "2 more", "Fine. 2 more"),
    ],
)
def test_words_of_a_reply_that_was_not_cut_are_whole(before: str, text: str, whole: str) -> None:
    assert joined(before, text, cut=False) == whole


def test_a_reply_begun_anew_adds_nothing() -> None:
    before = " ".join(SENTENCES)
    assert joined(before, before[:60]) == before
    assert joined(before, before) == before
    assert joined(before, before + " And then?") == before + " And then?"


def test_little_is_held_back() -> None:
    seam = Seam("The keeper climbed the stairs.", cut=False)
    assert seam.feed(" Nob") == " Nob"
    assert seam.feed("o") == "o"
    seam = Seam("The keeper climbed the stairs.", cut=False)
    assert seam.feed(" The keeper climbed ") == ""
    assert seam.feed("d") == " The keeper climbed d"


def test_an_endless_repetition_is_not_held_for_ever() -> None:
    before = "ha " * 5000
    seam = Seam(before, cut=True)
    held = 0
    while not seam.feed("ha "):
        held += len("ha ")
    assert held <= LONGEST_REPEAT


@given(TEXTS, TEXTS, st.lists(st.integers(0, 80)), st.booleans())
@example("a " * 3000, "a " * 3000, [10], True)
@example("the", "the```", [], False)
@settings(max_examples=400, deadline=None)
def test_how_the_text_arrives_changes_nothing(before: str, text: str, cuts: list[int], cut: bool) -> None:
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    chunks = [text[start:end] for start, end in itertools.pairwise(edges)]
    whole = joined(before, text, cut=cut)
    assert joined(before, *chunks, cut=cut) == whole
    assert len(text) > 200 or joined(before, *text, cut=cut) == whole


@given(st.permutations(WORDS), st.data(), st.booleans())
@settings(max_examples=300, deadline=None)
def test_a_text_cut_anywhere_is_whole_again(words: list[str], data: st.DataObject, keep_space: bool) -> None:
    text = " ".join(words)
    place = data.draw(st.integers(1, len(text)))
    before, after = text[:place], text[place:]
    if not keep_space:
        before, after = before.rstrip(), after.lstrip()
    assert without_space(joined(before, after)) == without_space(text)
    if keep_space and after[:1].islower():
        assert joined(before, after) == text


@given(st.permutations(SENTENCES), st.data(), st.sampled_from(["", " ", "\n\n"]), st.booleans())
@settings(max_examples=300, deadline=None)
def test_what_is_said_again_stands_there_once(sentences: list[str], data: st.DataObject, space: str, cut: bool) -> None:
    before = " ".join(sentences[:3])
    if cut:
        before = before[: data.draw(st.integers(len(sentences[0]) + 14, len(before)))].rstrip()
    start = data.draw(st.integers(0, len(before) - 13))
    overlap = before[start:]
    if overlap.lstrip() != overlap:
        return
    whole = joined(before, space + overlap + " " + sentences[3], cut=cut)
    assert without_space(whole) == without_space(before + sentences[3])
    assert whole.count(overlap) == 1


@given(st.text(max_size=60), st.text(max_size=60), st.booleans())
@settings(max_examples=200, deadline=None)
def test_nothing_that_stands_there_changes(before: str, text: str, cut: bool) -> None:
    whole = joined(before, text, cut=cut)
    assert whole.startswith(before)
    rest = iter(text)
    assert all(character in rest for character in whole[len(before) :] if not character.isspace())
