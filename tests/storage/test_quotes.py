"""What somebody quoted follows its source, and goes with it, with the message it stands in, and with its author."""

from datetime import UTC, datetime, timedelta

import pytest

from storage import EVERYWHERE, BegunTurn, Quote, Storage, WithdrawnError, new_id
from tests.storage.builders import ADA, CHANNEL, GUILD, OTHER_GUILD, begin, walk

SOURCE = 900
TOM = ADA + 1


async def quoting(storage: Storage, source: int = SOURCE, author_id: int = ADA) -> BegunTurn:
    """Tom quotes somebody."""
    return await begin(storage, "really?", author_id=TOM, quote=Quote(source, author_id, f"words of {author_id}"))


async def quote_in(storage: Storage, begun: BegunTurn) -> tuple[str | None, int | None]:
    message = await storage.history.message(GUILD, begun.user_message_id)
    assert message is not None
    return message.quote, message.quoted_author_id


async def test_it_follows_the_message_that_it_was_taken_from(storage: Storage) -> None:
    begun = await quoting(storage)
    assert begun.recent[0].quote == f"words of {ADA}"
    assert await quote_in(storage, begun) == (f"words of {ADA}", ADA)
    history = storage.history
    assert await history.is_quoted(GUILD, SOURCE)
    assert not await history.is_quoted(OTHER_GUILD, SOURCE)
    assert await history.requote(OTHER_GUILD, SOURCE, None) == []
    assert await history.requote(GUILD, SOURCE + 1, None) == []
    assert await history.requote(GUILD, SOURCE, "other words") == [CHANNEL]
    assert await quote_in(storage, begun) == ("other words", ADA)
    assert await history.requote(GUILD, SOURCE, None) == [CHANNEL]
    assert await quote_in(storage, begun) == (None, None)
    assert not await history.is_quoted(GUILD, SOURCE)
    assert [message.content for message in await walk(storage, begun.user_message_id)] == ["really?"]


async def test_it_goes_with_the_message_that_it_stands_in(storage: Storage) -> None:
    forgotten, old = await quoting(storage), await quoting(storage)
    await storage.history.forget(GUILD, forgotten.user_message_id)
    assert await quote_in(storage, forgotten) == (None, None)
    await storage.retention.forget_older(GUILD, CHANNEL, datetime.now(UTC) + timedelta(minutes=5))
    assert await quote_in(storage, old) == (None, None)


async def test_its_author_gets_it_and_has_it_deleted(storage: Storage) -> None:
    several = [await quoting(storage, SOURCE + number) for number in range(3)]
    toms = await quoting(storage, author_id=TOM)
    rows = [
        row
        async for page in storage.privacy.everything(GUILD, ADA)
        if page.part == "what others quoted of you"
        for row in page.rows
    ]
    assert [row["quote"] for row in rows] == [f"words of {ADA}"] * 3
    assert "author_id" not in rows[0]
    own = [row async for page in storage.privacy.everything(GUILD, TOM) if page.part == "messages" for row in page.rows]
    assert len(own) == 8
    assert not any("quote" in row for row in own)
    for where in (OTHER_GUILD, EVERYWHERE):
        erasure = await storage.privacy.ask_to_erase(where, ADA, answers=True, in_discord=False)
        await storage.privacy.erase(erasure)
        gone = where is EVERYWHERE
        for begun in several:
            assert await quote_in(storage, begun) == ((None, None) if gone else (f"words of {ADA}", ADA))
    assert await quote_in(storage, toms) == (f"words of {TOM}", TOM)


async def test_it_is_not_kept_if_its_author_had_their_words_deleted_meanwhile_or_opted_out(storage: Storage) -> None:
    heard_id = new_id()
    asked = await storage.privacy.ask_to_erase(GUILD, ADA, answers=True, in_discord=False)
    await storage.privacy.erase(asked)
    quote = Quote(SOURCE, ADA, "her words")
    late = await begin(storage, "really?", author_id=TOM, quote=quote, heard_id=heard_id)
    assert await quote_in(storage, late) == (None, None)
    with pytest.raises(WithdrawnError):  # it asks nothing then
        await begin(storage, "", author_id=TOM, quote=quote, heard_id=heard_id)
    assert await quote_in(storage, await quoting(storage)) == (f"words of {ADA}", ADA)
    await storage.opt_outs.opt_out(GUILD, ADA)
    assert await quote_in(storage, await quoting(storage)) == (None, None)
