"""Who may do what where, computed as Discord does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playground.discord._flags import ALL_PERMISSIONS, ChannelType, Permission

if TYPE_CHECKING:
    from playground.discord._channel import Channel
    from playground.discord._guild import Guild
    from playground.discord._model import Member, User

_NEEDS_SENDING = int(
    Permission.MENTION_EVERYONE
    | Permission.SEND_TTS_MESSAGES
    | Permission.ATTACH_FILES
    | Permission.EMBED_LINKS
    | Permission.SEND_POLLS
)
# Plain numbers: this is computed for every event, and operations on flags are slow.
_SEES = int(Permission.VIEW_CHANNEL)
_WRITES = int(Permission.SEND_MESSAGES | Permission.SEND_MESSAGES_IN_THREADS)
_ADMINISTRATOR = int(Permission.ADMINISTRATOR)
_MANAGE_THREADS = int(Permission.MANAGE_THREADS)
_LEFT_IN_TIME_OUT = int(Permission.VIEW_CHANNEL | Permission.READ_MESSAGE_HISTORY)

USE_COMMANDS = int(Permission.USE_APPLICATION_COMMANDS)

DM_PERMISSIONS = int(
    Permission.ADD_REACTIONS
    | Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.READ_MESSAGE_HISTORY
    | Permission.MENTION_EVERYONE
    | Permission.USE_EXTERNAL_EMOJIS
    | Permission.USE_APPLICATION_COMMANDS
    | Permission.PIN_MESSAGES
)
"""What both sides of a direct message may do."""


def is_all(held: int) -> bool:
    """Say whether these are the permissions of an owner or administrator."""
    return held == ALL_PERMISSIONS


def in_guild(guild: Guild, member: Member) -> int:
    """Sum up what a member's roles allow, before any channel is looked at."""
    if guild.owner_id == member.id:
        return ALL_PERMISSIONS
    allowed = guild.everyone.permissions
    for role in member.roles:
        allowed |= role.permissions
    if allowed & _ADMINISTRATOR:
        return ALL_PERMISSIONS
    return allowed & _LEFT_IN_TIME_OUT if member.is_timed_out else allowed


def in_channel(channel: Channel, user: User) -> int:
    """Sum up what a user may do in a channel; 0 means that they cannot see it."""
    if channel.guild is None:
        return DM_PERMISSIONS if user in channel.recipients else 0
    member = channel.guild.members.get(user.id)
    if member is None:
        return 0
    if channel.is_thread:
        return _in_thread(channel, member)
    return _with_overwrites(channel, member)


def can(channel: Channel, user: User, permission: int) -> bool:
    """Say whether a user has all of these permissions in a channel."""
    needed = int(permission)
    return in_channel(channel, user) & needed == needed


def can_send(channel: Channel, user: User) -> bool:
    """Say whether a user may write here; threads have a permission of their own."""
    needed = Permission.SEND_MESSAGES_IN_THREADS if channel.is_thread else Permission.SEND_MESSAGES
    return can(channel, user, needed)


def _with_overwrites(channel: Channel, member: Member) -> int:
    guild = member.guild
    base = in_guild(guild, member)
    if base == ALL_PERMISSIONS:
        return base
    overwrites = channel.overwrites
    if everyone := overwrites.get(guild.id):
        base = base & ~everyone.deny | everyone.allow
    allow = deny = 0
    for role in member.roles:
        if overwrite := overwrites.get(role.id):
            allow |= overwrite.allow
            deny |= overwrite.deny
    base = base & ~deny | allow
    if own := overwrites.get(member.id):
        base = base & ~own.deny | own.allow
    if member.is_timed_out:
        base &= _LEFT_IN_TIME_OUT
    return _without_implied(base)


def _without_implied(base: int) -> int:
    """Drop what is useless without seeing or without writing."""
    if not base & _SEES:
        return 0
    if not base & _WRITES:
        base &= ~_NEEDS_SENDING
    return base


def _in_thread(thread: Channel, member: Member) -> int:
    """Inherit from the parent; a private thread is there only for its members and for who manages threads."""
    if thread.parent is None or thread.thread is None:
        return 0
    base = _with_overwrites(thread.parent, member)
    private = thread.type is ChannelType.PRIVATE_THREAD
    if private and member.id not in thread.thread.members and not base & _MANAGE_THREADS:
        return 0
    return base


def top_position(member: Member) -> int:
    """Give the height of a member's highest role, which decides whom they may manage."""
    if member.guild.owner_id == member.id:
        return 1 << 30
    return max((role.position for role in member.roles), default=0)
