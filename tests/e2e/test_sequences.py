"""What is shown is what the next prompt contains, whatever people do in whatever order, and both are what they meant.

Every seed is a sequence of its own; there are more of them where `SEQUENCE_SEEDS` says so.
"""

import asyncio
import os
import random
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pytest

from playground.discord._person_components import _begin
from storage import ConversationKey, Scope, StoredMessage
from tests.e2e.acting import allow_long_replies, asked, begun, buttons, quiet, shown
from tests.e2e.conftest import Stage, running
from tests.e2e.conversation_model import Model

pytestmark = pytest.mark.usefixtures("no_rate_limits")

SEEDS = range(int(os.environ.get("SEQUENCE_SEEDS", "6")))
STEPS = 25
PATIENCE_SECONDS = 3.0
OF_THE_BOT = ("From now on", "**New conversation", "The conversation goes on", "-# ", "The earlier conversation")
EARLIER, LATER, ANOTHER, MORE, EDIT, DELETE = "◀️", "▶️", "🔄", "⏩", "✏️", "🗑️"


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


Maybe = Act | None


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
            fitting = [model for model in outcomes if _expected(model) == there]
            if fitting and not self.services.conversations._lanes:
                break
            if asyncio.get_running_loop().time() > until:
                self._fail(outcomes, there)
            await asyncio.sleep(0.02)
        everything = {_squeezed(message.content) for message in await self.stored()}
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
        prompt = (await self.services.context.report(self.key, scopes)).prompt
        assert not prompt.dropped
        return [{**message, "content": _squeezed(message["content"])} for message in prompt.messages[1:]]

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
        text = _squeezed(self.model.said[reply].text)
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
    view = [(_squeezed(model.said[reply].text), model.buttons(reply)) for reply in model.shown()]
    requests = [[{**m, "content": m["content"]} for m in request] for request in model.asked]
    prompt = [{**message, "content": _squeezed(message["content"])} for message in model.line(model.head)]
    return sorted(view), prompt, requests


def _squeezed(text: str) -> str:
    return " ".join(text.split())


def _words_of(messages: list[Any]) -> str:
    """What a reply says, without the question above it and the small print below."""
    whole = "\n".join(message.content for message in messages)
    lines = [line for line in whole.splitlines() if not line.startswith(("> ", "-# "))]
    return _squeezed(" ".join(lines))


def _buttons_of(messages: list[Any]) -> list[str]:
    labels = [label for message in messages for label in buttons(message)]
    return [ANOTHER if label == "Retry" else label for label in labels]


# --- what people do


async def say(player: Player, under: int | None = None) -> Act:
    """Say something, perhaps in reply to something older, which makes a side branch."""
    person, text, model = player.person(), player.text("Question"), player.model
    name = person.user.name
    replied = None
    if under is not None:
        known = player.posts.get(model.said[under].text)
        replied = known or next(iter(await player.messages_of(under)), None)

    async def do() -> None:
        player.posts[text] = await player.stage.say(person, text, reply_to=replied)

    def apply(model: Model, answers: list[str]) -> None:
        on_head = under is None or (model.head is not None and under in {model.head, *model.turn_of(model.head)})
        question = model.question(name, text, model.head if on_head else under)
        model.answer(question, answers.pop(0), on_head=on_head)

    return Act(f"say {name} {text}" if replied is None else f"reply {name} {text} to {under}", do, apply, answers=1)


async def command(player: Player) -> Act:
    """Say something by `/chat`."""
    person, text = player.person(), player.text("Question")

    def apply(model: Model, answers: list[str]) -> None:
        model.say(person.user.name, text, answers.pop(0))

    return Act(f"chat {text}", lambda: person.slash(player.stage.channel, "chat", message=text), apply, answers=1)


async def side_branch(player: Player) -> Maybe:
    chosen = await player.target()
    return None if chosen is None else await say(player, chosen[0])


async def press(player: Player, reply: int | None = None) -> Maybe:
    """Press one of the buttons under a reply, those for the form excepted."""
    reply = player.pick(player.changeable()) if reply is None else reply
    messages = await player.messages_of(reply) if reply is not None else []
    if reply is None or not messages:
        return None
    usable = [c for row in messages[-1].components for c in row["components"] if not c.get("disabled")]
    usable = [c for c in usable if _label(c) != EDIT]
    if not usable:
        return None
    component = player.chance.choice(usable)
    if player.chance.random() < 0.3:
        player.old_buttons.append((messages[-1], deepcopy(messages[-1].components), component, reply))
    return pressing(player, messages[-1], component, reply)


def pressing(player: Player, message: Any, component: Any, reply: int) -> Act:
    """Press a button as it stood under a reply once; nothing comes of it when another one stands there now."""
    person, label = player.chance.choice([player.person(), player.stage.moderator]), _label(component)
    place = player.model.said[reply].place

    def can(model: Model) -> bool:
        if model.said[reply].place is None or model.said[reply].place != place:
            return False
        return model.newest(reply) and (label == ANOTHER or model.has_words(reply))

    def apply(model: Model, answers: list[str]) -> None:
        swipes = model.swipes(reply)
        match label:
            case "🔄":
                model.another(reply, answers.pop(0))
            case "⏩":
                model.more(reply, answers.pop(0))
            case "🗑️":
                model.drop(reply)
            case "◀️" if swipes[0] != reply:
                model.turn(reply, -1)
            case "▶️" if swipes[-1] != reply:
                model.turn(reply, 1)

    async def do() -> Any:
        return _begin(person.user, message, component, {})

    return Act(f"press {label} under {reply}", do, apply, can, answers=int(label in {ANOTHER, MORE}))


def _label(component: Any) -> str:
    label = component.get("label") or component["emoji"]["name"]
    return ANOTHER if label == "Retry" else str(label)


async def press_old(player: Player) -> Maybe:
    """A message has buttons that it should not have any more, as after a kill: a press puts that right."""
    standing = [button for button in player.old_buttons if not button[0].deleted]
    if not standing:
        return None
    message, components, component, reply = player.chance.choice(standing)
    act = pressing(player, message, component, reply)
    there = message in await player.messages_of(reply)

    async def do() -> Any:
        message.components = deepcopy(components)
        return await act.do()

    return Act(f"old {act.name}", do, act.apply, lambda model: there and act.can(model), act.answers)


async def edit_reply(player: Player) -> Maybe:
    reply = player.pick([reply for reply in player.changeable() if player.model.has_words(reply)])
    messages = await player.messages_of(reply) if reply is not None else []
    if reply is None or len(messages) != 1:
        return None
    text = player.text("Edited")

    async def do() -> Any:
        opened = await player.stage.moderator.click(messages[0], label=EDIT)
        await opened.answered()
        return await player.stage.moderator.submit(opened, text=text)

    def apply(model: Model, _: list[str]) -> None:
        model.said[reply].text = text

    return Act(f"edit {reply}: {text}", do, apply, lambda model: model.said[reply].place is not None)


async def delete_reply(player: Player) -> Maybe:
    reply = player.pick(player.model.shown())
    messages = await player.messages_of(reply) if reply is not None else []
    if reply is None or not messages:
        return None
    message = player.chance.choice(messages)
    return Act(
        f"delete the message of {reply}",
        lambda: player.stage.moderator.delete(message),
        lambda model, _: model.vanish(reply),
        lambda model: model.said[reply].place is not None,
    )


async def edit_question(player: Player) -> Maybe:
    question = player.pick([i for i in player.questions() if player.model.has_words(i)])
    if question is None:
        return None
    message, text = player.posts[player.model.said[question].text], player.text("Edited")
    player.posts[text] = message

    def apply(model: Model, _: list[str]) -> None:
        model.said[question].text = text

    author = player.stage.world.person(message.author)
    return Act(f"edit {question}: {text}", lambda: author.edit(message, f"{player.stage.mention} {text}"), apply)


async def delete_question(player: Player, question: int | None = None) -> Maybe:
    question = player.pick(player.questions()) if question is None else question
    if question is None:
        return None
    message = player.posts.pop(player.model.said[question].text)

    def apply(model: Model, _: list[str]) -> None:
        model.said[question].gone = True

    return Act(f"delete {question}", lambda: player.stage.world.person(message.author).delete(message), apply)


async def undo(player: Player) -> Maybe:
    if player.model.head is None:
        return None
    return Act(
        "undo",
        lambda: player.stage.moderator.slash(player.stage.channel, "undo"),
        lambda model, _: model.undo(),
        lambda model: model.head is not None,
    )


async def reset(player: Player) -> Maybe:
    head = player.model.head
    if head is None:
        return None

    async def do() -> None:
        player.dividers.append((await player.stage.command(player.stage.moderator, "reset"), head))

    def apply(model: Model, _: list[str]) -> None:
        model.head = None

    return Act("reset", do, apply)


async def restore(player: Player) -> Maybe:
    if not player.dividers:
        return None
    divider, head = player.dividers.pop(player.chance.randrange(len(player.dividers)))
    return Act(
        f"restore {head}",
        lambda: player.stage.moderator.click(divider, label="Restore"),
        lambda model, _: model.restore(head),
    )


async def checkout(player: Player) -> Maybe:
    model = player.model
    ends = [i for i in model.said if model.is_reply(i) and model.has_words(i) and not model.children(i)]
    reply = player.pick(ends)
    if reply is None:
        return None
    text = _squeezed(model.said[reply].text)
    found = [message.id for message in await player.stored() if _squeezed(message.content) == text]
    assert len(found) == 1, (player.log, text)
    options = {"branch": str(found[0])}
    return Act(
        f"checkout {reply}",
        lambda: player.stage.moderator.slash(player.stage.channel, "history checkout", options),
        lambda model, _: model.go(reply),
    )


async def from_menu(player: Player) -> Maybe:
    """Regenerate, Continue from here or Forget, on any message of the conversation."""
    chosen = await player.target()
    if chosen is None:
        return None
    number, message = chosen
    model, name = player.model, player.chance.choice(["Regenerate", "Continue from here", "Forget"])
    reply = model.reply_under(number) if model.said[number].speaker else number
    if reply is None and name == "Regenerate" and model.head is not None and number in model.turn_of(model.head):
        reply = model.head  # it was deleted
    goes_on = name == "Continue from here" and reply is not None and reply == model.head

    def apply(model: Model, answers: list[str]) -> None:
        if name == "Forget" and model.said[number].speaker:
            model.said[number].gone = True
        elif reply is None:
            return
        elif name == "Forget":
            model.forget(reply)
        elif name == "Regenerate":
            model.another(reply, answers.pop(0))
        elif not goes_on:
            model.go(reply)
        elif model.has_words(reply):
            model.more(reply, answers.pop(0))

    asks = reply is not None and (name == "Regenerate" or (goes_on and model.has_words(reply)))
    moderator = player.stage.moderator
    return Act(f"{name} on {number}", lambda: moderator.message_command(message, name), apply, answers=int(asks))


async def restart(player: Player) -> Maybe:
    async def do() -> None:
        await player.running.aclose()
        await player.start()

    return Act("restart", do)


SINGLE: dict[Callable[[Player], Awaitable[Maybe]], int] = {
    say: 14, command: 2, side_branch: 7, press: 24, press_old: 5, edit_reply: 4, delete_reply: 4, edit_question: 3,
    delete_question: 3, undo: 6, reset: 3, restore: 5, checkout: 5, from_menu: 10, restart: 2,
}  # fmt: skip


async def at_once(player: Player) -> None:
    """Two people act at the same time on what both see."""
    first = await say(player) if player.model.head is None or player.chance.random() < 0.4 else None
    reply = player.pick(player.changeable())
    first = first or await press(player, reply)
    others: list[Maybe] = [
        await say(player),
        await press(player, reply),
        await press(player, reply),
        await undo(player),
    ]
    second = player.chance.choice(others)
    if first is not None and second is not None:
        await player.play(first, second)


async def meanwhile(player: Player) -> None:
    """Something happens while a reply is being written."""
    head = player.model.head
    pressed = await press(player, head) if head is not None else None
    first = pressed if pressed is not None and pressed.answers else await say(player)
    second = player.chance.choice([await say(player), await undo(player) or await say(player), await restart(player)])
    if second is not None and second.name == "undo" and head is None:
        second = await say(player)
    assert second is not None
    await player.play(first, second, gap=True)


async def step(player: Player) -> None:
    number = player.chance.random()
    if number < 0.12:
        await at_once(player)
    elif number < 0.2:
        await meanwhile(player)
    else:
        [choice] = player.chance.choices([*SINGLE], [*SINGLE.values()])
        if (act := await choice(player)) is not None:
            await player.play(act)


@pytest.mark.parametrize("seed", SEEDS)
async def test_what_is_shown_is_what_the_next_prompt_contains(offstage: Stage, seed: int) -> None:
    player = Player(offstage, seed)
    await player.start()
    try:
        await allow_long_replies(offstage)
        await offstage.command(offstage.moderator, "channel set", swipe_rights="anyone")
        for _ in range(STEPS):
            await step(player)
    finally:
        await player.running.aclose()
