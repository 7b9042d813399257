"""What the next prompt contains: read from the history, filled up to the model's context window."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chat._fixed_texts import Cast, FixedTexts, Room, with_persona
from chat._gallery import Gallery
from chat._path import SHOWN_STATES, Path, is_said
from chat._sections import POST_HISTORY
from chat.lorebooks import Scan
from chat.models import ModelCatalogue
from chat.persona import Persona
from chat.pictures import pictures_in, pictures_that_fit
from chat.preferences import consistent, sampling
from chat.prompt import Prompt, PromptBuilder, Section
from chat.tokens import base_tokens
from infermatic_client import Sampling
from storage import (
    ConversationKey,
    History,
    Lorebooks,
    OptOuts,
    Pictures,
    Resolved,
    Scope,
    ScopedSettings,
    ShownReply,
    StoredMessage,
)

__all__ = ["SHOWN_STATES", "Cast", "ContextReader", "ContextReport", "Prepared", "is_said", "replace_max_tokens"]


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
        lorebooks: Lorebooks,
        opt_outs: OptOuts | None = None,
    ) -> None:
        self._history = history
        self._pictures = pictures
        self._settings = settings
        self._catalogue = catalogue
        self._defaults = defaults
        self.opt_outs = opt_outs
        self.fixed = FixedTexts(settings, lorebooks)

    async def preferences(
        self, guild_id: int | None, scopes: Sequence[Scope], persona_id: int | None = None
    ) -> Resolved:
        """The settings that hold in these scopes, the nearest first; those of who speaks there are among them.

        That is the persona with this id, else the one that is bound there.
        """
        if persona_id is None:
            resolved = await self._settings.resolve(guild_id, scopes, self._defaults)
            persona_id = resolved["persona"].value
            if persona_id is None:
                return resolved
        return await self._settings.resolve(guild_id, with_persona(scopes, persona_id), self._defaults)

    async def assemble(
        self,
        cast: Cast,
        parent_id: int | None,
        model: str,
        preferences: Resolved,
        wishes: Sampling,
        *,
        recent: Sequence[StoredMessage] = (),
        blind: bool = False,
        remembers: bool = False,
        instruction: str | None = None,
    ) -> Prepared:
        """The prompt that ends with the message `parent_id`, as much of its history as fits.

        `recent` is the newest of that history, when it has been read already; `blind` leaves out its pictures;
        with `remembers` it is to be sent, so that what lasts for some messages begins with it. An `instruction` is what
        is wanted instead of a reply, and takes the place of the instructions for that.
        """
        window = self._catalogue.context_window(model)
        # A reply reserve of more than half the window would leave no room for the conversation.
        reserve = min(wishes.max_tokens or window // 4, window // 2)
        estimator = self._catalogue.estimator(model)
        path = Path(self._history, cast.key.guild_id, parent_id, recent, heard=self._heard)
        sections = await self.fixed.sections(
            cast, path, Room(model, window, estimator), preferences, remembers=remembers
        )
        if instruction is not None:
            kept = [section for section in sections if section.name != POST_HISTORY]
            sections = [*kept, Section(POST_HISTORY, instruction, role="user")]
        builder = PromptBuilder(estimator, window, reserve, sections)
        most_pictures = 0 if blind else min(self._catalogue.picture_limit(model), pictures_that_fit(window))
        speaks = None if cast.persona is None else cast.persona.id
        gallery = Gallery(self._pictures, cast.key.guild_id, most_pictures, speaks)
        await _fill(builder, path, gallery)
        prompt = builder.build()
        return Prepared(
            prompt.messages,
            replace_max_tokens(wishes, reserve),
            prompt.prompt_tokens,
            prompt=prompt,
            pictures=pictures_in(prompt.messages),
            unseen=gallery.unseen,
        )

    async def head(self, key: ConversationKey) -> int | None:
        """The message with which a conversation ends."""
        return await self._history.head(key)

    def _heard(self, message: StoredMessage) -> StoredMessage | None:
        """What somebody said, with what they quoted; nothing of people who do not want it to be passed on."""
        if message.role != "user":
            return message
        if self._is_silent(message.guild_id, message.author_id):
            return None
        if message.quote is None or self._is_silent(message.guild_id, message.quoted_author_id):
            return replace(message, quote=None)
        return replace(message, content=f"{message.quote}\n{message.content}".rstrip("\n"), quote=None)

    def _is_silent(self, guild_id: int | None, user_id: int | None) -> bool:
        return user_id is not None and self.opt_outs is not None and self.opt_outs.holds(guild_id, user_id)

    async def look_through(self, cast: Cast, text: str, user_id: int, user_name: str) -> Scan | None:
        """What lorebooks would add if somebody said this now; None where there are none."""
        persona_id = None if cast.persona is None else cast.persona.id
        preferences = await self.preferences(cast.key.guild_id, cast.scopes, persona_id)
        model = self._catalogue.choose(preferences["model"].value)
        room = Room(model, self._catalogue.context_window(model), self._catalogue.estimator(model))
        path = Path(self._history, cast.key.guild_id, await self._history.head(cast.key), heard=self._heard)
        return await self.fixed.look_through(cast, path, text, user_id, user_name, room)

    def plain(self, text: str, model: str, wishes: Sampling) -> Prepared:
        """A text completion's request; it has no history."""
        return Prepared([], wishes, self._catalogue.estimator(model).estimate(text), base_tokens(text))

    async def behind(self, shown: ShownReply, scopes: Sequence[Scope], persona: Persona | None) -> Prompt | None:
        """The prompt that a reply was made of, rebuilt from what is kept now; None if no model made it."""
        reply = shown.reply
        if reply.model is None or reply.parent_id is None:
            return None
        preferences = await self.preferences(reply.guild_id, scopes, reply.persona_id)
        cast = Cast(shown.key, scopes, persona)
        return (await self.assemble(cast, reply.parent_id, reply.model, preferences, sampling(preferences))).prompt

    async def report(
        self, key: ConversationKey, scopes: Sequence[Scope], persona: Persona | None = None
    ) -> ContextReport:
        """What the next prompt of this conversation will hold, before anything new is said."""
        preferences = await self.preferences(key.guild_id, scopes)
        model = self._catalogue.choose(preferences["model"].value)
        head = await self._history.head(key)
        prepared = await self.assemble(Cast(key, scopes, persona), head, model, preferences, sampling(preferences))
        assert prepared.prompt is not None
        return ContextReport(model, prepared.prompt, self._catalogue.system_role(model))


async def _fill(builder: PromptBuilder, path: Path, gallery: Gallery) -> None:
    async for page in path.pages():
        for turn in await gallery.turns([message for message in page if is_said(message)]):
            if not builder.offer(turn):
                return


def replace_max_tokens(wishes: Sampling, max_tokens: int) -> Sampling:
    """The same parameters with another limit of the reply."""
    values = {name: getattr(wishes, name) for name in wishes.__struct_fields__}
    return consistent({**values, "max_tokens": max_tokens})
