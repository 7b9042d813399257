"""What a caller reads a streamed answer from."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Generic, Self, TypeVar

from ._assembly import Assembly, Classify
from ._drains import HOLD_SECONDS, expected_seconds
from ._errors import APIConnectionError, APIStatusError, APITimeoutError, InfermaticError, StreamInterruptedError
from ._exchange import Exchange
from ._limits import Slot
from ._retry import still_runs_upstream
from ._sender import Sender
from ._translate import within
from ._transport import Request, Transport, judged
from ._types import ChatDelta, CompletionDelta, Usage

__all__ = ["ChatStream", "CompletionStream"]

D = TypeVar("D", bound=ChatDelta | CompletionDelta)


class _Reading(Generic[D]):
    """An open answer and the delta it began with."""

    def __init__(self, exchange: Exchange, assembly: Assembly[D]) -> None:
        self.exchange = exchange
        self.assembly = assembly
        self.first: D | None = None
        self._events: Iterator[bytes] = iter(())

    @property
    def headers(self) -> Mapping[str, str]:
        return self.exchange.headers

    async def next(self) -> D | None:
        """Return the next delta, ``None`` at a proper end; any other end raises."""
        assembly = self.assembly
        while True:
            if assembly.more:
                return assembly.more.pop(0)
            for event in self._events:
                delta = assembly.take(event)
                if delta is not None:
                    return delta
                if assembly.done:
                    break
            if assembly.done:
                return None
            events = await self.exchange.read()
            if events is None:
                if assembly.finished:
                    return None
                raise StreamInterruptedError(reason="no_finish")
            self._events = iter(events)

    async def drain(self) -> None:
        await self.exchange.drain()


class _Stream(Generic[D]):
    """An answer as it is written; use it in ``async with`` and iterate over it."""

    def __init__(
        self,
        request: Request,
        transport: Transport,
        sender: Sender,
        slot: Slot | None,
        assembly: Callable[[Classify], Assembly[D]],
    ) -> None:
        self._request = request
        self._transport = transport
        self._sender = sender
        self._slot = slot
        self._new_assembly = assembly
        self._reading: _Reading[D] | None = None
        self._entered = False
        self._ended = False
        self._started_at = 0.0
        self._chunks = 0
        self._texts: dict[int, list[str]] = {0: []}
        self._reasoning: list[str] = []
        self._finish_reason: str | None = None

    def __repr__(self) -> str:
        state = "ended" if self._ended else "open" if self._reading is not None else "not open"
        return f"<{type(self).__name__} {state}, {self._chunks} chunks>"

    @property
    def text(self) -> str:
        """All visible text so far, of the choice 0."""
        return self.text_of(0)

    @property
    def finish_reason(self) -> str | None:
        """Why the answer ended: stop, length, content_filter or tool_calls; ``None`` while it has not.

        With ``n`` > 1 the gateway sends a single finish, under index 0, for all choices.
        """
        return self._finish_reason

    @property
    def usage(self) -> Usage | None:
        """The tokens used, as the server counted them; it comes after the finish."""
        return self._reading.assembly.usage if self._reading is not None else None

    @property
    def model(self) -> str | None:
        """The model's name in the answer, which may be another than was asked for."""
        return self._reading.assembly.model if self._reading is not None else None

    @property
    def request_id(self) -> str | None:
        """The gateway's name for this request, when it gave one."""
        if self._reading is None:
            return None
        headers = self._reading.headers
        return headers.get("x-litellm-call-id") or headers.get("x-request-id")

    def text_of(self, index: int) -> str:
        """All visible text so far of one of the ``n`` choices."""
        pieces = self._texts.get(index)
        if not pieces:
            return ""
        if len(pieces) > 1:
            pieces[:] = ["".join(pieces)]
        return pieces[0]

    async def __aenter__(self) -> Self:
        if self._entered:
            raise RuntimeError("a stream can be entered only once")
        self._entered = True
        slot, self._slot = self._slot, None
        self._reading, self._slot = await self._sender.run(self._request, self._open, slot, see_out=_Reading.drain)
        self._started_at = asyncio.get_running_loop().time()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._ended:
            self._leave()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> D:
        reading = self._reading
        if self._ended or reading is None:
            if reading is None:
                raise RuntimeError("enter the stream first: async with client.stream_...(...) as stream")
            raise StopAsyncIteration
        delta = reading.first
        if delta is not None:
            reading.first = None
        else:
            try:
                delta = await reading.next()
            except InfermaticError as error:
                raise await self._failure(reading, error) from error.__cause__
        if delta is None:
            await self._end(reading)
            raise StopAsyncIteration
        self._chunks += 1
        self._account(delta)
        return delta

    def _account(self, delta: D) -> None:
        raise NotImplementedError

    async def _open(self) -> _Reading[D]:
        """Make one attempt, up to the first words: until then it can be repeated unseen."""
        timeouts = self._transport.timeouts
        async with within(min(timeouts.first_byte_seconds, timeouts.total_seconds), "first_byte"):
            with judged(self._request):
                exchange = await self._transport.open(self._request)
                try:
                    reading = _Reading(exchange, self._new_assembly(self._transport.error_from_frame))
                    reading.first = await reading.next()
                except BaseException:
                    exchange.close()
                    raise
        exchange.watch()
        return reading

    async def _end(self, reading: _Reading[D]) -> None:
        self._ended = True
        try:
            await reading.exchange.settle()
        finally:
            self._release()

    async def _failure(self, reading: _Reading[D], error: InfermaticError) -> InfermaticError:
        """Let go of everything and return what to raise: the words so far are in it."""
        self._ended = True
        try:
            if isinstance(error, StreamInterruptedError | APIStatusError):  # the server has ended it
                await reading.exchange.settle()
        finally:
            reading.exchange.close()
            self._release(hold_seconds=HOLD_SECONDS if still_runs_upstream(error) else 0.0)
        if isinstance(error, APIStatusError):
            error = StreamInterruptedError(
                f"the stream was interrupted by an error: {error}", reason="error_frame", error=error
            )
        elif isinstance(error, APIConnectionError) and not isinstance(error, APITimeoutError):
            error = StreamInterruptedError(f"the stream was interrupted: {error}", reason="cut")
        error.text = self.text
        return error

    def _leave(self) -> None:
        """The caller wants no more; the rest is read in the background where the server would hold the slot."""
        self._ended = True
        reading, slot = self._reading, self._slot
        assert reading is not None
        if slot is None or slot.limits.parallel_requests is None:
            reading.exchange.close()
            self._release()
            return
        elapsed = asyncio.get_running_loop().time() - self._started_at
        finished = reading.assembly.finished
        if not finished and expected_seconds(self._request.max_tokens, self._chunks, elapsed) >= HOLD_SECONDS:
            reading.exchange.close()
            self._release(hold_seconds=HOLD_SECONDS)
            return
        self._sender.drains.start(reading.drain, slot, stop=reading.exchange.close)

    def _release(self, *, hold_seconds: float = 0.0) -> None:
        if self._slot is not None:
            self._slot.release(hold_seconds=hold_seconds)


class ChatStream(_Stream[ChatDelta]):
    """A chat answer as it is written: an async iterator of ``ChatDelta``.

    With ``n`` > 1 the choices come mixed, told apart by ``delta.index``; ``text`` is the one of index 0.

    Entering raises what the request itself would raise, up to the first words; iterating then raises
    ``StreamInterruptedError``, ``APITimeoutError`` (silence of ``between_chunks_seconds``, or the total) or
    ``ResponseFormatError``, all with ``.text``. An empty ``text`` with the finish "stop" may be an error that the
    gateway hid (both recorded versions do so when the model's server ends early); offer to try again.
    """

    @property
    def reasoning(self) -> str:
        """What the server separated as reasoning so far, of the choice 0; inline ``<think>`` stays in ``text``."""
        pieces = self._reasoning
        if len(pieces) > 1:
            pieces[:] = ["".join(pieces)]
        return pieces[0] if pieces else ""

    def _account(self, delta: ChatDelta) -> None:
        if delta.text:
            pieces = self._texts.get(delta.index)
            if pieces is None:
                pieces = self._texts[delta.index] = []
            pieces.append(delta.text)
        if delta.reasoning and delta.index == 0:
            self._reasoning.append(delta.reasoning)
        if delta.finish_reason and self._finish_reason is None:
            self._finish_reason = delta.finish_reason


class CompletionStream(_Stream[CompletionDelta]):
    """A text completion as it is written: an async iterator of ``CompletionDelta``; raises as ``ChatStream``."""

    def _account(self, delta: CompletionDelta) -> None:
        if delta.text:
            self._texts[0].append(delta.text)
        if delta.finish_reason:
            self._finish_reason = delta.finish_reason
