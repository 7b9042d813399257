"""Streams over a socket: what is delivered, when, and how each way of going wrong is told."""

import asyncio
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infermatic_client import (
    APIStatusError,
    ChatDelta,
    InfermaticClient,
    Message,
    ResponseFormatError,
    Sampling,
    ServerError,
    StreamInterruptedError,
    Usage,
    _exchange,
    _sse,
)
from infermatic_client._assembly import ChatAssembly, CompletionAssembly
from infermatic_client._classify import error_from_frame
from infermatic_client._exchange import Exchange
from tests.infermatic_client.conftest import KEY
from tests.infermatic_client.loopback import (
    DONE,
    Loopback,
    Reply,
    chat_event,
    chat_events,
    error_reply,
    event,
    stream_reply,
)
from tests.infermatic_client.reading import rest_of, texts_of

HELLO = [Message("user", "Hello!")]


async def test_deltas_come_as_they_are_written(server: Loopback, client: InfermaticClient) -> None:
    more, end = asyncio.Event(), asyncio.Event()
    server.say(stream_reply([chat_event("One "), more, chat_event("two"), end, chat_event(finish="stop"), DONE]))
    async with client.stream_chat("m", HELLO) as stream:
        assert (await anext(stream)).text == "One "
        assert (stream.text, stream.finish_reason, stream.model) == ("One ", None, "a-model")
        more.set()
        assert (await anext(stream)).text == "two"
        assert stream.text == "One two"
        end.set()
        assert (await anext(stream)).finish_reason == "stop"
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
        with pytest.raises(StopAsyncIteration):
            await anext(stream)


async def test_the_text_never_runs_ahead_of_what_was_delivered(server: Loopback, client: InfermaticClient) -> None:
    server.say(stream_reply([b"".join(chat_events("a", "b", "c", "d"))]))  # all in one piece
    seen = ""
    async with client.stream_chat("m", HELLO) as stream:
        assert stream.text == ""
        async for delta in stream:
            seen += delta.text
            assert stream.text == seen
    assert seen == "abcd"


async def test_choices_are_told_apart_by_index(server: Loopback, client: InfermaticClient) -> None:
    def chunk(*choices: tuple[int, str]) -> bytes:
        return event({"id": "c-1", "choices": [{"index": at, "delta": {"content": text}} for at, text in choices]})

    server.say(stream_reply([chunk((0, "a")), chunk((1, "x"), (0, "b")), chunk((1, "y")), *chat_events()]))
    async with client.stream_chat("m", HELLO, sampling=Sampling(n=2)) as stream:
        deltas = [delta async for delta in stream]
    assert deltas == [
        ChatDelta("a", index=0),
        ChatDelta("x", index=1),
        ChatDelta("b", index=0),
        ChatDelta("y", index=1),
        ChatDelta(finish_reason="stop"),
    ]
    assert (stream.text, stream.text_of(1), stream.text_of(2)) == ("ab", "xy", "")


async def test_reasoning_is_kept_apart_and_think_tags_are_not_touched(
    server: Loopback, client: InfermaticClient
) -> None:
    def chunk(**delta: Any) -> bytes:
        return event({"id": "c-1", "choices": [{"index": 0, "delta": delta}]})

    pieces = [chunk(reasoning_content="Let me "), chunk(reasoning="think."), chunk(content="<think>x</think>Yes.")]
    server.say(stream_reply([*pieces, *chat_events()]))
    async with client.stream_chat("m", HELLO) as stream:
        deltas = [delta async for delta in stream]
    assert (stream.reasoning, stream.text) == ("Let me think.", "<think>x</think>Yes.")
    assert [delta.reasoning for delta in deltas] == ["Let me ", "think.", "", ""]


async def test_usage_comes_after_the_finish_and_zeros_do_not_count(server: Loopback, client: InfermaticClient) -> None:
    zero: dict[str, Any] = {"usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}}
    real: dict[str, Any] = {"usage": {"prompt_tokens": 4, "completion_tokens": 6, "total_tokens": 10}}
    pieces = [chat_event("Hi", **zero), chat_event(finish="stop", **zero), chat_event(**real), DONE]
    server.say(stream_reply(pieces))
    async with client.stream_chat("m", HELLO) as stream:
        assert [delta async for delta in stream][-1].finish_reason == "stop"
    assert stream.usage == Usage(4, 6, 10)


async def test_odd_but_harmless_events_are_passed_over(server: Loopback, client: InfermaticClient) -> None:
    pieces = [
        b": keep-alive\n\n",
        b"event: ping\ndata:\n\n",
        event({"id": "c-1", "choices": []}),
        event({"id": "c-1", "choices": [{"index": 0}]}),
        event({"id": "c-1", "choices": [{"index": 0, "delta": {"content": None, "tool_calls": [{"deep": [[]]}]}}]}),
        event({"something": "else"}),
        chat_event("Hi"),
        chat_event(finish="stop"),
        chat_event(finish="stop"),
        b"data:  [DONE] \n\n",
        b"data: not read any more\n\n",
    ]
    server.say(stream_reply(pieces))
    async with client.stream_chat("m", HELLO) as stream:
        deltas = [delta async for delta in stream]
    assert deltas == [ChatDelta("Hi"), ChatDelta(finish_reason="stop")]


async def test_text_that_utf8_cannot_carry_is_replaced(server: Loopback, client: InfermaticClient) -> None:
    pieces = [
        b'data: {"choices":[{"delta":{"content":"caf\xe9 "}}]}\n\n',
        b'data: {"choices":[{"delta":{"content":"half \\ud83d, whole \\ud83d\\ude00"}}]}\n\n',
        chat_event("line\u2028separator"),
    ]
    server.say(stream_reply([*pieces, *chat_events()]))
    assert (
        "".join(await texts_of(client.stream_chat("m", HELLO))) == "caf\ufffd half \ufffd, whole 😀line\u2028separator"
    )


async def test_a_stream_may_end_without_done_after_its_finish(server: Loopback, client: InfermaticClient) -> None:
    server.say(stream_reply([chat_event("Hi"), chat_event(finish="length")], framing="close"))
    async with client.stream_chat("m", HELLO) as stream:
        assert "".join([delta.text async for delta in stream]) == "Hi"
    assert stream.finish_reason == "length"


async def test_a_connection_left_open_after_done_is_not_waited_for(
    server: Loopback, client: InfermaticClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_exchange, "_SETTLE_SECONDS", 0.01)
    reply = stream_reply([*chat_events("Hi"), asyncio.Event()])
    reply.headers = [*reply.headers, ("x-litellm-call-id", "call-7")]
    server.say(reply)
    async with client.stream_chat("m", HELLO) as stream:
        assert stream.request_id == "call-7"
        assert [delta.text async for delta in stream] == ["Hi", ""]
        await server.until(lambda: server.open_connections == 0)


async def test_a_stream_of_nothing_but_done_is_empty(server: Loopback, client: InfermaticClient) -> None:
    server.say(stream_reply([DONE]))
    async with client.stream_chat("m", HELLO) as stream:
        assert [delta async for delta in stream] == []
    assert (stream.text, stream.finish_reason) == ("", None)


@pytest.mark.parametrize(("cut", "framing", "reason"), [(True, "chunked", "cut"), (False, "close", "no_finish")])
async def test_a_stream_that_ends_early_keeps_its_text(
    server: Loopback, client: InfermaticClient, cut: bool, framing: Any, reason: str
) -> None:
    server.say(stream_reply([chat_event("Once "), chat_event("upon")], cut=cut, framing=framing))
    with pytest.raises(StreamInterruptedError) as raised:
        await texts_of(client.stream_chat("m", HELLO))
    assert (raised.value.text, raised.value.reason, raised.value.error) == ("Once upon", reason, None)


async def test_what_came_before_a_cut_is_delivered_to_a_slow_reader(server: Loopback, client: InfermaticClient) -> None:
    go = asyncio.Event()
    server.say(stream_reply([chat_event("Once "), go, chat_event("upon "), chat_event("a time")], cut=True))
    async with client.stream_chat("m", HELLO) as stream:
        await anext(stream)
        go.set()
        await server.until(lambda: server.open_connections == 0)
        await asyncio.sleep(0.01)  # the cut has reached the client, which was not reading
        texts: list[str] = []
        with pytest.raises(StreamInterruptedError) as raised:
            await rest_of(stream, texts)
    assert texts == ["upon ", "a time"]
    assert raised.value.text == "Once upon a time"


async def test_an_error_frame_after_text_holds_the_error(server: Loopback, client: InfermaticClient) -> None:
    frame = {"error": {"message": f"It broke for {KEY}.", "type": None, "param": None, "code": "503"}}
    server.say(stream_reply([chat_event("Once "), event(frame)]))
    with pytest.raises(StreamInterruptedError) as raised:
        await texts_of(client.stream_chat("m", HELLO))
    error = raised.value.error
    assert isinstance(error, ServerError)
    assert (error.status_code, raised.value.text, raised.value.reason) == (503, "Once ", "error_frame")
    assert KEY not in str(raised.value) + str(error) + error.body


async def test_an_error_event_of_a_server_without_gateway_is_noticed(
    server: Loopback, client: InfermaticClient
) -> None:
    flat = {"object": "error", "message": "EngineCore died", "type": "InternalServerError", "code": 500}
    server.say(stream_reply([event(flat), DONE]))
    with pytest.raises(ServerError, match="EngineCore died"):
        await texts_of(client.stream_chat("m", HELLO))


async def test_a_made_up_finish_is_a_failure(server: Loopback, client: InfermaticClient) -> None:
    server.say(stream_reply([chat_event("Once "), chat_event(finish="stop", id_="c-2"), DONE]))
    with pytest.raises(StreamInterruptedError) as raised:
        await texts_of(client.stream_chat("m", HELLO))
    assert (raised.value.reason, raised.value.text) == ("made_up_finish", "Once ")


@pytest.mark.parametrize(
    "events",
    [
        [chat_event("a", id_="c-1"), chat_event("b", id_="c-2"), chat_event(finish="stop", id_="c-3")],
        [chat_event("a"), chat_event("b", finish="stop", id_="c-2")],
        [chat_event("a"), chat_event("b"), chat_event(finish="stop", id_="")],
        [chat_event("ab"), chat_event(finish="stop"), chat_event(finish="stop", id_="c-2")],
    ],
)
async def test_ids_that_tell_nothing_are_no_failure(
    server: Loopback, client: InfermaticClient, events: list[bytes]
) -> None:
    server.say(stream_reply([*events, DONE]))
    assert "".join(await texts_of(client.stream_chat("m", HELLO))) == "ab"


@pytest.mark.parametrize(
    "garbage", [b"data: {broken\n\n", b'data: {"choices": 5}\n\n', b"data: 5\n\n", b"data: " + b"[" * 9999 + b"\n\n"]
)
async def test_an_event_that_is_no_chunk_is_reported(
    server: Loopback, client: InfermaticClient, garbage: bytes
) -> None:
    server.say(stream_reply([chat_event("Once "), garbage]))
    with pytest.raises(ResponseFormatError) as raised:
        await texts_of(client.stream_chat("m", HELLO))
    assert raised.value.text == "Once "


@pytest.mark.parametrize("content_type", ["application/json", "text/html"])
async def test_an_answer_that_is_no_stream_is_reported(
    server: Loopback, client: InfermaticClient, content_type: str
) -> None:
    server.say(Reply(200, [("content-type", content_type)], [b"<html>hello"]))
    with pytest.raises(ResponseFormatError, match="no stream"):
        await texts_of(client.stream_chat("m", HELLO))


async def test_a_huge_line_is_reported_not_read_forever(
    server: Loopback, client: InfermaticClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_sse, "MAX_LINE_BYTES", 2000)
    server.say(stream_reply([chat_event("Once "), b"data: ", *[b"x" * 500] * 9, asyncio.Event()]))
    with pytest.raises(ResponseFormatError, match="line") as raised:
        await texts_of(client.stream_chat("m", HELLO))
    assert raised.value.text == "Once "
    await server.until(lambda: server.open_connections == 0)


async def test_an_endless_stream_ends_at_the_cap_of_bytes(
    server: Loopback, client: InfermaticClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_exchange, "MAX_ANSWER_BYTES", 5000)
    server.say(stream_reply([*[chat_event("more ") * 50] * 100, asyncio.Event()]))
    texts: list[str] = []
    with pytest.raises(ResponseFormatError, match="5000 bytes") as raised:
        await texts_of(client.stream_chat("m", HELLO), texts)
    assert raised.value.text == "".join(texts)
    assert 10 < len(texts) < 5000


async def test_a_status_error_is_raised_on_entering(server: Loopback, client: InfermaticClient) -> None:
    server.say(error_reply(404, "The model does not exist"))
    with pytest.raises(APIStatusError, match="404"):
        async with client.stream_chat("m", HELLO):
            pytest.fail("entered")


async def test_a_stream_is_used_once_and_entered_first(server: Loopback, client: InfermaticClient) -> None:
    server.say(stream_reply(chat_events("Hi")))
    stream = client.stream_chat("m", HELLO)
    assert "not open" in repr(stream)
    with pytest.raises(RuntimeError, match="enter"):
        await anext(stream)
    await texts_of(stream)
    assert (stream.text, repr(stream)) == ("Hi", "<ChatStream ended, 2 chunks>")
    with pytest.raises(RuntimeError, match="once"):
        await texts_of(stream)


async def test_one_connection_serves_many_streams(server: Loopback, client: InfermaticClient) -> None:
    server.say(stream_reply(chat_events("Hi")))
    for _ in range(5):
        await texts_of(client.stream_chat("m", HELLO))
    assert (server.connections, len(server.requests)) == (1, 5)


async def test_a_stream_faster_than_it_is_read_is_read_whole(server: Loopback, client: InfermaticClient) -> None:
    words = [f"{number} " for number in range(2000)]
    server.say(stream_reply(chat_events(*words)))
    assert await texts_of(client.stream_chat("m", HELLO)) == [*words, ""]


async def test_pieces_that_come_slowly_are_read_as_they_come(
    server: Loopback, client: InfermaticClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    gathered: list[str] = []

    async def gather(_: Exchange) -> None:
        gathered.append(stream.text)

    monkeypatch.setattr(Exchange, "_gather", gather)
    monkeypatch.setattr(_exchange, "_GATHER_SECONDS", 0.001)
    gates = [asyncio.Event() for _ in range(4)]
    slow = [piece for number, gate in enumerate(gates) for piece in (gate, chat_event(f"{number}"))]
    server.say(stream_reply([chat_event("fast "), chat_event("fast "), *slow, *chat_events()]))
    async with client.stream_chat("m", HELLO) as stream:
        reading = asyncio.create_task(rest_of(stream, []))
        for gate, so_far in zip(gates, ("fast fast ", "fast fast 0", "fast fast 01", "fast fast 012"), strict=True):
            await server.until(partial(lambda text: stream.text == text, so_far))
            await asyncio.sleep(0.005)  # the reader waits by now, and goes on waiting
            gate.set()
        await reading
    assert stream.text == "fast fast 0123"
    assert not {"fast fast 0", "fast fast 01", "fast fast 012"} & set(gathered)


async def test_text_streams_have_one_choice(server: Loopback, client: InfermaticClient) -> None:
    def chunk(**choice: Any) -> bytes:
        return event({"id": "t-1", "model": "a-model", "choices": [{"index": 0, **choice}]})

    server.say(stream_reply([chunk(text="Once "), chunk(text="upon"), chunk(finish_reason="length"), DONE]))
    async with client.stream_complete("m", "Tell:") as stream:
        deltas = [(delta.text, delta.finish_reason) async for delta in stream]
    assert deltas == [("Once ", None), ("upon", None), ("", "length")]
    assert (stream.text, stream.finish_reason) == ("Once upon", "length")
    assert server.requests[0].json["prompt"] == "Tell:"


chunks = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["choices", "delta", "content", "index", "finish_reason", "text", "usage", "id", "error"]),
        inner,
        max_size=4,
    ),
    max_leaves=8,
)  # fmt: skip


@settings(deadline=None, max_examples=100)
@given(st.lists(chunks, max_size=6), st.binary(max_size=20))
def test_any_events_give_deltas_or_a_failure_of_ours(events: list[Any], junk: bytes) -> None:
    for assembly in (ChatAssembly(error_from_frame), CompletionAssembly(error_from_frame)):
        for payload in [*(event(value)[6:-2] for value in events), junk]:
            try:
                delta = assembly.take(payload)
            except (APIStatusError, ResponseFormatError, StreamInterruptedError):
                continue
            assert delta is None or delta.text or delta.finish_reason or getattr(delta, "reasoning", "")
