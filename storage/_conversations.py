"""Heads of conversations and the claims on what was said, inside a transaction that is under way."""

from typing import Final

from sqlalchemy import Connection, bindparam, func, select, update

from storage._upsert import Upsert
from storage.errors import WrongConversationError
from storage.records import ConversationKey, utc_now
from storage.schema import claims, discord_messages, heads, messages

TURN_CLAIM: Final = "turn"

_claim = Upsert(claims)
_insert_head = Upsert(heads)

_of_key = (
    heads.c.guild_id == bindparam("guild"),
    heads.c.channel_id == bindparam("channel"),
    heads.c.owner_id == bindparam("owner"),
    heads.c.private == bindparam("is_private"),
)
_head = select(heads.c.message_id).where(*_of_key)
_head_locked = _head.with_for_update()
_move_head = update(heads).where(*_of_key).values(message_id=bindparam("moved_to"))
_place = select(messages.c.guild_id, messages.c.channel_id, messages.c.private_to, messages.c.parent_id).where(
    messages.c.id == bindparam("message")
)

# Ids grow with time, so the channel with the newest head was active last. A channel can have many heads.
_recent = (
    select(heads.c.guild_id, heads.c.channel_id)
    .where(heads.c.message_id.is_not(None), heads.c.private.is_(False))
    .group_by(heads.c.guild_id, heads.c.channel_id)
    .order_by(func.max(heads.c.message_id).desc())
    .limit(bindparam("most"))
)


_newest = (
    select(messages.c.id, messages.c.quoted_id)
    .where(messages.c.guild_id == bindparam("guild"), messages.c.channel_id == bindparam("channel"))
    .where(messages.c.private_to.is_(None), messages.c.state != "deleted")
    .order_by(messages.c.id.desc())
    .limit(bindparam("most"))
    .subquery()
)
_in_discord = select(discord_messages.c.discord_id, _newest.c.quoted_id).join_from(
    _newest, discord_messages, discord_messages.c.message_id == _newest.c.id, isouter=True
)


def recent_channels(connection: Connection, most: int) -> list[tuple[int | None, int]]:
    """Guild and channel of the conversations that were active last, the latest first."""
    return [(row.guild_id, row.channel_id) for row in connection.execute(_recent, {"most": most})]


def known_in_discord(connection: Connection, guild_id: int | None, channel_id: int, most: int) -> set[int]:
    """Messages in Discord that show, or are quoted by, the newest of a channel."""
    place = {"guild": guild_id, "channel": channel_id, "most": most}
    known: set[int] = set()
    for row in connection.execute(_in_discord, place):
        known |= {discord_id for discord_id in row if discord_id is not None}
    return known


def claim(connection: Connection, claim_id: int, kind: str) -> bool:
    """True for the first to ask, in any process."""
    return _claim(connection, claim_id=claim_id, kind=kind, created_at=utc_now())


def head(connection: Connection, key: ConversationKey) -> int | None:
    """Where the conversation goes on, or None at its beginning."""
    return connection.execute(_head, _parameters(key)).scalar_one_or_none()


def lock_head(connection: Connection, key: ConversationKey) -> int | None:
    """The head, which nobody else moves until this transaction ends."""
    row = connection.execute(_head_locked, _parameters(key)).one_or_none()
    if row is None:
        _insert_head(
            connection,
            guild_id=key.guild_id,
            channel_id=key.channel_id,
            owner_id=key.owner_id,
            private=key.private,
            message_id=None,
        )
        row = connection.execute(_head_locked, _parameters(key)).one()
    found: int | None = row.message_id
    return found


def move_head(connection: Connection, key: ConversationKey, message_id: int | None) -> None:
    """Let the locked head point to a message of the conversation."""
    connection.execute(_move_head, {**_parameters(key), "moved_to": message_id})


def set_head(connection: Connection, key: ConversationKey, message_id: int | None) -> int | None:
    """Move the head anywhere in the conversation and return where it was."""
    previous = lock_head(connection, key)
    if message_id is not None:
        require_in_conversation(connection, key, message_id)
    move_head(connection, key, message_id)
    return previous


def require_in_conversation(connection: Connection, key: ConversationKey, message_id: int) -> int | None:
    """Return the message's parent; raise if it is of another guild or channel, or private to somebody else."""
    row = connection.execute(_place, {"message": message_id}).one_or_none()
    if row is None or (row.guild_id, row.channel_id, row.private_to) != (key.guild_id, key.channel_id, key.private_to):
        raise WrongConversationError(key, message_id)
    parent_id: int | None = row.parent_id
    return parent_id


def _parameters(key: ConversationKey) -> dict[str, object]:
    return {"guild": key.guild_id, "channel": key.channel_id, "owner": key.owner_id, "is_private": key.private}
