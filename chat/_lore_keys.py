"""Looking for keys: words by plain search, patterns under a limit of time for all of them together."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

import regex

from chat._lore_entries import Entry, Key
from chat.macros import Macros
from patterns import repeats_too_much

PATTERN_SECONDS: Final = 0.15
"""What all patterns of one scan may take together; on a busy machine each ends a little late."""

ONE_PATTERN_SECONDS: Final = 0.05
"""What one of them may take, so that a bad one leaves time for the others."""

LONGEST_TEXT: Final = 100_000
"""Characters that are looked through, the newest."""

# What JavaScript has not, but for names and flags that are written everywhere; recursion and free spacing among it.
_FOREIGN: Final = regex.compile(r"\(\?(?![:=!<]|P<|[ims]+[:)])")
_BOUNDARY: Final = "\n\x01"  # no key has this in it, so that none is found across two messages
_LONG_ESCAPE: Final = regex.compile(r"\\u\{([0-9a-fA-F]{1,6})\}")
_FLAGS: Final = {"i": regex.IGNORECASE, "m": regex.MULTILINE, "s": regex.DOTALL}


class Texts:
    """What keys are looked for in: the newest messages, by how many of them, and what entries have added."""

    def __init__(self, lines: Sequence[str], also: Sequence[str]) -> None:
        """``lines`` are the messages, newest first; ``also`` is looked through whatever the depth."""
        self._lines = lines
        self._also = also
        self._added = ""
        self._made: dict[tuple[int, bool], tuple[str, str]] = {}

    def add(self, text: str) -> None:
        """Entries may match on this from now on, if they may match on others at all."""
        self._added = f"{self._added}{_BOUNDARY}{text}"[-LONGEST_TEXT:]
        self._made = {which: made for which, made in self._made.items() if not which[1]}

    def of(self, depth: int, *, recursive: bool) -> tuple[str, str]:
        """The text of so many messages as it is and with its case folded."""
        which = (depth, recursive and bool(self._added))
        if which not in self._made:
            plain = _BOUNDARY.join([*self._lines[:depth], *self._also])[:LONGEST_TEXT]
            if which[1]:
                plain += self._added
            self._made[which] = plain, plain.casefold()
        return self._made[which]


class Patterns:
    """Searches with a limit of time; a pattern that is none, or too slow, finds nothing."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._left = PATTERN_SECONDS
        self._compiled: dict[Key, regex.Pattern[str] | None] = {}
        self.slow: set[str] = set()
        """The patterns that were given up."""

    def found(self, key: Key, text: str) -> bool:
        """Whether the key's pattern is in the text."""
        if self._left <= 0 or key.text in self.slow:
            self.slow.add(key.text)
            return False
        started = self._clock()
        try:
            pattern = self._pattern(key)
            seconds = min(self._left - (self._clock() - started), ONE_PATTERN_SECONDS)
            if seconds <= 0:
                raise TimeoutError
            return pattern is not None and pattern.search(text, concurrent=True, timeout=seconds) is not None
        except TimeoutError:
            self.slow.add(key.text)
            return False
        finally:
            self._left -= self._clock() - started

    def _pattern(self, key: Key) -> regex.Pattern[str] | None:
        if key not in self._compiled:
            self._compiled[key] = _compiled(key)
        return self._compiled[key]


def _compiled(key: Key) -> regex.Pattern[str] | None:
    """The pattern as JavaScript reads it, nearly; None when it is none."""
    flags = regex.IGNORECASE if key.ignore_case else regex.RegexFlag(0)
    for letter in key.flags:
        flags |= _FLAGS.get(letter, regex.RegexFlag(0))
    if repeats_too_much(key.pattern or "") or _FOREIGN.search(key.pattern or ""):
        return None
    written = (key.pattern or "").replace("[^]", r"[\s\S]").replace("[]", "(?!)")
    try:
        written = _LONG_ESCAPE.sub(lambda match: regex.escape(chr(int(match[1], 16))), written)
        return regex.compile(written, flags | regex.VERSION0, cache_pattern=False)
    except Exception:  # noqa: BLE001 - a stranger's pattern makes the compiler fail in more ways than it documents
        return None


class Finder:
    """Which keys of an entry are in the text."""

    def __init__(self, texts: Texts, patterns: Patterns, macros: Macros, scan_depth: int) -> None:
        self._texts = texts
        self._patterns = patterns
        self._macros = macros
        self._scan_depth = scan_depth

    def folded(self, depth: int | None, *, recursive: bool) -> str:
        """What an entry without a depth of its own looks through, its case folded."""
        return self._texts.of(self._scan_depth if depth is None else depth, recursive=recursive)[1]

    def primary(self, entry: Entry, depth: int | None, *, recursive: bool) -> Key | None:
        """The first of the entry's keys that is found."""
        return self.first(entry, entry.keys, depth, recursive=recursive)

    def first(self, entry: Entry, keys: Sequence[Key], depth: int | None, *, recursive: bool) -> Key | None:
        """The first of these keys that is found in what the entry looks through."""
        plain, folded = self._text(entry, depth, recursive=recursive)
        return next((key for key in keys if self._holds(entry, key, plain, folded)), None)

    def count(self, entry: Entry, keys: Sequence[Key], depth: int | None, *, recursive: bool) -> int:
        """How many of these keys are found."""
        plain, folded = self._text(entry, depth, recursive=recursive)
        return sum(self._holds(entry, key, plain, folded) for key in keys)

    def _text(self, entry: Entry, depth: int | None, *, recursive: bool) -> tuple[str, str]:
        wanted = entry.scan_depth if entry.scan_depth is not None else depth
        return self._texts.of(self._scan_depth if wanted is None else wanted, recursive=recursive)

    def _holds(self, entry: Entry, key: Key, plain: str, folded: str) -> bool:
        if key.pattern is not None:
            return self._patterns.found(key, plain)
        text = key.text if entry.case_sensitive else key.folded
        if key.has_macros:
            text = self._macros.expand(key.text).strip()
            text = text if entry.case_sensitive else text.casefold()
        where = plain if entry.case_sensitive else folded
        if not text or text not in where:
            return False
        return not entry.whole_words or " " in text or _stands_alone(text, where)


def _stands_alone(word: str, text: str) -> bool:
    """Whether the word is somewhere in the text with nothing of a word beside it."""
    start = text.find(word)
    while start >= 0:
        end = start + len(word)
        before, after = text[start - 1 : start] if start else "", text[end : end + 1]
        if not (_is_of_word(before) or _is_of_word(after)):
            return True
        start = text.find(word, start + 1)
    return False


def _is_of_word(sign: str) -> bool:
    """As JavaScript sees it: letters with accents and other scripts are none, so that endings of words there fit."""
    return sign.isascii() and (sign.isalnum() or sign == "_")
