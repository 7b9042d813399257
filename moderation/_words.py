"""Words and phrases, found together in one pass over a folded text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from moderation._finding import Found, Look, Meaning
from moderation._folding import fold

LONGEST_WORDS: Final = 60
"""Characters of a word or phrase, as many as Discord's own filter takes."""

# Between the words of a phrase. With so few a phrase of the longest kind stays below the 200 signs of a match.
_MOST_SPACES: Final = 4
_GAP: Final = rf"\s{{1,{_MOST_SPACES}}}"

# Written without spaces, or, in Korean, with particles that stick to the word: a word may stand inside others there.
_UNSPACED: Final = (
    "\u0e00-\u0eff\u0f00-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3040-\u31ff\u3400-\u9fff\ua960-\ua97f"
    "\uac00-\ud7ff\uf900-\ufaff\uff66-\uffdc\U00020000-\U0003ffff"
)
_LETTER: Final = f"[^\\W_{_UNSPACED}]"
# Signs of Hebrew, Arabic and Indic words that are no letters.
_SIGN: Final = "[\u0591-\u05c7\u0610-\u061a\u0900-\u0dff]"
_letter: Final = re.compile(f"{_LETTER}|{_SIGN}")
_NOT_BEHIND: Final = f"(?<!{_LETTER})(?<!{_SIGN})"
_NOT_BEFORE: Final = f"(?!{_LETTER}|{_SIGN})"


def is_letter(sign: str) -> bool:
    """Whether a word goes on with this sign, of a folded text."""
    return sign.isalnum() if sign.isascii() else _letter.match(sign) is not None


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words as they are looked for, folded; open to the left or right where a word may go on there."""

    words: tuple[str, ...]
    open_left: bool
    open_right: bool

    @classmethod
    def read(cls, typed: str) -> Phrase | None:
        """What somebody typed, with ``*`` in front or behind where a word may go on; None if nothing is in it."""
        text = " ".join(typed.split())
        core = text.strip("*").strip()
        words = tuple(fold(core).split())
        if not words:
            return None
        open_left = text.startswith("*") or not is_letter(words[0][0])
        open_right = text.endswith("*") or not is_letter(words[-1][-1])
        return cls(words, open_left, open_right)

    @property
    def text(self) -> str:
        """The words with a space between."""
        return " ".join(self.words)

    @property
    def widest(self) -> int:
        """The longest stretch of text that can be this, with what is looked at behind it."""
        return sum(map(len, self.words)) + _MOST_SPACES * (len(self.words) - 1) + 1


@dataclass(slots=True)
class _Node:
    """What may follow after the same beginning; a gap between words is a space here."""

    following: dict[str, _Node] = field(default_factory=dict)
    ends: bool = False


class Words:
    """Looks for phrases that are alike in what they are open to."""

    bounded = True

    def __init__(self, phrases: Mapping[Phrase, Meaning]) -> None:
        self._root = _Node()
        self._meanings: dict[str, Meaning] = {}
        for phrase, meaning in phrases.items():
            self._meanings.setdefault(phrase.text, meaning)
            _plant(self._root, phrase.text)
        first = next(iter(phrases))
        self._open_left = first.open_left
        signs = "".join(map(re.escape, self._root.following))
        before = "" if first.open_left else _NOT_BEHIND
        self._whole = re.compile(
            f"(?=[{signs}]){before}(?:{_pattern(self._root)}){'' if first.open_right else _NOT_BEFORE}"
        )
        self.widest = max(phrase.widest for phrase in phrases)
        self.meaning = next(iter(phrases.values()))

    def look(self, text: str, scan: int, until: float, *, final: bool) -> Look:
        """What is found, without any limit of time: such a search is never slow."""
        del until
        hold = len(text) if final else self._begun(text, scan)
        return Look(list(self._found(text, scan, hold)), hold)

    def _begun(self, text: str, scan: int) -> int:
        """From where on the text may still become something."""
        firsts = self._root.following
        for place in range(max(scan, len(text) - self.widest), len(text)):
            if text[place] not in firsts or (place > 0 and not self._open_left and is_letter(text[place - 1])):
                continue
            if _may_go_on(self._root, text, place):
                return place
        return len(text)

    def _found(self, text: str, scan: int, until: int) -> Iterator[Found]:
        """All that begins before a place; the longest that begins there."""
        match = self._whole.search(text, scan)
        while match is not None and match.start() < until:
            yield Found(match.start(), match.end(), self._meanings[" ".join(match[0].split())])
            match = self._whole.search(text, match.start() + 1)


def divided(phrases: Mapping[Phrase, Meaning]) -> Iterable[Mapping[Phrase, Meaning]]:
    """The phrases by what they are open to."""
    kinds: dict[tuple[bool, bool], dict[Phrase, Meaning]] = {}
    for phrase, meaning in phrases.items():
        kinds.setdefault((phrase.open_left, phrase.open_right), {})[phrase] = meaning
    return kinds.values()


def _plant(node: _Node, text: str) -> None:
    for sign in text:
        node = node.following.setdefault(sign, _Node())
    node.ends = True


def _pattern(node: _Node) -> str:
    """What may follow, the longest first."""
    ways = [
        (_GAP if sign == " " else re.escape(sign)) + _pattern(below) for sign, below in sorted(node.following.items())
    ]
    if node.ends:
        ways.append("")
    return ways[0] if len(ways) == 1 else f"(?:{'|'.join(ways)})"


def _may_go_on(node: _Node | None, text: str, place: int) -> bool:
    """Whether everything from this place to the end of the text is the beginning of something."""
    spaces = 0
    for sign in text[place:]:
        spaces = spaces + 1 if sign.isspace() else 0
        if spaces > _MOST_SPACES:
            return False
        if spaces < 2:
            node = node.following.get(" " if spaces else sign) if node is not None else None
        if node is None:
            return False
    return True
