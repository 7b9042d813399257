import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import cogs._posts as posts_module
import cogs._screen as screen_module
from tests.e2e.acting import NEWEST, asked, begun, buttons, quiet, shown, slow_text, stored
from tests.e2e.conftest import Stage

pytestmark = pytest.mark.usefixtures("short_rate_limits")

SEND_MESSAGES, VIEW_CHANNEL = 1 << 11, 1 << 10


@pytest.fixture(autouse=True)
def quick_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posts_module, "FINAL_WRITE_PAUSES", (0.1, 0.2, 0.4))


async def start_streaming(stage: Stage, words: int = 40, channel: Any = None) -> Any:
    """A reply of about a second and a half that has begun to show."""
    stage.api.faults.add("slow", tokens_per_second=55)
    stage.api.replies.add(slow_text(words))
    await stage.ada.say(channel or stage.channel, f"{stage.mention} go")
    return await stage.reply("w", channel)


@pytest.mark.parametrize(
    "headers",
    [{"Retry-After": "0.1"}, {"Retry-After": "1.0"}, {"Retry-After": "0.5", "X-RateLimit-Global": "true"}],
    ids=["short", "long", "global"],
)
async def test_the_final_text_arrives_after_429s_on_edits(stage: Stage, headers: dict[str, str]) -> None:
    message = await start_streaming(stage)
    fault = stage.world.faults.add("PATCH", rf"/messages/{message.id}$", status=429, headers=headers, times=2)
    await stage.reply("w39", timeout=10)
    await stage.settled()
    assert fault.hits == 2
    assert message.content == slow_text(40)
    assert buttons(message) == NEWEST


async def test_the_final_text_arrives_after_more_429s_than_discord_py_waits_for(stage: Stage) -> None:
    message = await start_streaming(stage, 10)
    stage.world.faults.add("PATCH", rf"/messages/{message.id}$", status=429, headers={"Retry-After": "0.02"}, times=6)
    await stage.reply("w9", timeout=10)
    await stage.settled()
    assert message.content == slow_text(10)


async def test_one_message_although_discord_failed_after_it_was_created(stage: Stage) -> None:
    fault = stage.world.faults.add("POST", rf"/channels/{stage.channel.id}/messages$", status=500, after=True)
    await stage.ada.say(stage.channel, f"{stage.mention} once only")
    await stage.reply("once only")
    await quiet(stage)
    assert fault.hits == 1
    assert len(shown(stage)) == 1
    assert (await stored(stage, shown(stage)[0])).state == "complete"


@pytest.mark.parametrize("after", [False, True])
async def test_503_on_create_still_makes_one_message(stage: Stage, after: bool) -> None:
    stage.world.faults.add("POST", rf"/channels/{stage.channel.id}/messages$", status=503, times=2, after=after)
    await stage.ada.say(stage.channel, f"{stage.mention} once only")
    await stage.reply("once only")
    await quiet(stage)
    assert len(shown(stage)) == 1
    assert buttons(shown(stage)[0]) == NEWEST


async def test_503_on_the_final_edit_is_tried_again(stage: Stage) -> None:
    message = await start_streaming(stage, 20)
    stage.world.faults.add("PATCH", rf"/messages/{message.id}$", status=503, times=3)
    await stage.reply("w19")
    await stage.settled()
    assert message.content == slow_text(20)
    assert buttons(message) == NEWEST


async def test_a_cut_connection_to_discord_is_tried_again(stage: Stage) -> None:
    message = await start_streaming(stage, 20)
    stage.world.faults.add("PATCH", rf"/messages/{message.id}$", cut=True, times=2)
    await stage.reply("w19")
    await stage.settled()
    assert message.content == slow_text(20)


async def test_a_reply_deleted_while_it_is_written_is_not_posted_again(stage: Stage) -> None:
    message = await start_streaming(stage, 60)
    reply_id = (await stored(stage, message)).id
    await stage.moderator.delete(message)
    await asyncio.wait_for(quiet(stage), 15.0)
    assert not shown(stage)
    assert stage.bot is not None
    kept = await stage.bot.services.storage.history.message(stage.guild.id, reply_id)
    assert kept is not None
    assert (kept.state, kept.content) == ("deleted", "")


async def test_a_deletion_nobody_told_of_is_noticed_at_the_next_edit(stage: Stage) -> None:
    message = await start_streaming(stage, 600)
    fault = stage.world.faults.add("PATCH", rf"/messages/{message.id}$", code=10008, times=None)
    await stage.world.wait_until(lambda: fault.hits)
    await asyncio.wait_for(quiet(stage), 10.0)
    assert fault.hits == 1
    assert len(shown(stage)) == 1


async def test_the_reply_stays_when_its_question_is_deleted_meanwhile(stage: Stage) -> None:
    message = await start_streaming(stage, 30)
    await stage.ada.delete(message.reply_to)
    await stage.reply("w29")
    await quiet(stage)
    assert message.content.partition("\n-# ")[0] == slow_text(30)


async def test_a_permission_lost_in_mid_stream_ends_it_without_a_loop_of_403s(stage: Stage) -> None:
    message = await start_streaming(stage, 60)
    bot = stage.guild.members[stage.world.bot.id]
    stage.channel.set_permissions(bot, deny=VIEW_CHANNEL)
    await asyncio.wait_for(quiet(stage), 15.0)
    assert len(stage.world.invalid_requests) == 1
    assert (await stored(stage, message)).state == "stopped"
    stage.channel.set_permissions(bot)
    await asyncio.sleep(0.1)
    await stage.ada.say(stage.channel, f"{stage.mention} still there?")
    await quiet(stage)
    assert len(stage.world.invalid_requests) == 1
    assert len(asked(stage)) == 1


async def test_a_refused_notice_is_not_tried_again_and_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen_module, "REACTION_AFTER_SECONDS", 0.05)
    monkeypatch.setattr(screen_module, "NOTICE_AFTER_SECONDS", 0.1)
    monkeypatch.setattr(screen_module, "NOTICE_EVERY_SECONDS", 0.1)
    await start_streaming(stage, 60)
    fault = stage.world.faults.add("POST", rf"/channels/{stage.channel.id}/messages$", code=50013, times=None)
    await stage.tom.say(stage.channel, f"{stage.mention} second")
    await stage.reply("w59")
    await quiet(stage)
    assert fault.hits == 1
    assert len(asked(stage)) == 1


async def test_a_channel_deleted_in_mid_stream_ends_it(stage: Stage) -> None:
    channel = stage.guild.add_text_channel("doomed")
    await asyncio.sleep(0.05)
    await start_streaming(stage, 60, channel)
    channel.delete()
    await asyncio.wait_for(quiet(stage), 15.0)
    assert len([request for request in stage.world.requests if request.status == 404]) == 1
    await stage.ada.say(stage.channel, f"{stage.mention} hello")
    await stage.reply("hello")


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_a_reply_blocked_by_automod_is_said_in_words(stage: Stage, method: str) -> None:
    blocked = stage.world.faults.add(
        method,
        rf"/channels/{stage.channel.id}/messages",
        code=200000,
        times=None,
        when=lambda request: "AutoMod" not in str((request.body or {}).get("content")),
    )
    stage.api.faults.add("slow", tokens_per_second=55)
    stage.api.replies.add(slow_text(40))
    await stage.ada.say(stage.channel, f"{stage.mention} something rude")
    message = await stage.reply("This server's AutoMod blocked the reply.")
    await quiet(stage)
    assert blocked.hits <= 2
    assert shown(stage) == [message]
    assert message.content == "-# ⚠️ This server's AutoMod blocked the reply."


async def test_a_reply_blocked_only_in_its_final_text_is_said_in_words(stage: Stage) -> None:
    message = await start_streaming(stage, 8)
    stage.world.faults.add("PATCH", rf"/messages/{message.id}$", code=200000)
    await stage.reply("This server's AutoMod blocked the reply.")
    await quiet(stage)
    assert buttons(message) == NEWEST


async def test_a_dropped_connection_is_resumed_and_what_was_said_is_answered_once(stage: Stage) -> None:
    stage.world.drop_gateway()
    first = await stage.ada.say(stage.channel, f"{stage.mention} while away")
    await stage.reply("while away", timeout=10)
    stage.world.deliver_again(first)
    await stage.ada.say(stage.channel, f"{stage.mention} afterwards")
    await stage.reply("afterwards")
    await quiet(stage)
    assert stage.world.gateway_resumes == 1
    assert len(asked(stage)) == 2
    assert len(shown(stage)) == 2


async def test_a_lost_session_is_made_up_for_once(stage: Stage) -> None:
    world = stage.world
    thread = stage.channel.add_thread("plans", stage.ada.user)
    await asyncio.sleep(0.05)
    for place in (stage.channel, thread):
        await stage.ada.say(place, f"{stage.mention} before")
        await stage.reply("", place)
    await quiet(stage)
    old = datetime.now(UTC) - timedelta(minutes=20)
    world.add_message(stage.channel, stage.tom.user, f"{stage.mention} too long ago", at=old)
    await stage.ada.say(thread, "between us")
    thread.archive()  # from now on it is in no cache
    world.drop_gateway(resumable=False)
    stage.api.replies.add("what was missed")
    await stage.ada.say(stage.channel, f"{stage.mention} missed this")
    await stage.ada.say(stage.channel, "people among themselves")
    await stage.reply("what was missed", timeout=15)
    await quiet(stage, 0.3)
    assert world.gateway_identifies == 2
    assert len(asked(stage)) == 3
    assert len(shown(stage)) == 2
    assert len(shown(stage, thread)) == 1
    assert not (await stage.ada.open_dm()).messages


async def test_a_command_that_has_expired_is_answered_in_the_channel(stage: Stage) -> None:
    stage.world.faults.add("POST", r"/interactions/.+/callback$", code=10062, times=1)
    stage.api.replies.add("better late than never")
    await stage.ada.slash(stage.channel, "chat", message="too late")
    reply = await stage.reply("better late than never")
    await quiet(stage)
    assert reply.content == "> too late\nbetter late than never"
    assert shown(stage) == [reply]


async def test_a_command_is_answered_in_the_channel_when_its_token_has_expired_meanwhile(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.api.faults.add("slow", tokens_per_second=55)
    stage.api.replies.add(slow_text(40))
    await stage.ada.slash(stage.channel, "chat", message="a long story")
    message = await stage.reply("w")
    monkeypatch.setattr("cogs._outlets.INTERACTION_SECONDS", -1.0)
    stage.world.faults.add("PATCH", r"/webhooks/", code=50027, times=None)
    await stage.reply("w39")
    await quiet(stage)
    assert shown(stage) == [message]
    await begun(stage, 1)
