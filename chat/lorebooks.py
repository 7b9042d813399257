"""Lorebooks: what a character or a server knows, told to the model when it is spoken of.

``lorebook_file`` and ``read_lorebook`` read them, ``scan`` finds what belongs into a prompt and says why.

Not done here: SillyTavern's vectors, outlets, automation, least number of activations and scanning of other inserted
prompts; of V3's decorators ``instruct_...``, which count tokens where there are no messages, and ``is_user_icon``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, Final

from chat._card_json import read_object
from chat._lore_entries import MOST_LOOKED_AT, Entry, Key, Lorebook, Position, Source
from chat._lore_reading import MOST_ENTRIES, MOST_KEYS, read_lorebook
from chat._lore_scan import Chat, Fired, Said, Scan, Scanner, Verdict, Why
from chat.errors import CardError, LorebookError
from chat.macros import Macros

__all__ = [
    "BUDGET_SHARE", "MOST_ENTRIES", "MOST_KEYS", "MOST_LOOKED_AT", "Chat", "Entry", "Fired", "Key", "Lorebook",
    "Position", "Said", "Scan", "Source", "Verdict", "Why", "lorebook_file", "read_lorebook", "scan",
]  # fmt: skip

BUDGET_SHARE: Final = 0.25
"""Of the context window, for all lorebooks together."""

# Below this a scan takes less than a millisecond or two; above, it would hold up everybody else.
_FEW_KEYS: Final = 300
_SMALL_WORK: Final = 2_000_000  # keys times signs


def lorebook_file(data: bytes, *, name: str = "", key: str = "") -> Lorebook:
    """The lorebook in a file: a world-info file, a ``lorebook_v3``, or the book of a card. Raises `LorebookError`."""
    content = lorebook_content(data)
    inner = content.get("data")
    if isinstance(inner, Mapping) and isinstance(inner.get("character_book"), Mapping):
        content = inner["character_book"]
    return read_lorebook(content, name=name, key=key)


def lorebook_content(data: bytes) -> dict[str, Any]:
    """All that stands in such a file. Raises `LorebookError`."""
    try:
        return read_object(data.removeprefix(b"\xef\xbb\xbf"))
    except CardError as error:
        raise LorebookError(error.fault) from None


async def scan(
    tiers: Sequence[Sequence[Lorebook]],
    chat: Chat,
    macros: Macros,
    measure: Callable[[str], float],
    budget: float,
    *,
    random: Random,
    remembered: Mapping[str, int] | None = None,
) -> Scan:
    """What fires; ``tiers`` are books by rank, the nearest first, ``budget`` is in tokens as ``measure`` counts them.

    Much work, and any pattern, is done in a thread, so that nobody else waits for it.
    """
    scanner = Scanner(tiers, chat, macros, measure, budget, random, remembered or {})
    return scanner.run() if _is_small(tiers, chat) else await asyncio.to_thread(scanner.run)


def _is_small(tiers: Sequence[Sequence[Lorebook]], chat: Chat) -> bool:
    books = [book for rank in tiers for book in rank]
    keys = sum(book.key_count + len(book.entries) for book in books)
    signs = sum(len(said.text) for said in chat.said)
    return keys <= _FEW_KEYS * 2 and keys * signs <= _SMALL_WORK and not any(book.has_patterns for book in books)
