"""What people quote to the bot of what others said to each other: it stays theirs."""

import json

import pytest

from cogs import _attachments
from storage import ConversationKey, StoredMessage
from tests.e2e.acting import begun, quiet
from tests.e2e.characters import storage_of
from tests.e2e.conftest import Stage
from tests.e2e.test_privacy import delete, export, said_in
from tests.e2e.test_proxies import Proxy, introduced

pytestmark = pytest.mark.usefixtures("no_rate_limits")

SAID = "apples are blue"


async def quoting(stage: Stage) -> list[StoredMessage]:
    """The messages of the channel's conversation that quote something."""
    history, head = storage_of(stage).history, ConversationKey(stage.guild.id, stage.channel.id)
    newest = await history.head(head)
    assert newest is not None
    return [m async for page in history.path(stage.guild.id, newest) for m in page if m.quote]


async def test_a_quote_follows_what_its_author_does(stage: Stage) -> None:
    human = await stage.ada.say(stage.channel, SAID)
    await stage.ask(stage.tom, "is that so?", answer="Hm.", reply_to=human)
    asked = f"[Replying to Ada, who wrote: {SAID}]\nis that so?"
    assert stage.prompts[-1][-1]["content"] == asked
    [quoted] = await quoting(stage)
    assert (quoted.content, quoted.quoted_author_id) == ("is that so?", stage.ada.user.id)

    await stage.ada.edit(human, "pears are blue")
    await quiet(stage)
    await stage.ask(stage.tom, "and now?", answer="Hm.")
    assert SAID not in stage.said_to_model
    assert "[Replying to Ada, who wrote: pears are blue]\nis that so?" in stage.said_to_model
    await stage.command(stage.moderator, "filter add", kind="words", text="vile")
    await stage.ada.edit(human, "vile pears")
    await quiet(stage)
    assert await quoting(stage) == []
    await stage.ask(stage.tom, "and then?", answer="Hm.")
    assert "pears" not in stage.said_to_model
    assert "is that so?" in stage.said_to_model

    another = await stage.ada.say(stage.channel, SAID)
    await stage.ask(stage.tom, "really?", answer="Hm.", reply_to=another)
    await stage.ada.delete(another)
    await quiet(stage)
    await stage.ask(stage.tom, "well?", answer="Hm.")
    assert SAID not in stage.said_to_model
    assert "really?" in stage.said_to_model


async def test_a_question_that_is_only_a_quote_goes_with_it(stage: Stage) -> None:
    human = await stage.ada.say(stage.channel, SAID)
    stage.api.hold()
    await stage.say(stage.tom, "write something long")
    await begun(stage, 1)
    await stage.say(stage.tom, "", reply_to=human)
    await stage.world.wait_until(lambda: stage.bot is not None and len(stage.bot.services.conversations._answers) == 2)
    await stage.ada.delete(human)
    await stage.world.wait_until(lambda: stage.bot is not None and len(stage.bot.services.conversations._answers) == 1)
    stage.api.release()
    await quiet(stage)
    assert len(stage.prompts) == 1


async def test_what_is_deleted_while_it_is_quoted_is_not_kept(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_attachments, "TYPING_AFTER_SECONDS", 0.01)
    stage.world.faults.add("GET", "slow.txt", delay=0.8)
    human = await stage.ada.say(stage.channel, SAID)
    said = await stage.say(stage.tom, "why?", answer="Hm.", reply_to=human, files=[("slow.txt", b"slow")])
    await stage.world.wait_until(lambda: stage.world.requests_for("POST", "/typing"))
    await stage.ada.delete(human)
    await stage.reply_to(said)
    assert SAID not in stage.said_to_model
    assert "why?" in stage.said_to_model
    assert await quoting(stage) == []


async def test_a_quote_is_exported_to_its_author_and_deleted_and_silenced_by_them(stage: Stage) -> None:
    for text in (SAID, "figs are red"):
        human = await stage.ada.say(stage.channel, text)
        await stage.ask(stage.tom, f"{text[:4]}?", answer="Hm.", reply_to=human)
    files = await export(stage, stage.ada)
    rows = json.loads(files["what-others-quoted-of-you.json"])
    assert [row["quote"] for row in rows] == [f"[Replying to Ada, who wrote: {t}]" for t in (SAID, "figs are red")]
    files = await export(stage, stage.tom)
    assert [said for said in said_in(files) if said.endswith("?")] == ["appl?", "figs?"]
    assert SAID.encode() not in b"".join(files.values())

    await stage.command(stage.ada, "privacy opt_out")
    await stage.ask(stage.tom, "still?", answer="Hm.")
    assert SAID not in stage.said_to_model
    assert "appl?" in stage.said_to_model
    await stage.command(stage.ada, "privacy opt_in")
    await stage.ask(stage.tom, "again?", answer="Hm.")
    assert SAID in stage.said_to_model

    await delete(stage, stage.ada)
    await stage.ask(stage.tom, "gone?", answer="Hm.")
    assert SAID not in stage.said_to_model
    assert "Ada" not in stage.said_to_model
    assert "figs?" in stage.said_to_model
    assert await quoting(stage) == []


async def test_what_somebody_said_through_a_proxy_bot_is_theirs(stage: Stage) -> None:
    proxy = Proxy(stage)
    await introduced(stage, proxy)
    said = await stage.ada.say(stage.channel, f"J: {SAID}")
    posted = await proxy.say_instead(said, SAID)
    await quiet(stage)
    await stage.ask(stage.tom, "who says so?", answer="Hm.", reply_to=posted)
    [quoted] = await quoting(stage)
    assert quoted.quoted_author_id == stage.ada.user.id
    await proxy.edit(posted, "pears are blue")
    await quiet(stage)
    [quoted] = await quoting(stage)
    assert quoted.quote == "[Replying to Luna, who wrote: pears are blue]"
