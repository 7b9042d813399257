"""Rate limits: sliding windows, headers and the global limit, without waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.discord import Limit, LocalDiscord, RateLimits
from tests.playground.discord.bots import make_bot, running
from tests.playground.discord.conftest import Clock

if TYPE_CHECKING:
    from tests.playground.discord.conftest import Scene


async def test_five_in_five_seconds_then_a_429(timed: Scene, clock: Clock) -> None:
    path = f"{timed.path}/messages"
    for i in range(5):
        answer = await timed.rest.post(path, {"content": str(i)})
        assert answer.headers["X-RateLimit-Limit"] == "5"
        assert answer.headers["X-RateLimit-Remaining"] == str(4 - i)
        assert float(answer.headers["X-RateLimit-Reset-After"]) == 5 - i
        assert float(answer.headers["X-RateLimit-Reset"]) == pytest.approx(clock.wall() + 5 - i)
        clock.advance(1)
    clock.advance(-1)
    refused = await timed.rest.post(path, {"content": "too much"})
    assert refused.status == 429
    assert refused.body == {"message": "You are being rate limited.", "retry_after": 1.0, "global": False}
    assert (refused.headers["Retry-After"], refused.headers["X-RateLimit-Scope"]) == ("1", "user")
    assert refused.headers["Via"]
    assert len(timed.channel.messages) == 5


async def test_the_window_slides(timed: Scene, clock: Clock) -> None:
    path = f"{timed.path}/messages"
    await timed.rest.post(path, {"content": "first"})
    clock.advance(4)
    for _ in range(4):
        await timed.rest.post(path, {"content": "later"})
    clock.advance(1)  # only the first has left
    answer = await timed.rest.post(path, {"content": "one more"})
    assert (answer.status, answer.headers["X-RateLimit-Remaining"]) == (200, "0")
    assert (await timed.rest.post(path, {"content": "no more"})).status == 429


async def test_channels_routes_and_methods_have_windows_of_their_own(timed: Scene) -> None:
    other = timed.guild.add_text_channel("other")
    path = f"{timed.path}/messages"
    made = [await timed.rest.post(path, {"content": "x"}) for _ in range(5)]
    assert (await timed.rest.post(f"/channels/{other.id}/messages", {"content": "x"})).status == 200
    assert (await timed.rest("PATCH", f"{path}/{made[0].body['id']}", {"content": "y"})).status == 200
    assert (await timed.rest.post(f"{timed.path}/typing")).status == 204
    same = {a.headers["X-RateLimit-Bucket"] for a in made}
    assert len(same) == 1


async def test_limits_are_changed_and_switched_off(timed: Scene) -> None:
    limits = timed.world.rate_limits
    path = f"{timed.path}/messages"
    limits.per_route["POST /channels/{channel_id}/messages"] = Limit(1, 60)
    assert (await timed.rest.post(path, {"content": "x"})).status == 200
    assert (await timed.rest.post(path, {"content": "x"})).status == 429
    limits.enabled = False
    answer = await timed.rest.post(path, {"content": "x"})
    assert answer.status == 200
    assert "X-RateLimit-Limit" not in answer.headers
    limits.enabled = True
    limits.reset()
    assert (await timed.rest.post(path, {"content": "x"})).status == 200


async def test_limits_are_replaced(scene: Scene) -> None:
    scene.world.rate_limits = RateLimits(per_route={"POST /channels/{channel_id}/typing": Limit(1, 60)})
    assert (await scene.rest.post(f"{scene.path}/typing")).status == 204
    assert (await scene.rest.post(f"{scene.path}/typing")).status == 429


async def test_fifty_a_second_for_the_whole_bot_but_not_for_interactions(timed: Scene, clock: Clock) -> None:
    channels = [timed.guild.add_text_channel(f"channel{i}") for i in range(11)]
    for i in range(50):
        assert (await timed.rest.post(f"/channels/{channels[i // 5].id}/typing")).status == 204
    refused = await timed.rest.post(f"/channels/{channels[10].id}/typing")
    assert (refused.status, refused.body["global"]) == (429, True)
    assert (refused.headers["X-RateLimit-Global"], refused.headers["X-RateLimit-Scope"]) == ("true", "global")
    clock.advance(1)
    command = [{"name": "ask", "description": "Ask"}]
    await timed.rest("PUT", f"/applications/{timed.world.application.id}/commands", command)
    interaction = await timed.person.slash(timed.channel, "ask")
    for i in range(49):
        await timed.rest.post(f"/channels/{channels[i // 5].id}/messages", {"content": "x"})
    assert (await timed.rest.post(f"/channels/{channels[10].id}/typing")).status == 429
    path = f"/interactions/{interaction.id}/{interaction.token}/callback"
    assert (await timed.rest("POST", path, {"type": 4, "data": {"content": "yes"}})).status == 204
    hook = f"/webhooks/{timed.world.application.id}/{interaction.token}"
    assert (await timed.rest("POST", hook, {"content": "more"}, token=None)).status == 200


@given(st.lists(st.floats(min_value=0, max_value=3), max_size=60), st.integers(1, 6), st.integers(1, 10))
def test_no_window_ever_holds_more_than_its_limit(pauses: list[float], most: int, seconds: int) -> None:
    clock = Clock()
    limits = RateLimits(default=Limit(most, seconds), clock=clock)
    passed: list[float] = []
    for pause in pauses:
        clock.advance(pause)
        verdict = limits.check("POST", "/x/{channel_id}", {"channel_id": "1"}, wall=0, caller=None)
        recent = [t for t in passed if t > clock.now - seconds]
        assert verdict.allowed == (len(recent) < most)
        if verdict.allowed:
            passed.append(clock.now)
        else:
            assert verdict.retry_after == pytest.approx(recent[0] + seconds - clock.now)


async def test_discord_py_waits_by_itself() -> None:
    """With limits in the headers discord.py never meets a 429, and with a cut budget it retries."""
    async with LocalDiscord() as world:
        world.rate_limits.default = Limit(2, 0.1)
        channel = world.add_guild("Lab").add_text_channel("general")
        bot = make_bot()
        async with running(world, bot):
            place = bot.get_partial_messageable(channel.id)
            for i in range(5):
                await place.send(str(i))
        assert [m.content for m in channel.messages] == ["0", "1", "2", "3", "4"]
        times = [r.at for r in world.requests_for("POST", "/messages") if r.status == 200]
        assert times[4] - times[0] >= 0.19  # two at a time, 0.1 s apart; arrival is noted a moment before the count
