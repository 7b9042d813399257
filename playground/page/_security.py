"""Who may talk to the page: the browser that opened the printed address, and nothing else on this machine or beyond.

A page of some other site can send requests to loopback, and a name under its control can be made to point there. So
every request must name this server as its host, carry the secret of the printed address, and, where a browser says
where it comes from, come from the page itself; only its first page may be opened by a link from elsewhere.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

SECRET_HEADER = "X-Playground-Secret"  # noqa: S105 - the name of a header
_SAFE_METHODS = frozenset({"GET", "HEAD"})

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
)
"""The page loads nothing from anywhere else, and no script that somebody managed to slip into a message runs."""

_HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Guard:
    """Checks every request before anything else sees it."""

    def __init__(self) -> None:
        self.token = secrets.token_urlsafe(24)
        self._hosts: frozenset[str] = frozenset()
        self._cookie = "playground"

    def listen_on(self, port: int) -> None:
        """Learn the address under which the page is reached."""
        self._hosts = frozenset({f"127.0.0.1:{port}", f"localhost:{port}"})
        self._cookie = f"playground_{port}"  # cookies do not tell ports apart

    @web.middleware
    async def middleware(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Refuse what does not come from the page; add the headers that keep the page to itself."""
        early = self._refusal(request) or self._welcome(request)
        try:
            response = await handler(request) if early is None else early
        except web.HTTPException as error:
            error.headers.update(_HEADERS)
            raise
        if not response.prepared:
            response.headers.update(_HEADERS)
        return response

    def _refusal(self, request: web.Request) -> web.Response | None:
        if request.host not in self._hosts:
            return web.Response(status=403, text="This server answers only under its own loopback address.")
        origin = request.headers.get("Origin")
        trusted = {f"http://{host}" for host in self._hosts}
        if origin is not None and origin not in trusted:
            return web.Response(status=403, text="Requests from other sites are refused.")
        if request.path != "/" and request.headers.get("Sec-Fetch-Site", "none") not in {"same-origin", "none"}:
            return web.Response(status=403, text="Requests from other sites are refused.")
        upgrades = request.headers.get("Upgrade", "").lower() == "websocket"
        if origin is None and (upgrades or request.method not in _SAFE_METHODS):
            return web.Response(status=403, text="Requests that change something must say where they come from.")
        if not self._knows_token(request):
            return web.Response(status=401, text="Open the address that was printed when the playground started.")
        return None

    def _knows_token(self, request: web.Request) -> bool:
        given = (
            request.query.get("token") if request.path == "/" else None,
            request.cookies.get(self._cookie),
            request.headers.get(SECRET_HEADER),
        )
        return any(secrets.compare_digest(token.encode(), self.token.encode()) for token in given if token)

    def _welcome(self, request: web.Request) -> web.Response | None:
        """Trade the secret in the address for a cookie, so that it does not stay in the address bar."""
        if request.path != "/" or "token" not in request.query:
            return None
        response = web.Response(status=303, headers={"Location": "/"})
        response.set_cookie(self._cookie, self.token, httponly=True, samesite="Strict", path="/")
        return response
