import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.access import Access, Reason, RefusedError, Request
from moderation.ledger import Ledger
from moderation.rights import DORMANT_ACTIONS, REQUIRED, Level

OWNER, GUILD = 1, 10


def access(*, allowed: frozenset[int] = frozenset(), dms: bool = False) -> Access:
    return Access(owner_ids=frozenset({OWNER}), allowed_guilds=allowed, allow_dms=dms)


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
    assert reason_of(access(dms=True), request) is None


def test_in_a_direct_message_everyone_is_moderator_of_their_own_conversation() -> None:
    assert reason_of(access(dms=True), Request("reset", 2, None, 5, Level.MEMBER)) is None


def test_nothing_begins_while_the_bot_shuts_down() -> None:
    rules = access()
    rules.shutting_down = True
    assert reason_of(rules, Request("chat", 2, GUILD, 5, Level.ADMIN)) is Reason.SHUTTING_DOWN


def test_tokens_are_reserved_until_they_are_released() -> None:
    ledger = Ledger()
    first, second = ledger.reserve(GUILD, 2, 100), ledger.reserve(GUILD, 2, 50)
    assert ledger.reserved(GUILD, 2) == 150
    first.release()
    first.release()
    assert ledger.reserved(GUILD, 2) == 50
    second.release()
    assert ledger.reserved(GUILD, 2) == 0
