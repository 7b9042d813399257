"""The record of changes in words, and as a table for spreadsheets."""

import csv
import io
import json
import re
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from cogs._rule_words import as_code
from moderation.usage_table import safe
from storage import AuditEntry

COLUMNS: Final = ("time", "who", "action", "subject", "before", "after", "reason")
LONGEST_SHOWN: Final = 40
SHOWN_AS: Final = {
    "user": "<@{}>",
    "role": "<@&{}>",
    "channel": "<#{}>",
    "thread": "<#{}>",
    "category": "<#{}>",
    "guild": "this server",
}
_NAMED: Final = re.compile(r"\b(user|role|channel|thread|category|guild):(\d{1,20})\b")
BYTES_PER_LINE: Final = 8_000  # what a line may still add when the limit is looked at
TOO_MUCH: Final = "# There are older entries. Ask for those of one person or one action with `who` and `action`."


def entry_line(entry: AuditEntry) -> str:
    """One entry for people: who did what, to what, and what it was before and after."""
    who = f"<@{entry.actor_id}>" if entry.actor_id is not None else "I"
    line = f"<t:{int(entry.at.timestamp())}:f> {who} **{as_code(entry.action)[:60]}** {_subject(entry.subject)}"
    if entry.before is not None or entry.after is not None:
        line += f": {_value(entry.before)} → {_value(entry.after)}"
    return f"{line} · {as_code(entry.reason)[:60]}" if entry.reason else line


def _subject(subject: str) -> str:
    return _NAMED.sub(lambda match: SHOWN_AS[match[1]].format(match[2]), as_code(subject)[:120])


def _value(value: Any) -> str:
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = as_code(text)
    return f"`{text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + '…'}`"


async def as_table(pages: AsyncIterator[Sequence[AuditEntry]], limit_bytes: int) -> bytes:
    """All entries as CSV, newest first, as many as the file may hold."""
    content = io.BytesIO()
    text = io.TextIOWrapper(content, "utf-8-sig", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    async for page in pages:
        for entry in page:
            if content.tell() > limit_bytes - BYTES_PER_LINE:
                writer.writerow([TOO_MUCH])
                return content.getvalue()
            writer.writerow(_row(entry))
    return content.getvalue()


def _row(entry: AuditEntry) -> list[str]:
    before, after = (json.dumps(value, ensure_ascii=False) for value in (entry.before, entry.after))
    who = "" if entry.actor_id is None else f"<@{entry.actor_id}>"
    texts = (entry.action, entry.subject, before, after, entry.reason or "")
    return [entry.at.isoformat(timespec="seconds"), who, *map(safe, texts)]
