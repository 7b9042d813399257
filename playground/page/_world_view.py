"""The places and people as the page shows them to one person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from playground.discord import ChannelType, Permission
from playground.discord._flags import MESSAGE_TYPES_OF_CHANNELS
from playground.discord._permissions import can, can_send

from ._faces import avatar_path, color_of

if TYPE_CHECKING:
    from playground.discord import Channel, Guild, LocalDiscord, Member, Person, User

    JSON = dict[str, Any]

KINDS = {
    ChannelType.DM: "dm",
    ChannelType.VOICE: "voice",
    ChannelType.CATEGORY: "category",
    ChannelType.FORUM: "forum",
    ChannelType.MEDIA: "forum",
    ChannelType.PUBLIC_THREAD: "thread",
    ChannelType.PRIVATE_THREAD: "thread",
    ChannelType.NEWS_THREAD: "thread",
}


async def world_view(world: LocalDiscord, viewer: Person) -> JSON:
    """Return everything but the messages."""
    user = viewer.user
    guilds = [guild for guild in world.guilds if user.id in guild.members]
    conversation = await viewer.open_dm()
    return {
        "me": user_view(user, _member(world, user)),
        "people": [user_view(other, _member(world, other)) for other in people_of(world)],
        "bot": {**user_view(world.bot, _member(world, world.bot)), "online": is_online(conversation)},
        "guilds": [_guild_view(guild, viewer) for guild in guilds],
        "dms": [channel_view(conversation, viewer)],
    }


def people_of(world: LocalDiscord) -> list[User]:
    """Return whom one can be on the page: everybody human who is in a guild."""
    return [user for user in world.users if not user.bot and _member(world, user) is not None]


def is_online(channel: Channel) -> bool:
    """Say whether the bot is connected."""
    return any(session.connection for session in channel.state.gateway.sessions.values())


def user_view(user: User, member: Member | None) -> JSON:
    """Return a person for lists and mentions."""
    roles = sorted(member.roles, key=lambda role: -role.position) if member else []
    owner = member is not None and member.guild.owner_id == user.id
    standing = "owner" if owner else roles[0].name if roles else "member"
    hoisted = next((role for role in roles if role.hoist and not role.managed), None)
    return {
        "id": str(user.id),
        "name": user.name,
        "display_name": member.display_name if member else user.display_name,
        "avatar": avatar_path(user),
        "bot": user.bot,
        "standing": standing,
        "owner": owner,
        "color": color_of(member),
        "role_ids": [str(role.id) for role in roles if not role.managed],
        "group_id": str(hoisted.id) if hoisted else None,
    }


def channel_view(channel: Channel, viewer: Person) -> JSON:
    """Return a channel for the list and the header."""
    others = [user for user in channel.recipients if user is not viewer.user]
    return {
        "id": str(channel.id),
        "guild_id": str(channel.guild.id) if channel.guild else None,
        "parent_id": str(channel.parent.id) if channel.parent else None,
        "name": others[0].display_name if channel.is_dm and others else channel.name,
        "topic": channel.topic,
        "kind": KINDS.get(channel.type, "text"),
        "nsfw": channel.nsfw,
        "archived": channel.thread is not None and channel.thread.archived,
        "locked": channel.thread is not None and channel.thread.locked,
        "writable": _may_write(channel, viewer.user),
        "can_post": channel.is_forum and can_send(channel, viewer.user),
        "can_react": can(channel, viewer.user, Permission.ADD_REACTIONS),
        "last_message_id": str(channel.last_message_id) if channel.last_message_id else None,
    }


def _may_write(channel: Channel, user: User) -> bool:
    if channel.thread and channel.thread.locked and not can(channel, user, Permission.MANAGE_THREADS):
        return False
    return channel.type in MESSAGE_TYPES_OF_CHANNELS and can_send(channel, user)


def _member(world: LocalDiscord, user: User) -> Member | None:
    return next((guild.members[user.id] for guild in world.guilds if user.id in guild.members), None)


def _guild_view(guild: Guild, viewer: Person) -> JSON:
    seen = [channel for channel in (*guild.channels.values(), *guild.threads.values()) if viewer.sees(channel)]
    return {
        "id": str(guild.id),
        "name": guild.name,
        "channels": [channel_view(channel, viewer) for channel in sorted(seen, key=lambda c: (c.position, c.id))],
        "members": [user_view(member.user, member) for member in guild.members.values()],
        "emojis": [{"id": str(emoji.id), "name": emoji.name} for emoji in guild.emojis.values()],
        "roles": [
            {"id": str(role.id), "name": role.name, "color": f"#{role.color:06x}" if role.color else None}
            | {"hoist": role.hoist, "position": role.position}
            for role in guild.roles.values()
            if not role.is_everyone and not role.managed
        ],
    }
