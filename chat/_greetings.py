"""What a character says first."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from chat._macro_syntax import beginning
from chat.cards import Card
from chat.persona import Persona
from chat.persona_prompt import Profile, persona_macros
from storage import ConversationKey, TranscriptMessage
from storage.records import Opened

MOST_GREETINGS: Final = 50
LONGEST_GREETING: Final = 30_000
"""Characters that are posted of a greeting: some sixteen messages. More would flood a channel."""

NO_GREETING: Final = -1
"""Stands for a conversation that none of a card's numbered greetings opened."""


@dataclass(frozen=True, slots=True)
class Greetings:
    """A character's greetings as they are said to somebody, and which of them comes first."""

    texts: Sequence[str]
    first: int


def greetings_of(persona: Persona, profile: Profile, key: ConversationKey, *, joins: bool = False) -> Greetings:
    """The greetings; one that ``joins`` others has some of its own for that, which come first."""
    seed = f"{key.guild_id}:{key.channel_id}:{key.owner_id}"
    macros = persona_macros(
        persona.card, profile, now=datetime.now(UTC), random=random.Random(), seed=seed, company=persona.company
    )
    for_groups = persona.card.texts("group_only_greetings") if joins else ()
    said = [*for_groups, *persona.card.greetings][:MOST_GREETINGS]
    expanded = (_shortened(macros.expand(_shortened(greeting)).strip()) for greeting in said)
    texts = [text for text in expanded if text]
    first = 0 if any(text.strip() for text in for_groups) else min(persona.greeting, len(texts) - 1)
    return Greetings(texts, max(0, first))


def greeting_number(card: Card, opened: Opened | None) -> int | None:
    """Which greeting a conversation was opened with, as a card counts them: 0 is the first message.

    `NO_GREETING` if it was none of these; None if that cannot be told, because the card has others by now.
    """
    if opened is None or opened.place is None:
        return NO_GREETING
    own = card.greeting_numbers
    joining = [NO_GREETING for _ in card.texts("group_only_greetings")]
    for numbers in (own, (*joining, *own)):
        if opened.count == len(numbers[:MOST_GREETINGS]):
            return numbers[opened.place]
    return None


def opening(persona: Persona, greetings: Greetings, user_id: int, user_name: str) -> list[TranscriptMessage]:
    """A beginning without words, which the greetings hang under, so that they are swipes of each other.

    It tells who they are said to, under the name that they use.
    """
    now = datetime.now(UTC)
    return [
        TranscriptMessage(None, "system", "", now, user_id, user_name),
        *(
            TranscriptMessage(0, "assistant", text, now, user_id, persona.name, persona_id=persona.id)
            for text in greetings.texts
        ),
    ]


def _shortened(greeting: str) -> str:
    if len(greeting) <= LONGEST_GREETING:
        return greeting
    return f"{beginning(greeting, LONGEST_GREETING - 1).rstrip()}…"
