"""Can many at once use more than a limit allows?

    python -m benchmarks.overspend

A hundred people ask in a hundred conversations at the same moment, on a server with a hard limit of tokens and a key
without limits. Engine, storage, client and local Infermatic are the real ones. What a request may take is set aside
before it is made: the prompt as we estimate it and the longest reply. So the limit can be passed by no more than what
the service counts beyond that.

Ends with 1 if it is passed by more.
"""

import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from benchmarks.virtual_time import VirtualTime
from benchmarks.waiting import GUILD, WORDS, Reader, conversations_on, service
from chat.answers import Outcome, Question
from chat.conversations import Conversations
from chat.errors import LimitReachedError
from moderation.limiter import Limiter, Reservation
from moderation.limits import window_for
from moderation.presence import Presences
from storage import ConversationKey, Limit, NewTurn, Scope, Storage

AT_ONCE = 100
LIMIT_TOKENS = 1_000


class Watching(Limiter):
    """Notes what is set aside for each person."""

    def __init__(self, storage: Storage) -> None:
        super().__init__(storage.limits, storage.settings, Presences())
        self.estimates: dict[int, int] = {}
        self.storage = storage

    async def reserve(self, key: ConversationKey, user_ids: Sequence[int], tokens: int, *, over: bool) -> Reservation:
        """As the real one."""
        found = await super().reserve(key, user_ids, tokens, over=over)
        if found.reserved is not None:
            self.estimates |= dict.fromkeys(user_ids, tokens)
        return found


async def ask(conversations: Conversations, number: int) -> tuple[int, Outcome] | None:
    """One person asks; None if they are refused at once."""
    channel = number + 1
    turn = NewTurn(ConversationKey(GUILD, channel), channel, channel, channel, f"Person {number}", "And then?", None)
    reader = Reader(asyncio.get_running_loop().time)
    try:
        await conversations.ask(Question(turn, (Scope("channel", channel), Scope("guild", GUILD))), reader)
    except LimitReachedError:
        return None
    await reader.ended.wait()
    assert reader.outcome is not None
    return channel, reader.outcome


async def measure() -> int:
    """Ask, and print what came of it."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTime)
    watching: list[Watching] = []

    def limiter_on(storage: Storage) -> Watching:
        watching.append(Watching(storage))
        return watching[0]

    limit = Limit("guild", 0, "tokens", "month", LIMIT_TOKENS, True, 1, datetime.now(UTC))
    async with service(loop, None) as api, conversations_on(loop, api, None, limiter_on) as conversations:
        storage, estimates = watching[0].storage, watching[0].estimates
        await storage.limits.set(GUILD, limit)
        # As long as the replies are: what is set aside for longer ones than come would hide the error of the rest.
        await storage.settings.put(GUILD, Scope("guild", GUILD), "max_tokens", WORDS, 1)
        found = await asyncio.gather(*(ask(conversations, number) for number in range(AT_ONCE)))
        window = window_for(limit, "guild", 0, datetime.now(UTC))
        counted = (await storage.limits.used(GUILD, [window]))[window]
    used = {who: o.prompt_tokens + o.completion_tokens for who, o in filter(None, found) if o.state == "complete"}
    return report(estimates, used, counted)


def report(estimates: dict[int, int], used: dict[int, int], counted: int) -> int:
    """Print the figures; 1 when a bar is missed."""
    spent, beyond = sum(used.values()), sum(max(0, tokens - estimates[who]) for who, tokens in used.items())
    overspent = max(0, spent - LIMIT_TOKENS)
    print(f"{AT_ONCE} at once, a hard limit of {LIMIT_TOKENS:,} tokens: {len(used)} answered")
    print(f"  set aside {sum(estimates.values()):,}, used {spent:,}, counted {counted:,}")
    print(f"  used beyond the estimates: {beyond:,}; overspent: {overspent:,} tokens (at most that many)")
    held = overspent <= beyond and counted == spent and estimates.keys() == used.keys() and 0 < len(used) < AT_ONCE
    return int(not held)


def main() -> int:
    """Measure on a loop whose time is simulated; 1 when the limit is passed by more than the estimates' error."""
    with asyncio.Runner(loop_factory=VirtualTime) as runner:
        return runner.run(measure())


if __name__ == "__main__":
    sys.exit(main())
