"""Pools of servers: whose keys stand in them, and that lenders go first on their own in the line before them."""

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from chat.errors import ModelOutsidePlanError, NoKeyError
from chat.keyring import ServerPool
from chat.keys import REFUSALS_TO_MARK, REFUSED_SECONDS, Key, KeyPool
from chat.queue import FairQueue, Priority, Ticket
from infermatic_client import KeyLimits
from tests.chat.test_queue import Client, Clock

GUILD, OTHER_GUILD = 11, 12
people = st.integers(31, 36)


def key_of(clock: Clock, lender_id: int | None = None) -> Key:
    client: Any = Client(KeyLimits(None, 1, clock=clock))
    return Key(client, GUILD, lender_id)


class Pools(KeyPool):
    """The operator's keys, and the pool of one server."""

    def __init__(self, clock: Clock, lenders: list[int], *, own: bool = False, operators: int = 1) -> None:
        clients: Any = [Client(KeyLimits(None, 1, clock=clock)) for _ in range(operators)]
        super().__init__(clients, clock=clock)
        self.told: list[tuple[int | None, bool]] = []
        self.servers = ServerPool(self, clock=clock, noticed=lambda key, bad: self.told.append((key.lender_id, bad)))
        self.own = key_of(clock)
        for lender in lenders:
            self.servers.put(key_of(clock, lender), useless=False)
        if own:
            self.servers.put(self.own, useless=False)

    def of(self, guild_id: int | None) -> KeyPool:
        return self.servers if guild_id == GUILD else self

    def refuse(self, key: Key) -> None:
        for _ in range(REFUSALS_TO_MARK):
            self.servers.was_refused(key)


@given(lenders=st.lists(people, unique=True), own=st.booleans(), refused=st.booleans())
def test_the_operators_keys_answer_where_no_key_of_the_servers_own_works(
    lenders: list[int], own: bool, refused: bool
) -> None:
    clock = Clock()
    pools = Pools(clock, lenders, own=own)
    if refused and own:
        pools.refuse(pools.own)
    [operators] = pools.keys
    assert (operators in pools.servers.keys) == (refused or not own)
    assert all(key.guild_id is None for key in pools.of(OTHER_GUILD).keys + pools.of(None).keys)
    assert pools.servers.lenders == lenders
    assert pools.told == ([(None, True)] if refused and own else [])
    clock.now += REFUSED_SECONDS + 1
    assert (operators in pools.servers.keys) == (not own)


def test_a_key_that_works_again_is_told_of() -> None:
    pools = Pools(Clock(), [31], own=True)
    for _ in range(2):
        pools.refuse(pools.own)
    pools.servers.succeeded(pools.own, "m")
    pools.servers.succeeded(pools.own, "m")
    assert pools.told == [(None, True), (None, False)]
    lent = pools.servers.find(31)
    assert lent is not None
    pools.servers.drop(lent)
    pools.refuse(lent)  # by an answer that was under way
    pools.was_refused(lent)
    assert pools.told == [(None, True), (None, False)]
    operators_told: list[int] = []
    pools.on_refused = operators_told.append
    pools.refuse(pools.keys[0])
    assert operators_told == [0]


def test_a_model_that_no_key_may_use_is_not_waited_for() -> None:
    clock = Clock()
    pools = Pools(clock, [31], own=True)
    first, second = pools.servers.kept
    assert pools.servers.denied(first, "m")
    grant = pools.servers.take("m")
    assert grant is not None
    assert grant.key is second
    assert not pools.servers.denied(second, "m")
    assert isinstance(pools.servers.obstacle("m"), ModelOutsidePlanError)
    assert pools.servers.obstacle("other") is pools.obstacle("m") is None
    clock.now += REFUSED_SECONDS + 1
    assert pools.servers.obstacle("m") is None
    lonely = Pools(clock, [], operators=0)
    assert isinstance(lonely.servers.obstacle("m"), NoKeyError)


waits = st.lists(st.tuples(st.sampled_from([GUILD, OTHER_GUILD]), people, st.sampled_from(Priority)), max_size=12)


@settings(max_examples=50)
@given(lenders=st.lists(people, unique=True, min_size=1, max_size=3), waits=waits)
async def test_a_slot_of_a_lent_key_goes_to_its_lender_first_and_never_to_another_server(
    lenders: list[int], waits: list[tuple[int, int, Priority]]
) -> None:
    clock = Clock()
    pools = Pools(clock, lenders)
    queue = FairQueue(pools, clock=clock)
    queue.seconds_per_reply = 1.0  # nobody waits too long
    busy = [await queue.slot(Ticket(GUILD, 99, "m")) for _ in pools.servers.keys]
    tickets = [Ticket(guild, person, "m", priority) for guild, person, priority in waits]
    waiting = [asyncio.ensure_future(queue.slot(ticket)) for ticket in tickets]
    await asyncio.sleep(0)
    for grant in busy:
        assert grant.slot is not None
        grant.slot.release()
    await asyncio.sleep(0)
    served = {t: task.result().key for t, task in zip(tickets, waiting, strict=True) if task.done()}
    left = [ticket for ticket in tickets if ticket not in served]
    for ticket, key in served.items():
        assert ticket.guild_id == GUILD or key.is_operators
    for key in pools.servers.kept:
        holder = next((ticket for ticket, used in served.items() if used is key), None)
        theirs = [ticket for ticket in left if (ticket.guild_id, ticket.user_id) == (GUILD, key.lender_id)]
        assert not theirs or (holder is not None and holder.user_id == key.lender_id)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    queue.close()
