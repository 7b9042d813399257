"""What a server's rules of access say: deny beats allow, and a list of what is allowed leaves out all others.

A rule is about all the parts that it names: who (a person or a role), where (a channel or a category) and which model.
A denial holds where all its parts match. An allowance is an entry of a list: that of the first of its parts, in this
order, and its other parts say where the list holds. Where a list holds, what is not on it is denied. An allowance never
lifts a denial and never grants a right.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from storage import AccessRule, Target


class Part(Enum):
    """What a rule can name."""

    WHO = "who"
    WHERE = "where"
    MODEL = "model"


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, where (a thread belongs to its channel, too; a direct message is nowhere), and for which model."""

    user_id: int
    role_ids: frozenset[int] = frozenset()
    channel_ids: tuple[int, ...] = ()
    category_id: int | None = None
    model: str | None = None  # None: not known yet


@dataclass(frozen=True, slots=True)
class Denial:
    """Why a request is denied: by a rule, or because it is on none of the lists of this part."""

    rule: AccessRule | None
    missing: Part | None = None


def denial_of(rules: Iterable[AccessRule], asker: Asker, now: datetime) -> Denial | None:
    """Why this is denied, or None. Rules about places say nothing of direct messages, nor those about models yet."""
    live = [rule for rule in rules if is_live(rule, now) and _concerns(rule.target, asker)]
    if denials := [rule for rule in live if rule.verdict == "deny" and all(_matches(rule.target, asker).values())]:
        return Denial(max(denials, key=_end))
    for part in Part:
        entries = [rule for rule in live if rule.verdict == "allow" and _list_of(rule.target) is part]
        if not _is_on(part, entries, asker):
            return Denial(None, part)
    return None


def naming_a_model(rules: Iterable[AccessRule]) -> list[AccessRule]:
    """The rules that decide which models may answer."""
    return [rule for rule in rules if rule.target.model is not None]


def for_everybody(rules: Iterable[AccessRule]) -> list[AccessRule]:
    """The rules that hold whoever asks."""
    return [rule for rule in rules if Part.WHO not in parts_of(rule.target)]


def denying_in_person(rules: Iterable[AccessRule]) -> list[AccessRule]:
    """The rules that deny something to a person by name."""
    return [rule for rule in rules if rule.verdict == "deny" and rule.target.user_id is not None]


def is_live(rule: AccessRule, now: datetime) -> bool:
    """Whether the rule has not expired."""
    return rule.expires_at is None or rule.expires_at > now


def parts_of(target: Target) -> list[Part]:
    """What a target names, in the order in which lists are made."""
    named = {
        Part.WHO: target.user_id is not None or target.role_id is not None,
        Part.WHERE: target.channel_id is not None or target.category_id is not None,
        Part.MODEL: target.model is not None,
    }
    return [part for part, is_named in named.items() if is_named]


def _list_of(target: Target) -> Part:
    return parts_of(target)[0]


def _is_on(part: Part, entries: Sequence[AccessRule], asker: Asker) -> bool:
    """Whether no list of this part holds here, or the asker is on one that does."""
    fitting = [_matches(rule.target, asker) for rule in entries]
    holding = [fits[part] for fits in fitting if all(fits[other] for other in fits if other is not part)]
    return not holding or any(holding)


def _concerns(target: Target, asker: Asker) -> bool:
    parts = parts_of(target)
    placed = bool(asker.channel_ids) or Part.WHERE not in parts
    return bool(parts) and placed and (asker.model is not None or Part.MODEL not in parts)


def _matches(target: Target, asker: Asker) -> dict[Part, bool]:
    """Which of the parts that the target names fit."""
    fits = {
        Part.WHO: asker.user_id == target.user_id or target.role_id in asker.role_ids,
        Part.WHERE: target.channel_id in asker.channel_ids
        or (target.category_id is not None and asker.category_id == target.category_id),
        Part.MODEL: (asker.model or "").casefold() == (target.model or "").casefold(),
    }
    return {part: fits[part] for part in parts_of(target)}


def _end(rule: AccessRule) -> tuple[bool, float]:
    return rule.expires_at is None, rule.expires_at.timestamp() if rule.expires_at else 0.0
