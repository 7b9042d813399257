"""The words of Discord's own filter, AutoMod, in the servers that want them to hold for the bot, too."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from moderation._patterns import compiled
from moderation.errors import PatternError
from storage import Scope, ScopedSettings

FRESH_SECONDS: Final = 900.0
"""How old the rules may be; changes of them are heard of besides."""

SETTING: Final = "honour_automod"


@dataclass(frozen=True, slots=True)
class ServerRule:
    """A rule of Discord's own filter, as far as it names words."""

    keywords: tuple[str, ...]
    patterns: tuple[str, ...]
    allowed: tuple[str, ...]
    exempt: frozenset[int]  # channels and categories
    blocks: bool  # else it only tells the moderators


@dataclass(frozen=True, slots=True)
class HonouredRules:
    """What became of wanting AutoMod's rules honoured: how many hold, and how many of their patterns do not."""

    rules: int
    words: int
    unread_patterns: int


@dataclass(slots=True)
class _Known:
    """The rules of AutoMod of one guild, and when they were asked for; None: they may not be read."""

    rules: tuple[ServerRule, ...] | None
    at: float


class ServerRules:
    """The rules of all guilds that honour them; ``read`` asks Discord for them, None if it may not."""

    def __init__(self, settings: ScopedSettings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.read: Callable[[int], Awaitable[Sequence[ServerRule] | None]] | None = None
        self._settings = settings
        self._clock = clock
        self._known: dict[int, _Known] = {}
        self._reading: dict[int, asyncio.Task[_Known]] = {}

    async def honour(self, guild_id: int, by: int, *, on: bool) -> HonouredRules | None:
        """Let the words of AutoMod hold here, or no longer; None if they may not be read."""
        await self._settings.put(guild_id, Scope("guild", guild_id), SETTING, on, by)
        self._known.pop(guild_id, None)
        if not on:
            return HonouredRules(0, 0, 0)
        known = await self._read(guild_id)
        if known.rules is None:
            return None
        unread = [text for rule in known.rules for text in rule.patterns if not _is_pattern(text)]
        return HonouredRules(len(known.rules), sum(len(rule.keywords) for rule in known.rules), len(unread))

    async def honours(self, guild_id: int) -> bool:
        """Whether the words of AutoMod are to hold here."""
        if guild_id not in await self._settings.guilds_with(SETTING):
            return False
        found = await self._settings.resolve(guild_id, [Scope("guild", guild_id)], {SETTING: False})
        return bool(found[SETTING].value)

    async def changed(self, guild_id: int) -> None:
        """The rules of AutoMod are others now."""
        if guild_id in self._known:
            await self._read(guild_id)

    async def close(self) -> None:
        """End what is being read."""
        for task in self._reading.values():
            task.cancel()
        await asyncio.gather(*self._reading.values(), return_exceptions=True)

    async def of(self, guild_id: int) -> Sequence[ServerRule]:
        if not await self.honours(guild_id):
            return ()
        known = self._known.get(guild_id)
        if known is None:
            known = await self._read(guild_id)
        elif self._clock() - known.at > FRESH_SECONDS:
            self._begin_reading(guild_id)
        return known.rules or ()

    async def _read(self, guild_id: int) -> _Known:
        return await asyncio.shield(self._begin_reading(guild_id))

    def _begin_reading(self, guild_id: int) -> asyncio.Task[_Known]:
        task = self._reading.get(guild_id)
        if task is None:
            task = self._reading[guild_id] = asyncio.create_task(self._read_now(guild_id))
            task.add_done_callback(lambda _: self._reading.pop(guild_id, None))
        return task

    async def _read_now(self, guild_id: int) -> _Known:
        rules = await self.read(guild_id) if self.read is not None else None
        known = _Known(None if rules is None else tuple(rules), self._clock())
        before = self._known.get(guild_id)
        if before is not None and (known.rules is None or known.rules == before.rules):
            known = _Known(before.rules, known.at)  # what was known holds until something else is known
        self._known[guild_id] = known
        return known


def _is_pattern(text: str) -> bool:
    try:
        compiled(text)
    except PatternError:
        return False
    return True
