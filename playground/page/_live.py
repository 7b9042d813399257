"""Live events: what happens in the world, told to each open page as its person sees it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from aiohttp import WSCloseCode, web

from playground.discord import events

from ._inspector import request_view
from ._message_view import components_view, message_view
from ._names import PlaceNames
from ._world_view import user_view

if TYPE_CHECKING:
    from collections.abc import Callable

    from playground.discord import Interaction, LocalDiscord, Message, Person
    from playground.discord.events import WorldEvent
    from playground.infermatic import ApiRequest, LocalInfermatic

    JSON = dict[str, Any]

MAX_WAITING = 2000
"""A page that reads so slowly is disconnected; it then fetches everything again."""

HEARTBEAT_SECONDS = 20.0


class Audience:
    """The open pages."""

    def __init__(self, world: LocalDiscord, infermatic: LocalInfermatic | None) -> None:
        self._world = world
        self._infermatic = infermatic
        self._listeners: set[Listener] = set()
        self._removers: list[Callable[[], None]] = []

    def start(self) -> None:
        """Begin to listen to the world."""
        self._removers.append(self._world.subscribe(self._tell))
        if self._infermatic is not None:
            self._removers.append(self._infermatic.subscribe(self._tell_request))

    async def stop(self) -> None:
        """Send every page away."""
        for remove in self._removers:
            remove()
        self._removers.clear()
        for listener in list(self._listeners):
            await listener.close()

    async def serve(self, request: web.Request, person: Person) -> web.WebSocketResponse:
        """Tell one page what happens until it leaves."""
        socket = web.WebSocketResponse(heartbeat=HEARTBEAT_SECONDS, max_msg_size=1024)
        await socket.prepare(request)
        listener = Listener(person, socket, request.transport)
        self._listeners.add(listener)
        listener.put("hello", {})  # from here on nothing is missed
        sending = asyncio.create_task(listener.send_all())
        try:
            async for _ in socket:  # pages only listen; reading notices that one has left
                pass
        finally:
            self._listeners.discard(listener)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        return socket

    def _tell(self, event: WorldEvent) -> None:
        for listener in self._listeners:
            told = told_to(event, listener.person)
            if told is not None:
                listener.put(*told)

    def _tell_request(self, request: ApiRequest) -> None:
        if not self._listeners:
            return
        view = request_view(request)
        for listener in self._listeners:
            listener.put("request", view)


class Listener:
    """One open page."""

    def __init__(self, person: Person, socket: web.WebSocketResponse, transport: asyncio.Transport | None) -> None:
        self.person = person
        self._socket = socket
        self._transport = transport
        self._waiting: asyncio.Queue[str] = asyncio.Queue(MAX_WAITING)

    def put(self, kind: str, data: JSON) -> None:
        """Line up an event."""
        try:
            self._waiting.put_nowait(json.dumps({"kind": kind, "data": data}))
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


def told_to(event: WorldEvent, person: Person) -> tuple[str, JSON] | None:
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
        case events.ChannelChanged() | events.GuildChanged():
            return "world", {}
        case events.CommandsChanged():
            return "commands", {}
        case events.BotConnected():
            return "bot", {"online": True}
        case events.BotDisconnected():
            return "bot", {"online": False}
        case events.InteractionChanged(interaction) if interaction.user is person.user:
            return "interaction", interaction_view(interaction)
        case events.ModalOpened(interaction, modal) if interaction.user is person.user:
            components = components_view(modal.components, PlaceNames(interaction.channel))
            return "modal", {"interaction_id": str(interaction.id), "title": modal.title, "components": components}
        case _:
            return None


def interaction_view(interaction: Interaction) -> JSON:
    """Return how an interaction stands."""
    return {
        "id": str(interaction.id),
        "name": interaction.name,
        "channel_id": str(interaction.channel.id),
        "acknowledged": interaction.acknowledged,
        "failed": interaction.failed,
    }


def _sees(person: Person, message: Message) -> bool:
    if message.ephemeral_for is not None:
        return message.ephemeral_for == person.user.id
    return person.sees(message.channel)
