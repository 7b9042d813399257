"""One REST request as its handler sees it, with the look-ups and permission checks that every handler needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from playground.discord import _permissions as permissions
from playground.discord.errors import ApiError, api_error, field_error

if TYPE_CHECKING:
    from playground.discord._channel import Channel
    from playground.discord._guild import Guild
    from playground.discord._message import Message
    from playground.discord._model import Member, Role, User
    from playground.discord._state import State


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came with a request, or that a person attaches."""

    filename: str
    data: bytes = field(repr=False)
    claimed_size: int | None = None
    """What Discord says of its size, to stand for a file that is too big to make."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer whose status is not the usual one."""

    status: int
    body: Any = None


@dataclass(slots=True)
class Call:
    """A request that passed authentication and limits."""

    state: State
    parameters: dict[str, str]
    query: dict[str, str]
    body: Any
    files: dict[int, Upload]
    has_token: bool = True

    @property
    def bot(self) -> User:
        """The bot, who asks."""
        return self.state.bot

    def form(self) -> dict[str, Any]:
        """Give the body, which must be a JSON object."""
        if self.body is None:
            return {}
        if not isinstance(self.body, dict):
            raise api_error(50109)
        return self.body

    def id(self, name: str) -> int:
        """Read a snowflake from the path."""
        return snowflake(self.parameters[name], name)

    def flag(self, name: str) -> bool:
        """Read a yes or no from the query; discord.py writes 1."""
        return self.query.get(name, "").lower() in {"1", "true"}

    def limit(self, default: int, most: int) -> int:
        """Read how many are wanted."""
        text = self.query.get("limit", str(default))
        if not text.isdigit() or not 1 <= int(text) <= most:
            raise field_error("limit", "NUMBER_TYPE_MAX", f"int value should be between 1 and {most}.")
        return int(text)

    # Look-ups. Discord says "unknown" for what does not exist and "missing access" for what the bot may not see.

    def channel(self) -> Channel:
        """Find the channel of the path, which the bot must see."""
        channel = self.state.channels.get(self.id("channel_id"))
        if channel is None:
            raise api_error(10003)
        if permissions.in_channel(channel, self.bot) == 0:
            raise api_error(50001)
        return channel

    def channel_with(self, permission: int) -> Channel:
        """Find the channel of the path, in which the bot must have a permission."""
        channel = self.channel()
        self.require(channel, permission)
        return channel

    def thread(self) -> Channel:
        """Find the thread of the path."""
        channel = self.channel()
        if channel.thread is None:
            raise api_error(50024)
        return channel

    def require(self, channel: Channel, permission: int) -> None:
        """Refuse a call for which the bot lacks a permission in a channel it sees."""
        if not permissions.can(channel, self.bot, permission):
            raise api_error(50013)

    def message(self, channel: Channel) -> Message:
        """Find the message of the path; ephemeral ones are not to be found here."""
        message = self.state.messages.get(self.id("message_id"))
        if message is None or message.channel is not channel or message.ephemeral:
            raise api_error(10008)
        return message

    def guild(self) -> Guild:
        """Find the guild of the path, of which the bot must be a member."""
        guild = self.state.guilds.get(self.id("guild_id"))
        if guild is None or not guild.has_bot:
            raise api_error(10004)
        return guild

    def guild_with(self, permission: int) -> Guild:
        """Find the guild of the path, in which the bot must have a permission."""
        guild = self.guild()
        if permissions.in_guild(guild, guild.members[self.bot.id]) & permission != permission:
            raise api_error(50013)
        return guild

    def member(self, guild: Guild) -> Member:
        """Find the member of the path."""
        text = self.parameters["user_id"]
        user_id = self.bot.id if text == "@me" else snowflake(text, "user_id")
        member = guild.members.get(user_id)
        if member is None:
            raise api_error(10007 if user_id in self.state.users else 10013)
        return member

    def role(self, guild: Guild) -> Role:
        """Find the role of the path."""
        role = guild.roles.get(self.id("role_id"))
        if role is None:
            raise api_error(10011)
        return role

    def user(self, name: str = "user_id") -> User:
        """Find the user of the path."""
        if self.parameters[name] == "@me":
            return self.bot
        user = self.state.users.get(self.id(name))
        if user is None:
            raise api_error(10013)
        return user


def snowflake(value: object, name: str) -> int:
    """Read an id from JSON or a path."""
    text = str(value)
    if not text.isdigit() or len(text) > 20:
        raise _not_a_snowflake(text, name)
    return int(text)


def _not_a_snowflake(text: str, name: str) -> ApiError:
    return field_error(name, "NUMBER_TYPE_COERCE", f'Value "{text}" is not snowflake.')
