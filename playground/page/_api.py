"""The page's JSON API: what a person sees and says; commands, drawer and inspector have modules of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import web

from playground.discord import PersonError

from ._message_view import message_view
from ._pages import page_of
from ._reading import Reader, body_of, found
from ._values import upload
from ._world_view import world_view

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from playground.discord import LocalDiscord

    from ._live import Audience

    JSON = dict[str, Any]


class PageApi:
    """The endpoints of places, messages and live events."""

    def __init__(self, world: LocalDiscord, reader: Reader, audience: Audience) -> None:
        self._world = world
        self._reader = reader
        self._audience = audience

    def add_to(self, app: web.Application) -> None:
        """Register the endpoints."""
        app.add_routes(
            [
                web.get("/api/world", self._get_world),
                web.get("/api/live", self._live),
                web.get("/api/channels/{channel}/messages", self._messages),
                web.post("/api/channels/{channel}/messages", self._say),
                web.post("/api/channels/{channel}/typing", self._type),
                web.patch("/api/messages/{message}", self._edit),
                web.delete("/api/messages/{message}", self._delete),
                web.post("/api/messages/{message}/dismiss", self._delete),
                web.put("/api/messages/{message}/reactions", self._react),
                web.delete("/api/messages/{message}/reactions", self._unreact),
            ]
        )

    async def _get_world(self, request: web.Request) -> web.Response:
        return web.json_response(await world_view(self._world, self._reader.person(request)))

    async def _live(self, request: web.Request) -> web.StreamResponse:
        return await self._audience.serve(request, self._reader.person(request))

    async def _messages(self, request: web.Request) -> web.Response:
        person, channel = self._reader.person(request), self._reader.channel(request)
        page = page_of(person.messages(channel), request.query)
        return web.json_response(
            {
                "messages": [message_view(message, person.user) for message in page.messages],
                "has_earlier": page.has_earlier,
                "has_later": page.has_later,
                "at": self._audience.number,  # later events are news to whoever reads this
            }
        )

    async def _say(self, request: web.Request) -> web.Response:
        person, channel, body = self._reader.person(request), self._reader.channel(request), await body_of(request)
        reply_to = found(self._world.message, body["reply_to"]) if body.get("reply_to") else None
        message = await person.say(
            channel,
            str(body.get("content") or ""),
            reply_to=reply_to,
            ping=bool(body.get("ping", True)),
            files=[upload(file) for file in body.get("files") or []],
        )
        return web.json_response(message_view(message, person.user))

    async def _type(self, request: web.Request) -> web.Response:
        await self._reader.person(request).type(self._reader.channel(request))
        return web.Response(status=204)

    async def _edit(self, request: web.Request) -> web.Response:
        content = str((await body_of(request)).get("content") or "")
        await self._reader.person(request).edit(self._reader.message(request), content)
        return web.Response(status=204)

    async def _delete(self, request: web.Request) -> web.Response:
        await self._reader.person(request).delete(self._reader.message(request))
        return web.Response(status=204)

    async def _react(self, request: web.Request) -> web.Response:
        emoji = str((await body_of(request)).get("emoji"))
        await self._reader.person(request).react(self._reader.message(request), emoji)
        return web.Response(status=204)

    async def _unreact(self, request: web.Request) -> web.Response:
        emoji = str((await body_of(request)).get("emoji"))
        await self._reader.person(request).unreact(self._reader.message(request), emoji)
        return web.Response(status=204)


@web.middleware
async def errors_as_json(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer errors in words that the page shows."""
    try:
        return await handler(request)
    except PersonError as error:
        return web.json_response({"error": str(error)}, status=400)
    except web.HTTPRequestEntityTooLarge:
        return web.json_response({"error": "That is too much for one message"}, status=413)
    except web.HTTPException as error:
        if not request.path.startswith("/api/"):
            raise
        return web.json_response({"error": error.reason}, status=error.status)
