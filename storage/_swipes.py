"""Replies at the end of a conversation or of a side branch: reading one with its swipes, and turning to another.

Each function is the whole of one transaction. Only such a reply can be changed by what people do to it; whatever hangs
under a reply was said in answer to it, so a reply with something under it stays as it is. So does a swipe whose place
another one has taken: what is not seen is not changed.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, bindparam, select, update

from storage import _tree
from storage._conversations import TURN_CLAIM, claim
from storage.errors import ReplyMovedOnError
from storage.records import ConversationKey, ShownReply, StoredMessage
from storage.schema import discord_messages, heads, is_unfinished, messages

_by_id = messages.c.id == bindparam("message")
_heads_here = (
    select(heads.c.guild_id, heads.c.channel_id, heads.c.owner_id, heads.c.private)
    .where(heads.c.message_id == bindparam("message"))
    .order_by(heads.c.owner_id)
)
_move_below = update(messages).where(messages.c.parent_id == bindparam("left")).values(parent_id=bindparam("moved_to"))
_move_heads = update(heads).where(heads.c.message_id == bindparam("left")).values(message_id=bindparam("moved_to"))
_show_instead = (
    update(discord_messages)
    .where(discord_messages.c.message_id == bindparam("left"))
    .values(message_id=bindparam("moved_to"))
)
_any_below = select(messages.c.id).where(messages.c.parent_id == bindparam("message")).limit(1)
_linked = (
    select(discord_messages.c.message_id)
    .where(discord_messages.c.message_id.in_(bindparam("ids", expanding=True)))
    .distinct()
)
_answered = select(messages.c.parent_id).where(messages.c.parent_id.in_(bindparam("ids", expanding=True))).distinct()
_close = update(messages).where(_by_id, is_unfinished).values(state="failed")
_go_on = update(messages).where(_by_id, messages.c.state != "deleted").values(state="streaming")


def shown_reply(connection: Connection, guild_id: int | None, reply_id: int) -> ShownReply | None:
    """The reply and all that is needed to show it; None if there is none."""
    reply = _tree.message(connection, guild_id, reply_id)
    if reply is None or reply.role != "assistant":
        return None
    found = connection.execute(_heads_here, {"message": reply_id}).first()
    key = _own_key(reply) if found is None else ConversationKey(*found)
    asked = _tree.turn_of(connection, guild_id, reply_id)
    discord_ids = tuple(_tree.discord_ids(connection, guild_id, reply_id))
    ends_here = bool(discord_ids) and connection.execute(_any_below, {"message": reply_id}).first() is None
    return ShownReply(
        reply,
        key,
        on_head=found is not None,
        newest=found is not None or ends_here,
        swipes=tuple(_swipes(connection, reply, on_head=found is not None)),
        asked=tuple(asked),
        discord_ids=discord_ids,
        question_stands_in_discord=not asked or asked[0].id in _among(connection, _linked, [asked[0].id]),
    )


def reply_under(connection: Connection, guild_id: int | None, asked_id: int) -> int | None:
    """The reply that is shown in answer to a user's message, below the messages that joined it."""
    below = _tree.children(connection, guild_id, asked_id)
    replies = [message.id for message in below if message.role == "assistant"]
    if replies:
        shown = _among(connection, _linked, replies)
        return next((reply for reply in reversed(replies) if reply in shown), None)
    questions = [message.id for message in below if message.role == "user"]
    return reply_under(connection, guild_id, questions[0]) if len(questions) == 1 else None


def turn_to(connection: Connection, guild_id: int | None, shown_id: int, other_id: int) -> ShownReply:
    """Let a reply's place, on heads and in Discord, be taken by one of its swipes."""
    shown = require_newest(connection, guild_id, shown_id)
    if other_id not in {swipe.id for swipe in shown.swipes}:
        raise ReplyMovedOnError(shown_id)
    places = {"left": shown_id, "moved_to": other_id}
    connection.execute(_move_heads, places)
    connection.execute(_show_instead, places)
    turned = shown_reply(connection, guild_id, other_id)
    assert turned is not None
    return turned


def drop_swipe(connection: Connection, guild_id: int | None, shown_id: int) -> ShownReply | None:
    """Forget a reply; the swipe before it, or else behind it, takes its place. None when it was the only one."""
    shown = require_newest(connection, guild_id, shown_id)
    others = [swipe.id for swipe in shown.swipes if swipe.id != shown_id]
    _tree.forget(connection, guild_id, shown_id)
    if not others:
        return None
    before = [other for other in others if other < shown_id]
    places = {"left": shown_id, "moved_to": before[-1] if before else others[0]}
    connection.execute(_move_heads, places)
    connection.execute(_show_instead, places)
    return shown_reply(connection, guild_id, places["moved_to"])


def go_on(connection: Connection, guild_id: int | None, reply_id: int, claim_id: int) -> ShownReply | None:
    """Take a reply up again, to be made longer; None if this claim is taken."""
    if not claim(connection, claim_id, TURN_CLAIM):
        return None
    shown = require_newest(connection, guild_id, reply_id)
    connection.execute(_go_on, {"message": reply_id})
    return shown


def give_place_back(connection: Connection, left_id: int, former_id: int) -> None:
    """A swipe that came to nothing gives its place back to the one that is still shown.

    What was said meanwhile was said in answer to that one.
    """
    places = {"left": left_id, "moved_to": former_id}
    connection.execute(_move_heads, places)
    connection.execute(_move_below, places)


def take_places(connection: Connection, guild_id: int | None, head_id: int, rows: int) -> list[ShownReply]:
    """Where messages in Discord show another swipe than the one on the way to the head, let them show that one."""
    taken = []
    for message in _tree.page(connection, guild_id, head_id, rows):
        if message.role != "assistant" or not message.content.strip() or message.state == "deleted":
            continue
        beside = _replies_beside(connection, guild_id, message.id)
        shown = _among(connection, _linked, [message.id, *beside]) if beside else set()
        if shown and message.id not in shown:
            connection.execute(_show_instead, {"left": max(shown), "moved_to": message.id})
            taken.append(shown_reply(connection, guild_id, message.id))
    return [reply for reply in taken if reply is not None]


def withdraw(connection: Connection, guild_id: int | None, reply_id: int) -> ShownReply | None:
    """Close an abandoned swipe that shows nothing; the reply that is still shown in its place gets it back."""
    beside = _replies_beside(connection, guild_id, reply_id)
    shown = _among(connection, _linked, [reply_id, *beside]) if beside else set()
    if not shown or reply_id in shown:
        return None
    give_place_back(connection, reply_id, max(shown))
    connection.execute(_close, {"message": reply_id})
    return shown_reply(connection, guild_id, max(shown))


def withdraw_unasked(connection: Connection, guild_id: int | None, reply_id: int) -> bool:
    """Close an abandoned reply to a reply that shows nothing: nobody waits for it, and that one is the newest again."""
    reply = _tree.message(connection, guild_id, reply_id)
    above = None if reply is None or reply.parent_id is None else _tree.message(connection, guild_id, reply.parent_id)
    if above is None or above.role != "assistant" or _tree.discord_ids(connection, guild_id, reply_id):
        return False
    give_place_back(connection, reply_id, above.id)
    return connection.execute(_close, {"message": reply_id}).rowcount > 0


def require_newest(connection: Connection, guild_id: int | None, reply_id: int) -> ShownReply:
    """The reply; ReplyMovedOnError when it is gone, is being written or was answered meanwhile."""
    shown = shown_reply(connection, guild_id, reply_id)
    if shown is None or not shown.newest or shown.reply.state in {"deleted", "pending", "streaming"}:
        raise ReplyMovedOnError(reply_id)
    return shown


def _swipes(connection: Connection, reply: StoredMessage, *, on_head: bool) -> list[StoredMessage]:
    """The reply and those beside it that could take its place: not those that are shown somewhere else.

    Away from a head, one that was answered could not be left again, so it is none of them.
    """
    siblings = [
        sibling
        for sibling in _tree.siblings(connection, reply.guild_id, reply.id)
        if sibling.role == "assistant" and sibling.state != "deleted" and sibling.content.strip()
    ]
    others = [sibling.id for sibling in siblings if sibling.id != reply.id]
    if not others:
        return siblings
    elsewhere = _among(connection, _linked, others)
    if not on_head:
        elsewhere |= _among(connection, _answered, others)
    return [sibling for sibling in siblings if sibling.id not in elsewhere]


def _replies_beside(connection: Connection, guild_id: int | None, reply_id: int) -> list[int]:
    """The other replies to the same question; people may have said something more in reply to it, too."""
    siblings = _tree.siblings(connection, guild_id, reply_id)
    return [sibling.id for sibling in siblings if sibling.role == "assistant" and sibling.id != reply_id]


def _among(connection: Connection, statement: Select[Any], ids: Sequence[int]) -> set[int]:
    return set(connection.execute(statement, {"ids": list(ids)}).scalars())


def _own_key(reply: StoredMessage) -> ConversationKey:
    return ConversationKey(
        reply.guild_id, reply.channel_id, owner_id=reply.private_to or 0, private=reply.private_to is not None
    )
