"""What concerns a channel's whole history: searching it, outlining its tree, copying it out and taking a copy in.

A channel may hold very many messages, so each read looks at some of them, by id, and the next goes on from there: what
others do comes in between. None of them sees what is private to somebody else.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, insert, or_, select

from storage._conversations import lock_head, move_head
from storage.ids import new_id
from storage.records import ConversationKey, Grafted, OutlinedMessage, SearchPage, StoredMessage, TranscriptMessage
from storage.schema import discord_messages, messages

SEARCHED_AT_ONCE: Final = 500
"""Messages that one transaction looks through: a few milliseconds, also when they are long."""

OUTLINED_CHARACTERS: Final = 100
INSERTED_AT_ONCE: Final = 500

_columns = tuple(messages.c[field.name] for field in fields(StoredMessage))
_in_channel = (messages.c.guild_id == bindparam("guild"), messages.c.channel_id == bindparam("channel"))
_public = messages.c.private_to.is_(None)
_older = messages.c.id < bindparam("before")

_searched = (
    select(messages.c.id, messages.c.content)
    .where(*_in_channel, or_(_public, messages.c.private_to == bindparam("viewer")), _older)
    .order_by(messages.c.id.desc())
    .limit(SEARCHED_AT_ONCE)
)
_by_ids = (
    select(*_columns)
    .where(messages.c.guild_id == bindparam("guild"), messages.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(messages.c.id.desc())
)
_outline = (
    select(
        messages.c.id,
        messages.c.parent_id,
        messages.c.role,
        messages.c.author_name,
        messages.c.state,
        func.substr(messages.c.content, 1, OUTLINED_CHARACTERS),
        messages.c.created_at,
    )
    .where(*_in_channel, _public, _older)
    .order_by(messages.c.id.desc())
    .limit(bindparam("rows"))
)
_everything = (
    select(*_columns)
    .where(*_in_channel, _public, messages.c.id > bindparam("after"))
    .order_by(messages.c.id)
    .limit(bindparam("rows"))
)
_replies_under = (
    select(*_columns)
    .where(
        messages.c.guild_id == bindparam("guild"),
        messages.c.parent_id.in_(bindparam("ids", expanding=True)),
        messages.c.role == "assistant",
    )
    .order_by(messages.c.id)
)
_links = (
    select(discord_messages.c.message_id, discord_messages.c.discord_id)
    .join(messages, discord_messages.c.message_id == messages.c.id)
    .where(messages.c.guild_id == bindparam("guild"), messages.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(discord_messages.c.part.desc(), discord_messages.c.discord_id.desc())
)
_insert = insert(messages)


def search_text(text: str) -> str:
    """A text as searches compare it: without differences of case and of ways to write the same character.

    Compared here and not by the database, because SQLite's LIKE knows the case of A to Z only.
    """
    return unicodedata.normalize("NFKC", text).casefold()


def search(
    connection: Connection, guild_id: int | None, channel_id: int, viewer_id: int, words: Sequence[str], before: int
) -> SearchPage:
    """Look through some messages, newest first, for those with all words (as `search_text` gives them)."""
    parameters = {"guild": guild_id, "channel": channel_id, "viewer": viewer_id, "before": before}
    rows = connection.execute(_searched, parameters).all()
    ids = [row.id for row in rows if _contains(row.content, words)]
    found = _all(connection, _by_ids, {"guild": guild_id, "ids": ids}) if ids else []
    return SearchPage(found, len(rows), rows[-1].id if len(rows) == SEARCHED_AT_ONCE else None)


def _contains(content: str, words: Sequence[str]) -> bool:
    text = search_text(content)
    return all(word in text for word in words)


def links(connection: Connection, guild_id: int | None, message_ids: Sequence[int]) -> dict[int, int]:
    """The first message in Discord of each of these, where there is one."""
    rows = connection.execute(_links, {"guild": guild_id, "ids": list(message_ids)}).all()
    return {row.message_id: row.discord_id for row in rows}  # the first part comes last and stays


def outline(
    connection: Connection, guild_id: int | None, channel_id: int, before: int, rows: int
) -> list[OutlinedMessage]:
    """The shape of the tree with the beginnings of the words, newest first."""
    parameters = {"guild": guild_id, "channel": channel_id, "before": before, "rows": rows}
    return [OutlinedMessage(*row) for row in connection.execute(_outline, parameters).all()]


def everything(
    connection: Connection, guild_id: int | None, channel_id: int, after: int, rows: int
) -> list[StoredMessage]:
    """Some of the channel's messages, oldest first."""
    parameters = {"guild": guild_id, "channel": channel_id, "after": after, "rows": rows}
    return _all(connection, _everything, parameters)


def replies_under(connection: Connection, guild_id: int | None, parent_ids: Sequence[int]) -> list[StoredMessage]:
    """All replies to these messages, in order of creation."""
    return _all(connection, _replies_under, {"guild": guild_id, "ids": list(parent_ids)})


def graft(
    connection: Connection,
    key: ConversationKey,
    transcript: Iterable[TranscriptMessage],
    head_place: int,
    on_head: bool = False,
) -> Grafted:
    """Plant a copied tree beside what is there, or on the head, and let the head point into it."""
    previous = lock_head(connection, key)
    under = previous if on_head else None
    ids: list[int] = []
    rows = []
    for message in transcript:
        ids.append(new_id())
        rows.append(_row(key, message, ids, under))
    for start in range(0, len(rows), INSERTED_AT_ONCE):
        connection.execute(_insert, rows[start : start + INSERTED_AT_ONCE])
    move_head(connection, key, ids[head_place])
    return Grafted(previous, ids[head_place], len(ids))


def _row(key: ConversationKey, message: TranscriptMessage, ids: Sequence[int], under: int | None) -> dict[str, Any]:
    """`ids` are those of the messages up to this one, which hangs under one of the others, or else `under` this."""
    own = len(ids) - 1
    if message.parent is not None and not 0 <= message.parent < own:
        raise ValueError("a message stands before its parent")
    values: dict[str, Any] = {field.name: getattr(message, field.name) for field in fields(message)}
    del values["parent"]
    return {
        **values,
        "id": ids[own],
        "parent_id": under if message.parent is None else ids[message.parent],
        "guild_id": key.guild_id,
        "channel_id": key.channel_id,
        "private_to": key.private_to,
    }


def _all(connection: Connection, statement: Any, parameters: dict[str, Any]) -> list[StoredMessage]:
    return [StoredMessage(*row) for row in connection.execute(statement, parameters).all()]
