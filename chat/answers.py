"""One answer of the bot, from the question to its end: what the engine and the surface share."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import InitVar, dataclass, field
from typing import Protocol

from chat.bursts import Burst
from chat.persona import Persona
from chat.policy import Standing
from chat.queue import Place, Priority, Ticket
from chat.tokens import base_tokens
from storage import (
    BegunTurn,
    ConversationKey,
    ModelFacts,
    NewTurn,
    Reserved,
    Scope,
    ShownReply,
    State,
    StoredMessage,
    Voice,
)


@dataclass(frozen=True, slots=True)
class Question:
    """Something a person said to the bot, and where the settings for it are looked up."""

    turn: NewTurn
    scopes: tuple[Scope, ...]
    gathers: bool = False  # answer when those who write have paused, because several messages may come at once
    notes: tuple[str, ...] = ()  # small print for the reply, such as how much of an attachment was read
    own_names: tuple[str, ...] = ()  # what the bot is called where the question was asked
    persona: Persona | None = None  # who answers
    called: bool = False  # this one and nobody else was wanted


@dataclass(frozen=True, slots=True)
class Wish:
    """Somebody wants another reply beside one that is shown, or more of it."""

    shown: ShownReply
    claim_id: int
    asker_id: int
    scopes: tuple[Scope, ...]
    own_names: tuple[str, ...] = ()
    persona: Persona | None = None

    @property
    def speaker(self) -> tuple[int | None, str | None]:
        """The id and the name of the persona that is to speak."""
        return (None, None) if self.persona is None else (self.persona.id, self.persona.name)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an answer ended. `state` is what the history says: complete, stopped, interrupted or failed."""

    state: State
    text: str = ""
    error: BaseException | None = None
    finish_reason: str | None = None
    model: str | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    facts: ModelFacts | None = None  # what the reply taught about its model
    gone_model: str | None = None  # the chosen model that is not served any more, when this is to be said


class Screen(Protocol):
    """What shows an answer to people. Only `finish` waits; the others note what is to be shown and return."""

    def bind(self, answer: "Answer") -> None:
        """The answer that this screen shows from now on."""

    def waiting(self, place: Callable[[], Place]) -> None:
        """The answer waits, perhaps again after a refusal; `place` tells where it stands from now on."""

    def writing(self, expected_seconds: float) -> None:
        """The slot is granted: the model will write soon, for about as long as replies take."""

    def text(self, delta: str) -> None:
        """More of the answer's text."""

    def joined(self, later: "Screen") -> None:
        """Another message became part of the question; `later` would have shown its answer."""

    def recast(self, later: "Screen") -> bool:
        """Show the answer as that of whom `later` would have shown it as; False if something is shown already."""

    def give_way(self, later: "Screen", because: BaseException) -> None:
        """What was asked here is not answered with the rest, which `later` would have shown; tell why."""

    def sent_away(self, because: BaseException) -> None:
        """What was asked here is not answered with the rest; tell why."""

    def let_go(self) -> None:
        """The end is shown, and what stands there will be changed by something else from now on."""

    async def finish(self, outcome: Outcome) -> None:
        """Show how the answer ended."""


class PostRecords(Protocol):
    """Where it is kept which messages in Discord show a reply."""

    async def posted(self, reply_id: int, discord_id: int, part: int, voice: Voice | None = None) -> None: ...

    async def unlink_discord(self, discord_id: int) -> None: ...

    async def shown_reply(self, guild_id: int | None, reply_id: int) -> ShownReply | None: ...


@dataclass(eq=False, slots=True)
class Participant:
    """Somebody whose question is to be answered, perhaps together with those of others."""

    standing: Standing | None  # with the limits, when they asked
    screens: list[Screen]  # one for each thing that they said
    message_ids: list[int] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Answer:
    """A reply under way."""

    reply_id: int
    key: ConversationKey
    asker_id: int
    screen: Screen
    scopes: tuple[Scope, ...]
    parent_id: int | None
    records: PostRecords
    prompt_text: str | None = None  # set for a plain text completion, which has no history
    instruction: str | None = None  # what is wanted instead of a reply; it ends the prompt
    model: str | None = None  # asked for by name; else the channel's
    max_tokens: int | None = None
    recent: Sequence[StoredMessage] = ()  # the newest of the history above it, until something changes there
    asker_ids: set[int] = field(default_factory=set)
    former: ShownReply | None = None  # what stands in its place until there is something new
    goes_on: bool = False  # the former reply is made longer; else this is another one beside it
    resumed_by: int | None = None  # the claim by which it goes on
    others: int = 0  # swipes that can be turned to from here
    followed: bool = False  # the conversation has gone on from it already
    above_id: int | None = None  # the reply that was the newest before the question came
    own_names: tuple[str, ...] = ()
    persona: Persona | None = None
    called: bool = False  # this persona and nobody else was wanted
    unasked: bool = False  # it answers another persona: it gives way to people, and coming to nothing it says nothing
    notes: list[str] = field(default_factory=list)
    burst: Burst | None = None  # until this is over, more of the question may come
    joinable: bool = True
    joining: asyncio.Lock = field(default_factory=asyncio.Lock)  # held while a message joins, or while none may
    text: str = ""
    asked_model: str | None = None  # set when a request is under way, with our estimate of its tokens
    prompt_tokens: int = 0
    asked_at: float = field(default_factory=time.monotonic)
    waited_seconds: float | None = None  # from the question to the slot in which it is answered
    standing: InitVar[Standing | None] = None  # of the asker with the limits
    participants: dict[int, Participant] = field(init=False)  # whose question it is, who asked first being the asker
    ticket: Ticket | None = None  # its wish for a slot
    reserved: Reserved | None = None  # what it may take of the limits, until it is settled
    line: Callable[[], Place] | None = None  # where it stands while it waits
    stop_requested: bool = False
    stopped_because: BaseException | None = None  # what is said in place of an answer that has no words yet
    work: "asyncio.Task[Outcome] | None" = None
    settled: asyncio.Event = field(default_factory=asyncio.Event)  # the history has it, so the next turn may begin
    ended: asyncio.Event = field(default_factory=asyncio.Event)  # and so has the screen

    def __post_init__(self, standing: Standing | None) -> None:
        self.participants = {self.asker_id: Participant(standing, [self.screen])}

    @property
    def stands_alone(self) -> bool:
        """Whether it is no part of any conversation, so that no later prompt has it."""
        return self.prompt_text is not None or self.instruction is not None

    @property
    def stands_for(self) -> set[int]:
        """The reply that is being written and the one whose place it takes."""
        return {self.reply_id} if self.former is None else {self.reply_id, self.former.reply.id}

    @property
    def waits(self) -> bool:
        """Whether it has no slot yet."""
        return self.waited_seconds is None and not self.stop_requested

    @property
    def is_ending(self) -> bool:
        """Whether nothing more of it comes, though it may not be kept and shown yet."""
        return self.stop_requested or (self.work is not None and self.work.done())

    @property
    def is_extra(self) -> bool:
        """Whether the question has an answer already."""
        return self.former is not None and bool(self.former.reply.content.strip())

    @property
    def is_past_limit(self) -> bool:
        """Whether it comes after all others, because nobody whose question it is stands better."""
        return all(one.standing is not None and one.standing.over for one in self.participants.values())

    @property
    def priority(self) -> Priority:
        """How soon it is to have a slot."""
        if self.unasked or self.instruction is not None:
            return Priority.BACKGROUND
        return Priority.SWIPE if self.is_extra else Priority.TURN

    @property
    def place(self) -> tuple[int, int]:
        """Which of how many swipes the reply is."""
        if self.former is not None and self.goes_on:
            return self.former.position, len(self.former.swipes)
        return self.others + 1, self.others + 1

    @property
    def text_before(self) -> str:
        """What the reply says already and goes on from."""
        return self.former.reply.content if self.former is not None and self.goes_on else ""

    @property
    def nonce(self) -> int:
        """What tells the messages in which it is written from those of other times."""
        return self.resumed_by or self.reply_id

    async def posted(self, discord_id: int, part: int, voice: Voice | None = None) -> None:
        """A part of the reply stands in Discord."""
        if not self.stands_alone:
            await self.records.posted(self.reply_id, discord_id, part, voice)

    async def dropped(self, discord_id: int) -> None:
        """A message in Discord shows no part of the reply any more."""
        if not self.stands_alone:
            await self.records.unlink_discord(discord_id)

    async def posts_above(self) -> list[int]:
        """The messages in Discord that show the reply before the question, unless the conversation is back there."""
        above = None if self.above_id is None else await self.records.shown_reply(self.key.guild_id, self.above_id)
        return list(above.discord_ids) if above is not None and not above.newest else []

    def stop(self, because: BaseException | None = None) -> None:
        """End the answer with what there is; the rest of the stream is drained by the client."""
        if not self.stop_requested:
            self.stop_requested, self.stopped_because = True, because
            self.joinable = False
            self.interrupt()

    def interrupt(self) -> None:
        """End the work; the answer is closed as interrupted unless it was stopped."""
        if self.work is not None:
            self.work.cancel()

    def outcome(self, state: State, error: BaseException | None = None) -> Outcome:
        """How the answer ends when the stream was not read to its end."""
        return Outcome(
            state,
            self.text,
            error,
            model=self.asked_model,
            prompt_tokens=self.prompt_tokens,
            completion_tokens=round(base_tokens(self.text)),  # nobody told us; the text is what was written until then
        )


def answer_to(
    question: Question, begun: BegunTurn, screen: Screen, records: PostRecords, standing: Standing | None
) -> Answer:
    """The answer to a question that has been kept."""
    turn = question.turn
    answer = Answer(
        begun.reply_id, turn.key, turn.author_id, screen, question.scopes, begun.user_message_id, records,
        asker_ids={turn.author_id}, above_id=_reply_above(begun), own_names=question.own_names,
        persona=question.persona, called=question.called, notes=list(question.notes),
        burst=Burst() if question.gathers else None, standing=standing,
    )  # fmt: skip
    answer.participants[turn.author_id].message_ids.append(begun.user_message_id)
    return answer


def _reply_above(begun: BegunTurn) -> int | None:
    """The reply to which the question is an answer; a question may also follow another one on a side branch."""
    above = [message for message in begun.recent[1:2] if message.role == "assistant"]
    return above[0].id if above else None
