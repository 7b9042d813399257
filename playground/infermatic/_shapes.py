"""The JSON of answers, as each version of the gateway writes it."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from ._calls import Call
    from ._errors import GatewayVersion
    from ._generation import Choice, Generation
    from ._models import ModelSpec

DONE = b"data: [DONE]\n\n"

_ZERO_USAGE = {"completion_tokens": 0, "prompt_tokens": 0, "total_tokens": 0}


def dumps(value: Any) -> bytes:
    """Return compact JSON with everything beyond ASCII left as it is, U+2028 included, as the gateway does."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "backslashreplace")


def frame(value: Any) -> bytes:
    """Return one event of a stream."""
    return b"data: " + dumps(value) + b"\n\n"


def answered_model(model: str, version: GatewayVersion) -> str:
    """Return the name that answers carry: the old version told the name behind the gateway."""
    return f"Infermatic/{model}" if version == "1.66.3" else model


def answer_id(seed: str, *, text: bool, stream: bool, version: GatewayVersion) -> str:
    """Return an answer's id; the old version gave text streams the prefix of chats."""
    prefix = "cmpl" if text and not (stream and version == "1.66.3") else "chatcmpl"
    return f"{prefix}-{hashlib.md5(seed.encode(), usedforsecurity=False).hexdigest()}"


class Chunks(Protocol):
    """Writes the events of one stream."""

    def opening(self) -> bytes:
        """Return what comes before any text; may be nothing."""

    def token(self, index: int, text: str, *, reasoning: bool = False) -> bytes:
        """Return one piece of text."""

    def finish(self, reason: str, *, other_id: str | None = None) -> bytes:
        """Return the last choice."""

    def usage(self, generation: Generation) -> bytes:
        """Return the counts."""


class ChatChunks:
    """The events of a chat."""

    def __init__(self, id: str, model: str, created: int, version: GatewayVersion, *, include_usage: bool) -> None:  # noqa: A002 - the wire's word
        self._new = version == "1.83.14"
        self._head: dict[str, Any] = {
            "id": id,
            "created": created,
            "model": answered_model(model, version),
            "object": "chat.completion.chunk",
        }
        self._tail: dict[str, Any] = {}
        if include_usage and not self._new:
            self._tail = {"stream_options": {"include_usage": True}}
        self._role_due = not self._new

    def _event(self, choice: dict[str, Any], extra: dict[str, Any] | None = None) -> bytes:
        return frame({**self._head, "choices": [choice], **self._tail, **(extra or {})})

    def opening(self) -> bytes:
        """The new version opens with an empty text and the role."""
        return self._event({"index": 0, "delta": {"content": "", "role": "assistant"}}) if self._new else b""

    def token(self, index: int, text: str, *, reasoning: bool = False) -> bytes:
        """The old version puts the role into the first piece."""
        delta = {"reasoning_content" if reasoning else "content": text}
        if self._role_due:
            self._role_due = False
            delta["role"] = "assistant"
        return self._event({"index": index, "delta": delta})

    def finish(self, reason: str, *, other_id: str | None = None) -> bytes:
        """One finish for all choices, always with index 0."""
        choice = {"finish_reason": reason, "index": 0, "delta": {}}
        return self._event(choice, {"id": other_id} if other_id else None)

    def usage(self, generation: Generation) -> bytes:
        """The counts come with choices that are not empty; the old version sends an empty chunk before."""
        details = {"reasoning_tokens": generation.reasoning_tokens}
        choice = {"index": 0, "delta": {}}
        before = b"" if self._new else self._event(choice)
        return before + self._event(choice, {"usage": {**generation.usage, "completion_tokens_details": details}})


class TextChunks:
    """The events of a text completion; every choice says index 0."""

    def __init__(self, id: str, model: str, created: int, version: GatewayVersion, *, include_usage: bool) -> None:  # noqa: A002 - the wire's word
        self._head: dict[str, Any] = {
            "id": id,
            "object": "text_completion",
            "created": created,
            "model": answered_model(model, version),
        }
        self._tail: dict[str, Any] = {} if include_usage else {"usage": _ZERO_USAGE}

    def opening(self) -> bytes:
        """Nothing comes before the first text."""
        return b""

    def token(self, index: int, text: str, *, reasoning: bool = False) -> bytes:
        """Return one piece of text."""
        return frame({**self._head, "choices": [{"index": 0, "text": text}], **self._tail})

    def finish(self, reason: str, *, other_id: str | None = None) -> bytes:
        """The last choice has no text key."""
        head = {**self._head, "id": other_id} if other_id else self._head
        return frame({**head, "choices": [{"finish_reason": reason, "index": 0}], **self._tail})

    def usage(self, generation: Generation) -> bytes:
        """The counts come with a choice that says nothing."""
        details = {"reasoning_tokens": generation.reasoning_tokens}
        usage = {**generation.usage, "completion_tokens_details": details}
        return frame({**self._head, "choices": [{"index": 0}], "usage": usage})


def chunks_for(call: Call, id: str, created: int, version: GatewayVersion) -> Chunks:  # noqa: A002 - the wire's word
    """Return the writer for a call's stream."""
    kind = TextChunks if call.is_text else ChatChunks
    return kind(id, call.model, created, version, include_usage=call.include_usage)


def completion(call: Call, generation: Generation, id: str, created: int, version: GatewayVersion) -> dict[str, Any]:  # noqa: A002 - the wire's word
    """Return the whole answer to a request without a stream."""
    model = answered_model(call.model, version)
    if call.is_text:
        return _text_completion(generation, id, created, model)
    if version == "1.66.3":
        details = {"completion_tokens_details": None, "prompt_tokens_details": None}
        return {
            "id": id,
            "created": created,
            "model": model,
            "object": "chat.completion",
            "system_fingerprint": None,
            "choices": [_old_chat_choice(choice) for choice in generation.choices],
            "usage": {**generation.usage, **details},
            "service_tier": None,
            "prompt_logprobs": None,
        }
    return {
        "id": id,
        "created": created,
        "model": model,
        "object": "chat.completion",
        "choices": [_chat_choice(choice) for choice in generation.choices],
        "usage": generation.usage,
    }


def _chat_choice(choice: Choice) -> dict[str, Any]:
    specific: dict[str, Any] = {"refusal": None}
    message: dict[str, Any] = {"content": choice.text, "role": "assistant"}
    if choice.reasoning:
        message["reasoning_content"] = specific["reasoning_content"] = choice.reasoning_text
    message["provider_specific_fields"] = specific
    outer = {"stop_reason": None}
    reason = choice.finish_reason
    return {"finish_reason": reason, "index": choice.index, "message": message, "provider_specific_fields": outer}


def _old_chat_choice(choice: Choice) -> dict[str, Any]:
    message: dict[str, Any] = {"content": choice.text, "role": "assistant", "tool_calls": None, "function_call": None}
    if choice.reasoning:
        message["reasoning_content"] = choice.reasoning_text
    return {"finish_reason": choice.finish_reason, "index": choice.index, "message": message}


def _text_completion(generation: Generation, id: str, created: int, model: str) -> dict[str, Any]:  # noqa: A002 - the wire's word
    choices = [
        {
            "stop_reason": None,
            "prompt_logprobs": None,
            "finish_reason": choice.finish_reason,
            "index": choice.index,
            "text": choice.text,
            "logprobs": None,
        }
        for choice in generation.choices
    ]
    details = {"completion_tokens_details": None, "prompt_tokens_details": None}
    return {
        "id": id,
        "object": "text_completion",
        "created": created,
        "model": model,
        "choices": choices,
        "usage": {**generation.usage, **details},
        "system_fingerprint": None,
    }


def models_list(models: list[ModelSpec]) -> dict[str, Any]:
    """Return the answer of GET /v1/models; its dates and owners say nothing."""
    entries = [{"id": m.id, "object": "model", "created": 1677610602, "owned_by": "openai"} for m in models]
    return {"data": entries, "object": "list"}


def success_headers(model: str, version: GatewayVersion, seconds: float) -> dict[str, str]:
    """Return the headers of an answer that worked."""
    headers = {
        "x-litellm-call-id": hashlib.md5(f"{model}{seconds}".encode(), usedforsecurity=False).hexdigest(),
        "x-litellm-model-id": hashlib.sha256(model.encode()).hexdigest(),
        "x-litellm-version": version,
        "x-litellm-key-spend": "0.0",
        "x-litellm-response-duration-ms": f"{seconds * 1000:.3f}",
        "x-litellm-model-group": model,
        "x-litellm-attempted-retries": "0",
        "x-litellm-attempted-fallbacks": "0",
    }
    if version == "1.83.14":
        for part in ("original", "discount-amount", "margin-amount", "margin-percent"):
            headers[f"x-litellm-response-cost-{part}"] = "0.0"
        headers["x-litellm-callback-duration-ms"] = "0.0"
    return headers
