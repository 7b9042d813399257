"""What was used, summed up as it happens: by day in full, and by day and month for each thing that reports tell of."""

from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, date
from typing import Any, Final

from sqlalchemy import Connection

from storage._upsert import Upsert
from storage.records import WAIT_EDGES, UsageLevel, UsageRow, UsageScopeKind, UsageSum
from storage.schema import WAIT_COLUMNS, usage_days, usage_sums

AMOUNTS: Final = ("requests", "prompt_tokens", "completion_tokens", "waited_ms", *WAIT_COLUMNS)
LEVELS: Final[tuple[UsageLevel, ...]] = ("day", "month")

add_to_days = Upsert(usage_days, add=AMOUNTS)
add_to_sums = Upsert(usage_sums, add=AMOUNTS)


def sum_up(connection: Connection, row: UsageRow) -> None:
    """Add one request, as part of a transaction."""
    add_to_days(connection, **day_row(row))
    add_to_sums.many(connection, list(sum_rows(row)))


def day_row(row: UsageRow) -> dict[str, Any]:
    """The row of its day that a request is added to."""
    return {
        "guild_id": row.guild_id,
        "day": row.at.astimezone(UTC).date(),
        "channel_id": row.channel_id,
        "user_id": row.user_id,
        "model": row.model,
        "kind": row.kind,
        **_amounts_of(row),
    }


def sum_rows(row: UsageRow) -> Iterator[dict[str, Any]]:
    """The sums that a request is added to, always in the same order, so that two transactions cannot block each other.

    What belongs to everybody comes last and is locked for the shortest time.
    """
    day = row.at.astimezone(UTC).date()
    scopes: tuple[tuple[UsageScopeKind, int, dict[str, Any]], ...] = (
        ("user", row.user_id, {"model": row.model}),
        ("channel", row.channel_id, {"model": row.model, "user": row.user_id}),
        ("server", 0, {"model": row.model, "user": row.user_id, "channel": row.channel_id}),
    )
    amounts = _amounts_of(row)
    for scope_kind, scope_id, parts in scopes:
        for part, key in parts.items():
            for level in LEVELS:
                yield {
                    "guild_id": row.guild_id,
                    "level": level,
                    "scope_kind": scope_kind,
                    "scope_id": scope_id,
                    "part": part,
                    "start": start_of(level, day),
                    "key": str(key),
                    **amounts,
                }
    if row.home_id is not None:
        yield from _direct_rows(row.home_id, day, amounts)


def _direct_rows(home_id: int, day: date, amounts: dict[str, int]) -> Iterator[dict[str, Any]]:
    """What a server learns of direct messages that count against it: how much, and neither whose nor where."""
    for level in LEVELS:
        yield {
            "guild_id": home_id,
            "level": level,
            "scope_kind": "direct",
            "scope_id": 0,
            "part": "model",
            "start": start_of(level, day),
            "key": "",
            **amounts,
        }


def start_of(level: UsageLevel, day: date) -> date:
    """The day itself, or the first of its month."""
    return day if level == "day" else day.replace(day=1)


def amounts_as_sum(values: Any) -> UsageSum:
    """The amounts of a row, in the order of `AMOUNTS`."""
    requests, prompt_tokens, completion_tokens, waited_ms, *waits = values
    return UsageSum(requests, prompt_tokens, completion_tokens, waited_ms / 1000, tuple(waits))


def _amounts_of(row: UsageRow) -> dict[str, int]:
    waits = dict.fromkeys(WAIT_COLUMNS, 0)
    if row.waited_seconds is not None:
        waits[WAIT_COLUMNS[bisect_left(WAIT_EDGES, row.waited_seconds)]] = 1
    return {
        "requests": 1,
        "prompt_tokens": row.prompt_tokens,
        "completion_tokens": row.completion_tokens,
        "waited_ms": round((row.waited_seconds or 0.0) * 1000),
        **waits,
    }
