"""Users, roles and members, with what the owner of a server may do to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from playground.discord import _payloads as payloads
from playground.discord._flags import EVERYONE_PERMISSIONS, Intent

if TYPE_CHECKING:
    from playground.discord._guild import Guild


@dataclass(eq=False, slots=True)
class User:
    """An account: a person, a bot, or the face of a webhook."""

    id: int
    name: str
    bot: bool = False
    global_name: str | None = None
    avatar: str | None = None
    discriminator: str = "0"
    locale: str = "en-US"
    is_webhook: bool = False

    @property
    def mention(self) -> str:
        """The text that mentions this user."""
        return f"<@{self.id}>"

    @property
    def display_name(self) -> str:
        """The name that others see."""
        return self.global_name or self.name


@dataclass(eq=False, slots=True)
class Role:
    """A role of a guild."""

    id: int
    guild: Guild = field(repr=False)
    name: str
    permissions: int = 0
    position: int = 1
    color: int = 0
    hoist: bool = False
    mentionable: bool = False
    managed: bool = False
    bot_id: int | None = None

    @property
    def mention(self) -> str:
        """The text that mentions this role."""
        return f"<@&{self.id}>"

    @property
    def is_everyone(self) -> bool:
        """Whether this is the role that everybody has."""
        return self.id == self.guild.id

    def edit(self, **changes: Any) -> None:
        """Change name, permissions, position, color, hoist or mentionable."""
        for name, value in changes.items():
            setattr(self, name, int(value) if name == "permissions" else value)
        self._announce("GUILD_ROLE_UPDATE")

    def delete(self) -> None:
        """Take the role away from everybody and from the guild."""
        guild = self.guild
        del guild.roles[self.id]
        for member in guild.members.values():
            if self in member.roles:
                member.roles.remove(self)
        data = {"guild_id": str(guild.id), "role_id": str(self.id)}
        guild.state.dispatch("GUILD_ROLE_DELETE", data, intent=Intent.GUILDS, guild=guild)
        guild.changed()

    def _announce(self, event: str) -> None:
        data = {"guild_id": str(self.guild.id), "role": payloads.role(self)}
        self.guild.state.dispatch(event, data, intent=Intent.GUILDS, guild=self.guild)
        self.guild.changed()


@dataclass(eq=False, slots=True)
class Emoji:
    """A server's own emoji."""

    id: int
    name: str
    animated: bool = False
    image: bytes | None = field(default=None, repr=False)
    """A PNG."""


@dataclass(eq=False, slots=True)
class Member:
    """A user as part of a guild."""

    guild: Guild = field(repr=False)
    user: User
    joined_at: datetime
    roles: list[Role] = field(default_factory=list)
    nick: str | None = None
    timed_out_until: datetime | None = None

    @property
    def id(self) -> int:
        """The user's id."""
        return self.user.id

    @property
    def mention(self) -> str:
        """The text that mentions this member."""
        return self.user.mention

    @property
    def display_name(self) -> str:
        """The name that others see in this guild."""
        return self.nick or self.user.display_name

    @property
    def is_timed_out(self) -> bool:
        """Whether a moderator's time-out still lasts."""
        until = self.timed_out_until
        return until is not None and until > datetime.fromtimestamp(self.guild.state.wall_clock(), UTC)

    def add_role(self, role: Role) -> None:
        """Give the member a role."""
        if role not in self.roles:
            self.roles.append(role)
            self.announce_update()

    def remove_role(self, role: Role) -> None:
        """Take a role away."""
        if role in self.roles:
            self.roles.remove(role)
            self.announce_update()

    def edit(self, *, nick: str | None) -> None:
        """Change the nickname."""
        self.nick = nick
        self.announce_update()

    def time_out(self, seconds: float | None) -> None:
        """Silence the member for a while, or let them speak again (None)."""
        now = datetime.fromtimestamp(self.guild.state.wall_clock(), UTC)
        self.timed_out_until = None if seconds is None else now + timedelta(seconds=seconds)
        self.announce_update()

    def leave(self) -> None:
        """Leave the guild, or be kicked: the events are the same."""
        self.guild.remove_member(self.user)

    def announce_update(self) -> None:
        """Tell the gateway and the page that something about this member changed."""
        state = self.guild.state
        data = payloads.member(self) | {"guild_id": str(self.guild.id)}
        # The bot hears about its own membership whatever it asked for.
        intent = None if self.user is state.bot else Intent.GUILD_MEMBERS
        state.dispatch("GUILD_MEMBER_UPDATE", data, intent=intent, guild=self.guild)
        self.guild.changed()


def everyone_role(guild: Guild) -> Role:
    """Make the role that everybody has; its id is the guild's."""
    return Role(guild.id, guild, "@everyone", EVERYONE_PERMISSIONS, position=0)
