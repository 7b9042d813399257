"""What can go wrong, as a tree; every leaf carries data, so that words can be chosen elsewhere.

    InfermaticError                        .text: what a stream had delivered before it failed
    ├── APIConnectionError                 no answer: refused, DNS, reset, cut before any text
    │   └── APITimeoutError                .phase, .seconds
    ├── StreamInterruptedError             .reason, .error: a stream ended before its finish
    ├── ResponseFormatError                .body: an answer that is not what the API promises
    └── APIStatusError                     .status_code, .type, .body, .request_id, .retry_after
        ├── BadRequestError                a parameter, a missing field, roles that do not alternate
        │   ├── ContextWindowExceededError .limit, .requested (tokens)
        │   └── UnknownModelError          .model
        ├── AuthenticationError            the key itself was refused: unknown, malformed, expired
        ├── PermissionDeniedError          .model: a good key, but not for this (model, budget)
        ├── NotFoundError                  no such path, or the model's backend does not know it
        ├── RateLimitError                 .limit_type, .limit
        └── ServerError                    .system_prompt_suspected
            └── UnsupportedSystemPromptError  .model

Values out of range and contradictory arguments raise ``ValueError`` before any request is made.

No error holds the key: texts of the gateway's 401 and 429 quote tails and hashes of it (recorded from
LiteLLM 1.66.3 and 1.83.14), which are cut out before an error is built.
"""

from typing import Literal

__all__ = [
    "APIConnectionError",
    "APIStatusError",
    "APITimeoutError",
    "AuthenticationError",
    "BadRequestError",
    "ContextWindowExceededError",
    "InfermaticError",
    "InterruptionReason",
    "NotFoundError",
    "PermissionDeniedError",
    "RateLimitError",
    "ResponseFormatError",
    "ServerError",
    "StreamInterruptedError",
    "TimeoutPhase",
    "UnknownModelError",
    "UnsupportedSystemPromptError",
]

TimeoutPhase = Literal["connect", "first_byte", "between_chunks", "total"]
InterruptionReason = Literal["cut", "error_frame", "made_up_finish", "no_finish"]


class InfermaticError(Exception):
    """Anything this library raises about a request.

    ``text`` is the visible text a stream had delivered before it failed, else empty.
    """

    def __init__(self, message: str = "", *, text: str = "") -> None:
        super().__init__(message)
        self.text = text


class APIConnectionError(InfermaticError):
    """No answer came: refused, no such host, reset, or cut off before the first words."""


class APITimeoutError(APIConnectionError):
    """One of the client's own time-outs passed; ``phase`` tells which, ``seconds`` how long it was."""

    def __init__(
        self, message: str = "", *, phase: TimeoutPhase = "total", seconds: float = 0.0, text: str = ""
    ) -> None:
        super().__init__(message or f"no answer in time: {phase}, {seconds:g} s", text=text)
        self.phase = phase
        self.seconds = seconds


class StreamInterruptedError(InfermaticError):
    """A stream ended before its finish; ``text`` is what had come.

    ``reason``: ``cut`` (the connection broke), ``no_finish`` (it ended cleanly but without a finish),
    ``error_frame`` (``error`` holds what the gateway said), ``made_up_finish`` (the finish has another
    ``id`` than the chunks: how LiteLLM 1.83.14 hides an error of the model's server).
    """

    def __init__(
        self,
        message: str = "",
        *,
        reason: InterruptionReason = "cut",
        error: "APIStatusError | None" = None,
        text: str = "",
    ) -> None:
        super().__init__(message or f"the stream was interrupted: {reason}", text=text)
        self.reason = reason
        self.error = error


class ResponseFormatError(InfermaticError):
    """An answer that cannot be read: not JSON, of another shape, or larger than the caps.

    ``body`` is its beginning, without anything that looks like a key.
    """

    def __init__(self, message: str = "", *, body: str = "", text: str = "") -> None:
        super().__init__(message, text=text)
        self.body = body


class APIStatusError(InfermaticError):
    """The API answered with an error; the subclasses say of which kind.

    ``status_code`` is the HTTP status, or the ``code`` of an error frame inside a 200 stream. ``type`` is the
    gateway's own word, ``None`` when it said null or "None". ``body`` is the answer without anything that looks
    like a key. ``retry_after`` is in seconds, ``None`` when the server did not say.
    """

    def __init__(
        self,
        message: str = "",
        *,
        status_code: int = 0,
        type: str | None = None,  # noqa: A002 -- the field's name on the wire
        body: str = "",
        request_id: str | None = None,
        retry_after: float | None = None,
        text: str = "",
    ) -> None:
        super().__init__(message, text=text)
        self.message = message
        self.status_code = status_code
        self.type = type
        self.body = body
        self.request_id = request_id
        self.retry_after = retry_after

    def __str__(self) -> str:
        """Give the status and the gateway's words, which were redacted when the error was built."""
        return f"{self.status_code}: {self.message}" if self.message else str(self.status_code)


class BadRequestError(APIStatusError):
    """The request itself is wrong; sending it again would fail again."""


class ContextWindowExceededError(BadRequestError):
    """Prompt and ``max_tokens`` together do not fit; ``limit`` and ``requested`` in tokens when stated."""

    limit: int | None = None
    requested: int | None = None


class UnknownModelError(BadRequestError):
    """The gateway knows no such ``model`` (400 "Invalid model name passed in", both recorded versions)."""

    model: str | None = None


class AuthenticationError(APIStatusError):
    """The key itself was refused: missing, malformed, unknown (401) or expired (400)."""


class PermissionDeniedError(APIStatusError):
    """The key is good but not for this: a ``model`` outside the plan (a 401), or a budget that is used up (a 400)."""

    model: str | None = None


class NotFoundError(APIStatusError):
    """No such path, or the model's own server does not know the model."""


class RateLimitError(APIStatusError):
    """Too many requests.

    ``limit_type`` is ``requests``, ``tokens`` or ``max_parallel_requests`` for the key's own limits, ``None`` when
    the model's server was too busy. ``limit`` is that limit's size when stated. ``type`` is ``"local"`` when the
    client refused by itself because the wait would have been longer than ``max_wait_seconds``.
    """

    limit_type: str | None = None
    limit: int | None = None


class ServerError(APIStatusError):
    """The gateway or the model's server failed.

    ``system_prompt_suspected``: the request held a system message and the answer is the one of models without a
    system role; it has other causes too, so trying once with the system text in the first user message decides it.
    """

    system_prompt_suspected: bool = False


class UnsupportedSystemPromptError(ServerError):
    """This ``model`` takes no system message; raised only for models documented or learned to be so."""

    model: str | None = None
