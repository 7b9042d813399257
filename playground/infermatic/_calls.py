"""A request's body, read and checked as the gateway and the model server behind it do."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from . import _errors
from ._tokenizer import count_messages, count_tokens, text_of

Endpoint = Literal["chat/completions", "completions", "embeddings"]

DEFAULT_TEXT_TOKENS = 16
"""The model server's own default for text completions without max_tokens."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request for text: a chat (messages) or a text completion (prompts)."""

    endpoint: Endpoint
    model: str
    messages: tuple[dict[str, Any], ...]
    prompts: tuple[str, ...]
    prompt_tokens: int
    stream: bool
    include_usage: bool
    n: int
    max_tokens: int | None
    min_tokens: int
    stop: tuple[str, ...]
    seed: int | None
    temperature: float

    @property
    def is_text(self) -> bool:
        """Whether this is a text completion, whose answers and errors differ from a chat's."""
        return self.endpoint == "completions"


def read_call(endpoint: Endpoint, model: str, body: dict[str, Any], version: _errors.GatewayVersion) -> Call:
    """Return the request in one shape, or raise the error that the real service answers."""
    text = endpoint == "completions"
    checked = _Parameters(body, model, text_endpoint=text)
    messages, prompts = _content(body, model, version, text=text)
    options = body.get("stream_options")
    temperature = checked.number("temperature", 1.0)
    checked.check()
    if body.get("continue_final_message") and body.get("add_generation_prompt", True):
        text_of_refusal = "Cannot set both `continue_final_message` and `add_generation_prompt` to True."
        raise _errors.bad_parameter(text_of_refusal, model, text_endpoint=text)
    return Call(
        endpoint=endpoint,
        model=model,
        messages=messages,
        prompts=prompts,
        prompt_tokens=_prompt_tokens(body, messages, prompts),
        stream=bool(body.get("stream")),
        include_usage=isinstance(options, dict) and bool(options.get("include_usage")),
        n=checked.integer("n", 1) or 1,
        max_tokens=checked.integer("max_tokens", DEFAULT_TEXT_TOKENS if text else None),
        min_tokens=checked.integer("min_tokens", 0) or 0,
        stop=_stop_texts(body.get("stop")),
        seed=checked.integer("seed", None),
        temperature=temperature,
    )


def _content(
    body: dict[str, Any], model: str, version: _errors.GatewayVersion, *, text: bool
) -> tuple[tuple[dict[str, Any], ...], tuple[str, ...]]:
    """Return the messages of a chat or the prompts of a text completion."""
    if not text:
        messages = body.get("messages")
        if messages is None:
            raise _errors.missing_argument("acompletion", "messages")
        if not isinstance(messages, list) or not messages or not all(isinstance(m, dict) for m in messages):
            raise _errors.bad_parameter("messages must be a non-empty list of messages", model)
        return tuple(messages), ()
    prompt = body.get("prompt")
    if prompt is None:
        raise _errors.missing_argument("atext_completion", "prompt")
    if isinstance(prompt, str):
        return (), (prompt,)
    if isinstance(prompt, list) and prompt and all(isinstance(part, str) for part in prompt):
        return (), tuple(prompt)
    if isinstance(prompt, list) and prompt and all(isinstance(part, int) for part in prompt):
        if version == "1.66.3":
            raise _errors.unmapped_prompt(prompt, model)
        return (), (f"<{len(prompt)} token ids>",)
    raise _errors.bad_parameter("prompt must be a string or a list of strings", model, text_endpoint=True)


def _prompt_tokens(body: dict[str, Any], messages: tuple[dict[str, Any], ...], prompts: tuple[str, ...]) -> int:
    if messages:
        return count_messages(messages)
    prompt = body.get("prompt")
    if isinstance(prompt, list) and prompt and isinstance(prompt[0], int):
        return len(prompt)
    return sum(count_tokens(text) for text in prompts)


def _stop_texts(stop: Any) -> tuple[str, ...]:
    if isinstance(stop, str):
        return (stop,) if stop else ()
    if isinstance(stop, list):
        return tuple(text for text in stop if isinstance(text, str) and text)
    return ()


class _Parameters:
    """The numbers in a body; a value of the wrong type or out of range is the model server's 400."""

    def __init__(self, body: dict[str, Any], model: str, *, text_endpoint: bool) -> None:
        self._body = body
        self._model = model
        self._text = text_endpoint

    def _refuse(self, text: str) -> _errors.GatewayError:
        return _errors.bad_parameter(text, self._model, text_endpoint=self._text)

    def number(self, name: str, default: float) -> float:
        value = self._body.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._refuse(f"{name} must be a number, got {value!r}.")
        return float(value)

    def integer(self, name: str, default: int | None) -> int | None:
        value = self._body.get(name)
        if value is None:
            return default
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not math.isfinite(value)
            or value != int(value)
        ):
            raise self._refuse(f"{name} must be an integer, got {value!r}.")
        return int(value)

    def check(self) -> None:
        """Refuse what is out of range, with the model server's words."""
        temperature, top_p = self.number("temperature", 1.0), self.number("top_p", 1.0)
        top_k, min_p = self.integer("top_k", -1), self.number("min_p", 0.0)
        n, best_of = self.integer("n", 1) or 0, self.integer("best_of", None)
        max_tokens, min_tokens = self.integer("max_tokens", None), self.integer("min_tokens", 0) or 0
        rules = [
            (temperature >= 0, f"temperature must be non-negative, got {temperature}."),
            (0 < top_p <= 1, f"top_p must be in (0, 1], got {top_p}."),
            (top_k is None or top_k == -1 or top_k >= 1, f"top_k must be -1 (disable), or at least 1, got {top_k}."),
            (0 <= min_p <= 1, f"min_p must be in [0, 1], got {min_p}."),
            (n >= 1, f"n must be at least 1, got {n}."),
            (
                best_of is None or best_of >= n,
                f"best_of must be greater than or equal to n, got n={n} and best_of={best_of}.",
            ),
            (max_tokens is None or max_tokens >= 1, f"max_tokens must be at least 1, got {max_tokens}."),
            (min_tokens >= 0, f"min_tokens must be greater than or equal to 0, got {min_tokens}."),
            (
                max_tokens is None or min_tokens <= max_tokens,
                f"min_tokens must be less than or equal to max_tokens={max_tokens}, got {min_tokens}.",
            ),
            (self.number("repetition_penalty", 1.0) > 0, "repetition_penalty must be greater than zero."),
        ]
        for name in ("presence_penalty", "frequency_penalty"):
            value = self.number(name, 0.0)
            rules.append((-2 <= value <= 2, f"{name} must be in [-2, 2], got {value}."))
        for holds, text in rules:
            if not holds:
                raise self._refuse(text)


def last_text(call: Call) -> str:
    """Return what was said last: the last user message, or the prompt."""
    if call.prompts:
        return call.prompts[-1]
    for message in reversed(call.messages):
        if message.get("role") == "user":
            return text_of(message.get("content"))
    return text_of(call.messages[-1].get("content")) if call.messages else ""
