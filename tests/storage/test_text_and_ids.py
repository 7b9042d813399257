"""Clean text, and ids that never meet."""

import threading
import time
from itertools import pairwise
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from storage import clean_text, new_id
from storage.ids import EPOCH_MILLISECONDS, SHIFT, IdMaker
from storage.text import clean_json

any_text = st.text(st.characters())
surrogates = st.text(st.characters(min_codepoint=0xD7F0, max_codepoint=0xE010) | st.sampled_from("a\0"))


@given(any_text | surrogates)
@example("\ud83d\ude00")
@example("\ude00\ud83d")
def test_clean_text_can_be_encoded_and_stays_clean(text: str) -> None:
    cleaned = clean_text(text)
    cleaned.encode()
    assert "\0" not in cleaned
    assert clean_text(cleaned) == cleaned


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_text_that_is_clean_is_left_alone(text: str) -> None:
    assert clean_text(text) == text


def test_surrogates_that_belong_together_are_joined() -> None:
    assert clean_text("\ud83d\ude00") == "😀"
    assert clean_text("a\ud83db\ude00") == "a\ufffdb\ufffd"


@given(
    st.recursive(
        st.none() | st.integers() | surrogates, lambda inner: st.lists(inner) | st.dictionaries(surrogates, inner)
    )
)
def test_clean_json_is_clean_all_through(value: Any) -> None:
    def check(item: Any) -> None:
        if isinstance(item, str):
            assert clean_text(item) == item
        elif isinstance(item, dict):
            for name, inner in item.items():
                check(name)
                check(inner)
        elif isinstance(item, list):
            for inner in item:
                check(inner)

    check(clean_json(value))


def test_ids_increase_and_fit_in_63_bits() -> None:
    ids = [new_id() for _ in range(10_000)]
    assert all(earlier < later for earlier, later in pairwise(ids))
    assert ids[0] > 0
    assert ids[-1] < 2**63


def test_ids_tell_their_time() -> None:
    milliseconds = (IdMaker()() >> SHIFT) + EPOCH_MILLISECONDS
    assert abs(milliseconds / 1000 - time.time()) < 5


def test_ids_of_threads_never_meet() -> None:
    made: list[int] = []

    def make() -> None:
        made.extend([new_id() for _ in range(5_000)])

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 20_000


def test_makers_of_different_processes_hardly_ever_meet() -> None:
    """One id of each of many processes within the same few milliseconds."""
    assert len({IdMaker()() for _ in range(200)}) >= 199
