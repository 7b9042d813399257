"""Lorebooks for tests, and what is found in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any

from chat.lorebooks import Chat, Lorebook, Said, Scan, read_lorebook, scan
from chat.macros import Macros

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def st_entry(key: str | list[str], content: str = "", **fields: Any) -> dict[str, Any]:
    """An entry of a world-info file."""
    keys = [key] if isinstance(key, str) else key
    return {"key": keys, "content": content or f"about {keys[0] if keys else 'nothing'}", "order": 100, **fields}


def card_entry(
    key: str, content: str = "", /, extensions: Mapping[str, Any] | None = None, **fields: Any
) -> dict[str, Any]:
    """An entry of a card's book."""
    return {"keys": [key], "content": content or f"about {key}", "insertion_order": 100, "enabled": True,
            "extensions": dict(extensions or {}), **fields}  # fmt: skip


def book(*entries: Any, **fields: Any) -> Lorebook:
    return read_lorebook({"entries": list(entries), **fields}, key="b")


def chat_of(*texts: str, **fields: Any) -> Chat:
    """Messages in the order in which they were said, the person first."""
    said = [
        Said(number, "Mira" if number % 2 == 0 else "Ada", text, bool(number % 2))
        for number, text in enumerate(texts, 1)
    ]
    return Chat(said[::-1], character="Mira", **fields)


async def found(
    books: Lorebook | Sequence[Sequence[Lorebook]],
    chat: Chat | str,
    *,
    budget: float = 10_000,
    rng: int = 1,
    remembered: Mapping[str, int] | None = None,
) -> Scan:
    dice = Random(rng)
    return await scan(
        [[books]] if isinstance(books, Lorebook) else books,
        chat_of(chat) if isinstance(chat, str) else chat,
        Macros({"char": "Mira", "user": "Ada"}, now=NOW, random=dice),
        lambda text: float(len(text.split())),
        budget,
        random=dice,
        remembered=remembered,
    )


async def texts(*args: Any, **options: Any) -> list[str]:
    return [fired.text for fired in (await found(*args, **options)).fired]


async def why(*args: Any, **options: Any) -> dict[str, str]:
    return {verdict.source.entry.title: verdict.why for verdict in (await found(*args, **options)).verdicts}


LINES = ["k", "r", *("x", "r") * 5]


async def fired_at(entry: dict[str, Any], lines: Sequence[str] = LINES) -> list[int]:
    """At which messages of a chat, answered after each of the person's, the entry is in the prompt."""
    fired: list[int] = []
    remembered: Mapping[str, int] = {}
    for number in range(1, len(lines) + 1, 2):
        result = await found(book(entry), chat_of(*lines[:number]), remembered=remembered)
        remembered = result.memory
        if result.fired:
            fired.append(number)
    return fired
