"""Whether somebody may have an answer: asked before anything of it is kept, and again when it is to be written.

The first time decides by an estimate, so that a refusal can be told privately and at once. The second time the tokens
of the prompt are known, and are set aside together with the request until the reply is settled.

Whoever joins a question passes the same gate. What the answer takes is set aside for all who ask in it, or for none;
who has no room any more is sent away, and the others are answered.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

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


class ApartError(Exception):
    """Somebody cannot join a question without harm to those who asked it; they may ask a question of their own."""


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
        self.send_away: Callable[[Answer, int, ChatError], Awaitable[None]] | None = None

    async def admit(self, asking: Asking) -> Standing | None:
        """How the asker stands with the limits. Raises `LimitReachedError` and `QueueTooLongError`."""
        standing, _ = await self._standing(asking)
        await self._pools.ready(asking.key.guild_id)
        ticket = Ticket(asking.key.guild_id, asking.asker_id, "")
        _seat(ticket, asking.priority, {asking.asker_id: standing})
        self._queue.check_wait(ticket)
        return standing

    async def join(self, answer: Answer, asking: Asking) -> Standing | None:
        """How somebody stands who joins a question. The line is not asked, since it grows by nobody.

        Raises `LimitReachedError`, or `ApartError` if what they say costs more than somebody else has left.
        """
        others = {who: one.standing for who, one in answer.participants.items() if who != asking.asker_id}
        counting = [one for one in others.values() if one is not None and one.counts_tokens]
        asking = replace(asking, parent_id=answer.parent_id, on_head=False)
        standing, needed = await self._standing(asking, estimated=bool(counting))
        part = -(-needed // (len(others) + 1))
        if any(one.costing(part).refused for one in counting):
            raise ApartError
        return standing

    def ticket(self, answer: Answer, model: str) -> Ticket:
        """The answer's wish for a slot; whoever is past a soft limit comes after all others."""
        ticket = Ticket(answer.key.guild_id, answer.asker_id, model)
        _seat(ticket, answer.priority, _standings(answer))
        return ticket

    def regroup(self, answer: Answer) -> None:
        """Others ask in it than before: the line looks again."""
        if answer.ticket is not None:
            _seat(answer.ticket, answer.priority, _standings(answer))
            self._queue.pump()

    async def reserve(
        self, answer: Answer, prepare: Callable[[], Awaitable[Prepared]], ticket: Ticket
    ) -> Prepared | None:
        """Set aside what the answer may take; None if it has to go back into the line, as the last.

        Raises `LimitReachedError` if nobody has room.
        """
        while True:
            prepared = await prepare()
            if self._limiter is None or answer.reserved is not None:
                return prepared
            tokens = prepared.tokens + (prepared.sampling.max_tokens or 0)
            last = ticket.priority >= Priority.LAST or not len(self._queue)
            found = await self._limiter.reserve(answer.key, tuple(answer.participants), tokens, over=last)
            refused = [who for who, standing in found.standings.items() if standing.refused]
            if not refused:
                break
            await self._without(answer, refused, found.standings, tokens)
        answer.reserved = found.reserved
        if found.reserved is not None or not all(standing.over for standing in found.standings.values()):
            return prepared
        for who, standing in found.standings.items():
            answer.participants[who].standing = standing
        _seat(ticket, answer.priority, _standings(answer))
        return None

    async def _without(
        self, answer: Answer, refused: Sequence[int], standings: Mapping[int, Standing], tokens: int
    ) -> None:
        """Send those away who have no room. Raises `LimitReachedError` if there is nobody else."""
        late = answer.key.guild_id is not None and not answer.key.private
        part = -(-tokens // len(standings))
        errors = {who: _refusal(standings[who], part, tokens, late=late) for who in refused}
        if self.send_away is None or len(refused) == len(standings):
            raise errors[refused[0]]
        for who, error in errors.items():
            await self.send_away(answer, who, error)

    async def _standing(self, asking: Asking, *, estimated: bool = False) -> tuple[Standing | None, int]:
        """How somebody stands, and how many tokens it takes, if that matters. Raises `LimitReachedError`."""
        standing = None if self._limiter is None else await self._limiter.standing(asking.key, asking.asker_id)
        if standing is None:
            return None, 1
        needed = await self._estimate(asking) if estimated or standing.counts_tokens else 1
        standing = standing.costing(needed) if standing.counts_tokens else standing
        if standing.refused:
            raise _refusal(standing, needed, needed)
        return standing, needed

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


def _refusal(standing: Standing, own: int, tokens: int, *, late: bool = False) -> LimitReachedError:
    """Which limit is reached by a request for so many tokens, `own` of which count as this person's."""
    reached = standing.reached
    assert reached is not None
    needed = 1
    if reached.limit.unit == "tokens":
        needed = own if reached.limit.scope_kind in {"user", "role"} else tokens
    return LimitReachedError(reached, standing.others, needed, late)


def _standings(answer: Answer) -> dict[int, Standing | None]:
    return {who: one.standing for who, one in answer.participants.items()}


def _seat(ticket: Ticket, priority: Priority, standings: Mapping[int, Standing | None]) -> None:
    """Let the ticket stand for these people, as the best of them stands."""
    ticket.people = {who: 1.0 if standing is None else standing.weight for who, standing in standings.items()}
    past = all(standing is not None and standing.over for standing in standings.values())
    ticket.priority = max(priority, Priority.LAST) if past else priority
