"""The application commands that the bot registered."""

from __future__ import annotations

import copy
from collections import deque
from typing import TYPE_CHECKING, Any

from playground.discord import _command_rules as rules
from playground.discord import events
from playground.discord._components import without_nulls
from playground.discord._flags import CommandContext, CommandType
from playground.discord._validation import Errors, one_error
from playground.discord.errors import api_error, invalid_form

if TYPE_CHECKING:
    from playground.discord._state import State

MAX_COMMANDS = {CommandType.CHAT_INPUT: 100, CommandType.USER: 15, CommandType.MESSAGE: 15}
_ALL_CONTEXTS = [int(CommandContext.GUILD), int(CommandContext.BOT_DM)]

Command = dict[str, Any]

_accepted: deque[list[dict[str, Any]]] = deque(maxlen=4)
"""Lists of commands that were found good before; a bot registers the same ones at each of its starts."""


class CommandRegistry:
    """Commands by guild id; None holds those for everywhere."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._scopes: dict[int | None, dict[int, Command]] = {}

    def all(self, guild_id: int | None = None) -> list[Command]:
        """Give the commands registered for one guild, or for everywhere."""
        return list(self._scopes.get(guild_id, {}).values())

    def offered(self, guild_id: int | None) -> list[Command]:
        """Give the commands of a place: the guild's own first, then those for everywhere."""
        own = self.all(guild_id) if guild_id is not None else []
        return own + self.all()

    def get(self, guild_id: int | None, command_id: int) -> Command:
        """Find a command by its id."""
        command = self._scopes.get(guild_id, {}).get(command_id)
        if command is None:
            raise api_error(10063)
        return command

    def replace_all(self, guild_id: int | None, bodies: list[dict[str, Any]]) -> list[Command]:
        """Register exactly these commands; those that were there under the same name keep their id."""
        if bodies not in _accepted:
            errors = {str(i): found for i, body in enumerate(bodies) if (found := rules.check(body))}
            errors = errors or _check_together(bodies)
            if errors:
                raise invalid_form(errors)
            _accepted.append(copy.deepcopy(bodies))
        for kind, most in MAX_COMMANDS.items():
            if sum((b.get("type") or 1) == kind for b in bodies) > most:
                raise api_error(30032)
        ids = {_key(command): int(command["id"]) for command in self.all(guild_id)}
        made = [self._build(guild_id, body, ids.get(_key(body))) for body in bodies]
        self._scopes[guild_id] = {int(command["id"]): command for command in made}
        self._state.publish(events.CommandsChanged(guild_id))
        return made

    def upsert(self, guild_id: int | None, body: dict[str, Any]) -> Command:
        """Register one command, in place of one with the same name."""
        others = [c for c in self.all(guild_id) if _key(c) != _key(body)]
        return self.replace_all(guild_id, [*others, body])[-1]

    def change(self, guild_id: int | None, command_id: int, body: dict[str, Any]) -> Command:
        """Change one command."""
        command = self.get(guild_id, command_id) | body
        if errors := rules.check(command):
            raise invalid_form(errors)
        self._scopes[guild_id][command_id] = command
        self._state.publish(events.CommandsChanged(guild_id))
        return command

    def remove(self, guild_id: int | None, command_id: int) -> None:
        """Unregister one command."""
        self.get(guild_id, command_id)
        del self._scopes[guild_id][command_id]
        self._state.publish(events.CommandsChanged(guild_id))

    def _build(self, guild_id: int | None, body: dict[str, Any], command_id: int | None) -> Command:
        kind = body.get("type") or int(CommandType.CHAT_INPUT)
        contexts = body.get("contexts")
        if contexts is None and body.get("dm_permission") is False:
            contexts = [int(CommandContext.GUILD)]
        command = {
            "id": str(command_id or self._state.snowflakes.next()),
            "application_id": str(self._state.application.id),
            "version": str(self._state.snowflakes.next()),
            "default_member_permissions": body.get("default_member_permissions"),
            "type": kind,
            "name": body["name"],
            "name_localizations": body.get("name_localizations"),
            "description": body.get("description") or "",
            "description_localizations": body.get("description_localizations"),
            "dm_permission": body.get("dm_permission", True),
            "contexts": contexts if contexts is not None else _ALL_CONTEXTS,
            "integration_types": body.get("integration_types") or [0],
            "nsfw": bool(body.get("nsfw")),
        }
        if kind == CommandType.CHAT_INPUT:
            command["options"] = without_nulls(body.get("options") or [])
        if guild_id is not None:
            command["guild_id"] = str(guild_id)
        return command


def _key(command: dict[str, Any]) -> tuple[str, int]:
    return command.get("name") or "", int(command.get("type") or CommandType.CHAT_INPUT)


def _check_together(bodies: list[dict[str, Any]]) -> Errors:
    keys = [_key(body) for body in bodies]
    for i, key in enumerate(keys):
        if key in keys[:i]:
            text = "Application command names must be unique"
            return {str(i): one_error("APPLICATION_COMMANDS_DUPLICATE_NAME", text)}
    return {}
