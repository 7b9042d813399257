"""The API of the inspector: what the model API and Discord were asked, and what waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import web

from ._bot_process import figures_of
from ._inspector import queue_view, request_detail, requests_view
from ._staff import staff_view
from ._writes import allowances_view, writes_view

if TYPE_CHECKING:
    import aiohttp

    from playground.discord import LocalDiscord
    from playground.infermatic import LocalInfermatic

    from ._api_controls import ControlsApi
    from ._reading import Reader
    from ._trouble import Trouble

    JSON = dict[str, Any]


class InspectorApi:
    """The endpoints of the inspector."""

    def __init__(
        self,
        world: LocalDiscord,
        infermatic: LocalInfermatic | None,
        reader: Reader,
        trouble: Trouble,
        controls: ControlsApi,
    ) -> None:
        self._world = world
        self._reader = reader
        self._infermatic = infermatic
        self._trouble = trouble
        self._controls = controls
        self.session: aiohttp.ClientSession | None = None

    def add_to(self, app: web.Application) -> None:
        """Register the endpoints."""
        app.add_routes(
            [
                web.get("/api/requests", self._requests),
                web.get(r"/api/requests/{number:\d+}", self._request),
                web.get("/api/writes", self._writes),
                web.get("/api/now", self._now),
                web.get("/api/guilds/{guild}/staff", self._staff),
            ]
        )

    async def _requests(self, _: web.Request) -> web.Response:
        return web.json_response(requests_view(self._infermatic, self._world) if self._infermatic else [])

    async def _request(self, request: web.Request) -> web.Response:
        number = int(request.match_info["number"])
        kept = self._infermatic.requests if self._infermatic else []
        wanted = next((kept_one for kept_one in reversed(kept) if kept_one.number == number), None)
        if wanted is None:
            raise web.HTTPNotFound(reason="That request is no longer known")
        return web.json_response(request_detail(wanted, self._world))

    async def _writes(self, _: web.Request) -> web.Response:
        return web.json_response(writes_view(self._world))

    async def _staff(self, request: web.Request) -> web.Response:
        """Tell a moderator what there is to look after in a server that they are in."""
        viewer = self._reader.person(request).user
        guild = next((g for g in self._world.guilds if str(g.id) == request.match_info["guild"]), None)
        if guild is None or viewer.id not in guild.members:
            raise web.HTTPNotFound(reason="That is no longer there")
        database = None if self._controls.bot is None else self._controls.bot.database
        return web.json_response(await staff_view(self._world, guild, viewer, database))

    async def _now(self, _: web.Request) -> web.Response:
        """Tell what changes by itself as time goes by: slots, waiting conversations, allowances."""
        api = self._infermatic
        queue = queue_view(self._world, api, self._trouble.key) if api else None
        figures = await figures_of(self.session, self._controls.bot) if self.session else None
        return web.json_response({"queue": queue, "bot": figures, "allowances": allowances_view(self._world)})
