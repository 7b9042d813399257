"""Who was served how much lately: the measure by which the line is fair."""

import math
from collections.abc import Callable, Mapping

HALF_LIFE_SECONDS = 600.0  # who was served ten minutes ago counts half as much
READ_FOR_ONE_WRITTEN = 100  # a model reads so many tokens, roughly, while it writes one
MOST_REMEMBERED = 10_000
FORGOTTEN_BELOW = 0.1  # tokens

Who = tuple[int | None, int | None]


def tokens_served(prompt_tokens: float, completion_tokens: float) -> float:
    """What a request took of the service: the tokens written, and those read for as long as reading takes."""
    return completion_tokens + prompt_tokens / READ_FOR_ONE_WRITTEN


class Served:
    """The tokens that each server and person was served lately, fading with time."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._amounts: dict[Who, tuple[float, float]] = {}
        self._granted_at: dict[Who, float] = {}

    def of(self, guild_id: int | None, user_id: int | None, now: float) -> float:
        """What a person was served, or with None the server."""
        return self._get((guild_id, user_id), now)

    def granted(self, guild_id: int | None, tokens: Mapping[int, float]) -> None:
        """These people have a slot now; what each will be served is counted at once."""
        for user_id in tokens:
            self._granted_at[guild_id, user_id] = self._clock()
        self.add(guild_id, tokens)

    def granted_at(self, guild_id: int | None, user_id: int) -> float:
        """When the person had a slot last."""
        return self._granted_at.get((guild_id, user_id), -math.inf)

    def add(self, guild_id: int | None, tokens: Mapping[int, float]) -> None:
        """Count each person's part of a reply, or take back some of what was counted for it."""
        now = self._clock()
        for user_id, more in (*tokens.items(), (None, sum(tokens.values()))):
            self._amounts[guild_id, user_id] = (max(0.0, self._get((guild_id, user_id), now) + more), now)
        if len(self._amounts) > MOST_REMEMBERED:
            self._amounts = {who: kept for who, kept in self._amounts.items() if self._get(who, now) > FORGOTTEN_BELOW}
            self._granted_at = {who: at for who, at in self._granted_at.items() if who in self._amounts}

    def _get(self, who: Who, now: float) -> float:
        amount, at = self._amounts.get(who, (0.0, 0.0))
        return amount * 0.5 ** ((now - at) / HALF_LIFE_SECONDS) if amount else 0.0
