"""When several people write at once: waiting until they pause, so that one reply answers them all."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

QUIET_SECONDS: Final = 2.0
"""Long enough to type the next short line, short enough not to be taken for silence."""

LONGEST_SECONDS: Final = 8.0
"""Somebody who goes on writing is answered all the same."""


class Burst:
    """Messages that follow each other closely; it begins with the first."""

    def __init__(
        self,
        quiet_seconds: float = QUIET_SECONDS,
        longest_seconds: float = LONGEST_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._quiet_seconds = quiet_seconds
        self._clock = clock
        self._sleep = sleep
        self._last = clock()
        self._deadline = self._last + longest_seconds

    def said(self) -> None:
        """One more message came."""
        self._last = self._clock()

    async def over(self) -> None:
        """Return when nobody has said anything for a while, or when the burst has lasted long enough."""
        while (left := self._left()) > 0:
            await self._sleep(left)

    def _left(self) -> float:
        return min(self._last + self._quiet_seconds, self._deadline) - self._clock()
