"""How long do people wait for one key, when conversations are answered rather than messages?

    python -m benchmarks.waiting

Twenty people write in four channels for half an hour: each says something, waits until it is answered, reads and thinks
for a while, and writes again. Engine, storage, client and local Infermatic are the real ones; only time is not, it
passes when nothing is left to do. A wait lasts from a message to the first words of the reply that answers it.

Compared are joined (what is said while a question waits is answered with it) and single (everyone has a conversation of
their own, so that each message is a request; the refusal of long waits is switched off, because it would hide them).
Ends with 1 if the median of joined, on one slot, is above the bar.
"""

import asyncio
import itertools
import math
import random
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Concatenate
from unittest.mock import patch

from sqlalchemy import Connection, Engine

from benchmarks.virtual_time import VirtualTime
from chat.answers import Answer, Outcome, Question, Screen
from chat.context import ContextReader
from chat.conversations import Conversations
from chat.generation import Generator
from chat.keys import KeyPool
from chat.metrics import Metrics
from chat.models import ModelCatalogue
from chat.policy import Limiter
from chat.preferences import operator_defaults
from chat.queue import FairQueue, Place
from infermatic_client import InfermaticClient, KeyLimits
from playground.infermatic import LocalInfermatic
from storage import ConversationKey, Database, NewTurn, Scope, Storage, open_storage
from storage.database import P, T

BAR_SECONDS = 30.0
LONG_SECONDS = 60.0

PEOPLE = 20
CHANNELS = 4
HALF_AN_HOUR = 1800.0
REPLY_SECONDS = 12.0
FIRST_WORDS_SECONDS = 1.0
WORDS = 11
THINKING_SECONDS = 30.0  # the median of reading, thinking and writing; every sixth time it is more than a minute
THINKING_SPREAD = 0.7
REQUESTS_PER_MINUTE = 12

GUILD = 1
KEY = "sk-simulated"
MODEL = "Sao10K-L3.3-70B-Euryale-v2.3-FP8-Dynamic"


@dataclass(slots=True)
class Figures:
    """What came of one simulation."""

    waits: list[float] = field(default_factory=list)  # seconds from each message to the first words of its reply
    replies: list[int] = field(default_factory=list)  # how many each person got
    failed: int = 0
    requests: int = 0
    refused: int = 0  # of the requests, by the service

    @property
    def median(self) -> float:
        """Half of the messages wait no longer."""
        return median(self.waits)

    @property
    def p95(self) -> float:
        """Nineteen of twenty messages wait no longer."""
        return quantiles(self.waits, n=20)[-1]

    @property
    def long_share(self) -> float:
        """The share of people who waited for over a minute, of all messages."""
        return sum(wait > LONG_SECONDS for wait in self.waits) / len(self.waits)

    @property
    def fairness(self) -> float:
        """Jain's index of the replies: 1 when all got as many, 1/n when one person got them all."""
        squares = sum(count * count for count in self.replies)
        return sum(self.replies) ** 2 / (len(self.replies) * squares)


class Reader:
    """One person's eyes: when the reply to their message began, and that it has ended."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._others: list[Reader] = []
        self.begun_at: float | None = None
        self.outcome: Outcome | None = None
        self.ended = asyncio.Event()

    def bind(self, answer: Answer) -> None:
        """Nothing is done to answers here."""

    def waiting(self, place: Callable[[], Place]) -> None:
        """Nobody looks at the place in line."""

    def writing(self, expected_seconds: float) -> None:
        """Only the first words count."""

    def text(self, delta: str) -> None:
        """The reply goes on, or begins."""
        for reader in (self, *self._others):
            reader.begun_at = reader.begun_at or self._clock()

    def joined(self, later: Screen) -> None:
        """Another one's message is answered with this one's."""
        assert isinstance(later, Reader)
        self._others.append(later)

    def recast(self, later: Screen) -> bool:
        """Nobody looks at who speaks."""
        del later
        return True

    def give_way(self, later: Screen, because: BaseException) -> None:
        """Nobody looks at where the answer stands."""

    def sent_away(self, because: BaseException) -> None: ...

    def let_go(self) -> None: ...

    async def finish(self, outcome: Outcome) -> None:
        """The reply has ended, for all who waited for it."""
        for reader in (self, *self._others):
            reader.outcome = outcome
            reader.ended.set()


class TimelessDatabase(Database):
    """Works while time stands still, because the loop does not see the storage's thread at work."""

    def __init__(self, database: Database, loop: VirtualTime) -> None:
        super().__init__()
        self._database = database
        self._loop = loop

    @property
    def engine(self) -> Engine:
        """The real one's."""
        return self._database.engine

    async def write(self, function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Write in no time."""
        with self._loop.standing_still():
            return await self._database.write(function, *args, **kwargs)

    async def read(self, function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Read in no time."""
        with self._loop.standing_still():
            return await self._database.read(function, *args, **kwargs)

    async def close(self) -> None:
        """Close the real one."""
        with self._loop.standing_still():
            await self._database.close()


class Room:
    """The people and what they do."""

    def __init__(self, conversations: Conversations, loop: VirtualTime, *, joined: bool, seed: int) -> None:
        self._conversations = conversations
        self._loop = loop
        self._joined = joined
        self._seed = seed
        self._claims = itertools.count(1)
        self.figures = Figures()

    async def half_an_hour(self) -> None:
        """Everyone writes until the time is over, and waits for what they asked last."""
        until = self._loop.time() + HALF_AN_HOUR
        async with asyncio.TaskGroup() as people:
            for number in range(1, PEOPLE + 1):
                people.create_task(self._person(number, until))

    async def _person(self, number: int, until: float) -> None:
        chance = random.Random(self._seed * PEOPLE + number)  # their own, whatever the others do
        replies = 0
        while True:
            await asyncio.sleep(chance.lognormvariate(math.log(THINKING_SECONDS), THINKING_SPREAD))
            if (said_at := self._loop.time()) > until:
                break
            reader = await self._ask(number)
            if reader.begun_at is not None and reader.outcome is not None and reader.outcome.state == "complete":
                self.figures.waits.append(reader.begun_at - said_at)
                replies += 1
            else:
                self.figures.failed += 1
        self.figures.replies.append(replies)

    async def _ask(self, number: int) -> Reader:
        channel = number % CHANNELS + 1
        key = ConversationKey(GUILD, channel, 0 if self._joined else number)
        claim = next(self._claims)
        turn = NewTurn(key, claim, claim, number, f"Person {number}", "And what happens then?", None)
        reader = Reader(self._loop.time)
        await self._conversations.ask(Question(turn, (Scope("channel", channel), Scope("guild", GUILD))), reader)
        await reader.ended.wait()
        return reader


async def simulate(*, joined: bool, slots: int = 1, seed: int = 1) -> Figures:
    """Half an hour, on a loop of `VirtualTime`."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTime)
    async with service(loop, slots) as api, conversations_on(loop, api, slots) as conversations:
        room = Room(conversations, loop, joined=joined, seed=seed)
        with nullcontext() if joined else patch("chat.queue.LONGEST_WAIT_SECONDS", math.inf):
            await room.half_an_hour()
        asked = [request for request in api.requests if request.path == "/v1/chat/completions"]
        room.figures.requests = len(asked)
        room.figures.refused = sum(request.status != 200 for request in asked)
        return room.figures


def run(*, joined: bool, slots: int = 1, seed: int = 1) -> Figures:
    """Simulate half an hour."""
    with asyncio.Runner(loop_factory=VirtualTime) as runner:
        return runner.run(simulate(joined=joined, slots=slots, seed=seed))


@asynccontextmanager
async def service(loop: VirtualTime, slots: int | None) -> AsyncIterator[LocalInfermatic]:
    """The local Infermatic, which takes and refuses as the plan says and writes each reply for twelve seconds.

    Without a number of slots there is no plan.
    """
    speed = WORDS / (REPLY_SECONDS - FIRST_WORDS_SECONDS)
    async with LocalInfermatic(
        tokens_per_second=speed, first_token_seconds=FIRST_WORDS_SECONDS, clock=loop.time
    ) as api:
        api.add_key(KEY, None if slots is None else REQUESTS_PER_MINUTE, slots)
        api.replies.add(" ".join(["word"] * WORDS), times=None)
        yield api


@asynccontextmanager
async def conversations_on(
    loop: VirtualTime, api: LocalInfermatic, slots: int | None, limiter_on: Callable[[Storage], Limiter] | None = None
) -> AsyncIterator[Conversations]:
    """The engine, wired as the bot wires it."""
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        with loop.standing_still():
            opened = await open_storage(f"sqlite:///{folder}/waiting.db")
        storage = Storage.on(TimelessDatabase(opened.database, loop))
        stack.push_async_callback(storage.close)
        limits = None if slots is None else KeyLimits(REQUESTS_PER_MINUTE, slots, clock=loop.time)
        client = await stack.enter_async_context(InfermaticClient(KEY, api.url, limits=limits))
        pool = KeyPool([client], clock=loop.time)
        queue = FairQueue(pool, clock=loop.time)
        stack.callback(queue.close)
        catalogue = ModelCatalogue(client, storage.models, default_model=MODEL, clock=loop.time)
        await catalogue.load()
        stack.push_async_callback(catalogue.close)
        defaults = operator_defaults("", MODEL)
        context = ContextReader(
            storage.history, storage.pictures, storage.settings, catalogue, defaults, storage.lorebooks
        )
        limiter = None if limiter_on is None else limiter_on(storage)
        generator = Generator(
            catalogue=catalogue, queue=queue, pool=pool, context=context, limiter=limiter, clock=loop.time
        )
        conversations = Conversations(storage.history, storage.usage, generator, Metrics())
        yield conversations
        await conversations.close(REPLY_SECONDS)


def main() -> int:
    """Simulate with one slot and with two, and print a table; 1 when the bar is missed."""
    print(f"{'':<20}{'median s':>10}{'p95 s':>8}{'> 60 s':>8}{'messages':>10}{'requests':>10}{'fairness':>10}")
    medians = {}
    for slots, joined in itertools.product((1, 2), (True, False)):
        found = run(joined=joined, slots=slots)
        name = f"{slots} slot{'s' * (slots > 1)}, {'joined' if joined else 'single'}"
        medians[slots, joined] = found.median
        print(
            f"{name:<20}{found.median:>10.1f}{found.p95:>8.1f}{found.long_share:>8.0%}"
            f"{len(found.waits):>10}{found.requests:>10}{found.fairness:>10.3f}"
        )
        if found.failed or found.refused:
            print(f"{'':<20}{found.failed} messages without a reply, {found.refused} requests refused")
    held = medians[1, True] <= BAR_SECONDS
    print(f"one slot, joined: {medians[1, True]:.1f} s (at most {BAR_SECONDS:.0f} s)")
    return int(not held)


if __name__ == "__main__":
    sys.exit(main())
