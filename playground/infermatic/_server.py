"""The local Infermatic itself: what tests and the demo hold in their hands."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any, Self

from aiohttp import web

from ._endpoints import Endpoints
from ._faults import Faults
from ._keys import KeyState
from ._log import KEPT_REQUESTS, ApiRequest
from ._models import DEFAULT_MODELS, ModelSpec
from ._replies import Replies
from ._sending import Gate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

    from ._errors import GatewayVersion

DEFAULT_KEY = "sk-local"
"""A key without limits that is always there."""

ABANDONED_HOLD_SECONDS = 59.0
"""How long 1.83.14 counted a stream as running that its client had left."""

_SHUTDOWN_SECONDS = 0.1  # handlers were cancelled before; nothing is left to wait for
_MAX_BODY_BYTES = 64 * 1024 * 1024


class LocalInfermatic:
    """A gateway like Infermatic's on loopback, with a text generator in place of the models.

    Everything that is an attribute here may be changed while it runs.
    """

    def __init__(
        self,
        *,
        tokens_per_second: float = 40.0,  # math.inf: at once
        first_token_seconds: float = 0.2,
        models: Iterable[ModelSpec | str] | None = None,
        gateway: GatewayVersion = "1.83.14",
        chunk_tokens: int = 1,
        abandoned_hold_seconds: float = ABANDONED_HOLD_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.tokens_per_second = tokens_per_second
        self.first_token_seconds = first_token_seconds
        self.chunk_tokens = chunk_tokens
        self.abandoned_hold_seconds = abandoned_hold_seconds
        self.gateway: GatewayVersion = gateway
        self.clock = clock
        chosen = DEFAULT_MODELS if models is None else models
        specs = [ModelSpec(model) if isinstance(model, str) else model for model in chosen]
        self.models: dict[str, ModelSpec] = {spec.id: spec for spec in specs}
        self.context_windows: dict[str, int] = {spec.id: spec.context_window for spec in specs}
        self.keys: dict[str, KeyState] = {}
        self.replies = Replies()
        self.faults = Faults()
        self.requests: list[ApiRequest] = []
        self.gate = Gate()
        self._arrived = 0
        self._listeners: list[Callable[[ApiRequest], None]] = []
        self._running: set[asyncio.Task[Any]] = set()
        self._runner: web.AppRunner | None = None
        self._url = ""
        self.add_key(DEFAULT_KEY)

    @property
    def running(self) -> bool:
        """Whether it listens."""
        return self._runner is not None

    @property
    def url(self) -> str:
        """The base address, without /v1."""
        return self._url

    def add_key(
        self,
        key: str,
        requests_per_minute: int | None = None,
        parallel_requests: int | None = None,
        models: Iterable[str] | None = None,
    ) -> KeyState:
        """Make a key known; its limits (None: none) and models (None: all) can be changed on the result."""
        plan = None if models is None else tuple(models)
        state = KeyState(key, requests_per_minute, parallel_requests, plan)
        state.minute = "clock" if self.gateway == "1.66.3" else "sliding"
        self.keys[key] = state
        return state

    def hold(self, after_tokens: int = 0) -> None:
        """Let no answer get further than so many tokens from now on, until `release`."""
        self.gate.close(after_tokens)

    def release(self) -> None:
        """Let the answers that were held go on, and those to come."""
        self.gate.open()

    def subscribe(self, callback: Callable[[ApiRequest], None]) -> Callable[[], None]:
        """Call back when a request arrives and when it has ended; the result ends that."""
        self._listeners.append(callback)

        def remove() -> None:
            with contextlib.suppress(ValueError):
                self._listeners.remove(callback)

        return remove

    def remember(self, request: ApiRequest) -> None:
        """Keep a request that has arrived."""
        request.number = self._arrived
        self._arrived += 1
        self.requests.append(request)
        if len(self.requests) > KEPT_REQUESTS:
            del self.requests[: KEPT_REQUESTS // 2]
        self.note(request)

    def note(self, request: ApiRequest) -> None:
        """Tell the listeners that a request arrived or changed."""
        for callback in list(self._listeners):
            callback(request)

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen and return the base address."""
        app = web.Application(client_max_size=_MAX_BODY_BYTES, middlewares=[self._track])
        Endpoints(self).add_to(app)
        runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
        await runner.setup()
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        name, bound_port = runner.addresses[0][:2]
        self._url = f"http://{name}:{bound_port}"
        return self._url

    async def stop(self) -> None:
        """End every request and stop listening."""
        runner, self._runner = self._runner, None
        for task in list(self._running):
            task.cancel()
        if runner is not None:
            await runner.cleanup()

    async def __aenter__(self) -> Self:
        """Start on a free port of loopback."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        await self.stop()

    @web.middleware
    async def _track(self, request: web.Request, handler: Callable[[web.Request], Any]) -> web.StreamResponse:
        """Remember the handlers that run, so that stop() can end them."""
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        try:
            response: web.StreamResponse = await handler(request)
            return response
        finally:
            self._running.discard(task)
