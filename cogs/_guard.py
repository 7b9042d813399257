"""The one way in: every message, command, autocomplete, button and modal asks here whether it is allowed."""

from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import discord

from chat.scenes import owner_of
from moderation.access import Access, RefusedError, Request
from moderation.rights import Level
from storage import Scope, ScopedSettings

if TYPE_CHECKING:
    from discord.abc import MessageableChannel
    from discord.interactions import InteractionChannel

    from cogs._bot import Bot

    Place = MessageableChannel | InteractionChannel


class Guard:
    """Turns what Discord says about a person and a place into a request that policy can decide."""

    def __init__(self, access: Access, settings: ScopedSettings) -> None:
        self.access = access
        self._settings = settings

    async def check(self, action: str, user: discord.abc.User, guild_id: int | None, channel: "Place | None") -> None:
        """Return when the person may do this here. Raises `RefusedError`."""
        self.access.check(await self._request(action, user, guild_id, channel))

    async def allows(self, action: str, user: discord.abc.User, guild_id: int | None, channel: "Place | None") -> bool:
        """Whether the person may do this here."""
        return self.access.allows(await self._request(action, user, guild_id, channel))

    async def check_own(self, action: str, owners: AbstractSet[int], interaction: "discord.Interaction[Bot]") -> None:
        """An action on what one of `owners` started: they may do it to their own, others need the action's level."""
        name = f"{action} own" if interaction.user.id in owners else action
        await self.check(name, interaction.user, interaction.guild_id, interaction.channel)

    async def check_everywhere(self, action: str, interaction: "discord.Interaction[Bot]") -> None:
        """An action on the whole server, for which rights in one channel are not enough. Raises `RefusedError`."""
        request = await self._request(action, interaction.user, interaction.guild_id, interaction.channel)
        permissions = getattr(interaction.user, "guild_permissions", discord.Permissions.none())
        self.access.check(replace(request, level=_level_by(permissions)))

    async def check_turn(
        self, action: str, askers: AbstractSet[int], interaction: "discord.Interaction[Bot]", who: str
    ) -> None:
        """An action on a reply, which `who` of the channel's settings opens to anyone or keeps for moderators."""
        everyone = {interaction.user.id}
        owners = {"anyone": everyone, "moderators": frozenset[int]()}.get(who, askers)
        await self.check_own(action, everyone if interaction.guild_id is None else owners, interaction)

    async def approve(self, guild_id: int, owner_id: int) -> None:
        """Wake the bot in a server that the operator's list does not name."""
        await self._settings.put(guild_id, Scope("guild", guild_id), "approved", True, owner_id)

    async def _request(
        self, action: str, user: discord.abc.User, guild_id: int | None, channel: "Place | None"
    ) -> Request:
        approved = False
        if guild_id is not None and self.access.is_dormant(guild_id):
            found = await self._settings.resolve(guild_id, [Scope("guild", guild_id)], {"approved": False})
            approved = bool(found["approved"].value)
        channel_id = channel.id if channel is not None else 0
        return Request(action, user.id, guild_id, channel_id, await self._level(user, guild_id, channel), approved)

    async def _level(self, user: discord.abc.User, guild_id: int | None, channel: "Place | None") -> Level:
        level = level_of(user, channel)
        if level >= Level.SCENE_OWNER or guild_id is None or not isinstance(channel, discord.Thread):
            return level
        return Level.SCENE_OWNER if await owner_of(self._settings, guild_id, channel.id) == user.id else level


def level_of(user: discord.abc.User, channel: "Place | None") -> Level:
    """What Discord's permissions make this person; a thread belongs to whoever started it."""
    if not isinstance(user, discord.Member):
        return Level.MEMBER
    level = _level_by(_permissions(user, channel))
    if isinstance(channel, discord.Thread) and channel.owner_id == user.id:
        return max(level, Level.SCENE_OWNER)
    return level


def _level_by(permissions: discord.Permissions) -> Level:
    if permissions.manage_guild or permissions.administrator:
        return Level.ADMIN
    return Level.MODERATOR if permissions.manage_messages else Level.MEMBER


def _permissions(member: discord.Member, channel: "Place | None") -> discord.Permissions:
    if member.resolved_permissions is not None:  # an interaction brings them along
        return member.resolved_permissions
    if isinstance(channel, discord.abc.GuildChannel):
        return channel.permissions_for(member)
    if isinstance(channel, discord.Thread) and channel.parent is not None:
        return channel.parent.permissions_for(member)
    return member.guild_permissions


def action_of(interaction: discord.Interaction) -> str:
    """The command's full name, as rights know it ("model set"), read from what Discord sent."""
    data: Any = interaction.data or {}
    names = [str(data.get("name", ""))]
    options = data.get("options") or []
    while options and options[0].get("type") in {1, 2}:  # a subcommand or a group of them
        names.append(options[0]["name"])
        options = options[0].get("options") or []
    return " ".join(names)


__all__ = ["Guard", "RefusedError", "action_of", "level_of"]
