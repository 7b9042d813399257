"""Which model answers: the one that was chosen, if it is served and policy lets it, else another."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chat.answers import Answer
from chat.context import ContextReader
from chat.errors import ChatError, DeniedError, ModelDeniedError, PausedError
from chat.models import ModelCatalogue
from chat.persona import Persona
from chat.policy import Admission, Permit


@dataclass(frozen=True, slots=True)
class ChosenModel:
    """A model, the one in whose place it answers because that is served no more, and which others could answer."""

    name: str
    gone: str | None
    allows: Callable[[str], bool]


class ModelChoice:
    """Chooses a model for each answer; without an admission every model may answer everywhere."""

    def __init__(self, catalogue: ModelCatalogue, context: ContextReader, admission: Admission | None) -> None:
        self._catalogue = catalogue
        self._context = context
        self._admission = admission

    async def choose(self, answer: Answer) -> ChosenModel:
        """The model for this answer.

        Raises `PausedError`, `DeniedError`, `ModelDeniedError` if policy lets none answer or not the one that was asked
        for by name, and what the catalogue raises.
        """
        wanted, allows = await self._wanted(answer, answer.persona), await self._allows(answer)
        if answer.model is not None and not allows(answer.model):
            raise ModelDeniedError(answer.model)
        name = self._catalogue.choose(wanted, allows)
        if not wanted or name == wanted:
            return ChosenModel(name, None, allows)
        if allows(wanted):
            return ChosenModel(name, wanted, allows)
        if self._catalogue.is_news((answer.key, "denied"), wanted):
            answer.notes.append(f"`{wanted}` may not answer here; `{name}` did.")
        return ChosenModel(name, None, allows)

    async def still_allows(self, answer: Answer, model: str) -> bool:
        """Whether the model may answer now, after waiting. Raises `PausedError` and `DeniedError`."""
        return (await self._allows(answer))(model)

    async def is_same_for(self, person_id: int, answer: Answer, persona: Persona | None) -> bool:
        """Whether the model that answers is also the one that would answer this person alone."""
        if self._admission is None:
            return True
        wanted = await self._wanted(answer, persona)
        ours = await self._permits(answer)
        theirs = await self._admission.permit(answer.key, answer.scopes, person_id)
        return self._found(wanted, _all_of(ours)) == self._found(wanted, theirs.allows)

    def _found(self, wanted: str | None, allows: Callable[[str], bool]) -> str | None:
        with contextlib.suppress(ChatError):
            return self._catalogue.choose(wanted, allows)
        return None

    async def _wanted(self, answer: Answer, persona: Persona | None) -> str | None:
        if answer.model is not None:
            return answer.model
        persona_id = None if persona is None else persona.id
        preferences = await self._context.preferences(answer.key.guild_id, answer.scopes, persona_id)
        wanted: str | None = preferences["model"].value
        return wanted

    async def _allows(self, answer: Answer) -> Callable[[str], bool]:
        permits = await self._permits(answer)
        if any(permit.paused for permit in permits):
            raise PausedError
        if permits and all(permit.denied for permit in permits):
            raise DeniedError
        return _all_of(permits)

    async def _permits(self, answer: Answer) -> list[Permit]:
        """What holds for each of those whose question it is."""
        if self._admission is None:
            return []
        people = tuple(answer.participants)
        return [await self._admission.permit(answer.key, answer.scopes, person_id) for person_id in people]


def _all_of(permits: Sequence[Permit]) -> Callable[[str], bool]:
    return lambda model: all(permit.allows(model) for permit in permits)
