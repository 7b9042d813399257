"""REST: guilds, members, roles, and the rules of AutoMod."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from playground.discord import _payloads as payloads
from playground.discord import _permissions as permissions
from playground.discord._call import Call, snowflake
from playground.discord._flags import Permission
from playground.discord._router import routes
from playground.discord.errors import api_error, field_error

if TYPE_CHECKING:
    from playground.discord._guild import Guild
    from playground.discord._model import Member, Role

_GUILD = "/guilds/{guild_id}"
_MEMBER = _GUILD + "/members/{user_id}"
_ROLE = _GUILD + "/roles/{role_id}"
_ROLE_FIELDS = ("name", "permissions", "color", "hoist", "mentionable")


@routes.add("GET", _GUILD)
def get_guild(call: Call) -> Any:
    """Describe a guild."""
    guild = call.guild()
    data = payloads.guild(guild)
    if call.flag("with_counts"):
        count = len(guild.members)
        data |= {"approximate_member_count": count, "approximate_presence_count": count}
    return data


@routes.add("GET", _GUILD + "/members")
def list_members(call: Call) -> Any:
    """List a guild's members by id."""
    after, limit = int(call.query.get("after", 0)), call.limit(1, 1000)
    guild = call.guild()
    ids = sorted(i for i in guild.members if i > after)[:limit]
    return [payloads.member(guild.members[i]) for i in ids]


@routes.add("GET", _GUILD + "/members/search")
def search_members(call: Call) -> Any:
    """Find members whose name begins with a text."""
    prefix = call.query.get("query", "").casefold()
    members = call.guild().members.values()
    found = [m for m in members if m.display_name.casefold().startswith(prefix) or m.user.name.startswith(prefix)]
    return [payloads.member(m) for m in found[: call.limit(1, 1000)]]


@routes.add("GET", _MEMBER)
def get_member(call: Call) -> Any:
    """Describe a member."""
    return payloads.member(call.member(call.guild()))


@routes.add("PATCH", _MEMBER)
def edit_member(call: Call) -> Any:
    """Change a member's nickname, roles or time-out."""
    guild = call.guild()
    member, body = call.member(guild), call.form()
    is_self = member.user is call.bot
    if "nick" in body:
        _require(guild, call, Permission.CHANGE_NICKNAME if is_self else Permission.MANAGE_NICKNAMES)
        if len(body["nick"] or "") > 32:
            raise field_error("nick", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 32 in length.")
        _require_above(guild, call, member)
        member.nick = body["nick"] or None
    if "roles" in body:
        _require(guild, call, Permission.MANAGE_ROLES)
        member.roles = [_assignable(guild, call, snowflake(i, "roles")) for i in body["roles"]]
    if "communication_disabled_until" in body:
        _require(guild, call, Permission.MODERATE_MEMBERS)
        _require_above(guild, call, member)
        until = body["communication_disabled_until"]
        member.timed_out_until = datetime.fromisoformat(until) if until else None
    member.announce_update()
    return payloads.member(member)


def _require(guild: Guild, call: Call, permission: int) -> None:
    if not permissions.in_guild(guild, guild.members[call.bot.id]) & permission:
        raise api_error(50013)


def _require_above(guild: Guild, call: Call, member: Member) -> None:
    """Nobody manages members whose highest role is not below their own."""
    if member.user is call.bot:
        return
    if permissions.top_position(member) >= permissions.top_position(guild.members[call.bot.id]):
        raise api_error(50013)


def _assignable(guild: Guild, call: Call, role_id: int) -> Role:
    role = guild.roles.get(role_id)
    if role is None:
        raise api_error(10011)
    if role.position >= permissions.top_position(guild.members[call.bot.id]):
        raise api_error(50013)
    return role


@routes.add("PUT", _MEMBER + "/roles/{role_id}")
def add_role(call: Call) -> None:
    """Give a member a role."""
    guild = call.guild_with(Permission.MANAGE_ROLES)
    call.member(guild).add_role(_assignable(guild, call, call.role(guild).id))


@routes.add("DELETE", _MEMBER + "/roles/{role_id}")
def remove_role(call: Call) -> None:
    """Take a role away from a member."""
    guild = call.guild_with(Permission.MANAGE_ROLES)
    call.member(guild).remove_role(_assignable(guild, call, call.role(guild).id))


@routes.add("DELETE", _MEMBER)
def kick_member(call: Call) -> None:
    """Throw a member out."""
    guild = call.guild_with(Permission.KICK_MEMBERS)
    member = call.member(guild)
    _require_above(guild, call, member)
    guild.remove_member(member)


@routes.add("GET", _GUILD + "/bans/{user_id}")
def get_ban(call: Call) -> Any:
    """Describe a ban."""
    guild, user = call.guild_with(Permission.BAN_MEMBERS), call.user()
    if user.id not in guild.bans:
        raise api_error(10026)
    return {"reason": guild.bans[user.id], "user": payloads.user(user)}


@routes.add("PUT", _GUILD + "/bans/{user_id}")
def ban_member(call: Call) -> None:
    """Ban a user."""
    guild, user = call.guild_with(Permission.BAN_MEMBERS), call.user()
    if member := guild.members.get(user.id):
        _require_above(guild, call, member)
    guild.ban(user)


@routes.add("DELETE", _GUILD + "/bans/{user_id}")
def unban_member(call: Call) -> None:
    """Lift a ban."""
    guild, user = call.guild_with(Permission.BAN_MEMBERS), call.user()
    if user.id not in guild.bans:
        raise api_error(10026)
    guild.unban(user)


@routes.add("GET", _GUILD + "/roles")
def list_roles(call: Call) -> Any:
    """List a guild's roles."""
    return [payloads.role(r) for r in call.guild().roles.values()]


@routes.add("GET", _ROLE)
def get_role(call: Call) -> Any:
    """Describe a role."""
    return payloads.role(call.role(call.guild()))


@routes.add("POST", _GUILD + "/roles")
def create_role(call: Call) -> Any:
    """Make a role."""
    guild = call.guild_with(Permission.MANAGE_ROLES)
    body = call.form()
    given = int(body.get("permissions") or 0)
    held = permissions.in_guild(guild, guild.members[call.bot.id])
    if given & ~held:
        raise api_error(50013)
    role = guild.add_role(
        body.get("name") or "new role",
        given,
        position=1,
        color=int(body.get("color") or 0),
        mentionable=bool(body.get("mentionable")),
    )
    return payloads.role(role)


@routes.add("PATCH", _ROLE)
def edit_role(call: Call) -> Any:
    """Change a role."""
    guild = call.guild_with(Permission.MANAGE_ROLES)
    role = _assignable(guild, call, call.role(guild).id)
    role.edit(**{k: v for k, v in call.form().items() if k in _ROLE_FIELDS and v is not None})
    return payloads.role(role)


@routes.add("DELETE", _ROLE)
def delete_role(call: Call) -> None:
    """Delete a role."""
    guild = call.guild_with(Permission.MANAGE_ROLES)
    _assignable(guild, call, call.role(guild).id).delete()


@routes.add("GET", _GUILD + "/auto-moderation/rules")
def list_automod_rules(call: Call) -> Any:
    """List the rules of Discord's own filter."""
    guild = call.guild_with(Permission.MANAGE_GUILD)
    return [rule.payload() for rule in guild.automod_rules.values()]
