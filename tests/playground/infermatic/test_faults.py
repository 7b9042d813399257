"""Every kind of fault, seen from the client's side of the socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import aiohttp
import pytest

from playground.infermatic import DEFAULT_MODELS, FAULT_KINDS, FaultKind, LocalInfermatic

MODEL = DEFAULT_MODELS[0].id
CHAT = {"model": MODEL, "messages": [{"role": "user", "content": "Hello!"}]}


@dataclass
class Outcome:
    """What a client got."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes = b""
    error: str = ""

    @property
    def payloads(self) -> list[bytes]:
        lines = self.raw.replace(b"\r", b"").split(b"\n")
        return [line.removeprefix(b"data: ") for line in lines if line.startswith(b"data: ")]

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(payload) for payload in self.payloads if payload != b"[DONE]"]

    @property
    def text(self) -> str:
        deltas = [choice["delta"] for event in self.events for choice in event.get("choices", [])]
        return "".join(delta.get("content") or "" for delta in deltas)

    @property
    def done(self) -> bool:
        return b"[DONE]" in self.raw

    @property
    def finishes(self) -> list[tuple[str, bool]]:
        """Finish reasons, and whether they carry the stream's id."""
        first = self.events[0]["id"]
        return [
            (choice["finish_reason"], event["id"] == first)
            for event in self.events
            for choice in event.get("choices", [])
            if choice.get("finish_reason")
        ]


async def outcome(
    api: LocalInfermatic, session: aiohttp.ClientSession, *, seconds: float = 2.0, stream: bool = True
) -> Outcome:
    result = Outcome()
    timeout = aiohttp.ClientTimeout(total=seconds)
    try:
        async with session.post(
            f"{api.url}/v1/chat/completions", json={**CHAT, "stream": stream}, timeout=timeout
        ) as response:
            result.status, result.headers = response.status, {k.lower(): v for k, v in response.headers.items()}
            async for part in response.content.iter_any():
                result.raw += part
                if len(result.raw) > 4_000_000:
                    break
    except (aiohttp.ClientError, TimeoutError) as error:
        result.error = type(error).__name__
    return result


def is_error(status: int, text: bytes) -> Callable[[Outcome], bool]:
    return lambda got: got.status == status and text in got.raw and not got.error


def some_text_then(check: Callable[[Outcome], bool]) -> Callable[[Outcome], bool]:
    return lambda got: got.status == 200 and 0 < len(got.text) < 40 and check(got)


def whole_text(got: Outcome) -> bool:
    return got.status == 200 and len(got.text) > 40 and got.finishes[-1] == ("stop", True) and got.done


EXPECTED: dict[FaultKind, Callable[[Outcome], bool]] = {
    "status": is_error(503, b"ServiceUnavailableError"),
    "parallel_limit": is_error(429, b"Limit type: max_parallel_requests"),
    "minute_limit": is_error(429, b"Limit type: requests"),
    "unauthorized_once": is_error(401, b"token_not_found_in_db"),
    "context_window": is_error(400, b"maximum context length is 8192 tokens"),
    "html_502": is_error(502, b"<html>"),
    "plain_500": is_error(500, b"Internal Server Error"),
    "empty_500": lambda got: got.status == 500 and not got.raw,
    "timeout": is_error(408, b"litellm.Timeout"),
    "drop_connection": lambda got: got.error == "ServerDisconnectedError" and not got.status,
    "stall_first": lambda got: got.error == "TimeoutError" and got.status == 200 and not got.raw,
    "stall": some_text_then(lambda got: got.error == "TimeoutError"),
    "slow": lambda got: got.error == "TimeoutError" and got.status == 200,
    "cut": some_text_then(lambda got: got.error == "ClientPayloadError"),
    "close": some_text_then(lambda got: not got.error and not got.done and not got.finishes),
    "upstream_cut": some_text_then(lambda got: got.finishes == [("stop", True)] and got.done),
    "made_up_finish": some_text_then(lambda got: got.finishes == [("stop", False)] and got.done),
    "error_frame": some_text_then(lambda got: "error" in got.events[-1] and not got.done),
    "upstream_end": some_text_then(lambda got: got.finishes == [("stop", True)] and got.done),
    "no_done": lambda got: bool(got.text) and got.finishes == [("stop", True)] and not got.done,
    "empty": lambda got: not got.text and got.finishes == [("stop", True)] and got.done,
    "null_content": lambda got: whole_text(got) and b'"content":null' in got.raw,
    "empty_choices": lambda got: whole_text(got) and any(not event["choices"] for event in got.events),
    "garbage": lambda got: got.done and any(not _is_json(payload) for payload in got.payloads),
    "invalid_utf8": lambda got: got.done and not _is_utf8(got.raw),
    "lone_surrogate": lambda got: whole_text(got) and "\ud83d" in got.text,
    "nul": lambda got: whole_text(got) and "\0" in got.text,
    "huge_line": lambda got: got.done and max(map(len, got.payloads)) > 2_000_000,
    "endless": lambda got: len(got.raw) > 1_000_000 and not got.finishes,
    "duplicate_finish": lambda got: got.finishes == [("stop", True)] * 2,
    "crlf": lambda got: whole_text(got) and 0 < got.raw.count(b"\r\n") < got.raw.count(b"\n"),
    "comments": lambda got: whole_text(got) and got.raw.count(b": keep-alive\n\n") > 5,
    "split_bytes": whole_text,
}

DETAILS: dict[str, dict[str, Any]] = {"slow": {"tokens_per_second": 1.0}}
SHORT = {"stall_first", "stall", "slow"}


def _is_json(payload: bytes) -> bool:
    try:
        json.loads(payload if payload != b"[DONE]" else b"1")
    except ValueError:
        return False
    return True


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def test_every_kind_of_fault_is_tried() -> None:
    assert set(EXPECTED) == set(FAULT_KINDS)


@pytest.mark.parametrize("kind", FAULT_KINDS)
async def test_a_fault_spoils_one_request_and_no_more(
    api: LocalInfermatic, session: aiohttp.ClientSession, kind: str
) -> None:
    fault = api.faults.add(cast("FaultKind", kind), **DETAILS.get(kind, {}))
    got = await outcome(api, session, seconds=0.25 if kind in SHORT else 5.0)
    assert EXPECTED[cast("FaultKind", kind)](got), got
    assert fault.hits == 1
    after = await outcome(api, session)
    assert whole_text(after)
    assert fault.hits == 1


WHOLE: dict[FaultKind, Callable[[Outcome], bool]] = {
    "upstream_cut": is_error(500, b"InternalServerError"),
    "error_frame": is_error(500, b"InternalServerError"),
    "cut": lambda got: got.error == "ClientPayloadError",
    "garbage": lambda got: got.status == 200 and not _is_json(got.raw),
    "empty": lambda got: json.loads(got.raw)["choices"][0]["message"]["content"] == "",
    "null_content": lambda got: json.loads(got.raw)["choices"][0]["message"]["content"] is None,
    "empty_choices": lambda got: json.loads(got.raw)["choices"] == [],
    "nul": lambda got: "\0" in json.loads(got.raw)["choices"][0]["message"]["content"],
    "lone_surrogate": lambda got: "\ud83d" in json.loads(got.raw)["choices"][0]["message"]["content"],
    "stall": lambda got: got.error == "TimeoutError",
}


@pytest.mark.parametrize("kind", WHOLE)
async def test_faults_also_spoil_answers_without_a_stream(
    api: LocalInfermatic, session: aiohttp.ClientSession, kind: FaultKind
) -> None:
    api.faults.add(kind)
    got = await outcome(api, session, seconds=0.25 if kind in SHORT else 5.0, stream=False)
    assert WHOLE[kind](got), got


async def test_a_fault_waits_for_its_model_and_path(api: LocalInfermatic, session: aiohttp.ClientSession) -> None:
    other = api.faults.add("html_502", model="Midnight-Miqu-70B-v1.5")
    text = api.faults.add("html_502", path="/v1/completions")
    assert (await outcome(api, session)).status == 200
    async with session.post(f"{api.url}/v1/completions", json={"model": MODEL, "prompt": "x"}) as response:
        assert response.status == 502
    assert (other.hits, text.hits) == (0, 1)


async def test_a_fault_can_stay(api: LocalInfermatic, session: aiohttp.ClientSession) -> None:
    api.faults.add("html_502", times=None)
    assert [(await outcome(api, session)).status for _ in range(4)] == [502] * 4
    api.faults.clear()
    assert (await outcome(api, session)).status == 200


async def test_a_limit_may_say_when_to_come_back_in_any_form(
    api: LocalInfermatic, session: aiohttp.ClientSession
) -> None:
    for value in ("0.25", "Sun, 22 Nov 2026 12:00:00 GMT", None):
        api.faults.add("minute_limit", retry_after=value)
        got = await outcome(api, session)
        assert got.headers.get("retry-after") == value


async def test_a_status_can_have_any_body_and_headers(api: LocalInfermatic, session: aiohttp.ClientSession) -> None:
    api.faults.add("status", status=418, body="short and stout", headers={"x-tea": "yes"}, retry_after=7)
    got = await outcome(api, session)
    assert (got.status, got.raw, got.headers["x-tea"], got.headers["retry-after"]) == (
        418,
        b"short and stout",
        "yes",
        "7",
    )


async def test_a_stall_ends_after_its_time(api: LocalInfermatic, session: aiohttp.ClientSession) -> None:
    api.faults.add("stall", seconds=0.1)
    started = asyncio.get_running_loop().time()
    assert whole_text(await outcome(api, session))
    assert asyncio.get_running_loop().time() - started >= 0.1


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown kind of fault 'nonsense'"):
        LocalInfermatic().faults.add("nonsense")  # type: ignore[arg-type]  # that is the point
