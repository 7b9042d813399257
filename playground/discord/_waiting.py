"""Waiting for something to become true."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from playground.discord._state import State

T = TypeVar("T")

_POLL_SECONDS = 0.01
"""What is not part of the world (a database, the bot's memory) is looked at this often."""


async def wait_until(state: State, predicate: Callable[[], T], timeout: float = 15.0) -> T:
    """Wait until a predicate gives something true, and return that; looks again at every event of the world."""
    loop, woken = asyncio.get_running_loop(), asyncio.Event()

    def wake(_event: Any) -> None:
        woken.set()

    remove = state.subscribe(wake)
    deadline = loop.time() + timeout
    try:
        while not (result := predicate()):
            left = deadline - loop.time()
            if left <= 0:
                msg = f"Not true within {timeout} s"
                raise TimeoutError(msg)
            woken.clear()
            timer = loop.call_later(min(left, _POLL_SECONDS), woken.set)
            try:
                await woken.wait()
            finally:
                timer.cancel()
        return result
    finally:
        remove()
