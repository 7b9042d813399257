"""Exchanges recorded with the real gateway software, and what is compared of them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from playground.infermatic import GatewayVersion

VERSIONS: tuple[GatewayVersion, ...] = ("1.83.14", "1.66.3")


@dataclass(frozen=True)
class Recorded:
    """One recorded request and its answer."""

    name: str
    gateway: GatewayVersion
    method: str
    path: str
    authorization: str | None
    body: Any
    status: int
    headers: dict[str, str]
    answer: str


def _load() -> dict[tuple[str, str], Recorded]:
    lines = (Path(__file__).parent / "recorded.jsonl").read_text("utf-8").split("\n")
    exchanges = [Recorded(**json.loads(line)) for line in lines if line]
    return {(exchange.gateway, exchange.name): exchange for exchange in exchanges}


RECORDED = _load()


def recorded(version: str, name: str) -> Recorded:
    """Return one recorded exchange."""
    return RECORDED[version, name]


def events(body: str) -> list[Any]:
    """Return the events of a stream, [DONE] as the word."""
    payloads = [line.removeprefix("data: ") for line in body.split("\n") if line.startswith("data: ")]
    return [payload if payload == "[DONE]" else json.loads(payload) for payload in payloads]


def shape(value: Any) -> Any:
    """Return the keys and types of a JSON value, without what it says."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in sorted(value.items())}
    if isinstance(value, list):
        return [shape(inner) for inner in value[:1]]
    return type(value).__name__


def stream_shape(body: str) -> list[Any]:
    """Return the shapes of a stream's events in their order, repetitions once."""
    shapes: list[Any] = []
    for event in events(body):
        this = event if event == "[DONE]" else [shape(event), _said(event)]
        if not shapes or shapes[-1] != this:
            shapes.append(this)
    return shapes


def _said(event: dict[str, Any]) -> Any:
    """Return the part of an event whose value matters: finish reasons, indexes, object names."""
    choices = cast("list[dict[str, Any]]", event.get("choices") or [])
    return [event.get("object"), [(choice.get("finish_reason"), choice.get("index")) for choice in choices]]


_VARYING = re.compile(r"resets at: [\d: -]+UTC|current rpm: \d+|current tpm: \d+|api_key: [0-9a-f]{64}")


def without_times(text: str) -> str:
    """Return an error's text without clock times, counts and hashes of keys."""
    return _VARYING.sub("…", text)
