"""Conversations as files: nothing is lost on the way out and back, and nothing that is read does harm."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat import transcripts
from chat._sillytavern_dates import parsed_date
from chat.errors import TranscriptError
from chat.transcripts import MAX_BYTES, MAX_CHARACTERS, MAX_MESSAGES, Transcript, read
from storage import StoredMessage, TranscriptMessage

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ADA = 31
BOT = "Infermatic"

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)
times = st.datetimes(datetime(1970, 1, 2), datetime(2999, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # hypothesis adds the zone
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


def stored(
    number: int, parent: int | None, role: Any = "user", content: str = "words", **changes: Any
) -> StoredMessage:
    message = StoredMessage(
        number, 11, 21, parent, "user", ADA, "Ada", None, None, content, "complete", None, None, NOW
    )
    return replace(message, role=role, author_name="Ada" if role == "user" else None, **changes)


@st.composite
def trees(draw: st.DrawFn) -> list[StoredMessage]:
    """Trees of any shape, where a parent may also be younger than its child."""
    count = draw(st.integers(1, 12))
    ids = draw(st.permutations(range(1, count + 1)))
    messages = []
    for place, number in enumerate(ids):
        parent = draw(st.none() | st.sampled_from(ids[:place])) if place else None
        role = draw(st.sampled_from(["user", "assistant", "system"]))
        messages.append(
            stored(
                number << 40,
                parent and parent << 40,
                role,
                draw(texts),
                model=draw(st.none() | texts),
                state=draw(st.sampled_from(["complete", "stopped", "interrupted", "failed"])),
                tokens=draw(st.none() | st.integers(0, 2**31 - 1)),
                prompt_tokens=draw(st.none() | st.integers(0, 2**31 - 1)),
                finish_reason=draw(st.none() | texts),
                author_id=draw(st.none() | st.integers(1, 2**63 - 1)),
                created_at=draw(times),
            )
        )
    return sorted(messages, key=lambda message: message.id)


def path_to(messages: list[TranscriptMessage], place: int | None) -> list[str]:
    """What is said from the root to a message."""
    contents: list[str] = []
    while place is not None:
        contents.append(messages[place].content)
        place = messages[place].parent
    return contents[::-1]


def chat(*lines: dict[str, Any], header: dict[str, Any] | None = None) -> bytes:
    """A SillyTavern chat."""
    first = {"user_name": "Ada", "character_name": "Cara", "chat_metadata": {}} if header is None else header
    return "\n".join(json.dumps(line) for line in (first, *lines)).encode()


def ours(*messages: dict[str, Any], **changes: Any) -> bytes:
    """A file of our own, as somebody might write it."""
    row = {"role": "user", "content": "words", "state": "complete", "created_at": "2026-03-01T12:00:00Z"}
    tree = {"format": transcripts.FORMAT, "version": 1, "exported_at": "2026-03-01T12:00:00Z"}
    return json.dumps({**tree, "messages": [{**row, **message} for message in messages], **changes}).encode()


def fault(data: bytes) -> tuple[str, int | None]:
    with pytest.raises(TranscriptError) as caught:
        read(data, ADA, NOW)
    return caught.value.fault, caught.value.line


# --- our JSON


@given(trees(), st.data())
def test_json_comes_back_whole(messages: list[StoredMessage], data: st.DataObject) -> None:
    messages[0] = replace(messages[0], content="said")
    head = data.draw(st.sampled_from(messages))
    transcript = read(transcripts.to_json(messages, head.id, NOW), ADA, NOW)
    by_id = {message.id: message for message in messages}

    def way(message: StoredMessage) -> list[str]:
        above = [] if message.parent_id is None else way(by_id[message.parent_id])
        return [*above, message.content]

    assert path_to(transcript.messages, transcript.head) == way(head)
    assert sorted(map(_facts, transcript.messages)) == sorted(map(_facts, messages))
    assert all(m.parent is None or m.parent < place for place, m in enumerate(transcript.messages))
    assert sorted(path_to(transcript.messages, place) for place in range(len(messages))) == sorted(map(way, messages))


def _facts(message: StoredMessage | TranscriptMessage) -> str:
    names = "role content author_id author_name model state tokens prompt_tokens finish_reason"
    return repr([message.created_at.isoformat(), *(getattr(message, name) for name in names.split())])


@given(trees())
def test_siblings_keep_their_order(messages: list[StoredMessage]) -> None:
    numbered = [replace(message, content=f"{place}") for place, message in enumerate(messages)]
    transcript = read(transcripts.to_json(numbered, None, NOW), ADA, NOW)
    for parent in {message.parent for message in transcript.messages}:
        siblings = [int(m.content) for m in transcript.messages if m.parent == parent]
        assert siblings == sorted(siblings) or parent is None


def test_what_was_unfinished_is_interrupted_and_what_was_forgotten_stays_so() -> None:
    messages = [
        stored(1, None, content="one"),
        stored(2, 1, "assistant", "beginning", state="streaming"),
        stored(3, 1, "assistant", "", state="deleted"),
    ]
    read_again = read(transcripts.to_json(messages, None, NOW), ADA, NOW).messages
    assert [message.state for message in read_again] == ["complete", "interrupted", "deleted"]
    gone = read(ours({"id": "1"}, {"id": "2", "parent": "1", "state": "deleted", "content": "back"}), ADA, NOW)
    assert gone.messages[1].content == ""


def test_without_a_head_the_newest_message_is_it() -> None:
    assert read(ours({"id": "a"}, {"id": "b", "parent": "a"}), ADA, NOW).head == 1


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(ours({"id": "1", "parent": "2"}), "tree", id="a parent that is missing"),
        pytest.param(ours({"id": "1", "parent": "1"}), "tree", id="its own parent"),
        pytest.param(ours({"id": "1", "parent": "2"}, {"id": "2", "parent": "1"}), "tree", id="a circle"),
        pytest.param(ours({"id": "1"}, {"id": "1"}), "tree", id="one id twice"),
        pytest.param(ours({"id": "1"}, head="2"), "tree", id="a head that is missing"),
        pytest.param(ours({"id": "1"}, version=2), "version", id="a newer version"),
        pytest.param(ours({"id": "1", "role": "admin"}), "broken", id="an unknown role"),
        pytest.param(ours({"id": 1}), "broken", id="a number for an id"),
        pytest.param(ours({"id": "1", "content": None}), "broken", id="no content"),
        pytest.param(ours({"id": "1", "tokens": 2**31}), "broken", id="too many tokens"),
        pytest.param(ours({"id": "1", "created_at": "0001-01-01T00:00:00+23:00"}), "broken", id="before all time"),
        pytest.param(ours({"id": "1", "content": "x" * (MAX_CHARACTERS + 1)}), "text", id="too long a message"),
        pytest.param(ours({"id": "1", "content": " \n"}), "empty", id="no words"),
        pytest.param(ours(), "empty", id="no messages"),
        pytest.param(ours(*({"id": str(n)} for n in range(MAX_MESSAGES + 1))), "many", id="too many messages"),
    ],
)
def test_faults_of_our_files_are_named(data: bytes, expected: str) -> None:
    assert fault(data)[0] == expected


def test_a_long_chain_in_the_worst_order_is_read_at_once() -> None:
    rows = [{"id": str(n), "parent": str(n - 1) if n else None} for n in range(MAX_MESSAGES)]
    assert len(read(ours(*reversed(rows)), ADA, NOW).messages) == MAX_MESSAGES


def test_ids_that_are_none_of_discords_are_left_out() -> None:
    for author_id in ("0", "-5", "x", "9" * 19, "9" * 5000, "٣", "²"):
        assert read(ours({"id": "1", "author_id": author_id}), ADA, NOW).messages[0].author_id is None
    assert read(ours({"id": "1", "author_id": "42"}), ADA, NOW).messages[0].author_id == 42


# --- SillyTavern


def test_swipes_of_siblings_are_in_the_chat_and_come_back() -> None:
    path = [stored(1, None, content="one"), stored(3, 1, "assistant", "b"), stored(5, 3, content="two")]
    under = {1: [stored(2, 1, "assistant", "a"), path[1], stored(4, 1, "assistant", "c", model="m")]}
    data = transcripts.to_sillytavern(path, under, BOT)
    header, *lines = map(json.loads, data.splitlines())
    assert (header["user_name"], header["character_name"]) == ("Ada", BOT)
    assert [(line["name"], line["is_user"], line["mes"]) for line in lines] == [
        ("Ada", True, "one"),
        (BOT, False, "b"),
        ("Ada", True, "two"),
    ]
    assert (lines[1]["swipes"], lines[1]["swipe_id"]) == (["a", "b", "c"], 1)
    assert lines[0]["send_date"] == "2026-03-01T12:00:00.000Z"
    transcript = read(data, ADA, NOW)
    assert [(m.parent, m.role, m.content) for m in transcript.messages] == [
        (None, "user", "one"),
        (0, "assistant", "a"),
        (0, "assistant", "b"),
        (0, "assistant", "c"),
        (2, "user", "two"),
    ]
    assert transcript.head == 4


@given(st.lists(st.tuples(st.booleans(), texts.filter(str.strip)), min_size=1, max_size=12))
def test_chats_come_back_with_all_words(said: list[tuple[bool, str]]) -> None:
    path = [
        stored(place + 1, place or None, "user" if is_user else "assistant", text)
        for place, (is_user, text) in enumerate(said)
    ]
    transcript = read(transcripts.to_sillytavern(path, {}, BOT), ADA, NOW)
    assert [(m.role == "user", m.content) for m in transcript.messages] == said
    assert path_to(transcript.messages, transcript.head) == [text for _, text in said]
    assert {m.created_at for m in transcript.messages} == {NOW}
    assert all(m.author_id == (None if m.role == "user" else ADA) for m in transcript.messages)


def test_greetings_become_siblings_under_a_message_without_words() -> None:
    data = chat(
        {"name": "Cara", "mes": "Hello", "swipes": ["Hi", "Hello"], "swipe_id": 1}, {"mes": "x", "is_user": True}
    )
    transcript = read(data, ADA, NOW)
    assert [(m.parent, m.role, m.content) for m in transcript.messages] == [
        (None, "system", ""),
        (0, "assistant", "Hi"),
        (0, "assistant", "Hello"),
        (2, "user", "x"),
    ]


@pytest.mark.parametrize(
    ("line", "contents", "shown"),
    [
        ({"mes": "edited", "swipes": ["a", "b"], "swipe_id": 0}, ["edited", "b"], "edited"),
        ({"mes": "b", "swipes": ["a", "b"], "swipe_id": 9}, ["a", "b"], "b"),
        ({"mes": "b", "swipes": ["a", "b"], "swipe_id": -1}, ["a", "b"], "b"),
        ({"mes": "c", "swipes": ["a", "b"]}, ["a", "b", "c"], "c"),
        ({"swipes": ["a", "b"], "swipe_id": 1}, ["a", "b"], "b"),
        ({"swipes": ["a", "b"], "swipe_id": 7}, ["a", "b"], "a"),
        ({"mes": "a", "swipes": None, "swipe_id": None}, ["a"], "a"),
    ],
)
def test_the_shown_swipe_is_found(line: dict[str, Any], contents: list[str], shown: str) -> None:
    transcript = read(chat({"mes": "before", "is_user": True}, line), ADA, NOW)
    assert [m.content for m in transcript.messages[1:]] == contents
    assert transcript.messages[transcript.head].content == shown


def test_what_sillytavern_hides_is_left_out_and_counted() -> None:
    transcript = read(chat({"mes": "a", "is_user": True}, {"mes": "b", "is_system": True}, {"mes": "c"}), ADA, NOW)
    assert [m.content for m in transcript.messages] == ["a", "c"]
    assert transcript.left_out == 1


def test_unknown_fields_blank_lines_and_a_byte_order_mark_do_not_matter() -> None:
    data = chat({"mes": "a", "is_user": True, "bias": {"x": [1]}, "gen_id": 5, "extra": {"model": "m", "y": []}})
    data = b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n\n")
    [message] = read(data, ADA, NOW).messages
    assert (message.content, message.model) == ("a", "m")


def test_half_an_emoji_is_cleaned() -> None:
    [message] = read(chat({"mes": "wave \ud83d!", "is_user": True}), ADA, NOW).messages
    assert message.content == "wave \ufffd!"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", ("empty", None)),
        (b"\n\n", ("empty", None)),
        (b"hello", ("broken", 1)),
        (b"\x89PNG\r\n", ("broken", 1)),
        (b"{}", ("format", None)),
        (b"[]", ("broken", 1)),
        (b'{"spec": "chara_card_v2", "data": {}}', ("format", None)),
        (chat(), ("empty", None)),
        (chat({"mes": "a"}, {"mes": 5}), ("broken", 3)),
        (chat({"mes": "a", "swipes": [1]}), ("broken", 2)),
        (chat({"mes": "a", "is_user": "yes"}), ("broken", 2)),
        (chat({"mes": "x" * (MAX_CHARACTERS + 1)}), ("text", 2)),
        (chat({"swipes": ["x"] * (MAX_MESSAGES + 1)}), ("many", None)),
        (chat(*[{"mes": "x"}] * (MAX_MESSAGES + 1)), ("many", None)),
        (b"\n" * (MAX_BYTES // 2), ("many", None)),
        (b"x" * (MAX_BYTES + 1), ("size", None)),
        (chat({"mes": "a", "extra": {"x": json.loads("[" * 300 + "]" * 300)}})[:-20], ("broken", 2)),
        (b'{"user_name": "a"}\n' + b'{"x":' * 100_000, ("broken", 2)),
        (b"[" * 100_000, ("broken", 1)),
        (b'{"mes": ' + b"9" * 5000 + b"}", ("broken", 1)),
        (b'{"mes": "a", "send_date": NaN}', ("broken", 1)),
        (b'{"mes": "\\ud83d", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", ("broken", 1)),
        (b'{"mes": "\\ud83d", "x": ' + b"9" * 5000 + b"}", ("broken", 1)),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_faults_of_chats_are_named_with_their_line(data: bytes, expected: tuple[str, int | None]) -> None:
    assert fault(data) == expected


@given(st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()))
def test_whatever_is_read_is_a_conversation_or_a_named_fault(data: bytes) -> None:
    _read_safely(data)


@given(
    st.sampled_from(["mes", "swipes", "swipe_id", "name", "is_user", "send_date", "extra", "user_name"]), json_values
)
def test_any_value_in_any_place_of_a_chat_is_read_or_refused(name: str, value: Any) -> None:
    _read_safely(chat({"mes": "a", "swipes": ["a"], name: value}, {"mes": "b"}))


@given(st.sampled_from(["id", "parent", "role", "author_id", "content", "state", "tokens", "created_at"]), json_values)
def test_any_value_in_any_place_of_our_json_is_read_or_refused(name: str, value: Any) -> None:
    _read_safely(ours({"id": "1"}, {"id": "2", "parent": "1", name: value}))


@given(st.integers(0, 2000), st.integers(1, 50), st.binary(max_size=20))
def test_a_damaged_file_is_read_or_refused(place: int, length: int, junk: bytes) -> None:
    messages = [stored(n, n - 1 or None, "user" if n % 2 else "assistant") for n in range(1, 8)]
    for data in (transcripts.to_json(messages, 7, NOW), transcripts.to_sillytavern(messages, {}, BOT)):
        _read_safely(data[:place] + junk + data[place + length :])


def _read_safely(data: bytes) -> None:
    try:
        transcript = read(data, ADA, NOW)
    except TranscriptError:
        return
    assert isinstance(transcript, Transcript)
    assert 0 <= transcript.head < len(transcript.messages) <= MAX_MESSAGES
    for place, message in enumerate(transcript.messages):
        assert message.parent is None or 0 <= message.parent < place
        assert message.created_at.tzinfo is not None
        message.content.encode()


# --- dates


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-03-01T12:00:00.000Z", NOW),
        ("2026-03-01T14:00:00+02:00", NOW),
        ("March 1, 2026 12:00pm", NOW),
        ("2026-03-01@12h00m00s", NOW),
        ("2026-3-1 @12h 0m 0s 5ms", NOW + timedelta(milliseconds=5)),
        (1772366400000, NOW),
        ("1772366400000", NOW),
        (None, None),
        ("", None),
        ("yesterday", None),
        ("2026-13-01@12h00m00s", None),
        ("9999-12-31T23:59:59-23:00", None),
        ("1" * 5000, None),
        (-1, None),
        (float("inf"), None),
        (float("nan"), None),
        (1e300, None),
    ],
)
def test_dates_of_all_versions_are_read(written: str | float | None, expected: datetime | None) -> None:
    assert parsed_date(written) == expected


@given(st.text(max_size=50) | st.floats() | st.integers())
def test_no_date_does_harm(written: str | float) -> None:
    found = parsed_date(written)
    assert found is None or found.tzinfo is UTC


# --- Markdown


def test_markdown_is_for_reading() -> None:
    path = [
        stored(1, None, "system", ""),
        stored(2, 1, content="one\n"),
        stored(3, 2, "assistant", "", state="deleted"),
        stored(4, 3, "assistant", "first"),
    ]
    assert transcripts.to_markdown(path, BOT).decode() == (
        "### Ada · 2026-03-01 12:00 UTC\n\none\n\n### Infermatic · 2026-03-01 12:00 UTC\n\nfirst\n"
    )
