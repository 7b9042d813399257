"""Pictures made small enough to be kept and shown to models, and how they stand in a request.

`shrunk` works in a thread: it takes some tens of milliseconds, and up to 120 MB for the largest picture it opens.
"""

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from PIL import Image, ImageOps

from storage import Picture

LONGEST_SIDE: Final = 1024
"""In pixels. Models see little more: most take pictures of about a megapixel, or scale them down to it."""

MOST_PIXELS: Final = 30_000_000
"""Of the original; 120 MB while it is decoded. Phones take pictures of 12 megapixels, bombs have billions."""

MOST_KEPT_BYTES: Final = 512 * 1024
"""Of one picture as it is kept and sent; a photograph of the longest side has a third of it."""

PICTURE_TOKENS: Final = 1_500
"""What a picture of the longest side costs: one token for 28 x 28 pixels in the common models, and some around it."""

WINDOW_SHARE: Final = 1 / 4
"""Of a context window, for pictures: what a prompt grants its newest turn however long the rest is."""

PICTURES_SHOWN: Final = 4
"""In one request, the newest of the conversation: a follow-up question is mostly about one of them."""

PICTURE_MARK: Final = "[Picture: "
"""How the words begin that name a picture; a text without it has none."""

_FORMATS: Final = ("PNG", "JPEG", "WEBP", "GIF")
_QUALITIES: Final = (85, 70, 50)

Content = str | list[dict[str, Any]]
"""A message's content as it is sent: text alone, or parts of which some are pictures."""


class UnreadablePictureError(ValueError):
    """The bytes are no picture that can be opened, or one of too many pixels."""


def shrunk(attachment_id: int, name: str, data: bytes) -> Picture:
    """The first frame upright, no larger than models need it, without what cameras note down about the place.

    Raises `UnreadablePictureError`.
    """
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:  # only the header has been read until here
                raise UnreadablePictureError("too many pixels")
            width, height = image.size
            if image.getexif().get(0x0112, 1) >= 5:  # the orientations that lie on their side
                width, height = height, width
            image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))  # JPEG can be decoded at a fraction of its size
            kind, small = _encoded(_scaled(ImageOps.exif_transpose(image)))
    except UnreadablePictureError:
        raise
    except Exception as error:  # damaged files raise nearly everything, also errors of bombs
        raise UnreadablePictureError("not a picture") from error
    return Picture(attachment_id, name, kind, width, height, small)


def joined(first: Content, second: Content, between: str) -> Content:
    """Two contents as one."""
    if isinstance(first, str) and isinstance(second, str):
        return first + between + second
    parts, more = _parts(first), _parts(second)
    if parts and more and parts[-1]["type"] == more[0]["type"] == "text":
        text = {"type": "text", "text": parts[-1]["text"] + between + more[0]["text"]}
        return [*parts[:-1], text, *more[1:]]
    return parts + more


def with_pictures(text: str, pictures: Sequence[Picture]) -> Content:
    """A message's text with its pictures behind it."""
    return [*_parts(text), *map(_part, pictures)] if pictures else text


def pictures_that_fit(window: int) -> int:
    """How many pictures leave most of a context window to the words."""
    return int(window * WINDOW_SHARE) // PICTURE_TOKENS


def pictures_in(messages: Iterable[Mapping[str, Any]]) -> int:
    """How many pictures a request shows."""
    parts = (part for message in messages if not isinstance(message["content"], str) for part in message["content"])
    return sum(part["type"] == "image_url" for part in parts)


def is_empty(content: Content) -> bool:
    """Whether there are neither words nor pictures."""
    return not content.strip() if isinstance(content, str) else not content


def _parts(content: Content) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _part(picture: Picture) -> dict[str, Any]:
    data = base64.b64encode(picture.data).decode("ascii")
    return {"type": "image_url", "image_url": {"url": f"data:{picture.content_type};base64,{data}"}}


def _scaled(image: Image.Image) -> Image.Image:
    """As RGB, or RGBA where something is transparent, within the longest side."""
    see_through = image.has_transparency_data
    image = image.convert("RGBA" if see_through else "RGB")
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    return image


def _encoded(image: Image.Image) -> tuple[str, bytes]:
    """PNG where something is transparent and it stays small, else JPEG on white; without any metadata."""
    if image.mode == "RGBA":
        if image.getchannel("A").getextrema() != (255, 255) and len(png := _saved(image, "PNG")) <= MOST_KEPT_BYTES:
            return "image/png", png
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image).convert("RGB")
    while True:
        for quality in _QUALITIES:
            data = _saved(image, "JPEG", quality=quality)
            if len(data) <= MOST_KEPT_BYTES:
                return "image/jpeg", data
        image = image.resize((max(1, image.width // 2), max(1, image.height // 2)))


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    clean = image.copy()
    clean.info = {}  # savers take profiles, comments and EXIF from here
    target = io.BytesIO()
    clean.save(target, kind, **options)
    return target.getvalue()
