"""Lorebooks on both databases: each guild's for itself, switched on where somebody said so."""

from storage import Scope, Storage
from tests.storage.builders import GUILD, OTHER_GUILD, begin

HERE, SERVER = Scope("channel", 5), Scope("guild", GUILD)


async def added(storage: Storage, name: str = "Sea", guild: int | None = GUILD) -> int:
    book_id = await storage.lorebooks.add(guild, name, b"{}", 3, 11, 5)
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
