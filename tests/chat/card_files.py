"""Character cards and their files, made up: every version in every container."""

import base64
import io
import json
import struct
import zipfile
import zlib
from typing import Any

from hypothesis import strategies as st
from PIL import Image

SIGNATURE = b"\x89PNG\r\n\x1a\n"
FIRST = ("name", "description", "personality", "scenario", "first_mes", "mes_example")

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
names = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=12)
numbers = st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False)
anything = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
unknown = st.dictionaries(st.text("xyz_", min_size=3, max_size=6).map("x_".__add__), anything, max_size=3)
entries = st.fixed_dictionaries(
    {"keys": st.lists(texts, max_size=2), "content": texts, "enabled": st.booleans(), "insertion_order": numbers},
    optional={"extensions": unknown, "x_entry": anything, "id": st.integers() | texts},
)
books = st.fixed_dictionaries({"entries": st.lists(entries, max_size=2)}, optional={"name": texts, "x_book": anything})
first_fields = st.fixed_dictionaries({"name": names, **dict.fromkeys(FIRST[1:], texts)})
second_fields = st.fixed_dictionaries(
    {
        "creator_notes": texts,
        "system_prompt": texts,
        "post_history_instructions": texts,
        "alternate_greetings": st.lists(texts, max_size=2),
        "tags": st.lists(texts, max_size=2),
        "creator": texts,
        "character_version": texts,
        "extensions": unknown,
    },
    optional={"character_book": books},
)
third_fields = st.fixed_dictionaries(
    {"group_only_greetings": st.lists(texts, max_size=1)},
    optional={
        "nickname": names,
        "assets": st.lists(st.fixed_dictionaries({"type": texts, "uri": texts}), max_size=1),
        "creator_notes_multilingual": st.dictionaries(texts, texts, max_size=1),
        "source": st.lists(texts, max_size=1),
        "creation_date": st.integers(0, 2**40),
    },
)


def _joined(*parts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for part in parts for name, value in part.items()}


first_cards = st.builds(_joined, first_fields, unknown)
second_cards = st.builds(
    lambda outside, data, repeats: {
        **({name: data[name] for name in FIRST} if repeats else {}),
        **outside,
        "spec": "chara_card_v2",
        "spec_version": "2.0",
        "data": data,
    },
    unknown,
    st.builds(_joined, first_fields, second_fields, unknown),
    st.booleans(),
)
third_cards = st.builds(
    lambda outside, data: {**outside, "spec": "chara_card_v3", "spec_version": "3.0", "data": data},
    unknown,
    st.builds(_joined, first_fields, second_fields, third_fields, unknown),
)
cards = first_cards | second_cards | third_cards


def card(version: int = 2, **fields: Any) -> dict[str, Any]:
    """A small card."""
    data = {
        "name": "Mira",
        "description": "{{char}} keeps the harbour light.",
        "personality": "calm",
        "scenario": "At night, by the sea.",
        "first_mes": "*The lamp turns.* Good evening, {{user}}.",
        "mes_example": "",
        **fields,
    }
    if version == 1:
        return data
    return {"spec": f"chara_card_v{version}", "spec_version": f"{version}.0", "data": data}


def as_json(content: Any) -> bytes:
    return json.dumps(content).encode()


def picture(colour: str = "teal", size: tuple[int, int] = (8, 12), kind: str = "PNG") -> bytes:
    """The file of a picture."""
    target = io.BytesIO()
    Image.new("RGB", size, colour).save(target, kind)
    return target.getvalue()


def animation() -> bytes:
    """An APNG file of two pictures."""
    target = io.BytesIO()
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("teal", "navy")]
    frames[0].save(target, "PNG", save_all=True, append_images=frames[1:])
    return target.getvalue()


def chunk(kind: bytes, data: bytes, crc: int | None = None) -> bytes:
    crc = zlib.crc32(kind + data) if crc is None else crc
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)


def text_chunk(keyword: bytes, content: bytes, crc: int | None = None) -> bytes:
    return chunk(b"tEXt", keyword + b"\0" + content, crc)


def png(*extra: bytes, around: bytes | None = None) -> bytes:
    """A PNG file with more chunks before its end."""
    whole = picture() if around is None else around
    return whole[:-12] + b"".join(extra) + whole[-12:]


def png_card(keyword: bytes = b"chara", around: bytes | None = None, **fields: Any) -> bytes:
    version = 3 if keyword == b"ccv3" else 2
    return png(text_chunk(keyword, base64.b64encode(as_json(card(version, **fields)))), around=around)


def charx(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED, **methods: int) -> bytes:
    """A CHARX file; ``methods`` are those of files that are packed in another way, by their names without an ending."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data, methods.get(name.partition(".")[0], method))
    return target.getvalue()
