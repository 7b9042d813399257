"""One turn in the tree, from the claim to the settlement: each function is the whole of one transaction."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, bindparam, func, insert, select, update

from storage import _limit_counters
from storage._conversations import TURN_CLAIM, claim, lock_head, move_head, require_in_conversation
from storage._quotes import QUOTING
from storage._swipes import give_place_back
from storage._tree import forget, page
from storage._upsert import Upsert
from storage._withdrawn import still_wanted
from storage.errors import TurnStartedError
from storage.ids import new_id
from storage.models import save_facts
from storage.pictures import add_pictures
from storage.records import BegunTurn, ConversationKey, NewTurn, Quote, Settlement, State, Voice, utc_now
from storage.schema import discord_messages, is_unfinished, messages
from storage.usage import add_usage
from storage.webhooks import note_post

Begun = BegunTurn | Literal["withdrawn"] | None

_insert_messages = insert(messages)
_link = Upsert(discord_messages, overwrite=("message_id", "part"))

_by_id = messages.c.id == bindparam("message")
_waiting_reply = select(messages.c.state, messages.c.parent_id).where(_by_id).with_for_update(key_share=True)
_hang_under = update(messages).where(_by_id).values(parent_id=bindparam("under"))
_recast = update(messages).where(_by_id).values(persona_id=bindparam("speaker"), author_name=bindparam("name"))
_hand_on = (
    update(messages)
    .where(_by_id, messages.c.guild_id == bindparam("guild"), messages.c.author_id == bindparam("left"))
    .values(author_id=bindparam("new_asker"))
)
_start_streaming = update(messages).where(_by_id, messages.c.state == "pending").values(state="streaming")
_settle = (
    update(messages)
    .where(_by_id, messages.c.state != "deleted")
    .values(
        content=bindparam("new_content"),
        state=bindparam("new_state"),
        model=func.coalesce(bindparam("used_model", type_=messages.c.model.type), messages.c.model),
        tokens=bindparam("completion"),
        prompt_tokens=bindparam("prompt"),
        finish_reason=bindparam("reason"),
    )
)
_close = update(messages).where(_by_id, is_unfinished).values(state=bindparam("new_state"))


def begin_turn(connection: Connection, turn: NewTurn, recent_rows: int) -> Begun:
    """The user's message, a reply to wait for, and so many messages above it; None if this claim is taken."""
    if not claim(connection, turn.claim_id, TURN_CLAIM):
        return None
    wanted = still_wanted(connection, turn)
    if wanted is None:
        return "withdrawn"  # and the claim stays, or it would be taken for missed
    parent_id = _parent_of(connection, turn)
    begun = BegunTurn(new_id(), new_id(), parent_id)
    rows = [
        _user_row(wanted, begun.user_message_id, parent_id),
        _reply_row(turn.key, begun, turn.author_id, turn.model, turn.persona_id, turn.persona_name),
    ]
    connection.execute(_insert_messages, rows)
    add_pictures(connection, begun.user_message_id, turn.pictures)
    _link_discord(connection, begun.user_message_id, turn.discord_id)
    if turn.on_head:
        move_head(connection, turn.key, begun.reply_id)
    return replace(begun, recent=tuple(page(connection, turn.key.guild_id, begun.user_message_id, recent_rows)))


def join_turn(connection: Connection, reply_id: int, turn: NewTurn, recast: bool = False) -> Begun:
    """A further message for a reply that still waits: it comes between the reply and what it hung under."""
    if not claim(connection, turn.claim_id, TURN_CLAIM):
        return None
    wanted = still_wanted(connection, turn)
    if wanted is None:
        return "withdrawn"  # and the claim stays, or it would be taken for missed
    require_in_conversation(connection, turn.key, reply_id)
    reply = connection.execute(_waiting_reply, {"message": reply_id}).one()
    if reply.state != "pending":
        raise TurnStartedError(reply_id, reply.state)
    begun = BegunTurn(new_id(), reply_id, reply.parent_id)
    connection.execute(_insert_messages, _user_row(wanted, begun.user_message_id, reply.parent_id))
    add_pictures(connection, begun.user_message_id, turn.pictures)
    _link_discord(connection, begun.user_message_id, turn.discord_id)
    connection.execute(_hang_under, {"message": reply_id, "under": begun.user_message_id})
    if recast:
        connection.execute(_recast, {"message": reply_id, "speaker": turn.persona_id, "name": turn.persona_name})
    return begun


def leave_turn(
    connection: Connection, guild_id: int | None, reply_id: int, message_ids: Sequence[int], left_by: int, left_to: int
) -> None:
    """What somebody said is not answered by a reply that waits; if it was theirs it is somebody else's."""
    for message_id in message_ids:
        forget(connection, guild_id, message_id)
    connection.execute(_hand_on, {"message": reply_id, "guild": guild_id, "left": left_by, "new_asker": left_to})


def begin_reply(
    connection: Connection,
    key: ConversationKey,
    parent_id: int,
    claim_id: int,
    asker_id: int,
    model: str | None,
    on_head: bool,
    persona_id: int | None,
    persona_name: str | None,
) -> BegunTurn | None:
    """One more reply to the same message: to a person's, or of one persona to another."""
    if not claim(connection, claim_id, TURN_CLAIM):
        return None
    if on_head:
        lock_head(connection, key)
    above = require_in_conversation(connection, key, parent_id)
    begun = BegunTurn(parent_id, new_id(), above)
    connection.execute(_insert_messages, _reply_row(key, begun, asker_id, model, persona_id, persona_name))
    if on_head:
        move_head(connection, key, begun.reply_id)
    return begun


def posted(connection: Connection, reply_id: int, discord_id: int, part: int, voice: Voice | None = None) -> None:
    """A part of the reply is in Discord now; a message that showed another swipe shows this one."""
    _link(connection, discord_id=discord_id, message_id=reply_id, part=part)
    if voice is not None:
        note_post(connection, discord_id, voice)
    connection.execute(_start_streaming, {"message": reply_id})


def settle(connection: Connection, reply_id: int, settlement: Settlement) -> None:
    """The reply as it ended, and what it cost. A reply that was forgotten meanwhile stays forgotten."""
    connection.execute(
        _settle,
        {
            "message": reply_id,
            "new_content": settlement.content,
            "new_state": settlement.state,
            "used_model": settlement.model,
            "completion": settlement.completion_tokens,
            "prompt": settlement.prompt_tokens,
            "reason": settlement.finish_reason,
        },
    )
    if settlement.instead_of is not None:
        give_place_back(connection, reply_id, settlement.instead_of)
    if settlement.usage is not None:
        add_usage(connection, settlement.usage)
    if settlement.facts is not None:
        save_facts(connection, settlement.facts)
    if settlement.spent is not None:
        _limit_counters.settle(connection, settlement.spent)


def close_unfinished(connection: Connection, reply_id: int, state: State) -> bool:
    """Give an abandoned reply its final state; False if it has one."""
    return connection.execute(_close, {"message": reply_id, "new_state": state}).rowcount > 0


def _parent_of(connection: Connection, turn: NewTurn) -> int | None:
    if turn.on_head:
        return lock_head(connection, turn.key)
    if turn.parent_id is not None:
        require_in_conversation(connection, turn.key, turn.parent_id)
    return turn.parent_id


def _link_discord(connection: Connection, message_id: int, discord_id: int | None) -> None:
    if discord_id is not None:
        _link(connection, discord_id=discord_id, message_id=message_id, part=0)


def _user_row(turn: NewTurn, message_id: int, parent_id: int | None) -> dict[str, Any]:
    return {
        **_row(turn.key, message_id, parent_id, turn.author_id, turn.created_at),
        "role": "user",
        "author_name": turn.author_name,
        "content": turn.content,
        "state": "complete",
        "model": None,
        "persona_id": None,
        **_quoting(turn.quote),
    }


def _quoting(quote: Quote | None) -> dict[str, Any]:
    if quote is None:
        return dict.fromkeys(QUOTING)
    return dict(zip(QUOTING, (quote.text, quote.discord_id, quote.author_id), strict=True))


def _reply_row(
    key: ConversationKey,
    begun: BegunTurn,
    asker_id: int,
    model: str | None,
    persona_id: int | None,
    persona_name: str | None,
) -> dict[str, Any]:
    return {
        **_row(key, begun.reply_id, begun.user_message_id, asker_id, utc_now()),
        "role": "assistant",
        "author_name": persona_name,
        "content": "",
        "state": "pending",
        "model": model,
        "persona_id": persona_id,
        **_quoting(None),
    }


def _row(
    key: ConversationKey, message_id: int, parent_id: int | None, author_id: int, created_at: datetime
) -> dict[str, Any]:
    return {
        "id": message_id,
        "guild_id": key.guild_id,
        "channel_id": key.channel_id,
        "private_to": key.private_to,
        "parent_id": parent_id,
        "author_id": author_id,
        "created_at": created_at,
    }
