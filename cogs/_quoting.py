"""Watches what people reply to while that is taken up: what is edited or deleted meanwhile is not quoted."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import discord


@dataclass(slots=True, eq=False)
class _Source:
    id: int
    changed: bool = False


class Sources:
    """The messages to which somebody replies just now."""

    def __init__(self) -> None:
        self._watched: list[_Source] = []

    @contextlib.contextmanager
    def watch(self, message: discord.Message) -> Iterator[None]:
        """Watch what a message replies to for as long as it is being taken up."""
        source_id = source_of(message)
        if source_id is None:
            yield
            return
        source = _Source(source_id)
        self._watched.append(source)
        try:
            yield
        finally:
            self._watched.remove(source)

    def note(self, message_id: int) -> None:
        """A message was edited or deleted."""
        for source in self._watched:
            source.changed = source.changed or source.id == message_id

    def changed(self, message_id: int) -> bool:
        """Whether a message was edited or deleted since it is watched."""
        return any(source.changed for source in self._watched if source.id == message_id)


def source_of(message: discord.Message) -> int | None:
    """The message that this one replies to."""
    return message.reference.message_id if message.reference is not None else None
