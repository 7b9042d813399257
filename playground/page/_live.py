"""Live events: what happens in the world, told to each open page as its person sees it.

Every event has a number. A page that lost its connection says which number it heard last and is told what it missed,
once and in order; when that is no longer known, it is told so and fetches everything again.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import WSCloseCode, web

from playground.discord import InteractionType, events
from playground.infermatic import ApiRequest

from ._asked_in import what_was_said
from ._inspector import request_view
from ._message_view import components_view, message_view
from ._names import PlaceNames
from ._world_view import user_view
from ._writes import write_view

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from playground.discord import Interaction, LocalDiscord, Message, Person
    from playground.discord.events import WorldEvent
    from playground.infermatic import LocalInfermatic

    JSON = dict[str, Any]

KEPT_EVENTS = 1000
"""What a page can miss and still catch up on: about ten busy minutes."""

MAX_WAITING = 2000
"""A page that reads so slowly is disconnected; it then catches up or fetches everything again."""

HEARTBEAT_SECONDS = 20.0

_INTERACTION_KINDS = {
    InteractionType.APPLICATION_COMMAND: "command",
    InteractionType.MESSAGE_COMPONENT: "component",
    InteractionType.AUTOCOMPLETE: "autocomplete",
    InteractionType.MODAL_SUBMIT: "form",
}


@dataclass(frozen=True, slots=True)
class ControlsChanged(events.WorldEvent):
    """Somebody changed from the drawer what goes wrong, how fast the models write or what the key may."""


class Audience:
    """The open pages."""

    def __init__(self, world: LocalDiscord, infermatic: LocalInfermatic | None) -> None:
        self.epoch = secrets.token_hex(4)  # numbers of another run of the playground mean nothing here
        self.number = 0
        self._world = world
        self._infermatic = infermatic
        self._listeners: set[Listener] = set()
        self._removers: list[Callable[[], None]] = []
        self._kept: deque[tuple[int, WorldEvent | ApiRequest]] = deque(maxlen=KEPT_EVENTS)

    def start(self) -> None:
        """Begin to listen to the world."""
        self._removers.append(self._world.subscribe(self.tell))
        if self._infermatic is not None:
            self._removers.append(self._infermatic.subscribe(self.tell))

    async def stop(self) -> None:
        """Send every page away."""
        for remove in self._removers:
            remove()
        self._removers.clear()
        await asyncio.gather(*(listener.close() for listener in self._listeners))

    async def serve(self, request: web.Request, person: Person) -> web.WebSocketResponse:
        """Tell one page what happens until it leaves."""
        socket = web.WebSocketResponse(heartbeat=HEARTBEAT_SECONDS, max_msg_size=1024)
        await socket.prepare(request)
        listener = Listener(person, socket, request.transport)
        missed = self._after(request.query.get("since", ""))
        listener.put("hello", self.number, {"epoch": self.epoch, "caught_up": missed is not None})
        for number, event in missed or ():
            listener.tell(number, event, self._world)
        self._listeners.add(listener)  # no await since the numbers were read: nothing is missed or told twice
        sending = asyncio.create_task(listener.send_all())
        try:
            async for _ in socket:  # pages only listen; reading notices that one has left
                pass
        finally:
            self._listeners.discard(listener)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        return socket

    def tell(self, event: WorldEvent | ApiRequest) -> None:
        """Tell every page, and keep the event for those that are away."""
        self.number += 1
        self._kept.append((self.number, event))
        for listener in self._listeners:
            listener.tell(self.number, event, self._world)

    def _after(self, since: str) -> Iterable[tuple[int, WorldEvent | ApiRequest]] | None:
        """Return what came after "epoch-number"; None when that is not known."""
        epoch, _, text = since.partition("-")
        if epoch != self.epoch or not text.isdecimal():
            return None
        number = int(text)
        oldest = self._kept[0][0] if self._kept else self.number + 1
        if number > self.number or number < oldest - 1:
            return None
        return [kept for kept in self._kept if kept[0] > number]


class Listener:
    """One open page."""

    def __init__(self, person: Person, socket: web.WebSocketResponse, transport: asyncio.Transport | None) -> None:
        self._person = person
        self._socket = socket
        self._transport = transport
        self._waiting: asyncio.Queue[str] = asyncio.Queue(MAX_WAITING)

    def tell(self, number: int, event: WorldEvent | ApiRequest, world: LocalDiscord) -> None:
        """Line up an event if it is this person's business."""
        told = told_to(event, self._person, world)
        if told is not None:
            self.put(told[0], number, told[1])

    def put(self, kind: str, number: int, data: JSON) -> None:
        """Line up what a page hears."""
        try:
            self._waiting.put_nowait(json.dumps({"kind": kind, "id": number, "data": data}))
        except asyncio.QueueFull:
            if self._transport is not None:
                self._transport.abort()

    async def send_all(self) -> None:
        """Send what is lined up, one event after the other."""
        while not self._socket.closed:
            await self._socket.send_str(await self._waiting.get())

    async def close(self) -> None:
        """Send the page away."""
        await self._socket.close(code=WSCloseCode.GOING_AWAY)


def told_to(event: WorldEvent | ApiRequest, person: Person, world: LocalDiscord) -> tuple[str, JSON] | None:
    """Return what a page of this person hears of an event; None when it is none of their business."""
    match event:
        case events.MessageCreated(message) | events.MessageEdited(message) | events.ReactionChanged(message):
            return ("message", message_view(message, person.user)) if _sees(person, message) else None
        case events.MessageDeleted(message):
            gone = {"id": str(message.id), "channel_id": str(message.channel.id)}
            return ("message_gone", gone) if _sees(person, message) else None
        case events.TypingStarted(channel, user):
            member = channel.guild.members.get(user.id) if channel.guild else None
            typing = {"channel_id": str(channel.id), "user": user_view(user, member)}
            return ("typing", typing) if person.sees(channel) else None
        case events.InteractionChanged(interaction) if interaction.user is person.user:
            return "interaction", interaction_view(interaction)
        case events.ModalOpened(interaction, modal) if interaction.user is person.user:
            components = components_view(modal.components, PlaceNames(interaction.channel))
            return "modal", {"interaction_id": str(interaction.id), "title": modal.title, "components": components}
        case _:
            return _told_to_all(event, world)


def _told_to_all(event: WorldEvent | ApiRequest, world: LocalDiscord) -> tuple[str, JSON] | None:
    match event:
        case events.ChannelChanged() | events.GuildChanged():
            return "world", {}
        case events.CommandsChanged():
            return "commands", {}
        case events.BotConnected():
            return "bot", {"online": True}
        case events.BotDisconnected():
            return "bot", {"online": False}
        case ControlsChanged():
            return "controls", {}
        case events.RequestAnswered(request):
            view = write_view(world, request)
            return ("write", view) if view else None
        case ApiRequest():
            return "request", request_view(event, what_was_said(world))
        case _:
            return None


def interaction_view(interaction: Interaction) -> JSON:
    """Return how an interaction stands."""
    return {
        "id": str(interaction.id),
        "kind": _INTERACTION_KINDS[interaction.type],
        "name": interaction.name,
        "channel_id": str(interaction.channel.id),
        "message_id": str(interaction.message.id) if interaction.message else None,
        "acknowledged": interaction.acknowledged,
        "failed": interaction.failed,
    }


def _sees(person: Person, message: Message) -> bool:
    if message.ephemeral_for is not None:
        return message.ephemeral_for == person.user.id
    return person.sees(message.channel)
