"""The gateway's errors, as they were recorded.

GatewayError: an answer that is not a success, thrown from anywhere while a request is handled.
The functions below make the known ones; the wording is the gateway's.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Literal

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

GatewayVersion = Literal["1.83.14", "1.66.3"]

_UNLIMITED = 9_223_372_036_854_775_807  # how the old version prints a limit that is not set


class GatewayError(Exception):
    """An error answer: a status and a body, in the gateway's envelope unless `raw` is given."""

    def __init__(
        self,
        status: int,
        message: str = "",
        *,
        type: str | None = None,  # noqa: A002 - the wire's own word
        param: str | None = None,
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        raw: bytes | None = None,
        content_type: str = "application/json",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error: dict[str, Any] = {"message": message, "type": type, "param": param, "code": str(status)}
        self.error.update(extra or {})
        self.headers = dict(headers or {})
        self.raw = raw
        self.content_type = content_type

    @property
    def body(self) -> bytes:
        """The bytes of the answer."""
        if self.raw is not None:
            return self.raw
        return json.dumps({"error": self.error}, separators=(",", ":"), ensure_ascii=False).encode()

    @property
    def frame(self) -> bytes:
        """The error as an event inside a stream whose status is already 200."""
        return b"data: " + json.dumps({"error": self.error}).encode() + b"\n\n"

    def response(self) -> web.Response:
        """Return the HTTP answer."""
        headers = {**self.headers, "Content-Type": self.content_type}
        return web.Response(status=self.status, body=self.body, headers=headers)


def key_hash(key: str) -> str:
    """Return the hash by which the gateway names a key."""
    return hashlib.sha256(key.encode()).hexdigest()


def _routed(status: int, text: str, model: str, *, type: str | None = None) -> GatewayError:  # noqa: A002 - the wire's word
    """Return an error that came back from behind the gateway."""
    message = f"{text}. Received Model Group={model}\nAvailable Model Group Fallbacks=None"
    return GatewayError(status, message, type=type)


def _upstream(text: str, kind: str, status: int, *, text_endpoint: bool) -> str:
    """Return what the gateway quotes of the model server: bare for chats, the whole body for text completions."""
    if not text_endpoint:
        return text
    body = {"object": "error", "message": text, "type": kind, "param": None, "code": status}
    return f"Error code: {status} - {body}"


def no_key() -> GatewayError:
    """No Authorization header."""
    return GatewayError(401, "Authentication Error, No api key passed in.", type="auth_error", param="None")


def malformed_key(passed: str) -> GatewayError:
    """An Authorization header without `Bearer`."""
    text = f"Authentication Error, Malformed API Key passed in. Ensure Key has `Bearer ` prefix. Passed in: {passed}"
    return GatewayError(401, text, type="auth_error", param="None")


def not_a_key(received: str) -> GatewayError:
    """A key that does not start with sk-."""
    text = f"LiteLLM Virtual Key expected. Received={received}, expected to start with 'sk-'."
    return GatewayError(401, f"Authentication Error, {text}", type="auth_error", param="None")


def unknown_key(key: str, version: GatewayVersion) -> GatewayError:
    """A key that the gateway does not have."""
    if version == "1.66.3":
        told = f"key={key_hash(key)}, not found in db. Create key via `/key/generate` call."
    else:
        told = (
            f"Received API Key = sk-...{key[-4:]}, Key Hash (Token) ={key_hash(key)}. "
            "Unable to find token in cache or `LiteLLM_VerificationTokenTable`"
        )
    text = f"Authentication Error, Invalid proxy server token passed. {told}"
    return GatewayError(401, text, type="token_not_found_in_db", param="key")


def expired_key(key: str) -> GatewayError:
    """A key past its date."""
    text = (
        "Authentication Error - Expired Key. "
        "Key Expiry time 2025-04-15 00:00:00+00:00 and current time 2025-04-16 00:00:00+00:00"
    )
    return GatewayError(400, text, type="expired_key", param=key_hash(key))


def over_budget() -> GatewayError:
    """A key whose budget is spent."""
    text = "Budget has been exceeded! Current cost: 10.02, Max budget: 10.0"
    return GatewayError(400, text, type="budget_exceeded")


def model_not_in_plan(model: str, allowed: Sequence[str]) -> GatewayError:
    """A model that the key may not use."""
    text = f"key not allowed to access model. This key can only access models={list(allowed)}. Tried to access {model}"
    return GatewayError(401, text, type="key_model_access_denied", param="model")


def unknown_model(model: str | None, endpoint: str, version: GatewayVersion) -> GatewayError:
    """A model that nobody has."""
    text = (
        f"/{endpoint}: Invalid model name passed in model={model}. "
        "Call `/v1/models` to view available models for your key."
    )
    if endpoint == "completions":
        return GatewayError(400, f"400: { ({'error': text}) }", type="None", param="None")
    if version == "1.66.3":
        return GatewayError(400, str({"error": text}), type="None", param="None")
    extra = {"provider_specific_fields": {"error": text}}
    return GatewayError(400, text, type="None", param="None", extra=extra)


def missing_argument(function: str, argument: str) -> GatewayError:
    """A request without its messages, prompt or input."""
    text = f"Router.{function}() missing 1 required positional argument: '{argument}'"
    return GatewayError(500, text, type="None", param="None")


def bad_parameter(text: str, model: str, *, text_endpoint: bool = False) -> GatewayError:
    """A parameter that the model server refuses."""
    quoted = _upstream(text, "BadRequestError", 400, text_endpoint=text_endpoint)
    return _routed(400, f"litellm.BadRequestError: OpenAIException - {quoted}", model)


def unmapped_prompt(prompt: object, model: str) -> GatewayError:
    """The old version's answer to a prompt made of token ids."""
    text = (
        "litellm.APIConnectionError: APIConnectionError: OpenAIException - Unmapped prompt format. "
        f"Your prompt is neither a list of strings nor a string. prompt={prompt}. "
        "File an issue - https://github.com/BerriAI/litellm/issues"
    )
    return _routed(500, text, model)


def internal_error(model: str, version: GatewayVersion) -> GatewayError:
    """The model server's plain 500; also what a system prompt gets from a model whose template has no such role."""
    name = "APIError" if version == "1.66.3" else "InternalServerError"
    return _routed(500, f"litellm.{name}: {name}: OpenAIException - Internal Server Error", model)


def service_unavailable(model: str) -> GatewayError:
    """The model server is not there."""
    name = "ServiceUnavailableError"
    return _routed(503, f"litellm.{name}: {name}: OpenAIException - Service Unavailable", model)


def upstream_rate_limit(model: str, *, text_endpoint: bool = False) -> GatewayError:
    """The model server's own 429."""
    quoted = _upstream("Too many requests", "TooManyRequests", 429, text_endpoint=text_endpoint)
    text = f"litellm.RateLimitError: RateLimitError: OpenAIException - {quoted}"
    return _routed(429, text, model, type="throttling_error")


def timed_out(model: str) -> GatewayError:
    """The model server did not answer in time."""
    text = "litellm.Timeout: APITimeoutError - Request timed out. Error_str: Request timed out."
    return _routed(408, text, model)


def upstream_unauthorized(model: str) -> GatewayError:
    """The model server refused the gateway's own key."""
    name = "AuthenticationError"
    text = f"litellm.{name}: {name}: OpenAIException - Error code: 401 - {{'error': 'Unauthorized'}}"
    return _routed(401, text, model)


def model_not_found_upstream(model: str) -> GatewayError:
    """The gateway knows the model, the model server does not."""
    text = f"litellm.NotFoundError: NotFoundError: OpenAIException - The model `Infermatic/{model}` does not exist."
    return _routed(404, text, model)


def bad_gateway_page() -> GatewayError:
    """What a proxy in front of the gateway says when the gateway is down: HTML."""
    lines = (
        "<html>",
        "<head><title>502 Bad Gateway</title></head>",
        "<body>",
        "<center><h1>502 Bad Gateway</h1></center>",
        "<hr><center>nginx</center>",
        "</body>",
        "</html>",
    )
    return GatewayError(502, raw="\r\n".join(lines).encode(), content_type="text/html")


def context_exceeded(
    model: str,
    limit: int,
    told: str,
    *,
    quoted: bool,
    streamed_text: bool = False,
) -> GatewayError:
    """The prompt and the reply's room together are longer than the model's context window."""
    text = f"This model's maximum context length is {limit} tokens. However, you requested {told}"
    if quoted:
        text = _upstream(text, "BadRequestError", 400, text_endpoint=True)
    prefix = (
        "litellm.ContextWindowExceededError: litellm.BadRequestError: ContextWindowExceededError: OpenAIException - "
    )
    if streamed_text:
        return GatewayError(400, prefix + text)
    fallbacks = (
        f"\nmodel={model}. context_window_fallbacks=None. fallbacks=None.\n\n"
        "Set 'context_window_fallback' - https://docs.litellm.ai/docs/routing#fallbacks"
    )
    return _routed(400, prefix + text + fallbacks, model)


def key_limit(
    key: str,
    kind: Literal["requests", "max_parallel_requests"],
    limit: int,
    *,
    version: GatewayVersion,
    reset_at: str,
    retry_after: float,
    requests_so_far: int,
    in_flight: int,
    text_endpoint: bool,
) -> GatewayError:
    """A limit of the key itself; only chats carry headers that say when to come back."""
    headers: dict[str, str] = {}
    if version == "1.66.3":
        rpm, parallel = (limit, _UNLIMITED) if kind == "requests" else (_UNLIMITED, limit)
        text = (
            "LiteLLM Rate Limit Handler for rate limit type = key. Crossed TPM / RPM / Max Parallel Request Limit. "
            f"current rpm: {requests_so_far}, rpm limit: {rpm}, current tpm: 0, tpm limit: {_UNLIMITED}, "
            f"current max_parallel_requests: {in_flight}, max_parallel_requests: {parallel}"
        )
        headers = {"retry-after": f"{retry_after:.6f}"}
    else:
        text = (
            f"Rate limit exceeded for api_key: {key_hash(key)}. Limit type: {kind}. Current limit: {limit}, "
            f"Remaining: 0. Limit resets at: {reset_at}"
        )
        headers = {"retry-after": "60", "rate_limit_type": kind, "reset_at": reset_at}
    if text_endpoint:
        return GatewayError(429, f"429: {text}", type="None", param="None")
    return GatewayError(429, text, type="None", param="None", headers=headers)
