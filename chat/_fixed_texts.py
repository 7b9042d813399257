"""Reads what stands around a conversation's history: who speaks and to whom, the channel's note, and lorebooks."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Final

from chat._greetings import NO_GREETING, greeting_number
from chat._path import Path
from chat._speakers import clean_name
from chat.errors import LorebookError
from chat.lorebooks import (
    BUDGET_SHARE,
    Chat,
    Lorebook,
    Said,
    Scan,
    lorebook_file,
    read_lorebook,
    scan,
)
from chat.macros import Macros
from chat.persona import Persona
from chat.persona_prompt import PROMPT_VALUES, Profile, fixed_sections, persona_macros, read_note
from chat.profiles import Profiles
from chat.prompt import Section
from chat.tokens import TokenEstimator
from storage import ConversationKey, Lorebooks, Resolved, Scope, ScopedSettings, StoredMessage
from storage.records import utc_now

_CACHED_BOOKS: Final = 64
_QUICKLY_READ: Final = 16 * 1024
_NOBODY: Final = "User"
_NOT_SAID_YET: Final = 0
_COMPANY_IN: Final = 20
"""Messages from the newest on: who has said one of them is still there."""


Tiers = Sequence[Sequence[Lorebook]]
"""Lorebooks by rank, the nearest first."""


@dataclass(frozen=True, slots=True)
class Cast:
    """Which conversation it is, and who answers in it."""

    key: ConversationKey
    scopes: Sequence[Scope]
    persona: Persona | None = None

    @property
    def seed(self) -> str:
        """What tells this conversation from others where things are picked at random for good."""
        return f"{self.key.guild_id}:{self.key.channel_id}:{self.key.owner_id}"

    @property
    def ranks(self) -> tuple[Scope, ...]:
        """The scopes in which settings and lorebooks are looked for, the persona's in front of the server's."""
        return with_persona(self.scopes, None if self.persona is None else self.persona.id)


@dataclass(frozen=True, slots=True)
class Room:
    """The model that is asked, and how much it takes."""

    model: str
    window: int
    estimator: TokenEstimator


def with_persona(scopes: Sequence[Scope], persona_id: int | None) -> tuple[Scope, ...]:
    """The scopes with that of a persona in front of the server's."""
    if persona_id is None or Scope("persona", persona_id) in scopes:
        return tuple(scopes)
    place = next((number for number, scope in enumerate(scopes) if scope.kind == "guild"), len(scopes))
    return (*scopes[:place], Scope("persona", persona_id), *scopes[place:])


class FixedTexts:
    """Everything in a prompt that is not its history."""

    def __init__(
        self,
        settings: ScopedSettings,
        lorebooks: Lorebooks,
        *,
        clock: Callable[[], datetime] = utc_now,
        random: Random | None = None,
    ) -> None:
        self._profiles = Profiles(settings)
        self._lorebooks = lorebooks
        self._clock = clock
        self._random = random or Random()
        self._books: OrderedDict[str, tuple[object, Lorebook | None]] = OrderedDict()

    async def sections(
        self, cast: Cast, path: Path, room: Room, preferences: Resolved, *, remembers: bool
    ) -> list[Section]:
        """The parts of a prompt; with ``remembers`` it is kept which entries of lorebooks fired."""
        tiers = await self.tiers(cast)
        newest = await path.newest(_reach(tiers))
        macros = await self._macros(cast, path, newest, room)
        found = None
        if tiers:
            chat = await self._chat(cast, path, _all_said(newest, cast, macros), tiers)
            found = await self._scan(cast, chat, tiers, macros, room, newest[1:])
        if found is not None and remembers and newest:
            await self._remember(cast, newest[0], found, tiers)
        note = preferences.get("note")
        company = await self._company(cast, path)
        return fixed_sections(
            None if cast.persona is None else cast.persona.card,
            macros,
            system_prompt=preferences["system_prompt"].value,
            note=None if note is None else read_note(note.value),
            lore=() if found is None else found.fired,
            hides=() if found is None else found.hides,
            company=company,
        )

    async def look_through(
        self, cast: Cast, path: Path, text: str, user_id: int, user_name: str, room: Room
    ) -> Scan | None:
        """What would fire if somebody said this at the end of a path; None without lorebooks."""
        if not (tiers := await self.tiers(cast)):
            return None
        before = await path.newest(_reach(tiers) - 1)
        profile = await self._profiles.of(cast.key.guild_id, user_id, user_name)
        values = self._values(room, text, before)
        macros = self._macros_for(cast, profile, values, before[0].created_at if before else None)
        said = [Said(_NOT_SAID_YET, macros.value("user"), text, by_user=True), *_all_said(before, cast, macros)]
        chat = await self._chat(cast, path, said, tiers, unsaid=1)
        return await self._scan(cast, chat, tiers, macros, room, before)

    async def tiers(self, cast: Cast) -> list[list[Lorebook]]:
        """The lorebooks that are looked through, by rank, the nearest first."""
        switched_on = await self._lorebooks.switched_on(cast.key.guild_id, cast.ranks)
        tiers = []
        for scope in cast.ranks:
            books = [await self._stored(cast.key.guild_id, book_id) for book_id in switched_on.get(scope, ())]
            if cast.persona is not None and scope == Scope("persona", cast.persona.id):
                books.insert(0, await self._own(cast.persona))
            if rank := [book for book in books if book is not None and book.entries]:
                tiers.append(rank)
        return tiers

    # --- lorebooks

    async def _stored(self, guild_id: int | None, book_id: int) -> Lorebook | None:
        key = f"book:{book_id}"
        if key not in self._books:
            stored = await self._lorebooks.get(guild_id, book_id)
            if stored is None:
                return None
            data, name = stored.data, stored.outline.name
            return await self._read(key, guild_id, len(data), lambda: lorebook_file(data, name=name, key=key))
        return self._known(key, guild_id)

    async def _own(self, persona: Persona) -> Lorebook | None:
        """The book in a persona's card."""
        content, key = persona.card.book, f"persona:{persona.id}"
        if content is None:
            return None
        if key in self._books and self._books[key][0] is persona.card.raw:
            return self._known(key, persona.card.raw)
        size = len(persona.card.raw)
        return await self._read(key, persona.card.raw, size, lambda: read_lorebook(content, name=persona.name, key=key))

    async def _read(self, key: str, of: object, size: int, read: Callable[[], Lorebook]) -> Lorebook | None:
        """Read a book and keep it in memory; what cannot be read is as good as none."""
        try:
            book: Lorebook | None = read() if size <= _QUICKLY_READ else await asyncio.to_thread(read)
        except LorebookError:
            book = None
        self._books[key] = of, book
        while len(self._books) > _CACHED_BOOKS:
            self._books.popitem(last=False)
        return book

    def _known(self, key: str, of: object) -> Lorebook | None:
        self._books.move_to_end(key)
        whose, book = self._books[key]
        return book if whose == of else None

    async def _chat(self, cast: Cast, path: Path, said: Sequence[Said], tiers: Tiers, *, unsaid: int = 0) -> Chat:
        """What is said, with as much about the rest of the conversation as matters."""
        length = None
        if _counts(tiers):
            messages, replies = await path.length()
            length = messages + unsaid, replies
        greeting = await self._greeting(cast, path, tiers)
        card = None if cast.persona is None else cast.persona.card
        character, tags = ("", ()) if card is None else (card.name, card.tags)
        return Chat(said, character=character, tags=tags, length=length, greeting=greeting)

    async def _greeting(self, cast: Cast, path: Path, tiers: Tiers) -> int | None:
        """With which greeting the conversation was opened, if anything depends on that."""
        if not any(book.asks_greeting for books in tiers for book in books):
            return None
        if cast.persona is None:
            return NO_GREETING
        return greeting_number(cast.persona.card, await path.opened(cast.persona.id))

    async def _scan(
        self, cast: Cast, chat: Chat, tiers: Tiers, macros: Macros, room: Room, before: Sequence[StoredMessage]
    ) -> Scan:
        """Look through what is said; ``before`` is of it what may have let entries fire already."""
        return await scan(
            tiers,
            chat,
            macros,
            room.estimator.measure,
            room.window * BUDGET_SHARE,
            random=self._random,
            remembered=await self._fired(cast.key.guild_id, tiers, before),
        )

    async def _fired(self, guild_id: int | None, tiers: Tiers, before: Sequence[StoredMessage]) -> Mapping[str, int]:
        """Which entries fired at earlier messages, as far back as it matters."""
        if not before or not any(book.is_timed for books in tiers for book in books):
            return {}
        if any(book.never_forgets for books in tiers for book in books):
            return await self._lorebooks.fired_above(guild_id, before[0].id)
        return await self._lorebooks.fired(guild_id, [message.id for message in before])

    async def _remember(self, cast: Cast, newest: StoredMessage, found: Scan, tiers: Tiers) -> None:
        """Keep what begins to stay or to rest; another reply to the same message asks anew."""
        if any(book.is_timed for books in tiers for book in books):
            began = sorted(key for key, message_id in found.memory.items() if message_id == newest.id)
            await self._lorebooks.remember(cast.key.guild_id, newest.id, began)

    # --- names

    async def _macros(self, cast: Cast, path: Path, newest: Sequence[StoredMessage], room: Room) -> Macros:
        asked = await path.asker(_COMPANY_IN)
        before = next((message for message in newest if message.role == "user" and message is not asked), None)
        values = self._values(room, asked.content if asked else "", newest)
        profile = await self._profile(cast, asked)
        return self._macros_for(cast, profile, values, before.created_at if before else None)

    def _values(self, room: Room, asked: str, newest: Sequence[StoredMessage]) -> Mapping[str, str]:
        """Macros for what was said last."""
        replied = next((message for message in newest if message.role == "assistant"), None)
        said = newest[0].content if newest else "", asked, replied.content if replied else ""
        return dict(zip(PROMPT_VALUES, (room.model, str(room.window), asked, *said), strict=True))

    def _macros_for(
        self, cast: Cast, profile: Profile, values: Mapping[str, str], last_said: datetime | None
    ) -> Macros:
        return persona_macros(
            None if cast.persona is None else cast.persona.card,
            profile,
            now=self._clock(),
            random=self._random,
            seed=cast.seed,
            last_said=last_said,
            values=values,
            company=() if cast.persona is None else cast.persona.company,
        )

    async def _profile(self, cast: Cast, asked: StoredMessage | None) -> Profile:
        """Who the person is that spoke last."""
        if asked is None or asked.author_id is None:
            return Profile(_NOBODY if asked is None or not asked.author_name else clean_name(asked.author_name))
        name = clean_name(asked.author_name or _NOBODY)
        return await self._profiles.speaking(cast.key.guild_id, asked.author_id, name)

    async def _company(self, cast: Cast, path: Path) -> list[Profile]:
        """The people who spoke lately besides the last one, the newest first."""
        spoke = [message for message in await path.newest(_COMPANY_IN) if message.role == "user"]
        names = dict.fromkeys((message.author_id, clean_name(message.author_name or _NOBODY)) for message in spoke)
        return [
            Profile(name) if user_id is None else await self._profiles.speaking(cast.key.guild_id, user_id, name)
            for user_id, name in list(names)[1:]
        ]


def _reach(tiers: Tiers) -> int:
    """How many messages have to be read."""
    return max([2, *(book.reach for books in tiers for book in books)])


def _counts(tiers: Tiers) -> bool:
    return any(book.counts for books in tiers for book in books)


def _all_said(messages: Sequence[StoredMessage], cast: Cast, macros: Macros) -> list[Said]:
    char, user = macros.value("char"), macros.value("user")
    return [_said(message, cast, char, user) for message in messages]


def _said(message: StoredMessage, cast: Cast, char: str, user: str) -> Said:
    """A message with its speaker's name, where it is known."""
    by_user = message.role == "user"
    own = not by_user and message.persona_id in {None, None if cast.persona is None else cast.persona.id}
    name = char if own else message.author_name or (user if by_user else char)
    return Said(message.id, name, message.content, by_user=by_user)
