"""Tells moderators in their channel what was refused, blocked and flagged, without flooding it."""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any, Final

import discord
from discord import app_commands

from chat.errors import LimitReachedError
from cogs._bot import Bot
from cogs._posts import WRITE_PROBLEMS
from cogs._words import link_to
from moderation.access import Reason, RefusedError
from moderation.filters import FlaggedText
from moderation.server_setup import LOG_CHANNEL, LOG_FLAGS, LOG_REFUSALS
from storage import Scope

SPACING_SECONDS: Final = 10.0
MOST_LABELS: Final = 5
LONGEST_LABEL: Final = 60
MOST_LINES: Final = 10
LONGEST_LINES: Final = 1_900
"""Characters in one message, below Discord's 2,000."""

DEFAULTS: Final = {LOG_CHANNEL: None, LOG_FLAGS: True, LOG_REFUSALS: False}
DEEDS = {
    ("asked", "block"): "I refused what {who} said in {where}",
    ("asked", "flag"): "{who} said something in {where}",
    ("answered", "block"): "I stopped a reply to {who} in {where}",
    ("answered", "flag"): "I answered {who} in {where}",
}
REFUSALS = {
    Reason.DENIED: "a moderator denied it",
    Reason.NOT_ALLOWED: "not on the list of what is allowed",
    Reason.PAUSED: "I am paused",
    Reason.LIMITED: "a limit is reached",
}
"""Why something was refused. What filters refuse is told as what they blocked, and rights are nobody's news."""


@dataclass(slots=True)
class _Waiting:
    """What came up since the last message, in order; what does not fit into the next one is counted."""

    lines: list[str]
    more: int = 0

    def add(self, line: str) -> None:
        """Keep a line if there is room for it."""
        fits = len(self.lines) < MOST_LINES and sum(map(len, self.lines)) + len(line) < LONGEST_LINES
        if fits and not self.more:
            self.lines.append(line)
        else:
            self.more += 1

    def take(self) -> str:
        """The next message."""
        told = [*self.lines, *([f"-# and {self.more} more"] if self.more else [])]
        self.lines, self.more = [], 0
        return "\n".join(told)


class LogPosts:
    """One message in so many seconds and server."""

    def __init__(self, bot: Bot, *, spacing_seconds: float = SPACING_SECONDS) -> None:
        self.spacing_seconds = spacing_seconds
        self._bot = bot
        self._waiting: dict[int, _Waiting] = {}

    def __call__(self, flagged: FlaggedText) -> None:
        """A filter found something. What it blocked is a refusal, too."""
        wanted = {LOG_FLAGS} if flagged.action == "flag" else {LOG_FLAGS, LOG_REFUSALS}
        self._bot.begin_chore(self._tell(flagged.guild_id, flag_words(flagged), wanted))

    def refused(self, error: BaseException, user_id: int, guild_id: int | None, channel_id: int | None) -> None:
        """Somebody was refused something; most reasons are between the bot and them."""
        reason = _reason_of(error)
        if reason in REFUSALS and guild_id is not None:
            words = f"🚫 I refused <@{user_id}> in <#{channel_id}>: {REFUSALS[reason]}"
            self._bot.begin_chore(self._tell(guild_id, words, {LOG_REFUSALS}))

    async def _tell(self, guild_id: int, words: str, wanted: set[str]) -> None:
        channel = await log_channel(self._bot, guild_id, wanted)
        if channel is None:
            return
        if (waiting := self._waiting.get(guild_id)) is not None:
            waiting.add(words)
            return
        self._waiting[guild_id] = waiting = _Waiting([words])
        try:
            while waiting.lines:
                with contextlib.suppress(*WRITE_PROBLEMS):
                    await channel.send(waiting.take(), suppress_embeds=True)
                await asyncio.sleep(self.spacing_seconds)
        finally:
            del self._waiting[guild_id]


async def log_channel(bot: Bot, guild_id: int, wanted: set[str] | None = None) -> discord.abc.Messageable | None:
    """The moderators' channel of a server, if there is one and it is to hear of any of what is `wanted`."""
    settings = bot.services.storage.settings
    found = await settings.resolve(guild_id, [Scope("guild", guild_id)], DEFAULTS)
    if wanted is not None and not any(found[name].value for name in wanted):
        return None
    return channel_of(bot, guild_id, found[LOG_CHANNEL].value)


def channel_of(bot: Bot, guild_id: int, channel_id: int | None) -> discord.abc.Messageable | None:
    """A channel or thread, if it is one of this server's."""
    channel: Any = bot.get_channel(channel_id or 0)
    is_here = getattr(getattr(channel, "guild", None), "id", None) == guild_id
    return channel if is_here and isinstance(channel, discord.abc.Messageable) else None


def _reason_of(error: BaseException) -> Reason | None:
    if isinstance(error, app_commands.CommandInvokeError):
        return _reason_of(error.original)
    if isinstance(error, LimitReachedError):
        return Reason.LIMITED
    return error.reason if isinstance(error, RefusedError) else None


def flag_words(flagged: FlaggedText) -> str:
    """What happened, where, and by which filters."""
    labels = [f"`{plain_label(label)}`" for label in flagged.labels[:MOST_LABELS]]
    if len(flagged.labels) > MOST_LABELS:
        labels.append("…")
    deed = DEEDS[flagged.side, "flag" if flagged.action == "flag" else "block"]
    told = deed.format(who=f"<@{flagged.person_id}>", where=f"<#{flagged.channel_id}>")
    sign = "🚩" if flagged.action == "flag" else "🛡️"
    late = " (the pattern took too long, which counts as found)" if flagged.late else ""
    # Discord shows what stands next to an id, which is made from the time.
    link = link_to(flagged.guild_id, flagged.channel_id, discord.utils.time_snowflake(discord.utils.utcnow()))
    there = f" · [look there]({link})" if flagged.action == "flag" else ""
    return f"{sign} {told}: {', '.join(labels)}{late}{there}"


def plain_label(label: str) -> str:
    """A filter's text as code on one line."""
    plain = " ".join(label.replace("`", "'").split())
    return plain if len(plain) <= LONGEST_LABEL else f"{plain[: LONGEST_LABEL - 1]}…"
