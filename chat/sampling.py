"""The sampling parameters of a place and the presets of a server, over the settings of all scopes."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from chat.context import ContextReader
from chat.errors import NoSuchPresetError, NothingThereError, TooManyPresetsError
from chat.preferences import SAMPLING_NAMES, Place
from chat.presets import PARAMETERS, check_together, clean_preset_name, parse_value, valid_values
from storage import Resolved, ScopedSettings, Setting

MAX_PRESETS: Final = 25  # as many as Discord suggests at once
_PRESET_PREFIX: Final = "preset:"


class SamplingSettings:
    """Sets and reads sampling parameters, one by one or as presets with names."""

    def __init__(self, settings: ScopedSettings, context: ContextReader) -> None:
        self._settings = settings
        self._context = context
        self._lock = asyncio.Lock()  # so that presets saved at once do not exceed their limit

    async def show(self, place: Place) -> dict[str, Setting]:
        """Every parameter that has a value here."""
        resolved = await self._resolved(place)
        return {name: resolved[name] for name in _in_order() if resolved[name].value is not None}

    async def set(self, place: Place, parameter: str, typed: str, person_id: int) -> Any:
        """Set one parameter here and return its value. Raises `SamplingError`."""
        value = parse_value(parameter, typed)
        check_together({**_values(await self._resolved(place)), parameter: value})
        await self._settings.put(place.guild_id, place.here, parameter, value, person_id)
        return value

    async def reset(self, place: Place, parameter: str | None, person_id: int) -> dict[str, Setting]:
        """Forget one parameter or all that are set here; returns what holds now. Raises `NothingThereError`."""
        own = await self._own(place)
        names = [name for name in own if parameter in {None, name}]
        if not names:
            raise NothingThereError("sampling reset")
        for name in names:
            await self._settings.clear(place.guild_id, place.here, name, person_id)
        return await self.show(place)

    async def apply(self, place: Place, values: Mapping[str, Any], person_id: int) -> None:
        """Set exactly these parameters here; what they do not name is inherited again."""
        own = await self._own(place)
        for name, value in values.items():
            if name not in own or own[name] != value:
                await self._settings.put(place.guild_id, place.here, name, value, person_id)
        for name in own:
            if name not in values:
                await self._settings.clear(place.guild_id, place.here, name, person_id)

    # --- presets

    async def presets(self, place: Place) -> list[str]:
        """The names of the server's presets, in the order of the alphabet."""
        return sorted((stored["name"] for stored in (await self._presets(place)).values()), key=str.casefold)

    async def save(self, place: Place, name: str, person_id: int) -> tuple[str, bool]:
        """Keep what holds here as a preset; returns its name and whether it replaced an older one."""
        name = clean_preset_name(name)
        values = valid_values(_values(await self._resolved(place)))
        async with self._lock:
            presets = await self._presets(place)
            replaced = _key(name) in presets
            if not replaced and len(presets) >= MAX_PRESETS:
                raise TooManyPresetsError(MAX_PRESETS)
            stored = {"name": name, "sampling": values}
            await self._settings.put(place.guild_id, place.whole, _key(name), stored, person_id)
        return name, replaced

    async def load(self, place: Place, name: str, person_id: int) -> tuple[str, dict[str, Any]]:
        """Set a preset here; returns its name and parameters. Raises `NoSuchPresetError`."""
        stored = await self._preset(place, name)
        values = valid_values(stored["sampling"])
        await self.apply(place, values, person_id)
        return stored["name"], values

    async def delete(self, place: Place, name: str, person_id: int) -> str:
        """Forget a preset and return its name; where it was loaded, its values stay. Raises `NoSuchPresetError`."""
        shown: str = (await self._preset(place, name))["name"]
        await self._settings.clear(place.guild_id, place.whole, _key(shown), person_id)
        return shown

    async def _preset(self, place: Place, name: str) -> Mapping[str, Any]:
        found = (await self._presets(place)).get(_key(clean_preset_name(name)))
        if found is None:
            raise NoSuchPresetError(name)
        return found

    async def _presets(self, place: Place) -> dict[str, Mapping[str, Any]]:
        resolved = await self._settings.resolve(place.guild_id, [place.whole], {})
        return {key: resolved[key].value for key in resolved if key.startswith(_PRESET_PREFIX)}

    async def _resolved(self, place: Place) -> Resolved:
        return await self._context.preferences(place.guild_id, place.scopes)

    async def _own(self, place: Place) -> dict[str, Any]:
        """The parameters that are set here and not inherited."""
        resolved = await self._settings.resolve(place.guild_id, [place.here], {})
        return {name: resolved[name].value for name in resolved if name in PARAMETERS}


def _in_order() -> tuple[str, ...]:
    return (*PARAMETERS, *(name for name in SAMPLING_NAMES if name not in PARAMETERS))


def _values(resolved: Resolved) -> dict[str, Any]:
    return {name: resolved[name].value for name in PARAMETERS}


def _key(name: str) -> str:
    return _PRESET_PREFIX + name.casefold()
