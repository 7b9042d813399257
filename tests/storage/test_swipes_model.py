"""Replies and their swipes against a simple model in memory."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from storage import ConversationKey, ReplyMovedOnError, Settlement, ShownReply, Storage
from tests.storage.builders import ADA, new_turn

_guilds = count(2_000_000)
_discord_ids = count(50_000_000)

UNFINISHED = {"pending", "streaming"}


@dataclass(slots=True)
class Node:
    """A message as the model knows it."""

    parent: int | None
    role: str
    content: str
    state: str


@dataclass(slots=True)
class Model:
    """One channel: its tree, the heads of the channel and of one person, and which message shows what in Discord."""

    keys: tuple[ConversationKey, ConversationKey]
    nodes: dict[int, Node] = field(default_factory=dict)
    heads: dict[ConversationKey, int | None] = field(default_factory=dict)
    links: dict[int, tuple[int, int]] = field(default_factory=dict)

    @property
    def guild(self) -> int | None:
        return self.keys[0].guild_id

    def pick(self, number: int, fits: Callable[[int, Node], bool]) -> int | None:
        found = [message_id for message_id, node in self.nodes.items() if fits(message_id, node)]
        return found[number % len(found)] if found else None

    def reply(self, number: int, *, finished: bool = True) -> int | None:
        return self.pick(
            number, lambda _, node: node.role == "assistant" and (node.state not in UNFINISHED or not finished)
        )

    def children(self, message_id: int) -> list[int]:
        return sorted(child for child, node in self.nodes.items() if node.parent == message_id)

    def siblings(self, reply: int) -> list[int]:
        parent = self.nodes[reply].parent
        assert parent is not None
        return [child for child in self.children(parent) if self.nodes[child].role == "assistant"]

    def on_head(self, message_id: int) -> bool:
        return message_id in self.heads.values()

    def posts(self, message_id: int) -> list[int]:
        """The messages in Discord that show it, in order of their parts."""
        found = [(part, post) for post, (shows, part) in self.links.items() if shows == message_id]
        return [post for _, post in sorted(found)]

    def newest(self, reply: int) -> bool:
        """It stands where a conversation goes on, or it is seen at the end of a side branch."""
        return self.on_head(reply) or (bool(self.posts(reply)) and not self.children(reply))

    def may_change(self, reply: int) -> bool:
        return self.newest(reply) and self.nodes[reply].state not in UNFINISHED | {"deleted"}

    def swipes(self, reply: int) -> list[int]:
        """Itself and those that could stand in its place; no way leads back to an answered one off the heads."""

        def could(other: int) -> bool:
            node = self.nodes[other]
            if node.role != "assistant" or node.state == "deleted" or not node.content:
                return False
            free = not self.posts(other) and (self.on_head(reply) or not self.children(other))
            return other == reply or free

        return [other for other in self.siblings(reply) if could(other)]

    def move(self, left: int, moved_to: int) -> None:
        self.move_heads(left, moved_to)
        self.links = {post: (moved_to if m == left else m, part) for post, (m, part) in self.links.items()}

    def move_heads(self, left: int, moved_to: int) -> None:
        self.heads = {key: moved_to if head == left else head for key, head in self.heads.items()}

    def give_back(self, left: int, former: int) -> None:
        """What came to nothing had no place: what hangs under it hangs under what is seen there."""
        self.move_heads(left, former)
        for child in self.children(left):
            self.nodes[child].parent = former

    def turn(self, reply: int) -> list[int]:
        """The questions right above a reply, oldest first."""
        turn, above = [], self.nodes[reply].parent
        while above is not None and self.nodes[above].role == "user":
            turn.append(above)
            above = self.nodes[above].parent
        return turn[::-1]

    def reply_under(self, asked: int) -> int | None:
        """The newest one that is seen under a question or under those that joined it."""
        below = self.children(asked)
        replies = [child for child in below if self.nodes[child].role == "assistant"]
        if replies:
            return next((reply for reply in reversed(replies) if self.posts(reply)), None)
        return self.reply_under(below[0]) if len(below) == 1 else None


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens; the numbers pick the messages it happens to."""

    action: str
    number: int
    other: int
    flag: bool


async def _begin(storage: Storage, model: Model, step: Step) -> None:
    key = model.keys[step.other % 2]
    parent = model.heads[key] if step.flag else model.pick(step.number, lambda *_: True)
    turn = new_turn("asked", key, parent_id=parent, on_head=step.flag, discord_id=next(_discord_ids))
    begun = await storage.history.begin_turn(turn)
    assert begun is not None
    assert turn.discord_id is not None
    model.links[turn.discord_id] = (begun.user_message_id, 0)
    model.nodes[begun.user_message_id] = Node(parent, "user", "asked", "complete")
    model.nodes[begun.reply_id] = Node(begun.user_message_id, "assistant", "", "pending")
    if step.flag:
        model.heads[key] = begun.reply_id
    if step.number % 4:
        await _answer(storage, model, begun.reply_id, next(_discord_ids))


async def _answer(storage: Storage, model: Model, reply: int, post: int) -> None:
    """It is written to its end in a message, which showed another one perhaps."""
    await storage.history.posted(reply, post, 0)
    await storage.history.settle(reply, Settlement(f"answer {reply}", "complete"))
    model.links[post] = (reply, 0)
    model.nodes[reply].content, model.nodes[reply].state = f"answer {reply}", "complete"


async def _swipe(storage: Storage, model: Model, step: Step) -> None:
    reply = model.reply(step.number)
    if reply is None:
        return
    parent, key = model.nodes[reply].parent, model.keys[step.other % 2]
    assert parent is not None
    begun = await storage.history.begin_reply(key, parent, new_turn().claim_id, ADA, None, step.flag)
    assert begun is not None
    model.nodes[begun.reply_id] = Node(parent, "assistant", "", "pending")
    if step.flag:
        model.heads[key] = begun.reply_id
    if step.number % 4:
        posts = [post for other in model.siblings(reply) for post in model.posts(other)] if step.other % 3 else []
        await _answer(storage, model, begun.reply_id, posts[0] if posts else next(_discord_ids))


async def _post(storage: Storage, model: Model, step: Step) -> None:
    reply = model.reply(step.number, finished=False)
    if reply is None:
        return
    post = next(_discord_ids)
    beside = [shown for sibling in model.siblings(reply) for shown in model.posts(sibling)]
    if step.flag and beside:  # written over what stands there
        post = beside[step.other % len(beside)]
    await storage.history.posted(reply, post, step.other % 3)
    model.links[post] = (reply, step.other % 3)
    if model.nodes[reply].state == "pending":
        model.nodes[reply].state = "streaming"


async def _settle(storage: Storage, model: Model, step: Step) -> None:
    reply = model.pick(step.number, lambda _, node: node.state in UNFINISHED)
    if reply is None:
        return
    others = [other for other in model.siblings(reply) if other != reply]
    if step.flag or not others:
        text = f"answer {step.number}"
        await storage.history.settle(reply, Settlement(text, "complete"))
        model.nodes[reply].content, model.nodes[reply].state = text, "complete"
    else:
        former = others[step.other % len(others)]
        await storage.history.settle(reply, Settlement("", "failed", instead_of=former))
        model.nodes[reply].content, model.nodes[reply].state = "", "failed"
        model.give_back(reply, former)


async def _checkout(storage: Storage, model: Model, step: Step) -> None:
    head, key = model.reply(step.number) if step.flag else None, model.keys[step.other % 2]
    await storage.history.set_head(key, head)
    model.heads[key] = head


async def _unlink(storage: Storage, model: Model, step: Step) -> None:
    if model.links:
        post = sorted(model.links)[step.number % len(model.links)]
        await storage.history.unlink_discord(post)
        del model.links[post]


async def _turn_to(storage: Storage, model: Model, step: Step) -> None:
    shown, other = model.reply(step.number), model.reply(step.other)
    if shown is None or other is None:
        return
    if step.flag:
        other = model.siblings(shown)[step.other % len(model.siblings(shown))]
    if not model.may_change(shown) or other not in model.swipes(shown):
        with pytest.raises(ReplyMovedOnError):
            await storage.history.turn_to(model.guild, shown, other)
        return
    turned = await storage.history.turn_to(model.guild, shown, other)
    model.move(shown, other)
    assert turned.reply.id == other


async def _drop(storage: Storage, model: Model, step: Step) -> None:
    shown = model.reply(step.number)
    if shown is None:
        return
    if not model.may_change(shown):
        with pytest.raises(ReplyMovedOnError):
            await storage.history.drop_swipe(model.guild, shown)
        return
    others = [other for other in model.swipes(shown) if other != shown]
    left = await storage.history.drop_swipe(model.guild, shown)
    model.nodes[shown].content, model.nodes[shown].state = "", "deleted"
    if not others:
        assert left is None
        return
    instead = max((other for other in others if other < shown), default=others[0])
    model.move(shown, instead)
    assert left is not None
    assert left.reply.id == instead


async def _go_on(storage: Storage, model: Model, step: Step) -> None:
    reply, claim_id = model.reply(step.number), new_turn().claim_id
    if reply is None:
        return
    if not model.may_change(reply):
        with pytest.raises(ReplyMovedOnError):
            await storage.history.go_on(model.guild, reply, claim_id)
        return
    before = await storage.history.go_on(model.guild, reply, claim_id)
    assert before is not None
    assert (before.reply.content, before.reply.state) == (model.nodes[reply].content, model.nodes[reply].state)
    assert await storage.history.go_on(model.guild, reply, claim_id) is None
    model.nodes[reply].state = "streaming"


async def _withdraw(storage: Storage, model: Model, step: Step) -> None:
    reply = model.pick(step.number, lambda _, node: node.state in UNFINISHED)
    if reply is None:
        return
    former = await storage.history.withdraw(model.guild, reply)
    beside = [other for other in model.siblings(reply) if other != reply and model.posts(other)]
    if not beside or model.posts(reply):
        assert former is None
        return
    assert former is not None
    assert former.reply.id == max(beside)
    model.nodes[reply].state = "failed"
    model.give_back(reply, max(beside))


async def _take_places(storage: Storage, model: Model, step: Step) -> None:
    head = model.heads[model.keys[step.other % 2]]
    if head is None:
        return
    expected: list[int] = []
    above: int | None = head
    while above is not None:
        node = model.nodes[above]
        if node.role == "assistant" and node.content and not model.posts(above):
            shown = [other for other in model.siblings(above) if model.posts(other)]
            if shown:
                model.links = {p: (above if m == max(shown) else m, n) for p, (m, n) in model.links.items()}
                expected.append(above)
        above = node.parent
    taken = await storage.history.take_places(model.guild, head)
    assert [reply.reply.id for reply in taken] == expected


DO = {
    "begin": _begin, "swipe": _swipe, "post": _post, "settle": _settle, "checkout": _checkout, "unlink": _unlink,
    "turn_to": _turn_to, "drop": _drop, "go_on": _go_on, "withdraw": _withdraw, "take_places": _take_places,
}  # fmt: skip
OFTEN = [*DO, "begin", "swipe", "swipe", "swipe", "settle", "turn_to", "turn_to", "take_places"]
steps = st.lists(
    st.builds(Step, st.sampled_from(OFTEN), st.integers(0, 30), st.integers(0, 30), st.booleans()),
    min_size=12,
    max_size=40,
)


async def _check(storage: Storage, script: list[Step]) -> None:
    """Play the steps in a guild of their own; what is read then must be what the model says."""
    guild = next(_guilds)
    model = Model((ConversationKey(guild, 1), ConversationKey(guild, 1, owner_id=ADA)))
    model.heads = dict.fromkeys(model.keys)
    for step in script:
        await DO[step.action](storage, model, step)
    for key, head in model.heads.items():
        assert await storage.history.head(key) == head
    for message_id, node in model.nodes.items():
        stored = await storage.history.message(guild, message_id)
        assert stored is not None
        assert (stored.content, stored.state) == (node.content, node.state)
        shown = await storage.history.shown_reply(guild, message_id)
        if node.role == "user":
            assert shown is None
            assert await storage.history.reply_under(guild, message_id) == model.reply_under(message_id)
        else:
            _compare(model, message_id, shown)


def _compare(model: Model, reply: int, shown: ShownReply | None) -> None:
    assert shown is not None
    assert list(shown.discord_ids) == model.posts(reply)
    assert (shown.on_head, shown.newest) == (model.on_head(reply), model.newest(reply))
    assert [swipe.id for swipe in shown.swipes] == model.swipes(reply)
    assert [asked.id for asked in shown.asked] == model.turn(reply)
    if shown.on_head:
        assert model.heads[shown.key] == reply


QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
PHASES = [Phase.explicit, Phase.generate]


@given(steps)
@settings(max_examples=80, deadline=None, derandomize=True, phases=PHASES, suppress_health_check=QUIET)
async def test_sqlite_keeps_swipes_as_the_model_does(sqlite_storage: Storage, script: list[Step]) -> None:
    await _check(sqlite_storage, script)


@given(steps)
@settings(max_examples=15, deadline=None, derandomize=True, phases=PHASES, suppress_health_check=QUIET)
async def test_postgresql_keeps_swipes_as_the_model_does(postgres_storage: Storage, script: list[Step]) -> None:
    await _check(postgres_storage, script)
