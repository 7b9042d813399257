import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infermatic_client import _sse
from infermatic_client._sse import MAX_LINE_BYTES, SSEDecoder


def decode(*pieces: bytes) -> list[bytes]:
    decoder = SSEDecoder()
    return [data for piece in pieces for data in decoder.feed(piece)]


lines = st.one_of(
    st.sampled_from([b"", b"", b"data", b"data:", b"data: ", b": comment", b":", b"event: x", b"id: 1", b"retry: 5"]),
    st.builds(lambda text: b"data: " + text, st.binary(max_size=12).map(lambda data: data.translate(None, b"\r\n"))),
    st.builds(lambda text: b"data:" + text.encode(), st.text(alphabet="a \u2028\u2029\x85\x0b\x0c é日", max_size=6)),
)
newlines = st.sampled_from([b"\n", b"\r\n", b"\r"])
streams = st.lists(st.tuples(lines, newlines), max_size=30).map(lambda rows: b"".join(line + end for line, end in rows))


@st.composite
def split(draw: st.DrawFn, whole: st.SearchStrategy[bytes]) -> tuple[bytes, list[bytes]]:
    data = draw(whole)
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=20)))
    return data, [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]


@settings(deadline=None)
@given(split(streams))
def test_any_split_gives_the_events_of_one_piece(case: tuple[bytes, list[bytes]]) -> None:
    whole, pieces = case
    assert decode(*pieces) == decode(whole)


@settings(deadline=None)
@given(streams)
def test_byte_by_byte_gives_the_events_of_one_piece(whole: bytes) -> None:
    assert decode(*(whole[at : at + 1] for at in range(len(whole)))) == decode(whole)


@settings(deadline=None)
@given(st.lists(st.tuples(lines, newlines), max_size=30))
def test_every_style_of_newline_means_the_same(rows: list[tuple[bytes, bytes]]) -> None:
    # A CR followed by an empty line's LF would read as one CRLF, so a mix never puts LF after CR.
    ends = [end for _, end in rows]
    mixed = [b"\r\n" if end == b"\n" and b"\r" in ends else end for end in ends]
    styles = [b"".join(line + end for line, end in zip((line for line, _ in rows), mixed, strict=True))]
    styles += [b"".join(line + end for line, _ in rows) for end in (b"\n", b"\r\n", b"\r")]
    assert len({tuple(decode(style)) for style in styles}) == 1


@settings(deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=40), max_size=10))
def test_any_bytes_are_taken_without_an_error(pieces: list[bytes]) -> None:
    assert all(isinstance(data, bytes) for data in decode(*pieces))


@settings(deadline=None)
@given(st.lists(st.lists(st.text(max_size=10), min_size=1, max_size=4), max_size=6))
def test_what_was_written_is_read(events: list[list[str]]) -> None:
    written = [[json.dumps(line, ensure_ascii=False).encode() for line in event] for event in events]
    wire = b"".join(b"".join(b"data: " + line + b"\n" for line in event) + b"\n" for event in written)
    assert decode(wire) == [b"\n".join(event) for event in written]


@pytest.mark.parametrize(
    ("wire", "events"),
    [
        (b"data: YHOO\ndata: +2\ndata: 10\n\n", [b"YHOO\n+2\n10"]),
        (b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event", [
            b"first event", b"second event",
        ]),
        (b"data\n\ndata\ndata\n\ndata:", [b"", b"\n"]),
        (b"data:test\n\ndata: test\n\n", [b"test", b"test"]),
    ],
)  # fmt: skip
def test_the_specifications_examples(wire: bytes, events: list[bytes]) -> None:
    assert decode(wire) == events


def test_a_line_separator_inside_json_does_not_end_a_line() -> None:
    text = json.dumps({"text": "a\u2028b\x85c"}, ensure_ascii=False).encode()
    assert decode(b"data: " + text + b"\n\n") == [text]


def test_invalid_utf8_passes_through() -> None:
    assert decode(b"data: \xff\xfe\x80\n\n") == [b"\xff\xfe\x80"]


def test_a_byte_order_mark_is_dropped_once_however_it_is_split() -> None:
    assert decode(b"\xef", b"\xbb", b"\xbfdata: x\n\n") == [b"x"]
    assert decode(b"data: x\n\n\xef\xbb\xbfdata: y\n\n") == [b"x"]


def test_a_crlf_split_between_its_bytes_is_one_newline() -> None:
    assert decode(b"data: x\r", b"\n\r", b"\ndata: y\r\n\r\n") == [b"x", b"y"]


def test_an_event_without_its_blank_line_is_dropped() -> None:
    assert decode(b"data: x\n\ndata: half\n") == [b"x"]


@settings(deadline=None)
@given(split(st.sampled_from([b"data: ", b": ", b"junk", b"data\n" * 10]).map(lambda start: start * 30 + b"\n\n")))
def test_a_line_over_the_cap_ends_the_reading_at_any_split(case: tuple[bytes, list[bytes]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_sse, "MAX_LINE_BYTES", 20)
        decoder = SSEDecoder()
        events = [data for piece in [b"data: ok\n\n", *case[1], b"data: no\n\n"] for data in decoder.feed(piece)]
    assert decoder.overflowed
    assert events == [b"ok"]


def test_a_line_just_under_the_cap_is_read() -> None:
    line = b"data: " + b"x" * (MAX_LINE_BYTES - 6)
    pieces = [line[at : at + 65536] for at in range(0, len(line), 65536)]
    assert decode(*pieces, b"\n\n") == [line[6:]]
    decoder = SSEDecoder()
    assert [decoder.feed(piece) for piece in [*pieces, b"x\n\n"]] == [[]] * (len(pieces) + 1)
    assert decoder.overflowed
