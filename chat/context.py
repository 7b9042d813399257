"""What the next prompt contains: read from the history, filled up to the model's context window."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chat._gallery import Gallery
from chat.models import ModelCatalogue
from chat.persona import Persona
from chat.pictures import pictures_in, pictures_that_fit
from chat.preferences import consistent, sampling
from chat.prompt import Prompt, PromptBuilder, Section
from chat.tokens import base_tokens
from infermatic_client import Sampling
from storage import ConversationKey, History, Pictures, Resolved, Scope, ScopedSettings, StoredMessage

SHOWN_STATES = frozenset({"complete", "stopped", "interrupted", "failed", "streaming"})


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request's content: what to send and how many tokens we believe it to be."""

    messages: list[dict[str, Any]]
    sampling: Sampling
    tokens: int
    raw_tokens: float = 0.0  # before the model's ratio, to be compared with what the service counts
    prompt: Prompt | None = None
    pictures: int = 0  # how many it shows
    unseen: bool = False  # the newest turn has pictures, and none of them is shown


@dataclass(frozen=True, slots=True)
class ContextReport:
    """What `/context` tells."""

    model: str
    prompt: Prompt
    system_role: bool


class ContextReader:
    """Assembles prompts from the history and the settings of a conversation."""

    def __init__(
        self,
        history: History,
        pictures: Pictures,
        settings: ScopedSettings,
        catalogue: ModelCatalogue,
        defaults: Mapping[str, Any],
    ) -> None:
        self._history = history
        self._pictures = pictures
        self._settings = settings
        self._catalogue = catalogue
        self._defaults = defaults

    async def preferences(self, guild_id: int | None, scopes: Sequence[Scope]) -> Resolved:
        """The settings that hold in these scopes, the nearest first."""
        return await self._settings.resolve(guild_id, scopes, self._defaults)

    async def assemble(
        self,
        guild_id: int | None,
        parent_id: int | None,
        model: str,
        preferences: Resolved,
        wishes: Sampling,
        *,
        recent: Sequence[StoredMessage] = (),
        persona: Persona | None = None,
        blind: bool = False,
    ) -> Prepared:
        """The prompt that ends with the message `parent_id`, as much of its history as fits.

        `recent` is the newest of that history, when it has been read already; `persona` is who answers; `blind` leaves
        out the pictures.
        """
        window = self._catalogue.context_window(model)
        # A reply reserve of more than half the window would leave no room for the conversation.
        reserve = min(wishes.max_tokens or window // 4, window // 2)
        sections = [Section("system", preferences["system_prompt"].value)]
        builder = PromptBuilder(self._catalogue.estimator(model), window, reserve, sections)
        most_pictures = 0 if blind else min(self._catalogue.picture_limit(model), pictures_that_fit(window))
        gallery = Gallery(self._pictures, guild_id, most_pictures)
        if parent_id is not None:
            await self._fill(builder, guild_id, parent_id, recent, gallery)
        prompt = builder.build()
        return Prepared(
            prompt.messages,
            replace_max_tokens(wishes, reserve),
            prompt.prompt_tokens,
            prompt=prompt,
            pictures=pictures_in(prompt.messages),
            unseen=gallery.unseen,
        )

    def plain(self, text: str, model: str, wishes: Sampling) -> Prepared:
        """A text completion's request; it has no history."""
        return Prepared([], wishes, self._catalogue.estimator(model).estimate(text), base_tokens(text))

    async def report(
        self, key: ConversationKey, scopes: Sequence[Scope], persona: Persona | None = None
    ) -> ContextReport:
        """What the next prompt of this conversation will hold, before anything new is said."""
        preferences = await self.preferences(key.guild_id, scopes)
        model = self._catalogue.choose(preferences["model"].value)
        head = await self._history.head(key)
        prepared = await self.assemble(key.guild_id, head, model, preferences, sampling(preferences), persona=persona)
        assert prepared.prompt is not None
        return ContextReport(model, prepared.prompt, self._catalogue.system_role(model))

    async def _fill(
        self,
        builder: PromptBuilder,
        guild_id: int | None,
        parent_id: int,
        recent: Sequence[StoredMessage],
        gallery: Gallery,
    ) -> None:
        async for page in self._history.path(guild_id, parent_id, known=recent):
            for turn in await gallery.turns([message for message in page if is_said(message)]):
                if not builder.offer(turn):
                    return


def is_said(message: StoredMessage) -> bool:
    """Whether a message has words that belong into a prompt."""
    return message.state in SHOWN_STATES and bool(message.content.strip())


def replace_max_tokens(wishes: Sampling, max_tokens: int) -> Sampling:
    """The same parameters with another limit of the reply."""
    values = {name: getattr(wishes, name) for name in wishes.__struct_fields__}
    return consistent({**values, "max_tokens": max_tokens})
