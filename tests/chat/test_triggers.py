"""Keywords call the bot as whole words, in any script, case and width."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.triggers import folded, is_called

WORDS = st.text(st.characters(categories=["Lu", "Ll", "Nd"], max_codepoint=0x52F), min_size=1, max_size=12)
SENTENCES = st.lists(WORDS, max_size=8)


@pytest.mark.parametrize(
    ("text", "keyword"),
    [
        ("hey Luna!", "luna"),
        ("LUNA", "Luna"),
        ("(luna)", "luna"),
        ("Luna's lamp", "luna"),
        ("good\n  morning all", "Good morning"),
        ("Ｌｕｎａ, are you there?", "luna"),
        ("die STRASSE", "Straße"),
        ("el cafe\u0301 negro", "café"),
        ("Привет, ЛУНА", "луна"),
        ("يا قمر كيف حالك", "قمر"),
        ("हे चाँद सुनो", "चाँद"),
        ("ねえルナちゃん", "ルナ"),
        ("你好小月吗", "小月"),
        ("루나야 안녕", "루나"),
        ("สวัสดีลูน่าครับ", "ลูน่า"),
        ("so c++ it is", "c++"),
        ("a 🌙 rises", "🌙"),
        ("luna_2 or luna", "luna"),
    ],
)
def test_a_keyword_calls(text: str, keyword: str) -> None:
    assert is_called(text, ["other", keyword])


@pytest.mark.parametrize(
    ("text", "keyword"),
    [
        ("lunar", "luna"),
        ("moluna", "luna"),
        ("luna2", "luna"),
        ("luna_x", "luna"),
        ("лунатик", "луна"),
        ("good evening morning", "good morning"),
        ("goodmorning", "good morning"),
        ("el café", "caf"),
        ("a.b", "a+b"),
        ("चाँदनी", "चाँद"),
        ("", "luna"),
    ],
)
def test_what_only_looks_like_it_does_not_call(text: str, keyword: str) -> None:
    assert not is_called(text, [keyword])


def test_nothing_is_called_by_no_keyword() -> None:
    assert not is_called("anything", [])
    assert not is_called("anything", ["", "  "])


@given(SENTENCES, SENTENCES, WORDS)
def test_a_word_between_others_is_found_in_any_case(before: list[str], after: list[str], word: str) -> None:
    text = " ".join([*before, word, *after])
    for typed in (text, text.casefold(), unicodedata.normalize("NFD", text)):
        assert is_called(typed, [word])
        assert is_called(f"«{typed}»", [unicodedata.normalize("NFD", word)])


@given(SENTENCES, st.lists(WORDS, min_size=1, max_size=3))
def test_it_says_what_comparing_the_words_says(said: list[str], keyword: list[str]) -> None:
    heard, wanted = [folded(word) for word in said], [folded(word) for word in keyword]
    expected = any(heard[start : start + len(wanted)] == wanted for start in range(len(heard)))
    assert is_called(" ".join(said), [" ".join(keyword)]) == expected


@given(st.text(max_size=60), st.lists(st.text(max_size=20), max_size=5))
def test_any_text_and_any_keywords_can_be_asked(text: str, keywords: list[str]) -> None:
    assert isinstance(is_called(text, keywords), bool)
    for keyword in keywords:
        assert is_called(f"- {keyword} -", [keyword]) == bool(folded(keyword).strip())


@given(st.text(max_size=40))
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert folded(folded(text)) == folded(text)
