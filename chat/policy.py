"""What the conversation engine asks of policy. `bot.py` hands it objects of `moderation` that answer."""

from typing import Protocol


class Reservation(Protocol):
    """Tokens set aside for one reply."""

    def release(self) -> None:
        """The reply is over; what it took is settled by its usage row."""


class TokenLedger(Protocol):
    """Keeps what is reserved by replies under way."""

    def reserve(self, guild_id: int | None, user_id: int, tokens: int) -> Reservation:
        """Set tokens aside for a reply. Raises the policy's own error when there are none left."""
