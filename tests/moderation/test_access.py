from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.access import Access, Reason, RefusedError, Request
from moderation.rights import DORMANT_ACTIONS, MAKES_ANSWERS, OPEN_ACTIONS, REQUIRED, Level
from moderation.rules import Asker
from storage import AccessRule, Target

OWNER, GUILD = 1, 10
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SOON = NOW + timedelta(hours=1)
TOM_IS_DENIED = AccessRule(1, "deny", Target(user_id=2), "spam", SOON, 3, NOW)
NOT_HERE = AccessRule(2, "deny", Target(channel_id=5), None, None, 3, NOW)
OTHERS_ONLY = AccessRule(3, "allow", Target(user_id=4), None, None, 3, NOW)


def access(*, allowed: frozenset[int] = frozenset(), dms: bool = False) -> Access:
    return Access(owner_ids=frozenset({OWNER}), allowed_guilds=allowed, allow_dms=dms, clock=lambda: NOW)


def reason_of(rules: Access, request: Request) -> Reason | None:
    try:
        rules.check(request)
    except RefusedError as error:
        return error.reason
    return None


@given(st.text(max_size=20).filter(lambda name: name not in REQUIRED), st.sampled_from(Level))
def test_an_action_that_nobody_listed_is_denied_even_to_the_operator(action: str, level: Level) -> None:
    assert reason_of(access(), Request(action, OWNER, GUILD, 5, level)) is Reason.UNKNOWN_ACTION


@given(st.sampled_from(sorted(REQUIRED)), st.sampled_from(Level))
def test_the_level_decides(action: str, level: Level) -> None:
    refused = reason_of(access(), Request(action, 2, GUILD, 5, level))
    assert (refused is None) == (level >= REQUIRED[action])


@given(st.sampled_from(sorted(REQUIRED)))
def test_the_operator_may_do_everything_that_exists(action: str) -> None:
    assert reason_of(access(allowed=frozenset({99})), Request(action, OWNER, None, 5, Level.NOBODY)) is None


@pytest.mark.parametrize("approved", [False, True])
@given(st.sampled_from(sorted(REQUIRED)))
def test_a_server_that_is_not_named_stays_dormant_until_it_is_approved(approved: bool, action: str) -> None:
    request = Request(action, 2, GUILD, 5, Level.ADMIN, guild_approved=approved)
    refused = reason_of(access(allowed=frozenset({99})), request)
    if approved or action in DORMANT_ACTIONS:
        assert refused is not Reason.GUILD_NOT_APPROVED
    else:
        assert refused is Reason.GUILD_NOT_APPROVED


def test_direct_messages_are_off_unless_the_operator_allows_them() -> None:
    request = Request("chat", 2, None, 5, Level.MEMBER)
    assert reason_of(access(), request) is Reason.DMS_OFF
    assert reason_of(access(dms=True), replace(request, home_id=GUILD)) is None
    assert reason_of(access(), Request("chat", OWNER, None, 5, Level.MEMBER)) is None


def test_direct_messages_count_against_a_server_that_has_to_be_approved_as_well() -> None:
    request = Request("chat", 2, None, 5, Level.MEMBER)
    assert reason_of(access(dms=True), request) is Reason.NO_HOME
    assert reason_of(access(dms=True), replace(request, action="help")) is None
    at_home = replace(request, home_id=GUILD)
    assert reason_of(access(dms=True, allowed=frozenset({99})), at_home) is Reason.GUILD_NOT_APPROVED
    assert reason_of(access(dms=True, allowed=frozenset({99})), replace(at_home, guild_approved=True)) is None


def test_in_a_direct_message_everyone_is_moderator_of_their_own_conversation() -> None:
    assert reason_of(access(dms=True), Request("reset", 2, None, 5, Level.MEMBER, home_id=GUILD)) is None


def under(action: str, level: Level, *rules: AccessRule, user_id: int = 2, **more: bool) -> Request:
    asker = Asker(user_id, frozenset({GUILD}), (5,))
    return Request(action, user_id, GUILD, 5, level, asker=asker, rules=rules, **more)


actions, levels = st.sampled_from(sorted(REQUIRED)), st.sampled_from(Level)


@pytest.mark.parametrize("rule", [TOM_IS_DENIED, NOT_HERE, OTHERS_ONLY])
@given(actions, levels)
def test_the_rules_of_a_server_are_for_those_who_use_the_bot_and_its_staff_can_change_them(
    rule: AccessRule, action: str, level: Level
) -> None:
    """Operator's list, deny, allow, default; and nobody can lock the staff out, nor a moderator an admin."""
    reason = reason_of(access(), under(action, level, rule))
    by_staff = REQUIRED[action] >= Level.MODERATOR and (level >= Level.ADMIN or rule is not TOM_IS_DENIED)
    if level < REQUIRED[action]:
        assert reason is Reason.LEVEL_TOO_LOW
    elif level is Level.OPERATOR or action in OPEN_ACTIONS or by_staff:
        assert reason is None
    else:
        assert reason is (Reason.NOT_ALLOWED if rule is OTHERS_ONLY else Reason.DENIED)
    assert reason_of(access(), under(action, Level.NOBODY, rule, user_id=OWNER)) is None


def test_a_denial_tells_its_reason_and_its_end() -> None:
    with pytest.raises(RefusedError) as caught:
        access().check(under("chat", Level.MEMBER, TOM_IS_DENIED, OTHERS_ONLY))
    assert caught.value == RefusedError(Reason.DENIED, note="spam", until=SOON)


def test_a_home_server_s_rules_hold_whoever_one_is_there() -> None:
    request = replace(under("reset", Level.MEMBER, TOM_IS_DENIED), guild_id=None, home_id=GUILD)
    assert reason_of(access(dms=True), request) is Reason.DENIED
    assert reason_of(access(dms=True), replace(request, action="help")) is None


@given(actions, levels)
def test_while_paused_nobody_gets_answers_and_the_staff_does_what_else_it_may(action: str, level: Level) -> None:
    running = reason_of(access(), under(action, level))
    paused = reason_of(access(), under(action, level, paused=True))
    stays = action in OPEN_ACTIONS or (level >= Level.MODERATOR and action not in MAKES_ANSWERS)
    assert paused is (running if running is not None or stays else Reason.PAUSED)


def test_what_is_open_or_makes_answers_exists() -> None:
    assert REQUIRED.keys() >= OPEN_ACTIONS | MAKES_ANSWERS | DORMANT_ACTIONS
    assert not OPEN_ACTIONS & MAKES_ANSWERS


def test_nothing_begins_while_the_bot_shuts_down() -> None:
    rules = access()
    rules.shutting_down = True
    assert reason_of(rules, Request("chat", 2, GUILD, 5, Level.ADMIN)) is Reason.SHUTTING_DOWN
