"""Short ways to make what the tests are about."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import Any

from storage import BegunTurn, ConversationKey, NewTurn, Settlement, Storage, StoredMessage, UsageRow

GUILD = 11
OTHER_GUILD = 12
CHANNEL = 21
ADA = 31
NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
KEY = ConversationKey(GUILD, CHANNEL)

_claims = count(1_000)


def new_turn(content: str = "hello", key: ConversationKey = KEY, **changes: Any) -> NewTurn:
    """A turn with a claim of its own."""
    claim_id = next(_claims)
    turn = NewTurn(key, claim_id, claim_id, ADA, "Ada", content, "model-a", created_at=NOW)
    return replace(turn, **changes)


async def begin(storage: Storage, content: str = "hello", key: ConversationKey = KEY, **changes: Any) -> BegunTurn:
    """A begun turn."""
    begun = await storage.history.begin_turn(new_turn(content, key, **changes))
    assert begun is not None
    return begun


async def answer(storage: Storage, begun: BegunTurn, content: str = "answer") -> None:
    """Settle the turn as complete."""
    await storage.history.settle(begun.reply_id, Settlement(content, "complete"))


async def walk(storage: Storage, message_id: int, guild_id: int | None = GUILD, **options: Any) -> list[StoredMessage]:
    """The whole path, newest first."""
    return [message async for page in storage.history.path(guild_id, message_id, **options) for message in page]


def usage_row(**changes: Any) -> UsageRow:
    return replace(UsageRow(GUILD, CHANNEL, ADA, "model-a", "chat", 100, 20, NOW), **changes)
