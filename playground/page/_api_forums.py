"""The API of forums: their posts, and new ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import web

from ._attachment_view import attachment_view
from ._faces import author_view
from ._inline import render_inline
from ._message_view import snippet
from ._names import PlaceNames
from ._reading import body_of

if TYPE_CHECKING:
    from playground.discord import Channel

    from ._reading import Reader

    JSON = dict[str, Any]


class ForumsApi:
    """The endpoints with which a person looks through a forum and adds to it."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def add_to(self, app: web.Application) -> None:
        """Register the endpoints."""
        app.add_routes(
            [
                web.get("/api/channels/{channel}/posts", self._posts),
                web.post("/api/channels/{channel}/posts", self._start),
            ]
        )

    async def _posts(self, request: web.Request) -> web.Response:
        person, forum = self._reader.person(request), self._reader.channel(request)
        seen = [post_view(post) for post in forum.threads if person.sees(post)]
        return web.json_response(sorted(seen, key=_newest_first, reverse=True))

    async def _start(self, request: web.Request) -> web.Response:
        person, forum, body = self._reader.person(request), self._reader.channel(request), await body_of(request)
        post = await person.start_post(forum, str(body.get("name") or ""), str(body.get("content") or ""))
        return web.json_response({"id": str(post.id)})


def _newest_first(post: JSON) -> tuple[bool, int]:
    return not post["archived"], int(post["newest_id"])


def post_view(post: Channel) -> JSON:
    """Return a post for the list of its forum: how it begins and how much was said in it."""
    info, first, last = post.thread, next(iter(post.messages), None), post.last_message
    tags = {tag.id: tag.name for tag in post.parent.available_tags} if post.parent else {}
    pictures = [view for one in (first.attachments if first else ()) if (view := attachment_view(one))["image"]]
    return {
        "id": str(post.id),
        "name": post.name,
        "author": author_view(first) if first else None,
        "html": render_inline(snippet(first.content), PlaceNames(post)) if first else "",
        "picture": pictures[0]["url"] if pictures else None,
        "messages": max(0, len(post.messages) - 1),
        "newest_id": str(last.id if last else post.id),
        "newest_at": last.created_at.isoformat() if last else None,
        "archived": bool(info and info.archived),
        "locked": bool(info and info.locked),
        "tags": [tags[tag] for tag in (info.applied_tags if info else ()) if tag in tags],
    }
