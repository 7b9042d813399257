"""Lorebooks are read from files of all kinds, and whatever stands in them does no harm."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.errors import LorebookError
from chat.lorebooks import lorebook_file, read_lorebook
from tests.chat.lore_books import book, card_entry, found, st_entry


def test_files_of_all_kinds_are_read() -> None:
    wanted = ["about a", "about b"]
    entries = [card_entry("a"), card_entry("b")]
    world = {"entries": {"0": st_entry("a", uid=0), "7": st_entry("b", uid=7)}}
    v3 = {"spec": "lorebook_v3", "data": {"name": "Sea", "entries": entries}}
    card = {"spec": "chara_card_v2", "data": {"name": "Mira", "character_book": {"entries": entries}}}
    for content in (world, v3, card, {"entries": entries}):
        read = lorebook_file(b"\xef\xbb\xbf" + json.dumps(content).encode(), name="file")
        assert [entry.content for entry in read.entries] == wanted
        assert read.name == ("Sea" if content is v3 else "file")


@pytest.mark.parametrize(
    "data",
    [b"", b"nonsense", b"[]", b"{}", b'{"entries": 3}', b'{"entries": "x"}', b'{"spec": "lorebook_v3"}', b"\xff{",
     b'{"entries": ' + b"[" * 5000, json.dumps({"entries": [{"keys": ["k"]}] * 5001}).encode(),
     json.dumps({"entries": [{"keys": ["k"] * 500}] * 50}).encode()],
)  # fmt: skip
def test_what_is_no_lorebook_is_refused(data: bytes) -> None:
    with pytest.raises(LorebookError):
        lorebook_file(data)


def test_equal_ids_are_told_apart_and_what_is_no_entry_is_counted() -> None:
    read = book(st_entry("a", uid=1), st_entry("b", uid=1), 3, None, {}, ["x"])
    assert len({entry.id for entry in read.entries}) == 2
    assert read.skipped == 4


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["@@depth 9", "/(/"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
NAMES = [
    *(
        "uid",
        "id",
        "key",
        "keys",
        "keysecondary",
        "secondary_keys",
        "content",
        "constant",
        "selective",
        "comment",
        "name",
    ),
    *("selectiveLogic", "order", "insertion_order", "position", "disable", "enabled", "extensions", "probability"),
    *("group", "groupWeight", "scanDepth", "sticky", "cooldown", "delay", "delayUntilRecursion", "depth", "role"),
    *("characterFilter", "priority", "use_regex", "case_sensitive"),
]


@settings(max_examples=60, deadline=None)
@given(st.lists(JSON | st.dictionaries(st.sampled_from(NAMES), JSON, max_size=12), max_size=4), JSON, JSON)
def test_whatever_stands_in_a_book_can_be_read_and_looked_through(entries: list[Any], depth: Any, budget: Any) -> None:
    content = {"entries": entries, "scan_depth": depth, "token_budget": budget, "recursive_scanning": True}
    result = asyncio.run(found(read_lorebook(content, key="b"), "Hello wolf, 0 {{char}}"))
    assert sum(fired.tokens for fired in result.fired) < 10_000


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="ab(|)*+?[]{}\\^$.<>=!:PpRLNu0123&~-/", max_size=14))
def test_whatever_pattern_is_written_nothing_is_raised(pattern: str) -> None:
    asyncio.run(found(book(st_entry(f"/{pattern}/i"), st_entry("hello")), "hello aabb"))
