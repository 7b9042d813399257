"""An event loop whose clock jumps to the next timer as soon as nothing is left to do at this moment."""

import asyncio
import selectors
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

LONGEST_REAL_SECONDS = 20.0  # for what really takes time, such as a write to the disk


class _Selector(selectors.DefaultSelector):
    """Passes over the waits of the loop; what happens on sockets of this process happens at once."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.held = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, Any]]:
        if timeout is None or (self.held and timeout > 0):
            events = super().select(LONGEST_REAL_SECONDS)
            if not events:
                raise RuntimeError("nothing happens any more, and no timer is set")
            return events
        events = super().select(0)
        if not events:
            self.now += timeout
        return events


class VirtualTime(asyncio.SelectorEventLoop):
    """Runs hours in seconds, and alike each time. It needs all that is waited for in this process."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        """Seconds since the loop was made, as everything on it sees them."""
        return self._virtual.now

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """Let no time pass meanwhile, because a thread is at work that the loop cannot see."""
        self._virtual.held += 1
        try:
            yield
        finally:
            self._virtual.held -= 1
