"""Which limits hold for somebody, and how far a request goes."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moderation.limits import EACH, Cost, Reach, Verdict, binding_of, verdict_on, window_of
from moderation.rules import Asker
from storage import GuildLimits, Limit, LimitGrant, LimitPeriod, LimitWindow

GUILD, ADA, HERE, THREAD = 11, 31, 21, 22
ROLES = (GUILD, 41, 42, 43)
NOW = datetime(2026, 3, 4, 12, 30, 15, tzinfo=UTC)  # a Wednesday
ASKER = Asker(ADA, frozenset({41, 42}), (THREAD, HERE))
PERIODS: tuple[LimitPeriod, ...] = get_args(LimitPeriod)


def limit(scope_kind: Any = "guild", scope_id: int = 0, amount: int = 5, **changes: Any) -> Limit:
    made = Limit(scope_kind, scope_id, "requests", "day", amount, False, 1, NOW)
    return replace(made, **changes)


SCOPES = st.sampled_from(
    [("guild", 0), *(("channel", i) for i in (EACH, HERE, THREAD, 99)), *(("user", i) for i in (EACH, ADA, 99))]
    + [("role", role_id) for role_id in ROLES]
)
LIMITS = st.builds(
    lambda scope, amount, unit, period, hard: limit(scope[0], scope[1], amount, unit=unit, period=period, hard=hard),
    SCOPES,
    st.integers(1, 50),
    st.sampled_from(["requests", "tokens"]),
    st.sampled_from(PERIODS),
    st.booleans(),
)
SETS = st.lists(LIMITS, max_size=12, unique_by=lambda one: one.key)


def judged(limits: list[Limit], used: Mapping[LimitWindow, int] | int, tokens: int = 10, **asker: Any) -> Verdict:
    binding = binding_of(GuildLimits(tuple(limits)), GUILD, replace(ASKER, **asker), NOW)
    if isinstance(used, int):
        used = dict.fromkeys(binding.windows, used)
    return verdict_on(binding, used, Cost(tokens))


# --- windows


@settings(deadline=None)
@given(st.integers(0, 2_000_000_000_000), st.sampled_from(PERIODS))
def test_windows_follow_each_other_without_gaps(milliseconds: int, period: LimitPeriod) -> None:
    now = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    start, end = window_of(period, now)
    assert start <= now < end
    assert window_of(period, start) == (start, end)
    assert window_of(period, end)[0] == end
    assert window_of(period, end - timedelta(microseconds=1)) == (start, end)


@pytest.mark.parametrize(
    ("period", "start", "end"),
    [
        ("minute", "2026-03-04T12:30", "2026-03-04T12:31"),
        ("hour", "2026-03-04T12:00", "2026-03-04T13:00"),
        ("day", "2026-03-04T00:00", "2026-03-05T00:00"),
        ("week", "2026-03-02T00:00", "2026-03-09T00:00"),
        ("month", "2026-03-01T00:00", "2026-04-01T00:00"),
    ],
)
def test_windows_are_those_of_the_calendar(period: LimitPeriod, start: str, end: str) -> None:
    elsewhere = NOW.astimezone(tz=None)  # whatever the zone, the calendar is that of UTC
    assert [time.strftime("%Y-%m-%dT%H:%M") for time in window_of(period, elsewhere)] == [start, end]


# --- which hold


@settings(max_examples=80, deadline=None)
@given(SETS, st.integers(0, 60), st.integers(1, 60))
def test_the_tightest_scope_binds(limits: list[Limit], used: int, tokens: int) -> None:
    """Whatever holds apart from roles can only make it stricter, and the strictest of all decides."""
    whole = judged(limits, used, tokens)
    fixed = [one for one in limits if one.scope_kind != "role"]
    roles = [one for one in limits if one.scope_kind == "role"]
    assert whole.reach == max(judged(fixed, used, tokens).reach, judged(roles, used, tokens).reach)
    alone = [judged([one], used, tokens).reach for one in fixed if one.scope_id != EACH or one.scope_kind == "guild"]
    assert judged(fixed, used, tokens).reach >= max(alone, default=Reach.WITHIN)


@settings(max_examples=80, deadline=None)
@given(SETS, st.integers(0, 60), st.integers(1, 60), st.sampled_from(ROLES))
def test_another_role_with_limits_never_makes_it_stricter(
    limits: list[Limit], used: int, tokens: int, role_id: int
) -> None:
    """The most favourable of one's roles counts, for each unit."""
    units = {one.unit for one in limits if one.scope_kind == "role" and one.scope_id in {GUILD, *ASKER.role_ids}}
    more = [one for one in limits if one.scope_kind != "role" or one.scope_id != role_id or one.unit in units]
    before = judged(more, used, tokens)
    assert judged(more, used, tokens, role_ids=ASKER.role_ids | {role_id}).reach <= before.reach


@settings(max_examples=80, deadline=None)
@given(SETS, st.integers(0, 60), st.integers(1, 60))
def test_what_is_said_to_be_left_is_left(limits: list[Limit], used: int, tokens: int) -> None:
    verdict = judged(limits, used, tokens)
    assert (verdict.reached is None) == (verdict.reach is Reach.WITHIN)
    for use in verdict.others:
        assert use.left >= (1 if use.limit.unit == "requests" else tokens)
    if verdict.reached is not None:
        assert verdict.reached.left < (1 if verdict.reached.limit.unit == "requests" else tokens)
        assert verdict.reached.limit.hard == (verdict.reach is Reach.PAST_HARD)
        assert verdict.reached.ends_at > NOW


@settings(max_examples=80, deadline=None)
@given(SETS)
def test_nothing_is_told_of_what_does_not_hold(limits: list[Limit]) -> None:
    binding = binding_of(GuildLimits(tuple(limits)), GUILD, ASKER, NOW)
    holding = [*binding.fixed, *(bound for unit in binding.roles for role in unit for bound in role)]
    for bound in holding:
        assert bound.limit.scope_id not in {99, 43}
        assert bound.window.subject_id in {0, ADA, HERE, THREAD}
    assert {bound.window for bound in holding} == set(binding.windows)
    nowhere = binding_of(GuildLimits(tuple(limits)), GUILD, Asker(ADA), NOW)
    assert all(bound.limit.scope_kind != "channel" for bound in nowhere.fixed), "direct messages have no channel"


def test_a_better_role_helps_over_different_periods() -> None:
    everybody, better = limit("role", GUILD, 2, period="hour"), limit("role", 41, 100)
    assert judged([everybody], 2).reached is not None
    verdict = judged([everybody, better], 2)
    assert (verdict.reach, [use.limit for use in verdict.others]) == (Reach.WITHIN, [better])
    assert judged([everybody, better], 100).reached is not None
    assert judged([everybody, better], 2, role_ids=frozenset({42})).reached is not None


def test_who_has_a_limit_of_their_own_does_not_have_that_of_each() -> None:
    each, own = limit("user", EACH, 2), limit("user", ADA, 10)
    assert judged([each], 5).reached is not None
    assert judged([each, own], 5).reached is None
    assert judged([each, replace(own, period="week")], 5).reached is not None, "another period is another limit"
    each_channel, here = limit("channel", EACH, 2), limit("channel", HERE, 10)
    assert judged([each_channel, here], 5).reached is None
    assert judged([each_channel, here], 5, channel_ids=(99,)).reached is not None


def test_a_thread_counts_as_its_channel() -> None:
    binding = binding_of(
        GuildLimits((limit("channel", EACH), limit("channel", THREAD, period="week"))), GUILD, ASKER, NOW
    )
    assert [(w.subject, w.subject_id, w.period) for w in binding.windows] == [
        ("channel", HERE, "day"),
        ("channel", THREAD, "week"),
    ]


def test_a_grant_raises_ones_own_limits_while_it_lasts() -> None:
    limits = (limit("user", EACH, 2), limit("role", GUILD, 3, unit="tokens"), limit("guild", 0, 50))
    grant = LimitGrant(ADA, "requests", 4, NOW + timedelta(minutes=1), 1, NOW)

    def amounts(*grants: LimitGrant) -> list[int]:
        binding = binding_of(GuildLimits(limits, grants), GUILD, ASKER, NOW)
        return [bound.amount for bound in (*binding.fixed, *binding.roles[0][0])]

    assert amounts() == [2, 50, 3]
    assert amounts(grant) == [6, 50, 3], "of the same unit, and not the server's"
    assert amounts(replace(grant, until=NOW)) == [2, 50, 3]
    assert amounts(replace(grant, user_id=99)) == [2, 50, 3]


def test_a_hard_limit_is_told_before_a_soft_one_and_of_several_the_last_to_end() -> None:
    soft, hour, day = (
        limit(period="month"),
        limit("user", EACH, hard=True, period="hour"),
        limit("channel", HERE, hard=True),
    )
    verdict = judged([soft, hour, day], 5)
    assert verdict.reach is Reach.PAST_HARD
    assert verdict.reached is not None
    assert verdict.reached.limit == day
    assert judged([soft, hour, day], 4).reach is Reach.WITHIN
    assert judged([soft], 5).reach is Reach.PAST_SOFT
