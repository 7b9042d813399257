"""The local Infermatic answers as the recorded gateway did."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from playground.infermatic import DEFAULT_MODELS, GatewayVersion, LocalInfermatic, ModelSpec

from .recorded import VERSIONS, Recorded, recorded, shape, stream_shape, without_times

STUBS = ("stub-ok", "stub-429", "stub-503", "stub-401", "stub-notfound", "stub-hang", "stub-cut", "stub-miderror")
MORE_STUBS = ("stub-garbage", "stub-empty", "stub-cleaneof", "stub-miderror-nested", "stub-length", "stub-reason")
PLAN = ("TheDrummer-Rocinante-12B-v1.1", "Sao10K-L3.3-70B-Euryale-v2.3-FP8-Dynamic")


def server(version: GatewayVersion) -> LocalInfermatic:
    models = (*DEFAULT_MODELS, *map(ModelSpec, STUBS + MORE_STUBS), ModelSpec("stub-ctx", context_window=8192))
    api = LocalInfermatic(tokens_per_second=math.inf, first_token_seconds=0.0, models=models, gateway=version)
    api.add_key("sk-lab-user-unlimited")
    api.add_key("sk-lab-broke").over_budget = True
    api.add_key("sk-lab-expired").expired = True
    api.add_key("sk-lab-free-tier", models=PLAN)
    return api


async def replay(api: LocalInfermatic, exchange: Recorded, **changed: Any) -> tuple[int, dict[str, str], str]:
    headers = {"Authorization": exchange.authorization} if exchange.authorization else {}
    body = {**exchange.body, **changed} if isinstance(exchange.body, dict) else None
    async with (
        aiohttp.ClientSession() as session,
        session.request(exchange.method, api.url + exchange.path, headers=headers, json=body) as response,
    ):
        return response.status, {k.lower(): v for k, v in response.headers.items()}, await response.text()


def same_error(got: str, wanted: str) -> bool:
    return without_times(got) == without_times(wanted) or json.loads(without_times(got)) == json.loads(
        without_times(wanted)
    )


ERRORS = (
    "400_bad_param_temp",
    "400_bad_param_topk",
    "400_budget",
    "400_empty_body",
    "400_expired_key",
    "400_no_messages",
    "400_unknown_model",
    "400_unknown_model_completions",
    "401_bad_key",
    "401_malformed_header",
    "401_model_not_in_plan",
    "401_no_key",
    "401_no_key_models",
    "401_not_sk",
    "404_double_v1",
    "405_method",
    "500_non_alternating",
    "500_system_prompt_Miqu",
    "completions_best_of_lt_n",
    "embeddings_empty",
    "embeddings_no_input",
    "embeddings_too_long",
    "token_counter_neither",
    "token_counter_wrong_types",
    "token_counter_v1_path",
)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", ERRORS)
async def test_errors_are_worded_as_recorded(version: GatewayVersion, name: str) -> None:
    exchange = recorded(version, name)
    async with server(version) as api:
        status, headers, body = await replay(api, exchange)
    assert status == exchange.status
    assert same_error(body, exchange.answer)
    assert headers["content-type"].split(";")[0] == exchange.headers["content-type"].split(";")[0]
    assert headers.get("allow") == exchange.headers.get("allow")


STATUS_FAULTS = {
    "429_upstream": 429,
    "429_upstream_completions": 429,
    "503_upstream": 503,
    "err_401_upstream": 401,
    "err_404_upstream": 404,
    "timeout_hang_text": 408,
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("name", "status"), STATUS_FAULTS.items())
async def test_status_faults_have_the_recorded_body(version: GatewayVersion, name: str, status: int) -> None:
    exchange = recorded(version, name)
    async with server(version) as api:
        api.faults.add("status", status=status)
        got, headers, body = await replay(api, exchange)
    assert got == exchange.status
    assert same_error(body, exchange.answer)
    assert "retry-after" not in headers


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "name", ["400_ctx_exceeded_completions", "400_ctx_exceeded_completions_stream", "400_ctx_exceeded_stream"]
)
async def test_a_window_that_is_too_small_is_told_as_recorded(version: GatewayVersion, name: str) -> None:
    exchange = recorded(version, name)
    async with server(version) as api:
        content: dict[str, Any] = {"prompt": " x" * 2216}
        if "completions" not in name:
            content = {"messages": [{"role": "user", "content": " x" * (2216 - 7)}]}
        status, _, body = await replay(api, exchange, max_tokens=7000, **content)
    assert status == exchange.status
    assert body == exchange.answer.replace("data: \n\n", "")


async def limited(version: GatewayVersion, kind: str, name: str) -> tuple[Recorded, int, dict[str, str], str]:
    exchange = recorded(version, name)
    assert exchange.authorization is not None
    async with server(version) as api:
        key = api.add_key(exchange.authorization.removeprefix("Bearer "))
        if kind == "parallel":
            key.parallel_requests = 1
            key.start_request(api.clock())
        else:
            key.requests_per_minute = 3
            for _ in range(3):
                key.start_request(api.clock()).end()
        return exchange, *await replay(api, exchange)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("parallel", "429_parallel_chat"),
        ("parallel", "429_parallel_completions"),
        ("minute", "429_rpm_chat_4_of_5"),
        ("minute", "429_rpm_completions"),
    ],
)
async def test_a_keys_limits_answer_as_recorded(version: GatewayVersion, kind: str, name: str) -> None:
    exchange, status, headers, body = await limited(version, kind, name)
    assert status == 429
    assert same_error(body, exchange.answer)
    assert ("retry-after" in headers) == ("retry-after" in exchange.headers)
    assert headers.get("rate_limit_type") == exchange.headers.get("rate_limit_type")
    if version == "1.66.3" and "retry-after" in headers:
        assert 0 < float(headers["retry-after"]) <= 60


@pytest.mark.parametrize("version", VERSIONS)
async def test_remaining_requests_are_told_as_recorded(version: GatewayVersion) -> None:
    exchange = recorded(version, "429_rpm_chat_1_of_5")
    assert exchange.authorization is not None
    async with server(version) as api:
        api.add_key(exchange.authorization.removeprefix("Bearer "), requests_per_minute=3)
        _, headers, _ = await replay(api, exchange)
    told = {name: value for name, value in exchange.headers.items() if "limit" in name}
    assert told == {name: value for name, value in headers.items() if name in told}


ANSWERS: dict[str, Callable[[LocalInfermatic], object]] = {
    "chat_nonstream_stub": lambda api: api.replies.add("Stub reply (ok)."),
    "chat_reason": lambda api: api.replies.add("Stub reply.", reasoning="First I think. Then I answer."),
    "chat_empty": lambda api: api.replies.add(""),
    "completions_nonstream_stub": lambda api: api.replies.add("Stub reply (ok)."),
    "completions_n2_stub": lambda api: api.replies.add("Stub reply (ok)."),
    "models_list_free_key": lambda _: None,
    "token_counter_prompt": lambda _: None,
    "token_counter_prompt_hf": lambda _: None,
    "token_counter_unknown_model": lambda _: None,
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", ANSWERS)
async def test_answers_have_the_recorded_shape(version: GatewayVersion, name: str) -> None:
    exchange = recorded(version, name)
    async with server(version) as api:
        ANSWERS[name](api)
        status, _, body = await replay(api, exchange)
    assert status == 200
    got, wanted = json.loads(body), json.loads(exchange.answer)
    assert shape(got) == shape(wanted)
    assert got.get("model") == wanted.get("model")
    assert list(got) == list(wanted)
    if name.startswith("token_counter"):
        assert {**got, "total_tokens": 0} == {**wanted, "total_tokens": 0}


STREAMS: dict[str, Callable[[LocalInfermatic], object]] = {
    "chat_stream_stub": lambda api: api.replies.add("Stub reply (ok)."),
    "chat_stream_usage_stub": lambda api: api.replies.add("Stub reply (ok)."),
    "chat_n2_stream_stub": lambda api: api.replies.add("Stub reply (ok)."),
    "stream_chat_reason": lambda api: api.replies.add("Visible answer.", reasoning="First I think."),
    "stream_chat_length": lambda api: api.replies.add("Stub reply (length).", finish_reason="length"),
    "stream_chat_cut": lambda api: api.faults.add("upstream_cut", after_tokens=3),
    "stream_chat_miderror": lambda api: api.faults.add("made_up_finish", after_tokens=3),
    "stream_chat_cleaneof": lambda api: api.faults.add("upstream_end", after_tokens=3),
    "stream_chat_empty": lambda api: api.faults.add("empty"),
    "completions_stream_stub": lambda api: api.replies.add("Stub reply (ok)."),
    "completions_n2_stream_stub": lambda api: api.replies.add("Stub reply (ok)."),
    "completions_stream_usage_stub": lambda api: api.replies.add("Stub reply (ok)."),
    "stream_text_cut": lambda api: api.faults.add("upstream_cut", after_tokens=3),
    "stream_text_miderror-nested": lambda api: api.faults.add("error_frame", after_tokens=3),
    "stream_text_cleaneof": lambda api: api.faults.add("upstream_end", after_tokens=3),
}


def error_frames(body: str) -> list[str]:
    return [line for line in body.split("\n") if line.startswith('data: {"error"')]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", STREAMS)
async def test_streams_have_the_recorded_shape(version: GatewayVersion, name: str) -> None:
    exchange = recorded(version, name)
    async with server(version) as api:
        STREAMS[name](api)
        status, headers, body = await replay(api, exchange)
    assert (status, headers["content-type"]) == (200, exchange.headers["content-type"])
    got, wanted = stream_shape(body), stream_shape(exchange.answer)
    if "n2" in name:  # the recorded model server told one choice after the other; real ones tell them side by side
        assert ({*map(str, got)}, got[-1]) == ({*map(str, wanted)}, wanted[-1])
    else:
        assert got == wanted
    assert error_frames(body) == error_frames(exchange.answer)


@pytest.mark.parametrize("version", VERSIONS)
async def test_token_ids_as_a_prompt_work_in_the_new_version_only(version: GatewayVersion) -> None:
    exchange = recorded(version, "completions_prompt_tokens")
    async with server(version) as api:
        status, _, body = await replay(api, exchange)
    assert status == exchange.status
    if status == 200:
        assert json.loads(body)["usage"]["prompt_tokens"] == json.loads(exchange.answer)["usage"]["prompt_tokens"]
    else:
        assert same_error(body, exchange.answer)


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_counter_asked_for_both_answers_as_recorded(version: GatewayVersion) -> None:
    exchange = recorded(version, "token_counter_both")
    async with server(version) as api:
        status, headers, body = await replay(api, exchange)
    assert status == exchange.status
    assert headers["content-type"] == exchange.headers["content-type"]
    assert (body == exchange.answer) if status == 500 else shape(json.loads(body)) == shape(json.loads(exchange.answer))
