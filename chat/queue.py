"""The fair queue in front of the keys.

What waits here are conversations, not prompts: whatever is said in a conversation until its slot is granted joins the
one request. Turns come before swipes and continuations, those before people who are past a limit, and those before
background work. Among equals the server that was served the fewest tokens goes first, then the person who was, for the
weight that a role of theirs has, then whoever came first. A second of waiting weighs as much as a second of service,
so that nobody waits while others keep coming; it counts from when the person had a slot last, so that many questions of
one person weigh no more than one. Where several ask together, the best that any of them has counts, and each is charged
an equal part. An idle slot answers at once, whoever asks.
"""

import asyncio
import math
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from chat._served import Served
from chat.errors import QueueTooLongError
from chat.keys import Grant, KeyPool, Pools

LONGEST_WAIT_SECONDS = 120.0  # nobody waits longer for a chat message; better to say so at once
FIRST_GUESS_SECONDS = 12.0  # a usual reply of the service, until replies have been measured
FIRST_GUESS_TOKENS = 200.0
LEAST_SERVICE_SECONDS = 5.0  # even a failed request took one of the twelve that a key may make in a minute
LEARNING_RATE = 0.2  # how much one reply changes what is believed of the next
MOST_PLAYED_THROUGH = 64  # of those who wait; of more the place in line is guessed from how they stand now


Rank = tuple[bool, int, float, float, float]
Who = tuple[int | None, int | None]

_NOTHING: Mapping[Who, float] = {}


class Priority(IntEnum):
    """What goes first when a slot becomes free."""

    TURN = 0
    SWIPE = 1
    LAST = 2  # whoever is past a soft limit, so that it keeps nobody waiting and no key idle
    BACKGROUND = 3


@dataclass(frozen=True, slots=True)
class Place:
    """Where a waiting conversation stands."""

    ahead: int
    expected_seconds: float
    busy_elsewhere: bool = False


@dataclass(eq=False, slots=True)
class Ticket:
    """One conversation's wish for a slot. `user_id` asked first, with so much `weight`; others may have joined."""

    guild_id: int | None
    user_id: int
    model: str
    priority: Priority = Priority.TURN
    weight: float = 1.0
    returned: bool = False  # it had a slot already and goes to the front
    number: int = 0
    since: float | None = None  # when it began to wait
    charged: dict[int, float] = field(default_factory=dict)  # tokens of each person when its slot was granted
    granted: "asyncio.Future[Grant] | None" = field(default=None, repr=False)
    people: dict[int, float] = field(init=False)  # who asks, and how many times the usual share is theirs

    def __post_init__(self) -> None:
        self.people = {self.user_id: self.weight}


class FairQueue:
    """Hands the keys' free slots to waiting conversations; whoever lends a key goes first on it."""

    def __init__(self, pools: Pools, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._pools = pools
        self._clock = clock
        self._waiting: list[Ticket] = []
        self._next_number = 0
        self._timer: asyncio.TimerHandle | None = None
        self._served = Served(clock)
        self.seconds_per_reply = FIRST_GUESS_SECONDS
        self.tokens_per_reply = FIRST_GUESS_TOKENS
        pools.add_listener(self.pump)

    def __len__(self) -> int:
        return len(self._waiting)

    async def slot(self, ticket: Ticket, *, waiting: Callable[[], None] | None = None) -> Grant:
        """Wait for a slot; `waiting` is called when there is none at once.

        Raises `QueueTooLongError`, or what the pool says is in the way, rather than wait in vain.
        """
        if (obstacle := self._pools.of(ticket.guild_id).obstacle(ticket.model)) is not None:
            raise obstacle
        if not ticket.returned:
            self.check_wait(ticket)
        future: asyncio.Future[Grant] = asyncio.get_running_loop().create_future()
        ticket.granted = future
        self._next_number += 1
        ticket.number = self._next_number
        if ticket.since is None:
            ticket.since = self._clock()
        self._waiting.append(ticket)
        self.pump()
        if waiting is not None and not future.done():
            waiting()
        try:
            return await future
        except asyncio.CancelledError:
            self._withdraw(ticket)
            raise

    def check_wait(self, ticket: Ticket) -> None:
        """Raise `QueueTooLongError` if it would wait longer than anyone does."""
        expected = self.place(ticket).expected_seconds
        if expected > LONGEST_WAIT_SECONDS:
            raise QueueTooLongError(expected)

    def done(self, ticket: Ticket, seconds: float | None, tokens: float | None = None) -> None:
        """A granted request has ended after `seconds`; None: it failed and says nothing of how long replies take.

        `tokens` is what it was served, if that is known.
        """
        if tokens is None:
            tokens = (seconds or LEAST_SERVICE_SECONDS) * self._tokens_per_second
        elif seconds is not None:
            self.tokens_per_reply += LEARNING_RATE * (tokens - self.tokens_per_reply)
        self._charge(ticket, max(tokens, LEAST_SERVICE_SECONDS * self._tokens_per_second))
        if seconds is not None:
            self.seconds_per_reply += LEARNING_RATE * (seconds - self.seconds_per_reply)
        self.pump()

    def place(self, ticket: Ticket) -> Place:
        """Where this ticket stands now, or would stand."""
        ahead = self._ahead(ticket)
        pool = self._pools.of(ticket.guild_id)
        return Place(ahead, self._expected_seconds(ahead, ticket.model, pool), _busy_elsewhere(pool))

    def pump(self) -> None:
        """Hand out what is free; called whenever something may have become free."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = self._clock()
        ranked = sorted(self._waiting, key=lambda ticket: self._rank(ticket, now))
        served = {ticket for ticket in ranked if self._offer_lent(ticket)}
        for ticket in ranked:
            if ticket not in served:
                self._offer(ticket)
        if self._waiting:
            self._come_back()

    def close(self) -> None:
        """Stop the timer; tickets still waiting are the business of those who wait on them."""
        if self._timer is not None:
            self._timer.cancel()

    def _offer_lent(self, ticket: Ticket) -> bool:
        """Give a lender the slot of the key that they lend, whoever else waits for it."""
        pool, future = self._pools.of(ticket.guild_id), ticket.granted
        assert future is not None
        if future.done():
            return False
        for user_id in filter(pool.has_lender, ticket.people):
            if (grant := pool.take(ticket.model, user_id)) is not None:
                self._grant(ticket, grant)
                return True
        return False

    def _offer(self, ticket: Ticket) -> None:
        pool, future = self._pools.of(ticket.guild_id), ticket.granted
        assert future is not None
        if future.done():
            self._waiting.remove(ticket)
        elif (obstacle := pool.obstacle(ticket.model)) is not None:
            self._waiting.remove(ticket)
            future.set_exception(obstacle)
        elif (grant := pool.take(ticket.model)) is not None:
            self._grant(ticket, grant)

    def _grant(self, ticket: Ticket, grant: Grant) -> None:
        assert ticket.granted is not None
        self._waiting.remove(ticket)
        # Charged at once, so that a reply under way counts when the next slot is handed out.
        ticket.charged = _in_parts(ticket, self.tokens_per_reply)
        self._served.granted(ticket.guild_id, ticket.charged)
        ticket.granted.set_result(grant)

    def _come_back(self) -> None:
        wait = min(self._pools.of(ticket.guild_id).seconds_until_free(ticket.model) for ticket in self._waiting)
        if not math.isinf(wait):
            # A little later than the limit says, so that the timer never fires just before the slot is free.
            self._timer = asyncio.get_running_loop().call_later(max(wait, 0.0) + 0.005, self.pump)

    def _withdraw(self, ticket: Ticket) -> None:
        if ticket in self._waiting:
            self._waiting.remove(ticket)
            return
        future = ticket.granted
        if future is not None and future.done() and not future.cancelled() and future.exception() is None:
            self._charge(ticket, 0.0)
            future.result().give_back()
            self.pump()

    @property
    def _tokens_per_second(self) -> float:
        return self.tokens_per_reply / max(self.seconds_per_reply, 0.1)

    def _charge(self, ticket: Ticket, tokens: float) -> None:
        """Count what the request took instead of what it was charged at first; somebody may have come or gone since."""
        parts, before = _in_parts(ticket, tokens), ticket.charged
        people = parts.keys() | before.keys()
        self._served.add(ticket.guild_id, {who: parts.get(who, 0.0) - before.get(who, 0.0) for who in people})
        ticket.charged = {}

    def _rank(self, ticket: Ticket, now: float, more: Mapping[Who, float] = _NOTHING) -> Rank:
        """What comes first; ranks compare only at the same moment, because service fades.

        `more` are tokens that servers and people are believed to have been served by then.
        """
        server = self._served.of(ticket.guild_id, None, now) + more.get((ticket.guild_id, None), 0.0)
        own = min(self._own(ticket, user_id, now, more) for user_id in ticket.people)
        return (not ticket.returned, ticket.priority, server, own, ticket.number or math.inf)

    def _own(self, ticket: Ticket, user_id: int, now: float, more: Mapping[Who, float]) -> float:
        """What one of those who ask was served for their weight, less what they have waited."""
        served = self._served.of(ticket.guild_id, user_id, now)
        if served_by_then := more.get((ticket.guild_id, user_id)):
            return (served + served_by_then) / ticket.people[user_id]
        since = now if ticket.since is None else ticket.since
        waited = now - max(since, self._served.granted_at(ticket.guild_id, user_id))
        return served / ticket.people[user_id] - waited * self._tokens_per_second

    def _ahead(self, ticket: Ticket) -> int:
        """How many get a slot before this one if nobody else comes: each is charged for it, as it will be."""
        now = self._clock()
        waiting = [other for other in self._rivals(ticket) if other is not ticket]
        if len(waiting) > MOST_PLAYED_THROUGH:
            own = self._rank(ticket, now)
            return sum(self._rank(other, now) < own for other in waiting)
        more: defaultdict[Who, float] = defaultdict(float)

        def rank(one: Ticket) -> Rank:
            return self._rank(one, now, more)

        ahead = 0
        while waiting and (first := min(waiting, key=rank)) and rank(first) < rank(ticket):
            waiting.remove(first)
            more[first.guild_id, None] += self.tokens_per_reply
            for user_id, part in _in_parts(first, self.tokens_per_reply).items():
                more[first.guild_id, user_id] += part
            ahead += 1
        return ahead

    def _rivals(self, ticket: Ticket) -> list[Ticket]:
        """Who waits for the same keys. A lender's key serves them first: only what else they asked is in the way."""
        pool = self._pools.of(ticket.guild_id)
        if lenders := set(filter(pool.has_lender, ticket.people)):
            return [
                other for other in self._waiting if other.guild_id == ticket.guild_id and lenders & other.people.keys()
            ]
        return [other for other in self._waiting if pool.meets(self._pools.of(other.guild_id))]

    def _expected_seconds(self, ahead: int, model: str, pool: KeyPool) -> float:
        """How long until a slot for someone with that many ahead: what the parallel slots and the minute allow."""
        rates = [self._replies_per_second(key.client.limits) for key in pool.usable]
        rate = sum(rates)
        free_in = pool.seconds_until_free(model)
        if not ahead and not math.isinf(free_in):
            return free_in
        if math.isinf(rate) or rate == 0:
            return 0.0
        first = (
            self.seconds_per_reply / 2 if math.isinf(free_in) else free_in
        )  # half of a running reply is left, on average
        return first + ahead / rate

    def _replies_per_second(self, limits: object) -> float:
        parallel = getattr(limits, "parallel_requests", None)
        per_minute = getattr(limits, "requests_per_minute", None)
        by_slots = parallel / max(self.seconds_per_reply, 0.1) if parallel else math.inf
        by_minute = per_minute / 60 if per_minute else math.inf
        return min(by_slots, by_minute)


def _in_parts(ticket: Ticket, tokens: float) -> dict[int, float]:
    """What each of those who ask is charged of a request."""
    return dict.fromkeys(ticket.people, tokens / len(ticket.people))


def _busy_elsewhere(pool: KeyPool) -> bool:
    limits = [key.client.limits for key in pool.usable]
    return bool(limits) and all(limit is not None and limit.busy_elsewhere for limit in limits)
