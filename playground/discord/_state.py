"""The whole simulated Discord without its sockets: who and what exists, and who is told."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from playground.discord import _posting as posting
from playground.discord import _sessions as sessions
from playground.discord import events
from playground.discord._cdn import Cdn
from playground.discord._channel import Channel
from playground.discord._commands import CommandRegistry
from playground.discord._faults import Faults
from playground.discord._flags import KNOWN_INTENTS, ApplicationFlag, ChannelType, Intent, MessageType
from playground.discord._gateway import Gateway
from playground.discord._interactions import Interactions
from playground.discord._model import User
from playground.discord._ratelimits import LateEdits, RateLimits
from playground.discord._requests import RequestLog
from playground.discord._snowflakes import Snowflakes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from playground.discord._guild import Guild
    from playground.discord._message import Message
    from playground.discord._webhooks import Webhook

_log = logging.getLogger(__name__)

_PRIVILEGED = {
    Intent.MESSAGE_CONTENT: ApplicationFlag.GATEWAY_MESSAGE_CONTENT_LIMITED,
    Intent.GUILD_MEMBERS: ApplicationFlag.GATEWAY_GUILD_MEMBERS_LIMITED,
    Intent.GUILD_PRESENCES: ApplicationFlag.GATEWAY_PRESENCE_LIMITED,
}


@dataclass(eq=False, slots=True)
class Application:
    """The bot's application."""

    id: int
    name: str
    owner: User
    flags: int = 0


@dataclass(slots=True)
class Settings:
    """What a test may change about how Discord behaves, at any time."""

    interaction_deadline_seconds: float = 3.0
    interaction_token_seconds: float = 900.0
    nonce_seconds: float = 300.0
    old_message_seconds: float = 3600.0
    old_message_edits: int = 3
    """How many edits of messages older than that a channel takes in that time; Discord does not tell its figure."""
    upload_limit_bytes: int = 10 * 1024 * 1024
    link_previews: bool = True


class State:
    """Everything that exists, by id, and the ways to tell about changes."""

    def __init__(
        self,
        token: str,
        bot_name: str,
        allowed_privileged: int,
        *,
        clock: Callable[[], float],
        wall_clock: Callable[[], float],
    ) -> None:
        self.clock = clock
        self.wall_clock = wall_clock
        self.snowflakes = Snowflakes(wall_clock)
        self.token = token
        self.url = ""
        self.settings = Settings()
        self.users: dict[int, User] = {}
        self.guilds: dict[int, Guild] = {}
        self.channels: dict[int, Channel] = {}
        self.messages: dict[int, Message] = {}
        self.webhooks: dict[int, Webhook] = {}
        self._dms: dict[int, Channel] = {}
        self.closed_dms: set[User] = set()
        """Users who do not take direct messages."""
        self.shards = 1
        self._nonces: dict[tuple[int, str], Message] = {}
        self.bot = self.add_user(bot_name, bot=True)
        self.application = Application(self.bot.id, bot_name, self.add_user("operator"))
        self.application.flags = sum(flag for intent, flag in _PRIVILEGED.items() if allowed_privileged & intent)
        self.allowed_intents = KNOWN_INTENTS & ~sum(_PRIVILEGED) | allowed_privileged
        self._subscribers: list[Callable[[events.WorldEvent], None]] = []
        self.gateway = Gateway(self)
        self.commands = CommandRegistry(self)
        self.interactions = Interactions(self)
        self.cdn = Cdn(self)
        self.faults = Faults()
        self.rate_limits = RateLimits(clock=clock)
        self.late_edits = LateEdits(clock)
        self.requests = RequestLog()

    @property
    def gateway_url(self) -> str:
        """Where a client connects first."""
        return self.url.replace("http", "ws", 1) + "/gateway"

    @property
    def resume_url(self) -> str:
        """Where a client resumes; another path than where it first connects, as with Discord."""
        return self.gateway_url + "/resume"

    def add_user(self, name: str, *, bot: bool = False, display_name: str | None = None) -> User:
        """Make an account."""
        user = User(self.snowflakes.next(), name, bot, display_name)
        self.users[user.id] = user
        return user

    # Telling

    def subscribe(self, callback: Callable[[events.WorldEvent], None]) -> Callable[[], None]:
        """Call back for every event from now on; the result ends it."""
        self._subscribers.append(callback)

        def remove() -> None:
            if callback in self._subscribers:
                self._subscribers.remove(callback)

        return remove

    def publish(self, event: events.WorldEvent) -> None:
        """Tell the subscribers; a failing one disturbs nobody."""
        for callback in list(self._subscribers):
            try:
                callback(event)
            except Exception:  # noqa: BLE001 - whatever a page's callback raises, Discord goes on
                _log.exception("A subscriber failed on %s", type(event).__name__)

    def dispatch(
        self,
        event: str,
        data: dict[str, Any],
        *,
        intent: int | None,
        guild: Guild | None = None,
        channel: Channel | None = None,
    ) -> None:
        """Send a gateway event to the sessions that asked for it and may see it."""
        self.gateway.dispatch(event, data, intent=intent, guild=guild, channel=channel)

    def announce_guild(self, guild: Guild) -> None:
        """Send GUILD_CREATE, whose content depends on the session."""
        for session in self.gateway.sessions.values():
            if session.wants(Intent.GUILDS, guild, None):
                session.send("GUILD_CREATE", msgspec.json.encode(sessions.guild_create(guild, session)))
        guild.changed()

    def announce_message(self, message: Message, event: str) -> None:
        """Send a message event."""
        posting.announce(message, event)

    def channel_changed(self, channel: Channel, event: str) -> None:
        """Tell the page about a channel."""
        self.publish(events.ChannelChanged(channel, event))

    # Doing

    def post(self, channel: Channel, author: User, content: str, **origin: Any) -> Message:
        """Put a message of somebody into a channel, whatever the permissions."""
        kind = origin.pop("message_type", MessageType.DEFAULT)
        return posting.post(channel, author, posting.Draft(content), posting.Origin(kind, **origin))

    def bulk_delete(self, channel: Channel, messages: Iterable[Message]) -> None:
        """Delete many messages with one event."""
        posting.bulk_delete(channel, messages)

    def dm_channel(self, user: User) -> Channel:
        """Give the conversation between the bot and a user, opening it if needed."""
        if existing := self._dms.get(user.id):
            return existing
        channel = Channel(self.snowflakes.next(), self, ChannelType.DM, user.name, recipients=[self.bot, user])
        self.channels[channel.id] = self._dms[user.id] = channel
        self.channel_changed(channel, "CHANNEL_CREATE")
        return channel

    def remember_nonce(self, message: Message) -> None:
        """Note what was posted with a nonce, and forget what is too old to matter."""
        oldest = self.clock() - self.settings.nonce_seconds
        for key, old in list(self._nonces.items()):
            if old.history[0][0] > oldest:
                break
            del self._nonces[key]
        self._nonces[message.channel.id, str(message.nonce)] = message

    def sent_with_nonce(self, channel: Channel, nonce: str) -> Message | None:
        """Find what was posted with a nonce a short while ago."""
        message = self._nonces.get((channel.id, nonce))
        fresh = message is not None and message.history[0][0] > self.clock() - self.settings.nonce_seconds
        return message if fresh else None

    def delete_channel(self, channel: Channel) -> None:
        """Remove a channel with what is in it."""
        channel.announce("THREAD_DELETE" if channel.is_thread else "CHANNEL_DELETE")
        self.drop_channel(channel)

    def drop_channel(self, channel: Channel) -> None:
        """Forget a channel with its threads, messages and webhooks, without a word."""
        for thread in channel.threads:
            self.drop_channel(thread)
        channel.deleted = True
        self.channels.pop(channel.id, None)
        if channel.guild:
            channel.guild.channels.pop(channel.id, None)
            channel.guild.threads.pop(channel.id, None)
        for message in channel.messages:
            message.deleted = True
            self.messages.pop(message.id, None)
        for webhook in [w for w in self.webhooks.values() if w.channel is channel]:
            del self.webhooks[webhook.id]
