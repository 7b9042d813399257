"""REST: the application, where its gateway is, and its commands."""

from __future__ import annotations

from typing import Any

from playground.discord import _payloads as payloads
from playground.discord._call import Call, Reply
from playground.discord._router import routes
from playground.discord.errors import api_error

_COMMANDS = "/applications/{application_id}/commands"
_GUILD_COMMANDS = "/applications/{application_id}/guilds/{guild_id}/commands"
IDENTIFIES_A_DAY = 1000
_EDITABLE = ("name", "description", "options", "default_member_permissions", "contexts", "nsfw")


@routes.add("GET", "/gateway", needs_token=False)
def get_gateway(call: Call) -> Any:
    """Tell where the gateway is."""
    return {"url": call.state.gateway_url}


@routes.add("GET", "/gateway/bot")
def get_bot_gateway(call: Call) -> Any:
    """Tell where the gateway is and how many shards it recommends."""
    left = max(0, IDENTIFIES_A_DAY - call.state.gateway.identifies)
    limit = {"total": IDENTIFIES_A_DAY, "remaining": left, "reset_after": 0, "max_concurrency": 1}
    return {"url": call.state.gateway_url, "shards": call.state.shards, "session_start_limit": limit}


@routes.add("GET", "/oauth2/applications/@me")
@routes.add("GET", "/applications/@me")
def get_application(call: Call) -> Any:
    """Describe the application."""
    application = call.state.application
    return {
        "id": str(application.id),
        "name": application.name,
        "description": "",
        "icon": None,
        "summary": "",
        "verify_key": "0" * 64,
        "flags": application.flags,
        "bot_public": True,
        "bot_require_code_grant": False,
        "owner": payloads.user(application.owner),
        "team": None,
        "approximate_guild_count": sum(g.has_bot for g in call.state.guilds.values()),
        "integration_types_config": {"0": {}},
    }


def _scope(call: Call) -> int | None:
    """Give the guild that commands are for, after checking whose they are."""
    if call.id("application_id") != call.state.application.id:
        raise api_error(50001)
    if "guild_id" not in call.parameters:
        return None
    guild = call.state.guilds.get(call.id("guild_id"))
    if guild is None or not guild.has_bot:
        raise api_error(50001)
    return guild.id


@routes.add("GET", _COMMANDS)
@routes.add("GET", _GUILD_COMMANDS)
def list_commands(call: Call) -> Any:
    """List the registered commands."""
    return call.state.commands.all(_scope(call))


@routes.add("PUT", _COMMANDS)
@routes.add("PUT", _GUILD_COMMANDS)
def replace_commands(call: Call) -> Any:
    """Register exactly these commands."""
    if not isinstance(call.body, list):
        raise api_error(50109)
    return call.state.commands.replace_all(_scope(call), call.body)


@routes.add("POST", _COMMANDS)
@routes.add("POST", _GUILD_COMMANDS)
def add_command(call: Call) -> Any:
    """Register one command."""
    return Reply(201, call.state.commands.upsert(_scope(call), call.form()))


@routes.add("GET", _COMMANDS + "/{command_id}")
@routes.add("GET", _GUILD_COMMANDS + "/{command_id}")
def get_command(call: Call) -> Any:
    """Describe one command."""
    return call.state.commands.get(_scope(call), call.id("command_id"))


@routes.add("PATCH", _COMMANDS + "/{command_id}")
@routes.add("PATCH", _GUILD_COMMANDS + "/{command_id}")
def edit_command(call: Call) -> Any:
    """Change one command."""
    changes = {k: v for k, v in call.form().items() if k in _EDITABLE}
    return call.state.commands.change(_scope(call), call.id("command_id"), changes)


@routes.add("DELETE", _COMMANDS + "/{command_id}")
@routes.add("DELETE", _GUILD_COMMANDS + "/{command_id}")
def delete_command(call: Call) -> None:
    """Unregister one command."""
    call.state.commands.remove(_scope(call), call.id("command_id"))


@routes.add("GET", _GUILD_COMMANDS + "/permissions")
def list_command_permissions(call: Call) -> Any:
    """List what the admins of a guild decided about commands."""
    guild = call.guild()
    commands = call.state.commands.offered(guild.id)
    return [p for c in commands if (p := _command_permissions(call, guild.id, c))["permissions"]]


@routes.add("GET", _GUILD_COMMANDS + "/{command_id}/permissions")
def get_command_permissions(call: Call) -> Any:
    """Describe what the admins of a guild decided about one command."""
    guild = call.guild()
    for command in call.state.commands.offered(guild.id):
        if int(command["id"]) == call.id("command_id"):
            found = _command_permissions(call, guild.id, command)
            if found["permissions"]:
                return found
    raise api_error(10066)


def _command_permissions(call: Call, guild_id: int, command: dict[str, Any]) -> dict[str, Any]:
    guild = call.state.guilds[guild_id]
    decided = guild.command_overrides.get(command["name"], {})
    return {
        "id": command["id"],
        "application_id": command["application_id"],
        "guild_id": str(guild_id),
        "permissions": [
            {"id": str(target), "type": _target_kind(call, guild_id, target), "permission": allowed}
            for target, allowed in decided.items()
        ],
    }


def _target_kind(call: Call, guild_id: int, target: int) -> int:
    guild = call.state.guilds[guild_id]
    if target in guild.roles:
        return 1
    return 3 if target in guild.channels else 2
