"""Getting an answer out of the service: slot, prompt, stream, and what to try when it is refused."""

import asyncio
import logging
import random
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from msgspec import structs

from chat._model_choice import ModelChoice
from chat._served import tokens_served
from chat._showing import Showing
from chat._voice import Voice
from chat.adaptation import adapt
from chat.answers import Answer, Outcome
from chat.cleaning import speaker_stops
from chat.context import Cast, ContextReader, Prepared
from chat.errors import EmptyReplyError, FilteredReplyError, ModelOutsidePlanError
from chat.gate import Gate
from chat.keys import Grant, Key, KeyPool, Pools
from chat.models import ModelCatalogue
from chat.persona import Persona
from chat.policy import UNFILTERED, Admission, Limiter, TextPolicy
from chat.preferences import sampling
from chat.queue import FairQueue, Place, Ticket
from chat.tokens import base_tokens, raw_tokens
from infermatic_client import (
    APIConnectionError,
    AuthenticationError,
    BadRequestError,
    ChatStream,
    CompletionStream,
    ContextWindowExceededError,
    InfermaticError,
    PermissionDeniedError,
    RateLimitError,
    Sampling,
    ServerError,
    UnknownModelError,
    UnsupportedSystemPromptError,
)
from storage import Resolved

logger = logging.getLogger(__name__)

LONGEST_RATE_LIMIT_SECONDS = 60.0  # a longer pause is not waited for; the person is told when to come back
PAUSE_SECONDS = (0.5, 2.0)  # before another try of what failed without saying when to come back
MOST_TRIES = 6  # of one answer: every way of mending a request is tried once, and rate limits a few times
SHRINK_UNKNOWN_WINDOW = 0.7  # when the service refuses a prompt as too long without saying what fits
FILTERED = "filtered"  # why a reply ended that the server's filter stopped
MOST_CHARACTERS_PER_TOKEN = 16  # a stream that goes on beyond this has left its limit behind

# What vLLM calls going on with the last message instead of answering it, and the words for models that cannot.
RESUME: Mapping[str, Any] = {"add_generation_prompt": False, "continue_final_message": True}
GO_ON = {"role": "user", "content": "[Go on with your last message exactly where it ends. Repeat nothing of it.]"}

# As model servers word it. That one picture is damaged or too large says nothing about the next.
_MOST_PICTURES = re.compile(r"at most (\d{1,4}) image", re.IGNORECASE)
_TAKES_NO_PICTURES = re.compile(
    r"not a multi-?modal model|unknown image model|(?:does not|doesn't|not) support (?:image|vision|multi-?modal)"
    r"|(?:image|vision|multi-?modal)[\w ]{0,20} (?:is|are) not (?:supported|enabled)",
    re.IGNORECASE,
)


@dataclass(slots=True)
class _Attempt:
    """What was learned from the tries of one answer."""

    model: str
    gone_model: str | None = None
    allows: Callable[[str], bool] | None = None
    persona: Persona | None = None
    sent_system: bool = False
    fold_system: bool = False
    fold_is_a_guess: bool = False
    shrunk: bool = False
    prepared: Prepared | None = None
    paused: bool = False
    without_pictures: bool = False
    resumes: bool = False  # the model was asked to go on in the middle of its own message
    tries: int = 0


class Generator:
    """Answers one question at a time and per slot; everything it needs is passed in."""

    def __init__(
        self,
        *,
        catalogue: ModelCatalogue,
        queue: FairQueue,
        pool: Pools,
        context: ContextReader,
        admission: Admission | None = None,
        limiter: Limiter | None = None,
        texts: TextPolicy = UNFILTERED,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._catalogue = catalogue
        self.models = ModelChoice(catalogue, context, admission)
        self._queue = queue
        self._pools = pool
        self._context = context
        self.gate = Gate(queue, pool, context, catalogue, limiter)
        self._texts = texts
        self._clock = clock
        self._cannot_resume: set[str] = set()

    async def answer(self, answer: Answer, granted: Callable[[], Awaitable[None]]) -> Outcome:
        """Answer, mending requests where the service's refusals say how; `granted` is called when there is a slot."""
        attempt = _Attempt("")
        await self._choose_model(answer, attempt)
        await self._pools.ready(answer.key.guild_id)
        answer.ticket = ticket = self.gate.ticket(answer, attempt.model)
        answer.line = lambda: self._queue.place(ticket)
        while True:
            grant = await self._queue.slot(ticket, waiting=lambda: self._waits(answer, ticket))
            started, took, served = self._clock(), None, None
            try:
                outcome = await self._try(answer, attempt, grant, granted, ticket)
                if outcome is None:
                    answer.waited_seconds = None
                    continue
                took = self._clock() - started
                served = tokens_served(outcome.prompt_tokens, outcome.completion_tokens)
                return replace(outcome, gone_model=self._news(answer, attempt))
            except InfermaticError as error:
                if answer.text or not await self._mended(error, attempt, grant, answer):
                    raise
                ticket.model, ticket.returned = attempt.model, True
            finally:
                if served is None and answer.text:
                    served = tokens_served(answer.prompt_tokens, base_tokens(answer.text))
                self._queue.done(ticket, took, served)

    def _waits(self, answer: Answer, ticket: Ticket) -> None:
        if not answer.unasked:  # else nobody waits with it
            answer.screen.waiting(lambda: self._queue.place(ticket))

    async def _choose_model(self, answer: Answer, attempt: _Attempt) -> None:
        """The model of whoever answers."""
        attempt.persona = answer.persona
        chosen = await self.models.choose(answer)
        attempt.model, attempt.gone_model, attempt.allows = chosen.name, chosen.gone, chosen.allows

    def place_behind_another(self) -> Place:
        """Where a question stands while its own conversation answers an earlier one."""
        return Place(1, self._queue.seconds_per_reply / 2)  # half of a running reply is left, on average

    async def _try(
        self,
        answer: Answer,
        attempt: _Attempt,
        grant: Grant,
        granted: Callable[[], Awaitable[None]],
        ticket: Ticket,
    ) -> Outcome | None:
        """One request; None if it has to wait until nobody else does."""
        try:
            await granted()
            allowed = await self.models.still_allows(answer, attempt.model)
            if not allowed or answer.persona is not attempt.persona:  # who joined the question has called another
                await self._choose_model(answer, attempt)
            prepared = await self.gate.reserve(answer, lambda: self._prepare(answer, attempt), ticket)
        except BaseException:
            grant.give_back()
            raise
        if prepared is None:
            grant.give_back()
            return None
        attempt.prepared = prepared
        outcome = await self._stream(answer, attempt, grant, prepared)
        self._pools.of(answer.key.guild_id).succeeded(grant.key, attempt.model)
        if attempt.fold_is_a_guess:
            facts = await self._catalogue.learn_system_role(attempt.model, supported=False)
            return replace(outcome, facts=facts)
        return outcome

    async def _preferences(self, answer: Answer) -> Resolved:
        persona_id = None if answer.persona is None else answer.persona.id
        return await self._context.preferences(answer.key.guild_id, answer.scopes, persona_id)

    async def _prepare(self, answer: Answer, attempt: _Attempt) -> Prepared:
        preferences = await self._preferences(answer)
        wishes: Sampling = sampling(preferences, max_tokens=answer.max_tokens)
        if answer.prompt_text is not None:
            return self._context.plain(answer.prompt_text, attempt.model, wishes)
        prepared = await self._context.assemble(
            Cast(answer.key, answer.scopes, answer.persona), answer.parent_id, attempt.model, preferences, wishes,
            recent=answer.recent, blind=attempt.without_pictures, remembers=not answer.stands_alone,
            instruction=answer.instruction,
        )  # fmt: skip
        if prepared.unseen:
            self._say_unseen(answer, attempt)
        system_role = self._catalogue.system_role(attempt.model) and not attempt.fold_system
        attempt.resumes = answer.goes_on and attempt.model not in self._cannot_resume
        said = prepared.messages if attempt.resumes or not answer.goes_on else [*prepared.messages, GO_ON]
        messages = adapt(said, system_role=system_role, continuing=attempt.resumes)
        attempt.sent_system = messages[0]["role"] == "system"
        # What the service counts for a picture differs from model to model and would spoil the ratio for words.
        raw = 0.0 if prepared.pictures else raw_tokens(messages)
        stops = with_stops(prepared.sampling, speaker_stops(_others(answer, prepared), answer.own_names))
        return replace(prepared, messages=messages, raw_tokens=raw, sampling=stops)

    async def _stream(self, answer: Answer, attempt: _Attempt, grant: Grant, prepared: Prepared) -> Outcome:
        answer.screen.writing(self._queue.seconds_per_reply)
        answer.asked_model, answer.prompt_tokens = attempt.model, prepared.tokens
        voice, thought = Voice(answer, _others(answer, prepared)), False
        reply_filter = await self._texts.reply(
            answer.key.guild_id, answer.scopes, answer.asker_id, before=answer.text_before
        )
        showing = Showing(answer, voice, reply_filter)
        most_characters = (prepared.sampling.max_tokens or 0) * MOST_CHARACTERS_PER_TOKEN
        try:
            async with self._open(answer, attempt, grant, prepared) as stream:
                async for delta in stream:
                    thought = thought or bool(getattr(delta, "reasoning", ""))
                    if delta.text:
                        await showing.feed(delta.text)
                    if showing.ended or showing.written > most_characters:
                        break
        except BaseException:  # stopped, too
            await showing.rescue()
            raise
        await showing.finish(stream.finish_reason)
        if not answer.text.strip():
            if showing.filtered:
                raise FilteredReplyError
            raise EmptyReplyError(only_reasoning=voice.only_thought or thought, adds=answer.goes_on)
        usage = stream.usage
        prompt_tokens = usage.prompt_tokens if usage else 0
        completion_tokens = usage.completion_tokens if usage else 0
        estimator = self._catalogue.estimator(attempt.model)
        return Outcome(
            "complete",
            answer.text,
            finish_reason=FILTERED if showing.filtered else "stop" if voice.ended else stream.finish_reason,
            model=attempt.model,
            prompt_tokens=prompt_tokens or prepared.tokens,
            completion_tokens=completion_tokens or estimator.estimate(answer.text),
            facts=self._catalogue.corrected(attempt.model, prepared.raw_tokens, prompt_tokens),
        )

    def _open(
        self, answer: Answer, attempt: _Attempt, grant: Grant, prepared: Prepared
    ) -> ChatStream | CompletionStream:
        client = grant.key.client
        if answer.prompt_text is not None:
            return client.stream_complete(
                attempt.model, answer.prompt_text, sampling=prepared.sampling, slot=grant.slot
            )
        return client.stream_chat(
            attempt.model,
            prepared.messages,
            sampling=prepared.sampling,
            extra_body=RESUME if attempt.resumes else None,
            slot=grant.slot,
        )

    async def _mended(self, error: InfermaticError, attempt: _Attempt, grant: Grant, answer: Answer) -> bool:
        """Whether another try makes sense; changes the attempt so that it differs where it must."""
        attempt.tries += 1
        if attempt.tries >= MOST_TRIES:
            return False
        pool = self._pools.of(answer.key.guild_id)
        match error:
            case RateLimitError():
                return await self._wait_out(error, attempt, grant, pool)
            case ContextWindowExceededError():
                return await self._learn_window(error, attempt) and answer.prompt_text is None
            case UnknownModelError() | PermissionDeniedError() | AuthenticationError():
                return await self._without_key(error, attempt, grant.key, pool)
            case UnsupportedSystemPromptError():
                return self._fold(attempt, is_a_guess=False)
            case BadRequestError() | ServerError(status_code=500) if _has_pictures(attempt):
                return await self._leave_pictures_out(error, attempt)
            case BadRequestError() if attempt.resumes:  # its template cannot; it is asked in words from now on
                self._cannot_resume.add(attempt.model)
                return True
            case ServerError() | APIConnectionError():
                pool.failed(grant.key, attempt.model)
                unexplained = isinstance(error, ServerError) and error.status_code == 500
                known = self._catalogue.system_role_is_known(attempt.model)
                return unexplained and not known and self._fold(attempt, is_a_guess=True)
        return False

    async def _without_key(self, error: InfermaticError, attempt: _Attempt, key: Key, pool: KeyPool) -> bool:
        """Whether another key or model may do, after this key or its model was refused."""
        if isinstance(error, AuthenticationError):
            pool.was_refused(key)
            # A server's own key is asked until it is marked, because then the operator's answer.
            return any(other is not key or not key.is_operators for other in pool.usable)
        if key.is_operators:
            return await self._fall_back(attempt)
        # It says nothing about what the service offers to others.
        if not pool.denied(key, attempt.model):
            raise ModelOutsidePlanError(attempt.model) from error
        return True

    async def _wait_out(self, error: RateLimitError, attempt: _Attempt, grant: Grant, pool: KeyPool) -> bool:
        """Whether the limit passes soon; our own limits are waited for in the line."""
        if error.limit_type is not None:
            return (error.retry_after or 0) <= LONGEST_RATE_LIMIT_SECONDS
        pool.failed(grant.key, attempt.model)  # the model's server is overloaded
        return await self._pause_once(attempt, error.retry_after)

    async def _leave_pictures_out(self, error: BadRequestError | ServerError, attempt: _Attempt) -> bool:
        """Learn what the refusal says about pictures; if it says nothing, they may be the cause all the same."""
        most = _MOST_PICTURES.search(error.message)
        if most or _TAKES_NO_PICTURES.search(error.message):
            await self._catalogue.learn_picture_limit(attempt.model, int(most[1]) if most else 0)
        sent = attempt.prepared.pictures if attempt.prepared is not None else 0
        attempt.without_pictures = most is None or not 0 < int(most[1]) < sent
        return True

    def _say_unseen(self, answer: Answer, attempt: _Attempt) -> None:
        blind = not self._catalogue.takes_pictures(attempt.model)
        note = f"`{attempt.model}` cannot see pictures." if blind else "I had to leave the pictures out."
        if note not in answer.notes:
            answer.notes.append(note)

    async def _pause_once(self, attempt: _Attempt, asked_seconds: float | None) -> bool:
        """Wait a moment before the one further try that a failure is worth."""
        if attempt.paused or (asked_seconds or 0) > LONGEST_RATE_LIMIT_SECONDS:
            return False
        attempt.paused = True
        await asyncio.sleep(asked_seconds if asked_seconds is not None else random.uniform(*PAUSE_SECONDS))
        return True

    async def _learn_window(self, error: ContextWindowExceededError, attempt: _Attempt) -> bool:
        """Learn what fits: the window is smaller than we knew, or the prompt is longer than we believed."""
        if _has_pictures(attempt):  # what they cost is a guess, so they are the first to go
            attempt.without_pictures = True
            if error.limit:
                await self._catalogue.learn_context_window(attempt.model, error.limit)
            return True
        if attempt.shrunk or attempt.prepared is None:
            return False
        attempt.shrunk = True
        sent, window = attempt.prepared, self._catalogue.context_window(attempt.model)
        limit = error.limit or int(window * SHRINK_UNKNOWN_WINDOW)
        await self._catalogue.learn_context_window(attempt.model, limit)
        counted = (error.requested or 0) - (sent.sampling.max_tokens or 0)
        if counted > sent.tokens:
            await self._catalogue.learn_overrun(attempt.model, sent.raw_tokens, counted)
        elif limit >= window:  # refused all the same, and not said why
            guess = int(sent.tokens / SHRINK_UNKNOWN_WINDOW)
            await self._catalogue.learn_overrun(attempt.model, sent.raw_tokens, guess)
        return True

    def _news(self, answer: Answer, attempt: _Attempt) -> str | None:
        """The model that is gone, if that is to be said: every time to who asked for it by name, else once."""
        gone = attempt.gone_model
        if gone is None or answer.model is not None:
            return gone
        return gone if self._catalogue.is_news(answer.key, gone) else None

    async def _fall_back(self, attempt: _Attempt) -> bool:
        gone = attempt.model
        await self._catalogue.gone(gone)
        attempt.model = self._catalogue.choose(gone, attempt.allows)
        attempt.gone_model = attempt.gone_model or gone
        return attempt.model != gone

    def _fold(self, attempt: _Attempt, *, is_a_guess: bool) -> bool:
        if attempt.fold_system or not attempt.sent_system:
            return False
        attempt.fold_system = True
        attempt.fold_is_a_guess = is_a_guess
        return True


def _others(answer: Answer, prepared: Prepared) -> list[str]:
    """Who else speaks, who spoke last first; also those of the cast of whom the prompt has no words."""
    if answer.stands_alone:  # it tells of people rather than speak among them
        return []
    speakers = prepared.prompt.speakers if prepared.prompt is not None else ()
    return [*speakers, *(answer.persona.company if answer.persona is not None else ())]


def _has_pictures(attempt: _Attempt) -> bool:
    return attempt.prepared is not None and attempt.prepared.pictures > 0


def with_stops(wishes: Sampling, stops: Sequence[str]) -> Sampling:
    """The same parameters, ending also at these texts."""
    return structs.replace(wishes, stop=[*(wishes.stop or ()), *stops]) if stops else wishes
