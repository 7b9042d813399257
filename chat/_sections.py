"""The fixed parts of a prompt, and what gives way when they do not fit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from chat._trimming import trim_middle
from chat.tokens import TokenEstimator

SYSTEM_PARTS: Final = (
    "system",
    "persona",
    "lore_before",
    "description",
    "personality",
    "lore_personality",
    "scenario",
    "lore_scenario",
    "lore_after",
    "profile",
    "lore_examples_top",
    "examples",
    "lore_examples_bottom",
)
"""The parts of the opening system message, in the order in which they stand there."""

POST_HISTORY: Final = "post_history"
HISTORY: Final = "history"

# A constant shortened below this says nothing any more and is left out instead.
_SHORTEST_CONSTANT = 40


@dataclass(frozen=True, slots=True)
class Section:
    """One fixed text of a prompt: a named part, or, with ``depth``, a message that many messages before the end.

    Of examples and of lore those of the lowest ``weight`` give way first.
    """

    name: str
    text: str
    depth: int | None = None
    role: str = "system"
    weight: float = 0.0
    from_oldest: bool = False  # the depth counts messages from the beginning

    def __post_init__(self) -> None:
        if self.depth is None and self.name not in {*SYSTEM_PARTS, POST_HISTORY}:
            raise ValueError(f"no such part of a prompt: {self.name}")
        if self.depth is not None and self.depth < 0:
            raise ValueError("depth counts messages")

    @property
    def in_system_message(self) -> bool:
        """Whether it is a piece of the opening system message rather than a message of its own."""
        return self.depth is None and self.name != POST_HISTORY

    @property
    def constant(self) -> bool:
        """Whether it stays as long as possible; examples and lore give way before."""
        return self.name != "examples" and not self.name.startswith("lore")


class FixedParts:
    """The sections of one prompt with their tokens."""

    def __init__(self, sections: Sequence[Section], estimator: TokenEstimator) -> None:
        self._estimator = estimator
        self.sections = [section for section in sections if section.text.strip()]
        self._tokens: float | None = None  # of all, until they change
        self.dropped: list[str] = []
        self.trimmed: list[str] = []

    def tokens_of(self, section: Section) -> float:
        """What a section costs, with the blank line or the message around it."""
        around = 1.0 if section.in_system_message else self._estimator.message_overhead
        return self._estimator.measure(section.text) + around

    @property
    def tokens(self) -> float:
        """What all sections cost together."""
        if self._tokens is None:
            opening = self._estimator.message_overhead if any(s.in_system_message for s in self.sections) else 0.0
            self._tokens = opening + sum(map(self.tokens_of, self.sections))
        return self._tokens

    def system_message(self) -> str:
        """The opening system message, empty when there is none."""
        pieces = (
            s.text.strip() for name in SYSTEM_PARTS for s in self.sections if s.in_system_message and s.name == name
        )
        return "\n\n".join(pieces)

    def give_way(self, tokens: float) -> None:
        """Leave out examples, then lore, the lightest ones first, of equal ones the last, until they fit."""
        for group in ("examples", "lore"):
            for section in sorted(self._group(group), key=lambda section: section.weight):
                if self.tokens <= tokens:
                    return
                self._drop(section)

    def shrink(self, tokens: float) -> None:
        """Shorten the longest of what is left until it fits."""
        while self.sections and self.tokens > tokens:
            longest = max(self.sections, key=self.tokens_of)
            goal = self._estimator.measure(longest.text) - (self.tokens - tokens)
            if goal < _SHORTEST_CONSTANT:
                self._drop(longest)
                continue
            shorter = replace(longest, text=trim_middle(longest.text, goal, self._estimator))
            self.sections[self.sections.index(longest)] = shorter
            self._tokens = None
            self.trimmed.append(longest.name)
            if self.tokens_of(shorter) >= self.tokens_of(longest):
                self._drop(shorter)

    def _group(self, name: str) -> list[Section]:
        """Those that may give way, the last first."""
        found = [section for section in self.sections if not section.constant and section.name.startswith(name)]
        return found[::-1]

    def _drop(self, section: Section) -> None:
        self.sections.remove(section)
        self._tokens = None
        self.dropped.append(section.name)


def with_insertions(
    history: Sequence[dict[str, Any]], sections: Iterable[Section], *, whole: bool = True
) -> list[dict[str, Any]]:
    """The history with the sections that stand at a depth in it, and the instructions behind it.

    What is counted from the beginning stands above all the rest as soon as that is not the ``whole`` history any more.
    """
    at: dict[int, list[dict[str, Any]]] = {}
    after: list[dict[str, Any]] = []
    for section in sections:
        message = {"role": section.role, "content": section.text.strip()}
        if section.depth is not None:
            at.setdefault(_place(section, section.depth, len(history), whole=whole), []).append(message)
        elif section.name == POST_HISTORY:
            after.append(message)
    messages: list[dict[str, Any]] = []
    for index in range(len(history) + 1):
        messages += at.get(index, ())
        messages += history[index : index + 1]
    return messages + after


def _place(section: Section, depth: int, length: int, *, whole: bool) -> int:
    """Before which message of the history it stands."""
    if section.from_oldest:
        return min(depth, length) if whole else 0
    return max(0, length - depth)
