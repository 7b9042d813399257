"""Short texts that stand beside a reply: the place in line, and how the reply ended."""

from collections.abc import Sequence

import discord

from chat.answers import Outcome
from chat.generation import FILTERED
from chat.queue import Place
from cogs._errors import Explanation
from storage import StoredMessage

FILTER_NOTE = "🛡️ This server's filter stopped the reply here."
QUESTION_EDITED = "✏️ The question was edited. 🔄 answers again."
QUESTION_CUT = "✏️ Part of the question was deleted. 🔄 answers again."
QUESTION_DELETED = "✏️ The question was deleted. 🗑️ deletes this, too."


def place_in_line(place: Place) -> str:
    """The notice for someone who waits."""
    if place.busy_elsewhere:
        return "-# ⏳ The API key is busy elsewhere. I answer as soon as it is free."
    expected = max(5, round(place.expected_seconds / 5) * 5)
    if place.ahead == 0:
        return f"-# ⏳ You are next, in about {expected} seconds."
    return f"-# ⏳ {place.ahead} before you, about {expected} seconds."


def ending(outcome: Outcome, explanation: Explanation | None, heard: Sequence[str] = ()) -> str:
    """The small print under a reply; empty when there is none. `heard` tells what was read of the question."""
    notes = [f"-# {note}" for note in heard]
    if explanation is not None:
        notes.append(f"-# ⚠️ {explanation.text}")
    elif outcome.state == "stopped":
        notes.append("-# ⏹️ Stopped.")
    elif outcome.finish_reason == FILTERED:
        notes.append(f"-# {FILTER_NOTE}")
    elif outcome.finish_reason == "length":
        notes.append("-# ✂️ The reply reached its limit. ⏩ goes on.")
    if outcome.gone_model is not None:
        notes.append(
            f"-# `{outcome.gone_model}` is not served any more; `{outcome.model}` answered. Change: `/model set`"
        )
    return "".join(f"\n{note}" for note in notes)


def state_note(reply: StoredMessage) -> str:
    """The small print under a reply that is shown again."""
    if reply.state == "stopped":
        return "\n-# ⏹️ Stopped."
    if reply.state in {"interrupted", "failed"}:
        return "\n-# ⚠️ This reply broke off."
    if reply.finish_reason == FILTERED:
        return f"\n-# {FILTER_NOTE}"
    return "\n-# ✂️ The reply reached its limit. ⏩ goes on." if reply.finish_reason == "length" else ""


def way_back(previous: str | None) -> str:
    """The small print under a move of the conversation; `previous` is the branch on which it was."""
    if previous is None:
        return "-# It stood at its beginning before; `/reset` goes back there."
    return f"-# What was said before is kept. To go back: `/history checkout branch:{previous}`"


def link_to(guild_id: int | None, channel_id: int, discord_id: int) -> str:
    """The address of a message in Discord."""
    return f"https://discord.com/channels/{guild_id or '@me'}/{channel_id}/{discord_id}"


def changed_note(asked: Sequence[StoredMessage], *, deleted: bool) -> str:
    """Under a reply whose question was edited or deleted, and reads like this now."""
    if not deleted:
        return QUESTION_EDITED
    return QUESTION_CUT if any(message.has_words for message in asked) else QUESTION_DELETED


def plain(text: str) -> str:
    """A text on one line in which no sign means anything to Discord."""
    return discord.utils.escape_mentions(discord.utils.escape_markdown(" ".join(text.split())))


def quoted(text: str, said_by: str | None = None, limit: int = 300) -> str:
    """The beginning of a text as a Discord quote, and who said it where that cannot be seen otherwise."""
    short = text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
    if short.count("```") % 2:
        short += "\n```"  # else the answer below would count as code when it is split
    lines = [f"-# {plain(said_by)}:"] if said_by else []
    return "\n".join(f"> {line}" for line in (*lines, *short.splitlines())) + "\n"
