"""The web server of the page: static files, the JSON API, live events and the local Discord's files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Self

import aiohttp
from aiohttp import web

from ._api import PageApi, errors_as_json
from ._api_commands import CommandsApi
from ._api_controls import ControlsApi
from ._api_forums import ForumsApi
from ._api_inspector import InspectorApi
from ._emoji_picture import EmojiPictures
from ._live import Audience
from ._reading import Reader
from ._security import Guard
from ._trouble import Trouble

if TYPE_CHECKING:
    from types import TracebackType

    from playground.discord import LocalDiscord
    from playground.infermatic import LocalInfermatic

    from ._bot_process import BotProcess

STATIC_FOLDER = Path(__file__).parent / "static"

_MAX_BODY_BYTES = 48 * 1024 * 1024  # three files of Discord's 10 MiB, in base64
_SHUTDOWN_SECONDS = 0.1
_SHOWN_TYPES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})


class Page:
    """The page over a local Discord, and over a local Infermatic if its requests shall be seen.

    `api_key` is the key that the bot uses there, whose limits the drawer changes.
    """

    def __init__(
        self, world: LocalDiscord, infermatic: LocalInfermatic | None = None, *, api_key: str | None = None
    ) -> None:
        self._world = world
        self._guard = Guard()
        self._audience = Audience(world, infermatic)
        reader, trouble = Reader(world), Trouble(world, infermatic, api_key)
        self._controls = ControlsApi(world, reader, trouble, self._audience)
        self._inspector = InspectorApi(world, infermatic, reader, trouble, self._controls)
        self._parts = (
            PageApi(world, reader, self._audience),
            CommandsApi(world, reader),
            ForumsApi(reader),
            self._controls,
            self._inspector,
            EmojiPictures(world),
        )
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None
        self._address = ""

    @property
    def address(self) -> str:
        """Where the page is, without the secret."""
        return self._address

    @property
    def url(self) -> str:
        """The address to open once; it carries the secret, which the browser then keeps as a cookie."""
        return f"{self._address}/?token={self._guard.token}"

    @property
    def token(self) -> str:
        """The secret."""
        return self._guard.token

    async def start(self, port: int = 0) -> str:
        """Listen on loopback and return the address to open."""
        app = web.Application(client_max_size=_MAX_BODY_BYTES, middlewares=[self._guard.middleware, errors_as_json])
        app.router.add_get("/", self._index)
        app.router.add_get("/cdn/{path:.+}", self._file)
        app.router.add_static("/static/", STATIC_FOLDER)
        for part in self._parts:
            part.add_to(app)
        self._session = self._inspector.session = aiohttp.ClientSession()
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, "127.0.0.1", port).start()
        except OSError:
            await self.stop()
            raise
        bound_port = self._runner.addresses[0][1]
        self._address = f"http://127.0.0.1:{bound_port}"
        self._guard.listen_on(bound_port)
        self._audience.start()
        return self.url

    def hold(self, bot: BotProcess) -> None:
        """Let the drawer restart this bot, and the inspector read its figures."""
        self._controls.bot = bot

    async def stop(self) -> None:
        """Send every page away and stop listening."""
        await self._controls.stop()
        await self._audience.stop()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        if self._session is not None:
            await self._session.close()
            self._session = self._inspector.session = None

    async def __aenter__(self) -> Self:
        """Start on a free port."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        await self.stop()

    async def _index(self, request: web.Request) -> web.StreamResponse:
        return web.FileResponse(STATIC_FOLDER / "index.html")

    async def _file(self, request: web.Request) -> web.Response:
        """Pass on a file of the local Discord; only pictures are shown, anything else is saved."""
        if self._session is None:
            raise web.HTTPNotFound
        async with self._session.get(f"{self._world.url}{request.rel_url.raw_path}") as response:
            if response.status != 200:
                raise web.HTTPNotFound
            shown = response.content_type in _SHOWN_TYPES
            headers = {
                "Content-Type": response.content_type if shown else "application/octet-stream",
                "Content-Disposition": "inline" if shown else "attachment",
            }
            return web.Response(body=await response.read(), headers=headers)
