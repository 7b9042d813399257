"""A conversation read from its end, of which more may be wanted later."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence

from storage import History, StoredMessage
from storage.records import Opened

SHOWN_STATES = frozenset({"complete", "stopped", "interrupted", "failed", "streaming"})


def is_said(message: StoredMessage) -> bool:
    """Whether a message has words that belong into a prompt."""
    return message.state in SHOWN_STATES and message.has_words


class Path:
    """The messages from one of them towards the first, newest first; each page is read once."""

    def __init__(
        self,
        history: History,
        guild_id: int | None,
        message_id: int | None,
        recent: Sequence[StoredMessage] = (),
        *,
        heard: Callable[[StoredMessage], StoredMessage | None] = lambda message: message,
    ) -> None:
        """``recent`` is the first page, when it has been read already; without an id there are no messages.

        What is not ``heard`` is as if it had not been said.
        """
        self._heard = heard
        self._history, self._guild_id, self._message_id = history, guild_id, message_id
        self._following = None if message_id is None else aiter(history.path(guild_id, message_id, known=recent))
        self._read: list[list[StoredMessage]] = []
        self.whole = message_id is None
        """Whether all of it has been read."""

    async def newest(self, count: int) -> list[StoredMessage]:
        """The newest messages with words, fewer if there are not so many."""
        said = [message for page in self._read for message in page if is_said(message)]
        while len(said) < count and await self._more():
            said += filter(is_said, self._read[-1])
        return said[:count]

    async def length(self) -> tuple[int, int]:
        """How many messages with words there are in all, and how many of them are replies."""
        return (0, 0) if self._message_id is None else await self._history.count(self._guild_id, self._message_id)

    async def asker(self, among: int) -> StoredMessage | None:
        """What a person said last, of so many messages; where nobody spoke yet, the beginning that somebody made."""
        for message in await self.newest(among):
            if message.role == "user":
                return message
        return next((message for page in self._read for message in page if message.role == "system"), None)

    async def opened(self, persona_id: int) -> Opened | None:
        """With which of its greetings a persona opened the conversation; None if with none."""
        if self._message_id is None:
            return None
        return await self._history.opened(self._guild_id, self._message_id, persona_id)

    async def pages(self) -> AsyncIterator[list[StoredMessage]]:
        """All of it, page by page."""
        place = 0
        while place < len(self._read) or await self._more():
            yield self._read[place]
            place += 1

    async def _more(self) -> bool:
        page = [] if self._following is None else await anext(self._following, [])
        if page:
            self._read.append([heard for heard in map(self._heard, page) if heard is not None])
        else:
            self.whole = True
        return bool(page)
