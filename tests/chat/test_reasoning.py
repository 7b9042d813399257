from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.reasoning import ReasoningFilter

PIECES = ["<think>", "</think>", "<thinking>", "</ Reasoning >", "< THINK >", "<", "</", "<thi", "nk>", ">", "`", "```"]
PIECES += ["word", " ", "\n", "\n\n", "a < b", "<b>", "<  "]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)


def filtered(*chunks: str, inside: bool = False) -> str:
    reasoning = ReasoningFilter(inside=inside)
    return "".join(map(reasoning.feed, chunks)) + reasoning.finish()


@pytest.mark.parametrize(
    ("text", "visible"),
    [
        ("<think>hmm</think>\n\nHello", "Hello"),
        ("<THINK>\nhmm\n</Think> Hello", "Hello"),
        ("< think >hmm< / think >Hello", "Hello"),
        ("<thinking>a</thinking><reasoning>b</reasoning>Hi", "Hi"),
        ("Hello.\n\n<think>more</think>\n\nWorld", "Hello.\n\nWorld"),
        ("Hello.<think>more</think>\n\nWorld", "Hello.\n\nWorld"),
        ("  \n<think>x</think>  Hi", "  \nHi"),
        ("<think>never closed", ""),
        ("<think>a <think> b</think>c", "c"),
        ("Hi</think> there", "Hi there"),
        ("plain <b>text</b> 1 < 2", "plain <b>text</b> 1 < 2"),
        ("ends with <thin", "ends with <thin"),
        ("<thinker>", "<thinker>"),
        ("```\n<think>code</think>\n```\n<think>x</think>end", "```\n<think>code</think>\n```\nend"),
        ("Use the `<think>` tag", "Use the `<think>` tag"),
        ("```\nx\n```<think>x</think>", "```\nx\n```"),
        ("<think>```</think>shown", "shown"),
        ("````\n<think>\n````", "````\n<think>\n````"),
    ],
)
def test_reasoning_is_hidden(text: str, visible: str) -> None:
    assert filtered(text) == visible
    assert filtered(*text) == visible


@given(TEXTS, st.lists(st.integers(0, 200)))
@settings(max_examples=500, deadline=None)
def test_how_the_text_arrives_changes_nothing(text: str, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    chunks = [text[start:end] for start, end in itertools.pairwise(edges)]
    assert filtered(*chunks) == filtered(text) == filtered(*text)


@given(TEXTS.filter(lambda text: "think" not in text.lower().replace(" ", "") and "reason" not in text.lower()))
def test_a_text_without_tags_comes_through_unchanged(text: str) -> None:
    assert filtered(*text) == text


@given(TEXTS)
def test_nothing_is_made_up(text: str) -> None:
    rest = iter(text)
    assert all(character in rest for character in filtered(text))


def test_only_what_may_become_a_tag_is_held_back() -> None:
    reasoning = ReasoningFilter()
    assert reasoning.feed("Hello <") == "Hello "
    assert reasoning.feed("i>you</") == "<i>you"
    assert reasoning.feed("i>") == "</i>"


def test_a_reply_of_nothing_but_reasoning_is_known() -> None:
    reasoning = ReasoningFilter()
    reasoning.feed("<think>hmm")
    assert reasoning.thinking
    assert reasoning.only_reasoning
    reasoning.feed("</think>\n \n")
    assert not reasoning.thinking
    assert reasoning.only_reasoning
    reasoning.feed("Yes")
    assert not reasoning.only_reasoning


def test_an_empty_reply_is_not_reasoning() -> None:
    reasoning = ReasoningFilter()
    assert reasoning.finish() == ""
    assert not reasoning.only_reasoning


def test_a_block_opened_in_the_prompt_is_noted_and_can_be_expected() -> None:
    reasoning = ReasoningFilter()
    assert reasoning.feed("so I think</think>Hello") == "so I thinkHello"
    assert reasoning.unopened
    assert filtered("so I think</think>\n\nHello", inside=True) == "Hello"
