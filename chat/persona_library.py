"""The characters of all servers: looking at a card, taking it in, finding, binding, and giving it back as a file.

In a server everybody sees the server's characters and their own, those who look after the server see all. In direct
messages everybody has only their own.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final, Literal

import msgspec

from chat._allowed import allowed_greetings, allowed_object
from chat._avatars import as_png, avatar_of
from chat._found_personas import Bound, FoundPersona, Visitor
from chat._greetings import greetings_of, opening
from chat._persona_content import changed_content, content_of, read_file
from chat.cards import Card, FileNote, changed, new_card, parse_card, to_json, to_png
from chat.context import ContextReader
from chat.conversations import Conversations
from chat.errors import (
    AdultPersonaError,
    CardError,
    NoSuchPersonaError,
    NothingThereError,
    PersonasReservedError,
    StaleControlError,
    TooManyPersonasError,
)
from chat.persona import Persona
from chat.persona_rights import MOST_OWN, own_most
from chat.preferences import Place
from chat.profiles import Profiles
from storage import (
    Avatar,
    ConversationKey,
    History,
    PersonaContent,
    PersonaOutline,
    Personas,
    Scope,
    ScopedSettings,
    StoredMessage,
    StoredPersona,
)
from storage.personas import KEPT_DRAFTS
from storage.recent import Recent

__all__ = ["KEPT_DRAFTS", "Bound", "Fields", "FileKind", "FoundPersona", "PersonaLibrary", "Visitor"]

MOST: Final = 500
LONGEST_TYPED: Final = 100
"""Characters of a name that somebody types."""

SETTING: Final = "persona"
CAST: Final = "cast"
BEFORE: Final = "persona_before"
"""The ids of those that speak beside it."""

CACHED: Final = 64
LARGEST_CACHED: Final = 256 * 1024
"""Bytes of a card that stays in memory; larger ones are rare, and read again in some milliseconds."""

FileKind = Literal["png", "json"]
Fields = Mapping[str, Any]


class PersonaLibrary:
    """Everything about characters that is not their speaking."""

    def __init__(
        self,
        personas: Personas,
        settings: ScopedSettings,
        context: ContextReader,
        history: History,
        conversations: Conversations,
    ) -> None:
        self._personas = personas
        self._settings = settings
        self._profiles = Profiles(settings, context.opt_outs)
        self._context = context
        self._history = history
        self._conversations = conversations
        self._reading = asyncio.Semaphore(1)  # a file may take some hundred MB until it is read
        self._cache: Recent[tuple[int | None, int], Persona] = Recent(CACHED)

    # --- taking in

    async def look_at(self, visitor: Visitor, data: bytes, picture: bytes | None = None) -> FoundPersona:
        """Read a file and keep it until the person decides.

        Raises `CardError`, `AdultPersonaError` or `PersonasReservedError`.
        """
        await self.require_own(visitor)
        card, avatar, notes = await self._read(visitor, data, picture)
        content = content_of(card, avatar)
        _require_place_for(content, visitor)
        draft_id = await self._personas.add_draft(visitor.guild_id, visitor.user_id, content)
        return replace(await self.draft(visitor, draft_id), notes=notes)

    async def look_at_new(self, visitor: Visitor, fields: Mapping[str, Any], picture: bytes | None) -> FoundPersona:
        """The same for a character that somebody wrote."""
        return await self.look_at(visitor, new_card(**fields).raw, picture)

    async def own_most(self, visitor: Visitor) -> int:
        """How many characters of their own a person may have here."""
        return MOST_OWN if visitor.looks_after_all else await own_most(self._settings, visitor.guild_id)

    async def require_own(self, visitor: Visitor) -> int:
        """The same. Raises `PersonasReservedError` where they may have none."""
        most = await self.own_most(visitor)
        if most == 0:
            raise PersonasReservedError
        return most

    async def draft(self, visitor: Visitor, draft_id: int) -> FoundPersona:
        """What somebody looks at. Raises `StaleControlError` when it is no draft of theirs (any more)."""
        stored = await self._personas.get(visitor.guild_id, draft_id)
        if stored is None or stored.outline.kind != "draft" or stored.outline.owner_id != visitor.user_id:
            raise StaleControlError
        return await self._found(stored)

    async def choose(
        self, visitor: Visitor, draft_id: int, *, adult: bool | None = None, greeting: int | None = None
    ) -> FoundPersona:
        """Note down what the person chose about a draft.

        Raises `StaleControlError`, or `AdultPersonaError` where another greeting may not be shown any more.
        """
        if greeting is not None:
            _require_place_for((await self.draft(visitor, draft_id)).outline, visitor)
        await self._personas.change_draft(visitor.guild_id, draft_id, visitor.user_id, adult=adult, greeting=greeting)
        return await self.draft(visitor, draft_id)

    async def take_in(self, visitor: Visitor, draft_id: int) -> FoundPersona:
        """Make a character of a draft: the server's if the person looks after it, else their own.

        Raises `StaleControlError`, `AdultPersonaError`, `TooManyPersonasError` or `PersonasReservedError`.
        """
        found = await self.draft(visitor, draft_id)
        _require_place_for(found.outline, visitor)
        allowed = await self.require_own(visitor)
        shared = visitor.guild_id is not None and visitor.looks_after_all
        most = MOST if visitor.guild_id is not None else 1 << 31
        try:
            limit = await self._personas.confirm(
                visitor.guild_id, draft_id, visitor.user_id, "server" if shared else "own", allowed, most
            )
        except LookupError:
            raise StaleControlError from None
        if limit is not None:
            raise TooManyPersonasError(limit, own=limit == allowed and not shared)
        return await self.find(visitor, str(draft_id))

    async def share(self, visitor: Visitor, found: FoundPersona) -> FoundPersona:
        """Make a copy of a member's character the server's; they keep their own. Raises what `take_in` does."""
        draft_id = await self._personas.add_draft(visitor.guild_id, visitor.user_id, found.content)
        return await self.take_in(visitor, draft_id)

    async def redraft(self, visitor: Visitor, found: FoundPersona, fields: Mapping[str, Any]) -> FoundPersona:
        """Change fields of a draft. Raises what `rewrite` does."""
        fields = await self._allowed(visitor, fields)
        card = await asyncio.to_thread(lambda: changed(found.card, at=datetime.now(UTC), **fields))
        outline = found.outline
        content = changed_content(found.card, outline.adult, card, found.avatar)
        _require_place_for(content, visitor)
        content = replace(content, greeting=outline.greeting)
        if not await self._personas.rewrite_draft(visitor.guild_id, outline.id, visitor.user_id, content):
            raise StaleControlError
        return await self.draft(visitor, outline.id)

    async def leave_out(self, visitor: Visitor, draft_id: int) -> None:
        """Forget a draft. Raises `StaleControlError`."""
        await self.draft(visitor, draft_id)
        await self._personas.delete(visitor.guild_id, draft_id)

    # --- changing

    async def rewrite(self, visitor: Visitor, found: FoundPersona, fields: Mapping[str, Any]) -> FoundPersona:
        """Change fields of a character.

        Raises `CardError`, `AdultPersonaError`, `StaleControlError`, or the text policy's own error.
        """
        fields = await self._allowed(visitor, fields)
        card = await asyncio.to_thread(lambda: changed(found.card, at=datetime.now(UTC), **fields))
        return await self._save(visitor, found, card, found.avatar)

    async def redraw(self, visitor: Visitor, found: FoundPersona, picture: bytes) -> FoundPersona:
        """Give a character another picture. Raises `CardError` if it is none, or `StaleControlError`."""
        async with self._reading:
            avatar = await asyncio.to_thread(avatar_of, picture)
        if avatar is None:
            raise CardError("picture")
        return await self._save(visitor, found, found.card, avatar)

    async def replace(self, visitor: Visitor, found: FoundPersona, data: bytes) -> FoundPersona:
        """Let a character be what a file says; without a picture in it, it keeps its own."""
        card, avatar, notes = await self._read(visitor, data)
        return replace(await self._save(visitor, found, card, avatar or found.avatar), notes=notes)

    async def undo(self, visitor: Visitor, found: FoundPersona) -> FoundPersona:
        """Go back to what it was before the last change. Raises `NothingThereError`."""
        version = await self._personas.undo(visitor.guild_id, found.outline.id, visitor.user_id)
        return await self._gone_to(visitor, found, version, "persona undo")

    async def redo(self, visitor: Visitor, found: FoundPersona) -> FoundPersona:
        """Take back that it went back. Raises `NothingThereError`."""
        version = await self._personas.redo(visitor.guild_id, found.outline.id, visitor.user_id)
        return await self._gone_to(visitor, found, version, "persona redo")

    async def _gone_to(self, visitor: Visitor, found: FoundPersona, version: int | None, action: str) -> FoundPersona:
        self._cache.forget((visitor.guild_id, found.outline.id))
        if version is None:
            raise NothingThereError(action)
        return await self.find(visitor, str(found.outline.id))

    async def mark(self, visitor: Visitor, found: FoundPersona, *, adult: bool) -> FoundPersona:
        """Let a character be for adults, or no longer, whatever its tags say. Raises `StaleControlError`."""
        marked = await self._personas.mark(visitor.guild_id, found.outline.id, adult=adult)
        self._cache.forget((visitor.guild_id, found.outline.id))
        if not marked:
            raise StaleControlError
        return await self.find(visitor, str(found.outline.id))

    async def _save(self, visitor: Visitor, found: FoundPersona, card: Card, avatar: Avatar | None) -> FoundPersona:
        outline = found.outline
        content = changed_content(found.card, outline.adult, card, avatar)
        _require_place_for(content, visitor)
        content = replace(content, greeting=outline.greeting)
        version = await self._personas.save(
            visitor.guild_id, outline.id, content, visitor.user_id, version=outline.version
        )
        self._cache.forget((visitor.guild_id, outline.id))
        if version is None:
            raise StaleControlError
        return await self.find(visitor, str(outline.id))

    async def _read(
        self, visitor: Visitor, data: bytes, picture: bytes | None = None
    ) -> tuple[Card, Avatar | None, tuple[FileNote, ...]]:
        async with self._reading:
            card, avatar, notes = await asyncio.to_thread(read_file, data, picture)
        content = await self._allowed(visitor, card.content)
        if content is not card.content:
            card = await asyncio.to_thread(lambda: parse_card(msgspec.json.encode(content)))
        return card, avatar, notes

    async def _allowed(self, visitor: Visitor, content: Fields) -> Fields:
        """What a member writes or hands over; whoever looks after the server's characters decides about theirs."""
        if visitor.looks_after_all or not visitor.scopes:
            return content
        texts = self._conversations.texts
        return await allowed_object(texts, visitor.guild_id, visitor.scopes, visitor.user_id, content)

    # --- finding

    async def all(self, visitor: Visitor) -> list[PersonaOutline]:
        """The characters that are there for this person, by name."""
        # All direct messages are one guild to the storage.
        owner_id = visitor.user_id if visitor.guild_id is None else None
        return [outline for outline in await self._personas.all(visitor.guild_id, owner_id) if visitor.sees(outline)]

    async def find(self, visitor: Visitor, typed: str) -> FoundPersona:
        """A character by its name or id. Raises `NoSuchPersonaError`."""
        typed = " ".join(typed.split())
        seen = await self.all(visitor)
        named = [outline for outline in seen if outline.name.casefold() == typed.casefold()]
        named.sort(key=visitor.distance)
        chosen = next((outline for outline in seen if str(outline.id) == typed), named[0] if named else None)
        stored = None if chosen is None else await self._personas.get(visitor.guild_id, chosen.id)
        if stored is None:
            raise NoSuchPersonaError(typed)
        return await self._found(stored)

    async def open(self, visitor: Visitor, typed: str) -> FoundPersona:
        """A character to be shown or used here. Raises `NoSuchPersonaError` or `AdultPersonaError`."""
        found = await self.find(visitor, typed)
        _require_place_for(found.outline, visitor)
        return found

    async def file(self, found: FoundPersona, kind: FileKind) -> bytes:
        """The character as a file that SillyTavern reads."""
        if kind == "json":
            return to_json(found.card)
        return await asyncio.to_thread(lambda: to_png(found.card, as_png(found.avatar, found.outline.name)))

    async def delete(self, visitor: Visitor, found: FoundPersona) -> None:
        """Forget a character with all its versions; where it spoke, the channel speaks for itself again."""
        await self._personas.delete(visitor.guild_id, found.outline.id)
        self._settings.forget(visitor.guild_id, Scope("persona", found.outline.id))
        self._cache.forget((visitor.guild_id, found.outline.id))

    # --- speaking

    async def as_shown(self, place: Place, found: FoundPersona) -> FoundPersona:
        """The character under the name that may be shown to all in a place."""
        name = await self._conversations.texts.shown_name(place.guild_id, place.scopes, found.outline.name)
        return replace(found, outline=replace(found.outline, name=name))

    async def who_said(self, guild_id: int | None, reply: StoredMessage, *, age_restricted: bool) -> Persona | None:
        """Who speaks in a reply. Raises `AdultPersonaError` where it may not go on."""
        persona = None if reply.persona_id is None else await self.persona(guild_id, reply.persona_id)
        if persona is not None and persona.adult and not age_restricted:
            raise AdultPersonaError(persona.name)
        return persona

    async def persona(self, guild_id: int | None, persona_id: int) -> Persona | None:
        """A character as it speaks; None if it is gone."""
        key = (guild_id, persona_id)
        if known := self._cache.known([key]):
            return known[key]
        changes = self._cache.changes
        stored = await self._personas.get(guild_id, persona_id)
        if stored is None or stored.outline.kind == "draft":
            return None
        found = await self._found(stored)
        persona = found.persona
        if len(found.card.raw) <= LARGEST_CACHED:
            self._cache.keep({key: persona}, changes)
        return persona

    def forget_cached(self) -> None:
        """Read every character anew when it speaks."""
        self._cache.forget_all()

    async def picture(self, guild_id: int | None, persona: Persona) -> Avatar:
        """What the character looks like, if only in a colour."""
        stored = await self._personas.get(guild_id, persona.id)
        if stored is not None and stored.content.avatar is not None:
            return stored.content.avatar
        return Avatar("image/png", await asyncio.to_thread(as_png, None, persona.name))

    async def use(self, place: Place, key: ConversationKey, found: FoundPersona, user_id: int, user_name: str) -> Bound:
        """Let a character speak here, and open a conversation with its greeting if it has one.

        Raises `BusyConversationError` while a reply is being written.
        """
        async with self._conversations.quiet_line(key):
            was_there = (await self._context.preferences(place.guild_id, place.scopes))[SETTING].source == place.here
            await self._settings.put(place.guild_id, place.here, SETTING, found.outline.id, user_id)
            if (await self._context.preferences(place.guild_id, place.scopes))[CAST].value:
                await self._settings.put(place.guild_id, place.here, CAST, [], user_id)
            bound = await self._open_with_greeting(key, found.persona, user_id, user_name, place.scopes)
            if not was_there and bound.previous_head is not None:
                await self._settings.put(
                    place.guild_id, place.here, BEFORE, [key.owner_id, bound.previous_head], user_id
                )
            return bound

    async def greet_again(
        self, key: ConversationKey, persona: Persona, user_id: int, user_name: str, scopes: Sequence[Scope] = ()
    ) -> int | None:
        """Open a conversation that begins anew with the greeting, if there is one. Raises `BusyConversationError`."""
        async with self._conversations.quiet_line(key):
            if await self._history.head(key) is not None:  # somebody was quicker
                return None
            return (await self._open_with_greeting(key, persona, user_id, user_name, scopes)).greeting_id

    async def before(self, place: Place, key: ConversationKey) -> int | None:
        """Where this conversation stood when characters began to speak in this very place."""
        before = (await self._context.preferences(place.guild_id, place.scopes))[BEFORE]
        if before.source != place.here or before.value is None or before.value[0] != key.owner_id:
            return None
        return int(before.value[1])

    async def clear(self, place: Place, user_id: int) -> None:
        """Let nobody be bound to this very place. Raises `NothingThereError`."""
        bound = (await self._context.preferences(place.guild_id, place.scopes))[SETTING]
        if bound.source != place.here:
            raise NothingThereError("persona clear")
        for name in (SETTING, CAST, BEFORE):
            await self._settings.clear(place.guild_id, place.here, name, user_id)

    async def _open_with_greeting(
        self, key: ConversationKey, persona: Persona, user_id: int, user_name: str, scopes: Sequence[Scope]
    ) -> Bound:
        profile = await self._profiles.of(key.guild_id, user_id, user_name)
        greetings = greetings_of(persona, profile, key)
        greetings = await allowed_greetings(self._conversations.texts, key, greetings, scopes)
        if not greetings.texts:
            return Bound(None, None)
        grafted = await self._history.graft(
            key, opening(persona, greetings, user_id, profile.name), greetings.first + 1
        )
        return Bound(grafted.head, grafted.previous_head)

    async def _found(self, stored: StoredPersona) -> FoundPersona:
        raw = stored.content.card
        card = parse_card(raw) if len(raw) <= LARGEST_CACHED else await asyncio.to_thread(parse_card, raw)
        return FoundPersona(stored.outline, card, stored.content.avatar)


def _require_place_for(outline: PersonaOutline | PersonaContent, visitor: Visitor) -> None:
    if outline.adult and not visitor.age_restricted:
        raise AdultPersonaError(outline.name)
