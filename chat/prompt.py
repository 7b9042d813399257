"""Puts a prompt together within a model's context window.

Fixed parts first, then as much of the history as fits, the newest first. When space is short the oldest history goes,
then examples, then lore; constants are only shortened to leave a quarter of the space to the newest turn.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from chat._sections import HISTORY, POST_HISTORY, SYSTEM_PARTS, FixedParts, Section, with_insertions
from chat._speakers import clean_name, named
from chat._trimming import trim_middle, trim_start
from chat.pictures import PICTURE_TOKENS, with_pictures
from chat.tokens import TokenEstimator
from storage import Picture

__all__ = ["PartCount", "Prompt", "PromptBuilder", "Section", "Turn"]

SMALLEST_WINDOW: Final = 256
"""A context window below this is a mistake, no model."""

# The share of the space that the newest turn gets however long the fixed parts are.
_NEWEST_SHARE = 1 / 4
# So much of the window may stay empty; above it the end of the next older turn fills it.
_UNUSED_SHARE = 1 / 25
# What a chat template adds once: the beginning of the text, perhaps a date, and the opening of the answer.
_OPENING_TOKENS = 32.0


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of the history; ``speaker`` is the person's display name, ``pictures`` those that are shown.

    The name stands in front once there are several speakers, and always where another persona speaks.
    """

    id: int
    role: str
    speaker: str | None
    content: str
    pictures: tuple[Picture, ...] = ()
    speaker_id: int | None = None
    is_persona: bool = False


@dataclass(frozen=True, slots=True)
class PartCount:
    """The estimated tokens of one part of a prompt."""

    name: str
    tokens: int


@dataclass(frozen=True, slots=True)
class Prompt:
    """A finished prompt and what is in it; prompt, reserve, margin and free tokens together are the window."""

    messages: list[dict[str, Any]]
    counts: tuple[PartCount, ...]
    prompt_tokens: int
    history_tokens: int
    included_ids: tuple[int, ...]  # oldest first
    speakers: tuple[str, ...]  # people, the newest first
    dropped: int  # turns that were offered in vain
    dropped_sections: tuple[str, ...]
    trimmed: tuple[str, ...]  # names of the parts of which only a piece is in
    window: int
    reserve_tokens: int
    margin_tokens: int
    free_tokens: int


@dataclass(frozen=True, slots=True)
class _Included:
    turn: Turn
    name: str | None
    plain: float
    with_name: float

    @property
    def speaker(self) -> tuple[str, int | None]:
        return self.name or "", self.turn.speaker_id

    def message(self, label: str | None) -> dict[str, Any]:
        content = named(label, self.turn.content) if label else self.turn.content
        return {"role": self.turn.role, "content": with_pictures(content, self.turn.pictures)}


class PromptBuilder:
    """Collects what fits; turns are offered newest first until one is refused."""

    def __init__(
        self, estimator: TokenEstimator, window: int, reserve_tokens: int, sections: Sequence[Section] = ()
    ) -> None:
        """``reserve_tokens`` is kept for the answer, at most half of the window."""
        if window < SMALLEST_WINDOW:
            raise ValueError(f"a context window has at least {SMALLEST_WINDOW} tokens")
        self._estimator = estimator
        self._window = window
        self._reserve = min(reserve_tokens, window // 2)
        self._space = math.floor((window - self._reserve) / (1 + estimator.margin) - _OPENING_TOKENS)
        self._fixed = FixedParts(sections, estimator)
        self._included: list[_Included] = []  # newest first
        self._plain = 0.0
        self._with_names = 0.0
        self._speakers: set[tuple[str, int | None]] = set()
        self._heard_persona = False
        self._asked = False  # the newest user turn is in
        self._full = False
        self._dropped = 0
        self._trimmed_turn = False

    def offer(self, turn: Turn) -> bool:
        """Take the next older turn; False once there is no space for more and the newest user turn is in."""
        if not turn.content.strip():
            return not (self._full and self._asked)
        if not self._asked and (turn.role == "user" or not self._included):
            self._take_newest(turn)
            return True
        if not self._full and self._history_tokens(entry := self._measured(turn)) <= self._left() - self._owed():
            self._take(entry)
            return True
        if not self._full and self._asked and self._take_end_of(turn):
            return True
        self._full = True
        self._dropped += 1
        return not self._asked

    def build(self) -> Prompt:
        """The prompt of what was taken."""
        self._fixed.give_way(self._space)
        self._fixed.shrink(self._space)
        labels = self._labels()
        shown = labels if self._heard_persona or len(set(labels.values())) > 1 else {}
        history = [entry.message(shown.get(entry.speaker)) for entry in reversed(self._included)]
        opening = self._fixed.system_message()
        messages = [{"role": "system", "content": opening}] if opening else []
        messages += with_insertions(history, self._fixed.sections, whole=not self._full)
        counts = self._counts()
        total = sum(count.tokens for count in counts)
        free = max(0, self._space - total)
        return Prompt(
            messages=messages,
            counts=counts,
            prompt_tokens=total,
            history_tokens=next((count.tokens for count in counts if count.name == HISTORY), 0),
            included_ids=tuple(entry.turn.id for entry in reversed(self._included)),
            speakers=tuple(dict.fromkeys(labels.values())),
            dropped=self._dropped,
            dropped_sections=tuple(self._fixed.dropped),
            trimmed=(*dict.fromkeys(self._fixed.trimmed), *((HISTORY,) if self._trimmed_turn else ())),
            window=self._window,
            reserve_tokens=self._reserve,
            margin_tokens=self._window - self._reserve - total - free,
            free_tokens=free,
        )

    def _labels(self) -> dict[tuple[str, int | None], str]:
        """What each speaker is called, the newest first; two people of one name are told apart by a number."""
        speakers = dict.fromkeys(entry.speaker for entry in self._included if entry.name)
        people = Counter(name for name, person in speakers if person is not None)  # imported words have only names
        return {
            (name, person): f"{name} ({person % 1000})" if person is not None and people[name] > 1 else name
            for name, person in speakers
        }

    def _counts(self) -> tuple[PartCount, ...]:
        tokens: dict[str, float] = dict.fromkeys(SYSTEM_PARTS, 0.0)
        tokens |= {section.name: 0.0 for section in self._fixed.sections if section.depth is not None}
        tokens |= {HISTORY: self._history_tokens(), POST_HISTORY: 0.0}
        for section in self._fixed.sections:
            tokens[section.name] += self._fixed.tokens_of(section)
        opening = next((name for name in SYSTEM_PARTS if tokens[name]), None)
        if opening:
            tokens[opening] += self._estimator.message_overhead
        return tuple(PartCount(name, round(count)) for name, count in tokens.items() if count)

    def _left(self) -> float:
        return self._space - self._fixed.tokens

    def _measured(self, turn: Turn) -> _Included:
        name = clean_name(turn.speaker) if turn.role == "user" and turn.speaker else None
        overhead = self._estimator.message_overhead + PICTURE_TOKENS * len(turn.pictures)
        plain = self._estimator.measure(turn.content) + overhead
        with_name = self._estimator.measure(named(name, turn.content)) + overhead if name else plain
        return _Included(turn, name, plain, with_name)

    def _history_tokens(self, more: _Included | None = None) -> float:
        """What the history costs, with one more turn; names count once two people or a persona are in it."""
        speakers = self._speakers | ({more.speaker} if more and more.name else set())
        if len(speakers) > 1 or self._heard_persona or (more is not None and more.turn.is_persona):
            return self._with_names + (more.with_name if more else 0.0)
        return self._plain + (more.plain if more else 0.0)

    def _take(self, entry: _Included) -> None:
        self._included.append(entry)
        self._plain += entry.plain
        self._with_names += entry.with_name
        if entry.name:
            self._speakers.add(entry.speaker)
        self._heard_persona = self._heard_persona or entry.turn.is_persona

    def _owed(self) -> float:
        """What must stay free for the newest user turn while only replies behind it are in."""
        return 0.0 if self._asked else self._space * _NEWEST_SHARE / 2

    def _take_newest(self, turn: Turn) -> None:
        """Take the newest user turn, or the reply behind it that is being continued, whatever it takes."""
        self._asked = turn.role == "user"
        share = self._space * _NEWEST_SHARE - self._owed()
        needed = self._history_tokens(self._measured(turn))
        self._fixed.give_way(self._space - needed - self._owed())
        self._fixed.shrink(self._space - min(needed, self._history_tokens() + share) - self._owed())
        room = self._left() - self._owed()
        if needed > room:
            turn = self._shortened(turn, room, from_start=not self._asked)
        self._take(self._measured(turn))

    def _take_end_of(self, turn: Turn) -> bool:
        """Fill what would stay empty with the end of a turn that is too long for it; nothing else fits then."""
        self._full = True
        if self._left() - self._around(turn) < self._window * _UNUSED_SHARE:
            return False
        self._take(self._measured(self._shortened(turn, self._left(), from_start=True)))
        return True

    def _shortened(self, turn: Turn, room: float, *, from_start: bool) -> Turn:
        """The turn with so little text that the history stays within the room."""
        trim = trim_start if from_start else trim_middle
        self._trimmed_turn = True
        return replace(turn, content=trim(turn.content, room - self._around(turn) - 1, self._estimator))

    def _around(self, turn: Turn) -> float:
        """What the history would cost with this turn, apart from the turn's text."""
        return self._history_tokens(self._measured(replace(turn, content="")))
