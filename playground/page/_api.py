"""The page's JSON API: what a person sees, says and presses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

from aiohttp import web

from playground.discord import PersonError

from ._command_view import commands_view
from ._inspector import requests_view
from ._live import interaction_view
from ._message_view import message_view
from ._values import form_values, option_values, selected_values, upload
from ._world_view import people_of, world_view

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from playground.discord import Channel, Interaction, LocalDiscord, Message, Person
    from playground.infermatic import LocalInfermatic

    from ._live import Audience

    JSON = dict[str, Any]
    T = TypeVar("T")

PAGE_SIZE = 50


class PageApi:
    """The endpoints below /api. Who acts is said by `as` in the address."""

    def __init__(self, world: LocalDiscord, infermatic: LocalInfermatic | None, audience: Audience) -> None:
        self._world = world
        self._infermatic = infermatic
        self._audience = audience

    def add_to(self, app: web.Application) -> None:
        """Register the endpoints."""
        app.add_routes(
            [
                web.get("/api/world", self._get_world),
                web.get("/api/live", self._live),
                web.get("/api/requests", self._requests),
                web.get("/api/channels/{channel}/messages", self._messages),
                web.post("/api/channels/{channel}/messages", self._say),
                web.post("/api/channels/{channel}/typing", self._type),
                web.get("/api/channels/{channel}/commands", self._commands),
                web.post("/api/channels/{channel}/commands", self._slash),
                web.post("/api/channels/{channel}/autocomplete", self._autocomplete),
                web.patch("/api/messages/{message}", self._edit),
                web.delete("/api/messages/{message}", self._delete),
                web.post("/api/messages/{message}/dismiss", self._delete),
                web.put("/api/messages/{message}/reactions", self._react),
                web.delete("/api/messages/{message}/reactions", self._unreact),
                web.post("/api/messages/{message}/command", self._message_command),
                web.post("/api/messages/{message}/click", self._click),
                web.post("/api/messages/{message}/select", self._select),
                web.post("/api/interactions/{interaction}/submit", self._submit),
            ]
        )

    # Who and what a request is about

    def _person(self, request: web.Request) -> Person:
        wanted = request.query.get("person") or request.query.get("as") or ""
        people = people_of(self._world)
        user = next((user for user in people if str(user.id) == wanted), people[0] if people else None)
        if user is None:
            raise web.HTTPNotFound(reason="Nobody is here")
        return self._world.person(user)

    def _channel(self, request: web.Request) -> Channel:
        return _found(self._world.channel, request.match_info["channel"])

    def _message(self, request: web.Request) -> Message:
        return _found(self._world.message, request.match_info["message"])

    # Seeing

    async def _get_world(self, request: web.Request) -> web.Response:
        return web.json_response(await world_view(self._world, self._person(request)))

    async def _live(self, request: web.Request) -> web.StreamResponse:
        return await self._audience.serve(request, self._person(request))

    async def _requests(self, request: web.Request) -> web.Response:
        return web.json_response(requests_view(self._infermatic) if self._infermatic else [])

    async def _messages(self, request: web.Request) -> web.Response:
        person, channel = self._person(request), self._channel(request)
        seen = person.messages(channel)
        if request.query.get("before", "").isdecimal():
            seen = [message for message in seen if message.id < int(request.query["before"])]
        page = [message_view(message, person.user) for message in seen[-PAGE_SIZE:]]
        return web.json_response({"messages": page, "has_earlier": len(seen) > PAGE_SIZE})

    async def _commands(self, request: web.Request) -> web.Response:
        return web.json_response(commands_view(self._person(request).commands(self._channel(request))))

    # Saying

    async def _say(self, request: web.Request) -> web.Response:
        person, channel, body = self._person(request), self._channel(request), await _body(request)
        reply_to = _found(self._world.message, body["reply_to"]) if body.get("reply_to") else None
        message = await person.say(
            channel,
            str(body.get("content") or ""),
            reply_to=reply_to,
            ping=bool(body.get("ping", True)),
            files=[upload(file) for file in body.get("files") or []],
        )
        return web.json_response(message_view(message, person.user))

    async def _type(self, request: web.Request) -> web.Response:
        await self._person(request).type(self._channel(request))
        return web.Response(status=204)

    async def _edit(self, request: web.Request) -> web.Response:
        body = await _body(request)
        await self._person(request).edit(self._message(request), str(body.get("content") or ""))
        return web.Response(status=204)

    async def _delete(self, request: web.Request) -> web.Response:
        await self._person(request).delete(self._message(request))
        return web.Response(status=204)

    async def _react(self, request: web.Request) -> web.Response:
        await self._person(request).react(self._message(request), str((await _body(request)).get("emoji")))
        return web.Response(status=204)

    async def _unreact(self, request: web.Request) -> web.Response:
        await self._person(request).unreact(self._message(request), str((await _body(request)).get("emoji")))
        return web.Response(status=204)

    # Commands, buttons, menus and forms

    async def _slash(self, request: web.Request) -> web.Response:
        person, channel, body = self._person(request), self._channel(request), await _body(request)
        name = str(body.get("name"))
        values = option_values(_options(person, channel, name), body.get("options") or {}, channel)
        return _started(await person.slash(channel, name, values))

    async def _autocomplete(self, request: web.Request) -> web.Response:
        person, channel, body = self._person(request), self._channel(request), await _body(request)
        choices = await person.autocomplete(
            channel, str(body.get("name")), body.get("options") or {}, focused=str(body.get("focused"))
        )
        return web.json_response([{"name": choice.name, "value": choice.value} for choice in choices])

    async def _message_command(self, request: web.Request) -> web.Response:
        name = str((await _body(request)).get("name"))
        return _started(await self._person(request).message_command(self._message(request), name))

    async def _click(self, request: web.Request) -> web.Response:
        custom_id = str((await _body(request)).get("custom_id"))
        return _started(await self._person(request).click(self._message(request), custom_id))

    async def _select(self, request: web.Request) -> web.Response:
        message, body = self._message(request), await _body(request)
        custom_id = str(body.get("custom_id"))
        values = selected_values(message.components, custom_id, body.get("values") or [], message.channel)
        return _started(await self._person(request).select(message, custom_id, values))

    async def _submit(self, request: web.Request) -> web.Response:
        number = request.match_info["interaction"]
        opened = next((i for i in self._world.interactions if str(i.id) == number), None)
        if opened is None or opened.modal is None:
            raise web.HTTPNotFound(reason="The form is no longer open")
        values = form_values(opened.modal, (await _body(request)).get("values") or {}, opened.channel)
        return _started(await self._person(request).submit(opened, values))


def _started(interaction: Interaction) -> web.Response:
    return web.json_response(interaction_view(interaction))


def _options(person: Person, channel: Channel, name: str) -> list[JSON]:
    commands = commands_view(person.commands(channel))
    return next((command["options"] for command in commands if command["name"] == name), [])


def _found(find: Callable[[int], T], number: str) -> T:
    try:
        return find(int(number))
    except (KeyError, ValueError):
        raise web.HTTPNotFound(reason="That is no longer there") from None


async def _body(request: web.Request) -> JSON:
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


@web.middleware
async def errors_as_json(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer errors in words that the page shows."""
    try:
        return await handler(request)
    except PersonError as error:
        return web.json_response({"error": str(error)}, status=400)
    except web.HTTPException as error:
        if not request.path.startswith("/api/"):
            raise
        return web.json_response({"error": error.reason}, status=error.status)
