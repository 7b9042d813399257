"""Requests whose callers have left, seen out in the background.

Recorded: leaving a stream early holds the key's parallel slot for 59 s on LiteLLM 1.83.14 (on 1.66.3 until the
model has finished), and leaving a request that does not stream holds it until the model has finished, on both. With
one parallel request that would block everyone, so the rest is read silently when it is expected to end sooner.
"""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from typing import Final

from ._errors import InfermaticError
from ._limits import Slot

log: Final = logging.getLogger("infermatic_client")

# How long the gateway holds a slot after a stream was left (59 s seen), rounded up.
HOLD_SECONDS: Final = 60.0
# Reading on for longer than the gateway would hold the slot gains nothing.
DRAIN_SECONDS: Final = HOLD_SECONDS
# The speed of a stream that has not shown its own yet; Infermatic's 70B models write 20 to 40 tokens a second.
_ASSUMED_TOKENS_PER_SECOND: Final = 20.0
# So many chunks make a speed; the first few often come in one burst.
_ENOUGH_CHUNKS: Final = 8


def expected_seconds(max_tokens: int | None, chunks: int, elapsed_seconds: float) -> float:
    """Estimate how long a stream still takes; ``math.inf`` without ``max_tokens``. A chunk is about one token."""
    if max_tokens is None:
        return math.inf
    speed = _ASSUMED_TOKENS_PER_SECOND
    if chunks >= _ENOUGH_CHUNKS and elapsed_seconds > 0:
        speed = chunks / elapsed_seconds
    return max(0, max_tokens - chunks) / speed


class Drains:
    """The background tasks of one client."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[bool]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, rest: Callable[[], Awaitable[None]], slot: Slot, *, stop: Callable[[], None]) -> None:
        """Await ``rest()`` in the background, then release ``slot``; ``stop`` ends what is left when it takes long."""
        task = asyncio.get_running_loop().create_task(_see_out(rest), name="infermatic-drain")
        self._tasks.add(task)

        def ended(task: asyncio.Task[bool]) -> None:  # also when it was cancelled before its first step
            self._tasks.discard(task)
            stop()
            unexpected = None if task.cancelled() else task.exception()
            if unexpected is not None:
                log.error("the rest of an answer could not be read: %s", type(unexpected).__name__)
            seen_out = not task.cancelled() and unexpected is None and task.result()
            slot.release(hold_seconds=0.0 if seen_out else HOLD_SECONDS)

        task.add_done_callback(ended)

    async def close(self) -> None:
        """End all of them."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _see_out(rest: Callable[[], Awaitable[None]]) -> bool:
    """Tell whether it ended within the time that the gateway would hold the slot anyway."""
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            await rest()
    except InfermaticError:  # the server ended it in its own way
        return True
    except TimeoutError:
        return False
    return True
