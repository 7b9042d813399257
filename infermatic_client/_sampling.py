"""The documented sampling parameters, checked before a request is made."""

import math
from collections.abc import Mapping
from typing import Any, Final

import msgspec

__all__ = ["SAMPLING_RANGES", "Sampling"]

_INT64 = 2**63

SAMPLING_RANGES: Final[Mapping[str, tuple[float, float]]] = {
    "n": (1, 128),
    "best_of": (1, 128),
    "presence_penalty": (-2.0, 2.0),
    "frequency_penalty": (-2.0, 2.0),
    "repetition_penalty": (0.0, 2.0),
    "temperature": (0.0, 2.0),
    "top_p": (0.0, 1.0),
    "top_k": (-1, _INT64 - 1),
    "min_p": (0.0, 1.0),
    "seed": (-_INT64, _INT64 - 1),
    "max_tokens": (1, 10_000_000),
    "min_tokens": (0, 10_000_000),
}
"""Lowest and highest value of each numeric parameter, as the API documents or vLLM enforces them.

``repetition_penalty`` and ``top_p`` must also be more than 0, ``top_k`` is -1 (all) or at least 1, ``best_of`` at
least ``n``, ``min_tokens`` at most ``max_tokens``.
"""

_WHOLE = frozenset({"n", "best_of", "top_k", "seed", "max_tokens", "min_tokens"})
_MORE_THAN_ZERO = frozenset({"repetition_penalty", "top_p"})


class Sampling(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How tokens are drawn; a field left ``None`` is not sent, so the server's default holds.

    Sending nothing at all gave token salad on some models; ``min_p=0.05`` or a ``temperature`` up to 0.85 mends it.
    Raises ``ValueError`` for a value out of range (see ``SAMPLING_RANGES``) and ``TypeError`` for one of another
    type. ``stop`` is one text or several; generation ends before the first that appears.
    """

    n: int | None = None
    best_of: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    repetition_penalty: float | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    seed: int | None = None
    stop: str | list[str] | None = None
    max_tokens: int | None = None
    min_tokens: int | None = None
    detokenize: bool | None = None
    skip_special_tokens: bool | None = None

    def __post_init__(self) -> None:
        """Refuse values that the server would refuse, in words that name the parameter."""
        for name in SAMPLING_RANGES:
            value = getattr(self, name)
            if value is not None:
                _check_number(name, value)
        for name in ("detokenize", "skip_special_tokens"):
            if not isinstance(getattr(self, name), bool | None):
                raise TypeError(f"{name} must be true or false")
        _check_stop(self.stop)
        if self.best_of is not None and self.best_of < (self.n or 1):
            raise ValueError(f"best_of must be at least n ({self.n or 1}), not {self.best_of}")
        if self.min_tokens is not None and self.max_tokens is not None and self.min_tokens > self.max_tokens:
            raise ValueError(f"min_tokens must be at most max_tokens ({self.max_tokens}), not {self.min_tokens}")


def _check_number(name: str, value: Any) -> None:
    kinds = int if name in _WHOLE else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds):
        raise TypeError(f"{name} must be a {'whole ' if name in _WHOLE else ''}number, not {type(value).__name__}")
    low, high = SAMPLING_RANGES[name]
    if not math.isfinite(value) or not low <= value <= high:
        raise ValueError(f"{name} must be from {low:g} to {high:g}, not {value}")
    if value == 0 and (name in _MORE_THAN_ZERO or name == "top_k"):
        raise ValueError(f"{name} must be -1 or at least 1" if name == "top_k" else f"{name} must be more than 0")


def _check_stop(stop: Any) -> None:
    if stop is None:
        return
    texts = [stop] if isinstance(stop, str) else stop
    if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
        raise TypeError("stop must be a text or a list of texts")
    if not all(texts):
        raise ValueError("stop must not hold an empty text")
