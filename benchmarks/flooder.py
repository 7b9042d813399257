"""Does one person who floods keep the others waiting?

    python -m benchmarks.flooder

The twenty people of `benchmarks.waiting` write in four channels for half an hour, alone and then beside somebody who
writes a hundred times as often, each time in another conversation, so that nothing joins and each message is a request
of its own. What is refused at once is not sent again. Engine, storage, client and local Infermatic are the real ones,
only time is simulated.

Ends with 1 if 19 of 20 waits of the twenty are more than twice as long as without the flooder, or if Jain's index of
the replies is below 0.95: among the twenty, and on one slot also among them and the flooder; that index falls when the
flooder gets more than the others. On two slots they may, because they are given what nobody else wants.
"""

import asyncio
import random
import sys
from dataclasses import dataclass

from benchmarks.virtual_time import VirtualTime
from benchmarks.waiting import (
    CHANNELS,
    GUILD,
    HALF_AN_HOUR,
    PEOPLE,
    THINKING_SECONDS,
    Figures,
    Reader,
    Room,
    conversations_on,
    service,
)
from chat.answers import Question
from chat.errors import LimitReachedError, QueueTooLongError
from storage import ConversationKey, NewTurn, Scope

TIMES_AS_OFTEN = 100
LONGER_BAR = 2.0
FAIRNESS_BAR = 0.95
FLOODER = PEOPLE + 1


@dataclass(slots=True)
class Flood:
    """What became of a flooder's messages."""

    sent: int = 0
    refused: int = 0
    answered: int = 0


class FloodedRoom(Room):
    """The people with somebody among them who never stops."""

    def __init__(self, *args: object, flooded: bool, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]  # as they were given
        self.flood = Flood()
        self._flooded = flooded
        self._readers: list[Reader] = []

    async def half_an_hour(self) -> None:
        """As without, with the flooder beside it; their conversations are answered to the end."""
        flooder = asyncio.create_task(self._flood()) if self._flooded else None
        await super().half_an_hour()
        if flooder is not None:
            await flooder
        for reader in self._readers:
            await reader.ended.wait()
            self.flood.answered += reader.outcome is not None and reader.outcome.state == "complete"

    async def _flood(self) -> None:
        chance = random.Random(self._seed)
        until = self._loop.time() + HALF_AN_HOUR
        while self._loop.time() < until:
            await asyncio.sleep(chance.expovariate(TIMES_AS_OFTEN / THINKING_SECONDS))
            await self._say_once()

    async def _say_once(self) -> None:
        self.flood.sent += 1
        claim = next(self._claims)
        channel = CHANNELS + 1
        turn = NewTurn(ConversationKey(GUILD, channel, claim), claim, claim, FLOODER, "Flooder", "And now?", None)
        reader = Reader(self._loop.time)
        try:
            await self._conversations.ask(Question(turn, (Scope("channel", channel), Scope("guild", GUILD))), reader)
        except (LimitReachedError, QueueTooLongError):
            self.flood.refused += 1
        else:
            self._readers.append(reader)


async def simulate(*, flooded: bool, slots: int, seed: int = 1) -> tuple[Figures, Flood]:
    """Half an hour, on a loop of `VirtualTime`."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTime)
    async with service(loop, slots) as api, conversations_on(loop, api, slots) as conversations:
        room = FloodedRoom(conversations, loop, joined=True, seed=seed, flooded=flooded)
        await room.half_an_hour()
        return room.figures, room.flood


def run(*, flooded: bool, slots: int = 1, seed: int = 1) -> tuple[Figures, Flood]:
    """Simulate half an hour."""
    with asyncio.Runner(loop_factory=VirtualTime) as runner:
        return runner.run(simulate(flooded=flooded, slots=slots, seed=seed))


def jain(counts: list[int]) -> float:
    """1 when all got as many, 1/n when one got them all."""
    return sum(counts) ** 2 / (len(counts) * sum(count * count for count in counts))


def main() -> int:
    """Compare on one slot and on two; 1 when a bar is missed."""
    held = True
    for slots in (1, 2):
        alone, _ = run(flooded=False, slots=slots)
        beside, flood = run(flooded=True, slots=slots)
        longer = beside.p95 / alone.p95
        fairness = jain([*beside.replies, flood.answered])
        print(f"{slots} slot{'s' * (slots > 1)}: the flooder sent {flood.sent:,}, {flood.refused:,} refused at once,")
        print(f"  {flood.answered} answered; each of the others got {min(beside.replies)} to {max(beside.replies)}")
        print(f"  median {alone.median:.1f} -> {beside.median:.1f} s, p95 {alone.p95:.1f} -> {beside.p95:.1f} s")
        print(f"  {longer:.2f} times as long (at most {LONGER_BAR:.1f}), others refused: {beside.failed}")
        print(f"  fairness {fairness:.3f} among all 21, {beside.fairness:.3f} among the 20 (at least {FAIRNESS_BAR})")
        shared = min(fairness, beside.fairness) if slots == 1 else beside.fairness
        held = held and longer <= LONGER_BAR and shared >= FAIRNESS_BAR
    return int(not held)


if __name__ == "__main__":
    sys.exit(main())
