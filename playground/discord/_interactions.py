"""Interactions: what a person did with a command, button, menu or form, and how the bot answered."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from playground.discord import _components as components
from playground.discord import _message_payloads as message_payloads
from playground.discord import _payloads as payloads
from playground.discord import _permissions as permissions
from playground.discord import events
from playground.discord._flags import CommandContext, InteractionType
from playground.discord._waiting import wait_until
from playground.discord.errors import NotAnsweredError

if TYPE_CHECKING:
    from playground.discord._channel import Channel
    from playground.discord._message import Message
    from playground.discord._model import User
    from playground.discord._state import State

NOT_IN_TIME = "did not respond in time"


@dataclass(frozen=True, slots=True)
class Choice:
    """A suggestion below an option."""

    name: str
    value: str | int | float


@dataclass(frozen=True, slots=True)
class Modal:
    """A form that the bot opened."""

    title: str
    custom_id: str
    components: list[dict[str, Any]] = field(repr=False)

    @property
    def fields(self) -> list[dict[str, Any]]:
        """The inputs, without the labels and rows around them."""
        return [c for c in components.walk(self.components) if "custom_id" in c]


@dataclass(eq=False)
class Interaction:
    """One thing that a person did with the bot, and what came of it."""

    id: int
    token: str = field(repr=False)
    type: InteractionType
    user: User
    channel: Channel
    data: dict[str, Any] = field(repr=False)
    created_at: float = field(repr=False)
    """Monotonic seconds."""
    message: Message | None = field(default=None, repr=False)
    """The message whose button or menu was used."""
    parent: Interaction | None = field(default=None, repr=False)
    """The interaction that opened the form which was sent."""
    name: str = ""
    """The command's full name, or the custom id."""
    acknowledged: bool = False
    deferred: bool = False
    """Whether the bot first said that it is thinking."""
    updated: bool = False
    """Whether the bot answered by changing the message, or silently."""
    messages: list[Message] = field(default_factory=list, repr=False)
    """The answer and its follow-ups as `user` sees them, deleted ones too."""
    original: Message | None = field(default=None, repr=False)
    modal: Modal | None = field(default=None, repr=False)
    choices: list[Choice] | None = field(default=None, repr=False)
    gave_up: bool = field(default=False, repr=False)
    acknowledged_at: float | None = field(default=None, repr=False)

    @property
    def state(self) -> State:
        """The world it happened in."""
        return self.channel.state

    @property
    def failed(self) -> str | None:
        """What the client tells when no answer came within three seconds."""
        if self.acknowledged:
            return None
        late = self.state.clock() > self.created_at + self.state.settings.interaction_deadline_seconds
        return NOT_IN_TIME if late or self.gave_up else None

    @property
    def expired(self) -> bool:
        """Whether its token no longer works."""
        return self.state.clock() > self.created_at + self.state.settings.interaction_token_seconds

    @property
    def is_answered(self) -> bool:
        """Whether the person sees something come of it; thinking alone is nothing."""
        visible = any(m.deleted or not m.loading for m in self.messages)
        return visible or self.updated or self.modal is not None or self.choices is not None

    @property
    def response(self) -> Message | None:
        """The newest message of the answer that stands."""
        return next((m for m in reversed(self.messages) if not m.deleted), None)

    async def answered(self, timeout: float = 15.0) -> Interaction:
        """Wait until the person sees an answer; raises NotAnsweredError when none comes."""
        try:
            await wait_until(self.state, lambda: self.is_answered or self.failed, timeout)
        except TimeoutError:
            raise NotAnsweredError(f"{self.name}: no answer within {timeout} s") from None
        if not self.is_answered:
            raise NotAnsweredError(f"{self.name}: the application {NOT_IN_TIME}")
        return self

    def metadata(self) -> dict[str, Any]:
        """Describe the interaction as messages that answer it do."""
        data: dict[str, Any] = {
            "id": str(self.id),
            "type": int(self.type),
            "user": payloads.user(self.user),
            "authorizing_integration_owners": self.owners(),
        }
        if self.message is not None and self.type is InteractionType.MESSAGE_COMPONENT:
            data["interacted_message_id"] = str(self.message.id)
        if self.parent is not None:
            data["triggering_interaction_metadata"] = self.parent.metadata()
        return data

    def owners(self) -> dict[str, str]:
        """Say for whom the application is installed: the guild, or nobody in particular."""
        return {"0": str(self.channel.guild.id) if self.channel.guild else "0"}

    def payload(self) -> dict[str, Any]:
        """Describe the interaction as the gateway does."""
        state, guild = self.state, self.channel.guild
        place = payloads.channel(self.channel)
        place["permissions"] = str(permissions.in_channel(self.channel, self.user))
        data: dict[str, Any] = {
            "id": str(self.id),
            "application_id": str(state.application.id),
            "type": int(self.type),
            "token": self.token,
            "version": 1,
            "data": self.data,
            "channel_id": str(self.channel.id),
            "channel": place,
            "app_permissions": str(permissions.in_channel(self.channel, state.bot)),
            "locale": self.user.locale,
            "entitlements": [],
            "entitlement_sku_ids": [],
            "authorizing_integration_owners": self.owners(),
            "context": int(CommandContext.GUILD if guild else CommandContext.BOT_DM),
            "attachment_size_limit": state.settings.upload_limit_bytes,
        }
        if guild is None:
            data["user"] = payloads.user(self.user)
        else:
            data["guild_id"] = str(guild.id)
            data["guild"] = {"id": str(guild.id), "locale": guild.preferred_locale, "features": []}
            data["guild_locale"] = guild.preferred_locale
            data["member"] = payloads.member(guild.members[self.user.id]) | {"permissions": place["permissions"]}
        if self.message is not None:
            data["message"] = message_payloads.message(self.message)
        return data


class Interactions:
    """All interactions that can still be answered."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.by_id: dict[int, Interaction] = {}
        self.by_token: dict[str, Interaction] = {}
        self._timers: set[asyncio.TimerHandle] = set()

    def begin(
        self,
        kind: InteractionType,
        user: User,
        channel: Channel,
        data: dict[str, Any],
        *,
        name: str,
        message: Message | None = None,
        parent: Interaction | None = None,
    ) -> Interaction:
        """Make an interaction, send it to the bot, and start its three seconds."""
        self._forget_expired()
        interaction = Interaction(
            self.state.snowflakes.next(),
            secrets.token_urlsafe(96),
            kind,
            user,
            channel,
            data,
            self.state.clock(),
            message=message,
            parent=parent,
            name=name,
        )
        self.by_id[interaction.id] = interaction
        self.by_token[interaction.token] = interaction
        self.state.publish(events.InteractionChanged(interaction))
        self.state.dispatch("INTERACTION_CREATE", interaction.payload(), intent=None, guild=channel.guild)
        self._start_timer(interaction)
        return interaction

    def _start_timer(self, interaction: Interaction) -> None:
        """Report a failure when it happens; with a test's own clock `failed` tells it too."""
        loop = asyncio.get_running_loop()

        def report() -> None:
            self._timers.discard(timer)
            if not interaction.acknowledged and interaction.failed:
                interaction.gave_up = True
                self.state.publish(events.InteractionChanged(interaction))

        timer = loop.call_later(self.state.settings.interaction_deadline_seconds + 0.01, report)
        self._timers.add(timer)

    def acknowledge(self, interaction: Interaction) -> None:
        """Note that the bot answered for the first time."""
        interaction.acknowledged = True
        interaction.acknowledged_at = self.state.clock()

    def show(self, interaction: Interaction, message: Message) -> None:
        """Note a message of the answer."""
        interaction.messages.append(message)
        self.changed(interaction)

    def changed(self, interaction: Interaction) -> None:
        """Tell the page about an interaction."""
        self.state.publish(events.InteractionChanged(interaction))

    def stop(self) -> None:
        """Let no timer outlive the world."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def _forget_expired(self) -> None:
        for interaction in list(self.by_id.values()):
            if not interaction.expired:
                break
            del self.by_id[interaction.id]
            del self.by_token[interaction.token]
