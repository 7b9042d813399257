"""REST: messages, reactions, pins and typing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from playground.discord import _drafts as drafts
from playground.discord import _message_payloads as message_payloads
from playground.discord import _payloads as payloads
from playground.discord import _permissions as permissions
from playground.discord import _posting as posting
from playground.discord._call import Call, snowflake
from playground.discord._flags import MESSAGE_TYPES_OF_CHANNELS, Intent, MessageFlag, MessageType, Permission
from playground.discord._message import Message, Reference
from playground.discord._posting import Origin
from playground.discord._router import routes
from playground.discord._snowflakes import snowflake_seconds
from playground.discord.errors import api_error, field_error

if TYPE_CHECKING:
    from playground.discord._channel import Channel

_MESSAGES = "/channels/{channel_id}/messages"
_MESSAGE = _MESSAGES + "/{message_id}"
_REACTIONS = _MESSAGE + "/reactions"
_TWO_WEEKS = 14 * 24 * 3600
_SUPPRESSIBLE = {"flags"}
MAX_REACTIONS = 20
MAX_PINS = 250


def describe(call: Call, message: Message) -> dict[str, Any]:
    """Describe a message to the bot, which sees only what its intents allow."""
    whole = bool(call.state.allowed_intents & Intent.MESSAGE_CONTENT)
    return message_payloads.message(message, whole=whole)


def require_open(channel: Channel) -> None:
    """Refuse to change what stands in an archived thread."""
    if channel.thread and channel.thread.archived:
        raise api_error(50083)


# Reading


@routes.add("GET", _MESSAGES)
def list_messages(call: Call) -> Any:
    """List messages, newest first."""
    channel = call.channel()
    limit = call.limit(50, 100)
    if not permissions.can(channel, call.bot, Permission.READ_MESSAGE_HISTORY):
        return []
    return [describe(call, m) for m in _select(call, channel.messages, channel, limit)]


def _select(call: Call, messages: list[Message], channel: Channel, limit: int) -> list[Message]:
    query = call.query
    if "around" in query:
        middle = channel.index_of(snowflake(query["around"], "around"))
        start = max(0, middle - limit // 2)
        return messages[start : start + limit][::-1]
    if "after" in query:
        start = channel.index_of(snowflake(query["after"], "after") + 1)
        return messages[start : start + limit][::-1]
    end = channel.index_of(snowflake(query["before"], "before")) if "before" in query else len(messages)
    return messages[max(0, end - limit) : end][::-1]


@routes.add("GET", _MESSAGE)
def get_message(call: Call) -> Any:
    """Describe one message."""
    channel = call.channel_with(Permission.READ_MESSAGE_HISTORY)
    return describe(call, call.message(channel))


# Writing


@routes.add("POST", _MESSAGES)
def create_message(call: Call) -> Any:
    """Post a message."""
    channel = call.channel()
    _check_may_post(call, channel)
    body = call.form()
    if (first := _sent_before(call, channel, body)) is not None:
        return message_payloads.message(first)
    draft = drafts.read(channel, body, call.files)
    if draft.attachments:
        call.require(channel, Permission.ATTACH_FILES)
    kind = MessageType.DEFAULT
    if body.get("message_reference"):
        draft.reference = _read_reference(call, channel, body["message_reference"])
        kind = MessageType.REPLY if draft.reference else kind
    message = posting.post(channel, call.bot, draft, Origin(kind))
    if draft.nonce is not None:
        call.state.remember_nonce(message)
    return message_payloads.message(message)


def _check_may_post(call: Call, channel: Channel) -> None:
    if channel.type not in MESSAGE_TYPES_OF_CHANNELS:
        raise api_error(50008)
    if not permissions.can_send(channel, call.bot):
        raise api_error(50013)
    info = channel.thread
    if info and info.locked and not permissions.can(channel, call.bot, Permission.MANAGE_THREADS):
        raise api_error(50083 if info.archived else 160005)
    if channel.is_dm and any(u in call.state.closed_dms for u in channel.recipients):
        raise api_error(50007)


def _sent_before(call: Call, channel: Channel, body: dict[str, Any]) -> Message | None:
    """Find the message that was posted with the same nonce a short while ago."""
    nonce = body.get("nonce")
    if nonce is None or not body.get("enforce_nonce"):
        return None
    return call.state.sent_with_nonce(channel, str(nonce))


def _read_reference(call: Call, channel: Channel, data: dict[str, Any]) -> Reference | None:
    """Read which message a reply answers; a missing one fails unless the sender said not to."""
    if not permissions.can(channel, call.bot, Permission.READ_MESSAGE_HISTORY):
        raise api_error(160002)
    target = call.state.messages.get(snowflake(data.get("message_id"), "message_reference.message_id"))
    if target is not None and target.channel is channel and not target.ephemeral:
        return Reference(channel.id, target.id, channel.guild.id if channel.guild else None)
    if data.get("fail_if_not_exists") is False:
        return None
    raise field_error("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")


@routes.add("PATCH", _MESSAGE)
def edit_message(call: Call) -> Any:
    """Edit a message of the bot's own, or switch off the previews of somebody else's."""
    channel = call.channel()
    message = call.message(channel)
    require_open(channel)
    body = call.form()
    if message.author is not call.bot:
        _suppress_embeds(call, message, body)
    else:
        count_late_edit(call, message)
        drafts.edit(message, body, call.files)
    return describe(call, message)


def _suppress_embeds(call: Call, message: Message, body: dict[str, Any]) -> None:
    if not set(body) <= _SUPPRESSIBLE:
        raise api_error(50005)
    call.require(message.channel, Permission.MANAGE_MESSAGES)
    flag = MessageFlag.SUPPRESS_EMBEDS
    message.flags = (message.flags & ~flag) | (int(body.get("flags") or 0) & flag)
    if message.flags & flag:
        message.embeds = []
    posting.announce(message, "MESSAGE_UPDATE")


def count_late_edit(call: Call, message: Message) -> None:
    """Discord takes only a few edits of messages older than an hour."""
    settings = call.state.settings
    if call.state.wall_clock() - snowflake_seconds(message.id) < settings.old_message_seconds:
        return
    wait = call.state.late_edits.take(message.channel.id, settings.old_message_edits, settings.old_message_seconds)
    if wait is not None:
        raise api_error(30046, retry_after=wait, **{"global": False})


@routes.add("DELETE", _MESSAGE)
def delete_message(call: Call) -> None:
    """Delete a message."""
    channel = call.channel()
    message = call.message(channel)
    if message.author is not call.bot:
        call.require(channel, Permission.MANAGE_MESSAGES)
    posting.delete(message)


@routes.add("POST", _MESSAGES + "/bulk-delete")
def bulk_delete(call: Call) -> None:
    """Delete 2 to 100 messages at once, none older than two weeks."""
    channel = call.channel_with(Permission.MANAGE_MESSAGES)
    if channel.is_dm:
        raise api_error(50003)
    ids = [snowflake(i, "messages") for i in call.form().get("messages") or []]
    if not 2 <= len(set(ids)) <= 100:
        raise api_error(50016)
    if any(call.state.wall_clock() - snowflake_seconds(i) > _TWO_WEEKS for i in ids):
        raise api_error(50034)
    found = [call.state.messages.get(i) for i in ids]
    posting.bulk_delete(channel, [m for m in found if m is not None and m.channel is channel and not m.ephemeral])


# Reactions


def _emoji(call: Call) -> str:
    """Read the emoji of the path, which must be a character or an emoji of a server."""
    emoji = call.parameters["emoji"]
    match = re.fullmatch(r"(?:a:)?(\w{2,32}):(\d{1,20})", emoji)
    if match:
        for guild in call.state.guilds.values():
            if int(match[2]) in guild.emojis:
                return f"{guild.emojis[int(match[2])].name}:{match[2]}"
        raise api_error(10014)
    if not emoji or len(emoji) > 32 or (emoji.isascii() and not emoji[0].isdigit()) or emoji.isalpha():
        raise api_error(10014)
    return emoji


@routes.add("PUT", _REACTIONS + "/{emoji}/@me")
def add_reaction(call: Call) -> None:
    """React to a message."""
    channel = call.channel_with(Permission.READ_MESSAGE_HISTORY)
    message, emoji = call.message(channel), _emoji(call)
    require_open(channel)
    if message.reaction(emoji) is None:
        call.require(channel, Permission.ADD_REACTIONS)
        if len(message.reactions) >= MAX_REACTIONS:
            raise api_error(30010)
    posting.react(message, call.bot, emoji)


@routes.add("DELETE", _REACTIONS + "/{emoji}/{user_id}")
def remove_reaction(call: Call) -> None:
    """Take a reaction back, the bot's or somebody else's."""
    channel = call.channel()
    user = call.user()
    if user is not call.bot:
        call.require(channel, Permission.MANAGE_MESSAGES)
    posting.unreact(call.message(channel), user, _emoji(call))


@routes.add("GET", _REACTIONS + "/{emoji}")
def list_reactions(call: Call) -> Any:
    """List who reacted with an emoji."""
    channel = call.channel_with(Permission.READ_MESSAGE_HISTORY)
    reaction = call.message(channel).reaction(_emoji(call))
    after = int(call.query.get("after", 0))
    ids = sorted(i for i in (reaction.user_ids if reaction else []) if i > after)
    return [payloads.user(call.state.users[i]) for i in ids[: call.limit(25, 100)]]


@routes.add("DELETE", _REACTIONS)
def clear_reactions(call: Call) -> None:
    """Take all reactions away."""
    channel = call.channel_with(Permission.MANAGE_MESSAGES)
    posting.clear_reactions(call.message(channel))


@routes.add("DELETE", _REACTIONS + "/{emoji}")
def clear_emoji(call: Call) -> None:
    """Take all reactions with one emoji away."""
    channel = call.channel_with(Permission.MANAGE_MESSAGES)
    posting.clear_reactions(call.message(channel), _emoji(call))


# Pins and typing


def _may_pin(call: Call) -> Channel:
    channel = call.channel()
    held = permissions.in_channel(channel, call.bot)
    if not held & (Permission.PIN_MESSAGES | Permission.MANAGE_MESSAGES):
        raise api_error(50013)
    return channel


@routes.add("GET", _MESSAGES + "/pins")
def list_pins(call: Call) -> Any:
    """List the pinned messages, newest pin first."""
    channel = call.channel_with(Permission.READ_MESSAGE_HISTORY)
    limit = call.limit(50, 50)
    items = [{"pinned_at": payloads.iso(channel.last_pin_at), "message": describe(call, m)} for m in channel.pins]
    return {"items": items[:limit], "has_more": len(items) > limit}


@routes.add("PUT", _MESSAGES + "/pins/{message_id}")
@routes.add("PUT", "/channels/{channel_id}/pins/{message_id}")
def pin_message(call: Call) -> None:
    """Pin a message."""
    channel = _may_pin(call)
    message = call.message(channel)
    if message.pinned:
        return
    if len(channel.pins) >= MAX_PINS:
        raise api_error(30003)
    posting.pin(message, call.bot)


@routes.add("DELETE", _MESSAGES + "/pins/{message_id}")
@routes.add("DELETE", "/channels/{channel_id}/pins/{message_id}")
def unpin_message(call: Call) -> None:
    """Unpin a message."""
    posting.unpin(call.message(_may_pin(call)))


@routes.add("POST", "/channels/{channel_id}/typing")
def start_typing(call: Call) -> None:
    """Show that the bot is writing."""
    channel = call.channel()
    if not permissions.can_send(channel, call.bot):
        raise api_error(50013)
    posting.type_in(channel, call.bot)
