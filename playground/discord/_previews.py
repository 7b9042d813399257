"""Previews of links, which Discord adds a moment after a message appeared."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from playground.discord import _permissions as permissions
from playground.discord._flags import MessageFlag, Permission

if TYPE_CHECKING:
    from playground.discord._message import Message

_LINK = re.compile(r"(?<!<)\bhttps?://(?!(?:\w+\.)?discord\.com/channels/)[^\s<>]*[^\s<>.,:;!?)\]]")
"""Links to messages get no preview, nor do the marks behind a link belong to it."""

_MAX_PREVIEWS = 5
_NONE = int(MessageFlag.SUPPRESS_EMBEDS | MessageFlag.IS_COMPONENTS_V2 | MessageFlag.LOADING)


def unfurl(message: Message) -> None:
    """Replace a message's previews by those of the links that stand in it now."""
    links = _links(message)
    shown = [embed["url"] for embed in message.embeds if embed.get("type") == "link"]
    if shown == links:
        return
    message.embeds = [embed for embed in message.embeds if embed.get("type") != "link"]
    if not links:
        return
    try:
        asyncio.get_running_loop().call_soon(_show, message, links)
    except RuntimeError:  # a world may be furnished before any loop runs
        _show(message, links)


def _links(message: Message) -> list[str]:
    if "://" not in message.content or message.flags & _NONE or not message.channel.state.settings.link_previews:
        return []
    if not message.author.is_webhook and not permissions.can(message.channel, message.author, Permission.EMBED_LINKS):
        return []
    return list(dict.fromkeys(_LINK.findall(message.content)))[:_MAX_PREVIEWS]


def _show(message: Message, links: list[str]) -> None:
    """Tell with an update that is no edit: the time of the last edit stays."""
    if message.deleted or links != _links(message):
        return
    previews = [{"type": "link", "url": link, "title": urlsplit(link).netloc} for link in links]
    message.embeds = [*message.embeds, *previews]
    message.channel.state.announce_message(message, "MESSAGE_UPDATE")
