"""Which requests are refused before any text: by the model's nature, or because a fault says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _errors
from ._pictures import picture_addresses, picture_size

if TYPE_CHECKING:
    from ._calls import Call
    from ._errors import GatewayError, GatewayVersion
    from ._faults import Fault
    from ._models import ModelSpec


def check_template(call: Call, spec: ModelSpec, version: GatewayVersion) -> None:
    """Refuse what the model's chat template cannot take: pictures, a system role, roles that do not alternate."""
    _check_pictures(call, spec)
    if spec.system_role or call.is_text:
        return
    roles = [str(message.get("role")) for message in call.messages]
    expected = ["user" if n % 2 == 0 else "assistant" for n in range(len(roles))]
    if roles != expected:
        raise _errors.internal_error(call.model, version)


def _check_pictures(call: Call, spec: ModelSpec) -> None:
    addresses = list(picture_addresses(call.messages))
    if not addresses:
        return
    if spec.pictures == 0:
        raise _errors.bad_parameter(f"{call.model} is not a multimodal model", call.model)
    if len(addresses) > spec.pictures:
        raise _errors.bad_parameter(f"At most {spec.pictures} image(s) may be provided in one prompt.", call.model)
    if not all(map(picture_size, addresses)):
        raise _errors.bad_parameter("Failed to load image: cannot identify image file", call.model)


def check_window(call: Call, limit: int, version: GatewayVersion) -> None:
    """Refuse a prompt that, with the reply's room, is longer than the context window."""
    room = 1 if call.max_tokens is None else call.max_tokens
    if call.prompt_tokens + room > limit:
        raise window_error(call, limit, version)


def window_error(call: Call, limit: int, version: GatewayVersion) -> GatewayError:
    """Return the error of a context window, worded and answered as the version does for this kind of request."""
    room = call.max_tokens or 0
    told = (
        f"{call.prompt_tokens + room} tokens ({call.prompt_tokens} in the messages, {room} in the completion). "
        "Please reduce the length of the messages or completion."
    )
    streamed_text = call.is_text and call.stream
    quoted = call.is_text and not call.stream
    error = _errors.context_exceeded(call.model, limit, told, quoted=quoted, streamed_text=streamed_text)
    if streamed_text and version == "1.66.3":
        return _errors.GatewayError(200, raw=error.frame, content_type="text/event-stream; charset=utf-8")
    return error


def check_embedding_window(texts_tokens: list[int], model: str, limit: int) -> None:
    """Refuse an input that is longer than the embedding model can take."""
    longest = max(texts_tokens, default=0)
    if longest > limit:
        told = f"{longest} tokens in the input for embedding generation. Please reduce the length of the input."
        raise _errors.context_exceeded(model, limit, told, quoted=True)


def refusal(fault: Fault, model: str, version: GatewayVersion, *, text_endpoint: bool) -> GatewayError | None:
    """Return the error answer that a fault stands for; None when it does its harm elsewhere."""
    match fault.kind:
        case "status":
            return _status(fault, model, version, text_endpoint=text_endpoint)
        case "html_502":
            return _errors.bad_gateway_page()
        case "plain_500":
            return _errors.GatewayError(500, raw=b"Internal Server Error", content_type="text/plain; charset=utf-8")
        case "empty_500":
            return _errors.GatewayError(500, raw=b"", content_type="text/plain; charset=utf-8")
        case "timeout":
            return _errors.timed_out(model)
        case _:
            return None


def _status(fault: Fault, model: str, version: GatewayVersion, *, text_endpoint: bool) -> GatewayError:
    status = int(fault.details.get("status", 503))
    error = _recorded(status, model, version, text_endpoint=text_endpoint)
    body = fault.details.get("body")
    if body is not None:
        error.raw = body.encode() if isinstance(body, str) else bytes(body)
    error.headers.update(fault.details.get("headers") or {})
    if fault.details.get("retry_after") is not None:
        error.headers["retry-after"] = str(fault.details["retry_after"])
    return error


def _recorded(status: int, model: str, version: GatewayVersion, *, text_endpoint: bool) -> GatewayError:
    match status:
        case 400:
            return _errors.bad_parameter(
                "temperature must be non-negative, got -1.0.", model, text_endpoint=text_endpoint
            )
        case 401:
            return _errors.upstream_unauthorized(model)
        case 404:
            return _errors.model_not_found_upstream(model)
        case 408:
            return _errors.timed_out(model)
        case 429:
            return _errors.upstream_rate_limit(model, text_endpoint=text_endpoint)
        case 500:
            return _errors.internal_error(model, version)
        case 502:
            return _errors.bad_gateway_page()
        case 503:
            return _errors.service_unavailable(model)
        case _:
            return _errors.GatewayError(status, f"The server answered {status}", type="None", param="None")
