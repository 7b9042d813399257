"""What is kept about a person as files for them: zips of JSON and readable text, made some at a time."""

import asyncio
import io
import json
import re
import time
import zipfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Final

from storage import Privacy, Where

EVERY_SECONDS: Final = 3600.0
"""How often one person may have everything collected: it reads through whole tables."""

CHUNK_CHARACTERS: Final = 400_000
"""Text of one file in a zip; nobody opens larger ones gladly."""

ROOM_FOR_A_NAME: Final = 600
"""Bytes that one more file takes in a zip besides its content."""

README: Final = """\
This is what the bot keeps about you{scope}, collected on {today} (UTC).

messages       what you said to it, and what it answered; `private` are conversations that only you see
pictures       what you showed it, made smaller
characters     cards that you own, with their earlier versions
settings       your profile and what else you set for yourself
requests       single requests of the last weeks, without words; "usage" are sums of them
rules, limits  what moderators decided about you; who decided it is left out
record         what you changed as staff, and what was decided about you

Each part is there as JSON for programs and as text to read. Other people's words are not in it. Words that were deleted
leave an empty message with the state "deleted". All times are in UTC.
"""

Row = Mapping[str, Any]


class ExportPace:
    """Lets everyone have their export once an hour."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: dict[int, float] = {}

    def begin(self, user_id: int) -> float:
        """0 if the person may have it now, which counts from now on; else the seconds to wait."""
        now = self._clock()
        self._last = {other: at for other, at in self._last.items() if now - at < EVERY_SECONDS}
        if user_id in self._last:
            return self._last[user_id] + EVERY_SECONDS - now
        self._last[user_id] = now
        return 0.0

    def failed(self, user_id: int) -> None:
        """It came to nothing, so it does not count."""
        self._last.pop(user_id, None)


class Exporter:
    """Collects pages from storage into zips, each small enough for Discord."""

    def __init__(self, privacy: Privacy) -> None:
        self._privacy = privacy

    async def zips(
        self, where: Where, user_id: int, limit_bytes: int, *, scope: str, today: str
    ) -> AsyncIterator[bytes]:
        """The zips one after the other; only the one that is being filled is in memory."""
        zips = _Zips(limit_bytes)
        part = _Part("")
        number = 0
        await asyncio.to_thread(zips.add, "README.txt", README.format(scope=scope, today=today).encode())
        async for page in self._privacy.everything(where, user_id):
            if page.part != part.name or part.is_full:
                await asyncio.to_thread(part.write, zips)
                part = part.following(page.part)
            part.rows += page.rows
            for file in page.files:
                number += 1
                name = f"files/{slug(page.part)}/{file.of}-{number}-{safe_name(file.name)}"
                await asyncio.to_thread(zips.add, name, file.data)
            for full in zips.take():
                yield full
        await asyncio.to_thread(part.write, zips)
        for full in zips.take(last=True):
            yield full


class _Part:
    """Rows of one part that become the next files."""

    def __init__(self, name: str, number: int = 1) -> None:
        self.name = name
        self.rows: list[Row] = []
        self._number = number

    @property
    def is_full(self) -> bool:
        """Whether these rows are enough for one file."""
        return sum(len(str(row.get("content", ""))) + 300 for row in self.rows) > CHUNK_CHARACTERS

    def following(self, name: str) -> "_Part":
        """The next file of the same part, or the first of another one."""
        return _Part(name, self._number + 1 if name == self.name else 1)

    def write(self, zips: "_Zips") -> None:
        """Add the rows as JSON and as text."""
        if not self.rows:
            return
        name = slug(self.name) + ("" if self._number == 1 else f"-{self._number}")
        zips.add(f"{name}.json", json.dumps(self.rows, ensure_ascii=False, indent=1).encode())
        told = said_text(self.rows) if self.name == "messages" else rows_text(self.rows)
        zips.add(f"{name}.txt", told.encode())


class _Zips:
    """Fills one zip after the other."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._done: list[bytes] = []
        self._begin()

    def add(self, name: str, data: bytes) -> None:
        """Add a file; one that would fill a whole zip comes in pieces, which are to be put together again."""
        most = self._limit // 2
        if len(data) > most:
            for number, start in enumerate(range(0, len(data), most), 1):
                self._add(f"{name}.{number:03}", data[start : start + most])
        else:
            self._add(name, data)

    def take(self, *, last: bool = False) -> list[bytes]:
        """The zips that are full."""
        if last:
            self._end()
        done, self._done = self._done, []
        return done

    def _begin(self) -> None:
        self._buffer = io.BytesIO()
        self._zip = zipfile.ZipFile(self._buffer, "w", zipfile.ZIP_DEFLATED)
        self._directory = 0

    def _end(self) -> None:
        self._zip.close()
        self._done.append(self._buffer.getvalue())

    def _add(self, name: str, data: bytes) -> None:
        overhead = ROOM_FOR_A_NAME + 2 * len(name.encode())
        if self._directory and self._buffer.tell() + self._directory + overhead + len(data) > self._limit:
            self._end()
            self._begin()
        self._zip.writestr(name, data)
        self._directory += overhead


def slug(name: str) -> str:
    """The name of a part as that of a file."""
    return name.replace(" ", "-")


def safe_name(name: str) -> str:
    """The name of a file as it does no harm in any folder."""
    return re.sub(r"[^\w.-]+", "_", name).strip(".")[-80:] or "file"


def said_text(rows: Sequence[Row]) -> str:
    """Messages to read, with a line wherever the place changes."""
    lines: list[str] = []
    place = None
    for row in rows:
        if (now := (row["guild_id"], row["channel_id"])) != place:
            place = now
            server = now[0] if now[0] == "direct messages" else f"server {now[0]}"
            lines += ["", f"== {server}, channel {now[1]} =="]
        by = row["author_name"] or "you" if row["role"] == "user" else row["author_name"] or row["model"] or "bot"
        private = " (private)" if row["private"] else ""
        said = row["content"] or f"({row['state']})"
        lines += ["", f"{row['created_at'][:16].replace('T', ' ')} {by}{private}:", said]
    return "\n".join(lines).lstrip("\n") + "\n"


def rows_text(rows: Sequence[Row]) -> str:
    """Any other rows to read."""
    blocks = ["\n".join(f"{name}: {_readable(value)}" for name, value in row.items()) for row in rows]
    return "\n\n".join(blocks) + "\n"


def _readable(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "-" if value is None else json.dumps(value, ensure_ascii=False)
