"""What a model would have generated for a request: tokens, finish reasons, usage."""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ._offline_text import offline_text, padding, thoughts
from ._tokenizer import count_tokens, split_tokens

if TYPE_CHECKING:
    from ._calls import Call
    from ._models import ModelSpec
    from ._replies import Reply


@dataclass(frozen=True, slots=True)
class Choice:
    """One alternative of an answer."""

    index: int
    reasoning: tuple[str, ...]
    tokens: tuple[str, ...]
    finish_reason: str

    @property
    def text(self) -> str:
        """The visible text."""
        return "".join(self.tokens)

    @property
    def reasoning_text(self) -> str:
        """The thoughts that come in a field of their own."""
        return "".join(self.reasoning)


@dataclass(frozen=True, slots=True)
class Generation:
    """A whole answer."""

    choices: tuple[Choice, ...]
    prompt_tokens: int

    @property
    def completion_tokens(self) -> int:
        """Tokens of all choices, thoughts included."""
        return sum(len(choice.reasoning) + len(choice.tokens) for choice in self.choices)

    @property
    def reasoning_tokens(self) -> int:
        """Tokens of the thoughts alone."""
        return sum(len(choice.reasoning) for choice in self.choices)

    @property
    def longest(self) -> int:
        """Tokens of the longest choice: choices are generated side by side."""
        return max(len(choice.reasoning) + len(choice.tokens) for choice in self.choices)

    @property
    def usage(self) -> dict[str, Any]:
        """The counts as the wire says them."""
        prompt, completion = self.prompt_tokens, self.completion_tokens
        return {"completion_tokens": completion, "prompt_tokens": prompt, "total_tokens": prompt + completion}


def generate(call: Call, spec: ModelSpec, window: int, reply: Reply | None, *, variation: int) -> Generation:
    """Return the answer. The same seed gives the same text; without a seed `variation` makes each request's own."""
    per_prompt = max(1, len(call.prompts))
    choices = tuple(_choice(call, spec, window, reply, index, variation) for index in range(call.n * per_prompt))
    return Generation(choices, call.prompt_tokens)


def _choice(call: Call, spec: ModelSpec, window: int, reply: Reply | None, index: int, variation: int) -> Choice:
    rng = _random_for(call, index, variation)
    thinking, text = _written(call, spec, reply, rng)
    room = _room(call, window)
    reasoning = split_tokens(thinking)[:room]
    tokens, finish = _cut(_padded(text, call.min_tokens, rng), call, room - len(reasoning))
    if reply is not None and reply.finish_reason:
        finish = reply.finish_reason
    return Choice(index, tuple(reasoning), tuple(tokens), finish)


def _written(call: Call, spec: ModelSpec, reply: Reply | None, rng: random.Random) -> tuple[str, str]:
    """Return the thoughts that go into their own field, and the visible text."""
    if reply is not None:
        thinking, text = reply.reasoning, reply.text
    else:
        thinks = spec.reasoning != "none" and not call.is_text
        thinking, text = thoughts(call) if thinks else "", "".join(offline_text(call, rng))
    if thinking and spec.reasoning == "inline":
        return "", f"<think>\n{thinking}\n</think>\n\n{text}"
    return thinking, text


def _padded(text: str, least: int, rng: random.Random) -> str:
    missing = least - count_tokens(text) if least else 0
    for sentence in padding(rng):
        if missing <= 0:
            break
        text += sentence
        missing -= count_tokens(sentence)
    return text


def _room(call: Call, window: int) -> int:
    left = max(1, window - call.prompt_tokens)
    return left if call.max_tokens is None else min(call.max_tokens, left)


def _cut(text: str, call: Call, room: int) -> tuple[list[str], str]:
    """Return the tokens up to the first stop text or the limit, and why they end."""
    tokens = split_tokens(text)
    stop_at = _stop_position(tokens, call)
    if stop_at is not None:
        tokens = split_tokens(text[:stop_at])
    return (tokens[:room], "length") if len(tokens) > room else (tokens, "stop")


def _stop_position(tokens: list[str], call: Call) -> int | None:
    """Return where the first stop text begins, looking only behind the tokens that must be there."""
    if not call.stop:
        return None
    text, start = "".join(tokens), len("".join(tokens[: call.min_tokens]))
    found = [at for at in (text.find(stop, start) for stop in call.stop) if at >= 0]
    return min(found, default=None)


def _random_for(call: Call, index: int, variation: int) -> random.Random:
    """Return a generator of random numbers that depends on what decides about a real model's answer."""
    fixed = call.seed if call.seed is not None else 0 if call.temperature == 0 else None
    chosen = ["seed", fixed] if fixed is not None else ["variation", variation]
    asked = json.dumps([call.model, call.messages, call.prompts, chosen, index], sort_keys=True, default=str)
    return random.Random(hashlib.sha256(asked.encode("utf-8", "surrogatepass")).digest())
