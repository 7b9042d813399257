"""JSON that strangers wrote: read within limits, and changed so that every field left alone keeps its very bytes."""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from chat.errors import CardError

MAX_BYTES: Final = 4 * 1024 * 1024
MAX_DEPTH: Final = 32
MOST_HOLDERS: Final = 300_000
"""Lists and objects, counted by their brackets, those in texts too: each takes some sixty bytes and a moment."""

_HALF: Final = re.compile(rb"\\u[dD][89aAbB]..(?!\\u[dD][c-fC-F])")
"""The first half of a character without the second; at the end of a text msgspec takes it for the end of the data."""

_BACKSLASH: Final = rb"\\"
_QUOTE: Final = rb"\""
_EMPTY_TEXT: Final = b'""'
_TEXT: Final = re.compile(rb'"[^"]*"')
_BRACES: Final = bytes.maketrans(b"[]", b"{}")
_ESCAPES: Final = rb"\/bfnrtu"  # a backslash and what may follow it, but for the quote
_NO_MARK: Final = bytes(set(range(256)) - set(b'"[]{}' + _ESCAPES))

Fields = dict[str, msgspec.Raw]
"""An object whose values are still the bytes that they were written with."""


def read_object(data: bytes) -> dict[str, Any]:
    """The object in a JSON text. Raises `CardError`."""
    if len(data) > MAX_BYTES:
        raise CardError("large")
    marks = _quotes_and_brackets(data)
    if marks.count(b"{") > MOST_HOLDERS:
        raise CardError("many")
    content = _decoded(data)
    if not isinstance(content, dict):
        raise CardError("card")
    if _is_deep(marks):
        raise CardError("deep")
    return content


def fields_of(data: bytes | msgspec.Raw) -> Fields:
    """The fields of an object that `read_object` has read."""
    return msgspec.json.decode(data, type=Fields)


def raw(value: Any) -> msgspec.Raw:
    """A value as a field holds it."""
    return msgspec.Raw(msgspec.json.encode(value))


def joined(fields: Mapping[str, msgspec.Raw]) -> bytes:
    """The object of these fields."""
    return msgspec.json.encode(fields)


def _decoded(data: bytes) -> Any:
    try:
        return msgspec.json.decode(data)
    except RecursionError:
        raise CardError("deep") from None
    except UnicodeDecodeError:
        raise CardError("text") from None
    except msgspec.ValidationError:  # with no type asked for, only numbers can be wrong
        raise CardError("number") from None
    except msgspec.DecodeError as error:
        raise CardError("text" if "surrogate" in str(error) or _HALF.search(data) else "json") from None


def _quotes_and_brackets(data: bytes) -> bytes:
    """All brackets, as braces, and the quotes around texts."""
    marks = data.translate(_BRACES, _NO_MARK)
    if b"\\" in marks:
        marks = marks.replace(_BACKSLASH, b"").replace(_QUOTE, b"")
    return marks.translate(None, _ESCAPES)


def _is_deep(marks: bytes) -> bool:
    """Whether something is held too often, seen by the quotes and brackets of a JSON text that is in order.

    Nothing here runs in Python for each value: a card may have a hundred thousand of them.
    """
    held = _TEXT.sub(b"", marks.replace(_EMPTY_TEXT, b""))  # two quotes side by side turn nothing inside out
    for _ in range(MAX_DEPTH):
        held = held.replace(b"{}", b"")
        if not held:
            return False
    return True
