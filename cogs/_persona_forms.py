"""The forms in which characters are written. What they are about stands in their custom id, so that they can be sent
after a restart; they keep nothing in memory.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, Self

import discord

from chat.persona import LONGEST_NAME
from chat.persona_fields import DEPTH, NOTE, ROLE, TALKATIVENESS, field_text, fields_written
from chat.persona_library import FoundPersona
from cogs._form_fields import walk

LONGEST_FIELD: Final = 4_000  # what Discord lets a person type into one
PICTURE: Final = "picture"

Part = Literal["character", "greetings", "more", "group", "note", "prompts", "picture", "new"]
DRAFT: Final = 0  # the version of what is not taken in yet

LABELS: Final[Mapping[str, str]] = {
    "name": "Name",
    "description": "Description, in every prompt",
    "personality": "Personality, in every prompt",
    "scenario": "Scenario, in every prompt",
    "first_mes": "Greeting",
    "system_prompt": "System prompt, instead of the channel's",
    "post_history_instructions": "Instructions after the history",
    "mes_example": "Example messages, after <START> each",
    "creator_notes": "Notes for people",
    "tags": "Tags, with commas between",
    "nickname": "Nickname, what it is called in chats",
    TALKATIVENESS: "Talkativeness, from 0 to 1",
    NOTE: "Note, so many messages before the end",
    DEPTH: "How many messages before the end",
    ROLE: "Role of the note: system, user or assistant",
    **{f"alternate_greetings.{place}": f"Alternate greeting {place + 1}" for place in range(10)},
    **{f"group_only_greetings.{place}": f"Greeting {place + 1} among others" for place in range(3)},
}
FIELDS: Final[Mapping[Part, tuple[str, ...]]] = {
    "new": ("name", "description", "scenario", "first_mes"),
    "character": ("name", "description", "personality", "scenario", "first_mes"),
    "greetings": tuple(f"alternate_greetings.{place}" for place in range(5)),
    "more": tuple(f"alternate_greetings.{place}" for place in range(5, 10)),
    "group": ("nickname", TALKATIVENESS, *(f"group_only_greetings.{place}" for place in range(3))),
    "note": (NOTE, DEPTH, ROLE),
    "prompts": ("system_prompt", "post_history_instructions", "mes_example", "creator_notes", "tags"),
    "picture": (),
}
PART_NAMES: Final[Mapping[Part, str]] = {
    "character": "Name, description, personality, scenario, greeting",
    "greetings": "Alternate greetings, the swipes of the greeting: 1 to 5",
    "more": "Alternate greetings 6 to 10",
    "group": "Nickname, talkativeness, greetings among others",
    "note": "Character's note, at a depth",
    "prompts": "Prompts, examples, notes, tags",
    "picture": "Picture",
}
_SHORT: Final = frozenset({"name", "tags", "nickname", TALKATIVENESS, DEPTH, ROLE})
_CUSTOM_ID = re.compile(rf"persona:(?P<id>\d{{1,20}}):(?P<version>\d{{1,9}}):(?P<part>{'|'.join(FIELDS)})")


class PersonaForm(discord.ui.Modal):
    """Some fields of a character; those that are too long for a form are not in it."""

    def __init__(self, part: Part, found: FoundPersona | None = None) -> None:
        place = (0, DRAFT) if found is None else (found.outline.id, version_of(found))
        title = "A new character" if found is None else f"Edit {found.outline.name}"[:45]
        super().__init__(title=title, custom_id=f"persona:{place[0]}:{place[1]}:{part}", timeout=None)
        left_out = too_long(found, part)
        for name in FIELDS[part]:
            if name not in left_out:
                self.add_item(discord.ui.Label(text=LABELS[name], component=_field(name, found)))
        if part in {"new", "picture"}:
            upload: discord.ui.FileUpload[Any] = discord.ui.FileUpload(
                custom_id=PICTURE, required=part == "picture", max_values=1
            )
            self.add_item(discord.ui.Label(text="Picture (PNG, JPEG or WebP)", component=upload))
        self.stop()  # else discord.py keeps it, and answers it itself


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A file that came with a form."""

    size: int
    url: str


@dataclass(frozen=True, slots=True)
class Written:
    """A form that came back."""

    persona_id: int
    version: int
    part: Part
    texts: Mapping[str, str]
    picture: Uploaded | None

    @classmethod
    def read(cls, interaction: discord.Interaction[Any]) -> Self | None:
        """What was sent, if it is this form."""
        data: Any = interaction.data or {}
        match = _CUSTOM_ID.fullmatch(str(data.get("custom_id", "")))
        if match is None:
            return None
        part: Any = match["part"]
        sent = {component.get("custom_id"): component for component in walk(data.get("components") or [])}
        texts = {name: str(sent[name].get("value") or "") for name in FIELDS[part] if name in sent}
        texts = {name: _as_sent(text) for name, text in texts.items()}
        files = (data.get("resolved") or {}).get("attachments") or {}
        chosen = [files[i] for i in sent.get(PICTURE, {}).get("values") or () if i in files]
        picture = Uploaded(int(chosen[0]["size"]), str(chosen[0]["url"])) if chosen else None
        return cls(int(match["id"]), int(match["version"]), part, texts, picture)

    def given_back(self) -> bytes | None:
        """The words as a text file, for whoever would have to write them again; None if there are none."""
        said = [f"{LABELS[name]}:\n{text}\n" for name, text in self.texts.items() if text]
        return "\n".join(said).encode() or None

    def fields(self, found: FoundPersona | None = None) -> dict[str, Any]:
        """What is to be changed, so that all else stays as it is, byte for byte. Raises `CardError`."""
        if found is None:
            return dict(self.texts)
        changed = {name: text for name, text in self.texts.items() if text != _as_sent(field_text(found.card, name))}
        return fields_written(found.card, changed)


def version_of(found: FoundPersona) -> int:
    """What a form must find as it was when it was opened."""
    return DRAFT if found.outline.kind == "draft" else found.outline.version


def too_long(found: FoundPersona | None, part: Part) -> list[str]:
    """The fields of a part that do not fit into a form."""
    return [name for name in FIELDS[part] if found is not None and len(field_text(found.card, name)) > _limit(name)]


def _as_sent(text: str) -> str:
    """A text as a form may return it: on the way line breaks change and the space around it is lost."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def _field(name: str, found: FoundPersona | None) -> discord.ui.TextInput[Any]:
    return discord.ui.TextInput(
        style=discord.TextStyle.short if name in _SHORT else discord.TextStyle.paragraph,
        custom_id=name,
        default=field_text(found.card, name) or None if found is not None else None,
        required=name == "name",
        max_length=_limit(name),
    )


def _limit(name: str) -> int:
    return LONGEST_NAME if name in {"name", "nickname"} else LONGEST_FIELD
