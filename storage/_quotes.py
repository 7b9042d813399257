"""What people quote of others: it follows the message that it was taken from, and goes with it."""

from typing import Final

from sqlalchemy import Connection, bindparam, select, update

from storage._walking import Key, in_scope
from storage.records import Where
from storage.schema import messages

QUOTING: Final = ("quote", "quoted_id", "quoted_author_id")
"""The columns that hold a quote, what it was taken from, and whose words it is."""

NO_QUOTE: Final = dict.fromkeys(QUOTING)
ERASED_AT_ONCE: Final = 100

_of_message = (messages.c.guild_id == bindparam("guild"), messages.c.quoted_id == bindparam("discord"))
_where_quoted = select(messages.c.channel_id).where(*_of_message).distinct().order_by(messages.c.channel_id)
_reword = update(messages).where(*_of_message).values(quote=bindparam("words"))
_unquote = update(messages).where(*_of_message).values(NO_QUOTE)


def where_quoted(connection: Connection, guild_id: int | None, discord_id: int) -> list[int]:
    """The channels in which a message in Discord is quoted."""
    return list(connection.execute(_where_quoted, {"guild": guild_id, "discord": discord_id}).scalars())


def requote(connection: Connection, guild_id: int | None, discord_id: int, words: str | None) -> None:
    """Let what is quoted of a message in Discord say this; None: nothing any more."""
    place = {"guild": guild_id, "discord": discord_id}
    if words is None:
        connection.execute(_unquote, place)
    else:
        connection.execute(_reword, {**place, "words": words})


def erase_quotes(connection: Connection, where: Where, user_id: int, after: Key | None) -> Key | None:
    """What others quoted of a person."""
    del after  # what was found before is found no more
    found = select(messages.c.id).where(messages.c.quoted_author_id == user_id, *in_scope(messages, where))
    ids = list(connection.execute(found.limit(ERASED_AT_ONCE)).scalars())
    if ids:
        connection.execute(update(messages).where(messages.c.id.in_(ids)).values(NO_QUOTE))
    return (ids[-1],) if len(ids) == ERASED_AT_ONCE else None
