"""Texts shortened to a number of tokens, with a mark where something is missing."""

from __future__ import annotations

from collections.abc import Callable

from chat.tokens import TokenEstimator

# Each step halves the doubt about the length and costs one estimate; nine leave less than a percent.
_STEPS = 9


def trim_middle(text: str, tokens: float, estimator: TokenEstimator) -> str:
    """The beginning and the end of a text, which say what it is about and what is asked."""

    def kept(length: int) -> str:
        head = length * 2 // 3
        return f"{text[:head]}\n{_mark(len(text) - length)}\n{text[len(text) - length + head :]}".strip()

    return _longest(text, kept, tokens, estimator)


def trim_start(text: str, tokens: float, estimator: TokenEstimator) -> str:
    """The end of a text, which what comes after it goes on from."""

    def kept(length: int) -> str:
        return f"{_mark(len(text) - length)}\n{text[len(text) - length :]}".strip()

    return _longest(text, kept, tokens, estimator)


def _mark(missing: int) -> str:
    return f"[… {missing} characters left out …]"


def _longest(text: str, kept: Callable[[int], str], tokens: float, estimator: TokenEstimator) -> str:
    """The longest shortened text found within the tokens; the mark alone when nothing else fits."""
    size = estimator.measure(text)
    if size <= tokens:
        return text
    fits, too_long = 0, len(text)
    length = int(len(text) * max(tokens, 0) / size)  # nearly right at once when the text is even
    for _ in range(_STEPS):
        if estimator.measure(kept(length)) <= tokens:
            fits = length
        else:
            too_long = length
        length = (fits + too_long) // 2
    return kept(fits)
