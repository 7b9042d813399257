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

    def face(self, name: str | None = None, avatar_url: str | None = None) -> User:
        """Give the author of its messages, whose name and picture a message may choose."""
        avatar = self.channel.state.cdn.keep_avatar_of(self.id, avatar_url) if avatar_url else self.avatar
        return User(self.id, name or self.name, True, avatar=avatar, discriminator="0000", is_webhook=True)

    def say(self, content: str, *, name: str | None = None, thread: Channel | None = None) -> Message:
        """Post as its owner does."""
        return self.channel.state.post(thread or self.channel, self.face(name), content, webhook_id=self.id)

    def edit(self, *, name: str | None = None, channel: Channel | None = None) -> None:
        """Rename it or move it, as a moderator does in the server's settings."""
        if channel is not None and channel is not self.channel:
            check_room(channel)
            announce(self.channel)
            self.channel = channel
        self.name = name or self.name
        announce(self.channel)

    def delete(self) -> None:
        """Delete it, as a moderator does; what it said stays."""
        self.channel.state.webhooks.pop(self.id, None)
        announce(self.channel)


def check_name(name: object, path: str = "name") -> str:
    """Refuse names that Discord does not allow; spaces at the ends and in a row are dropped."""
    tidy = " ".join(name.split()) if isinstance(name, str) else ""
    if not 1 <= len(tidy) <= 80:
        raise field_error(path, "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 80 in length.")
    for word in _FORBIDDEN_IN_NAMES:
        if word in tidy.lower():
            raise field_error(path, "USERNAME_INVALID_CONTAINS", f'Username cannot contain "{word}"')
    return tidy


def check_room(channel: Channel) -> None:
    """Refuse a channel that takes no webhook, or no more of them."""
    if channel.type not in _HOSTS:
        raise api_error(50024)
    if sum(w.channel is channel for w in channel.state.webhooks.values()) >= MAX_PER_CHANNEL:
        raise api_error(30007)


def create(
    channel: Channel, name: str, creator: User | None, *, avatar: str | None = None, by_application: bool = True
) -> Webhook:
    """Make a webhook; `avatar` is a data URL."""
    state = channel.state
    check_room(channel)
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
