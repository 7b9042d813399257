"""The conversations of all channels: who asked what, which answers are under way, and what people do to them.

One conversation answers one question at a time; others wait in line behind it, and what is said while a question waits
for its slot joins it. Different conversations run in parallel as far as the keys allow.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable

from chat._allowed import allowed_question
from chat._joining import Joining
from chat._lanes import Lane, LaneKey, Lanes, line_of
from chat._settling import outcome_of, settlement, spent_on, usage_row
from chat.answers import Answer, Outcome, Question, Screen, Wish, answer_to
from chat.errors import BusyConversationError, ChatError, LimitReachedError, QueueTooLongError, StaleControlError
from chat.gate import ApartError, alone, asked, wished
from chat.generation import Generator
from chat.metrics import Metrics
from chat.policy import UNFILTERED, Standing, TextPolicy
from chat.queue import Priority
from storage import (
    BegunTurn,
    ConversationKey,
    History,
    Scope,
    ShownReply,
    TurnStartedError,
    Usage,
)

logger = logging.getLogger(__name__)

ENDING_SECONDS = 1.5  # what is left of the three seconds in which Discord wants an answer to a press


class Conversations:
    """The engine's front: a cog calls one method and shows what comes of it."""

    def __init__(
        self, history: History, usage: Usage, generator: Generator, metrics: Metrics, texts: TextPolicy = UNFILTERED
    ) -> None:
        self.texts = texts
        self._history = history
        self._usage = usage
        self._generator = generator
        self._metrics = metrics
        self._gate = generator.gate
        self._joining = Joining(history, generator.gate, generator.models)
        self._lanes = Lanes()
        self._answers: dict[int, Answer] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    # --- asking

    async def ask(self, question: Question, screen: Screen) -> Answer | None:
        """Remember what was said and see that it is answered; None when this message was taken up before."""
        question = await allowed_question(self.texts, question)
        turn = question.turn
        async with self.line((turn.key, None if turn.on_head else turn.parent_id)) as lane:
            if turn.on_head:
                await self.make_way(turn.key)
            if lane.last is not None:
                with contextlib.suppress(TurnStartedError, ApartError):
                    return await self._joining.join(lane.last, question, screen)
            standing = await self._gate.admit(asked(question))
            begun = await self._history.begin_turn(turn)
            if begun is None:
                return None
            return self._start(lane, question, begun, screen, standing)

    async def another(self, wish: Wish, screen: Screen) -> Answer | None:
        """Another reply to the same question, beside the one that is shown; None when that is under way already.

        Raises `StaleControlError` for a reply that answers nothing or is being written.
        """
        reply = wish.shown.reply
        if reply.parent_id is None or reply.id in self._answers:
            raise StaleControlError
        async with self.line(line_of(wish.shown)) as lane:
            if any(answer.parent_id == reply.parent_id for answer in self._answers.values()):
                return None
            shown = await self._still_in_place(wish.shown)
            standing = await self._gate.admit(wished(wish, reply.parent_id))
            begun = await self._history.begin_reply(
                shown.key, reply.parent_id, wish.claim_id, wish.asker_id, None, shown.on_head, *wish.speaker
            )
            if begun is None:
                return None
            answer = Answer(
                begun.reply_id, shown.key, wish.asker_id, screen, wish.scopes, reply.parent_id, self._history,
                asker_ids={wish.asker_id, *shown.asker_ids}, own_names=wish.own_names, joinable=False,
                persona=wish.persona, former=shown if shown.newest else None,
                others=await self._swipes_beside(begun, shown), standing=standing,
            )  # fmt: skip
            return self._enter(lane, answer)

    async def lengthen(self, wish: Wish, screen: Screen) -> Answer | None:
        """Let the model go on where a reply ends; None when that is under way already.

        Raises `StaleControlError` or `ReplyMovedOnError` when it is too late.
        """
        reply = wish.shown.reply
        if reply.id in self._answers or not reply.content.strip():
            raise StaleControlError
        async with self.line(line_of(wish.shown)) as lane:
            if self.answer_over(reply.id) is not None:
                return None
            await self._still_in_place(wish.shown)
            standing = await self._gate.admit(wished(wish, reply.id))
            shown = await self._history.go_on(reply.guild_id, reply.id, wish.claim_id)
            if shown is None:
                return None
            answer = Answer(
                reply.id, shown.key, wish.asker_id, screen, wish.scopes, reply.id, self._history,
                asker_ids={wish.asker_id, *shown.asker_ids}, own_names=wish.own_names, joinable=False,
                persona=wish.persona, former=shown, goes_on=True, resumed_by=wish.claim_id, standing=standing,
            )  # fmt: skip
            return self._enter(lane, answer)

    async def carry_on(self, wish: Wish, screen: Screen) -> Answer | None:
        """Let another persona answer a reply of one; None when the conversation has gone on, or somebody is on it.

        Nobody asked for it, so it comes after everything that people wait for.
        """
        key, reply = wish.shown.key, wish.shown.reply
        async with self.line((key, None)) as lane:
            if self._closing or self.answers_of(key) or await self._history.head(key) != reply.id:
                return None
            try:
                standing = await self._gate.admit(wished(wish, reply.id, Priority.BACKGROUND))
            except (LimitReachedError, QueueTooLongError):
                return None
            begun = await self._history.begin_reply(
                key, reply.id, wish.claim_id, wish.asker_id, None, True, *wish.speaker
            )
            if begun is None:
                return None
            answer = Answer(
                begun.reply_id, key, wish.asker_id, screen, wish.scopes, reply.id, self._history,
                asker_ids={wish.asker_id}, above_id=reply.id, own_names=wish.own_names, joinable=False,
                persona=wish.persona, unasked=True, standing=standing,
            )  # fmt: skip
            return self._enter(lane, answer)

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
        prompt = await self.texts.asked(key.guild_id, scopes, asker_id, prompt)
        answer = Answer(
            claim_id, key, asker_id, screen, scopes, None, self._history,
            prompt_text=prompt, model=model, max_tokens=max_tokens, joinable=False,
        )  # fmt: skip
        return answer if await self.begin_alone(answer, "complete") else None

    async def begin_alone(self, answer: Answer, kind: str) -> bool:
        """Begin what is no part of any conversation; False when the same was begun before."""
        answer.participants[answer.asker_id].standing = await self._gate.admit(alone(answer))
        if not await self._history.claim(answer.reply_id, kind):
            return False
        self._launch(answer, None, Lane(None))
        return True

    async def send_away(self, answer: Answer, person_id: int, because: ChatError) -> bool:
        """Take back what somebody asked, while it waits; False if it waits no longer, or they did not ask."""
        return await self._joining.send_away(answer, person_id, because)

    # --- answers under way

    def answer_under_way(self, reply_id: int) -> Answer | None:
        """The answer with this id while it is waiting or being written."""
        return self._answers.get(reply_id)

    def answer_over(self, reply_id: int) -> Answer | None:
        """The answer that is waiting or being written in the place of this reply, or that is this reply."""
        return next((answer for answer in self._answers.values() if reply_id in answer.stands_for), None)

    async def let_end(self, reply_id: int, *, end_is_shown: bool) -> None:
        """Wait a moment for an answer that is written: people see its end before everything about it is done.

        With `end_is_shown` nothing more will be written about it; else it may still be under way afterwards.
        """
        answer = self._answers.get(reply_id)
        if answer is None:
            await self._give_way(answer for answer in self._answers.values() if answer.parent_id == reply_id)
        if answer is None or answer.work is None or not answer.work.done():
            return
        over = answer.settled if end_is_shown else answer.ended
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), ENDING_SECONDS)
        if end_is_shown and answer.settled.is_set():
            answer.screen.let_go()
            self._forget(answer)

    async def make_way(self, key: ConversationKey) -> None:
        """What nobody asked for and nobody has seen gives way to what people do in a conversation."""
        await self._give_way(self.answers_of(key))

    async def _give_way(self, answers: Iterable[Answer]) -> None:
        for answer in [answer for answer in answers if answer.unasked and not answer.text]:
            answer.stop()
            await answer.settled.wait()

    def answers_in(self, guild_id: int | None, channel_id: int) -> list[Answer]:
        """The answers under way in a channel, oldest first."""
        return [a for a in self._answers.values() if a.key.guild_id == guild_id and a.key.channel_id == channel_id]

    def answers_where(self, concerns: Callable[[Answer], bool]) -> list[Answer]:
        """The answers under way of which this is true, oldest first."""
        return [answer for answer in self._answers.values() if concerns(answer)]

    def answers_of(self, key: ConversationKey) -> list[Answer]:
        """The answers under way in one conversation and on its side branches, oldest first."""
        return [answer for answer in self._answers.values() if answer.key == key]

    async def _has_words(self, answer: Answer) -> bool:
        asked = await self._history.turn_of(answer.key.guild_id, answer.reply_id)
        return any(message.has_words for message in asked)

    async def reconsider(self, guild_id: int | None, channel_id: int) -> None:
        """Words of a channel's history have changed: a question that waits is read anew, and dropped if it is gone."""
        for answer in self.answers_in(guild_id, channel_id):
            answer.recent = ()
            async with answer.joining:
                if answer.joinable and not await self._has_words(answer):
                    answer.stop()
                else:
                    await self._joining.drop_silent(answer)

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

    def line(self, key: LaneKey) -> contextlib.AbstractAsyncContextManager[Lane]:
        """The conversation's line, for one at a time: who is in it changes what answers begin from."""
        return self._lanes.line(key)

    @contextlib.asynccontextmanager
    async def quiet_line(self, key: ConversationKey) -> AsyncIterator[None]:
        """The line of a conversation that is to move elsewhere. Raises `BusyConversationError` when it is answering.

        What is said meanwhile would join a reply that is being written where the conversation was.
        """
        async with self.line((key, None)):
            await self.make_way(key)
            if any(not answer.unasked or answer.text for answer in self.answers_of(key)):
                raise BusyConversationError
            yield

    async def _still_in_place(self, then: ShownReply) -> ShownReply:
        """The reply as it is now. Raises `StaleControlError` unless it stands where it stood and is whole."""
        now = await self._history.shown_reply(then.reply.guild_id, then.reply.id)
        if now is None or now.reply.state in {"pending", "streaming"}:
            raise StaleControlError
        if now.reply.state == "deleted" and then.reply.state != "deleted":
            raise StaleControlError
        if (now.on_head, now.newest, now.discord_ids) != (then.on_head, then.newest, then.discord_ids):
            raise StaleControlError
        return now

    async def _swipes_beside(self, begun: BegunTurn, former: ShownReply) -> int:
        """How many swipes there will be to turn to from a new one; the former one as soon as this takes its place."""
        new = await self._history.shown_reply(former.reply.guild_id, begun.reply_id)
        takes_place = former.newest and bool(former.discord_ids) and bool(former.reply.content.strip())
        return takes_place + (len(new.swipes) if new is not None else 0)

    def _start(
        self, lane: Lane, question: Question, begun: BegunTurn, screen: Screen, standing: Standing | None
    ) -> Answer:
        answer = answer_to(question, begun, screen, self._history, standing)
        # Else a reply above may not have been stored when the turn began.
        if lane.last is None and question.turn.on_head:
            answer.recent = begun.recent
        return self._enter(lane, answer)

    def _enter(self, lane: Lane, answer: Answer) -> Answer:
        """Let an answer be the last in its line."""
        before, lane.last = lane.last, answer
        if before is not None:
            before.followed = True
        self._launch(answer, before, lane)
        return answer

    def _launch(self, answer: Answer, before: Answer | None, lane: Lane) -> None:
        self._answers[answer.reply_id] = answer
        answer.screen.bind(answer)
        answer.work = asyncio.create_task(self._work(answer, before))
        task = asyncio.create_task(self._run(answer, answer.work, lane))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if self._closing:
            answer.interrupt()

    async def _run(self, answer: Answer, work: "asyncio.Task[Outcome]", lane: Lane) -> None:
        started = time.monotonic()
        try:
            await asyncio.wait([work])
            outcome = outcome_of(answer, work)
            async with answer.joining:
                answer.joinable = False
            await self._end(answer, outcome)
            self._metrics.ended(outcome, time.monotonic() - started)
        finally:
            work.cancel()
            answer.settled.set()
            self._forget(answer)
            answer.ended.set()
            if lane.last is answer:
                lane.last = None
            self._lanes.let_go(lane)

    def _forget(self, answer: Answer) -> None:
        if self._answers.get(answer.reply_id) is answer:  # it may be going on already
            del self._answers[answer.reply_id]

    async def _work(self, answer: Answer, before: Answer | None) -> Outcome:
        if before is not None and not before.settled.is_set():
            answer.line = self._generator.place_behind_another
            answer.screen.waiting(answer.line)
            await before.settled.wait()

        if answer.burst is not None:
            await answer.burst.over()

        async def granted() -> None:
            answer.waited_seconds = time.monotonic() - answer.asked_at
            # Under the lock, so that a message that is just joining is in the prompt or not joined at all.
            async with answer.joining:
                answer.joinable = False

        return await self._generator.answer(answer, granted)

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
        usage = usage_row(answer, outcome)
        if answer.stands_alone:
            await self._usage.add(usage, spent_on(answer, outcome, usage))
            return
        await self._history.settle(answer.reply_id, settlement(answer, outcome, usage))
