"""What was used as a table for spreadsheets: CSV in UTF-8, a row for what one person used of one model in a channel."""

import asyncio
import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from moderation.usage import ExportTooLargeError, Period
from storage import Usage, UsageDay

COLUMNS: Final = (
    "since", "channel", "channel_name", "user", "model", "kind",
    "requests", "prompt_tokens", "completion_tokens", "waits_measured", "average_wait_seconds",
)  # fmt: skip
BEGINS_A_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""A spreadsheet would calculate what begins like this, some also with the wide signs; names are anybody's choice."""

Key = tuple[date, int, int, str, str]


@dataclass(slots=True)
class _Line:
    """What is summed up in one row."""

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    waits: int = 0
    waited_seconds: float = 0.0

    def add(self, day: UsageDay) -> None:
        """One more day of it."""
        self.requests += day.used.requests
        self.prompt_tokens += day.used.prompt_tokens
        self.completion_tokens += day.used.completion_tokens
        self.waits += sum(day.used.waits)
        self.waited_seconds += day.used.waited_seconds


@dataclass(slots=True)
class _Sheet:
    """The file as it grows."""

    limit_bytes: int
    channel_names: Mapping[int, str]
    text: io.StringIO = field(default_factory=lambda: io.StringIO(newline=""))

    def write(self, rows: Iterable[tuple[Key, _Line]]) -> None:
        """Add rows. Raises `ExportTooLargeError`."""
        writer = csv.writer(self.text)
        for (start, channel_id, user_id, model, kind), line in rows:
            average = f"{line.waited_seconds / line.waits:.1f}" if line.waits else ""
            writer.writerow(
                (
                    start.isoformat(), f"<#{channel_id}>", safe(self.channel_names.get(channel_id, "")),
                    f"<@{user_id}>" if user_id else "deleted", safe(model), safe(kind),
                    line.requests, line.prompt_tokens, line.completion_tokens, line.waits, average,
                )
            )  # fmt: skip
            if self.text.tell() > self.limit_bytes:
                raise ExportTooLargeError(self.limit_bytes)

    def content(self) -> bytes:
        """The whole file. Raises `ExportTooLargeError`."""
        content = self.text.getvalue().encode("utf-8-sig", "replace")
        if len(content) > self.limit_bytes:
            raise ExportTooLargeError(self.limit_bytes)
        return content


async def usage_table(
    usage: Usage,
    guild_id: int | None,
    period: Period,
    channel_names: Mapping[int, str],
    limit_bytes: int,
    user_id: int | None = None,
) -> bytes:
    """What a server used, or one person there, by day or by month as the period says.

    Raises `ExportTooLargeError`.
    """
    sheet = _Sheet(limit_bytes, channel_names)
    csv.writer(sheet.text).writerow(COLUMNS)
    start, lines = period.since, dict[Key, _Line]()
    async for found in usage.days(guild_id, period.since, period.until, user_id):
        begins = found[0].day if period.level == "day" else found[0].day.replace(day=1)
        if begins != start:
            await asyncio.to_thread(sheet.write, sorted(lines.items(), key=lambda item: item[0]))
            start, lines = begins, {}
        for day in found:
            key = (start, day.channel_id, day.user_id, day.model, day.kind)
            lines.setdefault(key, _Line()).add(day)
    await asyncio.to_thread(sheet.write, sorted(lines.items(), key=lambda item: item[0]))
    return sheet.content()


def safe(cell: str) -> str:
    """The text so that no spreadsheet calculates it."""
    return f"'{cell}" if cell.startswith(BEGINS_A_FORMULA) else cell
