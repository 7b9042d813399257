"""JSON in both directions: strict and quick first, forgiving only where that failed."""

import json
import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from ._errors import ResponseFormatError
from ._redact import NO_SECRET, Secret, redact
from ._types import Usage

T = TypeVar("T")

_SURROGATES = re.compile("[\ud800-\udfff]")

# How much of an unreadable answer an error keeps: enough to recognise an HTML page or a proxy's message.
_EXCERPT_CHARACTERS = 500


class ChunkDelta(msgspec.Struct, gc=False):
    """``delta`` of a chat chunk; newer vLLM calls the reasoning ``reasoning``."""

    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None


class ChunkChoice(msgspec.Struct, gc=False):
    """A choice of a chat chunk (``delta``) or of a text chunk (``text``)."""

    delta: ChunkDelta | None = None
    text: str | None = None
    index: int = 0
    finish_reason: str | None = None


class Chunk(msgspec.Struct, gc=False):
    """One event of a stream; ``error`` instead of ``choices`` is an error frame."""

    choices: list[ChunkChoice] | None = None
    id: str | None = None
    model: str | None = None
    usage: Usage | None = None
    error: Any = None


_decode_chunk = msgspec.json.Decoder(Chunk).decode


def read_chunk(payload: bytes) -> Chunk:
    """Decode one event of a stream; raises ``ResponseFormatError``."""
    try:
        return _decode_chunk(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _convert(lenient_json(payload), Chunk, payload)


def read_answer(body: bytes, type_: type[T], items: str = "") -> T:
    """Decode a whole answer; a null where the list ``items`` belongs counts as an empty list.

    Raises ``ResponseFormatError``.
    """
    try:
        return msgspec.json.decode(body, type=type_)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = lenient_json(body)
        if isinstance(found, dict) and items in found:
            found[items] = found[items] or []
        return _convert(found, type_, body)


def lenient_json(body: bytes) -> Any:
    """Decode JSON with invalid UTF-8 or lone surrogates replaced by U+FFFD; raises ``ResponseFormatError``."""
    try:
        found = json.loads(body.decode("utf-8", "replace"))
        if _SURROGATES.search(json.dumps(found, ensure_ascii=False)):
            found = json.loads(without_surrogates(json.dumps(found, ensure_ascii=False)))
    except (ValueError, RecursionError):
        raise ResponseFormatError("an answer that is not JSON", body=excerpt(body)) from None
    return found


def without_surrogates(text: str) -> str:
    """Replace what UTF-8 cannot carry."""
    return _SURROGATES.sub("\ufffd", text)


def _convert(found: Any, type_: type[T], body: bytes) -> T:
    try:
        return msgspec.convert(_without_nulls(found), type_, strict=False)
    except (msgspec.ValidationError, RecursionError) as exc:
        raise ResponseFormatError(f"an answer of another shape: {exc}", body=excerpt(body)) from None


def _without_nulls(value: Any) -> Any:
    """Drop null fields, so that defaults take their place."""
    if isinstance(value, dict):
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value if item is not None]
    return value


def excerpt(body: bytes, key: Secret = NO_SECRET) -> str:
    """Give the beginning of an answer for an error, without anything that looks like a key."""
    return redact(body[: 4 * _EXCERPT_CHARACTERS].decode("utf-8", "replace"), key)[:_EXCERPT_CHARACTERS]


def encode(body: Mapping[str, Any]) -> bytes:
    """Encode a request; lone surrogates, which UTF-8 cannot carry, become U+FFFD."""
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:
        plain = json.dumps(msgspec.to_builtins(body), ensure_ascii=False, separators=(",", ":"))
        return without_surrogates(plain).encode()
