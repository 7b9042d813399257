"""Exchanges recorded from two versions of the gateway, and what the client has to make of each."""

import gzip
import json
import random
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from infermatic_client import (
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    ContextWindowExceededError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    UnknownModelError,
    UnsupportedSystemPromptError,
)
from tests.infermatic_client.loopback import Reply

OLD, NEW = "1.66.3", "1.83.14"

Expected = tuple[type[APIStatusError], dict[str, Any]]


@dataclass(frozen=True)
class Recording:
    """One exchange."""

    version: str
    name: str
    method: str
    path: str
    authorization: str | None
    sent: dict[str, Any]
    status: int
    headers: tuple[tuple[str, str], ...]
    body: str
    ended: str

    @property
    def streamed(self) -> bool:
        return bool(self.sent.get("stream"))

    @property
    def answered_as_stream(self) -> bool:
        return "event-stream" in dict(self.headers)["content-type"]

    def reply(self) -> Reply:
        """Answer as recorded, the body split at random bytes (the same ones each time)."""
        unframed = [(name, value) for name, value in self.headers if name.lower() not in _FRAMING]
        data = self.body.encode()
        dice = random.Random(f"{self.version} {self.name}")
        cuts = sorted(dice.sample(range(1, len(data)), min(12, len(data) - 1))) if len(data) > 1 else []
        pieces = [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]
        chunked = any(name.lower() == "transfer-encoding" for name, _ in self.headers)
        return Reply(
            self.status, unframed, pieces, "chunked" if chunked else "length", cut=self.ended.startswith("CLIENT")
        )


_FRAMING = {"transfer-encoding", "content-length"}


@cache
def recordings() -> tuple[Recording, ...]:
    """Load all of them."""
    found = []
    for version in (OLD, NEW):
        path = Path(__file__).parent / "data" / f"litellm-{version}.jsonl.gz"
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            found += [_recording(version, json.loads(line)) for line in lines]
    return tuple(found)


def _recording(version: str, row: dict[str, Any]) -> Recording:
    request, response = row["request"], row["response"]
    sent = request["body"]
    if isinstance(sent, str):
        sent = json.loads(sent, strict=False) if sent else {}  # the two longest were shortened around a raw newline
    return Recording(
        version,
        row["name"],
        request["method"],
        request["path"],
        request["authorization"],
        sent,
        response["status"],
        tuple((name, value) for name, value in response["headers"]),
        response["body"],
        response["ended"],
    )


def recording(version: str, name: str) -> Recording:
    """Find one by name."""
    return next(found for found in recordings() if (found.version, found.name) == (version, name))


_WINDOW: Expected = (ContextWindowExceededError, {"status_code": 400, "limit": 8192, "requested": 9216})
_UNKNOWN: Expected = (UnknownModelError, {"status_code": 400, "model": "no-such-model"})
_REFUSED_KEY: Expected = (AuthenticationError, {"status_code": 401})
_PARALLEL: Expected = (RateLimitError, {"limit_type": "max_parallel_requests", "limit": 1})
_REQUESTS: Expected = (RateLimitError, {"limit_type": "requests", "limit": 3})
_TOKENS: Expected = (RateLimitError, {"limit_type": "tokens", "limit": 50})
_UPSTREAM_BUSY: Expected = (RateLimitError, {"limit_type": None, "type": "throttling_error"})
_FAILED: Expected = (ServerError, {"status_code": 500, "system_prompt_suspected": False})
_NO_SYSTEM: Expected = (UnsupportedSystemPromptError, {"status_code": 500, "system_prompt_suspected": True})
_BAD: Expected = (BadRequestError, {"status_code": 400})

_ERRORS: dict[str, Expected] = {
    "400_bad_param_temp": _BAD,
    "400_bad_param_topk": _BAD,
    "400_bad_role": _BAD,
    "400_budget": (PermissionDeniedError, {"status_code": 400, "type": "budget_exceeded"}),
    "400_ctx_exceeded_completions": _WINDOW,
    "400_ctx_exceeded_completions_stream": _WINDOW,
    "400_ctx_exceeded_nested": _WINDOW,
    "400_ctx_exceeded_stream": _WINDOW,
    "400_ctx_real_check": (ContextWindowExceededError, {"limit": 8192, "requested": 10000}),
    "400_empty_body": (UnknownModelError, {"model": "None", "type": None}),
    "400_expired_key": (AuthenticationError, {"status_code": 400, "type": "expired_key"}),
    "400_no_messages": (BadRequestError, {"status_code": 500}),
    "400_unknown_model": _UNKNOWN,
    "400_unknown_model_completions": _UNKNOWN,
    "400_unknown_model_stream": _UNKNOWN,
    "401_bad_key": _REFUSED_KEY,
    "401_flapping_2": _REFUSED_KEY,
    "401_malformed_header": _REFUSED_KEY,
    "401_model_not_in_plan": (PermissionDeniedError, {"status_code": 401, "model": "Midnight-Miqu-70B-v1.5"}),
    "401_no_key": _REFUSED_KEY,
    "401_no_key_completions": _REFUSED_KEY,
    "401_no_key_models": _REFUSED_KEY,
    "401_not_sk": _REFUSED_KEY,
    "404_double_v1": (NotFoundError, {"message": "Not Found"}),
    "405_method": (BadRequestError, {"status_code": 405}),
    "429_mock_ratelimit": _UPSTREAM_BUSY,
    "429_parallel_chat": _PARALLEL,
    "429_parallel_completions": (RateLimitError, {"limit_type": "max_parallel_requests", "retry_after": None}),
    "429_rpm_chat_4_of_5": _REQUESTS,
    "429_rpm_chat_5_of_5": _REQUESTS,
    "429_rpm_chat_stream": _REQUESTS,
    "429_rpm_completions": (RateLimitError, {"limit_type": "requests", "retry_after": None}),
    "429_tpm_2_of_3": _TOKENS,
    "429_tpm_3_of_3": _TOKENS,
    "429_upstream": _UPSTREAM_BUSY,
    "429_upstream_again": _UPSTREAM_BUSY,
    "429_upstream_completions": _UPSTREAM_BUSY,
    "500_empty": _FAILED,
    "500_json": _FAILED,
    "500_non_alternating": _FAILED,
    "500_system_prompt_Anubis": _NO_SYSTEM,
    "500_system_prompt_Miqu": _NO_SYSTEM,
    "500_system_prompt_Rocinante": _NO_SYSTEM,
    "500_system_prompt_stream": _NO_SYSTEM,
    "500_text_chat": _FAILED,
    "500_text_chat_stream": _FAILED,
    "500_text_completions": _FAILED,
    "503_upstream": (ServerError, {"status_code": 503}),
    "503_upstream_completions": (ServerError, {"status_code": 503}),
    "badjson": _FAILED,
    "completions_best_of_lt_n": _BAD,
    "completions_prompt_tokens": _FAILED,
    "dead_backend": _FAILED,
    "embeddings_empty": _BAD,
    "embeddings_no_input": (BadRequestError, {"status_code": 500}),
    "embeddings_too_long": (ContextWindowExceededError, {"limit": 512, "requested": 600}),
    "err_401_upstream": (ServerError, {"status_code": 401}),
    "err_404_upstream": (NotFoundError, {"status_code": 404}),
    "par1_after_500": _PARALLEL,
    "par1_after_cancel_6s": _PARALLEL,
    "par1_after_miderror": _PARALLEL,
    "par1_upstream_500": _FAILED,
    "stream_text_firsterror": _FAILED,
    "timeout_hang_text": (ServerError, {"status_code": 408}),
    "token_counter_both": (ServerError, {"status_code": 500, "message": "Internal Server Error"}),
    "token_counter_neither": _BAD,
    "token_counter_v1_path": (NotFoundError, {"status_code": 404}),
    "token_counter_wrong_types": (BadRequestError, {"status_code": 422, "message": "Input should be a valid string"}),
    "unauth_404_path": (NotFoundError, {"status_code": 404}),
}
# What only one version refuses, or refuses for another reason.
_SUCCEEDS = {
    (OLD, "par1_after_500"),
    (OLD, "par1_after_cancel_6s"),
    (OLD, "par1_after_miderror"),
    (NEW, "completions_prompt_tokens"),
    (OLD, "token_counter_both"),
}

INTERRUPTIONS: dict[tuple[str, str], str] = {
    (OLD, "stream_chat_cut"): "error_frame",
    (OLD, "stream_chat_garbage"): "error_frame",
    (OLD, "stream_chat_halfline"): "error_frame",
    (OLD, "stream_text_cut"): "error_frame",
    (OLD, "stream_text_halfline"): "error_frame",
    (OLD, "stream_text_miderror-nested"): "error_frame",
    (OLD, "stream_usage_cut"): "error_frame",
    (NEW, "stream_chat_garbage"): "error_frame",
    (NEW, "stream_text_cut"): "error_frame",
    (NEW, "stream_text_halfline"): "error_frame",
    (NEW, "stream_text_miderror-nested"): "error_frame",
    (NEW, "stream_chat_firsterror"): "made_up_finish",
    (NEW, "stream_chat_miderror"): "made_up_finish",
} | {
    (version, name): "cut"
    for version in (OLD, NEW)
    for name in ("cancel_stream_text", "cancel_stream_watch_text", "par1_cancelled_stream")
}


def expected_error(found: Recording) -> Expected | None:
    """Tell which error this exchange is, ``None`` when it is none."""
    if (found.version, found.name) in _SUCCEEDS:
        return None
    if (found.version, found.name) == (NEW, "par1_upstream_500"):
        return _PARALLEL
    return _ERRORS.get(found.name)


def chunks_of(found: Recording) -> list[dict[str, Any]]:
    """Read a recorded stream naively: it was recorded whole."""
    lines = [line for line in found.body.split("\n") if line.startswith("data: {")]
    return [json.loads(line.removeprefix("data: ")) for line in lines]
