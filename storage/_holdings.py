"""What is kept about a person, part by part and page by page; each function reads one page.

Words and ids of other people are left out: who denied somebody something is "staff" to them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Connection, LargeBinary, Row, Table, select

from storage._quotes import QUOTING
from storage._walking import Key, in_scope, walk
from storage.records import Where
from storage.schema import (
    access_rules,
    audit_entries,
    erasures,
    filters,
    heads,
    limit_counters,
    limit_grants,
    limits,
    lorebooks,
    messages,
    opt_outs,
    persona_versions,
    personas,
    pictures,
    report_deeds,
    report_reporters,
    reports,
    sealed_keys,
    settings,
    usage,
    usage_sums,
)

MESSAGES_AT_ONCE: Final = 200

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A picture, a card or a lorebook; `of` is the id of what it belongs to."""

    name: str
    of: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Kept:
    """One page of what is kept in one part; the values are such as JSON has."""

    part: str
    rows: Sequence[Fields]
    files: Sequence[KeptFile] = ()


@dataclass(frozen=True, slots=True)
class Holding:
    """A part that is found by walking through a table."""

    part: str
    table: Table
    is_theirs: Callable[[Row[Any], int], bool]
    left_out: frozenset[str] = frozenset()
    only: frozenset[str] | None = None


def _names(*columns: str) -> Callable[[Row[Any], int], bool]:
    return lambda row, user_id: any(getattr(row, column) == user_id for column in columns)


_BY_STAFF: Final = frozenset({"set_by"})

HOLDINGS: Final = (
    Holding("settings", settings, lambda row, user: row.scope_kind == "user" and row.scope_id == user),
    Holding(
        "settings you made for others",
        settings,
        lambda row, user: row.set_by == user and not (row.scope_kind == "user" and row.scope_id == user),
    ),
    Holding("scenes you started", settings, lambda row, user: is_scene_of(row.value, user), _BY_STAFF),
    Holding("conversations of your own", heads, _names("owner_id")),
    Holding("characters", personas, _names("owner_id")),
    Holding("characters you changed", personas, _names("updated_by"), only=frozenset({"id", "name", "updated_at"})),
    Holding("lorebooks", lorebooks, _names("created_by")),
    Holding("rules about you", access_rules, _names("user_id"), _BY_STAFF),
    Holding("rules you made", access_rules, _names("set_by"), only=frozenset({"id", "verdict", "created_at"})),
    Holding("filters you made", filters, _names("created_by"), only=frozenset({"id", "created_at"})),
    Holding("limits on you", limits, lambda row, user: row.scope_kind == "user" and row.scope_id == user, _BY_STAFF),
    Holding("limits you set", limits, _names("set_by")),
    Holding("extra that you were granted", limit_grants, _names("user_id"), _BY_STAFF),
    Holding(
        "extra that you granted", limit_grants, _names("set_by"), only=frozenset({"unit", "amount", "until", "set_at"})
    ),
    Holding(
        "counters of limits",
        limit_counters,
        lambda row, user: row.subject == "user" and row.subject_id == user,
    ),
    Holding("record of changes", audit_entries, lambda row, user: row.actor_id == user or is_about(row.subject, user)),
    Holding("messages you reported", report_reporters, _names("reporter_id")),
    Holding(
        "reports of replies to you",
        reports,
        _names("requester_id"),
        only=frozenset({"id", "guild_id", "channel_id", "discord_id", "created_at"}),
    ),
    Holding("reports you dealt with", report_deeds, _names("done_by")),
    Holding("keys you lent", sealed_keys, _names("owner_id")),
    Holding("opted out", opt_outs, _names("user_id")),
    Holding("deletions you asked for", erasures, _names("user_id")),
)


def is_scene_of(value: Any, user_id: int) -> bool:
    """Whether the value of a setting tells of a scene that a person started, whoever ended it."""
    return isinstance(value, dict) and value.get("owner") == user_id


def is_about(subject: str, user_id: int) -> bool:
    """Whether the subject of a record names a person."""
    return f"user:{user_id}" in subject.split()


def walk_page(
    connection: Connection, holding: Holding, where: Where, user_id: int, after: Key | None
) -> tuple[list[Fields], Key | None]:
    """The next rows of a part, and where to go on."""
    plain = [column.name for column in holding.table.c if not isinstance(column.type, LargeBinary)]
    rows, last = walk(connection, holding.table, plain, where, after)
    theirs = [{name: getattr(row, name) for name in plain} for row in rows if holding.is_theirs(row, user_id)]
    return [_told(holding, values, user_id) for values in theirs], last


def _told(holding: Holding, values: dict[str, Any], user_id: int) -> Fields:
    if holding.only is not None:
        values = {name: value for name, value in values.items() if name in holding.only}
    if "actor_id" in values:
        values["by"] = "you" if values.pop("actor_id") == user_id else "staff"
    return {name: in_json(name, value) for name, value in values.items() if name not in holding.left_out}


def in_json(name: str, value: Any) -> Any:
    """A value as JSON has it; ids as text, because some programs round large numbers."""
    if name == "guild_id" and value is None:
        return "direct messages"
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, int) and not isinstance(value, bool) and (name == "id" or name.endswith(("_id", "_by"))):
        return str(value)
    return value


def messages_page(
    connection: Connection, where: Where, user_id: int, after: int
) -> tuple[list[Fields], list[int], int | None]:
    """The next of a person's messages and the replies to them, the ids of those with pictures, and where to go on."""
    columns = [column for column in messages.c if column.name not in {"author_id", "private_to", *QUOTING}]
    statement = (
        select(*columns, messages.c.private_to.is_not(None).label("private"))
        .where(messages.c.author_id == user_id, messages.c.id > after, *in_scope(messages, where))
        .order_by(messages.c.id)
        .limit(MESSAGES_AT_ONCE)
    )
    rows = connection.execute(statement).mappings().all()
    ids: list[int] = [row["id"] for row in rows]
    shown = select(pictures.c.message_id).where(pictures.c.message_id.in_(ids)).distinct()
    with_pictures = sorted(connection.execute(shown).scalars())
    return _all_in_json(rows), with_pictures, ids[-1] if len(ids) == MESSAGES_AT_ONCE else None


def quotes_page(connection: Connection, where: Where, user_id: int, after: int) -> tuple[list[Fields], int | None]:
    """The next of what others quoted of a person."""
    columns = ("id", "guild_id", "channel_id", "quoted_id", "quote", "created_at")
    statement = (
        select(*(messages.c[name] for name in columns))
        .where(messages.c.quoted_author_id == user_id, messages.c.id > after, *in_scope(messages, where))
        .order_by(messages.c.id)
        .limit(MESSAGES_AT_ONCE)
    )
    rows = connection.execute(statement).mappings().all()
    return _all_in_json(rows), rows[-1]["id"] if len(rows) == MESSAGES_AT_ONCE else None


def pictures_of(connection: Connection, message_id: int) -> list[KeptFile]:
    """The pictures of one message, with the names they came with."""
    statement = (
        select(pictures.c.attachment_id, pictures.c.name, pictures.c.data)
        .where(pictures.c.message_id == message_id)
        .order_by(pictures.c.attachment_id)
    )
    return [KeptFile(row.name, message_id, row.data) for row in connection.execute(statement)]


def versions_of(connection: Connection, persona_id: int) -> list[int]:
    """The earlier versions of a character."""
    statement = select(persona_versions.c.version).where(persona_versions.c.persona_id == persona_id)
    return sorted(connection.execute(statement).scalars())


def card_of(connection: Connection, persona_id: int, version: int | None) -> list[KeptFile]:
    """The card and the picture of a character, or of a version of it."""
    table = personas if version is None else persona_versions
    statement = select(table.c.card, table.c.avatar, table.c.avatar_type)
    if version is None:
        statement = statement.where(personas.c.id == persona_id)
    else:
        statement = statement.where(persona_versions.c.persona_id == persona_id, persona_versions.c.version == version)
    row = connection.execute(statement).one_or_none()
    if row is None:
        return []
    name = "card" if version is None else f"card-version-{version}"
    files = [KeptFile(f"{name}.json", persona_id, row.card)]
    if row.avatar is not None:
        ending = (row.avatar_type or "image/png").rpartition("/")[2]
        files.append(KeptFile(f"{name}.{ending}", persona_id, row.avatar))
    return files


def lorebook_file(connection: Connection, book_id: int) -> list[KeptFile]:
    """What was taken in."""
    data = connection.execute(select(lorebooks.c.data).where(lorebooks.c.id == book_id)).scalar_one_or_none()
    return [] if data is None else [KeptFile("lorebook.json", book_id, data)]


def requests_page(connection: Connection, where: Where, user_id: int, after: int) -> tuple[list[Fields], int | None]:
    """The next single requests."""
    columns = [column for column in usage.c if column.name != "user_id"]
    statement = (
        select(*columns)
        .where(usage.c.user_id == user_id, usage.c.id > after, *in_scope(usage, where))
        .order_by(usage.c.id)
        .limit(MESSAGES_AT_ONCE)
    )
    rows = connection.execute(statement).mappings().all()
    return _all_in_json(rows), rows[-1]["id"] if len(rows) == MESSAGES_AT_ONCE else None


def months_of(connection: Connection, guild_id: int | None, user_id: int) -> list[Fields]:
    """What was used in each month of one guild."""
    columns = ("guild_id", "start", "key", "requests", "prompt_tokens", "completion_tokens", "waited_ms")
    statement = (
        select(*(usage_sums.c[name] for name in columns))
        .where(
            usage_sums.c.guild_id == guild_id,
            usage_sums.c.level == "month",
            usage_sums.c.scope_kind == "user",
            usage_sums.c.scope_id == user_id,
        )
        .order_by(usage_sums.c.start, usage_sums.c.key)
    )
    return _all_in_json(connection.execute(statement).mappings())


def _all_in_json(rows: Iterable[Mapping[Any, Any]]) -> list[Fields]:
    return [{name: in_json(name, value) for name, value in row.items()} for row in rows]
