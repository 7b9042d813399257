"""Which webhook's message says what a person has said."""

import string
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.proxies import (
    HOLD_SECONDS,
    LONGEST_TAGS,
    LONGEST_TEXT,
    MOST_CHANNELS,
    MOST_IN_CHANNEL,
    SAID_SECONDS,
    Proxied,
    ProxyMatcher,
    ProxyUsers,
    Words,
    taken_away,
    without_quote,
)

HERE, ELSEWHERE = 1, 2
LINK = "https://discord.com/channels/1/2/3"


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


def words(text: str, files: int = 0, *, number: int = 1, is_reply: bool = False) -> Words[str]:
    return Words(number, text, files, text, is_reply)


def matches(said: str, posted: str, *, is_reply: bool = False) -> bool:
    return taken_away(words(said, is_reply=is_reply), words(posted)) is not None


# --- which words are the same


TAGS = st.text(max_size=LONGEST_TAGS // 2 - 10)
SPACE = st.text(" \n", max_size=5)


@given(TAGS, SPACE, st.text(min_size=3), SPACE, TAGS)
def test_whatever_stands_before_and_behind_the_words_may_be_taken_away(
    before: str, left: str, text: str, right: str, behind: str
) -> None:
    posted = text.strip()
    if len(posted) >= 3:
        assert matches(f"{before}{left}{text}{right}{behind}", posted)


@given(st.text(string.ascii_lowercase + " ", min_size=1), st.text(string.digits + "éß日", min_size=1))
def test_other_words_are_never_taken_for_somebodys(said: str, posted: str) -> None:
    assert not matches(said, posted)
    assert not matches(posted, said)


@given(st.text(min_size=1), st.text(min_size=1))
def test_only_what_was_said_can_be_posted(said: str, posted: str) -> None:
    taken = taken_away(words(said), words(posted))
    if taken is not None:
        assert posted.strip() in said
        assert len(posted.strip()) + taken == len(said.strip())
        assert taken <= LONGEST_TAGS


@pytest.mark.parametrize(
    ("said", "posted"),
    [
        ("J: hello there", "hello there"),
        ("[hello]", "hello"),
        ("hello -j", "hello"),
        ("J:\nhello\nthere", "hello\nthere"),
        ("hello", "hello"),
        ("k", "k"),
        ("J:k", "k"),
        ("((no))", "no"),
        ("<@12> J: hello", "<@12> hello"),
        ("<@!12><@13> J: hello", "<@!12> <@13> hello"),
    ],
)
def test_tags_of_all_kinds(said: str, posted: str) -> None:
    assert matches(said, posted)


@pytest.mark.parametrize(
    ("said", "posted"),
    [
        ("have you seen it?", "a"),
        ("looking", "ok"),
        ("<@12> J: a", "<@13> a"),
        ("hello", "J: hello"),
        (f"hello {'x' * 101}", "hello"),
        ("J:", ""),
    ],
)
def test_what_stands_there_by_chance_or_is_too_little_of_it_is_no_match(said: str, posted: str) -> None:
    assert not matches(said, posted)


def test_files_count_where_there_are_no_words() -> None:
    assert taken_away(words("J:", 2), words("", 2)) == 2
    assert taken_away(words("", 1), words("", 1)) == 0
    assert taken_away(words("J:", 2), words("", 1)) is None
    assert taken_away(words("x" * 101, 1), words("", 1)) is None
    assert taken_away(words("J: look", 2), words("look", 1)) == 3  # one was too large to post again
    assert taken_away(words("J: look"), words("look", 1)) is None


def test_a_reply_may_have_what_it_replies_to_above_it() -> None:
    quoted = f"> the sea is calm [[jump]]({LINK})\n-# Ada\nand now?"
    assert without_quote(quoted) == "and now?"
    assert matches("J: and now?", quoted, is_reply=True)
    assert not matches("J: and now?", quoted)
    assert not matches("J: and now?", f"> the sea is calm [[jump]]({LINK})\n", is_reply=True)
    own = "> I said this\nand mean it"
    assert without_quote(own) == own
    assert matches(f"J: {own}", own, is_reply=True)


# --- when


DELAYS = st.floats(0, 4)


@given(DELAYS, DELAYS, st.booleans(), st.sampled_from([HERE, ELSEWHERE]), st.integers(1, 2))
def test_a_deletion_and_a_post_find_each_other_in_either_order(
    before: float, between: float, posted_first: bool, where: int, deleted: int
) -> None:
    clock = Clock()
    matcher = ProxyMatcher[str](clock=clock)
    matcher.said(HERE, words("J: hello"))
    clock.now += before * 3
    found = []
    for is_post in (posted_first, not posted_first):
        if is_post:
            found.append(matcher.posted(where, words("hello", number=9)))
        else:
            found.append(matcher.deleted(HERE, deleted))
        clock.now += 0 if len(found) > 1 else between
    fits = where == HERE and deleted == 1 and between <= HOLD_SECONDS and before * 3 + between <= SAID_SECONDS
    assert found[0] is None
    assert found[1] == (Proxied("J: hello", "hello") if fits else None)


EVENTS = st.lists(
    st.tuples(st.sampled_from(["say", "delete", "post", "wait"]), st.integers(0, 3), st.sampled_from(["hello", "sea"])),
    max_size=40,
)


@given(EVENTS)
@settings(max_examples=150)
def test_each_message_is_used_once_and_only_what_was_deleted(events: list[tuple[str, int, str]]) -> None:
    clock = Clock()
    matcher = ProxyMatcher[tuple[int, str]](clock=clock)
    said: list[tuple[int, str]] = []
    deleted: dict[tuple[int, str], float] = {}
    used: list[tuple[int, str]] = []
    for number, (event, which, text) in enumerate(events):
        found = None
        if event == "say":
            said.append((number, f"{'J' * which}: {text}"))
            matcher.said(HERE, Words(number, said[-1][1], 0, said[-1]))
        elif event == "delete" and which < len(said):
            deleted[said[which]] = clock.now
            found = matcher.deleted(HERE, said[which][0])
        elif event == "post":
            found = matcher.posted(HERE, Words(number, text, 0, (number, text)))
        else:
            clock.now += which
        if found is not None:
            assert found.original in deleted
            assert found.posted[1] in found.original[1]
            assert clock.now - deleted[found.original] <= HOLD_SECONDS
            used += [found.original, found.posted]
    assert len(used) == len(set(used))


def test_of_several_the_closest_counts_and_then_the_oldest() -> None:
    matcher = ProxyMatcher[str](clock=Clock())
    for number, text in enumerate(("Luna says: hello", "J: hello", "J: hello", "hello")):
        matcher.said(HERE, words(text, number=number))
    for number in range(3):
        assert matcher.deleted(HERE, number) is None
    assert matcher.posted(HERE, words("hello", number=9)) == Proxied("J: hello", "hello")
    assert matcher.deleted(HERE, 1) is None  # used
    assert matcher.posted(HERE, words("hello", number=10)) == Proxied("J: hello", "hello")
    assert matcher.posted(HERE, words("hello", number=11)) == Proxied("Luna says: hello", "hello")
    assert matcher.posted(HERE, words("hello", number=12)) is None
    assert matcher.deleted(HERE, 3) == Proxied("hello", "hello")


# --- how much is kept


def test_little_is_kept_and_not_for_long() -> None:
    clock = Clock()
    matcher = ProxyMatcher[str](clock=clock)
    for number in range(MOST_CHANNELS * 2):
        assert matcher.posted(number, words("spam")) is None  # nobody has said anything there
        matcher.said(number, words("hello"))
    assert len(matcher) == MOST_CHANNELS
    for number in range(100):
        matcher.said(HERE, words("hello", number=number))
        matcher.posted(HERE, words("something else", number=number))
    matcher.said(HERE, words("x" * (LONGEST_TEXT + 1), number=200))
    assert matcher.deleted(HERE, 200) is None
    assert len(matcher) <= MOST_CHANNELS + 2 * MOST_IN_CHANNEL
    clock.now += SAID_SECONDS + 1
    matcher.said(ELSEWHERE, words("hello"))
    assert len(matcher) == 1


def test_users_of_proxies_are_known_by_server_and_forgotten_in_turn() -> None:
    users = ProxyUsers(most=2)
    for user_id in (1, 2, 1, 3):
        users.add(7, user_id)
    assert [(7, user_id) in users for user_id in (1, 2, 3)] == [True, False, True]
    assert (8, 1) not in users
