"""Lorebooks on both databases: each guild's for itself, switched on where somebody said so."""

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage import Lorebooks, Scope, Storage
from tests.storage.builders import GUILD, OTHER_GUILD, answer, begin
from tests.storage.reading import LateReads, Reads

HERE, SERVER = Scope("channel", 5), Scope("guild", GUILD)


async def added(storage: Storage, name: str = "Sea", guild: int | None = GUILD, most: int = 5) -> int:
    book_id = await storage.lorebooks.add(guild, name, b"{}", 3, 11, most)
    assert book_id is not None
    return book_id


async def test_lorebooks_are_kept_up_to_a_number(storage: Storage) -> None:
    ids = [await added(storage, name) for name in "dbcAe"]
    assert await storage.lorebooks.add(GUILD, "f", b"{}", 0, 11, 5) is None
    assert [book.name for book in await storage.lorebooks.all(GUILD)] == ["A", "b", "c", "d", "e"]
    stored = await storage.lorebooks.get(GUILD, ids[0])
    assert stored is not None
    assert (stored.data, stored.outline.entries, stored.outline.created_by) == (b"{}", 3, 11)
    assert await storage.lorebooks.delete(GUILD, ids[0])
    assert not await storage.lorebooks.delete(GUILD, ids[0])
    assert await storage.lorebooks.get(GUILD, ids[0]) is None


async def test_they_are_switched_on_by_scope(storage: Storage) -> None:
    first, second = await added(storage), await added(storage)
    assert await storage.lorebooks.switch(GUILD, first, HERE, on=True)
    assert not await storage.lorebooks.switch(GUILD, first, HERE, on=True)
    assert await storage.lorebooks.switch(GUILD, second, SERVER, on=True)
    assert await storage.lorebooks.switched_on(GUILD, [HERE, SERVER]) == {HERE: [first], SERVER: [second]}
    assert await storage.lorebooks.switched_on(GUILD, [Scope("thread", 5)]) == {}
    assert await storage.lorebooks.places(GUILD) == {first: [HERE], second: [SERVER]}
    assert await storage.lorebooks.switch(GUILD, first, HERE, on=False)
    assert not await storage.lorebooks.switch(GUILD, first, HERE, on=False)
    await storage.lorebooks.delete(GUILD, second)
    assert await storage.lorebooks.places(GUILD) == {}


async def test_another_guild_finds_and_changes_nothing(storage: Storage) -> None:
    book = await added(storage)
    await storage.lorebooks.switch(GUILD, book, HERE, on=True)
    for guild in (OTHER_GUILD, None):
        assert await storage.lorebooks.all(guild) == []
        assert await storage.lorebooks.get(guild, book) is None
        assert await storage.lorebooks.places(guild) == {}
        assert await storage.lorebooks.switched_on(guild, [HERE]) == {}
        assert not await storage.lorebooks.delete(guild, book)
        assert not await storage.lorebooks.switch(guild, book, HERE, on=False)
    assert await storage.lorebooks.places(GUILD) == {book: [HERE]}


async def test_what_fired_is_remembered_with_its_message(storage: Storage) -> None:
    begun = await begin(storage)
    here = begun.user_message_id
    await storage.lorebooks.remember(GUILD, here, ["a", "b"])
    await storage.lorebooks.remember(GUILD, here, ["b", "c"])
    assert await storage.lorebooks.fired(GUILD, [here, 1]) == {"b": here, "c": here}
    await storage.lorebooks.remember(OTHER_GUILD, here, [])
    await storage.lorebooks.remember(OTHER_GUILD, here, ["x"])
    assert await storage.lorebooks.fired(OTHER_GUILD, [here]) == {}
    assert await storage.lorebooks.fired(GUILD, [here]) == {"b": here, "c": here}
    await storage.lorebooks.remember(GUILD, here, [])
    assert await storage.lorebooks.fired(GUILD, [here]) == {}


async def test_where_they_are_switched_on_is_read_once(storage: Storage) -> None:
    reads = Reads(storage.database.engine)
    book = await added(storage)
    before = reads.count
    for _ in range(2):
        assert await storage.lorebooks.switched_on(GUILD, [HERE, SERVER]) == {}
    assert reads.count == before + 1, "also that there are none is known"
    await storage.lorebooks.switch(GUILD, book, HERE, on=True)
    before = reads.count
    for scopes in ([HERE, SERVER], [SERVER, HERE], [HERE]):
        assert await storage.lorebooks.switched_on(GUILD, scopes) == {HERE: [book]}
    assert reads.count == before + 1
    assert await storage.lorebooks.switched_on(OTHER_GUILD, [HERE]) == {}
    await storage.lorebooks.switch(GUILD, book, HERE, on=False)
    assert await storage.lorebooks.switched_on(GUILD, [HERE]) == {}


async def test_a_deleted_book_is_looked_through_nowhere(storage: Storage) -> None:
    first, second = await added(storage), await added(storage)
    for book in (first, second):
        await storage.lorebooks.switch(GUILD, book, HERE, on=True)
    assert await storage.lorebooks.switched_on(GUILD, [HERE]) == {HERE: [first, second]}
    await storage.lorebooks.delete(GUILD, first)
    assert await storage.lorebooks.switched_on(GUILD, [HERE]) == {HERE: [second]}
    await storage.left_guilds.purge(GUILD)
    storage.lorebooks.forget(GUILD)
    assert await storage.lorebooks.switched_on(GUILD, [HERE]) == {}


async def test_switching_while_it_is_read_is_not_missed(storage: Storage) -> None:
    book = await added(storage)
    late = LateReads(storage.database)
    books = Lorebooks(late)
    reading = asyncio.ensure_future(books.switched_on(GUILD, [HERE]))
    await late.has_read.wait()
    assert await books.switch(GUILD, book, HERE, on=True)
    late.let_go.set()
    assert await reading == {}
    assert await books.switched_on(GUILD, [HERE]) == {HERE: [book]}


async def test_switching_whose_caller_went_away_is_seen(storage: Storage) -> None:
    book = await added(storage)
    await storage.lorebooks.switched_on(GUILD, [HERE])
    switching = asyncio.ensure_future(storage.lorebooks.switch(GUILD, book, HERE, on=True))
    await asyncio.sleep(0)
    switching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await switching
    await storage.database._finish_unattended()
    assert await storage.lorebooks.switched_on(GUILD, [HERE]) == {HERE: [book]}


changes = st.lists(
    st.tuples(
        st.sampled_from(["on", "off", "delete", "ask", "ask"]),
        st.sampled_from([GUILD, OTHER_GUILD, None]),
        st.sampled_from([HERE, SERVER, Scope("thread", 7)]),
        st.integers(0, 1),
    ),
    max_size=25,
)


@given(changes, st.integers(1, 4))
@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_a_small_memory_never_shows(sqlite_storage: Storage, script: list[tuple[Any, ...]], size: int) -> None:
    books = Lorebooks(sqlite_storage.database, max_cached_scopes=size)
    guilds = (GUILD, OTHER_GUILD, None)
    ids = {guild: [await added(sqlite_storage, guild=guild, most=1000) for _ in range(2)] for guild in guilds}
    on: set[tuple[int | None, Scope, int]] = set()
    for action, guild, scope, number in script:
        book = ids[guild][number]
        if action == "ask":
            scopes = [HERE, SERVER, Scope("thread", 7)]
            expected = {s: [b for b in sorted(ids[guild]) if (guild, s, b) in on] for s in scopes}
            assert await books.switched_on(guild, scopes) == {s: found for s, found in expected.items() if found}
        elif action == "delete":
            await books.delete(guild, book)
            on -= {place for place in on if place[2] == book}
            ids[guild][number] = await added(sqlite_storage, guild=guild, most=1000)
        else:
            await books.switch(guild, book, scope, on=action == "on")
            on = on | {(guild, scope, book)} if action == "on" else on - {(guild, scope, book)}
    for guild in guilds:
        for book in ids[guild]:
            await books.delete(guild, book)


async def test_a_long_path_is_counted_and_what_fired_on_it_is_known(storage: Storage) -> None:
    first = await begin(storage, "one")
    await answer(storage, first, "two")
    second = await begin(storage, "three")
    await answer(storage, second, "four")
    await storage.lorebooks.remember(GUILD, first.user_message_id, ["a", "b"])
    await storage.lorebooks.remember(GUILD, second.user_message_id, ["b"])
    assert await storage.history.count(GUILD, second.reply_id) == (4, 2)
    assert await storage.history.count(GUILD, second.user_message_id) == (3, 1)
    fired = {"a": first.user_message_id, "b": second.user_message_id}
    assert await storage.lorebooks.fired_above(GUILD, second.reply_id) == fired
    assert await storage.lorebooks.fired_above(GUILD, first.reply_id) == dict.fromkeys("ab", first.user_message_id)
    await storage.history.forget(GUILD, first.reply_id)
    assert await storage.history.count(GUILD, second.reply_id) == (3, 1)
    assert await storage.history.count(OTHER_GUILD, second.reply_id) == (0, 0)
    assert await storage.lorebooks.fired_above(OTHER_GUILD, second.reply_id) == {}
