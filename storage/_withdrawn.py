"""Whether somebody still wants to have kept what they said: files take a while to load, and lines to wait in."""

from dataclasses import replace

from sqlalchemy import Connection, bindparam, literal, or_, select

from storage.records import NewTurn
from storage.schema import erasures, opt_outs

_deleted_since = select(erasures.c.id).where(
    erasures.c.id > bindparam("heard"),
    erasures.c.user_id == bindparam("user"),
    or_(erasures.c.everywhere, erasures.c.guild_id == bindparam("guild")),
)
_opted_out = select(opt_outs.c.user_id).where(
    opt_outs.c.user_id == bindparam("user"), or_(opt_outs.c.everywhere, opt_outs.c.guild_id == bindparam("guild"))
)
_withdrawn = select(literal(1)).where(or_(_deleted_since.exists(), _opted_out.exists()))


def still_wanted(connection: Connection, turn: NewTurn) -> NewTurn | None:
    """What may be kept of it: nothing if the person opted out, or had deleted what they said since this was heard.

    If whoever is quoted did so, it quotes nothing.
    """
    if _is_withdrawn_by(connection, turn, turn.author_id):
        return None
    if turn.quote is None or not _is_withdrawn_by(connection, turn, turn.quote.author_id):
        return turn
    return replace(turn, quote=None) if turn.content.strip() else None


def _is_withdrawn_by(connection: Connection, turn: NewTurn, person_id: int) -> bool:
    where = {"heard": turn.heard_id, "user": person_id, "guild": turn.key.guild_id}
    return connection.execute(_withdrawn, where).first() is not None
