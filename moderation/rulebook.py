"""Allowing and denying, as moderators ask for it.

RuleError
├── TargetError         the rule names nothing, or two things of which only one can be meant
├── TooManyRulesError   the server has as many as it may
└── NoSuchRuleError     nothing was said about this
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from moderation.durations import read_duration
from moderation.rules import is_live, parts_of
from storage import AccessRule, AccessRules, Target, Verdict

MAX_RULES: Final = 500
"""They are gone through for every message, in less than a millisecond."""


class RuleError(Exception):
    """A rule of access cannot be as somebody wishes."""


@dataclass
class TargetError(RuleError):
    """The rule names nothing, or two of a kind."""

    problem: Literal["nothing", "who", "where"]


@dataclass
class TooManyRulesError(RuleError):
    """The server has as many as it may."""

    limit: int


class NoSuchRuleError(RuleError):
    """Nothing was said about this."""


class Rulebook:
    """The rules of servers, for those who make them."""

    def __init__(self, rules: AccessRules, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._rules = rules
        self._clock = clock

    async def set(
        self, guild_id: int, verdict: Verdict, target: Target, by: int, *, duration: str | None, reason: str | None
    ) -> AccessRule:
        """Allow or deny something, for a while if so typed. Raises `RuleError` and `DurationError`."""
        checked(target)
        expires_at = self._clock() + read_duration(duration) if duration is not None else None
        known = await self.all(guild_id)
        if len(known) >= MAX_RULES and all(rule.target != target for rule in known):
            raise TooManyRulesError(MAX_RULES)
        return await self._rules.set(guild_id, verdict, target, set_by=by, reason=reason, expires_at=expires_at)

    async def clear(self, guild_id: int, target: Target, by: int) -> AccessRule:
        """Take back what was said about something. Raises `RuleError`."""
        checked(target)
        cleared = await self._rules.clear(guild_id, target, by)
        if cleared is None:
            raise NoSuchRuleError
        return cleared

    async def clear_rule(self, guild_id: int, rule_id: int, by: int) -> AccessRule:
        """Take back one rule. Raises `NoSuchRuleError`."""
        for rule in await self._rules.of(guild_id):
            if rule.id == rule_id:
                return await self.clear(guild_id, rule.target, by)
        raise NoSuchRuleError

    async def all(self, guild_id: int) -> list[AccessRule]:
        """What holds now: denials first, the oldest first."""
        live = [rule for rule in await self._rules.of(guild_id) if is_live(rule, self._clock())]
        return sorted(live, key=lambda rule: (rule.verdict == "allow", rule.id))


def checked(target: Target) -> None:
    """Raise `TargetError` unless a rule can be about this."""
    if not parts_of(target):
        raise TargetError("nothing")
    if target.user_id is not None and target.role_id is not None:
        raise TargetError("who")
    if target.channel_id is not None and target.category_id is not None:
        raise TargetError("where")
