"""What of a stream is shown: the model's own words, without its thinking, joined to what stands there already."""

from collections.abc import Sequence

from chat.answers import Answer
from chat.cleaning import ReplyCleaner
from chat.reasoning import ReasoningFilter
from chat.seams import Seam
from storage import clean_text


class Voice:
    """Takes the stream of one answer piece by piece; `ended` once the model began to speak for somebody else."""

    def __init__(self, answer: Answer, speakers: Sequence[str]) -> None:
        """A plain text completion has no speakers, and its words are not touched."""
        before = answer.text_before
        self._plain = answer.prompt_text is not None
        self._reasoning = ReasoningFilter()
        self._cleaner = ReplyCleaner(answer.own_names, speakers, before=before)
        former = answer.former.reply if answer.former is not None else None
        self._seam = Seam(before, cut=former is not None and former.finish_reason == "length")

    @property
    def ended(self) -> bool:
        """Whether nothing more will be shown."""
        return self._cleaner.ended

    @property
    def only_thought(self) -> bool:
        """Whether the model thought aloud and said nothing."""
        return self._reasoning.only_reasoning

    def feed(self, text: str) -> str:
        """Add the next piece; returns what has become visible."""
        shown = self._reasoning.feed(clean_text(text))
        if self._plain or not shown:
            return shown
        return self._seam.feed(self._cleaner.feed(shown))

    def finish(self, finish_reason: str | None) -> str:
        """End the stream; returns what was held back."""
        rest = self._reasoning.finish()
        if self._plain:
            return rest
        cleaned = self._cleaner.feed(rest) + self._cleaner.finish(stopped=finish_reason != "length")
        return self._seam.feed(cleaned) + self._seam.finish()
