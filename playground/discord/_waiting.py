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


async def wait_until(state: State, predicate: Callable[[], T], timeout: float = 5.0) -> T:
    """Wait until a predicate gives something true, and return that; looks again at every event of the world."""
    woken = asyncio.Event()

    def wake(_event: Any) -> None:
        woken.set()

    remove = state.subscribe(wake)
    deadline = asyncio.get_running_loop().time() + timeout
    try:
        while not (result := predicate()):
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                msg = f"Not true within {timeout} s"
                raise TimeoutError(msg)
            woken.clear()
            try:
                async with asyncio.timeout(min(left, _POLL_SECONDS)):
                    await woken.wait()
            except TimeoutError:
                continue
        return result
    finally:
        remove()
