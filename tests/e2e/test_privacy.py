"""People and what is kept about them: looked at, taken along, deleted, and not kept at all."""

import asyncio
import io
import json
import logging
import sqlite3
import zipfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from chat.bursts import Burst
from cogs._attachments import AttachmentReader
from cogs.leaving import GRACE
from storage import EVERYWHERE, Scope, StoredWebhook
from tests.e2e.acting import begun, slow_text
from tests.e2e.conftest import MODEL, Stage, running
from tests.e2e.test_proxies import Proxy

pytestmark = pytest.mark.usefixtures("no_rate_limits")

CANARY = "canary-7f3a"
OPTED_OUT = "You opted out"


def folder_of(stage: Stage) -> Path:
    return Path(stage.settings.database_url.removeprefix("sqlite:///")).parent


def canaries(stage: Stage) -> list[str]:
    """The files of the database in which the word stands, and the tables."""
    files = [path.name for path in folder_of(stage).iterdir() if CANARY.encode() in path.read_bytes()]
    with closing(sqlite3.connect(folder_of(stage) / "bot.db")) as database:
        dump = [line for line in database.iterdump() if CANARY in line or CANARY.encode().hex().upper() in line]
    return files + dump


def png(name: str) -> tuple[str, bytes]:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(buffer, "PNG")
    return name, buffer.getvalue()


def card(name: str, greeting: str = f"I am {CANARY}.") -> tuple[str, bytes]:
    data = {"name": name, "description": f"knows {CANARY}", "first_mes": greeting}
    return "card.json", json.dumps({"spec": "chara_card_v2", "spec_version": "2.0", "data": data}).encode()


async def delete(stage: Stage, person: Any, channel: Any = None, /, **options: Any) -> str:
    """Ask for it, press the button, and what is said in the end."""
    interaction = await person.slash(channel or stage.channel, "privacy delete", **options)
    asked = (await interaction.answered()).response
    assert asked.ephemeral
    assert "cannot be undone" in asked.content
    return await confirm(stage, person, asked)


async def confirm(stage: Stage, person: Any, asked: Any) -> str:
    await (await person.click(asked, label="Delete for good")).answered()
    await stage.world.wait_until(lambda: asked.content.startswith("Done."))
    text: str = asked.content
    return text


async def export(stage: Stage, person: Any, channel: Any = None, /, **options: Any) -> dict[str, bytes]:
    """The files in all zips that come."""
    interaction = await person.slash(channel or stage.channel, "privacy export", **options)
    await interaction.answered()
    await stage.settled()
    files: dict[str, bytes] = {}
    for message in interaction.messages:
        for attachment in message.attachments:
            assert message.ephemeral
            with zipfile.ZipFile(io.BytesIO(attachment.data)) as opened:
                files |= {name: opened.read(name) for name in opened.namelist()}
    return files


def said_in(files: dict[str, bytes]) -> list[str]:
    return [row["content"] for row in json.loads(files.get("messages.json", b"[]"))]


# --- deleting


async def test_a_word_that_was_said_everywhere_is_found_nowhere(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.INFO, "discord")  # as in production, whatever LOG_LEVEL says
    ada, thread = stage.ada, stage.channel.add_thread("ada's", stage.ada.user)
    await stage.command(ada, "profile set", name="Kira", description=f"has {CANARY}")
    draft = await stage.command(ada, "persona import", file=card(f"Mira {CANARY}"))
    await stage.press(ada, draft, "Confirm")
    await stage.command(ada, "persona use", thread, name=f"Mira {CANARY}")
    await stage.command(ada, "note set", thread, text=f"They look for {CANARY}.")
    await stage.ask(ada, f"in the scene {CANARY}", answer=f"So {CANARY}.", channel=thread)
    seen = await stage.ask(ada, "look", answer=f"I see {CANARY}.", files=[png(f"{CANARY}.png")])
    await ada.edit(seen.reply_to, f"{stage.mention} look again at {CANARY}")
    await stage.ask(stage.tom, "tom was here", answer="And left.")
    await stage.command(ada, "chat", message=f"quietly {CANARY}", private=True)
    assert len(canaries(stage)) > 8, "or this test is about nothing"

    stage.api.hold(after_tokens=20)
    waiting = await stage.say(ada, f"slowly {CANARY}", answer=slow_text(200))
    await stage.world.wait_for_message(stage.channel, lambda message: message.reply_to is waiting)
    done = await delete(stage, ada)
    stage.api.release()
    assert done == "Done. Gone for good: 4 messages, 5 answers, 1 picture and 1 character."
    assert canaries(stage) == []
    for channel in (thread, stage.channel):
        await stage.ask(ada, "what was said?", answer="Nothing.", channel=channel)
        assert CANARY not in stage.said_to_model
        assert "Kira" not in stage.said_to_model
    assert "tom was here" in stage.said_to_model
    assert seen.content.startswith(f"I see {CANARY}."), "in Discord nothing was deleted"
    searched = await stage.command(stage.tom, "history search", words=CANARY)
    assert "Nothing here contains" in searched.content
    assert CANARY not in caplog.text


async def test_deletion_stays_on_its_server_works_after_a_restart_and_also_in_discord(offstage: Stage) -> None:
    stage = offstage
    lighthouse = stage.world.add_guild("Lighthouse", owner=stage.ada.user)
    other = lighthouse.add_text_channel("lobby")
    async with running(stage, stage.settings):
        here = await stage.ask(stage.ada, "here it is", answer="Here.")
        toms = await stage.ask(stage.tom, "and mine", answer="Yours.")
        there = await stage.ask(stage.ada, "there it is", answer="There.", channel=other)
        asked = await stage.command(stage.ada, "privacy delete", in_discord=True)
    async with running(stage, stage.settings):
        done = await confirm(stage, stage.ada, asked)
        assert "1 message, 1 answer, 0 pictures and 0 characters. My answers to you are deleted in Discord" in done
        assert (here.deleted, toms.deleted, there.deleted) == (True, False, False)
        files = await export(stage, stage.tom, where="everywhere")
        assert said_in(files) == ["and mine", "Yours."]
        assert said_in(await export(stage, stage.ada, where="everywhere")) == ["there it is", "There."]
        await delete(stage, stage.ada, where="everywhere", answers=False)
    async with running(stage, stage.settings) as bot:
        assert said_in(await export(stage, stage.ada, where="everywhere")) == []
        found = await bot.services.storage.history.by_discord_id(lighthouse.id, there.id)
        assert found is not None
        assert (found.content, found.author_id) == ("There.", None)


async def test_what_a_restart_interrupted_goes_on_and_other_processes_learn_of_it(offstage: Stage) -> None:
    stage = offstage
    async with running(stage, stage.settings) as bot:
        await stage.ask(stage.ada, f"say {CANARY}", answer=CANARY)
        await stage.command(stage.tom, "profile set", name=f"Tom {CANARY}")
        privacy = bot.services.storage.privacy
        await privacy.ask_to_erase(EVERYWHERE, stage.ada.user.id, answers=True, in_discord=False)
        await privacy.ask_to_erase(stage.guild.id, stage.tom.user.id, answers=True, in_discord=False)
    async with running(stage, stage.settings) as bot:
        for _ in range(300):
            if not canaries(stage):
                break
            await asyncio.sleep(0.01)
        assert canaries(stage) == []
        assert await bot.services.storage.privacy.unfinished() == []
        await stage.command(stage.tom, "profile show")
        settings = bot.services.storage.settings
        assert settings._cache
        now, ada_id = datetime.now(UTC), stage.ada.user.id
        with closing(sqlite3.connect(folder_of(stage) / "bot.db")) as elsewhere, elsewhere:
            at = now.isoformat(" ")
            elsewhere.execute("INSERT INTO opt_outs VALUES (0, ?, 1, ?)", (ada_id, at))
            elsewhere.execute("INSERT INTO erasures VALUES (5, 0, 1, ?, 1, 0, ?, ?, ?)", (ada_id, at, at, at))
        await bot.erasures.look_once(now)
        assert not settings._cache
        assert OPTED_OUT in (await stage.command(stage.ada, "chat", message="hello")).content


# --- exporting


async def test_everything_comes_as_zips_of_json_and_text_once_an_hour(stage: Stage) -> None:
    await stage.ask(stage.ada, "look", answer="A red square.", files=[png("red.png")])
    await stage.ask(stage.tom, "something else", answer="Indeed.")
    await stage.command(stage.ada, "profile set", name="Kira")
    draft = await stage.command(stage.ada, "persona import", file=card("Mira"))
    await stage.press(stage.ada, draft, "Confirm")
    files = await export(stage, stage.ada)
    assert {"README.txt", "messages.json", "messages.txt", "settings.json", "requests.json", "usage-by-day.txt"} <= set(
        files
    )
    said = json.loads(files["messages.json"])
    assert [row["content"].splitlines()[0] for row in said if row["role"] == "assistant"] == ["A red square."]
    assert said[0]["author_name"] == "Ada"
    assert "A red square." in files["messages.txt"].decode()
    assert "something else" not in b"".join(files.values()).decode(errors="ignore")
    pictures = [data for name, data in files.items() if name.endswith("red.png")]
    assert Image.open(io.BytesIO(pictures[0])).size == (8, 8)
    [own_card] = [data for name, data in files.items() if name.startswith("files/characters") and name.endswith("json")]
    assert json.loads(own_card)["data"]["name"] == "Mira"
    assert json.loads(files["requests.json"])[0]["model"] == MODEL
    again = await stage.command(stage.ada, "privacy export")
    assert "Come back in 60 minutes" in again.content
    assert len(await export(stage, stage.tom)) > 3


async def test_what_is_kept_is_told_and_all_of_it_works_in_direct_messages(stage: Stage) -> None:
    await stage.command(stage.moderator, "channel set", retention="30")
    told = await stage.command(stage.ada, "privacy info")
    assert told.ephemeral
    assert "for 30 days in this channel" in told.content
    assert "Infermatic" in told.content
    assert "opted out here" not in told.content
    dm = await stage.ada.open_dm()
    await stage.command(stage.ada, "privacy opt_out", dm)
    assert "opted out here" in (await stage.command(stage.ada, "privacy info", dm)).content
    assert "opted out here" not in (await stage.command(stage.ada, "privacy info")).content
    assert "opted-out.json" in await export(stage, stage.ada, dm)
    assert stage.bot is not None
    books, here = stage.bot.services.storage.lorebooks, Scope("channel", dm.id)
    book = await books.add(None, "Sea", b"{}", 0, stage.ada.user.id, 1)
    assert book is not None
    await books.switch(None, book, here, on=True)
    assert await books.switched_on(None, [here]) == {here: [book]}
    assert (await delete(stage, stage.ada, dm, where="everywhere")).startswith("Done.")
    assert await books.switched_on(None, [here]) == {}, "neither in memory"


# --- opting out


async def test_who_opted_out_is_not_heard_by_any_way(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat.answers.Burst", partial(Burst, 0.1, 0.3))
    channel, ada, tom = stage.channel, stage.ada, stage.tom
    earlier = await stage.ask(ada, f"before {CANARY}", answer="Heard.")
    await stage.command(stage.moderator, "channel set", trigger="always")
    out = await stage.command(ada, "privacy opt_out")
    assert "neither keep nor pass on" in out.content

    asked = len(stage.prompts)
    quiet = await ada.say(channel, f"just talking {CANARY}")
    called = await stage.say(ada, f"hello {CANARY}")
    refusal = await stage.world.wait_for_message(channel, lambda message: message.reply_to is called)
    assert "I cannot answer this." in refusal.content
    why = await stage.press(ada, refusal, "Why?")
    assert why.ephemeral
    assert OPTED_OUT in why.content
    await ada.edit(earlier.reply_to, f"{stage.mention} edited {CANARY}")
    await stage.remembered(earlier.reply_to, "")
    assert len(stage.prompts) == asked
    assert not quiet.reactions

    await tom.say(channel, f"what does {ada.user.mention} mean?", reply_to=quiet)
    await stage.world.wait_until(lambda: len(stage.prompts) > asked)
    await stage.settled()
    assert "what does @someone mean?" in stage.said_to_model
    webhook = Proxy(stage)
    posted = await webhook.say(f"who knows {CANARY}", name="Ada")
    await tom.say(channel, "and this?", reply_to=posted)
    await stage.world.wait_until(lambda: "and this?" in stage.said_to_model)
    await stage.settled()
    shared = await ada.say(channel, "a card", files=[card("Mira")])
    menu = await (await tom.message_command(shared, "Import as persona")).answered()
    assert "there is no png, json or charx file" in menu.response.content.lower()
    for words in (CANARY, "Ada"):
        assert not any(words in message["content"] for prompt in stage.prompts[asked:] for message in prompt)
    assert canaries(stage)[1:] == [], "beside what the file has not yet overwritten"

    await stage.command(ada, "privacy opt_in")
    await stage.ask(ada, "here again", answer="Welcome.")


async def test_files_that_load_while_their_author_thinks_better_of_it_are_not_kept(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch, begun, let_go = AttachmentReader._fetch, asyncio.Event(), asyncio.Event()

    async def held(self: AttachmentReader, url: str, most: int) -> bytes | None:
        begun.set()
        await let_go.wait()
        return await fetch(self, url, most)

    monkeypatch.setattr(AttachmentReader, "_fetch", held)
    file = ("notes.txt", CANARY.encode())
    await stage.say(stage.ada, f"look at {CANARY}", files=[file])
    await begun.wait()
    await delete(stage, stage.ada)
    command = await stage.ada.slash(stage.channel, "chat", message=f"and {CANARY}", attachment=file)
    begun.clear()
    await begun.wait()
    await (await stage.ada.slash(stage.channel, "privacy opt_out")).answered()
    assert stage.bot is not None
    opt_outs = stage.bot.services.storage.opt_outs
    await stage.world.wait_until(lambda: opt_outs.holds(stage.guild.id, stage.ada.user.id))
    let_go.set()
    await stage.world.wait_until(lambda: any("did not keep this" in m.content for m in command.messages))
    assert all(message.ephemeral or message.deleted for message in command.messages)
    await stage.ask(stage.tom, "and now?")
    assert canaries(stage) == []
    assert CANARY not in str(stage.prompts)


async def test_earlier_words_and_those_that_wait_are_not_passed_on(stage: Stage) -> None:
    await stage.ask(stage.ada, "ada's words", answer="An answer.", files=[png("red.png")])
    await stage.ask(stage.tom, "tom's words", answer="Another.")
    stage.api.hold()
    await stage.say(stage.tom, "slowly", answer=slow_text(12))
    await begun(stage, 3)
    waits = await stage.say(stage.ada, "ada waits")
    await stage.remembered(waits, "ada waits")
    opting_out = await stage.ada.slash(stage.channel, "privacy opt_out", where="everywhere")
    await opting_out.answered()
    stage.api.release()
    await stage.settled(timeout=10)
    asked = len(stage.prompts)
    assert not any("ada waits" in message["content"] for prompt in stage.prompts for message in prompt)
    assert waits is not None
    await stage.ask(stage.tom, "and now?")
    assert len(stage.prompts) == asked + 1
    assert "tom's words" in stage.said_to_model
    for words in ("ada's words", "ada waits", "Ada:", "red.png"):
        assert words not in stage.said_to_model
    shown_history = await stage.command(stage.tom, "history show")
    assert "ada's words" not in shown_history.content
    still = await stage.command(stage.ada, "privacy opt_in")
    assert "everywhere" in still.content
    assert OPTED_OUT in (await stage.command(stage.ada, "chat", message="hello")).content
    await stage.command(stage.ada, "privacy opt_in", where="everywhere")
    await stage.ask(stage.tom, "once more")
    assert "ada's words" in stage.said_to_model


async def test_staff_that_opted_out_still_looks_after_the_server(stage: Stage) -> None:
    draft = await stage.command(stage.moderator, "persona import", file=card("Mira", "Hello, {{user}}."))
    await stage.press(stage.moderator, draft, "Confirm")
    await stage.command(stage.moderator, "privacy opt_out")
    await stage.command(stage.moderator, "persona use", name="Mira")
    await stage.reply("Hello, User.")
    assert "trigger" in (await stage.command(stage.moderator, "channel set", trigger="mention")).content
    assert OPTED_OUT in (await stage.command(stage.moderator, "chat", message="hello")).content
    await stage.ask(stage.ada, "hello")
    assert (await stage.command(stage.moderator, "undo")).content.startswith("-# The last turn")


# --- leaving


async def round_later(stage: Stage, days: float) -> None:
    assert stage.bot is not None
    cog: Any = stage.bot.get_cog("Leaving")
    await cog.look_round(datetime.now(UTC) + timedelta(days=days))


async def kept_of(stage: Stage, guild: Any) -> int:
    assert stage.bot is not None
    storage = stage.bot.services.storage
    known = await storage.left_guilds.known_guilds()
    return known.count(guild.id)


async def test_a_server_that_was_left_is_purged_after_a_month_and_no_other(stage: Stage) -> None:
    other = stage.world.add_guild("Lighthouse", owner=stage.ada.user)
    lobby = other.add_text_channel("lobby")
    await stage.ask(stage.ada, "there", channel=lobby)
    await stage.ask(stage.ada, "here")
    assert stage.bot is not None
    storage, everywhere = stage.bot.services.storage, Scope("guild", other.id)
    book = await storage.lorebooks.add(other.id, "Sea", b"{}", 0, stage.ada.user.id, 1)
    assert book is not None
    await storage.lorebooks.switch(other.id, book, everywhere, on=True)
    await storage.webhooks.save(StoredWebhook(71, other.id, lobby.id, 1, "", datetime.now(UTC)))
    assert await storage.lorebooks.switched_on(other.id, [everywhere]) == {everywhere: [book]}
    assert await storage.webhooks.channel_of(other.id, 71) == lobby.id
    other.remove_bot()
    left = stage.bot.services.storage.left_guilds
    for _ in range(200):
        if await left.left():
            break
        await asyncio.sleep(0.01)
    assert await left.left() == {other.id}
    await round_later(stage, GRACE.days - 1)
    assert await kept_of(stage, other) == 1
    fault = stage.world.faults.add("GET", rf"/guilds/{other.id}", status=503, times=None)
    await round_later(stage, GRACE.days + 1)
    assert await kept_of(stage, other) == 1, "Discord did not say that it was left"
    stage.world.faults.remove(fault)
    await round_later(stage, GRACE.days + 1)
    assert await kept_of(stage, other) == 0
    assert await kept_of(stage, stage.guild) == 1
    assert await left.left() == set()
    assert await storage.lorebooks.switched_on(other.id, [everywhere]) == {}, "neither in memory"
    assert await storage.webhooks.channel_of(other.id, 71) is None


async def test_a_server_that_is_away_or_comes_back_keeps_everything(offstage: Stage) -> None:
    stage = offstage
    gone = stage.world.add_guild("Lighthouse", owner=stage.ada.user)
    lobby = gone.add_text_channel("lobby")
    async with running(stage, stage.settings) as bot:
        await stage.ask(stage.ada, "here")
        await stage.ask(stage.ada, "there", channel=lobby)
        stage.guild.set_available(available=False)
        await stage.world.wait_until(lambda: bot.get_guild(stage.guild.id).unavailable)  # type: ignore[union-attr]  # it stays in the cache
        await round_later(stage, 400)
        assert await kept_of(stage, stage.guild) == 1
        assert await bot.services.storage.left_guilds.left() == set()
        stage.guild.set_available(available=True)
    gone.remove_bot()
    stage.guild.set_available(available=False)
    async with running(stage, stage.settings) as bot:
        await round_later(stage, 0)
        assert await bot.services.storage.left_guilds.left() == {gone.id}, "it was left while the bot was away"
        gone.add_bot()
        for _ in range(200):
            if not await bot.services.storage.left_guilds.left():
                break
            await asyncio.sleep(0.01)
        await round_later(stage, 400)
        assert (await kept_of(stage, gone), await kept_of(stage, stage.guild)) == (1, 1)
        await bot.services.storage.left_guilds.note_left(gone.id)
        await round_later(stage, 400)
        assert await kept_of(stage, gone) == 1, "it is there, whatever was noted"
