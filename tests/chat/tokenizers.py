"""Stand-ins for real tokenizers, each cutting text its own way, so that estimates meet something they did not make."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

Tokenizer = Callable[[str], int]


def by_pieces(length: int) -> Tokenizer:
    """Pieces of words of at most that many letters, every other visible character alone."""
    pattern = re.compile(rf"[^\W\d_]{{1,{length}}}|\d|[^\w\s]|_|\n")
    return lambda text: len(pattern.findall(text))


def by_characters(per_token: float) -> Tokenizer:
    """So many characters to a token whatever they are."""
    return lambda text: round(len(text) / per_token)


TOKENIZERS: dict[str, Tokenizer] = {
    "large vocabulary": by_pieces(9),
    "middling vocabulary": by_pieces(5),
    "small vocabulary": by_pieces(2),
    "by characters": by_characters(4.5),
    "dense": by_characters(1.7),
}


def count_prompt(tokenizer: Tokenizer, messages: Iterable[Mapping[str, str]]) -> int:
    """A chat template adds four tokens to a message and opens the answer with three."""
    return 3 + sum(4 + tokenizer(message["content"]) for message in messages)
