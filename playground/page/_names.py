"""Names for the ids in mentions, as they are called where the message stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playground.discord import Channel, Guild


class PlaceNames:
    """The names that a channel's messages mention."""

    def __init__(self, channel: Channel) -> None:
        self._state = channel.state
        self._guild: Guild | None = channel.guild

    def user(self, user_id: int) -> str | None:
        """Return the nickname in this guild, else the account's name."""
        member = self._guild.members.get(user_id) if self._guild else None
        if member is not None:
            return member.display_name
        user = self._state.users.get(user_id)
        return user.display_name if user else None

    def role(self, role_id: int) -> str | None:
        """Return a role's name."""
        role = self._guild.roles.get(role_id) if self._guild else None
        return role.name.removeprefix("@") if role else None

    def channel(self, channel_id: int) -> str | None:
        """Return a channel's name."""
        channel = self._state.channels.get(channel_id)
        return channel.name if channel else None
