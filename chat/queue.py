"""The fair queue in front of the keys.

What waits here are conversations, not prompts: whatever is said in a conversation until its slot is granted joins the
one request. Turns come before swipes and continuations, those before background work; among equals the server that was
served least goes first, then the person who was served least, then whoever came first. A second of waiting weighs as
much as a second of service, so that nobody waits while others keep coming. An idle slot answers at once.
"""

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum

from chat.errors import QueueTooLongError
from chat.keys import Grant, KeyPool, Pools

LONGEST_WAIT_SECONDS = 120.0  # nobody waits longer for a chat message; better to say so at once
FIRST_GUESS_SECONDS = 12.0  # a usual reply of the service, until replies have been measured
LEAST_SERVICE_SECONDS = 1.0  # even a failed request took one of the key's
SERVICE_HALF_LIFE_SECONDS = 600.0  # who was served ten minutes ago counts half as much


class Priority(IntEnum):
    """What goes first when a slot becomes free."""

    TURN = 0
    SWIPE = 1
    BACKGROUND = 2


@dataclass(frozen=True, slots=True)
class Place:
    """Where a waiting conversation stands."""

    ahead: int
    expected_seconds: float
    busy_elsewhere: bool = False


@dataclass(eq=False, slots=True)
class Ticket:
    """One conversation's wish for a slot."""

    guild_id: int | None
    user_id: int
    model: str
    priority: Priority = Priority.TURN
    returned: bool = False  # it had a slot already and goes to the front
    number: int = 0
    since: float | None = None  # when it began to wait
    charged: float = 0.0  # seconds of service it was charged when its slot was granted
    granted: "asyncio.Future[Grant] | None" = field(default=None, repr=False)


class FairQueue:
    """Hands the keys' free slots to waiting conversations; whoever lends a key goes first on it."""

    def __init__(self, pools: Pools, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._pools = pools
        self._clock = clock
        self._waiting: list[Ticket] = []
        self._next_number = 0
        self._timer: asyncio.TimerHandle | None = None
        self._served = _Served(clock)
        self.seconds_per_reply = FIRST_GUESS_SECONDS
        pools.add_listener(self.pump)

    def __len__(self) -> int:
        return len(self._waiting)

    async def slot(self, ticket: Ticket, *, waiting: Callable[[], None] | None = None) -> Grant:
        """Wait for a slot; `waiting` is called when there is none at once.

        Raises `QueueTooLongError`, or what the pool says is in the way, rather than wait in vain.
        """
        self._refuse_hopeless(ticket)
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

    def done(self, ticket: Ticket, seconds: float | None) -> None:
        """A granted request has ended after `seconds`; None: it failed and says nothing of how long replies take."""
        if seconds is not None:
            self.seconds_per_reply += 0.2 * (seconds - self.seconds_per_reply)
        self._served.add(ticket, (seconds or LEAST_SERVICE_SECONDS) - ticket.charged)
        self.pump()

    def place(self, ticket: Ticket) -> Place:
        """Where this ticket stands now."""
        now = self._clock()
        own = self._rank(ticket, now)
        ahead = sum(1 for other in self._rivals(ticket) if self._rank(other, now) < own)
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
        if future.done() or not pool.has_lender(ticket.user_id):
            return False
        grant = pool.take(ticket.model, ticket.user_id)
        if grant is not None:
            self._grant(ticket, grant)
        return grant is not None

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
        ticket.charged = self.seconds_per_reply
        self._served.add(ticket, ticket.charged)
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
            self._served.add(ticket, -ticket.charged)
            future.result().give_back()
            self.pump()

    def _rank(self, ticket: Ticket, now: float) -> tuple[bool, int, float, float, int]:
        """What comes first; ranks compare only at the same moment, because service fades."""
        server, person = self._served.of(ticket, now)
        waited = now - (now if ticket.since is None else ticket.since)
        return (not ticket.returned, ticket.priority, server, person - waited, ticket.number)

    def _rivals(self, ticket: Ticket) -> list[Ticket]:
        """Who waits for the same keys. A lender's key serves them first: only what else they asked is in the way."""
        pool = self._pools.of(ticket.guild_id)
        if pool.has_lender(ticket.user_id):
            who = (ticket.guild_id, ticket.user_id)
            return [other for other in self._waiting if (other.guild_id, other.user_id) == who]
        return [other for other in self._waiting if pool.meets(self._pools.of(other.guild_id))]

    def _refuse_hopeless(self, ticket: Ticket) -> None:
        pool = self._pools.of(ticket.guild_id)
        if (obstacle := pool.obstacle(ticket.model)) is not None:
            raise obstacle
        ahead = sum(other.priority <= ticket.priority for other in self._rivals(ticket))
        expected = self._expected_seconds(ahead, ticket.model, pool)
        if expected > LONGEST_WAIT_SECONDS and not ticket.returned:
            raise QueueTooLongError(expected)

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


def _busy_elsewhere(pool: KeyPool) -> bool:
    limits = [key.client.limits for key in pool.usable]
    return bool(limits) and all(limit is not None and limit.busy_elsewhere for limit in limits)


class _Served:
    """How much each server and person was served lately, in seconds of replies, fading with time."""

    _FADE_BELOW = 0.01

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._amounts: dict[tuple[int | None, int | None], tuple[float, float]] = {}

    def of(self, ticket: Ticket, now: float) -> tuple[float, float]:
        """What the ticket's server and its person were served."""
        return self._get((ticket.guild_id, None), now), self._get((ticket.guild_id, ticket.user_id), now)

    def add(self, ticket: Ticket, seconds: float) -> None:
        """Count a reply, or take back some of what was counted for it."""
        now = self._clock()
        for who in ((ticket.guild_id, None), (ticket.guild_id, ticket.user_id)):
            self._amounts[who] = (max(0.0, self._get(who, now) + seconds), now)
        if len(self._amounts) > 10_000:
            self._amounts = {who: kept for who, kept in self._amounts.items() if self._get(who, now) > self._FADE_BELOW}

    def _get(self, who: tuple[int | None, int | None], now: float) -> float:
        amount, at = self._amounts.get(who, (0.0, 0.0))
        return amount * 0.5 ** ((now - at) / SERVICE_HALF_LIFE_SECONDS) if amount else 0.0
