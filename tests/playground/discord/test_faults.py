"""Injected faults, and how discord.py meets them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
import discord
import pytest

from playground.discord import LocalDiscord, RestRequest
from tests.playground.discord.bots import make_bot, running

if TYPE_CHECKING:
    from tests.playground.discord.conftest import Scene


async def test_a_status_strikes_as_often_as_told(scene: Scene) -> None:
    fault = scene.world.faults.add("POST", r"/messages$", status=503, json={"message": "down"}, times=2)
    path = f"{scene.path}/messages"
    answers = [await scene.rest.post(path, {"content": str(i)}) for i in range(3)]
    assert [a.status for a in answers] == [503, 503, 200]
    assert answers[0].body == {"message": "down"}
    assert fault.hits == 2
    assert [m.content for m in scene.channel.messages] == ["2"]
    assert [r.status for r in scene.world.requests_for("POST", "/messages")] == [503, 503, 200]


async def test_a_fault_after_the_action(scene: Scene) -> None:
    scene.world.faults.add("POST", status=500, after=True)
    assert (await scene.rest.post(f"{scene.path}/messages", {"content": "posted"})).status == 500
    assert [m.content for m in scene.channel.messages] == ["posted"]


@pytest.mark.parametrize("after", [False, True])
async def test_a_cut_connection(scene: Scene, after: bool) -> None:
    scene.world.faults.add("POST", cut=True, after=after)
    with pytest.raises(aiohttp.ClientError):
        await scene.rest.post(f"{scene.path}/messages", {"content": "x"})
    assert len(scene.channel.messages) == after
    assert scene.world.requests[-1].status is None


async def test_codes_know_their_status_and_words(scene: Scene) -> None:
    scene.world.faults.add(path_regex="/messages", code=200000)
    answer = await scene.rest.post(f"{scene.path}/messages", {"content": "x"})
    assert (answer.status, answer.body) == (
        400,
        {"message": "Message was blocked by automatic moderation", "code": 200000},
    )


async def test_a_delay_only_delays(scene: Scene) -> None:
    scene.world.faults.add("POST", delay=0.03)
    assert (await scene.rest.post(f"{scene.path}/messages", {"content": "x"})).status == 200
    request = scene.world.requests[-1]
    assert request.finished_at is not None
    assert request.finished_at - request.at >= 0.03


async def test_a_429_looks_like_discords(scene: Scene) -> None:
    scene.world.faults.add("POST", status=429, headers={"Retry-After": "0.5"})
    scene.world.faults.add("POST", status=429, headers={"Via": ""}, json={"message": "banned"})
    usual = await scene.rest.post(f"{scene.path}/messages", {"content": "x"})
    assert (usual.body["retry_after"], usual.body["global"]) == (0.5, False)
    assert usual.headers["Via"]
    assert not (await scene.rest.post(f"{scene.path}/messages", {"content": "x"})).headers["Via"]


async def test_a_condition_chooses(scene: Scene) -> None:
    def second_text(request: RestRequest) -> bool:
        return bool(request.body["content"] == "two")

    fault = scene.world.faults.add("POST", when=second_text, status=500, times=None)
    path = f"{scene.path}/messages"
    assert [(await scene.rest.post(path, {"content": c})).status for c in ("one", "two", "two")] == [200, 500, 500]
    assert [r.body["content"] for r in fault.requests] == ["two", "two"]
    scene.world.faults.remove(fault)
    assert (await scene.rest.post(path, {"content": "two"})).status == 200


async def test_files_fail_too(scene: Scene) -> None:
    message = await scene.person.say(scene.channel, files=[("a.txt", b"abc")])
    scene.world.faults.add("GET", "^/cdn/", status=503)
    async with scene.rest.session.get(message.attachments[0].url) as response:
        assert response.status == 503
    async with scene.rest.session.get(message.attachments[0].url) as response:
        assert await response.read() == b"abc"


async def test_delays_do_not_outlive_the_world() -> None:
    async with aiohttp.ClientSession() as session:
        world = LocalDiscord()
        await world.start()
        world.faults.add(delay=60)
        waiting = asyncio.create_task(session.get(world.url + "/api/v10/gateway").__aenter__())
        await world.wait_until(lambda: world.requests)
        await asyncio.wait_for(world.stop(), 15)
        with pytest.raises(aiohttp.ClientError):
            await waiting


async def test_discord_py_meets_faults() -> None:
    async with LocalDiscord() as world:
        channel = world.add_guild("Lab").add_text_channel("general")
        bot = make_bot()
        async with running(world, bot):
            place = bot.get_partial_messageable(channel.id)
            world.faults.add("POST", "/messages", code=50013)
            with pytest.raises(discord.Forbidden):
                await place.send("x")
            world.faults.add("POST", "/messages", code=10003)
            with pytest.raises(discord.NotFound):
                await place.send("x")
            world.faults.add("POST", "/messages", status=503)
            with pytest.raises(discord.DiscordServerError):
                await place.send("x")
            world.faults.add("POST", "/messages", status=429, headers={"Retry-After": "0.01"})
            await place.send("after a wait")
            world.faults.add("POST", "/messages", cut=True)
            with pytest.raises(aiohttp.ClientError):
                await place.send("x")
            world.faults.add("POST", "/messages", status=429, headers={"Via": ""}, json="banned")
            with pytest.raises(discord.HTTPException):
                await place.send("x")
        assert [m.content for m in channel.messages] == ["after a wait"]


async def test_a_nonce_makes_one_message_of_a_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    """discord.py repeats a send after a 500: the nonce it carries keeps the message single."""
    real_sleep = asyncio.sleep

    async def short_sleep(seconds: float) -> None:
        await real_sleep(min(seconds, 0.001))

    async with LocalDiscord() as world:
        channel = world.add_guild("Lab").add_text_channel("general")
        bot = make_bot()
        async with running(world, bot):
            monkeypatch.setattr(asyncio, "sleep", short_sleep)
            world.faults.add("POST", "/messages", status=500, after=True, times=2)
            sent = await bot.get_partial_messageable(channel.id).send("once")
        assert [m.id for m in channel.messages] == [sent.id]
        assert len(world.requests_for("POST", "/messages")) == 3
