"""From the events of a stream to deltas, without any I/O."""

from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

from ._errors import APIStatusError, StreamInterruptedError
from ._types import ChatDelta, CompletionDelta, Usage
from ._wire import Chunk, ChunkChoice, lenient_json, read_chunk

_DONE: Final = b"[DONE]"

Classify = Callable[[Any], APIStatusError]
D = TypeVar("D", bound=ChatDelta | CompletionDelta)


class Assembly(Generic[D]):
    """What the events so far told about a stream as a whole.

    ``finished``: a finish was seen. ``done``: ``[DONE]`` was seen. ``more``: of a chunk with several choices, what the
    choices after the first add. ``take`` raises an ``APIStatusError`` for an error frame, ``StreamInterruptedError``
    for a finish the gateway made up, ``ResponseFormatError`` for what is no JSON.
    """

    def __init__(self, classify: Classify) -> None:
        self.model: str | None = None
        self.usage: Usage | None = None
        self.more: list[D] = []
        self.finished = False
        self.done = False
        self._classify = classify
        self._id: str | None = None
        self._ids_agree = True
        self._finished_choices: set[int] = set()

    def take(self, payload: bytes) -> D | None:
        """Return what one event adds, ``None`` when it adds nothing to see."""
        if payload[:1] != b"{":
            payload = payload.strip()
            if payload == _DONE:
                self.done = True
                return None
            if not payload:
                return None
        chunk = read_chunk(payload)
        if chunk.error is not None:
            raise self._classify(chunk.error)
        if chunk.usage is not None and chunk.usage.total_tokens:  # 1.66.3 puts a zero usage into every text chunk
            self.usage = chunk.usage
        if self.model is None:
            self.model = chunk.model
        choices = chunk.choices
        if not choices:
            if choices is None:
                self._look_for_flat_error(payload)
            return None
        first = self._delta(choices[0], chunk)
        return first if len(choices) == 1 else self._first_of_several(first, chunk, choices)

    def _delta(self, choice: ChunkChoice, chunk: Chunk) -> D | None:
        raise NotImplementedError

    def _first_of_several(self, first: D | None, chunk: Chunk, choices: list[ChunkChoice]) -> D | None:
        found = [first, *(self._delta(choice, chunk) for choice in choices[1:])]
        self.more = [delta for delta in found if delta is not None]
        return self.more.pop(0) if self.more else None

    def _look_for_flat_error(self, payload: bytes) -> None:
        """Notice vLLM's own error event, which a server without the gateway passes through."""
        found = lenient_json(payload)
        if isinstance(found, dict) and found.get("object") == "error":
            raise self._classify(found)

    def _note_id(self, chunk_id: str | None) -> None:
        if self._id is None:
            self._id = chunk_id
        else:
            self._ids_agree = False

    def _finish(self, choice: ChunkChoice, chunk: Chunk, *, bare: bool) -> str | None:
        """Return the finish reason if it is the first of its choice, after a look at its ``id``.

        LiteLLM 1.83.14 answers an error event of the model's server with a bare ``stop`` under another ``id``.
        """
        another = self._ids_agree and self._id and chunk.id and chunk.id != self._id
        if bare and another and not self.finished:
            raise StreamInterruptedError(reason="made_up_finish")
        if choice.index in self._finished_choices:
            return None
        self._finished_choices.add(choice.index)
        self.finished = True
        return choice.finish_reason


class ChatAssembly(Assembly[ChatDelta]):
    """Chat chunks; inline ``<think>`` stays in the text, ``reasoning_content`` is kept apart."""

    def _delta(self, choice: ChunkChoice, chunk: Chunk) -> ChatDelta | None:
        delta = choice.delta
        if delta is None:
            text = reasoning = ""
        else:
            text = delta.content or ""
            reasoning = delta.reasoning_content or delta.reasoning or ""
        finish = None
        if choice.finish_reason:
            finish = self._finish(choice, chunk, bare=not text)
        elif chunk.id != self._id:
            self._note_id(chunk.id)
        if text or reasoning or finish:
            return ChatDelta(text, reasoning, finish, choice.index)
        return None


class CompletionAssembly(Assembly[CompletionDelta]):
    """Text chunks; the last one has no ``text`` at all. Every choice says index 0, so there is only one."""

    def _delta(self, choice: ChunkChoice, chunk: Chunk) -> CompletionDelta | None:
        text = choice.text or ""
        finish = None
        if choice.finish_reason:
            finish = self._finish(choice, chunk, bare=not text)
        elif chunk.id != self._id:
            self._note_id(chunk.id)
        return CompletionDelta(text, finish) if text or finish else None
