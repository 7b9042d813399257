"""A character to try the bot with: a card as SillyTavern exports one, versions 2 and 3 in one PNG."""

from __future__ import annotations

import base64
import io
import json
from functools import cache
from typing import Any

from PIL import Image, ImageDraw, ImageFilter
from PIL.PngImagePlugin import PngInfo

FILENAME = "wren.png"
SIZE = (400, 600)
_SCALE = 2  # drawn larger, then made smaller: smooth edges
_FRAME = (72 * _SCALE, 96 * _SCALE, 352 * _SCALE, 516 * _SCALE)  # what is seen of the drawing
_NIGHT, _DUSK = (24, 27, 52), (98, 74, 92)
_COAT, _HAIR, _SKIN, _GLOW, _DARK = (52, 58, 74), (92, 48, 36), (226, 184, 152), (255, 206, 120), (28, 26, 34)

_ENTRIES: tuple[tuple[str, list[str], str], ...] = (
    ("Storm", [], "A storm has stood over the coast for three days. Nobody leaves the Lantern Inn before it is over."),
    (
        "Cellar",
        ["cellar", "trapdoor", "downstairs"],
        (
            "The cellar of the Lantern Inn floods at spring tide. Wren lights no lantern there and does not say why: "
            "two years ago somebody knocked at the trapdoor from below."
        ),
    ),
    (
        "Lighthouse",
        ["lighthouse", "beam", "the light"],
        (
            "The lighthouse on Gull Point has been dark since its keeper, Tobias, rowed out and did not return. Since "
            "this autumn it burns again on some nights."
        ),
    ),
    (
        "Tobias",
        ["Tobias", "keeper"],
        "Tobias kept the lighthouse for thirty years and taught Wren to trim a wick. He owes the inn nine crowns.",
    ),
)

_DATA: dict[str, Any] = {
    "name": "Wren",
    "description": (
        "{{char}} is thirty, small and quick, with lamp oil on her fingers and a grey coat that was cut for somebody "
        "larger. She keeps the forty lanterns of the Lantern Inn, an old coaching house on a cliff road, and knows "
        "every guest by their step on the stairs. She collects what guests leave behind, and the stories that belong "
        "to it."
    ),
    "personality": "curious, dry, quick to help and slow to trust; afraid of the dark and too proud to say so",
    "scenario": "A storm has closed the cliff road. {{user}} is the last guest to reach the Lantern Inn tonight.",
    "first_mes": (
        "*The door bangs shut behind you and keeps half of the storm outside. A woman on a ladder looks down, a lit "
        'match in one hand.*\n\n"Boots off, {{user}}. I scrub this floor myself." *She lights the last lantern and '
        'climbs down.* "There is soup, there is one bed, and there is a question: did you see a light on Gull Point?"'
    ),
    "alternate_greetings": [
        (
            "*It is long past midnight when the lantern in your room goes out by itself. Steps, a knock, a whisper.* "
            '"{{user}}? Are you awake? Do not open the window. Whatever you hear."'
        ),
        (
            "*Morning. The storm has not gone, but the kitchen is warm, and {{char}} pushes a mug across the table "
            'without looking up from a drawer full of lost keys.* "One of these is new. It was not there last night. '
            'Was it you?"'
        ),
    ],
    "mes_example": (
        "<START>\n{{user}}: What is down there?\n{{char}}: *She puts her foot on the trapdoor before you can bend "
        'down.* "Potatoes. And water, at spring tide. Mostly water."\n'
        "<START>\n{{user}}: You light all of them? Every night?\n"
        '{{char}}: "Forty." *A shrug that is almost a bow.* "Thirty-nine, if you count only those that stay lit."'
    ),
    "creator_notes": (
        "A quiet mystery for one or many. Three ways to begin: choose the greeting below. Ask her about the cellar, "
        "the lighthouse or Tobias: her lorebook knows more than she says at once."
    ),
    "system_prompt": "{{original}}\nWrite two or three short paragraphs of plain, physical prose in the present tense.",
    "post_history_instructions": "Stay with what {{char}} does and says. Never speak or decide for {{user}}.",
    "tags": ["mystery", "cosy", "inn", "original"],
    "creator": "The playground",
    "character_version": "1.0",
    "extensions": {"talkativeness": "0.6", "depth_prompt": {"prompt": "The lanterns are burning low.", "depth": 4}},
}


@cache
def sample_card() -> bytes:
    """Return the file, always the same."""
    book = {
        "name": "The Lantern Inn",
        "scan_depth": 4,
        "token_budget": 400,
        "recursive_scanning": True,
        "extensions": {},
        "entries": [_entry(number, *entry) for number, entry in enumerate(_ENTRIES)],
    }
    data = _DATA | {"character_book": book}
    third = data | {"group_only_greetings": [], "creation_date": 1_740_000_000}
    texts = PngInfo()
    for keyword, spec, version, fields in (
        ("chara", "chara_card_v2", "2.0", data),
        ("ccv3", "chara_card_v3", "3.0", third),
    ):
        card = json.dumps({"spec": spec, "spec_version": version, "data": fields}, ensure_ascii=False)
        texts.add_text(keyword, base64.b64encode(card.encode()).decode())
    file = io.BytesIO()
    _portrait().save(file, "PNG", pnginfo=texts, optimize=True)
    return file.getvalue()


def _entry(number: int, name: str, keys: list[str], content: str) -> dict[str, Any]:
    """An entry without keys is always there."""
    return {
        "id": number,
        "name": name,
        "keys": keys,
        "content": content,
        "enabled": True,
        "constant": not keys,
        "insertion_order": 100 - number,
        "position": "before_char",
        "case_sensitive": False,
        "use_regex": False,
        "extensions": {},
    }


def _portrait() -> Image.Image:
    """Draw her at dusk, a lantern in her hand."""
    picture = _sky()
    _Painter(picture).paint()
    glow = Image.new("RGB", picture.size)
    ImageDraw.Draw(glow).ellipse(_box(240, 310, 390, 460), fill=_GLOW)
    light = glow.filter(ImageFilter.GaussianBlur(38 * _SCALE))
    lit = Image.composite(
        Image.new("RGB", picture.size, _GLOW), picture, light.convert("L").point(lambda v: v * 3 // 5)
    )
    return lit.resize(SIZE, Image.Resampling.LANCZOS, box=_FRAME)


def _sky() -> Image.Image:
    strip = Image.new("RGB", (1, 2))
    strip.putpixel((0, 0), _NIGHT)
    strip.putpixel((0, 1), _DUSK)
    return strip.resize((SIZE[0] * _SCALE, SIZE[1] * _SCALE), Image.Resampling.BICUBIC)


def _box(*numbers: float) -> list[float]:
    return [number * _SCALE for number in numbers]


class _Painter:
    def __init__(self, picture: Image.Image) -> None:
        self._draw = ImageDraw.Draw(picture)

    def paint(self) -> None:
        self._window()
        self._figure()
        self._face()
        self._lantern()

    def _round(self, box: tuple[float, float, float, float], color: tuple[int, int, int]) -> None:
        self._draw.ellipse(_box(*box), fill=color)

    def _shape(self, *points: float, color: tuple[int, int, int]) -> None:
        self._draw.polygon(_box(*points), fill=color)

    def _window(self) -> None:
        self._round((292, 112, 336, 156), (238, 232, 214))
        for x, y in ((84, 124), (120, 108), (180, 116), (238, 122), (92, 196), (330, 204), (268, 168), (80, 280)):
            self._round((x, y, x + 3, y + 3), (220, 222, 236))
        self._shape(0, 430, 90, 392, 200, 424, 300, 388, 400, 420, 400, 600, 0, 600, color=(44, 40, 60))

    def _figure(self) -> None:
        self._round((112, 138, 288, 350), _HAIR)
        self._shape(60, 600, 84, 402, 150, 352, 250, 352, 316, 402, 340, 600, color=_COAT)
        self._shape(150, 352, 250, 352, 226, 420, 200, 452, 174, 420, color=(150, 60, 52))
        self._shape(258, 420, 296, 392, 334, 398, 330, 440, 280, 516, color=(46, 51, 66))

    def _face(self) -> None:
        self._shape(178, 300, 222, 300, 228, 366, 172, 366, color=(206, 162, 132))
        self._round((140, 168, 260, 326), _SKIN)
        self._shape(132, 244, 150, 156, 214, 148, 262, 176, 270, 250, 246, 206, 196, 192, 154, 214, color=_HAIR)
        for x in (166, 216):
            self._round((x, 240, x + 18, 256), (250, 246, 240))
            self._round((x + 5, 241, x + 15, 255), _DARK)
            self._draw.line(_box(x - 3, 232, x + 20, 229), fill=_HAIR, width=4 * _SCALE)
        self._draw.line(_box(200, 254, 195, 278, 203, 281), fill=(196, 146, 118), width=3 * _SCALE)
        self._draw.arc(_box(180, 278, 222, 302), 25, 150, fill=(150, 70, 64), width=4 * _SCALE)

    def _lantern(self) -> None:
        self._round((290, 370, 326, 404), _SKIN)
        self._draw.arc(_box(288, 388, 332, 434), 180, 360, fill=_DARK, width=4 * _SCALE)
        self._shape(286, 414, 334, 414, 340, 426, 280, 426, color=_DARK)
        self._shape(288, 426, 332, 426, 338, 486, 282, 486, color=_GLOW)
        self._shape(278, 486, 342, 486, 336, 500, 284, 500, color=_DARK)
        self._round((301, 444, 319, 480), (255, 250, 224))
