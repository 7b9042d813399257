"""The limits of a key, by a clock of our own."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.infermatic import KeyState
from playground.infermatic._keys import LimitReachedError

gaps = st.lists(st.floats(0.0, 40.0), min_size=1, max_size=60)


def admitted(key: KeyState, waits: list[float]) -> list[float]:
    now, started, refused = 1_000_000.0, [], []
    for wait in waits:
        now += wait
        try:
            key.start_request(now).end()
        except LimitReachedError as error:
            refused.append(error)
        else:
            started.append(now)
    assert all(error.kind == "requests" and 0 < error.free_in_seconds <= 60 for error in refused)
    return started


@given(gaps, st.integers(1, 5))
def test_no_sliding_minute_has_more_requests_than_allowed(waits: list[float], limit: int) -> None:
    started = admitted(KeyState("sk-a", requests_per_minute=limit), waits)
    assert all(sum(at - 60 < other <= at for other in started) <= limit for at in started)


@given(gaps, st.integers(1, 5))
def test_no_minute_of_the_clock_has_more_requests_than_allowed(waits: list[float], limit: int) -> None:
    key = KeyState("sk-a", requests_per_minute=limit, minute="clock")
    started = admitted(key, waits)
    minutes = [at // 60 for at in started]
    assert all(minutes.count(minute) <= limit for minute in minutes)


@given(gaps, st.integers(1, 5), st.sampled_from(["sliding", "clock"]))
def test_a_request_is_admitted_when_the_refusal_said_so(
    waits: list[float], limit: int, minute: Literal["sliding", "clock"]
) -> None:
    key = KeyState("sk-a", requests_per_minute=limit, minute=minute)
    now = 1_000_000.0
    for wait in waits:
        now += wait
        try:
            key.start_request(now).end()
        except LimitReachedError as error:
            now += error.free_in_seconds + 1e-6
            key.start_request(now).end()


def test_a_slot_is_free_again_when_its_request_ends() -> None:
    key = KeyState("sk-a", parallel_requests=2)
    first, second = key.start_request(0.0), key.start_request(0.0)
    with pytest.raises(LimitReachedError, match="max_parallel_requests"):
        key.start_request(1.0)
    first.end()
    first.end()
    assert key.in_flight(1.0) == 1
    key.start_request(1.0)
    second.end()
    assert key.in_flight(1.0) == 1


def test_a_held_slot_counts_until_its_time_is_over() -> None:
    key = KeyState("sk-a", parallel_requests=1)
    key.start_request(0.0).end(hold_until=59.0)
    with pytest.raises(LimitReachedError):
        key.start_request(58.9)
    key.start_request(59.0)


def test_limits_can_be_changed_while_they_apply() -> None:
    key = KeyState("sk-a", requests_per_minute=1)
    key.start_request(0.0).end()
    with pytest.raises(LimitReachedError):
        key.start_request(1.0)
    key.requests_per_minute = None
    key.start_request(1.0)


def test_a_key_is_not_shown_in_a_log() -> None:
    assert "sk-secret" not in repr(KeyState("sk-secret"))
