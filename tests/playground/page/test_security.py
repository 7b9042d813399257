"""Who is let in, and what the page is allowed to load."""

from __future__ import annotations

import logging

import aiohttp
import pytest

from playground.world import Playground


async def status(playground: Playground, path: str, **headers: str) -> int:
    async with (
        aiohttp.ClientSession() as session,
        session.get(playground.page.address + path, headers=headers, allow_redirects=False) as response,
    ):
        return response.status


async def test_nobody_comes_in_without_the_secret(playground: Playground) -> None:
    for path in ("/", "/?token=wrong", "/api/world", "/api/live", "/static/js/main.js", "/cdn/embed/avatars/0.png"):
        assert await status(playground, path) == 401
    assert await status(playground, f"/api/world?token={playground.page.token}") == 401


async def test_the_printed_address_is_traded_for_a_cookie(playground: Playground) -> None:
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        async with session.get(playground.page_url, allow_redirects=False) as response:
            assert (response.status, response.headers["Location"]) == (303, "/")
            cookie = response.headers["Set-Cookie"]
            assert "HttpOnly" in cookie
            assert "SameSite=Strict" in cookie
        async with session.get(playground.page.address + "/") as response:
            assert response.status == 200
            assert playground.page.token not in await response.text()


async def test_other_hosts_are_refused(playground: Playground) -> None:
    secret = {"X-Playground-Secret": playground.page.token}
    port = playground.page.address.rsplit(":", 1)[1]
    assert await status(playground, "/", **secret) == 200
    assert await status(playground, "/", **secret, Host=f"localhost:{port}") == 200
    for host in (f"evil.example:{port}", "127.0.0.1", "127.0.0.1:1"):
        assert await status(playground, "/", **secret, Host=host) == 403


async def test_other_origins_are_refused(playground: Playground) -> None:
    secret = {"X-Playground-Secret": playground.page.token}
    for origin in ("http://evil.example", "null", "https://127.0.0.1"):
        assert await status(playground, "/api/world", **secret, Origin=origin) == 403


@pytest.mark.parametrize("origin", [None, "http://evil.example"])
async def test_what_changes_something_must_come_from_the_page(playground: Playground, origin: str | None) -> None:
    headers = {"X-Playground-Secret": playground.page.token} | ({"Origin": origin} if origin else {})
    channel = playground.demo.general
    before = len(channel.messages)
    async with aiohttp.ClientSession(playground.page.address, headers=headers) as session:
        async with session.post(f"/api/channels/{channel.id}/messages", json={"content": "x"}) as response:
            assert response.status == 403
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect("/api/live")
    assert len(channel.messages) == before


async def test_a_page_of_another_port_cannot_read_along(playground: Playground) -> None:
    secret = {"X-Playground-Secret": playground.page.token}  # a browser sends the cookie to all ports of this machine
    for site in ("same-site", "cross-site"):
        assert await status(playground, "/api/world", **secret, **{"Sec-Fetch-Site": site}) == 403
        assert await status(playground, f"/?token={playground.page.token}", **{"Sec-Fetch-Site": site}) == 303
    for site in ("same-origin", "none"):
        assert await status(playground, "/api/world", **secret, **{"Sec-Fetch-Site": site}) == 200


async def test_a_socket_needs_host_origin_and_secret(playground: Playground) -> None:
    good = {"X-Playground-Secret": playground.page.token, "Origin": playground.page.address}
    async with aiohttp.ClientSession(playground.page.address) as session:
        for spoiled in ({"X-Playground-Secret": "x"}, {"Origin": "http://evil.example"}, {"Host": "evil.example"}):
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await session.ws_connect("/api/live", headers=good | spoiled)
        async with session.ws_connect("/api/live", headers=good) as socket:
            assert (await socket.receive_json())["kind"] == "hello"


async def test_the_secret_is_in_no_log(playground: Playground, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for path in ("/", "/api/world", "/nothing", "/api/channels/x/messages"):
        await status(playground, f"{path}?token={playground.page.token}")
        await status(playground, path, **{"X-Playground-Secret": playground.page.token})
    assert playground.page.token not in caplog.text


async def test_forms_of_other_sites_are_no_json(playground: Playground, client: aiohttp.ClientSession) -> None:
    path = f"/api/channels/{playground.demo.general.id}/messages"
    async with client.post(path, data='{"content": "x"}', headers={"Content-Type": "text/plain"}) as response:
        assert response.status == 415


async def test_every_answer_keeps_the_page_to_itself(playground: Playground, client: aiohttp.ClientSession) -> None:
    for path in ("/", "/api/world", "/static/js/main.js", "/nothing"):
        async with client.get(path) as response:
            assert "default-src 'none'" in response.headers["Content-Security-Policy"]
            assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_only_pictures_are_shown_and_other_files_are_saved(
    playground: Playground, client: aiohttp.ClientSession
) -> None:
    ada = playground.discord.person(playground.demo.ada)
    files = [("page.html", b"<script>alert(1)</script>"), ("dot.png", b"\x89PNG\r\n\x1a\n")]
    message = await ada.say(playground.demo.general, files=files)
    kinds = []
    for attachment in message.attachments:
        async with client.get(attachment.url.removeprefix(playground.discord.url)) as response:
            kinds.append((response.content_type, response.headers["Content-Disposition"]))
    assert kinds == [("application/octet-stream", "attachment"), ("image/png", "inline")]


async def test_files_outside_the_page_are_not_served(client: aiohttp.ClientSession) -> None:
    for path in ("/static/../__init__.py", "/static/%2e%2e/_server.py", "/cdn/../api/v10/users/@me"):
        async with client.get(path) as response:
            assert response.status == 404
