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

Fields = dict[str, msgspec.Raw]
"""An object whose values are still the bytes that they were written with."""


def read_object(data: bytes) -> dict[str, Any]:
    """The object in a JSON text. Raises `CardError`."""
    if len(data) > MAX_BYTES:
        raise CardError("large")
    if data.count(b"[") + data.count(b"{") > MOST_HOLDERS:
        raise CardError("many")
    content = _decoded(data)
    if not isinstance(content, dict):
        raise CardError("card")
    if _is_deep(content):
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


def _is_deep(content: Any) -> bool:
    level: list[Any] = [content]
    for _ in range(MAX_DEPTH):
        inner = (item for holder in level for item in (holder.values() if type(holder) is dict else holder))
        level = [item for item in inner if type(item) is dict or type(item) is list]
        if not level:
            return False
    return True
