"""What `LocalDiscord.subscribe` reports: enough for a page to stay current without asking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playground.discord._channel import Channel
    from playground.discord._guild import Guild
    from playground.discord._interactions import Interaction, Modal
    from playground.discord._message import Message
    from playground.discord._model import User
    from playground.discord._requests import RestRequest


@dataclass(frozen=True, slots=True)
class WorldEvent:
    """Something happened."""


@dataclass(frozen=True, slots=True)
class MessageCreated(WorldEvent):
    """A message appeared; an ephemeral one is for `message.ephemeral_for` alone."""

    message: Message


@dataclass(frozen=True, slots=True)
class MessageEdited(WorldEvent):
    """A message changed: text, embeds, buttons, reactions' place excepted."""

    message: Message


@dataclass(frozen=True, slots=True)
class MessageDeleted(WorldEvent):
    """A message is gone."""

    message: Message


@dataclass(frozen=True, slots=True)
class ReactionChanged(WorldEvent):
    """Somebody reacted to a message, or took a reaction back."""

    message: Message
    emoji: str
    user: User | None
    """None: a moderator cleared them."""
    added: bool


@dataclass(frozen=True, slots=True)
class TypingStarted(WorldEvent):
    """Somebody began to write; it fades after ten seconds."""

    channel: Channel
    user: User


@dataclass(frozen=True, slots=True)
class ChannelChanged(WorldEvent):
    """A channel or thread was made, changed or deleted."""

    channel: Channel
    kind: str
    """Discord's name of the event, for example THREAD_CREATE."""


@dataclass(frozen=True, slots=True)
class GuildChanged(WorldEvent):
    """Members, roles or the guild itself changed."""

    guild: Guild


@dataclass(frozen=True, slots=True)
class InteractionChanged(WorldEvent):
    """An interaction began, was acknowledged, was answered or failed."""

    interaction: Interaction


@dataclass(frozen=True, slots=True)
class ModalOpened(WorldEvent):
    """The bot answered an interaction with a form for `interaction.user`."""

    interaction: Interaction
    modal: Modal


@dataclass(frozen=True, slots=True)
class CommandsChanged(WorldEvent):
    """The bot registered commands, for a guild or for all (None)."""

    guild_id: int | None


@dataclass(frozen=True, slots=True)
class BotConnected(WorldEvent):
    """A gateway session began or was resumed."""

    shard_id: int
    resumed: bool


@dataclass(frozen=True, slots=True)
class BotDisconnected(WorldEvent):
    """A gateway connection ended."""

    shard_id: int


@dataclass(frozen=True, slots=True)
class RequestAnswered(WorldEvent):
    """A REST request was answered, or its connection cut (status None)."""

    request: RestRequest
