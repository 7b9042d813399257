"""The conversations of all channels: who asked what, which answers are under way, and what people do to them.

One conversation answers one question at a time; others wait in line behind it, and what is said while a question waits
for its slot joins it. Different conversations run in parallel as far as the keys allow.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from chat.answers import Answer, Outcome, Question, Screen
from chat.errors import ChatError, NothingThereError, ReplyInterruptedError, StaleControlError
from chat.generation import Generator
from chat.metrics import Metrics
from chat.queue import Priority
from infermatic_client import InfermaticError
from storage import (
    BegunTurn,
    ConversationKey,
    History,
    Scope,
    Settlement,
    StorageError,
    StoredMessage,
    TurnStartedError,
    Usage,
    UsageRow,
)

logger = logging.getLogger(__name__)


# A conversation, or the message from which a side branch of it goes on.
LaneKey = tuple[ConversationKey, int | None]


@dataclass(frozen=True, slots=True)
class UndoneTurn:
    """What `/undo` took back: the user's messages, the reply, and where both stand in Discord."""

    user_messages: tuple[StoredMessage, ...]
    reply: StoredMessage
    user_discord_ids: tuple[int, ...]
    reply_discord_ids: tuple[int, ...]


@dataclass(eq=False, slots=True)
class _Lane:
    """One conversation's line, kept while somebody uses it."""

    key: LaneKey | None  # None: of a text completion, which is no part of any conversation
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    last: Answer | None = None  # to be joined while it waits, and to be waited for
    users: int = 0


class Conversations:
    """The engine's front: a cog calls one method and shows what comes of it."""

    def __init__(self, history: History, usage: Usage, generator: Generator, metrics: Metrics) -> None:
        self._history = history
        self._usage = usage
        self._generator = generator
        self._metrics = metrics
        self._lanes: dict[LaneKey, _Lane] = {}
        self._answers: dict[int, Answer] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    # --- asking

    async def ask(self, question: Question, screen: Screen) -> Answer | None:
        """Remember what was said and see that it is answered; None when this message was taken up before."""
        turn = question.turn
        async with self._lane((turn.key, None if turn.on_head else turn.parent_id)) as lane:
            if lane.last is not None:
                with contextlib.suppress(TurnStartedError):
                    return await self._join(lane.last, question, screen)
            begun = await self._history.begin_turn(turn)
            if begun is None:
                return None
            return self._start(lane, turn.key, turn.author_id, question.scopes, begun, screen, on_head=turn.on_head)

    async def answer_again(
        self,
        key: ConversationKey,
        reply_id: int,
        claim_id: int,
        asker_id: int,
        scopes: tuple[Scope, ...],
        screen: Screen,
    ) -> Answer | None:
        """Another reply to the same question, as a sibling of `reply_id`; None when that is under way already.

        Raises `StaleControlError` for a reply that cannot be answered again.
        """
        reply = await self._history.message(key.guild_id, reply_id)
        if reply is None or reply.parent_id is None or reply_id in self._answers or reply.channel_id != key.channel_id:
            raise StaleControlError
        async with self._lane((key, None)) as lane:
            if any(answer.replaces == reply_id for answer in self._answers.values()):
                return None
            on_head = await self._history.head(key) == reply_id
            begun = await self._history.begin_reply(key, reply.parent_id, claim_id, asker_id, None, on_head)
            if begun is None:
                return None
            return self._start(lane, key, asker_id, scopes, begun, screen, replaces=reply_id)

    async def complete(
        self,
        key: ConversationKey,
        claim_id: int,
        asker_id: int,
        scopes: tuple[Scope, ...],
        screen: Screen,
        prompt: str,
        *,
        model: str | None = None,
        max_tokens: int | None = None,
    ) -> Answer | None:
        """A text completion: streamed like a reply, but no part of any conversation."""
        if not await self._history.claim(claim_id, "complete"):
            return None
        answer = Answer(
            claim_id, key, asker_id, screen, scopes, None, self._history,
            prompt_text=prompt, model=model, max_tokens=max_tokens, joinable=False,
        )  # fmt: skip
        self._launch(answer, None, _Lane(None))
        return answer

    # --- what people do to answers and histories

    def answer_under_way(self, reply_id: int) -> Answer | None:
        """The answer with this id while it is waiting or being written."""
        return self._answers.get(reply_id)

    def answers_in(self, guild_id: int | None, channel_id: int) -> list[Answer]:
        """The answers under way in a channel, oldest first."""
        return [a for a in self._answers.values() if a.key.guild_id == guild_id and a.key.channel_id == channel_id]

    async def undo(self, key: ConversationKey) -> UndoneTurn:
        """Take the last turn back: the head moves up to before it. Raises `NothingThereError`."""
        head = await self._history.head(key)
        reply = await self._history.message(key.guild_id, head) if head is not None else None
        if reply is None or reply.role != "assistant":
            raise NothingThereError("undo")
        if (answer := self._answers.get(reply.id)) is not None:
            answer.stop()
            await answer.ended.wait()
        asked = tuple(await self._history.turn_of(key.guild_id, reply.id))
        await self._history.set_head(key, asked[0].parent_id if asked else reply.parent_id)
        user_ids = [i for message in asked for i in await self._history.discord_ids(key.guild_id, message.id)]
        reply_ids = await self._history.discord_ids(key.guild_id, reply.id)
        return UndoneTurn(asked, reply, tuple(user_ids), tuple(reply_ids))

    async def last_askers(self, key: ConversationKey) -> frozenset[int]:
        """Who asked for the newest reply of the conversation; nobody when there is none."""
        head = await self._history.head(key)
        if head is None:
            return frozenset()
        return frozenset(m.author_id for m in await self._history.turn_of(key.guild_id, head) if m.author_id)

    async def reset(self, key: ConversationKey) -> int:
        """Begin anew; returns the old head, so that it can be restored."""
        for answer in self.answers_in(key.guild_id, key.channel_id):
            if answer.key == key:
                answer.stop()
                await answer.ended.wait()
        previous = await self._history.set_head(key, None)
        if previous is None:
            raise NothingThereError("reset")
        return previous

    async def restore(self, key: ConversationKey, head: int) -> None:
        """Go on where the conversation was before a reset."""
        await self._history.set_head(key, head)

    async def forget_message(self, guild_id: int | None, discord_id: int) -> tuple[int, ...]:
        """A message was deleted in Discord: its words leave the history, and a question without words is withdrawn.

        Returns the other messages in Discord that show the same reply, which go with it.
        """
        message = await self._history.by_discord_id(guild_id, discord_id)
        if message is None or message.state == "deleted":
            return ()
        if (answer := self._answers.get(message.id)) is not None:
            answer.stop()
            await answer.settled.wait()
        await self._history.forget(guild_id, message.id)
        for answer in self.answers_in(guild_id, message.channel_id):
            answer.recent = ()
            async with answer.joining:
                if answer.joinable and not await self._has_words(answer):
                    answer.stop()
        shown = await self._history.discord_ids(guild_id, message.id)
        return tuple(other for other in shown if other != discord_id)

    async def edit_message(self, guild_id: int | None, discord_id: int, content: str) -> None:
        """A person's message was edited in Discord: the history says what it says now."""
        message = await self._history.by_discord_id(guild_id, discord_id)
        if message is not None and message.role == "user" and message.content != content:
            await self._history.edit(guild_id, message.id, content)
            for answer in self.answers_in(guild_id, message.channel_id):
                answer.recent = ()

    # --- the end

    async def close(self, grace_seconds: float) -> None:
        """Let answers under way finish for a while, then close the rest as interrupted, within as long again."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace_seconds)
        self._closing = True
        for answer in list(self._answers.values()):
            answer.interrupt()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace_seconds)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- inside

    @contextlib.asynccontextmanager
    async def _lane(self, key: LaneKey) -> AsyncIterator[_Lane]:
        """The conversation's line, for one at a time."""
        lane = self._lanes.setdefault(key, _Lane(key))
        lane.users += 1
        try:
            async with lane.lock:
                yield lane
        finally:
            lane.users -= 1
            self._let_go(lane)

    def _let_go(self, lane: _Lane) -> None:
        if lane.key is not None and not lane.users and lane.last is None:
            self._lanes.pop(lane.key, None)

    async def _join(self, waiting: Answer, question: Question, screen: Screen) -> Answer | None:
        """Answer the question together with the one that waits; None when this message was taken up before.

        Raises `TurnStartedError` when that one waits no longer.
        """
        async with waiting.joining:
            if not waiting.joinable:
                raise TurnStartedError(waiting.reply_id, "streaming")
            begun = await self._history.join_turn(waiting.reply_id, question.turn)
            if begun is None:
                return None
            waiting.parent_id = begun.user_message_id
            waiting.recent = ()
            waiting.asker_ids.add(question.turn.author_id)
            waiting.screen.joined(screen)
            return waiting

    def _start(
        self,
        lane: _Lane,
        key: ConversationKey,
        asker_id: int,
        scopes: tuple[Scope, ...],
        begun: BegunTurn,
        screen: Screen,
        *,
        on_head: bool = False,
        replaces: int | None = None,
    ) -> Answer:
        answer = Answer(
            begun.reply_id, key, asker_id, screen, scopes, begun.user_message_id, self._history,
            asker_ids={asker_id}, replaces=replaces, joinable=replaces is None,
        )  # fmt: skip
        before, lane.last = lane.last, answer
        if before is None and on_head:  # else a reply above may not have been stored when the turn began
            answer.recent = begun.recent
        self._launch(answer, before, lane)
        return answer

    def _launch(self, answer: Answer, before: Answer | None, lane: _Lane) -> None:
        self._answers[answer.reply_id] = answer
        answer.screen.bind(answer)
        answer.work = asyncio.create_task(self._work(answer, before))
        task = asyncio.create_task(self._run(answer, answer.work, lane))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if self._closing:
            answer.interrupt()

    async def _run(self, answer: Answer, work: "asyncio.Task[Outcome]", lane: _Lane) -> None:
        started = time.monotonic()
        try:
            outcome = await self._outcome(answer, work)
            async with answer.joining:
                answer.joinable = False
            await self._end(answer, outcome)
            self._metrics.ended(outcome, time.monotonic() - started)
        finally:
            work.cancel()
            answer.settled.set()
            del self._answers[answer.reply_id]
            answer.ended.set()
            if lane.last is answer:
                lane.last = None
            self._let_go(lane)

    async def _work(self, answer: Answer, before: Answer | None) -> Outcome:
        if before is not None and not before.settled.is_set():
            answer.screen.waiting(self._generator.place_behind_another)
            await before.settled.wait()

        async def granted() -> None:
            # Under the lock, so that a message that is just joining is in the prompt or not joined at all.
            async with answer.joining:
                answer.joinable = False

        return await self._generator.answer(answer, granted, Priority.TURN)

    async def _outcome(self, answer: Answer, work: "asyncio.Task[Outcome]") -> Outcome:
        """How the work ended, whatever happened in it."""
        await asyncio.wait([work])
        if work.cancelled():
            if answer.stop_requested:
                return answer.outcome("stopped")
            return answer.outcome("interrupted", ReplyInterruptedError())
        error = work.exception()
        if error is None:
            return work.result()
        if not isinstance(error, ChatError | InfermaticError | StorageError):
            logger.error("an answer failed unexpectedly", exc_info=error)
        return answer.outcome("interrupted" if answer.text.strip() else "failed", error)

    async def _end(self, answer: Answer, outcome: Outcome) -> None:
        """Store and show the end; both at once, because people wait for one and the next turn for the other."""
        settled, shown = await asyncio.gather(
            self._settle(answer, outcome), answer.screen.finish(outcome), return_exceptions=True
        )
        for problem in (settled, shown):
            if isinstance(problem, BaseException):
                logger.error("the end of an answer could not be kept or shown", exc_info=problem)

    async def _settle(self, answer: Answer, outcome: Outcome) -> None:
        try:
            await self._store(answer, outcome)
        finally:
            answer.settled.set()

    async def _store(self, answer: Answer, outcome: Outcome) -> None:
        usage = _usage_row(answer, outcome)
        if answer.prompt_text is not None:
            if usage is not None:
                await self._usage.add(usage)
            return
        settlement = Settlement(
            outcome.text,
            outcome.state,
            outcome.model,
            outcome.prompt_tokens or None,
            outcome.completion_tokens or None,
            outcome.finish_reason,
            usage,
            outcome.facts,
        )
        await self._history.settle(answer.reply_id, settlement)

    async def _has_words(self, answer: Answer) -> bool:
        asked: Iterable[StoredMessage] = await self._history.turn_of(answer.key.guild_id, answer.reply_id)
        return any(message.content for message in asked)


def _usage_row(answer: Answer, outcome: Outcome) -> UsageRow | None:
    """What the answer cost; nothing when no request was made."""
    if outcome.model is None or not outcome.prompt_tokens:
        return None
    kind = "chat" if answer.prompt_text is None else "complete"
    return UsageRow(
        answer.key.guild_id,
        answer.key.channel_id,
        answer.asker_id,
        outcome.model,
        kind,
        outcome.prompt_tokens,
        outcome.completion_tokens,
        datetime.now(UTC),
    )
