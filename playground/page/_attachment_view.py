"""Files and pictures as the page shows them; only what the local Discord keeps is ever loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from playground.discord import Attachment

    JSON = dict[str, Any]

SHOWN_CHARACTERS = 4000
_SPOILER_PREFIX = "SPOILER_"
_TEXT_ENDINGS = (
    ".txt",
    ".md",
    ".json",
    ".py",
    ".js",
    ".csv",
    ".log",
    ".yaml",
    ".yml",
    ".toml",
    ".html",
    ".css",
    ".xml",
)


def attachment_view(attachment: Attachment) -> JSON:
    """Return a file for the list below a message."""
    return {
        "name": attachment.filename,
        "size": attachment.size,
        "url": local_path(attachment.url),
        "image": (attachment.content_type or "").startswith("image/"),
        "description": attachment.description,
        "spoiler": attachment.filename.startswith(_SPOILER_PREFIX),
        "text": _beginning(attachment),
    }


def file_view(component: JSON, attachments: Iterable[Attachment]) -> JSON:
    """Return the file that a component shows."""
    path = local_path((component.get("file") or {}).get("url"))
    found = next((one for one in attachments if path and local_path(one.url) == path), None)
    if found is not None:
        return attachment_view(found)
    return {"name": component.get("name") or unquote((path or "file").rsplit("/", 1)[-1]), "url": path}


def local_path(url: Any) -> str | None:
    """Return the path under which the page itself serves a file of the local Discord; nothing else is loaded."""
    path = urlsplit(url).path if isinstance(url, str) else ""
    return path if path.startswith("/cdn/") else None


def _beginning(attachment: Attachment) -> str | None:
    """Return how a text file begins."""
    kind = attachment.content_type or ""
    if not (kind.startswith("text/") or attachment.filename.lower().endswith(_TEXT_ENDINGS)) or not attachment.data:
        return None
    try:
        text = attachment.data.decode()
    except UnicodeDecodeError:
        return None
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "\n…"
