"""How the bot behaves in a channel: what can be set, as people type it, and what holds."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from chat.context import ContextReader
from chat.errors import KeywordsError, NothingToSetError, RetentionError, ServerSettingError
from chat.preferences import Place
from chat.triggers import Trigger, folded
from storage import Chosen, Scope, ScopedSettings, Setting, clean_text

MAX_KEYWORDS: Final = 20
MAX_KEYWORD_CHARACTERS: Final = 50
MAX_RETENTION_DAYS: Final = 3650
DEFAULT: Final = "default"  # typed for a setting that is to be inherited again
NAMES: Final = ("trigger", "keywords", "history_scope", "swipe_rights", "retention", "reply_style")
"""The settings as people call them, in the order in which they are shown."""

_STORED_NAMES: Final = {"retention": "retention_days"}
_SERVERS_ONLY: Final = frozenset({"trigger", "keywords", "history_scope"})
_COMMAS = re.compile(r"[,，、،\n]")  # people type the comma of their script
_DAYS = re.compile(r"(\d{1,6}) ?(?:d|days?)?", re.IGNORECASE | re.ASCII)
_UNLIMITED: Final = frozenset({"off", "no", "none", "forever"})
_MENTIONS_ONLY: Final = Trigger()


class ChannelSettings:
    """Sets and reads the settings of channels, threads and servers."""

    def __init__(self, settings: ScopedSettings, context: ContextReader) -> None:
        self._settings = settings
        self._context = context

    async def show(self, place: Place) -> dict[str, Setting]:
        """What holds here; direct messages have fewer settings."""
        resolved = await self._context.preferences(place.guild_id, place.scopes)
        names = [name for name in NAMES if place.guild_id is not None or name not in _SERVERS_ONLY]
        return {name: resolved[_stored(name)] for name in names}

    async def set(
        self, place: Place, scope: Scope, typed: Mapping[str, str], person_id: int, at: float
    ) -> dict[str, Setting]:
        """Set all of these in one of the place's scopes and return what holds now; `default` lets go of a setting.

        `at` is when that was asked for, in seconds. Raises `ChannelSettingError`, and then nothing was set.
        """
        if not typed:
            raise NothingToSetError
        if place.guild_id is None and (foreign := _SERVERS_ONLY & typed.keys()):
            raise ServerSettingError(min(foreign))
        values = {name: _read(name, text) for name, text in typed.items() if text.strip().casefold() != DEFAULT}
        for name in typed:
            if name in values:
                await self._settings.put(place.guild_id, scope, _stored(name), values[name], person_id)
            else:
                await self._settings.clear(place.guild_id, scope, _stored(name), person_id)
        if not typed.keys().isdisjoint({"trigger", "keywords"}):
            await self._settings.put(place.guild_id, scope, "trigger_since", at, person_id)
        return await self.show(place)

    async def silent(self, guild_id: int) -> dict[int, Chosen]:
        """The channels that are set to answer commands only, each by itself."""
        found = await self._settings.chosen_anywhere(guild_id, "trigger")
        return {scope.id: one for scope, one in found.items() if scope.kind == "channel" and one.value == "off"}

    async def silence(
        self, guild_id: int, added: Iterable[int], removed: Iterable[int], person_id: int, at: float
    ) -> None:
        """Let some channels answer commands only, and let others that did inherit again."""
        known = await self.silent(guild_id)
        typed = {channel_id: "off" for channel_id in added if channel_id not in known}
        typed |= {channel_id: DEFAULT for channel_id in removed if channel_id in known}
        for channel_id, trigger in typed.items():
            scope = Scope("channel", channel_id)
            place = Place(guild_id, (scope, Scope("guild", guild_id)))
            await self.set(place, scope, {"trigger": trigger}, person_id, at)

    async def trigger(self, guild_id: int, scopes: Sequence[Scope]) -> Trigger:
        """What the bot answers to here. It is asked for every message, so most servers cost no look into settings."""
        if guild_id not in await self._settings.guilds_with("trigger"):
            return _MENTIONS_ONLY
        resolved = await self._context.preferences(guild_id, scopes)
        return Trigger(resolved["trigger"].value, tuple(resolved["keywords"].value), resolved["trigger_since"].value)


def read_keywords(text: str) -> list[str]:
    """Keywords typed with commas between, each once. Raises `KeywordsError`."""
    found: dict[str, str] = {}
    for part in _COMMAS.split(clean_text(text)):
        keyword = " ".join(part.split())
        if folded(keyword).strip():
            found.setdefault(folded(keyword), keyword)
    keywords = list(found.values())
    if not keywords:
        raise KeywordsError("none")
    if any(len(keyword) > MAX_KEYWORD_CHARACTERS for keyword in keywords):
        raise KeywordsError("long")
    if len(keywords) > MAX_KEYWORDS:
        raise KeywordsError("many")
    return keywords


def read_retention(text: str) -> int | None:
    """A number of days; None keeps messages without end. Raises `RetentionError`."""
    typed = text.strip()
    if typed.lower() in _UNLIMITED:
        return None
    match = _DAYS.fullmatch(typed)
    if match is None or not 1 <= int(match[1]) <= MAX_RETENTION_DAYS:
        raise RetentionError(text)
    return int(match[1])


def _read(name: str, text: str) -> Any:
    if name == "keywords":
        return read_keywords(text)
    return read_retention(text) if name == "retention" else text


def _stored(name: str) -> str:
    return _STORED_NAMES.get(name, name)
