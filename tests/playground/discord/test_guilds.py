"""Guilds, members and roles through REST."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from playground.discord import Permission

if TYPE_CHECKING:
    from tests.playground.discord.conftest import Scene


def allow(scene: Scene, *added: Permission) -> None:
    scene.guild.bot_role.edit(permissions=scene.guild.bot_role.permissions | sum(added))


@pytest.fixture
def base(scene: Scene) -> str:
    scene.world.rate_limits.enabled = False
    return f"/guilds/{scene.guild.id}"


async def test_guilds_are_described_and_listed(scene: Scene, base: str) -> None:
    answer = await scene.rest("GET", base, with_counts="true")
    assert (answer.body["name"], answer.body["approximate_member_count"]) == ("Lab", 3)
    other = scene.world.add_guild("Other")
    mine = (await scene.rest("GET", "/users/@me/guilds")).body
    assert [g["name"] for g in mine] == ["Lab", "Other"]
    assert [g["id"] for g in (await scene.rest("GET", "/users/@me/guilds", after=scene.guild.id)).body] == [
        str(other.id)
    ]
    assert (await scene.rest("DELETE", f"/users/@me/guilds/{other.id}")).status == 204
    assert not other.has_bot
    scene.guild.delete()
    assert (await scene.rest("GET", base)).code == 10004
    assert (await scene.rest("GET", scene.path)).code == 10003


async def test_members_are_found(scene: Scene, base: str) -> None:
    assert (await scene.rest("GET", f"{base}/members/{scene.ada.id}")).body["user"]["username"] == "ada"
    assert (await scene.rest("GET", f"{base}/members/{scene.world.add_user('stranger').id}")).code == 10007
    assert (await scene.rest("GET", f"{base}/members/5")).code == 10013
    listed = (await scene.rest("GET", f"{base}/members", limit=2)).body
    assert len(listed) == 2
    after = (await scene.rest("GET", f"{base}/members", limit=2, after=listed[1]["user"]["id"])).body
    assert len(after) == 1
    found = (await scene.rest("GET", f"{base}/members/search", query="AD", limit=5)).body
    assert [m["user"]["username"] for m in found] == ["ada"]
    assert (await scene.rest("GET", "/users/5")).code == 10013
    assert (await scene.rest("GET", f"/users/{scene.ada.id}")).body["username"] == "ada"


async def test_members_are_changed_by_who_may(scene: Scene, base: str) -> None:
    path = f"{base}/members/{scene.ada.id}"
    member = scene.guild.members[scene.ada.id]
    assert (await scene.rest("PATCH", path, {"nick": "Countess"})).code == 50013
    allow(scene, Permission.MANAGE_NICKNAMES, Permission.MODERATE_MEMBERS)
    assert (await scene.rest("PATCH", path, {"nick": "Countess"})).body["nick"] == "Countess"
    assert (await scene.rest("PATCH", path, {"nick": "x" * 33})).error("nick")
    until = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    assert (await scene.rest("PATCH", path, {"communication_disabled_until": until})).status == 200
    assert member.is_timed_out
    assert (await scene.rest("PATCH", path, {"communication_disabled_until": None})).status == 200
    assert not member.is_timed_out
    assert (await scene.rest("PATCH", f"{base}/members/@me", {"nick": "Botty"})).body["nick"] == "Botty"
    assert (await scene.rest("PATCH", f"{base}/members/{scene.owner.id}", {"nick": "x"})).code == 50013
    member.add_role(scene.guild.add_role("above the bot"))
    assert (await scene.rest("PATCH", path, {"nick": "x"})).code == 50013


async def test_roles_are_given_below_the_bots_own(scene: Scene, base: str) -> None:
    low = scene.guild.add_role("low", position=0)
    high = scene.guild.add_role("high")
    path = f"{base}/members/{scene.ada.id}/roles"
    assert (await scene.rest("PUT", f"{path}/{low.id}")).code == 50013
    allow(scene, Permission.MANAGE_ROLES)
    assert (await scene.rest("PUT", f"{path}/{low.id}")).status == 204
    assert scene.guild.members[scene.ada.id].roles == [low]
    assert (await scene.rest("PUT", f"{path}/{high.id}")).code == 50013
    assert (await scene.rest("PUT", f"{path}/5")).code == 10011
    assert (await scene.rest("DELETE", f"{path}/{low.id}")).status == 204
    assert (await scene.rest("PATCH", f"{base}/members/{scene.ada.id}", {"roles": [str(low.id)]})).status == 200
    assert scene.guild.members[scene.ada.id].roles == [low]


async def test_roles_are_managed(scene: Scene, base: str) -> None:
    assert (await scene.rest.post(f"{base}/roles", {"name": "x"})).code == 50013
    allow(scene, Permission.MANAGE_ROLES)
    scene.guild.bot_role.edit(position=5)
    made = (await scene.rest.post(f"{base}/roles", {"name": "readers", "permissions": "0"})).body
    path = f"{base}/roles/{made['id']}"
    assert (await scene.rest("GET", path)).body["name"] == "readers"
    assert (await scene.rest("PATCH", path, {"name": "writers", "permissions": "1024"})).body["name"] == "writers"
    assert scene.guild.roles[int(made["id"])].permissions == 1024
    beyond = {"name": "x", "permissions": str(int(Permission.ADMINISTRATOR))}
    assert (await scene.rest.post(f"{base}/roles", beyond)).code == 50013
    assert len((await scene.rest("GET", f"{base}/roles")).body) == 3
    assert (await scene.rest("DELETE", path)).status == 204
    assert (await scene.rest("GET", path)).code == 10011


async def test_members_are_kicked_and_banned(scene: Scene, base: str) -> None:
    grace = scene.world.add_user("grace")
    scene.guild.add_member(grace)
    assert (await scene.rest("DELETE", f"{base}/members/{grace.id}")).code == 50013
    allow(scene, Permission.KICK_MEMBERS, Permission.BAN_MEMBERS)
    assert (await scene.rest("DELETE", f"{base}/members/{grace.id}")).status == 204
    assert grace.id not in scene.guild.members
    path = f"{base}/bans/{scene.ada.id}"
    assert (await scene.rest("GET", path)).code == 10026
    assert (await scene.rest("DELETE", path)).code == 10026
    assert (await scene.rest("PUT", path)).status == 204
    assert scene.ada.id not in scene.guild.members
    assert (await scene.rest("GET", path)).body["user"]["username"] == "ada"
    assert (await scene.rest("DELETE", path)).status == 204
    assert (await scene.rest("PUT", f"{base}/bans/{scene.owner.id}")).code == 50013


async def test_the_bot_renames_itself(scene: Scene) -> None:
    answer = await scene.rest("PATCH", "/users/@me", {"username": "Renamed"})
    assert (answer.body["username"], scene.world.bot.name) == ("Renamed", "Renamed")


async def test_the_rules_of_automod_are_for_bots_that_manage_the_server(scene: Scene, base: str) -> None:
    rule = scene.guild.add_automod_rule("Rude", keywords=["heck*"], allowed=["heckle"], exempt_channels=[scene.channel])
    assert (await scene.rest("GET", f"{base}/auto-moderation/rules")).code == 50013
    allow(scene, Permission.MANAGE_GUILD)
    [listed] = (await scene.rest("GET", f"{base}/auto-moderation/rules")).body
    assert (listed["name"], listed["trigger_type"], listed["enabled"]) == ("Rude", 1, True)
    assert listed["trigger_metadata"] == {"keyword_filter": ["heck*"], "regex_patterns": [], "allow_list": ["heckle"]}
    assert listed["exempt_channels"] == [str(scene.channel.id)]
    rule.edit(keywords=["darn"], blocks=False)
    [listed] = (await scene.rest("GET", f"{base}/auto-moderation/rules")).body
    assert listed["trigger_metadata"]["keyword_filter"] == ["darn"]
    assert listed["actions"] == [{"type": 2, "metadata": {}}]
    rule.delete()
    assert (await scene.rest("GET", f"{base}/auto-moderation/rules")).body == []
