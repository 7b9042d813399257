"""From filters as they are kept to what looks for them."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from typing import Final

from moderation._finding import Excepting, Finder, Meaning
from moderation._patterns import Pattern
from moderation._sieve import Sieve
from moderation._words import LONGEST_WORDS, Phrase, Words, divided
from moderation.errors import NoWordsError, PatternError
from moderation.server_rules import ServerRule
from storage import FilterAction, FilterRule, clean_text

logger = logging.getLogger(__name__)

_COMMAS: Final = re.compile(r"[,，、،\n]")  # people type the comma of their script


def read_words(text: str) -> list[str]:
    """Words and phrases typed with commas between, each once. Raises `NoWordsError`."""
    found: dict[Phrase, str] = {}
    for typed in split(text):
        phrase = Phrase.read(typed)
        if phrase is not None:
            if len(typed) > LONGEST_WORDS or len(phrase.text) > LONGEST_WORDS:
                raise NoWordsError(long=True)
            found.setdefault(phrase, typed)
    if not found:
        raise NoWordsError
    return list(found.values())


def split(text: str) -> list[str]:
    """What stands between the commas."""
    return [" ".join(part.split()) for part in _COMMAS.split(text) if part.strip()]


def made(rules: Sequence[FilterRule], server: Sequence[ServerRule]) -> Sieve | None:
    """What looks for all of these."""
    finders: list[Finder] = []
    words: dict[FilterAction, dict[Phrase, Meaning]] = {}
    for rule in rules:
        if rule.kind == "pattern":
            finders += _patterns([rule.text], Meaning(rule.action, rule.text, rule.id))
        else:
            for typed in split(rule.text):
                if (phrase := Phrase.read(typed)) is not None:
                    words.setdefault(rule.action, {}).setdefault(phrase, Meaning(rule.action, typed, rule.id))
    finders += [Words(side) for phrases in words.values() for side in divided(phrases)]
    for theirs in server:
        finders += _of_server(theirs)
    return Sieve(finders) if finders else None


def _of_server(rule: ServerRule) -> list[Finder]:
    action: FilterAction = "block" if rule.blocks else "flag"
    finders: list[Finder] = []
    for pattern in rule.patterns:
        finders += _patterns([pattern], Meaning(action, pattern))
    finders += [Words(side) for side in divided(_phrases(rule.keywords, action))]
    allowed = [Words(side) for side in divided(_phrases(rule.allowed, action))]
    return [Excepting(finder, allowed) for finder in finders] if allowed else finders


def _phrases(typed: Sequence[str], action: FilterAction) -> Mapping[Phrase, Meaning]:
    read = ((Phrase.read(clean_text(text)), text) for text in typed)
    found = ((phrase, text) for phrase, text in read if phrase is not None and len(phrase.text) <= LONGEST_WORDS)
    return {phrase: Meaning(action, text) for phrase, text in found}


def _patterns(written: Sequence[str], meaning: Meaning) -> list[Finder]:
    found: list[Finder] = []
    for text in written:
        try:
            found.append(Pattern(text, meaning))
        except PatternError as error:
            logger.info("a pattern is not looked for: %s", error.problem)
    return found
