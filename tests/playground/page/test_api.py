"""The JSON API and the live events, without a browser."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import aiohttp
import pytest

from playground.discord import Message, User
from playground.page._values import upload
from playground.world import Playground


async def call(client: aiohttp.ClientSession, method: str, path: str, who: User, **body: Any) -> tuple[int, Any]:
    async with client.request(method, f"/api{path}", params={"as": str(who.id)}, json=body or None) as response:
        return response.status, None if response.status == 204 else await response.json()


async def listen(client: aiohttp.ClientSession, who: User) -> aiohttp.ClientWebSocketResponse:
    socket = await client.ws_connect("/api/live", params={"as": str(who.id)})
    assert (await socket.receive_json())["kind"] == "hello"
    return socket


async def heard(socket: aiohttp.ClientWebSocketResponse, kind: str) -> dict[str, Any]:
    async with asyncio.timeout(15):
        while True:
            event = await socket.receive_json()
            if event["kind"] == kind:
                data: dict[str, Any] = event["data"]
                return data


async def test_the_world_is_told_as_the_person_sees_it(playground: Playground, client: aiohttp.ClientSession) -> None:
    demo = playground.demo
    demo.guild.add_text_channel("staff-only", overwrites={demo.guild.everyone: (0, 1 << 10)})
    _, of_ada = await call(client, "GET", "/world", demo.ada)
    _, of_tom = await call(client, "GET", "/world", demo.tom)
    assert [person["display_name"] for person in of_ada["people"]] == ["Ada", "Max", "Mia", "Tom", "Zoe"]
    standings = [person["standing"] for person in of_ada["people"]]
    assert standings == ["owner", "Moderator", "Roleplayer", "member", "member"]
    names = [[channel["name"] for channel in view["guilds"][0]["channels"]] for view in (of_ada, of_tom)]
    assert set(names[0]) - set(names[1]) == {"staff-only", "mod-desk"}
    assert [channel["name"] for channel in of_tom["dms"]] == ["Infermatic"]


async def test_somebody_unknown_is_the_first_person(playground: Playground, client: aiohttp.ClientSession) -> None:
    async with client.get("/api/world?person=12") as response:
        assert (await response.json())["me"]["display_name"] == "Ada"


async def test_what_is_said_is_there_and_told_to_others(playground: Playground, client: aiohttp.ClientSession) -> None:
    demo = playground.demo
    socket = await listen(client, demo.tom)
    status, said = await call(
        client, "POST", f"/channels/{demo.general.id}/messages", demo.mia, content=f"**Hi** {demo.tom.mention}"
    )
    assert status == 200
    told = await heard(socket, "message")
    assert told["html"].startswith("<p><strong>Hi</strong> <span")
    assert (told["id"], told["mentions_me"], told["can_edit"]) == (said["id"], True, False)
    _, page = await call(client, "GET", f"/channels/{demo.general.id}/messages", demo.tom)
    assert page["messages"][-1]["id"] == said["id"]
    await socket.close()


async def test_messages_are_edited_deleted_and_reacted_to(
    playground: Playground, client: aiohttp.ClientSession
) -> None:
    demo = playground.demo
    message = await playground.discord.person(demo.mia).say(demo.general, "first")
    path = f"/messages/{message.id}"
    socket = await listen(client, demo.max)
    assert (await call(client, "PATCH", path, demo.mia, content="second"))[0] == 204
    assert (await heard(socket, "message"))["edited"]
    assert (await call(client, "PATCH", path, demo.tom, content="third"))[1] == {
        "error": "Only the author can edit a message"
    }
    await call(client, "PUT", f"{path}/reactions", demo.max, emoji="👍")
    told = (await heard(socket, "message"))["reactions"]
    assert [(reaction["emoji"], reaction["count"], reaction["me"]) for reaction in told] == [("👍", 1, True)]
    await call(client, "DELETE", f"{path}/reactions", demo.max, emoji="👍")
    assert (await heard(socket, "message"))["reactions"] == []
    assert (await call(client, "DELETE", path, demo.tom))[0] == 400
    assert (await call(client, "DELETE", path, demo.max))[0] == 204
    assert (await heard(socket, "message_gone"))["id"] == str(message.id)
    assert (await call(client, "DELETE", path, demo.max))[0] == 404
    await socket.close()


async def test_replies_show_what_they_answer(playground: Playground, client: aiohttp.ClientSession) -> None:
    demo = playground.demo
    first = await playground.discord.person(demo.mia).say(demo.general, "word " * 60)
    body = {"content": "yes", "reply_to": str(first.id), "ping": False}
    _, reply = await call(client, "POST", f"/channels/{demo.general.id}/messages", demo.tom, **body)
    assert reply["reply_to"]["author"]["name"] == "Mia"
    assert reply["reply_to"]["html"].endswith(" …")
    assert demo.mia not in (demo.general.last_message or first).mentions
    await playground.discord.person(demo.mia).delete(first)
    _, page = await call(client, "GET", f"/channels/{demo.general.id}/messages", demo.tom)
    assert page["messages"][-1]["reply_to"]["author"] is None


async def test_older_messages_come_page_by_page(playground: Playground, client: aiohttp.ClientSession) -> None:
    demo = playground.demo
    made: list[Message] = [playground.discord.add_message(demo.after_dark, demo.mia, str(n)) for n in range(60)]
    path = f"/channels/{demo.after_dark.id}/messages"
    _, newest = await call(client, "GET", path, demo.tom)
    assert (len(newest["messages"]), newest["has_earlier"]) == (50, True)
    async with client.get(f"/api{path}?before={newest['messages'][0]['id']}&as={demo.tom.id}") as response:
        older = await response.json()
    assert [m["content"] for m in older["messages"]] == [m.content for m in made[:10]]
    assert not older["has_earlier"]


async def test_typing_is_seen_by_others(playground: Playground, client: aiohttp.ClientSession) -> None:
    demo = playground.demo
    socket = await listen(client, demo.tom)
    assert (await call(client, "POST", f"/channels/{demo.general.id}/typing", demo.mia))[0] == 204
    assert (await heard(socket, "typing"))["user"]["display_name"] == "Mia"
    await socket.close()


async def test_files_arrive(playground: Playground, client: aiohttp.ClientSession) -> None:
    demo = playground.demo
    files = [{"filename": "a.txt", "data": base64.b64encode(b"hello").decode()}]
    _, said = await call(client, "POST", f"/channels/{demo.general.id}/messages", demo.mia, files=files)
    assert [(file["name"], file["size"]) for file in said["attachments"]] == [("a.txt", 5)]
    assert (demo.general.messages[-1].attachments[0]).data == b"hello"


@pytest.mark.parametrize("value", [None, {}, {"filename": "x", "data": "%"}, {"filename": "x", "data": 5}])
def test_a_broken_file_is_refused_in_words(value: object) -> None:
    with pytest.raises(Exception, match="did not arrive whole"):
        upload(value)


async def test_bad_requests_are_answered_in_words(playground: Playground, client: aiohttp.ClientSession) -> None:
    demo = playground.demo
    assert (await call(client, "GET", "/channels/1/messages", demo.tom))[1] == {"error": "That is no longer there"}
    assert (await call(client, "POST", f"/channels/{demo.general.id}/messages", demo.tom, content=" "))[1] == {
        "error": "An empty message cannot be sent"
    }
    status, body = await call(
        client, "POST", f"/channels/{demo.general.id}/commands", demo.tom, name="nothing", options={}
    )
    assert (status, body) == (400, {"error": "The bot has no command nothing"})


async def test_stopping_sends_the_pages_away(playground: Playground, client: aiohttp.ClientSession) -> None:
    socket = await listen(client, playground.demo.ada)
    await playground.page.stop()
    assert (await socket.receive()).type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED}
    await socket.close()


async def test_a_servers_emoji_is_its_picture_or_a_drawn_face(
    playground: Playground, client: aiohttp.ClientSession
) -> None:
    real = playground.demo.guild.add_emoji("lantern", b"\x89PNG")
    drawn = playground.demo.guild.add_emoji("moth")
    for number, kind, begins in (
        (real.id, "image/png", b"\x89PNG"),
        (drawn.id, "image/svg+xml", b"<svg"),
        (7, "image/svg+xml", b"<svg"),
    ):
        async with client.get(f"/emoji/{number}") as response:
            assert response.content_type == kind
            assert (await response.read()).startswith(begins)
