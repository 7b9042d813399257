"""The gateway: one WebSocket for each connection, sessions that outlive them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import WSMsgType, web

from playground.discord import _sessions as sessions
from playground.discord import events
from playground.discord._flags import KNOWN_INTENTS, Intent
from playground.discord._sessions import Session

if TYPE_CHECKING:
    from playground.discord._channel import Channel
    from playground.discord._guild import Guild
    from playground.discord._message import Message
    from playground.discord._state import State

_log = logging.getLogger(__name__)

HEARTBEAT_INTERVAL_MS = 41_250
# discord.py notes when it sent a heartbeat only after sending; an answer that is quicker than that reads as 41 s late.
_ACK_SECONDS = 0.02
COMMANDS_PER_MINUTE = 120
"""A client that sends more is closed with 4008."""
_CLOSE_HANDSHAKE_SECONDS = 0.5
_MAX_COMMAND_BYTES = 4096

_DISPATCH, _HEARTBEAT, _IDENTIFY, _PRESENCE, _VOICE_STATE = 0, 1, 2, 3, 4
_RESUME, _RECONNECT, _REQUEST_MEMBERS, _INVALID_SESSION, _HELLO, _ACK = 6, 7, 8, 9, 10, 11
_CLIENT_ENDED_SESSION = frozenset({1000, 1001})


class Gateway:
    """All sessions and connections of the bot."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.sessions: dict[str, Session] = {}
        self.connections: set[Connection] = set()
        self.refusals: list[int] = []
        """Close codes for the next IDENTIFYs."""
        self.identifies = 0
        self.resumes = 0

    async def serve(self, request: web.BaseRequest) -> web.WebSocketResponse:
        """Talk with one client until either side hangs up."""
        socket = web.WebSocketResponse(timeout=_CLOSE_HANDSHAKE_SECONDS, compress=False, max_msg_size=1 << 20)
        await socket.prepare(request)
        connection = Connection(self, socket, request)
        self.connections.add(connection)
        try:
            await connection.run()
        finally:
            self.connections.discard(connection)
        return socket

    def dispatch(
        self, event: str, data: dict[str, Any], *, intent: int | None, guild: Guild | None, channel: Channel | None
    ) -> None:
        """Send an event to every session that asked for it and may see it."""
        encoded: bytes | None = None
        for session in self.sessions.values():
            if session.wants(intent, guild, channel):
                encoded = encoded or msgspec.json.encode(data)
                session.send(event, encoded)

    def dispatch_message(self, event: str, message: Message) -> None:
        """Send a message, censored for sessions without the message content intent."""
        private = message.channel.guild is None or message.ephemeral
        intent = Intent.DIRECT_MESSAGES if private else Intent.GUILD_MESSAGES
        encoded: dict[bool, bytes] = {}
        for session in self.sessions.values():
            if not session.wants(intent, message.channel.guild, message.channel):
                continue
            whole = bool(session.intents & Intent.MESSAGE_CONTENT)
            if whole not in encoded:
                encoded[whole] = sessions.encode_message(message, whole=whole)
            session.send(event, encoded[whole])

    def close_all(self, code: int, *, abort: bool = False, shard_id: int | None = None) -> None:
        """Hang up on every connection, politely or by cutting it."""
        for connection in list(self.connections):
            if shard_id is None or (connection.session and connection.session.shard_id == shard_id):
                connection.hang_up(code, abort=abort)

    def forget(self, session: Session) -> None:
        """End a session: it cannot be resumed."""
        self.sessions.pop(session.id, None)


class Connection:
    """One WebSocket and the session that speaks through it."""

    def __init__(self, gateway: Gateway, socket: web.WebSocketResponse, request: web.BaseRequest) -> None:
        self.gateway = gateway
        self.state = gateway.state
        self.socket = socket
        self.request = request
        self.session: Session | None = None
        self._outgoing: asyncio.Queue[bytes | int] = asyncio.Queue()
        self._sent_at: list[float] = []
        self._hung_up = False

    async def run(self) -> None:
        """Greet the client and obey it until the connection ends."""
        writer = asyncio.create_task(self._write(), name="local-discord-gateway-writer")
        self.send_op(_HELLO, {"heartbeat_interval": HEARTBEAT_INTERVAL_MS, "_trace": ["local"]})
        try:
            async for message in self.socket:
                if message.type is WSMsgType.TEXT:
                    self._receive(message.data)
                elif message.type is WSMsgType.BINARY:
                    self.hang_up(4002)
        finally:
            writer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await writer
            self._detach()

    async def _write(self) -> None:
        """Send what is queued; a number is the code to close with."""
        with contextlib.suppress(ConnectionError):
            while True:
                item = await self._outgoing.get()
                if isinstance(item, int):
                    await self.socket.close(code=item)
                    return
                await self.socket.send_frame(item, WSMsgType.TEXT)

    def send_frame(self, frame: bytes) -> None:
        """Queue a frame."""
        self._outgoing.put_nowait(frame)

    def send_op(self, op: int, data: Any) -> None:
        """Queue a message that is not an event."""
        self.send_frame(msgspec.json.encode({"op": op, "d": data, "s": None, "t": None}))

    def hang_up(self, code: int, *, abort: bool = False) -> None:
        """Close with a code, or cut the connection without a word."""
        self._hung_up = True
        if not abort:
            self._outgoing.put_nowait(code)
        elif self.request.transport is not None:
            self.request.transport.abort()

    def _detach(self) -> None:
        session = self.session
        if session is None or session.connection is not self:
            return
        session.connection = None
        if self.socket.close_code in _CLIENT_ENDED_SESSION and not self._hung_up:
            self.gateway.forget(session)
        self.state.publish(events.BotDisconnected(session.shard_id))

    def _receive(self, text: str) -> None:
        if not self._within_limits(text):
            return
        try:
            self._obey(msgspec.json.decode(text))
        except (msgspec.DecodeError, KeyError, TypeError, ValueError, AttributeError):
            _log.warning("A frame could not be understood", exc_info=True)
            self.hang_up(4002)

    def _obey(self, message: dict[str, Any]) -> None:
        op = message["op"]
        data: Any = message.get("d")
        if op == _HEARTBEAT:
            asyncio.get_running_loop().call_later(_ACK_SECONDS, self.send_op, _ACK, None)
        elif op == _IDENTIFY:
            self._identify(data)
        elif op == _RESUME:
            self._resume(data)
        elif self.session is None:
            self.hang_up(4003)
        elif op == _REQUEST_MEMBERS:
            sessions.send_members(self.session, data)
        elif op == _PRESENCE:
            self.session.presence = data
        elif op != _VOICE_STATE:
            self.hang_up(4001)

    def _within_limits(self, text: str) -> bool:
        now = self.state.clock()
        self._sent_at = [t for t in self._sent_at if t > now - 60]
        self._sent_at.append(now)
        if len(self._sent_at) > COMMANDS_PER_MINUTE:
            self.hang_up(4008)
            return False
        if len(text.encode()) > _MAX_COMMAND_BYTES:
            self.hang_up(4002)
            return False
        return True

    def _identify(self, data: dict[str, Any]) -> None:
        self.gateway.identifies += 1
        shard = data.get("shard") or [0, 1]
        code = self._refusal(data, shard)
        if code is not None:
            self.hang_up(code)
            return
        session = Session(secrets.token_hex(16), self.state, tuple(shard), int(data["intents"]))
        session.presence = data.get("presence")
        session.connection = self
        self.session = session
        self.gateway.sessions[session.id] = session
        sessions.send_ready(session)
        self.state.publish(events.BotConnected(session.shard_id, resumed=False))

    def _refusal(self, data: dict[str, Any], shard: list[int]) -> int | None:
        """Say with which close code an IDENTIFY is refused."""
        intents = data.get("intents")
        if self.session is not None:
            return 4005
        if self.gateway.refusals:
            return self.gateway.refusals.pop(0)
        if data.get("token") != self.state.token:
            return 4004
        if not 0 <= shard[0] < shard[1]:
            return 4010
        if not isinstance(intents, int) or intents & ~KNOWN_INTENTS:
            return 4013
        return 4014 if intents & ~self.state.allowed_intents else None

    def _resume(self, data: dict[str, Any]) -> None:
        self.gateway.resumes += 1
        session = self.gateway.sessions.get(data.get("session_id", ""))
        if data.get("token") != self.state.token:
            self.hang_up(4004)
            return
        frames = session.frames_after(data.get("seq") or 0) if session else None
        if session is None or frames is None:
            self.send_op(_INVALID_SESSION, False)
            return
        if session.connection is not None:
            session.connection.hang_up(4000)
        session.connection = self
        self.session = session
        for frame in frames:
            self.send_frame(frame)
        session.send("RESUMED", b'{"_trace":["local"]}')
        self.state.publish(events.BotConnected(session.shard_id, resumed=True))

    def invalidate(self, *, resumable: bool) -> None:
        """Tell the client that its session is over, or only that it should resume."""
        self.send_op(_INVALID_SESSION, resumable)

    def ask_to_reconnect(self) -> None:
        """Tell the client to connect again and resume."""
        self.send_op(_RECONNECT, None)
