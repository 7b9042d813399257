"""A stream as a series of frames, and what faults make of it. Nothing here sends anything."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from ._errors import GatewayError, GatewayVersion
from ._offline_text import padding
from ._shapes import DONE, dumps
from ._tokenizer import split_tokens

if TYPE_CHECKING:
    from ._calls import Call
    from ._faults import Fault
    from ._generation import Generation
    from ._shapes import Chunks

HUGE_LINE_BYTES = 2 * 1024 * 1024
"""More than any client should take in one line."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Some bytes of a stream, and when they come."""

    data: bytes = b""
    part: Literal["pause", "opening", "token", "finish", "usage", "done"] = "token"
    tokens: int = 0  # as many times of the speed are waited before the bytes go
    pause_seconds: float = 0.0
    alone: bool = False  # never joined with its neighbours into one write
    breaks: bool = False  # the connection ends after it, without a proper end


@dataclass(frozen=True, slots=True)
class Stream:
    """What the frames are made from."""

    call: Call
    chunks: Chunks
    generation: Generation
    version: GatewayVersion
    first_token_seconds: float
    chunk_tokens: int = 1

    def frames(self) -> Iterator[Frame]:
        """Yield the frames of a stream in which nothing goes wrong."""
        yield Frame(part="pause", pause_seconds=self.first_token_seconds)
        yield Frame(self.chunks.opening(), "opening")
        yield from self._text()
        yield from self.ending()

    def ending(self, reason: str | None = None, *, other_id: str | None = None) -> Iterator[Frame]:
        """Yield what follows the text."""
        yield Frame(self.chunks.finish(reason or self.generation.choices[0].finish_reason, other_id=other_id), "finish")
        if self.call.include_usage:
            yield Frame(self.chunks.usage(self.generation), "usage")
        yield Frame(DONE, "done")

    def _text(self) -> Iterator[Frame]:
        """Yield the choices side by side, as they are generated."""
        step = self.chunk_tokens
        thoughts = max(len(choice.reasoning) for choice in self.generation.choices)
        for start in range(0, thoughts, step):
            yield from self._round("reasoning", start)
        for start in range(0, max(len(choice.tokens) for choice in self.generation.choices), step):
            yield from self._round("tokens", start)

    def _round(self, part: Literal["reasoning", "tokens"], start: int) -> Iterator[Frame]:
        waited = False
        for choice in self.generation.choices:
            pieces: tuple[str, ...] = getattr(choice, part)[start : start + self.chunk_tokens]
            if pieces:
                data = self.chunks.token(choice.index, "".join(pieces), reasoning=part == "reasoning")
                yield Frame(data, tokens=0 if waited else len(pieces))
                waited = True


def spoiled(stream: Stream, fault: Fault | None) -> Iterator[Frame]:
    """Yield the stream's frames with the fault in them."""
    spoil = _SPOILERS.get(fault.kind) if fault is not None else None
    if fault is None or spoil is None:
        return stream.frames()
    return spoil(stream, fault)


def _before_fault(stream: Stream, fault: Fault) -> Iterator[Frame]:
    """Yield the frames up to the fault: the opening and some of the text."""
    left = fault.after_tokens
    for frame in stream.frames():
        if frame.part in {"finish", "usage", "done"} or left <= 0 < frame.tokens:
            return
        yield frame
        left -= frame.tokens


def _with_pause(stream: Stream, fault: Fault) -> Iterator[Frame]:
    seen, paused = 0, False
    seconds = math.inf if fault.seconds is None else fault.seconds
    for frame in stream.frames():
        if not paused and frame.tokens and seen >= fault.after_tokens:
            paused = True
            yield Frame(part="pause", pause_seconds=seconds)
        seen += frame.tokens
        yield frame


def _with_late_start(stream: Stream, fault: Fault) -> Iterator[Frame]:
    seconds = math.inf if fault.seconds is None else fault.seconds
    for frame in stream.frames():
        yield replace(frame, pause_seconds=seconds) if frame.part == "pause" else frame


def _broken_off(stream: Stream, fault: Fault) -> Iterator[Frame]:
    yield from _before_fault(stream, fault)
    yield Frame(breaks=True)


def _upstream_cut(stream: Stream, fault: Fault) -> Iterator[Frame]:
    yield from _before_fault(stream, fault)
    if stream.version == "1.83.14" and not stream.call.is_text:
        yield from stream.ending("stop")
        return
    told = "peer closed connection without sending complete message body (incomplete chunked read)"
    yield Frame(midstream_error(stream, told).frame)


def _made_up_finish(stream: Stream, fault: Fault) -> Iterator[Frame]:
    yield from _before_fault(stream, fault)
    if stream.call.is_text:
        yield Frame(midstream_error(stream, "object of type 'NoneType' has no len()").frame)
        return
    other_id = "chatcmpl-" + "f" * 32 if stream.version == "1.83.14" else None
    yield from stream.ending("stop", other_id=other_id)


def _error_frame(stream: Stream, fault: Fault) -> Iterator[Frame]:
    yield from _before_fault(stream, fault)
    told = "EngineCore encountered an issue. See stack trace (above) for the root cause."
    yield Frame(midstream_error(stream, str(fault.details.get("message", told))).frame)


def _upstream_end(stream: Stream, fault: Fault) -> Iterator[Frame]:
    yield from _before_fault(stream, fault)
    yield from stream.ending("stop")


def midstream_error(stream: Stream, told: str) -> GatewayError:
    """Return the error that the gateway makes of a failure behind it while a stream is running."""
    if not stream.call.is_text:
        text = f"litellm.APIConnectionError: APIConnectionError: OpenAIException - {told}"
        if stream.version == "1.83.14":
            text = f"litellm.MidStreamFallbackError: {text}. Received Model Group={stream.call.model}"
            text += "\nAvailable Model Group Fallbacks=None"
        return GatewayError(500, text)
    inner = f"litellm.APIConnectionError: APIConnectionError: Text-completion-openaiException - {told}"
    if stream.version == "1.66.3":
        return GatewayError(500, f"litellm.APIError: APIError: OpenAIException - {inner}")
    outer = "litellm.InternalServerError: InternalServerError: OpenAIException - litellm.MidStreamFallbackError: "
    return GatewayError(500, f"{outer}{inner} Original exception: APIConnectionError: {inner}")


def _no_done(stream: Stream, fault: Fault) -> Iterator[Frame]:
    yield from (frame for frame in stream.frames() if frame.part != "done")


def _empty(stream: Stream, fault: Fault) -> Iterator[Frame]:
    yield from (frame for frame in stream.frames() if frame.part != "token")


def _inserted(make: Callable[[Stream, Fault], bytes]) -> Callable[[Stream, Fault], Iterator[Frame]]:
    """Return a spoiler that slips some bytes into the text."""

    def spoil(stream: Stream, fault: Fault) -> Iterator[Frame]:
        seen, done = 0, False
        for frame in stream.frames():
            if not done and (seen >= fault.after_tokens or frame.part == "finish") and frame.part != "opening":
                done = True
                yield Frame(make(stream, fault))
            seen += frame.tokens
            yield frame

    return spoil


def _null_content(stream: Stream, fault: Fault) -> bytes:
    return stream.chunks.token(0, "\0").replace(b'"\\u0000"', b"null")


def _empty_choices(stream: Stream, fault: Fault) -> bytes:
    return b"data: " + dumps({"id": "chatcmpl-0", "object": "chat.completion.chunk", "choices": []}) + b"\n\n"


def _broken_json(stream: Stream, fault: Fault) -> bytes:
    return b'data: {"id": "chatcmpl-0", "choices": [{"index": 0, "delta": {"conte\n\n'


def _invalid_utf8(stream: Stream, fault: Fault) -> bytes:
    return stream.chunks.token(0, " @@ ").replace(b"@@", b"\xff\xc3(\xe2\x82")


def _lone_surrogate(stream: Stream, fault: Fault) -> bytes:
    return stream.chunks.token(0, " @@ ").replace(b"@@", b"\\ud83d")


def _nul(stream: Stream, fault: Fault) -> bytes:
    return stream.chunks.token(0, " \0 ")


def _huge_line(stream: Stream, fault: Fault) -> bytes:
    return stream.chunks.token(0, "x" * int(fault.details.get("size", HUGE_LINE_BYTES)))


def _endless(stream: Stream, fault: Fault) -> Iterator[Frame]:
    yield from (frame for frame in stream.frames() if frame.part in {"pause", "opening", "token"})
    for sentence in padding(random.Random(stream.call.prompt_tokens)):
        for token in split_tokens(sentence):
            yield Frame(stream.chunks.token(0, token), tokens=1)


def _duplicate_finish(stream: Stream, fault: Fault) -> Iterator[Frame]:
    for frame in stream.frames():
        yield frame
        if frame.part == "finish":
            yield frame


def _crlf(stream: Stream, fault: Fault) -> Iterator[Frame]:
    for number, frame in enumerate(stream.frames()):
        yield replace(frame, data=frame.data.replace(b"\n", b"\r\n") if number % 2 == 0 else frame.data)


def _comments(stream: Stream, fault: Fault) -> Iterator[Frame]:
    for frame in stream.frames():
        yield Frame(b": keep-alive\n\n") if frame.part == "token" else Frame(part="pause")
        yield frame


def _split_bytes(stream: Stream, fault: Fault) -> Iterator[Frame]:
    for frame in stream.frames():
        yield replace(frame, data=b"")
        for byte in frame.data:
            yield Frame(bytes([byte]), frame.part, alone=True)


_SPOILERS: dict[str, Callable[[Stream, Fault], Iterator[Frame]]] = {
    "stall_first": _with_late_start,
    "stall": _with_pause,
    "cut": _broken_off,
    "close": _broken_off,
    "upstream_cut": _upstream_cut,
    "made_up_finish": _made_up_finish,
    "error_frame": _error_frame,
    "upstream_end": _upstream_end,
    "no_done": _no_done,
    "empty": _empty,
    "null_content": _inserted(_null_content),
    "empty_choices": _inserted(_empty_choices),
    "garbage": _inserted(_broken_json),
    "invalid_utf8": _inserted(_invalid_utf8),
    "lone_surrogate": _inserted(_lone_surrogate),
    "nul": _inserted(_nul),
    "huge_line": _inserted(_huge_line),
    "endless": _endless,
    "duplicate_finish": _duplicate_finish,
    "crlf": _crlf,
    "comments": _comments,
    "split_bytes": _split_bytes,
}
