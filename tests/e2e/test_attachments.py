"""What people attach: read, shown, named, and never fetched from anywhere but Discord."""

import asyncio
import base64
import io
import re
import struct
import zlib
from collections.abc import AsyncIterator
from typing import Any

import discord
import pytest
import yarl
from aiohttp import web
from PIL import Image

from chat.pictures import PICTURE_TOKENS
from cogs import _attachments
from cogs._attachments import AttachmentReader, is_discords
from playground.discord import LocalDiscord, Upload
from playground.infermatic import ModelSpec
from storage import Scope
from tests.e2e.acting import asked, shown, stored
from tests.e2e.conftest import MODEL, Stage, changed, running

pytestmark = pytest.mark.usefixtures("no_rate_limits")

SEEING = "Qwen-Qwen3.6-35B-A3B"


def png(width: int = 1600, height: int = 1200) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(target, "PNG")
    return target.getvalue()


def bomb() -> bytes:
    """Some bytes that say they are ten thousand megapixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 9999)) + chunk(b"IEND", b"")


def words(stage: Stage) -> str:
    """What the newest prompt says last."""
    content: Any = stage.prompts[-1][-1]["content"]
    return content if isinstance(content, str) else content[0]["text"]


def sights(stage: Stage) -> list[tuple[int, int]]:
    """The sizes of the pictures in the newest prompt."""
    contents: list[Any] = [message["content"] for message in stage.prompts[-1]]
    parts = [part for content in contents if isinstance(content, list) for part in content]
    addresses = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
    return [Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).size for url in addresses]


def fetches(stage: Stage) -> list[str]:
    """The names of the files that were fetched."""
    return [request.path.rpartition("/")[2] for request in stage.world.requests_for("GET", "attachments/")]


async def use(stage: Stage, model: str) -> None:
    assert stage.bot is not None
    await stage.bot.services.storage.settings.put(stage.guild.id, Scope("guild", stage.guild.id), "model", model, 1)


@pytest.fixture
async def elsewhere() -> AsyncIterator[tuple[str, list[str]]]:
    """A server that is not Discord's: its address, and what was asked of it."""
    heard: list[str] = []

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        heard.append(request.path)
        response = web.StreamResponse()  # in chunks, so that nobody knows how much will come
        await response.prepare(request)
        for _ in range(32):
            await response.write(b"secret " * 10_000)
        return response

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}", heard
    await runner.cleanup()


# --- text


async def test_a_long_paste_is_the_question(stage: Stage) -> None:
    paste = "\n".join(f"line {number} of a long story" for number in range(200))
    reply = await stage.ask(
        stage.ada, "", files=[("message.txt", paste.replace("\n", "\r\n").encode())], answer="Read."
    )
    assert words(stage) == paste
    assert reply.content == "Read."


async def test_files_are_read_within_a_budget_that_the_person_sees(stage: Stage) -> None:
    log = "2026-03-01 12:00:00 nothing happened at all\n" * 8000
    files = [("main.py", b"print('```')\n"), ("big.log", log.encode()), ("odd", b"\0\1\2"), ("film.mp4", b"0")]
    reply = await stage.ask(stage.ada, "why?", files=files, answer="Because.")
    said = words(stage)
    assert said.startswith("why?\n\n[File: main.py]\n````\nprint('```')\n````\n\n[File: big.log]\n```\n2026")
    assert "characters …]\n```\n\n[Attached: odd, file, 3 bytes;" in said
    assert reply.content == (
        "Because.\n"
        "-# 📎 `big.log`: I read the first 23,979 of 351,999 characters.\n"
        "-# 📎 I read `main.py`.\n"
        "-# 📎 I did not read `odd`, `film.mp4`: I take text files and pictures."
    )
    assert "film.mp4" not in fetches(stage)


async def test_a_file_that_cannot_be_fetched_is_no_lost_question(stage: Stage) -> None:
    stage.world.faults.add("GET", "one.txt", status=500)
    stage.world.faults.add("GET", "two.txt", cut=True, times=None)
    files = [("one.txt", b"1"), ("two.txt", b"2"), ("three.txt", b"3")]
    reply = await stage.ask(stage.ada, "sum them", files=files)
    assert words(stage).count("it could not be read]") == 2
    assert "[File: three.txt]\n```\n3\n```" in words(stage)
    assert "I did not read `one.txt`, `two.txt`: Discord did not give it to me" in reply.content


async def test_a_command_takes_a_file(stage: Stage) -> None:
    stage.api.replies.add("High and low.")
    answer = await stage.command(stage.ada, "chat", message="sum up", attachment=("notes.md", b"# Tides"))
    assert words(stage) == "sum up\n\n[File: notes.md]\n```\n# Tides\n```"
    assert answer.content.startswith("> sum up\n> 📎 `notes.md`\nHigh and low.")


async def test_files_of_a_message_that_is_replied_to_are_named(stage: Stage) -> None:
    overheard = await stage.tom.say(stage.channel, "my cat", files=[("cat.png", png(10, 10)), ("log.txt", b"x")])
    await stage.ask(stage.ada, "cute?", reply_to=overheard)
    assert words(stage) == "[Replying to Tom, who wrote: my cat; attached: cat.png, log.txt]\ncute?"
    assert fetches(stage) == []


# --- when it takes a while


async def test_words_said_after_a_file_stay_behind_it(stage: Stage) -> None:
    stage.world.faults.add("GET", "slow.txt", delay=0.2)
    await stage.say(stage.ada, "this", files=[("slow.txt", b"slow")])
    await stage.ask(stage.ada, "what is it?", answer="Slow.")
    await stage.settled()
    text = "\n".join(str(message["content"]) for message in stage.prompts[-1])
    assert text.index("slow.txt") < text.index("what is it?")


async def test_a_message_deleted_while_it_is_read_is_not_answered(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_attachments, "TYPING_AFTER_SECONDS", 0.01)
    stage.world.faults.add("GET", "slow.txt", delay=0.8)
    said = await stage.say(stage.ada, "this", files=[("slow.txt", b"slow")])
    await stage.world.wait_until(lambda: stage.world.requests_for("POST", "/typing"))
    await stage.ada.delete(said)
    await stage.ask(stage.ada, "hello?", answer="Hello.")  # waits for the one before
    assert [message.content for message in shown(stage)] == ["Hello."]
    assert "slow" not in str(stage.prompts)


async def test_an_edit_keeps_the_files_and_drops_a_picture_that_was_taken_away(stage: Stage) -> None:
    await use(stage, SEEING)
    said = await stage.say(stage.ada, "look", files=[("a.txt", b"words"), ("cat.png", png(40, 30))])
    await stage.reply_to(said)
    await stage.ada.edit(said, f"{stage.mention} look here")
    kept = "look here\n\n[File: a.txt]\n```\nwords\n```\n\n[Picture: cat.png, 40x30]"
    await stage.remembered(said, kept)
    assert fetches(stage) == ["a.txt", "cat.png", "a.txt"]
    await stage.ask(stage.ada, "and?")
    assert sights(stage) == [(40, 30)]
    del said.attachments[1]
    await stage.ada.edit(said, f"{stage.mention} never mind")
    await stage.remembered(said, "never mind\n\n[File: a.txt]\n```\nwords\n```")
    await stage.ask(stage.ada, "and now?")
    assert sights(stage) == []


# --- pictures


async def test_a_picture_is_shown_to_a_model_that_sees_and_again_after_a_restart(offstage: Stage) -> None:
    stage, settings = offstage, changed(offstage.settings, default_model=SEEING)
    async with running(stage, settings):
        reply = await stage.ask(stage.ada, "", files=[("cat.png", png())])
        assert words(stage) == "[Picture: cat.png, 1600x1200]"
        assert sights(stage) == [(1024, 768)]
        assert "A picture came with it, 1024 x 768 pixels." in reply.content
        assert "📎" not in reply.content
    async with running(stage, settings):
        await stage.ask(stage.tom, "what colour is it?")
        assert sights(stage) == [(1024, 768)]
        assert "You cannot see" not in str(stage.prompts[-1])
        report = await stage.command(stage.ada, "context")
        history = re.search(r"history\s+([\d,]+)", report.content)
        assert history is not None
        assert PICTURE_TOKENS < int(history[1].replace(",", "")) < PICTURE_TOKENS + 600


async def test_a_model_that_is_blind_gets_words_and_the_person_hears_of_it(stage: Stage) -> None:
    reply = await stage.ask(stage.ada, "look", files=[("cat.png", png(80, 60))], answer="I cannot.")
    assert words(stage) == "look\n[Picture: cat.png, 80x60]\n[You cannot see pictures.]"
    assert reply.content == f"I cannot.\n-# `{MODEL}` cannot see pictures."
    await use(stage, SEEING)
    await stage.ask(stage.ada, "and you?")
    assert sights(stage) == [(80, 60)]


async def test_a_model_that_only_sounds_as_if_it_could_see_is_found_out_once(stage: Stage) -> None:
    name = "Far-Vision-12B"
    stage.api.models[name] = ModelSpec(name)
    await use(stage, name)
    assert stage.bot is not None
    await stage.bot.services.catalogue.refresh()
    reply = await stage.ask(stage.ada, "look", files=[("cat.png", png(80, 60))])
    assert [request.status for request in asked(stage)] == [400, 200]
    assert reply.content.endswith(f"-# `{name}` cannot see pictures.")
    await stage.ask(stage.ada, "look again", files=[("cat.png", png(80, 60))])
    assert [request.status for request in asked(stage)] == [400, 200, 200]
    assert (await stage.bot.services.storage.models.all())[name].picture_limit == 0


async def test_a_model_gets_as_many_pictures_as_it_takes(stage: Stage) -> None:
    name = "Small-VL-7B"
    stage.api.models[name] = ModelSpec(name, pictures=1)
    await use(stage, name)
    assert stage.bot is not None
    await stage.bot.services.catalogue.refresh()
    files = [(f"{number}.png", png(number, 10)) for number in range(10, 16)]
    reply = await stage.ask(stage.ada, "compare", files=files, answer="One is red.")
    assert sights(stage) == [(10, 10)]
    assert words(stage).endswith("[Of these pictures you are shown the first 1.]")
    assert reply.content.endswith(
        "-# 📎 I did not read `14.png`, `15.png`: I take 10 files and 4 pictures with a message."
    )
    assert [request.status for request in asked(stage)] == [400, 200]
    assert stage.bot.services.catalogue.picture_limit(name) == 1


async def test_a_forgotten_question_forgets_its_picture(stage: Stage) -> None:
    said = await stage.say(stage.ada, "look", files=[("cat.png", png(80, 60))])
    await stage.reply_to(said)
    message = await stored(stage, said)
    assert stage.bot is not None
    pictures = stage.bot.services.storage.pictures
    assert await pictures.of(stage.guild.id, [message.id])
    await stage.ada.delete(said)
    await stage.remembered(said, "")
    assert await pictures.of(stage.guild.id, [message.id]) == {}


# --- what may not happen


async def test_nothing_is_fetched_from_elsewhere(
    stage: Stage, elsewhere: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, heard = elsewhere
    attach = stage.world._state.cdn.attach

    def misleading(*args: Any, **options: Any) -> Any:
        attachment = attach(*args, **options)
        if attachment.filename.startswith("else"):
            attachment.url = f"{address}/cdn/attachments/1/2/{attachment.filename}"
        return attachment

    monkeypatch.setattr(stage.world._state.cdn, "attach", misleading)
    stage.world.faults.add("GET", "moved.txt", status=302, headers={"Location": f"{address}/moved"})
    files = [("else.txt", b"x"), ("else.png", png(9, 9)), ("moved.txt", b"x")]
    await stage.ask(stage.ada, "read", files=files)
    assert heard == []
    assert words(stage).count("it could not be read]") == 3


async def test_huge_broken_and_many_files_do_no_harm(stage: Stage) -> None:
    files: list[Any] = [
        Upload("huge.txt", b"x", claimed_size=100_000_000),
        Upload("liar.txt", b"x" * 2_000_000, claimed_size=10),
        ("bomb.png", bomb()),
        ("nul.txt", b"some\0text"),
        *[(f"{number}.txt", b"small") for number in range(20)],
    ]
    reply = await stage.ask(stage.ada, "all of it", files=files)
    assert words(stage).count("its content is not shown to you]") == 4 + 12
    assert "huge.txt" not in fetches(stage)
    assert len(fetches(stage)) == 1 + 10
    for named in (
        "`huge.txt`, `liar.txt`: I take text up to 1 MB",
        "`bomb.png`: it cannot be",
        "`nul.txt`: there is no",
    ):
        assert named in reply.content


async def test_what_is_not_said_to_the_bot_is_not_fetched(stage: Stage) -> None:
    said = await stage.tom.say(stage.channel, "just us", files=[("private.txt", b"x")])
    await stage.tom.edit(said, "just the two of us")
    assert stage.bot is not None
    stage.bot.services.guard.access.shutting_down = True
    refused = await stage.say(stage.ada, "hello", files=[("refused.txt", b"x")])
    await stage.world.wait_for_message(stage.channel, lambda message: message.reply_to is refused)
    assert fetches(stage) == []


async def test_a_file_without_end_is_left(
    world: LocalDiscord, elsewhere: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discord.Asset, "BASE", f"{elsewhere[0]}/cdn")
    reader = AttachmentReader()
    assert await reader._fetch(f"{elsewhere[0]}/cdn/endless", 100_000) is None
    await reader.close()
    await asyncio.sleep(0)
    del world


@pytest.mark.parametrize(
    ("url", "base", "allowed"),
    [
        ("https://cdn.discordapp.com/attachments/1/2/a.txt?ex=1", None, True),
        ("https://media.discordapp.net/attachments/1/2/a.png", None, True),
        ("http://cdn.discordapp.com/attachments/1/2/a.txt", None, False),
        ("https://cdn.discordapp.com:8443/a.txt", None, False),
        ("https://user:word@cdn.discordapp.com/a.txt", None, False),
        ("https://cdn.discordapp.com.evil.example/a.txt", None, False),
        ("https://evil.example/cdn.discordapp.com/a.txt", None, False),
        ("http://127.0.0.1/cdn/a.txt", None, False),
        ("file:///etc/passwd", None, False),
        ("/attachments/a.txt", None, False),
        ("http://127.0.0.1:5000/cdn/a.txt", "http://127.0.0.1:5000/cdn", True),
        ("http://127.0.0.1:5000/cdn/../api/a", "http://127.0.0.1:5000/cdn", False),
        ("http://127.0.0.1:5000/cdnx/a", "http://127.0.0.1:5000/cdn", False),
        ("http://127.0.0.1:5001/cdn/a", "http://127.0.0.1:5000/cdn", False),
        ("http://[::ffff:127.0.0.1]:5000/cdn/a", "http://127.0.0.1:5000/cdn", False),
    ],
)
def test_addresses(url: str, base: str | None, allowed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discord.Asset, "BASE", base or "https://cdn.discordapp.com")
    assert is_discords(yarl.URL(url)) is allowed
