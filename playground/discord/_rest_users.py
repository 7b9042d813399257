"""REST: users and direct messages."""

from __future__ import annotations

from typing import Any

from playground.discord import _payloads as payloads
from playground.discord import _permissions as permissions
from playground.discord._call import Call, snowflake
from playground.discord._router import routes
from playground.discord.errors import api_error


@routes.add("GET", "/users/{user_id}")
def get_user(call: Call) -> Any:
    """Describe a user; @me is the bot."""
    data = payloads.user(call.user())
    if call.parameters["user_id"] == "@me":
        data |= {"verified": True, "mfa_enabled": True, "email": None, "locale": "en-US", "flags": 0}
    return data


@routes.add("PATCH", "/users/@me")
def edit_me(call: Call) -> Any:
    """Rename the bot or change its avatar."""
    body = call.form()
    if body.get("username"):
        call.bot.name = body["username"]
    if "avatar" in body:
        call.bot.avatar = call.state.cdn.keep_avatar(call.bot.id, body["avatar"]) if body["avatar"] else None
    data = payloads.user(call.bot)
    call.state.dispatch("USER_UPDATE", data, intent=None)
    return data


@routes.add("POST", "/users/@me/channels")
def open_dm(call: Call) -> Any:
    """Open the direct messages with a user."""
    user = call.state.users.get(snowflake(call.form().get("recipient_id"), "recipient_id"))
    if user is None:
        raise api_error(10013)
    if user is call.bot or user.bot:
        raise api_error(50007)
    return payloads.channel(call.state.dm_channel(user))


@routes.add("GET", "/users/@me/guilds")
def list_my_guilds(call: Call) -> Any:
    """List the guilds the bot is in."""
    limit = call.limit(200, 200)
    after, before = int(call.query.get("after", 0)), int(call.query.get("before", 0))
    mine = sorted((g for g in call.state.guilds.values() if g.has_bot), key=lambda g: g.id)
    mine = [g for g in mine if g.id > after and (not before or g.id < before)]
    mine = mine[-limit:] if before else mine[:limit]
    return [
        {
            "id": str(g.id),
            "name": g.name,
            "icon": None,
            "owner": g.owner_id == call.bot.id,
            "permissions": str(permissions.in_guild(g, g.members[call.bot.id])),
            "features": [],
        }
        for g in mine
    ]


@routes.add("DELETE", "/users/@me/guilds/{guild_id}")
def leave_guild(call: Call) -> None:
    """Leave a guild."""
    call.guild().remove_bot()
