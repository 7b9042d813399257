"""The lines of conversations: in each, one after the other changes what answers begin from."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from chat.answers import Answer
from storage import ConversationKey, ShownReply

LaneKey = tuple[ConversationKey, int | None]
"""One conversation, or the message from which a side branch of it goes on."""


@dataclass(eq=False, slots=True)
class Lane:
    """One conversation's line, kept while somebody uses it."""

    key: LaneKey | None  # None: of a text completion, which is no part of any conversation
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    last: Answer | None = None  # to be joined while it waits, and to be waited for
    users: int = 0


class Lanes:
    """All lines that are in use."""

    def __init__(self) -> None:
        self._lanes: dict[LaneKey, Lane] = {}

    def __len__(self) -> int:
        return len(self._lanes)

    @contextlib.asynccontextmanager
    async def line(self, key: LaneKey) -> AsyncIterator[Lane]:
        """The conversation's line, for one at a time."""
        lane = self._lanes.setdefault(key, Lane(key))
        lane.users += 1
        try:
            async with lane.lock:
                yield lane
        finally:
            lane.users -= 1
            self.let_go(lane)

    def let_go(self, lane: Lane) -> None:
        """Forget a line that nobody uses any more."""
        if lane.key is not None and not lane.users and lane.last is None:
            self._lanes.pop(lane.key, None)


def line_of(shown: ShownReply) -> LaneKey:
    """The line in which a reply is changed: its conversation's, or that of the side branch that ends with it."""
    return (shown.key, None if shown.on_head else shown.reply.id)
