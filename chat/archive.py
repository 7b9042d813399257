"""What people do with a channel's whole history: look into it, search it, move in it, and carry it out and in."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from chat import transcripts
from chat._allowed import allowed_messages
from chat.branches import Branches, short_id
from chat.conversations import Conversations
from chat.errors import NothingThereError, TranscriptError
from chat.turns import CheckHead
from storage import ConversationKey, History, Scope, StoredMessage
from storage.records import utc_now

Format = Literal["markdown", "json", "sillytavern"]

FOUND_AT_MOST: Final = 8  # what one message of Discord holds
SEARCH_SECONDS: Final = 3.0
WORDS_AT_MOST: Final = 10
OUTLINED_AT_MOST: Final = 2000
"""Messages that a drawing looks at; older ones are "above"."""

PATH_PAGE: Final = 200


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found, newest first, where Discord shows it, and whether all was looked through."""

    messages: list[StoredMessage]
    links: dict[int, int]
    looked_through: int
    complete: bool


@dataclass(frozen=True, slots=True)
class Moved:
    """Where the conversation was, as `checkout` finds it again, and where it is; `words` are the newest there."""

    left: int | None
    previous: str | None
    head: str
    words: str


@dataclass(frozen=True, slots=True)
class TakenIn:
    """A conversation that came from a file.

    `left_out` are messages that no model was meant to see, `emptied` those with words that the server does not allow.
    """

    moved: Moved
    messages: int
    left_out: int
    emptied: int


class Archive:
    """The histories of all channels, for reading and moving as a whole."""

    def __init__(
        self, history: History, conversations: Conversations, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._history = history
        self._conversations = conversations
        self._clock = clock

    async def search(self, key: ConversationKey, viewer_id: int, text: str) -> Found:
        """Messages of the channel with all these words. Raises `NothingThereError` without any word."""
        words = list(dict.fromkeys(text.split()))[:WORDS_AT_MOST]
        if not words:
            raise NothingThereError("search")
        until = self._clock() + SEARCH_SECONDS
        found: list[StoredMessage] = []
        looked_through, complete = 0, True
        async for page in self._history.search(key.guild_id, key.channel_id, viewer_id, words):
            found += page.found
            looked_through += page.looked_through
            complete = page.go_on_before is None and len(found) <= FOUND_AT_MOST
            if len(found) >= FOUND_AT_MOST or self._clock() > until:
                break
        found = found[:FOUND_AT_MOST]
        public = [message.id for message in found if message.private_to is None]
        return Found(found, await self._history.links(key.guild_id, public), looked_through, complete)

    async def branches(self, key: ConversationKey) -> Branches:
        """The newest part of the channel's tree."""
        outlined = await self._history.outline(key.guild_id, key.channel_id, OUTLINED_AT_MOST)
        return Branches(outlined, await self._history.head(key))

    async def checkout(self, key: ConversationKey, typed: str, check: CheckHead | None = None) -> Moved:
        """Go on from a branch. Raises `NothingThereError`, `BusyConversationError` or `WrongConversationError`."""
        branches = await self.branches(key)
        wanted = branches.find(typed)
        if wanted is None:
            raise NothingThereError("checkout")
        return await self._move(key, branches, wanted, check)

    async def go_on_from(self, key: ConversationKey, message_id: int, check: CheckHead | None = None) -> Moved:
        """Go on from a message. Raises `BusyConversationError` or `WrongConversationError`."""
        return await self._move(key, await self.branches(key), message_id, check)

    async def export(self, key: ConversationKey, kind: Format, bot_name: str, limit_bytes: int) -> bytes:
        """The conversation as a file. Raises `TranscriptError` if it is longer, `NothingThereError` if it is empty."""
        head = await self._history.head(key)
        if kind == "json":
            messages = await self._everything(key, limit_bytes)
            content = await asyncio.to_thread(transcripts.to_json, messages, head, utc_now())
        else:
            messages = await self._path(key, head, limit_bytes)
            if kind == "markdown":
                content = await asyncio.to_thread(transcripts.to_markdown, messages, bot_name)
            else:
                swipes = await self._swipes(key, messages, limit_bytes)
                content = await asyncio.to_thread(transcripts.to_sillytavern, messages, swipes, bot_name)
        if not messages:
            raise NothingThereError("export")
        if len(content) > limit_bytes:
            raise TranscriptError("long")
        return content

    async def take_in(
        self, key: ConversationKey, data: bytes, importer_id: int, scopes: Sequence[Scope] = ()
    ) -> TakenIn:
        """Add a file's conversation and go on from it; the old one stays. Raises `TranscriptError`."""
        transcript = await asyncio.to_thread(transcripts.read, data, importer_id, utc_now())
        messages, emptied = await allowed_messages(self._conversations.texts, key, transcript.messages, scopes)
        async with self._conversations.quiet_line(key):
            grafted = await self._history.graft(key, messages, transcript.head)
        moved = _moved(await self.branches(key), grafted.previous_head, grafted.head)
        return TakenIn(moved, grafted.messages, transcript.left_out, emptied)

    async def _move(self, key: ConversationKey, branches: Branches, message_id: int, check: CheckHead | None) -> Moved:
        async with self._conversations.quiet_line(key):
            if check is not None:
                await check(message_id)
            previous = await self._history.set_head(key, message_id)
        return _moved(branches, previous, message_id)

    async def _everything(self, key: ConversationKey, limit_bytes: int) -> list[StoredMessage]:
        size = _Size(limit_bytes)
        messages: list[StoredMessage] = []
        async for page in self._history.everything(key.guild_id, key.channel_id):
            size.add(page)
            messages += page
        return messages

    async def _path(self, key: ConversationKey, head: int | None, limit_bytes: int) -> list[StoredMessage]:
        """From the beginning to the head."""
        size = _Size(limit_bytes)
        messages: list[StoredMessage] = []
        if head is not None:
            async for page in self._history.path(key.guild_id, head, page_size=PATH_PAGE):
                size.add(page)
                messages += page
        return messages[::-1]

    async def _swipes(
        self, key: ConversationKey, path: list[StoredMessage], limit_bytes: int
    ) -> dict[int, list[StoredMessage]]:
        """The replies under each message of the path that is answered on it."""
        size = _Size(limit_bytes)
        answered = [m.parent_id for m in path if m.role == "assistant" and m.parent_id is not None]
        swipes: dict[int, list[StoredMessage]] = {}
        for start in range(0, len(answered), PATH_PAGE):
            page = await self._history.replies_under(key.guild_id, answered[start : start + PATH_PAGE])
            size.add(page)
            for reply in page:
                if reply.parent_id is not None:
                    swipes.setdefault(reply.parent_id, []).append(reply)
        return swipes


def _moved(branches: Branches, previous: int | None, head: int) -> Moved:
    return Moved(previous, _name(branches, previous), _name(branches, head) or "", branches.words_of(head, 120))


def _name(branches: Branches, message_id: int | None) -> str | None:
    """What a person can type for a message: the short id where it is enough."""
    if message_id is None:
        return None
    short = short_id(message_id)
    return short if branches.find(short) == message_id else str(message_id)


class _Size:
    """Ends the reading of what will not fit into a file."""

    def __init__(self, limit_bytes: int) -> None:
        self._left = limit_bytes

    def add(self, page: list[StoredMessage]) -> None:
        self._left -= sum(len(message.content) for message in page)
        if self._left < 0:
            raise TranscriptError("long")
