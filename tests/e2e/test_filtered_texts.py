"""What filters keep from being said by other ways than messages: what people write, hand over, and call their own."""

import json
from typing import Any

import pytest

from tests.e2e.acting import asked, quiet, stored
from tests.e2e.characters import card_file, greeting, look, storage_of, taken_in, use
from tests.e2e.conftest import Stage, changed, running
from tests.e2e.test_filters import put, versions

pytestmark = pytest.mark.usefixtures("no_rate_limits")

REFUSED = "Something in it is not allowed in this server."
MASK = "▇▇▇▇"


def book(content: str, name: str = "Sea") -> tuple[str, bytes]:
    entries = {"0": {"key": ["hello"], "content": content, "constant": True}}
    return "sea.json", json.dumps({"name": name, "entries": entries}).encode()


async def test_what_members_write_is_looked_at_wherever_they_write_it(stage: Stage) -> None:
    await put(stage, "vile, *rot*")
    await put(stage, "dull", action="mask")
    ada, thread = stage.ada, stage.channel.add_thread("ada's", stage.ada.user)
    await taken_in(stage, stage.moderator)
    given: list[tuple[str, dict[str, Any]]] = [
        ("profile set", {"name": "Vile Kira"}),
        ("profile set", {"description": "says vi\u200ble things"}),
        ("note set", {"text": "be vile"}),
        ("lore import", {"file": book("it is rotten")}),
        ("lore import", {"file": book("it is deep", name="Vile")}),
        ("lore import", {"file": book("it is deep"), "name": "vile"}),
        ("scene start", {"persona": "Mira", "title": "vile title"}),
        ("persona import", {"file": card_file("Mira", description="vile")}),
        ("persona import", {"file": card_file("Vile Mira")}),
    ]
    before = {channel.id for channel in stage.world._state.channels.values()}
    for name, options in given:
        told = await stage.command(ada, name, None if name == "scene start" else thread, **options)
        assert REFUSED in told.content, (name, options)
    form = await ada.slash(thread, "profile set")
    await form.answered()
    sent = await ada.submit(form, name="Kira", description="vile")
    assert REFUSED in (await sent.answered()).response.content
    form = await ada.slash(thread, "persona create")
    await form.answered()
    sent = await ada.submit(form, name="Mia", description="vile")
    await stage.world.wait_until(lambda: any(REFUSED in message.content for message in sent.messages))
    assert {channel.id for channel in stage.world._state.channels.values()} == before
    assert "who Discord says" in (await stage.command(ada, "profile show", thread)).content
    assert "no lorebooks" in (await stage.command(ada, "lore list", thread)).content

    await taken_in(stage, ada, card_file("Mia", description="a dull fish", first_mes="Hm."), thread)
    form = await ada.slash(thread, "persona edit", name="Mia")
    await form.answered()
    sent = await ada.submit(form, description="a vile fish")
    await stage.world.wait_until(lambda: any(REFUSED in message.content for message in sent.messages))
    await use(stage, "Mia", ada, thread)
    await stage.command(ada, "profile set", thread, name="Kira", description="likes dull days")
    await stage.command(ada, "note set", thread, text="stay dull")
    assert "**Sea** with 1 entry" in (await stage.command(ada, "lore import", thread, file=book("dull it is"))).content
    await stage.ask(ada, "hello", channel=thread)
    for words in (f"a {MASK} fish", f"likes {MASK} days", f"stay {MASK}", f"{MASK} it is"):
        assert words in stage.said_to_model
    assert "dull" not in stage.said_to_model

    await taken_in(stage, stage.moderator, card_file("Rex", description="vile, as the server wants it"))
    assert "Rex" in (await stage.command(ada, "persona list")).content
    assert REFUSED in (await stage.command(stage.moderator, "note set", text="be vile")).content


async def test_a_character_with_a_name_that_is_not_allowed_speaks_without_it(stage: Stage) -> None:
    await taken_in(stage, stage.ada, card_file("Vile Mira", first_mes="Good evening."))
    await taken_in(stage, stage.moderator, card_file("Dull Tim", first_mes="{{char}} is vile."))
    thread = stage.channel.add_thread("ada's", stage.ada.user)
    await put(stage, "vile", where="answered")
    await put(stage, "dull", action="mask", where="answered")
    told = await stage.command(stage.ada, "persona use", thread, name="Vile Mira")
    assert told.content.startswith(f"**{MASK} {MASK}** speaks in this thread")
    said = await greeting(stage, channel=thread)
    assert said.author.name == f"{MASK} {MASK}"
    reply = await stage.ask(stage.ada, "hello", answer="Hm.", channel=thread)
    assert reply.author.name == f"{MASK} {MASK}"
    assert (await stored(stage, reply)).author_name == f"{MASK} {MASK}"
    await stage.command(stage.ada, "scene start", persona="Vile Mira")
    await quiet(stage)
    names = [getattr(channel, "name", "") for channel in stage.world._state.channels.values()]
    assert f"{MASK} {MASK}" in names
    assert not any("vile" in name.casefold() for name in names if isinstance(name, str))
    await use(stage, "Dull Tim")
    everything = [message for message in stage.world._state.messages.values() if not message.ephemeral]
    assert not any("vile" in text.casefold() for m in everything for _, text in m.history)
    assert not any("vile" in str(m.author.name).casefold() for m in everything)
    await use(stage, "Dull Tim")
    reply = await stage.ask(stage.tom, "hello", answer="Hm.")
    assert reply.author.name == f"{MASK} Tim"


async def test_in_direct_messages_the_filters_of_the_home_server_hold(offstage: Stage) -> None:
    stage = offstage
    async with running(stage, changed(stage.settings, allow_dms=True)) as bot:
        await put(stage, "vile")
        await put(stage, "dull", action="mask")
        log: list[Any] = []
        bot.services.filters.on_flag = log.append
        dm = await stage.ada.open_dm()
        await stage.command(stage.ada, "home", dm, server="harbour")
        await stage.ada.say(dm, "how vile")
        await stage.reply(REFUSED, channel=dm)
        assert asked(stage) == []
        stage.api.replies.add("A dull thing, that vile one.")
        reply = await stage.reply_to(await stage.ada.say(dm, "a dull day"))
        assert reply.content.startswith(f"A {MASK} thing, that")
        assert "vile" not in reply.content
        assert f"a {MASK} day" in stage.said_to_model
        assert REFUSED in (await stage.command(stage.ada, "profile set", dm, name="Vile")).content
        told = await stage.command(stage.ada, "persona import", dm, file=card_file("Vile Mira"))
        assert REFUSED in told.content
        assert log == [], "what is said in direct messages is nobody else's"
        assert not any("vile" in text for text in versions(stage, dm))

        bot.services.filters._presences._homes.clear()  # as after a restart
        good = await stage.ada.say(dm, "a fine day")
        await stage.reply_to(good)
        bot.services.filters._presences._homes.clear()
        await stage.ada.edit(good, "a vile day")
        await stage.remembered(good, "")
        await stage.command(stage.moderator, "filter remove", filter=await newest_filter(stage))
        storage_of(stage).filters.forget(stage.guild.id)
        await stage.reply_to(await stage.ada.say(dm, "a dull day again"))
        assert "a dull day again" in stage.said_to_model


async def newest_filter(stage: Stage) -> str:
    """The last that was added."""
    return str((await storage_of(stage).filters.of(stage.guild.id))[-1].id)


async def test_a_draft_of_a_member_with_masks_is_what_is_kept(stage: Stage) -> None:
    await put(stage, "dull", action="mask")
    preview = await look(stage, stage.ada, card_file("Dull Mia"))
    assert preview.embeds[0]["title"].startswith(f"{MASK} Mia")
