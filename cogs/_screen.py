"""Shows one answer in Discord: waiting, streaming edits, and how it ended.

Text arrives whenever the model writes; what goes to Discord is decided by one writer with one write in flight, which
always sends the newest text at a spacing that the channel's allowance carries. The final text never waits for more than
the write in flight and one spacing. What stood in the answer's place before stays until there is something new.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence

from chat.answers import Answer, Outcome, Screen
from chat.queue import Place
from chat.splitting import ReplyParts
from cogs._controls import Item, RetryControl, StopControl, view_of
from cogs._errors import Explanation, explain
from cogs._outlets import InteractionOutlet, Outlet, is_fresh
from cogs._pace import Pace
from cogs._persona_cards import name_line
from cogs._posts import Post, Posts, quietly
from cogs._reply_controls import controls_of, reply_controls
from cogs._unanswered import turn_away_from
from cogs._words import ending, place_in_line

logger = logging.getLogger(__name__)

REACTION_AFTER_SECONDS = 2.0
NOTICE_AFTER_SECONDS = 10.0
NOTICE_EVERY_SECONDS = 15.0
FRESH_PING_AFTER_SECONDS = 30.0
TYPING_AFTER_SECONDS = 0.3  # a quick first word needs no typing before it
TYPING_EVERY_SECONDS = 9.0  # Discord shows one typing signal for ten seconds
MOST_TYPING_SIGNALS = 20  # longer than the client waits for a first word


class ReplyScreen:
    """One answer on the screen; implements `chat.answers.Screen`."""

    def __init__(
        self,
        outlet: Outlet,
        pace: Pace,
        *,
        header: str = "",
        name: str | None = None,
        reuse: Sequence[Post] = (),
        retire: Sequence[int] = (),
    ) -> None:
        """The answer stands in the messages `reuse`; `retire` are deleted once it stands somewhere else.

        `header` is a question that others could not see, `name` that of the persona that speaks.
        """
        self._pace = pace
        self._posts = Posts(outlet, pace, posted=reuse)
        self.header = header
        self.speaker = name
        self._name = "" if outlet.shows_name else name_line(name)
        self._retire = retire
        self._parts = self._new_parts()
        self._heard = False  # anything of the answer
        self._place: Callable[[], Place]
        self._waited_from: float | None = None
        self._wait_over = asyncio.Event()
        self._notice_shown = False
        self._waiting: asyncio.Task[None] | None = None
        self._typing: asyncio.Task[None] | None = None
        self._writer: asyncio.Task[None] | None = None
        self._unmarking: asyncio.Task[None] | None = None
        self._joins: set[asyncio.Task[bool]] = set()
        self._wake = asyncio.Event()
        self._final = asyncio.Event()
        self._later: list[Outlet] = []
        self._answer: Answer

    @property
    def outlet(self) -> Outlet:
        """Where this screen writes."""
        return self._posts.outlet

    @property
    def question(self) -> str:
        """The header with the question, where others could not see it otherwise."""
        return "".join(self._empty_parts(self.header).parts) + "\n" if self.header else ""

    # --- what the engine calls

    def bind(self, answer: Answer) -> None:
        self._answer = answer
        self._posts.nonce = str(answer.nonce)
        if answer.text_before:
            self._parts.append(answer.text_before)
        if self._stands_in_place:
            self._begin_writing()  # shows the Stop button at once
        elif not answer.is_extra:
            self._posts.records = answer

    def waiting(self, place: Callable[[], Place]) -> None:
        self._place = place
        if self._waiting is not None and not self._wait_over.is_set():
            return
        self._end_typing()
        if self._waited_from is None:
            self._waited_from = asyncio.get_running_loop().time()
        self._wait_over = asyncio.Event()
        self._waiting = asyncio.create_task(self._show_waiting(self._waiting, self._wait_over))

    def writing(self, expected_seconds: float) -> None:
        self._posts.expected_seconds = expected_seconds
        self._wait_over.set()
        if self._typing is None:
            self._typing = asyncio.create_task(self._show_typing())

    def text(self, delta: str) -> None:
        self._parts.append(delta)
        self._heard = True
        self._posts.records = self._answer  # not before: until now the messages showed the former reply
        self._end_typing()
        self._begin_writing()

    def joined(self, later: Screen) -> None:
        if isinstance(later, ReplyScreen):
            self._later.append(later.outlet)
            task = asyncio.create_task(quietly(later.outlet.joined(later.question)))
            self._joins.add(task)
            task.add_done_callback(self._joins.discard)

    def recast(self, later: Screen) -> bool:
        if not isinstance(later, ReplyScreen) or self._heard or self._posts.is_writing:
            return False
        before, after = self.outlet, later.outlet
        if before.shows_name or after.shows_name:
            if isinstance(before, InteractionOutlet) or isinstance(after, InteractionOutlet):
                return False  # what answers a command has to stand where it was used
            self._later.append(before)
            self._posts.outlet = after
            if self._notice_shown and before.voice != after.voice:  # only who posted it can change it
                self._notice_shown = False
                after.begin_chore(_take_away(before, self._posts.posted.pop().id))
        self.speaker = later.speaker
        self._name = "" if self.outlet.shows_name else name_line(self.speaker)
        self._parts = self._new_parts()
        return True

    def give_way(self, later: Screen, because: BaseException) -> None:
        before, question = self.outlet, self.question
        if self._moves_to(later) or not isinstance(before, InteractionOutlet):  # else the answer will stand there
            before.begin_chore(turn_away_from(before, question, because))

    def sent_away(self, because: BaseException) -> None:
        self.outlet.begin_chore(turn_away_from(self.outlet, self.question, because))

    def _moves_to(self, later: Screen) -> bool:
        """Whether the answer, of which nothing is shown yet, will stand where another one would have."""
        if not isinstance(later, ReplyScreen) or self._heard or self._posts.is_writing:
            return False
        before, after = self.outlet, later.outlet
        if before.voice != after.voice:
            return False
        if self._notice_shown and isinstance(before, InteractionOutlet):  # why it is not answered takes its place
            self._notice_shown = False
            self._posts.posted.clear()
        elif self._notice_shown and isinstance(after, InteractionOutlet):  # which cannot change it
            return False
        self._later.append(before)
        self._posts.outlet = after
        self.header = later.header
        self._name = "" if after.shows_name else name_line(self.speaker)
        self._parts = self._new_parts()
        return True

    def let_go(self) -> None:
        self._posts.released = True

    async def finish(self, outcome: Outcome) -> None:
        self._final.set()
        self._wake.set()
        self._wait_over.set()
        self._end_typing()
        try:
            await _over(self._writer)
            await self._leave_waiting_behind()
            if not self._posts.gone:
                await self._show_final(outcome)
        finally:
            self._posts.close()
            for task in (self._writer, self._waiting):  # still running only when this was cancelled
                if task is not None:
                    task.cancel()
            await _over(self._unmarking)
            await self._take_marks_away()

    # --- waiting and typing

    async def _show_waiting(self, before: asyncio.Task[None] | None, over: asyncio.Event) -> None:
        await _over(before)
        if await _happens(over, REACTION_AFTER_SECONDS):
            return
        await quietly(self.outlet.mark_waiting())
        wait = NOTICE_AFTER_SECONDS - REACTION_AFTER_SECONDS
        while not self._posts.gone and not await _happens(over, wait):
            await self._attempt(self._show_notice)
            wait = NOTICE_EVERY_SECONDS

    async def _show_notice(self) -> None:
        notice, stop = place_in_line(self._place()), StopControl(self._answer.reply_id)
        if self._stands_in_place:
            await self._posts.sync(self._former_parts().with_suffix(f"\n{notice}"), [stop])
            return
        content = self.question + notice
        if self._posts.posted:
            await self._posts.show_alone(content, [stop])
            return
        # The nonce differs from the reply's, because the reply may have to be posted fresh.
        outlet = self.outlet
        message_id = await outlet.create(0, content, view_of(stop), nonce=notice_nonce(self._answer.reply_id))
        if outlet is not self.outlet and outlet.voice != self.outlet.voice:
            await _take_away(outlet, message_id)
            return
        self._posts.posted.append(Post(message_id))
        self._notice_shown = True

    async def _leave_waiting_behind(self) -> None:
        """A notice that is still the newest message becomes the reply; else the reply is posted fresh."""
        await _over(self._waiting)
        if not self._notice_shown:
            return
        self._notice_shown = False
        notice = self._posts.posted[0]
        if self.outlet.others_wrote_since(notice.id):
            assert self._waited_from is not None
            self._posts.ping = asyncio.get_running_loop().time() - self._waited_from > FRESH_PING_AFTER_SECONDS
            self._posts.posted.clear()
            await quietly(self.outlet.delete(notice.id))

    async def _show_typing(self) -> None:
        pause = TYPING_AFTER_SECONDS
        for _ in range(MOST_TYPING_SIGNALS):
            await asyncio.sleep(pause)
            if not await quietly(self.outlet.typing()):
                return
            pause = TYPING_EVERY_SECONDS

    def _end_typing(self) -> None:
        if self._typing is not None:
            self._typing.cancel()
            self._typing = None

    async def _take_marks_away(self) -> None:
        if self._joins:
            await asyncio.wait(self._joins)
        for outlet in (self.outlet, *self._later):
            await quietly(outlet.unmark_waiting())

    # --- streaming

    def _begin_writing(self) -> None:
        self._wake.set()
        if self._writer is None:
            self._writer = asyncio.create_task(self._write())

    async def _write(self) -> None:
        while not (self._posts.gone or self._posts.blocked):
            await self._wake.wait()
            self._wake.clear()
            if self._heard and self._notice_shown:
                await self._leave_waiting_behind()
            while (delay := self._posts.pacer.delay(self._pace.clock())) > 0 and not self._final.is_set():
                await _happens(self._final, delay)
            if self._final.is_set():
                return
            written = await self._attempt(self._sync_stream)
            if written and self._heard and self._unmarking is None:
                self._unmarking = asyncio.create_task(self._take_marks_away())

    async def _sync_stream(self) -> None:
        if not self._heard and not self._posts.posted:
            return  # what stood there cannot be changed any more, so it stays until there is something new
        parts = self._parts if self._heard else self._former_parts()
        await self._posts.sync(parts.parts, [StopControl(self._answer.reply_id)])

    async def _attempt(self, write: Callable[[], Awaitable[None]]) -> bool:
        written = await self._posts.attempt(write)
        if self._posts.gone or self._posts.blocked:
            self._answer.stop()
        return written

    # --- the end

    async def _show_final(self, outcome: Outcome) -> None:
        explanation = explain(outcome.error) if outcome.error is not None else None
        shown = await self._posts.finish(
            lambda: self._final_parts(outcome, explanation), self._final_controls(outcome, explanation)
        )
        if not shown:
            return
        if self._heard:
            for message_id in self._retire:
                await self._answer.dropped(message_id)
                await quietly(self.outlet.delete(message_id))
        if self._answer.above_id is not None:
            self.outlet.begin_chore(self._undress_above())

    async def _undress_above(self) -> None:
        """The reply before this one is the newest no longer; its buttons go when there is time for that."""
        pacer = self._pace.stream(self.outlet.allowance_key, None)
        try:
            await asyncio.sleep(pacer.delay(self._pace.clock()))
            for message_id in (await self._answer.posts_above())[-1:]:
                if is_fresh(message_id):
                    pacer.edited(self._pace.clock())
                    await quietly(self.outlet.undress(message_id))
        finally:
            pacer.close()

    def _final_parts(self, outcome: Outcome, explanation: Explanation | None) -> list[str]:
        note = ending(outcome, explanation, self._answer.notes)
        if outcome.text.strip() or (self.header and note and not self._answer.is_extra):
            return self._parts.with_suffix(note) if note else self._parts.parts
        if self._stands_in_place:  # nothing new came, so what stood there stays
            return self._former_parts().with_suffix(note)
        # Who stopped a question before anything was shown sees that from the mark being gone.
        if note and (explanation is not None or self._posts.posted or self._later):
            return [note.strip()]
        return []

    def _final_controls(self, outcome: Outcome, explanation: Explanation | None) -> list[Item]:
        answer = self._answer
        if answer.stands_alone:
            return []
        if self._stands_in_place and not outcome.text.strip():
            assert answer.former is not None
            return [] if answer.followed else controls_of(answer.former)
        failed = explanation is not None and explanation.retry
        if answer.followed or not outcome.text.strip():  # a former reply that stands elsewhere has buttons of its own
            return [RetryControl(answer.reply_id)] if failed and not answer.is_extra else []
        return reply_controls(answer.reply_id, *answer.place, failed=failed)

    # --- what stands there

    @property
    def _stands_in_place(self) -> bool:
        """Whether there are messages that show what stood there before."""
        return self._answer.is_extra and bool(self._posts.posted)

    def _new_parts(self) -> ReplyParts:
        return self._empty_parts(self.header + self._name)

    def _empty_parts(self, above: str) -> ReplyParts:
        parts = ReplyParts(self.outlet.limit, neutral_links=not self.outlet.suppresses_previews)
        if above:
            parts.append(above)
        return parts

    def _former_parts(self) -> ReplyParts:
        """What stood in the answer's place before."""
        parts = self._new_parts()
        if self._answer.former is not None:
            parts.append(self._answer.former.reply.content)
        return parts


def notice_nonce(reply_id: int) -> str:
    """The nonce of the message that tells the place in line."""
    return f"{reply_id}-w"


async def _take_away(outlet: Outlet, message_id: int) -> None:
    await quietly(outlet.delete(message_id))


async def _over(task: asyncio.Task[None] | None) -> None:
    """Wait until a task has ended; an error in it is told and goes no further."""
    if task is None:
        return
    await asyncio.wait([task])
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("a reply could not be shown as it was written", exc_info=error)


async def _happens(event: asyncio.Event, within_seconds: float) -> bool:
    """Whether the event is set within the time."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within_seconds):
            await event.wait()
    return event.is_set()
