"""How an answer that has ended is kept, and what it cost."""

import asyncio
import logging
from datetime import UTC, datetime

from chat.answers import Answer, Outcome
from chat.errors import ChatError, ReplyInterruptedError
from infermatic_client import InfermaticError
from storage import Settlement, Spent, StorageError, UsageRow

logger = logging.getLogger(__name__)


def outcome_of(answer: Answer, work: "asyncio.Task[Outcome]") -> Outcome:
    """How the work on an answer ended, whatever happened in it."""
    if work.cancelled():
        return _cut_short(answer)
    error = work.exception()
    if error is None:
        return work.result()
    if not isinstance(error, ChatError | InfermaticError | StorageError):
        logger.error("an answer failed unexpectedly", exc_info=error)
    if answer.unasked and not answer.text.strip():
        return answer.outcome("stopped")
    return answer.outcome("interrupted" if answer.text.strip() else "failed", error)


def _cut_short(answer: Answer) -> Outcome:
    if answer.stopped_because is not None and not answer.text.strip() and not answer.unasked:
        return answer.outcome("failed", answer.stopped_because)
    if answer.stop_requested or (answer.unasked and not answer.text):
        return answer.outcome("stopped")
    return answer.outcome("interrupted", ReplyInterruptedError())


def settlement(answer: Answer, outcome: Outcome, usage: UsageRow | None) -> Settlement:
    """How the reply is kept; what came to nothing leaves what stood there before."""
    former = answer.former.reply if answer.former is not None else None
    if former is not None and answer.goes_on and not outcome.text.strip():
        return Settlement(
            former.content, former.state, former.model, former.prompt_tokens, former.tokens, former.finish_reason,
            usage, outcome.facts, spent=spent_on(answer, outcome, usage),
        )  # fmt: skip
    earlier_tokens = (former.tokens or 0) if former is not None and answer.goes_on else 0
    return Settlement(
        answer.text_before + outcome.text,
        outcome.state,
        outcome.model,
        outcome.prompt_tokens or None,
        (earlier_tokens + outcome.completion_tokens) or None,
        outcome.finish_reason,
        usage,
        outcome.facts,
        instead_of=_given_back(answer, outcome),
        spent=spent_on(answer, outcome, usage),
    )


def spent_on(answer: Answer, outcome: Outcome, usage: UsageRow | None) -> Spent | None:
    """What counts towards limits: what was used, but nothing where the service gave nothing."""
    if answer.reserved is None:
        return None
    if usage is None or (outcome.state == "failed" and isinstance(outcome.error, InfermaticError)):
        return Spent(answer.reserved, 0, 0)
    return Spent(answer.reserved, 1, usage.prompt_tokens + usage.completion_tokens)


def _given_back(answer: Answer, outcome: Outcome) -> int | None:
    """The reply that is the newest again, because this one came to nothing."""
    if outcome.text.strip():
        return None
    former = answer.former.reply if answer.former is not None else None
    if former is not None and former.content.strip():
        return former.id
    return answer.parent_id if answer.unasked else None


def usage_row(answer: Answer, outcome: Outcome) -> UsageRow | None:
    """What the answer cost; nothing when no request was made."""
    if outcome.model is None or not outcome.prompt_tokens:
        return None
    kind = "chat" if answer.prompt_text is None else "complete"
    return UsageRow(
        answer.key.guild_id,
        answer.key.channel_id,
        answer.asker_id,
        outcome.model,
        kind,
        outcome.prompt_tokens,
        outcome.completion_tokens,
        datetime.now(UTC),
        answer.waited_seconds,
        _home_id(answer),
    )


def _home_id(answer: Answer) -> int | None:
    """The server against which an answer in direct messages counts."""
    if answer.key.guild_id is not None:
        return None
    standings = [one.standing for one in answer.participants.values() if one.standing is not None]
    return standings[0].ruling_id if standings else None
