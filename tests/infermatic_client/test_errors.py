import copy
import hashlib
import inspect
import json
import logging
import pickle
import time
import traceback
from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import infermatic_client
from infermatic_client import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    ContextWindowExceededError,
    InfermaticClient,
    InfermaticError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ResponseFormatError,
    ServerError,
    StreamInterruptedError,
    UnknownModelError,
    UnsupportedSystemPromptError,
    _errors,
)
from infermatic_client._classify import error_from_answer, error_from_frame, retry_after_seconds
from infermatic_client._redact import Secret, redact
from tests.infermatic_client.conftest import KEY
from tests.infermatic_client.loopback import Loopback, Reply, error_reply

TOO_LARGE = """'max_tokens' or 'max_completion_tokens' is too large: 7000. This model's maximum context length is 8192 \
tokens and your request has 2216 input tokens (7000 > 8192 - 2216)."""
SYSTEM_PROMPT_ANSWER = (
    "litellm.InternalServerError: InternalServerError: OpenAIException - Internal Server Error. "
    "Received Model Group=M\nAvailable Model Group Fallbacks=None"
)
HASH = hashlib.sha256(KEY.encode()).hexdigest()


def answered(status: int, message: str, type_: str | None = None, **headers: str) -> APIStatusError:
    body = json.dumps({"error": {"message": message, "type": type_, "param": None, "code": str(status)}})
    return error_from_answer(status, headers, body.encode(), key=Secret(KEY))


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    drawn = [line for line in (_errors.__doc__ or "").splitlines() if "Error" in line and "raise" not in line]
    classes = [name for line in drawn for name in line.replace("─", " ").split() if name.endswith("Error")]
    known = {name for name, found in inspect.getmembers(_errors, inspect.isclass) if issubclass(found, InfermaticError)}
    assert {name for name in classes if name != "ValueError"} == known
    depths = {name: line.index(name) // 4 for line in drawn for name in known if name in line.split()}
    for name, depth in depths.items():
        assert len(getattr(_errors, name).__mro__) - len(InfermaticError.__mro__) == depth - 1


@pytest.mark.parametrize(
    "error",
    [
        APITimeoutError(phase="between_chunks", seconds=30, text="so far"),
        StreamInterruptedError(reason="cut", text="so far"),
        ResponseFormatError("no JSON", body="<html>"),
        answered(429, "Limit type: requests. Current limit: 12, Remaining: 0"),
        answered(400, "maximum context length is 8192 tokens. However, you requested 9216 tokens"),
    ],
)
def test_errors_survive_copying(error: InfermaticError) -> None:
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):  # noqa: S301 -- made two lines above
        assert type(twin) is type(error)
        assert (vars(twin), str(twin)) == (vars(error), str(error))


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (502, b"<html><body>Bad Gateway</body></html>", ServerError, ""),
        (500, b"Internal Server Error", ServerError, "Internal Server Error"),
        (500, b"", ServerError, ""),
        (404, b'{"detail":"Not Found"}', NotFoundError, "Not Found"),
        (403, b"{}", PermissionDeniedError, ""),
        (400, b'{"error": "just text"}', BadRequestError, "just text"),
        (400, b'{"error": null}', BadRequestError, "None"),
        (418, b"[1, 2]", BadRequestError, "[1, 2]"),
        (301, b"", APIStatusError, ""),
        (500, b"\xff\xfe", ServerError, "\ufffd\ufffd"),
        (500, b"[" * 100_000, ServerError, "[" * 500),
    ],
)
def test_bodies_of_any_shape_become_errors(status: int, body: bytes, kind: type[Any], message: str) -> None:
    error = error_from_answer(status, {}, body)
    assert type(error) is kind
    assert (error.status_code, error.message, error.type) == (status, message, None)
    assert error.body == body.decode("utf-8", "replace")[:16_384]


@pytest.mark.parametrize(
    ("message", "limit", "requested"),
    [
        ("This model's maximum context length is 32768 tokens. However, you requested 40000 tokens (", 32768, 40000),
        ("The decoder prompt (length 9000) is longer than the maximum model length of 8192.", 8192, 9000),
        (TOO_LARGE, 8192, 9216),
        ("litellm.ContextWindowExceededError: too long", None, None),
        ("maximum context length is " + "9" * 5000 + " tokens", None, None),
    ],
)
def test_a_context_window_error_states_its_numbers(message: str, limit: int | None, requested: int | None) -> None:
    error = answered(400, f"litellm.ContextWindowExceededError: {message}")
    assert isinstance(error, ContextWindowExceededError)
    if len(message) < 5000:
        assert (error.limit, error.requested) == (limit, requested)


def test_an_error_frame_has_its_codes_status_or_500() -> None:
    assert error_from_frame({"message": "x", "code": "400"}).status_code == 400
    for code in (None, "x", "200", 12, "5000"):
        assert type(error_from_frame({"message": "x", "code": code})) is ServerError
    assert error_from_frame("just text").message == "just text"


def test_the_old_limits_text_tells_which_limit_was_reached() -> None:
    text = (
        "Crossed TPM / RPM / Max Parallel Request Limit. current rpm: {}, rpm limit: 12, current tpm: 5, tpm limit: 9, "
        "current max_parallel_requests: {}, max_parallel_requests: 1"
    )
    for counts, limit_type in {(12, 1): "requests", (3, 1): "max_parallel_requests", (12, 0): "requests"}.items():
        error = answered(429, text.format(*counts))
        assert isinstance(error, RateLimitError)
        assert error.limit_type == limit_type


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "12"}, 12.0),
        ({"retry-after": "58.194308"}, 58.194308),
        ({"retry-after": "12", "retry-after-ms": "1500"}, 1.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({}, None),
        ({"retry-after": "Sun, 22 Nov 2026 11:22:40 GMT", "date": "Sun, 22 Nov 2026 11:22:10 GMT"}, 30.0),
        ({"retry-after": "Sun, 22 Nov 2026 11:22:00 GMT", "date": "Sun, 22 Nov 2026 11:22:10 GMT"}, 0.0),
    ],
)
def test_retry_after_is_read_in_all_its_forms(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_seconds(headers) == seconds
    assert answered(429, "x", **headers).retry_after == seconds


def test_a_retry_after_date_without_the_servers_clock_is_measured_by_ours() -> None:
    seconds = retry_after_seconds({"retry-after": formatdate(time.time() + 20, usegmt=True)})
    assert seconds is not None
    assert 15 < seconds <= 20


def test_a_request_id_is_kept() -> None:
    assert answered(500, "x", **{"x-litellm-call-id": "call-7"}).request_id == "call-7"


@pytest.mark.parametrize(
    "leak",
    [
        f"Received API Key = sk-...{KEY[-4:]}, Key Hash (Token) ={HASH}. Unable",
        f"key={HASH}, not found in db",
        f"Rate limit exceeded for api_key: {HASH}. Limit type: requests. Current limit: 12",
        f"Passed in: {KEY}",
        "Virtual Key expected. Received=hello, expected to start with 'sk-'.",
        f"Authorization: Bearer {KEY}",
        f"the key sk-...{KEY[-4:]} is of another team",
        f"upper case {HASH.upper()}",
    ],
)
def test_nothing_of_a_key_stays_in_an_error(leak: str) -> None:
    error = answered(401, leak, HASH)
    for seen in (str(error), repr(error), error.message, error.body, repr(error.args), error.type or ""):
        for secret in (KEY, KEY[-4:], HASH, HASH.upper(), "hello"):
            assert secret not in seen
    assert "[hidden]" in error.message


@settings(deadline=None)
@given(st.text(max_size=50), st.text(max_size=50))
def test_the_key_itself_is_hidden_wherever_it_stands(before: str, after: str) -> None:
    assert "weird key" not in redact(f"{before}weird key{after}", Secret("weird key"))


def test_other_words_stay() -> None:
    text = "Received Model Group=Midnight-Miqu-70B-v1.5, task-force, disk-70B, 8192 tokens, deadbeef"
    assert redact(text, Secret(KEY)) == text


async def test_a_malformed_answer_leaves_no_header_in_the_chain(server: Loopback, client: InfermaticClient) -> None:
    server.say(Reply(raw_head=b"HTTP/1.1 200 OK\r\nbad header\x00line\r\n\r\n"))
    with pytest.raises(APIConnectionError) as raised:
        await client.models()
    shown = infermatic_traceback(raised.value)
    assert "ClientResponseError" in shown
    assert KEY not in shown
    assert "Bearer" not in shown


def infermatic_traceback(error: BaseException) -> str:
    """Show what the most talkative log handler could: every chained exception, its repr, and local variables."""
    shown = ""
    link: BaseException | None = error
    while link is not None:
        trace = traceback.TracebackException.from_exception(link, capture_locals=True, compact=True)
        trace.stack = traceback.StackSummary.from_list(frame for frame in trace.stack if "tests" not in frame.filename)
        shown += "".join(trace.format(chain=False)) + repr(link) + repr(vars(link)) + str(link)
        link = link.__cause__ or link.__context__
    return shown


async def test_a_refused_connection_leaves_no_key_in_the_chain(unused_tcp_port: int) -> None:
    async with InfermaticClient(KEY, f"http://127.0.0.1:{unused_tcp_port}", max_retries=0) as client:
        with pytest.raises(APIConnectionError) as raised:
            await client.models()
    assert KEY not in infermatic_traceback(raised.value)
    assert KEY not in repr(client)


@pytest.mark.usefixtures("quick_retries")
async def test_nothing_of_the_key_is_logged(server: Loopback, caplog: pytest.LogCaptureFixture) -> None:
    server.say(error_reply(500, f"It broke for {KEY}."), error_reply(401, f"Authentication Error, key={HASH}"))
    with caplog.at_level(logging.DEBUG):
        async with InfermaticClient(KEY, server.url) as client:
            with pytest.raises(AuthenticationError):
                await client.chat("m", [{"role": "user", "content": "a private matter"}])
    assert "ServerError" in caplog.text
    assert not [word for word in (KEY, KEY[-4:], HASH, "private") if word in caplog.text]


async def test_a_500_with_a_system_message_is_told_apart(server: Loopback) -> None:
    system = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello!"}]
    learned: set[str] = set()
    server.say(error_reply(500, SYSTEM_PROMPT_ANSWER))
    async with InfermaticClient(KEY, server.url, models_without_system_role=learned) as client:
        with pytest.raises(ServerError) as unknown:
            await client.chat("some-model", system)
        assert type(unknown.value) is ServerError
        assert unknown.value.system_prompt_suspected
        assert len(server.requests) == 1  # no second request for what would fail again
        learned.add("some-model")
        with pytest.raises(UnsupportedSystemPromptError) as known:
            await client.chat("some-model", system)
        assert known.value.model == "some-model"
        with pytest.raises(UnsupportedSystemPromptError):
            async with client.stream_chat("Midnight-Miqu-70B-v1.5", system):
                pytest.fail("nothing to read")
    assert len(server.requests) == 3


def test_words_for_every_error_can_be_chosen_by_class() -> None:
    for name in infermatic_client.__all__:
        found = getattr(infermatic_client, name)
        if inspect.isclass(found) and issubclass(found, InfermaticError):
            assert found().text == ""


def test_the_more_special_class_is_the_more_general_one_too() -> None:
    assert issubclass(UnknownModelError, BadRequestError)
    assert isinstance(answered(400, "Authentication Error - Expired Key. Key Expiry time"), AuthenticationError)
    assert isinstance(answered(400, "Budget has been exceeded! Current cost"), PermissionDeniedError)
