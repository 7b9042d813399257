"""Keys and their limits: requests a minute and requests at once."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Literal

MINUTE_SECONDS = 60.0


class LimitReachedError(Exception):
    """The key may not start another request now."""

    def __init__(self, kind: Literal["requests", "max_parallel_requests"], limit: int, free_in_seconds: float) -> None:
        super().__init__(kind)
        self.kind = kind
        self.limit = limit
        self.free_in_seconds = free_in_seconds


@dataclass(slots=True)
class KeyState:
    """One key: who it is, what it may do, and what it is doing. Every field may be changed at any time."""

    key: str = field(repr=False)
    requests_per_minute: int | None = None
    parallel_requests: int | None = None
    models: tuple[str, ...] | None = None  # None: every model
    minute: Literal["sliding", "clock"] = "sliding"  # clock: the count starts again when a minute of the clock starts
    expired: bool = False
    over_budget: bool = False
    _started: deque[float] = field(default_factory=deque, repr=False)
    _running: int = field(default=0, repr=False)
    _holds: list[float] = field(default_factory=list, repr=False)

    def may_use(self, model: str) -> bool:
        """Tell whether the model belongs to the key's plan."""
        return self.models is None or model in self.models

    def start_request(self, now: float) -> RequestSlot:
        """Count one more request, or raise LimitReachedError."""
        self._forget_old(now)
        if self.requests_per_minute is not None and len(self._started) >= self.requests_per_minute:
            raise LimitReachedError("requests", self.requests_per_minute, self._free_in(now))
        if self.parallel_requests is not None and self.in_flight(now) >= self.parallel_requests:
            raise LimitReachedError("max_parallel_requests", self.parallel_requests, self._free_in(now))
        self._started.append(now)
        self._running += 1
        return RequestSlot(self)

    def in_flight(self, now: float) -> int:
        """Return how many requests count as running, those left early included."""
        self._holds = [until for until in self._holds if until > now]
        return self._running + len(self._holds)

    def requests_this_minute(self, now: float) -> int:
        """Return how many requests count against the minute."""
        self._forget_old(now)
        return len(self._started)

    def _end(self, hold_until: float | None) -> None:
        self._running -= 1
        if hold_until is not None:
            self._holds.append(hold_until)

    def _forget_old(self, now: float) -> None:
        oldest = now - now % MINUTE_SECONDS if self.minute == "clock" else now - MINUTE_SECONDS
        while self._started and (self._started[0] < oldest or self._started[0] <= now - MINUTE_SECONDS):
            self._started.popleft()

    def _free_in(self, now: float) -> float:
        if self.minute == "clock" or not self._started:
            return MINUTE_SECONDS - now % MINUTE_SECONDS
        return self._started[0] + MINUTE_SECONDS - now


class RequestSlot:
    """One running request of a key."""

    __slots__ = ("_ended", "_key")

    def __init__(self, key: KeyState) -> None:
        self._key = key
        self._ended = False

    def end(self, hold_until: float | None = None) -> None:
        """Give the slot back, now or at a later time; a second call does nothing."""
        if not self._ended:
            self._ended = True
            self._key._end(hold_until)  # noqa: SLF001 - the slot is the key's own other half
