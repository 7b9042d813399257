"""Decorators: first lines of an entry's content that say when and where it comes in."""

from __future__ import annotations

from typing import Any

import pytest

from chat._greetings import NO_GREETING, greeting_number
from chat.cards import parse_card
from storage.records import Opened
from tests.chat import card_files
from tests.chat.lore_books import book, card_entry, chat_of, fired_at, found, texts


@pytest.mark.parametrize(
    ("entry", "text", "fires"),
    [
        (card_entry("wolf", "@@activate\nx"), "hm", True),
        (card_entry("wolf", "@@dont_activate\nx", constant=True), "wolf", False),
        (card_entry("wolf", "@@additional_keys bear, deer\nx"), "wolf", False),
        (card_entry("wolf", "@@additional_keys bear, deer\nx"), "wolf and deer", True),
        (card_entry("wolf", "@@exclude_keys bear\nx"), "wolf and bear", False),
        (card_entry("wolf", "@@activate_only_after 1\nx"), "wolf", False),
        (card_entry("wolf", "@@unheard_of 3\n@@@dont_activate\nx"), "wolf", False),
        (card_entry("wolf", "@@scan_depth 1\n@@@dont_activate\nx"), "wolf", True),
        (card_entry("wolf", "@@instruct_depth 3\n@@is_user_icon a\n@@@dont_activate\nx"), "wolf", False),
        (card_entry("wolf", "@@a\n@@@b\n@@@c\n@@@d\n@@@e\n@@@dont_activate\n@@@activate\nx"), "wolf", False),
        (card_entry("wolf", "@@@dont_activate\nx"), "wolf", True),
        (card_entry("wolf", "@@activate_only_after 0\n@@activate_only_after 9\nx"), "wolf", True),
        (card_entry("wolf", "@@additional_keys a\n@@additional_keys b\nx"), "wolf a", False),
        (card_entry("wolf", "@@is_greeting 1\nx"), "wolf", True),
    ],
)
async def test_decorators_decide_whether_an_entry_fires(entry: dict[str, Any], text: str, fires: bool) -> None:
    assert bool((await found(book(entry), text)).fired) is fires


async def test_how_far_back_is_looked_can_be_an_entrys_own() -> None:
    chat = chat_of("wolf", "two", "three")
    assert await texts(book(card_entry("wolf", "@@scan_depth 3\nx")), chat) == ["x"]
    assert await texts(book(card_entry("wolf", "@@instruct_scan_depth 300\nx")), chat) == []


async def test_what_fired_once_stays_or_comes_no_more() -> None:
    assert await fired_at(card_entry("k", "@@scan_depth 1\n@@keep_activate_after_match\nx")) == [1, 3, 5, 7, 9, 11]
    assert await fired_at(card_entry("x", "@@dont_activate_after_match\ny")) == [3]
    assert await fired_at(card_entry("k", "@@activate\n@@activate_only_every 2\nx")) == [1, 5, 9]


@pytest.mark.parametrize(
    ("lines", "place"),
    [
        ("@@depth 1", ("at_depth", 1, False)),
        ("@@reverse_depth 2", ("at_depth", 2, True)),
        ("@@reverse_depth 2\n@@depth 1", ("at_depth", 1, False)),
        ("@@depth 1\n@@reverse_depth 2", ("at_depth", 1, False)),
        ("@@reverse_depth 2\n@@position after_desc", ("after_char", 4, False)),
        ("@@depth 5\n@@depth 6", ("at_depth", 5, False)),
        ("@@depth many\n@@@depth 6", ("at_depth", 6, False)),
        ("@@instruct_depth 300\n@@@reverse_instruct_depth 20\n@@@depth 6", ("at_depth", 6, False)),
        ("@@reverse_depth 2\n@@@depth 6", ("at_depth", 2, True)),
        ("@@instruct_depth 300", ("before_char", 4, False)),
    ],
)
def test_where_it_stands_can_be_said(lines: str, place: tuple[str, int, bool]) -> None:
    [entry] = book(card_entry("k", f"{lines}\n@@role assistant\nx")).entries
    assert (entry.position, entry.depth, entry.from_oldest) == place
    assert (entry.role, entry.content) == ("assistant", "x")


async def test_what_the_app_asks_for_can_be_hidden() -> None:
    result = await found(book(card_entry("k", "@@disable_ui_prompt system_prompt\nx")), "k")
    assert result.hides == {"system_prompt"}


@pytest.mark.parametrize(("greeting", "fires"), [(0, False), (1, True), (2, False), (NO_GREETING, False), (None, True)])
async def test_an_entry_can_be_for_one_greeting(greeting: int | None, fires: bool) -> None:
    entry = book(card_entry("k", "@@is_greeting 1\nx"))
    assert entry.asks_greeting
    assert bool(await texts(entry, chat_of("k", greeting=greeting))) is fires


@pytest.mark.parametrize(
    ("first", "alternates", "joining", "opened", "number"),
    [
        ("a", ["b", "c"], [], Opened(0, 3), 0),
        ("a", ["b", "c"], [], Opened(2, 3), 2),
        ("", ["b", " ", "d"], [], Opened(0, 2), 1),
        ("", ["b", " ", "d"], [], Opened(1, 2), 3),
        ("a", ["b"], ["g", "h"], Opened(1, 4), NO_GREETING),
        ("a", ["b"], ["g", "h"], Opened(3, 4), 1),
        ("a", ["b"], ["g", "h"], Opened(1, 2), 1),
        ("a", ["b"], [], Opened(None, 2), NO_GREETING),
        ("a", ["b"], [], None, NO_GREETING),
        ("a", ["b"], [], Opened(0, 7), None),
        ("a", ["b"] * 80, [], Opened(49, 50), 49),
    ],
)
def test_greetings_have_the_numbers_that_the_card_gives_them(
    first: str, alternates: list[str], joining: list[str], opened: Opened | None, number: int | None
) -> None:
    fields = {"first_mes": first, "alternate_greetings": alternates, "group_only_greetings": joining}
    card = parse_card(card_files.as_json(card_files.card(3, **fields)))
    assert greeting_number(card, opened) == number
