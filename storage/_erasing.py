"""Deleting what somebody said: each function looks at some rows, and is the whole of one short transaction.

What others hang under keeps its place without words. A reply goes with the question if it answers nobody else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Table, bindparam, delete, func, null, select, update

from storage import _tree, keys
from storage._leftovers import NOBODY
from storage._quotes import NO_QUOTE
from storage._walking import Key, in_scope, key_of, walk, with_keys
from storage.records import Where
from storage.schema import (
    audit_entries,
    discord_messages,
    heads,
    lorebooks,
    messages,
    persona_versions,
    personas,
    pictures,
    report_reporters,
    sealed_keys,
    settings,
)

MESSAGES_AT_ONCE: Final = 100

BY_CHANNEL: Final = ("guild_id", "channel_id", "id")
"""As the messages of one guild are found without looking at those of others."""

WORDS_IN_SETTINGS: Final = frozenset({"note"})
"""Settings of a place whose value is what somebody wrote; others belong to the place."""

WORDS_IN_AUDIT: Final = frozenset(f"set {name}" for name in WORDS_IN_SETTINGS)

_own = (
    select(messages.c.id, messages.c.guild_id, messages.c.role, messages.c.private_to)
    .where(
        messages.c.author_id == bindparam("user"),
        messages.c.id > bindparam("after"),
        messages.c.id < bindparam("before"),
    )
    .order_by(messages.c.id)
    .limit(MESSAGES_AT_ONCE)
)
_below = select(messages.c.id, messages.c.guild_id, messages.c.role).where(
    messages.c.parent_id.in_(bindparam("ids", expanding=True))
)
_by_ids = messages.c.id.in_(bindparam("ids", expanding=True))
_empty = (
    update(messages).where(_by_ids).values(content="", state="deleted", author_id=None, author_name=None, **NO_QUOTE)
)
_disown = update(messages).where(_by_ids).values(author_id=None)
_unname = update(messages).where(_by_ids).values(author_name=None)
_no_pictures = delete(pictures).where(pictures.c.message_id.in_(bindparam("ids", expanding=True)))
_count_pictures = select(func.count()).where(pictures.c.message_id.in_(bindparam("ids", expanding=True)))
_shown = (
    select(messages.c.guild_id, messages.c.channel_id, discord_messages.c.discord_id)
    .join(discord_messages, discord_messages.c.message_id == messages.c.id)
    .where(_by_ids)
    .order_by(discord_messages.c.discord_id)
)
_next_change = (
    select(audit_entries.c.id)
    .where(
        audit_entries.c.guild_id == bindparam("guild"),
        audit_entries.c.subject == bindparam("of"),
        audit_entries.c.action == bindparam("did"),
        audit_entries.c.id > bindparam("after"),
    )
    .order_by(audit_entries.c.id)
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class ShownIn:
    """A message in Discord that shows a reply."""

    guild_id: int | None
    channel_id: int
    discord_id: int


@dataclass(frozen=True, slots=True)
class Looked:
    """What of somebody's next messages goes; `last` is where to go on, None at the end."""

    said: Sequence[int]
    openings: Sequence[int]  # beginnings without words
    answers: Sequence[int]
    kept: Sequence[int]
    last: int | None


def look_at_messages(
    connection: Connection, where: Where, user_id: int, answers: bool, after: int, before: int
) -> Looked:
    """The next of a person's messages, and the replies that answer only them."""
    parameters = {"user": user_id, "after": after, "before": before}
    rows = connection.execute(_own.where(*in_scope(messages, where)), parameters).all()
    said = [row.id for row in rows if row.role == "user"]
    openings = [row.id for row in rows if row.role == "system"]
    own_replies = {row.id: row for row in rows if row.role == "assistant"}
    replies = {row.id: row.guild_id for row in own_replies.values()} | _replies_under(connection, said)
    going = [
        reply_id
        for reply_id, guild_id in replies.items()
        if (reply_id in own_replies and own_replies[reply_id].private_to is not None)
        or (answers and _answers_only(connection, guild_id, reply_id, user_id, reply_id in own_replies))
    ]
    kept = own_replies.keys() - set(going)
    return Looked(said, openings, going, sorted(kept), rows[-1].id if len(rows) == MESSAGES_AT_ONCE else None)


def erase_messages(
    connection: Connection, where: Where, user_id: int, answers: bool, after: int, before: int
) -> tuple[Looked, int]:
    """Empty them; how many pictures went with them."""
    looked = look_at_messages(connection, where, user_id, answers, after, before)
    gone = [*looked.said, *looked.openings, *looked.answers]
    shown = 0
    if gone:
        shown = connection.execute(_count_pictures, {"ids": gone}).scalar_one()
        connection.execute(_no_pictures, {"ids": gone})
        connection.execute(_empty, {"ids": gone})
    if looked.kept:
        connection.execute(_disown, {"ids": looked.kept})
    return looked, shown


def shown_in(connection: Connection, message_ids: Sequence[int]) -> list[ShownIn]:
    """The messages in Discord that show these."""
    return [ShownIn(*row) for row in connection.execute(_shown, {"ids": list(message_ids)})]


def _replies_under(connection: Connection, said: Sequence[int]) -> dict[int, int | None]:
    """The replies to these messages, also below messages that joined them, with their guilds."""
    found: dict[int, int | None] = {}
    looked_under: set[int] = set()
    under = list(said)
    while under:
        looked_under |= set(under)
        below = connection.execute(_below, {"ids": under}).all()
        found |= {row.id: row.guild_id for row in below if row.role == "assistant"}
        under = [row.id for row in below if row.role == "user" and row.id not in looked_under]
    return found


def _answers_only(connection: Connection, guild_id: int | None, reply_id: int, user_id: int, is_own: bool) -> bool:
    """Whether nobody else asked for a reply; one that answers nobody is of whoever let it be said."""
    asked = _tree.turn_of(connection, guild_id, reply_id)
    if not asked:
        return is_own
    return all(
        message.author_id == user_id or (message.author_id is None and message.state == "deleted") for message in asked
    )


# --- what is not said


def erase_settings(connection: Connection, where: Where, user_id: int, after: Key | None) -> Key | None:
    """What a person set for themselves, in direct messages, or wrote; the rest stays without their id."""
    rows, last = walk(connection, settings, ("set_by",), where, after)
    own: list[Key] = []
    set_by: list[Key] = []
    for row in rows:
        if row.scope_kind == "user" and row.scope_id == user_id:
            own.append(key_of(settings, row))
        elif row.set_by == user_id:
            theirs = row.guild_id is None or row.name in WORDS_IN_SETTINGS
            (own if theirs else set_by).append(key_of(settings, row))
    if own:
        connection.execute(delete(settings).where(with_keys(settings, own)))
    if set_by:
        connection.execute(update(settings).where(with_keys(settings, set_by)).values(set_by=None))
    return last


def erase_heads(connection: Connection, where: Where, user_id: int, after: Key | None) -> Key | None:
    """Conversations of their own begin anew."""
    rows, last = walk(connection, heads, (), where, after)
    if own := [key_of(heads, row) for row in rows if row.owner_id == user_id]:
        connection.execute(delete(heads).where(with_keys(heads, own)))
    return last


def own_personas(connection: Connection, where: Where, user_id: int, after: Key | None) -> tuple[list[int], Key | None]:
    """Characters that are theirs, not the server's; drafts too."""
    rows, last = walk(connection, personas, ("owner_id", "kind", "guild_id"), where, after)
    return [row.id for row in rows if row.owner_id == user_id and row.kind != "server"], last


def erase_traces(connection: Connection, where: Where, persona_ids: Sequence[int], after: Key | None) -> Key | None:
    """Of characters that go: their greetings, and their names over what they said to others."""
    rows, last = walk(connection, messages, ("persona_id", "parent_id"), where, after, by=BY_CHANNEL)
    said = {row.id: row.parent_id for row in rows if row.persona_id in persona_ids}
    if said:
        beginnings = select(messages.c.id).where(_by_ids, messages.c.role == "system")
        openings = set(connection.execute(beginnings, {"ids": [i for i in said.values() if i]}).scalars())
        if greetings := [reply for reply, parent in said.items() if parent is None or parent in openings]:
            connection.execute(_empty, {"ids": greetings})
        connection.execute(_unname, {"ids": list(said)})
    return last


def erase_personas(connection: Connection, persona_ids: Sequence[int]) -> None:
    """With all their versions, and what is set for them."""
    of_these = (settings.c.scope_kind == "persona", settings.c.scope_id.in_(persona_ids))
    connection.execute(delete(settings).where(*of_these))
    connection.execute(delete(personas).where(personas.c.id.in_(persona_ids)))


def erase_lorebooks(connection: Connection, where: Where, user_id: int, after: Key | None) -> Key | None:
    """Those of direct messages go; those of servers are nobody's."""
    rows, last = walk(connection, lorebooks, ("guild_id", "created_by"), where, after)
    if own := [row.id for row in rows if row.created_by == user_id and row.guild_id is None]:
        connection.execute(delete(lorebooks).where(lorebooks.c.id.in_(own)))
    if given := [row.id for row in rows if row.created_by == user_id and row.guild_id is not None]:
        connection.execute(update(lorebooks).where(lorebooks.c.id.in_(given)).values(created_by=NOBODY))
    return last


def disown_personas(connection: Connection, where: Where, user_id: int, after: Key | None) -> Key | None:
    """Characters of a server, and their versions, are nobody's from now on."""
    rows, last = walk(connection, personas, ("guild_id", "owner_id", "updated_by"), where, after)
    for name in ("owner_id", "updated_by"):
        if ids := [row.id for row in rows if getattr(row, name) == user_id]:
            connection.execute(update(personas).where(personas.c.id.in_(ids)).values({name: NOBODY}))
    if rows:
        versions = persona_versions.c
        of_these = versions.persona_id.in_([row.id for row in rows])
        connection.execute(
            update(persona_versions).where(of_these, versions.updated_by == user_id).values(updated_by=NOBODY)
        )
    return last


def erase_audit(connection: Connection, where: Where, user_id: int, after: Key | None) -> Key | None:
    """Who did what and when stays; what they wrote does not, neither where the next change tells of it."""
    rows, last = walk(connection, audit_entries, ("guild_id", "actor_id", "action", "subject"), where, after)
    wrote = [row for row in rows if row.actor_id == user_id and row.action in WORDS_IN_AUDIT]
    for row in wrote:
        place: dict[str, Any] = {"guild": row.guild_id, "of": row.subject, "did": row.action, "after": row.id}
        later = connection.execute(_next_change, place).scalar_one_or_none()
        _blank(connection, audit_entries, row.id, before=None, after=None, reason=null())
        if later is not None:
            _blank(connection, audit_entries, later, before=None)
    return last


def erase_report_reasons(connection: Connection, where: Where, user_id: int, after: Key | None) -> Key | None:
    """That they reported something stays; why, in their words, does not."""
    rows, last = walk(connection, report_reporters, ("reason",), where, after)
    if own := [key_of(report_reporters, row) for row in rows if row.reporter_id == user_id and row.reason]:
        emptied = update(report_reporters).where(with_keys(report_reporters, own))
        connection.execute(emptied.values(reason=null()))
    return last


def erase_lent_keys(connection: Connection, where: Where, user_id: int, after: Key | None) -> tuple[int, Key | None]:
    """What they lend is taken back, as if they had done it themselves; how many keys that were."""
    rows, last = walk(connection, sealed_keys, (), where, after)
    lent = [row.guild_id for row in rows if row.owner_id == user_id]
    return sum(keys.erase(connection, guild_id, user_id, by=user_id) for guild_id in lent), last


def _blank(connection: Connection, table: Table, row_id: int, **values: Any) -> None:
    connection.execute(update(table).where(table.c.id == row_id).values(values))
