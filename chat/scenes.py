"""Scenes: threads in which a character plays, and who started them."""

from __future__ import annotations

from typing import Final

from storage import Scope, ScopedSettings

SETTING: Final = "scene"
"""Of a thread that the bot has opened for somebody: who that is, and who was to play in it."""


async def owner_of(settings: ScopedSettings, guild_id: int, thread_id: int) -> int | None:
    """Who has started the scene in this thread; most servers have none, which costs no look into their threads."""
    if guild_id not in await settings.guilds_with(SETTING):
        return None
    scope = Scope("thread", thread_id)
    found = (await settings.resolve(guild_id, [scope], {SETTING: None}))[SETTING].value
    return found.get("owner") if isinstance(found, dict) else None
