"""Messages through REST: what is stored, what is refused, and with which code."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from playground.discord import LocalDiscord, MessageFlag, MessageType, Permission
from tests.playground.discord.conftest import furnish

if TYPE_CHECKING:
    from tests.playground.discord.conftest import Clock, Scene


async def test_a_message_is_created_read_edited_and_deleted(scene: Scene) -> None:
    made = await scene.rest.post(f"{scene.path}/messages", {"content": "  hello  "})
    assert (made.status, made.body["content"]) == (200, "hello")
    message = scene.channel.messages[0]
    assert made.headers["Content-Type"] == "application/json"
    read = await scene.rest("GET", f"{scene.path}/messages/{message.id}")
    assert read.body["id"] == str(message.id)

    changed = await scene.rest("PATCH", f"{scene.path}/messages/{message.id}", {"content": "bye"})
    assert changed.body["edited_timestamp"]
    assert message.edited
    assert [text for _, text in message.history] == ["hello", "bye"]

    gone = await scene.rest("DELETE", f"{scene.path}/messages/{message.id}")
    assert gone.status == 204
    assert message.deleted
    assert scene.channel.messages == []
    assert (await scene.rest("GET", f"{scene.path}/messages/{message.id}")).code == 10008


async def test_messages_are_listed_newest_first_and_paged(scene: Scene) -> None:
    ids = [scene.world.add_message(scene.channel, scene.ada, str(i)).id for i in range(10)]
    path = f"{scene.path}/messages"

    async def texts(**query: Any) -> list[str]:
        return [m["content"] for m in (await scene.rest("GET", path, **query)).body]

    assert await texts(limit=3) == ["9", "8", "7"]
    assert await texts(limit=3, before=ids[5]) == ["4", "3", "2"]
    assert await texts(limit=3, after=ids[5]) == ["8", "7", "6"]
    assert await texts(limit=3, around=ids[5]) == ["6", "5", "4"]
    assert await texts(limit=100, before=ids[0]) == []
    assert (await scene.rest("GET", path, limit=101)).code == 50035


async def test_an_old_message_takes_its_place_in_time(scene: Scene) -> None:
    new = scene.world.add_message(scene.channel, scene.ada, "new")
    old = scene.world.add_message(scene.channel, scene.ada, "old", at=datetime.now(UTC) - timedelta(days=1))
    older = scene.world.add_message(scene.channel, scene.ada, "older", at=datetime.now(UTC) - timedelta(days=2))
    assert scene.channel.messages == [older, old, new]


@pytest.mark.parametrize(
    ("body", "code", "path", "error"),
    [
        ({"content": "x" * 2001}, 50035, "content", "BASE_TYPE_MAX_LENGTH"),
        ({"content": ["x"]}, 50035, "content", "STRING_TYPE_CONVERT"),
        ({"content": "  "}, 50006, None, None),
        ({}, 50006, None, None),
        ({"content": "x", "nonce": "n" * 26}, 50035, "nonce", "BASE_TYPE_MAX_LENGTH"),
        ({"embeds": [{"title": "t" * 257}]}, 50035, "embeds.0.title", "BASE_TYPE_MAX_LENGTH"),
        ({"embeds": [{"description": "d" * 4097}]}, 50035, "embeds.0.description", "BASE_TYPE_MAX_LENGTH"),
        (
            {"embeds": [{"fields": [{"name": "n", "value": ""}]}]},
            50035,
            "embeds.0.fields.0.value",
            "BASE_TYPE_REQUIRED",
        ),
        (
            {"embeds": [{"fields": [{"name": "n" * 257, "value": "v"}]}]},
            50035,
            "embeds.0.fields.0.name",
            "BASE_TYPE_MAX_LENGTH",
        ),
        (
            {"embeds": [{"fields": [{"name": "n", "value": "v"}] * 26}]},
            50035,
            "embeds.0.fields",
            "BASE_TYPE_BAD_LENGTH",
        ),
        ({"embeds": [{"footer": {"text": "f" * 2049}}]}, 50035, "embeds.0.footer.text", "BASE_TYPE_MAX_LENGTH"),
        ({"embeds": [{"author": {"name": "a" * 257}}]}, 50035, "embeds.0.author.name", "BASE_TYPE_MAX_LENGTH"),
        ({"embeds": [{"url": "ftp://x"}]}, 50035, "embeds.0.url", "URL_TYPE_INVALID_SCHEME"),
        ({"embeds": [{"image": {"url": "x"}}]}, 50035, "embeds.0.image.url", "URL_TYPE_INVALID_SCHEME"),
        ({"embeds": [{"title": "t"}] * 11}, 50035, "embeds", "BASE_TYPE_BAD_LENGTH"),
        ({"embeds": [{"description": "d" * 4000}] * 2}, 50035, "embeds", "MAX_EMBED_SIZE_EXCEEDED"),
        (
            {"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}},
            50035,
            "allowed_mentions",
            "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
        ),
        (
            {"content": "x", "message_reference": {"message_id": "1"}},
            50035,
            "message_reference",
            "REPLIES_UNKNOWN_MESSAGE",
        ),
    ],
)
async def test_discords_rules_for_messages(
    scene: Scene, body: dict[str, Any], code: int, path: str | None, error: str | None
) -> None:
    answer = await scene.rest.post(f"{scene.path}/messages", body)
    assert (answer.status, answer.code) == (400, code)
    if path:
        assert answer.error(path) == error
    assert scene.channel.messages == []


async def test_a_body_that_is_no_json_is_refused(scene: Scene) -> None:
    async with scene.rest.session.post(
        f"{scene.world.url}/api/v10{scene.path}/messages",
        data=b'{"content": "\\ud800"}',
        headers={"Authorization": f"Bot {scene.world.token}", "Content-Type": "application/json"},
    ) as response:
        assert (response.status, (await response.json())["code"]) == (400, 50109)


async def test_a_body_of_the_wrong_shape_is_answered(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    answer = await scene.rest.post(f"{scene.path}/messages", {"embeds": "no list"})
    assert (answer.status, answer.body["message"]) == (500, "500: Internal Server Error")
    assert "/messages failed" in caplog.text


async def test_unknown_places_and_foreign_places(scene: Scene) -> None:
    elsewhere = scene.world.add_guild("Elsewhere", with_bot=False)
    foreign = elsewhere.add_text_channel("foreign")
    assert (await scene.rest("GET", "/channels/1")).code == 10003
    assert (await scene.rest("GET", "/channels/abc")).code == 50035
    missing = await scene.rest("GET", f"/channels/{foreign.id}")
    assert (missing.status, missing.code) == (403, 50001)
    assert (await scene.rest("GET", f"/guilds/{elsewhere.id}")).code == 10004
    assert (await scene.rest("GET", "/nowhere")).status == 404
    assert (await scene.rest("PUT", "/users/@me")).status == 405


async def test_without_the_token_nothing_is_answered(scene: Scene) -> None:
    for token in (None, "wrong"):
        answer = await scene.rest("GET", "/users/@me", token=token)
        assert (answer.status, answer.body) == (401, {"message": "401: Unauthorized", "code": 0})
    assert len(scene.world.invalid_requests) == 2


async def test_writing_needs_permissions(scene: Scene) -> None:
    path = f"{scene.path}/messages"
    scene.channel.set_permissions(scene.guild.bot_role, deny=Permission.SEND_MESSAGES)
    assert (await scene.rest.post(path, {"content": "x"})).code == 50013
    assert (await scene.rest.post(f"{scene.path}/typing")).code == 50013
    scene.channel.set_permissions(scene.guild.bot_role, deny=Permission.VIEW_CHANNEL)
    assert (await scene.rest.post(path, {"content": "x"})).code == 50001
    scene.channel.set_permissions(scene.guild.bot_role)
    category = scene.guild.add_category("rooms")
    assert (await scene.rest.post(f"/channels/{category.id}/messages", {"content": "x"})).code == 50008


async def test_somebody_elses_message(scene: Scene) -> None:
    message = await scene.person.say(scene.channel, "see https://example.org/a")
    await scene.world.wait_until(lambda: message.embeds)
    path = f"{scene.path}/messages/{message.id}"
    assert (await scene.rest("PATCH", path, {"content": "mine now"})).code == 50005
    assert (await scene.rest("PATCH", path, {"flags": 4})).status == 200
    assert message.embeds == []
    assert (await scene.rest("DELETE", path)).status == 204

    kept = await scene.person.say(scene.channel, "keep")
    scene.guild.bot_role.edit(permissions=Permission.VIEW_CHANNEL | Permission.READ_MESSAGE_HISTORY)
    path = f"{scene.path}/messages/{kept.id}"
    assert (await scene.rest("PATCH", path, {"flags": 4})).code == 50013
    assert (await scene.rest("DELETE", path)).code == 50013


async def test_history_needs_its_own_permission(scene: Scene) -> None:
    message = await scene.person.say(scene.channel, "secret")
    scene.channel.set_permissions(scene.guild.bot_role, deny=Permission.READ_MESSAGE_HISTORY)
    scene.channel.set_permissions(scene.guild.everyone, deny=Permission.READ_MESSAGE_HISTORY)
    assert (await scene.rest("GET", f"{scene.path}/messages")).body == []
    assert (await scene.rest("GET", f"{scene.path}/messages/{message.id}")).code == 50013
    reply = {"content": "x", "message_reference": {"message_id": str(message.id)}}
    assert (await scene.rest.post(f"{scene.path}/messages", reply)).code == 160002


async def test_the_same_nonce_returns_the_first_message(timed: Scene, clock: Clock) -> None:
    path = f"{timed.path}/messages"
    first = await timed.rest.post(path, {"content": "one", "nonce": "n", "enforce_nonce": True})
    again = await timed.rest.post(path, {"content": "two", "nonce": "n", "enforce_nonce": True})
    assert (again.body["id"], again.body["content"]) == (first.body["id"], "one")
    await timed.rest.post(path, {"content": "three", "nonce": "n"})  # not enforced
    clock.advance(301)
    await timed.rest.post(path, {"content": "four", "nonce": "n", "enforce_nonce": True})
    assert [m.content for m in timed.channel.messages] == ["one", "three", "four"]


async def test_a_reply_pings_unless_told_not_to(scene: Scene) -> None:
    asked = await scene.person.say(scene.channel, "question")
    path = f"{scene.path}/messages"
    reference = {"message_id": str(asked.id)}

    async def mentioned(**extra: Any) -> list[str]:
        body = {"content": "answer", "message_reference": reference, **extra}
        return [u["id"] for u in (await scene.rest.post(path, body)).body["mentions"]]

    assert await mentioned() == [str(scene.ada.id)]
    assert await mentioned(allowed_mentions={"parse": []}) == []
    assert await mentioned(allowed_mentions={"parse": [], "replied_user": True}) == [str(scene.ada.id)]
    reply = scene.channel.messages[-1]
    assert (reply.type, reply.reply_to) == (MessageType.REPLY, asked)

    await scene.person.delete(asked)
    answer = await scene.rest.post(
        path, {"content": "late", "message_reference": reference | {"fail_if_not_exists": False}}
    )
    assert answer.body["type"] == 0
    listed = (await scene.rest("GET", path)).body
    assert listed[1]["referenced_message"] is None


async def test_mentions_are_parsed_under_what_is_allowed(scene: Scene) -> None:
    role = scene.guild.add_role("readers", mentionable=True)
    path = f"{scene.path}/messages"
    text = f"{scene.ada.mention} {role.mention} @everyone `{scene.owner.mention}`"
    everything = (await scene.rest.post(path, {"content": text})).body
    assert [u["id"] for u in everything["mentions"]] == [str(scene.ada.id)]
    assert everything["mention_roles"] == [str(role.id)]
    assert not everything["mention_everyone"]  # the bot lacks the permission

    none = (await scene.rest.post(path, {"content": text, "allowed_mentions": {"parse": []}})).body
    assert (none["mentions"], none["mention_roles"]) == ([], [])
    one = {"parse": [], "users": [str(scene.ada.id)]}
    some = (await scene.rest.post(path, {"content": text, "allowed_mentions": one})).body
    assert [u["id"] for u in some["mentions"]] == [str(scene.ada.id)]

    # An edit that lacks the field parses everything again.
    edited = (await scene.rest("PATCH", f"{path}/{none['id']}", {"content": text})).body
    assert [u["id"] for u in edited["mentions"]] == [str(scene.ada.id)]


async def test_previews_appear_unless_suppressed(scene: Scene) -> None:
    path = f"{scene.path}/messages"
    await scene.rest.post(path, {"content": "https://example.org/page and <https://example.org/quiet>"})
    message = scene.channel.messages[-1]
    await scene.world.wait_until(lambda: message.embeds)
    assert [e["url"] for e in message.embeds] == ["https://example.org/page"]
    assert not message.edited

    await scene.rest.post(path, {"content": "https://example.org/page", "flags": 4})
    quiet = scene.channel.messages[-1]
    await asyncio.sleep(0)
    assert quiet.embeds == []
    await scene.rest("PATCH", f"{path}/{quiet.id}", {"content": "https://example.org/two", "flags": 4})
    assert quiet.flags & MessageFlag.SUPPRESS_EMBEDS
    await scene.rest("PATCH", f"{path}/{quiet.id}", {"content": "https://example.org/three"})
    await scene.world.wait_until(lambda: quiet.embeds)
    assert not quiet.flags & MessageFlag.SUPPRESS_EMBEDS


async def test_old_messages_take_few_edits(timed: Scene, clock: Clock) -> None:
    path = f"{timed.path}/messages"
    message = (await timed.rest.post(path, {"content": "old"})).body
    clock.advance(3601)
    for i in range(timed.world.settings.old_message_edits):
        assert (await timed.rest("PATCH", f"{path}/{message['id']}", {"content": str(i)})).status == 200
    refused = await timed.rest("PATCH", f"{path}/{message['id']}", {"content": "x"})
    assert (refused.status, refused.code) == (429, 30046)
    assert refused.body["retry_after"] == 3600


async def test_direct_messages(scene: Scene) -> None:
    opened = await scene.rest.post("/users/@me/channels", {"recipient_id": str(scene.ada.id)})
    channel = scene.world.channel(int(opened.body["id"]))
    assert channel is await scene.person.open_dm()
    assert (await scene.rest.post(f"/channels/{channel.id}/messages", {"content": "hi"})).status == 200
    scene.world.close_dms(scene.ada)
    assert (await scene.rest.post(f"/channels/{channel.id}/messages", {"content": "hi"})).code == 50007
    assert (await scene.rest.post("/users/@me/channels", {"recipient_id": "1"})).code == 10013
    assert (await scene.rest.post(f"/channels/{channel.id}/messages/bulk-delete", {"messages": []})).code == 50013
    assert (await scene.rest("PATCH", f"/channels/{channel.id}", {"name": "x"})).code == 50003


async def test_history_is_censored_without_the_content_intent() -> None:
    async with LocalDiscord(message_content_intent=False) as world, aiohttp.ClientSession() as session:
        scene = await furnish(world, session)
        message = await scene.person.say(scene.channel, "private words")
        await scene.person.say(scene.channel, "for you", mentions_bot=True)
        await scene.rest.post(f"{scene.path}/messages", {"content": "my own"})
        texts = [m["content"] for m in (await scene.rest("GET", f"{scene.path}/messages")).body]
        assert texts == ["my own", f"{world.bot.mention} for you", ""]
        assert (await scene.rest("GET", f"{scene.path}/messages/{message.id}")).body["content"] == ""
