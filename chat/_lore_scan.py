"""Which entries of lorebooks come into a prompt, and why; step by step as SillyTavern does it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final, Literal

from chat._lore_entries import Entry, Lorebook, Source
from chat._lore_groups import losers
from chat._lore_keys import Finder, Patterns, Texts
from chat._lore_memory import Memory
from chat.macros import Macros

SCAN_DEPTH: Final = 2
"""Messages that are looked through where nobody says how many."""

MOST_PASSES: Final = 12
"""How often what entries say is looked through for further keys."""

Why = Literal[
    "constant", "key", "sticky", "decorator", "kept",
    "disabled", "character", "delay", "cooldown", "later", "not in recursion", "no key", "secondary", "excluded",
    "group", "probability", "budget", "slow", "outlet",
]  # fmt: skip
"""Why an entry fired, or, from ``disabled`` on, did not."""


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a chat."""

    id: int
    name: str
    text: str
    by_user: bool


@dataclass(frozen=True, slots=True)
class Chat:
    """What is looked through: the messages, newest first, as many as are known, and whose chat it is."""

    said: Sequence[Said]
    character: str = ""
    tags: Sequence[str] = ()
    greeting: int | None = None  # with which greeting of the card it began; None: that cannot be told
    also: Sequence[str] = ()  # looked through like the newest message
    length: tuple[int, int] | None = None  # all messages and the replies among them, where more are than are known


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an entry fired, and why; ``detail`` is the key or group that decided."""

    source: Source
    fired: bool
    why: Why
    detail: str = ""
    passage: int = 0  # 0: by the messages, else in which pass over what entries say
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Fired:
    """An entry that comes into the prompt, with its content in words."""

    source: Source
    text: str
    tokens: float


@dataclass(slots=True)
class Scan:
    """What a scan found; ``fired`` stand in the order in which they belong into the prompt."""

    fired: list[Fired]
    verdicts: list[Verdict]  # in the order in which entries were looked at; without those of which no key was found
    memory: dict[str, int]
    hides: frozenset[str] = frozenset()
    slow_patterns: tuple[str, ...] = ()


@dataclass(slots=True)
class _Candidate:
    source: Source
    verdict: Verdict
    sticky: bool = False


@dataclass(slots=True)
class _Progress:
    taken: dict[int, Fired] = field(default_factory=dict)  # by place in the list
    failed: set[int] = field(default_factory=set)
    tokens: float = 0.0
    by_book: dict[int, float] = field(default_factory=dict)
    overflowed: bool = False
    level: int = 0
    passage: int = 0


class Scanner:
    """One scan, from the list of entries to what fires."""

    def __init__(
        self,
        tiers: Iterable[Sequence[Lorebook]],
        chat: Chat,
        macros: Macros,
        measure: Callable[[str], float],
        budget: float,
        random: Random,
        remembered: Mapping[str, int],
    ) -> None:
        self._sources = [source for books in tiers for source in _in_order(books)]
        self._chat = chat
        self._macros = macros
        self._measure = measure
        self._budget = budget
        self._random = random
        self._memory = Memory(remembered, [said.id for said in chat.said])
        self._patterns = Patterns()
        lines = [f"{said.name}: {said.text}" for said in chat.said]
        self._texts = Texts(lines, [macros.expand(text) for text in chat.also])
        self._finder = Finder(self._texts, self._patterns, macros, SCAN_DEPTH)
        known = len(chat.said), sum(not said.by_user for said in chat.said)
        self._length, self._replies = chat.length or known
        self._verdicts: dict[int, Verdict] = {}
        self._places = {id(source): place for place, source in enumerate(self._sources)}

    def run(self) -> Scan:
        """Look through everything until nothing more fires."""
        done = _Progress()
        self._macros.hidden.clear()
        levels = sorted({s.entry.delay_until_recursion for s in self._sources if s.entry.delay_until_recursion})
        done.level = levels.pop(0) if levels else 0
        while done.passage < MOST_PASSES:
            new = self._pass(done)
            says = [fired.text for fired in new if not fired.source.entry.prevent_recursion]
            recursive = any(source.book.recursive for source in self._sources)
            again = recursive and bool(says) and not done.overflowed
            if not again and levels:
                done.level, again = levels.pop(0), True
            if not again:
                break
            self._texts.add("\n".join([*says, *self._macros.hidden]))
            self._macros.hidden.clear()
            done.passage += 1
        return self._result(done)

    def _result(self, done: _Progress) -> Scan:
        # As if each, the highest order first, were put in front of the others.
        taken = sorted(done.taken.values(), key=lambda fired: -fired.source.entry.order)
        verdicts = [self._verdicts[place] for place in sorted(self._verdicts)]
        hides = frozenset().union(*(fired.source.entry.decorators.hides for fired in taken))
        fired_keys = [fired.source.key for fired in taken]
        memory = self._memory.after(fired_keys, [source for source in self._sources if source.entry.is_timed])
        return Scan(taken[::-1], verdicts, memory, hides, tuple(sorted(self._patterns.slow)))

    # --- one pass

    def _pass(self, done: _Progress) -> list[Fired]:
        candidates = []
        for place, source in enumerate(self._sources):
            if place in done.taken or place in done.failed or self._is_silent(source, done):
                continue
            verdict = self._judged(source, done)
            if verdict.fired:
                sticky = self._memory.is_sticky(source)
                candidates.append(_Candidate(source, verdict, sticky))
            elif done.passage == 0 and verdict.why != "no key":
                self._verdicts[place] = verdict
        candidates.sort(
            key=lambda one: (one.source.entry.decorators.gives_way, not one.sticky, -one.source.entry.priority)
        )
        return self._taken(self._without_losers(candidates, done), done)

    def _without_losers(self, candidates: list[_Candidate], done: _Progress) -> list[_Candidate]:
        won = {group for fired in done.taken.values() for group in fired.source.entry.groups}
        sticky = {id(one.source) for one in candidates if one.sticky}
        lost = losers([one.source for one in candidates], sticky, won, self._random, self._score(done))
        for one in candidates:
            if id(one.source) in lost:
                self._refuse(one, "group", lost[id(one.source)])
        return [one for one in candidates if id(one.source) not in lost]

    def _score(self, done: _Progress) -> Callable[[Source], int]:
        """How many keys of an entry are found, with its secondary ones as far as they count."""

        def score(source: Source) -> int:
            entry, recursive = source.entry, done.passage > 0 and source.book.recursive
            depth = source.book.scan_depth
            primary = self._finder.count(entry, entry.keys, depth, recursive=recursive)
            if not primary or not entry.secondary or entry.logic not in {"any", "all"}:
                return primary
            second = self._finder.count(entry, entry.secondary, depth, recursive=recursive)
            counts = entry.logic == "any" or second == len(entry.secondary)
            return primary + second if counts else primary

        return score

    def _taken(self, candidates: Iterable[_Candidate], done: _Progress) -> list[Fired]:
        """Those that chance and the budget let in."""
        new: list[Fired] = []
        for one in candidates:
            place, entry = self._places[id(one.source)], one.source.entry
            if not one.sticky and entry.probability < 100 and self._random.random() * 100 > entry.probability:
                done.failed.add(place)
                self._refuse(one, "probability", f"{entry.probability:g} %")
                continue
            if (fired := self._fitting(one, done)) is None:
                self._refuse(one, "budget")
                continue
            done.taken[place] = fired
            self._verdicts[place] = Verdict(
                one.source, True, one.verdict.why, one.verdict.detail, done.passage, round(fired.tokens)
            )
            new.append(fired)
        return new

    def _fitting(self, one: _Candidate, done: _Progress) -> Fired | None:
        """The entry in words, if there is room for it; once one did not fit, none after it does."""
        entry, book = one.source.entry, one.source.book
        if done.overflowed and not entry.ignore_budget:
            return None
        text = self._macros.expand(entry.content).strip()
        tokens = self._measure(text) if text else 0.0
        if not entry.ignore_budget:
            if done.tokens + tokens >= self._budget:
                done.overflowed = True
                return None
            of_book = done.by_book.get(id(book), 0.0) + tokens
            if book.token_budget and of_book > book.token_budget:
                return None
            done.by_book[id(book)] = of_book
        done.tokens += tokens
        return Fired(one.source, text, tokens)

    def _refuse(self, one: _Candidate, why: Why, detail: str = "") -> None:
        self._verdicts[self._places[id(one.source)]] = Verdict(one.source, False, why, detail)

    # --- one entry

    def _is_silent(self, source: Source, done: _Progress) -> bool:
        """Whether an entry about which only words decide has none of them; most are, so this is to be quick."""
        if source.words is None or (done.passage and source.entry.exclude_recursion):
            return False
        text = self._finder.folded(source.book.scan_depth, recursive=done.passage > 0 and source.book.recursive)
        return not any(word in text for word in source.words)

    def _judged(self, source: Source, done: _Progress) -> Verdict:
        why = self._hindrance(source, done)
        if why is not None:
            return Verdict(source, False, why)
        entry = source.entry
        if entry.decorators.activate:
            return Verdict(source, True, "decorator", "@@activate")
        if entry.decorators.dont_activate:
            return Verdict(source, False, "decorator", "@@dont_activate")
        if entry.constant:
            return Verdict(source, True, "constant")
        if self._memory.is_sticky(source):
            return Verdict(source, True, "sticky")
        if entry.decorators.keeps and self._memory.has_fired(source):
            return Verdict(source, True, "kept")
        return self._by_keys(source, recursive=done.passage > 0 and source.book.recursive)

    def _hindrance(self, source: Source, done: _Progress) -> Why | None:
        """Why an entry cannot fire now whatever is said."""
        entry, rules, sticky = source.entry, source.entry.decorators, self._memory.is_sticky(source)
        if not entry.enabled:
            return "disabled"
        if not self._is_meant_for(entry):
            return "character"
        if entry.position == "outlet":
            return "outlet"
        if self._length < entry.delay:
            return "delay"
        if not sticky and self._memory.is_cooling(source):
            return "cooldown"
        if (
            not sticky
            and entry.delay_until_recursion
            and (not done.passage or entry.delay_until_recursion > done.level)
        ):
            return "later"
        if not sticky and entry.exclude_recursion and done.passage:
            return "not in recursion"
        if self._replies < rules.only_after or (rules.only_every and self._replies % rules.only_every):
            return "decorator"
        if rules.greeting is not None and self._chat.greeting not in {None, rules.greeting}:
            return "decorator"
        return "decorator" if rules.once and self._memory.has_fired(source) else None

    def _is_meant_for(self, entry: Entry) -> bool:
        wanted = entry.characters
        if wanted is None:
            return True
        named = self._chat.character.casefold() in wanted.names
        tagged = any(tag.casefold() in wanted.tags for tag in self._chat.tags)
        return (named or tagged) != wanted.excluding

    def _by_keys(self, source: Source, *, recursive: bool) -> Verdict:
        entry, depth = source.entry, source.book.scan_depth
        key = self._finder.primary(entry, depth, recursive=recursive)
        if key is None:
            slow = any(key.text in self._patterns.slow for key in entry.keys)
            return Verdict(source, False, "slow" if slow else "no key")
        if entry.secondary and not self._secondary(entry, depth, recursive=recursive):
            return Verdict(source, False, "secondary", key.text)
        rules = entry.decorators
        if not all(self._finder.first(entry, keys, depth, recursive=recursive) for keys in rules.additional):
            return Verdict(source, False, "secondary", key.text)
        if excluding := self._finder.first(entry, rules.excluding, depth, recursive=recursive):
            return Verdict(source, False, "excluded", excluding.text)
        return Verdict(source, True, "key", key.text)

    def _secondary(self, entry: Entry, depth: int | None, *, recursive: bool) -> bool:
        count = self._finder.count(entry, entry.secondary, depth, recursive=recursive)
        match entry.logic:
            case "any":
                return count > 0
            case "all":
                return count == len(entry.secondary)
            case "none":
                return count == 0
            case "not_all":
                return count < len(entry.secondary)


def _in_order(books: Sequence[Lorebook]) -> Sequence[Source]:
    """The entries of books of one rank, the highest order first."""
    if len(books) == 1:
        return books[0].sources
    return sorted((source for book in books for source in book.sources), key=lambda source: -source.entry.order)
