"""When the next edit of a growing reply may go, so that the end of it never has to wait long.

Discord allows about five edits in five seconds per channel and a bot fifty requests a second. Each text on the screen
lags behind by the age of its newest unseen word; over a stream that is the sum of the squared gaps between edits,
halved, by its length. So even gaps are best, ``per / limit`` apart, when the stream is long: a burst of quick edits
buys less than the long gap costs that must follow it. A stream that ends within seconds, though, leaves allowance
unused, and most replies are short. So the gaps begin at half the even spacing and reach it with the third edit.
Simulated at 40 tokens a second with 5 edits per 5 s, as mean lag in seconds:

======================  ====  ====  ====  ====  ====  ====
policy / stream length   1 s   2 s   3 s   4 s   6 s  12 s
======================  ====  ====  ====  ====  ====  ====
even from the start     0.49  0.50  0.50  0.50  0.52  0.52
0.5 s until used up     0.24  0.24  0.32  0.61  0.73  0.64
growing (used here)     0.24  0.33  0.38  0.41  0.50  0.51
======================  ====  ====  ====  ====  ====  ====

An in-between edit goes only when after it every stream in the channel could still send its final text within one even
spacing. Nothing here sleeps or reads a clock: callers pass ``now`` in seconds of any monotonic clock, wait for what
``delay`` says and ask again.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from typing import Final

EDITS_IN_A_WINDOW: Final = 5
WINDOW_SECONDS: Final = 5.0
"""What Discord grants in practice; its response headers correct both."""

REQUESTS_PER_SECOND: Final = 50
"""Discord's limit for one bot, over all channels."""

JITTER_SECONDS: Final = 0.01
"""Writes sent a window apart can arrive so much closer together; discord.py waits out what is worse."""
# A moment this close counts as reached: a caller that slept until then must not be sent back for a rounding error.
_INSTANT = 1e-6
# No window for writes in a channel is longer; a longer wait is a penalty.
_LONGEST_WINDOW_SECONDS = 60.0
# The first gap, and what each edit still counted adds, as shares of the even spacing.
_FIRST_GAP, _GAP_GROWTH = 0.5, 0.25
# The share of all requests that in-between edits leave to final texts, answers and commands.
_RESERVED_SHARE = 0.2


class WriteAllowance:
    """What one channel grants for one method: a sliding window, corrected by what the responses say."""

    def __init__(self, limit: int = EDITS_IN_A_WINDOW, per_seconds: float = WINDOW_SECONDS) -> None:
        self.limit = limit
        self.per_seconds = per_seconds
        self.streams = 0  # replies being written in this channel
        self.finals_waiting = 0  # those of them that only have their final text to send
        self._expiries: list[float] = []  # when each write stops counting, ascending
        self._closed_until = float("-inf")  # the server said that nothing goes before

    @property
    def spacing_seconds(self) -> float:
        """The even spacing of one stream's edits, with all streams of the channel sharing."""
        return max(1, self.streams) * (self.per_seconds + JITTER_SECONDS) / self.limit

    def live(self, now: float) -> int:
        """How many writes count at this moment."""
        while self._expiries and self._expiries[0] <= now + _INSTANT:
            del self._expiries[0]
        return len(self._expiries)

    def record(self, now: float) -> None:
        """A write goes out now."""
        self.live(now)
        insort(self._expiries, now + self.per_seconds + JITTER_SECONDS)

    def note(self, limit: int, remaining: int, reset_after: float, now: float) -> None:
        """Take over what a response's headers say; after a 429 ``remaining`` is 0 and ``reset_after`` the wait.

        Others may write in the channel too, so a smaller rest than ours is believed. A larger one is not: writes
        that are still under way are missing from it.
        """
        if limit < 1 or reset_after < 0:
            return
        self.limit = limit
        # The first write of a window shows how long it is; a refusal under a limit of one looks the same.
        if remaining == limit - 1 and 0 < reset_after <= _LONGEST_WINDOW_SECONDS:
            self.per_seconds = reset_after
        if remaining <= 0:
            self._closed_until = max(self._closed_until, now + reset_after)
        for _ in range(limit - max(remaining, 0) - self.live(now)):
            insort(self._expiries, now + reset_after)

    def delay(self, now: float, keep: int = 1, within: float = 0.0) -> float:
        """Seconds until a write leaves ``keep`` further ones that could go ``within`` so many seconds after it."""
        count = self.live(now)
        at = max(now, self._closed_until)
        if count >= self.limit:
            at = max(at, self._expiries[count - self.limit])
        # Of the writes known now, how many may still count when the kept ones are due; the new one itself may too.
        itself = 1 if self.per_seconds + JITTER_SECONDS > within else 0
        others = max(0, self.limit - min(keep, self.limit - itself) - itself)
        if keep > 0 and count > others:
            at = max(at, self._expiries[count - others - 1] - within)
        return max(0.0, at - now)


class RequestBudget:
    """The requests of the whole bot in any second, a part of them kept for what matters more than in-between edits."""

    def __init__(self, limit: int = REQUESTS_PER_SECOND, per_seconds: float = 1.0) -> None:
        self.limit = limit
        self.per_seconds = per_seconds
        self.streams = 0
        self._sent: deque[float] = deque()

    @property
    def spacing_seconds(self) -> float:
        """The spacing at which the in-between edits of all streams together stay within their share."""
        return self.streams * self.per_seconds / self._share()

    def record(self, now: float) -> None:
        """A request goes out now."""
        self._forget(now)
        self._sent.append(now)

    def delay(self, now: float, *, final: bool = False) -> float:
        """Seconds until a request may go; only final ones may use the reserved part."""
        self._forget(now)
        allowed = self.limit if final else self._share()
        if len(self._sent) < allowed:
            return 0.0
        return max(0.0, self._sent[len(self._sent) - allowed] + self.per_seconds + JITTER_SECONDS - now)

    def _share(self) -> int:
        return max(1, round(self.limit * (1 - _RESERVED_SHARE)))

    def _forget(self, now: float) -> None:
        while self._sent and self._sent[0] + self.per_seconds + JITTER_SECONDS <= now + _INSTANT:
            self._sent.popleft()


class StreamPacer:
    """The edits of one growing reply.

    Ask ``delay`` before each in-between edit and ``final_delay`` before the last; report each write when it is sent;
    call ``ending`` when the text is complete and ``close`` when nothing more will be written.
    """

    def __init__(
        self, allowance: WriteAllowance, budget: RequestBudget | None = None, *, expected_seconds: float | None = None
    ) -> None:
        """``expected_seconds``: how long the stream is likely to run, if known; a long one starts evenly."""
        self._allowance = allowance
        self._budget = budget or RequestBudget()
        self._evenly = expected_seconds is not None and expected_seconds > allowance.per_seconds
        self._last: float | None = None
        self._ending = False
        self._closed = False
        allowance.streams += 1
        self._budget.streams += 1

    def delay(self, now: float) -> float:
        """Seconds until the next in-between edit may go; the first words wait for nothing but the allowance."""
        allowance = self._allowance
        waits = [allowance.delay(now, keep=allowance.finals_waiting), self._budget.delay(now)]
        if self._last is not None:
            waits.append(self._last + self._gap(now) - now)
            waits.append(allowance.delay(now, keep=allowance.streams, within=allowance.spacing_seconds))
        return max(0.0, *waits)

    def final_delay(self, now: float) -> float:
        """Seconds until the final text may go."""
        return max(self._allowance.delay(now, keep=0), self._budget.delay(now, final=True))

    def posted(self, now: float) -> None:
        """A new message of the reply was sent, which does not count as an edit."""
        self._last = now
        self._budget.record(now)

    def edited(self, now: float) -> None:
        """An edit was sent."""
        self._last = now
        self._allowance.record(now)
        self._budget.record(now)

    def ending(self) -> None:
        """The text is complete: from now on other streams in the channel let the final text go first."""
        if not (self._ending or self._closed):
            self._ending = True
            self._allowance.finals_waiting += 1

    def close(self) -> None:
        """Nothing more will be written."""
        if self._closed:
            return
        self._closed = True
        self._allowance.streams -= 1
        self._budget.streams -= 1
        if self._ending:
            self._allowance.finals_waiting -= 1

    def _gap(self, now: float) -> float:
        even = self._allowance.spacing_seconds
        if not self._evenly:
            even *= min(1.0, _FIRST_GAP + _GAP_GROWTH * self._allowance.live(now))
        return max(even, self._budget.spacing_seconds)
