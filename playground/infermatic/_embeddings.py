"""Vectors for texts: similar texts get similar ones, the same text always the same."""

from __future__ import annotations

import base64
import hashlib
import math
import re
import struct

DIMENSIONS = 768
"""What intfloat-multilingual-e5-base has."""

_WORD = re.compile(r"\w+")
_PREFIX = re.compile(r"^(query|passage): ")
_PLACES_PER_WORD = 16  # enough that two words rarely meet in more than one place


def embed(text: str) -> list[float]:
    """Return a vector of length one; words that texts share bring their vectors together."""
    vector = [0.0] * DIMENSIONS
    for word in _WORD.findall(_PREFIX.sub("", text).lower()) or [text]:
        digest = hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=_PLACES_PER_WORD * 3).digest()
        for place in range(_PLACES_PER_WORD):
            high, low, sign = digest[place * 3 : place * 3 + 3]
            vector[(high << 8 | low) % DIMENSIONS] += 1.0 if sign & 1 else -1.0
    length = math.sqrt(sum(value * value for value in vector)) or 1.0
    return [value / length for value in vector]


def as_base64(vector: list[float]) -> str:
    """Return the vector as little-endian 32-bit floats in base64."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
