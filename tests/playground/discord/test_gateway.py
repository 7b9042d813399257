"""The gateway's wire, spoken by hand."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from playground.discord import Intent, LocalDiscord, Permission

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.playground.discord.conftest import Clock, Scene

ALL = sum(Intent)
UNPRIVILEGED = ALL & ~(Intent.MESSAGE_CONTENT | Intent.GUILD_MEMBERS | Intent.GUILD_PRESENCES)


class Wire:
    """One WebSocket to the gateway."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.sequence = 0
        self.session_id = ""

    async def send(self, op: int, data: Any) -> None:
        await self.socket.send_json({"op": op, "d": data})

    async def receive(self) -> dict[str, Any]:
        message: dict[str, Any] = await self.socket.receive_json(timeout=15)
        self.sequence = message["s"] or self.sequence
        return message

    async def event(self, name: str) -> dict[str, Any]:
        """The data of the next event of this name."""
        while (message := await self.receive())["t"] != name:
            pass
        data: dict[str, Any] = message["d"]
        return data

    async def events_until(self, name: str) -> list[str]:
        seen: list[str] = []
        while not seen or seen[-1] != name:
            seen.append((await self.receive())["t"])
        return seen

    async def close_code(self) -> int:
        message = await self.socket.receive(timeout=15)
        assert message.type is aiohttp.WSMsgType.CLOSE
        return int(message.data)

    async def identify(self, world: LocalDiscord, intents: int = ALL, **extra: Any) -> dict[str, Any]:
        await self.send(2, {"token": world.token, "intents": intents, "properties": {}, **extra})
        ready = await self.event("READY")
        self.session_id = ready["session_id"]
        return ready

    async def resume(self, world: LocalDiscord, old: Wire) -> None:
        await self.send(6, {"token": world.token, "session_id": old.session_id, "seq": old.sequence})


@contextlib.asynccontextmanager
async def connect(world: LocalDiscord, path: str = "/gateway") -> AsyncIterator[Wire]:
    url = world.url + f"{path}?v=10&encoding=json&compress=zlib-stream"
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        hello = await socket.receive_json(timeout=15)
        assert (hello["op"], hello["d"]["heartbeat_interval"]) == (10, 41250)
        yield Wire(socket)


async def test_a_session_begins_with_its_guilds(scene: Scene) -> None:
    thread = scene.channel.add_thread("plans", scene.owner)
    async with connect(scene.world) as wire:
        ready = await wire.identify(scene.world)
        assert ready["user"]["id"] == str(scene.world.bot.id)
        assert ready["guilds"] == [{"id": str(scene.guild.id), "unavailable": True}]
        assert ready["resume_gateway_url"].startswith("ws://")
        guild = await wire.event("GUILD_CREATE")
        assert guild["unavailable"] is False
        assert guild["member_count"] == 3
        assert len(guild["members"]) == 3  # with the presences intent all of a small guild
        assert [c["id"] for c in guild["channels"]] == [str(scene.channel.id)]
        assert [t["id"] for t in guild["threads"]] == [str(thread.id)]


async def test_without_presences_only_the_bot_comes_along(scene: Scene) -> None:
    async with connect(scene.world) as wire:
        await wire.identify(scene.world, UNPRIVILEGED)
        guild = await wire.event("GUILD_CREATE")
        assert [m["user"]["id"] for m in guild["members"]] == [str(scene.world.bot.id)]


async def test_heartbeats_are_acknowledged(scene: Scene) -> None:
    async with connect(scene.world) as wire:
        await wire.send(1, None)
        assert (await wire.receive())["op"] == 11


@pytest.mark.parametrize(
    ("identify", "code"),
    [
        ({"token": "wrong"}, 4004),
        ({"shard": [1, 1]}, 4010),
        ({"intents": 1 << 40}, 4013),
        ({"intents": "all"}, 4013),
        ({"intents": int(Intent.MESSAGE_CONTENT)}, 4014),
        ({"intents": int(Intent.GUILD_MEMBERS)}, 4014),
    ],
)
async def test_a_bad_identify_is_refused(identify: dict[str, Any], code: int) -> None:
    async with LocalDiscord(message_content_intent=False, members_intent=False) as world, connect(world) as wire:
        await wire.send(2, {"token": world.token, "intents": 1, "properties": {}} | identify)
        assert await wire.close_code() == code


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        (["{"], 4002),
        (["[]"], 4002),
        (['{"d": 1}'], 4002),
        (['{"op": 8, "d": {}}'], 4003),
        (['{"op": 2, "d": null}'], 4002),
        (['{"op": 6, "d": 5}'], 4002),
        (["x" * 5000], 4002),
        (['{"op": 1, "d": null}'] * 121, 4008),
    ],
)
async def test_clients_that_break_the_rules_are_closed(scene: Scene, frames: list[str], code: int) -> None:
    async with connect(scene.world) as wire:
        for frame in frames:
            await wire.socket.send_str(frame)
        while (message := await wire.socket.receive(timeout=15)).type is aiohttp.WSMsgType.TEXT:
            pass
        assert (message.type, wire.socket.close_code) == (aiohttp.WSMsgType.CLOSE, code)


async def test_identifying_twice_and_unknown_operations(scene: Scene) -> None:
    async with connect(scene.world) as wire:
        await wire.identify(scene.world)
        await wire.event("GUILD_CREATE")
        await wire.send(2, {"token": scene.world.token, "intents": 1})
        assert await wire.close_code() == 4005
    async with connect(scene.world) as wire:
        await wire.identify(scene.world)
        await wire.event("GUILD_CREATE")
        await wire.send(99, None)
        assert await wire.close_code() == 4001


async def test_identify_can_be_refused_on_demand(scene: Scene) -> None:
    scene.world.refuse_identify(4014)
    async with connect(scene.world) as wire:
        await wire.send(2, {"token": scene.world.token, "intents": 1})
        assert await wire.close_code() == 4014
    async with connect(scene.world) as wire:
        await wire.identify(scene.world)


async def test_a_resume_replays_what_was_missed(scene: Scene) -> None:
    async with connect(scene.world) as first:
        await first.identify(scene.world)
        await scene.person.say(scene.channel, "seen")
        await first.event("MESSAGE_CREATE")
        scene.world.drop_gateway()
        with pytest.raises((TypeError, ConnectionError, aiohttp.ClientError)):
            await first.receive()
    await scene.person.say(scene.channel, "missed one")
    await scene.person.say(scene.channel, "missed two")
    async with connect(scene.world, "/gateway/resume") as second:
        await second.resume(scene.world, first)
        texts = [(await second.event("MESSAGE_CREATE"))["content"] for _ in range(2)]
        assert texts == ["missed one", "missed two"]
        await second.event("RESUMED")
        await scene.person.say(scene.channel, "live again")
        assert (await second.event("MESSAGE_CREATE"))["content"] == "live again"
    assert (scene.world.gateway_identifies, scene.world.gateway_resumes) == (1, 1)


async def test_a_lost_session_cannot_be_resumed(scene: Scene) -> None:
    async with connect(scene.world) as first:
        await first.identify(scene.world)
        scene.world.drop_gateway(resumable=False, close_code=4000)
    async with connect(scene.world) as second:
        await second.resume(scene.world, first)
        refused = await second.receive()
        assert (refused["op"], refused["d"]) == (9, False)


async def test_a_sequence_from_the_future_is_no_resume(scene: Scene) -> None:
    async with connect(scene.world) as first:
        await first.identify(scene.world)
        first.sequence = 9999
        await first.socket.close(code=4000)
    async with connect(scene.world) as second:
        await second.resume(scene.world, first)
        assert (await second.receive())["op"] == 9


async def test_a_client_that_says_goodbye_ends_its_session(scene: Scene) -> None:
    async with connect(scene.world) as first:
        await first.identify(scene.world)
        await first.event("GUILD_CREATE")
        await first.socket.close(code=1000)
    async with connect(scene.world) as second:
        await second.resume(scene.world, first)
        assert (await second.receive())["op"] == 9


async def test_sessions_are_invalidated_and_asked_to_reconnect(scene: Scene) -> None:
    async with connect(scene.world) as wire:
        await wire.identify(scene.world)
        await wire.event("GUILD_CREATE")
        scene.world.ask_to_reconnect()
        assert (await wire.receive())["op"] == 7
        scene.world.invalidate_sessions(resumable=True)
        told = await wire.receive()
        assert (told["op"], told["d"]) == (9, True)
        scene.world.invalidate_sessions()
        told = await wire.receive()
        assert (told["op"], told["d"]) == (9, False)
        assert scene.world.sessions == []


async def test_guilds_are_spread_over_shards() -> None:
    async with LocalDiscord(shards=2) as world, aiohttp.ClientSession() as session:
        guilds = [world.add_guild(f"Guild {i}") for i in range(4)]
        answer = await session.get(f"{world.url}/api/v10/gateway/bot", headers={"Authorization": f"Bot {world.token}"})
        assert (await answer.json())["shards"] == 2
        seen: dict[int, set[str]] = {}
        for shard in (0, 1):
            async with connect(world) as wire:
                ready = await wire.identify(world, shard=[shard, 2])
                seen[shard] = {g["id"] for g in ready["guilds"]}
                assert seen[shard] == {str(g.id) for g in guilds if (g.id >> 22) % 2 == shard}
        assert len(seen[0]) == len(seen[1]) == 2


async def test_direct_messages_go_to_the_first_shard_only() -> None:
    async with LocalDiscord() as world, connect(world) as first, connect(world) as second:
        await first.identify(world, shard=[0, 2])
        await second.identify(world, shard=[1, 2])
        ada = world.person(world.add_user("ada"))
        await ada.say(await ada.open_dm(), "psst")
        assert (await first.event("MESSAGE_CREATE"))["content"] == "psst"
        with pytest.raises(asyncio.TimeoutError):
            await second.socket.receive(timeout=0.05)


async def test_members_come_in_chunks(scene: Scene) -> None:
    for i in range(1005):
        scene.guild.add_member(scene.world.add_user(f"member{i}"))
    async with connect(scene.world) as wire:
        await wire.identify(scene.world, ALL & ~Intent.GUILD_PRESENCES)
        await wire.send(8, {"guild_id": str(scene.guild.id), "query": "", "limit": 0, "nonce": "n"})
        chunks = [await wire.event("GUILD_MEMBERS_CHUNK") for _ in range(2)]
        assert [len(c["members"]) for c in chunks] == [1000, 8]
        assert [(c["chunk_index"], c["chunk_count"], c["nonce"]) for c in chunks] == [(0, 2, "n"), (1, 2, "n")]

        await wire.send(8, {"guild_id": str(scene.guild.id), "query": "MEMBER100", "limit": 5})
        found = await wire.event("GUILD_MEMBERS_CHUNK")
        assert [m["user"]["username"] for m in found["members"]] == [
            "member100", "member1000", "member1001", "member1002", "member1003"
        ]  # fmt: skip
        await wire.send(8, {"guild_id": str(scene.guild.id), "user_ids": [str(scene.ada.id), "5"], "limit": 0})
        found = await wire.event("GUILD_MEMBERS_CHUNK")
        assert ([m["user"]["username"] for m in found["members"]], found["not_found"]) == (["ada"], ["5"])


async def test_the_member_list_takes_the_intent(scene: Scene) -> None:
    async with connect(scene.world) as wire:
        await wire.identify(scene.world, UNPRIVILEGED)
        await wire.event("GUILD_CREATE")
        await wire.send(8, {"guild_id": str(scene.guild.id), "query": "", "limit": 0})
        with pytest.raises(asyncio.TimeoutError):
            await wire.socket.receive(timeout=0.05)


async def test_text_is_censored_without_the_content_intent(scene: Scene) -> None:
    async with connect(scene.world) as wire:
        await wire.identify(scene.world, UNPRIVILEGED)
        plain = await scene.person.say(scene.channel, "nobody's business", files=[("a.txt", b"a")])
        event = await wire.event("MESSAGE_CREATE")
        assert (event["content"], event["attachments"], event["embeds"]) == ("", [], [])
        await scene.person.edit(plain, "still nobody's")
        event = await wire.event("MESSAGE_UPDATE")
        assert event["content"] == ""
        assert event["edited_timestamp"]

        await scene.person.say(scene.channel, "you there", mentions_bot=True)
        assert "you there" in (await wire.event("MESSAGE_CREATE"))["content"]
        await scene.rest.post(f"{scene.path}/messages", {"content": "my own"})
        assert (await wire.event("MESSAGE_CREATE"))["content"] == "my own"
        own = scene.channel.messages[-1]
        await scene.person.say(scene.channel, "with ping", reply_to=own)
        assert (await wire.event("MESSAGE_CREATE"))["content"] == "with ping"
        await scene.person.say(scene.channel, "without ping", reply_to=own, ping=False)
        event = await wire.event("MESSAGE_CREATE")
        assert (event["content"], event["referenced_message"]["content"]) == ("", "my own")
        await scene.person.say(await scene.person.open_dm(), "in private")
        assert (await wire.event("MESSAGE_CREATE"))["content"] == "in private"


async def test_events_need_their_intent(scene: Scene) -> None:
    async with connect(scene.world) as wire:
        await wire.identify(scene.world, Intent.GUILDS | Intent.GUILD_MESSAGES)
        message = await scene.person.say(scene.channel, "x")
        await scene.person.react(message, "👍")
        await scene.person.type(scene.channel)
        await scene.person.say(await scene.person.open_dm(), "private")
        scene.guild.add_member(scene.world.add_user("grace"))
        await scene.person.delete(message)
        assert await wire.events_until("MESSAGE_DELETE") == ["GUILD_CREATE", "MESSAGE_CREATE", "MESSAGE_DELETE"]


async def test_everything_is_told_with_all_intents(scene: Scene) -> None:
    async with connect(scene.world) as wire:
        await wire.identify(scene.world)
        await wire.event("GUILD_CREATE")
        message = await scene.person.say(scene.channel, "x")
        await scene.person.react(message, "👍")
        await scene.person.unreact(message, "👍")
        await scene.person.type(scene.channel)
        grace = scene.guild.add_member(scene.world.add_user("grace"))
        role = scene.guild.add_role("mods")
        grace.add_role(role)
        grace.time_out(60)
        role.edit(name="moderators")
        role.delete()
        grace.leave()
        made = scene.guild.add_text_channel("new")
        made.edit(topic="t")
        made.delete()
        scene.guild.edit(name="Renamed")
        scene.guild.ban(scene.ada)
        scene.guild.unban(scene.ada)
        scene.guild.set_available(available=False)
        scene.guild.set_available(available=True)
        scene.guild.remove_bot()
        assert await wire.events_until("GUILD_UPDATE") == [
            "MESSAGE_CREATE", "MESSAGE_REACTION_ADD", "MESSAGE_REACTION_REMOVE", "TYPING_START", "GUILD_MEMBER_ADD",
            "GUILD_ROLE_CREATE", "GUILD_MEMBER_UPDATE", "GUILD_MEMBER_UPDATE", "GUILD_ROLE_UPDATE",
            "GUILD_ROLE_DELETE", "GUILD_MEMBER_REMOVE", "CHANNEL_CREATE", "CHANNEL_UPDATE", "CHANNEL_DELETE",
            "GUILD_UPDATE",
        ]  # fmt: skip
        rest = [(await wire.receive())["t"] for _ in range(6)]
        assert rest == [
            "GUILD_BAN_ADD", "GUILD_MEMBER_REMOVE", "GUILD_BAN_REMOVE", "GUILD_DELETE", "GUILD_CREATE", "GUILD_DELETE"
        ]  # fmt: skip


async def test_hidden_channels_stay_silent(scene: Scene) -> None:
    hidden = scene.guild.add_text_channel("hidden", overwrites={scene.guild.everyone: (0, Permission.VIEW_CHANNEL)})
    async with connect(scene.world) as wire:
        await wire.identify(scene.world)
        scene.world.add_message(hidden, scene.owner, "secret")
        scene.world.add_message(scene.channel, scene.owner, "open")
        assert (await wire.event("MESSAGE_CREATE"))["content"] == "open"
        thread = hidden.add_thread("plans", scene.owner)
        hidden.set_permissions(scene.guild.bot_role, allow=Permission.VIEW_CHANNEL)
        told = await wire.event("THREAD_LIST_SYNC")
        assert [t["id"] for t in told["threads"]] == [str(thread.id)]
        scene.world.add_message(hidden, scene.owner, "no longer")
        assert (await wire.event("MESSAGE_CREATE"))["content"] == "no longer"


async def test_two_processes_hear_the_same(scene: Scene) -> None:
    async with connect(scene.world) as one, connect(scene.world) as two:
        await one.identify(scene.world)
        await two.identify(scene.world)
        await scene.person.say(scene.channel, "both")
        first, second = await one.event("MESSAGE_CREATE"), await two.event("MESSAGE_CREATE")
        assert first["id"] == second["id"]


async def test_too_many_missed_events_end_the_session(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("playground.discord._sessions.KEPT_EVENTS", 3)
    async with connect(scene.world) as first:
        await first.identify(scene.world)
        await first.event("GUILD_CREATE")
        await first.socket.close(code=4000)
    for i in range(4):
        scene.world.add_message(scene.channel, scene.ada, str(i))
    async with connect(scene.world) as second:
        await second.resume(scene.world, first)
        assert (await second.receive())["op"] == 9


async def test_the_world_stops_under_open_connections(clock: Clock) -> None:
    world = LocalDiscord(clock=clock)
    await world.start()
    async with connect(world) as wire:
        await wire.identify(world)
        await asyncio.wait_for(world.stop(), 15)
        assert await wire.close_code() == 1001
