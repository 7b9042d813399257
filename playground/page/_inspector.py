"""What the local Infermatic was asked, for the drawer that shows it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from playground.infermatic._tokenizer import text_of

if TYPE_CHECKING:
    from playground.infermatic import ApiRequest, LocalInfermatic

    JSON = dict[str, Any]

MAX_SHOWN = 100
_SHOWN_APART = {"model", "messages", "prompt"}


def requests_view(api: LocalInfermatic) -> list[JSON]:
    """Return the newest requests, oldest first."""
    return [request_view(request) for request in api.requests[-MAX_SHOWN:]]


def request_view(request: ApiRequest) -> JSON:
    """Return one request."""
    started = time.time() - (time.monotonic() - request.at)
    return {
        "number": request.number,
        "at": datetime.fromtimestamp(started, UTC).isoformat(),
        "method": request.method,
        "path": request.path,
        "model": request.model,
        "status": request.status,
        "ended": request.ended,
        "seconds": request.finished_at - request.at if request.finished_at is not None else None,
        "messages": _messages(request.body),
        "parameters": {name: value for name, value in request.body.items() if name not in _SHOWN_APART},
        "answer": request.text if request.ended else "",
    }


def _messages(body: JSON) -> list[JSON]:
    messages = body.get("messages")
    if isinstance(messages, list):
        told = [message for message in messages if isinstance(message, dict)]
        return [{"role": str(m.get("role")), "content": text_of(m.get("content"))} for m in told]
    prompt = body.get("prompt")
    return [] if prompt is None else [{"role": "prompt", "content": str(prompt)}]
