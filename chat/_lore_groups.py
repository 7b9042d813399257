"""Inclusion groups: of each, one entry at most comes into a prompt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from random import Random

from chat._lore_entries import Source


def losers(
    candidates: Sequence[Source],
    sticky: AbstractSet[int],
    won: AbstractSet[str],
    random: Random,
    score: Callable[[Source], int],
) -> dict[int, str]:
    """Who has to stay out, by identity, with the group in which they lost; ``won`` groups have their winner."""
    lost: dict[int, str] = {}
    for group in dict.fromkeys(name for source in candidates for name in source.entry.groups):
        members = [one for one in candidates if group in one.entry.groups and id(one) not in lost]
        staying = _staying(members, sticky, random, score, has_winner=group in won)
        kept = set(map(id, staying))
        lost |= {id(one): group for one in members if id(one) not in kept}
    return lost


def _staying(
    members: Sequence[Source],
    sticky: AbstractSet[int],
    random: Random,
    score: Callable[[Source], int],
    *,
    has_winner: bool,
) -> Sequence[Source]:
    if held := [one for one in members if id(one) in sticky]:
        return held
    if has_winner:
        return ()
    members = _with_best_score(members, score)
    if len(members) < 2:
        return members
    if first := [one for one in members if one.entry.group_override]:
        return [max(first, key=lambda one: one.entry.order)]
    return [_drawn(members, random)]


def _with_best_score(members: Sequence[Source], score: Callable[[Source], int]) -> Sequence[Source]:
    """Without those that count their keys and have fewer than another."""
    if not any(one.entry.group_scoring for one in members):
        return members
    scores = {id(one): score(one) for one in members}
    best = max(scores.values())
    return [one for one in members if not one.entry.group_scoring or scores[id(one)] == best]


def _drawn(members: Sequence[Source], random: Random) -> Source:
    roll = random.random() * sum(one.entry.group_weight for one in members)
    reached = 0.0
    for one in members:
        reached += one.entry.group_weight
        if roll <= reached:
            return one
    return members[-1]
