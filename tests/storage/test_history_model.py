"""The tree against a simple model in memory: random conversations must look the same in both."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage import BegunTurn, ConversationKey, Settlement, Storage, TurnStartedError
from tests.storage.builders import ADA, new_turn, walk

_guilds = count(1_000_000)


@dataclass(slots=True)
class Node:
    """A message as the model knows it."""

    parent: int | None
    role: str
    content: str
    state: str = "complete"


@dataclass(slots=True)
class Model:
    """One channel's tree and head."""

    key: ConversationKey
    nodes: dict[int, Node] = field(default_factory=dict)
    head: int | None = None

    def pick(self, number: int, fits: Callable[[Node], bool]) -> int | None:
        """One of the messages that fit."""
        candidates = [message_id for message_id, node in self.nodes.items() if fits(node)]
        return candidates[number % len(candidates)] if candidates else None

    def above(self, message_id: int | None) -> list[int]:
        """The message and all above it."""
        path = []
        while message_id is not None:
            path.append(message_id)
            message_id = self.nodes[message_id].parent
        return path

    def turn(self, reply_id: int) -> list[int]:
        """The user messages right above a reply, oldest first."""
        turn = []
        for message_id in self.above(self.nodes[reply_id].parent):
            if self.nodes[message_id].role != "user":
                break
            turn.append(message_id)
        return turn[::-1]

    def children(self, message_id: int) -> list[int]:
        """What hangs under the message."""
        return sorted(child for child, node in self.nodes.items() if node.parent == message_id)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens; the number picks the message it happens to."""

    action: str
    number: int
    on_head: bool


ACTIONS = ["begin", "begin", "begin", "join", "reply", "post", "settle", "checkout", "reset", "forget", "edit"]
steps = st.lists(st.builds(Step, st.sampled_from(ACTIONS), st.integers(0, 50), st.booleans()), min_size=5, max_size=30)


async def _begin(storage: Storage, model: Model, step: Step) -> None:
    parent = model.head if step.on_head else model.pick(step.number, lambda _: True)
    turn = new_turn(f"text {step.number}", model.key, parent_id=parent, on_head=step.on_head)
    begun = await storage.history.begin_turn(turn)
    assert begun is not None
    assert begun.parent_id == parent
    model.nodes[begun.user_message_id] = Node(parent, "user", turn.content)
    model.nodes[begun.reply_id] = Node(begun.user_message_id, "assistant", "", "pending")
    if step.on_head:
        model.head = begun.reply_id


async def _join(storage: Storage, model: Model, step: Step) -> None:
    reply = model.pick(step.number, lambda node: node.role == "assistant")
    if reply is None:
        return
    turn = new_turn("joined", model.key)
    if model.nodes[reply].state != "pending":
        with pytest.raises(TurnStartedError):
            await storage.history.join_turn(reply, turn)
        return
    begun = await storage.history.join_turn(reply, turn)
    assert begun is not None
    assert begun == BegunTurn(begun.user_message_id, reply, model.nodes[reply].parent)
    model.nodes[begun.user_message_id] = Node(model.nodes[reply].parent, "user", "joined")
    model.nodes[reply].parent = begun.user_message_id


async def _reply(storage: Storage, model: Model, step: Step) -> None:
    parent = model.pick(step.number, lambda node: node.role == "user")
    if parent is None:
        return
    claim_id = new_turn().claim_id
    begun = await storage.history.begin_reply(model.key, parent, claim_id, ADA, "model-b", on_head=step.on_head)
    assert begun is not None
    assert begun == BegunTurn(parent, begun.reply_id, model.nodes[parent].parent)
    model.nodes[begun.reply_id] = Node(parent, "assistant", "", "pending")
    if step.on_head:
        model.head = begun.reply_id


async def _post(storage: Storage, model: Model, step: Step) -> None:
    reply = model.pick(step.number, lambda node: node.role == "assistant")
    if reply is not None:
        await storage.history.posted(reply, new_turn().claim_id, 0)
        if model.nodes[reply].state == "pending":
            model.nodes[reply].state = "streaming"


async def _settle(storage: Storage, model: Model, step: Step) -> None:
    reply = model.pick(step.number, lambda node: node.role == "assistant")
    if reply is not None:
        await storage.history.settle(reply, Settlement(f"answer {step.number}", "stopped"))
        if model.nodes[reply].state != "deleted":
            model.nodes[reply].content, model.nodes[reply].state = f"answer {step.number}", "stopped"


async def _checkout(storage: Storage, model: Model, step: Step) -> None:
    message_id = model.pick(step.number, lambda _: True)
    assert await storage.history.set_head(model.key, message_id) == model.head
    model.head = message_id


async def _reset(storage: Storage, model: Model, _: Step) -> None:
    assert await storage.history.set_head(model.key, None) == model.head
    model.head = None


async def _forget(storage: Storage, model: Model, step: Step) -> None:
    message_id = model.pick(step.number, lambda _: True)
    if message_id is not None:
        assert await storage.history.forget(model.key.guild_id, message_id)
        model.nodes[message_id].content, model.nodes[message_id].state = "", "deleted"


async def _edit(storage: Storage, model: Model, step: Step) -> None:
    message_id = model.pick(step.number, lambda _: True)
    if message_id is not None:
        edited = await storage.history.edit(model.key.guild_id, message_id, "edited")
        assert edited == (model.nodes[message_id].state != "deleted")
        if edited:
            model.nodes[message_id].content = "edited"


DO = {
    "begin": _begin, "join": _join, "reply": _reply, "post": _post, "settle": _settle,
    "checkout": _checkout, "reset": _reset, "forget": _forget, "edit": _edit,
}  # fmt: skip


async def _check(storage: Storage, script: list[Step]) -> None:
    """Play the steps in a guild of their own, then compare everything that can be read."""
    model = Model(ConversationKey(next(_guilds), 1))
    neighbour = replace(model.key, guild_id=next(_guilds))
    for step in script:
        await DO[step.action](storage, model, step)
    guild_id = model.key.guild_id
    assert await storage.history.head(model.key) == model.head
    assert await storage.history.head(neighbour) is None
    for message_id, node in model.nodes.items():
        path = await walk(storage, message_id, guild_id, page_size=3)
        assert [message.id for message in path] == model.above(message_id)
        assert (path[0].parent_id, path[0].role, path[0].content, path[0].state) == (
            node.parent, node.role, node.content, node.state,
        )  # fmt: skip
        children = [message.id for message in await storage.history.children(guild_id, message_id)]
        assert children == model.children(message_id)
        siblings = [message.id for message in await storage.history.siblings(guild_id, message_id)]
        assert siblings == ([message_id] if node.parent is None else model.children(node.parent))
        turn = [message.id for message in await storage.history.turn_of(guild_id, message_id)]
        assert turn == model.turn(message_id)
    unfinished = {message.id for message in await storage.history.unfinished() if message.guild_id == guild_id}
    assert unfinished == {key for key, node in model.nodes.items() if node.state in {"pending", "streaming"}}


QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@given(steps)
@settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=QUIET)
async def test_sqlite_keeps_the_tree_as_the_model_does(sqlite_storage: Storage, script: list[Step]) -> None:
    await _check(sqlite_storage, script)


@given(steps)
@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=QUIET)
async def test_postgresql_keeps_the_tree_as_the_model_does(postgres_storage: Storage, script: list[Step]) -> None:
    await _check(postgres_storage, script)
