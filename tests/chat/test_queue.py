import asyncio
import itertools
import math
from collections.abc import Callable
from typing import Any

import pytest

from chat._served import tokens_served
from chat.errors import NoKeyError, QueueTooLongError, ServiceDownError
from chat.keys import FAILURES_TO_OPEN, PROBE_AFTER_SECONDS, REFUSALS_TO_MARK, REFUSED_SECONDS, KeyPool
from chat.queue import FIRST_GUESS_SECONDS, FairQueue, Priority, Ticket
from infermatic_client import KeyLimits


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Client:
    """What the pool needs of a client: its limits."""

    def __init__(self, limits: KeyLimits | None) -> None:
        self.limits = limits


def pool_of(*limits: KeyLimits | None, clock: Callable[[], float], **options: Any) -> KeyPool:
    return KeyPool([Client(limit) for limit in limits], clock=clock, **options)  # type: ignore[misc]  # a stand-in


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def test_an_idle_slot_answers_at_once(clock: Clock) -> None:
    queue = FairQueue(pool_of(KeyLimits(12, 1, clock=clock), clock=clock), clock=clock)
    grant = await asyncio.wait_for(queue.slot(Ticket(1, 1, "m")), 15)
    assert grant.slot is not None


async def test_without_limits_everyone_is_answered_at_once(clock: Clock) -> None:
    queue = FairQueue(pool_of(None, clock=clock), clock=clock)
    grants = await asyncio.wait_for(asyncio.gather(*(queue.slot(Ticket(1, n, "m")) for n in range(50))), 15)
    assert all(grant.slot is None for grant in grants)


async def order_of(queue: FairQueue, tickets: list[Ticket]) -> list[Ticket]:
    """The order in which tickets get the one slot; each holds it for a moment."""
    order: list[Ticket] = []

    async def hold(ticket: Ticket) -> None:
        grant = await queue.slot(ticket)
        order.append(ticket)
        await asyncio.sleep(0)
        if grant.slot is not None:
            grant.slot.release()
        queue.done(ticket, 1.0)

    await asyncio.gather(*(asyncio.create_task(hold(ticket)) for ticket in tickets))
    return order


async def test_turns_come_before_swipes_and_those_before_background_work(clock: Clock) -> None:
    queue = FairQueue(pool_of(KeyLimits(None, 1, clock=clock), clock=clock), clock=clock)
    first = Ticket(1, 0, "m")
    tickets = [first, *(Ticket(1, n, "m", priority) for n, priority in enumerate(reversed(Priority), 1))]
    order = await order_of(queue, tickets)
    assert [ticket.priority for ticket in order[1:]] == sorted(Priority)


async def test_a_flooder_waits_behind_those_who_were_served_less(clock: Clock) -> None:
    queue = FairQueue(pool_of(KeyLimits(None, 1, clock=clock), clock=clock), clock=clock)
    flood = [Ticket(1, 666, "m") for _ in range(5)]
    order = await order_of(queue, [*flood, Ticket(1, 7, "m"), Ticket(1, 8, "m")])
    assert [ticket.user_id for ticket in order[:3]] == [666, 7, 8]


async def test_who_was_served_does_not_wait_while_others_keep_coming(clock: Clock) -> None:
    queue = FairQueue(pool_of(KeyLimits(None, 1, clock=clock), clock=clock), clock=clock)
    running, again = Ticket(1, 7, "m"), Ticket(1, 7, "m")
    grant = await queue.slot(running)
    served = asyncio.create_task(queue.slot(again))
    await asyncio.sleep(0)
    places = []
    for newcomer in range(3):
        clock.now += FIRST_GUESS_SECONDS * 0.6
        others = asyncio.create_task(queue.slot(Ticket(1, 100 + newcomer, "m")))
        await asyncio.sleep(0)
        places.append(queue.place(again).ahead)
        others.cancel()
        await asyncio.sleep(0)
    assert places == [1, 0, 0]
    served.cancel()
    grant.give_back()


async def test_a_busy_server_waits_behind_a_quiet_one(clock: Clock) -> None:
    queue = FairQueue(pool_of(KeyLimits(None, 1, clock=clock), clock=clock), clock=clock)
    busy = [Ticket(1, n, "m") for n in range(4)]
    order = await order_of(queue, [*busy, Ticket(2, 99, "m")])
    assert [ticket.guild_id for ticket in order].index(2) == 1


async def test_a_returned_ticket_goes_to_the_front(clock: Clock) -> None:
    queue = FairQueue(pool_of(KeyLimits(None, 1, clock=clock), clock=clock), clock=clock)
    returned = Ticket(1, 3, "m", Priority.BACKGROUND, returned=True)
    order = await order_of(queue, [Ticket(1, 1, "m"), Ticket(1, 2, "m"), returned])
    assert order[1] is returned


async def test_a_cancelled_wait_gives_its_slot_back(clock: Clock) -> None:
    limits = KeyLimits(None, 1, clock=clock)
    queue = FairQueue(pool_of(limits, clock=clock), clock=clock)
    grant = await queue.slot(Ticket(1, 1, "m"))
    waiting = asyncio.create_task(queue.slot(Ticket(1, 2, "m")))
    await asyncio.sleep(0)
    grant.give_back()
    waiting.cancel()  # in the same moment in which the slot is handed to it
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert limits.in_flight == 0
    assert len(queue) == 0


async def test_a_hopeless_wait_is_refused_at_once(clock: Clock) -> None:
    queue = FairQueue(pool_of(KeyLimits(None, 1, clock=clock), clock=clock), clock=clock)
    await queue.slot(Ticket(1, 1, "m"))
    longest = math.ceil(120 / FIRST_GUESS_SECONDS) + 1
    waiting = [asyncio.create_task(queue.slot(Ticket(1, n, "m"))) for n in range(longest)]
    await asyncio.sleep(0)
    with pytest.raises(QueueTooLongError) as caught:
        await queue.slot(Ticket(1, 99, "m"))
    assert caught.value.expected_seconds > 120
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    queue.close()


async def test_the_place_in_line_counts_those_before(clock: Clock) -> None:
    queue = FairQueue(pool_of(KeyLimits(None, 1, clock=clock), clock=clock), clock=clock)
    await queue.slot(Ticket(1, 1, "m"))
    tickets = [Ticket(1, n, "m") for n in (2, 3)]
    tasks = [asyncio.create_task(queue.slot(ticket)) for ticket in tickets]
    await asyncio.sleep(0)
    places = [queue.place(ticket) for ticket in tickets]
    assert [place.ahead for place in places] == [0, 1]
    assert places[1].expected_seconds - places[0].expected_seconds == pytest.approx(FIRST_GUESS_SECONDS)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_no_key_is_said_at_once(clock: Clock) -> None:
    with pytest.raises(NoKeyError):
        await FairQueue(pool_of(clock=clock), clock=clock).slot(Ticket(1, 1, "m"))


async def test_a_key_is_given_up_after_refusals_in_a_row_and_tried_again_later(clock: Clock) -> None:
    told: list[int] = []
    pool = pool_of(None, clock=clock, on_refused=told.append)
    for _ in range(REFUSALS_TO_MARK):
        assert pool.take("m") is not None
        pool.was_refused(pool.keys[0])
    assert pool.take("m") is None
    assert told == [0]
    with pytest.raises(NoKeyError) as caught:
        await FairQueue(pool, clock=clock).slot(Ticket(1, 1, "m"))
    assert caught.value.refused
    clock.now += REFUSED_SECONDS + 1
    assert pool.take("m") is not None


async def test_an_answer_between_refusals_keeps_the_key(clock: Clock) -> None:
    pool = pool_of(None, clock=clock)
    for _ in range(REFUSALS_TO_MARK * 2):
        pool.was_refused(pool.keys[0])
        pool.succeeded(pool.keys[0], "m")
    assert pool.take("m") is not None


async def test_five_failures_in_a_row_pause_the_model_on_that_key_only(clock: Clock) -> None:
    pool = pool_of(None, clock=clock)
    queue = FairQueue(pool, clock=clock)
    for _ in range(FAILURES_TO_OPEN):
        pool.failed(pool.keys[0], "m")
    with pytest.raises(ServiceDownError) as caught:
        await queue.slot(Ticket(1, 1, "m"))
    assert caught.value.retry_after == pytest.approx(PROBE_AFTER_SECONDS)
    assert (await queue.slot(Ticket(1, 1, "other"))).key is pool.keys[0]
    clock.now += PROBE_AFTER_SECONDS
    assert (await queue.slot(Ticket(1, 1, "m"))).key is pool.keys[0]


async def test_a_second_key_answers_when_the_first_is_busy(clock: Clock) -> None:
    pool = pool_of(KeyLimits(None, 1, clock=clock), KeyLimits(None, 1, clock=clock), clock=clock)
    queue = FairQueue(pool, clock=clock)
    grants = [await queue.slot(Ticket(1, n, "m")) for n in range(2)]
    assert grants[0].key is not grants[1].key


async def test_equals_are_served_in_the_order_in_which_they_came_while_time_goes_on() -> None:
    ticks = itertools.count(1000.0, 0.001)  # a clock that never stands still, as the real one

    def clock() -> float:
        return next(ticks)

    limits = KeyLimits(None, 1)
    queue = FairQueue(pool_of(limits, clock=clock), clock=clock)
    tickets = [Ticket(1, 5, "m"), *(Ticket(1, user, "m") for user in (1, 2, 3, 4))]
    order = await order_of(queue, tickets)
    assert [ticket.user_id for ticket in order] == [5, 1, 2, 3, 4]


async def test_a_key_that_was_refused_just_now_is_asked_last(clock: Clock) -> None:
    pool = pool_of(None, None, clock=clock)
    pool.was_refused(pool.keys[0])
    grant = pool.take("m")
    assert grant is not None
    assert grant.key is pool.keys[1]


async def test_a_paused_model_on_a_free_key_does_not_keep_the_queue_awake(clock: Clock) -> None:
    pool = pool_of(None, KeyLimits(None, 1, clock=clock), clock=clock)
    queue = FairQueue(pool, clock=clock)
    for _ in range(FAILURES_TO_OPEN):
        pool.failed(pool.keys[0], "m")
    busy = await queue.slot(Ticket(1, 1, "m"))
    waiting = asyncio.create_task(queue.slot(Ticket(1, 2, "m")))
    await asyncio.sleep(0)
    assert pool.seconds_until_free("m") == pytest.approx(PROBE_AFTER_SECONDS)
    assert pool.seconds_until_free("other") == 0
    busy.give_back()
    assert (await waiting).key is pool.keys[1]
    queue.close()


async def waiting_for(queue: FairQueue, tickets: list[Ticket]) -> list[asyncio.Task[Any]]:
    tasks = [asyncio.create_task(queue.slot(ticket)) for ticket in tickets]
    await asyncio.sleep(0)
    return tasks


async def leave(queue: FairQueue, tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    queue.close()


async def test_who_is_past_a_limit_is_last_but_gets_an_idle_slot_at_once(clock: Clock) -> None:
    queue = FairQueue(pool_of(KeyLimits(None, 1, clock=clock), clock=clock), clock=clock)
    running = Ticket(1, 1, "m", Priority.LAST)
    grant = await asyncio.wait_for(queue.slot(running), 15)
    past, patient = Ticket(1, 1, "m", Priority.LAST), Ticket(1, 3, "m", Priority.BACKGROUND)
    tasks = await waiting_for(queue, [past, patient])
    clock.now += 100  # waiting does not lift anyone over those who keep to their limits
    tasks += await waiting_for(queue, [Ticket(1, 2, "m"), Ticket(2, 9, "m", Priority.SWIPE)])
    assert [queue.place(past).ahead, queue.place(patient).ahead] == [2, 3]
    grant.give_back()
    await leave(queue, tasks)


async def test_a_weight_is_how_many_times_the_usual_share_somebody_has(clock: Clock) -> None:
    queue = FairQueue(pool_of(KeyLimits(None, 1, clock=clock), clock=clock), clock=clock)
    heavy = [Ticket(1, 1, "m", weight=3) for _ in range(30)]
    usual = [Ticket(1, 2, "m") for _ in range(30)]
    queue.done(Ticket(1, 1, "m"), 12.0, 200)
    queue.done(Ticket(1, 2, "m"), 12.0, 200)
    order: list[int] = []

    async def hold(ticket: Ticket) -> None:
        ticket.returned = False
        grant = await queue.slot(ticket)
        order.append(ticket.user_id)
        await asyncio.sleep(0)
        grant.give_back()
        queue.done(ticket, 12.0, 200)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("chat.queue.LONGEST_WAIT_SECONDS", math.inf)
        await asyncio.gather(*(hold(ticket) for pair in zip(usual, heavy, strict=True) for ticket in pair))
    assert order[:40].count(1) == pytest.approx(30, abs=1)


async def test_the_fewest_tokens_go_first_not_the_fewest_seconds(clock: Clock) -> None:
    queue = FairQueue(pool_of(KeyLimits(None, 1, clock=clock), clock=clock), clock=clock)
    queue.done(Ticket(1, 1, "m"), 30.0, 50)  # from a slow model
    queue.done(Ticket(1, 2, "m"), 5.0, 400)
    grant = await queue.slot(Ticket(1, 3, "m"))
    tickets = [Ticket(1, 2, "m"), Ticket(1, 1, "m")]
    tasks = await waiting_for(queue, tickets)
    assert [queue.place(ticket).ahead for ticket in tickets] == [1, 0]
    grant.give_back()
    await leave(queue, tasks)


async def test_a_flood_is_refused_and_not_those_who_come_after_it(clock: Clock) -> None:
    queue = FairQueue(pool_of(KeyLimits(None, 1, clock=clock), clock=clock), clock=clock)
    grant = await queue.slot(Ticket(1, 666, "m"))
    queue.done(Ticket(1, 7, "m"), 12.0, 260)  # served a little more than the flooder, so far
    flood = [Ticket(1, 666, "m") for _ in range(20)]
    tasks = await waiting_for(queue, flood)
    refused = [task for task in tasks if task.done()]
    assert refused
    assert all(isinstance(task.exception(), QueueTooLongError) for task in refused)
    assert len(queue) == 10
    late = Ticket(1, 7, "m")
    queue.check_wait(late)
    tasks += await waiting_for(queue, [late])
    assert queue.place(late).ahead == 1, "each reply of the flood counts against it"
    with pytest.raises(QueueTooLongError):
        queue.check_wait(Ticket(1, 666, "m"))
    grant.give_back()
    await leave(queue, tasks)


async def test_a_request_that_reads_much_and_writes_little_is_not_free() -> None:
    assert tokens_served(8000, 1) > tokens_served(500, 50)
    assert tokens_served(0, 100) == 100


async def test_the_best_of_those_who_ask_together_counts_and_each_is_charged_a_part(clock: Clock) -> None:
    queue = FairQueue(pool_of(KeyLimits(None, 1, clock=clock), clock=clock), clock=clock)
    for person, tokens in ((1, 900.0), (2, 300.0), (3, 100.0)):
        queue.done(Ticket(1, person, "m"), None, tokens)
    running = Ticket(1, 9, "m")
    grant = await queue.slot(running)
    together, alone = Ticket(1, 1, "m"), Ticket(1, 2, "m")
    waiting = [asyncio.create_task(queue.slot(ticket)) for ticket in (together, alone)]
    await asyncio.sleep(0)
    assert [queue.place(ticket).ahead for ticket in (together, alone)] == [1, 0]
    together.people[3] = 1.0
    assert [queue.place(ticket).ahead for ticket in (together, alone)] == [0, 1]
    grant.give_back()
    await asyncio.wait_for(waiting[0], 15)
    assert not waiting[1].done()
    del together.people[1]  # it is not theirs any more
    queue.done(together, None, 500.0)
    served = [queue._served.of(1, person, clock.now) for person in (1, 2, 3, None)]
    assert served == pytest.approx([900, 300, 600, 2000])
    waiting[1].cancel()
