"""One request on its way through the gateway: its key, its place among the key's requests, its fault."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from . import _errors
from ._keys import KeyState, LimitReachedError, RequestSlot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal

    from aiohttp import web

    from ._faults import Fault
    from ._log import ApiRequest
    from ._server import LocalInfermatic


class Exchange:
    """One request and everything that is known of it."""

    def __init__(self, api: LocalInfermatic, request: web.Request, record: ApiRequest) -> None:
        self.api = api
        self.request = request
        self.record = record
        self.fault: Fault | None = None
        self.backend_ends_at = 0.0  # by the api's clock: when the model would have finished, were nobody listening

    @property
    def body(self) -> dict[str, Any]:
        """The request's JSON."""
        return self.record.body

    @property
    def is_text(self) -> bool:
        """Whether this is a text completion."""
        return self.record.path == "/v1/completions"

    def authenticate(self) -> KeyState:
        """Return the key's state, or raise the 401 that fits."""
        header = self.request.headers.get("Authorization")
        if not header:
            raise _errors.no_key()
        scheme, _, key = header.partition(" ")
        if scheme.lower() != "bearer" or not key:
            raise _errors.malformed_key(header)
        if not key.startswith("sk-"):
            raise _errors.not_a_key(key)
        state = self.api.keys.get(key)
        if state is None:
            raise _errors.unknown_key(key, self.api.gateway)
        if state.expired:
            raise _errors.expired_key(key)
        if state.over_budget:
            raise _errors.over_budget()
        return state

    @contextmanager
    def slot(self, key: KeyState) -> Iterator[None]:
        """Count the request against the key's limits for as long as it runs.

        A stream that its client left goes on counting for 59 seconds in the new version; anything else counts until the
        model has finished.
        """
        self._apply_limit_fault(key)
        try:
            slot = key.start_request(self.api.clock())
        except LimitReachedError as error:
            raise self.limit_error(key, error.kind, error.limit, error.free_in_seconds) from error
        try:
            yield
        except (asyncio.CancelledError, ConnectionError):
            self._abandon(slot)
            raise
        finally:
            slot.end()

    def _abandon(self, slot: RequestSlot) -> None:
        if self.record.stream and self.api.gateway == "1.83.14":
            slot.end(self.api.clock() + self.api.abandoned_hold_seconds)
        else:
            slot.end(self.backend_ends_at)

    def _apply_limit_fault(self, key: KeyState) -> None:
        if self.fault is None or self.fault.kind not in {"parallel_limit", "minute_limit"}:
            return
        kind: Literal["requests", "max_parallel_requests"]
        kind = "requests" if self.fault.kind == "minute_limit" else "max_parallel_requests"
        limit = (key.requests_per_minute if kind == "requests" else key.parallel_requests) or 1
        error = self.limit_error(key, kind, limit, 30.0)
        if "retry_after" in self.fault.details:
            error.headers.pop("retry-after", None)
            if self.fault.details["retry_after"] is not None:
                error.headers["retry-after"] = str(self.fault.details["retry_after"])
        raise error

    def limit_error(
        self, key: KeyState, kind: Literal["requests", "max_parallel_requests"], limit: int, free_in_seconds: float
    ) -> _errors.GatewayError:
        """Return the 429 of the key's own limit."""
        now = self.api.clock()
        resets = datetime.fromtimestamp(now, UTC) + timedelta(seconds=60)
        return _errors.key_limit(
            key.key,
            kind,
            limit,
            version=self.api.gateway,
            reset_at=f"{resets:%Y-%m-%d %H:%M:%S} UTC",
            retry_after=free_in_seconds,
            requests_so_far=key.requests_this_minute(now),
            in_flight=key.in_flight(now),
            text_endpoint=self.is_text,
        )

    def limit_headers(self, key: KeyState) -> dict[str, str]:
        """Return the headers that tell what is left of the minute."""
        limit = key.requests_per_minute
        if limit is None or self.is_text:
            return {}
        left = max(0, limit - key.requests_this_minute(self.api.clock()))
        infix = "" if self.api.gateway == "1.66.3" else "api_key-"
        return {
            "x-litellm-key-rpm-limit": str(limit),
            f"x-ratelimit-{infix}remaining-requests": str(left),
            f"x-ratelimit-{infix}limit-requests": str(limit),
        }
