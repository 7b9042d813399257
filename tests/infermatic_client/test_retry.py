import asyncio
import time
from collections.abc import Callable

import aiohttp
import pytest
from aiohttp.abc import ResolveResult
from aiohttp.resolver import ThreadedResolver

from infermatic_client import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    InfermaticClient,
    InfermaticError,
    KeyLimits,
    Message,
    RateLimitError,
    ResponseFormatError,
    ServerError,
    StreamInterruptedError,
    _limits,
)
from infermatic_client._retry import Tries
from tests.infermatic_client.conftest import KEY
from tests.infermatic_client.loopback import (
    DONE,
    Loopback,
    Reply,
    chat_event,
    chat_events,
    chat_reply,
    error_reply,
    event,
    json_reply,
    stream_reply,
)
from tests.infermatic_client.reading import texts_of

HELLO = [Message("user", "Hello!")]
PARALLEL = "Rate limit exceeded for api_key: x. Limit type: max_parallel_requests. Current limit: 1, Remaining: 0."
REQUESTS = "Rate limit exceeded for api_key: x. Limit type: requests. Current limit: 12, Remaining: 0."


def server_error(status: int, retry_after: float | None = None) -> ServerError:
    return ServerError(status_code=status, retry_after=retry_after)


def suspected() -> ServerError:
    error = server_error(500)
    error.system_prompt_suspected = True
    return error


def limited(limit_type: str | None, retry_after: float | None = None) -> RateLimitError:
    error = RateLimitError(status_code=429, retry_after=retry_after)
    error.limit_type = limit_type
    return error


@pytest.mark.parametrize(
    "error",
    [
        *(server_error(status) for status in (500, 502, 503, 504)),
        limited(None),
        APIConnectionError("refused"),
        APITimeoutError(phase="connect"),
        StreamInterruptedError(reason="cut"),
    ],
)
def test_what_may_pass_is_tried_as_often_as_allowed_after_half_a_second_to_eight(error: InfermaticError) -> None:
    for draw, pauses in {min: [0.5] * 6, max: [1.0, 2.0, 4.0, 8.0, 8.0, 8.0]}.items():
        tries = Tries(6, uniform=draw)
        assert [tries.pause_after(error) for _ in range(7)] == [*pauses, None]


@pytest.mark.parametrize(
    "error",
    [
        server_error(401),
        server_error(408),
        server_error(501),
        suspected(),
        BadRequestError(status_code=400),
        APIStatusError(status_code=404),
        AuthenticationError(status_code=400),
        ResponseFormatError("no JSON"),
        APITimeoutError(phase="first_byte"),
        APITimeoutError(phase="total"),
    ],
)
def test_what_will_not_pass_is_not_tried_again(error: InfermaticError) -> None:
    assert Tries(6).pause_after(error) is None


def test_a_key_level_401_is_tried_once_more() -> None:
    tries = Tries(6)
    assert tries.pause_after(AuthenticationError(status_code=401)) == 1.0
    assert tries.pause_after(AuthenticationError(status_code=401)) is None
    assert Tries(0).pause_after(AuthenticationError(status_code=401)) is None


@pytest.mark.parametrize(
    ("error", "pause"),
    [
        (server_error(503, 12.5), 12.5),
        (limited(None, 0.0), 0.0),
        (limited("requests", 60.0), 60.0),
        (limited("requests", 61.0), None),
        (limited("max_parallel_requests", 60.0), 5.0),
    ],
)
def test_retry_after_is_obeyed_up_to_a_minute(error: InfermaticError, pause: float | None) -> None:
    assert Tries(1).pause_after(error) == pause


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
async def test_one_retry_is_enough_for_a_passing_failure(server: Loopback, status: int) -> None:
    server.say(error_reply(status, "Busy"), chat_reply("Here."))
    async with InfermaticClient(KEY, server.url) as client:
        assert (await client.chat("m", HELLO)).text == "Here."
    assert len(server.requests) == 2
    assert server.requests[0].body == server.requests[1].body


@pytest.mark.usefixtures("quick_retries")
async def test_the_last_failure_is_raised(server: Loopback) -> None:
    server.say(error_reply(503, "Busy"), error_reply(502, "Still busy"))
    async with InfermaticClient(KEY, server.url) as client:
        with pytest.raises(ServerError, match="502: Still busy"):
            await client.chat("m", HELLO)
    assert len(server.requests) == 2


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize(
    ("status", "message"),
    [(400, "Wrong"), (403, "No"), (404, "Nothing"), (408, "litellm.Timeout"), (422, "Wrong")],
)
async def test_a_refusal_costs_one_request(server: Loopback, status: int, message: str) -> None:
    server.say(error_reply(status, message))
    async with InfermaticClient(KEY, server.url, max_retries=3) as client:
        with pytest.raises(APIStatusError):
            await client.chat("m", HELLO)
    assert len(server.requests) == 1


@pytest.mark.usefixtures("quick_retries")
async def test_a_key_that_fails_now_and_then_is_tried_once_more(server: Loopback) -> None:
    refusal = error_reply(401, "Authentication Error, not found in db", "token_not_found_in_db")
    server.say(refusal, chat_reply("Here."), refusal)
    async with InfermaticClient(KEY, server.url, max_retries=3) as client:
        assert (await client.chat("m", HELLO)).text == "Here."
        with pytest.raises(AuthenticationError):
            await client.chat("m", HELLO)
    assert len(server.requests) == 4


@pytest.mark.usefixtures("quick_retries")
async def test_a_connection_refused_or_reset_is_tried_again(server: Loopback, unused_tcp_port: int) -> None:
    server.say(Reply(raw_head=b"", framing="close"), chat_reply("Here."))
    async with InfermaticClient(KEY, server.url) as client:
        assert (await client.chat("m", HELLO)).text == "Here."
    async with InfermaticClient(KEY, f"http://127.0.0.1:{unused_tcp_port}") as client:
        with pytest.raises(APIConnectionError):
            await client.chat("m", HELLO)


class NoSuchHost(ThreadedResolver):
    """Knows no host, without asking anyone."""

    asked = 0

    async def resolve(self, host: str, *_: object, **__: object) -> list[ResolveResult]:
        self.asked += 1
        raise OSError(f"no such host: {host}")


@pytest.mark.usefixtures("quick_retries")
async def test_a_host_that_is_not_found_is_looked_for_again() -> None:
    resolver = NoSuchHost()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=resolver)) as session:
        client = InfermaticClient(KEY, "http://a-host.invalid", session=session)
        with pytest.raises(APIConnectionError, match=r"a-host\.invalid"):
            await client.models()
    assert resolver.asked == 2


FIRST_FAILURES: dict[str, Callable[[], Reply]] = {
    "status": lambda: error_reply(503, "Busy"),
    "error frame": lambda: stream_reply([event({"error": {"message": "It broke.", "code": "500"}})]),
    "error frame after the role": lambda: stream_reply([chat_event(""), event({"error": {"message": "x"}})]),
    "made-up finish": lambda: stream_reply([chat_event(""), chat_event(finish="stop", id_="c-2"), DONE]),
    "cut": lambda: stream_reply([chat_event("")], cut=True),
    "no finish": lambda: stream_reply([chat_event("")], framing="close"),
    "nothing": lambda: stream_reply([]),
}


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize("failure", FIRST_FAILURES)
async def test_a_stream_that_fails_before_its_first_words_is_tried_again(server: Loopback, failure: str) -> None:
    server.say(FIRST_FAILURES[failure](), stream_reply(chat_events("Here.")))
    async with InfermaticClient(KEY, server.url) as client:
        assert "".join(await texts_of(client.stream_chat("m", HELLO))) == "Here."
    assert len(server.requests) == 2


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize(
    "rest",
    [
        [event({"error": {"message": "It broke.", "code": "500"}})],
        [chat_event(finish="stop", id_="c-2"), DONE],
        [],
    ],
)
async def test_a_stream_that_fails_after_its_first_words_is_not(server: Loopback, rest: list[bytes]) -> None:
    server.say(stream_reply([chat_event("Once "), *rest]))
    async with InfermaticClient(KEY, server.url, max_retries=3) as client:
        with pytest.raises(StreamInterruptedError) as raised:
            await texts_of(client.stream_chat("m", HELLO))
    assert raised.value.text == "Once "
    assert len(server.requests) == 1


@pytest.mark.usefixtures("quick_retries")
async def test_each_retry_counts_against_the_minute(server: Loopback) -> None:
    server.say(error_reply(503, "Busy"))
    limits = KeyLimits(2, 1)
    async with InfermaticClient(KEY, server.url, max_retries=5, limits=limits) as client:
        slot = limits.try_acquire()
        with pytest.raises(ServerError):
            await client.chat("m", HELLO, slot=slot)
    assert len(server.requests) == 2  # the minute had no third
    assert limits.in_flight == 0
    assert limits.seconds_until_free() > 50


async def test_a_minute_limit_pauses_the_key_and_is_reported_with_a_given_slot(server: Loopback) -> None:
    server.say(error_reply(429, REQUESTS, headers={"retry-after": "42"}))
    limits = KeyLimits(12, 2)
    async with InfermaticClient(KEY, server.url, max_retries=5, limits=limits) as client:
        with pytest.raises(RateLimitError) as raised:
            await client.chat("m", HELLO, slot=limits.try_acquire())
    assert (raised.value.limit_type, raised.value.retry_after) == ("requests", 42.0)
    assert 35 < limits.paused_seconds <= 42
    assert (len(server.requests), limits.in_flight) == (1, 0)


async def test_a_minute_limit_without_retry_after_says_how_long_the_key_pauses(server: Loopback) -> None:
    server.say(error_reply(429, REQUESTS))
    limits = KeyLimits()
    async with InfermaticClient(KEY, server.url, limits=limits) as client:
        with pytest.raises(RateLimitError) as raised:
            await client.complete("m", "x", slot=limits.try_acquire())
    assert raised.value.retry_after == 60.0
    assert limits.paused_seconds > 50


async def test_without_a_slot_the_client_waits_and_tries_again(server: Loopback) -> None:
    server.say(error_reply(429, REQUESTS, headers={"retry-after-ms": "30"}), chat_reply("Here."))
    limits, waits = KeyLimits(12, 1), list[float]()
    async with InfermaticClient(KEY, server.url, max_retries=0, limits=limits, on_wait=waits.append) as client:
        assert (await client.chat("m", HELLO)).text == "Here."
    assert len(server.requests) == 2
    assert len(waits) == 1
    assert 0 < waits[0] <= 0.03


async def test_without_a_slot_a_wait_longer_than_allowed_is_reported(server: Loopback) -> None:
    server.say(error_reply(429, REQUESTS, headers={"retry-after": "30"}))
    limits = KeyLimits(12, 1)
    async with InfermaticClient(KEY, server.url, limits=limits, max_wait_seconds=5) as client:
        for type_ in (None, "local"):  # first in the server's words, then without asking it
            with pytest.raises(RateLimitError) as raised:
                await client.chat("m", HELLO)
            assert raised.value.type == type_
            assert raised.value.retry_after == pytest.approx(30, abs=9)
    assert (len(server.requests), limits.in_flight) == (1, 0)


async def test_a_pause_of_more_than_a_minute_is_reported_not_slept(server: Loopback) -> None:
    server.say(error_reply(429, REQUESTS, headers={"retry-after": "3600"}))
    async with InfermaticClient(KEY, server.url, limits=KeyLimits()) as client:
        with pytest.raises(RateLimitError) as raised:
            await client.chat("m", HELLO)
    assert raised.value.retry_after == 3600


async def test_the_parallel_limit_does_not_pause_for_a_minute(
    server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_limits, "_PARALLEL_BACKOFF_SECONDS", (0.01, 0.02))
    busy = error_reply(429, PARALLEL, headers={"retry-after": "60", "rate_limit_type": "max_parallel_requests"})
    server.say(busy, busy, busy, chat_reply("Here."))
    limits, waits = KeyLimits(12, 1), list[float]()
    began = time.monotonic()
    async with InfermaticClient(KEY, server.url, limits=limits, on_wait=waits.append) as client:
        assert (await client.chat("m", HELLO)).text == "Here."
    assert 0.05 <= time.monotonic() - began < 5
    assert all(0 < wait <= most for wait, most in zip(waits, (0.01, 0.02, 0.02), strict=True))
    assert not limits.busy_elsewhere


async def test_any_other_answer_means_the_key_is_not_busy_elsewhere(
    server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_limits, "_PARALLEL_BACKOFF_SECONDS", (0.0,))
    limits = KeyLimits(12, 1)
    async with InfermaticClient(KEY, server.url, limits=limits, max_retries=0) as client:
        for reply, busy in ((error_reply(429, PARALLEL), True), (error_reply(500, "Broken"), False)):
            server.say(reply)
            with pytest.raises(APIStatusError):
                await client.chat("m", HELLO, slot=limits.try_acquire())
            assert limits.busy_elsewhere == busy


async def test_a_parallel_limit_with_a_given_slot_tells_when_to_try_again(server: Loopback) -> None:
    server.say(error_reply(429, PARALLEL, headers={"retry-after": "60"}))
    limits = KeyLimits(12, 1)
    async with InfermaticClient(KEY, server.url, limits=limits) as client:
        with pytest.raises(RateLimitError) as raised:
            async with client.stream_chat("m", HELLO, slot=limits.try_acquire()):
                pytest.fail("nothing to read")
    assert (raised.value.limit_type, raised.value.retry_after) == ("max_parallel_requests", 5.0)
    assert limits.busy_elsewhere
    assert (limits.paused_seconds, limits.in_flight) == (0.0, 0)


async def test_an_upstream_429_with_a_given_slot_is_left_to_the_caller(server: Loopback) -> None:
    server.say(error_reply(429, "Too many requests", "throttling_error"))
    limits = KeyLimits(12, 1)
    async with InfermaticClient(KEY, server.url, max_retries=5, limits=limits) as client:
        with pytest.raises(RateLimitError):
            await client.chat("m", HELLO, slot=limits.try_acquire())
    assert (len(server.requests), limits.seconds_until_free()) == (1, 0.0)


async def test_headers_of_an_answer_keep_the_limits_in_step(server: Loopback) -> None:
    headers = {"x-ratelimit-api_key-remaining-requests": "0", "x-ratelimit-api_key-limit-requests": "12"}
    whole = {"choices": [{"message": {"content": "Hi."}}]}
    for reply in (json_reply(whole, headers=headers), stream_reply(chat_events("Hi."))):
        limits = KeyLimits(12, 1)
        server.say(reply)
        async with InfermaticClient(KEY, server.url, limits=limits) as client:
            if reply.framing == "chunked":
                reply.headers = [*reply.headers, *headers.items()]
                await texts_of(client.stream_chat("m", HELLO))
            else:
                await client.chat("m", HELLO)
        assert limits.seconds_until_free() > 50


async def test_models_and_token_counts_take_no_slot(server: Loopback) -> None:
    limits = KeyLimits(1, 1)
    assert limits.try_acquire() is not None
    server.say(json_reply({"data": [{"id": "m"}], "total_tokens": 3}))
    async with InfermaticClient(KEY, server.url, limits=limits) as client:
        assert [model.id for model in await client.models()] == ["m"]
        assert (await client.count_tokens("m", prompt="x")).total_tokens == 3


async def test_many_callers_share_one_key_in_turn(server: Loopback) -> None:
    highest = 0

    def answer(_: object) -> Reply:
        nonlocal highest
        highest = max(highest, client.limits.in_flight if client.limits else 0)
        return chat_reply("Here.")

    server.script = answer
    async with InfermaticClient(KEY, server.url, limits=KeyLimits(None, 2)) as client:
        replies = await asyncio.gather(*(client.chat("m", HELLO) for _ in range(12)))
    assert [reply.text for reply in replies] == ["Here."] * 12
    assert highest == 2
