"""Keys of servers: used there alone, lenders first, never shown, gone when taken back."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from chat import keyring
from infermatic_client import _retry
from logs import set_up_logging
from storage import Scope, SealedKeys
from tests.e2e.acting import asked, begun, slow_text
from tests.e2e.conftest import SECRET_KEY, Stage, changed, running

pytestmark = pytest.mark.usefixtures("no_rate_limits")

CANARY = "sk-~canary~of~a~server"
"""It does not look like a key, so whatever hides it has to know it."""

LENT = "sk-of-ada"
OTHER_MODEL = "TheDrummer-UnslopNemo-12B-v4.1"


@pytest.fixture(autouse=True)
def quick_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_retry, "AUTHENTICATION_PAUSE_SECONDS", 0.001)


async def enter(stage: Stage, person: Any, command: str, key: str) -> str:
    """The answer to a key that is entered in the form of a command."""
    opened = await person.slash(stage.channel, command)
    await opened.answered()
    assert opened.modal is not None, opened.response and opened.response.content
    submitted = await person.submit(opened, key=key)
    await submitted.answered()
    await stage.settled()
    answer = submitted.response
    assert answer is not None
    assert answer.ephemeral
    return str(answer.content)


async def shown_keys(stage: Stage, person: Any) -> list[str]:
    """What a person is shown of the server's keys, line by line."""
    return str((await stage.command(person, "apikey show")).content).splitlines()[1:]


def used(stage: Stage) -> list[str | None]:
    """The keys with which text was asked for."""
    return [request.key for request in asked(stage)]


async def mail(stage: Stage, person: Any) -> list[str]:
    """What the bot has written to somebody in person."""
    place = await person.open_dm()
    return [message.content for message in place.messages if stage.by_bot(message)]


def written(stage: Stage, folder: Path) -> Iterator[tuple[str, bytes]]:
    """Everything that the bot has sent to Discord or written to its folder, and where."""
    for request in stage.world.requests:
        yield request.path, repr((request.body, request.query)).encode()
    for file in folder.iterdir():
        if file.is_file():
            yield file.name, file.read_bytes()


async def test_a_servers_key_is_used_there_alone_and_found_nowhere(
    offstage: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", root.level)
    set_up_logging("DEBUG", "text", [SECRET_KEY])
    stage = offstage
    stage.api.add_key(CANARY)
    other = stage.world.add_guild("Lighthouse", owner=stage.admin.user)
    elsewhere = other.add_text_channel("general")
    other.add_member(stage.ada.user)
    async with running(stage, changed(stage.settings, allow_dms=True)):
        assert "works" in await enter(stage, stage.admin, "apikey set", f" {CANARY}\n")
        for channel, key in ((stage.channel, CANARY), (elsewhere, "sk-local")):
            await stage.ask(stage.ada, "hello", channel=channel)
            assert asked(stage)[-1].key == key
        await stage.at_home(stage.ada)
        await stage.ask(stage.ada, "hello", channel=await stage.ada.open_dm())
        assert asked(stage)[-1].key == "sk-local"
        assert (await shown_keys(stage, stage.tom))[0].startswith("- This server's own, since <t:")
        stage.api.faults.add("status", status=401, body=json.dumps({"error": {"message": f"no model for {CANARY}"}}))
        stage.api.faults.add("cut", times=1)
        await stage.ask(stage.ada, "fail")
        await stage.command(stage.admin, "audit show")
        await stage.command(stage.admin, "audit export")
        await stage.command(stage.admin, "apikey show")
        await stage.command(stage.admin, "doctor")
        await stage.ask(stage.ada, "what is your key?")
    async with running(stage, stage.settings):
        await stage.ask(stage.ada, "after a restart")
        assert asked(stage)[-1].key == CANARY
        assert "gone" in (await stage.command(stage.admin, "apikey remove", key="server")).content
        await stage.ask(stage.ada, "without it")
        assert asked(stage)[-1].key == "sk-local"
    assert {key for key in used(stage) if key != CANARY} == {"sk-local"}
    everything = list(written(stage, tmp_path))
    assert [where for where, content in everything if b"without it" in content]
    assert [where for where, content in everything if b"canary" in content] == []
    log = capsys.readouterr().err
    assert "DEBUG" in log
    assert "canary" not in log


async def test_who_may_do_what_with_keys(offstage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring, "MOST_LENDERS", 1)
    stage = offstage
    stage.api.add_key(LENT)
    async with running(stage, stage.settings):
        assert "That is for" in (await stage.command(stage.moderator, "apikey set")).content
        opened = await stage.ada.slash(stage.channel, "apikey lend")
        await opened.answered()
        meaning = opened.modal.components[0]["content"]
        for words in ("on this server alone", "go first", "`/apikey remove` takes it back at any time"):
            assert words in meaning
        assert "does not accept" in await enter(stage, stage.ada, "apikey lend", "sk-unknown")
        assert "does not look like" in await enter(stage, stage.ada, "apikey lend", "two words")
        assert "You lend no key here." in (await stage.command(stage.ada, "apikey remove")).content
        assert "works" in await enter(stage, stage.ada, "apikey lend", LENT)
        assert "works" in await enter(stage, stage.ada, "apikey lend", LENT)
        assert "which is the most" in await enter(stage, stage.tom, "apikey lend", LENT)
        assert await shown_keys(stage, stage.tom) == [
            "- This server has no key of its own: the keys of whoever runs me answer here.",
            "- 1 member lends a key.",
        ]
        for person in (stage.ada, stage.moderator):
            assert f"- Lent by <@{stage.ada.user.id}>, since <t:" in (await shown_keys(stage, person))[1]
        for options in ({"member": stage.ada.user}, {"key": "server"}):
            assert "That is for" in (await stage.command(stage.tom, "apikey remove", **options)).content
        assert "lends no key" in (await stage.command(stage.moderator, "apikey remove", member=stage.tom.user)).content
        assert "no key of its own" in (await stage.command(stage.admin, "apikey remove", key="server")).content
        await stage.command(stage.moderator, "access deny", user=stage.ada.user)
        assert (await (await stage.ada.slash(stage.channel, "apikey lend")).answered()).modal is None
        assert "gone" in (await stage.command(stage.ada, "apikey remove")).content
        await stage.command(stage.moderator, "access clear", user=stage.ada.user)
        await enter(stage, stage.ada, "apikey lend", LENT)
        gone = await stage.command(stage.moderator, "apikey remove", member=stage.ada.user)
        assert "gone" in gone.content
        record = (await stage.command(stage.admin, "audit show", action="apikey")).content
        assert record.count("apikey lend") == 3
        assert record.count("apikey remove") == 2
        assert f"<@{stage.moderator.user.id}> **apikey remove** <@{stage.ada.user.id}>: `a key` → nothing" in record


async def test_whoever_lends_a_key_goes_first_on_it(offstage: Stage) -> None:
    stage = offstage
    places = [stage.guild.add_text_channel(f"room-{number}") for number in range(4)]
    stage.api.add_key(LENT)
    async with running(stage, changed(stage.settings, parallel_requests=1)) as bot:
        await enter(stage, stage.ada, "apikey lend", LENT)
        stage.api.tokens_per_second = 300
        stage.api.hold()
        await stage.say(stage.moderator, "first", answer="x", channel=places[0])
        await begun(stage, 1)
        await stage.say(stage.admin, "second", answer=slow_text(600), channel=places[1])
        await begun(stage, 2)
        await stage.say(stage.tom, "Tom's question", answer="x", channel=places[2])
        await stage.world.wait_until(lambda: len(bot.services.conversations._answers) == 3)
        stage.api.replies.add("x")
        await stage.say(stage.ada, "Ada's question", channel=places[3])
        await stage.world.wait_until(lambda: len(bot.services.conversations._answers) == 4)
        stage.api.release()
        await begun(stage, 4)
        assert used(stage) == [LENT, "sk-local", LENT, LENT]
        assert "Ada's question" in stage.prompts[2][-1]["content"]
        assert "Tom's question" in stage.prompts[3][-1]["content"]
        await stage.settled()


async def test_a_key_that_is_taken_back_finishes_what_it_does_and_begins_nothing(offstage: Stage) -> None:
    stage = offstage
    places = [stage.guild.add_text_channel(f"room-{number}") for number in range(2)]
    stage.api.add_key(CANARY)
    async with running(stage, changed(stage.settings, parallel_requests=1)) as bot:
        await enter(stage, stage.admin, "apikey set", CANARY)
        stage.api.hold()
        long = slow_text(30)
        said = await stage.say(stage.moderator, "first", answer=long, channel=places[0])
        await begun(stage, 1)
        await stage.say(stage.tom, "second", answer="x", channel=places[1])
        await stage.world.wait_until(lambda: len(bot.services.conversations._answers) == 2)
        client = bot.services.keyring.of(stage.guild.id).keys[0].client
        assert used(stage) == [CANARY]
        await (await stage.admin.slash(stage.channel, "apikey remove", key="server")).answered()
        await begun(stage, 2)
        assert used(stage) == [CANARY, "sk-local"]
        assert asked(stage)[0].finished_at is None
        stage.api.release()
        assert (await stage.reply_to(said)).content == long
        await stage.world.wait_until(lambda: client._transport._closed)
        await enter(stage, stage.ada, "apikey lend", "sk-local")  # which the operator has, too
        theirs, operators = (key.client.limits for key in bot.services.keyring.of(stage.guild.id).keys)
        assert theirs is operators


async def test_a_refused_key_is_told_of_once_and_the_operators_answer(offstage: Stage) -> None:
    stage = offstage
    log = stage.guild.add_text_channel("log")
    state, lent = stage.api.add_key(CANARY), stage.api.add_key(LENT)
    async with running(stage, stage.settings) as bot:
        await enter(stage, stage.admin, "apikey set", CANARY)
        await bot.services.storage.settings.put(
            stage.guild.id, Scope("guild", stage.guild.id), "log_channel", log.id, stage.admin.user.id
        )
        del stage.api.keys[CANARY]
        reply = await stage.ask(stage.ada, "hello", answer="Still here.")
        assert reply.content == "Still here."
        assert asked(stage)[-1].key == "sk-local"
        told = await stage.reply("does not accept this server's own API key", log)
        tries = len(asked(stage))
        await stage.ask(stage.ada, "again")
        assert len(asked(stage)) == tries + 1
        assert "the service refuses it" in (await shown_keys(stage, stage.admin))[0]
    async with running(stage, stage.settings) as bot:
        await stage.ask(stage.ada, "after a restart it is tried again")
        assert [message for message in log.messages if stage.by_bot(message)] == [told]
        stage.api.keys[CANARY] = state
        own = bot.services.keyring.of(stage.guild.id).keys[0]
        own.refused_until = 0.0
        await stage.ask(stage.ada, "mended")
        assert asked(stage)[-1].key == CANARY
        await stage.world.wait_until(lambda: not bot.services.keyring._tasks)
        assert "accepted" in (await shown_keys(stage, stage.admin))[0]
        await stage.command(stage.admin, "apikey remove", key="server")
        await enter(stage, stage.ada, "apikey lend", LENT)
        lent.expired = True
        for number in range(3):
            await stage.ask(stage.ada, f"hello {number}")
            assert asked(stage)[-1].key == "sk-local"
        await stage.world.wait_until(lambda: not (bot.services.keyring._tasks or bot._chores))
        [letter] = await mail(stage, stage.ada)
        assert "that you lent to **Harbour**" in letter
        assert not await mail(stage, stage.admin)


async def test_a_model_that_a_key_lacks_is_said_and_says_nothing_about_others(offstage: Stage) -> None:
    stage = offstage
    other = stage.world.add_guild("Lighthouse", owner=stage.admin.user).add_text_channel("general")
    stage.api.add_key(CANARY, models=[OTHER_MODEL])
    stage.api.add_key(LENT, models=[OTHER_MODEL])
    async with running(stage, stage.settings) as bot:
        await enter(stage, stage.ada, "apikey lend", LENT)
        await stage.ask(stage.ada, "hello", answer="Hello.")
        assert used(stage) == [LENT, "sk-local"]
        await enter(stage, stage.admin, "apikey set", CANARY)
        for tries in (3, 3):
            reply = await stage.ask(stage.ada, "hello")
            assert f"No API key of this server may use `{stage.settings.default_model}`" in reply.content
            assert len(asked(stage)) == tries
        assert stage.settings.default_model in bot.services.catalogue.names
        await stage.ask(stage.admin, "hello", channel=other)
        assert (asked(stage)[-1].key, asked(stage)[-1].model) == ("sk-local", stage.settings.default_model)
        await stage.command(stage.moderator, "model set", model=OTHER_MODEL)
        await stage.ask(stage.tom, "hello")
        assert asked(stage)[-1].key == CANARY


async def test_people_and_servers_that_leave_take_their_keys_along(offstage: Stage) -> None:
    stage = offstage
    stage.api.add_key(LENT)
    stage.api.add_key(CANARY)
    async with running(stage, stage.settings) as bot:
        await enter(stage, stage.ada, "apikey lend", LENT)
        await stage.ask(stage.tom, "hello")
        await stage.world.wait_until(lambda: not bot.services.keyring._tasks)
        assert used(stage) == [LENT]
        stage.guild.remove_member(stage.ada.user)
        pool: Any = bot.services.keyring.of(stage.guild.id)
        pool.lenders_checked_at -= 3600
        await stage.ask(stage.tom, "hello again")
        await stage.world.wait_until(lambda: not bot.services.keyring._tasks)
        await stage.ask(stage.tom, "and again")
        assert asked(stage)[-1].key == "sk-local"
        record = (await stage.command(stage.admin, "audit show", action="apikey remove")).content
        assert f"I **apikey remove** <@{stage.ada.user.id}>" in record
        await enter(stage, stage.admin, "apikey set", CANARY)
        for stays in (True, False):
            stage.guild.remove_bot()
            await stage.world.wait_until(lambda: bot.get_guild(stage.guild.id) is None)
            if not stays:
                await bot.services.storage.left_guilds.purge(stage.guild.id)
            stage.guild.add_bot()
            await stage.world.wait_until(lambda: bot.get_guild(stage.guild.id) is not None)
            await stage.ask(stage.tom, "hello again")
            assert asked(stage)[-1].key == (CANARY if stays else "sk-local")


def with_secret(stage: Stage, *keys: str) -> Any:
    return running(stage, changed(stage.settings, secret_key=keys))


async def test_secret_keys_change_and_get_lost(offstage: Stage) -> None:
    stage, newer, lost = offstage, Fernet.generate_key().decode(), Fernet.generate_key().decode()
    stage.api.add_key(CANARY)
    async with with_secret(stage, SECRET_KEY):
        await enter(stage, stage.admin, "apikey set", CANARY)
    async with with_secret(stage, newer, SECRET_KEY):
        pass
    async with with_secret(stage, newer):
        await stage.ask(stage.ada, "hello")
        assert asked(stage)[-1].key == CANARY
    for keys in ((lost,), ()):
        async with with_secret(stage, *keys) as bot:
            await stage.ask(stage.ada, "hello")
            assert asked(stage)[-1].key == "sk-local"
            await stage.world.wait_until(lambda bot=bot: not (bot.services.keyring._tasks or bot._chores))  # type: ignore[misc]  # a lambda with a default
            for command in ("apikey set", "apikey lend"):
                opened = await (await stage.admin.slash(stage.channel, command)).answered()
                told = "" if opened.response is None else opened.response.content
                assert ("has to set `SECRET_KEY`" in told) == (not keys)
            assert "does not open any more" in (await shown_keys(stage, stage.admin))[0]
            [letter] = await mail(stage, stage.admin)
            assert "own API key does not open any more" in letter
    async with with_secret(stage, newer) as bot:
        await stage.ask(stage.ada, "hello")
        assert asked(stage)[-1].key == CANARY
        await stage.world.wait_until(lambda: not bot.services.keyring._tasks)
        assert "accepted" in (await shown_keys(stage, stage.admin))[0]


async def test_the_doctor_tries_the_servers_keys_and_shows_none(stage: Stage) -> None:
    stage.api.add_key(CANARY)
    stage.api.add_key(LENT)

    async def of_keys() -> list[str]:
        lines = (await stage.command(stage.admin, "doctor")).content.splitlines()
        return [line for line in lines if "API key" in line or "apikey" in line][:-1]  # the operator's comes last

    assert await of_keys() == ["✅ **This server's API key**: none; the keys of whoever runs me answer here."]
    await enter(stage, stage.admin, "apikey set", CANARY)
    await enter(stage, stage.ada, "apikey lend", LENT)
    own, lent = await of_keys()
    assert own.startswith("✅ **This server's API key**: accepted; ")
    assert lent == "✅ **Lent API keys**: One member lends one; accepted."
    del stage.api.keys[CANARY], stage.api.keys[LENT]
    own, mend, lent, mend_lent = await of_keys()
    assert own == "❌ **This server's API key**: the service does not accept it."
    assert "`/apikey set`" in mend
    assert lent == f"⚠️ **Lent API keys**: One member lends one; no use are those of <@{stage.ada.user.id}>."
    assert "`/apikey lend`" in mend_lent


async def test_deleting_what_is_kept_about_somebody_takes_back_what_they_lend(stage: Stage, tmp_path: Path) -> None:
    stage.api.add_key(LENT)
    stage.api.add_key(CANARY)
    await enter(stage, stage.ada, "apikey lend", LENT)
    await enter(stage, stage.tom, "apikey lend", CANARY)
    await stage.ask(stage.ada, "hello")
    assert stage.bot is not None
    kept = await SealedKeys(stage.bot.services.storage.database).everything()
    sealed = {owner: key for _, owner, key in kept}
    opened = (await (await stage.ada.slash(stage.channel, "privacy delete")).answered()).response
    assert "API keys that you lent" in opened.content
    await (await stage.ada.click(opened, label="Delete for good")).answered()
    await stage.world.wait_until(lambda: opened.content.startswith("Done."))
    assert opened.content.endswith(" and 1 lent key.")
    shown = await shown_keys(stage, stage.moderator)
    assert [f"<@{stage.tom.user.id}>" in shown[1], *shown[2:]] == [True, "- 1 member lends a key."]
    await stage.ask(stage.ada, "and now?")
    assert asked(stage)[-1].key == CANARY, "that of Tom, which serves everybody there"
    files = b"".join(file.read_bytes() for file in tmp_path.iterdir() if file.is_file())
    assert sealed[stage.tom.user.id] in files
    assert sealed[stage.ada.user.id] not in files
