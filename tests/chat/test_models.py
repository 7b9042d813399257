"""What is known of the models, and how it is learned."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from chat.errors import ModelDeniedError, ModelGoneError, NoModelError, NoSuchModelError
from chat.models import ASK_AGAIN_SECONDS, REFRESH_SECONDS, USUAL_CONTEXT_WINDOW, ModelCatalogue
from infermatic_client import APIConnectionError, InfermaticClient, Model, TokenCount
from storage import ModelFacts


class Store:
    """Facts in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, ModelFacts] = {}

    async def all(self) -> dict[str, ModelFacts]:
        return dict(self.kept)

    async def save(self, facts: ModelFacts) -> None:
        self.kept[facts.model] = facts


class Service(InfermaticClient):
    """A service whose list a test writes; None: it does not answer."""

    def __init__(self, *names: str) -> None:
        super().__init__("sk-test")
        self.names: tuple[str, ...] | None = names
        self.asked = 0

    async def models(self) -> list[Model]:
        self.asked += 1
        if self.names is None:
            raise APIConnectionError
        return [Model(id=name) for name in self.names]


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def catalogue(service: Service | None = None, store: Store | None = None, **given: Any) -> ModelCatalogue:
    return ModelCatalogue(service, store or Store(), **given)


async def read(*names: str, **given: Any) -> ModelCatalogue:
    """A catalogue whose list has been read."""
    found = catalogue(Service(*names), **given)
    await found.refresh()
    return found


# --- the list


async def test_the_list_is_sorted_and_without_what_cannot_chat() -> None:
    models = await read("zeta-70b", "Alpha-8b", "multilingual-e5-base", "bge-large", "text-embedding-x")
    assert models.names == ("Alpha-8b", "zeta-70b")


async def test_search_wants_every_word_and_puts_beginnings_first() -> None:
    models = await read("Big-Alpha-70B", "Alpha-70B", "Alpha-8B", "Beta-70B")
    assert models.search("alpha") == ["Alpha-70B", "Alpha-8B", "Big-Alpha-70B"]
    assert models.search("70b alpha") == ["Alpha-70B", "Big-Alpha-70B"]
    assert models.search("", limit=2) == ["Alpha-70B", "Alpha-8B"]
    assert models.search("gamma") == []


async def test_a_failed_reading_keeps_the_old_list() -> None:
    service = Service("a")
    models = catalogue(service)
    await models.refresh()
    service.names = None
    with pytest.raises(APIConnectionError):
        await models.refresh()
    assert models.names == ("a",)


# --- naming a model


async def test_a_name_is_found_in_any_case_but_the_same_case_first() -> None:
    models = await read("Alpha", "alpha")
    assert await models.find("alpha") == "alpha"
    assert await models.find(" ALPHA ") == "Alpha"


async def test_a_name_that_the_list_lacks_is_looked_for_again_but_not_for_every_typing_error() -> None:
    service, clock = Service("old"), Clock()
    models = catalogue(service, clock=clock)
    await models.refresh()
    service.names = ("old", "new")
    with pytest.raises(NoSuchModelError):
        await models.find("new")
    assert service.asked == 1
    clock.now += ASK_AGAIN_SECONDS + 1
    assert await models.find("new") == "new"
    with pytest.raises(NoSuchModelError) as caught:
        await models.find("newer")
    assert caught.value.name == "newer"
    assert service.asked == 2


async def test_while_the_service_is_silent_every_name_is_believed() -> None:
    service = Service()
    service.names = None
    assert await catalogue(service).find("anything") == "anything"


# --- choosing


async def test_the_wanted_model_is_chosen_while_it_is_served_else_a_fallback_in_order() -> None:
    models = await read("b", "c", "d", default_model="d", fallback_models=("a", "b", "c"))
    assert models.choose("c") == "c"
    assert models.choose("gone") == "b"
    assert models.choose(None) == "d"


async def test_without_a_fallback_the_default_answers_and_without_that_nobody() -> None:
    assert (await read("a", default_model="a")).choose("gone") == "a"
    models = await read("a")
    with pytest.raises(ModelGoneError):
        models.choose("gone")
    assert models.choose(None) == "a"


async def test_nothing_can_be_chosen_when_nothing_is_known() -> None:
    models = catalogue()
    assert models.choose("wanted") == "wanted"
    with pytest.raises(NoModelError):
        models.choose(None)


async def test_a_refusal_is_believed_over_the_list() -> None:
    models = await read("a", "b", fallback_models=("b",))
    await models.gone("a")
    assert models.choose("a") == "b"


async def test_where_some_models_may_not_answer_others_do() -> None:
    models = await read("a", "b", "c", "d", default_model="d", fallback_models=("b",))
    assert models.choose("a", {"a", "b"}.__contains__) == "a"
    assert models.choose("a", {"b", "c", "d"}.__contains__) == "b"
    assert models.choose("a", {"c", "d"}.__contains__) == "d"
    assert models.choose("a", {"c"}.__contains__) == "c"
    assert models.choose(None, {"c"}.__contains__) == "c"
    for wanted in ("a", None):
        with pytest.raises(ModelDeniedError):
            models.choose(wanted, set[str]().__contains__)
    with pytest.raises(ModelGoneError):
        (await read("a")).choose("gone", {"gone"}.__contains__)
    with pytest.raises(ModelDeniedError):
        catalogue().choose("a", set[str]().__contains__)


async def test_a_list_grows_old() -> None:
    service, clock = Service("a"), Clock()
    models = catalogue(service, clock=clock)
    await models.refresh()
    clock.now += REFRESH_SECONDS + 1
    assert models.names == ("a",)
    assert models._refreshing is not None
    await models._refreshing
    assert service.asked == 2
    await models.close()


async def test_each_conversation_hears_once_of_each_model_that_is_gone() -> None:
    models = catalogue()
    told = [models.is_news(channel, model) for channel, model in [(1, "a"), (1, "a"), (2, "a"), (1, "b"), (1, "a")]]
    assert told == [True, False, True, True, False]


# --- context windows


async def test_windows_come_from_the_operator_then_from_what_was_learned_then_from_the_documentation() -> None:
    store = Store()
    models = catalogue(store=store, context_windows={"given": 4096})
    assert models.context_window("given") == 4096
    assert models.context_window("Midnight-Miqu-70B-v1.5") == 16_384
    assert models.context_window("another") == USUAL_CONTEXT_WINDOW
    await models.learn_context_window("another", 8192)
    again = catalogue(store=store)
    await again.load()
    assert again.context_window("another") == 8192


async def test_a_window_that_makes_no_sense_is_not_learned() -> None:
    models = catalogue()
    await models.learn_context_window("a", 5)
    assert models.context_window("a") == USUAL_CONTEXT_WINDOW


async def test_more_than_the_service_takes_is_not_tried_again_though_the_operator_gave_it() -> None:
    store = Store()
    models = catalogue(store=store, context_windows={"a": 8192})
    await models.learn_context_window("a", 4096)
    assert models.context_window("a") == 4096
    await models.learn_context_window("a", 16_384)
    assert models.context_window("a") == 4096
    assert not store.kept


# --- tokens


async def test_a_prompt_that_overran_makes_the_next_estimate_as_large_as_it_was() -> None:
    models = catalogue()
    await models.learn_overrun("a", raw_estimate=1000, actual=1500)
    assert models.estimator("a").ratio == pytest.approx(1.5)
    models.corrected("b", 1000, 500)
    await models.learn_overrun("b", raw_estimate=1000, actual=800)
    assert models.estimator("b").ratio == pytest.approx(1.0)  # a mixture that overran says little of what comes next


async def test_the_services_count_is_believed_only_until_the_model_counts_itself() -> None:
    models, text = catalogue(), "the tide is late " * 50
    await models.learn_count("a", text, TokenCount(total_tokens=400))
    assert models.estimator("a").ratio == pytest.approx(2.0, rel=0.01)
    assert models.estimator("a").samples == 0
    models.corrected("a", 1000, 1200)
    assert models.estimator("a").ratio == pytest.approx(1.2)
    await models.learn_count("a", text, TokenCount(total_tokens=400))
    assert models.estimator("a").ratio == pytest.approx(1.2)


async def test_what_was_learned_of_the_system_role_stands_beside_the_other_facts() -> None:
    store = Store()
    models = catalogue(store=store)
    models.corrected("a", 1000, 1200)
    facts = await models.learn_system_role("a", supported=False)
    assert not models.system_role("a")
    assert models.system_role_is_known("a")
    expected = ModelFacts("a", None, False, 1.2, 1, datetime.min.replace(tzinfo=UTC))
    assert replace(facts, updated_at=expected.updated_at) == expected
    assert store.kept["a"] == facts


def test_documented_models_lack_the_system_role_and_others_are_tried() -> None:
    models = catalogue()
    assert not models.system_role("TheDrummer-Rocinante-12B-v1.1")
    assert models.system_role_is_known("TheDrummer-Rocinante-12B-v1.1")
    assert models.system_role("another")
    assert not models.system_role_is_known("another")
