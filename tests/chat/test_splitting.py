from __future__ import annotations

import itertools
import time

import pytest
import regex
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chat._markdown import find_code
from chat.splitting import MESSAGE_LIMIT, ReplyParts, split

FAMILY = "👨‍👩‍👧‍👦"
FLAGS = "🇩🇪🇫🇷"
HANGUL = "\u1112\u1161\u11ab"  # one syllable of three jamo

PROSE = ["a", "word", "Sentence.", "Why?", "one.two", "1.", "- item", "> quote", "**bold**", "# Title\n", "x" * 30]
BLANKS = ["\n", "\n\n", " ", "  ", "\t", "    "]
CODE = ["```", "```py\n", "\n```\n", "``", "`", "````", "~~~", "`x y`", "`` ``` ``", "\\`"]
SCRIPTS = [FAMILY, FLAGS, HANGUL, "e\u0301\u0302", "日本語。", "文字", "\u200d", "\u0301"]
TOKENS = ["<@123456789012345678>", "<@&9>", "<#77>", "<:smile:12345>", "<a:wave:42>", "<t:1700000000:R>", "<t:1>"]
TOKENS += ["https://example.com/path?query=1", "[a link](https://example.com)"]
WORDS = st.sampled_from([*PROSE, *BLANKS, *CODE, *SCRIPTS, *TOKENS, "<", "://"])
TEXTS = st.one_of(st.lists(WORDS, max_size=60).map("".join), st.text(max_size=200))
LIMITS = st.sampled_from([20, 33, 64, 120])


def streamed(text: str, sizes: list[int], limit: int, *, neutral_links: bool = False) -> ReplyParts:
    reply = ReplyParts(limit, neutral_links=neutral_links)
    position = 0
    for size in itertools.cycle(sizes):
        reply.append(text[position : position + size])
        position += size
        if position >= len(text):
            return reply
    raise AssertionError("sizes must not be empty")


def restores(parts: list[str], text: str) -> bool:
    """Whether the parts are the text, apart from white space at boundaries and fences added there."""
    reached = {0}
    for number, part in enumerate(parts):
        opening = regex.match(r"```[\w+\-.#]*\n", part)
        starts = [0] + ([opening.end()] if opening and number else [])
        ends = [len(part)] + [len(part) - cut for cut in (1, 2, 3) if part.endswith("```")]
        variants = {part[start:end].strip() for start in starts for end in ends if start <= end}
        following = set()
        for position in reached:
            begin = position + len(text[position:]) - len(text[position:].lstrip())
            ends_at = {begin + len(variant) for variant in variants if text.startswith(variant, begin)}
            # A fence added at the end stands for the text's own when that comes next.
            closings = (regex.compile(r"\s*```").match(text, end) for end in ends_at if part.endswith("\n```"))
            following |= ends_at | {closing.end() for closing in closings if closing}
        reached = following
    # One or two backticks at the end of open code are shown as the closing fence that they begin.
    absorbed = {"", "`", "``"} if parts and parts[-1].endswith("```") else {""}
    return any(text[position:].strip() in absorbed for position in reached)


@given(TEXTS, LIMITS)
@example("```py\n" + "x" * 12 + "\n" * 9 + "`", 20)
@example("aaaa " * 3 + "```" + "\n" * 300 + "x", 20)
@example("```\n" + " " * 100 + "x\n```", 20)
@settings(max_examples=600, deadline=None)
def test_nothing_is_lost_or_doubled(text: str, limit: int) -> None:
    assert restores(split(text, limit), text)


@given(TEXTS, LIMITS)
@settings(max_examples=300, deadline=None)
def test_parts_are_what_discord_accepts(text: str, limit: int) -> None:
    for part in split(text, limit):
        assert 1 <= len(part) <= limit
        assert part.strip()


@given(TEXTS, LIMITS, st.lists(st.integers(1, 40), min_size=1, max_size=6), st.booleans())
@settings(max_examples=400, deadline=None)
def test_how_the_text_arrives_changes_nothing(text: str, limit: int, sizes: list[int], neutral_links: bool) -> None:
    whole = ReplyParts(limit, neutral_links=neutral_links)
    whole.append(text)
    assert streamed(text, sizes, limit, neutral_links=neutral_links).parts == whole.parts
    assert all(1 <= len(part) <= limit for part in whole.parts)


@given(TEXTS, LIMITS)
@settings(max_examples=200, deadline=None)
def test_a_posted_part_never_changes(text: str, limit: int) -> None:
    reply = ReplyParts(limit)
    before: list[str] = []
    for character in text:
        reply.append(character)
        now = reply.parts
        assert len(now) >= len(before)
        assert now[: len(before) - 1] == before[:-1]
        assert all(1 <= len(part) <= limit for part in now)
        before = now


@given(TEXTS, LIMITS)
@settings(max_examples=300, deadline=None)
def test_every_part_closes_its_code(text: str, limit: int) -> None:
    for part in split(text, limit):
        for fence in find_code(part).fences:
            assert fence.end is not None or not part[fence.body :].strip()


CLUSTERS = st.lists(st.sampled_from([FAMILY, FLAGS[:2], HANGUL, "e\u0301", "👍🏽", "क्षि", "a", " "]), max_size=80)


@given(CLUSTERS, LIMITS)
@settings(max_examples=200, deadline=None)
def test_no_cut_falls_inside_a_cluster(clusters: list[str], limit: int) -> None:
    text = "".join(clusters)
    shown = [cluster for part in split(text, limit) for cluster in regex.findall(r"\X", part)]
    assert [c for c in shown if c.strip()] == [c for c in regex.findall(r"\X", text) if c.strip()]


@given(st.lists(st.sampled_from([*TOKENS, "x", "yy", "字", " "]), max_size=60))
@settings(max_examples=300, deadline=None)
def test_no_cut_falls_inside_a_token(pieces: list[str]) -> None:
    pieces = [piece + " " if "http" in piece else piece for piece in pieces]
    parts = split("".join(pieces), 100)
    for token in TOKENS:
        assert sum(part.count(token) for part in parts) == "".join(pieces).count(token)


def test_a_blank_text_gives_no_parts() -> None:
    assert split("") == []
    assert split(" \n\t\n " * 2000) == []
    assert split("hi") == ["hi"]


def test_sentences_are_kept_whole() -> None:
    text = "This is one sentence of the story. " * 200
    parts = split(text)
    assert all(part.endswith("story.") for part in parts)
    assert all(len(part) > MESSAGE_LIMIT * 3 // 4 for part in parts[:-1])


def test_a_line_is_cut_at_a_word_when_nothing_better_is_near() -> None:
    first, second = split("a" * 1000 + ". " + "word " * 250)
    assert first.endswith("word")
    assert second.startswith("word")


def test_the_number_of_a_list_stays_with_its_item() -> None:
    text = "x" * 1900 + "\n1. " + "first item " * 30
    assert split(text)[0] == "x" * 1900


def test_a_block_is_closed_and_reopened_with_its_language() -> None:
    text = "Look:\n```python\n" + "    call()\n" * 400 + "```\nDone."
    parts = split(text)
    assert len(parts) == 3
    for part in parts[:-1]:
        assert part.endswith("    call()\n```")
    for part in parts[1:]:
        assert part.startswith("```python\n    call()\n")
    assert parts[-1].endswith("call()\n```\nDone.")


def test_a_short_block_is_moved_as_a_whole() -> None:
    block = "```js\n" + "let x = 1;\n" * 20 + "```"
    parts = split("Words go here. " * 125 + "\n\n" + block)
    assert parts[-1] == block


def test_a_closing_fence_that_did_not_fit_makes_no_empty_block() -> None:
    text = "```\n" + "x" * 1992 + "\n```"
    assert split(text) == [text]
    assert split(text + "\n\nAfter it.") == [text, "After it."]
    assert split(text[:-3] + "\n" * 50 + "```\n\nAfter it.") == [text, "After it."]


def test_inline_code_is_kept_whole() -> None:
    assert split("word " * 11 + "`some code here` and so on", 64) == [
        ("word " * 11).strip(),
        "`some code here` and so on",
    ]


def test_a_fence_that_is_still_arriving_is_not_shown_twice() -> None:
    reply = ReplyParts()
    reply.append("```py\nx = 1\n``")
    assert reply.parts == ["```py\nx = 1\n```"]
    reply.append("`")
    assert reply.parts == ["```py\nx = 1\n```"]
    reply.append("\nbye")
    assert reply.parts == ["```py\nx = 1\n```\nbye"]


def test_the_open_part_is_balanced_while_it_grows() -> None:
    reply = ReplyParts()
    reply.append("Here:\n```")
    assert reply.parts == ["Here:\n```"]  # nothing inside yet: Discord shows the backticks either way
    reply.append("py\nprint(")
    assert reply.parts == ["Here:\n```py\nprint(\n```"]


@pytest.mark.parametrize("text", ["`` ``` `` opens code", "\\``` is escaped", "~~~\nnot code", "```py\n```", "``````"])
def test_what_only_looks_like_an_open_block_is_left_alone(text: str) -> None:
    assert split(text) == [text]


def test_a_pile_of_marks_longer_than_a_message_is_cut() -> None:
    text = "a" + "\u0301" * 5000
    parts = split(text)
    assert "".join(parts) == text
    assert len(parts) == 3


def test_a_word_longer_than_a_message_is_cut() -> None:
    assert [len(part) for part in split("x" * 4500)] == [2000, 2000, 500]


def test_an_address_longer_than_a_message_is_cut() -> None:
    parts = split("See https://example.com/" + "x" * 4000)
    assert "".join(parts) == "See https://example.com/" + "x" * 4000


def test_a_note_goes_to_the_last_part_or_into_its_own() -> None:
    reply = ReplyParts()
    assert reply.with_suffix("\n-# interrupted") == ["-# interrupted"]
    reply.append("x" * 1980)
    assert reply.with_suffix("\n-# interrupted") == ["x" * 1980 + "\n-# interrupted"]
    reply.append("y" * 10)
    assert reply.with_suffix("\n-# interrupted") == ["x" * 1980 + "y" * 10, "-# interrupted"]
    assert reply.parts == ["x" * 1980 + "y" * 10]


def test_endless_white_space_does_not_pile_up() -> None:
    reply = ReplyParts(100)
    reply.append("a")
    for _ in range(1000):
        reply.append(" \n" * 50)
    reply.append("b")
    assert reply.parts == ["a", "b"]
    assert len(reply._raw) < 1000


def test_links_take_their_brackets_into_account() -> None:
    text = ("y" * 10 + " https://example.com/ab ") * 80
    reply = ReplyParts(neutral_links=True)
    for character in text:
        reply.append(character)
    assert all(len(part) <= MESSAGE_LIMIT for part in reply.parts)
    assert "".join(reply.parts).count("<https://example.com/ab>") == 80


def test_the_work_does_not_grow_with_the_reply() -> None:
    reply = ReplyParts()

    def seconds_for(count: int) -> float:
        started = time.perf_counter()
        for _ in range(count):
            reply.append("some words. ")
            _ = reply.parts
        return time.perf_counter() - started

    early = min(seconds_for(1000) for _ in range(3))
    reply.append("some words. " * 100_000)
    late = min(seconds_for(1000) for _ in range(3))
    assert late < early * 4 + 0.05  # 1.2 million characters later


def test_a_limit_without_room_for_fences_is_refused() -> None:
    with pytest.raises(ValueError, match="at least"):
        ReplyParts(10)


@example("\x1f", 20)
@given(TEXTS, LIMITS)
def test_ranges_tell_which_words_each_part_shows(text: str, limit: int) -> None:
    parts = ReplyParts(limit)
    for start in range(0, len(text), 7):
        parts.append(text[start : start + 7])
    assert len(parts.ranges) == len(parts.parts)
    assert all(a <= b for a, b in parts.ranges)
    assert all(first[1] <= second[0] for first, second in itertools.pairwise(parts.ranges))
    assert bare("".join(text[a:b] for a, b in parts.ranges)) == bare(text)
    for part, (a, b) in zip(parts.parts, parts.ranges, strict=True):
        assert bare(text[a:b]) in bare(part)


def bare(text: str) -> str:
    """A text without white space and backticks."""
    return "".join(text.replace("`", "").split())
