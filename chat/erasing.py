"""Deleting what somebody said: from what is being answered, from storage, and from what is in memory."""

from datetime import datetime, timedelta
from typing import Final

from chat.answers import Answer
from chat.conversations import Conversations
from chat.keyring import Keyring
from chat.persona_library import PersonaLibrary
from storage import EVERYWHERE, Erased, Erasure, Storage, Where
from storage.privacy import Hide

NOTICED_AGAIN: Final = timedelta(minutes=5)
"""Clocks of processes differ, and a deletion may be noted down a little late."""


class Erasing:
    """Deletes in the process in which somebody asks for it, and forgets in the others what they still remember."""

    def __init__(
        self, storage: Storage, conversations: Conversations, personas: PersonaLibrary, keyring: Keyring
    ) -> None:
        self._privacy = storage.privacy
        self._settings = storage.settings
        self._lorebooks = storage.lorebooks
        self._conversations = conversations
        self._personas = personas
        self._keyring = keyring
        self._noticed: set[int] = set()

    async def stop(self, where: Where, user_id: int) -> None:
        """End the answers that only this person waits for."""
        theirs = self._conversations.answers_where(
            lambda answer: _is_in(answer, where) and answer.asker_ids | {answer.asker_id} == {user_id}
        )
        for answer in theirs:
            answer.stop()
        for answer in theirs:
            await answer.ended.wait()

    async def erase(self, erasure: Erasure, hide: Hide | None = None) -> Erased:
        """Do what was asked for, to the end; `hide` deletes messages in Discord that show replies."""
        await self.stop(erasure.where, erasure.user_id)
        erased = await self._privacy.erase(erasure, hide)
        await self._forget(erasure)
        self._noticed.add(erasure.id)
        return erased

    async def notice(self, since: datetime) -> None:
        """Forget what was deleted elsewhere meanwhile."""
        for erasure in await self._privacy.finished_since(since - NOTICED_AGAIN):
            if erasure.id not in self._noticed:
                self._noticed.add(erasure.id)
                await self._forget(erasure)

    async def _forget(self, erasure: Erasure) -> None:
        """Nothing in memory may bring back what is gone."""
        self._settings.forget_all()
        self._lorebooks.forget_all()
        self._personas.forget_cached()
        await self._keyring.forget_lender(erasure.where, erasure.user_id)
        await self.reconsider_in(erasure.where)

    async def reconsider_in(self, where: Where) -> None:
        """Questions that wait are read anew."""
        answers = self._conversations.answers_where(lambda answer: _is_in(answer, where))
        for guild_id, channel_id in {(answer.key.guild_id, answer.key.channel_id) for answer in answers}:
            await self._conversations.reconsider(guild_id, channel_id)


def _is_in(answer: Answer, where: Where) -> bool:
    return where in (EVERYWHERE, answer.key.guild_id)
