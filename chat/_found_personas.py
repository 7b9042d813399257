"""Characters as somebody finds them."""

from dataclasses import dataclass

from chat.cards import Card, FileNote
from chat.persona import Persona
from storage import Avatar, PersonaContent, PersonaOutline, Scope


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who looks at the characters, and where."""

    guild_id: int | None
    user_id: int
    looks_after_all: bool = False
    age_restricted: bool = False
    scopes: tuple[Scope, ...] = ()

    def sees(self, outline: PersonaOutline) -> bool:
        """Whether the character is there for this person."""
        if outline.owner_id == self.user_id:
            return True
        return self.guild_id is not None and (outline.kind == "server" or self.looks_after_all)

    def distance(self, outline: PersonaOutline) -> int:
        """How near a character is to this person, who may mean any of several with one name: nobody takes a place."""
        if outline.kind == "server":
            return 1
        return 0 if outline.owner_id == self.user_id else 2


@dataclass(frozen=True, slots=True)
class FoundPersona:
    """A character with its card."""

    outline: PersonaOutline
    card: Card
    avatar: Avatar | None
    notes: tuple[FileNote, ...] = ()
    """About the file that it was just read from."""

    @property
    def content(self) -> PersonaContent:
        """The character as it is kept."""
        outline = self.outline
        return PersonaContent(outline.name, self.card.raw, self.avatar, outline.adult, outline.greeting)

    @property
    def persona(self) -> Persona:
        """The character as it speaks."""
        outline = self.outline
        return Persona(outline.id, outline.name, self.card, outline.adult, outline.greeting, outline.version)


@dataclass(frozen=True, slots=True)
class Bound:
    """What came of binding: the greeting that opens the conversation, and where it stood before."""

    greeting_id: int | None
    previous_head: int | None
