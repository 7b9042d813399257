"""How fast may be written: every channel's allowance and that of the whole bot, kept from Discord's own headers."""

import re
import time
from collections.abc import Callable
from types import SimpleNamespace

import aiohttp

from chat.pacing import RequestBudget, StreamPacer, WriteAllowance

MOST_CHANNELS = 5000  # as many allowances are kept; an idle channel's is full again after five seconds anyway
CLOSED_SECONDS = 300.0  # a channel that refused us is not tried again for so long
TELL_SECONDS = 3600.0  # a person is told about the same channel once an hour
EDIT_ROUTE = re.compile(r"/(?:channels/(\d+)|webhooks/(\d+)/[^/]+)/messages/\d+$")


class Pace:
    """The allowances of all channels."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._budget = RequestBudget()
        self._allowances: dict[int, WriteAllowance] = {}
        self._closed: dict[int, float] = {}
        self._told: dict[tuple[int, int], float] = {}

    def stream(self, key: int, expected_seconds: float | None) -> StreamPacer:
        """Paces the edits of one reply; replies with the same key share an allowance."""
        allowance = self._allowances.get(key)
        if allowance is None:
            self._forget_idle()
            allowance = self._allowances[key] = WriteAllowance()
        return StreamPacer(allowance, self._budget, expected_seconds=expected_seconds)

    def is_closed(self, channel_id: int) -> bool:
        """Whether Discord refused our writes to this channel lately."""
        return self._closed.get(channel_id, 0.0) > self.clock()

    def close_channel(self, channel_id: int) -> None:
        """Discord refused a write: do not ask again for a while."""
        self._closed[channel_id] = self.clock() + CLOSED_SECONDS

    def may_tell(self, user_id: int, channel_id: int) -> bool:
        """Whether to tell this person about this channel now."""
        if self._told.get((user_id, channel_id), 0.0) > self.clock():
            return False
        self._told[user_id, channel_id] = self.clock() + TELL_SECONDS
        return True

    def trace(self) -> aiohttp.TraceConfig:
        """Reads the rate limit headers of discord.py's requests."""
        trace = aiohttp.TraceConfig()
        trace.on_request_end.append(self._note)
        return trace

    async def _note(
        self, _session: aiohttp.ClientSession, _context: SimpleNamespace, end: aiohttp.TraceRequestEndParams
    ) -> None:
        if end.method != "PATCH" or (match := EDIT_ROUTE.search(end.url.path)) is None:
            return
        allowance = self._allowances.get(int(match[1] or match[2]))
        headers = end.response.headers
        if allowance is None or "X-RateLimit-Remaining" not in headers:
            return
        limit, remaining = int(headers["X-RateLimit-Limit"]), int(headers["X-RateLimit-Remaining"])
        allowance.note(limit, remaining, float(headers["X-RateLimit-Reset-After"]), self.clock())

    def _forget_idle(self) -> None:
        if len(self._allowances) < MOST_CHANNELS:
            return
        now = self.clock()
        self._allowances = {key: kept for key, kept in self._allowances.items() if kept.streams or kept.live(now)}
        self._closed = {key: until for key, until in self._closed.items() if until > now}
        self._told = {key: until for key, until in self._told.items() if until > now}
