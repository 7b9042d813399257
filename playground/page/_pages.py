"""Which of a channel's messages the page gets at once: the newest, or those around a place it has."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from playground.discord import Message

PAGE_SIZE = 50

_by_id = attrgetter("id")


@dataclass(frozen=True, slots=True)
class MessagePage:
    """Some messages in a row, and whether there are more on either side."""

    messages: list[Message]
    has_earlier: bool
    has_later: bool


def page_of(seen: list[Message], query: Mapping[str, str]) -> MessagePage:
    """Cut the page that `before`, `after` or `around` (message ids) asks for; without them, the newest."""
    asked = {name: int(query[name]) for name in ("before", "after", "around") if query.get(name, "").isdecimal()}
    if "after" in asked:
        start = bisect_right(seen, asked["after"], key=_by_id)
        return _cut(seen, start, start + PAGE_SIZE)
    if "around" in asked:
        middle = bisect_left(seen, asked["around"], key=_by_id)
        return _cut(seen, middle - PAGE_SIZE // 2, middle + PAGE_SIZE // 2)
    end = bisect_left(seen, asked["before"], key=_by_id) if "before" in asked else len(seen)
    return _cut(seen, end - PAGE_SIZE, end)


def _cut(seen: list[Message], start: int, end: int) -> MessagePage:
    start, end = max(0, start), min(len(seen), end)
    return MessagePage(seen[start:end], start > 0, end < len(seen))
