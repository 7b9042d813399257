"""Macros: the ``{{char}}`` and ``{{random:a,b}}`` of character cards, put into words.

Each text is gone through once, from its beginning to its end. What a macro stands for is never looked into again, so
that nobody's words can become a macro; a macro may stand inside of another. Names are read whatever their case. What
is unknown or makes no sense is left as it stands.

Of SillyTavern's macros those are not known here that speak of its own windows and settings. Variables last
for one prompt.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from hashlib import blake2b
from random import Random
from typing import Final

import regex

from chat._macro_syntax import MOST_NESTED, Angle, Call, End, Piece, Start, call_of, name_in, tokens
from chat._macro_times import between, clock_time, formatted, how_long, long_date, time_elsewhere

MOST_ADDED: Final = 200_000
"""Characters that all macros of one prompt may put into it; those that come after are left as they stand."""

_MOST_DICE: Final = 100
_MOST_SIDES: Final = 1_000_000
_DICE: Final = re.compile(r"(?:(\d{0,4})d)?(\d{1,8})(?:([+-])(\d{1,8}))?", re.IGNORECASE)
_CLUSTER: Final = regex.compile(r"\X")
_SILENT: Final = frozenset({"//", "noop", "comment", "banned"})
_ANGLES: Final = {"user": "user", "bot": "char", "char": "char"}
_TRIM: Final = Piece("{trim}", written=False)  # known by being this very object; its text is never shown

_NO_VALUES: Final[Mapping[str, str]] = {}


class Macros:
    """What the macros of one prompt stand for."""

    def __init__(
        self,
        values: Mapping[str, str],
        *,
        now: datetime,
        random: Random,
        seed: str = "",
        last_said: datetime | None = None,
    ) -> None:
        """``values`` are the plain ones by name; ``seed`` tells conversations apart, of which each keeps its picks."""
        self._values = {name.casefold(): text for name, text in values.items()}
        self._also = _NO_VALUES
        self._now = now
        self._random = random
        self._seed = seed
        self._last_said = last_said
        self._variables: dict[str, str] = {}
        self._left = MOST_ADDED
        self.hidden: list[str] = []
        """The hidden keys met so far; lorebooks look for them though nobody is shown them."""
        self.unknown: dict[str, None] = {}
        """The names of those met so far that were left as they stand, whatever their case."""
        self._actions: Mapping[str, Callable[[Call], str | None]] = {
            "random": self._any,
            "pick": self._pick,
            "roll": self._roll,
            "hidden_key": self._hide,
            "reverse": self._reverse,
            "datetimeformat": self._format_time,
            "timediff": self._time_between,
            "time": lambda call: time_elsewhere(self._now, f"time_{call.argument.casefold()}"),
            **self._for_variables("var", ""),
            **self._for_variables("globalvar", "global "),
        }

    def expand(self, text: str, **also: str) -> str:
        """The text with its macros in words; ``also`` has values for this text alone."""
        if "{{" not in text and "<" not in text:
            return text
        self._also = also
        return _joined(self._pieces(text))

    def learn(self, **values: str) -> None:
        """Let further plain macros stand for these words from now on."""
        self._values |= {name.casefold(): text for name, text in values.items()}

    def value(self, name: str) -> str:
        """What a plain macro stands for; nothing if it is unknown."""
        return self._values.get(name.casefold(), "")

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of the variables that were set."""
        return tuple(self._variables)

    def _pieces(self, text: str) -> list[Piece]:
        """The text in pieces; what no brace closes is left as it stands."""
        levels: list[tuple[int, list[Piece]]] = [(0, [])]
        for token in tokens(text):
            match token:
                case str():
                    levels[-1][1].append(Piece(token, written=True))
                case Angle():
                    levels[-1][1].append(self._angle(token))
                case Start(offset) if len(levels) <= MOST_NESTED:
                    levels.append((offset, []))
                case End(end) if len(levels) > 1:
                    offset, inner = levels.pop()
                    levels[-1][1].extend(self._closed(inner, offset, text[offset : end + 2]))
                case _:
                    levels[-1][1].append(Piece("{{" if isinstance(token, Start) else "}}", written=True))
        pieces = levels[0][1]
        for _, inner in levels[1:]:
            pieces += (Piece("{{", written=True), *inner)
        return pieces

    def _closed(self, inner: list[Piece], offset: int, source: str) -> list[Piece]:
        call = call_of(inner, offset, source)
        if call is not None and call.name == "trim" and not call.words:
            return [_TRIM]
        value = self._value(call) if call is not None else None
        if value is None and (name := name_in(source)):
            self.unknown[name] = None
        if value is None or len(value) > self._left:
            return [Piece("{{", written=True), *inner, Piece("}}", written=True)]
        self._left -= len(value)
        return [Piece(value, written=False)]

    def _angle(self, angle: Angle) -> Piece:
        value = self._named(_ANGLES[angle.name])
        if value is None or len(value) > self._left:
            return Piece(angle.source, written=True)
        self._left -= len(value)
        return Piece(value, written=False)

    def _named(self, name: str) -> str | None:
        return self._also.get(name, self._values.get(name))

    def _value(self, call: Call) -> str | None:
        """What a macro stands for; None when it is unknown or makes no sense."""
        if call.name in _SILENT:
            return ""
        if not call.words:
            value = self._named(call.name)
            return self._plain(call.name) if value is None else value
        act = self._actions.get(call.name)
        return act(call) if act is not None else None

    def _plain(self, name: str) -> str | None:
        match name:
            case "newline" | "space":
                return "\n" if name == "newline" else " "
            case "time":
                return clock_time(self._now)
            case "date":
                return long_date(self._now)
            case "weekday" | "isotime" | "isodate":
                form = {"weekday": "%A", "isotime": "%H:%M", "isodate": "%Y-%m-%d"}[name]
                return self._now.strftime(form)
            case "idle_duration":
                return "just now" if self._last_said is None else how_long(self._now - self._last_said)
        return time_elsewhere(self._now, name)

    def _any(self, call: Call) -> str:
        return self._random.choice(call.choices())

    def _pick(self, call: Call) -> str:
        choices = call.choices()
        told = f"{self._seed}\0{call.offset}\0{call.source}".encode(errors="replace")
        return choices[int.from_bytes(blake2b(told, digest_size=8).digest()) % len(choices)]

    def _roll(self, call: Call) -> str | None:
        dice = _DICE.fullmatch(call.argument)
        if dice is None:
            return None
        number, sides, plus = int(dice[1] or 1), int(dice[2]), int(f"{dice[3]}{dice[4]}" if dice[3] else 0)
        if not (0 < number <= _MOST_DICE and 0 < sides <= _MOST_SIDES):
            return None
        return str(sum(self._random.randint(1, sides) for _ in range(number)) + plus)

    def _hide(self, call: Call) -> str:
        self.hidden.append(call.argument)
        return ""

    def _reverse(self, call: Call) -> str:
        return "".join(reversed(_CLUSTER.findall(call.argument)))

    def _format_time(self, call: Call) -> str:
        return formatted(self._now, call.argument)

    def _time_between(self, call: Call) -> str | None:
        dates = call.fields()
        return between(*dates) if len(dates) == 2 else None

    # --- variables

    def _for_variables(self, kind: str, prefix: str) -> Mapping[str, Callable[[Call], str | None]]:
        """The macros for variables of one kind, whose names do not meet those of the other."""

        def named(call: Call) -> tuple[str, str | None]:
            name, *words = call.fields()
            return prefix + name.strip(), "::".join(words) if words else None

        def put(call: Call) -> str | None:
            name, words = named(call)
            return None if words is None else self._put(name, words)

        def add(call: Call) -> str | None:
            name, words = named(call)
            return None if words is None else self._put(name, _sum(self._variables.get(name, ""), words))

        def step(by: str) -> Callable[[Call], str]:
            def act(call: Call) -> str:
                name, _ = named(call)
                self._put(name, _sum(self._variables.get(name, "") or "0", by))
                return self._variables[name]

            return act

        def get(call: Call) -> str:
            return self._variables.get(named(call)[0], "")

        acts = {"set": put, "add": add, "inc": step("1"), "dec": step("-1"), "get": get}
        return {f"{act}{kind}": does for act, does in acts.items()}

    def _put(self, name: str, value: str) -> str:
        self._variables[name] = value[:MOST_ADDED]
        return ""


def _sum(old: str, more: str) -> str:
    """Numbers are added, other words are put behind each other."""
    try:
        total = float(old or "0") + float(more)
    except ValueError:
        return old + more
    if not math.isfinite(total):
        return old + more
    return str(int(total)) if total.is_integer() else str(total)


def _joined(pieces: list[Piece]) -> str:
    """The text of all pieces; a trim takes the line breaks on both of its sides."""
    done: list[str] = []
    trims = False
    for piece in pieces:
        if piece is _TRIM:
            trims = True
            _strip_end(done)
            continue
        text = piece.text.lstrip("\r\n") if trims else piece.text
        trims = trims and not text
        done.append(text)
    return "".join(done)


def _strip_end(texts: list[str]) -> None:
    while texts:
        texts[-1] = texts[-1].rstrip("\r\n")
        if texts[-1]:
            return
        texts.pop()
