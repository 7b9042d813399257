"""People who speak through proxy bots: what a foreign webhook says in their place is theirs, and answered once."""

import asyncio
from functools import partial
from typing import Any

import aiohttp
import pytest

from chat.bursts import Burst
from moderation.access import Access, Reason, RefusedError, Request
from storage import StoredMessage
from tests.e2e.acting import NEWEST, asked, begun, buttons, prompt, quiet, shown, slow_text, stored
from tests.e2e.conftest import Stage, running
from tests.e2e.test_persona_webhooks import on_stage

pytestmark = pytest.mark.usefixtures("no_rate_limits")


@pytest.fixture(autouse=True)
def short_bursts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat.answers.Burst", partial(Burst, 0.2, 0.6))


class Proxy:
    """Somebody else's bot: it deletes what people say with its tags, and says it through its webhook."""

    def __init__(self, stage: Stage, webhook: Any = None) -> None:
        self._stage = stage
        webhook = webhook or stage.channel.add_webhook("Proxy")
        self._path = f"{stage.world.url}/api/v10/webhooks/{webhook.id}/{webhook.token}"

    async def say(self, text: str, name: str = "Luna", **more: Any) -> Any:
        """Post something."""
        made = await self._send("POST", "?wait=1", {"content": text, "username": name, **more})
        return self._stage.channel.state.messages[int(made["id"])]

    async def edit(self, message: Any, text: str) -> None:
        """Change what it posted."""
        await self._send("PATCH", f"/messages/{message.id}", {"content": text})

    async def say_instead(self, said: Any, text: str, name: str = "Luna", *, deletes_first: bool = True) -> Any:
        """Post what somebody said, and delete their message before or after."""
        if deletes_first:
            await self._stage.moderator.delete(said)
            return await self.say(text, name)
        posted = await self.say(text, name)
        await self._stage.moderator.delete(said)
        return posted

    async def _send(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        async with aiohttp.ClientSession() as session, session.request(method, self._path + path, json=body) as answer:
            assert answer.status == 200, await answer.text()
            return dict(await answer.json())


@pytest.fixture
async def proxy(stage: Stage) -> Proxy:
    return Proxy(stage)


async def introduced(stage: Stage, proxy: Proxy, person: Any = None, answer: str = "first") -> Any:
    """A reply to somebody of whom it is known from now on that they use a proxy."""
    said = await (person or stage.ada).say(stage.channel, f"J: {stage.mention} I am here")
    await begun(stage)
    stage.api.replies.add(answer)
    return await stage.reply_to(await proxy.say_instead(said, f"{stage.mention} I am here"))


def turns(stage: Stage) -> list[str]:
    """What stands in the newest prompt after the system message."""
    return [message["content"] for message in stage.prompts[-1][1:]]


async def nobody_answers(stage: Stage, *said: Any, requests: int) -> None:
    """None of this is answered, refused or marked."""
    await quiet(stage)
    assert len(asked(stage)) == requests
    for message in said:
        assert not message.reactions
        assert not [other for other in message.channel.messages if other.reply_to is message]


# --- answered once


@pytest.mark.parametrize("deletes_first", [True, False])
async def test_whoever_begins_to_use_a_proxy_costs_a_request_and_then_no_more(
    stage: Stage, proxy: Proxy, deletes_first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = await stage.ask(stage.tom, "who is there?", answer="nobody")
    stage.api.hold()
    said = await stage.say(stage.ada, "hello  [J]", answer="to nobody")
    await begun(stage, 2)
    stage.api.replies.add("welcome, Luna")
    posted = await proxy.say_instead(said, f"{stage.mention} hello", deletes_first=deletes_first)
    await begun(stage, 3)
    stage.api.release()
    reply = await stage.reply_to(posted)
    assert (reply.content, buttons(reply)) == ("welcome, Luna", NEWEST)
    assert shown(stage) == [earlier, reply]
    assert turns(stage) == ["Tom: who is there?", "nobody", "Luna: hello"]
    known = await stored(stage, posted)
    assert (known.author_id, known.author_name) == (stage.ada.user.id, "Luna")

    said = await stage.ada.say(stage.channel, f"[{stage.mention} and now?]")
    await asyncio.sleep(0.05)
    posted = await proxy.say_instead(said, f"{stage.mention} and now?", "Juno", deletes_first=deletes_first)
    stage.api.replies.add("now this")
    assert (await stage.reply_to(posted)).content == "now this"
    assert len(asked(stage)) == 4
    assert turns(stage)[-3:] == ["Luna: hello", "welcome, Luna", "Juno: and now?"]
    await stage.world.wait_until(lambda: not buttons(reply))

    monkeypatch.setattr("cogs._proxies.HOLD_SECONDS", 0.05)
    plain = await stage.say(stage.ada, "without a tag", answer="all the same")
    assert (await stage.reply_to(plain)).content == "all the same"
    assert turns(stage)[-1] == "Ada: without a tag"
    assert len(asked(stage)) == 5


async def test_what_waits_with_the_words_of_others_is_answered_with_them(stage: Stage, proxy: Proxy) -> None:
    stage.api.hold()
    await stage.say(stage.moderator, "zero")
    await begun(stage)
    first = await stage.say(stage.tom, "one", answer="both")
    await stage.remembered(first, "one")
    said = await stage.say(stage.ada, "J: two")
    await stage.remembered(said, "J: two")
    posted = await proxy.say_instead(said, f"{stage.mention} two")
    await stage.remembered(posted, "two")
    stage.api.release()
    assert (await stage.reply_to(first)).content == "both"
    await quiet(stage)
    assert turns(stage)[-1] == "Tom: one\n\nLuna: two"
    assert len(asked(stage)) == 2


async def test_where_the_bot_always_listens_even_the_first_message_costs_nothing(stage: Stage, proxy: Proxy) -> None:
    await stage.command(stage.moderator, "channel set", trigger="always")
    said = await stage.ada.say(stage.channel, "((hidden in tags that look like an aside))")
    reply = await stage.reply_to(await proxy.say_instead(said, "hidden in tags that look like an aside"))
    assert reply.reply_to.author.name == "Luna"
    said = await stage.tom.say(stage.channel, "T: hello")
    await stage.remembered(said, "T: hello")
    await stage.reply_to(await proxy.say_instead(said, "hello", "Tim"))
    assert len(asked(stage)) == 2
    assert turns(stage)[-1] == "Tim: hello"


async def test_a_proxied_reply_replies_to_what_its_author_replied_to(stage: Stage, proxy: Proxy) -> None:
    first = await introduced(stage, proxy)
    await stage.ask(stage.tom, "something else", answer="indeed")
    said = await stage.ada.say(stage.channel, "J: why?", reply_to=first)
    link = f"https://discord.com/channels/{stage.guild.id}/{stage.channel.id}/{first.id}"
    posted = await proxy.say_instead(said, f"> first [[jump]]({link})\nwhy?")
    await stage.reply_to(posted)
    assert turns(stage) == ["I am here", "first", "why?"]
    unpinged = await stage.ada.say(stage.channel, "J: among us", reply_to=first, ping=False)
    await nobody_answers(stage, await proxy.say_instead(unpinged, "among us"), requests=4)


async def test_characters_are_replied_to_and_called_back_through_their_webhooks(stage: Stage, proxy: Proxy) -> None:
    greeting = await on_stage(stage)
    await stage.command(stage.ada, "profile set", name="Captain Ada")
    stage.api.replies.add(slow_text(60))
    stage.api.hold(after_tokens=20)
    said = await stage.ada.say(stage.channel, "J: good evening", reply_to=greeting)
    await stage.reply("w0")
    stage.api.replies.add("Come in.")
    posted = await proxy.say_instead(said, "good evening")
    stage.api.release()
    reply = await stage.reply_to(posted)
    assert (shown(stage)[-2:], reply.content) == ([greeting, reply], "Come in.")
    assert (await stored(stage, posted)).author_name == "Luna"
    said = await stage.say(stage.tom, "I too -t", answer="done already")
    await stage.reply_to(said)
    posted = await proxy.say_instead(said, f"{stage.mention} I too", "Tim")
    await stage.world.wait_until(lambda: len(asked(stage)) == 4)
    await quiet(stage)
    assert len(shown(stage)) == 4
    assert turns(stage)[-3:] == ["Luna: good evening", "Come in.", "Tim: I too"]


# --- whose it is


async def test_the_turn_is_its_authors(stage: Stage, proxy: Proxy) -> None:
    reply = await introduced(stage, proxy)
    await stage.command(stage.moderator, "channel set", swipe_rights="asker")
    refused = await stage.press(stage.tom, reply, "🔄")
    assert refused.ephemeral
    stage.api.replies.add("second")
    await (await stage.ada.click(reply, label="🔄")).answered()
    await stage.world.wait_until(lambda: reply.content == "second")
    await quiet(stage)
    told = await stage.command(stage.ada, "undo")
    assert "taken back" in told.content
    assert reply.deleted


async def test_edits_and_deletions_through_the_webhook_change_the_history(stage: Stage, proxy: Proxy) -> None:
    reply = await introduced(stage, proxy)
    posted = reply.reply_to
    await proxy.edit(posted, f"{stage.mention} I was there")
    await stage.remembered(posted, "I was there")
    await stage.world.wait_until(lambda: "-# ✏️" in reply.content)
    kept: StoredMessage = await stored(stage, posted)
    assert (kept.author_id, kept.author_name) == (stage.ada.user.id, "Luna")
    await stage.moderator.delete(posted)
    await stage.remembered(posted, "")
    await stage.ask(stage.tom, "who was here?")
    assert "there" not in prompt(asked(stage)[-1])


async def test_a_refused_author_stays_refused(stage: Stage, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    check = Access.check

    def without_ada(self: Access, request: Request) -> None:
        if request.user_id == stage.ada.user.id:
            raise RefusedError(Reason.CHANNEL_OFF)
        check(self, request)

    monkeypatch.setattr(Access, "check", without_ada)
    said = await stage.say(stage.ada, "J: hello")
    await stage.reply("I cannot answer this.")
    await nobody_answers(stage, await proxy.say_instead(said, f"{stage.mention} hello"), requests=0)
    said = await stage.say(stage.ada, "J: please")  # not answered before it is said anew
    posted = await proxy.say_instead(said, f"{stage.mention} please")
    await stage.world.wait_until(lambda: posted.reaction("🚫") is not None)
    assert said.reactions == []
    assert asked(stage) == []


# --- what is nobody's


async def test_a_deletion_without_a_proxy_is_a_deletion(stage: Stage, proxy: Proxy) -> None:
    reply = await introduced(stage, proxy)
    said = await stage.say(stage.ada, "J: never mind")
    await stage.ada.delete(said)
    await nobody_answers(stage, said, requests=2)
    gone = await stage.say(stage.tom, "answered", answer="yes")
    answer = await stage.reply_to(gone)
    await stage.tom.delete(gone)
    await stage.world.wait_until(lambda: "question was deleted" in answer.content)
    late = await proxy.say("something else", "Luna")
    await nobody_answers(stage, late, requests=3)
    assert shown(stage) == [reply, answer]


async def test_webhooks_and_bots_that_speak_for_nobody_are_ignored(stage: Stage, proxy: Proxy) -> None:
    await stage.command(stage.moderator, "channel set", trigger="always")
    await stage.reply_to(await stage.ada.say(stage.channel, "J: the same words"))
    robot = stage.world.add_user("Robot", bot=True)
    stage.guild.add_member(robot)
    echoes = [await proxy.say(text) for text in ("the same words", f"{stage.mention} the same words", "spam", "spam")]
    echoes.append(await stage.world.person(robot).say(stage.channel, f"{stage.mention} the same words"))
    await nobody_answers(stage, *echoes, requests=1)

    said = await stage.tom.say(stage.channel, "T: of our own")
    await stage.world.wait_until(lambda: len(asked(stage)) == 2)
    await quiet(stage)
    assert stage.bot is not None
    channel: Any = stage.bot.get_channel(stage.channel.id)
    own = Proxy(stage, await channel.create_webhook(name="Mira"))
    await nobody_answers(stage, await own.say_instead(said, "of our own", "Mira"), requests=2)


async def test_without_the_intent_nothing_is_recognised(offstage: Stage) -> None:
    async with running(offstage, offstage.settings, message_content=False):
        proxy = Proxy(offstage)
        said = await offstage.say(offstage.ada, "J: hello", answer="hello you")
        await offstage.reply_to(said)
        posted = await proxy.say_instead(said, f"{offstage.mention} hello")
        await nobody_answers(offstage, posted, requests=1)


async def test_what_is_held_back_when_the_bot_stops_is_answered_after_the_restart(
    offstage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cogs._proxies.HOLD_SECONDS", 60.0)
    async with running(offstage, offstage.settings):
        await introduced(offstage, Proxy(offstage))
        held = await offstage.say(offstage.ada, "without a tag", answer="at last")
        await asyncio.sleep(0.05)
    assert len(asked(offstage)) == 2
    async with running(offstage, offstage.settings):
        assert (await offstage.reply_to(held)).content == "at last"
