"""How fast may be written: every channel's allowance and that of the whole bot, kept from Discord's own headers."""

import re
import time
from collections import OrderedDict
from collections.abc import Callable
from types import SimpleNamespace

import aiohttp
import discord

MOST_CHANNELS = 5000
CLOSED_SECONDS = 300.0  # a channel that refused us is not tried again for so long
TELL_SECONDS = 3600.0
MESSAGE_ROUTE = re.compile(r"/channels/(\d+)/messages(/\d+)?$")


class Pace:
    """The allowances of all channels."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._channels: OrderedDict[int, ChannelPace] = OrderedDict()
        self._closed: dict[int, float] = {}
        self._told: dict[tuple[int, int], float] = {}

    def of(self, key: int) -> "ChannelPace":
        """The allowance that writes with this key share."""
        if (pace := self._channels.get(key)) is None:
            pace = self._channels[key] = ChannelPace(self, key, self._clock)
            if len(self._channels) > MOST_CHANNELS:
                self._channels.popitem(last=False)
        return pace

    def is_closed(self, channel_id: int) -> bool:
        """Whether Discord refused our writes to this channel lately."""
        return self._closed.get(channel_id, 0.0) > self._clock()

    def close_channel(self, channel_id: int) -> None:
        """Discord refused a write: do not ask again for a while."""
        self._closed[channel_id] = self._clock() + CLOSED_SECONDS

    def may_tell(self, user_id: int, channel_id: int) -> bool:
        """Whether to tell this person about this channel; once an hour is enough."""
        if self._told.get((user_id, channel_id), 0.0) > self._clock():
            return False
        self._told[user_id, channel_id] = self._clock() + TELL_SECONDS
        return True

    def trace(self) -> aiohttp.TraceConfig:
        """Reads the rate limit headers of discord.py's requests."""
        trace = aiohttp.TraceConfig()
        trace.on_request_end.append(self._note)
        return trace

    async def _note(
        self, _session: aiohttp.ClientSession, _context: SimpleNamespace, end: aiohttp.TraceRequestEndParams
    ) -> None:
        del end


class ChannelPace:
    """One channel's allowance."""

    def __init__(self, pace: Pace, key: int, clock: Callable[[], float]) -> None:
        self._pace = pace
        self._key = key
        self._clock = clock
        self._edited_at = 0.0

    def delay_edit(self) -> float:
        """Seconds until the next edit in between may go."""
        return max(0.0, self._edited_at + 1.0 - self._clock())

    def record_edit(self, *, final: bool = False) -> None:
        """An edit goes out now."""
        del final
        self._edited_at = self._clock()

    def record_create(self) -> None:
        """A new message goes out now."""
        self._edited_at = self._clock()

    def refused(self, error: discord.HTTPException) -> None:
        """Discord refused a write for good."""
        if isinstance(error, discord.Forbidden):
            self._pace.close_channel(self._key)
