"""What happens to messages, whoever does it: the bot through REST, a person, or a webhook."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from playground.discord import _mentions as mentions
from playground.discord import _payloads as payloads
from playground.discord import _permissions as permissions
from playground.discord import _previews as previews
from playground.discord import _threads as threads
from playground.discord import events
from playground.discord._flags import Intent, MessageType, Permission
from playground.discord._message import Attachment, Message, Reaction, Reference
from playground.discord._snowflakes import snowflake_time

if TYPE_CHECKING:
    from collections.abc import Iterable

    from playground.discord._channel import Channel
    from playground.discord._model import User


@dataclass(slots=True)
class Draft:
    """What a message will say."""

    content: str = ""
    embeds: list[dict[str, Any]] = field(default_factory=list)
    components: list[dict[str, Any]] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    flags: int = 0
    tts: bool = False
    nonce: str | int | None = None
    reference: Reference | None = None
    forwarded: Message | None = None
    allowed: mentions.AllowedMentions = field(default_factory=mentions.AllowedMentions)


@dataclass(slots=True)
class Origin:
    """Where a message comes from, beside its author."""

    type: MessageType = MessageType.DEFAULT
    webhook_id: int | None = None
    application_id: int | None = None
    interaction_metadata: dict[str, Any] | None = None
    ephemeral_for: int | None = None
    message_id: int | None = None


def post(channel: Channel, author: User, draft: Draft, origin: Origin | None = None) -> Message:
    """Put a message into a channel and tell everybody who may see it."""
    state, origin = channel.state, origin or Origin()
    message_id = origin.message_id or state.snowflakes.next()
    message = Message(
        message_id,
        channel,
        author,
        draft.content,
        snowflake_time(message_id),
        type=origin.type,
        embeds=draft.embeds,
        components=draft.components,
        attachments=draft.attachments,
        flags=draft.flags,
        nonce=draft.nonce,
        tts=draft.tts,
        reference=draft.reference,
        forwarded=draft.forwarded,
        webhook_id=origin.webhook_id,
        application_id=origin.application_id,
        interaction_metadata=origin.interaction_metadata,
        ephemeral_for=origin.ephemeral_for,
    )
    find_mentions(message, draft.allowed)
    _place(message)
    announce(message, "MESSAGE_CREATE")
    previews.unfurl(message)
    return message


def _place(message: Message) -> None:
    channel = message.channel
    channel.state.messages[message.id] = message
    message.record_version()
    if message.ephemeral:
        return
    channel.insert(message)
    info = channel.thread
    if info is not None:
        info.total_message_sent += 1
        if info.archived:
            threads.set_archived(channel, archived=False)
        if not message.author.is_webhook:
            threads.join(channel, message.author)
        for user in message.mentions:
            threads.invite(channel, user)


def find_mentions(message: Message, allowed: mentions.AllowedMentions) -> None:
    """Read out of a message's text whom it mentions."""
    state, guild = message.channel.state, message.channel.guild
    found = mentions.find(message.content, allowed)
    message.mentions = [state.users[i] for i in found.user_ids if i in state.users]
    may_mention_all = permissions.can(message.channel, message.author, Permission.MENTION_EVERYONE)
    if message.author.is_webhook:
        may_mention_all = True
    message.mention_everyone = found.everyone and may_mention_all and guild is not None
    roles = guild.roles if guild else {}
    message.mention_roles = [
        roles[i] for i in found.role_ids if i in roles and (roles[i].mentionable or may_mention_all)
    ]
    target = message.reply_to if message.type is MessageType.REPLY else None
    if target and allowed.replied_user and not target.author.is_webhook and target.author not in message.mentions:
        message.mentions.append(target.author)


def announce(message: Message, event: str) -> None:
    """Tell the gateway and the page about a message."""
    state = message.channel.state
    state.gateway.dispatch_message(event, message)
    made = event == "MESSAGE_CREATE"
    state.publish(events.MessageCreated(message) if made else events.MessageEdited(message))


def edited(message: Message, *, was_loading: bool = False) -> None:
    """Mark a message as edited now and tell everybody; the end of the thinking is no edit."""
    if not was_loading:
        message.edited_at = datetime.fromtimestamp(message.channel.state.wall_clock(), UTC)
    message.record_version()
    announce(message, "MESSAGE_UPDATE")
    previews.unfurl(message)


def dismiss(message: Message) -> None:
    """Let an ephemeral message vanish from its reader's sight, of which the bot hears nothing."""
    _vanish(message)


def delete(message: Message) -> None:
    """Take a message away."""
    _vanish(message)
    data = _place_of(message) | {"id": str(message.id)}
    private = message.channel.is_dm or message.ephemeral
    intent = Intent.DIRECT_MESSAGES if private else Intent.GUILD_MESSAGES
    channel = message.channel
    channel.state.dispatch("MESSAGE_DELETE", data, intent=intent, guild=channel.guild, channel=channel)


def bulk_delete(channel: Channel, messages: Iterable[Message]) -> None:
    """Take many messages away with one event."""
    gone = list(messages)
    for message in gone:
        _vanish(message)
    data: dict[str, Any] = {"ids": [str(m.id) for m in gone], "channel_id": str(channel.id)}
    if channel.guild:
        data["guild_id"] = str(channel.guild.id)
    channel.state.dispatch(
        "MESSAGE_DELETE_BULK", data, intent=Intent.GUILD_MESSAGES, guild=channel.guild, channel=channel
    )


def _vanish(message: Message) -> None:
    message.deleted = True
    message.channel.remove(message)
    state = message.channel.state
    state.messages.pop(message.id, None)
    state.publish(events.MessageDeleted(message))


def _place_of(message: Message) -> dict[str, Any]:
    data: dict[str, Any] = {"channel_id": str(message.channel.id)}
    if message.channel.guild and not message.ephemeral:
        data["guild_id"] = str(message.channel.guild.id)
    return data


# Reactions


def react(message: Message, user: User, emoji: str) -> None:
    """Add somebody's reaction; twice is once."""
    reaction = message.reaction(emoji)
    if reaction is None:
        reaction = Reaction(emoji)
        message.reactions.append(reaction)
    if user.id in reaction.user_ids:
        return
    reaction.user_ids.append(user.id)
    extra: dict[str, Any] = {"message_author_id": str(message.author.id), "burst": False, "type": 0}
    member = message.channel.guild.members.get(user.id) if message.channel.guild else None
    if member:
        extra["member"] = payloads.member(member)
    _announce_reaction(message, "MESSAGE_REACTION_ADD", emoji, user, extra)


def unreact(message: Message, user: User, emoji: str) -> None:
    """Take somebody's reaction back."""
    reaction = message.reaction(emoji)
    if reaction is None or user.id not in reaction.user_ids:
        return
    reaction.user_ids.remove(user.id)
    if not reaction.user_ids:
        message.reactions.remove(reaction)
    _announce_reaction(message, "MESSAGE_REACTION_REMOVE", emoji, user, {"burst": False, "type": 0})


def clear_reactions(message: Message, emoji: str | None = None) -> None:
    """Take away all reactions, or all with one emoji."""
    message.reactions = [r for r in message.reactions if emoji is not None and r.emoji != emoji]
    event = "MESSAGE_REACTION_REMOVE_ALL" if emoji is None else "MESSAGE_REACTION_REMOVE_EMOJI"
    _announce_reaction(message, event, emoji, None, {})


def _announce_reaction(message: Message, event: str, emoji: str | None, user: User | None, extra: Any) -> None:
    channel = message.channel
    data = _place_of(message) | {"message_id": str(message.id)} | extra
    if emoji is not None:
        data["emoji"] = payloads.partial_emoji(emoji)
    if user is not None:
        data["user_id"] = str(user.id)
    intent = Intent.DIRECT_MESSAGE_REACTIONS if channel.is_dm else Intent.GUILD_MESSAGE_REACTIONS
    channel.state.dispatch(event, data, intent=intent, guild=channel.guild, channel=channel)
    channel.state.publish(events.ReactionChanged(message, emoji or "", user, added=event == "MESSAGE_REACTION_ADD"))


# Typing and pins


def type_in(channel: Channel, user: User) -> None:
    """Show that somebody is writing."""
    state = channel.state
    channel.typing[user.id] = state.clock()
    data: dict[str, Any] = {
        "channel_id": str(channel.id),
        "user_id": str(user.id),
        "timestamp": int(state.wall_clock()),
    }
    member = channel.guild.members.get(user.id) if channel.guild else None
    if channel.guild and member:
        data |= {"guild_id": str(channel.guild.id), "member": payloads.member(member)}
    intent = Intent.DIRECT_MESSAGE_TYPING if channel.is_dm else Intent.GUILD_MESSAGE_TYPING
    state.dispatch("TYPING_START", data, intent=intent, guild=channel.guild, channel=channel)
    state.publish(events.TypingStarted(channel, user))


def pin(message: Message, user: User) -> None:
    """Pin a message and say so in the channel."""
    channel = message.channel
    message.pinned = True
    channel.pins.insert(0, message)
    channel.last_pin_at = channel.now()
    announce(message, "MESSAGE_UPDATE")
    _pins_changed(channel)
    reference = Reference(channel.id, message.id, channel.guild.id if channel.guild else None)
    post(channel, user, Draft(reference=reference), Origin(MessageType.CHANNEL_PINNED_MESSAGE))


def unpin(message: Message) -> None:
    """Unpin a message."""
    message.pinned = False
    if message in message.channel.pins:
        message.channel.pins.remove(message)
    announce(message, "MESSAGE_UPDATE")
    _pins_changed(message.channel)


def _pins_changed(channel: Channel) -> None:
    data: dict[str, Any] = {"channel_id": str(channel.id), "last_pin_timestamp": payloads.iso(channel.last_pin_at)}
    if channel.guild:
        data["guild_id"] = str(channel.guild.id)
    intent = Intent.DIRECT_MESSAGES if channel.is_dm else Intent.GUILDS
    channel.state.dispatch("CHANNEL_PINS_UPDATE", data, intent=intent, guild=channel.guild, channel=channel)
