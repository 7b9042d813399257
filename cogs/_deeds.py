"""What a deed of a moderator was done to, and what it changed, for the record; it never holds people's words."""

from dataclasses import dataclass
from typing import Any, Final

import discord

from chat.persona_library import FoundPersona

_DEED: Final = "deed"


@dataclass(frozen=True, slots=True)
class Deed:
    """What there is to say about what an interaction did."""

    subject: str
    before: Any = None
    after: Any = None


def note_deed(
    interaction: discord.Interaction[Any], subject: str | None = None, *, before: Any = None, after: Any = None
) -> None:
    """Say what is being done, so that the record can tell it once it is done; without a subject it is the place."""
    interaction.extras[_DEED] = Deed(subject or place_subject(interaction), before, after)


def deed_of(interaction: discord.Interaction[Any]) -> Deed | None:
    """What was said about the deed."""
    found: Deed | None = interaction.extras.get(_DEED)
    return found


def place_subject(interaction: discord.Interaction[Any]) -> str:
    """What something is done to if nobody says more: a message that was clicked on, else the place."""
    data: Any = interaction.data or {}
    channel = f"channel:{interaction.channel_id}"
    message_id = data.get("target_id") or (interaction.message.id if interaction.message is not None else None)
    return f"message:{message_id} {channel}" if message_id else channel


def note_persona(interaction: discord.Interaction[Any], before: FoundPersona, after: FoundPersona | None) -> None:
    """A character is changed, or goes."""
    deed = persona_deed(before, after)
    note_deed(interaction, deed.subject, before=deed.before, after=deed.after)


def persona_deed(before: FoundPersona | None, after: FoundPersona | None) -> Deed:
    """What becomes of a character; one of the two is there."""
    found = after or before
    assert found is not None
    owner = f" of user:{found.outline.owner_id}" if found.outline.kind == "own" else ""
    changed = {"changed": _changed(before, after)} if before is not None and after is not None else {}
    new = None if after is None else {**_version(after), **changed}
    return Deed(f"character {found.outline.name}{owner}", None if before is None else _version(before), new)


def _version(found: FoundPersona) -> dict[str, Any]:
    return {"version": found.outline.version}


def _changed(before: FoundPersona, after: FoundPersona) -> list[str]:
    """The names of what is otherwise now."""
    old, new = before.card.data, after.card.data
    fields = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    picture = ["picture"] if before.avatar != after.avatar else []
    adult = ["adult"] if before.outline.adult != after.outline.adult else []
    return [*fields, *picture, *adult]
