"""The state of one key: what the plan allows, what is under way, what the server said.

The plans are second-hand knowledge: 12, 15 or 18 requests a minute and 1 or 2 at a time. Headers and refusals are
as recorded from LiteLLM 1.66.3 (clock minutes) and 1.83.14 (60 s from a first request). Counting the last 60 seconds
keeps within both kinds of minute.
"""

import asyncio
import bisect
import contextlib
import itertools
import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

from ._errors import RateLimitError

__all__ = ["KeyLimits", "Slot"]

_MINUTE_SECONDS: Final = 60.0
# A pause the server asks for is kept up to here; a longer one is reported instead, by RateLimitError.retry_after.
_LONGEST_PAUSE_SECONDS: Final = 60.0
# The parallel limit's 429 names 60 s, which is far too long: the other request may end any moment.
_PARALLEL_BACKOFF_SECONDS: Final = (5.0, 10.0, 20.0)


class Slot:
    """One request under way; give it to a request method of the client, which then releases it."""

    __slots__ = ("_refused", "_released", "limits")

    def __init__(self, limits: "KeyLimits") -> None:
        self.limits = limits
        self._refused = False
        self._released = False

    def release(self, *, hold_seconds: float = 0.0) -> None:
        """Give the slot back; idempotent.

        ``hold_seconds``: count it as taken that much longer, because the server does so after a stream was left
        early (59 s recorded from LiteLLM 1.83.14).
        """
        if not self._released:
            self._released = True
            self.limits.slot_ended(hold_seconds, refused=self._refused)

    def give_back(self) -> None:
        """Release a slot with which nothing was sent: it does not count against the minute."""
        if not self._released:
            self.limits.uncount()
        self.release()

    def count_again(self) -> bool:
        """Count one further request sent with this slot; false when the minute has none left."""
        return self.limits.count()

    def mark_refused(self) -> None:
        """Remember that the server refused this request, so that its end frees nothing."""
        self._refused = True


class KeyLimits:
    """What one key may do now: requests of the last minute, requests under way, pauses the server asked for.

    ``requests_per_minute`` and ``parallel_requests``: ``None`` means no such limit. ``clock`` gives seconds that only
    grow. Not thread-safe: it belongs to one event loop.
    """

    def __init__(
        self,
        requests_per_minute: int | None = 12,
        parallel_requests: int | None = 1,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        for name, value in (("requests_per_minute", requests_per_minute), ("parallel_requests", parallel_requests)):
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, or None for no limit")
        self.requests_per_minute = requests_per_minute
        self.parallel_requests = parallel_requests
        self.busy_elsewhere = False
        """Whether the last answer was the parallel limit's 429 though no other request of ours was under way."""
        self._clock = clock
        self._sent: deque[float] = deque()  # when each request of the last minute was counted, oldest first
        self._running = 0
        self._holds: list[float] = []  # until when slots of streams that were left early count as taken, sorted
        self._paused_until = -math.inf
        self._parallel_until = -math.inf
        self._parallel_refusals = 0
        self._waiters: deque[asyncio.Future[Slot]] = deque()
        self._listeners: dict[int, Callable[[], None]] = {}
        self._listener_numbers = itertools.count()
        self._timer: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        return f"<KeyLimits in_flight={self.in_flight} seconds_until_free={self.seconds_until_free():.1f}>"

    @property
    def in_flight(self) -> int:
        """How many slots count as taken: requests under way and those held after a stream was left early."""
        self._forget_old()
        return self._running + len(self._holds)

    @property
    def paused_seconds(self) -> float:
        """How much longer the whole key pauses because the server said so; 0.0 when it does not."""
        return max(0.0, self._paused_until - self._clock())

    def seconds_until_free(self) -> float:
        """Tell when a slot is free as far as time decides: 0.0 now, ``math.inf`` when one of our requests must end."""
        self._forget_old()
        return max(self._seconds_until_minute_allows(), self.paused_seconds, self._seconds_until_parallel_allows())

    def try_acquire(self) -> Slot | None:
        """Take a slot now, or return ``None``; whoever waits in ``acquire`` comes first."""
        self._serve_waiters()
        return None if self.seconds_until_free() > 0 else self._take()

    async def acquire(
        self, *, max_wait_seconds: float | None = None, on_wait: Callable[[float], None] | None = None
    ) -> Slot:
        """Take a slot, first come first served.

        ``on_wait`` is called once with the expected seconds (``math.inf``: unknown) when there is a wait. Raises
        ``RateLimitError`` with ``type="local"`` after ``max_wait_seconds``, or at once when the wait is known to
        be longer; ``None`` waits as long as it takes.
        """
        slot = self.try_acquire()
        if slot is not None:
            return slot
        expected = self.seconds_until_free()
        known = math.isfinite(expected) or max_wait_seconds == 0
        if max_wait_seconds is not None and known and expected > max_wait_seconds:
            raise self._local_refusal()
        if on_wait is not None:
            on_wait(expected)
        return await self._wait(max_wait_seconds)

    async def _wait(self, max_wait_seconds: float | None) -> Slot:
        waiter: asyncio.Future[Slot] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self._arm_timer()
        try:
            async with asyncio.timeout(max_wait_seconds):
                return await waiter
        except BaseException as exc:
            if waiter.done() and not waiter.cancelled():
                waiter.result().give_back()  # granted in the very moment the caller gave up
            waiter.cancel()
            with contextlib.suppress(ValueError):
                self._waiters.remove(waiter)
            if isinstance(exc, TimeoutError):
                raise self._local_refusal() from None
            raise

    def add_listener(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Have ``callback`` called whenever a slot may have become free; returns the remover.

        It is called synchronously and must not raise.
        """
        number = next(self._listener_numbers)
        self._listeners[number] = callback
        self._arm_timer()

        def remove() -> None:
            self._listeners.pop(number, None)

        return remove

    # What the client reports. A caller who speaks HTTP himself may do the same.

    def note_answer(self, headers: Mapping[str, str]) -> None:
        """Learn from an answer: the key works, and how many requests the server says are left this minute.

        1.83.14 says so in ``x-ratelimit-api_key-remaining-requests``. 1.66.3 uses ``x-ratelimit-remaining-requests``,
        which both versions also use for a model's own limit: it is the key's only beside ``x-litellm-key-rpm-limit``.
        """
        self.busy_elsewhere = False
        self._parallel_refusals = 0
        remaining = _whole(headers.get("x-ratelimit-api_key-remaining-requests"))
        limit = _whole(headers.get("x-ratelimit-api_key-limit-requests"))
        if remaining is None and "x-litellm-key-rpm-limit" in headers:
            remaining = _whole(headers.get("x-ratelimit-remaining-requests"))
            limit = _whole(headers.get("x-litellm-key-rpm-limit"))
        if remaining is not None and self.requests_per_minute is not None:
            self._match_server(remaining, self.requests_per_minute if limit is None else limit)

    def note_refusal(self, error: RateLimitError, slot: Slot | None = None) -> float:
        """Learn from a 429 of the key's own limits; returns the seconds after which to try again.

        The minute limit pauses the whole key. The parallel limit makes the next request wait 5, 10, then 20 s, or
        until another request of ours ends.
        """
        if slot is not None:
            slot.mark_refused()
        if error.limit_type is None:
            return 0.0
        now = self._clock()
        if error.limit_type == "max_parallel_requests":
            self.busy_elsewhere = self.in_flight <= (0 if slot is None else 1)
            step = min(self._parallel_refusals, len(_PARALLEL_BACKOFF_SECONDS) - 1)
            self._parallel_refusals += 1
            seconds = _PARALLEL_BACKOFF_SECONDS[step]
            self._parallel_until = max(self._parallel_until, now + seconds)
        else:
            self.busy_elsewhere = False
            seconds = _MINUTE_SECONDS if error.retry_after is None else error.retry_after
            self._paused_until = max(self._paused_until, now + min(seconds, _LONGEST_PAUSE_SECONDS))
        self._arm_timer()
        return seconds

    # What slots report.

    def count(self) -> bool:
        """Count one request more against the minute; false when none is left or the key pauses."""
        self._forget_old()
        if self._seconds_until_minute_allows() > 0 or self.paused_seconds > 0:
            return False
        self._sent.append(self._clock())
        return True

    def uncount(self) -> None:
        """Take the newest request back: it was never sent."""
        if self._sent:
            self._sent.pop()

    def slot_ended(self, hold_seconds: float, *, refused: bool) -> None:
        """Count one request less under way, or as held for a while longer."""
        self._running -= 1
        if hold_seconds > 0 and self.parallel_requests is not None:
            bisect.insort(self._holds, self._clock() + hold_seconds)
        elif not refused:
            self._parallel_until = -math.inf
        self._something_changed()

    # The rest is nobody else's business.

    def _take(self) -> Slot:
        self._sent.append(self._clock())
        self._running += 1
        return Slot(self)

    def _forget_old(self) -> None:
        now = self._clock()
        while self._sent and self._sent[0] <= now - _MINUTE_SECONDS:
            self._sent.popleft()
        while self._holds and self._holds[0] <= now:
            self._holds.pop(0)

    def _seconds_until_minute_allows(self) -> float:
        limit = self.requests_per_minute
        if limit is None or len(self._sent) < limit:
            return 0.0
        return max(0.0, self._sent[len(self._sent) - limit] + _MINUTE_SECONDS - self._clock())

    def _seconds_until_parallel_allows(self) -> float:
        if self.parallel_requests is None:
            return 0.0
        now = self._clock()
        backoff = max(0.0, self._parallel_until - now)
        too_many = self._running + len(self._holds) - self.parallel_requests + 1
        if too_many <= 0:
            return backoff
        return max(backoff, self._holds[too_many - 1] - now) if too_many <= len(self._holds) else math.inf

    def _match_server(self, remaining: int, server_limit: int) -> None:
        """Let the requests of the last minute be as many as the server counts."""
        limit = self.requests_per_minute or 0
        unseen = max(0, self._running - 1)  # our other requests may not have reached the server's count
        used = max(server_limit - remaining, limit - remaining, 0) + unseen
        now = self._clock()
        self._forget_old()
        while len(self._sent) > used:
            self._sent.popleft()
        while len(self._sent) < min(used, limit):
            self._sent.append(now)
        self._something_changed()

    def _local_refusal(self) -> RateLimitError:
        seconds = self.seconds_until_free()
        error = RateLimitError(
            "the wait for this key's limits would be too long",
            status_code=429,
            type="local",
            retry_after=seconds if math.isfinite(seconds) else None,
        )
        by_minute = max(self._seconds_until_minute_allows(), self.paused_seconds) > 0
        error.limit_type = "requests" if by_minute else "max_parallel_requests"
        error.limit = self.requests_per_minute if by_minute else self.parallel_requests
        return error

    def _has_waiters(self) -> bool:
        return any(not waiter.done() for waiter in self._waiters)

    def _serve_waiters(self) -> None:
        while self._waiters:
            if self._waiters[0].done():
                self._waiters.popleft()
            elif self.seconds_until_free() > 0:
                return
            else:
                self._waiters.popleft().set_result(self._take())

    def _something_changed(self) -> None:
        self._serve_waiters()
        if self._listeners and self.seconds_until_free() <= 0:
            for callback in tuple(self._listeners.values()):
                callback()
        self._arm_timer()

    def _arm_timer(self) -> None:
        """Wake up when time alone makes a slot free; one timer, and none when nobody would notice."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        seconds = self.seconds_until_free()
        if not 0 < seconds < math.inf or not (self._listeners or self._has_waiters()):
            return
        with contextlib.suppress(RuntimeError):  # no event loop: then nobody can be waiting either
            self._timer = asyncio.get_running_loop().call_later(seconds, self._something_changed)


def _whole(value: str | None) -> int | None:
    try:
        return int(value) if value else None
    except ValueError:
        return None
