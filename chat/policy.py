"""What the conversation engine asks of policy. `bot.py` hands it objects of `moderation` that answer."""

from collections.abc import Sequence
from typing import Protocol

from storage import ConversationKey, Scope


class Permit(Protocol):
    """What holds for one answer at the moment when it is made."""

    @property
    def paused(self) -> bool:
        """Whether nobody gets answers here now."""

    def allows(self, model: str) -> bool:
        """Whether this model may answer."""


class Admission(Protocol):
    """Asked when an answer is about to be made; whether the person may ask at all was decided before."""

    async def permit(self, key: ConversationKey, scopes: Sequence[Scope], user_id: int) -> Permit:
        """What holds for this person's answer here."""


class Reservation(Protocol):
    """Tokens set aside for one reply."""

    def release(self) -> None:
        """The reply is over; what it took is settled by its usage row."""


class TokenLedger(Protocol):
    """Keeps what is reserved by replies under way."""

    def reserve(self, guild_id: int | None, user_id: int, tokens: int) -> Reservation:
        """Set tokens aside for a reply. Raises the policy's own error when there are none left."""
