"""Who people are where they ask: remembered from when they asked until their answer is made."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from moderation.rules import Asker

MOST_REMEMBERED: Final = 20_000
"""Far more than can wait for an answer; about 400 bytes each."""


@dataclass(frozen=True, slots=True)
class Presence:
    """A person in a place, and the server whose rules hold there; None: the rules of no server."""

    ruling_id: int | None
    asker: Asker


class Presences:
    """The people who asked for something last."""

    def __init__(self, most: int = MOST_REMEMBERED) -> None:
        self._most = most
        self._known: OrderedDict[tuple[int | None, int, int], Presence] = OrderedDict()
        self._homes: OrderedDict[int, int | None] = OrderedDict()

    def remember(self, guild_id: int | None, channel_id: int, presence: Presence) -> None:
        """Someone asks for something here."""
        key = guild_id, channel_id, presence.asker.user_id
        self._known[key] = presence
        self._known.move_to_end(key)
        while len(self._known) > self._most:
            self._known.popitem(last=False)
        if guild_id is None:
            self._homes[channel_id] = presence.ruling_id
            self._homes.move_to_end(channel_id)
            while len(self._homes) > self._most:
                self._homes.popitem(last=False)

    def home_in(self, channel_id: int) -> int | None:
        """The server whose rules hold in somebody's direct messages; None without one, or if that was forgotten."""
        return self._homes.get(channel_id)

    def of(self, guild_id: int | None, channel_id: int, user_id: int) -> Presence:
        """Who somebody is here, as they were when they asked last; without roles if that was forgotten."""
        known = self._known.get((guild_id, channel_id, user_id))
        if known is not None:
            return known
        channels = () if guild_id is None else (channel_id,)
        return Presence(guild_id, Asker(user_id, channel_ids=channels))
