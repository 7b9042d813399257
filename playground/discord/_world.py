"""`LocalDiscord`: a Discord of one's own on loopback, for tests and demonstrations."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Self

from playground.discord import _posting as posting
from playground.discord._call import Upload
from playground.discord._flags import Intent
from playground.discord._guild import new_guild
from playground.discord._person import Person
from playground.discord._redirect import redirect_discord
from playground.discord._server import Server
from playground.discord._snowflakes import Snowflakes
from playground.discord._state import State
from playground.discord._waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from types import TracebackType
    from typing import TypeVar

    from playground.discord._channel import Channel
    from playground.discord._faults import Faults
    from playground.discord._guild import Guild
    from playground.discord._interactions import Interaction
    from playground.discord._message import Message
    from playground.discord._model import Member, User
    from playground.discord._ratelimits import RateLimits
    from playground.discord._requests import RestRequest
    from playground.discord._state import Application, Settings
    from playground.discord._webhooks import Webhook
    from playground.discord.events import WorldEvent

    T = TypeVar("T")


class LocalDiscord:
    """A Discord with one bot under test; guilds, people and channels are added as a test needs them."""

    def __init__(
        self,
        *,
        token: str = "local-token",  # noqa: S107 - not a secret: it opens this process's own server only
        bot_name: str = "Local bot",
        message_content_intent: bool = True,
        members_intent: bool = True,
        presences_intent: bool = True,
        shards: int = 1,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """The intents are those that the application may ask for; `shards` is what Discord recommends."""
        privileged = (
            Intent.MESSAGE_CONTENT * message_content_intent
            | Intent.GUILD_MEMBERS * members_intent
            | Intent.GUILD_PRESENCES * presences_intent
        )
        self._state = State(token, bot_name, privileged, clock=clock, wall_clock=wall_clock)
        self._state.shards = shards
        self._server = Server(self._state)
        self._people: dict[int, Person] = {}

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Begin to listen; port 0 takes a free one."""
        real_port = await self._server.start(host, port)
        self._state.url = f"http://{host}:{real_port}"

    async def stop(self) -> None:
        """Hang up on everybody and free the port."""
        self._state.interactions.stop()
        await self._server.stop()

    async def __aenter__(self) -> Self:
        """Start on a free port."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        await self.stop()

    def redirect(self) -> None:
        """Point discord.py, in this whole process, here."""
        redirect_discord(self.url)

    # What there is

    @property
    def url(self) -> str:
        """The address, for example http://127.0.0.1:12345."""
        return self._state.url

    @property
    def token(self) -> str:
        """The token with which the bot logs in."""
        return self._state.token

    @property
    def bot(self) -> User:
        """The bot's user."""
        return self._state.bot

    @property
    def application(self) -> Application:
        """The bot's application."""
        return self._state.application

    @property
    def settings(self) -> Settings:
        """How this Discord behaves; may be changed at any time."""
        return self._state.settings

    @property
    def guilds(self) -> list[Guild]:
        """All guilds."""
        return list(self._state.guilds.values())

    @property
    def users(self) -> list[User]:
        """All accounts."""
        return list(self._state.users.values())

    @property
    def interactions(self) -> list[Interaction]:
        """The interactions whose tokens still work."""
        return list(self._state.interactions.by_id.values())

    @property
    def conversations(self) -> list[Channel]:
        """The direct messages between the bot and people."""
        return [channel for channel in self._state.channels.values() if channel.is_dm]

    @property
    def webhooks(self) -> list[Webhook]:
        """All webhooks."""
        return list(self._state.webhooks.values())

    def channel(self, channel_id: int) -> Channel:
        """Find a channel, thread or conversation by its id; KeyError when there is none."""
        return self._state.channels[channel_id]

    def message(self, message_id: int) -> Message:
        """Find a message that stands, ephemeral or not, by its id; KeyError when there is none."""
        return self._state.messages[message_id]

    def commands(self, guild: Guild | None = None) -> list[dict[str, Any]]:
        """Give the commands that the bot registered for a guild, or for everywhere."""
        return self._state.commands.all(guild.id if guild else None)

    # Adding

    def add_user(self, name: str, *, bot: bool = False, display_name: str | None = None) -> User:
        """Make an account."""
        return self._state.add_user(name, bot=bot, display_name=display_name)

    def add_guild(
        self,
        name: str,
        *,
        owner: User | None = None,
        with_bot: bool = True,
        bot_permissions: int | None = None,
        guild_id: int | None = None,
    ) -> Guild:
        """Make a guild, with the bot in it unless told otherwise."""
        guild = new_guild(self._state, name, owner or self.add_user(f"owner of {name}"), guild_id)
        self._state.guilds[guild.id] = guild
        if not with_bot:
            guild.changed()
        elif bot_permissions is None:
            guild.add_bot()
        else:
            guild.add_bot(bot_permissions)
        return guild

    def add_message(
        self,
        channel: Channel,
        author: User | Member,
        content: str,
        *,
        at: datetime | None = None,
        files: Sequence[tuple[str, bytes]] = (),
    ) -> Message:
        """Let a message of somebody stand in a channel, whatever their permissions; `at` may lie in the past."""
        origin = posting.Origin()
        if at is not None:
            origin.message_id = Snowflakes.at(at.timestamp())
            while origin.message_id in self._state.messages:
                origin.message_id += 1
        attachments = [self._state.cdn.attach(channel, Upload(*file)) for file in files]
        draft = posting.Draft(content, attachments=attachments)
        return posting.post(channel, self._state.users[author.id], draft, origin)

    def person(self, user: User | Member) -> Person:
        """Act as a user."""
        if user.id not in self._people:
            self._people[user.id] = Person(self._state, self._state.users[user.id])
        return self._people[user.id]

    # Watching

    def subscribe(self, callback: Callable[[WorldEvent], None]) -> Callable[[], None]:
        """Call back for every event (see `events`) from now on; the result ends it."""
        return self._state.subscribe(callback)

    async def wait_until(self, predicate: Callable[[], T], timeout: float = 15.0) -> T:
        """Wait until a predicate gives something true, and return that; TimeoutError when it does not."""
        return await wait_until(self._state, predicate, timeout)

    async def wait_for_message(
        self, channel: Channel, predicate: Callable[[Message], bool] = lambda _: True, timeout: float = 15.0
    ) -> Message:
        """Wait until a message that fits stands in a channel, and return the newest."""

        def find() -> Message | None:
            return next((m for m in reversed(channel.messages) if predicate(m)), None)

        try:
            found = await wait_until(self._state, find, timeout)
        except TimeoutError:
            there = [f"{m.author.name}: {m.content[:80]}" for m in channel.messages[-5:]]
            msg = f"No such message in #{channel.name} within {timeout} s; the last ones: {there}"
            raise TimeoutError(msg) from None
        assert found is not None
        return found

    async def wait_until_connected(self, shards: int = 1, timeout: float = 15.0) -> None:
        """Wait until the bot has sessions for so many shards."""
        gateway = self._state.gateway
        await wait_until(
            self._state, lambda: len([s for s in gateway.sessions.values() if s.connection]) >= shards, timeout
        )

    @property
    def sessions(self) -> list[str]:
        """The ids of the gateway sessions that could be resumed."""
        return list(self._state.gateway.sessions)

    @property
    def gateway_identifies(self) -> int:
        """How often a client identified itself."""
        return self._state.gateway.identifies

    @property
    def gateway_resumes(self) -> int:
        """How often a client asked to resume."""
        return self._state.gateway.resumes

    @property
    def requests(self) -> list[RestRequest]:
        """Every REST request so far, in the order of arrival."""
        return self._state.requests.all

    def requests_for(self, method: str | None, path_regex: str) -> list[RestRequest]:
        """Give the requests of a method (None: any) whose path contains a match."""
        return self._state.requests.find(method, path_regex)

    @property
    def invalid_requests(self) -> list[RestRequest]:
        """The requests that Discord counts towards a ban: 401, 403 and 429."""
        return [r for r in self.requests if r.status in {401, 403, 429}]

    def close_dms(self, user: User, *, closed: bool = True) -> None:
        """Let a user take no more direct messages (50007), or take them again."""
        (self._state.closed_dms.add if closed else self._state.closed_dms.discard)(user)

    @property
    def presence(self) -> Any:
        """What the bot last said of its status and activity, as it said it; None when it said nothing."""
        told = [s.presence for s in self._state.gateway.sessions.values() if s.presence]
        return told[-1] if told else None

    # Trouble

    @property
    def faults(self) -> Faults:
        """Faults of the REST API."""
        return self._state.faults

    @property
    def rate_limits(self) -> RateLimits:
        """Limits of the REST API; may be changed in place or put another in its place."""
        return self._state.rate_limits

    @rate_limits.setter
    def rate_limits(self, limits: RateLimits) -> None:
        self._state.rate_limits = limits

    def drop_gateway(
        self, *, resumable: bool = True, close_code: int | None = None, shard_id: int | None = None
    ) -> None:
        """End the gateway's connections: cut, or closed with a code; sessions that are not resumable are forgotten."""
        gateway = self._state.gateway
        gateway.close_all(close_code or 4000, abort=close_code is None, shard_id=shard_id)
        if not resumable:
            for session in list(gateway.sessions.values()):
                if shard_id in {None, session.shard_id}:
                    gateway.forget(session)

    def invalidate_sessions(self, *, resumable: bool = False) -> None:
        """Send INVALID_SESSION to every connection; sessions that are not resumable are forgotten."""
        gateway = self._state.gateway
        for connection in list(gateway.connections):
            connection.invalidate(resumable=resumable)
        if not resumable:
            gateway.sessions.clear()

    def deliver_again(self, message: Message) -> None:
        """Send a message's event a second time, as Discord does now and then."""
        self._state.gateway.dispatch_message("MESSAGE_CREATE", message)

    def ask_to_reconnect(self) -> None:
        """Send RECONNECT to every connection, as Discord does every few hours."""
        for connection in list(self._state.gateway.connections):
            connection.ask_to_reconnect()

    def refuse_identify(self, close_code: int, *, times: int = 1) -> None:
        """Close the next IDENTIFYs with a code, for example 4004 or 4014."""
        self._state.gateway.refusals += [close_code] * times
