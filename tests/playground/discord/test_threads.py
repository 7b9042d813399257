"""Threads, forum posts and channels through REST."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from playground.discord import (
    ChannelType,
    InvalidOptionError,
    MessageFlag,
    MessageType,
    NotAllowedError,
    Permission,
)

if TYPE_CHECKING:
    from tests.playground.discord.conftest import Scene


async def test_a_thread_below_a_message_has_its_id(scene: Scene) -> None:
    message = await scene.person.say(scene.channel, "discuss")
    path = f"{scene.path}/messages/{message.id}/threads"
    made = await scene.rest.post(path, {"name": "discussion"})
    assert (made.status, made.body["id"], made.body["owner_id"]) == (201, str(message.id), str(scene.world.bot.id))
    assert message.flags & MessageFlag.HAS_THREAD
    assert (await scene.rest.post(path, {"name": "again"})).code == 160004
    assert (await scene.rest.post(path, {"name": ""})).code == 160004
    other = await scene.person.say(scene.channel, "other")
    assert (await scene.rest.post(f"{scene.path}/messages/{other.id}/threads", {"name": ""})).error("name")


async def test_threads_without_a_message(scene: Scene) -> None:
    public = await scene.rest.post(f"{scene.path}/threads", {"name": "open", "type": 11})
    assert public.body["type"] == 11
    assert scene.channel.messages[-1].type is MessageType.THREAD_CREATED
    private = await scene.rest.post(f"{scene.path}/threads", {"name": "closed", "type": 12, "invitable": False})
    thread = scene.world.channel(int(private.body["id"]))
    assert private.body["thread_metadata"]["invitable"] is False
    assert not scene.person.sees(thread)
    assert (await scene.rest("PUT", f"/channels/{thread.id}/thread-members/{scene.ada.id}")).status == 204
    assert scene.person.sees(thread)
    bad = await scene.rest.post(f"{scene.path}/threads", {"name": "x", "auto_archive_duration": 61})
    assert bad.error("auto_archive_duration") == "BASE_TYPE_CHOICES"


async def test_starting_threads_takes_permissions(scene: Scene) -> None:
    message = await scene.person.say(scene.channel, "x")
    deny = Permission.CREATE_PUBLIC_THREADS | Permission.CREATE_PRIVATE_THREADS
    scene.channel.set_permissions(scene.guild.bot_role, deny=deny)
    assert (await scene.rest.post(f"{scene.path}/messages/{message.id}/threads", {"name": "x"})).code == 50013
    assert (await scene.rest.post(f"{scene.path}/threads", {"name": "x", "type": 12})).code == 50013
    category = scene.guild.add_category("rooms")
    assert (await scene.rest.post(f"/channels/{category.id}/threads", {"name": "x"})).code == 50024


async def test_thread_members(scene: Scene) -> None:
    thread = scene.channel.add_thread("plans", scene.owner)
    base = f"/channels/{thread.id}/thread-members"
    assert (await scene.rest("PUT", f"{base}/@me")).status == 204
    assert {m["user_id"] for m in (await scene.rest("GET", base)).body} == {
        str(scene.owner.id),
        str(scene.world.bot.id),
    }
    assert (await scene.rest("GET", f"{base}/{scene.ada.id}")).code == 10007
    await scene.person.say(thread, "hello")  # who writes has joined
    assert (await scene.rest("GET", f"{base}/{scene.ada.id}")).status == 200
    assert (await scene.rest("DELETE", f"{base}/{scene.ada.id}")).status == 204
    assert (await scene.rest("DELETE", f"{base}/@me")).status == 204
    assert thread.thread is not None
    assert list(thread.thread.members) == [scene.owner.id]
    await scene.person.say(thread, f"come {scene.world.bot.mention}")
    assert scene.world.bot.id in thread.thread.members


async def test_archived_threads(scene: Scene) -> None:
    thread = scene.channel.add_thread("plans", scene.owner)
    path = f"/channels/{thread.id}"
    archived = await scene.rest("PATCH", path, {"archived": True})
    assert archived.body["thread_metadata"]["archived"] is True
    assert (await scene.rest("PATCH", path, {"name": "renamed"})).code == 50083
    assert (await scene.rest("PUT", f"{path}/thread-members/@me")).code == 50083
    listed = (await scene.rest("GET", f"{scene.path}/threads/archived/public")).body
    assert [t["id"] for t in listed["threads"]] == [str(thread.id)]
    assert (await scene.rest("GET", f"/guilds/{scene.guild.id}/threads/active")).body["threads"] == []
    assert (await scene.rest.post(f"{path}/messages", {"content": "back"})).status == 200  # writing brings it back
    assert thread.thread is not None
    assert not thread.thread.archived

    thread.archive(locked=True)
    scene.guild.bot_role.edit(permissions=scene.guild.bot_role.permissions & ~Permission.MANAGE_THREADS)
    assert (await scene.rest.post(f"{path}/messages", {"content": "no"})).code == 50083
    assert (await scene.rest("PATCH", path, {"archived": False})).code == 50013
    thread.thread.archived = False
    assert (await scene.rest.post(f"{path}/messages", {"content": "no"})).code == 160005


async def test_reopening_takes_writing_unless_it_is_locked(scene: Scene) -> None:
    scene.guild.bot_role.edit(permissions=scene.guild.bot_role.permissions & ~Permission.MANAGE_THREADS)
    own = (await scene.rest.post(f"{scene.path}/threads", {"name": "scene", "type": 11})).body
    thread, path = scene.world.channel(int(own["id"])), f"/channels/{own['id']}"
    assert (await scene.rest("PATCH", path, {"archived": True})).status == 200
    assert (await scene.rest("PATCH", path, {"archived": True, "locked": True})).code == 50013
    assert (await scene.rest("PATCH", path, {"archived": False})).status == 200
    thread.archive(locked=True)
    assert (await scene.rest("PATCH", path, {"archived": False})).code == 50013
    foreign = scene.channel.add_thread("plans", scene.owner)
    foreign.archive()
    assert (await scene.rest("PATCH", f"/channels/{foreign.id}", {"archived": False})).status == 200
    assert (await scene.rest("PATCH", f"/channels/{foreign.id}", {"archived": True})).code == 50013


async def test_nothing_changes_in_an_archived_thread(scene: Scene) -> None:
    thread = scene.channel.add_thread("plans", scene.owner)
    message = scene.world.add_message(thread, scene.world.bot, "x")
    thread.archive()
    path = f"/channels/{thread.id}/messages/{message.id}"
    assert (await scene.rest("PATCH", path, {"content": "y"})).code == 50083
    assert (await scene.rest("PUT", f"{path}/reactions/👍/@me")).code == 50083


async def test_private_archived_threads_are_listed_apart(scene: Scene) -> None:
    thread = scene.channel.add_thread("secret", scene.world.bot, private=True)
    thread.archive()
    assert (await scene.rest("GET", f"{scene.path}/threads/archived/public")).body["threads"] == []
    for path in (f"{scene.path}/threads/archived/private", f"{scene.path}/users/@me/threads/archived/private"):
        listed = (await scene.rest("GET", path)).body
        assert [t["id"] for t in listed["threads"]] == [str(thread.id)]


async def test_forum_posts(scene: Scene) -> None:
    forum = scene.guild.add_forum("stories", tags=["open"])
    tag = forum.available_tags[0]
    body = {"name": "A story", "message": {"content": "once"}, "applied_tags": [str(tag.id)]}
    made = await scene.rest.post(f"/channels/{forum.id}/threads", body, use_nested_fields="1")
    assert (made.status, made.body["message"]["id"]) == (201, made.body["id"])
    assert made.body["applied_tags"] == [str(tag.id)]
    assert (await scene.rest.post(f"/channels/{forum.id}/threads", {"name": "x", "message": {}})).code == 50006
    assert (await scene.rest.post(f"/channels/{forum.id}/messages", {"content": "x"})).code == 50008
    forum.set_permissions(scene.guild.bot_role, deny=Permission.SEND_MESSAGES)
    assert (await scene.rest.post(f"/channels/{forum.id}/threads", body)).code == 50013


async def test_people_post_in_forums(scene: Scene) -> None:
    forum = scene.guild.add_forum("stories")
    post = await scene.person.start_post(forum, " A story ", "Once")
    assert (post.name, post.parent, post.messages[0].content) == ("A story", forum, "Once")
    for name, content in (("", "Once"), ("x" * 101, "Once"), ("A story", "")):
        with pytest.raises(InvalidOptionError):
            await scene.person.start_post(forum, name, content)
    with pytest.raises(NotAllowedError):
        await scene.person.start_post(scene.channel, "A story", "Once")


async def test_threads_end_with_their_channel(scene: Scene) -> None:
    thread = scene.channel.add_thread("plans", scene.owner)
    message = await scene.person.say(thread, "x")
    scene.guild.bot_role.edit(permissions=scene.guild.bot_role.permissions | Permission.MANAGE_CHANNELS)
    assert (await scene.rest("DELETE", scene.path)).status == 200
    assert (thread.deleted, message.deleted) == (True, True)
    assert (await scene.rest("GET", f"/channels/{thread.id}")).code == 10003


async def test_channels_are_made_and_changed(scene: Scene) -> None:
    base = f"/guilds/{scene.guild.id}/channels"
    assert (await scene.rest.post(base, {"name": "new"})).code == 50013
    scene.guild.bot_role.edit(permissions=scene.guild.bot_role.permissions | Permission.MANAGE_CHANNELS)
    category = scene.guild.add_category("rooms", overwrites={scene.guild.everyone: (0, Permission.SEND_MESSAGES)})
    made = await scene.rest.post(base, {"name": "new", "parent_id": str(category.id), "topic": "t", "nsfw": True})
    assert (made.body["name"], made.body["parent_id"], made.body["nsfw"]) == ("new", str(category.id), True)
    path = f"/channels/{made.body['id']}"
    changed = await scene.rest("PATCH", path, {"name": "renamed", "rate_limit_per_user": 5, "parent_id": None})
    assert (changed.body["name"], changed.body["rate_limit_per_user"], changed.body["parent_id"]) == (
        "renamed",
        5,
        None,
    )
    for body, field in (
        ({"name": ""}, "name"),
        ({"topic": "t" * 1025}, "topic"),
        ({"rate_limit_per_user": 30_000}, "rate_limit_per_user"),
        ({"parent_id": "5"}, "parent_id"),
    ):
        assert (await scene.rest("PATCH", path, body)).error(field)
    assert (await scene.rest.post(base, {"name": "x", "type": 99})).error("type")
    assert len((await scene.rest("GET", base)).body) == 3


async def test_overwrites(scene: Scene) -> None:
    path = f"{scene.path}/permissions/{scene.ada.id}"
    body = {"type": 1, "allow": "0", "deny": str(int(Permission.SEND_MESSAGES))}
    assert (await scene.rest("PUT", path, body)).code == 50013
    scene.guild.bot_role.edit(permissions=scene.guild.bot_role.permissions | Permission.MANAGE_ROLES)
    assert (await scene.rest("PUT", path, body)).status == 204
    assert scene.channel.overwrites[scene.ada.id].is_member
    beyond = {"type": 1, "allow": str(int(Permission.ADMINISTRATOR)), "deny": "0"}
    assert (await scene.rest("PUT", path, beyond)).code == 50013
    assert (await scene.rest("DELETE", path)).status == 204
    assert scene.channel.overwrites == {}


async def test_a_category_gives_its_overwrites(scene: Scene) -> None:
    category = scene.guild.add_category("rooms", overwrites={scene.guild.everyone: (0, Permission.VIEW_CHANNEL)})
    channel = scene.guild.add_text_channel("hidden", category=category)
    assert not scene.person.sees(channel)
    assert channel.type is ChannelType.TEXT
    assert scene.person.sees(scene.guild.add_text_channel("open", category=category, overwrites={}))
