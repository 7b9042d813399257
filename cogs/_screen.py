"""Shows one answer in Discord: waiting, streaming edits, and how it ended.

Text arrives whenever the model writes; what goes to Discord is decided by one writer with one write in flight, which
always sends the newest text at a spacing that the channel's allowance carries. The final text never waits for more than
the write in flight and one spacing.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import discord

from chat.answers import Answer, Outcome, Screen
from chat.pacing import StreamPacer
from chat.queue import Place
from chat.splitting import ReplyParts
from cogs._controls import Control, RetryControl, StopControl, view_of
from cogs._errors import explain
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
FINAL_WRITE_PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0)  # the final text is tried again after these when Discord fails

AUTOMOD_BLOCKED = 200000
WRITE_PROBLEMS = (discord.HTTPException, discord.RateLimited, aiohttp.ClientError, OSError)


@dataclass(slots=True)
class _Posted:
    """A message of the reply as it stands in Discord; None: we do not know what it shows."""

    id: int
    content: str | None
    has_controls: bool = True


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
        self._posted = [_Posted(message_id, None) for message_id in reuse]
        self._notice_shown = False
        self._waited_from: float | None = None
        self._waiting: asyncio.Task[None] | None = None
        self._typing: asyncio.Task[None] | None = None
        self._writer: asyncio.Task[None] | None = None
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

    # --- what the engine calls

    def bind(self, answer: Answer) -> None:
        self._answer = answer

    def waiting(self, place: Callable[[], Place]) -> None:
        self._waited_from = asyncio.get_running_loop().time()
        self._waiting = asyncio.create_task(self._show_waiting(place))

    def writing(self, expected_seconds: float) -> None:
        self._expected_seconds = expected_seconds
        self._end_waiting()
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
            asyncio.create_task(self._quietly(later.outlet.joined()))  # noqa: RUF006  # finishes by itself within a request

    async def finish(self, outcome: Outcome) -> None:
        self._final.set()
        self._wake.set()
        self._end_waiting()
        self._end_typing()
        if self._writer is not None:
            await self._writer
        if not self._gone:
            await self._show_final(outcome)
        for outlet in (self._outlet, *self._later):
            await self._quietly(outlet.unmark_waiting())
        if self._pacer is not None:
            self._pacer.close()

    # --- waiting and typing

    async def _show_waiting(self, place: Callable[[], Place]) -> None:
        await asyncio.sleep(REACTION_AFTER_SECONDS)
        await self._quietly(self._outlet.mark_waiting())
        await asyncio.sleep(NOTICE_AFTER_SECONDS - REACTION_AFTER_SECONDS)
        while True:
            content = self._header_text() + place_in_line(place())
            await self._quietly(self._notice(content))
            await asyncio.sleep(NOTICE_EVERY_SECONDS)

    async def _notice(self, content: str) -> None:
        if self._posted:
            await self._outlet.edit(self._posted[0].id, content)
            return
        view = view_of(StopControl(self._answer.reply_id))
        # The nonce differs from the reply's, because after a restart the reply is a message of its own.
        message_id = await self._outlet.create(0, content, view, nonce=f"{self._answer.reply_id}-w")
        self._posted.append(_Posted(message_id, None))
        self._notice_shown = True

    def _end_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()

    async def _show_typing(self) -> None:
        await asyncio.sleep(TYPING_AFTER_SECONDS)
        while True:
            await self._quietly(self._outlet.typing())
            await asyncio.sleep(TYPING_EVERY_SECONDS)

    def _end_typing(self) -> None:
        if self._typing is not None:
            self._typing.cancel()

    # --- streaming

    async def _write(self) -> None:
        await self._leave_waiting_behind()
        while not self._final.is_set() and not self._gone:
            await self._wake.wait()
            self._wake.clear()
            while (delay := self._pacing().delay(self._pace.clock())) > 0 and not self._final.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._final.wait(), delay)
            if self._final.is_set():
                return
            await self._try_write(lambda: self._sync(self._parts.parts, StopControl(self._answer.reply_id)))

    async def _leave_waiting_behind(self) -> None:
        """A notice that is still the newest message becomes the reply; else the reply is posted fresh."""
        if self._waiting is not None:
            await asyncio.wait([self._waiting])
        if not self._notice_shown:
            return
        notice = self._posted[0]
        if self._outlet.others_wrote_since(notice.id):
            self._posted.clear()
            await self._quietly(self._outlet.delete(notice.id))
        else:
            await self._record(notice.id, 0)

    async def _sync(self, parts: list[str], control: Control | None, *, final: bool = False) -> None:
        """Make Discord show these parts, the control under the last one."""
        for number, content in enumerate(parts):
            is_last = number == len(parts) - 1
            if number == len(self._posted):
                await self._create(number, content, control if is_last else None)
                continue
            posted = self._posted[number]
            change_controls = (final and is_last) or (posted.has_controls and not is_last)
            if posted.content == content and not change_controls:
                continue
            self._pacing().edited(self._pace.clock())
            if change_controls:
                await self._outlet.edit(posted.id, content, view_of(control) if control and is_last else None)
                posted.has_controls = is_last and control is not None
            else:
                await self._outlet.edit(posted.id, content)
            posted.content = content

    async def _create(self, number: int, content: str, control: Control | None) -> None:
        self._pacing().posted(self._pace.clock())
        view = view_of(control) if control is not None else view_of()
        nonce = f"{self._answer.reply_id}-{number}"
        message_id = await self._outlet.create(
            number, content, view, nonce=nonce, ping=number == 0 and self._waited_long()
        )
        self._posted.append(_Posted(message_id, content, has_controls=control is not None))
        await self._record(message_id, number)

    def _pacing(self) -> StreamPacer:
        if self._pacer is None:
            self._pacer = self._pace.stream(self._outlet.allowance_key, self._expected_seconds)
        return self._pacer

    async def _record(self, message_id: int, number: int) -> None:
        try:
            await self._answer.posted(message_id, number)
        except StorageError:
            logger.exception("a posted message could not be remembered")

    def _waited_long(self) -> bool:
        if self._waited_from is None or not self._notice_shown:
            return False
        return asyncio.get_running_loop().time() - self._waited_from > FRESH_PING_AFTER_SECONDS

    # --- the end

    async def _show_final(self, outcome: Outcome) -> None:
        explanation = explain(outcome.error) if outcome.error is not None else None
        note = ending(outcome, explanation)
        if self._blocked:
            parts = [AUTOMOD_WORDS]
        elif outcome.text.strip() or (self._has_header and note):
            parts = self._parts.with_suffix(note) if note else self._parts.parts
        elif note and (explanation is not None or self._posted):
            parts = [note.strip()]
        else:
            return
        if self._writer is None:
            await self._leave_waiting_behind()
        self._pacing().ending()
        if (delay := self._pacing().final_delay(self._pace.clock())) > 0 and self._posted:
            await asyncio.sleep(delay)
        may_retry = explanation is not None and explanation.retry and self._answer.prompt_text is None
        retry = RetryControl(self._answer.reply_id) if may_retry else None
        for pause in (*FINAL_WRITE_PAUSES, None):
            if await self._try_write(lambda: self._sync(parts, retry, final=True)) or self._gone or pause is None:
                break
            await asyncio.sleep(pause)
        for left_over in self._posted[len(parts) :]:
            await self._quietly(self._outlet.delete(left_over.id))

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
            elif error.status < 500:
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

    async def _quietly(self, write: Awaitable[Any]) -> None:
        """What only decorates an answer never harms it."""
        with contextlib.suppress(*WRITE_PROBLEMS):
            await write

    def _header_text(self) -> str:
        return "".join(self._parts.parts) + "\n" if self._has_header else ""


AUTOMOD_WORDS = "-# ⚠️ This server's AutoMod blocked the reply."
