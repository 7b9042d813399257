"""Files of strangers as characters are kept: a card, a small picture, and whether it is for adults."""

from dataclasses import replace

from chat._avatars import avatar_of
from chat.cards import Card, FileNote, read_card
from chat.errors import CardError
from chat.persona import short_name
from chat.persona_preview import adult_tags, is_adult
from storage import Avatar, PersonaContent


def read_file(data: bytes, picture: bytes | None) -> tuple[Card, Avatar | None, tuple[FileNote, ...]]:
    """What a file holds, with ``picture`` instead of its own if there is one. Raises `CardError`."""
    read = read_card(data)
    shown = picture or read.picture
    avatar = avatar_of(shown)
    lost = shown is not None and avatar is None and "picture" not in read.notes
    return read.card, avatar, (*read.notes, "picture") if lost else read.notes


def content_of(card: Card, avatar: Avatar | None) -> PersonaContent:
    """A character as it is kept. Raises `CardError`."""
    name = short_name(card.called)
    if not any(sign.isprintable() and not sign.isspace() for sign in name):
        raise CardError("name")
    return PersonaContent(name, card.raw, avatar, is_adult(card))


def changed_content(before: Card, was_adult: bool, card: Card, avatar: Avatar | None) -> PersonaContent:
    """The same of one that is changed: what is for adults stays so, what a moderator decided about its tags holds."""
    content = content_of(card, avatar)
    return replace(content, adult=was_adult or not adult_tags(card) <= adult_tags(before))
