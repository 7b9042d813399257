"""Fields of characters as people write them in forms, and what becomes of the card."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.cards import changed, parse_card
from chat.errors import CardError
from chat.persona_fields import DEPTH, NOTE, ROLE, TALKATIVENESS, field_text, fields_written
from tests.chat import card_files as files
from tests.chat.card_files import as_json

GREETINGS = ["One.", "", 3, "Two.", "Three."]


def edited(fields: dict[str, Any], **texts: str) -> dict[str, Any]:
    card = parse_card(as_json(files.card(2, **fields)))
    after = changed(card, **fields_written(card, {name.replace("__", "."): text for name, text in texts.items()}))
    return dict(after.data)


@pytest.mark.parametrize(
    ("texts", "greetings"),
    [
        ({0: "First."}, ["First.", "", 3, "Two.", "Three."]),
        ({1: ""}, ["One.", "", 3, "Three."]),
        ({0: " ", 1: "Other.", 3: "More.", 4: ""}, ["", 3, "Other.", "Three.", "More."]),
        ({9: "Far."}, [*GREETINGS, "Far."]),
    ],
)
def test_greetings_are_changed_added_and_taken_away_one_by_one(texts: dict[int, str], greetings: list[Any]) -> None:
    card = parse_card(as_json(files.card(2, alternate_greetings=GREETINGS)))
    assert [field_text(card, f"alternate_greetings.{place}") for place in range(4)] == ["One.", "Two.", "Three.", ""]
    written = {f"alternate_greetings.{place}": text for place, text in texts.items()}
    assert fields_written(card, written) == {"alternate_greetings": greetings}


def test_talkativeness_and_the_note_leave_every_other_byte_of_the_extensions() -> None:
    note = b'{"prompt":"Hush.","x":1e2}'
    extensions = b'{"a":1.10, "depth_prompt":' + note + b', "talkativeness":"0.3", "b":"\\u00e9"}'
    card = parse_card(b'{"spec":"chara_card_v2","data":{"name":"Mira","extensions":' + extensions + b"}}")
    texts = {NOTE: "Hush.", DEPTH: "", ROLE: "", TALKATIVENESS: "0.3"}
    assert {name: field_text(card, name) for name in texts} == texts
    after = changed(card, **fields_written(card, {TALKATIVENESS: "0,75", ROLE: "User"}))
    inner = msgspec.json.decode(bytes(after.raw))["data"]["extensions"]
    assert inner["depth_prompt"] == {"prompt": "Hush.", "depth": 4, "role": "user", "x": 100.0}
    assert inner["talkativeness"] == 0.75
    assert b'"a":1.10' in after.raw
    assert b'"b":"\\u00e9"' in after.raw
    assert "talkativeness" not in changed(after, **fields_written(after, {TALKATIVENESS: " "})).extensions


def test_extensions_come_where_there_were_none_or_something_else() -> None:
    missing: tuple[dict[str, Any], ...] = ({}, {"extensions": []}, {"extensions": None})
    for fields in missing:
        assert edited(fields, depth_prompt__prompt="Hush.", depth_prompt__depth="2")["extensions"] == {
            "depth_prompt": {"prompt": "Hush.", "depth": 2, "role": "system"}
        }
    first = parse_card(as_json(files.card(1)))
    assert changed(first, **fields_written(first, {TALKATIVENESS: "1"})).extensions == {"talkativeness": 1.0}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (TALKATIVENESS, "1.5"),
        (TALKATIVENESS, "nan"),
        (TALKATIVENESS, "much"),
        (DEPTH, "-1"),
        (DEPTH, "9999"),
        (ROLE, "x"),
    ],
)
def test_what_makes_no_sense_is_refused(name: str, text: str) -> None:
    with pytest.raises(CardError) as refused:
        fields_written(parse_card(as_json(files.card())), {name: text})
    assert refused.value == CardError("fields", name.partition(".")[2])


@given(files.cards, st.dictionaries(st.integers(0, 5), files.texts, max_size=4))
def test_what_is_written_is_read_again(content: dict[str, Any], texts: dict[int, str]) -> None:
    card = parse_card(as_json(content))
    after = changed(card, **fields_written(card, {f"alternate_greetings.{n}": text for n, text in texts.items()}))
    kept = [text for number, text in enumerate(card.texts("alternate_greetings")) if number not in texts]
    assert set(after.texts("alternate_greetings")) == {*kept, *(text for text in texts.values() if text.strip())}
