"""Messages as the JSON that Discord sends, whole or censored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from playground.discord import _payloads as payloads
from playground.discord._payloads import JSON, iso

if TYPE_CHECKING:
    from playground.discord._message import Message
    from playground.discord._model import User

PRIVILEGED_FIELDS: dict[str, Any] = {"content": "", "embeds": [], "attachments": [], "components": []}
"""What a bot without the message content intent gets instead."""


def message(m: Message, *, whole: bool = True, nested: bool = True) -> JSON:
    """Describe a message; not whole: what people wrote is left out unless the bot may read it anyway."""
    data: JSON = {
        "id": str(m.id),
        "channel_id": str(m.channel.id),
        "type": int(m.type),
        "author": payloads.user(m.author),
        "content": m.content,
        "timestamp": iso(m.created_at),
        "edited_timestamp": iso(m.edited_at),
        "tts": m.tts,
        "pinned": m.pinned,
        "mention_everyone": m.mention_everyone,
        "mentions": [_mentioned(m, u) for u in m.mentions],
        "mention_roles": [str(r.id) for r in m.mention_roles],
        "embeds": m.embeds,
        "attachments": [payloads.attachment(a) for a in m.attachments],
        "components": m.components,
        "flags": m.flags,
    }
    _add_optional_parts(m, data)
    if m.reference is not None:
        _add_reference(m, data, whole=whole, nested=nested)
    if not whole and not readable_without_intent(m):
        data |= PRIVILEGED_FIELDS
    return data


def gateway_message(m: Message, *, whole: bool) -> JSON:
    """Describe a message as gateway events do: with guild and member, unless it is ephemeral."""
    data = message(m, whole=whole)
    if m.channel.guild is None or m.ephemeral:
        return data
    data["guild_id"] = str(m.channel.guild.id)
    member = None if m.author.is_webhook else m.channel.guild.members.get(m.author.id)
    if member:
        data["member"] = payloads.partial_member(member)
    return data


def readable_without_intent(m: Message) -> bool:
    """Say whether a bot without the intent sees the text: its own words, direct messages, and where it is mentioned."""
    bot = m.channel.state.bot
    return m.channel.is_dm or m.author is bot or bot in m.mentions


def _mentioned(m: Message, u: User) -> JSON:
    data = payloads.user(u)
    member = m.channel.guild.members.get(u.id) if m.channel.guild else None
    if member:
        data["member"] = payloads.partial_member(member)
    return data


def _add_optional_parts(m: Message, data: JSON) -> None:
    if m.nonce is not None:
        data["nonce"] = m.nonce
    if m.webhook_id:
        data["webhook_id"] = str(m.webhook_id)
    if m.application_id:
        data["application_id"] = str(m.application_id)
    if m.reactions:
        data["reactions"] = [_reaction(m, r.emoji, r.user_ids) for r in m.reactions]
    if m.thread:
        data["thread"] = payloads.channel(m.thread)
    if m.interaction_metadata:
        data["interaction_metadata"] = m.interaction_metadata


def _reaction(m: Message, emoji: str, user_ids: list[int]) -> JSON:
    return {
        "emoji": payloads.partial_emoji(emoji),
        "count": len(user_ids),
        "count_details": {"burst": 0, "normal": len(user_ids)},
        "me": m.channel.state.bot.id in user_ids,
        "me_burst": False,
        "burst_colors": [],
    }


def _add_reference(m: Message, data: JSON, *, whole: bool, nested: bool) -> None:
    ref = m.reference
    if ref is None:
        return
    data["message_reference"] = {"type": 0 if m.forwarded is None else 1, "channel_id": str(ref.channel_id)}
    if ref.message_id:
        data["message_reference"]["message_id"] = str(ref.message_id)
    if ref.guild_id:
        data["message_reference"]["guild_id"] = str(ref.guild_id)
    if m.forwarded is not None:
        readable = whole or readable_without_intent(m)
        data["message_snapshots"] = [{"message": _snapshot(m.forwarded) | ({} if readable else PRIVILEGED_FIELDS)}]
    elif nested:
        target = m.reply_to
        data["referenced_message"] = message(target, whole=whole, nested=False) if target else None


def _snapshot(m: Message) -> JSON:
    """Describe a message for one that forwards it, which does not tell who wrote it."""
    kept = ("type", "content", "timestamp", "edited_timestamp", "mentions", "mention_roles", "embeds", "flags")
    data = message(m, nested=False)
    return {name: data[name] for name in (*kept, "attachments", "components")}
