"""What an admin chooses for a whole server: where the bot is used, how much by each person, and who moderates.

SetupError
├── AmountError              this is no number of requests or tokens
├── EverybodyModeratesError  the role that everyone has was to be that of the moderators
└── CannotWriteError         the bot lacks permissions in the channel
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from moderation.limit_book import LimitBook, LimitTarget, NoSuchLimitError, name_of
from moderation.rulebook import NoSuchRuleError, Rulebook
from storage import AccessRule, Limit, LimitPeriod, LimitUnit, Scope, ScopedSettings, Target

LOG_CHANNEL: Final = "log_channel"
LOG_FLAGS: Final = "log_flags"
LOG_REFUSALS: Final = "log_refusals"
MODERATOR_ROLES: Final = "moderator_roles"
MOST_AMOUNT: Final = 1_000_000_000
EACH_PERSON: Final[dict[LimitUnit, LimitPeriod]] = {"requests": "hour", "tokens": "day"}
"""The limits that the panel sets; there are more with `/limit`."""

_AMOUNT = re.compile(r"\d{1,12}|\d{1,3}(?P<sign>[.,'’ _])\d{3}(?:(?P=sign)\d{3}){0,2}", re.ASCII)


class SetupError(Exception):
    """Something cannot be set for a server as an admin wishes."""


@dataclass
class AmountError(SetupError):
    """This is no number of requests or tokens."""

    unit: LimitUnit
    period: LimitPeriod
    typed: str


class EverybodyModeratesError(SetupError):
    """The role that everyone has was to be that of the moderators."""


@dataclass
class CannotWriteError(SetupError):
    """The bot lacks these permissions in the channel."""

    channel_id: int
    missing: tuple[str, ...]


class ServerSetup:
    """The choices of admins, each of which changes one thing and leaves what others chose meanwhile."""

    def __init__(self, settings: ScopedSettings, rules: Rulebook, limits: LimitBook) -> None:
        self._settings = settings
        self._rules = rules
        self._limits = limits

    async def only_in(self, guild_id: int) -> dict[int, AccessRule]:
        """The channels that alone are allowed; none: all are."""
        return {
            rule.target.channel_id: rule
            for rule in await self._rules.all(guild_id)
            if rule.verdict == "allow" and rule.target.channel_id and rule.target == _channel(rule.target.channel_id)
        }

    async def allow_only(self, guild_id: int, added: Collection[int], removed: Collection[int], by: int) -> None:
        """Put channels on the list of those that alone are allowed, and take others off it."""
        known = await self.only_in(guild_id)
        for channel_id in added:
            if channel_id not in known:
                await self._rules.set(guild_id, "allow", _channel(channel_id), by, duration=None, reason=None)
        for channel_id in removed:
            try:
                await self._rules.clear_rule(guild_id, known[channel_id].id, by)
            except (KeyError, NoSuchRuleError):
                continue  # another admin was quicker

    async def choose_moderators(self, guild_id: int, added: Collection[int], removed: Collection[int], by: int) -> None:
        """Let roles be those of moderators, and others no longer. Raises `EverybodyModeratesError`."""
        if guild_id in added:
            raise EverybodyModeratesError
        scope = Scope("guild", guild_id)
        async with self._settings.changing(guild_id):
            found = await self._settings.resolve(guild_id, [scope], {MODERATOR_ROLES: []})
            kept = [role_id for role_id in found[MODERATOR_ROLES].value if role_id not in removed]
            roles = list(dict.fromkeys([*kept, *added]))
            if roles:
                await self._settings.put(guild_id, scope, MODERATOR_ROLES, roles, by)
            else:
                await self._settings.clear(guild_id, scope, MODERATOR_ROLES, by)

    async def limits(self, guild_id: int) -> dict[LimitUnit, Limit | None]:
        """The limits of each person that the panel sets."""
        found = {limit.key: limit for limit in await self._limits.all(guild_id)}
        return {unit: found.get(("user", 0, unit, period)) for unit, period in EACH_PERSON.items()}

    async def limit_each(self, guild_id: int, unit: LimitUnit, amount: int | None, by: int) -> None:
        """Let each person use so much, or as much as they like; a hard limit stays one. Raises `LimitError`."""
        limit = (await self.limits(guild_id))[unit]
        if amount is not None:
            hard = limit is not None and limit.hard
            target = LimitTarget(each="user")
            await self._limits.set(guild_id, target, unit, EACH_PERSON[unit], amount, hard=hard, by=by)
        elif limit is not None:
            try:
                await self._limits.remove(guild_id, name_of(limit), by)
            except NoSuchLimitError:
                return  # another admin was quicker


def read_amount(unit: LimitUnit, typed: str) -> int | None:
    """A number as people type it, with or without signs between the thousands; None: no limit. Raises `AmountError`."""
    text = typed.strip()
    if not text:
        return None
    if _AMOUNT.fullmatch(text) is None or not 1 <= (amount := int(re.sub(r"\D", "", text))) <= MOST_AMOUNT:
        raise AmountError(unit, EACH_PERSON[unit], typed)
    return amount


def _channel(channel_id: int) -> Target:
    return Target(channel_id=channel_id)
