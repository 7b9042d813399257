"""Author's notes: words for the model that stand so many messages before the end of every prompt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from chat.context import ContextReader
from chat.errors import NothingThereError
from chat.persona_prompt import MOST_DEPTH, Note, read_note
from chat.preferences import Place
from storage import Scope, ScopedSettings, clean_text

__all__ = ["LONGEST_NOTE", "MOST_DEPTH", "HeldNote", "Note", "Notes", "Role"]

SETTING: Final = "note"
LONGEST_NOTE: Final = 4_000
Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class HeldNote:
    """A note that holds somewhere, and where it was set."""

    note: Note
    source: Scope | None


class Notes:
    """The notes of channels, threads and scenes."""

    def __init__(self, settings: ScopedSettings, context: ContextReader) -> None:
        self._settings = settings
        self._context = context

    async def holding(self, place: Place) -> HeldNote | None:
        """The note that holds here."""
        setting = (await self._context.preferences(place.guild_id, place.scopes)).get(SETTING)
        note = None if setting is None else read_note(setting.value)
        return None if setting is None or note is None else HeldNote(note, setting.source)

    async def set(self, place: Place, text: str, depth: int, role: Role, person_id: int) -> Note:
        """Set the note of this very place. Raises `NothingThereError` when it has no words."""
        value = {"text": clean_text(text).strip()[:LONGEST_NOTE], "depth": depth, "role": role}
        note = read_note(value)
        if note is None:
            raise NothingThereError("note set")
        await self._settings.put(place.guild_id, place.here, SETTING, value, person_id)
        return note

    async def clear(self, place: Place, person_id: int) -> HeldNote | None:
        """Take the note of this very place away; the one that holds here then. Raises `NothingThereError`."""
        held = await self.holding(place)
        if held is None or held.source != place.here:
            raise NothingThereError("note clear")
        await self._settings.clear(place.guild_id, place.here, SETTING, person_id)
        return await self.holding(place)
