"""The tree of a channel's conversation as text: where branches leave, what they hold, and which of them goes on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Final

import regex

from storage import OutlinedMessage

LONGEST_DRAWING: Final = 1850
"""What one message holds, less the words around the drawing."""

MOST_BRANCHES: Final = 15
LINE_CHARACTERS: Final = 90
SHORT_ID_CHARACTERS: Final = 5
_DIGITS: Final = "0123456789abcdefghjkmnpqrstvwxyz"  # without letters that look like others
# Line breaks, and what turns the direction of a line or hides in it.
_UNSEEN: Final = regex.compile(r"(?:(?!\u200d)[\p{C}\p{Z}\s])+")


@dataclass(slots=True)
class _Run:
    """Messages one after the other, up to where branches leave, one ends, or the head stands."""

    tip: OutlinedMessage
    said: int
    newest: OutlinedMessage | None
    above_is_hidden: bool = False


class Branches:
    """The newest messages of a channel as a tree."""

    def __init__(self, outlined: Sequence[OutlinedMessage], head: int | None) -> None:
        """`outlined` may be any part of the tree; what hangs under something else begins a tree of its own."""
        self._messages = {message.id: message for message in sorted(outlined, key=lambda message: message.id)}
        self._children: dict[int | None, list[OutlinedMessage]] = {}
        self.head = head
        for message in self._messages.values():
            parent = message.parent_id if message.parent_id in self._messages else None
            self._children.setdefault(parent, []).append(message)
        self._head_path = self._kept([head] if head is not None else [])
        self.tips = [message for message in reversed(self._messages.values()) if message.id not in self._children]

    def find(self, typed: str) -> int | None:
        """The message that a short or a whole id means; None when it means none, or several."""
        typed = typed.strip().strip("`").lower()
        for among in (self.tips, self._messages.values()):
            found = [message.id for message in among if short_id(message.id) == typed]
            if found:
                return found[0] if len(found) == 1 else None
        return int(typed) if typed.isascii() and typed.isdecimal() and 5 < len(typed) < 20 else None

    def words_of(self, message_id: int, limit: int = 60) -> str:
        """The newest words at or above a message."""
        message = self._messages.get(message_id)
        while message is not None and not _is_said(message):
            message = self._messages.get(message.parent_id) if message.parent_id is not None else None
        return "…" if message is None else _words(message, limit)

    def draw(self) -> str:
        """The newest branches, as many as fit; empty when there is nothing to draw."""
        lines: list[str] = []
        for most in range(min(MOST_BRANCHES, len(self.tips)), 0, -1):
            lines = self._drawn(most)
            if sum(len(line) + 1 for line in lines) <= LONGEST_DRAWING:
                break
        return "\n".join(lines)

    def _drawn(self, most: int) -> list[str]:
        kept = self._kept([tip.id for tip in self.tips[:most]]) | self._head_path
        lines: list[str] = []
        for root in self._children.get(None, ()):
            if root.id in kept:
                lines += [""] if lines else []
                self._draw(root, kept, "", "", lines)
        if (older := len(self.tips) - most) > 0:
            lines.append(f"… and {older} older branches")
        return lines

    def _kept(self, ends: Sequence[int]) -> set[int]:
        """All messages that lead to these, and these."""
        kept: set[int] = set()
        for end in ends:
            message = self._messages.get(end)
            while message is not None and message.id not in kept:
                kept.add(message.id)
                message = self._messages.get(message.parent_id) if message.parent_id is not None else None
        return kept

    def _draw(self, start: OutlinedMessage, kept: set[int], first: str, rest: str, lines: list[str]) -> None:
        """A run and what leaves it: side branches indented, then the one that goes on, below in the same column."""
        run = self._run(start, kept)
        lines.append(self._line(run, first))
        following = self._below(run.tip, kept)
        for side in following[:-1]:
            self._draw(side, kept, f"{rest}├─ ", f"{rest}│  ", lines)
        for last in following[-1:]:
            self._draw(last, kept, rest, rest, lines)

    def _run(self, start: OutlinedMessage, kept: set[int]) -> _Run:
        hidden = start.parent_id is not None and start.parent_id not in self._messages
        run = _Run(start, 0, None, hidden)
        message = start
        while True:
            run.tip = message
            if _is_said(message):
                run.said += 1
                run.newest = message
            below = self._below(message, kept)
            if len(below) != 1 or message.id == self.head:
                return run
            message = below[0]

    def _below(self, message: OutlinedMessage, kept: set[int]) -> list[OutlinedMessage]:
        """What is drawn under a message; the way to the head comes last, else the newest."""
        return sorted(
            (child for child in self._children.get(message.id, ()) if child.id in kept),
            key=lambda child: (child.id in self._head_path, child.id),
        )

    def _line(self, run: _Run, prefix: str) -> str:
        mark = "▶" if run.tip.id == self.head else " "
        count = f"{'…+' if run.above_is_hidden else ''}{run.said}"
        left = f"{prefix}{mark}{short_id(run.tip.id)} {count:>3} · {run.tip.created_at.astimezone(UTC):%d %b %H:%M} · "
        room = max(12, LINE_CHARACTERS - len(left))
        return left + (_words(run.newest, room) if run.newest is not None else "no words")


def short_id(message_id: int) -> str:
    """A few signs that a person can type; within one channel they hardly ever mean two messages."""
    return "".join(_DIGITS[message_id >> shift & 31] for shift in range(5 * SHORT_ID_CHARACTERS - 5, -1, -5))


def one_line(text: str, limit: int) -> str:
    """The beginning of a text on one line, safe inside of a code block."""
    line = _UNSEEN.sub(" ", text).replace("`", "'").strip()
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def _words(message: OutlinedMessage, limit: int) -> str:
    name = f"{message.author_name}: " if message.role == "user" and message.author_name else ""
    return one_line(name[:30] + message.beginning, limit)


def _is_said(message: OutlinedMessage) -> bool:
    return message.state != "deleted" and bool(message.beginning.strip())
