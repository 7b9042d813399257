"""Tells moderators in their channel what filters blocked and flagged, without flooding it."""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any, Final

from cogs._bot import Bot
from cogs._posts import WRITE_PROBLEMS
from moderation.filters import FlaggedText
from storage import Scope

SETTING: Final = "log_channel"
SPACING_SECONDS: Final = 10.0
MOST_LABELS: Final = 5
LONGEST_LABEL: Final = 60

DEEDS = {
    ("asked", "block"): "I refused what {who} said in {where}",
    ("asked", "flag"): "{who} said something in {where}",
    ("answered", "block"): "I stopped a reply to {who} in {where}",
    ("answered", "flag"): "I answered {who} in {where}",
}


@dataclass(slots=True)
class _Waiting:
    """What was found since the last message; the newest is told, the rest is counted."""

    newest: str = ""
    count: int = 0


class FlagPosts:
    """One message in so many seconds and channel."""

    def __init__(self, bot: Bot, *, spacing_seconds: float = SPACING_SECONDS) -> None:
        self.spacing_seconds = spacing_seconds
        self._bot = bot
        self._waiting: dict[int, _Waiting] = {}

    def __call__(self, flagged: FlaggedText) -> None:
        self._bot.begin_chore(self._tell(flagged))

    async def _tell(self, flagged: FlaggedText) -> None:
        guild_id = flagged.guild_id
        found = await self._bot.services.storage.settings.resolve(guild_id, [Scope("guild", guild_id)], {SETTING: None})
        channel: Any = self._bot.get_channel(found[SETTING].value or 0)
        if getattr(getattr(channel, "guild", None), "id", None) != guild_id:
            return
        if (waiting := self._waiting.get(channel.id)) is not None:
            waiting.newest, waiting.count = flag_words(flagged), waiting.count + 1
            return
        self._waiting[channel.id] = waiting = _Waiting(flag_words(flagged), 1)
        try:
            while waiting.count:
                more = f"\n-# and {waiting.count - 1} more since the last message" if waiting.count > 1 else ""
                text, waiting.count = waiting.newest + more, 0
                with contextlib.suppress(*WRITE_PROBLEMS):
                    await channel.send(text)
                await asyncio.sleep(self.spacing_seconds)
        finally:
            del self._waiting[channel.id]


def flag_words(flagged: FlaggedText) -> str:
    """What happened, where, and by which filters."""
    labels = [f"`{plain_label(label)}`" for label in flagged.labels[:MOST_LABELS]]
    if len(flagged.labels) > MOST_LABELS:
        labels.append("…")
    deed = DEEDS[flagged.side, "flag" if flagged.action == "flag" else "block"]
    told = deed.format(who=f"<@{flagged.person_id}>", where=f"<#{flagged.channel_id}>")
    sign = "🚩" if flagged.action == "flag" else "🛡️"
    late = "\n-# The pattern took too long, which counts as found." if flagged.late else ""
    return f"{sign} {told}: {', '.join(labels)}{late}"


def plain_label(label: str) -> str:
    """A filter's text as code on one line."""
    plain = " ".join(label.replace("`", "'").split())
    return plain if len(plain) <= LONGEST_LABEL else f"{plain[: LONGEST_LABEL - 1]}…"
