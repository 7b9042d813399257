"""What hangs on messages: reactions, pins and files, and deleting many at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import aiohttp

from playground.discord import MessageType, Permission, Upload

if TYPE_CHECKING:
    from tests.playground.discord.conftest import Scene


async def test_bulk_deletion(scene: Scene) -> None:
    path = f"{scene.path}/messages/bulk-delete"
    messages = [await scene.person.say(scene.channel, str(i)) for i in range(4)]
    ids = [str(m.id) for m in messages]
    assert (await scene.rest.post(path, {"messages": ids[:1]})).code == 50016
    ancient = scene.world.add_message(scene.channel, scene.ada, "x", at=datetime.now(UTC) - timedelta(days=15))
    assert (await scene.rest.post(path, {"messages": [*ids, str(ancient.id)]})).code == 50034
    assert (await scene.rest.post(path, {"messages": ids[:3]})).status == 204
    assert scene.channel.messages == [ancient, messages[3]]


async def test_reactions(scene: Scene) -> None:
    message = await scene.person.say(scene.channel, "react")
    base = f"{scene.path}/messages/{message.id}/reactions"
    assert (await scene.rest("PUT", f"{base}/👍/@me")).status == 204
    await scene.person.react(message, "👍")
    assert message.reactions[0].count == 2
    who = (await scene.rest("GET", f"{base}/👍")).body
    assert {u["id"] for u in who} == {str(scene.ada.id), str(scene.world.bot.id)}
    assert (await scene.rest("PUT", f"{base}/nonsense/@me")).code == 10014
    assert (await scene.rest("PUT", f"{base}/gone:123/@me")).code == 10014
    own = scene.guild.add_emoji("lab")
    assert (await scene.rest("PUT", f"{base}/lab:{own.id}/@me")).status == 204
    assert (await scene.rest("DELETE", f"{base}/👍/{scene.ada.id}")).status == 204
    assert message.reactions[0].user_ids == [scene.world.bot.id]
    assert (await scene.rest("DELETE", f"{base}/👍")).status == 204
    assert (await scene.rest("DELETE", base)).status == 204
    assert message.reactions == []


async def test_twenty_reactions_are_enough(scene: Scene) -> None:
    scene.world.rate_limits.enabled = False
    message = await scene.person.say(scene.channel, "react")
    base = f"{scene.path}/messages/{message.id}/reactions"
    for i in range(20):
        await scene.rest("PUT", f"{base}/{chr(0x1F600 + i)}/@me")
    assert (await scene.rest("PUT", f"{base}/👍/@me")).code == 30010


async def test_reacting_first_takes_a_permission(scene: Scene) -> None:
    message = await scene.person.say(scene.channel, "react")
    await scene.person.react(message, "👍")
    deny = Permission.ADD_REACTIONS
    scene.channel.set_permissions(scene.guild.bot_role, deny=deny)
    base = f"{scene.path}/messages/{message.id}/reactions"
    assert (await scene.rest("PUT", f"{base}/🎉/@me")).code == 50013
    assert (await scene.rest("PUT", f"{base}/👍/@me")).status == 204


async def test_pins(scene: Scene) -> None:
    message = await scene.person.say(scene.channel, "keep this")
    assert (await scene.rest("PUT", f"{scene.path}/messages/pins/{message.id}")).status == 204
    assert message.pinned
    assert scene.channel.messages[-1].type is MessageType.CHANNEL_PINNED_MESSAGE
    pins = (await scene.rest("GET", f"{scene.path}/messages/pins")).body
    assert [p["message"]["id"] for p in pins["items"]] == [str(message.id)]
    assert (await scene.rest("DELETE", f"{scene.path}/messages/pins/{message.id}")).status == 204
    assert not message.pinned
    scene.channel.set_permissions(scene.guild.bot_role, deny=Permission.PIN_MESSAGES | Permission.MANAGE_MESSAGES)
    assert (await scene.rest("PUT", f"{scene.path}/messages/pins/{message.id}")).code == 50013


def upload(payload: str, *files: tuple[str, bytes]) -> aiohttp.FormData:
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("payload_json", payload)
    for index, (name, data) in enumerate(files):
        form.add_field(f"files[{index}]", data, filename=name, content_type="application/octet-stream")
    return form


async def test_attachments_are_served(scene: Scene) -> None:
    body = '{"content": "", "attachments": [{"id": 0, "filename": "nice name.txt", "description": "words"}]}'
    answer = await scene.rest.post(f"{scene.path}/messages", upload(body, ("a.txt", b"hello"), ("b.bin", b"\x00")))
    assert answer.status == 200
    first, second = answer.body["attachments"]
    assert (first["filename"], first["size"], first["description"]) == ("nice name.txt", 5, "words")
    async with scene.rest.session.get(first["url"]) as response:
        assert (await response.read(), response.content_type) == (b"hello", "text/plain")
    async with scene.rest.session.get(scene.world.url + "/cdn/attachments/1/2/none.txt") as response:
        assert response.status == 404
    assert len(scene.world.requests_for("GET", "^/cdn/")) == 2

    message = scene.channel.messages[0]
    kept = {"content": "only one", "attachments": [{"id": second["id"]}]}
    await scene.rest("PATCH", f"{scene.path}/messages/{message.id}", kept)
    assert [a.filename for a in message.attachments] == ["b.bin"]


async def test_attachments_have_limits(scene: Scene) -> None:
    scene.world.settings.upload_limit_bytes = 10
    path = f"{scene.path}/messages"
    assert (await scene.rest.post(path, upload("{}", ("big", b"x" * 11)))).code == 40005
    scene.channel.set_permissions(scene.guild.everyone, deny=Permission.ATTACH_FILES)
    scene.guild.bot_role.edit(permissions=scene.guild.bot_role.permissions & ~Permission.ATTACH_FILES)
    assert (await scene.rest.post(path, upload("{}", ("small", b"x")))).code == 50013


async def test_an_attachment_may_claim_a_size(scene: Scene) -> None:
    message = await scene.person.say(scene.channel, files=[Upload("huge.bin", b"", 100 * 1024 * 1024)])
    assert message.attachments[0].size == 100 * 1024 * 1024


async def test_embeds_show_attached_files(scene: Scene) -> None:
    body = '{"embeds": [{"image": {"url": "attachment://cat.png"}}]}'
    answer = await scene.rest.post(f"{scene.path}/messages", upload(body, ("cat.png", b"png")))
    assert answer.body["embeds"][0]["image"]["url"] == answer.body["attachments"][0]["url"]
