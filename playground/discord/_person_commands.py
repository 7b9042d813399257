"""Sending commands as the client does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from playground.discord import _message_payloads as message_payloads
from playground.discord import _options as options
from playground.discord._flags import CommandType, InteractionType
from playground.discord._message import Message
from playground.discord.errors import UnknownCommandError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from playground.discord._channel import Channel
    from playground.discord._interactions import Interaction
    from playground.discord._model import User

JSON = dict[str, Any]


def offered(user: User, channel: Channel) -> list[JSON]:
    """Give the commands that the client offers a user in a channel."""
    registry = channel.state.commands
    guild_id = channel.guild.id if channel.guild else None
    if channel.guild is not None and not channel.guild.has_bot:
        return []
    return [c for c in registry.offered(guild_id) if options.offered_in(c, channel, user)]


def _find(user: User, channel: Channel, name: str, kind: CommandType) -> JSON:
    for command in offered(user, channel):
        if command["name"] == name and command["type"] == kind:
            return command
    guild_id = channel.guild.id if channel.guild else None
    known = any(c["name"] == name and c["type"] == kind for c in channel.state.commands.offered(guild_id))
    why = f"{user.name} is not offered {name} in #{channel.name}" if known else f"The bot has no command {name}"
    raise UnknownCommandError(why)


def slash(user: User, channel: Channel, name: str, values: Mapping[str, Any]) -> Interaction:
    """Send a slash command with all its options."""
    first, *path = name.split()
    command = _find(user, channel, first, CommandType.CHAT_INPUT)
    expected, nesting = options.find_subcommand(command, path)
    resolved = options.Resolved(channel, user)
    filled = options.fill(expected, values, resolved, channel)
    data = _describe(command) | {"options": options.nest(nesting, filled)}
    if resolved.data:
        data["resolved"] = resolved.data
    kind = InteractionType.APPLICATION_COMMAND
    return channel.state.interactions.begin(kind, user, channel, data, name=f"/{name}")


def autocomplete(user: User, channel: Channel, name: str, focused: str, values: Mapping[str, Any]) -> Interaction:
    """Ask for suggestions for one option."""
    first, *path = name.split()
    command = _find(user, channel, first, CommandType.CHAT_INPUT)
    expected, nesting = options.find_subcommand(command, path)
    filled = options.fill_partly(expected, values, focused)
    data = _describe(command) | {"options": options.nest(nesting, filled)}
    return channel.state.interactions.begin(InteractionType.AUTOCOMPLETE, user, channel, data, name=f"/{name}")


def context_menu(user: User, channel: Channel, name: str, kind: CommandType, target: Message | User) -> Interaction:
    """Choose a command from the menu of a message or user."""
    command = _find(user, channel, name, kind)
    resolved = options.Resolved(channel, user)
    if isinstance(target, Message):
        resolved.data["messages"] = {str(target.id): message_payloads.message(target)}
    else:
        resolved.add(target)
    data = _describe(command) | {"target_id": str(target.id), "resolved": resolved.data}
    return channel.state.interactions.begin(InteractionType.APPLICATION_COMMAND, user, channel, data, name=name)


def _describe(command: JSON) -> JSON:
    data = {"id": command["id"], "name": command["name"], "type": command["type"]}
    if "guild_id" in command:
        data["guild_id"] = command["guild_id"]
    return data
