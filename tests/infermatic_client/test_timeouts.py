"""The client's own time-outs, each told by its phase."""

import asyncio

import aiohttp
import pytest
from aiohttp.abc import ResolveResult
from aiohttp.resolver import ThreadedResolver

from infermatic_client import APITimeoutError, InfermaticClient, Message, Timeouts
from tests.infermatic_client.conftest import KEY
from tests.infermatic_client.loopback import Loopback, Reply, chat_event, chat_events, stream_reply
from tests.infermatic_client.reading import texts_of

HELLO = [Message("user", "Hello!")]
SLOW_START = Timeouts(first_byte_seconds=0.05)
SILENCE = Timeouts(between_chunks_seconds=0.05)


@pytest.mark.parametrize("pieces", [[], [chat_event("")]])
async def test_a_slow_first_word_is_a_time_out(server: Loopback, pieces: list[bytes]) -> None:
    server.say(stream_reply([*pieces, asyncio.Event()]))
    async with InfermaticClient(KEY, server.url, timeout=SLOW_START) as client:
        with pytest.raises(APITimeoutError) as raised:
            await texts_of(client.stream_chat("m", HELLO))
        await server.until(lambda: server.open_connections == 0)
    assert (raised.value.phase, raised.value.seconds, raised.value.text) == ("first_byte", 0.05, "")
    assert len(server.requests) == 1


async def test_slow_headers_are_a_time_out(server: Loopback) -> None:
    server.say(Reply(before_headers=asyncio.Event()))
    async with InfermaticClient(KEY, server.url, timeout=SLOW_START) as client:
        for call in (texts_of(client.stream_chat("m", HELLO)), client.models(), client.embed("m", "x")):
            with pytest.raises(APITimeoutError) as raised:
                await call
            assert raised.value.phase == "first_byte"
    await server.until(lambda: server.hung_up == 3)


async def test_silence_in_a_stream_is_a_time_out_that_keeps_the_text(server: Loopback) -> None:
    server.say(stream_reply([chat_event("Once "), asyncio.Event()]))
    async with InfermaticClient(KEY, server.url, timeout=SILENCE) as client:
        with pytest.raises(APITimeoutError) as raised:
            await texts_of(client.stream_chat("m", HELLO))
        await server.until(lambda: server.open_connections == 0)
    assert (raised.value.phase, raised.value.seconds, raised.value.text) == ("between_chunks", 0.05, "Once ")


async def test_a_reader_that_takes_its_time_is_no_silence(server: Loopback) -> None:
    server.say(stream_reply(chat_events("Once ", "upon")))
    client = InfermaticClient(KEY, server.url, timeout=Timeouts(between_chunks_seconds=0.02))
    async with client, client.stream_chat("m", HELLO) as stream:
        await anext(stream)
        await asyncio.sleep(0.06)
        assert (await anext(stream)).text == "upon"


async def test_a_stream_that_never_falls_silent_ends_at_the_total(server: Loopback) -> None:
    beats = [piece for _ in range(40) for piece in (chat_event("."), asyncio.Event())]

    async def beat() -> None:
        for piece in beats:
            if isinstance(piece, asyncio.Event):
                await asyncio.sleep(0.02)
                piece.set()

    server.say(stream_reply(beats))
    limits = Timeouts(total_seconds=0.5)
    beating = asyncio.create_task(beat())
    async with InfermaticClient(KEY, server.url, timeout=limits) as client:
        with pytest.raises(APITimeoutError) as raised:
            await texts_of(client.stream_chat("m", HELLO))
    assert raised.value.phase == "total"
    assert 2 < len(raised.value.text) < 40
    await beating


async def test_a_whole_answer_has_the_total_time(server: Loopback) -> None:
    server.say(Reply(pieces=[b'{"choices"', asyncio.Event()], framing="chunked"))
    async with InfermaticClient(KEY, server.url, timeout=0.05) as client:
        with pytest.raises(APITimeoutError) as raised:
            await client.chat("m", HELLO)
    assert raised.value.phase == "total"
    await server.until(lambda: server.open_connections == 0)


async def test_connecting_has_its_own_time() -> None:
    class Slow(ThreadedResolver):
        async def resolve(self, host: str, *_: object, **__: object) -> list[ResolveResult]:
            await asyncio.Event().wait()
            return []

    timeouts = Timeouts(connect_seconds=0.05)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=Slow())) as session:
        client = InfermaticClient(KEY, "http://a-host.invalid", session=session, timeout=timeouts, max_retries=0)
        with pytest.raises(APITimeoutError) as raised:
            await client.models()
    assert (raised.value.phase, raised.value.seconds) == ("connect", 0.05)
