"""Texts as filters compare them, and where each sign of them came from."""

import itertools
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation._folding import Folded, fold, visible

TEXTS = st.text(
    alphabet=st.sampled_from("aBẞßéñİ ﬁＡｂ*_~`|\u0301\u0336\u200b\u200d\u00ad한ᄒ\u1161कि\n\t…①🅰👩‍💻\u0007"),
    max_size=25,
)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("HeLLo", "hello"),
        ("ＦＵＬＬ width", "full width"),
        ("STRAẞE straße", "strasse strasse"),
        ("ﬁne", "fine"),
        ("c\u200ba\u00adt\u2060s", "cats"),
        ("c\u0336a\u0336t\u0336", "cat"),
        ("i̇İ", "ii"),
        ("\u1112\u1161\u11ab", "\ud55c"),
        ("کتاب", "کتاب"),
        ("कि", "कि"),
        ("\u3164\u0007", ""),
    ],
)
def test_disguises_are_taken_off(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_letters_with_accents_are_letters_of_their_own() -> None:
    assert fold("año") != fold("ano")
    assert fold("an\u0303o") == fold("año")


def test_the_bare_form_lacks_formatting_and_marks_that_were_put_on() -> None:
    bare = Folded(bare=True)
    bare.add("for**b\u0301id**d_en_ año", final=True)
    assert bare.text == "forbidden año"


@given(TEXTS, st.booleans())
def test_every_sign_knows_where_it_came_from(text: str, bare: bool) -> None:
    folded = Folded(bare=bare)
    folded.add(text, final=True)
    assert folded.original_length == len(text)
    ends = [folded.end(place + 1) for place in range(len(folded.text))]
    begins = [folded.begin(place) for place in range(len(folded.text))]
    assert begins == sorted(begins)
    assert ends == sorted(ends)
    for place, (begin, end) in enumerate(zip(begins, ends, strict=True)):
        alone = Folded(bare=bare)
        alone.add(text[begin:end], final=True)
        assert folded.text[place] in alone.text
        assert folded.place_of(begin) <= place
    assert folded.begin(len(folded.text)) == len(text)


@given(TEXTS, st.lists(st.integers(0, 25), max_size=8), st.booleans())
def test_it_does_not_matter_how_a_text_is_cut(text: str, cuts: list[int], bare: bool) -> None:
    whole, pieces = Folded(bare=bare), Folded(bare=bare)
    whole.add(text, final=True)
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    for begin, end in itertools.pairwise(edges):
        pieces.add(text[begin:end])
        assert whole.text.startswith(pieces.text)
    pieces.add("", final=True)
    assert pieces.text == whole.text
    assert [pieces.begin(i) for i in range(len(pieces.text))] == [whole.begin(i) for i in range(len(whole.text))]


@given(st.text(max_size=40))
def test_nothing_is_lost_of_a_text_that_is_plain_already(text: str) -> None:
    plain = "".join(sign for sign in text if sign.isascii() and (sign.isprintable() or sign in "\t\n"))
    assert fold(plain) == plain.lower()
    assert fold(fold(text)) == fold(text) or not unicodedata.is_normalized("NFKC", fold(text))
    assert "".join(visible(text)) == text
