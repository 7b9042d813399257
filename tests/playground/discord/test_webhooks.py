"""Webhooks: rules, threads, forums, avatars and messages."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from playground.discord import CommandType, Limit, Permission
from tests.playground.discord.test_interactions import register

if TYPE_CHECKING:
    from playground.discord import Channel
    from tests.playground.discord.conftest import Answer, Clock, Scene

PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)
AVATAR = "data:image/png;base64," + base64.b64encode(PNG).decode()


async def make(scene: Scene, channel: Channel | None = None, **body: Any) -> Answer:
    scene.guild.bot_role.edit(permissions=scene.guild.bot_role.permissions | Permission.MANAGE_WEBHOOKS)
    path = f"/channels/{(channel or scene.channel).id}/webhooks"
    return await scene.rest.post(path, {"name": "Captain", **body})


def hook(webhook: dict[str, Any], tail: str = "") -> str:
    return f"/webhooks/{webhook['id']}/{webhook['token']}{tail}"


async def test_a_webhook_posts_edits_and_deletes(scene: Scene) -> None:
    webhook = (await make(scene)).body
    assert webhook["application_id"] == str(scene.world.application.id)
    silent = await scene.rest("POST", hook(webhook), {"content": "one"}, token=None)
    assert (silent.status, silent.body) == (204, b"")
    made = (await scene.rest("POST", hook(webhook), {"content": "two", "username": "Mate"}, token=None, wait="1")).body
    message = scene.channel.messages[-1]
    assert (message.author.name, message.author.is_webhook, message.webhook_id) == ("Mate", True, int(webhook["id"]))
    path = hook(webhook, f"/messages/{made['id']}")
    assert (await scene.rest("GET", path, token=None)).body["content"] == "two"
    assert (await scene.rest("PATCH", path, {"content": "three"}, token=None)).body["content"] == "three"
    assert (await scene.rest("DELETE", path, token=None)).status == 204
    assert (await scene.rest("GET", path, token=None)).code == 10008
    assert [m.content for m in scene.channel.messages] == ["one"]


async def test_webhooks_are_listed_renamed_moved_and_deleted(scene: Scene) -> None:
    webhook = (await make(scene)).body
    other = scene.guild.add_text_channel("other")
    assert (await scene.rest("GET", f"/webhooks/{webhook['id']}")).body["name"] == "Captain"
    assert (await scene.rest("GET", hook(webhook), token=None)).body["name"] == "Captain"
    moved = await scene.rest("PATCH", f"/webhooks/{webhook['id']}", {"name": "Pilot", "channel_id": str(other.id)})
    assert (moved.body["name"], moved.body["channel_id"]) == ("Pilot", str(other.id))
    assert (await scene.rest("GET", f"{scene.path}/webhooks")).body == []
    assert len((await scene.rest("GET", f"/guilds/{scene.guild.id}/webhooks")).body) == 1
    assert (await scene.rest("PATCH", hook(webhook), {"name": "Cook"}, token=None)).body["name"] == "Cook"
    assert (await scene.rest("DELETE", hook(webhook), token=None)).status == 204
    assert (await scene.rest("GET", f"/webhooks/{webhook['id']}")).code == 10015
    gone = await scene.rest("POST", hook(webhook), {"content": "x"}, token=None)
    assert (gone.status, gone.code) == (404, 10015)


async def test_the_token_must_fit(scene: Scene) -> None:
    webhook = (await make(scene)).body
    wrong = await scene.rest("POST", f"/webhooks/{webhook['id']}/wrong", {"content": "x"}, token=None)
    assert (wrong.status, wrong.code) == (401, 50027)


@pytest.mark.parametrize("name", ["", "x" * 81, "Discord helper", "clyde", None])
async def test_names_follow_rules(scene: Scene, name: str | None) -> None:
    assert (await make(scene, name=name)).error("name")
    webhook = (await make(scene)).body
    if name:
        assert (await scene.rest.post(hook(webhook), {"content": "x", "username": name})).error("username")


async def test_fifteen_in_a_channel(scene: Scene) -> None:
    scene.world.rate_limits.enabled = False
    for _ in range(15):
        assert (await make(scene)).status == 200
    assert (await make(scene)).code == 30007


async def test_managing_takes_a_permission(scene: Scene) -> None:
    webhook = (await make(scene)).body
    scene.guild.bot_role.edit(permissions=scene.guild.bot_role.permissions & ~Permission.MANAGE_WEBHOOKS)
    assert (await scene.rest.post(f"{scene.path}/webhooks", {"name": "x"})).code == 50013
    assert (await scene.rest("DELETE", f"/webhooks/{webhook['id']}")).code == 50013
    assert (await scene.rest.post(hook(webhook), {"content": "still works"}, wait="1")).status == 200


async def test_avatars_are_kept_and_served(scene: Scene) -> None:
    webhook = (await make(scene, avatar=AVATAR)).body
    url = f"{scene.world.url}/cdn/avatars/{webhook['id']}/{webhook['avatar']}.png?size=1024"
    async with scene.rest.session.get(url) as response:
        assert (await response.read(), response.content_type) == (PNG, "image/png")
    for bad in ("nonsense", "data:text/plain;base64,aGk=", "data:image/png;base64,###", "data:image/png;base64,aGk="):
        assert (await make(scene, avatar=bad)).error("avatar")
    cleared = await scene.rest("PATCH", f"/webhooks/{webhook['id']}", {"avatar": None})
    assert cleared.body["avatar"] is None


async def test_threads_are_reached_through_their_parent(scene: Scene) -> None:
    webhook = (await make(scene)).body
    thread = scene.channel.add_thread("plans", scene.owner)
    other = scene.guild.add_text_channel("other").add_thread("foreign", scene.owner)
    made = await scene.rest.post(hook(webhook), {"content": "in thread"}, wait="1", thread_id=thread.id)
    assert made.body["channel_id"] == str(thread.id)
    assert (await scene.rest.post(hook(webhook), {"content": "x"}, thread_id=other.id)).code == 10003
    path = hook(webhook, f"/messages/{made.body['id']}")
    assert (await scene.rest("PATCH", path, {"content": "x"})).code == 10008
    assert (await scene.rest("PATCH", path, {"content": "edited"}, thread_id=thread.id)).status == 200
    thread.archive(locked=True)
    assert (await scene.rest.post(hook(webhook), {"content": "x"}, thread_id=thread.id)).code == 50083
    assert (await make(scene, thread)).code == 50024


async def test_forums_take_posts(scene: Scene) -> None:
    forum = scene.guild.add_forum("stories")
    webhook = (await make(scene, forum)).body
    assert (await scene.rest.post(hook(webhook), {"content": "x"})).code == 220001
    assert (await scene.rest.post(hook(webhook), {"content": "", "thread_name": "A story"})).code == 50006
    assert forum.threads == []
    made = await scene.rest.post(hook(webhook), {"content": "once", "thread_name": "A story"}, wait="1")
    assert made.status == 200
    post = forum.threads[0]
    assert (post.name, post.id, post.messages[0].content) == ("A story", int(made.body["id"]), "once")
    both = await scene.rest.post(hook(webhook), {"content": "x", "thread_name": "y"}, thread_id=post.id)
    assert both.code == 220002
    assert (await scene.rest.post(hook(webhook), {"content": "twice"}, thread_id=post.id)).status == 204
    plain = (await make(scene)).body
    assert (await scene.rest.post(hook(plain), {"content": "x", "thread_name": "y"})).code == 220003


async def test_previews_cannot_be_switched_off_by_an_edit(scene: Scene) -> None:
    webhook = (await make(scene)).body
    made = (await scene.rest.post(hook(webhook), {"content": "x"}, wait="1")).body
    path = hook(webhook, f"/messages/{made['id']}")
    await scene.rest("PATCH", path, {"content": "https://example.org", "flags": 4})
    message = scene.channel.messages[0]
    await scene.world.wait_until(lambda: message.embeds)


async def test_buttons_of_a_webhook_can_be_pressed(scene: Scene) -> None:
    webhook = (await make(scene)).body
    button = {"type": 1, "components": [{"type": 2, "style": 1, "label": "Go", "custom_id": "go"}]}
    await scene.rest.post(hook(webhook), {"content": "x", "components": [button]})
    assert (await scene.person.click(scene.channel.messages[0])).name == "go"


async def test_webhooks_of_others(scene: Scene) -> None:
    proxy = scene.channel.add_webhook("Proxy", creator=scene.owner)
    message = proxy.say(f"hello {scene.world.bot.mention}", name="Alice")
    assert (message.author.name, message.application_id) == ("Alice", None)
    assert message.mentions == [scene.world.bot]
    reply = await scene.person.say(scene.channel, "hi Alice", reply_to=message)
    assert reply.mentions == []  # nobody is there to be pinged
    button = {"type": 1, "components": [{"type": 2, "style": 1, "label": "Go", "custom_id": "go"}]}
    await scene.rest.post(f"/webhooks/{proxy.id}/{proxy.token}", {"content": "x", "components": [button]})
    assert scene.channel.messages[-1].components == []


async def test_webhooks_mention_unless_told_not_to(scene: Scene) -> None:
    webhook = (await make(scene)).body
    await scene.rest.post(hook(webhook), {"content": f"{scene.ada.mention} @everyone"})
    message = scene.channel.messages[0]
    assert (message.mentions, message.mention_everyone) == ([scene.ada], True)
    quiet = {"content": f"{scene.ada.mention} @everyone", "allowed_mentions": {"parse": []}}
    await scene.rest.post(hook(webhook), quiet)
    assert (scene.channel.messages[1].mentions, scene.channel.messages[1].mention_everyone) == ([], False)


async def test_what_others_see_of_a_webhooks_message(scene: Scene) -> None:
    webhook = (await make(scene, avatar=AVATAR)).body
    made = (await scene.rest.post(hook(webhook), {"content": "x", "nonce": "n", "enforce_nonce": True}, wait="1")).body
    twice = (await scene.rest.post(hook(webhook), {"content": "x", "nonce": "n", "enforce_nonce": True}, wait="1")).body
    assert twice["id"] != made["id"]
    reply = await scene.person.say(scene.channel, "hm", reply_to=scene.channel.messages[0])
    quoted = (await scene.rest("GET", f"{scene.path}/messages/{reply.id}")).body["referenced_message"]
    for seen in (made, quoted):
        assert (seen["webhook_id"], seen["application_id"]) == (webhook["id"], str(scene.world.application.id))
        assert (seen["author"]["id"], seen["author"]["avatar"]) == (webhook["id"], webhook["avatar"])
        assert "nonce" not in seen
        assert "member" not in seen


async def test_a_message_may_choose_its_picture(scene: Scene) -> None:
    first, other = (await make(scene, avatar=AVATAR)).body, (await make(scene)).body
    url = f"{scene.world.url}/cdn/avatars/{first['id']}/{first['avatar']}.png"
    made = await scene.rest.post(hook(other), {"content": "x", "avatar_url": url}, wait="1")
    own = f"{scene.world.url}/cdn/avatars/{other['id']}/{made.body['author']['avatar']}.png"
    async with scene.rest.session.get(own) as response:
        assert await response.read() == PNG
    away = await scene.rest.post(hook(other), {"content": "x", "avatar_url": "https://example.org/a.png"}, wait="1")
    assert away.body["author"]["avatar"]
    assert (await scene.rest.post(hook(other), {"content": "x"}, wait="1")).body["author"]["avatar"] is None


async def test_the_bots_own_token_has_no_power_over_them(scene: Scene) -> None:
    webhook = (await make(scene)).body
    made = (await scene.rest.post(hook(webhook), {"content": "x"}, wait="1")).body
    path = f"{scene.path}/messages/{made['id']}"
    assert (await scene.rest("PATCH", path, {"content": "y"})).code == 50005
    manages = scene.guild.bot_role.permissions | Permission.MANAGE_MESSAGES
    scene.guild.bot_role.edit(permissions=manages & ~Permission.MANAGE_MESSAGES)
    assert (await scene.rest("DELETE", path)).code == 50013
    scene.guild.bot_role.edit(permissions=manages)
    assert (await scene.rest("DELETE", path)).status == 204


async def test_moderators_rename_move_and_delete_them(scene: Scene) -> None:
    made = (await make(scene)).body
    webhook, other = scene.world.webhooks[0], scene.guild.add_text_channel("other")
    webhook.edit(name="Pilot", channel=other)
    message = (await scene.rest.post(hook(made), {"content": "moved"}, wait="1")).body
    assert (message["author"]["username"], message["channel_id"]) == ("Pilot", str(other.id))
    webhook.delete()
    path = hook(made, f"/messages/{message['id']}")
    assert (await scene.rest("PATCH", path, {"content": "x"})).code == 10015
    assert (await scene.rest.post(hook(made), {"content": "x"})).code == 10015
    assert [m.content for m in other.messages] == ["moved"]


async def test_a_full_channel_takes_no_more(scene: Scene) -> None:
    scene.world.rate_limits.enabled = False
    webhook, full = (await make(scene)).body, scene.guild.add_text_channel("full")
    for i in range(15):
        full.add_webhook(f"Proxy {i}")
    body = {"name": "Pilot", "channel_id": str(full.id)}
    assert (await scene.rest("PATCH", f"/webhooks/{webhook['id']}", body)).code == 30007
    assert (scene.world.webhooks[0].name, scene.world.webhooks[0].channel) == ("Captain", scene.channel)
    thread = scene.channel.add_thread("plans", scene.owner)
    assert (await scene.rest("PATCH", f"/webhooks/{webhook['id']}", {"channel_id": str(thread.id)})).code == 50024
    assert (
        await scene.rest("PATCH", f"/webhooks/{webhook['id']}", {"channel_id": str(scene.channel.id)})
    ).status == 200


async def test_names_are_tidied_and_avatars_bounded(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await make(scene, name="  Captain   Ahab ")).body["name"] == "Captain Ahab"
    monkeypatch.setattr("playground.discord._cdn.MAX_AVATAR_BYTES", len(PNG) - 1)
    assert (await make(scene, avatar=AVATAR)).error("avatar") == "BINARY_TYPE_MAX_SIZE"


async def test_each_has_limits_of_its_own(timed: Scene, clock: Clock) -> None:
    timed.world.rate_limits.default = Limit(2, 5.0)
    first, second = (await make(timed)).body, (await make(timed)).body
    for _ in range(2):
        await timed.rest.post(hook(first), {"content": "x"})
    refused = await timed.rest.post(hook(first), {"content": "x"})
    assert (refused.status, refused.headers["X-RateLimit-Remaining"]) == (429, "0")
    assert (await timed.rest.post(hook(second), {"content": "x"})).status == 204
    assert (await timed.rest.post(f"{timed.path}/messages", {"content": "x"})).status == 200
    clock.advance(5)
    assert (await timed.rest.post(hook(first), {"content": "x"})).status == 204


async def test_their_old_messages_take_few_edits(timed: Scene, clock: Clock) -> None:
    webhook = (await make(timed)).body
    made = (await timed.rest.post(hook(webhook), {"content": "old"}, wait="1")).body
    clock.advance(3601)
    path = hook(webhook, f"/messages/{made['id']}")
    for i in range(timed.world.settings.old_message_edits):
        assert (await timed.rest("PATCH", path, {"content": str(i)})).status == 200
    assert (await timed.rest("PATCH", path, {"content": "x"})).code == 30046


async def test_they_fail_when_told_to(scene: Scene) -> None:
    webhook = (await make(scene)).body
    scene.world.faults.add("POST", r"^/webhooks/\d+/[^/]+$", status=503, after=True)
    scene.world.faults.add("PATCH", "^/webhooks/", code=10015)
    assert (await scene.rest.post(hook(webhook), {"content": "x"}, wait="1")).status == 503
    message = scene.channel.messages[0]  # the fault came after the deed
    assert (await scene.rest("PATCH", hook(webhook, f"/messages/{message.id}"), {"content": "y"})).code == 10015
    assert (await scene.rest("PATCH", hook(webhook, f"/messages/{message.id}"), {"content": "y"})).status == 200


async def test_commands_on_their_messages_say_whose_they_are(scene: Scene) -> None:
    webhook = (await make(scene)).body
    await scene.rest.post(hook(webhook), {"content": "x"})
    await register(scene, {"name": "Forget", "type": int(CommandType.MESSAGE)})
    message = scene.channel.messages[0]
    interaction = await scene.person.message_command(message, "Forget")
    resolved = interaction.payload()["data"]["resolved"]["messages"][str(message.id)]
    assert (resolved["webhook_id"], resolved["content"]) == (webhook["id"], "x")
