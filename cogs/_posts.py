"""The messages in Discord that show one reply: made to say what they should, whatever they said before.

A write under way is never cancelled, or nobody would know what it left behind.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import aiohttp
import discord
from discord.utils import MISSING

from chat.pacing import StreamPacer
from cogs._controls import Item, marks_of, view_of
from cogs._outlets import LostMessagesError, Outlet
from cogs._pace import Pace
from storage import StorageError, Voice

logger = logging.getLogger(__name__)

FINAL_WRITE_PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0)  # the final text is tried again after these when Discord fails

AUTOMOD_BLOCKED = 200000
AUTOMOD_WORDS = "-# ⚠️ This server's AutoMod blocked the reply."
TOO_MANY_REQUESTS = 429
TOO_OLD_TO_EDIT = 30046
WRITE_PROBLEMS = (discord.HTTPException, discord.RateLimited, aiohttp.ClientError, OSError)


class Records(Protocol):
    """Where it is kept which messages show the reply."""

    async def posted(self, discord_id: int, part: int, voice: Voice | None = None) -> None: ...

    async def dropped(self, discord_id: int) -> None: ...


@dataclass(slots=True)
class Post:
    """A message of the reply as it stands in Discord; None: we do not know what it shows."""

    id: int
    content: str | None = None
    marks: tuple[str, ...] | None = None  # what tells its buttons from others
    recorded: bool = False  # whether the history knows that it shows this reply


class Posts:
    """Writes, edits and deletes until Discord shows the parts of a reply, the buttons under the last of them."""

    def __init__(
        self,
        outlet: Outlet,
        pace: Pace,
        *,
        nonce: str = "",
        posted: Sequence[Post] = (),
        records: Records | None = None,
    ) -> None:
        """`nonce` is one for each part with its number behind, and never used for another text."""
        self.outlet = outlet
        self.posted = list(posted)
        self.nonce = nonce
        self.records = records
        self.gone = False  # the message, the channel or the permission is: nothing is posted again
        self.blocked = False  # by the server's AutoMod
        self.released = False  # what stands there is somebody else's to change
        self.ping = False
        self.expected_seconds: float | None = None
        self._pace = pace
        self._pacer: StreamPacer | None = None
        self._writing = asyncio.Lock()
        self._tried: set[int] = set()  # parts that were sent, whether or not they arrived
        self._lost: list[Post] = []  # nobody can change them, and something else stands in their place, or will

    @property
    def pacer(self) -> StreamPacer:
        """The pace of this reply's edits."""
        if self._pacer is None:
            self._pacer = self._pace.stream(self.outlet.allowance_key, self.expected_seconds)
        return self._pacer

    @property
    def is_writing(self) -> bool:
        """Whether something is on its way to Discord."""
        return self._writing.locked()

    def close(self) -> None:
        """Nothing more will be written."""
        if self._pacer is not None:
            self._pacer.close()

    async def sync(self, parts: Sequence[str], controls: Sequence[Item] = ()) -> None:
        """Make Discord show these parts and no others."""
        for number, content in enumerate(parts):
            shown = controls if number == len(parts) - 1 else ()
            if number == len(self.posted):
                await self._create(number, content, shown)
                await self._record(self.posted[number], number)
            else:
                # Whose message it is must be known before its new buttons can be pressed.
                await self._record(self.posted[number], number)
                await self._change(self.posted[number], content, shown)
        while len(self.posted) > len(parts):
            await self._drop(self.posted.pop())
        while self._lost and self.records is not None:
            await self._drop(self._lost.pop())

    async def show_alone(self, content: str, controls: Sequence[Item]) -> None:
        """Let the first message say something for now, whatever the others show."""
        await self._change(self.posted[0], content, controls)

    async def finish(self, parts: Callable[[], Sequence[str]], controls: Sequence[Item] = ()) -> bool:
        """Show the final text, however often Discord fails; whether it stands there."""
        if not parts():
            return True
        self.pacer.ending()
        if (delay := self.pacer.final_delay(self._pace.clock())) > 0 and self.posted:
            await asyncio.sleep(delay)
            if self.gone:
                return False

        async def sync() -> None:
            await self.sync([AUTOMOD_WORDS] if self.blocked else parts(), controls)

        for pause in (*FINAL_WRITE_PAUSES, 0.0):
            if self.released or await self.attempt(sync):
                return True
            if self.gone:
                break
            await asyncio.sleep(0.0 if self.blocked else pause)
        return False

    async def give_up(self) -> None:
        """Write nothing more; returns when nothing is being written any more."""
        self.gone = True
        async with self._writing:
            pass

    async def attempt(self, write: Callable[[], Awaitable[None]]) -> bool:
        """Whether the write went through; `gone` and `blocked` tell of one that never can."""
        try:
            async with self._writing:
                await write()
        except discord.RateLimited as error:
            await asyncio.sleep(error.retry_after)
        except (discord.NotFound, discord.Forbidden) as error:
            self._note(error)
        except discord.HTTPException as error:
            self._note(error)
        except (aiohttp.ClientError, OSError) as error:
            logger.warning("a message could not be written: %s", type(error).__name__)
        except LostMessagesError:
            await self._begin_anew()
        else:
            return True
        return False

    async def _begin_anew(self) -> None:
        """Let go of messages that nobody can change any more; the next write posts all of it again."""
        self._lost += self.posted
        self.posted = []
        self.nonce += "+"
        self._tried.clear()

    def _note(self, error: discord.HTTPException) -> None:
        if error.code == AUTOMOD_BLOCKED and not self.blocked:
            self.blocked = True
        elif (error.status < 500 and error.status != TOO_MANY_REQUESTS) or error.code == TOO_OLD_TO_EDIT:
            logger.info("a reply was given up: %s %s", error.status, error.code)
            self.gone = True
            if isinstance(error, discord.Forbidden):
                self._pace.close_channel(self.outlet.allowance_key)

    async def _create(self, number: int, content: str, controls: Sequence[Item]) -> None:
        self.pacer.posted(self._pace.clock())
        tried_before = number in self._tried
        self._tried.add(number)
        message_id = await self.outlet.create(
            number, content, view_of(*controls), nonce=f"{self.nonce}-{number}", ping=self.ping and number == 0
        )
        if tried_before:
            # The earlier try may have made the message after all; its nonce then returns it with its older text.
            self.posted.append(Post(message_id))
            await self._change(self.posted[-1], content, controls)
        else:
            self.posted.append(Post(message_id, content, marks_of(controls)))

    async def _change(self, post: Post, content: str, controls: Sequence[Item]) -> None:
        marks = marks_of(controls)
        if post.content == content and post.marks == marks:
            return
        self.pacer.edited(self._pace.clock())
        view: Any = MISSING if post.marks == marks else view_of(*controls)
        await self.outlet.edit(post.id, MISSING if post.content == content else content, view)
        post.content, post.marks = content, marks

    async def _record(self, post: Post, number: int) -> None:
        if post.recorded or self.records is None:
            return
        try:
            await self.records.posted(post.id, number, self.outlet.voice)
            post.recorded = True
        except StorageError:
            logger.exception("a posted message could not be remembered")

    async def _drop(self, post: Post) -> None:
        """Remove a message that the reply does not need any more; the history must not take that for a deletion."""
        if self.records is None:
            return
        try:
            await self.records.dropped(post.id)
        except StorageError:
            logger.exception("a message of a reply could not be forgotten")
        else:
            await quietly(self.outlet.delete(post.id))


async def quietly(write: Awaitable[Any]) -> bool:
    """Whether it went through; what only decorates an answer never harms it."""
    try:
        await write
    except (*WRITE_PROBLEMS, LostMessagesError):
        return False
    return True
