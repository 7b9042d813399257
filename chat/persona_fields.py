"""What people write about a character: each field as one text, and what becomes of the card.

A greeting is named by its list and its place in it ("alternate_greetings.0"), what SillyTavern keeps apart by where it
does ("extensions.talkativeness", "depth_prompt.role").
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from chat.cards import Card
from chat.errors import CardError
from chat.persona_prompt import MOST_DEPTH

TALKATIVENESS: Final = "extensions.talkativeness"
NOTE: Final = "depth_prompt.prompt"
DEPTH: Final = "depth_prompt.depth"
ROLE: Final = "depth_prompt.role"

_NOTE: Final[Mapping[str, Any]] = {"prompt": "", "depth": 4, "role": "system"}
_ROLES: Final = ("system", "user", "assistant")


def field_text(card: Card, name: str) -> str:
    """A field as people read it; empty if it says nothing."""
    holder, _, inner = name.partition(".")
    if not inner:
        return ", ".join(card.tags) if name == "tags" else card.text(name)
    if holder.endswith("_greetings"):
        greetings = card.texts(holder)
        return greetings[int(inner)] if int(inner) < len(greetings) else ""
    value = (card.extensions if holder == "extensions" else _note(card)).get(inner)
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def fields_written(card: Card, texts: Mapping[str, str]) -> dict[str, Any]:
    """The card's fields as they are to be; ``texts`` has only what was changed. Raises `CardError`."""
    fields: dict[str, Any] = {}
    extensions: dict[str, Any] = {}
    lists: dict[str, dict[int, str]] = {}
    note: dict[str, Any] = {}
    for name, text in texts.items():
        holder, _, inner = name.partition(".")
        if holder.endswith("_greetings"):
            lists.setdefault(holder, {})[int(inner)] = text
        elif name == TALKATIVENESS:
            extensions["talkativeness"] = _talkativeness(text)
        elif holder == "depth_prompt":
            note[inner] = _part_of_note(inner, text)
        else:
            fields[name] = _listed(text) if name == "tags" else text
    fields |= {name: _with_greetings(card, name, changes) for name, changes in lists.items()}
    if note:
        extensions["depth_prompt"] = {**_NOTE, **_note(card), **note}
    return fields | ({"extensions": extensions} if extensions else {})


def _note(card: Card) -> Mapping[str, Any]:
    note = card.extensions.get("depth_prompt")
    return note if isinstance(note, dict) else {}


def _with_greetings(card: Card, name: str, changes: Mapping[int, str]) -> list[Any]:
    """The list with some of the greetings that people see in it changed, more behind them, and without emptied ones."""
    found = card.data.get(name)
    items: list[Any] = list(found) if isinstance(found, list) else []
    seen = [place for place, item in enumerate(items) if isinstance(item, str) and item.strip()]
    emptied = set()
    for number, text in sorted(changes.items()):
        if number >= len(seen):
            items += [text] if text.strip() else []
            continue
        items[seen[number]] = text
        if not text.strip():
            emptied.add(seen[number])
    return [item for place, item in enumerate(items) if place not in emptied]


def _talkativeness(text: str) -> float | None:
    if not text.strip():
        return None
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise CardError("fields", "talkativeness")
    return value


def _part_of_note(name: str, text: str) -> Any:
    text = text.strip() if name != "prompt" else text
    if name == "prompt":
        return text
    if not text:
        return _NOTE[name]
    if name == "role":
        if text.casefold() not in _ROLES:
            raise CardError("fields", name)
        return text.casefold()
    if not (text.isascii() and text.isdigit() and len(text) < 6 and int(text) <= MOST_DEPTH):
        raise CardError("fields", name)
    return int(text)


def _listed(text: str) -> list[str]:
    return list(dict.fromkeys(tag for part in text.split(",") if (tag := " ".join(part.split()))))
