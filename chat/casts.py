"""The characters that speak in one place together: who they are, who of them answers, and what they say among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final, cast

from chat._allowed import allowed_greetings
from chat._greetings import greetings_of, opening
from chat._path import is_said
from chat.casting import Candidate, Choice, Order, choose, choose_among, talkativeness_of
from chat.channel_settings import DEFAULT
from chat.context import ContextReader
from chat.conversations import Conversations
from chat.errors import AdultPersonaError, CastFullError, NoSuchPersonaError
from chat.persona import Persona
from chat.persona_library import CAST, SETTING, Bound, FoundPersona, PersonaLibrary
from chat.preferences import Place
from chat.profiles import Profiles
from storage import ConversationKey, History, Scope, ScopedSettings, StoredMessage

MOST: Final = 8
"""Characters in one place: so many webhooks of ours a channel has."""

MOST_TURNS: Final = 5
"""Replies among characters after one thing that people said."""

ORDER: Final = "cast_order"
TURNS: Final = "persona_turns"


@dataclass(frozen=True, slots=True)
class Company:
    """Who speaks in a place, as they were chosen; each knows the others' names."""

    personas: tuple[Persona, ...] = ()
    order: Order = "natural"
    turns: int = 0
    age_restricted: bool = False
    scopes: tuple[Scope, ...] = ()

    @property
    def candidates(self) -> list[Candidate]:
        """What choosing needs to know of them."""
        return [
            Candidate(persona.id, persona.names, talkativeness_of(persona.card.extensions), barred=self.bars(persona))
            for persona in self.personas
        ]

    def bars(self, persona: Persona) -> bool:
        """Whether it may not speak here."""
        return persona.adult and not self.age_restricted

    @property
    def present(self) -> list[Persona]:
        """Those who may speak here."""
        return [persona for persona in self.personas if not self.bars(persona)]

    def require_anybody(self) -> None:
        """Return unless nobody of them may speak here. Raises `AdultPersonaError`."""
        if self.personas and not self.present:
            raise AdultPersonaError(self.personas[0].name)

    def member(self, persona_id: int | None) -> Persona | None:
        """The one with this id. Raises `AdultPersonaError` if it may not speak here."""
        found = next((persona for persona in self.personas if persona.id == persona_id), None)
        if found is not None and self.bars(found):
            raise AdultPersonaError(found.name)
        return found


@dataclass(frozen=True, slots=True)
class Heard:
    """Something that a person said."""

    text: str
    on_head: bool = True
    replied_to: StoredMessage | None = None
    expected: bool = True  # an answer, because the bot was called
    joins: bool = False  # a question that waits for its answer


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who answers: a persona, or the bot itself. It was ``called`` if this one and nobody else was wanted."""

    persona: Persona | None = None
    called: bool = False


class Casts:
    """Who speaks where."""

    def __init__(
        self,
        library: PersonaLibrary,
        settings: ScopedSettings,
        context: ContextReader,
        history: History,
        conversations: Conversations,
        random: Random | None = None,
    ) -> None:
        self._library = library
        self._settings = settings
        self._context = context
        self._history = history
        self._conversations = conversations
        self._profiles = Profiles(settings, context.opt_outs)
        self._random = random or Random()

    # --- who answers

    async def here(self, guild_id: int | None, scopes: Sequence[Scope], *, age_restricted: bool) -> Company:
        """Who speaks in a place; characters that were deleted are not among them any more."""
        holding = await self._context.preferences(guild_id, scopes)
        ids = [i for i in (holding[SETTING].value, *holding[CAST].value) if i is not None]
        found = [await self._library.persona(guild_id, persona_id) for persona_id in dict.fromkeys(ids)]
        named = self._conversations.texts.shown_name
        personas = [
            replace(persona, name=await named(guild_id, scopes, persona.name))
            for persona in found
            if persona is not None
        ]
        return Company(
            tuple(_among(persona, personas) for persona in personas),
            cast(Order, holding[ORDER].value),
            min(int(holding[TURNS].value), MOST_TURNS),
            age_restricted,
            tuple(scopes),
        )

    async def answering(self, company: Company, key: ConversationKey, heard: Heard) -> Speaker | None:
        """Who answers what somebody said; None where nobody does unless called. Raises `AdultPersonaError`."""
        if not company.personas:
            return Speaker()
        replied_to = heard.replied_to
        choice = choose(
            company.candidates,
            company.order,
            heard.text,
            random=self._random,
            last=await self._last(company, key, heard),
            replied_to=replied_to.persona_id if replied_to is not None and replied_to.role == "assistant" else None,
            expected=heard.expected or self._waits(key),
        )
        if choice is None:
            company.require_anybody()
            return None
        return Speaker(company.member(choice.id), called=choice.called and len(company.personas) > 1)

    def again(self, company: Company, reply: StoredMessage | None = None) -> Persona | None:
        """Who answers anew what a reply answers: who did, if that one still speaks here, else the first.

        Raises `AdultPersonaError`.
        """
        if reply is not None and (persona := company.member(reply.persona_id)) is not None:
            return persona
        company.require_anybody()
        return company.present[0] if company.present else None

    async def going_on(self, company: Company, reply: StoredMessage) -> Persona | None:
        """Who goes on with a reply: who said it, wherever that one speaks now. Raises `AdultPersonaError`."""
        persona = await self._library.who_said(reply.guild_id, reply, age_restricted=company.age_restricted)
        if persona is None:
            return None
        name = await self._conversations.texts.shown_name(reply.guild_id, company.scopes, persona.name)
        return _among(replace(persona, name=name), company.personas)

    def next_among(self, company: Company, reply: StoredMessage) -> Persona | None:
        """Who of the others answers what one of them said, if anybody does."""
        if reply.persona_id is None:
            return None
        choice: Choice | None = choose_among(
            company.candidates, company.order, reply.content, random=self._random, last=reply.persona_id
        )
        return None if choice is None else company.member(choice.id)

    def _waits(self, key: ConversationKey) -> bool:
        """Whether a question waits for its answer, which what is said now belongs to."""
        return any(answer.joinable for answer in self._conversations.answers_of(key))

    async def _last(self, company: Company, key: ConversationKey, heard: Heard) -> int | None:
        """Who spoke last where something is said."""
        if len(company.personas) < 2:
            return None
        replied_to = heard.replied_to
        above = await self._history.head(key) if heard.on_head else replied_to.id if replied_to else None
        if above is None:
            return None
        page: list[StoredMessage] = await anext(aiter(self._history.path(key.guild_id, above)), [])
        spoken = (message for message in page if message.persona_id is not None and message.role == "assistant")
        return next((m.persona_id for m in spoken if is_said(m) or m.state in {"pending", "streaming"}), None)

    # --- changing who speaks

    async def add(
        self, place: Place, key: ConversationKey, found: FoundPersona, user_id: int, user_name: str
    ) -> Bound | None:
        """Let one more speak here; its greeting goes on from where the conversation is. None if it does already.

        Raises `CastFullError`, or `BusyConversationError` while a reply is being written.
        """
        async with self._conversations.quiet_line(key), self._settings.changing(place.guild_id):
            others = (await self.here(place.guild_id, place.scopes, age_restricted=True)).personas
            if found.outline.id in {persona.id for persona in others}:
                return None
            if len(others) >= MOST:
                raise CastFullError(MOST)
            persona = _among(found.persona, others)
            await self._keep(place, [*(other.id for other in others), persona.id], user_id)
            profile = await self._profiles.of(key.guild_id, user_id, user_name)
            greetings = greetings_of(persona, profile, key, joins=bool(others))
            greetings = await allowed_greetings(self._conversations.texts, key, greetings, place.scopes)
            if not greetings.texts:
                return Bound(None, None)
            said = opening(persona, greetings, user_id, profile.name)
            grafted = await self._history.graft(key, said, greetings.first + 1, on_head=True)
            return Bound(grafted.head, grafted.previous_head)

    async def dismiss(self, place: Place, company: Company, typed: str, user_id: int) -> Persona:
        """Let one of several speak here no longer. Raises `NoSuchPersonaError`, or `NothingThereError` for the last."""
        typed = " ".join(typed.split())
        gone = next((p for p in company.personas if str(p.id) == typed or p.name.casefold() == typed.casefold()), None)
        if gone is None:
            raise NoSuchPersonaError(typed)
        async with self._settings.changing(place.guild_id):
            others = (await self.here(place.guild_id, place.scopes, age_restricted=True)).personas
            left = [persona.id for persona in others if persona.id != gone.id]
            if left:
                await self._keep(place, left, user_id)
            else:
                await self._library.clear(place, user_id)
        return gone

    async def arrange(self, place: Place, order: str | None, turns: int | None, user_id: int) -> None:
        """Set who answers, and how often they answer each other; `default` lets go of an order."""
        if order == DEFAULT:
            await self._settings.clear(place.guild_id, place.here, ORDER, user_id)
        elif order is not None:
            await self._settings.put(place.guild_id, place.here, ORDER, order, user_id)
        if turns is not None:
            await self._settings.put(place.guild_id, place.here, TURNS, turns, user_id)

    async def _keep(self, place: Place, ids: Sequence[int], user_id: int) -> None:
        """Both settings in one place, so that a thread does not mix its own with its channel's."""
        await self._settings.put(place.guild_id, place.here, SETTING, ids[0], user_id)
        await self._settings.put(place.guild_id, place.here, CAST, list(ids[1:]), user_id)


def _among(persona: Persona, personas: Sequence[Persona]) -> Persona:
    """The persona, which knows who speaks beside it."""
    return replace(persona, company=tuple(other.name for other in personas if other.id != persona.id))
