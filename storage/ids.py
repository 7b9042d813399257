"""Ids of our own: 63 bits, ordered by time, unique across processes without asking anyone."""

import secrets
import threading
import time
from datetime import datetime

EPOCH_MILLISECONDS = 1_735_689_600_000
"""2025-01-01 in UTC: counting from here, 41 bits of milliseconds last until 2094."""

RANDOM_BITS = 21
"""Two processes that make an id in the same millisecond get the same one once in two million times; the write
then fails on the primary key and is made again with new ids."""

SHIFT = RANDOM_BITS + 1
"""One bit more than the random ones, so that the ids a process makes within a millisecond have room to count on."""


def first_id_at(time_: datetime) -> int:
    """The ids that are made from this time on are not below it."""
    return max(0, int(time_.timestamp() * 1000) - EPOCH_MILLISECONDS) << SHIFT


class IdMaker:
    """Strictly increasing ids; safe on several threads, and after a fork (the random part is the kernel's)."""

    def __init__(self) -> None:
        self._last = 0
        self._lock = threading.Lock()

    def __call__(self) -> int:
        earliest = (time.time_ns() // 1_000_000 - EPOCH_MILLISECONDS) << SHIFT
        with self._lock:
            if earliest > self._last:
                self._last = earliest | secrets.randbits(RANDOM_BITS)
            else:
                self._last += 1
            return self._last


new_id = IdMaker()
