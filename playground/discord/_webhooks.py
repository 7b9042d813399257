"""Webhooks, which post under names of their own."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from playground.discord._flags import ChannelType, Intent
from playground.discord._model import User
from playground.discord.errors import api_error, field_error

if TYPE_CHECKING:
    from playground.discord._channel import Channel
    from playground.discord._message import Message

MAX_PER_CHANNEL = 15
_FORBIDDEN_IN_NAMES = ("clyde", "discord")
_HOSTS = frozenset({ChannelType.TEXT, ChannelType.VOICE, ChannelType.NEWS, ChannelType.FORUM, ChannelType.MEDIA})


@dataclass(eq=False, slots=True)
class Webhook:
    """A webhook of a channel; one made by the bot's application may carry buttons."""

    id: int
    channel: Channel = field(repr=False)
    name: str
    avatar: str | None = None
    creator: User | None = None
    application_id: int | None = None
    token: str = field(default_factory=lambda: secrets.token_urlsafe(51), repr=False)

    def face(self, name: str | None = None) -> User:
        """Give the author of its messages."""
        return User(self.id, name or self.name, True, avatar=self.avatar, discriminator="0000", is_webhook=True)

    def say(self, content: str, *, name: str | None = None, thread: Channel | None = None) -> Message:
        """Post as its owner does."""
        return self.channel.state.post(thread or self.channel, self.face(name), content, webhook_id=self.id)


def check_name(name: object, path: str = "name") -> str:
    """Refuse names that Discord does not allow."""
    if not isinstance(name, str) or not 1 <= len(name.strip()) <= 80:
        raise field_error(path, "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 80 in length.")
    for word in _FORBIDDEN_IN_NAMES:
        if word in name.lower():
            raise field_error(path, "USERNAME_INVALID_CONTAINS", f'Username cannot contain "{word}"')
    return name.strip()


def create(
    channel: Channel, name: str, creator: User | None, *, avatar: str | None = None, by_application: bool = True
) -> Webhook:
    """Make a webhook; `avatar` is a data URL."""
    state = channel.state
    if channel.type not in _HOSTS:
        raise api_error(50024)
    if sum(w.channel is channel for w in state.webhooks.values()) >= MAX_PER_CHANNEL:
        raise api_error(30007)
    owner = state.application.id if by_application else None
    webhook = Webhook(state.snowflakes.next(), channel, check_name(name), creator=creator, application_id=owner)
    if avatar:
        webhook.avatar = state.cdn.keep_avatar(webhook.id, avatar)
    state.webhooks[webhook.id] = webhook
    announce(channel)
    return webhook


def announce(channel: Channel) -> None:
    """Tell that a channel's webhooks changed, not how: Discord does not tell either."""
    data = {"channel_id": str(channel.id), "guild_id": str(channel.guild.id) if channel.guild else None}
    channel.state.dispatch("WEBHOOKS_UPDATE", data, intent=Intent.GUILD_WEBHOOKS, guild=channel.guild, channel=channel)
