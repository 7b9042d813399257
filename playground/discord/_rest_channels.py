"""REST: channels and their permission overwrites."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from playground.discord import _payloads as payloads
from playground.discord import _permissions as permissions
from playground.discord import _threads as threads
from playground.discord._call import Call, snowflake
from playground.discord._channel import Channel, ForumTag
from playground.discord._flags import FORUM_TYPES, ChannelType, Permission
from playground.discord._router import routes
from playground.discord._validation import Errors, bad_length, one_error, too_long
from playground.discord.errors import api_error, invalid_form

if TYPE_CHECKING:
    from playground.discord._guild import Guild

_CHANNEL = "/channels/{channel_id}"
_OVERWRITE = _CHANNEL + "/permissions/{target_id}"
_MAX_SLOWMODE = 21_600
_CREATABLE = {ChannelType.TEXT, ChannelType.VOICE, ChannelType.CATEGORY, ChannelType.FORUM}
_ARCHIVE_MINUTES = {60, 1440, 4320, 10_080}


@routes.add("GET", _CHANNEL)
def get_channel(call: Call) -> Any:
    """Describe a channel."""
    return payloads.channel(call.channel())


@routes.add("PATCH", _CHANNEL)
def edit_channel(call: Call) -> Any:
    """Change a channel or thread."""
    channel = call.channel()
    if channel.is_dm:
        raise api_error(50003)
    body = call.form()
    _check_fields(body, topic_limit=4096 if channel.is_forum else 1024)
    if channel.thread is not None:
        _edit_thread(call, channel, body)
    else:
        call.require(channel, Permission.MANAGE_CHANNELS)
        _edit_guild_channel(call, channel, body)
    return payloads.channel(channel)


def _check_fields(body: dict[str, Any], topic_limit: int) -> None:
    errors: Errors = {}
    if "name" in body and not 1 <= len(body["name"] or "") <= 100:
        errors["name"] = bad_length(1, 100)
    if len(body.get("topic") or "") > topic_limit:
        errors["topic"] = too_long(topic_limit)
    if not 0 <= int(body.get("rate_limit_per_user") or 0) <= _MAX_SLOWMODE:
        text = f"int value should be between 0 and {_MAX_SLOWMODE}."
        errors["rate_limit_per_user"] = one_error("NUMBER_TYPE_MAX", text)
    if body.get("auto_archive_duration") not in {None, *_ARCHIVE_MINUTES}:
        text = "Value must be one of (60, 1440, 4320, 10080)."
        errors["auto_archive_duration"] = one_error("BASE_TYPE_CHOICES", text)
    if errors:
        raise invalid_form(errors)


def _edit_thread(call: Call, thread: Channel, body: dict[str, Any]) -> None:
    info = thread.thread
    if info is None:
        return
    if not permissions.can(thread, call.bot, Permission.MANAGE_THREADS) and not _may_edit_without(call, thread, body):
        raise api_error(50013)
    if info.archived and body.get("archived") is not False:
        raise api_error(50083)
    if "name" in body:
        thread.name = body["name"]
    if "rate_limit_per_user" in body:
        thread.rate_limit_per_user = body["rate_limit_per_user"] or 0
    info.auto_archive_minutes = body.get("auto_archive_duration") or info.auto_archive_minutes
    info.invitable = body.get("invitable", info.invitable)
    if "applied_tags" in body:
        info.applied_tags = [snowflake(tag, "applied_tags") for tag in body["applied_tags"]]
    threads.set_archived(thread, archived=body.get("archived", info.archived), locked=body.get("locked"))


def _may_edit_without(call: Call, thread: Channel, body: dict[str, Any]) -> bool:
    """Say what may be done without managing threads: its owner's edits, and reopening what is not locked."""
    info = thread.thread
    if info is None or (info.archived and info.locked):
        return False
    if info.archived and set(body) == {"archived"}:
        return permissions.can_send(thread, call.bot)
    return info.owner_id == call.bot.id and "rate_limit_per_user" not in body and body.get("locked") is None


def _edit_guild_channel(call: Call, channel: Channel, body: dict[str, Any]) -> None:
    for name in ("name", "topic", "nsfw", "position"):
        if name in body:
            setattr(channel, name, body[name])
    if "rate_limit_per_user" in body:
        channel.rate_limit_per_user = body["rate_limit_per_user"] or 0
    if "parent_id" in body:
        channel.parent = _category(call, channel.guild, body["parent_id"])
    if "available_tags" in body:
        channel.available_tags = [_tag(call, tag) for tag in body["available_tags"]]
    if "permission_overwrites" in body:
        call.require(channel, Permission.MANAGE_ROLES)
        channel.overwrites.clear()
        _read_overwrites(channel, body["permission_overwrites"])
    channel.announce("CHANNEL_UPDATE")


def _category(call: Call, guild: Guild | None, parent_id: object) -> Channel | None:
    if parent_id is None:
        return None
    parent = call.state.channels.get(snowflake(parent_id, "parent_id"))
    if parent is None or parent.guild is not guild or parent.type is not ChannelType.CATEGORY:
        text = "Category does not exist"
        raise invalid_form({"parent_id": one_error("CHANNEL_PARENT_INVALID", text)})
    return parent


def _tag(call: Call, tag: dict[str, Any]) -> ForumTag:
    return ForumTag(int(tag.get("id") or call.state.snowflakes.next()), tag["name"], bool(tag.get("moderated")))


def _read_overwrites(channel: Channel, overwrites: list[dict[str, Any]]) -> None:
    for o in overwrites:
        target = snowflake(o["id"], "permission_overwrites")
        channel.put_overwrite(target, int(o.get("type", 0)) == 1, int(o.get("allow", 0)), int(o.get("deny", 0)))


@routes.add("DELETE", _CHANNEL)
def delete_channel(call: Call) -> Any:
    """Delete a channel or thread; for direct messages this only closes them."""
    channel = call.channel()
    if not channel.is_dm:
        call.require(channel, Permission.MANAGE_THREADS if channel.is_thread else Permission.MANAGE_CHANNELS)
        channel.delete()
    return payloads.channel(channel)


@routes.add("PUT", _OVERWRITE)
def put_overwrite(call: Call) -> None:
    """Allow and deny permissions for a role or member in a channel."""
    channel = call.channel_with(Permission.MANAGE_ROLES)
    body = call.form()
    allow, deny = int(body.get("allow") or 0), int(body.get("deny") or 0)
    held = permissions.in_channel(channel, call.bot)
    if (allow | deny) & ~held:
        raise api_error(50013)
    channel.put_overwrite(call.id("target_id"), int(body.get("type", 0)) == 1, allow, deny)
    channel.announce("CHANNEL_UPDATE")


@routes.add("DELETE", _OVERWRITE)
def delete_overwrite(call: Call) -> None:
    """Take an overwrite away."""
    channel = call.channel_with(Permission.MANAGE_ROLES)
    channel.put_overwrite(call.id("target_id"), False, 0, 0)
    channel.announce("CHANNEL_UPDATE")


@routes.add("GET", "/guilds/{guild_id}/channels")
def list_channels(call: Call) -> Any:
    """List a guild's channels, without its threads."""
    return [payloads.channel(c) for c in call.guild().channels.values()]


@routes.add("POST", "/guilds/{guild_id}/channels")
def create_channel(call: Call) -> Any:
    """Make a channel."""
    guild = call.guild_with(Permission.MANAGE_CHANNELS)
    body = call.form()
    kind = body.get("type", 0)
    if kind not in _CREATABLE:
        raise invalid_form({"type": one_error("BASE_TYPE_CHOICES", "Value must be one of {0, 2, 4, 15}.")})
    _check_fields({"name": None} | body, topic_limit=4096 if kind in FORUM_TYPES else 1024)
    parent = _category(call, guild, body.get("parent_id"))
    channel = guild.build_channel(
        ChannelType(kind),
        body["name"],
        parent,
        None,
        topic=body.get("topic"),
        nsfw=bool(body.get("nsfw")),
        rate_limit_per_user=body.get("rate_limit_per_user") or 0,
        available_tags=[_tag(call, tag) for tag in body.get("available_tags") or []],
    )
    _read_overwrites(channel, body.get("permission_overwrites") or [])
    guild.register(channel)
    return payloads.channel(channel)
