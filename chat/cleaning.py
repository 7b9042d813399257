"""Keeps a reply to the bot's own words: no name in front of them, and nothing said for other people.

``speaker_stops`` asks the service to end there; ``ReplyCleaner`` sees to what comes all the same.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

import regex

from chat._markdown import find_code
from chat._speakers import clean_name

MOST_SPEAKERS: Final = 8
"""A model speaks for who spoke last; lines of anybody further back are cut by ``ReplyCleaner`` all the same."""

# White space waits for what comes behind it, because it goes when that is cut; a runaway of it must not pile up.
_MOST_SPACE: Final = 200
_PIECE: Final = regex.compile(r"(?P<space>\s+)|\S+")
_MARKS: Final = r"\*{1,3}|_{1,3}"
_COLON: Final = r"[ \t]?[:：]"


def speaker_stops(names: Sequence[str], own: Sequence[str] = (), most: int = MOST_SPEAKERS) -> list[str]:
    """Texts at which generation is to end, one for each distinct name; ``names`` come newest speaker first.

    Names that the bot itself goes by are left out.
    """
    mine = _folded(own)
    distinct = dict.fromkeys(clean_name(name) for name in names)
    return [f"\n{name}:" for name in distinct if name.casefold() not in mine][:most]


class ReplyCleaner:
    """Takes a reply piece by piece and gives back what may be shown.

    The own name in front of the reply or of a line goes ("Ada:", "**Ada:**", "**Ada**:"); at a line that begins with
    one of ``others`` the reply has ``ended``. Only the beginning of a line that may become a name is held back, and
    white space. Names are cleaned here. A continuation passes in ``before`` what stands in front of it.
    """

    def __init__(self, own_names: Sequence[str], others: Sequence[str], *, before: str = "") -> None:
        mine = _folded(own_names)
        own = [clean_name(name) for name in own_names if name.strip()]
        foreign = [name for name in map(clean_name, others) if name.casefold() not in mine]
        self.ended = False  # a line for somebody else began; nothing more is shown
        self._leftovers = tuple(f"{name}:" for name in foreign)
        self._own = _prefix(own)
        self._any = _prefix([*own, *foreign])
        self._foreign = _loose_prefix(foreign)
        self._seen = bool(before.strip())  # whether anything but white space stands in front
        self._at_start = True  # of a line, and undecided
        self._drop_space = False
        self._space = ""
        self._held = ""  # the beginning of a line that may become a name
        self._in_fence = False  # at the beginning of the line
        head, _, self._line = before.rpartition("\n")
        self._in_fence = self._inside_fence(head)

    def feed(self, text: str) -> str:
        """Add the next piece; returns what has become visible."""
        return "" if self.ended else self._run(self._held + text, final=False)

    def finish(self, *, stopped: bool = True) -> str:
        """End the reply; returns what was held back in vain.

        ``stopped`` says that it ended by itself: then a beginning of somebody's name in a last line is what is left
        of a stop text, and goes. With ``stopped=False`` (its length limit cut it) it stays.
        """
        if self.ended:
            return ""
        if stopped and self._held and self._space.endswith("\n") and not self._drop_space:
            self.ended = any(text.startswith(self._held) for text in self._leftovers)
        shown = "" if self.ended else self._run(self._held, final=True) + self._space
        self._space = self._held = ""
        return shown

    def _run(self, text: str, *, final: bool) -> str:
        self._held = ""
        shown: list[str] = []
        position = 0
        while not self.ended and (piece := _PIECE.match(text, position)):
            if piece["space"]:
                self._wait(piece[0], shown)
                position = piece.end()
                continue
            name = self._name(text, position, final=final)
            if name is None:
                self._show(piece[0], shown)
                position = piece.end()
            elif name.partial:
                self._held = text[position:]
                break
            else:
                position = name.end()
        return "".join(shown)

    def _wait(self, space: str, shown: list[str]) -> None:
        if "\n" in space:
            self._in_fence = self._inside_fence(self._line)
            self._line = ""
            self._at_start = True
        if self._drop_space:
            return
        self._space += space
        if len(self._space) > _MOST_SPACE:
            shown.append(self._space[:-_MOST_SPACE])
            self._space = self._space[-_MOST_SPACE:]

    def _name(self, text: str, position: int, *, final: bool) -> regex.Match[str] | None:
        """A name to be taken away here, perhaps its beginning only; ends the reply when it is not the bot's."""
        if not self._at_start or self._inside_fence(self._line):
            return None
        # An answer that begins under a wrong name is an answer all the same, to be shown rather than nothing: models
        # put the name of who they talk to in front. The next line for somebody else ends it.
        taken = self._own if self._seen else self._any
        if name := taken.match(text, position, partial=not final):
            self._drop_space = not name.partial
            return name
        name = self._foreign.match(text, position, partial=not final) if self._seen else None
        if name and not name.partial:
            self.ended = True
            self._space = ""
        return name

    def _show(self, word: str, shown: list[str]) -> None:
        shown += (self._space, word)
        self._line += self._space + word
        self._space = ""
        self._at_start = self._drop_space = False
        self._seen = True

    def _inside_fence(self, line: str) -> bool:
        fences = find_code(line, "" if self._in_fence else None).fences
        return bool(fences) and fences[-1].end is None


def _folded(names: Iterable[str]) -> set[str]:
    return {clean_name(name).casefold() for name in names if name.strip()}


def _any_of(names: Iterable[str]) -> str:
    """One of the names, however its accents are encoded; a pattern that matches nothing when there are none."""
    forms = {unicodedata.normalize(form, name) for name in names for form in ("NFC", "NFD")} | set(names)
    return "|".join(map(regex.escape, sorted(forms, key=len, reverse=True))) or r"(?!)"


def _prefix(names: Sequence[str]) -> regex.Pattern[str]:
    """A name with its colon; marks are closed directly behind either, else they belong to the text."""
    marked = rf"(?P<marks>{_MARKS})(?:{{names}})(?:(?P=marks){_COLON}|{_COLON}(?P=marks))"
    return regex.compile(f"{marked}|(?:{{names}}){_COLON}".replace("{names}", _any_of(names)), regex.IGNORECASE)


def _loose_prefix(names: Sequence[str]) -> regex.Pattern[str]:
    """A name with its colon whatever becomes of the marks, for lines that are cut."""
    return regex.compile(rf"(?:{_MARKS})?(?:{_any_of(names)})(?:{_MARKS})?{_COLON}", regex.IGNORECASE)
