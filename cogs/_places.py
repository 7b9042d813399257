"""Where something happens in Discord: the scopes of its settings, and the conversation it belongs to."""

from typing import TYPE_CHECKING, Any

import discord

from chat.preferences import Place, ReplyStyle
from storage import ConversationKey, Scope, ScopeKind

if TYPE_CHECKING:
    from cogs._bot import Services

SOURCE_WORDS: dict[ScopeKind, str] = {
    "thread": "this thread",
    "channel": "this channel",
    "persona": "the persona",
    "guild": "this server",
    "user": "the person",
}


def scopes_of(channel: Any, guild_id: int | None) -> tuple[Scope, ...]:
    """Where settings for this place are looked up, the nearest first; threads inherit from their parent."""
    scopes = []
    if isinstance(channel, discord.Thread):
        scopes += [Scope("thread", channel.id), Scope("channel", channel.parent_id)]
    elif channel is not None:
        scopes.append(Scope("channel", channel.id))
    if guild_id is not None:
        scopes.append(Scope("guild", guild_id))
    return tuple(scopes)


def place_of(interaction: discord.Interaction[Any]) -> Place:
    """Where a command was used."""
    return Place(interaction.guild_id, scopes_of(interaction.channel, interaction.guild_id))


def source_words(source: Scope | None, interaction: discord.Interaction[Any]) -> str:
    """Where a setting that holds here comes from."""
    if source is None:
        return "the operator's default"
    if source.kind == "channel" and isinstance(interaction.channel, discord.Thread):
        return "this thread's channel"
    return SOURCE_WORDS[source.kind]


def is_age_restricted(channel: Any) -> bool:
    """Whether only adults come here; direct messages are open to all ages."""
    asks = getattr(channel, "is_nsfw", None)
    return bool(asks is not None and asks())


async def is_per_person(services: "Services", channel: Any, guild_id: int | None) -> bool:
    """Whether everyone has a conversation of their own here; a direct message has only one anyway."""
    if guild_id is None:
        return False
    preferences = await services.context.preferences(guild_id, scopes_of(channel, guild_id))
    return bool(preferences["history_scope"].value == "user")


async def conversation_for(
    services: "Services", channel: Any, guild_id: int | None, user_id: int, *, private: bool = False
) -> ConversationKey:
    """The conversation that this person has here: the channel's, their own, or their private one."""
    channel_id = channel.id if channel is not None else 0
    if private:
        return ConversationKey(guild_id, channel_id, owner_id=user_id, private=True)
    own = await is_per_person(services, channel, guild_id)
    return ConversationKey(guild_id, channel_id, owner_id=user_id if own else 0)


async def conversation_of(interaction: discord.Interaction[Any], *, private: bool = False) -> ConversationKey:
    """The conversation of whoever used a command or pressed a button, where they did so."""
    return await conversation_for(
        interaction.client.services, interaction.channel, interaction.guild_id, interaction.user.id, private=private
    )


async def style_of(
    services: "Services", channel: Any, guild_id: int | None, allowed: discord.Permissions
) -> ReplyStyle:
    """How replies are written here; embeds need a permission of their own."""
    preferences = await services.context.preferences(guild_id, scopes_of(channel, guild_id))
    return "embed" if preferences["reply_style"].value == "embed" and allowed.embed_links else "plain"
