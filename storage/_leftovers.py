"""Notes down that words went, so that the next sweep looks for what is left of them in the files.

It is a row among the wishes of people, of nobody's: it outlives a restart, and a file that is too large to be rewritten
while people wait is rewritten at the next start.
"""

from typing import Final

from sqlalchemy import Connection, bindparam, case, insert, null, update

from storage._quotes import NO_QUOTE
from storage.ids import new_id
from storage.records import utc_now
from storage.schema import erasures, messages

NOBODY: Final = 0

NO_WORDS: Final = {
    "content": "",
    "state": "deleted",
    "author_name": case((messages.c.role == "user", null()), else_=messages.c.author_name),
    **NO_QUOTE,
}
"""What stays of a message that goes: its place, and whose it was, without what they are called."""

_insert = insert(erasures)
_unswept = (erasures.c.user_id == NOBODY, erasures.c.done_at.is_not(None), erasures.c.swept_at.is_(None))
_again = update(erasures).where(*_unswept).values(done_at=bindparam("now"))


def note_words_gone(connection: Connection) -> None:
    """As part of the transaction in which they go. A sweep that runs just now does not count for them."""
    now = utc_now()
    if connection.execute(_again, {"now": now}).rowcount:
        return
    row = {
        "id": new_id(), "guild_id": None, "everywhere": True, "user_id": NOBODY, "answers": False, "in_discord": False,
        "asked_at": now, "done_at": now, "swept_at": None,
    }  # fmt: skip
    connection.execute(_insert, row)
