"""New people, roles, channels, threads and servers, as the drawer makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from playground.discord import InvalidOptionError, Permission

from ._reading import found

if TYPE_CHECKING:
    from playground.discord import Channel, Guild, LocalDiscord, Member, Role, User

    JSON = dict[str, Any]

MAX_NAME = 32
MAX_CHANNEL_NAME = 100

PERMISSIONS = {
    "ADMINISTRATOR": "Administrator",
    "MANAGE_GUILD": "Manage server",
    "MANAGE_CHANNELS": "Manage channels",
    "MANAGE_ROLES": "Manage roles",
    "MANAGE_MESSAGES": "Manage messages",
    "MANAGE_THREADS": "Manage threads",
    "MODERATE_MEMBERS": "Time out members",
    "KICK_MEMBERS": "Kick members",
    "MENTION_EVERYONE": "Mention everyone",
}
"""What a new role can be given, in the order and words in which it is offered."""


class Builder:
    """Adds to the world what a request describes; what cannot be is refused in words."""

    def __init__(self, world: LocalDiscord) -> None:
        self._world = world

    def add_person(self, body: JSON) -> User:
        """Let somebody new join a server."""
        name, guild = _name(body, MAX_NAME), self._guild(body)
        roles = _roles(guild, body)
        taken = {user.display_name.casefold() for user in self._world.users}
        if name.casefold() in taken:
            raise InvalidOptionError(f"{name} is here already")
        user = self._world.add_user(name.lower().replace(" ", "_"), display_name=name)
        guild.add_member(user, roles=roles)
        return user

    def add_role(self, body: JSON) -> Role:
        """Make a role."""
        wanted = body.get("permissions") or []
        unknown = [name for name in wanted if name not in PERMISSIONS]
        if unknown:
            raise InvalidOptionError(f"There is no permission {unknown[0]}")
        permissions = sum(Permission[name] for name in wanted)
        return self._guild(body).add_role(_name(body, MAX_NAME), permissions, color=_color(body.get("color")))

    def set_roles(self, body: JSON) -> Member:
        """Give a member exactly these roles."""
        guild = self._guild(body)
        member = guild.member(found(lambda number: number, body.get("user_id")))
        if member is None:
            raise InvalidOptionError("Nobody like that is on this server")
        wanted = _roles(guild, body)
        for role in [role for role in member.roles if role not in wanted and not role.managed]:
            member.remove_role(role)
        for role in wanted:
            member.add_role(role)
        return member

    def add_channel(self, body: JSON) -> Channel:
        """Make a text channel or a forum."""
        name, guild = "-".join(_name(body, MAX_CHANNEL_NAME).lower().split()), self._guild(body)
        nsfw = bool(body.get("age_restricted"))
        return (
            guild.add_forum(name, nsfw=nsfw) if body.get("kind") == "forum" else guild.add_text_channel(name, nsfw=nsfw)
        )

    def add_guild(self, body: JSON, owner: User) -> Guild:
        """Make a server with a channel, and the bot in it."""
        guild = self._world.add_guild(_name(body, MAX_CHANNEL_NAME), owner=owner)
        guild.add_text_channel("general")
        return guild

    def invite(self, body: JSON) -> Member:
        """Let somebody who is known join another server."""
        guild = self._guild(body)
        users = {user.id: user for user in self._world.users if not user.bot}
        user = found(users.__getitem__, body.get("user_id"))
        if user.id in guild.members:
            raise InvalidOptionError(f"{user.display_name} is on {guild.name} already")
        return guild.add_member(user)

    def _guild(self, body: JSON) -> Guild:
        guilds = {guild.id: guild for guild in self._world.guilds}
        return found(guilds.__getitem__, body.get("guild_id"))


def thread_name(body: JSON) -> str:
    """Return the name for a new thread."""
    return _name(body, MAX_CHANNEL_NAME)


def _name(body: JSON, longest: int) -> str:
    name = " ".join(str(body.get("name") or "").split())
    if not name:
        raise InvalidOptionError("It needs a name")
    if len(name) > longest:
        raise InvalidOptionError(f"A name has at most {longest} characters")
    return name


def _roles(guild: Guild, body: JSON) -> list[Role]:
    given = {role.id: role for role in guild.roles.values() if not role.is_everyone and not role.managed}
    return [found(given.__getitem__, number) for number in body.get("role_ids") or []]


def _color(value: Any) -> int:
    try:
        return int(str(value or "0").removeprefix("#"), 16) & 0xFFFFFF
    except ValueError:
        raise InvalidOptionError("The colour is written like #d79a5d") from None
