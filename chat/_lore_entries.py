"""Lorebooks and their entries, as they are once a file has been read."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal

Logic = Literal["any", "not_all", "none", "all"]
Position = Literal[
    "before_char", "after_char", "personality", "scenario", "note_top", "note_bottom", "at_depth", "examples_top",
    "examples_bottom", "outlet",
]  # fmt: skip
Role = Literal["system", "user", "assistant"]

DEFAULT_DEPTH: Final = 4
DEFAULT_WEIGHT: Final = 100
MOST_LOOKED_AT: Final = 100
"""Messages of a chat that are read for lorebooks; no entry stays or rests for longer."""


@dataclass(frozen=True, slots=True)
class Key:
    """What an entry looks for: a text, or a pattern with its flags."""

    text: str
    folded: str
    pattern: str | None = None
    ignore_case: bool = False
    flags: str = ""  # of those that are written behind the pattern, the ones that matter here: m, s

    @property
    def has_macros(self) -> bool:
        """Whether macros are to be put into words first."""
        return "{{" in self.text or "<" in self.text


@dataclass(frozen=True, slots=True)
class Decorators:
    """What the first lines of an entry's content ask for, apart from its place."""

    activate: bool = False
    dont_activate: bool = False
    only_after: int = 0
    only_every: int = 0
    keeps: bool = False
    once: bool = False
    greeting: int | None = None
    additional: tuple[tuple[Key, ...], ...] = ()
    excluding: tuple[Key, ...] = ()
    gives_way: bool = False
    hides: frozenset[str] = frozenset()

    @property
    def counts(self) -> bool:
        """Whether it matters how many replies there are."""
        return bool(self.only_after or self.only_every)


PLAIN: Final = Decorators()


@dataclass(frozen=True, slots=True)
class CharacterFilter:
    """For which characters an entry is meant, or, excluding, not meant."""

    names: frozenset[str]
    tags: frozenset[str]
    excluding: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a lorebook; numbers that say nothing are 0."""

    id: str
    title: str
    content: str = field(repr=False)
    keys: tuple[Key, ...] = ()
    secondary: tuple[Key, ...] = ()
    logic: Logic = "any"
    enabled: bool = True
    constant: bool = False
    case_sensitive: bool = False
    whole_words: bool = False
    order: float = 100
    priority: float = 0
    position: Position = "before_char"
    depth: int = DEFAULT_DEPTH
    from_oldest: bool = False  # how the depth is counted
    role: Role = "system"
    probability: float = 100
    exclude_recursion: bool = False
    prevent_recursion: bool = False
    delay_until_recursion: int = 0
    groups: tuple[str, ...] = ()
    group_override: bool = False
    group_weight: float = DEFAULT_WEIGHT
    group_scoring: bool = False
    scan_depth: int | None = None
    sticky: int = 0
    cooldown: int = 0
    delay: int = 0
    ignore_budget: bool = False
    characters: CharacterFilter | None = None
    decorators: Decorators = PLAIN
    unknown: tuple[str, ...] = ()  # the names of decorators that say nothing here

    @property
    def words(self) -> tuple[str, ...] | None:
        """The keys with their case folded, if the entry cannot come into question without one of them."""
        plain = all(key.pattern is None and not key.has_macros for key in self.keys)
        special = self.constant or self.characters
        timed = self.sticky or self.cooldown or self.delay or self.delay_until_recursion
        if special or timed or self.scan_depth is not None or not plain or not self.enabled or self.decorators != PLAIN:
            return None
        return tuple(key.folded for key in self.keys)

    @property
    def is_timed(self) -> bool:
        """Whether it matters when it fired before."""
        return bool(self.sticky or self.cooldown or self.decorators.keeps or self.decorators.once)

    @property
    def all_keys(self) -> tuple[Key, ...]:
        """Everything that is looked for because of the entry."""
        rules = self.decorators
        return (*self.keys, *self.secondary, *rules.excluding, *(key for keys in rules.additional for key in keys))


@dataclass(frozen=True)
class Lorebook:
    """A lorebook; ``key`` names it in what is remembered about its entries."""

    name: str
    entries: tuple[Entry, ...] = field(repr=False)
    description: str = ""
    scan_depth: int | None = None
    token_budget: int = 0
    recursive: bool = False
    skipped: int = 0  # what stood among the entries and was none
    key: str = ""

    def prepared(self) -> Lorebook:
        """The book with everything worked out, which takes a moment for a large one."""
        _ = self.sources, self.key_count, self.has_patterns, self.reach
        _ = self.is_timed, self.counts, self.never_forgets, self.asks_greeting
        return self

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        """The entries, the highest order first."""
        ordered = sorted(self.entries, key=lambda entry: -entry.order)
        return tuple(Source(self, entry, f"{self.key}/{entry.id}", entry.words) for entry in ordered)

    @cached_property
    def is_timed(self) -> bool:
        """Whether it matters when entries fired before."""
        return any(entry.is_timed for entry in self.entries)

    @cached_property
    def asks_greeting(self) -> bool:
        """Whether it matters with which greeting the chat began."""
        return any(entry.decorators.greeting is not None for entry in self.entries)

    @cached_property
    def reach(self) -> int:
        """How many messages have to be read."""
        wanted = [self.scan_depth or 0, 2]
        for entry in self.entries:
            wanted += (entry.scan_depth or 0, entry.sticky + entry.cooldown + 1)
        return min(max(wanted), MOST_LOOKED_AT)

    @cached_property
    def counts(self) -> bool:
        """Whether it matters how long the conversation is."""
        return any(entry.delay or entry.decorators.counts for entry in self.entries)

    @cached_property
    def never_forgets(self) -> bool:
        """Whether it matters what fired however long ago."""
        return any(entry.decorators.keeps or entry.decorators.once for entry in self.entries)

    @property
    def unbuilt(self) -> tuple[str, ...]:
        """The decorators of its entries that do nothing here, by name."""
        return tuple(dict.fromkeys(name for entry in self.entries if entry.enabled for name in entry.unknown))

    @property
    def outlets(self) -> int:
        """How many entries wait for an outlet, which is not known here."""
        return sum(entry.enabled and entry.position == "outlet" for entry in self.entries)

    @cached_property
    def key_count(self) -> int:
        """How many keys are looked for."""
        return sum(len(entry.all_keys) for entry in self.entries)

    @cached_property
    def has_patterns(self) -> bool:
        """Whether any key is a pattern."""
        return any(key.pattern is not None for entry in self.entries for key in entry.all_keys)


@dataclass(frozen=True, slots=True)
class Source:
    """An entry and its book; what is remembered about it stands under ``key``."""

    book: Lorebook = field(repr=False)
    entry: Entry
    key: str
    words: tuple[str, ...] | None
