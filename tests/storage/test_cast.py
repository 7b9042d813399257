"""What several personas in one conversation need of its history."""

from dataclasses import replace

from storage import Settlement, Storage, TranscriptMessage
from storage.records import Opened
from tests.storage.builders import ADA, GUILD, KEY, NOW, OTHER_GUILD, answer, begin, new_turn, walk


async def _reply_to(storage: Storage, reply_id: int, persona_id: int = 6, name: str = "Nora") -> int:
    """A persona begins to answer another one's reply."""
    begun = await storage.history.begin_reply(KEY, reply_id, reply_id, ADA, None, True, persona_id, name)
    assert begun is not None
    return begun.reply_id


async def _mira_speaks(storage: Storage) -> int:
    begun = await begin(storage, persona_id=5, persona_name="Mira")
    await storage.history.posted(begun.reply_id, begun.reply_id, 0)
    await answer(storage, begun, "Good evening.")
    return begun.reply_id


async def test_a_reply_to_a_reply_is_read_swiped_and_owned(storage: Storage) -> None:
    history = storage.history
    first = await _mira_speaks(storage)
    second = await _reply_to(storage, first)
    assert await history.begin_reply(KEY, first, first, ADA, None, True, 6, "Nora") is None  # one answers, anywhere
    await history.posted(second, 700, 0)
    await history.settle(second, Settlement("Is it?", "complete"))
    assert [m.content for m in await walk(storage, second)] == ["Is it?", "Good evening.", "hello"]
    shown = await history.shown_reply(GUILD, second)
    assert shown is not None
    assert shown.on_head
    assert shown.question_stands_in_discord
    assert not shown.asked
    assert shown.asker_ids == {ADA}
    assert [swipe.id for swipe in shown.swipes] == [second]
    again = await history.begin_reply(KEY, first, 701, ADA, None, True, 6, "Nora")
    assert again is not None
    await history.posted(again.reply_id, 700, 0)
    await history.settle(again.reply_id, Settlement("So it is.", "complete"))
    turned = await history.turn_to(GUILD, again.reply_id, second)
    assert (turned.reply.content, len(turned.swipes)) == ("Is it?", 2)
    assert await history.head(KEY) == second
    before = await history.shown_reply(GUILD, first)
    assert before is not None
    assert not before.newest
    await history.set_head(KEY, first)
    assert await history.reply_under(GUILD, before.asked[0].id) == first


async def test_what_nobody_waits_for_gives_its_place_back(storage: Storage) -> None:
    history = storage.history
    first = await _mira_speaks(storage)
    second = await _reply_to(storage, first)
    await history.settle(second, Settlement("", "stopped", instead_of=first))
    assert await history.head(KEY) == first
    shown = await history.shown_reply(GUILD, first)
    assert shown is not None
    assert shown.on_head
    third = await history.begin_reply(KEY, first, 88, ADA, None, True, 6, "Nora")
    assert third is not None
    assert await history.withdraw(GUILD, third.reply_id) is None
    assert await history.withdraw_unasked(GUILD, third.reply_id)
    assert await history.head(KEY) == first
    assert not await history.withdraw_unasked(GUILD, first)
    assert [message.id for message in await history.unfinished(None)] == []


async def test_only_what_is_not_seen_is_withdrawn(storage: Storage) -> None:
    first = await _mira_speaks(storage)
    second = await _reply_to(storage, first)
    await storage.history.posted(second, 700, 0)
    assert not await storage.history.withdraw_unasked(GUILD, second)
    assert await storage.history.head(KEY) == second


async def test_a_joined_turn_may_give_the_reply_to_another_persona(storage: Storage) -> None:
    begun = await begin(storage, persona_id=5, persona_name="Mira")
    nora = replace(new_turn("Nora?"), persona_id=6, persona_name="Nora")
    assert await storage.history.join_turn(begun.reply_id, nora, recast=True)
    reply = await storage.history.message(GUILD, begun.reply_id)
    assert reply is not None
    assert (reply.persona_id, reply.author_name, reply.state) == (6, "Nora", "pending")
    otis = replace(new_turn("Otis?"), persona_id=7, persona_name="Otis")
    assert await storage.history.join_turn(begun.reply_id, otis)
    assert (await walk(storage, begun.reply_id))[0].persona_id == 6


async def test_a_greeting_goes_on_from_the_head(storage: Storage) -> None:
    first = await _mira_speaks(storage)
    opening = [
        TranscriptMessage(None, "system", "", NOW, ADA),
        TranscriptMessage(0, "assistant", "I am Nora.", NOW, ADA, "Nora", persona_id=6),
        TranscriptMessage(0, "assistant", "Nora here.", NOW, ADA, "Nora", persona_id=6),
    ]
    grafted = await storage.history.graft(KEY, opening, 1, on_head=True)
    assert grafted.previous_head == first
    assert [m.content for m in await walk(storage, grafted.head)] == ["I am Nora.", "", "Good evening.", "hello"]
    shown = await storage.history.shown_reply(GUILD, grafted.head)
    assert shown is not None
    assert [swipe.content for swipe in shown.swipes] == ["I am Nora.", "Nora here."]


def _greetings(persona_id: int, count: int) -> list[TranscriptMessage]:
    said = [TranscriptMessage(0, "assistant", f"{n}", NOW, ADA, persona_id=persona_id) for n in range(count)]
    return [TranscriptMessage(None, "system", "", NOW, ADA), *said]


async def test_it_is_known_with_which_greeting_each_persona_came_in(storage: Storage) -> None:
    history = storage.history
    mira = (await history.graft(KEY, _greetings(5, 3), 2)).head
    said = await begin(storage)
    assert await history.opened(GUILD, said.user_message_id, 5) == Opened(1, 3)
    assert await history.opened(GUILD, said.user_message_id, 6) is None
    assert await history.opened(OTHER_GUILD, said.user_message_id, 5) is None
    nora = (await history.graft(KEY, _greetings(6, 2), 1, on_head=True)).head
    assert await history.opened(GUILD, nora, 6) == Opened(0, 2)
    assert await history.opened(GUILD, nora, 5) == Opened(1, 3)
    opening = (await walk(storage, mira))[-1].id
    written = await history.begin_reply(KEY, opening, 900, ADA, "model-a", True, 5, "Mira")
    assert written is not None
    assert await history.opened(GUILD, written.reply_id, 5) == Opened(None, 3)
    lonely = await begin(storage, key=replace(KEY, channel_id=77))
    assert await history.opened(GUILD, lonely.user_message_id, 5) is None
