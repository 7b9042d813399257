"""What is sent: paths, bodies, and what is refused before anything is."""

from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from infermatic_client import (
    APIStatusError,
    AuthenticationError,
    ImagePart,
    ImageURL,
    InfermaticClient,
    KeyLimits,
    Message,
    ResponseFormatError,
    Sampling,
    ServerError,
    TextPart,
    Timeouts,
    _transport,
)
from tests.infermatic_client.conftest import KEY
from tests.infermatic_client.loopback import Loopback, Reply, chat_events, chat_reply, json_reply, stream_reply
from tests.infermatic_client.reading import texts_of

HELLO = [Message("user", "Hello!")]


async def test_a_chat_request_holds_what_was_set_and_nothing_else(server: Loopback, client: InfermaticClient) -> None:
    server.say(chat_reply("Hi."))
    reply = await client.chat("a-model", HELLO, sampling=Sampling(max_tokens=400, min_p=0.05))
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["content-type"] == "application/json"
    expected = {
        "model": "a-model",
        "messages": [{"role": "user", "content": "Hello!"}],
        "max_tokens": 400,
        "min_p": 0.05,
    }
    assert request.json == expected
    assert (reply.text, reply.finish_reason, reply.model) == ("Hi.", "stop", "a-model")


async def test_a_stream_asks_for_usage_uncompressed(server: Loopback, client: InfermaticClient) -> None:
    server.say(stream_reply(chat_events("Hi", ".")))
    assert await texts_of(client.stream_chat("a-model", HELLO)) == ["Hi", ".", ""]
    (request,) = server.requests
    assert request.json["stream"] is True
    assert request.json["stream_options"] == {"include_usage": True}
    assert (request.headers["accept"], request.headers["accept-encoding"]) == ("text/event-stream", "identity")


async def test_messages_are_structs_dicts_and_parts(server: Loopback, client: InfermaticClient) -> None:
    server.say(chat_reply())
    parts: list[TextPart | ImagePart] = [TextPart("What is this?"), ImagePart(ImageURL("data:image/png;base64,AA=="))]
    await client.chat("a-model", [Message("user", parts, name="Ada"), {"role": "assistant", "content": "A dot."}])
    assert server.requests[0].json["messages"] == [
        {
            "role": "user",
            "name": "Ada",
            "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
            ],
        },
        {"role": "assistant", "content": "A dot."},
    ]


async def test_extra_body_passes_what_sampling_lacks(server: Loopback, client: InfermaticClient) -> None:
    server.say(chat_reply())
    await client.chat("a-model", HELLO, sampling=Sampling(top_k=40), extra_body={"xtc_threshold": 0.1, "top_k": 50})
    assert server.requests[0].json["xtc_threshold"] == 0.1
    assert server.requests[0].json["top_k"] == 50


async def test_a_lone_surrogate_does_not_stop_a_request(server: Loopback, client: InfermaticClient) -> None:
    server.say(chat_reply())
    await client.chat("a-model", [Message("user", "half \ud83d emoji, whole 😀")])
    assert server.requests[0].json["messages"][0]["content"] == "half \ufffd emoji, whole 😀"


async def test_embeddings(server: Loopback, client: InfermaticClient) -> None:
    rows = [{"index": 1, "embedding": [3.0, 4.0]}, {"index": 0, "embedding": [1, 2.5]}]
    server.say(json_reply({"object": "list", "model": "e5", "data": rows, "usage": {"prompt_tokens": 4}}))
    found = await client.embed("e5", ["query: a", "passage: b"])
    assert found.vectors == [[1.0, 2.5], [3.0, 4.0]]
    assert server.requests[0].json == {"model": "e5", "input": ["query: a", "passage: b"]}
    assert server.requests[0].path == "/v1/embeddings"


async def test_tokens_are_counted_by_prompt_or_by_messages(server: Loopback, client: InfermaticClient) -> None:
    server.say(json_reply({"total_tokens": 7, "tokenizer_type": "openai_tokenizer"}))
    assert (await client.count_tokens("a-model", prompt="")).total_tokens == 7
    assert (await client.count_tokens("a-model", messages=HELLO)).tokenizer_type == "openai_tokenizer"
    bodies = [request.json for request in server.requests]
    assert bodies == [
        {"model": "a-model", "prompt": ""},
        {"model": "a-model", "messages": [{"role": "user", "content": "Hello!"}]},
    ]
    assert {request.path for request in server.requests} == {"/utils/token_counter"}


@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v1/"])
async def test_the_base_url_may_end_in_v1(server: Loopback, suffix: str) -> None:
    server.say(json_reply({"data": []}))
    async with InfermaticClient(KEY, server.url + suffix) as client:
        assert await client.models() == []
    assert server.requests[0].path == "/v1/models"


Refused = Callable[[InfermaticClient], Any]


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.chat("m", []),
        lambda client: client.chat("m", "Hello!"),
        lambda client: client.chat("m", {"role": "user", "content": "x"}),
        lambda client: client.chat("m", HELLO, extra_body={"stream": True}),
        lambda client: client.complete("m", "x", extra_body={"model": "other"}),
        lambda client: client.embed("m", []),
        lambda client: client.count_tokens("m"),
        lambda client: client.count_tokens("m", prompt="x", messages=HELLO),
    ],
)
async def test_what_no_server_would_take_is_refused_unsent(
    server: Loopback, client: InfermaticClient, call: Refused
) -> None:
    with pytest.raises(ValueError, match=r"must|give"):
        await call(client)
    assert server.requests == []


@pytest.mark.parametrize("message", [{"content": "no role"}, "text", None])
async def test_a_message_without_a_role_is_refused(client: InfermaticClient, message: Any) -> None:
    with pytest.raises(TypeError, match="role"):
        await client.chat("m", [message])


@pytest.mark.parametrize("more", [{"sampling": Sampling(n=2, best_of=2)}, {"extra_body": {"n": 2}}])
def test_several_choices_of_a_text_stream_are_refused_with_the_reason(more: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="index 0"):
        InfermaticClient(KEY).stream_complete("m", "Once", **more)


async def test_a_refused_call_gives_its_slot_back(client: InfermaticClient) -> None:
    limits = KeyLimits(1, 1)
    for call in (
        lambda slot: client.chat("m", [], slot=slot),
        lambda slot: client.embed("m", "", slot=slot),
        lambda slot: client.complete("m", "x", extra_body={"model": "y"}, slot=slot),
    ):
        with pytest.raises(ValueError, match=r"must|give"):
            await call(limits.try_acquire())
        assert limits.seconds_until_free() == 0.0
    slot = limits.try_acquire()
    with pytest.raises(ValueError, match="index 0"):
        client.stream_complete("m", "x", extra_body={"n": 3}, slot=slot)
    assert limits.seconds_until_free() == 0.0


async def test_the_key_comes_from_the_environment_when_not_given(
    server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("INFERMATIC_API_KEY", raising=False)
    with pytest.raises(ValueError, match="INFERMATIC_API_KEY"):
        InfermaticClient()
    monkeypatch.setenv("INFERMATIC_API_KEY", f" {KEY} , sk-second")
    server.say(json_reply({"data": []}))
    async with InfermaticClient(base_url=server.url) as client:
        await client.models()
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"  # the first of several


@pytest.mark.parametrize("key", ["", "  ", "sk-two words", "sk-new\nline", "sk-ünicode", "sk-\x00"])
def test_a_key_that_cannot_be_sent_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(ValueError, match="key") as raised:
        InfermaticClient(key)
    assert not key.strip() or key not in str(raised.value)


@pytest.mark.parametrize(
    "url", ["", "api.totalgpt.ai", "ftp://host", "https://", "https://user:password@host", "https://host?x=1"]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="base_url") as raised:
        InfermaticClient(KEY, url)
    assert "password" not in str(raised.value)


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_time_outs_are_more_than_zero(seconds: float) -> None:
    with pytest.raises(ValueError, match="more than 0"):
        InfermaticClient(KEY, timeout=seconds)
    with pytest.raises(ValueError, match="between_chunks_seconds"):
        Timeouts(between_chunks_seconds=seconds)
    with pytest.raises(ValueError, match="max_retries"):
        InfermaticClient(KEY, max_retries=-1)


async def test_a_given_session_is_used_and_left_open(server: Loopback) -> None:
    server.say(json_reply({"error": {"message": "No", "type": "auth_error", "code": "401"}}, 401))
    async with aiohttp.ClientSession(raise_for_status=True, timeout=aiohttp.ClientTimeout(total=0.001)) as session:
        async with InfermaticClient(KEY, server.url, session=session, max_retries=0) as client:
            with pytest.raises(AuthenticationError):
                await client.models()
        assert not session.closed


async def test_a_closed_client_says_so(server: Loopback) -> None:
    client = InfermaticClient(KEY, server.url)
    await client.close()
    with pytest.raises(RuntimeError, match="closed"):
        await client.models()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"choices": 5}',
        b"<html>",
        b'{"choices": [{"message": {"content": 5}}]}',
        b'{"choices": ' + b"[" * 100_000,
        b'{"choices": [], "created": ' + b"9" * 5000 + b"}",
        b'{"choices": [], "usage": {"prompt_tokens": NaN}}',
    ],
)
async def test_an_answer_of_another_shape_is_reported(server: Loopback, client: InfermaticClient, body: bytes) -> None:
    server.say(Reply(200, [("content-type", "application/json")], [body]))
    with pytest.raises(ResponseFormatError) as raised:
        await client.chat("a-model", HELLO)
    assert len(raised.value.body) <= 500


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"choices": []}', ""),
        (b'{"choices": null}', ""),
        (b'{"choices": [{"message": null, "index": null}]}', ""),
        (b'{"choices": [{"message": {"content": null}}], "usage": null, "model": null, "new": {"field": 1}}', ""),
        (b'{"choices": [{"message": {"content": "caf\xe9"}}]}', "caf\ufffd"),
        (b'{"choices": [{"message": {"content": "half \\ud83d"}}]}', "half \ufffd"),
        (b'{"choices": [{"message": {"content": "x\\u0000y"}}]}', "x\x00y"),
    ],
)
async def test_an_odd_answer_is_read(server: Loopback, client: InfermaticClient, body: bytes, text: str) -> None:
    server.say(Reply(200, [("content-type", "application/json")], [body]))
    assert (await client.chat("a-model", HELLO)).text == text


async def test_an_answer_larger_than_the_cap_is_refused_and_an_error_is_cut(
    server: Loopback, client: InfermaticClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_transport, "MAX_ANSWER_BYTES", 1000)
    monkeypatch.setattr(_transport, "_MAX_ERROR_BYTES", 1000)
    server.say(chat_reply("x" * 2000))
    with pytest.raises(ResponseFormatError, match="1000 bytes"):
        await client.chat("a-model", HELLO)
    server.say(Reply(502, [("content-type", "text/html")], [b"<html>" + b"x" * 100] * 50))
    with pytest.raises(ServerError) as raised:
        await client.chat("a-model", HELLO)
    assert raised.value.body.startswith("<html>")


async def test_the_gateways_name_for_a_request_is_kept(server: Loopback, client: InfermaticClient) -> None:
    server.say(json_reply({"choices": [], "data": []}, headers={"x-litellm-call-id": "call-7"}))
    answers = [
        await client.chat("m", HELLO),
        await client.complete("m", ["one", "two"]),
        await client.embed("m", "text"),
    ]
    assert [getattr(answer, "request_id") for answer in answers] == ["call-7"] * 3  # noqa: B009 -- of three classes


async def test_an_error_inside_a_200_is_an_error(server: Loopback, client: InfermaticClient) -> None:
    server.say(json_reply({"error": {"message": "It broke.", "code": "503"}}))
    with pytest.raises(ServerError) as raised:
        await client.chat("a-model", HELLO)
    assert (raised.value.status_code, raised.value.message) == (503, "It broke.")


async def test_a_redirect_is_not_followed_with_the_key(server: Loopback, client: InfermaticClient) -> None:
    server.say(Reply(302, [("location", f"{server.url}/elsewhere")]))
    with pytest.raises(APIStatusError, match="302"):
        await client.models()
    assert len(server.requests) == 1
