"""What holds when an answer is made, perhaps long after it was asked for: a pause, and which models may answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from moderation.presence import Presences
from moderation.rules import Asker, denial_of, for_everybody, naming_a_model
from storage import AccessRule, AccessRules, ConversationKey, Scope, ScopedSettings

PAUSED = "paused"
"""The setting of a thread, a channel or a server where nobody gets answers."""


@dataclass(frozen=True, slots=True)
class Permit:
    """Whether an answer may be made now, and by which models."""

    paused: bool
    denied: bool
    rules: Sequence[AccessRule]
    asker: Asker
    at: datetime

    def allows(self, model: str) -> bool:
        """Whether this model may answer."""
        return denial_of(self.rules, replace(self.asker, model=model), self.at) is None


class Admission:
    """Asked before a request is made to the service; whether the person may ask at all was decided before."""

    def __init__(
        self,
        settings: ScopedSettings,
        rules: AccessRules,
        presences: Presences,
        owner_ids: frozenset[int],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._rules = rules
        self._presences = presences
        self._owner_ids = owner_ids
        self._clock = clock

    async def permit(self, key: ConversationKey, scopes: Sequence[Scope], user_id: int) -> Permit:
        """What holds for this person's answer here."""
        presence = self._presences.of(key.guild_id, key.channel_id, user_id)
        ruling_id = presence.ruling_id
        if ruling_id is None:
            return Permit(False, False, (), presence.asker, self._clock())
        places = scopes if key.guild_id is not None else [Scope("guild", ruling_id)]
        paused = (await self._settings.resolve(ruling_id, places, {PAUSED: False}))[PAUSED].value
        rules = [] if user_id in self._owner_ids else await self._rules.of(ruling_id)
        # Roles and places may have been forgotten by now, so being on no list of who is allowed says nothing.
        denials, now = [rule for rule in rules if rule.verdict == "deny"], self._clock()
        denied = denial_of(denials, presence.asker, now) is not None
        return Permit(bool(paused), denied, naming_a_model(rules), presence.asker, now)

    async def may_set(self, guild_id: int, place: Asker, model: str) -> bool:
        """Whether a model may be chosen for a place: whether the rules that hold for everybody let it answer there."""
        rules = for_everybody(naming_a_model(await self._rules.of(guild_id)))
        return denial_of(rules, replace(place, model=model), self._clock()) is None
