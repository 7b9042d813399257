"""A message as the page shows it to one person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from playground.discord import MessageFlag, MessageType, Permission
from playground.discord._components import walk
from playground.discord._flags import ComponentType
from playground.discord._permissions import can

from ._inline import render_inline
from ._markdown import render
from ._names import PlaceNames

if TYPE_CHECKING:
    from playground.discord import Attachment, Message, User

    JSON = dict[str, Any]

SNIPPET_CHARACTERS = 100

_SYSTEM_TEXTS = {
    MessageType.THREAD_CREATED: "started a thread",
    MessageType.CHANNEL_PINNED_MESSAGE: "pinned a message",
    MessageType.USER_JOIN: "joined",
}


def message_view(message: Message, viewer: User) -> JSON:
    """Return everything that the page needs to draw the message."""
    names = PlaceNames(message.channel)
    shows_embeds = not message.flags & MessageFlag.SUPPRESS_EMBEDS
    own = message.author.id == viewer.id and not message.author.is_webhook
    manages = can(message.channel, viewer, Permission.MANAGE_MESSAGES)
    return {
        "id": str(message.id),
        "channel_id": str(message.channel.id),
        "author": author_view(message),
        "content": message.content,
        "html": render(message.content, names),
        "created_at": message.created_at.isoformat(),
        "edited": message.edited,
        "loading": message.loading,
        "ephemeral": message.ephemeral,
        "system": _SYSTEM_TEXTS.get(message.type),
        "reply_to": _reply_view(message, names),
        "used": _used(message),
        "embeds": [_embed_view(embed, names) for embed in message.embeds] if shows_embeds else [],
        "components": components_view(message.components, names),
        "attachments": [_attachment_view(attachment) for attachment in message.attachments],
        "reactions": [
            {"emoji": r.emoji, "count": r.count, "me": viewer.id in r.user_ids} for r in message.reactions if r.count
        ],
        "thread": {"id": str(message.thread.id), "name": message.thread.name} if message.thread else None,
        "mentions_me": viewer in message.mentions or message.mention_everyone,
        "can_edit": own and not message.ephemeral,
        "can_delete": (own or manages) and not message.ephemeral,
    }


def author_view(message: Message) -> JSON:
    """Return who wrote it, under the name and colour of this place."""
    user, guild = message.author, message.channel.guild
    member = guild.members.get(user.id) if guild and not user.is_webhook else None
    colors = [(role.position, role.color) for role in member.roles if role.color] if member else []
    return {
        "id": str(user.id),
        "name": member.display_name if member else user.display_name,
        "color": f"#{max(colors)[1]:06x}" if colors else None,
        "avatar": avatar_path(user),
        "bot": user.bot,
        "webhook": user.is_webhook,
        "is_local_bot": user.id == message.channel.state.bot.id,
    }


def avatar_path(user: User) -> str | None:
    """Return where the page finds an avatar; None lets it draw the initial."""
    return f"/cdn/avatars/{user.id}/{user.avatar}.png" if user.avatar else None


def _reply_view(message: Message, names: PlaceNames) -> JSON | None:
    if message.reference is None:
        return None
    original = message.reply_to
    if original is None or original.deleted:
        return {"id": None, "author": None, "html": "<em>Original message was deleted</em>"}
    text = " ".join(original.content.split()) or "(no text)"
    snippet = text if len(text) <= SNIPPET_CHARACTERS else text[:SNIPPET_CHARACTERS] + " …"
    return {"id": str(original.id), "author": author_view(original), "html": render_inline(snippet, names)}


def _used(message: Message) -> JSON | None:
    """Return who used which command, for the line above an answer."""
    data = message.interaction_metadata
    if data is None or data.get("type") != 2:
        return None
    user = message.channel.state.users.get(int(data["user"]["id"]))
    interaction = message.channel.state.interactions.by_id.get(int(data["id"]))
    name = interaction.name.removeprefix("/") if interaction else "command"
    return {"user": user.display_name if user else "somebody", "name": name}


def _embed_view(embed: JSON, names: PlaceNames) -> JSON:
    fields = [
        {"name": render_inline(f.get("name") or "", names), "value": render(f.get("value") or "", names)}
        | {"inline": bool(f.get("inline"))}
        for f in embed.get("fields") or []
    ]
    color = embed.get("color")
    return {
        "color": f"#{color:06x}" if isinstance(color, int) else None,
        "author": (embed.get("author") or {}).get("name"),
        "title": render_inline(embed.get("title") or "", names),
        "url": _web_address(embed.get("url")),
        "description": render(embed.get("description") or "", names),
        "fields": fields,
        "image": _local_image((embed.get("image") or {}).get("url")),
        "thumbnail": _local_image((embed.get("thumbnail") or {}).get("url")),
        "footer": (embed.get("footer") or {}).get("text"),
    }


def components_view(components: list[JSON], names: PlaceNames) -> list[JSON]:
    """Return the components with the HTML of their texts and only addresses that may be opened."""
    copied = [_copied(component) for component in components]
    for component in walk(copied):
        if component.get("type") == ComponentType.TEXT_DISPLAY:
            component["html"] = render(component.get("content") or "", names)
        if component.get("url"):
            component["url"] = _web_address(component["url"])
        media = component.get("media")
        if media:
            component["media"] = {"url": _local_image(media.get("url"))}
        for item in component.get("items") or []:
            item["media"] = {"url": _local_image((item.get("media") or {}).get("url"))}
    return copied


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(inner) for key, inner in value.items()}
    return [_copied(inner) for inner in value] if isinstance(value, list) else value


def _attachment_view(attachment: Attachment) -> JSON:
    return {
        "name": attachment.filename,
        "size": attachment.size,
        "url": _local_image(attachment.url),
        "image": (attachment.content_type or "").startswith("image/"),
        "description": attachment.description,
    }


def _web_address(url: Any) -> str | None:
    return url if isinstance(url, str) and url.lower().startswith(("http://", "https://")) else None


def _local_image(url: Any) -> str | None:
    """Return the path under which the page itself serves a file of the local Discord; nothing else is loaded."""
    path = urlsplit(url).path if isinstance(url, str) else ""
    return path if path.startswith("/cdn/") else None
