"""What does it cost to import a character card of 4 MiB?

    python -m benchmarks.cards

Reads a card whose text is nearly as large as it may be, a lorebook of some thousand entries, from a JSON file, from a
picture and from a CHARX archive, in turns with msgspec reading the same JSON. Prints the ratios of the medians; exits
with 1 if one is above the limit.
"""

import base64
import io
import json
import struct
import sys
import time
import zipfile
import zlib
from collections.abc import Callable
from statistics import median
from typing import Any

import msgspec
from PIL import Image

from chat.cards import read_card
from chat.lorebooks import MOST_ENTRIES

LIMIT = 3.0
ROUNDS = 31
CARD_BYTES = 4 * 1024 * 1024 - 4096
STORY = 'The tide comes in twice a day,\n and {{char}} writes down when. "Nobody else" in the harbour remembers. '


def main() -> int:
    """Measure each kind of file."""
    card = _card()
    print(
        f"a card of {len(card) / 2**20:.2f} MiB, {len(json.loads(card)['data']['character_book']['entries'])} entries"
    )
    worst = 0.0
    for name, data in (("JSON", card), ("PNG", _png(card)), ("CHARX", _charx(card))):
        yardstick, ours = _measure(lambda: msgspec.json.decode(card), lambda data=data: read_card(data))  # type: ignore[misc]  # a lambda with a default
        worst = max(worst, ours / yardstick)
        print(f"  {name}: {ours * 1e3:.1f} ms, msgspec {yardstick * 1e3:.1f} ms, ratio {ours / yardstick:.2f}")
    print(f"worst ratio {worst:.2f}, limit {LIMIT}")
    return int(worst > LIMIT)


def _measure(yardstick: Callable[[], Any], ours: Callable[[], Any]) -> tuple[float, float]:
    """Median seconds of each, taken in turns."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for number in range(ROUNDS):
        for which in (0, 1) if number % 2 else (1, 0):
            started = time.perf_counter()
            (yardstick, ours)[which]()
            seconds[which].append(time.perf_counter() - started)
    return median(seconds[0]), median(seconds[1])


def _card() -> bytes:
    """Entries of a lorebook as SillyTavern writes them, until the card is full."""
    entries: list[dict[str, Any]] = []
    size = 0
    while size < CARD_BYTES - 3000:
        number = len(entries)
        entry = {
            "id": number,
            "keys": [f"harbour {number}", f"tide {number}"],
            "secondary_keys": [],
            "comment": f"Entry {number}",
            "content": STORY * (1 + number % 7),
            "constant": False,
            "selective": True,
            "insertion_order": 100,
            "enabled": True,
            "position": "before_char",
            "use_regex": False,
            "extensions": {
                "position": 0, "depth": 4, "role": 0, "probability": 100, "useProbability": True, "selectiveLogic": 0,
                "exclude_recursion": False, "group": "", "sticky": 0, "cooldown": 0, "delay": 0, "scan_depth": None,
            },
        }  # fmt: skip
        size += len(json.dumps(entry)) + 2
        entries.append(entry)
    assert len(entries) <= MOST_ENTRIES
    data = {
        "name": "Mira",
        "description": STORY,
        "first_mes": STORY,
        "extensions": {},
        "character_book": {"entries": entries},
    }
    return json.dumps({"spec": "chara_card_v2", "spec_version": "2.0", "data": data}).encode()


def _png(card: bytes) -> bytes:
    picture = io.BytesIO()
    Image.new("RGB", (400, 600), "teal").save(picture, "PNG")
    content = b"tEXtchara\0" + base64.b64encode(card)
    chunk = struct.pack(">I", len(content) - 4) + content + struct.pack(">I", zlib.crc32(content))
    return picture.getvalue()[:-12] + chunk + picture.getvalue()[-12:]


def _charx(card: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("card.json", card)
    return target.getvalue()


if __name__ == "__main__":
    sys.exit(main())
