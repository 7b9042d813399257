"""Threads: how they begin, who is in them, and how they are archived."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playground.discord import _payloads as payloads
from playground.discord import _permissions as permissions
from playground.discord._flags import ChannelType, Intent, MessageFlag, MessageType

if TYPE_CHECKING:
    from playground.discord._channel import Channel
    from playground.discord._message import Message
    from playground.discord._model import User


def create(
    parent: Channel,
    name: str,
    owner: User,
    *,
    kind: ChannelType,
    message: Message | None = None,
    minutes: int = 1440,
    rate_limit_per_user: int = 0,
    invitable: bool = True,
    tags: list[int] | None = None,
) -> Channel:
    """Make a thread and tell everybody; below a message it takes the message's id."""
    from playground.discord._channel import Channel, ThreadInfo  # threads are channels: the cycle is real

    state, guild, now = parent.state, parent.guild, parent.now()
    info = ThreadInfo(owner.id, now, now, invitable=invitable, auto_archive_minutes=minutes, applied_tags=tags or [])
    thread_id = message.id if message else state.snowflakes.next()
    thread = Channel(thread_id, state, kind, name, guild, parent, rate_limit_per_user=rate_limit_per_user, thread=info)
    if guild is None:
        msg = "A direct message has no threads"
        raise ValueError(msg)
    guild.threads[thread_id] = thread
    state.channels[thread_id] = thread
    if not owner.is_webhook:
        info.members[owner.id] = now
    _announce_creation(thread, owner, message)
    return thread


def _announce_creation(thread: Channel, owner: User, message: Message | None) -> None:
    state = thread.state
    data = payloads.channel(thread) | {"newly_created": True}
    state.dispatch("THREAD_CREATE", data, intent=Intent.GUILDS, guild=thread.guild, channel=thread)
    state.channel_changed(thread, "THREAD_CREATE")
    parent = thread.parent
    if parent is None or parent.is_forum:
        return
    if message is not None:
        message.thread = thread
        message.flags |= MessageFlag.HAS_THREAD
        state.announce_message(message, "MESSAGE_UPDATE")
    elif thread.type is ChannelType.PUBLIC_THREAD:
        state.post(parent, owner, thread.name, message_type=MessageType.THREAD_CREATED)


def join(thread: Channel, user: User) -> None:
    """Add somebody to a thread; being added twice changes nothing."""
    info = thread.thread
    if info is None or user.id in info.members:
        return
    info.members[user.id] = thread.now()
    _members_changed(thread, user, added=True)


def invite(thread: Channel, user: User) -> None:
    """Add somebody who was mentioned, if they can see the channel above."""
    if thread.parent is not None and permissions.in_channel(thread.parent, user):
        join(thread, user)


def leave(thread: Channel, user: User) -> None:
    """Remove somebody from a thread."""
    info = thread.thread
    if info is not None and info.members.pop(user.id, None) is not None:
        _members_changed(thread, user, added=False)


def _members_changed(thread: Channel, user: User, *, added: bool) -> None:
    state, info = thread.state, thread.thread
    if info is None or thread.guild is None:
        return
    data = {"id": str(thread.id), "guild_id": str(thread.guild.id), "member_count": len(info.members)}
    if added:
        data["added_members"] = [payloads.thread_member(thread, user.id)]
    else:
        data["removed_member_ids"] = [str(user.id)]
    # Without the members intent a bot hears only of its own coming and going.
    intent = Intent.GUILDS if user is state.bot else Intent.GUILDS | Intent.GUILD_MEMBERS
    seen_in = None if user is state.bot else thread
    state.dispatch("THREAD_MEMBERS_UPDATE", data, intent=intent, guild=thread.guild, channel=seen_in)


def set_archived(thread: Channel, *, archived: bool, locked: bool | None = None) -> None:
    """Archive a thread or bring it back."""
    info = thread.thread
    if info is None:
        return
    if info.archived != archived:
        info.archived = archived
        info.archive_changed_at = thread.now()
    if locked is not None:
        info.locked = locked
    thread.announce("THREAD_UPDATE")
