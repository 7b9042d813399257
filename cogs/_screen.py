"""Shows one answer in Discord: waiting, streaming edits, and how it ended.

Text arrives whenever the model writes; what goes to Discord is decided by one writer with one write in flight, which
always sends the newest text at a spacing that the channel's allowance carries. The final text never waits for more than
the write in flight and one spacing. A write under way is never cancelled, or nobody would know what it left behind.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import discord
from discord.utils import MISSING

from chat.answers import Answer, Outcome, Screen
from chat.pacing import StreamPacer
from chat.queue import Place
from chat.splitting import ReplyParts
from cogs._controls import Control, RetryControl, StopControl, view_of
from cogs._errors import Explanation, explain
from cogs._outlets import Outlet
from cogs._pace import Pace
from cogs._words import ending, place_in_line
from storage import StorageError

logger = logging.getLogger(__name__)

REACTION_AFTER_SECONDS = 2.0
NOTICE_AFTER_SECONDS = 10.0
NOTICE_EVERY_SECONDS = 15.0
FRESH_PING_AFTER_SECONDS = 30.0
TYPING_AFTER_SECONDS = 0.3  # a quick first word needs no typing before it
TYPING_EVERY_SECONDS = 9.0  # Discord shows one typing signal for ten seconds
MOST_TYPING_SIGNALS = 20  # longer than the client waits for a first word
FINAL_WRITE_PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0)  # the final text is tried again after these when Discord fails

AUTOMOD_BLOCKED = 200000
AUTOMOD_WORDS = "-# ⚠️ This server's AutoMod blocked the reply."
TOO_MANY_REQUESTS = 429
WRITE_PROBLEMS = (discord.HTTPException, discord.RateLimited, aiohttp.ClientError, OSError)


@dataclass(slots=True)
class _Posted:
    """A message of the reply as it stands in Discord; None: we do not know what it shows."""

    id: int
    content: str | None = None
    button: str | None = None  # its custom id; empty without one
    recorded: bool = False  # whether the history knows that it shows this reply


class ReplyScreen:
    """One answer on the screen; implements `chat.answers.Screen`."""

    def __init__(self, outlet: Outlet, pace: Pace, *, header: str = "", reuse: tuple[int, ...] = ()) -> None:
        self._outlet = outlet
        self._pace = pace
        self._pacer: StreamPacer | None = None
        self._expected_seconds: float | None = None
        self._parts = ReplyParts(neutral_links=not outlet.suppresses_previews)
        if header:
            self._parts.append(header)
        self._has_header = bool(header)
        self._posted = [_Posted(message_id) for message_id in reuse]
        self._tried: set[int] = set()  # parts that were sent, whether or not they arrived
        self._place: Callable[[], Place]
        self._waited_from: float | None = None
        self._wait_over = asyncio.Event()
        self._notice_shown = False
        self._ping = False
        self._waiting: asyncio.Task[None] | None = None
        self._typing: asyncio.Task[None] | None = None
        self._writer: asyncio.Task[None] | None = None
        self._unmarking: asyncio.Task[None] | None = None
        self._joins: set[asyncio.Task[bool]] = set()
        self._wake = asyncio.Event()
        self._final = asyncio.Event()
        self._gone = False
        self._blocked = False
        self._later: list[Outlet] = []
        self._answer: Answer

    @property
    def outlet(self) -> Outlet:
        """Where this screen writes."""
        return self._outlet

    @property
    def question(self) -> str:
        """The header with the question, where others could not see it otherwise."""
        return self._header_text()

    # --- what the engine calls

    def bind(self, answer: Answer) -> None:
        self._answer = answer

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
        self._expected_seconds = expected_seconds
        self._wait_over.set()
        if self._typing is None:
            self._typing = asyncio.create_task(self._show_typing())

    def text(self, delta: str) -> None:
        self._parts.append(delta)
        self._wake.set()
        if self._writer is None:
            self._end_typing()
            self._writer = asyncio.create_task(self._write())

    def joined(self, later: Screen) -> None:
        if isinstance(later, ReplyScreen):
            self._later.append(later.outlet)
            task = asyncio.create_task(self._quietly(later.outlet.joined(later.question)))
            self._joins.add(task)
            task.add_done_callback(self._joins.discard)

    async def finish(self, outcome: Outcome) -> None:
        self._final.set()
        self._wake.set()
        self._wait_over.set()
        self._end_typing()
        try:
            await _over(self._writer)
            await self._leave_waiting_behind()
            if not self._gone:
                await self._show_final(outcome)
        finally:
            if self._pacer is not None:
                self._pacer.close()
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
        await self._quietly(self._outlet.mark_waiting())
        wait = NOTICE_AFTER_SECONDS - REACTION_AFTER_SECONDS
        while not self._gone and not await _happens(over, wait):
            await self._try_write(self._show_notice)
            wait = NOTICE_EVERY_SECONDS

    async def _show_notice(self) -> None:
        content = self._header_text() + place_in_line(self._place())
        stop = StopControl(self._answer.reply_id)
        if self._posted:
            await self._outlet.edit(self._posted[0].id, content, view_of(stop))
            self._posted[0].content, self._posted[0].button = content, stop.custom_id
            return
        # The nonce differs from the reply's, because the reply may have to be posted fresh.
        message_id = await self._outlet.create(0, content, view_of(stop), nonce=notice_nonce(self._answer.reply_id))
        self._posted.append(_Posted(message_id, content, stop.custom_id))
        self._notice_shown = True

    async def _leave_waiting_behind(self) -> None:
        """A notice that is still the newest message becomes the reply; else the reply is posted fresh."""
        await _over(self._waiting)
        if not self._notice_shown:
            return
        self._notice_shown = False
        notice = self._posted[0]
        if self._outlet.others_wrote_since(notice.id):
            assert self._waited_from is not None
            self._ping = asyncio.get_running_loop().time() - self._waited_from > FRESH_PING_AFTER_SECONDS
            self._posted.clear()
            await self._quietly(self._outlet.delete(notice.id))

    async def _show_typing(self) -> None:
        pause = TYPING_AFTER_SECONDS
        for _ in range(MOST_TYPING_SIGNALS):
            await asyncio.sleep(pause)
            if not await self._quietly(self._outlet.typing()):
                return
            pause = TYPING_EVERY_SECONDS

    def _end_typing(self) -> None:
        if self._typing is not None:
            self._typing.cancel()
            self._typing = None

    async def _take_marks_away(self) -> None:
        if self._joins:
            await asyncio.wait(self._joins)
        for outlet in (self._outlet, *self._later):
            await self._quietly(outlet.unmark_waiting())

    # --- streaming

    async def _write(self) -> None:
        await self._leave_waiting_behind()
        while not (self._gone or self._blocked):
            await self._wake.wait()
            self._wake.clear()
            while (delay := self._pacing().delay(self._pace.clock())) > 0 and not self._final.is_set():
                await _happens(self._final, delay)
            if self._final.is_set():
                return
            written = await self._try_write(self._sync_stream)
            if written and self._unmarking is None:
                self._unmarking = asyncio.create_task(self._take_marks_away())

    async def _sync_stream(self) -> None:
        await self._sync(self._parts.parts, StopControl(self._answer.reply_id))

    async def _sync(self, parts: list[str], control: Control | None) -> None:
        """Make Discord show these parts, the control under the last one."""
        for number, content in enumerate(parts):
            shown = control if number == len(parts) - 1 else None
            if number == len(self._posted):
                await self._create(number, content, shown)
            else:
                await self._change(self._posted[number], content, shown)
            if not self._posted[number].recorded:
                await self._record(self._posted[number], number)

    async def _create(self, number: int, content: str, control: Control | None) -> None:
        self._pacing().posted(self._pace.clock())
        nonce = f"{self._answer.reply_id}-{number}"
        ping = self._ping and number == 0
        tried_before = number in self._tried
        self._tried.add(number)
        message_id = await self._outlet.create(number, content, _row(control), nonce=nonce, ping=ping)
        if tried_before:
            # The earlier try may have made the message after all; its nonce then returns it with its older text.
            self._posted.append(_Posted(message_id, None))
            await self._change(self._posted[-1], content, control)
        else:
            self._posted.append(_Posted(message_id, content, _button(control)))

    async def _change(self, posted: _Posted, content: str, control: Control | None) -> None:
        button = _button(control)
        if posted.content == content and posted.button == button:
            return
        self._pacing().edited(self._pace.clock())
        await self._outlet.edit(posted.id, content, MISSING if posted.button == button else _row(control))
        posted.content, posted.button = content, button

    def _pacing(self) -> StreamPacer:
        if self._pacer is None:
            self._pacer = self._pace.stream(self._outlet.allowance_key, self._expected_seconds)
        return self._pacer

    async def _record(self, posted: _Posted, number: int) -> None:
        try:
            await self._answer.posted(posted.id, number)
            posted.recorded = True
        except StorageError:
            logger.exception("a posted message could not be remembered")

    # --- the end

    async def _show_final(self, outcome: Outcome) -> None:
        explanation = explain(outcome.error) if outcome.error is not None else None
        if not self._final_parts(outcome, explanation):
            return
        self._pacing().ending()
        if (delay := self._pacing().final_delay(self._pace.clock())) > 0 and self._posted:
            await asyncio.sleep(delay)
        may_retry = explanation is not None and explanation.retry and self._answer.prompt_text is None
        retry = RetryControl(self._answer.reply_id) if may_retry else None

        async def sync() -> None:
            parts = self._final_parts(outcome, explanation)
            await self._sync(parts, retry)
            while len(self._posted) > len(parts):
                await self._drop(self._posted.pop())

        for pause in (*FINAL_WRITE_PAUSES, 0.0):
            if await self._try_write(sync) or self._gone:
                return
            await asyncio.sleep(0.0 if self._blocked else pause)

    def _final_parts(self, outcome: Outcome, explanation: Explanation | None) -> list[str]:
        note = ending(outcome, explanation)
        if self._blocked:
            return [AUTOMOD_WORDS]
        if outcome.text.strip() or (self._has_header and note):
            return self._parts.with_suffix(note) if note else self._parts.parts
        # Who stopped a question before anything was shown sees that from the mark being gone.
        if note and (explanation is not None or self._posted or self._later):
            return [note.strip()]
        return []

    async def _drop(self, posted: _Posted) -> None:
        """Remove a message that the reply does not need any more; the history must not take that for a deletion."""
        try:
            await self._answer.dropped(posted.id)
        except StorageError:
            logger.exception("a message of a reply could not be forgotten")
        else:
            await self._quietly(self._outlet.delete(posted.id))

    # --- writing whatever happens

    async def _try_write(self, write: Callable[[], Awaitable[None]]) -> bool:
        """Whether the write went through; one that never can ends the screen and the answer."""
        try:
            await write()
        except discord.RateLimited as error:
            await asyncio.sleep(error.retry_after)
        except (discord.NotFound, discord.Forbidden) as error:
            self._give_up(error)
        except discord.HTTPException as error:
            if error.code == AUTOMOD_BLOCKED and not self._blocked:
                self._blocked = True
                self._answer.stop()
            elif error.status < 500 and error.status != TOO_MANY_REQUESTS:
                self._give_up(error)
        except (aiohttp.ClientError, OSError) as error:
            logger.warning("a message could not be written: %s", type(error).__name__)
        else:
            return True
        return False

    def _give_up(self, error: discord.HTTPException) -> None:
        """The message, the channel or the permission is gone: nothing is posted again."""
        logger.info("a reply was given up: %s %s", error.status, error.code)
        self._gone = True
        if isinstance(error, discord.Forbidden):
            self._pace.close_channel(self._outlet.allowance_key)
        self._answer.stop()

    async def _quietly(self, write: Awaitable[Any]) -> bool:
        """Whether it went through; what only decorates an answer never harms it."""
        try:
            await write
        except WRITE_PROBLEMS:
            return False
        return True

    def _header_text(self) -> str:
        return "".join(self._parts.parts) + "\n" if self._has_header else ""


def notice_nonce(reply_id: int) -> str:
    """The nonce of the message that tells the place in line."""
    return f"{reply_id}-w"


def _row(control: Control | None) -> discord.ui.View:
    return view_of(control) if control is not None else view_of()


def _button(control: Control | None) -> str:
    return control.custom_id if control is not None else ""


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
