"""What moderators of a server look after, read from the bot's own database; the page never writes there."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Table, create_engine, desc, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from playground.discord import Permission
from playground.discord._permissions import in_guild
from storage import Scope
from storage.schema import access_rules, audit_entries, filters, limits, report_deeds, reports, settings, usage_days

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playground.discord import Guild, LocalDiscord, User

    JSON = dict[str, Any]

NEWEST_ENTRIES = 8
MOST_LISTED = 5
NOBODY = "somebody who deleted their data"


async def staff_view(world: LocalDiscord, guild: Guild, viewer: User, database: Path | None) -> JSON:
    """Return what a moderator sees at a glance; others are told that they are none."""
    known = None
    if database is not None:
        with contextlib.suppress(DBAPIError):  # the bot may not have made its tables yet
            known = await asyncio.to_thread(_read, world, guild, viewer, database)
    if known is not None:
        return known
    return {"known": False, "level": level_of(guild, viewer, set()), "staff": _staff_of(guild, set())}


def level_of(guild: Guild, viewer: User, moderator_roles: set[int]) -> str:
    """Return what the bot takes somebody for: admin, moderator or member."""
    member = guild.members.get(viewer.id)
    if member is None:
        return "member"
    held = in_guild(guild, member)
    if held & Permission.MANAGE_GUILD:
        return "admin"
    moderates = any(role.id in moderator_roles for role in member.roles)
    if not moderator_roles:
        moderates = bool(held & Permission.MANAGE_MESSAGES)
    return "moderator" if moderates else "member"


def _staff_of(guild: Guild, moderator_roles: set[int]) -> list[JSON]:
    """Return whom one can be to look after this server."""
    people = [member.user for member in guild.members.values() if not member.user.bot]
    levels = [(user, level_of(guild, user, moderator_roles)) for user in people]
    return [
        {"id": str(user.id), "name": user.display_name, "level": level} for user, level in levels if level != "member"
    ]


@contextmanager
def _connected(database: Path) -> Iterator[Connection]:
    """The bot's file, which can only be read through this."""
    engine = create_engine(f"sqlite:///file:{database}?mode=ro&uri=true", poolclass=NullPool)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _read(world: LocalDiscord, guild: Guild, viewer: User, database: Path) -> JSON:
    with _connected(database) as connection:
        chosen = _settings(connection, guild.id)
        roles = set(chosen.get("moderator_roles") or ())
        head = {"known": True, "level": level_of(guild, viewer, roles), "staff": _staff_of(guild, roles)}
        if head["level"] == "member":
            return head
        log_channel = chosen.get("log_channel")
        return head | {
            "log_channel": None if log_channel is None else str(log_channel),
            "paused": _paused(connection, guild.id),
            "reports": _open_reports(connection, guild.id),
            "rules": {
                "limits": _count(connection, limits, guild.id),
                "access": _count(connection, access_rules, guild.id),
                "filters": _count(connection, filters, guild.id),
            },
            "today": _today(connection, world, guild.id, datetime.now(UTC).date()),
            "audit": _newest_entries(connection, world, guild.id),
        }


def _settings(connection: Connection, guild_id: int) -> dict[str, Any]:
    """What is set for the whole server."""
    rows = connection.execute(
        select(settings.c.name, settings.c.value).where(
            settings.c.guild_id == guild_id, settings.c.scope_kind == "guild", settings.c.scope_id == guild_id
        )
    )
    return {row.name: row.value for row in rows}


def _paused(connection: Connection, guild_id: int) -> list[JSON]:
    rows = connection.execute(
        select(settings.c.scope_kind, settings.c.scope_id, settings.c.value).where(
            settings.c.guild_id == guild_id, settings.c.name == "paused"
        )
    )
    scopes = [Scope(row.scope_kind, row.scope_id) for row in rows if row.value]
    return [{"kind": scope.kind, "id": str(scope.id)} for scope in scopes]


def _open_reports(connection: Connection, guild_id: int) -> list[JSON]:
    """The reports about which nothing was done, the newest first."""
    handled = select(report_deeds.c.report_id)
    rows = connection.execute(
        select(reports.c.channel_id, reports.c.log_channel_id, reports.c.posted_id, reports.c.created_at)
        .where(reports.c.guild_id == guild_id, reports.c.id.not_in(handled))
        .order_by(desc(reports.c.id))
        .limit(MOST_LISTED)
    )
    return [
        {
            "channel_id": str(row.channel_id),
            "log_channel_id": None if row.log_channel_id is None else str(row.log_channel_id),
            "posted_id": None if row.posted_id is None else str(row.posted_id),
            "at": row.created_at.isoformat(),
        }
        for row in rows
    ]


def _count(connection: Connection, table: Table, guild_id: int) -> int:
    count: int = connection.execute(
        select(func.count()).select_from(table).where(table.c.guild_id == guild_id)
    ).scalar_one()
    return count


def _today(connection: Connection, world: LocalDiscord, guild_id: int, day: date) -> JSON:
    tokens = func.sum(usage_days.c.prompt_tokens + usage_days.c.completion_tokens)
    amounts = (func.sum(usage_days.c.requests).label("requests"), tokens.label("tokens"))
    here = (usage_days.c.guild_id == guild_id, usage_days.c.day == day)
    users = connection.execute(
        select(usage_days.c.user_id.label("key"), *amounts).where(*here).group_by("key").order_by(desc("tokens"))
    ).all()
    models = connection.execute(
        select(usage_days.c.model.label("key"), *amounts).where(*here).group_by("key").order_by(desc("tokens"))
    ).all()
    return {
        "requests": sum(row.requests for row in users),
        "tokens": sum(row.tokens for row in users),
        "users": [_used(_name_of(world, row.key), row) for row in users[:MOST_LISTED]],
        "models": [_used(row.key, row) for row in models[:MOST_LISTED]],
    }


def _used(name: str, row: Any) -> JSON:
    return {"name": name, "requests": row.requests, "tokens": row.tokens}


def _newest_entries(connection: Connection, world: LocalDiscord, guild_id: int) -> list[JSON]:
    rows = connection.execute(
        select(audit_entries)
        .where(audit_entries.c.guild_id == guild_id)
        .order_by(desc(audit_entries.c.id))
        .limit(NEWEST_ENTRIES)
    )
    return [
        {
            "at": row.at.isoformat(),
            "who": world.bot.display_name if row.actor_id is None else _name_of(world, row.actor_id),
            "action": row.action,
            "subject": row.subject,
            "before": _for_scripts(row.before),
            "after": _for_scripts(row.after),
            "reason": row.reason,
        }
        for row in rows
    ]


def _for_scripts(value: Any) -> Any:
    """Return a value with its ids as texts: to scripts, whole numbers end at 2^53."""
    match value:
        case bool():
            return value
        case int() if abs(value) >= 1 << 53:
            return str(value)
        case dict():
            return {name: _for_scripts(inner) for name, inner in value.items()}
        case list():
            return [_for_scripts(inner) for inner in value]
    return value


def _name_of(world: LocalDiscord, user_id: int) -> str:
    return next((user.display_name for user in world.users if user.id == user_id), NOBODY if not user_id else "?")
