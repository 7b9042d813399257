"""What moderators type, and the rules that come of it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation import rulebook as rulebook_module
from moderation.durations import DurationError, read_duration
from moderation.rulebook import NoSuchRuleError, Rulebook, TargetError, TooManyRulesError
from storage import Storage, Target
from tests.storage.conftest import sqlite_path, sqlite_storage

__all__ = ["sqlite_path", "sqlite_storage"]

GUILD, OTHER_GUILD, MAX, TOM = 11, 12, 1, 2
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "minutes"),
    [
        ("30m", 30), ("1 minute", 1), ("2h30m", 150), ("2 hours, 30 mins", 150), (" 7D ", 7 * 1440), ("1w", 7 * 1440),
        ("3 days", 3 * 1440), ("52 weeks", 364 * 1440),
    ],
)  # fmt: skip
def test_a_time_is_read_as_people_type_it(typed: str, minutes: int) -> None:
    assert read_duration(typed) == timedelta(minutes=minutes)


@pytest.mark.parametrize("typed", ["", "soon", "0m", "5", "-5m", "2 months", "367d", "1h and a half", "5mh", "٣m"])
def test_other_words_are_no_time(typed: str) -> None:
    with pytest.raises(DurationError):
        read_duration(typed)


@given(st.text(alphabet="0123456789mhdw minuteshor,-.", max_size=30))
def test_any_text_is_a_time_within_bounds_or_none(typed: str) -> None:
    try:
        found = read_duration(typed)
    except DurationError:
        return
    assert timedelta(minutes=1) <= found <= timedelta(days=366)


async def test_rules_are_made_listed_and_taken_back(sqlite_storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    now = NOW
    book = Rulebook(sqlite_storage.access, clock=lambda: now)
    tom, model = Target(user_id=TOM), Target(model="x")
    allowed = await book.set(GUILD, "allow", model, MAX, duration=None, reason=None)
    denied = await book.set(GUILD, "deny", tom, MAX, duration="2h", reason="spam")
    assert denied.expires_at == NOW + timedelta(hours=2)
    assert await book.all(GUILD) == [denied, allowed]
    monkeypatch.setattr(rulebook_module, "MAX_RULES", 2)
    await book.set(GUILD, "deny", tom, MAX, duration="1h", reason=None)
    with pytest.raises(TooManyRulesError):
        await book.set(GUILD, "deny", Target(user_id=3), MAX, duration=None, reason=None)
    now += timedelta(hours=1)
    assert await book.all(GUILD) == [allowed]
    with pytest.raises(NoSuchRuleError):
        await book.clear_rule(OTHER_GUILD, allowed.id, MAX)
    assert await book.clear_rule(GUILD, allowed.id, MAX) == allowed
    with pytest.raises(NoSuchRuleError):
        await book.clear(GUILD, model, MAX)
    assert await book.all(GUILD) == []


async def test_a_rule_names_something_and_one_of_a_kind(sqlite_storage: Storage) -> None:
    book = Rulebook(sqlite_storage.access)
    both = {"who": Target(user_id=1, role_id=2), "where": Target(channel_id=1, category_id=2), "nothing": Target()}
    for problem, target in both.items():
        with pytest.raises(TargetError) as caught:
            await book.set(GUILD, "deny", target, MAX, duration=None, reason=None)
        assert caught.value.problem == problem
    assert await book.all(GUILD) == []
