"""Files of strangers as characters are kept: a card, a small picture, and whether it is for adults."""

from chat._avatars import avatar_of
from chat.cards import Card, FileNote, read_card
from chat.errors import AdultPersonaError, CardError
from chat.persona import short_name
from chat.persona_preview import is_adult
from storage import Avatar, PersonaContent


def read_file(data: bytes, picture: bytes | None) -> tuple[Card, Avatar | None, tuple[FileNote, ...]]:
    """What a file holds, with ``picture`` instead of its own if there is one. Raises `CardError`."""
    read = read_card(data)
    shown = picture or read.picture
    avatar = avatar_of(shown)
    lost = shown is not None and avatar is None and "picture" not in read.notes
    return read.card, avatar, (*read.notes, "picture") if lost else read.notes


def content_of(card: Card, avatar: Avatar | None, *, age_restricted: bool) -> PersonaContent:
    """A character as it is kept. Raises `CardError` or `AdultPersonaError`."""
    adult, name = is_adult(card), short_name(card.called)
    if not any(sign.isprintable() and not sign.isspace() for sign in name):
        raise CardError("name")
    if adult and not age_restricted:
        raise AdultPersonaError(name)
    return PersonaContent(name, card.raw, avatar, adult)
