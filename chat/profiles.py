"""Who people are in chats: a name and a description for each server, which characters know."""

from __future__ import annotations

from typing import Final

from chat._speakers import LONGEST_NAME, clean_name
from chat.errors import NothingThereError
from chat.persona_prompt import LONGEST_PROFILE, Profile, read_profile
from storage import OptOuts, Scope, ScopedSettings, clean_text

__all__ = ["LONGEST_NAME", "LONGEST_PROFILE", "Profile", "Profiles"]

SETTING: Final = "profile"
NOBODY: Final = "User"
"""What people are called who want nothing of them to be passed on."""


class Profiles:
    """Reads and writes what people say about themselves; direct messages count as one more server."""

    def __init__(self, settings: ScopedSettings, opt_outs: OptOuts | None = None) -> None:
        self._settings = settings
        self._opt_outs = opt_outs

    async def get(self, guild_id: int | None, user_id: int) -> Profile | None:
        """What somebody says; without a name of their own it is empty."""
        if guild_id not in await self._settings.guilds_with(SETTING):
            return None
        found = await self._settings.resolve(guild_id, [Scope("user", user_id)], {SETTING: None})
        value = found[SETTING].value
        return None if value is None else read_profile(value, "")

    async def name_of(self, guild_id: int | None, user_id: int, shown_name: str) -> str:
        """What somebody is called in chats from now on; `shown_name` is what Discord calls them."""
        profile = await self.get(guild_id, user_id)
        return shown_name if profile is None or not profile.name else profile.name

    async def of(self, guild_id: int | None, user_id: int, shown_name: str) -> Profile:
        """Who somebody is from now on."""
        if self._opt_outs is not None and self._opt_outs.holds(guild_id, user_id):
            return Profile(NOBODY)
        profile = await self.get(guild_id, user_id) or Profile("")
        return Profile(profile.name or clean_name(shown_name), profile.description)

    async def speaking(self, guild_id: int | None, user_id: int, name: str) -> Profile:
        """Who somebody is that spoke under a name; a profile with another one tells of somebody else."""
        profile = await self.get(guild_id, user_id)
        if profile is None or profile.name not in {"", name}:
            return Profile(name)
        return Profile(name, profile.description)

    async def set(
        self, guild_id: int | None, user_id: int, *, name: str | None = None, description: str | None = None
    ) -> Profile | None:
        """Change what is given, and return what somebody says then; nothing at all is no profile."""
        before = await self.get(guild_id, user_id) or Profile("")
        kept = Profile(
            before.name if name is None else _own_name(name),
            before.description if description is None else clean_text(description).strip()[:LONGEST_PROFILE],
        )
        scope = Scope("user", user_id)
        if not kept.name and not kept.description:
            await self._settings.clear(guild_id, scope, SETTING, user_id)
            return None
        value = {"name": kept.name, "description": kept.description}
        await self._settings.put(guild_id, scope, SETTING, value, user_id)
        return kept

    async def clear(self, guild_id: int | None, user_id: int) -> None:
        """Be who Discord says again. Raises `NothingThereError`."""
        if await self.get(guild_id, user_id) is None:
            raise NothingThereError("profile clear")
        await self._settings.clear(guild_id, Scope("user", user_id), SETTING, user_id)


def _own_name(name: str) -> str:
    """A name as it stands in front of somebody's words; empty when nothing of it is left."""
    kept = clean_name(name)
    return kept if any(sign in name for sign in kept) else ""
