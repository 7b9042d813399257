"""The one way in: every message, command, autocomplete, button and modal asks here whether it is allowed."""

import time
from collections.abc import Awaitable, Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import discord
from discord import app_commands

from chat.scenes import owner_of
from cogs._members import Members
from cogs._places import scopes_of
from moderation.access import Access, RefusedError, Request
from moderation.admission import PAUSED, Admission, Permit
from moderation.presence import Presence, Presences
from moderation.rights import REQUIRED, Level
from moderation.rules import Asker
from moderation.server_setup import MODERATOR_ROLES
from storage import AccessRule, AccessRules, ConversationKey, OptOuts, Resolved, Scope, ScopedSettings

if TYPE_CHECKING:
    from discord.abc import MessageableChannel
    from discord.interactions import InteractionChannel

    from cogs._bot import Bot

    Place = MessageableChannel | InteractionChannel

HOME: Final = "home"
"""The setting of a person that names the server against which their direct messages count."""

FRESH_SECONDS: Final = 5.0
"""How late a pause or a rule of a home server may be noticed, which can belong to another process."""

RIGHT: Final = "right"
"""Where an interaction notes the right by which something is done, if that is more than a member's."""

_DEFAULTS: Final = {"approved": False, MODERATOR_ROLES: [], PAUSED: False}


class Guard:
    """Turns what Discord says about a person and a place into a request that policy can decide."""

    def __init__(
        self,
        access: Access,
        settings: ScopedSettings,
        rules: AccessRules,
        presences: Presences,
        admission: Admission,
        needs_roles: Callable[[int], Awaitable[bool]],
        members: Members | None = None,
        *,
        opt_outs: OptOuts | None = None,
    ) -> None:
        self.access = access
        self.members = members  # known when the bot is there
        self._settings = settings
        self._rules = rules
        self._presences = presences
        self._admission = admission
        self._needs_roles = needs_roles  # whether a server's limits ask for them
        self._opt_outs = opt_outs
        self._homes_read_at: dict[int, float] = {}

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
        note_right(interaction, name)

    async def check_everywhere(self, action: str, interaction: "discord.Interaction[Bot]") -> None:
        """An action on the whole server, for which rights in one channel are not enough. Raises `RefusedError`."""
        request = await self._request(action, interaction.user, interaction.guild_id, interaction.channel)
        permissions = getattr(interaction.user, "guild_permissions", discord.Permissions.none())
        level = _level_by(permissions, interaction.user, await self._moderator_roles(interaction.guild_id))
        self.access.check(replace(request, level=level))
        note_right(interaction, action)

    async def check_turn(
        self, action: str, askers: AbstractSet[int], interaction: "discord.Interaction[Bot]", who: str
    ) -> None:
        """An action on a reply, which `who` of the channel's settings opens to anyone or keeps for moderators."""
        everyone = {interaction.user.id}
        owners = {"anyone": everyone, "moderators": frozenset[int]()}.get(who, askers)
        await self.check_own(action, everyone if interaction.guild_id is None else owners, interaction)

    async def permit(self, key: ConversationKey, scopes: Sequence[Scope], user_id: int) -> Permit:
        """What holds now for an answer that somebody asked for before."""
        return await self._admission.permit(key, scopes, user_id)

    async def approve(self, guild_id: int, owner_id: int) -> None:
        """Wake the bot in a server that the operator's list does not name."""
        await self._settings.put(guild_id, Scope("guild", guild_id), "approved", True, owner_id)

    async def may_choose(self, guild_id: int | None, channel: "Place | None", model: str) -> bool:
        """Whether a model may be chosen for this place."""
        return guild_id is None or await self._admission.may_set(guild_id, _nobody_in(channel), model)

    async def home_of(self, user_id: int) -> int | None:
        """The server against which a person's direct messages count; None without one, or if they have left it."""
        scope = Scope("user", user_id)
        chosen: int | None = (await self._settings.resolve(None, [scope], {HOME: None}))[HOME].value
        if chosen is None or self.members is None or await self.members.roles(chosen, user_id) is None:
            return None
        return chosen

    def ruling_id(self, guild_id: int | None, channel_id: int, user_id: int) -> int | None:
        """The server whose rules hold for somebody here, as far as they have asked for something of late."""
        return self._presences.of(guild_id, channel_id, user_id).ruling_id

    async def _request(
        self, action: str, user: discord.abc.User, guild_id: int | None, channel: "Place | None"
    ) -> Request:
        if guild_id is None:
            return await self._direct_request(action, user, channel)
        found = await self._settings.resolve(guild_id, scopes_of(channel, guild_id), _DEFAULTS)
        rules = await self._rules.of(guild_id)
        asker = replace(_nobody_in(channel), user_id=user.id, role_ids=await self._roles(user, guild_id, rules))
        request = Request(
            action,
            user.id,
            guild_id,
            channel.id if channel is not None else 0,
            await self._level(user, guild_id, channel),
            guild_approved=bool(found["approved"].value),
            asker=asker,
            rules=rules,
            paused=bool(found[PAUSED].value),
            opted_out=self._opt_outs is not None and self._opt_outs.holds(guild_id, user.id),
        )
        self._presences.remember(guild_id, request.channel_id, Presence(guild_id, asker))
        return request

    async def _direct_request(self, action: str, user: discord.abc.User, channel: "Place | None") -> Request:
        """In direct messages the rules of the home server hold."""
        request = Request(action, user.id, None, channel.id if channel is not None else 0, Level.MEMBER)
        if self._opt_outs is not None and self._opt_outs.holds(None, user.id):
            request = replace(request, opted_out=True)
        home_id = await self.home_of(user.id) if self.access.asks_for_home(user.id) else None
        asker = Asker(user.id)
        if home_id is not None and self.members is not None:
            asker = replace(asker, role_ids=await self.members.roles(home_id, user.id) or frozenset())
            rules = await self._rules.of(home_id, FRESH_SECONDS)
            found = await self._home_settings(home_id)
            request = replace(
                request,
                guild_approved=bool(found["approved"].value),
                asker=asker,
                rules=rules,
                paused=bool(found[PAUSED].value),
                home_id=home_id,
            )
        self._presences.remember(None, request.channel_id, Presence(home_id, asker))
        return request

    async def _home_settings(self, home_id: int) -> Resolved:
        scope, now = Scope("guild", home_id), time.monotonic()
        if now - self._homes_read_at.get(home_id, -FRESH_SECONDS) >= FRESH_SECONDS:
            self._settings.forget(home_id, scope)
            self._homes_read_at[home_id] = now
        return await self._settings.resolve(home_id, [scope], _DEFAULTS)

    async def _roles(self, user: discord.abc.User, guild_id: int, rules: Sequence[AccessRule]) -> frozenset[int]:
        """A person's roles. A message that was missed does not bring them along: if they matter, Discord is asked."""
        if isinstance(user, discord.Member):
            return frozenset(role.id for role in user.roles)
        if self.members is None:
            return frozenset({guild_id})
        if all(rule.target.role_id is None for rule in rules) and not await self._needs_roles(guild_id):
            return frozenset({guild_id})
        return await self.members.roles(guild_id, user.id) or frozenset({guild_id})

    async def _moderator_roles(self, guild_id: int | None) -> frozenset[int]:
        """The roles whose holders are moderators; none: whoever may manage messages is."""
        if guild_id is None:
            return frozenset()
        found = await self._settings.resolve(guild_id, [Scope("guild", guild_id)], _DEFAULTS)
        return frozenset(found[MODERATOR_ROLES].value)

    async def _level(self, user: discord.abc.User, guild_id: int | None, channel: "Place | None") -> Level:
        level = level_of(user, channel, await self._moderator_roles(guild_id))
        if level >= Level.SCENE_OWNER or guild_id is None or not isinstance(channel, discord.Thread):
            return level
        return Level.SCENE_OWNER if await owner_of(self._settings, guild_id, channel.id) == user.id else level


def level_of(user: discord.abc.User, channel: "Place | None", moderator_roles: AbstractSet[int] = frozenset()) -> Level:
    """What permissions or roles make this person; a thread belongs to whoever started it."""
    if not isinstance(user, discord.Member):
        return Level.MEMBER
    level = _level_by(_permissions(user, channel), user, moderator_roles)
    if isinstance(channel, discord.Thread) and channel.owner_id == user.id:
        return max(level, Level.SCENE_OWNER)
    return level


def _level_by(permissions: discord.Permissions, user: discord.abc.User, moderator_roles: AbstractSet[int]) -> Level:
    """Where a server has chosen roles for its moderators, managing messages makes nobody one."""
    if permissions.manage_guild or permissions.administrator:
        return Level.ADMIN
    chosen = any(role.id in moderator_roles for role in getattr(user, "roles", ()))
    moderates = chosen if moderator_roles else permissions.manage_messages
    return Level.MODERATOR if moderates else Level.MEMBER


def _nobody_in(channel: "Place | None") -> Asker:
    """A place as rules see it: a thread belongs to its channel, and both to its category."""
    if channel is None:
        return Asker(0)
    if isinstance(channel, discord.Thread):
        category_id = getattr(channel.parent, "category_id", None)
        return Asker(0, channel_ids=(channel.id, channel.parent_id), category_id=category_id)
    return Asker(0, channel_ids=(channel.id,), category_id=getattr(channel, "category_id", None))


def note_right(interaction: discord.Interaction[Any], action: str) -> None:
    """Remember by which right more than a member's something is done, so that the deed can be recorded."""
    if REQUIRED.get(action, Level.MEMBER) > Level.MEMBER:
        interaction.extras[RIGHT] = action


def _permissions(member: discord.Member, channel: "Place | None") -> discord.Permissions:
    if member.resolved_permissions is not None:  # an interaction brings them along
        return member.resolved_permissions
    if isinstance(channel, discord.abc.GuildChannel):
        return channel.permissions_for(member)
    if isinstance(channel, discord.Thread) and channel.parent is not None:
        return channel.parent.permissions_for(member)
    return member.guild_permissions


async def whole_server(interaction: "discord.Interaction[Bot]", action: str) -> int:
    """The server, if the person may do this in all of it: rights in one channel are not enough."""
    if interaction.guild_id is None:
        raise app_commands.NoPrivateMessage
    await interaction.client.services.guard.check_everywhere(action, interaction)
    return interaction.guild_id


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
