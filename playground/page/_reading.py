"""What a request of the page is about: who acts, where, on what, and the JSON it brings."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

from aiohttp import web

from ._world_view import people_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from playground.discord import Channel, LocalDiscord, Message, Person

    JSON = dict[str, Any]
    T = TypeVar("T")


class Reader:
    """Finds what requests name. Who acts is said by `as` in the address."""

    def __init__(self, world: LocalDiscord) -> None:
        self._world = world

    def person(self, request: web.Request) -> Person:
        """Return who acts; somebody unknown is the first person there is."""
        wanted = request.query.get("person") or request.query.get("as") or ""
        people = people_of(self._world)
        user = next((user for user in people if str(user.id) == wanted), people[0] if people else None)
        if user is None:
            raise web.HTTPNotFound(reason="Nobody is here")
        return self._world.person(user)

    def channel(self, request: web.Request) -> Channel:
        """Return the channel of the path."""
        return found(self._world.channel, request.match_info["channel"])

    def channel_of(self, body: JSON) -> Channel:
        """Return the channel that a body names."""
        return found(self._world.channel, body.get("channel_id"))

    def message(self, request: web.Request) -> Message:
        """Return the message of the path."""
        return found(self._world.message, request.match_info["message"])


def found(find: Callable[[int], T], number: Any) -> T:
    """Return what has this id, or answer that it is gone."""
    try:
        return find(int(number))
    except (KeyError, ValueError, TypeError):
        raise web.HTTPNotFound(reason="That is no longer there") from None


async def body_of(request: web.Request) -> JSON:
    """Return the JSON of a request; other kinds are refused, because any site can send them."""
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(reason="Send JSON")
    try:
        body = await request.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise web.HTTPBadRequest(reason="That is no JSON") from None
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(reason="Send an object")
    return body
