"""What the bot answers to in a channel: mentions, every message, keywords, or nothing."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import regex

Kind = Literal["mention", "always", "keywords", "off"]

# Written without spaces, or, in Korean, with particles that stick to the word: a word may stand inside others there.
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Bopomofo}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}"
_SPACED = rf"[[\p{{L}}\p{{M}}\p{{N}}_]--[{_UNSPACED}]]"
_SPACE = r"[\s\x1c-\x1f]+"  # what `str.split` takes for space
_spaced = regex.compile(_SPACED, regex.VERSION1)


@dataclass(frozen=True, slots=True)
class Trigger:
    """What holds in a channel. What was said until `since`, in seconds, was said to nobody."""

    kind: Kind = "mention"
    keywords: tuple[str, ...] = ()
    since: float = 0.0

    @property
    def listens(self) -> bool:
        """Whether messages that do not mention the bot are looked into at all."""
        return self.kind in {"always", "keywords"}

    def hears(self, text: str, said_at: float) -> bool:
        """Whether a message that does not mention the bot is said to it all the same."""
        if said_at <= self.since:
            return False
        return self.kind == "always" or (self.kind == "keywords" and is_called(text, self.keywords))


def is_called(text: str, keywords: Sequence[str]) -> bool:
    """Whether one of the keywords stands in the text as whole words, whatever the case and the width of its letters."""
    return bool(keywords) and _pattern(tuple(keywords)).search(folded(text)) is not None


def folded(text: str) -> str:
    """The text as it is compared: people type the same word in many ways."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


@lru_cache(maxsize=1000)
def _pattern(keywords: tuple[str, ...]) -> "regex.Pattern[str]":
    return regex.compile("|".join(map(whole_words, keywords)) or "(?!)", regex.VERSION1)


def whole_words(keyword: str) -> str:
    """The pattern of a keyword in a folded text, for `regex.VERSION1`; its words may stand any space apart."""
    words = folded(keyword).split()
    if not words:
        return "(?!)"
    before = rf"(?<!{_SPACED})" if _spaced.match(words[0][0]) else ""
    after = rf"(?!{_SPACED})" if _spaced.match(words[-1][-1]) else r"(?!\p{M})"
    return before + _SPACE.join(map(regex.escape, words)) + after
