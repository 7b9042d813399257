"""Stops what is under way for people who are denied it from now on."""

from typing import Final

from chat.answers import Answer
from chat.errors import ChatError, DeniedError, ModelDeniedError
from cogs._bot import Bot

STOPPED: Final = "A moderator has switched this off."


async def stop_denied(bot: Bot, guild_id: int) -> int:
    """End what the rules of a server let nobody have any more who asked for it, waiting or not; how much that was."""
    guard = bot.services.guard

    def is_ruled(answer: Answer) -> bool:
        return guard.ruling_id(answer.key.guild_id, answer.key.channel_id, answer.asker_id) == guild_id

    stopped = 0
    for answer in bot.services.conversations.answers_where(is_ruled):
        if (reason := await _denial(bot, answer)) is not None:
            if answer.text.strip():
                answer.notes.append(STOPPED)
            answer.stop(because=reason)
            stopped += 1
    return stopped


async def _denial(bot: Bot, answer: Answer) -> ChatError | None:
    guard, model = bot.services.guard, answer.asked_model
    permits = [await guard.permit(answer.key, answer.scopes, person_id) for person_id in answer.participants]
    if all(permit.denied for permit in permits):
        return DeniedError()
    if model is not None and not all(permit.allows(model) for permit in permits):
        return ModelDeniedError(model)
    return None


def stopped_words(count: int) -> str:
    """What is said behind the rule."""
    if not count:
        return ""
    return f" I stopped {'a reply' if count == 1 else f'{count} replies'}."
