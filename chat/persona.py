"""A persona as the engine knows it while it speaks."""

import unicodedata
from dataclasses import dataclass
from typing import Final

from chat.cards import Card

LONGEST_NAME: Final = 80
"""Characters; what Discord takes for the name of a webhook."""

_LOOKED_AT: Final = 1_000
_JOINERS: Final = frozenset("\u200c\u200d\t\n")  # they make one emoji of several, and words of some scripts


@dataclass(frozen=True, slots=True)
class Persona:
    """Who answers in a conversation."""

    id: int
    name: str  # under which it speaks
    card: Card
    adult: bool = False
    greeting: int = 0  # which of its greetings comes first
    version: int = 1
    company: tuple[str, ...] = ()  # the names of the others that speak where it does

    @property
    def names(self) -> tuple[str, ...]:
        """What it may call itself, so that it is not taken for somebody else."""
        return tuple(dict.fromkeys((self.name, short_name(self.card.called), short_name(self.card.name))))


def short_name(name: str) -> str:
    """A name as it is kept and shown: without signs that only turn or hide others, and not as long as in a card."""
    name = " ".join("".join(sign for sign in name[:_LOOKED_AT] if _is_shown(sign)).split())
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _is_shown(sign: str) -> bool:
    return sign in _JOINERS or unicodedata.category(sign) not in {"Cc", "Cf"}
