"""The API of commands, buttons, menus and forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import web

from ._command_view import commands_view
from ._live import interaction_view
from ._reading import body_of
from ._values import form_values, option_values, selected_values

if TYPE_CHECKING:
    from playground.discord import Channel, Interaction, LocalDiscord, Person

    from ._reading import Reader

    JSON = dict[str, Any]


class CommandsApi:
    """The endpoints with which a person uses the bot."""

    def __init__(self, world: LocalDiscord, reader: Reader) -> None:
        self._world = world
        self._reader = reader

    def add_to(self, app: web.Application) -> None:
        """Register the endpoints."""
        app.add_routes(
            [
                web.get("/api/channels/{channel}/commands", self._commands),
                web.post("/api/channels/{channel}/commands", self._slash),
                web.post("/api/channels/{channel}/autocomplete", self._autocomplete),
                web.post("/api/messages/{message}/command", self._message_command),
                web.post("/api/messages/{message}/click", self._click),
                web.post("/api/messages/{message}/select", self._select),
                web.post("/api/interactions/{interaction}/submit", self._submit),
            ]
        )

    async def _commands(self, request: web.Request) -> web.Response:
        person, channel = self._reader.person(request), self._reader.channel(request)
        return web.json_response(commands_view(person.commands(channel)))

    async def _slash(self, request: web.Request) -> web.Response:
        person, channel, body = self._reader.person(request), self._reader.channel(request), await body_of(request)
        name = str(body.get("name"))
        values = option_values(_options(person, channel, name), body.get("options") or {}, channel)
        return _started(await person.slash(channel, name, values))

    async def _autocomplete(self, request: web.Request) -> web.Response:
        person, channel, body = self._reader.person(request), self._reader.channel(request), await body_of(request)
        choices = await person.autocomplete(
            channel, str(body.get("name")), body.get("options") or {}, focused=str(body.get("focused"))
        )
        return web.json_response([{"name": choice.name, "value": choice.value} for choice in choices])

    async def _message_command(self, request: web.Request) -> web.Response:
        name = str((await body_of(request)).get("name"))
        person, message = self._reader.person(request), self._reader.message(request)
        return _started(await person.message_command(message, name))

    async def _click(self, request: web.Request) -> web.Response:
        custom_id = str((await body_of(request)).get("custom_id"))
        return _started(await self._reader.person(request).click(self._reader.message(request), custom_id))

    async def _select(self, request: web.Request) -> web.Response:
        message, body = self._reader.message(request), await body_of(request)
        custom_id = str(body.get("custom_id"))
        values = selected_values(message.components, custom_id, body.get("values") or [], message.channel)
        return _started(await self._reader.person(request).select(message, custom_id, values))

    async def _submit(self, request: web.Request) -> web.Response:
        number = request.match_info["interaction"]
        opened = next((i for i in self._world.interactions if str(i.id) == number), None)
        if opened is None or opened.modal is None:
            raise web.HTTPNotFound(reason="The form is no longer open")
        values = form_values(opened.modal, (await body_of(request)).get("values") or {}, opened.channel)
        return _started(await self._reader.person(request).submit(opened, values))


def _started(interaction: Interaction) -> web.Response:
    return web.json_response(interaction_view(interaction))


def _options(person: Person, channel: Channel, name: str) -> list[JSON]:
    commands = commands_view(person.commands(channel))
    return next((c["options"] for c in commands if c["kind"] == "slash" and c["name"] == name), [])
