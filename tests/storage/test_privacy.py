"""What is kept about a person can be given to them and deleted; what is others', and what others hang under, stays."""

import json
import random
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    Date,
    DateTime,
    LargeBinary,
    Table,
    Text,
    func,
    insert,
    select,
)

from storage import (
    EVERYWHERE,
    AuditFilter,
    Avatar,
    ConversationKey,
    KeptFile,
    PersonaContent,
    Picture,
    Scope,
    Settlement,
    ShownIn,
    Storage,
    Target,
    Where,
    open_storage,
)
from storage import _erasing as erasing
from storage import _sqlite_sweep as sweeping
from storage import _walking as walking
from storage._personal import NOT_PEOPLES, PERSONAL, PERSONAL_NAMES
from storage._types import JsonText
from storage.records import TranscriptMessage
from storage.schema import metadata
from tests.storage.builders import ADA, CHANNEL, GUILD, KEY, OTHER_GUILD, answer, begin, new_turn, usage_row, walk

TOM = 32
CANARY = "canary-7f3a"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
PRIVATE = ConversationKey(GUILD, CHANNEL, owner_id=ADA, private=True)


async def everything_in(storage: Storage) -> str:
    """All tables as text; what is in blobs too."""

    def read(connection: Connection) -> str:
        return "\n".join(
            f"{table.name}: {row!r}" for table in metadata.sorted_tables for row in connection.execute(select(table))
        )

    return await storage.database.read(read)


async def erase(storage: Storage, where: Where = GUILD, user_id: int = ADA, *, answers: bool = True) -> Any:
    erasure = await storage.privacy.ask_to_erase(where, user_id, answers=answers, in_discord=False)
    return await storage.privacy.erase(erasure)


async def contents(storage: Storage, message_id: int, guild_id: int | None = GUILD) -> list[str]:
    return [message.content for message in await walk(storage, message_id, guild_id)]


async def kept(storage: Storage, where: Where = GUILD, user_id: int = ADA) -> tuple[dict[str, list[Any]], list[Any]]:
    """The rows of each part, and the files."""
    parts: dict[str, list[Any]] = {}
    files: list[KeptFile] = []
    async for page in storage.privacy.everything(where, user_id):
        if page.rows:
            parts.setdefault(page.part, []).extend(page.rows)
        files += page.files
    json.dumps(parts)
    return parts, files


def content(name: str) -> PersonaContent:
    return PersonaContent(name, f'{{"data": "{name}"}}'.encode(), Avatar("image/png", f"drawn {name}".encode()))


async def own_persona(storage: Storage, name: str, guild_id: int | None = GUILD, kind: Any = "own") -> int:
    persona_id = await storage.personas.add_draft(guild_id, ADA, content(name))
    if kind != "draft":
        await storage.personas.confirm(guild_id, persona_id, ADA, kind, 9, 99)
    return persona_id


async def live(storage: Storage, guild_id: int | None = GUILD) -> int:
    """Ada's words wherever words are kept in a guild; the id of a server's character of hers."""
    key = ConversationKey(guild_id, CHANNEL)
    picture = Picture(1, f"{CANARY}.png", "image/png", 4, 4, CANARY.encode())
    begun = await begin(storage, f"said {CANARY}", key, author_name=CANARY, pictures=(picture,))
    await answer(storage, begun, f"echo {CANARY}")
    secret = await begin(storage, f"hidden {CANARY}", replace(PRIVATE, guild_id=guild_id))
    await answer(storage, secret, f"quiet {CANARY}")
    scope, channel = Scope("user", ADA), Scope("channel", CHANNEL)
    await storage.settings.put(guild_id, scope, "profile", {"name": CANARY, "description": CANARY}, ADA)
    await storage.settings.put(guild_id, channel, "note", {"text": CANARY}, ADA)
    await storage.settings.put(guild_id, channel, "note", {"text": "It rains."}, TOM)
    await storage.settings.put(guild_id, Scope("channel", CHANNEL + 1), "note", {"text": CANARY}, ADA)
    await storage.settings.put(guild_id, channel, "model", "model-b", ADA)
    own = await own_persona(storage, CANARY, guild_id)
    await storage.personas.save(guild_id, own, content(f"{CANARY} again"), ADA)
    await own_persona(storage, f"{CANARY} draft", guild_id, "draft")
    greeting = TranscriptMessage(0, "assistant", f"greets {CANARY}", datetime.now(UTC), TOM, CANARY, persona_id=own)
    opening = TranscriptMessage(None, "system", "", datetime.now(UTC), TOM)
    await storage.history.graft(ConversationKey(guild_id, CHANNEL + 2), [opening, greeting], 1)
    await storage.usage.add(usage_row(guild_id=guild_id))
    return await own_persona(storage, "the server's", guild_id, "server")


@pytest.mark.parametrize("where", [None, EVERYWHERE])
async def test_words_are_found_in_no_table_afterwards(storage: Storage, where: Where) -> None:
    guilds = (GUILD, None)
    for guild_id in guilds:
        await live(storage, guild_id)
    erased = await erase(storage, where)
    swept = guilds if where is EVERYWHERE else (where,)
    assert (erased.messages, erased.answers) == (2 * len(swept), 2 * len(swept))
    assert (erased.pictures, erased.personas) == (len(swept), 2 * len(swept))
    rows = [line for line in (await everything_in(storage)).splitlines() if CANARY in line]
    if where is EVERYWHERE:
        assert rows == []
    parts, files = await kept(storage, where)
    told = json.dumps(parts) + repr(files)
    assert CANARY not in told
    for guild_id in set(guilds) - set(swept):
        parts, files = await kept(storage, guild_id)
        assert json.dumps(parts).count(CANARY) > 4, "what is elsewhere stays there"
        assert len(files) == 9


async def test_what_is_set_for_their_characters_goes_with_them(storage: Storage) -> None:
    brings = Scope("persona", await own_persona(storage, "Mira", GUILD))
    await storage.settings.put(GUILD, brings, "model", "model-b", TOM)
    await erase(storage)
    assert await storage.settings.chosen(GUILD, brings) == {}


async def test_what_is_no_word_of_theirs_stays(storage: Storage) -> None:
    shared = await live(storage)
    await storage.access.set(GUILD, "deny", Target(user_id=ADA), set_by=TOM, reason="spam")
    await storage.opt_outs.opt_out(GUILD, ADA)
    await erase(storage)
    found = await storage.personas.get(GUILD, shared)
    assert found is not None
    assert (found.outline.owner_id, found.outline.updated_by, found.content.name) == (0, 0, "the server's")
    resolved = await storage.settings.resolve(GUILD, [Scope("channel", CHANNEL)], {})
    assert (resolved["model"].value, resolved["note"].value) == ("model-b", {"text": "It rains."})
    [rule] = await storage.access.of(GUILD)
    assert (rule.target.user_id, rule.reason) == (ADA, "spam")
    assert storage.opt_outs.holds(GUILD, ADA)
    assert await storage.usage.totals(GUILD, LONG_AGO) == await storage.usage.totals(GUILD, LONG_AGO, user_id=0)
    assert (await storage.usage.totals(GUILD, LONG_AGO)).requests == 1
    book = await storage.usage.book(GUILD, "server", 0, "month", LONG_AGO.date())
    assert list(book.users) == [0]
    changes = [entry async for page in storage.audit.pages(GUILD, AuditFilter()) for entry in page]
    assert {entry.actor_id for entry in changes} == {ADA, TOM}
    assert [entry.after for entry in changes if entry.action == "set note" and entry.actor_id == TOM] == [
        {"text": "It rains."}
    ]


async def test_the_tree_stays_whole_and_joint_replies_stay(storage: Storage) -> None:
    first = await begin(storage, "ada asks")
    await answer(storage, first, "for ada")
    joint = await begin(storage, "ada asks more")
    await storage.history.join_turn(joint.reply_id, new_turn("tom joins", author_id=TOM, author_name="Tom"))
    await answer(storage, joint, "for both")
    last = await begin(storage, "tom asks", author_id=TOM, author_name="Tom")
    await answer(storage, last, "for tom")
    erased = await erase(storage)
    assert (erased.messages, erased.answers) == (2, 1)
    assert await contents(storage, last.reply_id) == ["for tom", "tom asks", "for both", "tom joins", "", "", ""]
    path = await walk(storage, last.reply_id)
    assert [message.state for message in path[-3:]] == ["deleted"] * 3
    assert ADA not in {message.author_id for message in path}
    assert await storage.history.head(KEY) == last.reply_id
    await erase(storage, user_id=TOM)
    assert await contents(storage, last.reply_id) == [""] * 7


async def test_answers_stay_if_they_are_wanted_but_nothing_private(storage: Storage) -> None:
    begun, secret = await begin(storage, "asked"), await begin(storage, "hidden", PRIVATE)
    for turn in (begun, secret):
        await answer(storage, turn, "answered")
    await storage.history.posted(begun.reply_id, 501, 0)
    erased = await erase(storage, answers=False)
    assert (erased.messages, erased.answers) == (2, 1)
    assert await contents(storage, begun.reply_id) == ["answered", ""]
    assert await contents(storage, secret.reply_id) == ["", ""]
    assert await storage.history.head(PRIVATE) is None
    parts, files = await kept(storage)
    assert (set(parts), files) == ({"deletions you asked for"}, [])


async def test_what_is_said_later_and_what_others_said_stays(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage._erasing.MESSAGES_AT_ONCE", 2)
    monkeypatch.setattr("storage._erasing._own", erasing._own.limit(2))
    monkeypatch.setattr(walking, "LOOKED_AT_AT_ONCE", 1)
    for number in range(3):
        await answer(storage, await begin(storage, f"before {number}"))
    await live(storage)
    shown: list[ShownIn] = []

    async def hide(messages: Sequence[ShownIn]) -> None:
        shown.extend(messages)

    imported = TranscriptMessage(None, "user", "from a file", datetime.now(UTC), None, "Eve")
    reply = TranscriptMessage(0, "assistant", "to the file", datetime.now(UTC), ADA)
    grafted = await storage.history.graft(ConversationKey(GUILD, CHANNEL + 3), [imported, reply], 1)
    told = await begin(storage, "shown")
    await storage.history.posted(told.reply_id, 502, 0)
    erasure = await storage.privacy.ask_to_erase(GUILD, ADA, answers=True, in_discord=True)
    assert await storage.privacy.unfinished() == [erasure]
    later = await begin(storage, "later")
    await answer(storage, later, "and later")
    erased = await storage.privacy.erase(erasure, hide)
    assert erased.messages == 6
    assert shown == [ShownIn(GUILD, CHANNEL, 502)]
    assert (await contents(storage, later.reply_id))[:4] == ["and later", "later", "", ""]
    assert await contents(storage, grafted.head) == ["to the file", "from a file"]
    assert await storage.privacy.unfinished() == []
    assert [known.id for known in await storage.privacy.finished_since(LONG_AGO)] == [erasure.id]
    assert CANARY not in await everything_in(storage)


async def test_everything_that_is_kept_is_given(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walking, "LOOKED_AT_AT_ONCE", 2)
    monkeypatch.setattr("storage._holdings.MESSAGES_AT_ONCE", 3)
    now = datetime.now(UTC)
    await live(storage)
    await live(storage, OTHER_GUILD)
    await answer(storage, await begin(storage, "tom's", author_id=TOM))
    await storage.lorebooks.add(GUILD, "Sea", b'{"entries": {}}', 0, ADA, 9)
    await storage.access.set(GUILD, "deny", Target(user_id=ADA), set_by=TOM, reason="spam")
    await storage.access.set(GUILD, "deny", Target(user_id=TOM), set_by=ADA)
    await storage.filters.add(GUILD, "words", "heron", side="both", action="block", channel_id=None, by=ADA, most=9)
    await storage.settings.put(GUILD, Scope("thread", 77), "scene", {"owner": ADA, "ended_at": 1.0}, TOM)
    await storage.opt_outs.opt_out(EVERYWHERE, ADA)
    await storage.usage.add(usage_row(at=now))
    parts, files = await kept(storage)
    said = [row["content"] for row in parts["messages"]]
    assert said == [f"said {CANARY}", f"echo {CANARY}", f"hidden {CANARY}", f"quiet {CANARY}"]
    assert {row["guild_id"] for row in parts["messages"]} == {str(GUILD)}
    assert [row["name"] for row in parts["characters"]] == [f"{CANARY} again", f"{CANARY} draft", "the server's"]
    assert {row["name"] for row in parts["settings"]} == {"profile"}
    assert {row["name"] for row in parts["settings you made for others"]} == {"note", "model"}
    assert [(row["scope_id"], "set_by" in row) for row in parts["scenes you started"]] == [("77", False)]
    assert parts["rules about you"][0]["reason"] == "spam"
    assert "set_by" not in parts["rules about you"][0]
    assert set(parts["rules you made"][0]) == {"id", "verdict", "created_at"}
    assert "heron" not in json.dumps(parts["filters you made"])
    assert {row["by"] for row in parts["record of changes"]} == {"you", "staff"}
    assert len(parts["requests"]) == 2
    assert parts["usage by day"][-1]["requests"] == 1
    assert len(parts["usage by month"]) == 2
    names = sorted(file.name for file in files)
    assert names.count("card.json") == 3
    assert {"card-version-1.json", "card-version-1.png", "lorebook.json", f"{CANARY}.png"} <= set(names)
    parts, _ = await kept(storage, EVERYWHERE)
    assert len(parts["messages"]) == 8
    assert "opted out" in parts
    assert (await kept(storage, user_id=33))[0] == {}


async def test_every_column_that_names_people_has_a_rule() -> None:
    columns = {
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.c
        if column.name in PERSONAL_NAMES or column.name.endswith("_by")
    }
    assert columns - NOT_PEOPLES == set(PERSONAL)


# --- files


def in_files(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if CANARY.encode() in path.read_bytes()]


async def scatter(storage: Storage) -> None:
    """Rows that grow, so that pages are split and rows move between them."""
    chance = random.Random(1)
    begun = []
    for number in range(90):
        user_id = ADA if number % 3 else TOM
        words = CANARY if user_id == ADA else "words"
        begun.append((words, await begin(storage, " ".join([words] * chance.randrange(1, 60)), author_id=user_id)))
    for words, turn in begun:
        await storage.history.settle(turn.reply_id, Settlement(" ".join([words] * chance.randrange(1, 90)), "complete"))
    for number in range(40):
        await storage.settings.put(GUILD + number, Scope("user", ADA), "profile", {"name": CANARY * 9}, ADA)


async def test_nothing_is_left_in_the_files_of_sqlite(sqlite_storage: Storage, sqlite_path: Path) -> None:
    await scatter(sqlite_storage)
    assert set(in_files(sqlite_path.parent)) == {"bot.db", "bot.db-wal"}
    await erase(sqlite_storage, EVERYWHERE)
    assert await sqlite_storage.privacy.sweep() == "done"
    assert in_files(sqlite_path.parent) == []
    assert sqlite_path.with_name("bot.db-wal").stat().st_size < 100_000
    assert await sqlite_storage.privacy.sweep() == "done"
    await begin(sqlite_storage, "and on it goes")


async def test_who_reads_the_file_is_not_waited_for(sqlite_storage: Storage, sqlite_path: Path) -> None:
    await begin(sqlite_storage, CANARY)
    with closing(sqlite3.connect(sqlite_path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM messages").fetchone()
        await erase(sqlite_storage)
        assert await sqlite_storage.privacy.sweep() == "busy"
        reader.rollback()
    assert await sqlite_storage.privacy.sweep() == "done"
    assert in_files(sqlite_path.parent) == []


async def test_a_large_file_is_rewritten_at_the_next_start(
    sqlite_storage: Storage, sqlite_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "LARGEST_REWRITTEN_BYTES", 0)
    await scatter(sqlite_storage)
    await erase(sqlite_storage, EVERYWHERE)
    assert await sqlite_storage.privacy.sweep() == "large"
    await sqlite_storage.close()
    assert in_files(sqlite_path.parent) == ["bot.db"], "or this test is about nothing"
    storage = await open_storage(f"sqlite:///{sqlite_path}")
    assert in_files(sqlite_path.parent) == []
    assert await storage.privacy.sweep() == "done"
    await storage.close()


async def test_postgresql_is_vacuumed(postgres_storage: Storage) -> None:
    await begin(postgres_storage, CANARY)
    await erase(postgres_storage)
    assert await postgres_storage.privacy.sweep() == "done"


async def test_old_copies_and_old_wishes_are_pruned(sqlite_storage: Storage, sqlite_path: Path) -> None:
    now = datetime.now(UTC)
    stamps = [(now - timedelta(days=days)).strftime(sweeping.STAMP_FORMAT) for days in (29, 31)]
    copies = [sqlite_path.with_name(f"bot.db.before-0006.{stamp}") for stamp in stamps]
    mine = sqlite_path.with_name(f"bot.db.mine.{stamps[1]}")
    for copy in (*copies, mine):
        copy.write_bytes(b"")
    await erase(sqlite_storage)
    await sqlite_storage.privacy.prune(now)
    assert [copy.exists() for copy in (*copies, mine)] == [True, False, True]
    assert len(await sqlite_storage.privacy.finished_since(LONG_AGO)) == 1
    await sqlite_storage.privacy.prune(now + timedelta(days=31))
    assert await sqlite_storage.privacy.finished_since(LONG_AGO) == []


# --- opting out


async def test_opting_out_holds_where_it_was_wanted_and_in_other_processes(storage: Storage, database_url: str) -> None:
    outs = storage.opt_outs
    await outs.opt_out(GUILD, ADA)
    await outs.opt_out(None, ADA)
    await outs.opt_out(GUILD, ADA)
    assert [outs.holds(guild, ADA) for guild in (GUILD, OTHER_GUILD, None)] == [True, False, True]
    assert not outs.holds(GUILD, TOM)
    assert (outs.anybody(GUILD), outs.anybody(OTHER_GUILD)) == (True, False)
    other = await open_storage(database_url)
    await other.opt_outs.refresh()
    assert other.opt_outs.holds(GUILD, ADA)
    await other.opt_outs.opt_out(EVERYWHERE, ADA)
    await outs.refresh()
    assert outs.holds(OTHER_GUILD, ADA)
    assert outs.everywhere(ADA)
    await outs.opt_in(GUILD, ADA)
    assert outs.holds(GUILD, ADA), "everywhere is here, too"
    await outs.opt_in(EVERYWHERE, ADA)
    await other.opt_outs.refresh()
    assert not any(known.holds(guild, ADA) for known in (outs, other.opt_outs) for guild in (GUILD, None))
    await other.close()


# --- leaving


async def test_a_purge_leaves_nothing_of_a_guild_and_all_of_others(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.leaving.DELETED_AT_ONCE", 2)
    tables = [table for table in metadata.sorted_tables if "guild_id" in table.c]

    numbers = {table: number * 1000 for number, table in enumerate(tables, 1)}

    def fill(connection: Connection) -> None:
        for table in tables:
            for guild_id in (GUILD, OTHER_GUILD, None):
                row = {
                    column.name: filling(column, numbers[above_or_own(column)] + (guild_id or 1))
                    for column in table.c
                    if not column.nullable
                }
                connection.execute(insert(table).values({**row, "guild_id": guild_id}))

    await storage.database.write(fill)
    for guild_id in (GUILD, OTHER_GUILD, None):
        await live(storage, guild_id)
    assert await storage.left_guilds.known_guilds() == [GUILD, OTHER_GUILD]
    before = await counts(storage)
    assert min(before.values()) > 0
    await storage.left_guilds.purge(GUILD)
    after = await counts(storage)
    assert {name for name, guild_id in after if guild_id == GUILD} == {"opt_outs"}, "they are not heard later either"
    assert {key: count for key, count in before.items() if key[1] != GUILD or key[0] == "opt_outs"} == after
    assert await storage.left_guilds.known_guilds() == [OTHER_GUILD]
    await storage.left_guilds.purge(GUILD)
    for not_left in (0, None):
        with pytest.raises(ValueError, match="direct messages"):
            await storage.left_guilds.purge(not_left)  # type: ignore[arg-type]  # nobody checks types at run time


def above_or_own(column: Column[Any]) -> Table:
    """The table whose key a column holds, else its own."""
    return next((key.column.table for key in column.foreign_keys), column.table)


def filling(column: Column[Any], number: int) -> Any:
    """Something that a column takes."""
    checks = [str(c.sqltext) for c in column.table.constraints if isinstance(c, CheckConstraint)]
    if allowed := [check.split("'")[1] for check in checks if check.startswith(f"{column.name} IN")]:
        return allowed[0]
    if isinstance(column.type, JsonText):
        return {}
    kind = getattr(column.type, "impl", column.type)
    now = datetime.now(UTC)
    samples: dict[type[Any], Any] = {Text: "x", DateTime: now, Boolean: False, LargeBinary: b"x", Date: now.date()}
    return samples.get(type(kind), number)


async def counts(storage: Storage) -> dict[tuple[str, int | None], int]:
    """How many rows there are of each guild in each table, and in those that hang under them."""

    def read(connection: Connection) -> dict[tuple[str, int | None], int]:
        found: dict[tuple[str, int | None], int] = {}
        for table in metadata.sorted_tables:
            if "guild_id" in table.c:
                rows = connection.execute(select(table.c.guild_id, func.count()).group_by(table.c.guild_id))
                found |= {(table.name, guild_id): count for guild_id, count in rows}
        return found

    return await storage.database.read(read)


async def test_every_table_belongs_to_a_guild_or_hangs_under_one_that_does() -> None:
    global_tables = {"claims", "model_facts"}
    for table in metadata.sorted_tables:
        parents = [key.column.table for key in table.foreign_keys if key.ondelete == "CASCADE"]
        hangs = any("guild_id" in parent.c for parent in parents)
        assert "guild_id" in table.c or hangs or table.name in global_tables, table.name


async def test_when_a_guild_was_left_is_noted_once(storage: Storage) -> None:
    left, now = storage.left_guilds, datetime.now(UTC)
    await left.note_left(GUILD)
    first = await left.due(now + timedelta(days=1))
    await left.note_left(GUILD)
    assert await left.due(now - timedelta(days=1)) == []
    assert first == [GUILD]
    assert await left.left() == {GUILD}
    await left.note_joined(GUILD)
    assert await left.left() == set()
