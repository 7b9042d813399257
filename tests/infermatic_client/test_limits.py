import asyncio
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infermatic_client import KeyLimits, RateLimitError, Slot


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def taken(limits: KeyLimits) -> Slot:
    slot = limits.try_acquire()
    assert slot is not None
    return slot


def refusal(limit_type: str | None, retry_after: float | None = None) -> RateLimitError:
    error = RateLimitError(status_code=429, retry_after=retry_after)
    error.limit_type = limit_type
    return error


def test_one_request_at_a_time(clock: Clock) -> None:
    limits = KeyLimits(clock=clock)
    slot = taken(limits)
    assert (limits.in_flight, limits.try_acquire(), limits.seconds_until_free()) == (1, None, math.inf)
    slot.release()
    slot.release()
    assert (limits.in_flight, limits.seconds_until_free()) == (0, 0.0)
    taken(limits)


def test_twelve_requests_in_any_minute(clock: Clock) -> None:
    limits = KeyLimits(clock=clock)
    for _ in range(12):
        taken(limits).release()
        clock.now += 1
    assert limits.try_acquire() is None
    assert limits.seconds_until_free() == 48.0
    clock.now += 48
    assert limits.seconds_until_free() == 0.0
    taken(limits).release()
    assert limits.seconds_until_free() == 1.0


def test_no_limits_at_all(clock: Clock) -> None:
    limits = KeyLimits(None, None, clock=clock)
    slots = [taken(limits) for _ in range(100)]
    assert limits.in_flight == 100
    for slot in slots:
        slot.release(hold_seconds=60)
    assert limits.in_flight == 0


@pytest.mark.parametrize("arguments", [(0, 1), (12, 0), (-1, None)])
def test_limits_below_one_are_refused(arguments: tuple[int, int | None]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        KeyLimits(*arguments)


def test_a_held_slot_counts_as_taken_that_much_longer(clock: Clock) -> None:
    limits = KeyLimits(parallel_requests=2, clock=clock)
    first, second = taken(limits), taken(limits)
    first.release(hold_seconds=60)
    assert (limits.in_flight, limits.seconds_until_free()) == (2, 60.0)
    clock.now += 20
    second.release(hold_seconds=60)
    assert limits.seconds_until_free() == 40.0
    clock.now += 40
    assert (limits.in_flight, limits.seconds_until_free()) == (1, 0.0)
    taken(limits)
    assert limits.seconds_until_free() == 20.0


def test_a_slot_given_back_was_never_counted(clock: Clock) -> None:
    limits = KeyLimits(1, 1, clock=clock)
    slot = taken(limits)
    slot.give_back()
    slot.give_back()
    taken(limits)


@pytest.mark.parametrize(("asked", "paused"), [(58.2, 58.2), (3.0, 3.0), (None, 60.0), (300.0, 60.0)])
def test_the_minute_limits_429_pauses_the_whole_key_up_to_a_minute(
    clock: Clock, asked: float | None, paused: float
) -> None:
    limits = KeyLimits(12, 2, clock=clock)
    slot = taken(limits)
    assert limits.note_refusal(refusal("requests", asked), slot) == (60.0 if asked is None else asked)
    slot.release()
    assert limits.paused_seconds == pytest.approx(paused)
    assert limits.seconds_until_free() == pytest.approx(paused)
    assert not limits.busy_elsewhere
    clock.now += paused
    assert limits.paused_seconds == 0.0
    taken(limits)


def test_the_parallel_limits_429_backs_off_5_10_20_20_seconds(clock: Clock) -> None:
    limits = KeyLimits(None, 1, clock=clock)
    for seconds in (5.0, 10.0, 20.0, 20.0):
        slot = taken(limits)
        limits.note_refusal(refusal("max_parallel_requests", 60.0), slot)
        slot.release()
        assert limits.busy_elsewhere
        assert (limits.paused_seconds, limits.seconds_until_free()) == (0.0, seconds)
        clock.now += seconds
    slot = taken(limits)
    limits.note_answer({})
    assert not limits.busy_elsewhere
    slot.release()
    slot = taken(limits)
    limits.note_refusal(refusal("max_parallel_requests"), slot)
    slot.release()
    assert limits.seconds_until_free() == 5.0


def test_the_back_off_ends_when_another_request_of_ours_does(clock: Clock) -> None:
    limits = KeyLimits(None, 2, clock=clock)
    running, refused = taken(limits), taken(limits)
    limits.note_refusal(refusal("max_parallel_requests"), refused)
    refused.release()
    assert not limits.busy_elsewhere  # it is our own other request that keeps the key busy
    assert limits.seconds_until_free() == 5.0
    running.release()
    assert limits.seconds_until_free() == 0.0


def test_a_429_of_the_models_server_says_nothing_about_the_key(clock: Clock) -> None:
    limits = KeyLimits(clock=clock)
    slot = taken(limits)
    assert limits.note_refusal(refusal(None, 30.0), slot) == 0.0
    slot.release()
    assert limits.seconds_until_free() == 0.0


def old(remaining: int, limit: int = 12) -> dict[str, str]:
    return {
        "x-litellm-key-rpm-limit": str(limit),
        "x-ratelimit-remaining-requests": str(remaining),
        "x-ratelimit-limit-requests": str(limit),
    }


def new(remaining: int, limit: int = 12) -> dict[str, str]:
    return {
        "x-litellm-key-rpm-limit": str(limit),
        "x-ratelimit-api_key-remaining-requests": str(remaining),
        "x-ratelimit-api_key-limit-requests": str(limit),
    }


@pytest.mark.parametrize("headers", [old(0), new(0), old(-1), old(0, limit=5), new(0, limit=18)])
def test_requests_made_elsewhere_are_learned_from_the_headers(clock: Clock, headers: dict[str, str]) -> None:
    limits = KeyLimits(clock=clock)
    slot = taken(limits)
    limits.note_answer(headers)
    slot.release()
    assert limits.try_acquire() is None
    assert limits.seconds_until_free() == 60.0


@pytest.mark.parametrize("headers", [old(11), new(11), new(17, limit=18)])
def test_a_minute_that_turned_over_at_the_server_is_learned_too(clock: Clock, headers: dict[str, str]) -> None:
    limits = KeyLimits(clock=clock)
    for _ in range(12):
        slot = taken(limits)
        slot.release()
        clock.now += 0.1
    limits.note_answer(headers)
    for _ in range(11):
        taken(limits).release()
    assert limits.try_acquire() is None


def test_another_request_under_way_may_not_be_in_the_servers_count(clock: Clock) -> None:
    limits = KeyLimits(12, 3, clock=clock)
    for _ in range(3):
        taken(limits)
    limits.note_answer(new(11))
    left = 0
    while limits.count():
        left += 1
    assert left == 9


@pytest.mark.parametrize(
    "headers",
    [
        {"x-ratelimit-remaining-requests": "0", "x-ratelimit-limit-requests": "1"},  # a model's limit, not the key's
        {"x-ratelimit-api_key-remaining-requests": "many"},
        {"x-ratelimit-remaining-tokens": "-16", "x-litellm-key-tpm-limit": "50"},
        {},
    ],
)
def test_headers_about_other_things_change_nothing(clock: Clock, headers: dict[str, str]) -> None:
    limits = KeyLimits(clock=clock)
    slot = taken(limits)
    limits.note_answer(headers)
    slot.release()
    for _ in range(11):
        taken(limits).release()
    assert limits.try_acquire() is None


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(["take", "release", "hold", "back", "tick", "minute", "answer", "refuse"]), max_size=60)
)
def test_never_more_than_the_plan_allows(steps: list[str]) -> None:
    clock = Clock()
    limits = KeyLimits(3, 2, clock=clock)
    held: list[Slot] = []
    sent: list[float] = []
    for step in steps:
        match step:
            case "take":
                free = limits.seconds_until_free() == 0.0
                slot = limits.try_acquire()
                assert (slot is not None) == free
                if slot is not None:
                    held.append(slot)
                    sent.append(clock.now)
            case "release" | "hold" if held:
                held.pop().release(hold_seconds=60 if step == "hold" else 0)
            case "back" if held:
                held.pop().give_back()
                sent.pop()
            case "refuse" if held:
                limits.note_refusal(refusal("max_parallel_requests"), held[-1])
            case "answer":
                limits.note_answer({})
            case "tick" | "minute":
                clock.now += 7 if step == "tick" else 60
        assert len(held) <= limits.in_flight <= 2
        assert len([at for at in sent if at > clock.now - 60]) <= 3


async def test_waiting_is_first_come_first_served() -> None:
    limits = KeyLimits(None, 1)
    first = taken(limits)
    order: list[int] = []

    async def wait(number: int) -> None:
        slot = await limits.acquire()
        order.append(number)
        await asyncio.sleep(0)
        slot.release()

    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(wait(number))
        await asyncio.sleep(0)
        first.release()
        assert limits.try_acquire() is None  # nobody overtakes those who wait
    assert order == list(range(20))
    assert limits.in_flight == 0


async def test_nobody_overtakes_a_waiter_whose_time_has_come(clock: Clock) -> None:
    limits = KeyLimits(None, 1, clock=clock)
    taken(limits).release(hold_seconds=60)
    waiter = asyncio.create_task(limits.acquire())
    await asyncio.sleep(0)
    clock.now += 60  # the timer has not fired yet
    assert limits.try_acquire() is None
    (await waiter).release()
    taken(limits)


async def test_a_cancelled_waiter_leaves_no_trace() -> None:
    limits = KeyLimits(None, 1)
    first = taken(limits)
    leaving, staying = asyncio.create_task(limits.acquire()), asyncio.create_task(limits.acquire())
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    first.release()
    (await staying).release()
    assert limits.in_flight == 0


async def test_a_waiter_cancelled_in_the_moment_it_is_served_gives_the_slot_back() -> None:
    limits = KeyLimits(1, 1)
    first = taken(limits)
    first.give_back()
    blocker = taken(limits)
    waiter = asyncio.create_task(limits.acquire())
    await asyncio.sleep(0)
    blocker.give_back()  # grants the slot to the waiter, which has not run yet
    assert limits.in_flight == 1
    waiter.cancel()
    await asyncio.gather(waiter, return_exceptions=True)
    assert limits.in_flight == 0
    taken(limits)  # and the minute's only request was not used up


async def test_time_alone_serves_whoever_waits() -> None:
    limits = KeyLimits(None, 1)
    taken(limits).release(hold_seconds=0.3)
    waits: list[float] = []
    slot = await limits.acquire(on_wait=waits.append)
    assert limits.in_flight == 1
    assert len(waits) == 1
    assert 0 < waits[0] <= 0.3
    slot.release()


async def test_a_wait_known_to_be_too_long_is_refused_at_once(clock: Clock) -> None:
    limits = KeyLimits(1, 1, clock=clock)
    taken(limits).release()
    with pytest.raises(RateLimitError) as raised:
        await limits.acquire(max_wait_seconds=59, on_wait=lambda _: pytest.fail("nobody waits"))
    error = raised.value
    assert (error.type, error.limit_type, error.limit, error.retry_after) == ("local", "requests", 1, 60.0)


async def test_a_wait_of_unknown_length_ends_after_max_wait_seconds() -> None:
    limits = KeyLimits(None, 1)
    slot = taken(limits)
    waits: list[float] = []
    for seconds in (0.01, 0):
        with pytest.raises(RateLimitError) as raised:
            await limits.acquire(max_wait_seconds=seconds, on_wait=waits.append)
        assert (raised.value.limit_type, raised.value.retry_after) == ("max_parallel_requests", None)
    assert waits == [math.inf]
    slot.release()
    assert limits.seconds_until_free() == 0.0


async def test_listeners_hear_of_every_way_a_slot_becomes_free(clock: Clock) -> None:
    limits = KeyLimits(None, 2)
    heard = asyncio.Event()
    remove = limits.add_listener(heard.set)

    first, second = taken(limits), taken(limits)
    assert not heard.is_set()
    first.release()
    assert heard.is_set()

    heard.clear()
    third = taken(limits)
    second.release(hold_seconds=0.02)
    assert not heard.is_set()
    await asyncio.wait_for(heard.wait(), 15)  # the hold is over

    heard.clear()
    limits.note_refusal(refusal("requests", 0.02))
    third.release()
    assert not heard.is_set()
    await asyncio.wait_for(heard.wait(), 15)  # the pause is over

    remove()
    remove()
    heard.clear()
    taken(limits).release()
    assert not heard.is_set()
