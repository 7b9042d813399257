"""One HTTP exchange at a time: sending, reading under time-outs and caps, nothing retried here."""

import asyncio
import contextlib
import weakref
from collections.abc import Iterator, Mapping
from typing import Any, Final

import aiohttp
import msgspec

from ._classify import (
    error_from_answer,
    error_from_frame,
    looks_like_refused_system_prompt,
    unsupported_system_prompt,
)
from ._errors import APIStatusError, InfermaticError, ResponseFormatError, ServerError
from ._exchange import MAX_ANSWER_BYTES, Exchange
from ._redact import Secret
from ._translate import translated, within
from ._types import Timeouts
from ._wire import excerpt, lenient_json

# An error is a few hundred bytes; what is larger is a proxy's page, of which the beginning will do.
_MAX_ERROR_BYTES: Final = 64 * 1024

# What a server that cannot stream, or a proxy in front of one, answers with a 200.
_NO_STREAM: Final = frozenset({"application/json", "text/html"})


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What to send, and what later decisions need to know of it."""

    method: str = "POST"
    path: str
    body: bytes | None = None
    streamed: bool = False
    counted: bool = True  # against the key's limits
    quick: bool = False  # answered at once, so first_byte_seconds applies to all of it
    model: str = ""
    system: bool = False  # holds a system message
    lacks_system_role: bool = False  # the model is documented or learned to take none
    max_tokens: int | None = None  # of all choices together


class Answer(msgspec.Struct, frozen=True):
    """A whole answer."""

    headers: Mapping[str, str]
    body: bytes


@contextlib.contextmanager
def judged(request: Request) -> Iterator[None]:
    """Tell a 500 that may be a refused system message from other failures of the server."""
    try:
        yield
    except ServerError as error:
        if not request.system or not looks_like_refused_system_prompt(error):
            raise
        error.system_prompt_suspected = True
        if request.lacks_system_role:
            raise unsupported_system_prompt(error, request.model) from None
        raise


class Transport:
    """The pooled connections of one key."""

    def __init__(self, key: Secret, base_url: str, timeouts: Timeouts, session: aiohttp.ClientSession | None) -> None:
        self.base_url = base_url
        self.timeouts = timeouts
        self._key = key
        self._session = session
        self._own_session = session is None
        self._closed = False
        self._responses: weakref.WeakSet[aiohttp.ClientResponse] = weakref.WeakSet()

    async def close(self) -> None:
        """End what is under way; close the connections too, unless the session was given by the caller."""
        self._closed = True
        for response in tuple(self._responses):
            response.close()  # wakes its reader, which the closing of a session alone would leave waiting
        if self._own_session and self._session is not None:
            await self._session.close()
            self._session = None

    async def fetch(self, request: Request) -> Answer:
        """Send a request and read the whole answer."""
        seconds = self.timeouts.first_byte_seconds if request.quick else self.timeouts.total_seconds
        async with within(min(seconds, self.timeouts.total_seconds), "first_byte" if request.quick else "total"):
            with judged(request), translated(self._key, self.timeouts.connect_seconds):
                response = await self._send(request)
                try:
                    body = await _read(response, MAX_ANSWER_BYTES)
                finally:
                    response.release()
        return Answer(response.headers, body)

    async def open(self, request: Request) -> Exchange:
        """Send a request whose answer is a stream; the caller closes the exchange."""
        ends_at = asyncio.get_running_loop().time() + self.timeouts.total_seconds
        with translated(self._key, self.timeouts.connect_seconds):
            response = await self._send(request)
            if response.content_type in _NO_STREAM:
                try:
                    raise self.unreadable(await _read(response, MAX_ANSWER_BYTES), "an answer that is no stream")
                finally:
                    response.release()
        return Exchange(response, self.timeouts, self._key, ends_at=ends_at)

    def error_from_frame(self, frame: Any) -> APIStatusError:
        """Build the exception of an ``error`` inside a 200."""
        return error_from_frame(frame, key=self._key)

    def unreadable(self, body: bytes, message: str) -> InfermaticError:
        """Build the exception of a 200 that holds no answer: the error it holds instead, or what it looks like."""
        try:
            found = lenient_json(body)
        except ResponseFormatError:
            found = None
        if isinstance(found, dict) and found.get("error"):
            return self.error_from_frame(found["error"])
        return ResponseFormatError(message, body=excerpt(body, self._key))

    async def _send(self, request: Request) -> aiohttp.ClientResponse:
        """Return the response of a success, raise the exception of any other."""
        timeouts = aiohttp.ClientTimeout(total=None, connect=self.timeouts.connect_seconds)
        response = await self._usable_session().request(
            request.method,
            self.base_url + request.path,
            data=request.body,
            headers=self._headers(request),
            timeout=timeouts,
            allow_redirects=False,  # a redirect would carry the key to another address
            raise_for_status=False,
        )
        if 200 <= response.status < 300:
            self._responses.add(response)
            return response
        try:
            body = await _read(response, _MAX_ERROR_BYTES, cut=True)
        finally:
            response.release()
        raise error_from_answer(response.status, response.headers, body, key=self._key)

    def _headers(self, request: Request) -> dict[str, str]:
        headers = {"Authorization": f"Bearer {self._key.reveal()}", "Accept": "application/json"}
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        if request.streamed:  # a compressing proxy would hold events back
            headers |= {"Accept": "text/event-stream", "Accept-Encoding": "identity"}
        return headers

    def _usable_session(self) -> aiohttp.ClientSession:
        if self._closed:
            raise RuntimeError("this client is closed")
        if self._session is None:  # made here because it belongs to the running event loop
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),  # the key's limits bound the requests under way
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session


async def _read(response: aiohttp.ClientResponse, cap: int, *, cut: bool = False) -> bytes:
    """Read a whole body; one larger than ``cap`` is cut or refused."""
    pieces: list[bytes] = []
    size = 0
    while piece := await response.content.readany():
        pieces.append(piece)
        size += len(piece)
        if size > cap:
            if cut:
                break
            raise ResponseFormatError(f"an answer of more than {cap} bytes")
    return b"".join(pieces)
