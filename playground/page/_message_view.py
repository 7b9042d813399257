"""A message as the page shows it to one person."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from playground.discord import MessageFlag, MessageType, Permission
from playground.discord._permissions import can

from ._attachment_view import attachment_view
from ._embed_view import components_view, embed_view
from ._emoji import is_only_emoji
from ._faces import author_view, avatar_path
from ._inline import render_inline
from ._markdown import render
from ._names import PlaceNames

if TYPE_CHECKING:
    from playground.discord import Attachment, Message, Reaction, User

    JSON = dict[str, Any]

__all__ = ["components_view", "message_view"]

SNIPPET_CHARACTERS = 140
MOST_NAMES = 12

_CUT_CODE = re.compile(r"<[^\s<>]*$")
_SYSTEM_TEXTS = {
    MessageType.THREAD_CREATED: "started a thread:",
    MessageType.CHANNEL_PINNED_MESSAGE: "pinned a message to this channel.",
    MessageType.USER_JOIN: "joined the server.",
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
        "jumbo": is_only_emoji(message.content),
        "created_at": message.created_at.isoformat(),
        "edited": message.edited,
        "edited_at": message.edited_at.isoformat() if message.edited_at else None,
        "loading": message.loading,
        "ephemeral": message.ephemeral,
        "system": _SYSTEM_TEXTS.get(message.type),
        "reply_to": _reply_view(message, names),
        "used": _used(message),
        "embeds": [embed_view(embed, names) for embed in message.embeds] if shows_embeds else [],
        "components": components_view(message.components, names, message.attachments),
        "attachments": [attachment_view(one) for one in _shown_apart(message)],
        "reactions": [_reaction_view(one, message, viewer, names) for one in message.reactions if one.count],
        "thread": _thread_view(message),
        "mentions_me": viewer in message.mentions or message.mention_everyone or _mentions_role(message, viewer),
        "can_edit": own and not message.ephemeral,
        "can_delete": (own or manages) and not message.ephemeral,
    }


def _thread_view(message: Message) -> JSON | None:
    """Return the thread that began at a message, or that a message tells of."""
    thread, guild = message.thread, message.channel.guild
    if message.type is MessageType.THREAD_CREATED and guild:
        found = (one for one in guild.threads.values() if one.parent is message.channel and one.name == message.content)
        thread = next(found, None)
    return {"id": str(thread.id), "name": thread.name} if thread else None


def _shown_apart(message: Message) -> list[Attachment]:
    """Return the files that neither a layout nor an embed shows already."""
    if message.flags & MessageFlag.IS_COMPONENTS_V2:
        return []
    parts = [embed.get(name) or {} for embed in message.embeds for name in ("image", "thumbnail")]
    shown = {part.get("url") for part in parts}
    return [one for one in message.attachments if one.url not in shown]


def _mentions_role(message: Message, viewer: User) -> bool:
    guild = message.channel.guild
    member = guild.members.get(viewer.id) if guild else None
    return member is not None and any(role in member.roles for role in message.mention_roles)


def _reaction_view(reaction: Reaction, message: Message, viewer: User, names: PlaceNames) -> JSON:
    shown = [names.user(user_id) or "somebody" for user_id in reaction.user_ids[:MOST_NAMES]]
    return {"emoji": reaction.emoji, "count": reaction.count, "me": viewer.id in reaction.user_ids, "names": shown}


def _reply_view(message: Message, names: PlaceNames) -> JSON | None:
    if message.reference is None:
        return None
    original = message.reply_to
    if original is None or original.deleted:
        return {"id": None, "author": None, "html": "<em>Original message was deleted</em>"}
    html = render_inline(snippet(original.content), names) or "<em>Click to see the message</em>"
    return {"id": str(original.id), "author": author_view(original), "html": html}


def snippet(content: str) -> str:
    """Return the beginning of a text on one line, without half of a mention at its end."""
    text = " ".join(content.split())
    if len(text) <= SNIPPET_CHARACTERS:
        return text
    return _CUT_CODE.sub("", text[:SNIPPET_CHARACTERS]).rstrip() + " …"


def _used(message: Message) -> JSON | None:
    """Return who used which command, for the line above an answer."""
    data = message.interaction_metadata
    if data is None or data.get("type") != 2:
        return None
    user = message.channel.state.users.get(int(data["user"]["id"]))
    interaction = message.channel.state.interactions.by_id.get(int(data["id"]))
    name = interaction.name if interaction else "a command"
    shown = user.display_name if user else "somebody"
    face = {"id": data["user"]["id"], "name": shown, "avatar": avatar_path(user) if user else None}
    return {"user": shown, "face": face, "name": name}
