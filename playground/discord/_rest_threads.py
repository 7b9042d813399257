"""REST: threads and forum posts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from playground.discord import _drafts as drafts
from playground.discord import _message_payloads as message_payloads
from playground.discord import _payloads as payloads
from playground.discord import _permissions as permissions
from playground.discord import _posting as posting
from playground.discord import _sessions as sessions
from playground.discord import _threads as threads
from playground.discord._call import Call, Reply, snowflake
from playground.discord._channel import Channel
from playground.discord._flags import ChannelType, Permission
from playground.discord._posting import Origin
from playground.discord._rest_messages import require_open
from playground.discord._router import routes
from playground.discord._validation import bad_length, one_error
from playground.discord.errors import api_error, invalid_form

_ARCHIVE_MINUTES = {60, 1440, 4320, 10_080}
_MEMBERS = "/channels/{channel_id}/thread-members"
_ARCHIVED = "/channels/{channel_id}/threads/archived"


def _read_settings(body: dict[str, Any]) -> dict[str, Any]:
    if not 1 <= len(body.get("name") or "") <= 100:
        raise invalid_form({"name": bad_length(1, 100)})
    minutes = body.get("auto_archive_duration") or 1440
    if minutes not in _ARCHIVE_MINUTES:
        text = "Value must be one of (60, 1440, 4320, 10080)."
        raise invalid_form({"auto_archive_duration": one_error("BASE_TYPE_CHOICES", text)})
    return {"minutes": minutes, "rate_limit_per_user": body.get("rate_limit_per_user") or 0}


@routes.add("POST", "/channels/{channel_id}/messages/{message_id}/threads")
def create_from_message(call: Call) -> Any:
    """Make a thread below a message."""
    channel = call.channel_with(Permission.CREATE_PUBLIC_THREADS)
    message = call.message(channel)
    if message.thread is not None:
        raise api_error(160004)
    if channel.type is not ChannelType.TEXT:
        raise api_error(50024)
    body = call.form()
    settings = _read_settings(body)
    thread = threads.create(
        channel, body["name"], call.bot, kind=ChannelType.PUBLIC_THREAD, message=message, **settings
    )
    return Reply(201, payloads.channel(thread))


@routes.add("POST", "/channels/{channel_id}/threads")
def create_thread(call: Call) -> Any:
    """Make a thread without a message, or a forum post with one."""
    channel = call.channel()
    body = call.form()
    settings = _read_settings(body)
    if channel.is_forum:
        return Reply(201, _create_post(call, channel, body, settings))
    if channel.type is not ChannelType.TEXT:
        raise api_error(50024)
    private = body.get("type") == ChannelType.PRIVATE_THREAD
    call.require(channel, Permission.CREATE_PRIVATE_THREADS if private else Permission.CREATE_PUBLIC_THREADS)
    kind = ChannelType.PRIVATE_THREAD if private else ChannelType.PUBLIC_THREAD
    invitable = bool(body.get("invitable", True))
    thread = threads.create(channel, body["name"], call.bot, kind=kind, invitable=invitable, **settings)
    return Reply(201, payloads.channel(thread))


def _create_post(call: Call, forum: Channel, body: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
    call.require(forum, Permission.SEND_MESSAGES)
    tags = [snowflake(tag, "applied_tags") for tag in body.get("applied_tags") or []]
    if forum.requires_tag and not tags:
        raise api_error(40067)
    if any(tag.moderated for tag in forum.available_tags if tag.id in tags):
        call.require(forum, Permission.MANAGE_THREADS)
    draft = drafts.read(forum, body.get("message") or {}, call.files)
    post = threads.create(forum, body["name"], call.bot, kind=ChannelType.PUBLIC_THREAD, tags=tags, **settings)
    first = posting.post(post, call.bot, draft, Origin(message_id=post.id))
    return payloads.channel(post) | {"message": message_payloads.message(first)}


@routes.add("PUT", _MEMBERS + "/{user_id}")
def add_member(call: Call) -> None:
    """Join a thread, or add somebody."""
    thread, user = call.thread(), call.user()
    require_open(thread)
    if user is not call.bot and not permissions.can_send(thread, call.bot):
        raise api_error(50013)
    if thread.parent is not None and not permissions.in_channel(thread.parent, user):
        raise api_error(50001)
    threads.join(thread, user)


@routes.add("DELETE", _MEMBERS + "/{user_id}")
def remove_member(call: Call) -> None:
    """Leave a thread, or remove somebody."""
    thread, user = call.thread(), call.user()
    require_open(thread)
    if user is not call.bot:
        call.require(thread, Permission.MANAGE_THREADS)
    threads.leave(thread, user)


@routes.add("GET", _MEMBERS)
def list_members(call: Call) -> Any:
    """List who is in a thread."""
    thread = call.thread()
    return [payloads.thread_member(thread, i) for i in (thread.thread.members if thread.thread else ())]


@routes.add("GET", _MEMBERS + "/{user_id}")
def get_member(call: Call) -> Any:
    """Describe somebody's place in a thread."""
    thread, user = call.thread(), call.user()
    if thread.thread is None or user.id not in thread.thread.members:
        raise api_error(10007)
    return payloads.thread_member(thread, user.id)


@routes.add("GET", "/guilds/{guild_id}/threads/active")
def list_active(call: Call) -> Any:
    """List the active threads of a guild that the bot can see."""
    return _page(call, sessions.visible_threads(call.guild()))


@routes.add("GET", _ARCHIVED + "/public")
def list_archived_public(call: Call) -> Any:
    """List a channel's archived public threads."""
    return _list_archived(call, private=False)


@routes.add("GET", _ARCHIVED + "/private")
def list_archived_private(call: Call) -> Any:
    """List a channel's archived private threads."""
    call.channel_with(Permission.MANAGE_THREADS)
    return _list_archived(call, private=True)


@routes.add("GET", "/channels/{channel_id}/users/@me/threads/archived/private")
def list_joined_archived_private(call: Call) -> Any:
    """List the archived private threads that the bot is in."""
    return _list_archived(call, private=True, joined=True)


def _list_archived(call: Call, *, private: bool, joined: bool = False) -> Any:
    channel = call.channel_with(Permission.READ_MESSAGE_HISTORY)
    before = call.query.get("before")
    found = []
    for thread in channel.threads:
        info = thread.thread
        if info is None or not info.archived or (thread.type is ChannelType.PRIVATE_THREAD) != private:
            continue
        if joined and call.bot.id not in info.members:
            continue
        if before and not before.isdigit() and info.archive_changed_at >= datetime.fromisoformat(before):
            continue
        found.append((info.archive_changed_at, thread))
    found.sort(key=lambda pair: pair[0], reverse=True)
    return _page(call, [thread for _, thread in found], limit=call.limit(50, 100))


def _page(call: Call, found: list[Channel], limit: int = 1000) -> dict[str, Any]:
    shown = found[:limit]
    joined = [t for t in shown if t.thread and call.bot.id in t.thread.members]
    return {
        "threads": [payloads.channel(t) for t in shown],
        "members": [payloads.thread_member(t, call.bot.id) for t in joined],
        "has_more": len(found) > limit,
    }
