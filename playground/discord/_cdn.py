"""The content delivery network: attachments and avatars, served from memory under /cdn."""

from __future__ import annotations

import base64
import binascii
import hashlib
import mimetypes
import struct
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from playground.discord._message import Attachment
from playground.discord.errors import field_error

if TYPE_CHECKING:
    from playground.discord._call import Upload
    from playground.discord._channel import Channel
    from playground.discord._state import State

_PNG_HEADER = b"\x89PNG\r\n\x1a\n"
_DEFAULT_AVATAR = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgaGj4DwADhAIA4mKV5AAAAABJRU5ErkJggg=="
)
MAX_AVATAR_BYTES = 10 * 1024 * 1024
_IMAGE_TYPES = {"image/png": _PNG_HEADER, "image/jpeg": b"\xff\xd8\xff", "image/gif": b"GIF8", "image/webp": b"RIFF"}


class Cdn:
    """Files by path."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._files: dict[str, tuple[bytes, str]] = {}

    def get(self, path: str) -> tuple[bytes, str] | None:
        """Find a file's bytes and type by its path below /cdn."""
        if path.startswith("embed/avatars/"):
            return _DEFAULT_AVATAR, "image/png"
        stem = path.rsplit(".", 1)[0] if path.startswith("avatars/") else path
        return self._files.get(stem)

    def attach(
        self, channel: Channel, upload: Upload, *, description: str | None = None, ephemeral: bool = False
    ) -> Attachment:
        """Keep a file of a message."""
        filename, data = upload.filename, upload.data
        size = len(data) if upload.claimed_size is None else upload.claimed_size
        attachment_id = self.state.snowflakes.next()
        path = f"{'ephemeral-' if ephemeral else ''}attachments/{channel.id}/{attachment_id}/{filename}"
        content_type = mimetypes.guess_type(filename)[0]
        self._files[path] = (data, content_type or "application/octet-stream")
        width, height = _png_size(data)
        url = f"{self.state.url}/cdn/{quote(path)}"
        return Attachment(attachment_id, filename, size, url, content_type, description, width, height, ephemeral, data)

    def keep_avatar(self, owner_id: int, data_url: str) -> str:
        """Keep an avatar that came as a data URL and give its hash."""
        kind, data = _decode_image(data_url)
        digest = hashlib.md5(data, usedforsecurity=False).hexdigest()
        self._files[f"avatars/{owner_id}/{digest}"] = (data, kind)
        return digest

    def keep_avatar_of(self, owner_id: int, url: str) -> str:
        """Give the hash of a picture that is named by its address; only pictures of this network are ever loaded."""
        digest = hashlib.md5(url.encode(), usedforsecurity=False).hexdigest()
        path = unquote(urlsplit(url).path) if url.startswith(f"{self.state.url}/cdn/") else ""
        if found := self.get(path.removeprefix("/cdn/")):
            self._files[f"avatars/{owner_id}/{digest}"] = found
        return digest


def _decode_image(data_url: str) -> tuple[str, bytes]:
    head, comma, encoded = data_url.partition(",")
    kind = head.removeprefix("data:").removesuffix(";base64")
    if not comma or kind not in _IMAGE_TYPES or not head.endswith(";base64"):
        raise field_error("avatar", "BASE_TYPE_BAD_IMAGE", "Invalid image data")
    try:
        data = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise field_error("avatar", "BASE_TYPE_BAD_IMAGE", "Invalid image data") from None
    if len(data) > MAX_AVATAR_BYTES:
        raise field_error("avatar", "BINARY_TYPE_MAX_SIZE", "File cannot be larger than 10240.0 kb.")
    if not data.startswith(_IMAGE_TYPES[kind]):
        raise field_error("avatar", "IMAGE_INVALID", "Unsupported image type given")
    return kind, data


def _png_size(data: bytes) -> tuple[int | None, int | None]:
    if not data.startswith(_PNG_HEADER) or len(data) < 24:
        return None, None
    width, height = struct.unpack(">II", data[16:24])
    return width, height
