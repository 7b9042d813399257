"""A channel's settings as people type them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.channel_settings import (
    MAX_KEYWORD_CHARACTERS,
    MAX_KEYWORDS,
    MAX_RETENTION_DAYS,
    read_keywords,
    read_retention,
)
from chat.errors import KeywordsError, RetentionError
from chat.triggers import Trigger, folded, is_called


@pytest.mark.parametrize(
    ("typed", "keywords"),
    [
        ("luna", ["luna"]),
        (" Luna ,  old   friend,, luna ", ["Luna", "old friend"]),
        ("ルナ、小月，قمر،луна", ["ルナ", "小月", "قمر", "луна"]),
    ],
)
def test_keywords_are_typed_with_commas_and_kept_once(typed: str, keywords: list[str]) -> None:
    assert read_keywords(typed) == keywords


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        (" , ,", "none"),
        ("x" * (MAX_KEYWORD_CHARACTERS + 1), "long"),
        (",".join(str(number) for number in range(MAX_KEYWORDS + 1)), "many"),
    ],
)
def test_what_cannot_be_keywords_is_refused(typed: str, problem: str) -> None:
    with pytest.raises(KeywordsError) as caught:
        read_keywords(typed)
    assert caught.value.problem == problem


@given(st.text(max_size=50))
def test_keywords_that_are_taken_call_and_can_be_typed_again(typed: str) -> None:
    try:
        keywords = read_keywords(typed)
    except KeywordsError:
        return
    assert read_keywords(", ".join(keywords)) == keywords
    assert len({folded(keyword) for keyword in keywords}) == len(keywords)
    assert all(is_called(f"- {keyword} -", [keyword]) for keyword in keywords)


@pytest.mark.parametrize(
    ("typed", "days"), [("1", 1), (" 30 days ", 30), ("7d", 7), ("1 day", 1), ("3650", 3650), ("Off", None)]
)
def test_retention_is_days_or_off(typed: str, days: int | None) -> None:
    assert read_retention(typed) == days


@pytest.mark.parametrize("typed", ["0", "-1", "3651", "99999999", "soon", "", "1.5", "٣"])
def test_other_retentions_are_refused(typed: str) -> None:
    with pytest.raises(RetentionError):
        read_retention(typed)


@given(st.text(max_size=10))
def test_whatever_is_typed_is_a_retention_or_refused(typed: str) -> None:
    try:
        days = read_retention(typed)
    except RetentionError:
        return
    assert days is None or 1 <= days <= MAX_RETENTION_DAYS


def test_a_trigger_hears_what_was_said_since_it_was_set() -> None:
    assert [Trigger(kind).hears("luna", 5) for kind in ("mention", "off", "always")] == [False, False, True]
    keywords = Trigger("keywords", ("luna",), since=10.0)
    assert [keywords.hears(*said) for said in (("Luna?", 10.0), ("Luna?", 10.1), ("Tom?", 11))] == [False, True, False]
