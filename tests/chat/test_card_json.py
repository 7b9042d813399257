"""How deep the values of a JSON text are held is seen without looking at each value."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat._card_json import MAX_DEPTH, read_object
from chat.errors import CardError

MARKS = st.text(alphabet='{}[]"\\,:/ nué', max_size=12)
VALUES = st.recursive(
    st.none() | st.integers() | MARKS, lambda inner: st.lists(inner) | st.dictionaries(MARKS, inner), max_leaves=30
)


def levels_of(value: Any) -> int:
    """How many lists and objects stand in each other."""
    held = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if held is None else 1 + max(map(levels_of, held), default=0)


@given(VALUES, st.integers(0, MAX_DEPTH + 2), st.booleans(), st.booleans())
def test_what_is_held_too_often_is_refused_and_nothing_else(
    value: Any, more: int, ascii_only: bool, wide: bool
) -> None:
    for number in range(more):
        value = [value, number] if number % 2 else {"}": "{", "in": value}
    content = {"": value}
    data = json.dumps(content, ensure_ascii=ascii_only, indent=2 if wide else None).encode()
    if levels_of(content) <= MAX_DEPTH:
        assert read_object(data) == content
    else:
        with pytest.raises(CardError) as refused:
            read_object(data)
        assert refused.value.fault == "deep"
