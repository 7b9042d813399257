"""What was deleted or not wanted any more is found nowhere: neither in what files keep of it, nor kept late."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from storage import EVERYWHERE, BegunTurn, Settlement, Storage, Swept, Where, WithdrawnError
from tests.storage.builders import ADA, CHANNEL, GUILD, begin, new_turn
from tests.storage.test_privacy import CANARY, LONG_AGO, TOM, contents, erase, in_files


async def forget_one(storage: Storage, turn: BegunTurn) -> None:
    assert await storage.history.forget(GUILD, turn.user_message_id)


async def edit_one(storage: Storage, turn: BegunTurn) -> None:
    assert await storage.history.edit(GUILD, turn.user_message_id, "other words")


async def forget_old(storage: Storage, turn: BegunTurn) -> None:
    assert await storage.retention.forget_older(GUILD, CHANNEL, datetime.now(UTC) + timedelta(minutes=5)) == 2
    assert await contents(storage, turn.reply_id) == ["", ""]


@pytest.mark.parametrize("deed", [forget_one, edit_one, forget_old])
async def test_single_deletions_and_retention_leave_nothing_in_the_files(
    sqlite_storage: Storage, sqlite_path: Path, deed: Callable[[Storage, BegunTurn], Awaitable[None]]
) -> None:
    turn = await begin(sqlite_storage, CANARY)
    await sqlite_storage.history.settle(turn.reply_id, Settlement("An answer.", "complete"))
    await deed(sqlite_storage, turn)
    assert in_files(sqlite_path.parent) != [], "or this test is about nothing"
    assert await sqlite_storage.privacy.finished_since(LONG_AGO) == [], "no other process forgets anything for it"
    assert await sqlite_storage.privacy.sweep() == "done"
    assert in_files(sqlite_path.parent) == []


async def test_what_is_not_swept_out_yet_stays_noted(sqlite_storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    rewritten: list[int] = []

    async def sweep() -> Swept:
        await forget_one(sqlite_storage, later)  # while the file is rewritten
        rewritten.append(1)
        return "done"

    first, later = await begin(sqlite_storage, "one"), await begin(sqlite_storage, "two")
    monkeypatch.setattr(sqlite_storage.database, "sweep", sweep)
    assert await sqlite_storage.privacy.sweep() == "done"
    assert not rewritten
    await forget_one(sqlite_storage, first)
    await sqlite_storage.privacy.prune(datetime.now(UTC) + timedelta(days=40))
    await sqlite_storage.privacy.sweep()
    await sqlite_storage.privacy.sweep()
    assert len(rewritten) == 2


@pytest.mark.parametrize("where", [GUILD, EVERYWHERE])
async def test_what_was_heard_before_a_deletion_is_not_kept_after_it(storage: Storage, where: Where) -> None:
    heard = new_turn("a long file")
    waiting = await begin(storage, "of somebody else", author_id=TOM)
    joins = new_turn("and another")
    await erase(storage, where)
    with pytest.raises(WithdrawnError):
        await storage.history.begin_turn(heard)
    assert await storage.history.begin_turn(heard) is None, "nor is it taken for missed"
    with pytest.raises(WithdrawnError):
        await storage.history.join_turn(waiting.reply_id, joins)
    await begin(storage, "said afterwards")
    await begin(storage, "of somebody else", author_id=TOM)
    await storage.opt_outs.opt_out(where, ADA)
    with pytest.raises(WithdrawnError):
        await begin(storage, "said by who opted out")
    await begin(storage, "of somebody else", author_id=TOM)
