"""Text broken into the pieces that the local Infermatic counts and streams.

No real model's tokenizer is imitated. The pieces are about as long as real tokens are in English, they split words,
numbers and emoji sequences in the middle as real ones do, and joining them gives the text back.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_PIECE = re.compile(r" ?[A-Za-zÀ-ɏ]{1,5}|\d{1,3}|[^\W\d_]{1,2}|\n+|.", re.DOTALL)

TOKENS_PER_MESSAGE = 4
"""What a chat template adds around each message: markers and the role's name."""

TOKENS_PER_REPLY_START = 3
"""What a chat template adds after the last message to make the model answer."""

TOKENS_PER_IMAGE = 256
"""Pictures are not looked at; each counts as much as a small one does for common vision models."""


def split_tokens(text: str) -> list[str]:
    """Return the text's tokens; joined they are the text."""
    return _PIECE.findall(text)


def count_tokens(text: str) -> int:
    """Return how many tokens the text has."""
    return len(_PIECE.findall(text))


def text_of(content: Any) -> str:
    """Return the text of a message's content, which is a string or a list of parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return ""


def count_messages(messages: Iterable[Mapping[str, Any]]) -> int:
    """Return how many tokens a chat's messages make as a prompt."""
    total = TOKENS_PER_REPLY_START
    for message in messages:
        content = message.get("content")
        total += TOKENS_PER_MESSAGE + count_tokens(text_of(content))
        if isinstance(content, list):
            images = sum(isinstance(part, dict) and part.get("type") == "image_url" for part in content)
            total += TOKENS_PER_IMAGE * images
    return total
