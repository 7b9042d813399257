"""From what a model writes to what is on the screen: its own words, without what the server does not allow."""

from chat._voice import Voice
from chat.answers import Answer
from chat.policy import ReplyFilter


class Showing:
    """Takes the stream of one answer piece by piece and shows what may be shown."""

    def __init__(self, answer: Answer, voice: Voice, reply_filter: ReplyFilter | None) -> None:
        self._answer = answer
        self._voice = voice
        self._filter = reply_filter
        self.written = 0  # characters, those that are held back as well

    @property
    def ended(self) -> bool:
        """Whether nothing more will be shown."""
        return self._voice.ended or self.filtered

    @property
    def filtered(self) -> bool:
        """Whether a filter ended it."""
        return self._filter is not None and self._filter.ended

    async def feed(self, text: str) -> None:
        """Show what has become visible by the next piece."""
        await self._say(self._voice.feed(text))

    async def finish(self, finish_reason: str | None) -> None:
        """Show the rest."""
        await self._say(self._voice.finish(finish_reason))
        await self.rescue()

    async def rescue(self) -> None:
        """Show what a filter has held back, of a reply that broke off, too."""
        if self._filter is not None:
            self._show(await self._filter.finish())

    async def _say(self, text: str) -> None:
        self.written += len(text)
        self._show(text if self._filter is None or not text else await self._filter.feed(text))

    def _show(self, text: str) -> None:
        if text:
            self._answer.text += text
            self._answer.screen.text(text)
