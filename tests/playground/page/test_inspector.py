"""What the inspector shows of the model API, the queue and the bot's writes."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import aiohttp

from playground.discord import LocalDiscord
from playground.infermatic import ApiRequest
from playground.page._asked_in import asked_in, what_was_said
from playground.world import API_KEY, Playground, build_demo_world

from .test_api import call, heard, listen
from .test_staff import HeldBot

MODEL = "Sao10K-L3.3-70B-Euryale-v2.3-FP8-Dynamic"


def prompt(words: str, **more: Any) -> dict[str, Any]:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": words}]
    return {"model": MODEL, "messages": messages, **more}


async def ask(playground: Playground, body: dict[str, Any]) -> int:
    headers = {"Authorization": f"Bearer {API_KEY}"}
    url = f"{playground.infermatic.url}/v1/chat/completions"
    async with aiohttp.ClientSession() as session, session.post(url, json=body, headers=headers) as response:
        await response.read()
        return response.status


async def write(playground: Playground, method: str, path: str, **body: Any) -> int:
    headers = {"Authorization": f"Bot {playground.discord.token}"}
    url = f"{playground.discord.url}/api/v10{path}"
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(method, url, json=body or None) as response,
    ):
        return response.status


async def test_requests_are_told_in_short_and_looked_at_part_by_part(
    playground: Playground, client: aiohttp.ClientSession
) -> None:
    demo, ada = playground.demo, playground.demo.ada
    await playground.discord.person(demo.mia).say(demo.roleplay, "who keeps the lamp?", mentions_bot=True)
    socket = await listen(client, ada)
    await ask(playground, prompt("Mia: who keeps the lamp?", stream=True, max_tokens=4, temperature=0.5))
    first, second = await heard(socket, "request"), await heard(socket, "request")
    assert (first["ended"], second["ended"], second["status"]) == ("", "complete", 200)
    assert second["channel_id"] == str(demo.roleplay.id)
    assert 0 < second["first_token_seconds"] < second["seconds"]
    assert "messages" not in second
    _, listed = await call(client, "GET", "/requests", ada)
    assert listed[-1] | {"at": ""} == second | {"at": ""}
    _, whole = await call(client, "GET", f"/requests/{second['number']}", ada)
    assert [(part["role"], part["content"]) for part in whole["messages"]] == [
        ("system", "Be brief."),
        ("user", "Mia: who keeps the lamp?"),
    ]
    assert whole["prompt_tokens"] == sum(part["tokens"] for part in whole["messages"]) > 0
    assert whole["parameters"] == {"stream": True, "max_tokens": 4, "temperature": 0.5}
    assert whole["answer_tokens"] > 0
    assert API_KEY not in str((listed, whole))
    assert (await call(client, "GET", "/requests/999", ada))[0] == 404
    await socket.close()


async def test_the_queue_says_what_runs_what_is_left_and_who_waits(
    playground: Playground, client: aiohttp.ClientSession
) -> None:
    demo, world = playground.demo, playground.discord
    playground.infermatic.first_token_seconds = 30
    asking = asyncio.create_task(ask(playground, prompt("anybody?")))
    waiting = await world.person(demo.tom).say(demo.general, "me too")
    reaction = f"/channels/{demo.general.id}/messages/{waiting.id}/reactions/%E2%8F%B3/@me"
    assert await write(playground, "PUT", reaction) == 204
    await world.wait_until(lambda: playground.infermatic.requests)
    _, now = await call(client, "GET", "/now", demo.ada)
    queue = now["queue"]
    assert [running["model"] for running in queue["running"]] == [MODEL]
    assert [queue[name] for name in ("in_flight", "parallel", "this_minute", "per_minute")] == [1, 2, 1, 60]
    assert [(one["author"], one["content"]) for one in queue["waiting"]] == [("Tom", "me too")]
    assert now["bot"] is None
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)


async def test_writes_are_told_with_what_is_left(playground: Playground, client: aiohttp.ClientSession) -> None:
    demo = playground.demo
    socket = await listen(client, demo.ada)
    path = f"/channels/{demo.general.id}/messages"
    assert await write(playground, "POST", path, content="hello there") == 200
    mine = demo.general.messages[-1]
    for _ in range(6):
        last = await write(playground, "PATCH", f"{path}/{mine.id}", content="hello")
    assert last == 429
    posted = await heard(socket, "write")
    assert (posted["what"], posted["characters"], posted["status"]) == ("post", 11, 200)
    assert (posted["channel_id"], posted["message_id"]) == (str(demo.general.id), str(mine.id))
    _, listed = await call(client, "GET", "/writes", demo.ada)
    assert [one["what"] for one in listed] == ["post"] + ["edit"] * 6
    assert listed[-1]["retry_after"] > 0
    _, now = await call(client, "GET", "/now", demo.ada)
    left = {one["what"]: (one["left"], one["of"]) for one in now["allowances"] if one["channel_id"]}
    assert left == {"post": (4, 5), "edit": (0, 5)}
    hook = demo.roleplay.add_webhook("Mira")
    hook_path = f"/webhooks/{hook.id}/{hook.token}"
    assert await write(playground, "POST", f"{hook_path}?wait=true", content="I keep it") == 200
    _, listed = await call(client, "GET", "/writes", demo.ada)
    assert (listed[-1]["what"], listed[-1]["channel_id"]) == ("post", str(demo.roleplay.id))
    thread = demo.roleplay.add_thread("a scene", demo.mia)
    assert await write(playground, "POST", f"{hook_path}?wait=true&thread_id={thread.id}", content="I keep it") == 200
    _, listed = await call(client, "GET", "/writes", demo.ada)
    assert listed[-1]["channel_id"] == str(thread.id)
    assert hook.token not in str(listed)
    await socket.close()


def test_where_a_request_came_from_is_found_by_its_words() -> None:
    world = LocalDiscord()
    demo = build_demo_world(world)
    channel = demo.roleplay
    world.add_message(demo.general, demo.tom, "the lamp is out")
    world.add_message(channel, demo.mia, f"{world.bot.mention} the lamp is out, <@{demo.tom.id}>")
    said = what_was_said(world)
    request = ApiRequest("POST", "/v1/chat/completions", prompt("Mia: the lamp is out, @Tom"), None, time.monotonic())
    assert asked_in(request, said) == str(channel.id)
    request.text = "The lamp was lit by the keeper, who sleeps."
    world.add_message(demo.general, world.bot, "The lamp was lit by somebody else.\n-# small print")
    assert asked_in(request, what_was_said(world)) == str(channel.id)
    world.add_message(demo.bot_lab, world.bot, "The lamp was lit by the keeper\n-# small print")
    assert asked_in(request, what_was_said(world)) == str(demo.bot_lab.id)
    demo.bot_lab.add_webhook("Proxy").say("the lamp is out", name="Mia's captain")
    plain = ApiRequest("POST", "/v1/chat/completions", request.body, None, time.monotonic())
    assert asked_in(plain, what_was_said(world)) == str(demo.bot_lab.id)
    early = ApiRequest("POST", "/v1/chat/completions", request.body, None, time.monotonic() - 60)
    assert asked_in(early, said) is None
    assert asked_in(ApiRequest("GET", "/v1/models", {}, None, time.monotonic()), said) is None


async def test_what_moderators_look_after_is_told_to_nobody_else(
    playground: Playground, client: aiohttp.ClientSession, tmp_path: Path
) -> None:
    demo, path = playground.demo, f"/guilds/{playground.demo.guild.id}/staff"
    playground.page.hold(HeldBot(tmp_path / "none.db"))
    for user, level in ((demo.ada, "admin"), (demo.max, "moderator"), (demo.tom, "member")):
        status, told = await call(client, "GET", path, user)
        assert (status, told["known"], told["level"]) == (200, False, level)
        assert [(one["name"], one["level"]) for one in told["staff"]] == [("Ada", "admin"), ("Max", "moderator")]
    assert (await call(client, "GET", path, demo.zoe))[0] == 404, "she is not in this server"
    assert not (tmp_path / "none.db").exists(), "looking makes no file"
