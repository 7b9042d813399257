"""Lorebooks read: those in cards, ``lorebook_v3`` files, and SillyTavern's world-info files.

An entry's fields are brought to SillyTavern's names first. What has a wrong type counts as missing; what is no entry
at all is skipped and counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from chat._lore_decorators import read_decorators
from chat._lore_entries import (
    DEFAULT_DEPTH,
    DEFAULT_WEIGHT,
    CharacterFilter,
    Entry,
    Key,
    Logic,
    Lorebook,
    Position,
    Role,
)
from chat.errors import LorebookError
from storage import clean_text

MOST_ENTRIES: Final = 5_000
MOST_KEYS: Final = 20_000
LONGEST_KEY: Final = 500
LONGEST_TITLE: Final = 100

_LARGEST: Final = 1_000_000.0
_LOGICS: Final[tuple[Logic, ...]] = ("any", "not_all", "none", "all")
_ROLES: Final[tuple[Role, ...]] = ("system", "user", "assistant")
_POSITIONS: Final[tuple[Position, ...]] = (
    "before_char", "after_char", "note_top", "note_bottom", "at_depth", "examples_top", "examples_bottom", "outlet",
)  # fmt: skip
_SPELLED: Final[Mapping[str, Position]] = {"before_char": "before_char", "after_char": "after_char"}
_WRITTEN: Final = re.compile(r"/(.+?)/([gimsuy]*)", re.DOTALL)
_BARE_SLASH: Final = re.compile(r"(?<!\\)(?:\\\\)*/")

# Where cards keep what only SillyTavern knows, by the names that its own files use.
_EXTENSIONS: Final = {
    "selectiveLogic": "selectiveLogic",
    "probability": "probability",
    "useProbability": "useProbability",
    "depth": "depth",
    "role": "role",
    "excludeRecursion": "exclude_recursion",
    "preventRecursion": "prevent_recursion",
    "delayUntilRecursion": "delay_until_recursion",
    "group": "group",
    "groupOverride": "group_override",
    "groupWeight": "group_weight",
    "useGroupScoring": "use_group_scoring",
    "scanDepth": "scan_depth",
    "caseSensitive": "case_sensitive",
    "matchWholeWords": "match_whole_words",
    "sticky": "sticky",
    "cooldown": "cooldown",
    "delay": "delay",
    "ignoreBudget": "ignore_budget",
}
# Any of these among an entry's extensions says that SillyTavern wrote it.
_SILLYTAVERN: Final = ("selectiveLogic", "useProbability", "exclude_recursion")

_Fields = Mapping[str, Any]


def read_lorebook(content: Any, *, name: str = "", key: str = "") -> Lorebook:
    """The lorebook in an object, whichever of the three kinds it is. Raises `LorebookError`."""
    if isinstance(content, Mapping) and content.get("spec") == "lorebook_v3":
        content = content.get("data")
    if not isinstance(content, Mapping):
        raise LorebookError("book")
    listed = content.get("entries")
    if isinstance(listed, Mapping):
        listed = list(listed.values())
    if not isinstance(listed, list):
        raise LorebookError("book")
    if len(listed) > MOST_ENTRIES:
        raise LorebookError("many")
    entries = _entries(listed)
    if sum(len(entry.keys) + len(entry.secondary) for entry in entries) > MOST_KEYS:
        raise LorebookError("many")
    book = Lorebook(
        name=_line(content.get("name")) or name,
        entries=tuple(entries),
        description=_text(content.get("description")),
        scan_depth=_whole(content.get("scan_depth"), None),
        token_budget=_whole(content.get("token_budget"), None) or 0,
        recursive=content.get("recursive_scanning") is not False,
        skipped=len(listed) - len(entries),
        key=key,
    )
    return book.prepared()


def _entries(listed: Iterable[Any]) -> list[Entry]:
    entries: list[Entry] = []
    ids: set[str] = set()
    for place, item in enumerate(listed):
        if not isinstance(item, Mapping) or not ("keys" in item or "key" in item or "content" in item):
            continue
        fields = _from_card(item) if "keys" in item or "insertion_order" in item else item
        entry_id = _line(fields.get("uid")) or str(place)
        if entry_id in ids:
            entry_id = f"{entry_id}#{place}"
        ids.add(entry_id)
        entries.append(_entry(fields, entry_id))
    return entries


def _from_card(item: _Fields) -> _Fields:
    """An entry of a card's book under the names of world-info files."""
    extensions = item.get("extensions")
    more: _Fields = extensions if isinstance(extensions, Mapping) else {}
    fields = {ours: more[theirs] for ours, theirs in _EXTENSIONS.items() if theirs in more}
    if isinstance(item.get("case_sensitive"), bool):
        fields["caseSensitive"] = item["case_sensitive"]
    # SillyTavern marks all that it writes as patterns, though its keys are words unless slashes surround them.
    patterns = item.get("use_regex") is True and not any(name in more for name in _SILLYTAVERN)
    return {
        **fields,
        "uid": item.get("id"),
        "key": item.get("keys"),
        "keysecondary": item.get("secondary_keys"),
        "comment": item.get("name") or item.get("comment"),
        "content": item.get("content"),
        "constant": item.get("constant") is True and not (patterns and item.get("keys")),
        "selective": item.get("selective") is True and not patterns,
        "order": item.get("insertion_order"),
        "priority": item.get("priority"),
        "position": more["position"] if _is_number(more.get("position")) else item.get("position"),
        "disable": item.get("enabled", True) is False,
        "patterns": patterns,
        "sillytavern": any(name in more for name in _SILLYTAVERN),
    }


def _entry(fields: _Fields, entry_id: str) -> Entry:
    case_sensitive = fields.get("caseSensitive") is True
    patterns = fields.get("patterns") is True
    keys = _keys(fields.get("key"), patterns=patterns, case_sensitive=case_sensitive)
    decorated, content = read_decorators(
        _text(fields.get("content")), lambda word: make_key(word, case_sensitive=case_sensitive)
    )
    entry = Entry(
        id=entry_id,
        title=_line(fields.get("comment"))[:LONGEST_TITLE] or (keys[0].text[:LONGEST_TITLE] if keys else entry_id),
        content=content,
        keys=keys,
        secondary=_keys(fields.get("keysecondary"), case_sensitive=case_sensitive) if fields.get("selective") else (),
        logic=_LOGICS[_place(fields.get("selectiveLogic"), len(_LOGICS), 0)],
        enabled=fields.get("disable") is not True,
        constant=fields.get("constant") is True,
        case_sensitive=case_sensitive,
        # What SillyTavern leaves open is so where nobody has changed its settings.
        whole_words=fields.get("matchWholeWords") is True
        or (fields.get("sillytavern", True) and fields.get("matchWholeWords") is None),
        order=_number(fields.get("order"), 100),
        priority=_number(fields.get("priority"), 0),
        position=_position(fields.get("position")),
        depth=_whole(fields.get("depth"), DEFAULT_DEPTH),
        role=_ROLES[_place(fields.get("role"), len(_ROLES), 0)],
        probability=100.0 if fields.get("useProbability") is False else _number(fields.get("probability"), 100),
        **_timing(fields),
        **_grouping(fields),
        ignore_budget=fields.get("ignoreBudget") is True,
        characters=_characters(fields.get("characterFilter")),
    )
    return decorated.applied(entry)


def _timing(fields: _Fields) -> dict[str, Any]:
    delayed = fields.get("delayUntilRecursion")
    return {
        "exclude_recursion": fields.get("excludeRecursion") is True,
        "prevent_recursion": fields.get("preventRecursion") is True,
        "delay_until_recursion": int(delayed) if isinstance(delayed, bool) else _whole(delayed, 0),
        "scan_depth": _whole(fields.get("scanDepth"), None),
        "sticky": _whole(fields.get("sticky"), 0),
        "cooldown": _whole(fields.get("cooldown"), 0),
        "delay": _whole(fields.get("delay"), 0),
    }


def _grouping(fields: _Fields) -> dict[str, Any]:
    groups = _line(fields.get("group"))
    return {
        "groups": tuple(dict.fromkeys(name.strip() for name in groups.split(",") if name.strip())),
        "group_override": fields.get("groupOverride") is True,
        "group_weight": max(0.0, _number(fields.get("groupWeight"), DEFAULT_WEIGHT)),
        "group_scoring": fields.get("useGroupScoring") is True,
    }


def _characters(value: Any) -> CharacterFilter | None:
    if not isinstance(value, Mapping):
        return None
    names, tags = (
        frozenset(_line(item).casefold() for item in found if isinstance(item, str))
        if isinstance(found, list)
        else frozenset()
        for found in (value.get("names"), value.get("tags"))
    )
    return CharacterFilter(names, tags, value.get("isExclude") is True) if names or tags else None


def make_key(word: Any, *, pattern: bool = False, case_sensitive: bool = False) -> Key | None:
    """A key as it is looked for; None for what is empty, too long or no text."""
    text = _text(word).strip()
    if not text or len(text) > LONGEST_KEY:
        return None
    written = _WRITTEN.fullmatch(text)
    if written and not _BARE_SLASH.search(written[1]):
        return Key(text, text.casefold(), written[1].replace("\\/", "/"), "i" in written[2], written[2])
    return Key(text, text.casefold(), text if pattern else None, pattern and not case_sensitive)


def _keys(value: Any, *, patterns: bool = False, case_sensitive: bool) -> tuple[Key, ...]:
    words = value.split(",") if isinstance(value, str) else value
    if not isinstance(words, list):
        return ()
    made = (make_key(word, pattern=patterns, case_sensitive=case_sensitive) for word in words)
    return tuple(key for key in made if key is not None)


def _position(value: Any) -> Position:
    if isinstance(value, str):
        return _SPELLED.get(value, "before_char")
    return _POSITIONS[_place(value, len(_POSITIONS), 0)]


def _text(value: Any) -> str:
    return clean_text(value) if isinstance(value, str) else ""


def _line(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63:
        return str(value)
    return " ".join(_text(value).split())


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value  # noqa: PLR0124 - NaN


def _number(value: Any, default: float) -> float:
    return (
        min(max(float(min(max(value, -(10**9)), 10**9)), -_LARGEST), _LARGEST) if _is_number(value) else float(default)
    )


def _whole(value: Any, default: int | None) -> Any:
    """A whole number that is not negative."""
    return max(0, int(_number(value, 0))) if _is_number(value) else default


def _place(value: Any, count: int, default: int) -> int:
    number = cast("int", _whole(value, default))
    return number if number < count else default
