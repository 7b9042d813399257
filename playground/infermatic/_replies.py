"""Answers that a test has written beforehand."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Reply:
    """A text to answer with instead of the descriptive one."""

    text: str
    remaining: int | None  # None: always
    model: str | None  # None: any model
    reasoning: str
    finish_reason: str | None


class Replies:
    """The answers that wait to be given, in the order in which they were added."""

    def __init__(self) -> None:
        self._waiting: list[Reply] = []

    def add(
        self,
        text: str,
        times: int | None = 1,
        model: str | None = None,
        *,
        reasoning: str = "",
        finish_reason: str | None = None,
    ) -> Reply:
        """Answer the next `times` requests (None: all) to the model (None: to any) with exactly this text."""
        reply = Reply(text, times, model, reasoning, finish_reason)
        self._waiting.append(reply)
        return reply

    def clear(self) -> None:
        """Forget the answers that were not given."""
        self._waiting.clear()

    def take(self, model: str) -> Reply | None:
        """Return the answer for a request to the model, if one waits."""
        for reply in self._waiting:
            if reply.model in {None, model}:
                if reply.remaining is not None:
                    reply.remaining -= 1
                    if reply.remaining <= 0:
                        self._waiting.remove(reply)
                return reply
        return None
