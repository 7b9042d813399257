"""Facts about writing systems."""

from __future__ import annotations

from typing import Final

UNSPACED: Final = (
    r"\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\u3000-\u303f\uff01-\uff65"
)
"""The inside of a character class: what is written without spaces between words, with its punctuation."""
