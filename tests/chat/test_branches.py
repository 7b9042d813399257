"""The tree as text: it fits, names what can be gone to, and shows where the conversation stands."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from chat.branches import LONGEST_DRAWING, Branches, one_line, short_id
from storage import OutlinedMessage, new_id

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def outlined(number: int, parent: int | None, words: str = "words", **changes: str) -> OutlinedMessage:
    role = "user" if changes.get("name") else "assistant"
    state = "deleted" if changes.get("state") == "deleted" else "complete"
    return OutlinedMessage(number, parent, role, changes.get("name"), state, words, NOW)  # type: ignore[arg-type]  # plain texts


@st.composite
def trees(draw: st.DrawFn) -> list[OutlinedMessage]:
    """Trees of any shape, newest first, perhaps only their newest part."""
    count = draw(st.integers(1, 80))
    ids = sorted(draw(st.sets(st.integers(1, 2**63 - 1), min_size=count, max_size=count)))
    messages = []
    for place, number in enumerate(ids):
        above = draw(st.none() | st.integers(1, min(place, 5))) if place else None
        messages.append(outlined(number, ids[place - above] if above else None, draw(st.text(max_size=100))))
    return messages[: draw(st.integers(0, count - 1)) : -1] or messages[::-1]


@given(trees(), st.data())
def test_a_drawing_fits_and_marks_the_head(messages: list[OutlinedMessage], data: st.DataObject) -> None:
    head = data.draw(st.none() | st.sampled_from(messages))
    branches = Branches(messages, head.id if head else None)
    drawing = branches.draw()
    assert 0 < len(drawing) <= LONGEST_DRAWING
    assert "`" not in drawing
    if head is not None:
        assert f"▶{short_id(head.id)}" in drawing


@given(trees())
def test_every_tip_is_found_by_its_short_and_its_whole_id(messages: list[OutlinedMessage]) -> None:
    branches = Branches(messages, None)
    parents = {message.parent_id for message in messages}
    assert {tip.id for tip in branches.tips} == {message.id for message in messages} - parents
    for tip in branches.tips:
        same = [other for other in branches.tips if short_id(other.id) == short_id(tip.id)]
        assert branches.find(f" `{short_id(tip.id).upper()}` ") == (tip.id if len(same) == 1 else None)


def test_short_ids_of_one_moment_differ() -> None:
    assert len({short_id(new_id()) for _ in range(1000)}) == 1000


def test_a_chain_is_one_line_and_a_swipe_a_branch_of_it() -> None:
    chain = [outlined(1, None, "hello", name="Ada"), outlined(2, 1, "hi"), outlined(3, 2, "so?", name="Tom")]
    assert Branches(chain[::-1], 3).draw() == "▶00003   3 · 01 Mar 12:00 · Tom: so?"
    swiped = [*chain, outlined(4, 1, "good day")]
    assert Branches(swiped, 3).draw().splitlines() == [
        " 00001   1 · 01 Mar 12:00 · Ada: hello",
        "├─  00004   1 · 01 Mar 12:00 · good day",
        "▶00003   2 · 01 Mar 12:00 · Tom: so?",
    ]
    begun_anew = [*chain, outlined(5, None, "anew", name="Ada")]
    assert Branches(begun_anew, 5).draw().splitlines() == [
        " 00003   3 · 01 Mar 12:00 · Tom: so?",
        "",
        "▶00005   1 · 01 Mar 12:00 · Ada: anew",
    ]


def test_what_lies_above_the_newest_messages_is_hinted_at_and_deleted_words_are_not_shown() -> None:
    drawing = Branches([outlined(9, 8), outlined(8, 7, "", state="deleted")], None).draw()
    assert drawing == " 00009 …+1 · 01 Mar 12:00 · words"
    assert Branches([outlined(8, None, "gone", state="deleted")], None).words_of(8) == "…"


def test_one_line_is_safe_in_code() -> None:
    assert one_line("a\n\n```b\u202e\u2066c\x00 d", 50) == "a '''b c d"
    assert one_line("x" * 50, 10) == "x" * 9 + "…"
    assert one_line("👨‍👩‍👧", 10) == "👨‍👩‍👧"
