"""Sends a request as often as it is worth: slots, pauses, retries and leaving callers in one place."""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Final, Protocol, TypeVar

from ._drains import HOLD_SECONDS, Drains, expected_seconds
from ._errors import APIStatusError, InfermaticError, RateLimitError
from ._limits import KeyLimits, Slot
from ._retry import LONGEST_OBEYED_SECONDS, Tries, still_runs_upstream
from ._transport import Request

log: Final = logging.getLogger("infermatic_client")


class Answered(Protocol):
    """Whatever an attempt brings back."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The answer's headers, which tell what is left of the limits."""


T = TypeVar("T", bound=Answered)


class Sender:
    """The policy of one client."""

    def __init__(
        self,
        limits: KeyLimits | None,
        *,
        max_retries: int,
        max_wait_seconds: float | None,
        on_wait: Callable[[float], None] | None,
    ) -> None:
        self.limits = limits
        self.drains = Drains()
        self._max_retries = max_retries
        self._max_wait_seconds = max_wait_seconds
        self._on_wait = on_wait

    async def run(
        self,
        request: Request,
        attempt: Callable[[], Coroutine[Any, Any, T]],
        slot: Slot | None,
        *,
        see_out: Callable[[T], Awaitable[None]] | None = None,
    ) -> tuple[T, Slot | None]:
        """Return what ``attempt`` brought and the slot it runs under, which is then the caller's to release.

        However this ends otherwise, the slot is released. ``see_out`` reads the rest of an attempt's result for a
        caller that left meanwhile.
        """
        own_slots = slot is None and request.counted and self.limits is not None
        patience = _Patience(self._max_wait_seconds)
        tries = Tries(self._max_retries)
        while True:
            if own_slots and slot is None:
                slot = await self._acquire(patience)
            try:
                result = await self._attempt(request, attempt, slot, see_out)
            except InfermaticError as error:
                log.debug("%s %s: %s", request.method, request.path, type(error).__name__)
                pause = self._pause_after(error, slot, tries, patience, own_slots=own_slots)
                again = pause is not None and _may_send_again(slot, error)
                if slot is not None and not again:
                    slot.release(hold_seconds=HOLD_SECONDS if still_runs_upstream(error) else 0.0)
                    slot = None
                if pause is None or not (again or own_slots):
                    raise
            else:
                if slot is not None:
                    slot.limits.note_answer(result.headers)
                return result, slot
            await _sleep(pause, slot)

    async def _acquire(self, patience: "_Patience") -> Slot:
        assert self.limits is not None
        return await self.limits.acquire(max_wait_seconds=patience.left(), on_wait=self._on_wait)

    async def _attempt(
        self,
        request: Request,
        attempt: Callable[[], Coroutine[Any, Any, T]],
        slot: Slot | None,
        see_out: Callable[[T], Awaitable[None]] | None,
    ) -> T:
        """Make one attempt; it goes on in the background if the caller leaves and the server would hold the slot."""
        if slot is None or slot.limits.parallel_requests is None:
            try:
                return await attempt()
            except InfermaticError:
                raise
            except BaseException:
                if slot is not None:
                    slot.release()
                raise
        task = asyncio.get_running_loop().create_task(attempt(), name="infermatic-request")
        try:
            return await asyncio.shield(task)
        except InfermaticError:
            raise
        except asyncio.CancelledError:
            self._leave(request, task, slot, see_out)
            raise
        except BaseException:
            slot.release()
            raise

    def _leave(
        self,
        request: Request,
        task: asyncio.Task[T],
        slot: Slot,
        see_out: Callable[[T], Awaitable[None]] | None,
    ) -> None:
        async def rest() -> None:
            result = await task
            if see_out is not None:
                await see_out(result)

        def stop() -> None:
            task.cancel()

        if request.streamed and expected_seconds(request.max_tokens, 0, 0.0) >= HOLD_SECONDS:
            stop()
        self.drains.start(rest, slot, stop=stop)

    def _pause_after(
        self, error: InfermaticError, slot: Slot | None, tries: Tries, patience: "_Patience", *, own_slots: bool
    ) -> float | None:
        """Return the seconds to wait before another attempt, ``None`` to give up."""
        if slot is None:
            return tries.pause_after(error)
        if not isinstance(error, RateLimitError):
            if isinstance(error, APIStatusError):
                slot.limits.note_answer({})
            return tries.pause_after(error)
        seconds = slot.limits.note_refusal(error, slot)
        if error.limit_type is None:
            return tries.pause_after(error) if own_slots else None
        if error.retry_after is None or error.limit_type == "max_parallel_requests":
            error.retry_after = seconds
        if not own_slots or seconds > min(patience.left_seconds(), LONGEST_OBEYED_SECONDS):
            return None
        return 0.0  # the waiting is done in line, on the limits


class _Patience:
    """How much of ``max_wait_seconds`` is left, over all waits of one request."""

    def __init__(self, seconds: float | None) -> None:
        self._loop = asyncio.get_running_loop()
        self._until = math.inf if seconds is None else self._loop.time() + seconds

    def left_seconds(self) -> float:
        return max(0.0, self._until - self._loop.time())

    def left(self) -> float | None:
        return None if math.isinf(self._until) else self.left_seconds()


def _may_send_again(slot: Slot | None, error: InfermaticError) -> bool:
    """Tell whether the slot serves another try: not after the key's own limit refused it, nor in a full minute."""
    if slot is None:
        return True
    refused = isinstance(error, RateLimitError) and error.limit_type is not None
    return not refused and slot.count_again()


async def _sleep(seconds: float, slot: Slot | None) -> None:
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        if slot is not None:
            slot.release()
        raise
