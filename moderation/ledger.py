"""Tokens set aside for replies under way, so that simultaneous requests are counted before they are answered."""

from collections import Counter


class Ledger:
    """Counts what is reserved, for each server and person."""

    def __init__(self) -> None:
        self._reserved: Counter[tuple[int | None, int]] = Counter()

    def reserve(self, guild_id: int | None, user_id: int, tokens: int) -> "Reservation":
        """Set tokens aside until the reservation is settled."""
        self._reserved[guild_id, user_id] += tokens
        return Reservation(self, (guild_id, user_id), tokens)

    def reserved(self, guild_id: int | None, user_id: int) -> int:
        """What is set aside for this person's replies under way."""
        return self._reserved[guild_id, user_id]

    def release(self, who: tuple[int | None, int], tokens: int) -> None:
        """Give back what a settled reply had set aside."""
        self._reserved[who] -= tokens
        if self._reserved[who] <= 0:
            del self._reserved[who]


class Reservation:
    """Tokens set aside for one reply."""

    def __init__(self, ledger: Ledger, who: tuple[int | None, int], tokens: int) -> None:
        self._ledger = ledger
        self._who = who
        self._tokens = tokens

    def release(self) -> None:
        """The reply is over; what it took is in the usage row that is written with the reply."""
        self._ledger.release(self._who, self._tokens)
        self._tokens = 0
