"""CHARX files: a zip with `card.json` and pictures, perhaps behind a JPEG. Nothing of it touches the disk, and little
of it is unpacked.
"""

import io
import struct
import zipfile
import zlib
from typing import Final

from chat.errors import CardError

SIGNATURE: Final = b"PK\x03\x04"
JPEG_SIGNATURE: Final = b"\xff\xd8\xff"
CARD_NAME: Final = "card.json"

MOST_ENTRIES: Final = 2_000
MOST_DIRECTORY_BYTES: Final = 1024 * 1024
"""What `zipfile` reads before anyone can ask how many entries there are."""

_END = struct.Struct("<4s4H2LH")
_END_SIGNATURE: Final = b"PK\x05\x06"
_LONGEST_COMMENT: Final = 65_535
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def is_charx(data: bytes) -> bool:
    """Whether there is an archive, by the file's beginning and end."""
    return data.startswith(SIGNATURE) or (data.startswith(JPEG_SIGNATURE) and _end_of(data) >= 0)


class Charx:
    """An opened archive. Everything raises `CardError`."""

    def __init__(self, data: bytes) -> None:
        _look_at_end(data)
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, ValueError, struct.error, OSError) as error:
            raise CardError("archive") from error
        entries = self._archive.infolist()
        if len(entries) > MOST_ENTRIES:
            raise CardError("chunks")
        if any(_leads_out(entry.filename) for entry in entries):
            raise CardError("path")
        names = [entry.filename for entry in entries]
        if names.count(CARD_NAME) > 1:
            raise CardError("duplicate")
        self._entries = {entry.filename: entry for entry in entries}

    def read(self, name: str, most_bytes: int) -> bytes | None:
        """What lies under this very name; None if nothing does. A longer file is refused without unpacking it."""
        entry = self._entries.get(name)
        if entry is None:
            return None
        if entry.compress_type not in _METHODS or entry.flag_bits & 0x1:
            raise CardError("archive")
        try:
            with self._archive.open(entry) as file:
                data = file.read(most_bytes + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError, OSError, struct.error) as error:
            raise CardError("archive") from error
        if len(data) > most_bytes:
            raise CardError("large")
        return data


def _look_at_end(data: bytes) -> None:
    place = _end_of(data)
    if place < 0 or place + _END.size > len(data):
        raise CardError("archive")
    directory_bytes = _END.unpack_from(data, place)[5]
    if directory_bytes > MOST_DIRECTORY_BYTES:
        raise CardError("chunks")


def _end_of(data: bytes) -> int:
    return data.rfind(_END_SIGNATURE, max(0, len(data) - _LONGEST_COMMENT - _END.size))


def _leads_out(name: str) -> bool:
    """Whether a path would leave the folder that it is unpacked into."""
    parts = name.replace("\\", "/").split("/")
    return ".." in parts or name.startswith(("/", "\\")) or ":" in parts[0]
