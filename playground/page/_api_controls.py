"""The API of the drawer: who and what is there, and what goes wrong."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiohttp import web

from playground.discord import InvalidOptionError

from ._building import PERMISSIONS, Builder, thread_name
from ._live import ControlsChanged
from ._reading import body_of

if TYPE_CHECKING:
    from playground.discord import LocalDiscord

    from ._bot_process import BotProcess
    from ._live import Audience
    from ._reading import Reader
    from ._trouble import Trouble

    JSON = dict[str, Any]


class ControlsApi:
    """The endpoints below /api/controls."""

    def __init__(self, world: LocalDiscord, reader: Reader, trouble: Trouble, audience: Audience) -> None:
        self._world = world
        self._reader = reader
        self._trouble = trouble
        self._audience = audience
        self._builder = Builder(world)
        self._restarting: asyncio.Task[None] | None = None
        self.bot: BotProcess | None = None

    def add_to(self, app: web.Application) -> None:
        """Register the endpoints."""
        app.add_routes(
            [
                web.get("/api/controls", self._view),
                web.delete("/api/controls", self._clear),
                web.post("/api/controls/people", self._add_person),
                web.post("/api/controls/roles", self._add_role),
                web.put("/api/controls/members", self._set_roles),
                web.post("/api/controls/channels", self._add_channel),
                web.post("/api/controls/threads", self._add_thread),
                web.post("/api/controls/guilds", self._add_guild),
                web.post("/api/controls/invitations", self._invite),
                web.post("/api/controls/gateway", self._drop_gateway),
                web.post("/api/controls/bot", self._restart_bot),
                web.post("/api/controls/faults", self._add_fault),
                web.delete(r"/api/controls/faults/{number:\d+}", self._remove_fault),
                web.put("/api/controls/speed", self._set_speed),
                web.delete("/api/controls/speed", self._usual_speed),
                web.put("/api/controls/key", self._set_limits),
                web.delete("/api/controls/key", self._usual_limits),
            ]
        )

    async def stop(self) -> None:
        """Leave no restart half done."""
        if self._restarting is not None:
            self._restarting.cancel()
            await asyncio.gather(self._restarting, return_exceptions=True)

    async def _view(self, _: web.Request) -> web.Response:
        return web.json_response(self._now())

    def _now(self) -> JSON:
        permissions = [{"name": name, "label": label} for name, label in PERMISSIONS.items()]
        bot = "none" if self.bot is None else "restarting" if self._restarting else "running"
        return self._trouble.view() | {"permissions": permissions, "bot": bot}

    def _changed(self) -> web.Response:
        self._audience.tell(ControlsChanged())
        return web.json_response(self._now())

    # People and places

    async def _add_person(self, request: web.Request) -> web.Response:
        user = self._builder.add_person(await body_of(request))
        await self._world.person(user).open_dm()
        return web.json_response({"id": str(user.id), "name": user.display_name})

    async def _add_role(self, request: web.Request) -> web.Response:
        role = self._builder.add_role(await body_of(request))
        return web.json_response({"id": str(role.id), "name": role.name})

    async def _set_roles(self, request: web.Request) -> web.Response:
        member = self._builder.set_roles(await body_of(request))
        return web.json_response({"id": str(member.id), "name": member.display_name})

    async def _add_channel(self, request: web.Request) -> web.Response:
        channel = self._builder.add_channel(await body_of(request))
        return web.json_response({"id": str(channel.id), "name": channel.name})

    async def _add_thread(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        channel = self._reader.channel_of(body)
        if channel.guild is None or channel.is_thread:
            raise InvalidOptionError("Threads stand below a channel of a server")
        private = bool(body.get("private"))
        thread = await self._reader.person(request).start_thread(channel, thread_name(body), private=private)
        return web.json_response({"id": str(thread.id), "name": thread.name})

    async def _add_guild(self, request: web.Request) -> web.Response:
        guild = self._builder.add_guild(await body_of(request), self._reader.person(request).user)
        return web.json_response({"id": str(guild.id), "name": guild.name})

    async def _invite(self, request: web.Request) -> web.Response:
        member = self._builder.invite(await body_of(request))
        return web.json_response({"id": str(member.id), "name": member.display_name})

    # What goes wrong

    async def _drop_gateway(self, request: web.Request) -> web.Response:
        forget = bool((await body_of(request)).get("forget"))
        self._world.drop_gateway(resumable=not forget)
        return self._changed()

    async def _restart_bot(self, request: web.Request) -> web.Response:
        await body_of(request)
        if self.bot is None:
            raise InvalidOptionError("The bot was started by somebody else, who can restart it")
        if self._restarting is None:
            self._restarting = asyncio.create_task(self._restart(self.bot))
        return self._changed()

    async def _restart(self, bot: BotProcess) -> None:
        try:
            await bot.restart()
        finally:
            self._restarting = None
            self._audience.tell(ControlsChanged())

    async def _add_fault(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        self._trouble.add_fault(str(body.get("choice")), body.get("times"))
        return self._changed()

    async def _remove_fault(self, request: web.Request) -> web.Response:
        self._trouble.remove_fault(int(request.match_info["number"]))
        return self._changed()

    async def _set_speed(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        self._trouble.set_speed(body.get("first_token_seconds"), body.get("tokens_per_second"))
        return self._changed()

    async def _usual_speed(self, _: web.Request) -> web.Response:
        self._trouble.usual_speed()
        return self._changed()

    async def _set_limits(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        self._trouble.set_limits(body.get("requests_per_minute"), body.get("parallel_requests"))
        return self._changed()

    async def _usual_limits(self, _: web.Request) -> web.Response:
        self._trouble.usual_limits()
        return self._changed()

    async def _clear(self, _: web.Request) -> web.Response:
        self._trouble.clear()
        return self._changed()
