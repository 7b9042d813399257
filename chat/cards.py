"""Character cards: read from PNG, APNG, JSON and CHARX files, versions 1 to 3, and written as PNG and JSON.

Strangers wrote them. Every fault is a `CardError`; no address inside a card is ever fetched. A card keeps the text that
it was read from, so that whatever is not changed is written as it was, also what nobody here knows.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from chat import _charx, _png
from chat._card_json import MAX_BYTES, read_object
from chat._card_versions import FIRST_FIELDS, as_second, as_third, blank_fields, is_newer, version_of, with_fields
from chat._charx import Charx
from chat.errors import CardError
from storage.text import clean_text

__all__ = [
    "EDITABLE",
    "MAX_FILE_BYTES",
    "Card",
    "FileNote",
    "ReadCard",
    "changed",
    "new_card",
    "parse_card",
    "read_card",
    "to_json",
    "to_png",
]

MAX_FILE_BYTES: Final = 10 * 1024 * 1024

TEXTS: Final = (
    "name",
    "nickname",
    "description",
    "personality",
    "scenario",
    "first_mes",
    "mes_example",
    "creator_notes",
    "system_prompt",
    "post_history_instructions",
    "creator",
    "character_version",
)
LISTS: Final = ("alternate_greetings", "group_only_greetings", "tags")
EDITABLE: Final = frozenset({*TEXTS, *LISTS, "character_book", "extensions"})

_TYPES: Final[Mapping[str, type]] = {
    **dict.fromkeys(TEXTS, str),
    **dict.fromkeys((*LISTS, "assets"), list),
    **dict.fromkeys(("character_book", "extensions"), dict),
}
_BLANK: Final = blank_fields(name="-")
_EMBEDDED: Final = ("embeded://", "embedded://")  # the first is how the specification spells it
_MOST_TEXTS: Final = 2  # under one keyword; of a file with more of them all that follow are ignored
_NO_OBJECT: Final[Mapping[str, Any]] = {}

FileNote = Literal["broken", "several", "picture"]
"""What a person should know of a file: a newer card in it is damaged, it has several cards, its picture is lost."""


@dataclass(frozen=True, slots=True)
class Card:
    """A character card; texts that it lacks are empty."""

    raw: bytes = field(repr=False)  # the JSON as it was read
    content: Mapping[str, Any] = field(repr=False, compare=False)
    version: int

    @property
    def data(self) -> Mapping[str, Any]:
        """Where the character's fields stand."""
        inner: Mapping[str, Any] = self.content if self.version == 1 else self.content["data"]
        return inner

    @property
    def newer(self) -> bool:
        """Whether it follows a later edition of the specification than the one known here."""
        return is_newer(dict(self.content))

    @property
    def mistyped(self) -> tuple[str, ...]:
        """The fields that count as missing because they are not what they should be; they stay in the card."""
        names = _TYPES if self.version > 1 else FIRST_FIELDS
        return tuple(name for name in names if not isinstance(self.data.get(name), _TYPES[name] | None))

    def text(self, name: str) -> str:
        """One of the texts."""
        value = self.data.get(name)
        return clean_text(value) if isinstance(value, str) else ""

    def texts(self, name: str) -> tuple[str, ...]:
        """One of the lists of texts, without those that are empty."""
        items = self.data.get(name)
        if not isinstance(items, list):
            return ()
        return tuple(clean_text(item) for item in items if isinstance(item, str) and item.strip())

    @property
    def name(self) -> str:
        return " ".join(self.text("name").split())

    @property
    def called(self) -> str:
        """What the character is called in chats: the nickname, where there is one."""
        return " ".join(self.text("nickname").split()) or self.name

    @property
    def description(self) -> str:
        return self.text("description")

    @property
    def personality(self) -> str:
        return self.text("personality")

    @property
    def scenario(self) -> str:
        return self.text("scenario")

    @property
    def first_mes(self) -> str:
        return self.text("first_mes")

    @property
    def mes_example(self) -> str:
        return self.text("mes_example")

    @property
    def creator_notes(self) -> str:
        return self.text("creator_notes")

    @property
    def system_prompt(self) -> str:
        return self.text("system_prompt")

    @property
    def post_history_instructions(self) -> str:
        return self.text("post_history_instructions")

    @property
    def greetings(self) -> tuple[str, ...]:
        """The first message and its alternates."""
        first = (self.first_mes,) if self.first_mes.strip() else ()
        return (*first, *self.texts("alternate_greetings"))

    @property
    def greeting_numbers(self) -> tuple[int, ...]:
        """How cards count each of the greetings: 0 is the first message, and empty alternates count, too."""
        listed = self.data.get("alternate_greetings")
        alternates = listed if isinstance(listed, list) else []
        numbers = [number for number, item in enumerate(alternates, 1) if isinstance(item, str) and item.strip()]
        return (0, *numbers) if self.first_mes.strip() else tuple(numbers)

    @property
    def tags(self) -> tuple[str, ...]:
        return self.texts("tags")

    @property
    def book(self) -> Mapping[str, Any] | None:
        """The lorebook as it stands in the card."""
        found = self.data.get("character_book")
        return found if isinstance(found, dict) else None

    @property
    def extensions(self) -> Mapping[str, Any]:
        found = self.data.get("extensions")
        return found if isinstance(found, dict) else _NO_OBJECT

    @property
    def assets(self) -> tuple[Mapping[str, Any], ...]:
        """Pictures and other files that the card speaks of."""
        found = self.data.get("assets")
        return tuple(item for item in found if isinstance(item, dict)) if isinstance(found, list) else ()


@dataclass(frozen=True, slots=True)
class ReadCard:
    """What a file holds: the card, and its picture as far as the file has one, whatever that may be."""

    card: Card
    picture: bytes | None = field(default=None, repr=False)
    notes: tuple[FileNote, ...] = ()


def read_card(data: bytes) -> ReadCard:
    """The card in a file, whatever the file is called. Raises `CardError`."""
    if len(data) > MAX_FILE_BYTES:
        raise CardError("file")
    if data.startswith(_png.SIGNATURE):
        return _read_png(data)
    if _charx.is_charx(data):
        return _read_charx(data)
    if not data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        raise CardError("format")
    card = parse_card(data)
    return ReadCard(card, _carried_picture(card))


def parse_card(data: bytes) -> Card:
    """The card in a JSON text. Raises `CardError`."""
    data = data.removeprefix(b"\xef\xbb\xbf").strip(b" \t\r\n")
    content = read_object(data)
    card = Card(data, content, version_of(content))
    _require_fields(card)
    if not card.name:
        raise CardError("name")
    return card


def new_card(**fields: Any) -> Card:
    """A card of these fields."""
    return changed(parse_card(b'{"spec":"chara_card_v2","spec_version":"2.0","data":' + _BLANK + b"}"), **fields)


def changed(card: Card, *, at: datetime | None = None, **fields: Any) -> Card:
    """The card with some of its fields changed, all others byte for byte as they were; V3 also keeps ``at``."""
    if unknown := fields.keys() - EDITABLE:
        raise ValueError(f"no such fields: {', '.join(sorted(unknown))}")
    if fields and at is not None and card.version == 3:
        fields["modification_date"] = int(at.timestamp())
    return parse_card(with_fields(card.version, card.raw, fields))


def to_json(card: Card) -> bytes:
    """The card as a JSON file."""
    return card.raw


def to_png(card: Card, picture: bytes) -> bytes:
    """The card in a PNG file, for programs that read V3 and for those that know V2 only."""
    return _png.with_texts(
        picture,
        {
            "chara": base64.b64encode(as_second(card.version, card.raw)),
            "ccv3": base64.b64encode(as_third(card.version, card.raw)),
        },
    )


def _read_png(data: bytes) -> ReadCard:
    """The first card that can be read: V3 before the others, under one keyword the first, as SillyTavern does it."""
    chunks = _png.read_chunks(data)
    refused: CardError | None = None
    for keyword in ("ccv3", "chara"):
        texts = _png.texts_under(chunks, keyword)[:_MOST_TEXTS]
        for text in texts:
            try:
                card = parse_card(_unwrapped(_png.text_in(text, MAX_BYTES * 2)))
            except CardError as error:
                refused = refused or error
                continue
            broken: tuple[FileNote, ...] = ("broken",) if refused is not None else ()
            several: tuple[FileNote, ...] = ("several",) if len(texts) > 1 and not broken else ()
            return ReadCard(card, _png.still(chunks), broken or several)
    raise refused or CardError("no card")


def _read_charx(data: bytes) -> ReadCard:
    archive = Charx(data)
    text = archive.read(_charx.CARD_NAME, MAX_BYTES)
    if text is None:
        raise CardError("no card")
    card = parse_card(text)
    cover = data if data.startswith(_charx.JPEG_SIGNATURE) else None
    address = _icon(card)
    scheme = next((scheme for scheme in _EMBEDDED if address.startswith(scheme)), None)
    if scheme is None:
        return ReadCard(card, _carried_picture(card) or cover)
    try:
        return ReadCard(card, archive.read(address.removeprefix(scheme), MAX_FILE_BYTES) or cover)
    except CardError:
        return ReadCard(card, cover, ("picture",))


def _unwrapped(text: bytes) -> bytes:
    """What is inside of base64, perhaps with line breaks or without its padding."""
    try:
        return msgspec.json.decode(b'"' + text + b'"', type=bytes)  # three times as fast as binascii
    except (msgspec.MsgspecError, UnicodeDecodeError):
        plain = text.translate(None, b" \t\r\n").rstrip(b"=")
    try:
        return binascii.a2b_base64(plain + b"=" * (-len(plain) % 4), strict_mode=True)
    except binascii.Error:
        raise CardError("base64") from None


def _icon(card: Card) -> str:
    """Where the card's main picture is."""
    icons = [asset for asset in card.assets if asset.get("type") == "icon"]
    icons.sort(key=lambda asset: asset.get("name") != "main")
    address = icons[0].get("uri") if icons else None
    return address if isinstance(address, str) else ""


def _carried_picture(card: Card) -> bytes | None:
    """The main picture, if it stands in the card itself."""
    head, comma, text = _icon(card).partition(",")
    if not comma or not head.startswith("data:image/") or not head.endswith(";base64"):
        return None
    try:
        return binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    except (binascii.Error, UnicodeEncodeError):
        return None


def _require_fields(card: Card) -> None:
    """Raise `CardError` if a field that every card has is of a wrong type; a missing or null one is empty."""
    if wrong := next((name for name in card.mistyped if name in FIRST_FIELDS), None):
        raise CardError("fields", wrong)
