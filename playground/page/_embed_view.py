"""Embeds and components as the page shows them: their texts as safe HTML, their addresses checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from playground.discord._components import walk
from playground.discord._flags import ComponentType

from ._attachment_view import file_view, local_path
from ._inline import render_inline
from ._markdown import render

if TYPE_CHECKING:
    from collections.abc import Iterable

    from playground.discord import Attachment

    from ._names import PlaceNames

    JSON = dict[str, Any]


def embed_view(embed: JSON, names: PlaceNames) -> JSON:
    """Return an embed; pictures from elsewhere are left out."""
    author, footer = embed.get("author") or {}, embed.get("footer") or {}
    fields = [
        {"name": render_inline(field.get("name") or "", names), "value": render(field.get("value") or "", names)}
        | {"inline": bool(field.get("inline"))}
        for field in embed.get("fields") or []
    ]
    color = embed.get("color")
    return {
        "color": f"#{color:06x}" if isinstance(color, int) else None,
        "author": author.get("name"),
        "author_url": web_address(author.get("url")),
        "title": render_inline(embed.get("title") or "", names),
        "url": web_address(embed.get("url")),
        "description": render(embed.get("description") or "", names),
        "fields": fields,
        "image": local_path((embed.get("image") or {}).get("url")),
        "thumbnail": local_path((embed.get("thumbnail") or {}).get("url")),
        "footer": footer.get("text"),
        "timestamp": embed.get("timestamp"),
    }


def components_view(components: list[JSON], names: PlaceNames, attachments: Iterable[Attachment] = ()) -> list[JSON]:
    """Return the components with the HTML of their texts and only addresses that may be opened."""
    copied = [_copied(component) for component in components]
    files = list(attachments)
    for component in walk(copied):
        if component.get("type") == ComponentType.TEXT_DISPLAY:
            component["html"] = render(component.get("content") or "", names)
        if component.get("type") == ComponentType.FILE:
            component["shown"] = file_view(component, files)
        if component.get("url"):
            component["url"] = web_address(component["url"])
        if component.get("media"):
            component["media"] = {"url": local_path(component["media"].get("url"))}
        for item in component.get("items") or []:
            item["media"] = {"url": local_path((item.get("media") or {}).get("url"))}
    return copied


def web_address(url: Any) -> str | None:
    """Return an address that may be opened."""
    return url if isinstance(url, str) and url.lower().startswith(("http://", "https://")) else None


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(inner) for key, inner in value.items()}
    return [_copied(inner) for inner in value] if isinstance(value, list) else value
