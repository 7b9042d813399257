"""An open stream: reads events under time-outs and caps, at a cost per event that hardly shows."""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Final

import aiohttp

from ._errors import APITimeoutError, ResponseFormatError, TimeoutPhase
from ._redact import Secret
from ._sse import MAX_LINE_BYTES, SSEDecoder
from ._translate import translated
from ._types import Timeouts

# A long reply of 8,000 tokens streams about 2 MiB; 1,000 vectors of 768 floats are about 15 MiB.
MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024

# Pieces that follow each other faster than this are read together: waking up for each costs several times what
# parsing it does. A model writes 40 tokens a second, one each 25 ms, so its pieces are read as they come.
_GATHER_SECONDS: Final = 0.005

# After [DONE] the end of the HTTP message normally lies in the same packet; waiting a moment for it keeps the
# connection usable, waiting longer would cost more than a new one.
_SETTLE_SECONDS: Final = 0.2


class Exchange:
    """The rest of a stream's answer, after its headers.

    One timer watches silence and total time. It is not set anew for each piece: it fires when the limit would pass
    had nothing come, looks at the clock, and goes back to sleep.
    """

    def __init__(self, response: aiohttp.ClientResponse, timeouts: Timeouts, key: Secret, *, ends_at: float) -> None:
        self._response = response
        self._content = response.content
        self._timeouts = timeouts
        self._key = key
        self._decoder = SSEDecoder()
        self._bytes = 0
        self._failure: Exception | None = None
        self._loop = asyncio.get_running_loop()
        self._ends_at = ends_at
        self._pieces_come_fast = False
        self._waiting_since: float | None = None
        self._expired: TimeoutPhase | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def headers(self) -> Mapping[str, str]:
        """The answer's headers."""
        return self._response.headers

    async def read(self) -> list[bytes] | None:
        """Return the data of the events that have come, ``None`` at the end of the answer.

        Raises ``APITimeoutError``, ``APIConnectionError`` when the connection breaks, ``ResponseFormatError`` when a
        line or the whole is too long.
        """
        if self._failure is not None:
            self._raise(self._failure)
        if self._pieces_come_fast:
            await self._gather()
        began = self._waiting_since = self._loop.time()
        try:
            data = await self._content.readany()
        except (aiohttp.ClientError, OSError) as exc:
            data = self._left_over()
            if not data:
                self._raise(exc)
            self._failure = exc
        finally:
            self._waiting_since = None
        self._pieces_come_fast = self._loop.time() - began < _GATHER_SECONDS
        if not data:
            return None
        self._bytes += len(data)
        events = self._decoder.feed(data)
        if self._decoder.overflowed:
            self._failure = ResponseFormatError(f"a stream with a line of more than {MAX_LINE_BYTES} bytes")
        elif self._bytes > MAX_ANSWER_BYTES:
            self._failure = ResponseFormatError(f"a stream of more than {MAX_ANSWER_BYTES} bytes")
        return events

    def watch(self) -> None:
        """Begin to watch for silence and for the end of the time."""
        self._check()

    async def drain(self) -> None:
        """Read the rest for nobody, so that the server counts the request as ended, and close."""
        self._stop_watching()
        try:
            with translated(self._key):
                while data := await self._content.readany():
                    if b"data: [DONE]" in data:
                        break
            await self.settle()
        finally:
            self.close()

    async def settle(self) -> None:
        """Let the connection go back to the pool when the answer ends within a moment, else close it."""
        try:
            async with asyncio.timeout(_SETTLE_SECONDS):
                while not self._content.at_eof():
                    await self._content.readany()
        except (TimeoutError, aiohttp.ClientError, OSError):
            pass
        finally:
            self.close()

    def close(self) -> None:
        """End the watching; close the connection unless the answer was read to its end; idempotent."""
        self._stop_watching()
        if self._content.at_eof() and self._content.exception() is None:
            self._response.release()
        else:
            self._response.close()

    def _raise(self, failure: Exception) -> None:
        """Raise what went wrong in this library's terms."""
        if self._expired is not None:
            limits = self._timeouts
            seconds = limits.total_seconds if self._expired == "total" else limits.between_chunks_seconds
            raise APITimeoutError(phase=self._expired, seconds=seconds)
        with translated(self._key):
            raise failure

    async def _gather(self) -> None:
        """Leave the socket alone for a moment, so that several pieces come with one reading."""
        connection = self._response.connection
        transport = connection.transport if connection is not None else None
        if transport is None or transport.is_closing() or not transport.is_reading():
            return
        transport.pause_reading()
        try:
            await asyncio.sleep(_GATHER_SECONDS)
        finally:
            transport.resume_reading()

    def _left_over(self) -> bytes:
        """Return what came before the connection broke: ``readany`` raises without giving it out."""
        data = b""
        with contextlib.suppress(AttributeError):
            data = self._content._read_nowait(-1)  # noqa: SLF001 -- there is no public way past the exception
        return data

    def _stop_watching(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _check(self) -> None:
        now = self._loop.time()
        waiting_since = now if self._waiting_since is None else self._waiting_since
        due = min(waiting_since + self._timeouts.between_chunks_seconds, self._ends_at)
        if now < due:
            self._timer = self._loop.call_at(due, self._check)
            return
        self._expired = "total" if now >= self._ends_at else "between_chunks"
        self._response.close()  # wakes the reader with an exception
