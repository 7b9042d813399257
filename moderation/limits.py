"""What a server's limits say of one request: which hold, in which windows they count, and which is reached.

A limit of the server counts what everybody uses together, one of a channel what is used there, threads included. Limits
of people and of roles count what one person uses. Where a person's roles have limits of the same unit, the most
favourable role counts. Of the scopes the tightest binds: a request needs room in all of them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Final, get_args

from moderation.rules import Asker
from storage import GuildLimits, Limit, LimitPeriod, LimitSubject, LimitUnit, LimitUse, LimitWindow

EACH: Final = 0
"""The id of a limit for each person, or for each channel."""

UNITS: Final[tuple[LimitUnit, ...]] = get_args(LimitUnit)


class Reach(IntEnum):
    """How far a request goes."""

    WITHIN = 0
    PAST_SOFT = 1
    PAST_HARD = 2


@dataclass(frozen=True, slots=True)
class Bound:
    """A limit that holds for a request: where it counts, and how much it is with what the person was granted."""

    limit: Limit
    window: LimitWindow
    amount: int


@dataclass(frozen=True, slots=True)
class Binding:
    """What holds for a request: all of `fixed`, and for each unit one of the roles with all of its limits."""

    fixed: tuple[Bound, ...] = ()
    roles: tuple[tuple[tuple[Bound, ...], ...], ...] = ()

    @property
    def windows(self) -> tuple[LimitWindow, ...]:
        """Everything in which the request counts, also where it does not bind."""
        of_roles = (bound.window for unit in self.roles for role in unit for bound in role)
        return tuple(dict.fromkeys([*(bound.window for bound in self.fixed), *of_roles]))


@dataclass(frozen=True, slots=True)
class Verdict:
    """How far a request goes: the limit that it would pass, which ends last of the strictest, and the others."""

    reach: Reach = Reach.WITHIN
    reached: LimitUse | None = None
    others: tuple[LimitUse, ...] = ()


@dataclass(frozen=True, slots=True)
class Cost:
    """One request with so many tokens, for which so many people asked together."""

    tokens: int
    people: int = 1

    def within(self, window: LimitWindow) -> int:
        """What of it counts there."""
        return window.count(1, self.tokens, self.people)


UNBOUND: Final = Binding()
WITHIN: Final = Verdict()


def window_of(period: LimitPeriod, now: datetime) -> tuple[datetime, datetime]:
    """When the calendar's minute, hour, day, week or month began in UTC, and when it ends."""
    minute = now.astimezone(UTC).replace(second=0, microsecond=0)
    if period == "minute":
        return minute, minute + timedelta(minutes=1)
    hour = minute.replace(minute=0)
    if period == "hour":
        return hour, hour + timedelta(hours=1)
    day = hour.replace(hour=0)
    if period == "day":
        return day, day + timedelta(days=1)
    if period == "week":
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=7)
    month = day.replace(day=1)
    return month, (month + timedelta(days=31)).replace(day=1)


def binding_of(found: GuildLimits, guild_id: int, asker: Asker, now: datetime) -> Binding:
    """The limits that hold for somebody in a place. Everyone has the role that has the server's id."""
    role_ids = asker.role_ids | {guild_id}
    fixed: list[Bound] = []
    for limit in found.limits:
        subject = _subject_of(limit, found.limits, asker)
        if subject is not None:
            fixed.append(_bound(found, limit, *subject, asker, now))
    roles = []
    for unit in UNITS:
        held = [
            one for one in found.limits if one.scope_kind == "role" and one.unit == unit and one.scope_id in role_ids
        ]
        by_role = {
            role_id: [one for one in held if one.scope_id == role_id] for role_id in {one.scope_id for one in held}
        }
        if by_role:
            roles.append(
                tuple(
                    tuple(_bound(found, one, "user", asker.user_id, asker, now) for one in by_role[role_id])
                    for role_id in sorted(by_role)
                )
            )
    return Binding(tuple(fixed), tuple(roles))


def verdict_on(binding: Binding, used: Mapping[LimitWindow, int], cost: Cost) -> Verdict:
    """How far a request goes, after what was used in each window."""
    holding = list(binding.fixed)
    for roles in binding.roles:
        favourable: tuple[Bound, ...] = min(roles, key=lambda role: _strictness(role, used, cost))
        holding += favourable
    reached = [bound for bound in holding if _reach(bound, used, cost) > Reach.WITHIN]
    worst = max(reached, key=lambda bound: (_reach(bound, used, cost), bound.window.ends_at), default=None)
    others = tuple(use_of(bound, used) for bound in holding if bound not in reached)
    if worst is None:
        return Verdict(others=others)
    return Verdict(_reach(worst, used, cost), use_of(worst, used), others)


def use_of(bound: Bound, used: Mapping[LimitWindow, int]) -> LimitUse:
    """How far a limit is used."""
    return LimitUse(bound.limit, bound.amount, used.get(bound.window, 0), bound.window.ends_at)


def extra_of(found: GuildLimits, user_id: int, unit: LimitUnit, now: datetime) -> int:
    """By how much somebody's own limits are higher now."""
    return sum(
        grant.amount for grant in found.grants if (grant.user_id, grant.unit) == (user_id, unit) and grant.until > now
    )


def window_for(limit: Limit, subject: LimitSubject, subject_id: int, now: datetime) -> LimitWindow:
    """Where something counts towards a limit now."""
    return LimitWindow(subject, subject_id, limit.unit, limit.period, *window_of(limit.period, now))


def _subject_of(limit: Limit, limits: Iterable[Limit], asker: Asker) -> tuple[LimitSubject, int] | None:
    """What a limit of server, channel or person counts for this person here; None if it does not hold for them."""
    if limit.scope_kind == "guild":
        return "guild", 0
    if limit.scope_kind == "user":
        holds = limit.scope_id == asker.user_id or (
            limit.scope_id == EACH and not _is_replaced(limit, limits, asker.user_id)
        )
        return ("user", asker.user_id) if holds else None
    if limit.scope_kind == "channel" and asker.channel_ids:
        if limit.scope_id in asker.channel_ids:
            return "channel", limit.scope_id
        place = asker.channel_ids[-1]  # a thread counts as its channel
        if limit.scope_id == EACH and not _is_replaced(limit, limits, place):
            return "channel", place
    return None


def _is_replaced(each: Limit, limits: Iterable[Limit], scope_id: int) -> bool:
    """Whether this one person or channel has a limit of its own instead."""
    own = (each.scope_kind, scope_id, each.unit, each.period)
    return any(limit.key == own for limit in limits)


def _bound(
    found: GuildLimits, limit: Limit, subject: LimitSubject, subject_id: int, asker: Asker, now: datetime
) -> Bound:
    extra = extra_of(found, asker.user_id, limit.unit, now) if subject == "user" else 0
    return Bound(limit, window_for(limit, subject, subject_id, now), limit.amount + extra)


def _reach(bound: Bound, used: Mapping[LimitWindow, int], cost: Cost) -> Reach:
    if used.get(bound.window, 0) + cost.within(bound.window) <= bound.amount:
        return Reach.WITHIN
    return Reach.PAST_HARD if bound.limit.hard else Reach.PAST_SOFT


def _strictness(role: tuple[Bound, ...], used: Mapping[LimitWindow, int], cost: Cost) -> tuple[Reach, float, int]:
    """What makes one role less favourable than another: how far it is passed, for how long, and how little is left."""
    reach = max(_reach(bound, used, cost) for bound in role)
    ends = [bound.window.ends_at.timestamp() for bound in role if _reach(bound, used, cost) is reach]
    left = min(bound.amount - used.get(bound.window, 0) for bound in role)
    return reach, max(ends) if reach > Reach.WITHIN else 0.0, -left
