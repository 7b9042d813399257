"""A character's prompt: its card, who it talks with, and what lorebooks add, in SillyTavern's order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any, Final

from chat._lore_entries import DEFAULT_DEPTH, Position
from chat._lore_scan import Fired
from chat.cards import Card
from chat.macros import Macros
from chat.prompt import Section

CHARACTER_NOTE: Final = "character_note"
NOTE: Final = "note"
LORE: Final = "lore"

CARD_VALUES: Final = (
    "char", "group", "charIfNotGroup", "charVersion", "char_version", "description", "personality", "scenario",
    "mesExamples", "mesExamplesRaw", "charPrompt", "charInstruction", "charJailbreak", "charDepthPrompt",
)  # fmt: skip
"""Macros that stand for something of the card."""

PROMPT_VALUES: Final = ("model", "maxPrompt", "input", "lastMessage", "lastUserMessage", "lastCharMessage")
"""Macros that stand for something in prompts alone."""

MOST_DEPTH: Final = 1_000
LONGEST_PROFILE: Final = 4_000
MOST_COMPANY: Final = 4
"""Others than the one who spoke last of whom a prompt tells, with so much of what they say about themselves:"""

LONGEST_OF_COMPANY: Final = 1_000

_PARTS_WITHIN_PARTS: Final = 2
"""How often the parts of a card are put into each other."""

_EXAMPLE_START: Final = re.compile(r"<START>", re.IGNORECASE)
_EXAMPLE_TITLE: Final = "[Example Chat]"
_ROLES: Final = ("system", "user", "assistant")
_PARTS: Final[Mapping[Position, str]] = {
    "before_char": "lore_before",
    "after_char": "lore_after",
    "personality": "lore_personality",
    "scenario": "lore_scenario",
    "examples_top": "lore_examples_top",
    "examples_bottom": "lore_examples_bottom",
}


@dataclass(frozen=True, slots=True)
class Profile:
    """Who a person is in chats."""

    name: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """An author's note: words that stand so many messages before the end."""

    text: str
    depth: int = DEFAULT_DEPTH
    role: str = "system"


def persona_macros(
    card: Card | None,
    profile: Profile,
    *,
    now: datetime,
    random: Random,
    seed: str,
    last_said: datetime | None = None,
    values: Mapping[str, str] | None = None,
    company: Sequence[str] = (),
) -> Macros:
    """What the macros of a character's texts stand for, in ``company`` of others; ``values`` are further plain ones."""
    known = {"user": profile.name, **(values or {})}
    if card is not None:
        group = ", ".join([card.called, *company])
        known |= {"char": card.called, "group": group, "charIfNotGroup": group}
    macros = Macros(known, now=now, random=random, seed=seed, last_said=last_said)
    macros.learn(persona=_said_of(profile, known))
    if card is not None:
        _learn_card(macros, card)
    return macros


def _learn_card(macros: Macros, card: Card) -> None:
    """Let the parts of a card be macros themselves, which its other parts may hold."""
    note = character_note(card)
    rare = {
        "charPrompt": card.system_prompt,
        "charInstruction": card.post_history_instructions,
        "charJailbreak": card.post_history_instructions,
        "charDepthPrompt": "" if note is None else note.text,
    }
    parts = {
        "description": card.description,
        "personality": card.personality,
        "scenario": card.scenario,
        "mesExamples": card.mes_example,
    }
    version = card.text("character_version")
    macros.learn(charVersion=version, char_version=version)
    everywhere = "\n".join([*parts.values(), *rare.values()]).casefold()
    parts |= {name: text for name, text in rare.items() if name.casefold() in everywhere}
    macros.learn(**{name: macros.expand(text) for name, text in parts.items()})
    within = re.compile(r"\{\{\s*(?:" + "|".join(parts) + ")", re.IGNORECASE)
    if holding := {name: text for name, text in parts.items() if within.search(text)}:
        for _ in range(_PARTS_WITHIN_PARTS):
            macros.learn(**{name: macros.expand(text) for name, text in holding.items()})
    macros.learn(mesExamplesRaw=macros.value("mesExamples"))


def fixed_sections(
    card: Card | None,
    macros: Macros,
    *,
    system_prompt: str,
    note: Note | None = None,
    lore: Sequence[Fired] = (),
    hides: Iterable[str] = (),
    company: Sequence[Profile] = (),
) -> list[Section]:
    """All that stands around the history; without a card only the system prompt, who is there, the note and lorebooks.

    ``company`` are those who spoke lately besides the one whom the macros name.
    """
    default = "" if "system_prompt" in hides else system_prompt
    profile = _people(macros, company)
    if card is None:
        people = Section("profile", profile)
        return [Section("system", default), people, *_lore_sections(lore), *_notes(None, macros, note, lore)]
    return [
        Section("system", _system(card, macros, default)),
        Section("description", macros.value("description")),
        Section("personality", _titled(f"{card.called}'s personality", macros.value("personality"))),
        Section("scenario", _titled("Scenario", macros.value("scenario"))),
        Section("profile", profile),
        *_examples(card, macros),
        *_lore_sections(lore),
        *_notes(card, macros, note, lore),
        Section("post_history", macros.expand(card.post_history_instructions, original="").strip()),
    ]


def example_blocks(text: str) -> list[str]:
    """The conversations among a card's example messages, oldest first."""
    return [block.strip() for block in _EXAMPLE_START.split(text) if block.strip()]


def _system(card: Card, macros: Macros, default: str) -> str:
    original = macros.expand(default)
    own = card.system_prompt
    return macros.expand(own, original=original).strip() if own.strip() else original


def _examples(card: Card, macros: Macros) -> list[Section]:
    """Each conversation on its own, so that the oldest can give way first."""
    blocks = [macros.expand(block) for block in example_blocks(card.mes_example)]
    return [
        Section("examples", f"{_EXAMPLE_TITLE}\n{block}", weight=float(number)) for number, block in enumerate(blocks)
    ]


def _lore_sections(lore: Sequence[Fired]) -> list[Section]:
    sections = []
    for fired in lore:
        entry = fired.source.entry
        if not fired.text:
            continue
        if entry.position == "at_depth":
            depth = entry.depth if entry.from_oldest else min(entry.depth, MOST_DEPTH)
            sections.append(
                Section(LORE, fired.text, depth, entry.role, weight=entry.order, from_oldest=entry.from_oldest)
            )
        elif entry.position in _PARTS:
            sections.append(Section(_PARTS[entry.position], fired.text, weight=entry.order))
    return sections


def _notes(card: Card | None, macros: Macros, note: Note | None, lore: Sequence[Fired]) -> list[Section]:
    """The card's own note and that of the channel, with the lore above and below it."""
    sections = []
    if card is not None and (own := character_note(card)):
        sections.append(Section(CHARACTER_NOTE, macros.expand(own.text).strip(), depth=own.depth, role=own.role))
    above, below = (
        [fired.text for fired in lore if fired.source.entry.position == position and fired.text]
        for position in ("note_top", "note_bottom")
    )
    words = [macros.expand(note.text).strip()] if note is not None and note.text.strip() else []
    if text := "\n".join([*above, *words, *below]):
        place = note or Note("")
        sections.append(Section(NOTE, text, depth=min(place.depth, MOST_DEPTH), role=place.role))
    return sections


def character_note(card: Card) -> Note | None:
    """What the card wants to be said at a depth, as SillyTavern keeps it."""
    return read_note(card.extensions.get("depth_prompt"), text_name="prompt")


def read_note(value: Any, *, text_name: str = "text") -> Note | None:
    """A note as it is stored; None for what is none."""
    if not isinstance(value, Mapping) or not isinstance(text := value.get(text_name), str) or not text.strip():
        return None
    depth, role = value.get("depth"), value.get("role")
    if not isinstance(depth, int) or isinstance(depth, bool) or depth < 0:
        depth = DEFAULT_DEPTH
    return Note(text, min(depth, MOST_DEPTH), role if role in _ROLES else "system")


def read_profile(value: Any, name: str) -> Profile:
    """A profile as it is stored, of somebody who is called ``name`` if it says nothing else."""
    if not isinstance(value, Mapping):
        return Profile(name)
    own, said = value.get("name"), value.get("description")
    return Profile(
        own.strip() if isinstance(own, str) and own.strip() else name,
        said[:LONGEST_PROFILE] if isinstance(said, str) else "",
    )


def _people(macros: Macros, company: Sequence[Profile]) -> str:
    """What people say about themselves, with their names as soon as there are several."""
    own = macros.value("persona")
    if not company:
        return own
    char = macros.value("char")
    told = [f"{macros.value('user')}: {own}"] if own else []
    for other in [other for other in company if other.description.strip()][:MOST_COMPANY]:
        names = {"user": other.name} | ({"char": char} if char else {})
        words = _only_names(other.description.strip()[:LONGEST_OF_COMPANY], names)
        told.append(f"{other.name}: {words}")
    return "\n\n".join(told)


def _said_of(profile: Profile, names: Mapping[str, str]) -> str:
    """A person's own words about themselves; of macros only the names are read in them."""
    text = profile.description.strip()
    return text if not text else _only_names(text, names)


def _only_names(text: str, names: Mapping[str, str]) -> str:
    return re.sub(
        r"\{\{\s*(char|user)\s*\}\}", lambda match: names.get(match[1].casefold(), match[0]), text, flags=re.IGNORECASE
    )


def _titled(title: str, text: str) -> str:
    return f"{title}: {text.strip()}" if text.strip() else ""
