"""What is shown is what the next prompt contains, whatever people do in whatever order, and both are what they meant.

Every seed is a sequence of its own; there are more of them where `SEQUENCE_SEEDS` says so. In every second one a
character speaks, through a webhook.
"""

import os
from collections.abc import Awaitable, Callable
from copy import deepcopy
from typing import Any

import pytest

from playground.discord._person_components import _begin
from tests.e2e.acting import allow_long_replies
from tests.e2e.characters import card_file, taken_in, use
from tests.e2e.conftest import Stage
from tests.e2e.conversation_model import Model
from tests.e2e.playing import Act, Player, squeezed

pytestmark = pytest.mark.usefixtures("no_rate_limits")

SEEDS = range(int(os.environ.get("SEQUENCE_SEEDS", "8")))
STEPS = 25
ANOTHER, MORE, EDIT = "🔄", "⏩", "✏️"

Maybe = Act | None


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
        stands = model.said[reply].place is not None and model.said[reply].place == place
        # A question whose answer failed may be tried again later, on a side branch.
        return stands and (model.newest(reply) if model.has_words(reply) else label == ANOTHER)

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
    text = squeezed(model.said[reply].text)
    found = [message.id for message in await player.stored() if squeezed(message.content) == text]
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
        if seed % 2:
            silent = dict.fromkeys(("description", "personality", "scenario", "first_mes"), "")
            await taken_in(offstage, offstage.moderator, card_file(alternate_greetings=[], **silent))
            await use(offstage)
        for _ in range(STEPS):
            await step(player)
    finally:
        await player.running.aclose()
