"""Pictures of servers' own emoji: their bytes, or a drawn face in a colour of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from playground.discord import LocalDiscord

_HUE_STEP = 137  # degrees; neighbours in number are far apart in colour


class EmojiPictures:
    """The endpoint from which the page takes every emoji that is no character."""

    def __init__(self, world: LocalDiscord) -> None:
        self._world = world

    def add_to(self, app: web.Application) -> None:
        """Register the endpoint."""
        app.add_routes([web.get(r"/emoji/{number:\d{1,20}}", self._picture)])

    async def _picture(self, request: web.Request) -> web.Response:
        number = int(request.match_info["number"])
        found = (guild.emojis[number] for guild in self._world.guilds if number in guild.emojis)
        emoji = next(found, None)
        if emoji is not None and emoji.image:
            return web.Response(body=emoji.image, content_type="image/png")
        return web.Response(text=_drawn(number), content_type="image/svg+xml")


def _drawn(number: int) -> str:
    """Return a face in the colour of its id."""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">'
        f'<rect x="1" y="1" width="22" height="22" rx="7" fill="hsl({number * _HUE_STEP % 360} 55% 45%)"/>'
        '<path d="M8 14.5a4.6 4.6 0 0 0 8 0M9 9.2v.1M15 9.2v.1" fill="none" stroke="#fff" stroke-width="2.2"'
        ' stroke-linecap="round"/></svg>'
    )
