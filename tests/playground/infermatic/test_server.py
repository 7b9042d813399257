"""The server as a whole: keys, limits over the wire, pace, and what it remembers."""

from __future__ import annotations

import asyncio
import math
import time
from typing import Any

import aiohttp
import pytest

from playground.infermatic import DEFAULT_MODELS, ApiRequest, GatewayVersion, LocalInfermatic

from .recorded import VERSIONS, events

MODEL = DEFAULT_MODELS[0].id


def chat(content: str = "Hello!", **more: Any) -> dict[str, Any]:
    return {"model": MODEL, "messages": [{"role": "user", "content": content}], **more}


def session_for(key: str) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        headers={"Authorization": f"Bearer {key}"}, timeout=aiohttp.ClientTimeout(total=10), raise_for_status=False
    )


async def status_of(session: aiohttp.ClientSession, api: LocalInfermatic, **more: Any) -> int:
    async with session.post(f"{api.url}/v1/chat/completions", json=chat(**more)) as response:
        await response.read()
        return response.status


async def until_left(api: LocalInfermatic) -> None:
    left = asyncio.Event()
    api.subscribe(lambda request: left.set() if request.ended == "left" else None)
    if not any(request.ended == "left" for request in api.requests):
        await asyncio.wait_for(left.wait(), 5)


async def test_forty_streams_keep_their_pace_at_once() -> None:
    async with (
        LocalInfermatic(tokens_per_second=40, first_token_seconds=0.1) as api,
        session_for("sk-local") as session,
    ):

        async def one() -> tuple[float, float]:
            started, first = time.monotonic(), 0.0
            body = chat(stream=True, max_tokens=40, min_tokens=40)
            async with session.post(f"{api.url}/v1/chat/completions", json=body) as response:
                async for line in response.content:
                    if not first and b'"content":"' in line and b'"content":""' not in line:
                        first = time.monotonic()
            return first - started, time.monotonic() - first

        times = await asyncio.gather(*(one() for _ in range(44)))
    assert all(0.1 <= first < 3 for first, _ in times)
    assert all(0.9 < rest < 4 for _, rest in times), "one after the other they would take half a minute"


async def test_the_speed_can_be_changed_while_a_stream_runs() -> None:
    async with LocalInfermatic(tokens_per_second=0.5, first_token_seconds=0) as api, session_for("sk-local") as session:
        body = chat(stream=True, max_tokens=50, min_tokens=50)
        started = time.monotonic()
        async with session.post(f"{api.url}/v1/chat/completions", json=body) as response:
            api.tokens_per_second = math.inf
            text = await response.text()
    assert text.endswith("data: [DONE]\n\n")
    assert time.monotonic() - started < 5


async def test_an_answer_without_a_stream_takes_as_long_as_its_text() -> None:
    async with (
        LocalInfermatic(tokens_per_second=200, first_token_seconds=0.1) as api,
        session_for("sk-local") as session,
    ):
        started = time.monotonic()
        await status_of(session, api, max_tokens=20, min_tokens=20)
    assert 0.2 <= time.monotonic() - started < 1.0


async def test_answers_can_be_held(api: LocalInfermatic, session: aiohttp.ClientSession) -> None:
    api.hold()
    held = asyncio.create_task(status_of(session, api))
    streamed = asyncio.create_task(status_of(session, api, stream=True))
    arrived = asyncio.Event()
    api.subscribe(lambda _: arrived.set() if len(api.requests) == 2 else None)
    if len(api.requests) < 2:
        await arrived.wait()
    await asyncio.sleep(0.05)
    assert not held.done()
    assert not streamed.done()
    api.release()
    assert (await held, await streamed) == (200, 200)
    assert await status_of(session, api) == 200


async def test_a_stream_can_be_held_in_its_middle(api: LocalInfermatic, session: aiohttp.ClientSession) -> None:
    api.replies.add("one two three four five six")
    api.hold(after_tokens=3)
    told = b""
    async with session.post(f"{api.url}/v1/chat/completions", json=chat(stream=True)) as response:
        while told.count(b'"content":" t') < 2:
            told += await response.content.readany()
        await asyncio.sleep(0.05)
        assert b"four" not in told
        api.release()
        told += await response.content.read()
    assert b"six" in told


async def test_tokens_can_come_several_at_a_time(api: LocalInfermatic, session: aiohttp.ClientSession) -> None:
    api.chunk_tokens = 5
    async with session.post(
        f"{api.url}/v1/chat/completions", json=chat(stream=True, max_tokens=20, min_tokens=20)
    ) as response:
        received = events(await response.text())
    assert len([event for event in received if event != "[DONE]" and event["choices"][0]["delta"].get("content")]) == 4


async def test_usage_matches_what_was_streamed(api: LocalInfermatic, session: aiohttp.ClientSession) -> None:
    body = chat(stream=True, stream_options={"include_usage": True}, n=2, max_tokens=30)
    async with session.post(f"{api.url}/v1/chat/completions", json=body) as response:
        received = events(await response.text())
    pieces = [event for event in received[:-1] if event["choices"][0]["delta"].get("content")]
    assert received[-2]["usage"]["completion_tokens"] == len(pieces) == 60
    assert {event["choices"][0]["index"] for event in pieces} == {0, 1}


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_stream_left_early_holds_the_slot(version: GatewayVersion) -> None:
    now = [1000.0]
    api = LocalInfermatic(tokens_per_second=20, first_token_seconds=0, gateway=version, clock=lambda: now[0])
    api.add_key("sk-one", parallel_requests=1)
    async with api, session_for("sk-one") as session:
        body = chat(stream=True, max_tokens=200, min_tokens=200)
        async with session.post(f"{api.url}/v1/chat/completions", json=body) as response:
            await response.content.readline()
        await until_left(api)
        held = 59.0 if version == "1.83.14" else 10.0  # the old version: until the 200 tokens have come
        now[0] += held - 0.5
        assert await status_of(session, api) == 429
        now[0] += 1
        api.tokens_per_second = math.inf
        assert await status_of(session, api) == 200


async def test_a_request_left_early_holds_the_slot_until_the_model_has_finished() -> None:
    now = [1000.0]
    api = LocalInfermatic(tokens_per_second=10, first_token_seconds=0, clock=lambda: now[0])
    api.add_key("sk-one", parallel_requests=1)
    async with api, session_for("sk-one") as session:
        body = chat(max_tokens=300, min_tokens=300)
        timeout = aiohttp.ClientTimeout(total=0.1)
        with pytest.raises(TimeoutError):
            await session.post(f"{api.url}/v1/chat/completions", json=body, timeout=timeout)
        await until_left(api)
        now[0] += 29.5
        assert await status_of(session, api) == 429
        now[0] += 1
        api.tokens_per_second = math.inf
        assert await status_of(session, api) == 200


async def test_old_requests_are_forgotten_but_still_counted(
    api: LocalInfermatic, session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("playground.infermatic._server.KEPT_REQUESTS", 4)
    for _ in range(7):
        await status_of(session, api)
    assert [request.number for request in api.requests] == [4, 5, 6]


async def test_nonsense_is_answered_not_choked_on(api: LocalInfermatic, session: aiohttp.ClientSession) -> None:
    begin = f'{{"model": "{MODEL}", "messages": '
    bodies = ["[1]", "{", '{"model": 5}', begin + '"x"}']
    bodies += [f'{begin}[{{}}], "max_tokens": {value}}}' for value in ("1e999", "NaN", "[]")]
    for body in bodies:
        async with session.post(f"{api.url}/v1/chat/completions", data=body) as response:
            assert response.status == 400, body
    for messages in ("x", [1]):
        async with session.post(
            f"{api.url}/utils/token_counter", json={"model": "x", "messages": messages}
        ) as response:
            assert response.status == 422


async def test_a_stream_read_to_its_end_frees_the_slot(api: LocalInfermatic) -> None:
    api.add_key("sk-one", parallel_requests=1)
    async with session_for("sk-one") as session:
        assert [await status_of(session, api, stream=True) for _ in range(3)] == [200, 200, 200]


async def test_errors_free_the_slot(api: LocalInfermatic) -> None:
    api.add_key("sk-one", parallel_requests=1)
    api.faults.add("status", status=500)
    async with session_for("sk-one") as session:
        assert [await status_of(session, api) for _ in range(2)] == [500, 200]


async def test_free_endpoints_do_not_count(api: LocalInfermatic) -> None:
    api.add_key("sk-one", requests_per_minute=1)
    async with session_for("sk-one") as session:
        for _ in range(3):
            async with session.get(f"{api.url}/v1/models") as response:
                assert response.status == 200
            async with session.post(f"{api.url}/utils/token_counter", json={"model": "x", "prompt": "y"}) as response:
                assert response.status == 200
        assert [await status_of(session, api) for _ in range(2)] == [200, 429]


async def test_only_the_plans_models_are_listed(api: LocalInfermatic) -> None:
    api.add_key("sk-free", models=[MODEL])
    async with session_for("sk-free") as session, session.get(f"{api.url}/v1/models") as response:
        assert [model["id"] for model in (await response.json())["data"]] == [MODEL]


async def test_written_replies_are_given_in_order_and_to_their_model(
    api: LocalInfermatic, session: aiohttp.ClientSession
) -> None:
    api.replies.add("for another", model="Midnight-Miqu-70B-v1.5")
    api.replies.add("twice", times=2)
    for expected in ("twice", "twice"):
        async with session.post(f"{api.url}/v1/chat/completions", json=chat()) as response:
            assert (await response.json())["choices"][0]["message"]["content"] == expected
    async with session.post(f"{api.url}/v1/chat/completions", json=chat(model="Midnight-Miqu-70B-v1.5")) as response:
        assert (await response.json())["choices"][0]["message"]["content"] == "for another"
    async with session.post(f"{api.url}/v1/chat/completions", json=chat()) as response:
        assert "ffline" in (await response.json())["choices"][0]["message"]["content"]


async def test_requests_are_remembered_and_told(api: LocalInfermatic, session: aiohttp.ClientSession) -> None:
    told: list[tuple[ApiRequest, str]] = []
    remove = api.subscribe(lambda request: told.append((request, request.ended)))
    await status_of(session, api, temperature=0.5)
    remove()
    await status_of(session, api)
    request = api.requests[0]
    assert [(entry.path, ended) for entry, ended in told] == [(request.path, ""), (request.path, "complete")]
    assert (request.method, request.model, request.status, request.key) == ("POST", MODEL, 200, "sk-local")
    assert request.body["temperature"] == 0.5
    assert request.text.startswith("*Offline")
    assert request.finished_at is not None
    assert request.finished_at >= request.at
    assert "sk-local" not in repr(request)


async def test_stopping_ends_what_runs_and_the_port_can_be_taken_again() -> None:
    api = LocalInfermatic(tokens_per_second=1)
    url = await api.start()
    async with session_for("sk-local") as session:
        response = await session.post(f"{url}/v1/chat/completions", json=chat(stream=True))
        await response.content.readline()
        await api.stop()
        assert api.requests[0].ended == "stopped"
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()
        await api.start(port=int(url.rsplit(":", 1)[1]))
        assert api.url == url
        api.tokens_per_second = math.inf
        assert await status_of(session, api) == 200
    await api.stop()


async def test_a_context_window_can_be_changed(api: LocalInfermatic, session: aiohttp.ClientSession) -> None:
    api.context_windows[MODEL] = 100
    assert await status_of(session, api, max_tokens=200) == 400
    assert await status_of(session, api, max_tokens=50) == 200
