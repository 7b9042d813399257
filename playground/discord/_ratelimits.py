"""Rate limits with sliding windows, announced in headers as Discord does."""

from __future__ import annotations

import hashlib
import math
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

MAJOR_PARAMETERS = ("channel_id", "guild_id", "webhook_id", "interaction_id", "token")
"""Each of these has windows of its own."""
_BUCKETS_KEPT = 4096


@dataclass(frozen=True, slots=True)
class Limit:
    """So many requests in so many seconds."""

    requests: int
    seconds: float


class Window:
    """The requests of the last seconds: each leaves by itself, they are not reset together."""

    __slots__ = ("limit", "times")

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self.times: deque[float] = deque()

    def expire(self, now: float) -> None:
        """Forget what is older than the window."""
        while self.times and self.times[0] <= now - self.limit.seconds:
            self.times.popleft()

    @property
    def remaining(self) -> int:
        """How many more requests fit now."""
        return max(0, self.limit.requests - len(self.times))

    def reset_after(self, now: float) -> float:
        """Give the seconds until the oldest request leaves."""
        return max(0.0, self.times[0] + self.limit.seconds - now) if self.times else 0.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request may pass, and what its answer says about the limits."""

    allowed: bool
    headers: dict[str, str] = field(default_factory=dict)
    retry_after: float = 0.0
    is_global: bool = False

    def body(self) -> dict[str, Any]:
        """Give the body of the 429."""
        retry_after = _in_ms(self.retry_after)
        return {"message": "You are being rate limited.", "retry_after": retry_after, "global": self.is_global}


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much of a limit is left, for whoever watches."""

    route: str
    """For example "PATCH /channels/{channel_id}/messages/{message_id}"; "" is the limit over all routes."""
    major: tuple[str, ...]
    remaining: int
    limit: Limit
    reset_after: float


class RateLimits:
    """The limits, changeable at any time.

    `per_route` holds exceptions by "METHOD /route/{with_names}"; other reads fall under `reads`, other writes under
    `default`. Each route has a window for each channel, guild, webhook or interaction.
    """

    def __init__(
        self,
        *,
        default: Limit = Limit(5, 5.0),
        reads: Limit = Limit(20, 1.0),
        per_route: dict[str, Limit] | None = None,
        global_per_second: int | None = 50,
        enabled: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.default = default
        self.reads = reads
        self.per_route = per_route or {}
        self.global_per_second = global_per_second
        self.enabled = enabled
        self._clock = clock
        self._windows: dict[str, Window] = {}
        self._global: dict[str, Window] = {}

    def reset(self) -> None:
        """Forget all past requests."""
        self._windows.clear()
        self._global.clear()

    def allowances(self) -> list[Allowance]:
        """Tell what is left of the limits that were touched in their last seconds; counts nothing."""
        now, found = self._clock(), []
        routes = [(*key.rpartition("|")[::2], window) for key, window in self._windows.items()]
        overall = [("", "", self._global["bot"])] if "bot" in self._global else []
        for route, major, window in [*overall, *routes]:
            window.expire(now)
            if window.times:
                parts = tuple(major.split(":"))
                found.append(Allowance(route, parts, window.remaining, window.limit, window.reset_after(now)))
        return found

    def check(self, method: str, route: str, parameters: dict[str, str], *, wall: float, caller: str | None) -> Verdict:
        """Count a request; `caller` None means that the global limit does not apply to it."""
        if not self.enabled:
            return Verdict(allowed=True)
        now = self._clock()
        if caller is not None and (refusal := self._check_global(caller, now)):
            return refusal
        key = f"{method} {route}"
        major = ":".join(parameters[name] for name in MAJOR_PARAMETERS if name in parameters)
        usual = self.reads if method == "GET" else self.default
        window = self._window(f"{key}|{major}", self.per_route.get(key, usual), now)
        if not window.remaining:
            retry = window.reset_after(now)
            headers = self._headers(window, key, now, wall) | _retry_headers(retry, "user")
            return Verdict(allowed=False, headers=headers, retry_after=retry)
        window.times.append(now)
        if caller is not None:
            self._global[caller].times.append(now)
        return Verdict(allowed=True, headers=self._headers(window, key, now, wall))

    def _check_global(self, caller: str, now: float) -> Verdict | None:
        limit = Limit(self.global_per_second or 1 << 30, 1.0)
        window = self._global.setdefault(caller, Window(limit))
        window.limit = limit
        window.expire(now)
        if window.remaining:
            return None
        retry = window.reset_after(now)
        headers = {"X-RateLimit-Global": "true"} | _retry_headers(retry, "global")
        return Verdict(allowed=False, headers=headers, retry_after=retry, is_global=True)

    def _window(self, key: str, limit: Limit, now: float) -> Window:
        window = self._windows.get(key)
        if window is None:
            self._drop_idle(now)
            window = self._windows[key] = Window(limit)
        window.limit = limit
        window.expire(now)
        return window

    def _drop_idle(self, now: float) -> None:
        if len(self._windows) < _BUCKETS_KEPT:
            return
        for window in self._windows.values():
            window.expire(now)
        self._windows = {key: window for key, window in self._windows.items() if window.times}

    @staticmethod
    def _headers(window: Window, key: str, now: float, wall: float) -> dict[str, str]:
        reset_after = _in_ms(window.reset_after(now))
        return {
            "X-RateLimit-Limit": str(window.limit.requests),
            "X-RateLimit-Remaining": str(window.remaining),
            "X-RateLimit-Reset": f"{wall + reset_after:.3f}",
            "X-RateLimit-Reset-After": f"{reset_after:.3f}",
            "X-RateLimit-Bucket": hashlib.sha256(key.encode()).hexdigest()[:32],
        }


class LateEdits:
    """Counts edits of old messages, of which each channel takes only a few."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._windows: dict[int, Window] = {}

    def take(self, channel_id: int, most: int, seconds: float) -> float | None:
        """Count an edit; gives the seconds to wait when there were too many."""
        window = self._windows.setdefault(channel_id, Window(Limit(most, seconds)))
        window.limit = Limit(most, seconds)
        now = self._clock()
        window.expire(now)
        if not window.remaining:
            return window.reset_after(now)
        window.times.append(now)
        return None


def _in_ms(seconds: float) -> float:
    """Round up, so that whoever waits this long does not come too early."""
    return math.ceil(seconds * 1000 - 1e-6) / 1000


def _retry_headers(seconds: float, scope: str) -> dict[str, str]:
    return {"Retry-After": str(math.ceil(seconds)), "X-RateLimit-Scope": scope, "Via": "1.1 google"}
