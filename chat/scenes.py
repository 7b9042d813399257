"""Scenes: threads in which a character plays, opened by the bot for whoever starts them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from chat.answers import Answer, Screen
from chat.casts import ORDER
from chat.channel_settings import DEFAULT, ChannelSettings
from chat.conversations import Conversations
from chat.errors import NothingThereError
from chat.persona import Persona
from chat.persona_library import Bound, FoundPersona, PersonaLibrary
from chat.preferences import Place
from storage import ConversationKey, History, Scope, ScopedSettings

SETTING: Final = "scene"
"""Of a thread that the bot has opened for somebody: who that is, who was to play in it, and when."""

RECAP: Final = (
    "[The scene ends here. Write a recap of it for those who played it: what happened, in order, who did and decided "
    "what, and how things stand at the end. Use the past tense, the third person, the names from above and the "
    "language of the scene, and at most 200 words. Do not go on with the scene, and write nothing but the recap.]"
)
RECAP_TOKENS: Final = 500
"""Somewhat more than the words that are asked for take, also in languages that take more of them."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What is kept of a scene; `started` is in seconds, as is `ended` once it is over."""

    owner_id: int
    persona_id: int
    started: float
    ended: float | None = None


class Scenes:
    """Begins scenes, ends them, and tells what they are."""

    def __init__(
        self,
        settings: ScopedSettings,
        channels: ChannelSettings,
        library: PersonaLibrary,
        history: History,
        conversations: Conversations,
    ) -> None:
        self._settings = settings
        self._channels = channels
        self._library = library
        self._history = history
        self._conversations = conversations

    async def start(
        self, place: Place, key: ConversationKey, found: FoundPersona, user_id: int, user_name: str, *, at: float
    ) -> Bound:
        """Make a scene of a new thread: one story for all who are in it, in which everything said is answered."""
        scene = {"owner": user_id, "persona": found.outline.id, "started_at": at}
        await self._settings.put(place.guild_id, place.here, SETTING, scene, user_id)
        typed = {"trigger": "always", "history_scope": "channel"}
        await self._channels.set(place, place.here, typed, user_id, at)
        if (await self._settings.resolve(place.guild_id, place.scopes, {ORDER: ""}))[ORDER].value == "called":
            await self._settings.put(place.guild_id, place.here, ORDER, "natural", user_id)  # else it says nothing
        return await self._library.use(place, key, found, user_id, user_name)

    async def at(self, place: Place) -> Scene | None:
        """The scene of this very thread, also when it is over."""
        found = await self._settings.resolve(place.guild_id, [place.here], {SETTING: None})
        return _read(found[SETTING].value)

    async def recap(
        self,
        place: Place,
        key: ConversationKey,
        claim_id: int,
        person_id: int,
        screen: Screen,
        *,
        persona: Persona | None,
    ) -> bool:
        """Let the model tell what happened, as far as its window reaches; whether it did, or was stopped by somebody.

        Turns go first, because people wait for those. It is no part of the scene's history. Raises `NothingThereError`
        when nothing was said.
        """
        head = await self._history.head(key)
        if head is None:
            raise NothingThereError("scene recap")
        answer = Answer(
            claim_id, key, person_id, screen, place.scopes, head, self._history,
            instruction=RECAP, max_tokens=RECAP_TOKENS, persona=persona, joinable=False,
        )  # fmt: skip
        if not await self._conversations.begin_alone(answer, "recap"):
            return False
        await answer.ended.wait()
        work = answer.work
        return answer.stop_requested or (work is not None and not work.cancelled() and work.exception() is None)

    async def end(self, place: Place, person_id: int, *, at: float) -> None:
        """Let a scene be over: what is being written ends, and it is answered like its channel again.

        Raises `NothingThereError`.
        """
        scene = await self.at(place)
        if scene is None:
            raise NothingThereError("scene end")
        kept = {"owner": scene.owner_id, "persona": scene.persona_id, "started_at": scene.started, "ended_at": at}
        await self._settings.put(place.guild_id, place.here, SETTING, kept, person_id)
        await self._channels.set(place, place.here, {"trigger": DEFAULT}, person_id, at)
        await self.hush(place)

    async def hush(self, place: Place) -> None:
        """End what is being written in a thread; what there is of it stays."""
        for answer in self._conversations.answers_in(place.guild_id, place.here.id):
            answer.stop()
            await answer.ended.wait()


async def owner_of(settings: ScopedSettings, guild_id: int, thread_id: int) -> int | None:
    """Who has started the scene in this thread; most servers have none, which costs no look into their threads."""
    if guild_id not in await settings.guilds_with(SETTING):
        return None
    found = await settings.resolve(guild_id, [Scope("thread", thread_id)], {SETTING: None})
    scene = _read(found[SETTING].value)
    return None if scene is None else scene.owner_id


def _read(value: Any) -> Scene | None:
    if not isinstance(value, Mapping):
        return None
    return Scene(value["owner"], value["persona"], value["started_at"], value.get("ended_at"))
