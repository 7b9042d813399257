"""Pieces of text: nothing is lost, counts agree."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from playground.infermatic import count_messages, count_tokens, split_tokens

any_text = st.text(st.characters(exclude_categories=[]))


@given(any_text)
def test_the_pieces_of_a_text_make_the_text(text: str) -> None:
    assert "".join(split_tokens(text)) == text


@given(any_text)
def test_the_count_is_the_number_of_pieces(text: str) -> None:
    assert count_tokens(text) == len(split_tokens(text))
    assert all(split_tokens(text))


@given(any_text, any_text)
def test_a_longer_text_never_has_fewer_tokens(start: str, rest: str) -> None:
    assert count_tokens(start) <= count_tokens(start + rest) <= count_tokens(start) + count_tokens(rest)


def test_english_has_about_four_letters_a_token() -> None:
    text = "The lighthouse keeper found a letter under the door, dry although it had rained all night. " * 20
    assert 3 <= len(text) / count_tokens(text) <= 5


def test_emoji_sequences_are_torn_as_real_tokenizers_tear_them() -> None:
    assert len(split_tokens("👩‍👩‍👧")) == 5


@given(st.lists(any_text, max_size=5))
def test_every_message_costs_something(contents: list[str]) -> None:
    messages = [{"role": "user", "content": content} for content in contents]
    assert count_messages(messages) == 3 + sum(4 + count_tokens(content) for content in contents)


def test_pictures_and_missing_content_are_counted() -> None:
    parts = [{"type": "text", "text": "a cat"}, {"type": "image_url", "image_url": {"url": "data:"}}]
    assert count_messages([{"role": "user", "content": parts}]) == 3 + 4 + 2 + 256
    assert count_messages([{"role": "assistant", "content": None}]) == 7
