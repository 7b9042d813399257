from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.casting import (
    TALKATIVENESS,
    Candidate,
    Choice,
    Order,
    call_names,
    choose,
    choose_among,
    first_called,
    talkativeness_of,
)

MIRA, NORA, OTIS = Candidate(1, ("Mira Vale",)), Candidate(2, ("Nora",)), Candidate(3, ("The Otter", "Otis"))
CAST = (MIRA, NORA, OTIS)
ORDERS: tuple[Order, ...] = ("natural", "turns", "called")

casts = st.lists(
    st.builds(
        Candidate,
        st.integers(1, 20),
        st.just(()),
        st.sampled_from([0.0, 0.3, 0.5, 1.0]),
        barred=st.booleans(),
    ),
    max_size=8,
    unique_by=lambda candidate: candidate.id,
)
orders = st.sampled_from(ORDERS)
lasts = st.one_of(st.none(), st.integers(1, 20))


def chosen(cast: Sequence[Candidate], order: Order = "natural", text: str = "Hello.", **how: Any) -> int | None:
    choice = choose(cast, order, text, **{"random": Random(0), **how})
    return choice.id if choice else None


def tally(cast: Sequence[Candidate], **how: Any) -> Counter[int | None]:
    chance = Random(7)
    return Counter(chosen(cast, random=chance, **how) for _ in range(2000))


@pytest.mark.parametrize(
    ("text", "called"),
    [
        ("Mira, are you there?", 1),
        ("NORA'S lamp", 2),
        ("what does mira  vale say", 1),
        ("Ask Nora and then Mira.", 2),
        ("the otter sleeps", 3),
        ("an otter sleeps", 3),
        ("The lamp is out.", None),
        ("admiral Noraline", None),
        ("…nora", 2),
        ("ＮＯＲＡ", 2),
        ("", None),
        ("x " * 10_000 + "Nora", None),
    ],
)
def test_a_name_calls_as_a_whole_word_and_the_first_one_counts(text: str, called: int | None) -> None:
    assert first_called(CAST, text) == called


def test_of_names_that_begin_alike_the_longest_counts() -> None:
    cast = (Candidate(1, ("Mira",)), Candidate(2, ("Mira Vale",)))
    assert first_called(cast, "Mira Vale, come") == 2
    assert first_called(cast, "Mira, come") == 1


def test_names_of_scripts_without_spaces_are_found_inside_a_line() -> None:
    assert first_called((Candidate(1, ("みら",)),), "ねえみらさん") == 1
    assert first_called((Candidate(1, ("Иван Петров",)),), "иван, привет") == 1
    assert first_called((Candidate(1, ("Иван",)),), "иванов") is None


def test_titles_call_nobody() -> None:
    assert call_names(["Dr. Ada Byron"]) == ("Dr. Ada Byron", "Ada")
    assert call_names(["The"]) == ("The",)


@pytest.mark.parametrize("order", ORDERS)
def test_who_is_called_answers_whatever_the_order(order: Order) -> None:
    assert choose(CAST, order, "Nora?", random=Random(0), replied_to=1, last=2) == Choice(2, called=True)
    assert choose(CAST, order, "Why?", random=Random(0), replied_to=3, last=3) == Choice(3, called=True)
    assert choose(CAST, order, "Why?", random=Random(0), replied_to=9, last=3) != Choice(9, called=True)


def test_in_turn_everybody_comes_round() -> None:
    cast, last, spoken = (MIRA, Candidate(9, (), barred=True), NORA, OTIS), None, []
    for _ in range(6):
        last = chosen(cast, "turns", last=last)
        spoken.append(last)
    assert spoken == [1, 2, 3, 1, 2, 3]
    assert chosen(cast, "turns", last=77) == 1


def test_only_who_is_called_speaks_where_that_is_wanted() -> None:
    assert chosen(CAST, "called", expected=False) is None
    assert chosen(CAST, "called", last=2) == 2
    assert chosen(CAST, "called", last=77) == 1


def test_talkativeness_chooses_and_nobody_speaks_twice_in_a_row_by_chance() -> None:
    cast = (Candidate(1, (), 0.9), Candidate(2, (), 0.3), Candidate(3, (), 0.0), Candidate(4, (), 1.0))
    counted = tally(cast, last=4)
    assert counted[1] > 2 * counted[2] > 0
    assert counted[3] == counted[4] == 0
    assert tally((MIRA, NORA), last=1) == {2: 2000}
    assert tally((MIRA,), last=1) == {1: 2000}
    silent = (Candidate(1, (), 0.0), Candidate(2, (), 0.0))
    assert tally(silent, last=1) == {2: 2000}
    assert tally((silent[0], Candidate(5, (), 0.1)), last=5) == {5: 2000}


@given(casts, orders, lasts, lasts, st.booleans(), st.randoms(use_true_random=False))
def test_somebody_who_may_answers_unless_nobody_has_to(
    cast: list[Candidate], order: Order, last: int | None, replied_to: int | None, expected: bool, random: Random
) -> None:
    choice = choose(cast, order, "Hello.", random=random, last=last, replied_to=replied_to, expected=expected)
    present = {candidate.id for candidate in cast if not candidate.barred}
    if choice is None:
        assert not present or (order == "called" and not expected)
    elif choice.called:
        assert choice.id == replied_to
    else:
        assert choice.id in present
        assert (
            order != "natural"
            or choice.id != last
            or not any(candidate.talkativeness > 0 for candidate in cast if candidate.id in present - {last})
        )


@given(casts, orders, st.integers(1, 20), st.randoms(use_true_random=False))
def test_nobody_answers_themselves(cast: list[Candidate], order: Order, last: int, random: Random) -> None:
    choice = choose_among(cast, order, "Hello.", random=random, last=last)
    present = {candidate.id for candidate in cast if not candidate.barred}
    if choice is not None:
        assert choice.id in present - {last}
        assert order != "called"
    elif order == "turns":
        assert not present - {last}


def test_among_themselves_they_answer_when_called_and_else_by_the_order() -> None:
    assert choose_among(CAST, "called", "Nora, and you?", random=Random(0), last=1) == Choice(2, called=True)
    assert choose_among(CAST, "called", "I, Mira, am here.", random=Random(0), last=1) is None
    assert choose_among(CAST, "turns", "Well.", random=Random(0), last=3) == Choice(1)
    shy = (MIRA, Candidate(5, (), 0.0))
    assert choose_among(shy, "natural", "Well.", random=Random(0), last=1) is None
    assert choose_among((MIRA, Candidate(5, (), 1.0)), "natural", "Well.", random=Random(0), last=1) == Choice(5)
    assert choose_among((MIRA,), "turns", "Well.", random=Random(0), last=1) is None


@pytest.mark.parametrize(
    ("said", "talkativeness"),
    [(0.8, 0.8), ("0.3", 0.3), (7, 1.0), (-1, 0.0), ("often", 0.5), (True, 0.5), (None, 0.5), (float("nan"), 0.5),
     ("1e999", 1.0), ([], 0.5), (10**400, 0.5)],
)  # fmt: skip
def test_talkativeness_is_read_from_the_card(said: Any, talkativeness: float) -> None:
    assert talkativeness_of({"talkativeness": said}) == talkativeness
    assert talkativeness_of({}) == TALKATIVENESS
