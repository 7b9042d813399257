"""Which entries of lorebooks come in, and why."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from chat.lorebooks import Chat, Said
from tests.chat.lore_books import book, card_entry, chat_of, fired_at, found, st_entry, texts, why


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


async def test_entries_stay_and_rest() -> None:
    assert await fired_at(st_entry("k", scanDepth=1)) == [1]
    assert await fired_at(st_entry("k", scanDepth=1, sticky=5)) == [1, 3, 5]
    assert await fired_at(st_entry("", "c", constant=True, cooldown=5)) == [1, 7]
    assert await fired_at(st_entry("", "c", constant=True, sticky=3, cooldown=4)) == [1, 3, 9, 11]


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
