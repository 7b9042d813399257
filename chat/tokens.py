"""How many tokens a text has for a model whose tokenizer we do not have.

Characters are counted by class, each class with the tokens it costs in the common vocabularies; what is left of the
difference is one ratio per model, learned from the usage that the API reports. It needs no request and no vocabulary.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

MESSAGE_OVERHEAD: Final = 4.0
"""Tokens a chat template adds around one message: role, delimiters, line breaks (3 to 5 in the common templates)."""

# Pieces of ASCII text that cost about one token each: seven letters of a word with the space before it, three digits,
# two marks of punctuation, a run of line breaks, a stretch of indentation.
_ASCII_PIECES: Final = (
    (re.compile(r"[A-Za-z]{1,7}"), 1.0),
    (re.compile(r"[0-9]{1,3}"), 1.2),
    (re.compile(r"[!-/:-@\[-`{-~]{1,2}"), 1.0),
    (re.compile(r"\n{1,4}"), 1.0),
    (re.compile(r"[ \t]{2,16}"), 1.0),
)

# Tokens per character elsewhere. The order matters: the first class that holds a character counts it.
_OTHER_CLASSES: Final = (
    (re.compile("[\u00a1-\u024f\u0370-\u052f\u1e00-\u1fff]+"), 0.7),  # accented Latin, Greek, Cyrillic
    (re.compile("[\u2000-\u206f\u3000-\u303f\uff00-\uff65]+"), 1.0),  # typographic and wide punctuation
    (re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]+"), 1.1),  # Chinese, Japanese, Korean
    (re.compile("[\u2100-\u2bff\ufe00-\ufe0f\U0001f000-\U0001faff]+"), 2.0),  # symbols and emoji
)
_REST_WEIGHT: Final = 1.2  # Arabic, Indic, Thai and what else there is
_NON_ASCII: Final = re.compile("[^\x00-\x7f]+")

# A prompt repeats nearly the same history each turn. Only hashes are kept, so no deleted text stays in memory.
_CACHED_ESTIMATES: Final = 20_000
_estimates: dict[tuple[int, int], float] = {}

# A chat model outside these bounds does not exist: such a report is wrong (cached prompts, images, another model).
_LOWEST_RATIO, _HIGHEST_RATIO = 0.4, 4.0
# One report moves a known ratio by no more than this factor's share.
_LARGEST_STEP = 1.5
# The weight that a new report keeps however many there were, so that a model changed upstream is noticed.
_SMALLEST_WEIGHT = 0.1
# In shorter prompts the template's own words (a date, a default system prompt) outweigh the text.
_SHORTEST_SAMPLE = 100

_MARGIN_UNKNOWN, _MARGIN_KNOWN = 0.10, 0.02


def base_tokens(text: str) -> float:
    """The estimate for a text before any ratio."""
    key = (hash(text), len(text))
    known = _estimates.get(key)
    if known is None:
        if len(_estimates) >= _CACHED_ESTIMATES:
            _estimates.clear()
        known = _estimates[key] = _count(text)
    return known


def raw_tokens(messages: Iterable[Mapping[str, str]]) -> float:
    """The estimate for a whole prompt before any ratio; what ``TokenEstimator.corrected`` compares with the usage."""
    return sum(base_tokens(message["content"]) + MESSAGE_OVERHEAD for message in messages)


def _count(text: str) -> float:
    tokens = sum(len(pattern.findall(text)) * weight for pattern, weight in _ASCII_PIECES)
    if text.isascii():
        return tokens
    other = "".join(_NON_ASCII.findall(text))
    left = len(other)
    for pattern, weight in _OTHER_CLASSES:
        characters = sum(map(len, pattern.findall(other)))
        tokens += characters * weight
        left -= characters
    return tokens + left * _REST_WEIGHT


@dataclass(frozen=True, slots=True)
class TokenEstimator:
    """Estimates one model's tokens; ``ratio`` is what was learned about it from ``samples`` reports of usage."""

    ratio: float | None = None
    samples: int = 0

    @property
    def margin(self) -> float:
        """The share to stay below a limit: a tenth for an unknown model, a fiftieth after two dozen reports."""
        known = self.samples if self.ratio is not None else 0
        return max(_MARGIN_KNOWN, _MARGIN_UNKNOWN / math.sqrt(1 + known))

    def measure(self, text: str) -> float:
        """Tokens of a text, not rounded, so that sums over many short texts stay true."""
        return base_tokens(text) * (self.ratio or 1.0)

    @property
    def message_overhead(self) -> float:
        """Tokens that a message costs beyond its text."""
        return MESSAGE_OVERHEAD * (self.ratio or 1.0)

    def estimate(self, text: str) -> int:
        """Tokens of a text."""
        return math.ceil(self.measure(text))

    def estimate_message(self, role: str, content: str) -> int:
        """Tokens of a message with what the chat template adds around it, which is the same for every role."""
        return math.ceil(self.measure(content) + self.message_overhead)

    def corrected(self, estimated_raw: float, actual: int) -> TokenEstimator:
        """The estimator after a report: the prompt's ``raw_tokens`` and the prompt tokens that the API counted."""
        if estimated_raw < _SHORTEST_SAMPLE or actual <= 0:
            return self
        observed = min(max(actual / estimated_raw, _LOWEST_RATIO), _HIGHEST_RATIO)
        if self.ratio is None or self.samples < 1:
            return TokenEstimator(observed, 1)
        observed = min(max(observed, self.ratio / _LARGEST_STEP), self.ratio * _LARGEST_STEP)
        weight = max(1 / (self.samples + 1), _SMALLEST_WEIGHT)
        return TokenEstimator(self.ratio + (observed - self.ratio) * weight, self.samples + 1)
