"""The client: one key, one pool of connections, every endpoint of the service."""

import contextlib
import os
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self, TypeVar
from urllib.parse import urlsplit

import aiohttp
import msgspec

from ._assembly import ChatAssembly, CompletionAssembly
from ._errors import ResponseFormatError
from ._limits import KeyLimits, Slot
from ._redact import Secret
from ._sampling import Sampling
from ._sender import Sender
from ._stream import ChatStream, CompletionStream
from ._transport import Answer, Request, Transport
from ._types import ChatCompletion, Completion, Embeddings, Message, Model, Timeouts, TokenCount
from ._wire import encode, read_answer

__all__ = ["DEFAULT_BASE_URL", "MODELS_WITHOUT_SYSTEM_ROLE", "InfermaticClient"]

DEFAULT_BASE_URL: Final = "https://api.totalgpt.ai"

MODELS_WITHOUT_SYSTEM_ROLE: Final = frozenset(
    {"TheDrummer-Rocinante-12B-v1.1", "Midnight-Miqu-70B-v1.5", "TheDrummer-Anubis-70B-v1-FP8-Dynamic"}
)
"""Models that answer a system message with a 500, according to the service's documentation (April 2025)."""

AnyMessage = Message | Mapping[str, Any]
T = TypeVar("T")

# extra_body passes what Sampling lacks; these would contradict the method that was called.
_RESERVED: Final = frozenset({"model", "messages", "prompt", "input", "stream"})


class InfermaticClient:
    """A client of Infermatic's API, or of any server of its kind.

    ``api_key``: when not given, the first of ``INFERMATIC_API_KEY``. ``timeout``: a ``Timeouts``, or the seconds for
    a whole request. ``max_retries``: further tries after a failure that may pass (429, 500, 502, 503, 504, refused,
    reset), after 0.5 to 8 s or the server's Retry-After up to 60 s, and only before any text was delivered. ``limits``:
    the state of this key; ``None`` for a server without limits. With limits, a method called without a ``slot`` waits
    for one, at most ``max_wait_seconds`` (``None``: as long as it takes), and calls ``on_wait`` with the expected
    seconds before it does. ``session``: used and not closed. ``models_without_system_role``: models learned to take
    no system message, beside ``MODELS_WITHOUT_SYSTEM_ROLE``; it is looked at for each request, so it may grow.

    Every request method releases the ``slot`` it is given, however it ends, and raises an ``InfermaticError``, or
    ``ValueError`` or ``TypeError`` for arguments that no server would take. A 429 of the key's own limits is waited
    out only without a given slot.
    """

    def __init__(
        self,
        api_key: str | None = None,
        base_url: str = DEFAULT_BASE_URL,
        *,
        timeout: Timeouts | float | None = None,
        max_retries: int = 1,
        limits: KeyLimits | None = None,
        max_wait_seconds: float | None = None,
        on_wait: Callable[[float], None] | None = None,
        session: aiohttp.ClientSession | None = None,
        models_without_system_role: Container[str] = (),
    ) -> None:
        if max_retries < 0:
            raise ValueError("max_retries must be 0 or more")
        if not isinstance(timeout, Timeouts):
            timeout = Timeouts() if timeout is None else Timeouts(total_seconds=timeout)
        self._transport = Transport(Secret(_usable_key(api_key)), _usable_base_url(base_url), timeout, session)
        self._sender = Sender(limits, max_retries=max_retries, max_wait_seconds=max_wait_seconds, on_wait=on_wait)
        self._models_without_system_role = models_without_system_role

    def __repr__(self) -> str:
        return f"<InfermaticClient {self.base_url}>"

    @property
    def base_url(self) -> str:
        """The address, without ``/v1``."""
        return self._transport.base_url

    @property
    def limits(self) -> KeyLimits | None:
        """The state of this client's key, ``None`` for a server without limits."""
        return self._sender.limits

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End streams and background reading, close the connections (not those of a given session)."""
        await self._sender.drains.close()
        await self._transport.close()

    async def models(self) -> list[Model]:
        """List the models this key may use, sorted by name (the order of 1.66.3 is random).

        Does not count against the limits.
        """
        request = Request(method="GET", path="/v1/models", counted=False, quick=True)
        answer, _ = await self._send(request, _ModelList, "data", None)
        return sorted(answer.data, key=lambda model: (model.id.casefold(), model.id))

    async def chat(
        self,
        model: str,
        messages: Sequence[AnyMessage],
        *,
        sampling: Sampling | None = None,
        extra_body: Mapping[str, Any] | None = None,
        slot: Slot | None = None,
    ) -> ChatCompletion:
        """Answer a conversation, all at once.

        ``extra_body`` passes what ``Sampling`` lacks; unknown keys reach vLLM (recorded from both versions), except
        ``user`` and ``metadata``, which the gateway drops.
        """
        with _kept(slot):
            request = self._chat_request(model, messages, sampling, extra_body)
        completion, request_id = await self._send(request, ChatCompletion, "choices", slot)
        return msgspec.structs.replace(completion, request_id=request_id)

    def stream_chat(
        self,
        model: str,
        messages: Sequence[AnyMessage],
        *,
        sampling: Sampling | None = None,
        extra_body: Mapping[str, Any] | None = None,
        slot: Slot | None = None,
    ) -> ChatStream:
        """Answer a conversation as it is written; use it as ``async with client.stream_chat(...) as stream``.

        With limits, leaving early costs nothing to the caller: the rest is read in the background when that is
        expected to take less than the 60 s for which the gateway would hold the key's slot. Pass ``max_tokens``, or
        nothing can be expected. Nothing is sent, and a given ``slot`` stays taken, until the stream is entered.
        """
        with _kept(slot):
            request = self._chat_request(model, messages, sampling, extra_body, streamed=True)
        return ChatStream(request, self._transport, self._sender, slot, ChatAssembly)

    async def complete(
        self,
        model: str,
        prompt: str | Sequence[str],
        *,
        sampling: Sampling | None = None,
        extra_body: Mapping[str, Any] | None = None,
        slot: Slot | None = None,
    ) -> Completion:
        """Continue a text, all at once; the prompt carries the model's own template, if any."""
        with _kept(slot):
            request = self._request("/v1/completions", model, {"prompt": prompt}, sampling, extra_body)
        completion, request_id = await self._send(request, Completion, "choices", slot)
        return msgspec.structs.replace(completion, request_id=request_id)

    def stream_complete(
        self,
        model: str,
        prompt: str,
        *,
        sampling: Sampling | None = None,
        extra_body: Mapping[str, Any] | None = None,
        slot: Slot | None = None,
    ) -> CompletionStream:
        """Continue a text as it is written.

        ``n`` > 1 raises ``ValueError``: the gateway gives every choice of a text stream the index 0 (recorded from
        both versions), so the alternatives could not be told apart. Fetch them with ``complete``.
        """
        with _kept(slot):
            n = (extra_body or {}).get("n", sampling.n if sampling is not None else None)
            if (n or 1) > 1 or not isinstance(prompt, str):
                raise ValueError(
                    "a text stream has one choice: the gateway gives every choice index 0, so that several cannot be "
                    "told apart; use complete() for alternatives"
                )
            request = self._request("/v1/completions", model, {"prompt": prompt}, sampling, extra_body, streamed=True)
        return CompletionStream(request, self._transport, self._sender, slot, CompletionAssembly)

    async def count_tokens(
        self, model: str, *, prompt: str | None = None, messages: Sequence[AnyMessage] | None = None
    ) -> TokenCount:
        """Estimate the tokens of a prompt or of messages; exactly one of them, else ``ValueError``.

        Does not count against the limits. With both, 1.83.14 answers 500 in plain text.
        """
        if (prompt is None) == (messages is None):
            raise ValueError("give either prompt or messages")
        body: dict[str, Any] = {"model": model}
        body |= {"prompt": prompt} if messages is None else {"messages": _checked(messages)}
        request = Request(path="/utils/token_counter", body=encode(body), counted=False, quick=True)
        count, _ = await self._send(request, TokenCount, "", None)
        return count

    async def embed(
        self,
        model: str,
        texts: str | Sequence[str],
        *,
        extra_body: Mapping[str, Any] | None = None,
        slot: Slot | None = None,
    ) -> Embeddings:
        """Turn texts into vectors of floats.

        E5 models such as ``intfloat-multilingual-e5-base`` (768 floats, 512 tokens of input) want each text to begin
        with ``query: `` or ``passage: ``. Counts against the limits.
        """
        with _kept(slot):
            if not texts:
                raise ValueError("give at least one text")
            request = self._request("/v1/embeddings", model, {"input": texts}, None, extra_body, quick=True)
        embeddings, request_id = await self._send(request, Embeddings, "data", slot)
        return msgspec.structs.replace(embeddings, request_id=request_id)

    async def _send(self, request: Request, type_: type[T], items: str, slot: Slot | None) -> tuple[T, str | None]:
        async def attempt() -> Answer:
            return await self._transport.fetch(request)

        answer, slot = await self._sender.run(request, attempt, slot)
        if slot is not None:
            slot.release()
        try:
            found = read_answer(answer.body, type_, items)
        except ResponseFormatError as error:
            raise self._transport.unreadable(answer.body, str(error)) from None
        return found, answer.headers.get("x-litellm-call-id") or answer.headers.get("x-request-id")

    def _chat_request(
        self,
        model: str,
        messages: Sequence[AnyMessage],
        sampling: Sampling | None,
        extra_body: Mapping[str, Any] | None,
        *,
        streamed: bool = False,
    ) -> Request:
        content = {"messages": _checked(messages)}
        request = self._request("/v1/chat/completions", model, content, sampling, extra_body, streamed=streamed)
        if not any(_role(message) == "system" for message in messages):
            return request
        lacks = model in MODELS_WITHOUT_SYSTEM_ROLE or model in self._models_without_system_role
        return msgspec.structs.replace(request, system=True, lacks_system_role=lacks)

    def _request(
        self,
        path: str,
        model: str,
        content: Mapping[str, Any],
        sampling: Sampling | None,
        extra_body: Mapping[str, Any] | None,
        *,
        streamed: bool = False,
        quick: bool = False,
    ) -> Request:
        extra = dict(extra_body or {})
        if reserved := _RESERVED & extra.keys():
            raise ValueError(f"extra_body must not hold {', '.join(sorted(reserved))}")
        body: dict[str, Any] = {"model": model, **content}
        if sampling is not None:
            body |= msgspec.to_builtins(sampling)
        if streamed:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        body |= extra
        max_tokens = body.get("max_tokens", body.get("max_completion_tokens"))
        if isinstance(max_tokens, int):
            max_tokens *= body.get("n") or 1
        return Request(path=path, body=encode(body), model=model, streamed=streamed, quick=quick, max_tokens=max_tokens)


class _ModelList(msgspec.Struct):
    data: list[Model]


@contextlib.contextmanager
def _kept(slot: Slot | None) -> Iterator[None]:
    """Give a slot back when the request is not even made."""
    try:
        yield
    except BaseException:
        if slot is not None:
            slot.give_back()
        raise


def _role(message: AnyMessage) -> str | None:
    return message.role if isinstance(message, Message) else message.get("role")


def _checked(messages: Sequence[AnyMessage]) -> list[AnyMessage]:
    if isinstance(messages, str | Mapping) or not messages:
        raise ValueError("messages must be a list of at least one message")
    for message in messages:
        if not isinstance(message, Message | Mapping) or not _role(message):
            raise TypeError("each message must be a Message, or a dict with a role")
    return list(messages)


def _usable_key(key: str | None) -> str:
    """Check a key without ever showing it."""
    if key is None:
        key = os.environ.get("INFERMATIC_API_KEY", "").split(",")[0]  # several make a pool: one client each
    key = key.strip()
    if not key:
        raise ValueError("no API key: pass api_key or set INFERMATIC_API_KEY")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ValueError("the API key holds characters that no key has")
    return key


def _usable_base_url(url: str) -> str:
    """Take the address as people write it, with or without ``/v1``: the token counter lives outside of it."""
    url = url.strip().rstrip("/").removesuffix("/v1").rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("base_url must begin with https:// or http:// and name a host")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("base_url must hold neither a user nor a query")
    return url
