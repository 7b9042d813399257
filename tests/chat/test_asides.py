from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.asides import without_asides

PIECES = [
    "((",
    "))",
    "(",
    ")",
    "(((",
    ")))",
    "word",
    "f",
    "a+b",
    " ",
    "  ",
    "\n",
    "\n\n",
    "`",
    "```",
    "```py\n",
    ":)",
    "文字",
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("((brb))", ""),
        ("((brb))\n \n((back))", ""),
        ("((one)) ((two))", ""),
        ("((brb, phone", ""),
        ("Hello\n((brb))\nWorld", "Hello\nWorld"),
        ("Hello\n\n((brb))\n\nWorld", "Hello\n\nWorld"),
        ("Hello\n((a))\n((b))\nWorld", "Hello\nWorld"),
        ("Hello\n((over\nseveral\n\nlines))\nWorld", "Hello\nWorld"),
        ("Hello\n((never closed\nWorld", "Hello\nWorld"),
        ("((never closed\nHello\n((closed))\nWorld", "Hello\nWorld"),
        ("I walk ((slowly)) in", "I walk in"),
        ("I walk in ((slowly)).", "I walk in."),
        ("((first)) I walk", "I walk"),
        ("I walk ((last))", "I walk"),
        ("I walk ((a)) ((b)) in", "I walk in"),
        ("*((slowly)) I walk*", "*I walk*"),
        ("I walk ((over\ntwo lines)) in", "I walk in"),
        ("Hello ((x))\n  - item", "Hello\n  - item"),
        ("Hello\n((x)) World", "Hello\nWorld"),
        ("((haha :) nice)) Hi", "Hi"),
        ("((see :))) Hi", "Hi"),
        ("((see (this))) Hi", "Hi"),
        ("(((really))) Hi", "Hi"),
        ("((a ((b)) c)) Hi", "Hi"),
        ("((a ((b)) Hi", "Hi"),
        ("((look at `x))` now)) Hi", "Hi"),
        ("((such as\n```\nx\n```\n)) Hi", "Hi"),
        ("((see ```\nx\n```", "```\nx\n```"),
        ("他走了((等一下))再见", "他走了再见"),
    ],
)
def test_asides_are_taken_away(text: str, left: str) -> None:
    assert without_asides(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "plain (text) with one) and (another",
        "  spaces  stay \n\n",
        "f((a+b)) is 3",
        "x = 2((a+b))",
        "((a+b)*(c+d)) = ?",
        "((2+3)*4) is what?",
        "(())",
        "жаль((",
        "That is sad (( and long",
        "That is sad ((\n\nBut then))",
        "Привет))",
        "Write `((x))` or ``((y))``",
        "```\n((x))\n```",
        "```py\n((never closed",
        r"\((x))",
    ],
)
def test_what_is_no_aside_stays(text: str) -> None:
    assert without_asides(text) == text


@given(TEXTS)
@settings(max_examples=400, deadline=None)
def test_nothing_is_made_up(text: str) -> None:
    rest = iter(text)
    assert all(character in rest for character in without_asides(text) if not character.isspace())


@given(TEXTS.filter(lambda text: "((" not in text))
def test_a_text_without_asides_is_unchanged(text: str) -> None:
    assert without_asides(text) == text


@given(st.lists(st.sampled_from(["((brb))", "((a\nb))", "((:)))", " ", "\n"])).map("".join))
def test_nothing_but_asides_leaves_nothing(text: str) -> None:
    assert not without_asides(text).strip()


@given(st.lists(st.sampled_from(["Hi", "there.", "`((x))`", "f((a+b))"]), min_size=1), st.data())
def test_an_aside_between_words_leaves_no_trace(words: list[str], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(words)))
    noted = [*words[:place], "((later :) ok))", *words[place:]]
    assert without_asides(" ".join(noted)) == " ".join(words)
