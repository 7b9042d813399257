"""Frames sent at the pace of a model."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Protocol

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ._frames import Frame

TICK_SECONDS = 0.01
"""Streams wake at multiples of this, many at once: forty of them cost a hundred wake-ups a second, not thousands."""

WRITE_BYTES = 64 * 1024
"""A stream without pace is written in parts of this size, so that others get their turn."""


class Body(Protocol):
    """Where a stream's bytes go."""

    async def start(self) -> None:
        """Send status and headers, once."""

    async def write(self, data: bytes) -> None:
        """Send some bytes."""

    def break_off(self) -> None:
        """End the connection without a proper end of the body."""


class ChunkedBody:
    """The usual body, in chunks: a client notices when the end is missing."""

    def __init__(self, request: web.Request, headers: Mapping[str, str]) -> None:
        self._request = request
        self.response = web.StreamResponse(headers={**headers, "Content-Type": "text/event-stream; charset=utf-8"})

    async def start(self) -> None:
        """Send status and headers, once."""
        if not self.response.prepared:
            await self.response.prepare(self._request)

    async def write(self, data: bytes) -> None:
        """Send some bytes."""
        await self.response.write(data)

    def break_off(self) -> None:
        """Close the connection; what was written still arrives."""
        if self._request.transport is not None:
            self._request.transport.close()


class CloseDelimitedBody:
    """A body that ends where the connection ends: a client cannot tell a cut from the end."""

    def __init__(self, request: web.Request, headers: Mapping[str, str]) -> None:
        self._request = request
        self._headers = headers
        self._started = False
        self.response = web.StreamResponse()

    async def start(self) -> None:
        """Send status and headers, once."""
        if not self._started and self._request.transport is not None:
            self._started = True
            lines = [f"{name}: {value}\r\n" for name, value in self._headers.items()]
            head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nConnection: close\r\n"
            self._request.transport.write((head + "".join(lines) + "\r\n").encode())

    async def write(self, data: bytes) -> None:
        """Send some bytes."""
        if self._request.transport is not None:
            self._request.transport.write(data)

    def break_off(self) -> None:
        """Close the connection; what was written still arrives."""
        if self._request.transport is not None:
            self._request.transport.close()


class Gate:
    """Holds answers back: all of them before a token of their text, until it is opened again."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._open.set()
        self._after = 0
        self.waiting = 0
        """How many answers are held just now."""

    def close(self, after_tokens: int) -> None:
        """Let no answer get further than so many tokens."""
        self._open.clear()
        self._after = after_tokens

    def open(self) -> None:
        """Let all of them go on."""
        self._open.set()

    def holds(self, tokens: int) -> bool:
        """Whether an answer with so many tokens may not go on."""
        return not self._open.is_set() and tokens > self._after

    async def opened(self) -> None:
        """Wait until it is open."""
        self.waiting += 1
        try:
            await self._open.wait()
        finally:
            self.waiting -= 1


async def send_frames(
    frames: Iterator[Frame],
    body: Body,
    speed: Callable[[], float],
    gate: Gate,
    *,
    headers_first: bool,
) -> bool:
    """Send the frames, `speed` tokens a second; return False when a frame broke the connection off.

    A stream that fell behind catches up in one write, so the average speed holds on a busy machine.
    """
    clock = asyncio.get_running_loop().time
    if headers_first:
        await body.start()
    due, waiting, tokens = clock(), bytearray(), 0
    for frame in frames:
        tokens += frame.tokens
        if gate.holds(tokens):
            await _flush(body, waiting)
            await gate.opened()
            due = clock()
        due += frame.tokens / speed() if frame.tokens else 0.0
        if frame.pause_seconds or frame.alone or frame.breaks or due > clock():
            await _flush(body, waiting)
        if frame.pause_seconds:
            await _sleep(frame.pause_seconds)
            due = clock()
        elif due > clock():
            await _sleep_until(due)
        if frame.breaks:
            body.break_off()
            return False
        waiting += frame.data
        if frame.alone or len(waiting) > WRITE_BYTES:
            await _flush(body, waiting)
    await _flush(body, waiting)
    return True


async def _flush(body: Body, waiting: bytearray) -> None:
    if waiting:
        await body.start()
        await body.write(bytes(waiting))
        waiting.clear()
        await asyncio.sleep(0)


async def _sleep(seconds: float) -> None:
    """Sleep; without end when told so, until the client leaves and the request is cancelled."""
    if seconds == math.inf:
        await asyncio.Event().wait()
    await asyncio.sleep(seconds)


async def _sleep_until(due: float) -> None:
    tick = math.ceil(due / TICK_SECONDS) * TICK_SECONDS
    await asyncio.sleep(tick - asyncio.get_running_loop().time())
