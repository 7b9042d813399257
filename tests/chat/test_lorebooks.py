from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.errors import LorebookError
from chat.lorebooks import Chat, Lorebook, Said, Scan, lorebook_file, read_lorebook, scan
from chat.macros import Macros

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def st_entry(key: str | list[str], content: str = "", **fields: Any) -> dict[str, Any]:
    """An entry of a world-info file."""
    keys = [key] if isinstance(key, str) else key
    return {"key": keys, "content": content or f"about {keys[0] if keys else 'nothing'}", "order": 100, **fields}


def card_entry(
    key: str, content: str = "", /, extensions: Mapping[str, Any] | None = None, **fields: Any
) -> dict[str, Any]:
    """An entry of a card's book."""
    return {"keys": [key], "content": content or f"about {key}", "insertion_order": 100, "enabled": True,
            "extensions": dict(extensions or {}), **fields}  # fmt: skip


def book(*entries: Any, **fields: Any) -> Lorebook:
    return read_lorebook({"entries": list(entries), **fields}, key="b")


def chat_of(*texts: str, **fields: Any) -> Chat:
    """Messages in the order in which they were said, the person first."""
    said = [
        Said(number, "Mira" if number % 2 == 0 else "Ada", text, bool(number % 2))
        for number, text in enumerate(texts, 1)
    ]
    return Chat(said[::-1], character="Mira", **fields)


async def found(
    books: Lorebook | Sequence[Sequence[Lorebook]],
    chat: Chat | str,
    *,
    budget: float = 10_000,
    rng: int = 1,
    remembered: Mapping[str, int] | None = None,
) -> Scan:
    dice = Random(rng)
    return await scan(
        [[books]] if isinstance(books, Lorebook) else books,
        chat_of(chat) if isinstance(chat, str) else chat,
        Macros({"char": "Mira", "user": "Ada"}, now=NOW, random=dice),
        lambda text: float(len(text.split())),
        budget,
        random=dice,
        remembered=remembered,
    )


async def texts(*args: Any, **options: Any) -> list[str]:
    return [fired.text for fired in (await found(*args, **options)).fired]


async def why(*args: Any, **options: Any) -> dict[str, str]:
    return {verdict.source.entry.title: verdict.why for verdict in (await found(*args, **options)).verdicts}


@pytest.mark.parametrize(
    ("entry", "text", "fires"),
    [
        (st_entry("wolf"), "The Wolves howl", False),
        (st_entry("elf"), "He himself", False),
        (st_entry("wol", matchWholeWords=False), "The Wolves howl", True),
        (st_entry("волк"), "Волка!", True),
        (card_entry("wol"), "The Wolves howl", True),
        (card_entry("wol", extensions={"selectiveLogic": 0, "match_whole_words": None}), "The Wolves howl", False),
        (st_entry("wolf", position=7), "wolf", False),
        (st_entry("wolf", caseSensitive=True), "A Wolf", False),
        (st_entry("Wolf", caseSensitive=True), "A Wolf", True),
        (st_entry("wol", matchWholeWords=True), "The Wolves howl", False),
        (st_entry("wolves", matchWholeWords=True), "(Wolves!)", True),
        (st_entry("the wol", matchWholeWords=True), "The Wolves", True),
        (st_entry("STRASSE"), "Eine straße", True),
        (st_entry("{{char}}'s den"), "Into MIRA'S den", True),
        (st_entry("Ada: hi"), "hi", True),
        (st_entry("/w[oa]lf\\b/i"), "a WALF.", True),
        (st_entry("/w[oa]lf/"), "a WALF.", False),
        (st_entry("/a/b/"), "a/b", False),
        (st_entry("/a\\/b/"), "a/b", True),
        (st_entry("/(/"), "(", False),
        (st_entry("/^Ada: x.y$/s"), "x\ny", True),
        (st_entry("/\\u{1F43A}/u"), "🐺", True),
        (st_entry("/wo{1,3}lf/"), "woolf", True),
        (st_entry("/(?:a{30}){30}/"), "a" * 900, False),
        (st_entry("/(?:(?:a{1000}){1000}){1000}/"), "a" * 900, False),
        (st_entry("/(?x)w o l f/"), "wolf", False),
        (st_entry("/(?i)(?<first>W)(?:o)(?!x)/"), "wolf", True),
        (st_entry("wolf", disable=True), "wolf", False),
        (st_entry([], constant=True), "hm", True),
        (st_entry(""), "hm", False),
        (st_entry(["x", "wolf"]), "wolf", True),
        (st_entry("wolf", delay=2), "wolf", False),
        (st_entry("wolf", delay=1), "wolf", True),
        (st_entry("wolf", probability=0, useProbability=True), "wolf", False),
        (st_entry("wolf", probability=0, useProbability=False), "wolf", True),
        (st_entry("wolf", characterFilter={"names": ["mira"], "tags": [], "isExclude": False}), "wolf", True),
        (st_entry("wolf", characterFilter={"names": ["mira"], "tags": [], "isExclude": True}), "wolf", False),
        (st_entry("wolf", characterFilter={"names": ["Bob"], "tags": [], "isExclude": False}), "wolf", False),
        (st_entry("wolf", delayUntilRecursion=True), "wolf", False),
        (card_entry("w.lf"), "wolf", False),
        (card_entry("w.lf", use_regex=True), "Wolf", True),
        (card_entry("w.lf", use_regex=True, case_sensitive=True), "Wolf", False),
        (card_entry("w.lf", extensions={"selectiveLogic": 0}, use_regex=True), "wolf", False),
        (card_entry("wolf", extensions={"selectiveLogic": 0}, use_regex=True, constant=True), "hm", True),
        (card_entry("wolf", use_regex=True, constant=True), "hm", False),
        (card_entry("wolf", use_regex=True, selective=True, secondary_keys=["bear"]), "wolf", True),
        (card_entry("wolf", selective=True, secondary_keys=["bear"]), "wolf", False),
        (card_entry("wolf", selective=False, secondary_keys=["bear"]), "wolf", True),
        (card_entry("wolf", enabled=False), "wolf", False),
        (card_entry("wolf", "@@activate\nx"), "hm", True),
        (card_entry("wolf", "@@dont_activate\nx", constant=True), "wolf", False),
        (card_entry("wolf", "@@additional_keys bear, deer\nx"), "wolf", False),
        (card_entry("wolf", "@@additional_keys bear, deer\nx"), "wolf and deer", True),
        (card_entry("wolf", "@@exclude_keys bear\nx"), "wolf and bear", False),
        (card_entry("wolf", "@@activate_only_after 1\nx"), "wolf", False),
        (card_entry("wolf", "@@is_greeting 1\nx"), "wolf", False),
        (card_entry("wolf", "@@unheard_of 3\n@@@dont_activate\nx"), "wolf", False),
        (card_entry("wolf", "@@scan_depth 1\n@@@dont_activate\nx"), "wolf", True),
    ],
)  # fmt: skip
async def test_an_entry_fires_or_does_not(entry: dict[str, Any], text: str, fires: bool) -> None:
    assert bool((await found(book(entry), text)).fired) is fires


@pytest.mark.parametrize(
    ("logic", "text", "fires"),
    [
        (0, "k", False), (0, "k a", True), (0, "k a b", True),
        (1, "k", True), (1, "k a", True), (1, "k a b", False),
        (2, "k", True), (2, "k a", False), (2, "k a b", False),
        (3, "k", False), (3, "k a", False), (3, "k a b", True),
    ],
)  # fmt: skip
async def test_secondary_keys_and_their_logic(logic: int, text: str, fires: bool) -> None:
    entry = st_entry("k", keysecondary=[" a", " b"], selective=True, selectiveLogic=logic, matchWholeWords=True)
    assert bool((await found(book(entry), text)).fired) is fires


async def test_depth_counts_messages() -> None:
    chat = chat_of("wolf", "two", "three")
    assert await texts(book(st_entry("wolf")), chat) == []
    assert await texts(book(st_entry("wolf", scanDepth=3)), chat) == ["about wolf"]
    assert await texts(book(st_entry("wolf"), scan_depth=3), chat) == ["about wolf"]
    assert await texts(book(st_entry("three", scanDepth=0)), chat) == []
    assert await texts(book(card_entry("wolf", "@@scan_depth 3\nx")), chat) == ["x"]


async def test_no_key_is_found_across_messages() -> None:
    assert await texts(book(st_entry("one two"), st_entry("/one.*two/s")), chat_of("two", "one")) == [
        "about /one.*two/s"
    ]


async def test_the_higher_order_stands_nearer_the_end() -> None:
    entries = [st_entry("k", "second", order=2), st_entry("k", "third", order=3), st_entry("k", "first", order=1)]
    assert await texts(book(*entries), "k") == ["first", "second", "third"]


async def test_positions_depths_and_roles_are_read() -> None:
    entries = [st_entry("k", position=number) for number in range(7)]
    fired = [one.source.entry.position for one in (await found(book(*entries), "k")).fired]
    assert sorted(fired) == sorted(
        ["before_char", "after_char", "note_top", "note_bottom", "at_depth", "examples_top", "examples_bottom"]
    )
    entry = book(card_entry("k", extensions={"position": 4, "depth": 2, "role": 1}, position="before_char")).entries[0]
    assert (entry.position, entry.depth, entry.role) == ("at_depth", 2, "user")
    entry = book(card_entry("k", "@@depth 1\n@@role assistant\nx")).entries[0]
    assert (entry.position, entry.depth, entry.role, entry.content) == ("at_depth", 1, "assistant", "x")


async def test_the_budget_goes_to_the_highest_order_and_ends_at_what_reaches_it() -> None:
    entries = [
        st_entry("k", "one two three", order=3, comment="one two three"),
        st_entry("k", "four five", order=2, comment="four five"),
        st_entry("k", "six", order=1, comment="six"),
        st_entry("k", "seven", order=0, ignoreBudget=True),
    ]
    assert await texts(book(*entries), "k", budget=5) == ["seven", "one two three"]
    assert await texts(book(*entries), "k", budget=7) == ["seven", "six", "four five", "one two three"]
    assert sorted((await why(book(*entries), "k", budget=5)).values()) == ["budget", "budget", "key", "key"]
    prior = [card_entry("k", "low", priority=1, insertion_order=9), card_entry("k", "high", priority=2)]
    assert await texts(book(*prior), "k", budget=2) == ["high"]
    assert await texts(book(*entries[:3], token_budget=4), "k") == ["six", "one two three"]


async def test_constants_are_cut_by_the_budget_too() -> None:
    assert await texts(book(st_entry([], "one two three", constant=True)), "k", budget=3) == []


async def test_what_entries_say_is_looked_through_if_the_book_wants_it() -> None:
    entries = [st_entry("wolf", "The den"), st_entry("den", "A cave"), st_entry("cave", "Dark")]
    assert await texts(book(*entries, recursive_scanning=False), "wolf") == ["The den"]
    assert await texts(book(*entries), "wolf") == ["Dark", "A cave", "The den"]
    entries[1]["excludeRecursion"] = True
    assert await texts(book(*entries, recursive_scanning=True), "wolf") == ["The den"]
    entries[1] = st_entry("den", "A cave", preventRecursion=True)
    assert await texts(book(*entries, recursive_scanning=True), "wolf") == ["A cave", "The den"]
    late = [st_entry("wolf", "The den"), st_entry("wolf", "Later", delayUntilRecursion=1)]
    assert await texts(book(*late, recursive_scanning=True), "wolf") == ["Later", "The den"]


async def test_hidden_keys_are_found_by_other_entries() -> None:
    entries = [st_entry("wolf", "Fur{{hidden_key:den}}"), st_entry("den", "A cave")]
    assert await texts(book(*entries, recursive_scanning=True), "wolf") == ["A cave", "Fur"]


async def test_passes_are_bounded() -> None:
    chain = [st_entry(f"k{n};", f"k{n + 1};") for n in range(100)]
    assert len(await texts(book(*chain, recursive_scanning=True), "k0;")) == 12


async def test_one_of_a_group_comes_in() -> None:
    entries = [st_entry("k", name, group="g") for name in "abc"] + [st_entry("k", "free")]
    seen = {tuple(await texts(book(*entries), "k", rng=number)) for number in range(40)}
    assert {len(one) for one in seen} == {2}
    assert {word for one in seen for word in one} == {"a", "b", "c", "free"}
    weighty = [st_entry("k", "a", group="g", groupWeight=1000), st_entry("k", "b", group="g", groupWeight=0)]
    assert {tuple(await texts(book(*weighty), "k", rng=number)) for number in range(20)} == {("a",)}
    first = [*entries, st_entry("k", "x", group="g", groupOverride=True, order=1)]
    assert {tuple(await texts(book(*first), "k", rng=number)) for number in range(9)} == {("x", "free")}
    scored = [st_entry(["k", "l"], "more", group="g", useGroupScoring=True),
              st_entry("k", "less", group="g", useGroupScoring=True)]  # fmt: skip
    assert {tuple(await texts(book(*scored), "k l", rng=number)) for number in range(9)} == {("more",)}


async def test_a_group_that_has_its_winner_takes_no_other() -> None:
    entries = [st_entry("k", "den", group="g"), st_entry("den", "late", group="g")]
    assert await texts(book(*entries, recursive_scanning=True), "k") == ["den"]


async def test_chance_is_asked_once() -> None:
    entries = [st_entry("k", "den", probability=100), st_entry(["k", "den"], "rare", probability=50)]
    both = book(*entries, recursive_scanning=True)
    rolls = [len(await texts(both, "k", rng=number)) for number in range(200)]
    assert 70 < rolls.count(2) < 130


async def test_books_of_higher_rank_have_the_budget_first() -> None:
    near, far = book(st_entry("k", "near", order=1)), book(st_entry("k", "far", order=9))
    assert await texts([[near], [far]], "k", budget=2) == ["near"]
    assert await texts([[near, far]], "k", budget=2) == ["far"]
    assert await texts([[near], [far]], "k") == ["near", "far"]


LINES = ["k", "r", *("x", "r") * 5]


async def fired_at(entry: dict[str, Any], lines: Sequence[str] = LINES) -> list[int]:
    """At which messages of a chat, answered after each of the person's, the entry is in the prompt."""
    fired: list[int] = []
    remembered: Mapping[str, int] = {}
    for number in range(1, len(lines) + 1, 2):
        result = await found(book(entry), chat_of(*lines[:number]), remembered=remembered)
        remembered = result.memory
        if result.fired:
            fired.append(number)
    return fired


async def test_entries_stay_and_rest() -> None:
    assert await fired_at(st_entry("k", scanDepth=1)) == [1]
    assert await fired_at(st_entry("k", scanDepth=1, sticky=5)) == [1, 3, 5]
    assert await fired_at(st_entry("", "c", constant=True, cooldown=5)) == [1, 7]
    assert await fired_at(st_entry("", "c", constant=True, sticky=3, cooldown=4)) == [1, 3, 9, 11]
    assert await fired_at(card_entry("k", "@@scan_depth 1\n@@keep_activate_after_match\nx")) == [1, 3, 5, 7, 9, 11]
    assert await fired_at(card_entry("x", "@@dont_activate_after_match\ny")) == [3]
    assert await fired_at(card_entry("k", "@@activate\n@@activate_only_every 2\nx")) == [1, 5, 9]


async def test_what_fired_elsewhere_in_the_tree_does_not_stay() -> None:
    chat = Chat([Said(9, "Ada", "x", by_user=True), Said(5, "Ada", "y", by_user=True)])
    fired = [
        bool((await found(book(st_entry("k", sticky=9)), chat, remembered={"b/0": message_id})).fired)
        for message_id in (5, 6, 9)
    ]
    assert fired == [True, False, False]


async def test_reasons_are_told() -> None:
    entries = [
        st_entry("k", comment="by key"),
        st_entry([], constant=True, comment="always"),
        st_entry("k", disable=True, comment="off"),
        st_entry("k", keysecondary=["z"], selective=True, comment="second"),
        st_entry("k", probability=0, comment="chance"),
        st_entry("/(k+)+$/", comment="pattern", matchWholeWords=True),
    ]
    assert await why(book(*entries), "k") == {
        "by key": "key", "always": "constant", "off": "disabled", "second": "secondary", "chance": "probability",
        "pattern": "key",
    }  # fmt: skip


async def test_what_the_app_asks_for_can_be_hidden() -> None:
    result = await found(book(card_entry("k", "@@disable_ui_prompt system_prompt\nx")), "k")
    assert result.hides == {"system_prompt"}


async def test_slow_patterns_end_in_time_and_hold_up_nobody() -> None:
    slow = [st_entry(pattern) for pattern in ("/(a+)+$/", "/(a|aa)+$/", "/(.*a){25}$/", "/(a|a?)+$/") for _ in range(5)]
    stalls = []

    async def watch() -> None:
        while True:
            started = time.perf_counter()
            await asyncio.sleep(0.001)
            stalls.append(time.perf_counter() - started)

    watching = asyncio.create_task(watch())
    started = time.perf_counter()
    result = await found(book(*slow, st_entry("good")), "good " + "a" * 4000 + "!")
    seconds = time.perf_counter() - started
    watching.cancel()
    assert [fired.text for fired in result.fired] == ["about good"]
    assert result.slow_patterns
    assert seconds < 0.4  # the limit is half of that; the machine may be busy
    assert sorted(stalls)[-3] < 0.05


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
