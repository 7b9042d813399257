"""Where in Discord a request to the model API came from.

The API is not told. So what counts is where its answer stands; until there is one, the newest thing that was said
before the request and whose words the prompt's last turn holds.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from playground.infermatic._tokenizer import text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playground.discord import Channel, LocalDiscord
    from playground.infermatic import ApiRequest

    JSON = dict[str, Any]

RECENT_MESSAGES = 30
"""How far back is looked in each channel."""

LEAST_ANSWER = 24
"""So much of an answer must stand in Discord before it tells answers apart."""

_CODES = re.compile(r"<[@#:/a][^<>]*>")
_SMALL_PRINT = "\n-# "
_LATE_SECONDS = 0.05  # the request's time is read a moment after the message's


@dataclass(frozen=True, slots=True)
class Said:
    """Some words, where and when."""

    id: int  # of the message or interaction, which grows with time
    words: str
    channel_id: int
    at: float  # seconds since 1970
    by_bot: bool = False


def what_was_said(world: LocalDiscord) -> list[Said]:
    """Return what was said lately in messages and commands, newest first."""
    found = [*_messages(world), *_commands(world)]
    return sorted(found, key=lambda said: -said.id)


def asked_in(request: ApiRequest, said: list[Said]) -> str | None:
    """Return the id of the channel from which a request came; None when no words fit."""
    turn = _last_turn(request.body)
    answers = [one for one in said if one.by_bot and request.text.startswith(one.words)]
    if answers:
        return str(max(answers, key=lambda one: len(one.words)).channel_id)
    at = time.time() - (time.monotonic() - request.at) + _LATE_SECONDS
    fitting = (one.channel_id for one in said if not one.by_bot and one.at <= at and one.words in turn)
    channel_id = next(fitting, None) if turn else None
    return str(channel_id) if channel_id else None


def places_of(world: LocalDiscord) -> Iterator[Channel]:
    """Give every channel, thread and conversation."""
    for guild in world.guilds:
        yield from guild.channels.values()
        yield from guild.threads.values()
    yield from world.conversations


def _messages(world: LocalDiscord) -> Iterator[Said]:
    for channel in places_of(world):
        for message in channel.messages[-RECENT_MESSAGES:]:
            proxied = message.author.is_webhook and message.application_id is None  # somebody's, in another name
            by_bot = message.author.bot and not proxied
            words = message.content.partition(_SMALL_PRINT)[0] if by_bot else _words(message.content)
            if len(words) >= (LEAST_ANSWER if by_bot else 1):
                yield Said(message.id, words, channel.id, message.created_at.timestamp(), by_bot)


def _commands(world: LocalDiscord) -> Iterator[Said]:
    offset = time.time() - time.monotonic()
    for interaction in world.interactions:
        for text in _texts(interaction.data.get("options") or []):
            if words := _words(text):
                yield Said(interaction.id, words, interaction.channel.id, interaction.created_at + offset)


def _texts(options: list[JSON]) -> Iterator[str]:
    for option in options:
        yield from _texts(option.get("options") or [])
        if isinstance(option.get("value"), str):
            yield option["value"]


def _words(text: str) -> str:
    """Return the longest piece between mentions, which reach the model under other names."""
    return max((piece.strip() for piece in _CODES.split(text)), key=len)


def _last_turn(body: JSON) -> str:
    messages = body.get("messages")
    if isinstance(messages, list):
        turns = [text_of(m.get("content")) for m in messages if isinstance(m, dict) and m.get("role") == "user"]
        return turns[-1] if turns else ""
    return str(body.get("prompt") or "")
