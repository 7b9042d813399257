"""A persona as the engine knows it while it speaks."""

from dataclasses import dataclass
from typing import Final

from chat.cards import Card

LONGEST_NAME: Final = 80
"""Characters; what Discord takes for the name of a webhook."""


@dataclass(frozen=True, slots=True)
class Persona:
    """Who answers in a conversation."""

    id: int
    name: str  # under which it speaks
    card: Card
    adult: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """What it may call itself, so that it is not taken for somebody else."""
        return tuple(dict.fromkeys((self.name, short_name(self.card.called), short_name(self.card.name))))


def short_name(name: str) -> str:
    """A name as it is kept and shown; one in a card may have any length."""
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
