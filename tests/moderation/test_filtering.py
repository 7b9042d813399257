"""What filters take away: the same from a whole text and from one that is still being written."""

import itertools
import re
import time
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from moderation._finding import Finder, Meaning
from moderation._folding import fold
from moderation._making import made, read_words
from moderation._pattern_syntax import UnknownSyntaxError, reach
from moderation._patterns import Pattern, compiled
from moderation._sieve import Reading, Reviewed, Sieve
from moderation._words import Phrase, Words, divided
from moderation.errors import NoWordsError, PatternError
from moderation.server_rules import ServerRule
from storage import FilterAction

WORDS = ["cat", "cat*", "*dog*", "*ow", "bad dog", "dog cat bad", "ß", "猫", "ab", "aba", "ca"]
PATTERNS = [
    r"a{2,4}b",
    r"c.t",
    r"\bdog\b",
    r"(?:ab|ba){1,3}",
    r"b(?!a)",
    r"(?<=c)a",
    r"^ca",
    r"t$",
    r"[ab]{3}",
    r"d[^c]?o",
]
PIECES = [
    "cat",
    "cats",
    "dog",
    "bad",
    "ow",
    "cow",
    "ab",
    "a",
    "b",
    "ca",
    "d",
    "o",
    "t",
    " ",
    "  ",
    "\n",
    ".",
    "Ｃat",
    "ss",
]
PIECES += ["ß", "猫", "*", "**", "_", "c\u200bat", "c\u0336at", "d\u0301", "\u0301", "DOG", "é", "x"]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)
ACTIONS: Sequence[FilterAction] = ("block", "mask", "flag")
RULES = st.lists(
    st.tuples(st.sampled_from(ACTIONS), st.sampled_from([*WORDS, *(f"/{p}" for p in PATTERNS)])), min_size=1, max_size=4
)


def sieve(rules: Iterable[tuple[FilterAction, str]]) -> Sieve:
    """Words, and patterns with a slash in front."""
    finders: list[Finder] = []
    for action in ACTIONS:
        mine = [text for chosen, text in rules if chosen == action]
        finders += [Pattern(text[1:], Meaning(action, text)) for text in mine if text.startswith("/")]
        phrases = {
            read: Meaning(action, text) for text in mine if not text.startswith("/") and (read := Phrase.read(text))
        }
        finders += [Words(side) for side in divided(phrases)]
    return Sieve(finders)


async def written(chosen: Sieve, text: str, cuts: Sequence[int], before: str = "") -> tuple[str, Reading, list[str]]:
    """What is shown of a reply that comes in pieces, and all that was shown on the way there."""
    reading, shown = Reading(chosen, before), [""]
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    for begin, end in itertools.pairwise(edges):
        shown.append(shown[-1] + await reading.feed(text[begin:end]))
    shown.append(shown[-1] + await reading.finish())
    return shown[-1], reading, shown


def naive(phrase: str, text: str) -> bool:
    """Whether a phrase of plain letters stands in a plain text."""
    core = re.escape(phrase.strip("*")).replace(r"\ ", r"\s{1,4}")
    left = "" if phrase.startswith("*") else r"(?<![^\W_])"
    right = "" if phrase.endswith("*") else r"(?![^\W_])"
    return re.search(left + core + right, text.lower()) is not None


@given(RULES, TEXTS, st.lists(st.integers(0, 60), max_size=20))
@example([("block", "cat")], "a cats cat", [3, 4, 5, 6, 7, 8, 9])
@settings(max_examples=150, deadline=None)
async def test_a_text_in_pieces_comes_out_like_the_whole(
    rules: list[tuple[FilterAction, str]], text: str, cuts: list[int]
) -> None:
    chosen = sieve(rules)
    whole = await chosen.review(text)
    kept, reading, shown = await written(chosen, text, cuts)
    assert (kept, reading.ended) == (whole.text, whole.blocked)
    # A reply ends as soon as one filter ends it; others may find something at the same place.
    assert set(reading.hits) <= set(whole.hits)
    ends = max((hit.begin for hit in reading.hits if hit.meaning.action == "block"), default=len(text))
    assert all(hit.begin == ends for hit in set(whole.hits) - set(reading.hits))
    assert all(kept.startswith(part) for part in shown)
    assert chosen.reviewed(text) == whole


@given(st.lists(st.sampled_from([word for word in WORDS if word.isascii()]), min_size=1, max_size=4), TEXTS)
@settings(max_examples=80, deadline=None)
async def test_what_is_blocked_is_never_shown_not_even_for_a_moment(words: list[str], text: str) -> None:
    chosen = sieve([("block", word) for word in words])
    kept, reading, shown = await written(chosen, text, range(len(text)))
    for part in shown:
        assert not any(naive(word, fold(part)) for word in words)
    assert text.startswith(kept)
    if text.isascii() and not set("*_") & set(text):
        assert reading.ended == any(naive(word, text) for word in words)
        assert reading.ended or kept == text


@given(st.sampled_from(WORDS), TEXTS, TEXTS, st.lists(st.integers(0, 60), max_size=9), st.sampled_from(ACTIONS))
@settings(max_examples=80, deadline=None)
async def test_a_match_across_the_seam_of_a_continuation_is_found(
    word: str, before: str, text: str, cuts: list[int], action: FilterAction
) -> None:
    chosen = sieve([(action, word)])
    seam = len(before)
    whole = await chosen.review(before + text)
    behind = [hit for hit in whole.hits if hit.end > seam]
    kept, reading, _ = await written(chosen, text, cuts, before)
    if action != "block":
        assert kept == whole.text[len(whole.text) - len(kept) :]
        assert len(kept) >= len(text) or action == "mask"
        assert {hit.end for hit in reading.hits} == {hit.end for hit in behind}
    elif whole.blocked and whole.hits[0].end > seam:
        assert reading.ended
        assert text[: max(0, whole.hits[0].begin - seam)].startswith(kept)


async def test_words_are_whole_unless_a_star_says_otherwise() -> None:
    async def blocked(word: str, text: str) -> bool:
        return (await sieve([("block", word)]).review(text)).blocked

    for text, whole, begins, ends, inside in (
        ("a cat sat", 1, 1, 1, 1),
        ("the cats sat", 0, 1, 0, 1),
        ("a tomcat sat", 0, 0, 1, 1),
        ("concatenate", 0, 0, 0, 1),
        ("_cat_ or CAT!", 1, 1, 1, 1),
        ("这是cat吗", 1, 1, 1, 1),
    ):
        found = [await blocked(word, text) for word in ("cat", "cat*", "*cat", "*cat*")]
        assert found == [bool(whole), bool(begins), bool(ends), bool(inside)], text
    assert await blocked("猫", "黒猫です")
    assert await blocked("고양이", "고양이가")
    assert await blocked("bad dog", "Bad \n dog")
    assert not await blocked("bad dog", "bad, dog")
    assert await blocked("cat", "c**a**t")
    assert await blocked("🍆", "look: 🍆!")


async def test_masks_hide_every_sign_and_nothing_else() -> None:
    chosen = sieve([("mask", "bad dog"), ("mask", "cat*"), ("mask", "/\\d{4}")])
    reviewed = await chosen.review("A Bad  dog, a CATALOG, c\u200bA\u0336t and 12345.")
    assert reviewed == Reviewed("A ▇▇▇  ▇▇▇, a ▇▇▇ALOG, ▇▇▇ and ▇▇▇▇▇.", blocked=False, hits=reviewed.hits)


async def test_only_what_may_become_a_match_is_held_back() -> None:
    reading = Reading(sieve([("block", "kill yourself"), ("flag", "/x{3,50}y")]))
    assert await reading.feed("I like you. ") == "I like you."
    assert await reading.feed("Please kill") == " Please "
    assert await reading.feed(" your") == ""
    assert await reading.feed(" time") == "kill your "
    assert await reading.feed(" xx") == "time "
    assert await reading.finish() == "xx"


async def test_what_has_no_limit_is_shown_at_the_end() -> None:
    chosen = sieve([("mask", "/a.*b")])
    assert not chosen.bounded
    reading = Reading(chosen)
    assert await reading.feed("x a long story ") == ""
    assert await reading.feed("b end") == ""
    assert await reading.finish() == "x ▇ ▇▇▇▇ ▇▇▇▇▇ ▇ end"
    assert await reading.finish() == ""


@pytest.mark.parametrize(
    ("pattern", "widest"),
    [
        ("cat", 3),
        ("c.t{2,5}", 7),
        ("(a|bcd)?x", 4),
        (r"\bfoo\b", 5),
        (r"[]a]{4}\.", 5),
        ("foo(?=bar)", 6),
        ("a+", None),
    ],
)
def test_the_longest_match_is_read_from_the_pattern(pattern: str, widest: int | None) -> None:
    assert reach(pattern).widest == (float("inf") if widest is None else widest)


@pytest.mark.parametrize("pattern", ["(?R)", "a{e<=1}", r"\L<x>", "(a", "a)", "*a", "[[a]--[b]]", "a**", "(?|a)", "{"])
def test_what_is_not_understood_is_no_pattern(pattern: str) -> None:
    with pytest.raises(UnknownSyntaxError):
        reach(pattern)
    with pytest.raises(PatternError):
        compiled(pattern)


@given(st.lists(st.sampled_from(list("ab()|?*+{}[]^.,12\\d")), min_size=1, max_size=12).map("".join), TEXTS)
@settings(max_examples=120, deadline=None)
def test_no_match_is_longer_than_its_pattern_says(pattern: str, text: str) -> None:
    try:
        ready = compiled(pattern)
    except PatternError:
        return
    widest = reach(pattern).widest
    for match in ready.finditer(fold(text), timeout=1.0):
        assert match.end() - match.start() <= widest


@pytest.mark.parametrize(
    ("text", "problem"),
    [("a" * 261, "long"), ("(a{100}){100}", "repeats"), ("a*", "empty"), ("(", "syntax"), (r"\p{Nonsense}", "syntax")],
)
def test_patterns_are_refused_for_a_reason(text: str, problem: str) -> None:
    with pytest.raises(PatternError) as refused:
        compiled(text)
    assert refused.value.problem == problem


def test_words_are_typed_with_commas_between() -> None:
    assert read_words("cat, Dog*,  bad   dog,cat,,\nCAT") == ["cat", "Dog*", "bad dog"]
    for nothing in ("", " , ", "*", "\u200b"):
        with pytest.raises(NoWordsError):
            read_words(nothing)
    with pytest.raises(NoWordsError) as refused:
        read_words("x" * 61)
    assert refused.value.long


@pytest.mark.parametrize("action", ACTIONS)
async def test_a_pattern_that_takes_too_long_counts_as_found(action: FilterAction) -> None:
    slow = "/(?:a|aa){1,40}(?:a|aa){1,40}z"
    reading = Reading(sieve([(action, slow), ("mask", "cat")]))
    shown, started = await reading.feed("a cat " + "a" * 80 + "! zone"), time.perf_counter()
    shown += await reading.finish()
    assert time.perf_counter() - started < 3
    assert [hit.late for hit in reading.hits if hit.meaning.label == slow] == [True]
    assert reading.ended == (action != "flag")
    assert shown == ("a ▇▇▇ " + "a" * 80 + "! zone" if action == "flag" else "")


async def test_what_is_shown_never_ends_with_half_a_word() -> None:
    kept, _, shown = await written(sieve([("block", "*dog*"), ("block", "cat")]), "the catdogs bark", range(20))
    assert kept == "the "
    assert set(shown) == {"", "the "}
    long = "a" * 500
    kept, _, shown = await written(sieve([("flag", "cat")]), f"{long} cat", range(500))
    assert kept == f"{long} cat"
    assert len(shown[300]) >= 90


@given(TEXTS, st.lists(st.integers(0, 60), max_size=20))
@settings(max_examples=80, deadline=None)
@example("a bad dog cow, not bad dog", [5, 9, 18, 21])
async def test_what_automod_allows_passes_in_pieces_as_well(text: str, cuts: list[int]) -> None:
    rule = ServerRule(("cat*", "dog", "*ow"), ("a{2,3}b",), ("cats", "bad dog", "cow x"), frozenset(), blocks=True)
    chosen = made([], [rule])
    assert chosen is not None
    whole = await chosen.review(text)
    kept, reading, _ = await written(chosen, text, cuts)
    assert (kept, reading.ended) == (whole.text, whole.blocked)
    assert not (await chosen.review("cats and bad  dog, cow x")).blocked
    assert (await chosen.review("catsy")).blocked
