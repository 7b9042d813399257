"""What is known of the models: which are served, and what each one needs.

The list comes from the service, is kept and refreshed in the background. Facts about a model come, in this order, from
the operator (`CONTEXT_WINDOWS`), from what was learned of the service's answers, and from the service's documentation.
"""

import asyncio
import contextlib
import logging
import re
import time
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

from chat.errors import ModelDeniedError, ModelGoneError, NoModelError, NoSuchModelError
from chat.pictures import PICTURES_SHOWN
from chat.tokens import TokenEstimator, base_tokens
from infermatic_client import InfermaticClient, InfermaticError, TokenCount
from storage import ModelFacts

logger = logging.getLogger(__name__)

REFRESH_SECONDS = 600.0
RETRY_SECONDS = 30.0  # while the list has never been read
ASK_AGAIN_SECONDS = 15.0  # a name that the list lacks is looked for in a new one, but not for every typing error
MOST_TOLD = 10_000  # conversations; past that some hear a second time that their model is gone
FIND_SECONDS = 1.5  # Discord gives a command three seconds for its answer
USUAL_CONTEXT_WINDOW = 32_768  # most 70B and 72B models of the service
DOCUMENTED_CONTEXT_WINDOWS = {"miqu": 16_384}  # by a part of the name
SMALLEST_CONTEXT_WINDOW = 1_024  # below this, what an error said was misread
# The service's documentation names these as answering a system prompt with a 500.
WITHOUT_SYSTEM_ROLE = frozenset(
    {"TheDrummer-Rocinante-12B-v1.1", "Midnight-Miqu-70B-v1.5", "TheDrummer-Anubis-70B-v1-FP8-Dynamic"}
)
# Which models see, by what their makers document. A name that is wrongly here costs one refused request, once.
SEEING_MODELS = re.compile(
    r"""(?<![a-z])(?:
        vl | vlm | vision | multimodal | omni | pixtral | (?:bak)?llava | internvl | molmo | moondream | idefics
        | gemma-?3(?!-?(?:270m|1b)) | gemma-?4 | llama-?4 | qwen-?3\.[5-9] | ministral-3
        | mistral-(?:small-3\.[12]|medium-3|large-3) | glm-4\.\dv | minicpm-(?:v|o)
    )(?![a-z])""",
    re.VERBOSE,
)
NOT_FOR_CHAT = ("embed", "e5-", "bge-", "rerank")


class FactsStore(Protocol):
    """Where what was learned of models is kept."""

    async def all(self) -> dict[str, ModelFacts]: ...

    async def save(self, facts: ModelFacts) -> None: ...


class ModelCatalogue:
    """The models that the service offers and what is known of them."""

    def __init__(
        self,
        client: InfermaticClient | None,
        facts: FactsStore,
        *,
        default_model: str = "",
        fallback_models: Iterable[str] = (),
        context_windows: Mapping[str, int] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._store = facts
        self._default = default_model
        self._fallbacks = tuple(fallback_models)
        self._given_windows = dict(context_windows or {})
        self._clock = clock
        self._facts: dict[str, ModelFacts] = {}
        self._names: tuple[str, ...] = ()
        self._read_at: float | None = None
        self._refreshing: asyncio.Task[None] | None = None
        self._told: set[tuple[Hashable, str]] = set()

    async def load(self) -> None:
        """Read what was learned before, and begin to read the list, so that the first who asks need not wait for it."""
        self._facts = await self._store.all()
        if self._client is not None:
            self._refresh_in_background()

    @property
    def names(self) -> tuple[str, ...]:
        """The models one can chat with, sorted; starts a refresh in the background when the list is old."""
        if self._is_old():
            self._refresh_in_background()
        return self._names

    async def refresh(self) -> None:
        """Read the list from the service. Raises `InfermaticError`; the old list stays then."""
        if self._client is None:
            return
        models = await self._client.models()
        self._names = tuple(sorted(m.id for m in models if not any(mark in m.id.lower() for mark in NOT_FOR_CHAT)))
        self._read_at = self._clock()

    def search(self, text: str, limit: int = 25) -> list[str]:
        """The models whose names contain all words of `text`, best first."""
        words = text.lower().split()
        found = [name for name in self.names if all(word in name.lower() for word in words)]
        return sorted(found, key=lambda name: (not name.lower().startswith(text.lower().strip()), name))[:limit]

    def match(self, text: str) -> str | None:
        """The one model that `text` names, in any case; an unread list accepts every name."""
        wanted = text.strip()
        if not self._names:
            return wanted or None
        if wanted in self._names:
            return wanted
        same = [name for name in self._names if name.lower() == wanted.lower()]
        return same[0] if same else None

    async def find(self, text: str) -> str:
        """The model that a person named; looked for in a new list when ours lacks it. Raises `NoSuchModelError`."""
        if (not self._names or self.match(text) is None) and self._is_old(ASK_AGAIN_SECONDS):
            with contextlib.suppress(InfermaticError, TimeoutError):
                async with asyncio.timeout(FIND_SECONDS):
                    await self.refresh()
        name = self.match(text)
        if name is None:
            raise NoSuchModelError(text)
        return name

    def choose(self, wanted: str | None, allows: Callable[[str], bool] | None = None) -> str:
        """The model to ask: the wanted one while it is served and allowed, else a fallback, or for a denied one any.

        Raises `ModelGoneError` when neither is served, `ModelDeniedError` when none is allowed, and `NoModelError` when
        nothing is known.
        """
        names = self.names
        wanted = wanted or self._default
        for name in (wanted, *self._fallbacks, self._default):
            if name and (not names or name in names) and (allows is None or allows(name)):
                return name
        allowed = [name for name in names if allows is None or allows(name)]
        if wanted and (allows is None or allows(wanted)):
            raise ModelGoneError(wanted)
        if allowed:
            return allowed[0]
        if wanted or names:
            raise ModelDeniedError(wanted or names[0])
        raise NoModelError

    async def gone(self, model: str) -> None:
        """The service does not know this model: look at the list again, and believe the refusal over the list."""
        try:
            await self.refresh()
        except InfermaticError:
            logger.warning("the list of models could not be read after one was refused")
        self._names = tuple(name for name in self._names if name != model)

    def is_news(self, conversation: Hashable, gone: str) -> bool:
        """Whether this conversation has not been told yet that its model is gone; true once for each model."""
        if (conversation, gone) in self._told:
            return False
        if len(self._told) >= MOST_TOLD:
            self._told.clear()
        self._told.add((conversation, gone))
        return True

    def context_window(self, model: str) -> int:
        """The model's context window in tokens, as well as it is known."""
        if model in self._given_windows:
            return self._given_windows[model]
        learned = self._facts.get(model)
        if learned is not None and learned.context_window:
            return learned.context_window
        for part, tokens in DOCUMENTED_CONTEXT_WINDOWS.items():
            if part in model.lower():
                return tokens
        return USUAL_CONTEXT_WINDOW

    def system_role(self, model: str) -> bool:
        """Whether the model takes a system prompt."""
        learned = self._facts.get(model)
        if learned is not None and learned.system_role is not None:
            return learned.system_role
        return model not in WITHOUT_SYSTEM_ROLE

    def system_role_is_known(self, model: str) -> bool:
        """Whether that was documented or learned, so that another try would be no use."""
        learned = self._facts.get(model)
        return model in WITHOUT_SYSTEM_ROLE or (learned is not None and learned.system_role is not None)

    def takes_pictures(self, model: str) -> bool:
        """Whether the model sees pictures, as well as it is known; the service does not say."""
        return self.picture_limit(model) > 0

    def picture_limit(self, model: str) -> int:
        """How many pictures a request to the model may hold."""
        learned = self._facts.get(model)
        if learned is not None and learned.picture_limit is not None:
            return learned.picture_limit
        return PICTURES_SHOWN if SEEING_MODELS.search(model.lower()) else 0

    def estimator(self, model: str) -> TokenEstimator:
        """Our own estimate of this model's tokens, as corrected so far."""
        facts = self._facts.get(model)
        return TokenEstimator(facts.token_ratio, facts.ratio_samples) if facts else TokenEstimator(None, 0)

    async def learn_context_window(self, model: str, tokens: int) -> None:
        """The service said how large the window is.

        What the operator gave is not overwritten, but a larger window than the service's is not tried again and again.
        """
        if tokens < SMALLEST_CONTEXT_WINDOW:
            return
        given = self._given_windows.get(model)
        if given is None:
            await self._store.save(self._changed(model, context_window=tokens))
        elif tokens < given:
            logger.warning("CONTEXT_WINDOWS gives %s tokens for %s, the service takes %s", given, model, tokens)
            self._given_windows[model] = tokens

    async def learn_overrun(self, model: str, raw_estimate: float, actual: int) -> None:
        """A prompt was refused as too long although we believed that it fits: the next one has to."""
        if raw_estimate > 0 and actual > 0:
            ratio = max(actual / raw_estimate, self.estimator(model).ratio or 1.0, 1.0)
            await self._store.save(self._changed(model, token_ratio=ratio, ratio_samples=1))

    async def learn_system_role(self, model: str, *, supported: bool) -> ModelFacts:
        """Whether the model takes a system prompt was found out; returns all that is known of it now."""
        facts = self._changed(model, system_role=supported)
        await self._store.save(facts)
        return facts

    async def learn_picture_limit(self, model: str, pictures: int) -> None:
        """The service refused a request because it held more pictures than this."""
        await self._store.save(self._changed(model, picture_limit=pictures))

    def corrected(self, model: str, raw_estimate: float, actual: int) -> ModelFacts | None:
        """The facts after the service counted `actual` tokens where we estimated others; to be stored with the turn."""
        if raw_estimate <= 0 or actual <= 0:
            return None
        better = self.estimator(model).corrected(raw_estimate, actual)
        return self._changed(model, token_ratio=better.ratio, ratio_samples=better.samples)

    async def learn_count(self, model: str, text: str, count: TokenCount) -> None:
        """The service counted a text.

        Its tokenizer is a guess for some models: better than none, until the model's own counts arrive.
        """
        if self.estimator(model).samples:
            return
        better = self.corrected(model, base_tokens(text), count.total_tokens)
        if better is not None:
            await self._store.save(self._changed(model, ratio_samples=0))

    def _changed(self, model: str, **changes: object) -> ModelFacts:
        known = self._facts.get(model) or ModelFacts(model, None, None, None, 0, datetime.now(UTC))
        self._facts[model] = replace(known, updated_at=datetime.now(UTC), **changes)  # type: ignore[arg-type]  # names are those of ModelFacts
        return self._facts[model]

    def _is_old(self, seconds: float = REFRESH_SECONDS) -> bool:
        return self._read_at is None or self._clock() - self._read_at > seconds

    def _refresh_in_background(self) -> None:
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.ensure_future(self._refresh_quietly())

    async def _refresh_quietly(self) -> None:
        try:
            await self.refresh()
        except InfermaticError as error:
            self._read_at = self._clock() - REFRESH_SECONDS + RETRY_SECONDS
            logger.warning("the list of models could not be read: %s", type(error).__name__)

    async def close(self) -> None:
        """End a refresh that is under way."""
        if self._refreshing is not None:
            self._refreshing.cancel()
            await asyncio.gather(self._refreshing, return_exceptions=True)
