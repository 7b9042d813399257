"""What open pages are told: once, in order, also after a break, and without waiting for the slow."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from playground.discord import LocalDiscord, User
from playground.page._live import KEPT_EVENTS, MAX_WAITING, Listener
from playground.world import Playground


async def listen(
    client: aiohttp.ClientSession, who: User, since: str = ""
) -> tuple[aiohttp.ClientWebSocketResponse, dict[str, Any]]:
    socket = await client.ws_connect("/api/live", params={"as": str(who.id), "since": since})
    hello = await socket.receive_json()
    assert hello["kind"] == "hello"
    return socket, hello


async def said_until(socket: aiohttp.ClientWebSocketResponse, last: str) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    async with asyncio.timeout(15):
        while not events or events[-1]["data"].get("content") != last:
            events.append(await socket.receive_json())
    return [event for event in events if event["kind"] == "message"]


async def test_a_broken_connection_loses_and_doubles_nothing(
    playground: Playground, client: aiohttp.ClientSession
) -> None:
    demo, mia = playground.demo, playground.discord.person(playground.demo.mia)
    socket, hello = await listen(client, demo.tom)
    assert not hello["data"]["caught_up"]
    await mia.say(demo.general, "one")
    heard = await said_until(socket, "one")
    await socket.close()
    await mia.say(demo.general, "two")
    await mia.edit(demo.general.messages[-1], "two!")
    await mia.say(demo.roleplay, "three")
    socket, hello = await listen(client, demo.tom, f"{hello['data']['epoch']}-{heard[-1]['id']}")
    assert hello["data"]["caught_up"]
    await mia.say(demo.general, "four")
    heard += await said_until(socket, "four")
    numbers = [event["id"] for event in heard]
    assert numbers == sorted(set(numbers))
    words = [event["data"]["content"] for event in heard]
    assert list(dict.fromkeys(words)) == ["one", "two!", "three", "four"]
    await socket.close()


async def test_who_was_away_too_long_or_in_another_run_starts_anew(
    playground: Playground, client: aiohttp.ClientSession
) -> None:
    demo = playground.demo
    socket, hello = await listen(client, demo.tom)
    await socket.close()
    at = f"{hello['data']['epoch']}-{hello['id']}"
    for _ in range(KEPT_EVENTS + 1):
        await playground.discord.person(demo.mia).type(demo.general)
    for since in (at, f"0000-{hello['id']}", f"{hello['data']['epoch']}-999999", "x-y", "-"):
        socket, again = await listen(client, demo.tom, since)
        assert not again["data"]["caught_up"]
        await socket.close()


async def test_somebody_else_hears_nothing_of_what_is_private(
    playground: Playground, client: aiohttp.ClientSession
) -> None:
    demo, world = playground.demo, playground.discord
    socket, hello = await listen(client, demo.zoe)
    await world.person(demo.mia).say(demo.general, "on the first server")
    world.add_message(demo.reading_room, demo.ada, "on the second")
    heard = await said_until(socket, "on the second")
    await socket.close()
    socket, _ = await listen(client, demo.zoe, f"{hello['data']['epoch']}-{hello['id']}")
    heard += await said_until(socket, "on the second")
    assert [event["data"]["content"] for event in heard] == ["on the second"] * 2
    await socket.close()


async def test_a_page_that_does_not_read_is_disconnected_and_holds_nobody(
    playground: Playground, client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("playground.page._live.MAX_WAITING", 40)
    demo, world, audience = playground.demo, playground.discord, playground.page._audience
    slow, _ = await listen(client, demo.tom)
    quick, _ = await listen(client, demo.max)
    numbers: list[str] = []
    for chunk in range(200):
        for number in range(25):
            world.add_message(demo.general, demo.mia, f"{chunk}-{number}".ljust(2000, "."))
        numbers += [event["data"]["id"] for event in await said_until(quick, f"{chunk}-24".ljust(2000, "."))]
        if len(audience._listeners) == 1:
            break
    assert len(audience._listeners) == 1, "the slow page still holds its place"
    assert numbers == [str(message.id) for message in demo.general.messages[-len(numbers) :]]
    await slow.close()
    await quick.close()


class Transport:
    """Stands in for a connection that nobody reads from."""

    aborted = False

    def abort(self) -> None:
        self.aborted = True


async def test_a_full_queue_ends_the_connection() -> None:
    transport = Transport()
    person = LocalDiscord().person  # any person will do; the events are not looked at
    listener = Listener(person, None, transport)  # type: ignore[arg-type]  # neither is used before the queue is full
    for number in range(MAX_WAITING):
        listener.put("message", number, {})
    assert not transport.aborted
    listener.put("message", MAX_WAITING, {})
    assert transport.aborted
