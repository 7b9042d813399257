"""Reading and pruning the tree. Every statement asks for the guild beside the id."""

from collections.abc import Callable
from dataclasses import fields
from datetime import datetime
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    and_,
    bindparam,
    case,
    delete,
    func,
    literal,
    or_,
    select,
    tuple_,
    update,
)

from storage._leftovers import NO_WORDS, note_words_gone
from storage.pictures import delete_pictures
from storage.records import Opened, StoredMessage
from storage.schema import claims, discord_messages, is_unfinished, messages

CLAIMS_AT_ONCE: Final = 1000
"""Old claims deleted in one transaction, so that a turn never waits for all of them."""

_columns = tuple(messages.c[field.name] for field in fields(StoredMessage))
_guild = messages.c.guild_id == bindparam("guild")
_by_id = messages.c.id == bindparam("message")

_message = select(*_columns).where(_by_id, _guild)
_by_discord_id = (
    select(*_columns)
    .join(discord_messages, discord_messages.c.message_id == messages.c.id)
    .where(discord_messages.c.discord_id == bindparam("discord"), _guild)
)
_discord_ids = (
    select(discord_messages.c.discord_id)
    .join(messages, discord_messages.c.message_id == messages.c.id)
    .where(_by_id, _guild)
    .order_by(discord_messages.c.part, discord_messages.c.discord_id)
)
_children = select(*_columns).where(messages.c.parent_id == bindparam("message"), _guild).order_by(messages.c.id)
_edit = update(messages).where(_by_id, _guild, messages.c.state != "deleted").values(content=bindparam("new_content"))
_forget = update(messages).where(_by_id, _guild).values(NO_WORDS)
_unlink = delete(discord_messages).where(discord_messages.c.discord_id == bindparam("discord"))
_all_unfinished = select(*_columns).where(is_unfinished).order_by(messages.c.id)
_unfinished_before = _all_unfinished.where(messages.c.created_at < bindparam("before"))
_old_claims = select(claims.c.claim_id, claims.c.kind).where(claims.c.created_at < bindparam("older_than"))
_prune_claims = delete(claims).where(tuple_(claims.c.claim_id, claims.c.kind).in_(_old_claims.limit(CLAIMS_AT_ONCE)))


def _upwards(start: ColumnElement[bool], further: Callable[[FromClause, CTE], ColumnElement[bool]]) -> Select[Any]:
    """Walk from a message to its parent and on. Only ids are carried along; rows are read at the end.

    They come with their step and in any order: sorting some integers costs less here than sorting rows there.
    """
    walk = select(messages.c.id, messages.c.parent_id, literal(1).label("step")).where(start, _guild)
    walked = walk.cte("walk", recursive=True)
    above = messages.alias("above")
    walked = walked.union_all(
        select(above.c.id, above.c.parent_id, walked.c.step + 1).where(
            above.c.id == walked.c.parent_id, above.c.guild_id == bindparam("guild"), further(above, walked)
        )
    )
    return select(walked.c.step, *_columns).join(walked, walked.c.id == messages.c.id)


_above_ids = (
    select(messages.c.id, messages.c.parent_id)
    .where(messages.c.id == bindparam("message"), _guild)
    .cte("above_ids", recursive=True)
)
_one_above = messages.alias("one_above")
_above_ids = _above_ids.union_all(
    select(_one_above.c.id, _one_above.c.parent_id).where(
        _one_above.c.id == _above_ids.c.parent_id, _one_above.c.guild_id == bindparam("guild")
    )
)
path_ids = select(_above_ids.c.id)
"""The ids of a `message` of a `guild` and of all above it."""

_count = select(func.count(), func.count(case((messages.c.role == "assistant", 1)))).where(
    messages.c.id.in_(path_ids),
    messages.c.state != "deleted",
    or_(messages.c.content != "", messages.c.quote.is_not(None)),
)

_reply = messages.alias("reply")
_above_reply = select(_reply.c.parent_id).where(
    _reply.c.id == bindparam("message"), _reply.c.guild_id == bindparam("guild")
)

_page = _upwards(_by_id, lambda _, walked: walked.c.step < bindparam("rows"))
_beginning = messages.alias("beginning")
_opening = (
    select(_beginning.c.id, messages.c.id.label("below"))
    .join(_beginning, _beginning.c.id == messages.c.parent_id)
    .where(
        messages.c.id.in_(path_ids),
        messages.c.role == "assistant",
        messages.c.persona_id == bindparam("persona"),
        _beginning.c.role == "system",
    )
    .order_by(messages.c.id.desc())
    .limit(1)
)
_greetings = (
    select(messages.c.id, messages.c.model)
    .where(messages.c.parent_id == bindparam("message"), _guild)
    .order_by(messages.c.id)
)
_turn = _upwards(
    and_(messages.c.id == _above_reply.scalar_subquery(), messages.c.role == "user"),
    lambda above, _: above.c.role == "user",
)


def count(connection: Connection, guild_id: int | None, message_id: int) -> tuple[int, int]:
    """How many messages with words there are up to this one, and how many of them are replies."""
    messages_, replies = connection.execute(_count, {"guild": guild_id, "message": message_id}).one()
    return messages_, replies


def message(connection: Connection, guild_id: int | None, message_id: int) -> StoredMessage | None:
    """One message by our id."""
    return _first(connection, _message, {"guild": guild_id, "message": message_id})


def by_discord_id(connection: Connection, guild_id: int | None, discord_id: int) -> StoredMessage | None:
    """The message that Discord's message shows."""
    return _first(connection, _by_discord_id, {"guild": guild_id, "discord": discord_id})


def discord_ids(connection: Connection, guild_id: int | None, message_id: int) -> list[int]:
    """Discord's messages that show this one, in order."""
    return list(connection.execute(_discord_ids, {"guild": guild_id, "message": message_id}).scalars())


def page(connection: Connection, guild_id: int | None, message_id: int, rows: int) -> list[StoredMessage]:
    """The message and what is above it, at most so many."""
    return _walk(connection, _page, {"guild": guild_id, "message": message_id, "rows": rows})


def turn_of(connection: Connection, guild_id: int | None, reply_id: int) -> list[StoredMessage]:
    """The user messages right above the reply, oldest first."""
    return _walk(connection, _turn, {"guild": guild_id, "message": reply_id})[::-1]


def opened(connection: Connection, guild_id: int | None, message_id: int, persona_id: int) -> Opened | None:
    """How a persona opened the conversation above a message; None if it did not."""
    parameters = {"guild": guild_id, "message": message_id, "persona": persona_id}
    found = connection.execute(_opening, parameters).first()
    if found is None:
        return None
    swipes = connection.execute(_greetings, {"guild": guild_id, "message": found.id})
    own = [row.id for row in swipes if row.model is None]  # others were made by a model
    return Opened(own.index(found.below) if found.below in own else None, len(own))


def children(connection: Connection, guild_id: int | None, message_id: int) -> list[StoredMessage]:
    """What hangs under the message, in order of creation."""
    return _all(connection, _children, {"guild": guild_id, "message": message_id})


def siblings(connection: Connection, guild_id: int | None, message_id: int) -> list[StoredMessage]:
    """The swipes: the message and the others under its parent. The first message of a conversation has only itself."""
    found = message(connection, guild_id, message_id)
    if found is None:
        return []
    return [found] if found.parent_id is None else children(connection, guild_id, found.parent_id)


def edit(connection: Connection, guild_id: int | None, message_id: int, content: str) -> bool:
    """Replace the content; False if there is no such message, or it was forgotten."""
    parameters = {"guild": guild_id, "message": message_id, "new_content": content}
    edited = connection.execute(_edit, parameters).rowcount > 0
    if edited:
        note_words_gone(connection)
    return edited


def forget(connection: Connection, guild_id: int | None, message_id: int) -> bool:
    """Empty the message, delete its pictures, and leave its place in the tree; False if there is none."""
    delete_pictures(connection, guild_id, [message_id])
    forgotten = connection.execute(_forget, {"guild": guild_id, "message": message_id}).rowcount > 0
    if forgotten:
        note_words_gone(connection)
    return forgotten


def unlink_discord(connection: Connection, discord_id: int) -> None:
    """Discord's message is gone; ours stays."""
    connection.execute(_unlink, {"discord": discord_id})


def unfinished(connection: Connection, before: datetime | None) -> list[StoredMessage]:
    """Replies that are pending or streaming, oldest first."""
    if before is None:
        return _all(connection, _all_unfinished, {})
    return _all(connection, _unfinished_before, {"before": before})


def prune_claims(connection: Connection, older_than: datetime) -> int:
    """Delete some of the old claims and say how many."""
    return connection.execute(_prune_claims, {"older_than": older_than}).rowcount


def _first(connection: Connection, statement: Select[Any], parameters: dict[str, Any]) -> StoredMessage | None:
    row = connection.execute(statement, parameters).first()
    return None if row is None else StoredMessage(*row)


def _all(connection: Connection, statement: Select[Any], parameters: dict[str, Any]) -> list[StoredMessage]:
    return [StoredMessage(*row) for row in connection.execute(statement, parameters).all()]


def _walk(connection: Connection, statement: Select[Any], parameters: dict[str, Any]) -> list[StoredMessage]:
    rows = sorted(connection.execute(statement, parameters).all(), key=itemgetter(0))
    return [StoredMessage(*row[1:]) for row in rows]
