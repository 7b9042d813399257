"""The decorators of V3 lorebooks: first lines of a content such as ``@@depth 2``, with ``@@@`` in case of need."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from chat._lore_entries import PLAIN, Decorators, Entry, Key, Position, Role

_LARGEST: Final = 100_000
_MOST_LINES: Final = 50
_LONGEST: Final = 60  # of a name that nobody knows
_POSITIONS: Final[Mapping[str, Position]] = {
    "after_desc": "after_char",
    "before_desc": "before_char",
    "personality": "personality",
    "scenario": "scenario",
}
_SEVERAL: Final = frozenset({"additional_keys", "exclude_keys", "disable_ui_prompt"})
"""Of the others the first of a name counts."""

_HIDEABLE: Final = ("post_history_instructions", "system_prompt")

MakeKey = Callable[[str], Key | None]


@dataclass(frozen=True, slots=True)
class Decorated:
    """What decorators say about one entry; None where they say nothing."""

    rules: Decorators = PLAIN
    depth: int | None = None
    reverse_depth: int | None = None
    scan_depth: int | None = None
    role: Role | None = None
    position: Position | None = None
    unknown: tuple[str, ...] = ()

    def applied(self, entry: Entry) -> Entry:
        """The entry as its decorators want it."""
        changes: dict[str, Any] = {"decorators": self.rules, "unknown": self.unknown}
        if self.position is None and self.depth is not None:
            changes |= {"depth": self.depth, "position": "at_depth"}
        elif self.position is None and self.reverse_depth is not None:
            changes |= {"depth": self.reverse_depth, "position": "at_depth", "from_oldest": True}
        named = {"scan_depth": self.scan_depth, "role": self.role, "position": self.position}
        changes |= {name: value for name, value in named.items() if value is not None}
        return replace(entry, **changes)


def read_decorators(content: str, make_key: MakeKey) -> tuple[Decorated, str]:
    """What the decorators say, and the content without them; those that are unknown say nothing."""
    found, understood = Decorated(), True
    unknown: list[str] = []
    named: set[str] = set()
    lines = content.lstrip("\r\n").split("\n", _MOST_LINES)
    rest = 0
    for rest, line in enumerate(lines):
        word = line.strip()
        if not word.startswith("@@") or rest == _MOST_LINES:
            break
        is_fallback = word.startswith("@@@")
        if is_fallback and understood:
            continue
        name, _, value = word.lstrip("@").partition(" ")
        name = name.strip().casefold()
        changed = found if name in named - _SEVERAL else _read(found, name, value.strip(), make_key)
        understood = changed is not None
        if changed is not None:
            found = changed
            named.add(name)
        if is_fallback and understood:
            unknown.pop()  # what it stands in for
        elif not is_fallback and not understood:
            unknown.append(name[:_LONGEST])
    else:
        rest = len(lines)
    found = replace(found, unknown=tuple(unknown)) if unknown else found
    return (found, "\n".join(lines[rest:])) if rest else (found, content)


def _read(found: Decorated, name: str, value: str, make_key: MakeKey) -> Decorated | None:
    """What was found with one decorator more; None when it is not understood."""
    rules = found.rules
    if name in _NUMBERS:
        number = _number(value)
        return None if number is None else _NUMBERS[name](found, number)
    match name:
        case "role" if value in {"system", "user", "assistant"}:
            return replace(found, role=cast("Role", value))
        case "position" if value in _POSITIONS:
            return replace(found, position=_POSITIONS[value])
        case "additional_keys" if keys := _keys(value, make_key):
            return replace(found, rules=replace(rules, additional=(*rules.additional, keys)))
        case "exclude_keys" if keys := _keys(value, make_key):
            return replace(found, rules=replace(rules, excluding=(*rules.excluding, *keys)))
        case "disable_ui_prompt" if value in _HIDEABLE:
            return replace(found, rules=replace(rules, hides=rules.hides | {value}))
    rule = _FLAGS.get(name)
    return None if rule is None else replace(found, rules=rule(rules))


_NUMBERS: Final[Mapping[str, Callable[[Decorated, int], Decorated]]] = {
    "depth": lambda found, number: replace(found, depth=number),
    "reverse_depth": lambda found, number: replace(found, reverse_depth=number),
    "scan_depth": lambda found, number: replace(found, scan_depth=number),
    "activate_only_after": lambda found, number: replace(found, rules=replace(found.rules, only_after=number)),
    "activate_only_every": lambda found, number: replace(found, rules=replace(found.rules, only_every=number)),
    "is_greeting": lambda found, number: replace(found, rules=replace(found.rules, greeting=number)),
}
_FLAGS: Final[Mapping[str, Callable[[Decorators], Decorators]]] = {
    "activate": lambda rules: replace(rules, activate=True),
    "dont_activate": lambda rules: replace(rules, dont_activate=True),
    "keep_activate_after_match": lambda rules: replace(rules, keeps=True),
    "dont_activate_after_match": lambda rules: replace(rules, once=True),
    "ignore_on_max_context": lambda rules: replace(rules, gives_way=True),
}


def _number(value: str) -> int | None:
    if not (value.isascii() and value.isdigit() and len(value) <= 6):
        return None
    return min(int(value), _LARGEST)


def _keys(value: str, make_key: MakeKey) -> tuple[Key, ...]:
    made: Iterable[Key | None] = (make_key(word) for word in value.split(","))
    return tuple(key for key in made if key is not None)
