"""The character that the demo offers."""

from __future__ import annotations

import io

from PIL import Image

from chat.cards import read_card
from playground.sample_card import SIZE, sample_card


def test_the_bot_reads_all_of_it() -> None:
    card = read_card(sample_card()).card
    assert (card.name, card.newer, len(card.greetings)) == ("Wren", False, 3)
    book = card.book
    assert book is not None
    assert [entry["name"] for entry in book["entries"]] == ["Storm", "Cellar", "Lighthouse", "Tobias"]
    assert [entry["constant"] for entry in book["entries"]] == [True, False, False, False]


def test_programs_of_either_version_find_it() -> None:
    picture = Image.open(io.BytesIO(sample_card()))
    assert isinstance(picture.info["chara"], str)
    assert isinstance(picture.info["ccv3"], str)
    assert picture.size == SIZE
