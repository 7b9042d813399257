"""What the tests of whole conversations share: watching what the bot shows and what it asked for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from cogs._bot import Bot
from playground.infermatic import ApiRequest
from storage import Limit, Scope, StoredMessage
from storage.records import utc_now
from tests.e2e.conftest import Stage, changed, running

NEWEST = ["🔄", "⏩", "✏️", "🗑️"]
"""The buttons under a newest reply without other swipes."""

FAILED = ["Retry", *NEWEST[1:]]
"""Under a newest reply that broke off."""


def swipes(position: int, count: int, below: list[str] = NEWEST) -> list[str]:
    """The buttons under a newest reply with swipes."""
    return ["◀️", f"{position}/{count}", "▶️", *below]


def shown(stage: Stage, channel: Any = None) -> list[Any]:
    """The bot's messages that stand in a channel."""
    return [m for m in (channel or stage.channel).messages if stage.by_bot(m)]


def asked(stage: Stage) -> list[ApiRequest]:
    """The requests for text."""
    return [request for request in stage.api.requests if request.path != "/v1/models"]


def prompt(request: ApiRequest) -> str:
    """Everything that a request says to the model."""
    return "\n".join(message["content"] for message in request.body["messages"])


def buttons(message: Any) -> list[str]:
    """The labels of a message's buttons, or their emoji where they have none."""
    return [item.get("label") or item["emoji"]["name"] for row in message.components for item in row["components"]]


async def begun(stage: Stage, count: int = 1) -> None:
    """Until so many requests for text have been made."""
    await stage.world.wait_until(lambda: len(asked(stage)) >= count)


async def edits_heard(stage: Stage) -> None:
    """Until the bot has done all that edits of messages ask for."""
    name = "discord.py: on_raw_message_edit"
    await stage.world.wait_until(lambda: not any(task.get_name() == name for task in asyncio.all_tasks()))


async def quiet(stage: Stage, seconds: float = 0.1) -> None:
    """Until no answer is under way, and nothing happened for a moment after that."""
    await stage.settled()
    await asyncio.sleep(seconds)
    await stage.settled()


async def stored(stage: Stage, message: Any) -> StoredMessage:
    """What the history keeps of a message in Discord."""
    assert stage.bot is not None
    guild_id = message.channel.guild.id if message.channel.guild else None
    for _ in range(200):  # it is noted just after it was posted
        if (found := await stage.bot.services.storage.history.by_discord_id(guild_id, message.id)) is not None:
            return found
        await asyncio.sleep(0.01)
    raise AssertionError(f"the history does not know {message}")


def slow_text(words: int) -> str:
    """A text of so many different words; each is one or two tokens of the local Infermatic."""
    return " ".join(f"w{number}" for number in range(words))


async def allow_long_replies(stage: Stage) -> None:
    """Let replies have thousands of tokens in the stage's server."""
    assert stage.bot is not None
    scope = Scope("guild", stage.guild.id)
    await stage.bot.services.storage.settings.put(stage.guild.id, scope, "max_tokens", 8000, stage.admin.user.id)


@asynccontextmanager
async def one_slot(stage: Stage, **changes: Any) -> AsyncIterator[Bot]:
    """The bot with a key that takes one request at a time, as the service sees it, too."""
    stage.api.add_key("sk-local", changes.get("requests_per_minute"), 1)
    async with running(stage, changed(stage.settings, parallel_requests=1, **changes)) as bot:
        yield bot


async def occupy(stage: Stage, channel: Any = None) -> Any:
    """Let Tom's question in another channel take the one slot until the service is released."""
    stage.api.hold()
    stage.api.replies.add("done at last")
    channel = channel or stage.guild.add_text_channel("elsewhere")
    count = len(asked(stage))
    await stage.tom.say(channel, f"{stage.mention} something long")
    await begun(stage, count + 1)
    return channel


async def waiting(stage: Stage, count: int) -> None:
    """Until so many wait for the slot."""
    assert stage.bot is not None
    queue = stage.bot.services.conversations._generator._queue
    await stage.world.wait_until(lambda: len(queue) == count)


async def limit(stage: Stage, amount: int, *, hard: bool = True, **changes: Any) -> None:
    """A limit of each person on the stage's server, unless something else is said."""
    assert stage.bot is not None
    values: dict[str, Any] = {"scope_kind": "user", "scope_id": 0, "unit": "requests", "period": "day"} | changes
    made = Limit(**values, amount=amount, hard=hard, set_by=stage.admin.user.id, set_at=utc_now())
    await stage.bot.services.storage.limits.set(stage.guild.id, made)
