"""The chunks of PNG and APNG files: reading texts out of them and putting texts in."""

import struct
import zlib
from collections.abc import Iterable, Mapping
from typing import Final

from chat.errors import CardError

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"

MOST_CHUNKS: Final = 20_000
"""A long animation has some thousands."""

_HEAD = struct.Struct(">I4s")
_CRC = struct.Struct(">I")
_STILL: Final = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
_LONGEST_KEYWORD: Final = 79
_TEXTS: Final = frozenset({b"tEXt", b"zTXt", b"iTXt"})

Chunk = tuple[bytes, memoryview]
"""A type and what it holds."""


def read_chunks(data: bytes) -> list[Chunk]:
    """All chunks up to the end of the picture. Raises `CardError`."""
    if not data.startswith(SIGNATURE):
        raise CardError("png")
    view = memoryview(data)
    chunks: list[Chunk] = []
    place = len(SIGNATURE)
    while not chunks or chunks[-1][0] != b"IEND":
        if len(chunks) == MOST_CHUNKS:
            raise CardError("chunks")
        if place + _HEAD.size + _CRC.size > len(data):
            raise CardError("png")
        length, kind = _HEAD.unpack_from(data, place)
        end = place + _HEAD.size + length
        if end + _CRC.size > len(data):
            raise CardError("png")
        if zlib.crc32(view[place + 4 : end]) != _CRC.unpack_from(data, end)[0]:
            raise CardError("crc")
        chunks.append((kind, view[place + _HEAD.size : end]))
        place = end + _CRC.size
    return chunks


def texts_under(chunks: Iterable[Chunk], keyword: str) -> list[Chunk]:
    """The chunks that have a text under a keyword, whatever its case, as they follow each other; each text once."""
    wanted = keyword.encode("latin-1")
    found = [(kind, data) for kind, data in chunks if kind in _TEXTS and _is_under(data, wanted)]
    return list(dict.fromkeys(found)) if len(found) > 1 else found


def text_in(chunk: Chunk, most_bytes: int) -> bytes:
    """The text of one of them. A longer one is refused without being unpacked whole. Raises `CardError`."""
    kind, data = chunk
    rest = data[bytes(data[: _LONGEST_KEYWORD + 1]).index(b"\0") + 1 :]
    packed = kind == b"zTXt"
    if packed:
        rest = rest[1:]  # the method
    elif kind == b"iTXt":
        packed = bytes(rest[:1]) == b"\1"
        rest = memoryview(bytes(rest[2:]).partition(b"\0")[2].partition(b"\0")[2])  # the language, the keyword in it
    text = _unpacked(rest, most_bytes) if packed else bytes(rest[: most_bytes + 1])
    if len(text) > most_bytes:
        raise CardError("large")
    return text


def still(chunks: Iterable[Chunk]) -> bytes:
    """The first picture without anything around it."""
    return _joined((kind, data) for kind, data in chunks if kind in _STILL)


def with_texts(picture: bytes, texts: Mapping[str, bytes]) -> bytes:
    """A PNG file with these texts instead of those that it has under their keywords."""
    chunks = read_chunks(picture)
    keywords = [keyword.encode("latin-1") for keyword in texts]
    kept = [
        (kind, data)
        for kind, data in chunks[:-1]
        if kind not in _TEXTS or not any(_is_under(data, keyword) for keyword in keywords)
    ]
    added = [
        (b"tEXt", memoryview(keyword + b"\0" + text)) for keyword, text in zip(keywords, texts.values(), strict=True)
    ]
    return _joined([*kept, *added, chunks[-1]])


def _is_under(data: memoryview, keyword: bytes) -> bool:
    return bytes(data[: len(keyword) + 1]).lower() == keyword + b"\0"


def _unpacked(data: memoryview, most_bytes: int) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, most_bytes + 1)
    except zlib.error:
        raise CardError("base64") from None


def _joined(chunks: Iterable[Chunk]) -> bytes:
    pieces: list[bytes | memoryview] = [SIGNATURE]
    for kind, data in chunks:
        crc = zlib.crc32(data, zlib.crc32(kind))
        pieces += [_HEAD.pack(len(data), kind), data, _CRC.pack(crc)]
    return b"".join(pieces)
