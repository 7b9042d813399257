"""The whole bot between a local Discord and a local Infermatic, over real sockets."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

import bot as bot_module
from cogs._bot import Bot
from playground.discord import Limit, LocalDiscord, Permission, RateLimits
from playground.infermatic import LocalInfermatic
from settings import Settings
from storage import Scope

MANAGE_MESSAGES = 1 << 13
SECRET_KEY = Fernet.generate_key().decode()
MODEL = "Sao10K-L3.3-70B-Euryale-v2.3-FP8-Dynamic"


@dataclass
class Stage:
    """Everything a test acts on: two servers' worth of people, the services, and the running bot."""

    world: LocalDiscord
    api: LocalInfermatic
    settings: Settings
    guild: Any
    channel: Any
    admin: Any
    moderator: Any
    ada: Any
    tom: Any
    bot: Bot | None = None

    @property
    def mention(self) -> str:
        return f"<@{self.world.bot.id}>"

    async def reply(self, containing: str = "", channel: Any = None, timeout: float = 15.0) -> Any:
        """The bot's first finished message with this text."""
        return await self.world.wait_for_message(
            channel or self.channel,
            lambda message: self.by_bot(message) and containing in message.content,
            timeout=timeout,
        )

    def by_bot(self, message: Any) -> bool:
        """Whether the bot wrote a message, be it through a webhook of a persona."""
        ours = message.application_id == self.world.bot.id
        return bool(message.author.id == self.world.bot.id or (message.author.is_webhook and ours))

    @property
    def prompts(self) -> list[list[dict[str, str]]]:
        """The messages of every chat request that the service saw."""
        return [r.body["messages"] for r in self.api.requests if r.path == "/v1/chat/completions"]

    @property
    def completions(self) -> list[Any]:
        """Every request for a text completion that the service saw."""
        return [r for r in self.api.requests if r.path == "/v1/completions"]

    @property
    def said_to_model(self) -> str:
        """All that stood in the newest prompt."""
        return "\n".join(message["content"] for message in self.prompts[-1])

    async def say(self, person: Any, text: str, *, answer: str | None = None, channel: Any = None, **how: Any) -> Any:
        """Say something to the bot with a mention; `answer` is what the model will write."""
        if answer is not None:
            self.api.replies.add(answer)
        return await person.say(channel or self.channel, f"{self.mention} {text}".strip(), **how)

    async def ask(self, person: Any, text: str, *, answer: str | None = None, channel: Any = None, **how: Any) -> Any:
        """The bot's finished reply to something that is said to it."""
        return await self.reply_to(await self.say(person, text, answer=answer, channel=channel, **how))

    async def reply_to(self, said: Any) -> Any:
        """The bot's finished reply to a message."""
        reply = await self.world.wait_for_message(
            said.channel,
            lambda message: (
                message.reply_to is said if message.author is self.world.bot else self._follows(said, message)
            ),
        )
        await self.settled()
        return reply

    def _follows(self, said: Any, message: Any) -> bool:
        """Whether a persona spoke after a message; webhooks cannot refer to what they answer."""
        return self.by_bot(message) and message.id > said.id

    async def command(self, person: Any, name: str, /, channel: Any = None, **options: Any) -> Any:
        """The answer to a slash command, as the person sees it; further messages may follow it."""
        interaction = await person.slash(channel or self.channel, name, **options)
        await interaction.answered()
        await self.settled()
        return next((message for message in interaction.messages if not message.deleted), None)

    async def press(self, person: Any, message: Any, label: str) -> Any:
        """The message that pressing a button brings, if any."""
        interaction = await person.click(message, label=label)
        await interaction.answered()
        return interaction.response

    async def remembered(self, message: Any, content: str) -> None:
        """Until the history says this of a message in Discord."""
        assert self.bot is not None
        history, guild = self.bot.services.storage.history, message.channel.guild
        found = None
        for _ in range(1500):
            found = await history.by_discord_id(guild and guild.id, message.id)
            if found is not None and found.content == content:
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"the history says {found}")

    async def forgotten(self, message: Any) -> None:
        """Until the history does not know a message in Discord any more."""
        assert self.bot is not None
        history, guild = self.bot.services.storage.history, message.channel.guild
        for _ in range(1500):
            if await history.by_discord_id(guild and guild.id, message.id) is None:
                return
            await asyncio.sleep(0.01)
        raise AssertionError("the history still knows it")

    async def at_home(self, *people: Any) -> None:
        """Let people's direct messages count against the stage's server."""
        assert self.bot is not None
        for person in people:
            scope = Scope("user", person.user.id)
            await self.bot.services.storage.settings.put(None, scope, "home", self.guild.id, person.user.id)

    async def settled(self, timeout: float = 15.0) -> None:
        """Until everything that was pressed or sent is handled, and no answer is under way."""
        assert self.bot is not None
        conversations = self.bot.services.conversations
        await self.world.wait_until(lambda: not (conversations._answers or being_handled()), timeout=timeout)


HANDLERS = ("discord-ui-dynamic-item", "CommandTree-invoker", "discord.py: on_interaction")


def being_handled() -> bool:
    """Whether discord.py still runs what a command, a button or a form asked for."""
    return any(task.get_name().startswith(HANDLERS) and not task.done() for task in asyncio.all_tasks())


Start = Callable[..., Awaitable[Bot]]


@asynccontextmanager
async def running(stage: Stage, settings: Settings, *, message_content: bool = True) -> AsyncIterator[Bot]:
    """The real bot, connected."""
    bot = bot_module.create_bot(settings, message_content=message_content)
    assert isinstance(bot, Bot)
    bot._connection.guild_ready_timeout = 0.02  # saves two seconds at each start
    task = asyncio.create_task(bot.start(settings.discord_token))
    ready = asyncio.create_task(bot.wait_until_ready())
    await asyncio.wait([task, ready], return_when=asyncio.FIRST_COMPLETED, timeout=10)
    if task.done():
        task.result()
    assert bot.is_ready()
    stage.bot = bot
    try:
        yield bot
    finally:
        await bot.close()
        await task


@pytest.fixture(autouse=True)
async def nothing_left_behind() -> AsyncIterator[None]:
    """When the stage is cleared, no task of it is running any more."""
    before = asyncio.all_tasks()
    yield
    await asyncio.sleep(0)
    # An event that came as the bot closed is handled to its end.
    if events := [task for task in asyncio.all_tasks() - before if task.get_name().startswith("discord.py: ")]:
        await asyncio.wait(events, timeout=2)
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    # discord.py counts down 180 s after a button was pressed, even for views without an end.
    left = {task for task in left if "BaseView" not in repr(task)}
    assert not left, left


@pytest.fixture
async def world() -> AsyncIterator[LocalDiscord]:
    async with LocalDiscord() as world:
        world.redirect()
        world.settings.interaction_deadline_seconds = 10.0  # a busy machine stands still at times
        yield world


@pytest.fixture
def no_rate_limits(world: LocalDiscord) -> None:
    """For tests that have nothing to do with the pace of writing."""
    world.rate_limits = RateLimits(default=Limit(500, 1.0), global_per_second=None)


@pytest.fixture
def short_rate_limits(world: LocalDiscord) -> None:
    """As many requests as Discord takes, in a fifth of its time: what is over the limit waits, but not for long."""
    world.rate_limits = RateLimits(default=Limit(5, 1.0))


@pytest.fixture
def no_webhooks(offstage: "Stage") -> None:
    """Personas speak under a line with their name."""
    role = offstage.guild.bot_role
    role.edit(permissions=role.permissions & ~Permission.MANAGE_WEBHOOKS)


@pytest.fixture
async def api() -> AsyncIterator[LocalInfermatic]:
    async with LocalInfermatic(tokens_per_second=2000, first_token_seconds=0.0) as api:
        yield api


@pytest.fixture
def settings(api: LocalInfermatic, tmp_path: Path, sqlite_template: Path) -> Settings:
    shutil.copy(sqlite_template, tmp_path / "bot.db")
    return Settings(
        discord_token="local-token",
        infermatic_api_key=("sk-local",),
        infermatic_base_url=api.url,
        requests_per_minute=None,
        parallel_requests=None,
        default_model=MODEL,
        secret_key=(SECRET_KEY,),
        database_url=f"sqlite:///{tmp_path}/bot.db",
        system_prompt="You are the bot of this test.",
    )


@pytest.fixture
def offstage(world: LocalDiscord, api: LocalInfermatic, settings: Settings) -> Stage:
    """The stage before the bot has come on."""
    admin = world.add_user("Grace")
    guild = world.add_guild("Harbour", owner=admin)
    role = guild.add_role("mods", permissions=MANAGE_MESSAGES)
    moderator, ada, tom = world.add_user("Max"), world.add_user("Ada"), world.add_user("Tom")
    guild.add_member(moderator, roles=[role])
    guild.add_member(ada)
    guild.add_member(tom)
    channel = guild.add_text_channel("general")
    person = world.person
    return Stage(world, api, settings, guild, channel, person(admin), person(moderator), person(ada), person(tom))


@pytest.fixture
async def stage(offstage: Stage) -> AsyncIterator[Stage]:
    """The stage with the bot running."""
    async with running(offstage, offstage.settings):
        yield offstage


def changed(settings: Settings, **changes: Any) -> Settings:
    """The same settings with some changed."""
    return replace(settings, **changes)
