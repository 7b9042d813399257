from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat._macro_syntax import beginning
from chat.macros import MOST_ADDED, Macros

NOW = datetime(2026, 3, 9, 16, 5, 7, tzinfo=UTC)


def macros(seed: str = "here", rng: int = 1, **values: str) -> Macros:
    known = {"char": "Mira", "user": "Ada", **values}
    return Macros(known, now=NOW, random=Random(rng), seed=seed, last_said=NOW - timedelta(hours=3))


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("{{char}} sees {{user}}.", "Mira sees Ada."),
        ("<BOT> sees <user>, {{CHAR}} sees {{ User }}", "Mira sees Ada, Mira sees Ada"),
        ("{{{char}}} {char} {{}} {{ }}", "{Mira} {char} {{}} {{ }}"),
        ("a {{unknown}} b {{unknown::x}} {{char", "a {{unknown}} b {{unknown::x}} {{char"),
        ("{{unknown of {{char}}}}", "{{unknown of Mira}}"),
        ("}} {{ {{char}}", "}} {{ Mira"),
        ("{{char:x}} {{charm}}", "{{char:x}} {{charm}}"),
        ("a{{// {{char}} is secret }}b", "ab"),
        ("a{{//{{char}} is secret}}b{{//note}}{{ //: x}}", "ab"),
        ("{{incvar::n}}{{incvar::n}}{{decvar::n}} {{addvar::n::4}}{{getvar::n}} {{getglobalvar::n}}", "121 5 "),
        ("{{setglobalvar::a::x}}{{addglobalvar::a::y}}{{getglobalvar::a}}{{addvar::b::0.5}}{{getvar::b}}", "xy0.5"),
        ("{{addvar::a}}{{incvar::x}}", "{{addvar::a}}1"),
        ("a{{space}}b", "a b"),
        ("a{{comment: for readers}}{{noop}}b", "ab"),
        ("a{{hidden_key: wolf}}b", "ab"),
        ('{{banned "shivers"}}x', "x"),
        ("{{reverse:ab {{user}}}}", "adA ba"),
        ("{{reverse::ab}}", "ba"),
        ("a\n\n{{trim}}\n\nb", "ab"),
        ("{{trim}}\n{{user}}\n{{trim}}", "Ada"),
        ("a{{newline}}b", "a\nb"),
        ("{{setvar::mood::grim}}{{getvar::mood}}{{getvar::none}}", "grim"),
        ("{{setvar::x}}", "{{setvar::x}}"),
        ("{{time}}, {{date}}, {{weekday}}", "4:05 PM, March 9, 2026, Monday"),
        ("{{isodate}} {{isotime}} {{time_UTC+2}} {{time_UTC-7}}", "2026-03-09 16:05 6:05 PM 9:05 AM"),
        ("{{time::UTC+2}} {{time}} {{time::noon}}", "6:05 PM 4:05 PM {{time::noon}}"),
        ("{{time_UTC+99}}", "{{time_UTC+99}}"),
        ("{{datetimeformat DD.MM.YYYY H:mm [at] h a}}", "09.03.2026 16:05 at 4 pm"),
        ("{{idle_duration}}", "3 hours"),
        ("{{timeDiff::2026-03-10::2026-03-09}}", "in a day"),
        ("{{timeDiff::2026-03-09 10:00::2026-03-09 10:20}}", "20 minutes ago"),
        ("{{timeDiff::soon::later}}", "{{timeDiff::soon::later}}"),
        ("{{roll:0}}{{roll:999999d6}}{{roll:x}}", "{{roll:0}}{{roll:999999d6}}{{roll:x}}"),
    ],
)
def test_macros_become_words(text: str, expanded: str) -> None:
    assert macros().expand(text) == expanded


@pytest.mark.parametrize(
    "written", ["{{random:a,b\\,c}}", "{{random::a::b,c}}", "{{random: a , b\\,c }}", "{{random a,b\\,c}}"]
)
def test_a_random_choice_divides_at_commas_or_colons(written: str) -> None:
    assert {macros(rng=number).expand(written) for number in range(40)} == {"a", "b,c"}


def test_a_choice_may_hold_macros_whose_words_do_not_divide_it() -> None:
    found = {macros(rng=number, user="x, y").expand("{{random:{{user}} waits,{{char}} runs}}") for number in range(40)}
    assert found == {"x, y waits", "Mira runs"}


@pytest.mark.parametrize(("written", "lowest", "highest"), [("6", 1, 6), ("d6", 1, 6), ("2d6", 2, 12), ("1d4+3", 4, 7)])
def test_dice_stay_in_their_range(written: str, lowest: int, highest: int) -> None:
    rolls = {int(macros(rng=number).expand(f"{{{{roll:{written}}}}}")) for number in range(300)}
    assert (min(rolls), max(rolls)) == (lowest, highest)


def test_a_pick_stays_for_the_same_prompt() -> None:
    text = "{{pick:a,b,c,d,e,f}} {{pick:a,b,c,d,e,f}}"
    assert len({macros(rng=number).expand(text) for number in range(20)}) == 1
    assert len({macros(seed=str(number)).expand(text) for number in range(20)}) > 5


def test_a_hidden_key_is_kept_for_lorebooks() -> None:
    these = macros()
    assert these.expand("{{hidden_key:the {{char}} mark}}") == ""
    assert these.hidden == ["the Mira mark"]


def test_values_for_one_text_alone() -> None:
    these = macros()
    assert these.expand("{{original}} And more.", original="Be kind.") == "Be kind. And more."
    assert these.expand("{{original}}") == "{{original}}"


WRITTEN = st.lists(
    st.sampled_from(["{{", "}}", "{", "}", "::", ":", ",", "\\,", "char", "user", "random", "pick", "roll", "2d6", "//",
                     "reverse", "setvar", "getvar", "addvar",
                     "incvar", "setglobalvar", "//x", "trim", "<USER>", "<bot>", "\n", " ", "x", "timediff"]),
    max_size=40,
).map("".join)  # fmt: skip


@given(WRITTEN | st.text(max_size=60), st.text(max_size=30) | WRITTEN)
def test_what_a_macro_puts_in_is_never_read_as_a_macro(text: str, name: str) -> None:
    marked = f"\ue000{name}\ue000"
    plain = macros(user="\ue000\ue001\ue000", char="C").expand(text)
    if "reverse" not in text:
        assert macros(user=marked, char="C").expand(text) == plain.replace("\ue000\ue001\ue000", marked)


@given(WRITTEN)
def test_macros_are_gone_through_once(text: str) -> None:
    for words in ("{{char}}", "<BOT>", "{{random:a,b}}", "{{user}}"):
        assert macros(user=words).expand("{{user}}") == words
        assert words in macros(user=words).expand(text + " {{user}}")


@given(st.text())
def test_text_without_signs_is_left_alone(text: str) -> None:
    if "{{" not in text and "<" not in text:
        assert macros().expand(text) == text


@given(WRITTEN, st.integers(0, 3000))
def test_what_is_added_is_bounded(text: str, times: int) -> None:
    expanded = macros(user="x" * 1000).expand(text + "{{user}}" * times)
    assert len(expanded) <= MOST_ADDED + 2 * len(text) + 8 * times + 100


def test_the_bound_holds_over_all_texts_of_a_prompt() -> None:
    these = macros(user="x" * (MOST_ADDED // 2 + 1))
    assert len(these.expand("{{user}}")) > 8
    assert these.expand("{{user}}<USER>") == "{{user}}<USER>"


@pytest.mark.parametrize(
    "sign", ["{{", "{{char", "{{{{", "}}", "{{x}}", "{{random:", "{{// ", "<user>", "a{{trim}}\n", "{{reverse:"]
)
def test_long_texts_take_little_time(sign: str) -> None:
    started = time.thread_time()
    macros().expand(sign * 5_000 + "}}" * 5_000)
    assert time.thread_time() - started < 1


@pytest.mark.parametrize(
    ("text", "most", "expected"),
    [
        ("Good evening", 4, "Good"),
        ("Good {{user}}", 13, "Good {{user}}"),
        ("Good {{user}}", 12, "Good "),
        ("Good {{user}}", 6, "Good "),
        ("Good {{random:{{user}},you}}!", 20, "Good "),
        ("Good {{random:{{user}},you}}!", 28, "Good {{random:{{user}},you}}"),
        ("{{ Good {{user}} evening", 16, "{{ Good {{user}}"),
        ("{{ Good {{user}} evening", 15, "{{ Good "),
        ("{{ Good evening", 8, "{{ Good "),
        ("Good <USER>", 8, "Good "),
    ],
)
def test_a_text_is_shortened_outside_of_macros(text: str, most: int, expected: str) -> None:
    assert beginning(text, most) == expected
