"""A furnished world, a raw REST client and a clock, for every test here."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

with warnings.catch_warnings():  # discord.py imports audioop, which warns that it will go
    warnings.simplefilter("ignore", DeprecationWarning)
    import discord  # noqa: F401 - imported for its warning

from playground.discord import LocalDiscord
from tests.playground.discord.bots import Lab

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playground.discord import Channel, Guild, Person, User


@dataclass
class Clock:
    """A clock that moves when it is told to; its wall begins in 2025."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now

    def wall(self) -> float:
        return 1_750_000_000 + self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Answer:
    """What the REST API answered."""

    status: int
    body: Any
    headers: dict[str, str]

    @property
    def code(self) -> Any:
        return self.body.get("code")

    def error(self, path: str) -> str:
        """The code of the first error of a field, named by its path."""
        found = self.body["errors"]
        for key in path.split(".") if path else []:
            found = found[key]
        code: str = found["_errors"][0]["code"]
        return code


@dataclass
class Rest:
    """A client of the REST API without discord.py's help."""

    world: LocalDiscord
    session: aiohttp.ClientSession = field(repr=False)

    async def __call__(
        self, method: str, path: str, body: Any = None, *, token: str | None = "", **query: Any
    ) -> Answer:
        headers = {} if token is None else {"Authorization": f"Bot {token or self.world.token}"}
        url = f"{self.world.url}/api/v10{path}"
        data = body if isinstance(body, aiohttp.FormData) else None
        json = None if isinstance(body, aiohttp.FormData) else body
        async with self.session.request(method, url, json=json, data=data, headers=headers, params=query) as response:
            raw = await response.read()
            parsed = await response.json() if raw and response.content_type == "application/json" else raw
            return Answer(response.status, parsed, dict(response.headers))

    async def post(self, path: str, body: Any = None, **query: Any) -> Answer:
        return await self("POST", path, body, **query)


@dataclass
class Scene:
    """A world with one guild, its owner, a member and a channel."""

    world: LocalDiscord
    guild: Guild
    channel: Channel
    owner: User
    ada: User
    rest: Rest

    @property
    def person(self) -> Person:
        """Ada, who is a plain member."""
        return self.world.person(self.ada)

    @property
    def path(self) -> str:
        return f"/channels/{self.channel.id}"


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def furnish(world: LocalDiscord, session: aiohttp.ClientSession) -> Scene:
    owner, ada = world.add_user("owner"), world.add_user("ada")
    guild = world.add_guild("Lab", owner=owner)
    guild.add_member(ada)
    channel = guild.add_text_channel("general")
    return Scene(world, guild, channel, owner, ada, Rest(world, session))


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with LocalDiscord() as world, aiohttp.ClientSession() as session:
        yield await furnish(world, session)


@pytest.fixture
async def timed(clock: Clock) -> AsyncIterator[Scene]:
    """The same with a clock that stands still."""
    async with LocalDiscord(clock=clock, wall_clock=clock.wall) as world, aiohttp.ClientSession() as session:
        yield await furnish(world, session)


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    async with LocalDiscord() as world:
        yield Lab(world)
