"""What the local Infermatic was asked and what waits for it, for the inspector beside the chat."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from playground.infermatic import count_tokens
from playground.infermatic._tokenizer import text_of

from ._asked_in import asked_in, places_of, what_was_said

if TYPE_CHECKING:
    from playground.discord import LocalDiscord
    from playground.infermatic import ApiRequest, KeyState, LocalInfermatic

    from ._asked_in import Said

    JSON = dict[str, Any]

MAX_SHOWN = 100
WAITING_MARK = "⏳"  # what the bot puts on a message that waits for its turn
RECENT_MESSAGES = 50  # of each channel, among which those that wait are looked for
_SHOWN_APART = {"model", "messages", "prompt"}


def requests_view(api: LocalInfermatic, world: LocalDiscord) -> list[JSON]:
    """Return the newest requests in short, oldest first."""
    said = what_was_said(world)
    return [request_view(request, said) for request in api.requests[-MAX_SHOWN:]]


def request_view(request: ApiRequest, said: list[Said]) -> JSON:
    """Return one request in short."""
    started = time.time() - (time.monotonic() - request.at)
    return {
        "number": request.number,
        "at": datetime.fromtimestamp(started, UTC).isoformat(),
        "method": request.method,
        "path": request.path,
        "model": request.model,
        "channel_id": asked_in(request, said),
        "status": request.status,
        "ended": request.ended,
        "seconds": _since(request, request.finished_at),
        "first_token_seconds": _since(request, request.first_token_at),
        "stream": request.stream,
    }


def request_detail(request: ApiRequest, world: LocalDiscord) -> JSON:
    """Return one request with everything it said, part by part, and its answer."""
    parts = parts_of(request.body)
    answer = request.text if request.ended else ""
    return request_view(request, what_was_said(world)) | {
        "messages": parts,
        "prompt_tokens": sum(part["tokens"] for part in parts),
        "parameters": {name: value for name, value in request.body.items() if name not in _SHOWN_APART},
        "answer": answer,
        "answer_tokens": count_tokens(answer),
    }


def _since(request: ApiRequest, moment: float | None) -> float | None:
    return moment - request.at if moment is not None else None


def parts_of(body: JSON) -> list[JSON]:
    messages = body.get("messages")
    if isinstance(messages, list):
        told = [message for message in messages if isinstance(message, dict)]
        return [_part(str(message.get("role")), message.get("content")) for message in told]
    given = body.get("prompt", body.get("input"))
    return [] if given is None else [_part("prompt", given if isinstance(given, str) else json.dumps(given))]


def _part(role: str, content: Any) -> JSON:
    text = text_of(content)
    inside = content if isinstance(content, list) else []
    pictures = sum(part.get("type") == "image_url" for part in inside if isinstance(part, dict))
    return {"role": role, "content": text, "tokens": count_tokens(text), "pictures": pictures}


def queue_view(world: LocalDiscord, api: LocalInfermatic, key: KeyState | None) -> JSON:
    """Return what runs, what the key still allows, and which messages the bot has marked as waiting."""
    now, said = api.clock(), what_was_said(world)
    running = [request for request in api.requests[-MAX_SHOWN:] if not request.ended]
    return {
        "running": [request_view(r, said) | {"seconds": time.monotonic() - r.at} for r in running],
        "in_flight": key.in_flight(now) if key else len(running),
        "parallel": key.parallel_requests if key else None,
        "this_minute": key.requests_this_minute(now) if key else 0,
        "per_minute": key.requests_per_minute if key else None,
        "waiting": _waiting(world),
    }


def _waiting(world: LocalDiscord) -> list[JSON]:
    """Return the messages on which the bot put its mark, oldest first."""
    found = []
    for channel in places_of(world):
        for message in channel.messages[-RECENT_MESSAGES:]:
            mark = message.reaction(WAITING_MARK)
            if mark is not None and world.bot.id in mark.user_ids:
                who = {"author": message.author.display_name, "content": message.content[:100]}
                found.append({"id": str(message.id), "channel_id": str(channel.id), **who})
    return sorted(found, key=lambda one: int(one["id"]))
