"""Gateway sessions: what a client asked for, what it has been told, and what it missed."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import msgspec

from playground.discord import _message_payloads as message_payloads
from playground.discord import _payloads as payloads
from playground.discord import _permissions as permissions
from playground.discord._flags import Intent
from playground.discord._snowflakes import shard_of

if TYPE_CHECKING:
    from playground.discord._channel import Channel
    from playground.discord._gateway import Connection
    from playground.discord._guild import Guild
    from playground.discord._message import Message
    from playground.discord._state import State

KEPT_EVENTS = 5_000
"""How many events a session can replay; a client that missed more must identify again."""
LARGE_GUILD = 250
_CHUNK_SIZE = 1000
_QUERY_LIMIT = 100


class Session:
    """What lasts between two connections of the same client."""

    def __init__(self, session_id: str, state: State, shard: tuple[int, ...], intents: int) -> None:
        self.id = session_id
        self.state = state
        self.shard_id, self.shard_count = shard
        self.intents = intents
        self.sequence = 0
        self.presence: Any = None
        self.connection: Connection | None = None
        self._kept: deque[tuple[int, bytes]] = deque(maxlen=KEPT_EVENTS)

    def wants(self, intent: int | None, guild: Guild | None, channel: Channel | None) -> bool:
        """Say whether an event is for this session."""
        if intent is not None and self.intents & intent != intent:
            return False
        if guild is None:
            return self.shard_id == 0 and (channel is None or self.state.bot in channel.recipients)
        if shard_of(guild.id, self.shard_count) != self.shard_id or not guild.has_bot or not guild.available:
            return False
        return channel is None or permissions.in_channel(channel, self.state.bot) != 0

    def send(self, event: str, encoded: bytes) -> None:
        """Send an event and keep it for a resume."""
        self.sequence += 1
        frame = b'{"op":0,"t":"%b","s":%d,"d":%b}' % (event.encode(), self.sequence, encoded)
        self._kept.append((self.sequence, frame))
        if self.connection is not None:
            self.connection.send_frame(frame)

    def frames_after(self, sequence: int) -> list[bytes] | None:
        """Give what the client missed; None when that is no longer known or never was."""
        if sequence > self.sequence:
            return None
        missing = self.sequence - sequence
        if missing > len(self._kept):
            return None
        return [frame for number, frame in self._kept if number > sequence]


def encode_message(message: Message, *, whole: bool) -> bytes:
    """Encode a message event."""
    return msgspec.json.encode(message_payloads.gateway_message(message, whole=whole))


def send_ready(session: Session) -> None:
    """Greet a new session and hand it its guilds."""
    state = session.state
    guilds = [g for g in state.guilds.values() if g.has_bot and shard_of(g.id, session.shard_count) == session.shard_id]
    ready = {
        "v": 10,
        "user": payloads.user(state.bot),
        "guilds": [{"id": str(g.id), "unavailable": True} for g in guilds],
        "session_id": session.id,
        "resume_gateway_url": state.resume_url,
        "shard": [session.shard_id, session.shard_count],
        "application": {"id": str(state.application.id), "flags": state.application.flags},
        "private_channels": [],
    }
    session.send("READY", msgspec.json.encode(ready))
    if session.intents & Intent.GUILDS:
        for guild in guilds:
            if guild.available:
                data = guild_create(guild, session) | {"unavailable": False}
                session.send("GUILD_CREATE", msgspec.json.encode(data))


def guild_create(guild: Guild, session: Session) -> dict[str, Any]:
    """Describe a guild as GUILD_CREATE does."""
    bot = session.state.bot
    large = len(guild.members) > LARGE_GUILD
    everybody = session.intents & Intent.GUILD_PRESENCES and not large
    members = list(guild.members.values()) if everybody else [guild.members[bot.id]]
    return payloads.guild(guild) | {
        "joined_at": payloads.iso(guild.members[bot.id].joined_at),
        "large": large,
        "member_count": len(guild.members),
        "members": [payloads.member(m) for m in members],
        "channels": [payloads.channel(c) for c in guild.channels.values()],
        "threads": [payloads.channel(t) for t in visible_threads(guild)],
        "voice_states": [],
        "presences": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }


def visible_threads(guild: Guild) -> list[Channel]:
    """Give the active threads that the bot can see."""
    bot = guild.state.bot
    return [t for t in guild.threads.values() if t.thread and not t.thread.archived and permissions.in_channel(t, bot)]


def send_members(session: Session, data: dict[str, Any]) -> None:
    """Answer a request for members, in pieces of a thousand."""
    guild = session.state.guilds.get(int(data["guild_id"]))
    query, limit, ids = data.get("query"), int(data.get("limit") or 0), data.get("user_ids")
    if guild is None or not guild.has_bot:
        return
    if ids is None and not limit and not session.intents & Intent.GUILD_MEMBERS:
        return  # the whole list needs the intent
    wanted = [int(i) for i in (ids if isinstance(ids, list) else [ids])] if ids is not None else None
    found = _find_members(guild, query or "", limit, wanted)
    pieces = [found[i : i + _CHUNK_SIZE] for i in range(0, len(found), _CHUNK_SIZE)] or [[]]
    for index, piece in enumerate(pieces):
        chunk: dict[str, Any] = {
            "guild_id": str(guild.id),
            "members": piece,
            "chunk_index": index,
            "chunk_count": len(pieces),
        }
        if wanted is not None:
            chunk["not_found"] = [str(i) for i in wanted if i not in guild.members]
        if data.get("nonce") is not None:
            chunk["nonce"] = data["nonce"]
        session.send("GUILD_MEMBERS_CHUNK", msgspec.json.encode(chunk))


def _find_members(guild: Guild, query: str, limit: int, ids: list[int] | None) -> list[dict[str, Any]]:
    if ids is not None:
        return [payloads.member(guild.members[i]) for i in ids[:_QUERY_LIMIT] if i in guild.members]
    prefix = query.casefold()
    matching = [
        m
        for m in guild.members.values()
        if m.user.name.casefold().startswith(prefix) or m.display_name.casefold().startswith(prefix)
    ]
    return [payloads.member(m) for m in (matching[: min(limit, _QUERY_LIMIT)] if limit else matching)]
