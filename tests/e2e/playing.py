"""Plays what people do on the stage, and compares what comes of it with the model of what they meant."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from storage import ConversationKey, Scope, StoredMessage
from tests.e2e.acting import asked, begun, buttons, quiet, shown
from tests.e2e.conftest import Stage, running
from tests.e2e.conversation_model import Model

PATIENCE_SECONDS = 15.0
OF_THE_BOT = (
    "From now on",
    "**Mira** speaks",
    "**New conversation",
    "The conversation goes on",
    "-# ",
    "The earlier conversation",
)


@dataclass(frozen=True, slots=True)
class Act:
    """Something a person does, and what they mean by it, if it can still be done then."""

    name: str
    do: Callable[[], Awaitable[Any]]
    apply: Callable[[Model, list[str]], None] = lambda _model, _answers: None
    can: Callable[[Model], bool] = lambda _: True
    answers: int = 0  # requests that it makes


@dataclass(frozen=True, slots=True)
class Seen:
    """A reply as it stands in the channel."""

    messages: list[Any]
    text: str
    buttons: list[str]


class Player:
    """Lets people act on the stage, and remembers in the model what they meant."""

    def __init__(self, stage: Stage, seed: int) -> None:
        self.stage = stage
        self.chance = random.Random(seed)
        self.model = Model(stage.settings.system_prompt)
        self.log: list[str] = []
        self.running = AsyncExitStack()
        self.posts: dict[str, Any] = {}  # people's messages by their text
        self.dividers: list[tuple[Any, int]] = []
        self.old_buttons: list[tuple[Any, Any, Any, int]] = []
        self.texts = 0
        self.requests = 0

    @property
    def key(self) -> ConversationKey:
        return ConversationKey(self.stage.guild.id, self.stage.channel.id)

    @property
    def services(self) -> Any:
        assert self.stage.bot is not None
        return self.stage.bot.services

    async def start(self) -> None:
        await self.running.enter_async_context(running(self.stage, self.stage.settings))

    # --- playing and checking

    async def play(self, *acts: Act, gap: bool = False) -> None:
        """Do these at the same time, or each as soon as the service was asked for the one before."""
        self.log.append(" | ".join(act.name for act in acts) + (" (one begun, then the other)" if gap else ""))
        answers = self._prepare_answers(sum(act.answers for act in acts), slowly=gap)
        doing = []
        for act in acts:
            before = len(asked(self.stage))
            doing.append(asyncio.create_task(self._do(act)))
            if gap and act is not acts[-1]:
                await begun(self.stage, before + 1)
        await asyncio.gather(*doing)
        await quiet(self.stage, 0.01)
        await self.check(self._outcomes(acts, answers))
        self.stage.api.replies.clear()
        self.stage.api.faults.clear()
        self.stage.api.first_token_seconds = 0.0

    async def _do(self, act: Act) -> None:
        try:
            done = await act.do()
            if hasattr(done, "answered"):
                await done.answered()
        except Exception as error:
            raise AssertionError("\n".join(["", *self.log, repr(error)])) from error

    def _prepare_answers(self, count: int, *, slowly: bool) -> list[str]:
        """What the model will say; "" for a request that fails, which is the first one if any."""
        answers = [self.text("Answer", long=self.chance.random() < 0.06) for _ in range(count)]
        if slowly:
            self.stage.api.first_token_seconds = 0.12
        elif answers and self.chance.random() < 0.15:
            self.stage.api.faults.add("status", status=404)
            answers[0] = ""
            self.log[-1] += " (comes to nothing)"
        for answer in filter(None, answers):
            self.stage.api.replies.add(answer)
        return answers

    def _outcomes(self, acts: tuple[Act, ...], answers: list[str]) -> list[Model]:
        """How it may have ended: one after the other in some order, each of them perhaps too late."""
        orders = [[*acts], [*reversed(acts)]] + [[act] for act in acts] if len(acts) > 1 else [[*acts]]
        outcomes = []
        for order in orders:
            model, left = deepcopy(self.model), list(answers)
            for act in order:
                if act.can(model):
                    act.apply(model, left)
                    model.note_sharing()
            outcomes.append(model)
        if len(acts) > 1 and all(act.name.startswith("say") for act in acts):
            outcomes += self._joined(acts, answers)
        if len(acts) > 1 and acts[-1].name == "undo":  # what was being written was stopped without a word
            model = deepcopy(self.model)
            acts[0].apply(model, [""])
            acts[1].apply(model, [])
            outcomes.append(model)
        return outcomes

    def _joined(self, acts: tuple[Act, ...], answers: list[str]) -> list[Model]:
        """Two questions with one answer."""
        joined = []
        for first, second in (acts, acts[::-1]):
            model = deepcopy(self.model)
            (_, one, text), (_, two, more) = first.name.split(maxsplit=2), second.name.split(maxsplit=2)
            model.answer(model.question(two, more, model.question(one, text, model.head)), answers[0], on_head=True)
            joined.append(model)
        return joined

    async def check(self, outcomes: list[Model]) -> None:
        """What is seen, what the next prompt holds and what was asked are as in one of these."""
        until = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while True:
            requests = [request.body["messages"] for request in asked(self.stage)[self.requests :]]
            there = (await self._view(), await self._prompt(), requests)
            fitting = [model for model in outcomes if _expected(model) == (_counted(model, there[0]), *there[1:])]
            if fitting and not self.services.conversations._lanes:
                break
            if asyncio.get_running_loop().time() > until:
                self._fail(outcomes, there)
            await asyncio.sleep(0.02)
        everything = {squeezed(message.content) for message in await self.stored()}
        self.model = min(
            fitting, key=lambda model: len(model.texts() - everything)
        )  # they may differ in what is hidden
        self.model.asked.clear()
        self.requests = len(asked(self.stage))
        self._require_all_seen()
        assert not await self.services.storage.history.unfinished(), self.log
        refused = [(r.method, r.path, r.body) for r in self.stage.world.invalid_requests]
        assert not refused, "\n".join(["", *self.log, *map(str, refused)])

    def _require_all_seen(self) -> None:
        """The reply at the end of the prompt stands in the channel; above it, one may have been taken back before."""
        head = self.model.head
        assert head is None or not self.model.has_words(head) or self.model.said[head].place is not None

    def _fail(self, outcomes: list[Model], there: tuple[Any, ...]) -> None:
        lines = ["", *self.log]
        for name, found, wanted in zip(("seen", "prompt", "requests"), there, _expected(outcomes[0]), strict=True):
            if found != wanted:
                lines += [f"{name}:", f"  is     {found}", f"  wanted {wanted}"]
        raise AssertionError("\n".join(lines))

    async def seen(self) -> list[Seen]:
        """The replies in the channel, each with its messages; what else the bot says there is known by its words."""
        history, replies = self.services.storage.history, dict[int, list[Any]]()
        for message in shown(self.stage):
            stored = await history.by_discord_id(self.stage.guild.id, message.id)
            if stored is not None or not message.content.startswith(OF_THE_BOT):
                replies.setdefault(stored.id if stored is not None else 0, []).append(message)
        return [Seen(m, _words_of(m), _buttons_of(m)) for m in replies.values()]

    async def stored(self) -> list[StoredMessage]:
        """All that was said and is not forgotten."""
        pages = self.services.storage.history.everything(self.stage.guild.id, self.stage.channel.id)
        return [message async for page in pages for message in page if message.content]

    async def _view(self) -> list[tuple[str, list[str]]]:
        return sorted((seen.text, seen.buttons) for seen in await self.seen())

    async def _prompt(self) -> list[dict[str, Any]]:
        scopes = (Scope("channel", self.key.channel_id), Scope("guild", self.stage.guild.id))
        context, guild_id = self.services.context, self.stage.guild.id
        bound = (await context.preferences(guild_id, scopes))["persona"].value
        persona = None if bound is None else await self.services.personas.persona(guild_id, bound)
        prompt = (await context.report(self.key, scopes, persona)).prompt
        assert not prompt.dropped
        return [{**message, "content": squeezed(message["content"])} for message in prompt.messages[1:]]

    # --- choosing

    def text(self, kind: str, *, long: bool = False) -> str:
        self.texts += 1
        name = f"{kind} {self.texts}."
        return " ".join([name, *(f"This is sentence {n} of {self.texts}." for n in range(90))]) if long else name

    def person(self) -> Any:
        return self.chance.choice([self.stage.ada, self.stage.tom])

    def pick(self, among: list[int]) -> int | None:
        return self.chance.choice(among) if among else None

    async def messages_of(self, reply: int) -> list[Any]:
        """Where a reply stands; nowhere when several look the same."""
        text = squeezed(self.model.said[reply].text)
        found = [seen.messages for seen in await self.seen() if seen.text == text]
        return found[0] if len(found) == 1 else []

    def changeable(self) -> list[int]:
        """Replies with buttons, the one at which the conversation stands more often than others."""
        newest = [reply for reply in self.model.shown() if self.model.newest(reply)]
        return newest + [reply for reply in newest if reply == self.model.head] * 4

    def questions(self) -> list[int]:
        """People's messages that stand in the channel."""
        return [i for i, said in self.model.said.items() if said.speaker and said.text in self.posts]

    async def target(self) -> tuple[int, Any] | None:
        """A message for the right-click menu, and the reply that it is or that answers it."""
        replies = [reply for reply in self.model.shown() if self.model.has_words(reply)]
        chosen = self.pick(replies + [i for i in self.questions() if self.model.has_words(i)])
        if chosen is None:
            return None
        if self.model.said[chosen].speaker:
            return chosen, self.posts[self.model.said[chosen].text]
        messages = await self.messages_of(chosen)
        return (chosen, self.chance.choice(messages)) if messages else None


def _expected(model: Model) -> tuple[Any, ...]:
    view = [(squeezed(model.said[reply].text), model.buttons(reply)) for reply in model.shown()]
    requests = [[{**m, "content": m["content"]} for m in request] for request in model.asked]
    prompt = [{**message, "content": squeezed(message["content"])} for message in model.line(model.head)]
    return _counted(model, view), prompt, requests


def _counted(model: Model, view: list[tuple[str, list[str]]]) -> list[tuple[str, list[str]]]:
    """Without the counters that may be out of date.

    Two places with answers to one question share the hidden ones: what is done at one of them changes how many the
    other can be turned to, and that tells so only when it is pressed.
    """
    texts = {squeezed(model.said[reply].text) for reply in model.shown() if model.said[reply].parent in model.shared}
    return sorted((text, buttons[-4:] if text in texts else buttons) for text, buttons in view)


def squeezed(text: str) -> str:
    return " ".join(text.split())


def _words_of(messages: list[Any]) -> str:
    """What a reply says, without the question above it and the small print below."""
    whole = "\n".join(message.content for message in messages)
    lines = [line for line in whole.splitlines() if not line.startswith(("> ", "-# "))]
    return squeezed(" ".join(lines))


def _buttons_of(messages: list[Any]) -> list[str]:
    labels = [label for message in messages for label in buttons(message)]
    return ["🔄" if label == "Retry" else label for label in labels]
