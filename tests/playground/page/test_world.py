"""The demo world as a whole, and the command that starts it."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import aiohttp
import pytest

from playground.discord import Permission
from playground.world import Playground, start_playground

ROOT = Path(__file__).resolve().parents[3]


async def test_a_bot_finds_everything_in_its_environment(playground: Playground) -> None:
    environment = playground.environment()
    headers = {"Authorization": f"Bearer {environment['INFERMATIC_API_KEY']}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        async with session.get(environment["INFERMATIC_BASE_URL"] + "/v1/models") as response:
            models = [model["id"] for model in (await response.json())["data"]]
        url = f"{playground.discord.url}/api/v10/users/@me"
        bot = {"Authorization": f"Bot {environment['DISCORD_TOKEN']}"}
        async with session.get(url, headers=bot) as response:
            assert (await response.json())["id"] == str(playground.discord.bot.id)
    assert environment["DEFAULT_MODEL"] in models
    assert environment["OWNER_IDS"] == str(playground.demo.ada.id)


async def test_the_people_have_their_standing(playground: Playground) -> None:
    demo = playground.demo
    assert demo.guild.owner_id == demo.ada.id
    max_may = [role.permissions & Permission.MANAGE_MESSAGES for role in demo.guild.members[demo.max.id].roles]
    assert any(max_may)
    for member in (demo.mia, demo.tom):
        assert not any(role.permissions & Permission.MANAGE_MESSAGES for role in demo.guild.members[member.id].roles)


async def test_a_port_in_use_leaves_nothing_running(playground: Playground) -> None:
    port = int(playground.page.address.rsplit(":", 1)[1])
    with pytest.raises(OSError, match="address already in use"):
        await start_playground(page_port=port)


async def test_the_module_prints_its_address_and_stops_when_asked() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "playground", cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        lines = [(await asyncio.wait_for(process.stdout.readline(), 10)).decode() for _ in range(4)]
        address = lines[0].removeprefix("Page:").strip()
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session,
            session.get(address) as response,
        ):
            assert "<title>Playground</title>" in await response.text()
    finally:
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), 10) == 0
        await process.stdout.read()
