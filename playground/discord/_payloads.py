"""Our objects as the JSON that Discord sends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from playground.discord._flags import ChannelType

if TYPE_CHECKING:
    from datetime import datetime

    from playground.discord import _channel, _guild, _message, _model, _webhooks

JSON = dict[str, Any]

REQUIRE_TAG = 1 << 4


def iso(moment: datetime | None) -> str | None:
    """Write a moment as Discord does."""
    return moment.isoformat() if moment else None


def user(u: _model.User) -> JSON:
    """Describe a user."""
    data: JSON = {
        "id": str(u.id),
        "username": u.name,
        "discriminator": u.discriminator,
        "global_name": u.global_name,
        "avatar": u.avatar,
        "public_flags": 0,
    }
    if u.bot:
        data["bot"] = True
    return data


def role(r: _model.Role) -> JSON:
    """Describe a role."""
    data: JSON = {
        "id": str(r.id),
        "name": r.name,
        "permissions": str(r.permissions),
        "position": r.position,
        "color": r.color,
        "colors": {"primary_color": r.color, "secondary_color": None, "tertiary_color": None},
        "hoist": r.hoist,
        "mentionable": r.mentionable,
        "managed": r.managed,
        "flags": 0,
        "icon": None,
        "unicode_emoji": None,
    }
    if r.bot_id is not None:
        data["tags"] = {"bot_id": str(r.bot_id)}
    return data


def partial_member(m: _model.Member) -> JSON:
    """Describe a membership without its user, as messages carry it."""
    return {
        "roles": [str(r.id) for r in m.roles],
        "nick": m.nick,
        "avatar": None,
        "joined_at": iso(m.joined_at),
        "premium_since": None,
        "deaf": False,
        "mute": False,
        "flags": 0,
        "pending": False,
        "communication_disabled_until": iso(m.timed_out_until),
    }


def member(m: _model.Member) -> JSON:
    """Describe a membership with its user."""
    return partial_member(m) | {"user": user(m.user)}


def guild_emoji(e: _model.Emoji) -> JSON:
    """Describe a server's own emoji."""
    return {
        "id": str(e.id),
        "name": e.name,
        "animated": e.animated,
        "roles": [],
        "require_colons": True,
        "managed": False,
        "available": True,
    }


def partial_emoji(emoji: str) -> JSON:
    """Describe a reaction's emoji: a character, or name:id."""
    name, colon, emoji_id = emoji.partition(":")
    if colon and emoji_id.isdigit():
        return {"id": emoji_id, "name": name, "animated": False}
    return {"id": None, "name": emoji}


def thread_member(thread: _channel.Channel, user_id: int) -> JSON:
    """Describe somebody's place in a thread."""
    joined = thread.thread.members.get(user_id) if thread.thread else None
    return {"id": str(thread.id), "user_id": str(user_id), "join_timestamp": iso(joined), "flags": 0}


def channel(c: _channel.Channel) -> JSON:
    """Describe a channel of any kind, as the bot sees it."""
    if c.is_dm:
        return _dm(c)
    data: JSON = {
        "id": str(c.id),
        "type": int(c.type),
        "guild_id": str(c.guild.id) if c.guild else None,
        "name": c.name,
        "parent_id": str(c.parent.id) if c.parent else None,
        "last_message_id": str(c.last_message_id) if c.last_message_id else None,
        "rate_limit_per_user": c.rate_limit_per_user,
        "flags": REQUIRE_TAG if c.requires_tag else 0,
    }
    if c.thread:
        return data | _thread_parts(c, c.thread)
    data |= {
        "topic": c.topic,
        "nsfw": c.nsfw,
        "position": c.position,
        "permission_overwrites": [
            {"id": str(o.target_id), "type": int(o.is_member), "allow": str(o.allow), "deny": str(o.deny)}
            for o in c.overwrites.values()
        ],
        "last_pin_timestamp": iso(c.last_pin_at),
    }
    if c.is_forum:
        data |= _forum_parts(c)
    if c.type is ChannelType.VOICE:
        data |= {"bitrate": 64000, "user_limit": 0, "rtc_region": None}
    return data


def _dm(c: _channel.Channel) -> JSON:
    return {
        "id": str(c.id),
        "type": int(c.type),
        "last_message_id": str(c.last_message_id) if c.last_message_id else None,
        "recipients": [user(u) for u in c.recipients if u is not c.state.bot],
        "flags": 0,
    }


def _thread_parts(c: _channel.Channel, info: _channel.ThreadInfo) -> JSON:
    metadata: JSON = {
        "archived": info.archived,
        "auto_archive_duration": info.auto_archive_minutes,
        "archive_timestamp": iso(info.archive_changed_at),
        "locked": info.locked,
        "create_timestamp": iso(info.created_at),
    }
    if c.type is ChannelType.PRIVATE_THREAD:
        metadata["invitable"] = info.invitable
    parts: JSON = {
        "owner_id": str(info.owner_id),
        "message_count": info.total_message_sent,
        "total_message_sent": info.total_message_sent,
        "member_count": len(info.members),
        "thread_metadata": metadata,
        "applied_tags": [str(tag) for tag in info.applied_tags],
    }
    if c.state.bot.id in info.members:
        parts["member"] = thread_member(c, c.state.bot.id)
    return parts


def _forum_parts(c: _channel.Channel) -> JSON:
    return {
        "available_tags": [
            {"id": str(t.id), "name": t.name, "moderated": t.moderated, "emoji_id": None, "emoji_name": None}
            for t in c.available_tags
        ],
        "default_reaction_emoji": None,
        "default_sort_order": None,
        "default_forum_layout": 0,
        "default_auto_archive_duration": 1440,
    }


def guild(g: _guild.Guild) -> JSON:
    """Describe a guild as the REST API does."""
    return {
        "id": str(g.id),
        "name": g.name,
        "owner_id": str(g.owner_id),
        "icon": None,
        "splash": None,
        "discovery_splash": None,
        "banner": None,
        "description": None,
        "features": [],
        "emojis": [guild_emoji(e) for e in g.emojis.values()],
        "stickers": [],
        "roles": [role(r) for r in g.roles.values()],
        "region": "deprecated",
        "afk_channel_id": None,
        "afk_timeout": 300,
        "verification_level": 0,
        "default_message_notifications": 1,
        "explicit_content_filter": 0,
        "mfa_level": 0,
        "nsfw_level": 0,
        "application_id": None,
        "system_channel_id": None,
        "system_channel_flags": 0,
        "rules_channel_id": None,
        "public_updates_channel_id": None,
        "vanity_url_code": None,
        "premium_tier": 0,
        "premium_subscription_count": 0,
        "preferred_locale": g.preferred_locale,
        "max_members": 500_000,
    }


def attachment(a: _message.Attachment) -> JSON:
    """Describe a file of a message."""
    data: JSON = {
        "id": str(a.id),
        "filename": a.filename,
        "size": a.size,
        "url": a.url,
        "proxy_url": a.url,
        "content_type": a.content_type,
    }
    if a.description is not None:
        data["description"] = a.description
    if a.width is not None:
        data |= {"width": a.width, "height": a.height}
    if a.ephemeral:
        data["ephemeral"] = True
    return data


def webhook(w: _webhooks.Webhook, *, with_token: bool = True, with_creator: bool = True) -> JSON:
    """Describe a webhook."""
    guild_id = w.channel.guild.id if w.channel.guild else None
    data: JSON = {
        "id": str(w.id),
        "type": 1,
        "guild_id": str(guild_id),
        "channel_id": str(w.channel.id),
        "name": w.name,
        "avatar": w.avatar,
        "application_id": str(w.application_id) if w.application_id else None,
    }
    if w.creator and with_creator:
        data["user"] = user(w.creator)
    if with_token:
        data["token"] = w.token
    return data
