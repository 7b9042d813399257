"""What the drawer changes, and that all of it can be taken back."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from playground.discord import Permission
from playground.page._bot_process import read_figures
from playground.page._trouble import API_CHOICES, DISCORD_CHOICES
from playground.world import API_KEY, Playground

from .test_api import call, heard, listen

USUAL_KEY = {"requests_per_minute": 60, "parallel_requests": 2, "changed": False}


async def test_people_roles_places_and_servers_are_added(playground: Playground, client: aiohttp.ClientSession) -> None:
    demo = playground.demo
    guild_id = str(demo.guild.id)

    async def add(what: str, **body: object) -> int:
        status, made = await call(client, "POST", f"/controls/{what}", demo.ada, **body)
        assert status == 200, made
        return int(made["id"])

    role_id = await add("roles", guild_id=guild_id, name="Scribe", permissions=["MANAGE_MESSAGES"], color="#12ab34")
    role = demo.guild.roles[role_id]
    assert (role.permissions, role.color) == (Permission.MANAGE_MESSAGES, 0x12AB34)
    eve_id = await add("people", guild_id=guild_id, name="Eve", role_ids=[str(role_id)])
    eve = playground.discord.person(demo.guild.members[eve_id])
    channel = playground.discord.channel(
        await add("channels", guild_id=guild_id, name="After Dark", age_restricted=True)
    )
    assert (channel.name, channel.nsfw, eve.sees(channel)) == ("after-dark", True, True)
    forum = playground.discord.channel(await add("channels", guild_id=guild_id, name="plays", kind="forum"))
    assert forum.is_forum
    thread = playground.discord.channel(await add("threads", channel_id=str(channel.id), name="Act One"))
    assert (thread.parent, thread.is_thread) == (channel, True)
    await add("invitations", guild_id=str(demo.library.id), user_id=str(demo.tom.id))
    assert demo.tom.id in demo.library.members
    guild_added = await add("guilds", name="Third")
    guild = next(guild for guild in playground.discord.guilds if guild.id == guild_added)
    assert guild.has_bot
    assert guild.owner_id == demo.ada.id
    status, _ = await call(
        client, "PUT", "/controls/members", demo.ada, guild_id=guild_id, user_id=str(eve.user.id), role_ids=[]
    )
    assert status == 200
    assert demo.guild.members[eve.user.id].roles == []
    _, world = await call(client, "GET", "/world", eve.user)
    assert world["me"]["display_name"] == "Eve"


@pytest.mark.parametrize(
    ("what", "body", "words"),
    [
        ("people", {"name": "Mia"}, "Mia is here already"),
        ("people", {"name": " "}, "It needs a name"),
        ("roles", {"name": "x" * 33}, "A name has at most 32 characters"),
        ("roles", {"name": "x", "permissions": ["FLY"]}, "There is no permission FLY"),
        ("roles", {"name": "x", "color": "red"}, "The colour is written like #d79a5d"),
        ("faults", {"choice": "nothing"}, "That cannot go wrong here"),
        ("faults", {"choice": "cut", "times": "many"}, "How often: from 1 to 1000"),
        ("bot", {"now": 1}, "The bot was started by somebody else, who can restart it"),
    ],
)
async def test_what_cannot_be_is_refused_in_words(
    playground: Playground, client: aiohttp.ClientSession, what: str, body: dict[str, object], words: str
) -> None:
    given = {"guild_id": str(playground.demo.guild.id), **body}
    assert await call(client, "POST", f"/controls/{what}", playground.demo.ada, **given) == (400, {"error": words})


async def test_every_fault_strikes_is_seen_and_can_be_taken_back(
    playground: Playground, client: aiohttp.ClientSession
) -> None:
    ada = playground.demo.ada
    for choice in (*API_CHOICES, *DISCORD_CHOICES):
        _, view = await call(client, "POST", "/controls/faults", ada, choice=choice.id, times=2)
        assert (view["faults"][-1]["id"], view["faults"][-1]["left"], view["faults"][-1]["struck"]) == (choice.id, 2, 0)
        assert choice.outcome.endswith(".")
    first = view["faults"][0]
    _, view = await call(client, "DELETE", f"/controls/faults/{first['number']}", ada)
    assert first["number"] not in [fault["number"] for fault in view["faults"]]
    _, view = await call(client, "DELETE", "/controls", ada)
    assert view["faults"] == []
    assert playground.infermatic.faults.waiting == []
    assert playground.discord.faults.all == []
    await call(client, "POST", "/controls/faults", ada, choice="overloaded", times=1)
    assert await ask(playground) == 503
    assert await ask(playground) == 200
    _, view = await call(client, "GET", "/controls", ada)
    assert view["faults"] == []


async def ask(playground: Playground) -> int:
    body = {"model": "Midnight-Miqu-70B-v1.5", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 1}
    headers = {"Authorization": f"Bearer {API_KEY}"}
    url = f"{playground.infermatic.url}/v1/chat/completions"
    async with aiohttp.ClientSession() as session, session.post(url, json=body, headers=headers) as response:
        return response.status


async def test_speed_and_limits_are_set_told_and_taken_back(
    playground: Playground, client: aiohttp.ClientSession
) -> None:
    ada, api = playground.demo.ada, playground.infermatic
    socket = await listen(client, playground.demo.tom)
    _, view = await call(client, "PUT", "/controls/speed", ada, first_token_seconds=2, tokens_per_second=5)
    assert view["speed"] == {"first_token_seconds": 2.0, "tokens_per_second": 5.0, "changed": True}
    assert await heard(socket, "controls") == {}
    assert (api.first_token_seconds, api.tokens_per_second) == (2.0, 5.0)
    _, view = await call(client, "PUT", "/controls/key", ada, requests_per_minute=1, parallel_requests=1)
    assert view["key"]["changed"]
    _, view = await call(client, "DELETE", "/controls/speed", ada)
    assert await ask(playground) == 200
    assert await ask(playground) == 429
    _, view = await call(client, "DELETE", "/controls/key", ada)
    assert (view["key"], view["speed"]["changed"]) == (USUAL_KEY, False)
    for path, body in (("speed", {"first_token_seconds": -1}), ("key", {"requests_per_minute": 0})):
        assert (await call(client, "PUT", f"/controls/{path}", ada, **body))[0] == 400
    await socket.close()


async def test_the_bot_is_restarted_by_whoever_holds_it(playground: Playground, client: aiohttp.ClientSession) -> None:
    class Bot:
        metrics_address = None
        database = None
        may_go_on = asyncio.Event()
        restarts = 0

        async def restart(self) -> None:
            await self.may_go_on.wait()
            self.restarts += 1

    ada, bot = playground.demo.ada, Bot()
    assert (await call(client, "GET", "/controls", ada))[1]["bot"] == "none"
    playground.page.hold(bot)
    socket = await listen(client, ada)
    for _ in range(2):
        assert (await call(client, "POST", "/controls/bot", ada, now=True))[1]["bot"] == "restarting"
    bot.may_go_on.set()
    for _ in range(3):
        await heard(socket, "controls")
    assert (await call(client, "GET", "/controls", ada))[1]["bot"] == "running"
    assert bot.restarts == 1
    await socket.close()


def test_the_bots_figures_are_read() -> None:
    text = 'bot_waiting 3.0\nbot_replies_total{state="complete"} 12.0\nbot_replies_total{state="failed"} 1.0\n'
    assert read_figures("# TYPE bot_waiting gauge\n" + text) == {
        "waiting": 3,
        "replies": {"complete": 12, "failed": 1},
    }
