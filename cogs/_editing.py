"""The form in which a part of a reply is edited.

It keeps nothing in memory: what it is about stands in its custom id, so that it can be sent after a restart.
"""

import re
from dataclasses import dataclass
from typing import Any, Self

import discord

TEXT_FIELD = "text"
_CUSTOM_ID = re.compile(r"edit:(?P<reply>\d{1,20}):(?P<part>\d{1,2}):(?P<digest>\d{1,10})")


class EditForm(discord.ui.Modal):
    """The words of one part of a reply."""

    def __init__(self, reply_id: int, part: int, parts: int, words: str, digest: int) -> None:
        title = "Edit the reply" if parts == 1 else f"Edit part {part + 1} of {parts}"
        super().__init__(title=title, custom_id=f"edit:{reply_id}:{part}:{digest}", timeout=None)
        field: discord.ui.TextInput[Any] = discord.ui.TextInput(
            style=discord.TextStyle.paragraph, custom_id=TEXT_FIELD, default=words, max_length=4000
        )
        self.add_item(discord.ui.Label(text="The model reads what stands here", component=field))
        self.stop()  # else discord.py keeps it, and answers it itself


@dataclass(frozen=True, slots=True)
class Edited:
    """A form that came back."""

    reply_id: int
    part: int
    digest: int
    words: str

    @classmethod
    def read(cls, interaction: discord.Interaction[Any]) -> Self | None:
        """What was sent, if it is this form."""
        data: Any = interaction.data or {}
        match = _CUSTOM_ID.fullmatch(str(data.get("custom_id", "")))
        if match is None:
            return None
        words = _field(data.get("components") or [])
        return cls(int(match["reply"]), int(match["part"]), int(match["digest"]), words.replace("\r\n", "\n"))


def _field(components: list[dict[str, Any]]) -> str:
    """The text, wherever the layout put it."""
    for component in components:
        if component.get("custom_id") == TEXT_FIELD:
            return str(component.get("value") or "")
        inner = component.get("components") or ([component["component"]] if "component" in component else [])
        if inner and (found := _field(inner)):
            return found
    return ""
