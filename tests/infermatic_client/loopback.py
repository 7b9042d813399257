"""A server on loopback that answers as told, byte for byte."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Piece = bytes | asyncio.Event
"""Bytes to write and flush, or an event to wait for."""


@dataclass
class Reply:
    """One answer. ``framing`` decides how its end shows; ``cut`` leaves the end out and closes the connection."""

    status: int = 200
    headers: Sequence[tuple[str, str]] = (("content-type", "application/json"),)
    pieces: Sequence[Piece] = ()
    framing: Literal["length", "chunked", "close"] = "length"
    cut: bool = False
    before_headers: asyncio.Event | None = None
    raw_head: bytes | None = None


@dataclass
class Received:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Script = Callable[[Received], Reply]


@dataclass
class Loopback:
    """What the server has seen, and what it will say."""

    url: str = ""
    script: Script | None = None
    replies: list[Reply] = field(default_factory=list)
    requests: list[Received] = field(default_factory=list)
    open_connections: int = 0
    connections: int = 0
    hung_up: int = 0  # answers the client did not wait for
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def say(self, *replies: Reply) -> None:
        """Answer the next requests with these, and any further with the last of them."""
        self.replies = list(replies)

    def _next(self, request: Received) -> Reply:
        if self.script is not None:
            return self.script(request)
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

    def _note(self) -> None:
        self.changed.set()

    async def until(self, condition: Callable[[], bool], seconds: float = 5.0) -> None:
        """Wait until something this server sees makes ``condition`` true."""
        async with asyncio.timeout(seconds):
            while not condition():
                self.changed.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.02):  # conditions may also look at the client
                        await self.changed.wait()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open_connections += 1
        self._note()
        try:
            while True:
                request = await _receive(reader)
                if request is None:
                    return
                self.requests.append(request)
                self._note()
                reply = self._next(request)
                if not await self._answer(reply, reader, writer):
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open_connections -= 1
            self._note()
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(self, reply: Reply, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Write a reply; false when the connection is to be closed."""
        if reply.before_headers is not None and not await self._wait(reply.before_headers, reader):
            return False
        writer.write(_head(reply) if reply.raw_head is None else reply.raw_head)
        for piece in reply.pieces:
            if isinstance(piece, asyncio.Event):
                if not await self._wait(piece, reader):
                    return False
                continue
            framed = b"%x\r\n%s\r\n" % (len(piece), piece) if reply.framing == "chunked" else piece
            writer.write(framed)
            try:
                await writer.drain()
            except ConnectionError:
                self.hung_up += 1
                raise
            await asyncio.sleep(0)
        if reply.framing == "chunked" and not reply.cut:
            writer.write(b"0\r\n\r\n")
        await writer.drain()
        return reply.framing != "close" and not reply.cut

    async def _wait(self, event: asyncio.Event, reader: asyncio.StreamReader) -> bool:
        """Wait for ``event``; false when the client hangs up meanwhile."""
        waiting = asyncio.ensure_future(event.wait())
        leaving = asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait({waiting, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                return True
            self.hung_up += 1
            return False
        finally:
            for future in (waiting, leaving):
                future.cancel()
            await asyncio.gather(waiting, leaving, return_exceptions=True)
            self._note()


async def _receive(reader: asyncio.StreamReader) -> Received | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Received(method, path, headers, body)


def _head(reply: Reply) -> bytes:
    lines = [f"HTTP/1.1 {reply.status} Said So", *(f"{name}: {value}" for name, value in reply.headers)]
    if reply.framing == "chunked":
        lines.append("transfer-encoding: chunked")
    elif reply.framing == "length":
        lines.append(f"content-length: {sum(len(piece) for piece in reply.pieces if isinstance(piece, bytes))}")
    else:
        lines.append("connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


@contextlib.asynccontextmanager
async def loopback() -> AsyncIterator[Loopback]:
    """Run a server on an ephemeral port."""
    state = Loopback()
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(state.handle(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    state.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield state
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


def json_reply(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """Answer with JSON."""
    fields = [("content-type", "application/json"), *(headers or {}).items()]
    return Reply(status, fields, [json.dumps(value).encode()])


def error_reply(status: int, message: str, type_: str | None = None, headers: Mapping[str, str] | None = None) -> Reply:
    """Answer with the gateway's error envelope."""
    envelope = {"error": {"message": message, "type": type_, "param": None, "code": str(status)}}
    return json_reply(envelope, status, headers)


def event(value: Any) -> bytes:
    """Write one event as the gateway does."""
    return b"data: " + json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"


def chat_event(text: str | None = None, finish: str | None = None, *, id_: str = "c-1", **more: Any) -> bytes:
    """One chat chunk, shaped as LiteLLM 1.83.14 sends it."""
    delta = {} if text is None else {"content": text}
    choice = {"index": 0, "delta": delta} | ({"finish_reason": finish} if finish else {})
    return event({"id": id_, "model": "a-model", "object": "chat.completion.chunk", "choices": [choice]} | more)


def chat_events(*texts: str) -> list[bytes]:
    """A whole chat stream."""
    return [*(chat_event(text) for text in texts), chat_event(finish="stop"), DONE]


def stream_reply(
    pieces: Iterable[Piece], *, cut: bool = False, framing: Literal["chunked", "close"] = "chunked"
) -> Reply:
    """Answer with a stream of these pieces."""
    return Reply(200, [("content-type", "text/event-stream; charset=utf-8")], list(pieces), framing, cut=cut)


def chat_reply(text: str = "Hello.") -> Reply:
    """Answer with a whole chat completion."""
    return json_reply(
        {
            "id": "chatcmpl-1",
            "model": "a-model",
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
        }
    )
