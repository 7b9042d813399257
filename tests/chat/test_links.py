from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.links import neutralise


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see https://a.example/b.", "see <https://a.example/b>."),
        ("(see https://a.example/b)", "(see <https://a.example/b>)"),
        ("https://a.example/x_(y) z", "<https://a.example/x_(y)> z"),
        ("**https://a.example**", "**<https://a.example>**"),
        ("HTTP://A.EXAMPLE", "<HTTP://A.EXAMPLE>"),
        ("[here](https://a.example/b)", "[here](<https://a.example/b>)"),
        ("[here](<https://a.example/b>)", "[here](<https://a.example/b>)"),
        ("<https://a.example>", "<https://a.example>"),
        (
            "`https://a.example` and\n```\nhttps://b.example\n```",
            "`https://a.example` and\n```\nhttps://b.example\n```",
        ),
        ("```\nx\n```\nhttps://b.example", "```\nx\n```\n<https://b.example>"),
        ("https:// alone, ftp://a.example", "https:// alone, ftp://a.example"),
        ("no address", "no address"),
    ],
)
def test_addresses_lose_their_preview(text: str, expected: str) -> None:
    assert neutralise(text) == expected


PIECES = ["https://a.example/b", " ", ".", ")", "(", "`", "```", "<", ">", "[x](", "\n", "word"]


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_only_brackets_are_added(text: str) -> None:
    assert neutralise(text).replace("<", "").replace(">", "") == text.replace("<", "").replace(">", "")


@given(st.lists(st.sampled_from(["https://a.example/b", " ", ". ", "word", "\n"])).map(" ".join))
def test_doing_it_twice_changes_nothing(text: str) -> None:
    assert neutralise(neutralise(text)) == neutralise(text)
