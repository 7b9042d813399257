"""Every recorded exchange of both gateway versions, replayed over a socket."""

import hashlib
import json
import traceback
from typing import Any

import pytest

from infermatic_client import (
    ChatCompletion,
    ChatStream,
    Completion,
    CompletionStream,
    InfermaticClient,
    InfermaticError,
    Model,
    RateLimitError,
    StreamInterruptedError,
    TokenCount,
)
from tests.infermatic_client.conftest import KEY
from tests.infermatic_client.loopback import Loopback
from tests.infermatic_client.reading import texts_of
from tests.infermatic_client.recordings import INTERRUPTIONS, Recording, chunks_of, expected_error, recordings

# Not sampling parameters: given by the methods' own arguments, or written by them.
_NOT_EXTRA = {"model", "messages", "prompt", "input", "stream", "stream_options"}
_HELLO = [{"role": "user", "content": "Hello!"}]


def by_id(found: Recording) -> str:
    return f"{found.version}-{found.name}"


def of_kind(kind: str) -> list[Recording]:
    return [found for found in recordings() if _kind(found) == kind]


def _kind(found: Recording) -> str:
    if expected_error(found) is not None:
        return "error"
    if (found.version, found.name) in INTERRUPTIONS:
        return "interruption"
    return "stream" if found.answered_as_stream else "whole"


def key_of(found: Recording) -> str:
    return (found.authorization or f"Bearer {KEY}").removeprefix("Bearer ")


def extra_of(found: Recording) -> dict[str, Any]:
    """Everything that Sampling would refuse, or does not know, goes the way meant for it."""
    extra = {name: value for name, value in found.sent.items() if name not in _NOT_EXTRA}
    if found.streamed and "/chat/" not in found.path:
        extra.pop("n", None)
    return extra


def stream_of(client: InfermaticClient, found: Recording) -> ChatStream | CompletionStream:
    model = found.sent.get("model", "a-model")
    if "/chat/" in found.path:
        return client.stream_chat(model, found.sent.get("messages", _HELLO), extra_body=extra_of(found))
    return client.stream_complete(model, found.sent["prompt"], extra_body=extra_of(found))


async def whole_of(client: InfermaticClient, found: Recording) -> Any:
    model, extra = found.sent.get("model", "a-model"), extra_of(found)
    if found.method == "GET":
        return await client.models()
    if "/chat/" in found.path:
        return await client.chat(model, found.sent.get("messages", _HELLO), extra_body=extra)
    if "token_counter" in found.path:
        prompt = found.sent.get("prompt")
        messages = found.sent.get("messages", _HELLO)
        if isinstance(prompt, str) and "messages" not in found.sent:
            return await client.count_tokens(model, prompt=prompt)
        return await client.count_tokens(model, messages=messages)
    if "embeddings" in found.path:
        return await client.embed(model, found.sent.get("input") or ["text"], extra_body=extra)
    return await client.complete(model, found.sent["prompt"], extra_body=extra)


async def run(client: InfermaticClient, found: Recording) -> tuple[Any, list[Any]]:
    """Make the recorded request; returns the answer and, of a stream, its deltas."""
    if not found.streamed:
        return await whole_of(client, found), []
    async with stream_of(client, found) as stream:
        return stream, [delta async for delta in stream]


def assert_sent_as_recorded(server: Loopback, found: Recording) -> None:
    (request,) = server.requests
    assert request.headers["authorization"] == f"Bearer {key_of(found)}"
    if "/v1/v1/" not in found.path and found.name not in {"405_method", "unauth_404_path", "token_counter_v1_path"}:
        assert (request.method, request.path) == (found.method, found.path)
    if found.method == "POST":
        substituted = {"stream_options", "n", "prompt", "input"}
        for name, value in found.sent.items():
            if name not in substituted:
                assert request.json[name] == value
    assert not found.streamed or request.json["stream_options"] == {"include_usage": True}


def test_all_recordings_are_replayed() -> None:
    counts = {kind: len(of_kind(kind)) for kind in ("error", "interruption", "stream", "whole")}
    assert sum(counts.values()) == 2 * 172
    assert all(counts.values())
    assert not [found.name for found in of_kind("whole") + of_kind("stream") if found.status != 200]


@pytest.mark.parametrize("found", of_kind("error"), ids=by_id)
async def test_an_error_is_told_by_its_type_and_text(server: Loopback, found: Recording) -> None:
    kind, fields = expected_error(found) or pytest.fail("no expectation")
    server.say(found.reply())
    async with InfermaticClient(key_of(found), server.url, max_retries=0) as client:
        with pytest.raises(InfermaticError) as raised:
            await run(client, found)
    error = raised.value
    assert type(error) is kind
    assert {name: getattr(error, name) for name in fields} == fields
    if found.status != 200:
        assert getattr(error, "status_code") == found.status  # noqa: B009 -- every one of them is an APIStatusError
    assert error.text == ""
    assert_sent_as_recorded(server, found)
    assert_tells_nothing_of_the_key(error, key_of(found))


def assert_tells_nothing_of_the_key(error: BaseException, key: str) -> None:
    shown = traceback.TracebackException.from_exception(error, capture_locals=False)
    seen = [str(error), repr(error), repr(vars(error)), *shown.format()]
    secrets = [key, hashlib.sha256(key.encode()).hexdigest(), f"sk-...{key[-4:]}", "Received=hello"]
    assert not [secret for secret in secrets for text in seen if secret in text]
    assert not [text for text in seen for word in text.split() if len(word) >= 64 and _is_hex(word.strip("',.=\""))]


def _is_hex(word: str) -> bool:
    return len(word) >= 32 and all(letter in "0123456789abcdef" for letter in word)


@pytest.mark.parametrize("found", of_kind("interruption"), ids=by_id)
async def test_a_stream_that_went_wrong_says_how_and_keeps_its_text(server: Loopback, found: Recording) -> None:
    server.say(found.reply())
    collected: list[str] = []
    async with InfermaticClient(key_of(found), server.url, max_retries=0) as client:
        with pytest.raises(StreamInterruptedError) as raised:
            await texts_of(stream_of(client, found), collected)
    assert raised.value.reason == INTERRUPTIONS[found.version, found.name]
    assert raised.value.text == "".join(collected) == "".join(_texts(found))
    assert (raised.value.error is not None) == (raised.value.reason == "error_frame")
    assert_sent_as_recorded(server, found)


def _texts(found: Recording, index: int = 0) -> list[str]:
    choices = [choice for chunk in chunks_of(found) for choice in chunk.get("choices", [])]
    mine = [choice for choice in choices if choice["index"] == index]
    return [choice.get("text") or choice.get("delta", {}).get("content") or "" for choice in mine]


@pytest.mark.parametrize("found", of_kind("stream"), ids=by_id)
async def test_a_stream_gives_its_text_finish_and_usage(server: Loopback, found: Recording) -> None:
    server.say(found.reply())
    async with InfermaticClient(key_of(found), server.url, max_retries=0) as client:
        stream, deltas = await run(client, found)
    chunks = chunks_of(found)
    first_choices = [chunk["choices"][0] for chunk in chunks]
    assert stream.text == "".join(delta.text for delta in deltas if getattr(delta, "index", 0) == 0)
    assert stream.text == "".join(_texts(found))
    assert stream.finish_reason == next(
        choice["finish_reason"] for choice in first_choices if "finish_reason" in choice
    )
    assert [delta.finish_reason for delta in deltas].count(stream.finish_reason) == 1
    assert stream.model == chunks[0]["model"]
    usages = [chunk["usage"]["total_tokens"] for chunk in chunks if chunk.get("usage", {}).get("total_tokens")]
    assert (stream.usage.total_tokens if stream.usage else None) == (usages[-1] if usages else None)
    if isinstance(stream, ChatStream):
        assert stream.reasoning == "".join(choice["delta"].get("reasoning_content", "") for choice in first_choices)
        assert stream.text_of(1) == "".join(_texts(found, index=1))
    assert_sent_as_recorded(server, found)


@pytest.mark.parametrize("found", of_kind("whole"), ids=by_id)
async def test_a_whole_answer_is_read(server: Loopback, found: Recording) -> None:
    server.say(found.reply())
    async with InfermaticClient(key_of(found), server.url, max_retries=0) as client:
        answer, _ = await run(client, found)
    assert_reads(answer, json.loads(found.body))
    assert_sent_as_recorded(server, found)


def assert_reads(answer: Any, body: dict[str, Any]) -> None:
    match answer:
        case ChatCompletion():
            messages = [choice["message"] for choice in body["choices"]]
            assert [choice.text for choice in answer.choices] == [message["content"] or "" for message in messages]
            assert [choice.reasoning for choice in answer.choices] == [
                message.get("reasoning_content", "") for message in messages
            ]
            assert_tells_the_rest(answer, body)
        case Completion():
            assert [choice.text for choice in answer.choices] == [choice["text"] for choice in body["choices"]]
            assert_tells_the_rest(answer, body)
        case TokenCount():
            assert (answer.total_tokens, answer.tokenizer_type) == (body["total_tokens"], body["tokenizer_type"])
            assert (answer.request_model, answer.model_used) == (body["request_model"], body["model_used"])
        case [Model(), *_]:
            assert sorted(model.id for model in answer) == sorted(row["id"] for row in body["data"])
            assert [model.id.casefold() for model in answer] == sorted(model.id.casefold() for model in answer)
        case _:
            pytest.fail(f"no such answer was recorded: {answer!r}")


def assert_tells_the_rest(answer: ChatCompletion | Completion, body: dict[str, Any]) -> None:
    assert answer.text == answer.choices[0].text
    assert [choice.finish_reason for choice in answer.choices] == [row["finish_reason"] for row in body["choices"]]
    assert [choice.index for choice in answer.choices] == [row["index"] for row in body["choices"]]
    assert (answer.id, answer.model) == (body["id"], body["model"])
    assert answer.usage is not None
    assert answer.usage.total_tokens == body["usage"]["total_tokens"]
    assert answer.usage.prompt_tokens == body["usage"]["prompt_tokens"]


async def test_a_minute_limits_429_carries_how_long_to_wait(server: Loopback) -> None:
    for found in recordings():
        if found.name == "429_rpm_chat_4_of_5":
            server.say(found.reply())
            async with InfermaticClient(KEY, server.url, max_retries=0) as client:
                with pytest.raises(RateLimitError) as raised:
                    await client.chat("a-model", _HELLO)
            assert raised.value.retry_after == float(dict(found.headers)["retry-after"])
