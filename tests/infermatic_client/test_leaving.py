"""Callers who leave early: connections, tasks and slots come back, and the server's own holding is respected."""

import asyncio
import math
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from infermatic_client import (
    APITimeoutError,
    InfermaticClient,
    KeyLimits,
    Message,
    ResponseFormatError,
    Sampling,
    ServerError,
    StreamInterruptedError,
    Timeouts,
    _drains,
)
from infermatic_client._drains import expected_seconds
from tests.infermatic_client.conftest import KEY
from tests.infermatic_client.loopback import (
    DONE,
    Loopback,
    Piece,
    Reply,
    chat_event,
    chat_events,
    chat_reply,
    error_reply,
    stream_reply,
)
from tests.infermatic_client.reading import texts_of

HELLO = [Message("user", "Hello!")]
SHORT = Sampling(max_tokens=100)
LONG = Sampling(max_tokens=100_000)


@pytest.mark.parametrize(
    ("max_tokens", "chunks", "elapsed", "seconds"),
    [
        (None, 50, 1.0, math.inf),
        (400, 0, 0.0, 20.0),  # no speed yet: 20 tokens a second are assumed
        (400, 4, 0.001, 19.8),
        (400, 100, 2.0, 6.0),
        (400, 500, 2.0, 0.0),
    ],
)
def test_the_rest_of_a_stream_is_estimated(max_tokens: int | None, chunks: int, elapsed: float, seconds: float) -> None:
    assert expected_seconds(max_tokens, chunks, elapsed) == pytest.approx(seconds)


@asynccontextmanager
async def limited_client(server: Loopback, limits: KeyLimits | None) -> AsyncIterator[InfermaticClient]:
    """A client that must leave no task behind."""
    before = asyncio.all_tasks()
    async with InfermaticClient(KEY, server.url, limits=limits, max_retries=0) as client:
        yield client
    ours = {task for task in asyncio.all_tasks() - before if (task.get_name() or "").startswith("infermatic")}
    assert not ours


async def one_chunk_and_leave(client: InfermaticClient, sampling: Sampling | None) -> None:
    async with client.stream_chat("m", HELLO, sampling=sampling) as stream:
        async for _ in stream:
            break


async def cancelled_after_one_chunk(client: InfermaticClient, sampling: Sampling | None) -> None:
    first = asyncio.Event()

    async def read() -> None:
        async with client.stream_chat("m", HELLO, sampling=sampling) as stream:
            async for _ in stream:
                first.set()

    await cancelled(read(), first.wait)


async def cancelled(work: Awaitable[object], when: Callable[[], Awaitable[object]]) -> None:
    task = asyncio.ensure_future(work)
    await when()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


LEAVING = [one_chunk_and_leave, cancelled_after_one_chunk]
Leaving = Callable[[InfermaticClient, Sampling | None], Awaitable[None]]


@pytest.mark.parametrize("leave", LEAVING)
@pytest.mark.parametrize("limits", [None, KeyLimits(12, None)])
async def test_without_a_parallel_limit_the_connection_is_closed_at_once(
    server: Loopback, leave: Leaving, limits: KeyLimits | None
) -> None:
    server.say(stream_reply([chat_event("Once "), asyncio.Event()]))
    async with limited_client(server, limits) as client:
        await leave(client, SHORT)
        await server.until(lambda: server.hung_up == 1 and server.open_connections == 0)
        assert limits is None or limits.in_flight == 0


@pytest.mark.parametrize("leave", LEAVING)
async def test_the_rest_is_read_silently_and_the_slot_is_taken_until_its_end(server: Loopback, leave: Leaving) -> None:
    end = asyncio.Event()
    server.say(
        stream_reply([chat_event("Once "), end, *chat_events("upon", "a time")]), stream_reply(chat_events("New"))
    )
    limits = KeyLimits(12, 1)
    async with limited_client(server, limits) as client:
        await leave(client, SHORT)
        assert (limits.in_flight, limits.try_acquire()) == (1, None)
        next_one = asyncio.create_task(texts_of(client.stream_chat("m", HELLO)))
        end.set()
        assert "".join(await next_one) == "New"
    assert (server.hung_up, server.connections) == (0, 1)  # nobody hung up, and the connection was used again
    assert limits.in_flight == 0


@pytest.mark.parametrize("leave", LEAVING)
@pytest.mark.parametrize("sampling", [LONG, None])
async def test_a_rest_too_long_to_read_holds_the_slot_for_a_minute(
    server: Loopback, leave: Leaving, sampling: Sampling | None
) -> None:
    server.say(stream_reply([chat_event("Once "), asyncio.Event()]))
    limits = KeyLimits(12, 1)
    async with limited_client(server, limits) as client:
        await leave(client, sampling)
        await server.until(lambda: server.hung_up == 1)
    assert 50 < limits.seconds_until_free() <= 60


async def test_a_stream_left_after_its_finish_is_read_to_its_end(server: Loopback) -> None:
    server.say(stream_reply([chat_event("Once."), chat_event(finish="stop"), DONE]))
    limits = KeyLimits(12, 1)
    async with limited_client(server, limits) as client:
        async with client.stream_chat("m", HELLO) as stream:
            async for delta in stream:
                if delta.finish_reason:
                    break
        await server.until(lambda: limits.in_flight == 0)
    assert limits.seconds_until_free() == 0.0


async def test_a_rest_that_takes_longer_than_expected_holds_the_slot(
    server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_drains, "DRAIN_SECONDS", 0.02)
    server.say(stream_reply([chat_event("Once "), asyncio.Event()]))
    limits = KeyLimits(12, 1)
    async with limited_client(server, limits) as client:
        await one_chunk_and_leave(client, SHORT)
        await server.until(lambda: server.open_connections == 0)
        await server.until(lambda: limits.seconds_until_free() < math.inf)
    assert 50 < limits.seconds_until_free() <= 60


async def test_a_rest_that_breaks_off_frees_the_slot(server: Loopback) -> None:
    end = asyncio.Event()
    server.say(stream_reply([chat_event("Once "), end], cut=True))
    limits = KeyLimits(12, 1)
    async with limited_client(server, limits) as client:
        await one_chunk_and_leave(client, SHORT)
        end.set()
        await server.until(lambda: limits.in_flight == 0)


async def test_closing_the_client_ends_the_background_reading(server: Loopback) -> None:
    server.say(stream_reply([chat_event("Once "), asyncio.Event()]))
    limits = KeyLimits(12, 2)
    async with limited_client(server, limits) as client:
        await one_chunk_and_leave(client, SHORT)
        await one_chunk_and_leave(client, SHORT)
    assert limits.in_flight == 2  # the server holds them
    assert 50 < limits.seconds_until_free() <= 60
    await server.until(lambda: server.open_connections == 0)


async def test_closing_the_client_wakes_whoever_reads(server: Loopback) -> None:
    server.say(stream_reply([chat_event("Once "), asyncio.Event()]))
    client = InfermaticClient(KEY, server.url)
    texts: list[str] = []
    reading = asyncio.create_task(texts_of(client.stream_chat("m", HELLO), texts))
    await server.until(lambda: bool(texts))
    await client.close()
    with pytest.raises(StreamInterruptedError):
        await asyncio.wait_for(reading, 15)


Call = Callable[[InfermaticClient], Awaitable[object]]
WHOLE: Call = lambda client: client.chat("m", HELLO, sampling=SHORT)  # noqa: E731 -- one of two alike
STREAM: Call = lambda client: texts_of(client.stream_chat("m", HELLO, sampling=SHORT))  # noqa: E731
LONG_STREAM: Call = lambda client: texts_of(client.stream_chat("m", HELLO, sampling=LONG))  # noqa: E731


@pytest.mark.parametrize("call", [WHOLE, STREAM])
async def test_cancelled_before_the_answer_closes_the_connection_without_limits(server: Loopback, call: Call) -> None:
    server.say(Reply(before_headers=asyncio.Event()))
    async with limited_client(server, None) as client:
        await cancelled(call(client), lambda: server.until(lambda: len(server.requests) == 1))
        await server.until(lambda: server.hung_up == 1)


@pytest.mark.parametrize("call", [WHOLE, STREAM])
async def test_cancelled_before_the_answer_keeps_the_slot_until_it_came(server: Loopback, call: Call) -> None:
    answer = asyncio.Event()
    reply = chat_reply() if call is WHOLE else stream_reply(chat_events("Hi"))
    reply.before_headers = answer
    server.say(reply)
    limits = KeyLimits(12, 1)
    async with limited_client(server, limits) as client:
        await cancelled(call(client), lambda: server.until(lambda: len(server.requests) == 1))
        assert limits.in_flight == 1
        answer.set()
        await server.until(lambda: limits.in_flight == 0)
    assert (server.hung_up, limits.seconds_until_free()) == (0, 0.0)


async def test_cancelled_before_a_long_stream_holds_the_slot(server: Loopback) -> None:
    server.say(Reply(before_headers=asyncio.Event()))
    limits = KeyLimits(12, 1)
    async with limited_client(server, limits) as client:
        await cancelled(LONG_STREAM(client), lambda: server.until(lambda: len(server.requests) == 1))
        await server.until(lambda: server.hung_up == 1)
    assert 50 < limits.seconds_until_free() <= 60


async def test_cancelled_in_line_takes_no_slot(server: Loopback) -> None:
    limits = KeyLimits(1, 1)
    slot = limits.try_acquire()
    async with limited_client(server, limits) as client:
        await cancelled(client.chat("m", HELLO), lambda: asyncio.sleep(0.01))
        assert slot is not None
        slot.give_back()
        assert limits.seconds_until_free() == 0.0
    assert server.requests == []


async def test_cancelled_between_two_tries_releases_the_slot(server: Loopback) -> None:
    server.say(error_reply(503, "Busy", headers={"retry-after": "30"}))
    limits = KeyLimits(12, 1)
    async with InfermaticClient(KEY, server.url, limits=limits, max_retries=1) as client:

        async def in_the_pause() -> None:
            await server.until(lambda: len(server.requests) == 1)
            await asyncio.sleep(0.02)

        await cancelled(client.chat("m", HELLO), in_the_pause)
    assert limits.seconds_until_free() == 0.0


async def test_a_time_out_holds_the_slot_because_the_server_goes_on(server: Loopback) -> None:
    pieces: list[Piece] = [chat_event("Once "), asyncio.Event()]
    timeouts = Timeouts(first_byte_seconds=0.05, between_chunks_seconds=0.03, total_seconds=5)
    for reply in (stream_reply(pieces), stream_reply([asyncio.Event()])):
        server.say(reply)
        limits = KeyLimits(12, 1)
        async with InfermaticClient(KEY, server.url, limits=limits, timeout=timeouts) as client:
            with pytest.raises(APITimeoutError):
                await texts_of(client.stream_chat("m", HELLO))
        assert 50 < limits.seconds_until_free() <= 60


@pytest.mark.parametrize(
    "reply",
    [
        stream_reply([chat_event("Once ")], cut=True),
        stream_reply([chat_event("Once "), b'data: {"error": {"message": "x", "code": "500"}}\n\n']),
        stream_reply([chat_event("Once "), chat_event(finish="stop", id_="c-2"), DONE]),
        stream_reply(chat_events("Once ")),
        error_reply(500, "Broken"),
    ],
)
async def test_an_answer_that_ended_frees_the_slot_however_it_ended(server: Loopback, reply: Reply) -> None:
    server.say(reply)
    limits = KeyLimits(12, 1)
    async with limited_client(server, limits) as client:
        with suppress(StreamInterruptedError, ServerError):
            await texts_of(client.stream_chat("m", HELLO, slot=limits.try_acquire()))
        assert limits.seconds_until_free() == 0.0


async def test_an_answer_the_client_gave_up_reading_holds_the_slot(server: Loopback) -> None:
    server.say(stream_reply([chat_event("Once "), b"data: {broken\n\n", asyncio.Event()]))
    limits = KeyLimits(12, 1)
    async with limited_client(server, limits) as client:
        with pytest.raises(ResponseFormatError):
            await texts_of(client.stream_chat("m", HELLO))
    assert 50 < limits.seconds_until_free() <= 60


async def test_a_call_on_a_closed_client_releases_its_slot(server: Loopback) -> None:
    limits = KeyLimits(12, 1)
    client = InfermaticClient(KEY, server.url, limits=limits)
    await client.close()
    for call in (client.chat("m", HELLO, slot=limits.try_acquire()), texts_of(client.stream_chat("m", HELLO))):
        with pytest.raises(RuntimeError, match="closed"):
            await call
        assert limits.in_flight == 0


async def test_a_hundred_cancelled_callers_leave_nothing(server: Loopback) -> None:
    never = asyncio.Event()
    server.script = lambda _: stream_reply([chat_event("Once "), never, *chat_events("upon")])
    limits = KeyLimits(None, 4)
    async with limited_client(server, limits) as client:
        callers = [asyncio.create_task(texts_of(client.stream_chat("m", HELLO, sampling=SHORT))) for _ in range(100)]
        for turn, caller in enumerate(callers):
            await asyncio.sleep(0 if turn % 3 else 0.002)
            caller.cancel()
        await asyncio.gather(*callers, return_exceptions=True)
        never.set()
        await server.until(lambda: limits.in_flight == 0)
        assert limits.seconds_until_free() == 0.0
    await server.until(lambda: server.open_connections == 0)


async def test_a_cancelled_request_is_not_seen_out_when_everything_is_cancelled(server: Loopback) -> None:
    server.say(Reply(before_headers=asyncio.Event()))
    limits = KeyLimits(12, 1)
    async with limited_client(server, limits) as client:
        calling = asyncio.create_task(client.chat("m", HELLO))
        await server.until(lambda: len(server.requests) == 1)
        (sending,) = [task for task in asyncio.all_tasks() if task.get_name() == "infermatic-request"]
        for task in (calling, sending):  # what asyncio.run does at the end of a program
            task.cancel()
        await asyncio.gather(calling, sending, return_exceptions=True)
        assert len(client._sender.drains) == 0
    assert 50 < limits.seconds_until_free() <= 60


def test_a_program_that_ends_in_the_middle_leaves_no_task_pending(caplog: pytest.LogCaptureFixture) -> None:
    silent = socket.create_server(("127.0.0.1", 0))  # accepts connections and never answers
    url = f"http://127.0.0.1:{silent.getsockname()[1]}"

    async def program() -> None:
        async def work() -> None:
            async with InfermaticClient(KEY, url, limits=KeyLimits(12, 2)) as client:
                await client.chat("m", HELLO)

        running = asyncio.create_task(work())
        await asyncio.sleep(0.02)
        assert not running.done()

    with silent:
        asyncio.run(program())
    assert not [record for record in caplog.records if record.name == "asyncio"]
