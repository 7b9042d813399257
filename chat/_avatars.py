"""Pictures of personas: made small to be kept, and as PNG to carry a card away."""

import contextlib
import hashlib
import io
from typing import Final

from PIL import Image

from chat.pictures import UnreadablePictureError, shrunk
from storage import Avatar

_PLAIN_SIZE: Final = (400, 600)  # as SillyTavern shows cards


def avatar_of(picture: bytes | None) -> Avatar | None:
    """The picture of a file made small; None if there is none that can be opened."""
    if picture is None:
        return None
    with contextlib.suppress(UnreadablePictureError):
        found = shrunk(0, "avatar", picture)
        return Avatar(found.content_type, found.data)
    return None


def as_png(avatar: Avatar | None, name: str) -> bytes:
    """The picture as PNG, or a plain one in a colour that the name chooses."""
    if avatar is not None and avatar.content_type == "image/png":
        return avatar.data
    target = io.BytesIO()
    if avatar is None:
        red, green, blue = hashlib.blake2b(name.encode(), digest_size=3).digest()
        Image.new("RGB", _PLAIN_SIZE, (red // 2, green // 2, blue // 2)).save(target, "PNG")
    else:
        with Image.open(io.BytesIO(avatar.data), formats=["JPEG"]) as image:
            image.save(target, "PNG")
    return target.getvalue()
