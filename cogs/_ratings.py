"""Keeps the words of characters for adults out of channels that are not age-restricted.

A channel may stop being age-restricted after such a character spoke there. What stands there stays; nothing that it
said is posted or shown anew.
"""

from typing import TYPE_CHECKING, Any

from chat.answers import Answer
from chat.errors import AdultPersonaError
from chat.turns import CheckHead
from cogs._places import is_age_restricted
from storage import ConversationKey, PersonaOutline, Scope, StoredMessage

if TYPE_CHECKING:
    from cogs._bot import Bot


class Ratings:
    """Asks whether replies may be shown in a channel."""

    def __init__(self, bot: "Bot") -> None:
        self._bot = bot

    async def require(self, channel: Any, reply: StoredMessage) -> None:
        """Return if a reply may be shown there. Raises `AdultPersonaError`."""
        await self._bot.services.personas.who_said(reply.guild_id, reply, age_restricted=is_age_restricted(channel))

    async def allows(self, channel: Any, reply: StoredMessage) -> bool:
        """Whether a reply may be shown there."""
        try:
            await self.require(channel, reply)
        except AdultPersonaError:
            return False
        return True

    def stop_adults(self, channel_id: int) -> None:
        """End what adult characters are about to say in a channel and its threads; what they said stays."""
        here = Scope("channel", channel_id)
        for answer in self._bot.services.conversations.answers_where(lambda answer: here in answer.scopes):
            if answer.persona is not None and answer.persona.adult:
                answer.stop(AdultPersonaError(answer.persona.name))

    def stop_newly_adult(self, before: PersonaOutline, now: PersonaOutline) -> None:
        """End what a character is about to say where everybody may read, if it is for adults from now on."""
        if before.adult or not now.adult:
            return
        for answer in self._bot.services.conversations.answers_where(lambda answer: _speaks(answer, now.id)):
            if not is_age_restricted(self._bot.get_channel(answer.key.channel_id)):
                answer.stop(AdultPersonaError(now.name))

    def going_on(self, key: ConversationKey, channel: Any) -> CheckHead:
        """Lets a conversation go on only from what may be shown there."""

        async def check(head: int) -> None:
            await self._require_way(key, channel, head, standing_too=True)

        return check

    def going_back(self, key: ConversationKey, channel: Any) -> CheckHead:
        """Lets a conversation go back as long as that shows nothing anew that may not be."""

        async def check(head: int) -> None:
            await self._require_way(key, channel, head, standing_too=False)

        return check

    async def _require_way(self, key: ConversationKey, channel: Any, head: int, *, standing_too: bool) -> None:
        """Look at the newest of what leads to a head; further up, a move shows nothing anew."""
        if is_age_restricted(channel):
            return
        history = self._bot.services.storage.history
        for said in await anext(aiter(history.path(key.guild_id, head)), []):
            if said.persona_id is None or said.state == "deleted" or await self.allows(channel, said):
                continue
            if (standing_too and said.id == head) or not await history.discord_ids(key.guild_id, said.id):
                await self.require(channel, said)


def _speaks(answer: Answer, persona_id: int) -> bool:
    return answer.persona is not None and answer.persona.id == persona_id
