"""What a server's rules say: the truth table of docs/decisions, and what holds for any rules."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.rules import Asker, Denial, Part, denial_of, denying_in_person, for_everybody, naming_a_model
from storage import AccessRule, Target, Verdict

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ADA, TOM, VIP, EVERYONE, GENERAL, THREAD, QUIET, CATEGORY = range(1, 9)
ASKER = Asker(ADA, frozenset({VIP, EVERYONE}), (THREAD, GENERAL), CATEGORY, "Big-70B")
_ids = count(1)


def rule(
    verdict: Verdict, reason: str | None = None, expires_at: datetime | None = None, **target: int | str
) -> AccessRule:
    return AccessRule(next(_ids), verdict, Target(**target), reason, expires_at, 99, NOW)  # type: ignore[arg-type]  # a test's shorthand


def denial(*rules: AccessRule, asker: Asker = ASKER) -> Denial | None:
    return denial_of(rules, asker, NOW)


@pytest.mark.parametrize(
    ("rules", "missing"),
    [
        ((), None),
        ((rule("allow", user_id=ADA),), None),
        ((rule("allow", user_id=TOM),), Part.WHO),
        ((rule("allow", user_id=TOM), rule("allow", role_id=VIP)), None),
        ((rule("allow", channel_id=GENERAL),), None),
        ((rule("allow", channel_id=QUIET),), Part.WHERE),
        ((rule("allow", channel_id=QUIET), rule("allow", category_id=CATEGORY)), None),
        ((rule("allow", model="big-70b"),), None),
        ((rule("allow", model="small"),), Part.MODEL),
        ((rule("allow", user_id=ADA), rule("allow", channel_id=QUIET)), Part.WHERE),
        ((rule("allow", user_id=TOM, channel_id=GENERAL),), Part.WHO),
        ((rule("allow", user_id=TOM, channel_id=QUIET),), None),
        ((rule("allow", user_id=TOM, model="Big-70B"),), Part.WHO),
        ((rule("allow", user_id=TOM, model="small"),), None),
        ((rule("allow", channel_id=QUIET, model="Big-70B"),), Part.WHERE),
        ((rule("allow", channel_id=QUIET, model="small"),), None),
        ((rule("allow", user_id=TOM, expires_at=NOW),), None),
    ],
)
def test_lists_leave_out_who_is_not_on_them(rules: tuple[AccessRule, ...], missing: Part | None) -> None:
    assert denial(*rules) == (None if missing is None else Denial(None, missing))


@pytest.mark.parametrize(
    ("target", "denied"),
    [
        ({"user_id": ADA}, True),
        ({"user_id": TOM}, False),
        ({"role_id": EVERYONE}, True),
        ({"channel_id": THREAD}, True),
        ({"channel_id": GENERAL}, True),
        ({"channel_id": QUIET}, False),
        ({"category_id": CATEGORY}, True),
        ({"model": "BIG-70b"}, True),
        ({"model": "small"}, False),
        ({"user_id": ADA, "channel_id": QUIET}, False),
        ({"user_id": ADA, "channel_id": GENERAL, "model": "Big-70B"}, True),
        ({"role_id": VIP, "model": "small"}, False),
    ],
)
def test_a_denial_holds_where_all_its_parts_match(target: dict[str, int | str], denied: bool) -> None:
    ruling = rule("deny", **target)  # type: ignore[arg-type]  # a test's shorthand
    assert denial(ruling, rule("allow", user_id=ADA)) == (Denial(ruling) if denied else None)
    assert denial(replace(ruling, expires_at=NOW)) is None


def test_of_several_denials_the_one_that_ends_last_is_told() -> None:
    soon, later = (rule("deny", user_id=ADA, expires_at=NOW + timedelta(hours=hours)) for hours in (1, 2))
    for_good = rule("deny", role_id=VIP)
    assert denial(later, soon) == Denial(later)
    assert denial(later, for_good, soon) == Denial(for_good)


def test_rules_about_places_say_nothing_of_direct_messages_nor_those_about_models_before_one_is_chosen() -> None:
    about_places = (rule("deny", channel_id=QUIET), rule("allow", category_id=CATEGORY))
    assert denial(*about_places, asker=replace(ASKER, channel_ids=(), category_id=None)) is None
    about_models = (rule("deny", user_id=ADA, model="Big-70B"), rule("allow", model="small"))
    assert denial(*about_models, asker=replace(ASKER, model=None)) is None
    assert denial(rule("allow", user_id=TOM), asker=Asker(ADA)) == Denial(None, Part.WHO)


def test_kinds_of_rules_are_told_apart() -> None:
    rules = [rule("deny", user_id=ADA), rule("deny", model="x"), rule("allow", role_id=VIP, model="x")]
    assert denying_in_person(rules) == rules[:1]
    assert for_everybody(rules) == rules[1:2]
    assert naming_a_model(rules) == rules[1:]


targets = st.builds(
    Target,
    user_id=st.sampled_from([None, None, ADA, TOM]),
    role_id=st.sampled_from([None, None, VIP, QUIET]),
    channel_id=st.sampled_from([None, None, GENERAL, QUIET]),
    category_id=st.sampled_from([None, None, CATEGORY, QUIET]),
    model=st.sampled_from([None, "Big-70B", "small"]),
).filter(lambda target: target != Target())
ends = st.sampled_from([None, NOW - timedelta(hours=1), NOW + timedelta(hours=1), NOW + timedelta(hours=2)])
rules_of = st.builds(
    AccessRule,
    st.integers(1, 99),
    st.sampled_from(["allow", "deny"]),
    targets,
    st.none(),
    ends,
    st.just(9),
    st.just(NOW),
)
askers = st.builds(
    Asker,
    user_id=st.sampled_from([ADA, TOM]),
    role_ids=st.sampled_from([frozenset[int](), frozenset({VIP})]),
    channel_ids=st.sampled_from([(), (GENERAL,), (THREAD, GENERAL)]),
    category_id=st.sampled_from([None, CATEGORY]),
    model=st.sampled_from([None, "Big-70B", "other"]),
)
rule_sets = st.lists(rules_of, max_size=6)


@given(rule_sets, rules_of, askers)
def test_a_denial_is_lifted_by_no_allowance_and_by_no_further_denial(
    rules: list[AccessRule], more: AccessRule, asker: Asker
) -> None:
    before = denial_of(rules, asker, NOW)
    if before is not None and (before.rule is not None or more.verdict == "deny"):
        after = denial_of([*rules, more], asker, NOW)
        assert after is not None
        assert before.rule is None or after.rule is not None


@given(rule_sets, rules_of, askers)
def test_a_further_denial_never_lets_anybody_in(rules: list[AccessRule], more: AccessRule, asker: Asker) -> None:
    denied = replace(more, verdict="deny")
    if denial_of([*rules, denied], asker, NOW) is None:
        assert denial_of(rules, asker, NOW) is None


@given(rule_sets, askers, st.randoms())
def test_the_order_of_rules_and_those_that_expired_make_no_difference(
    rules: list[AccessRule], asker: Asker, chance: Random
) -> None:
    shuffled = [rule for rule in rules if rule.expires_at is None or rule.expires_at > NOW]
    chance.shuffle(shuffled)
    first, second = denial_of(rules, asker, NOW), denial_of(shuffled, asker, NOW)
    assert (first is None) == (second is None)
    assert (
        first is None or second is None or (first.rule is None, first.missing) == (second.rule is None, second.missing)
    )


@given(rule_sets, askers)
def test_who_is_on_every_list_and_named_by_no_denial_gets_in(rules: list[AccessRule], asker: Asker) -> None:
    """Said anew, one rule at a time."""

    def fits(target: Target) -> tuple[bool, bool, bool]:
        who = (
            target.user_id is target.role_id is None
            or asker.user_id == target.user_id
            or target.role_id in asker.role_ids
        )
        places = [target.channel_id, target.category_id]
        where = places == [None, None] or bool(
            {*asker.channel_ids} & {target.channel_id}
            or (asker.category_id and asker.category_id == target.category_id)
        )
        return who, where, target.model is None or target.model == asker.model

    def names(target: Target) -> tuple[bool, bool, bool]:
        who = target.user_id is not None or target.role_id is not None
        return who, target.channel_id is not None or target.category_id is not None, target.model is not None

    usable = [rule for rule in rules if rule.expires_at is None or rule.expires_at > NOW]
    usable = [rule for rule in usable if asker.channel_ids or not names(rule.target)[1]]
    usable = [rule for rule in usable if asker.model or not rule.target.model]
    expected = any(rule.verdict == "deny" and all(fits(rule.target)) for rule in usable)
    for place in range(3):
        lists = [r for r in usable if r.verdict == "allow" and names(r.target).index(True) == place]
        lists = [r for r in lists if all(fits(r.target)[place + 1 :])]
        expected = expected or (bool(lists) and not any(fits(r.target)[place] for r in lists))
    assert (denial_of(rules, asker, NOW) is not None) == expected


TABLE = Path(__file__).parents[2] / "docs" / "decisions" / "0010-who-may-use-the-bot.md"
WORDS: dict[str, dict[str, int | str]] = {
    "Tom": {"user_id": TOM},
    "Ada": {"user_id": ADA},
    "vip": {"role_id": VIP},
    "#dice": {"channel_id": GENERAL},
    "vip in #dice": {"role_id": VIP, "channel_id": GENERAL},
}
PLACES = [
    Asker(ADA, frozenset({VIP}), (GENERAL,)),
    Asker(TOM, frozenset(), (GENERAL,)),
    Asker(ADA, frozenset({VIP}), (QUIET,)),
]


def rules_in_words(text: str) -> list[AccessRule]:
    """The rules of a line of the table."""
    ended = NOW - timedelta(hours=1) if "until an hour ago" in text else None
    found = re.findall(r"(allow|deny) (vip in #dice|Tom|Ada|vip|#dice)", text)
    return [rule(verdict, expires_at=ended, **WORDS[words]) for verdict, words in found]  # type: ignore[arg-type]  # a test's shorthand


def test_the_table_in_the_documentation_is_what_the_rules_say() -> None:
    rows = [line.strip("| ").split(" | ") for line in TABLE.read_text().splitlines() if line.startswith("| ")][1:]
    assert len(rows) == 10
    for words, *answers in rows:
        rules = rules_in_words(words)
        assert len(rules) == len(re.findall("allow|deny", words)), words
        said = [denial_of(rules, asker, NOW) is None for asker in PLACES]
        assert said == [answer.startswith("yes") for answer in answers], words
