"""How macros stand in a text: ``{{name}}``, ``{{name:words}}``, ``{{name::a::b}}``, nested ones, and ``<USER>``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

MOST_NESTED: Final = 8
"""Braces inside of more braces than this are words."""

_TOKEN: Final = re.compile(r"\{\{(?!\{)|\}\}|<(?:user|bot|char)>", re.IGNORECASE)
_NAME: Final = re.compile(r"\s*([a-z]\w*(?:[+-]\d{1,2})?)\s*?(::|:|\s|\Z)", re.IGNORECASE)
_LONGEST_CLOSED: Final = 4_000  # so far behind an end it is looked whether a macro closes
_LOOSE_NAME: Final = re.compile(r"\{\{\s*([#/.$]?[a-z]\w{0,39})", re.IGNORECASE)
_COMMENT: Final = re.compile(r"\s*(//)()")
_COMMA: Final = re.compile(r"(?<!\\),")


class Piece(NamedTuple):
    """Some text, and whether it stands there as it was written or was put there by a macro."""

    text: str
    written: bool


@dataclass(frozen=True, slots=True)
class Call:
    """A macro as it was written; `offset` is where its braces are in the text."""

    name: str
    words: tuple[Piece, ...]
    offset: int
    source: str

    @property
    def argument(self) -> str:
        """Everything behind the name."""
        return "".join(piece.text for piece in self.words).strip()

    def fields(self) -> list[str]:
        """What ``::`` divides; what a macro has put there is not looked into."""
        return _divided(self.words, "::")

    def choices(self) -> list[str]:
        """What ``::`` divides, or else commas that have no backslash in front."""
        if any(piece.written and "::" in piece.text for piece in self.words):
            return self.fields()
        return [item.strip() for item in _divided(self.words, None)]


class Start(NamedTuple):
    """The braces open."""

    offset: int


class End(NamedTuple):
    """The braces close."""

    offset: int


class Angle(NamedTuple):
    """One of the oldest kind: ``<USER>``, ``<BOT>``."""

    name: str
    source: str


def tokens(text: str) -> Iterator[str | Start | End | Angle]:
    """The text in pieces, each a run of words or a sign."""
    position = 0
    for match in _TOKEN.finditer(text):
        if match.start() > position:
            yield text[position : match.start()]
        position = match.end()
        sign = match[0]
        if sign == "{{":
            yield Start(match.start())
        elif sign == "}}":
            yield End(match.start())
        else:
            yield Angle(sign[1:-1].casefold(), sign)
    if position < len(text):
        yield text[position:]


def call_of(pieces: Sequence[Piece], offset: int, source: str) -> Call | None:
    """The macro between two braces; None when what stands there is none, whatever its name."""
    if not pieces or not pieces[0].written:
        return None
    name = _COMMENT.match(pieces[0].text) or _NAME.match(pieces[0].text)
    if not name or (not name[2] and name[1] != "//" and len(pieces) > 1):
        return None
    rest = Piece(pieces[0].text[name.end() :], written=True)
    words = (rest, *pieces[1:]) if rest.text else tuple(pieces[1:])
    return Call(name[1].casefold(), words, offset, source)


def beginning(text: str, most: int) -> str:
    """As much of a text, at its beginning, as ends outside of every macro."""
    if len(text) <= most:
        return text
    end, opened = most, list[int]()
    for token in _TOKEN.finditer(text, 0, most + _LONGEST_CLOSED):
        if token[0] == "{{":
            opened.append(token.start())
            continue
        start = token.start() if token[0] != "}}" or not opened else opened.pop()
        if start < most < token.end():
            end = min(end, start)
    return text[:end]


def name_in(source: str) -> str:
    """What a macro that nobody knows seems to be called; nothing if it has no name."""
    found = _LOOSE_NAME.match(source)
    return found[1].casefold() if found else ""


def _divided(pieces: Sequence[Piece], separator: str | None) -> list[str]:
    """The pieces' text, divided where the separator (or a comma, for None) was written."""
    items = [""]
    for text, written in pieces:
        if not written:
            items[-1] += text
            continue
        first, *others = _at_commas(text) if separator is None else text.split(separator)
        items[-1] += first
        items += others
    return items


def _at_commas(text: str) -> list[str]:
    return [item.replace("\\,", ",") for item in _COMMA.split(text)]
