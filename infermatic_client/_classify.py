"""From an error answer to the right exception, by the gateway's type and text rather than by status alone.

Recorded from LiteLLM 1.66.3 and 1.83.14, which answer a missing field with 500, an expired key with 400 and a model
outside the plan with 401.
"""

import json
import math
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeVar

import msgspec

from ._errors import (
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    ContextWindowExceededError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    UnknownModelError,
    UnsupportedSystemPromptError,
)
from ._redact import NO_SECRET, Secret, redact

E = TypeVar("E", bound=APIStatusError)

# The body is kept for whoever looks into an error; answers of the gateway are under 2 KiB.
_BODY_CHARACTERS: Final = 16_384
# The message ends up in logs; vLLM's texts are shorter, a proxy's HTML page is not.
_MESSAGE_CHARACTERS: Final = 500

_LIMIT = re.compile(r"maximum (?:context|model) length (?:is|of) (\d{1,19})")
_REQUESTED = (
    re.compile(r"requested (\d{1,19}) tokens"),
    re.compile(r"prompt \(length (\d{1,19})\)"),
    re.compile(r"has (\d{1,19}) input tokens"),
)
_UNKNOWN_MODEL = re.compile(r"Invalid model name passed in model=(.+?)\. Call")
_DENIED_MODEL = re.compile(r"Tried to access ([^\s\"']+)")
# 1.83.14: "Limit type: requests. Current limit: 3"
_LIMIT_TYPE = re.compile(r"Limit type: (\w+)\. Current limit: (\d{1,19})")
# 1.66.3 lists every limit and leaves it to the reader which one was reached.
_OLD_LIMITS = (
    ("requests", re.compile(r"current rpm: (\d{1,19}), rpm limit: (\d{1,19})")),
    ("tokens", re.compile(r"current tpm: (\d{1,19}), tpm limit: (\d{1,19})")),
    (
        "max_parallel_requests",
        re.compile(r"current max_parallel_requests: (\d{1,19}), max_parallel_requests: (\d{1,19})"),
    ),
)
_MISSING_FIELD = re.compile(r"Router\.\w+\(\) missing \d+ required")
_SYSTEM_PROMPT = re.compile(r"OpenAIException - Internal Server Error\.? Received Model Group=")


def error_from_answer(
    status: int, headers: Mapping[str, str], body: bytes, *, key: Secret = NO_SECRET
) -> APIStatusError:
    """Build the exception of an answer whose status is no success."""
    text = body.decode("utf-8", "replace")
    envelope = _envelope(text)
    error = _build(status, envelope, text, key)
    error.request_id = headers.get("x-litellm-call-id") or headers.get("x-request-id")
    error.retry_after = retry_after_seconds(headers)
    if isinstance(error, RateLimitError) and error.limit_type is None:
        error.limit_type = headers.get("rate_limit_type")
    return error


def error_from_frame(frame: Any, *, key: Secret = NO_SECRET) -> APIStatusError:
    """Build the exception of an ``error`` inside a 200: a stream's frame or a whole answer."""
    envelope = frame if isinstance(frame, dict) else {"message": str(frame)}
    code = str(envelope.get("code", ""))
    status = int(code) if re.fullmatch(r"[45]\d\d", code) else 500
    return _build(status, envelope, json.dumps({"error": envelope}, ensure_ascii=False), key)


def _envelope(text: str) -> dict[str, Any]:
    """Find the error's fields: the usual envelope, ``detail``, HTML, plain text or nothing at all."""
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return {"message": "" if text.lstrip().startswith("<") else text}
    if not isinstance(found, dict):
        return {"message": text}
    inner = found.get("error", found.get("detail", found))
    if isinstance(inner, dict):
        return inner
    if isinstance(inner, list):  # 422: what is wrong where, beside the sender's own input, which stays out
        return {"message": "; ".join(str(item.get("msg", "")) for item in inner if isinstance(item, dict))}
    return {"message": str(inner)}


def _build(status: int, envelope: Mapping[str, Any], text: str, key: Secret) -> APIStatusError:
    type_ = envelope.get("type")
    word = type_ if isinstance(type_, str) and type_ != "None" else ""
    error = _choose(status, word, str(envelope.get("message") or ""), text)
    error.message = redact(str(envelope.get("message") or ""), key)[:_MESSAGE_CHARACTERS]
    error.args = (error.message,)
    error.status_code = status
    error.type = redact(word, key) or None
    error.body = redact(text, key)[:_BODY_CHARACTERS]
    return error


def _choose(status: int, type_: str, message: str, text: str) -> APIStatusError:
    if "ContextWindowExceededError" in message or _LIMIT.search(message):
        return _context_window(message)
    if found := _UNKNOWN_MODEL.search(message):
        return _with(UnknownModelError(), model=found[1])
    if type_ == "key_model_access_denied":
        found = _DENIED_MODEL.search(message)
        return _with(PermissionDeniedError(), model=found[1] if found else None)
    if type_ == "budget_exceeded" or "Budget has been exceeded" in message:
        return PermissionDeniedError()
    if type_ == "expired_key" or "Authentication Error - Expired Key" in message:
        return AuthenticationError()
    if _MISSING_FIELD.search(message):
        return BadRequestError()
    return _choose_by_status(status, message, text)


def _choose_by_status(status: int, message: str, text: str) -> APIStatusError:
    match status:
        case 401 if "litellm.AuthenticationError" in message:
            return ServerError()  # the model's own server refused the gateway; this key is none the worse
        case 401:
            return AuthenticationError()
        case 403:
            return PermissionDeniedError()
        case 404:
            return NotFoundError()
        case 408:
            return ServerError()  # litellm.Timeout: the gateway waited too long for the model
        case 429:
            return _rate_limit(text)
        case _ if status >= 500:
            return ServerError()
        case _ if 400 <= status < 500:
            return BadRequestError()
    return APIStatusError()  # a redirect, for example: the base URL is another service's


def _with(error: E, **fields: Any) -> E:
    for name, value in fields.items():
        setattr(error, name, value)
    return error


def _context_window(message: str) -> ContextWindowExceededError:
    limit = _LIMIT.search(message)
    requested = next((int(found[1]) for pattern in _REQUESTED if (found := pattern.search(message))), None)
    completion = re.search(r"too large: (\d{1,19})", message)  # newer vLLM gives prompt and max_tokens apart
    if requested is not None and completion is not None:
        requested += int(completion[1])
    return _with(ContextWindowExceededError(), limit=int(limit[1]) if limit else None, requested=requested)


def _rate_limit(text: str) -> RateLimitError:
    if found := _LIMIT_TYPE.search(text):
        return _with(RateLimitError(), limit_type=found[1], limit=int(found[2]))
    for name, pattern in _OLD_LIMITS:
        found = pattern.search(text)
        if found and int(found[1]) >= int(found[2]):
            return _with(RateLimitError(), limit_type=name, limit=int(found[2]))
    return RateLimitError()


def looks_like_refused_system_prompt(error: APIStatusError) -> bool:
    """Tell whether this 500 is the one of models without a system role (and of other causes)."""
    return isinstance(error, ServerError) and error.status_code == 500 and bool(_SYSTEM_PROMPT.search(error.message))


def unsupported_system_prompt(error: ServerError, model: str) -> UnsupportedSystemPromptError:
    """Turn the 500 of a model known to take no system message into the error that says so."""
    told = UnsupportedSystemPromptError(
        error.message,
        status_code=error.status_code,
        type=error.type,
        body=error.body,
        request_id=error.request_id,
        retry_after=error.retry_after,
    )
    return _with(told, model=model, system_prompt_suspected=True)


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """Read ``retry-after-ms``, or ``retry-after`` in seconds (1.66.3 sends a float) or as a date."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return max(0.0, milliseconds / 1000)
    value = headers.get("retry-after")
    seconds = _number(value)
    if seconds is not None:
        return max(0.0, seconds)
    return _seconds_until(value, headers.get("date")) if value else None


def _number(value: str | None) -> float | None:
    try:
        number = float(value) if value else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _seconds_until(date: str, server_now: str | None) -> float | None:
    try:
        now = parsedate_to_datetime(server_now).timestamp() if server_now else time.time()
        return max(0.0, parsedate_to_datetime(date).timestamp() - now)
    except (ValueError, TypeError, OverflowError):
        return None
