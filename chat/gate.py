"""Whether somebody may have an answer: asked before anything of it is kept, and again when it is to be written.

The first time decides by an estimate, so that a refusal can be told privately and at once. The second time the tokens
of the prompt are known, and are set aside together with the request until the reply is settled.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from chat.answers import Answer, Question, Wish
from chat.context import Cast, ContextReader, Prepared
from chat.errors import ChatError, LimitReachedError
from chat.keys import Pools
from chat.models import ModelCatalogue
from chat.persona import Persona
from chat.policy import Limiter, Standing
from chat.preferences import sampling
from chat.queue import FairQueue, Priority, Ticket
from storage import ConversationKey, Scope


@dataclass(frozen=True, slots=True)
class Asking:
    """What somebody asks for: an answer to `words` after the message `parent_id`, or to a text that stands alone.

    With `on_head` that message is the one with which the conversation ends.
    """

    key: ConversationKey
    asker_id: int
    scopes: Sequence[Scope]
    persona: Persona | None = None
    parent_id: int | None = None
    on_head: bool = False
    words: str = ""
    alone: bool = False
    max_tokens: int | None = None
    priority: Priority = Priority.TURN


def asked(question: Question) -> Asking:
    """A person says something."""
    turn = question.turn
    words = turn.content if turn.quote is None else f"{turn.quote.text}\n{turn.content}"
    return Asking(turn.key, turn.author_id, question.scopes, question.persona, turn.parent_id, turn.on_head, words)


def wished(wish: Wish, parent_id: int | None, priority: Priority | None = None) -> Asking:
    """Somebody wants another reply, or more of one; a question that has no answer yet is like one just asked."""
    if priority is None:
        priority = Priority.SWIPE if wish.shown.reply.content.strip() else Priority.TURN
    return Asking(wish.shown.key, wish.asker_id, wish.scopes, wish.persona, parent_id, priority=priority)


def alone(answer: Answer) -> Asking:
    """Somebody wants a text that is no part of any conversation."""
    text = answer.prompt_text
    return Asking(
        answer.key, answer.asker_id, answer.scopes, answer.persona, answer.parent_id, words=text or "",
        alone=text is not None, max_tokens=answer.max_tokens, priority=answer.priority,
    )  # fmt: skip


class Gate:
    """Asks the limits and the line. Without a limiter there are no limits."""

    def __init__(
        self,
        queue: FairQueue,
        pools: Pools,
        context: ContextReader,
        catalogue: ModelCatalogue,
        limiter: Limiter | None = None,
    ) -> None:
        self._queue = queue
        self._pools = pools
        self._context = context
        self._catalogue = catalogue
        self._limiter = limiter

    async def admit(self, asking: Asking) -> Standing | None:
        """How the asker stands with the limits. Raises `LimitReachedError` and `QueueTooLongError`."""
        standing = None if self._limiter is None else await self._limiter.standing(asking.key, asking.asker_id)
        if standing is not None:
            needed = 1
            if standing.counts_tokens:
                needed = await self._estimate(asking)
                standing = standing.costing(needed)
            _refuse(standing, needed)
        await self._pools.ready(asking.key.guild_id)
        self._queue.check_wait(_ticket(asking.key, asking.asker_id, "", asking.priority, standing))
        return standing

    def ticket(self, answer: Answer, model: str) -> Ticket:
        """The answer's wish for a slot; whoever is past a soft limit comes after all others."""
        return _ticket(answer.key, answer.asker_id, model, answer.priority, answer.standing)

    async def reserve(self, answer: Answer, prepared: Prepared, ticket: Ticket) -> bool:
        """Set aside what the answer may take; False if it has to go back into the line, as the last.

        Raises `LimitReachedError`.
        """
        if self._limiter is None or answer.reserved is not None:
            return True
        tokens = prepared.tokens + (prepared.sampling.max_tokens or 0)
        last = ticket.priority >= Priority.LAST or not len(self._queue)
        standing = await self._limiter.reserve(answer.key, answer.asker_id, tokens, over=last)
        _refuse(standing, tokens, late=answer.key.guild_id is not None and not answer.key.private)
        if standing.over and standing.reserved is None:
            ticket.priority = Priority.LAST
            return False
        answer.reserved = standing.reserved
        return True

    async def _estimate(self, asking: Asking) -> int:
        """About how many tokens it will take, the longest reply among them."""
        persona_id = None if asking.persona is None else asking.persona.id
        preferences = await self._context.preferences(asking.key.guild_id, asking.scopes, persona_id)
        wishes = sampling(preferences, max_tokens=asking.max_tokens)
        try:
            model = self._catalogue.choose(preferences["model"].value)
        except ChatError:  # there is none, which is told when it is to answer
            return 1
        words = self._catalogue.estimator(model).estimate(asking.words)
        if asking.alone:
            return words + (wishes.max_tokens or 0)
        cast = Cast(asking.key, asking.scopes, asking.persona)
        parent_id = await self._context.head(asking.key) if asking.on_head else asking.parent_id
        prepared = await self._context.assemble(cast, parent_id, model, preferences, wishes)
        window = self._catalogue.context_window(model)
        reserve = prepared.sampling.max_tokens or 0
        return min(prepared.tokens + words + reserve, window)


def _refuse(standing: Standing, needed: int, *, late: bool = False) -> None:
    if standing.refused and standing.reached is not None:
        unit = standing.reached.limit.unit
        raise LimitReachedError(standing.reached, standing.others, needed if unit == "tokens" else 1, late)


def _ticket(key: ConversationKey, asker_id: int, model: str, priority: Priority, standing: Standing | None) -> Ticket:
    if standing is None:
        return Ticket(key.guild_id, asker_id, model, priority)
    if standing.over:
        priority = max(priority, Priority.LAST)
    return Ticket(key.guild_id, asker_id, model, priority, standing.weight)
