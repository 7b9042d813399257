"""Asked before an answer is made: what its asker may still use, how much their word weighs, and to set it aside."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from moderation.limits import UNBOUND, WITHIN, Binding, Cost, Reach, Verdict, binding_of, verdict_on
from moderation.presence import Presences
from storage import ConversationKey, Limits, LimitUse, LimitWindow, Reserved, Scope, ScopedSettings

WEIGHTS: Final = "queue_weights"
"""The setting of a server that says how much its roles weigh in the line: role id -> weight."""

USUAL_WEIGHT: Final = 1
MOST_WEIGHT: Final = 10
FRESH_SECONDS: Final = 5.0
"""How late a change of a home server's limits may be noticed, which can belong to another process."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How somebody stands with the limits that hold for them in a place."""

    weight: float = USUAL_WEIGHT
    verdict: Verdict = WITHIN
    binding: Binding = field(default=UNBOUND, repr=False)
    used: Mapping[LimitWindow, int] = field(default_factory=dict, repr=False)
    ruling_id: int | None = None

    @property
    def refused(self) -> bool:
        """Whether a hard limit is reached."""
        return self.verdict.reach is Reach.PAST_HARD

    @property
    def over(self) -> bool:
        """Whether a soft limit is reached: the request comes after all others."""
        return self.verdict.reach is Reach.PAST_SOFT

    @property
    def reached(self) -> LimitUse | None:
        """The limit that is reached."""
        return self.verdict.reached

    @property
    def others(self) -> tuple[LimitUse, ...]:
        """The limits that hold as well and have something left."""
        return self.verdict.others

    @property
    def counts_tokens(self) -> bool:
        """Whether a hard limit could be passed by a long prompt."""
        uses = [*self.others, *([self.reached] if self.reached is not None else [])]
        return any(use.limit.hard and use.limit.unit == "tokens" for use in uses)

    def costing(self, tokens: int) -> "Standing":
        """How it would be for a request with so many tokens."""
        return replace(self, verdict=verdict_on(self.binding, self.used, Cost(tokens)))


@dataclass(frozen=True, slots=True)
class Reservation:
    """What was set aside for a request, if anything was, and how each of those stands who asked for it."""

    standings: Mapping[int, Standing]
    reserved: Reserved | None = None


class Limiter:
    """Holds servers to their limits. A server without any costs no access to the database."""

    def __init__(
        self,
        limits: Limits,
        settings: ScopedSettings,
        presences: Presences,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._limits = limits
        self._settings = settings
        self._presences = presences
        self._clock = clock

    async def standing(self, key: ConversationKey, user_id: int) -> Standing:
        """How somebody stands before they ask for anything more."""
        guild_id, binding = await self._binding(key, user_id)
        if guild_id is None:
            return Standing()
        weight = await self._weight(guild_id, key, user_id)
        used = await self._limits.used(guild_id, binding.windows)
        return Standing(weight, verdict_on(binding, used, Cost(1)), binding, used, guild_id)

    async def reserve(self, key: ConversationKey, user_ids: Sequence[int], tokens: int, *, over: bool) -> Reservation:
        """Set a request and its tokens aside for all who asked for it, unless a hard limit of one is in the way.

        So is a soft one that all of them have reached, except with `over`.
        """
        standings = {user_id: Standing() for user_id in user_ids}
        bindings: dict[int, Binding] = {}
        for user_id in user_ids:
            guild_id, bindings[user_id] = await self._binding(key, user_id)
            if guild_id is None:
                return Reservation(standings)
            standings[user_id] = Standing(await self._weight(guild_id, key, user_id), ruling_id=guild_id)
        windows = tuple(dict.fromkeys(window for binding in bindings.values() for window in binding.windows))
        if guild_id is None or not windows:
            return Reservation(standings)
        cost = Cost(tokens, len(user_ids))

        def admits(used: Mapping[LimitWindow, int]) -> bool:
            for user_id, binding in bindings.items():
                standings[user_id] = replace(standings[user_id], verdict=verdict_on(binding, used, cost))
            reaches = [standing.verdict.reach for standing in standings.values()]
            return max(reaches) < Reach.PAST_HARD and (over or min(reaches) is Reach.WITHIN)

        reserved = await self._limits.reserve(guild_id, windows, tokens, admits, cost.people)
        return Reservation(standings, reserved)

    async def needs_roles(self, guild_id: int) -> bool:
        """Whether a person's roles make a difference here."""
        found = await self._limits.of(guild_id)
        return any(limit.scope_kind == "role" for limit in found.limits) or bool(await self._weights(guild_id))

    async def _binding(self, key: ConversationKey, user_id: int) -> tuple[int | None, Binding]:
        """The server whose limits hold, and which of them do."""
        presence = self._presences.of(key.guild_id, key.channel_id, user_id)
        if presence.ruling_id is None:
            return None, UNBOUND
        found = await self._limits.of(presence.ruling_id, FRESH_SECONDS if key.guild_id is None else None)
        if not found.limits:
            return presence.ruling_id, UNBOUND
        return presence.ruling_id, binding_of(found, presence.ruling_id, presence.asker, self._clock())

    async def _weight(self, guild_id: int, key: ConversationKey, user_id: int) -> float:
        weights = await self._weights(guild_id)
        if not weights:
            return USUAL_WEIGHT
        role_ids = self._presences.of(key.guild_id, key.channel_id, user_id).asker.role_ids | {guild_id}
        return max((weight for role_id, weight in weights.items() if role_id in role_ids), default=USUAL_WEIGHT)

    async def _weights(self, guild_id: int) -> dict[int, int]:
        return await weights_of(self._settings, guild_id)


async def weights_of(settings: ScopedSettings, guild_id: int) -> dict[int, int]:
    """How much each role weighs that has another weight than the usual."""
    found = (await settings.resolve(guild_id, [Scope("guild", guild_id)], {WEIGHTS: {}}))[WEIGHTS].value
    return {int(role_id): weight for role_id, weight in found.items()}
