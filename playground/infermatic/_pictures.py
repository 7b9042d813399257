"""Pictures in a request: nobody looks at them here, but their sizes are read."""

from __future__ import annotations

import base64
import binascii
import io
from typing import TYPE_CHECKING, Any

from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


def picture_addresses(messages: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the address of each picture in a chat, in order."""
    for message in messages:
        content = message.get("content")
        for part in content if isinstance(content, list) else ():
            if isinstance(part, dict) and part.get("type") == "image_url":
                image = part.get("image_url")
                yield str(image.get("url") or "") if isinstance(image, dict) else ""


def picture_size(address: str) -> tuple[int, int] | None:
    """Return the width and height of a picture in a data URL; None when it is none, or stands elsewhere."""
    head, comma, encoded = address.partition(",")
    if not comma or not head.startswith("data:image/") or not head.endswith(";base64"):
        return None
    try:
        with Image.open(io.BytesIO(base64.b64decode(encoded, validate=True))) as image:
            return image.size
    except (binascii.Error, OSError, Image.DecompressionBombError):
        return None
