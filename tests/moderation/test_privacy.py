"""Exports that fit into Discord's limit, and what opting out closes and leaves open."""

import io
import json
import random
import zipfile
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.access import Access, Reason, RefusedError, Request
from moderation.privacy import EVERY_SECONDS, Exporter, ExportPace, safe_name
from moderation.rights import GIVES_WORDS, PRIVACY_ACTIONS, REQUIRED, Level
from storage import Kept, KeptFile, Where

LIMIT = 20_000


class Pages:
    """A storage that keeps just this."""

    def __init__(self, *pages: Kept) -> None:
        self._pages = pages

    async def everything(self, where: Where, user_id: int) -> AsyncIterator[Kept]:
        del where, user_id
        for page in self._pages:
            yield page


def message(number: int, content: str) -> dict[str, Any]:
    return {
        "id": str(number), "guild_id": "1", "channel_id": str(number % 2), "role": "user", "author_name": "Ada",
        "model": None, "content": content, "state": "complete", "private": False, "created_at": "2026-03-01T12:00:00",
    }  # fmt: skip


async def zips(*pages: Kept, limit: int = LIMIT) -> list[dict[str, bytes]]:
    """What is in each of the zips."""
    exporter: Any = Exporter(Pages(*pages))  # type: ignore[arg-type]  # the one method that is called
    found = []
    async for data in exporter.zips(1, 2, limit, scope="", today="today"):
        assert len(data) <= limit
        with zipfile.ZipFile(io.BytesIO(data)) as opened:
            assert opened.testzip() is None
            found.append({name: opened.read(name) for name in opened.namelist()})
    return found


async def test_what_is_little_is_one_zip_with_json_and_text() -> None:
    [only] = await zips(
        Kept("messages", [message(1, "hello"), message(2, "")]),
        Kept("pictures", (), (KeptFile("../a b.png", 1, b"drawn"),)),
        Kept("usage by day", [{"day": "2026-03-01", "requests": 3}]),
    )
    assert set(only) == {
        "README.txt", "messages.json", "messages.txt", "files/pictures/1-1-_a_b.png", "usage-by-day.json",
        "usage-by-day.txt",
    }  # fmt: skip
    assert json.loads(only["messages.json"])[0]["content"] == "hello"
    text = only["messages.txt"].decode()
    assert "== server 1, channel 1 ==\n\n2026-03-01 12:00 Ada:\nhello" in text
    assert "(complete)" in text
    assert only["usage-by-day.txt"] == b"day: 2026-03-01\nrequests: 3\n"


async def test_what_is_much_is_several_zips_none_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("moderation.privacy.CHUNK_CHARACTERS", 3_000)
    noise = random.Random(1).randbytes(25_000)
    pages = [Kept("messages", [message(number, f"{number} {noise[:400].hex()}")]) for number in range(40)]
    found = await zips(*pages, Kept("pictures", (), (KeptFile("big.bin", 7, noise),)))
    assert len(found) > 2
    files = {name: data for one in found for name, data in one.items()}
    assert len(files) == sum(map(len, found)), "no name comes twice"
    said = [row["id"] for name in files if name.endswith(".json") for row in json.loads(files[name])]
    assert sorted(said, key=int) == [str(number) for number in range(40)]
    pieces = sorted(name for name in files if name.startswith("files/"))
    assert b"".join(files[name] for name in pieces) == noise


@given(st.text(max_size=200))
def test_no_name_leads_out_of_a_folder(name: str) -> None:
    safe = safe_name(name)
    assert safe
    assert not set(safe) & set("/\\\0:")
    assert safe.strip(".")


def test_an_export_an_hour_for_everyone() -> None:
    now = 0.0
    pace = ExportPace(clock=lambda: now)
    assert pace.begin(1) == 0
    assert pace.begin(2) == 0
    now = 600.0
    assert pace.begin(1) == EVERY_SECONDS - 600
    pace.failed(1)
    assert pace.begin(1) == 0
    now = EVERY_SECONDS + 1
    assert pace.begin(2) == 0


def reason_of(request: Request, *, dms: bool = False) -> Reason | None:
    try:
        Access(owner_ids=frozenset(), allowed_guilds=frozenset(), allow_dms=dms).check(request)
    except RefusedError as error:
        return error.reason
    return None


@given(st.sampled_from(sorted(REQUIRED)), st.sampled_from(Level))
def test_who_opted_out_gives_no_words_and_may_do_everything_else(action: str, level: Level) -> None:
    request = Request(action, 2, 1, 5, level)
    before, after = reason_of(request), reason_of(replace(request, opted_out=True))
    assert after is (Reason.OPTED_OUT if before is None and action in GIVES_WORDS else before)


@given(st.sampled_from(sorted(PRIVACY_ACTIONS)))
def test_everyone_has_these_rights_wherever_they_are(action: str) -> None:
    assert reason_of(Request(action, 2, None, 5, Level.MEMBER)) is None
    assert reason_of(Request(action, 2, 1, 5, Level.MEMBER, paused=True)) is None


def test_what_gives_words_exists() -> None:
    assert REQUIRED.keys() >= GIVES_WORDS
    assert not GIVES_WORDS & PRIVACY_ACTIONS
