"""Pictures come and go with their messages, and are found by their own guild only."""

from datetime import timedelta

from storage import Picture, Storage, new_id
from storage.records import utc_now
from tests.storage.builders import CHANNEL, GUILD, KEY, OTHER_GUILD, begin, new_turn, walk

CAT = Picture(501, "cat.png", "image/jpeg", 800, 600, b"\xff\xd8 cat \x00")
DOG = Picture(502, "dog\x00.png", "image/png", 10, 20, b"dog")


async def test_pictures_are_kept_with_their_turn(storage: Storage) -> None:
    first, second = await begin(storage, pictures=(DOG, CAT)), await begin(storage, "no picture")
    found = await storage.pictures.of(GUILD, [first.user_message_id, second.user_message_id])
    assert list(found) == [first.user_message_id]
    cat, dog = found[first.user_message_id]
    assert cat == CAT
    assert (dog.name, dog.data) == ("dog.png", b"dog")


async def test_a_joining_message_brings_its_pictures(storage: Storage) -> None:
    begun = await begin(storage)
    joined = await storage.history.join_turn(begun.reply_id, new_turn("and this", pictures=(CAT,)))
    assert joined is not None
    assert await storage.pictures.of(GUILD, [joined.user_message_id]) == {joined.user_message_id: [CAT]}


async def test_a_turn_that_was_taken_up_before_keeps_nothing(storage: Storage) -> None:
    turn = new_turn(pictures=(CAT,))
    begun = await storage.history.begin_turn(turn)
    assert begun is not None
    assert await storage.history.begin_turn(turn) is None
    assert len((await storage.pictures.of(GUILD, [begun.user_message_id]))[begun.user_message_id]) == 1


async def test_another_guild_finds_and_deletes_nothing(storage: Storage) -> None:
    begun = await begin(storage, pictures=(CAT,))
    for guild in (OTHER_GUILD, None):
        assert await storage.pictures.of(guild, [begun.user_message_id]) == {}
        assert await storage.pictures.keep_only(guild, begun.user_message_id, []) == 0
        await storage.history.forget(guild, begun.user_message_id)
    assert await storage.pictures.of(GUILD, [begun.user_message_id]) == {begun.user_message_id: [CAT]}


async def test_a_forgotten_message_forgets_its_pictures(storage: Storage) -> None:
    begun = await begin(storage, pictures=(CAT, DOG))
    other = await begin(storage, pictures=(CAT,))
    assert await storage.history.forget(GUILD, begun.user_message_id)
    assert await storage.pictures.of(GUILD, [begun.user_message_id, other.user_message_id]) == {
        other.user_message_id: [CAT]
    }


async def test_retention_forgets_pictures_too(storage: Storage) -> None:
    begun = await begin(storage, pictures=(CAT,))
    assert await storage.retention.forget_older(GUILD, CHANNEL, utc_now() + timedelta(days=1))
    assert await storage.pictures.of(GUILD, [begun.user_message_id]) == {}


async def test_only_some_of_a_message_s_pictures_can_be_kept(storage: Storage) -> None:
    begun = await begin(storage, pictures=(CAT, DOG))
    assert await storage.pictures.keep_only(GUILD, begun.user_message_id, [CAT.attachment_id, new_id()]) == 1
    assert await storage.pictures.of(GUILD, [begun.user_message_id]) == {begun.user_message_id: [CAT]}


async def test_a_long_path_is_read_without_its_pictures(storage: Storage) -> None:
    begun = await begin(storage, pictures=(CAT,))
    assert [message.content for message in await walk(storage, begun.reply_id)] == ["", "hello"]
    assert await storage.history.head(KEY) == begun.reply_id
