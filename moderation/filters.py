"""What a server does not want said to the bot or by it: words and patterns, its own and those of Discord's AutoMod."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from moderation._making import made, read_words, split
from moderation._patterns import compiled
from moderation._sieve import Hit, Reading, Reviewed, Sieve, masked
from moderation.access import Reason, RefusedError
from moderation.errors import NoSuchFilterError, TooManyFiltersError
from moderation.presence import Presences
from moderation.server_rules import ServerRule, ServerRules
from storage import FilterAction, FilterKind, FilterRule, FilterRules, FilterSide, Scope, clean_text

__all__ = ["LONGEST_TEXT", "FilteredReply", "Filters", "FlaggedText", "Reviewed", "Side"]

Side = Literal["asked", "answered"]

MOST: Final = 200
MOST_PATTERNS: Final = 25
"""Each is a search of its own, again and again while a reply is written."""

MOST_WORDS: Final = 1_000
LONGEST_TEXT: Final = 1_000
ALL_TEXTS_SECONDS: Final = 20.0
"""What many texts may take together; what has not been looked at then is not kept."""

MAX_COMPILED_GUILDS: Final = 500
FRESH_SECONDS: Final = 5.0
"""How late a change of a home server's filters may be noticed, which can belong to another process."""


@dataclass(frozen=True, slots=True)
class FlaggedText:
    """Something that a filter blocked or flagged, for moderators."""

    guild_id: int
    channel_id: int
    person_id: int
    side: Side
    action: FilterAction
    labels: tuple[str, ...]
    late: bool = False  # a pattern took too long and counts as found


@dataclass(slots=True)
class _Compiled:
    """The filters of one guild, made ready for each place as it is needed."""

    rules: Sequence[FilterRule]
    server: Sequence[ServerRule]
    sieves: dict[tuple[object, ...], Sieve | None] = field(default_factory=dict)


class Filters:
    """Decides about texts; who hears of what was found is told by ``on_flag``.

    In direct messages the filters of the person's home server hold, of which its moderators hear nothing.
    """

    def __init__(self, rules: FilterRules, server_rules: ServerRules, presences: Presences | None = None) -> None:
        self.on_flag: Callable[[FlaggedText], None] | None = None
        self._rules = rules
        self._server_rules = server_rules
        self._presences = presences or Presences()
        self._compiled: OrderedDict[int, _Compiled] = OrderedDict()

    # --- texts

    async def asked(
        self, guild_id: int | None, scopes: Sequence[Scope], person_id: int, text: str, *, note: bool = True
    ) -> str:
        """What somebody says, as it may be kept. Raises `RefusedError`; without `note` nobody hears of flags."""
        return await self._allowed("asked", guild_id, scopes, person_id, text, note=note)

    async def given(
        self, guild_id: int | None, scopes: Sequence[Scope], person_id: int, texts: Sequence[str]
    ) -> list[str]:
        """Texts that somebody hands over together, as they may be kept. Raises `RefusedError`."""
        sieve = await self._sieve(guild_id, scopes, "asked")
        if sieve is None:
            return list(texts)
        reviewed = await asyncio.to_thread(_all_reviewed, sieve, texts)
        about = FlaggedText(guild_id or 0, scopes[0].id, person_id, "asked", "flag", ())
        self._note(about, [hit for text in reviewed for hit in text.hits])
        if len(reviewed) < len(texts) or any(text.blocked for text in reviewed):
            raise RefusedError(Reason.FILTERED)
        return [text.text for text in reviewed]

    async def shown_name(self, guild_id: int | None, scopes: Sequence[Scope], name: str) -> str:
        """A name under which the bot speaks, as it may stand there."""
        sieve = await self._sieve(guild_id, scopes, "answered")
        if sieve is None:
            return name
        reviewed = await sieve.review(name)
        return masked(name) if reviewed.blocked else reviewed.text

    async def answered(self, guild_id: int | None, scopes: Sequence[Scope], person_id: int, text: str) -> str:
        """What somebody lets the bot say, as it may be kept. Raises `RefusedError`."""
        return await self._allowed("answered", guild_id, scopes, person_id, text)

    async def kept(
        self, guild_id: int | None, scopes: Sequence[Scope], texts: Sequence[tuple[Side, str]]
    ) -> list[str | None]:
        """Many texts as they may be kept, None for those that may not; nobody hears of them."""
        sieves = {side: await self._sieve(guild_id, scopes, side) for side in {side for side, _ in texts}}
        if not any(sieves.values()):
            return [text for _, text in texts]
        return await asyncio.to_thread(_all_kept, sieves, texts)

    async def reply(
        self, guild_id: int | None, scopes: Sequence[Scope], person_id: int, before: str = ""
    ) -> FilteredReply | None:
        """What a reply that is about to be written goes through; None where nothing is looked for."""
        sieve = await self._sieve(guild_id, scopes, "answered")
        if sieve is None:
            return None
        about = FlaggedText(guild_id or 0, scopes[0].id, person_id, "answered", "flag", ())
        return FilteredReply(Reading(sieve, before), lambda hits: self._note(about, hits))

    async def test(self, guild_id: int, scopes: Sequence[Scope], side: Side, text: str) -> Reviewed | None:
        """What would happen to a text; None where nothing is looked for."""
        sieve = await self._sieve(guild_id, scopes, side)
        return None if sieve is None else await sieve.review(clean_text(text))

    async def _allowed(
        self,
        side: Side,
        guild_id: int | None,
        scopes: Sequence[Scope],
        person_id: int,
        text: str,
        *,
        note: bool = True,
    ) -> str:
        sieve = await self._sieve(guild_id, scopes, side)
        if sieve is None or not text:
            return text
        reviewed = await sieve.review(text)
        if note or reviewed.blocked:
            self._note(FlaggedText(guild_id or 0, scopes[0].id, person_id, side, "flag", ()), reviewed.hits)
        if reviewed.blocked:
            raise RefusedError(Reason.FILTERED)
        return reviewed.text

    def _note(self, about: FlaggedText, hits: Sequence[Hit]) -> None:
        if self.on_flag is None or not about.guild_id:
            return
        for action in ("block", "flag"):
            found = [hit for hit in hits if hit.meaning.action == action or (action == "block" and _gave_up(hit))]
            if found:
                labels = tuple(dict.fromkeys(hit.meaning.label for hit in found))
                self.on_flag(
                    FlaggedText(
                        about.guild_id, about.channel_id, about.person_id, about.side, action, labels,
                        any(hit.late for hit in found),
                    )
                )  # fmt: skip

    # --- filters

    async def all(self, guild_id: int) -> Sequence[FilterRule]:
        """The guild's filters, the oldest first."""
        return await self._rules.of(guild_id)

    async def add(
        self,
        guild_id: int,
        kind: FilterKind,
        text: str,
        *,
        side: FilterSide,
        action: FilterAction,
        channel_id: int | None,
        by: int,
    ) -> FilterRule:
        """Look for something from now on. Raises `FilterError`."""
        text = clean_text(text).strip()
        existing = await self._rules.of(guild_id)
        if kind == "pattern":
            await asyncio.to_thread(compiled, text)
            if sum(rule.kind == "pattern" for rule in existing) >= MOST_PATTERNS:
                raise TooManyFiltersError(MOST_PATTERNS, "patterns")
        else:
            text = ", ".join(read_words(text))
            words = sum(len(split(rule.text)) for rule in existing if rule.kind == "words")
            if words + len(split(text)) > MOST_WORDS:
                raise TooManyFiltersError(MOST_WORDS, "words")
        rule = await self._rules.add(
            guild_id, kind, text, side=side, action=action, channel_id=channel_id, by=by, most=MOST
        )
        if rule is None:
            raise TooManyFiltersError(MOST, "filters")
        return rule

    def is_bounded(self, rule: FilterRule) -> bool:
        """Whether its matches have a longest length; else replies wait until they are written."""
        sieve = made([rule], ())
        return sieve is None or sieve.bounded

    async def remove(self, guild_id: int, filter_id: int, by: int) -> FilterRule:
        """Look for something no longer. Raises `NoSuchFilterError`."""
        rule = await self._rules.remove(guild_id, filter_id, by)
        if rule is None:
            raise NoSuchFilterError
        return rule

    # --- making ready

    async def _sieve(self, guild_id: int | None, scopes: Sequence[Scope], side: Side) -> Sieve | None:
        """All that is looked for here; None if nothing is."""
        fresh = None
        if guild_id is None:
            guild_id, fresh = self._presences.home_in(scopes[0].id) if scopes else None, FRESH_SECONDS
        if guild_id is None:
            return None
        rules = await self._rules.of(guild_id, fresh)
        server = await self._server_rules.of(guild_id)
        if not rules and not server:
            return None
        compiled_ = self._compiled.get(guild_id)
        if compiled_ is None or compiled_.rules is not rules or compiled_.server is not server:
            compiled_ = self._compiled[guild_id] = _Compiled(rules, server)
        self._compiled.move_to_end(guild_id)
        while len(self._compiled) > MAX_COMPILED_GUILDS:
            self._compiled.popitem(last=False)
        places = {scope.id for scope in scopes if scope.kind in {"channel", "thread"}}
        chosen = [rule for rule in rules if rule.side in {side, "both"} and rule.channel_id in {None, *places}]
        theirs = [rule for rule in server if not rule.exempt & places]
        key = (*(rule.id for rule in chosen), "", *map(server.index, theirs))
        if key not in compiled_.sieves:
            compiled_.sieves[key] = await asyncio.to_thread(made, chosen, theirs)
        return compiled_.sieves[key]


class FilteredReply:
    """A reply on its way to people."""

    def __init__(self, reading: Reading, note: Callable[[Sequence[Hit]], None]) -> None:
        self._reading = reading
        self._note = note
        self._noted = False

    @property
    def ended(self) -> bool:
        """Whether a filter ended it: nothing more is shown."""
        return self._reading.ended

    async def feed(self, text: str) -> str:
        """Add the next piece; returns what may be shown now."""
        shown = await self._reading.feed(text)
        self._tell(over=False)
        return shown

    async def finish(self) -> str:
        """End the reply; returns what was held back."""
        rest = await self._reading.finish()
        self._tell(over=True)
        return rest

    def _tell(self, *, over: bool) -> None:
        if (over or self.ended) and not self._noted:
            self._noted = True
            self._note(self._reading.hits)


def _all_kept(sieves: Mapping[Side, Sieve | None], texts: Sequence[tuple[Side, str]]) -> list[str | None]:
    until = time.monotonic() + ALL_TEXTS_SECONDS
    return [_kept(sieves[side], text) if time.monotonic() < until else None for side, text in texts]


def _all_reviewed(sieve: Sieve, texts: Sequence[str]) -> list[Reviewed]:
    """Up to the first that is blocked, as far as there is time."""
    until = time.monotonic() + ALL_TEXTS_SECONDS
    found: list[Reviewed] = []
    for text in texts:
        if time.monotonic() > until or (found and found[-1].blocked):
            break
        found.append(sieve.reviewed(text))
    return found


def _kept(sieve: Sieve | None, text: str) -> str | None:
    if sieve is None:
        return text
    reviewed = sieve.reviewed(text)
    return None if reviewed.blocked else reviewed.text


def _gave_up(hit: Hit) -> bool:
    """Whether a mask became a block, because nobody knows what to mask."""
    return hit.late and hit.meaning.action == "mask"
