"""Which model answers: the one that was chosen, if it is served and policy lets it, else another."""

from collections.abc import Callable
from dataclasses import dataclass

from chat.answers import Answer
from chat.errors import ModelDeniedError, PausedError
from chat.models import ModelCatalogue
from chat.policy import Admission


@dataclass(frozen=True, slots=True)
class ChosenModel:
    """A model, the one in whose place it answers because that is served no more, and which others could answer."""

    name: str
    gone: str | None
    allows: Callable[[str], bool]


class ModelChoice:
    """Chooses a model for each answer; without an admission every model may answer everywhere."""

    def __init__(self, catalogue: ModelCatalogue, admission: Admission | None) -> None:
        self._catalogue = catalogue
        self._admission = admission

    async def choose(self, answer: Answer, wanted: str | None) -> ChosenModel:
        """The model for this answer.

        Raises `PausedError`, `ModelDeniedError` if policy lets none answer or not the one that was asked for by name,
        and what the catalogue raises.
        """
        allows = await self._allows(answer)
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
        """Whether the model may answer now, after waiting. Raises `PausedError`."""
        return (await self._allows(answer))(model)

    async def _allows(self, answer: Answer) -> Callable[[str], bool]:
        if self._admission is None:
            return _any_model
        permit = await self._admission.permit(answer.key, answer.scopes, answer.asker_id)
        if permit.paused:
            raise PausedError
        return permit.allows


def _any_model(_model: str) -> bool:
    return True
