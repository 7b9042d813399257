"""What the bot sent to Discord and how much of its allowance is left, for the inspector."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from playground.discord._ratelimits import MAJOR_PARAMETERS

if TYPE_CHECKING:
    from playground.discord import Channel, LocalDiscord, RestRequest

    JSON = dict[str, Any]

MAX_SHOWN = 200

_MESSAGES = "/channels/{channel_id}/messages"
_MESSAGE = _MESSAGES + "/{message_id}"
_WEBHOOK = "/webhooks/{webhook_id}/{token}"

_WORDS = {
    f"POST {_MESSAGES}": "post",
    f"PATCH {_MESSAGE}": "edit",
    f"DELETE {_MESSAGE}": "delete",
    f"PUT {_MESSAGE}/reactions/{{emoji}}/@me": "react",
    f"DELETE {_MESSAGE}/reactions/{{emoji}}/{{user_id}}": "unreact",
    "POST /channels/{channel_id}/typing": "typing",
    "POST /interactions/{interaction_id}/{token}/callback": "answer",
    f"POST {_WEBHOOK}": "post",
    f"PATCH {_WEBHOOK}/messages/{{message_id}}": "edit",
    f"DELETE {_WEBHOOK}/messages/{{message_id}}": "delete",
}


def writes_view(world: LocalDiscord) -> list[JSON]:
    """Return the newest writes, oldest first."""
    found: list[JSON] = []
    for request in reversed(world.requests):
        view = write_view(world, request)
        if view is not None:
            found.append(view)
        if len(found) == MAX_SHOWN:
            break
    return found[::-1]


def write_view(world: LocalDiscord, request: RestRequest) -> JSON | None:
    """Return one answered write; None for reads, files and what is still under way."""
    if request.method == "GET" or request.finished_at is None:
        return None
    names = _parameters(request)
    channel = _channel_of(world, names)
    started = time.time() - (time.monotonic() - request.at)
    body = request.body if isinstance(request.body, dict) else {}
    answer = request.answer if isinstance(request.answer, dict) else {}
    told = body.get("data") if isinstance(body.get("data"), dict) else body
    return {
        "key": f"{request.at:.6f}",
        "at": datetime.fromtimestamp(started, UTC).isoformat(),
        "what": _what(request.method, request.route),
        "channel_id": str(channel.id) if channel else None,
        "message_id": names.get("message_id") or answer.get("id"),
        "characters": len(str(told.get("content") or "")) if isinstance(told, dict) else 0,
        "status": request.status,
        "seconds": request.finished_at - request.at,
        "retry_after": answer.get("retry_after"),
    }


def allowances_view(world: LocalDiscord) -> list[JSON]:
    """Return how much is left of what the bot used in the last seconds."""
    return [
        {
            "what": _what(*allowance.route.split(" ", 1)) if allowance.route else "everything",
            "channel_id": _channel_id(world, allowance.route, allowance.major),
            "left": allowance.remaining,
            "of": allowance.limit.requests,
            "window_seconds": allowance.limit.seconds,
            "seconds": allowance.reset_after,
        }
        for allowance in world.rate_limits.allowances()
        if not allowance.route.startswith("GET ")
    ]


def _what(method: str, route: str) -> str:
    """Return a word, or the route itself with names in place of ids: tokens never show."""
    return _WORDS.get(f"{method} {route}") or f"{method} {route}"


def _parameters(request: RestRequest) -> dict[str, str]:
    path = request.path.partition("?")[0].strip("/").split("/")
    names = request.route.strip("/").split("/")
    found = {name[1:-1]: value for name, value in zip(names, path, strict=False) if name.startswith("{")}
    if "webhook_id" in found and "thread_id" in request.query:
        found["channel_id"] = request.query["thread_id"]
    return found


def _channel_of(world: LocalDiscord, names: dict[str, str]) -> Channel | None:
    for interaction in world.interactions:
        if names.get("token") == interaction.token:
            return interaction.channel
    if "webhook_id" in names and "channel_id" not in names:
        return next((w.channel for w in world.webhooks if str(w.id) == names["webhook_id"]), None)
    try:
        return world.channel(int(names["channel_id"]))
    except (KeyError, ValueError):
        return None


def _channel_id(world: LocalDiscord, route: str, major: tuple[str, ...]) -> str | None:
    kinds = [part[1:-1] for part in route.split("/") if part[1:-1] in MAJOR_PARAMETERS]
    channel = _channel_of(world, dict(zip(kinds, major, strict=False)))
    return str(channel.id) if channel else None
