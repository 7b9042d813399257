"""Lists end before a message is full, and say how much they leave out."""

from hypothesis import given
from hypothesis import strategies as st

from cogs._lists import LONGEST_LIST, listed


def test_a_short_list_is_whole() -> None:
    assert listed([]) == ""
    assert listed(["a", "b"]) == "a\nb"
    assert listed("abcd", more="; ask.", most=2) == "a\nb\n-# and 2 more; ask."


@given(st.lists(st.text("xy", max_size=400), max_size=60), st.none() | st.integers(0, 20))
def test_every_list_fits_and_every_line_is_counted(lines: list[str], most: int | None) -> None:
    shown = listed(lines, more=". Look elsewhere.", most=most)
    assert len(shown) <= LONGEST_LIST
    text, _, rest = shown.partition("\n-# and ")
    left_out = int(rest.split()[0]) if rest else 0
    assert text == "\n".join(lines[: len(lines) - left_out])
    assert left_out >= len(lines) - (len(lines) if most is None else most)
