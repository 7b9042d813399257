"""A history as one of its speakers sees it: who says what, and which pictures a request shows."""

from collections.abc import Sequence
from typing import Final

from chat.pictures import PICTURE_MARK
from chat.prompt import Turn
from storage import Picture, Pictures, StoredMessage

_BLIND: Final = "[You cannot see pictures.]"
_NOT_ANY_MORE: Final = "[This is not shown to you any more.]"


class Gallery:
    """Hangs the newest pictures into their turns, up to a number; the others are named in the words only.

    What another persona than ``persona_id`` said is to it like the words of a person.
    """

    def __init__(self, pictures: Pictures, guild_id: int | None, most: int, persona_id: int | None = None) -> None:
        self._pictures = pictures
        self._guild_id = guild_id
        self._persona_id = persona_id
        self._most = self._left = most
        self._asked = False
        self._newest = True
        self.unseen = False
        """The newest turn has pictures, and none of them is shown."""

    async def turns(self, page: Sequence[StoredMessage]) -> list[Turn]:
        """The next page of a history that is read from its end."""
        found: dict[int, list[Picture]] = {}
        if self._left or self._newest:
            marked = [message.id for message in page if message.role == "user" and PICTURE_MARK in message.content]
            if marked:
                found = await self._pictures.of(self._guild_id, marked[: max(self._left, 1)])
        return [self._turn(message, found.get(message.id, [])) for message in page]

    def _turn(self, message: StoredMessage, own: Sequence[Picture]) -> Turn:
        if message.role == "user":
            self._asked = True
        elif self._asked:
            self._newest = False
        shown = tuple(own[: self._left])
        self._left -= len(shown)
        content = message.content
        if own and not shown:
            content += f"\n{_NOT_ANY_MORE if self._most else _BLIND}"
            self.unseen = self.unseen or self._newest
        elif len(shown) < len(own):
            content += f"\n[Of these pictures you are shown the first {len(shown)}.]"
        if message.role == "assistant" and message.author_name and message.persona_id not in {None, self._persona_id}:
            # Below zero, so that no person has the same number.
            other = -(message.persona_id or 0)
            return Turn(message.id, "user", message.author_name, content, speaker_id=other, is_persona=True)
        speaker = message.author_name if message.role == "user" else None
        return Turn(message.id, message.role, speaker, content, shown, message.author_id if speaker else None)
