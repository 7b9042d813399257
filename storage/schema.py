"""The tables. Whatever changes here needs a migration; a test compares the two."""

from typing import Final, get_args

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    false,
    literal_column,
)

from storage._types import CleanText, GuildId, JsonText, RowId, UtcDateTime
from storage.records import (
    WAIT_EDGES,
    LimitPeriod,
    LimitScope,
    LimitSubject,
    LimitUnit,
    PersonaKind,
    ReportDeed,
    Role,
    ScopeKind,
    State,
    Verdict,
)

UNFINISHED: Final = ("pending", "streaming")
"""States of a reply that somebody still works on, or did when the process ended."""

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def _one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


messages = Table(
    "messages",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=False),
    Column("guild_id", GuildId, nullable=False),
    Column("channel_id", BigInteger, nullable=False),
    Column("parent_id", RowId, ForeignKey("messages.id"), index=True),
    Column("role", CleanText, nullable=False),
    Column("author_id", BigInteger),
    Column("author_name", CleanText),
    Column("persona_id", BigInteger),
    Column("model", CleanText),
    Column("content", CleanText, nullable=False),
    Column("state", CleanText, nullable=False),
    Column("tokens", Integer),
    Column("finish_reason", CleanText),
    Column("created_at", UtcDateTime, nullable=False),
    Column("private_to", BigInteger),
    Column("prompt_tokens", Integer),
    Column("quote", CleanText),
    Column("quoted_id", BigInteger),
    Column("quoted_author_id", BigInteger),
    _one_of("role", get_args(Role)),
    _one_of("state", get_args(State)),
    Index(None, "guild_id", "channel_id", "id"),
    Index(None, "author_id", "id"),
)

is_unfinished = messages.c.state.in_([literal_column(f"'{state}'") for state in UNFINISHED])
"""Spelled out rather than bound, because SQLite uses the index below only for a condition it can read."""

Index("ix_messages_unfinished", messages.c.id, sqlite_where=is_unfinished, postgresql_where=is_unfinished)

for _column in (messages.c.quoted_id, messages.c.quoted_author_id):
    Index(
        f"ix_messages_{_column.name}", _column, sqlite_where=_column.is_not(None), postgresql_where=_column.is_not(None)
    )

heads = Table(
    "heads",
    metadata,
    Column("guild_id", GuildId, nullable=False),
    Column("channel_id", BigInteger, nullable=False),
    Column("owner_id", BigInteger, nullable=False),
    Column("private", Boolean, nullable=False, server_default=false()),
    Column("message_id", RowId, ForeignKey("messages.id", ondelete="SET NULL"), index=True),
    PrimaryKeyConstraint("guild_id", "channel_id", "owner_id", "private"),
    sqlite_with_rowid=False,
)

discord_messages = Table(
    "discord_messages",
    metadata,
    Column("discord_id", RowId, primary_key=True, autoincrement=False),
    Column("message_id", RowId, ForeignKey("messages.id", ondelete="CASCADE"), nullable=False),
    Column("part", Integer, nullable=False),
    Index(None, "message_id", "part"),
)

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=False),
    Column("guild_id", GuildId, nullable=False),
    Column("channel_id", BigInteger, nullable=False),
    Column("persona_id", BigInteger, nullable=False),
    Column("looks", CleanText, nullable=False),
    Column("used_at", UtcDateTime, nullable=False),
    Index(None, "guild_id", "channel_id"),
)

webhook_posts = Table(
    "webhook_posts",
    metadata,
    Column("discord_id", RowId, primary_key=True, autoincrement=False),
    Column("webhook_id", RowId, ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("persona_id", BigInteger, nullable=False),
)

pictures = Table(
    "pictures",
    metadata,
    Column("message_id", RowId, ForeignKey("messages.id", ondelete="CASCADE"), nullable=False),
    Column("attachment_id", BigInteger, nullable=False),
    Column("name", CleanText, nullable=False),
    Column("content_type", CleanText, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
    PrimaryKeyConstraint("message_id", "attachment_id"),
)

personas = Table(
    "personas",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=False),
    Column("guild_id", GuildId, nullable=False),
    Column("owner_id", BigInteger, nullable=False),
    Column("kind", CleanText, nullable=False),
    Column("name", CleanText, nullable=False),
    Column("card", LargeBinary, nullable=False),
    Column("avatar", LargeBinary),
    Column("avatar_type", CleanText),
    Column("adult", Boolean, nullable=False),
    Column("greeting", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("updated_by", BigInteger, nullable=False),
    Column("undo_to", Integer),
    Column("redo_to", Integer),
    _one_of("kind", get_args(PersonaKind)),
    Index(None, "guild_id", "owner_id"),
)

persona_versions = Table(
    "persona_versions",
    metadata,
    Column("persona_id", RowId, ForeignKey("personas.id", ondelete="CASCADE"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("name", CleanText, nullable=False),
    Column("card", LargeBinary, nullable=False),
    Column("avatar", LargeBinary),
    Column("avatar_type", CleanText),
    Column("adult", Boolean, nullable=False),
    Column("greeting", Integer, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("updated_by", BigInteger, nullable=False),
    Column("undo_to", Integer),
    Column("redo_to", Integer),
    PrimaryKeyConstraint("persona_id", "version"),
)

lorebooks = Table(
    "lorebooks",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=False),
    Column("guild_id", GuildId, nullable=False, index=True),
    Column("name", CleanText, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("entries", Integer, nullable=False),
    Column("created_by", BigInteger, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

lorebook_places = Table(
    "lorebook_places",
    metadata,
    Column("lorebook_id", RowId, ForeignKey("lorebooks.id", ondelete="CASCADE"), nullable=False),
    Column("scope_kind", CleanText, nullable=False),
    Column("scope_id", BigInteger, nullable=False),
    _one_of("scope_kind", get_args(ScopeKind)),
    PrimaryKeyConstraint("lorebook_id", "scope_kind", "scope_id"),
    Index(None, "scope_kind", "scope_id"),
)

lore_fired = Table(
    "lore_fired",
    metadata,
    Column("message_id", RowId, ForeignKey("messages.id", ondelete="CASCADE"), nullable=False),
    Column("entry", CleanText, nullable=False),
    PrimaryKeyConstraint("message_id", "entry"),
)

claims = Table(
    "claims",
    metadata,
    Column("claim_id", BigInteger, nullable=False),
    Column("kind", CleanText, nullable=False),
    Column("created_at", UtcDateTime, nullable=False, index=True),
    PrimaryKeyConstraint("claim_id", "kind"),
    sqlite_with_rowid=False,
)

settings = Table(
    "settings",
    metadata,
    Column("guild_id", GuildId, nullable=False),
    Column("scope_kind", CleanText, nullable=False),
    Column("scope_id", BigInteger, nullable=False),
    Column("name", CleanText, nullable=False),
    Column("value", JsonText, nullable=False),
    Column("set_by", BigInteger),
    Column("updated_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("guild_id", "scope_kind", "scope_id", "name"),
    _one_of("scope_kind", get_args(ScopeKind)),
    sqlite_with_rowid=False,
)

usage = Table(
    "usage",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=False),
    Column("guild_id", GuildId, nullable=False),
    Column("channel_id", BigInteger, nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("model", CleanText, nullable=False),
    Column("kind", CleanText, nullable=False),
    Column("prompt_tokens", Integer, nullable=False),
    Column("completion_tokens", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index(None, "guild_id", "at"),
    Index(None, "user_id", "guild_id"),
)

WAIT_COLUMNS: Final = (*(f"waits_to_{edge}" for edge in WAIT_EDGES), "waits_longer")


def _amounts() -> list[Column[int]]:
    counts = [Column(name, Integer, nullable=False) for name in ("requests", *WAIT_COLUMNS)]
    sums = [Column(name, BigInteger, nullable=False) for name in ("prompt_tokens", "completion_tokens", "waited_ms")]
    return [*counts, *sums]


usage_days = Table(
    "usage_days",
    metadata,
    Column("guild_id", GuildId, nullable=False),
    Column("day", Date, nullable=False),
    Column("channel_id", BigInteger, nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("model", CleanText, nullable=False),
    Column("kind", CleanText, nullable=False),
    *_amounts(),
    PrimaryKeyConstraint("guild_id", "day", "channel_id", "user_id", "model", "kind"),
    sqlite_with_rowid=False,
)

# The same by one thing at a time. What is read for a report then grows with the people, channels and models that there
# are, not with their combinations.
usage_sums = Table(
    "usage_sums",
    metadata,
    Column("guild_id", GuildId, nullable=False),
    Column("level", CleanText, nullable=False),
    Column("scope_kind", CleanText, nullable=False),
    Column("scope_id", BigInteger, nullable=False),
    Column("part", CleanText, nullable=False),
    Column("start", Date, nullable=False),
    Column("key", CleanText, nullable=False),
    *_amounts(),
    PrimaryKeyConstraint("guild_id", "level", "scope_kind", "scope_id", "part", "start", "key"),
    sqlite_with_rowid=False,
)

audit_entries = Table(
    "audit_entries",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=False),
    Column("guild_id", GuildId, nullable=False),
    Column("actor_id", BigInteger),
    Column("action", CleanText, nullable=False),
    Column("subject", CleanText, nullable=False),
    Column("before", JsonText, nullable=False),
    Column("after", JsonText, nullable=False),
    Column("reason", CleanText),
    Column("at", UtcDateTime, nullable=False),
    Index(None, "guild_id", "id"),
    Index(None, "guild_id", "action"),
)

access_rules = Table(
    "access_rules",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=False),
    Column("guild_id", GuildId, nullable=False, index=True),
    Column("verdict", CleanText, nullable=False),
    Column("user_id", BigInteger),
    Column("role_id", BigInteger),
    Column("channel_id", BigInteger),
    Column("category_id", BigInteger),
    Column("model", CleanText),
    Column("reason", CleanText),
    Column("expires_at", UtcDateTime, index=True),
    Column("set_by", BigInteger, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    _one_of("verdict", get_args(Verdict)),
)

filters = Table(
    "filters",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=False),
    Column("guild_id", GuildId, nullable=False, index=True),
    Column("channel_id", BigInteger),
    Column("kind", CleanText, nullable=False),
    Column("text", CleanText, nullable=False),
    Column("side", CleanText, nullable=False),
    Column("action", CleanText, nullable=False),
    Column("created_by", BigInteger, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    _one_of("kind", ("words", "pattern")),
    _one_of("side", ("asked", "answered", "both")),
    _one_of("action", ("block", "mask", "flag")),
)

limits = Table(
    "limits",
    metadata,
    Column("guild_id", GuildId, nullable=False),
    Column("scope_kind", CleanText, nullable=False),
    Column("scope_id", BigInteger, nullable=False),
    Column("unit", CleanText, nullable=False),
    Column("period", CleanText, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("hard", Boolean, nullable=False),
    Column("set_by", BigInteger, nullable=False),
    Column("set_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("guild_id", "scope_kind", "scope_id", "unit", "period"),
    _one_of("scope_kind", get_args(LimitScope)),
    _one_of("unit", get_args(LimitUnit)),
    _one_of("period", get_args(LimitPeriod)),
    sqlite_with_rowid=False,
)

limit_grants = Table(
    "limit_grants",
    metadata,
    Column("guild_id", GuildId, nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("unit", CleanText, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("until", UtcDateTime, nullable=False, index=True),
    Column("set_by", BigInteger, nullable=False),
    Column("set_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("guild_id", "user_id", "unit"),
    _one_of("unit", get_args(LimitUnit)),
    sqlite_with_rowid=False,
)

limit_counters = Table(
    "limit_counters",
    metadata,
    Column("guild_id", GuildId, nullable=False),
    Column("subject", CleanText, nullable=False),
    Column("subject_id", BigInteger, nullable=False),
    Column("unit", CleanText, nullable=False),
    Column("period", CleanText, nullable=False),
    Column("start", UtcDateTime, nullable=False),
    Column("ends_at", UtcDateTime, nullable=False, index=True),
    Column("spent", BigInteger, nullable=False),
    Column("reserved", BigInteger, nullable=False),
    PrimaryKeyConstraint("guild_id", "subject", "subject_id", "unit", "period", "start"),
    _one_of("subject", get_args(LimitSubject)),
    sqlite_with_rowid=False,
)

limit_reservations = Table(
    "limit_reservations",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=False),
    Column("guild_id", GuildId, nullable=False),
    Column("process", CleanText, nullable=False, index=True),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    Column("windows", JsonText, nullable=False),
    Column("requests", BigInteger, nullable=False),
    Column("tokens", BigInteger, nullable=False),
    Column("people", BigInteger, nullable=False),
)

reports = Table(
    "reports",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=False),
    Column("guild_id", GuildId, nullable=False),
    Column("channel_id", BigInteger, nullable=False),
    Column("message_id", BigInteger),
    Column("discord_id", BigInteger, nullable=False),
    Column("requester_id", BigInteger),
    Column("created_at", UtcDateTime, nullable=False),
    Column("log_channel_id", BigInteger),
    Column("posted_id", BigInteger),
    Index(None, "guild_id", "message_id"),
    Index(None, "guild_id", "discord_id"),
)

report_reporters = Table(
    "report_reporters",
    metadata,
    Column("report_id", ForeignKey("reports.id", ondelete="CASCADE"), nullable=False),
    Column("guild_id", GuildId, nullable=False),
    Column("reporter_id", BigInteger, nullable=False),
    Column("reason", CleanText),
    Column("at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("report_id", "reporter_id"),
    Index(None, "guild_id", "reporter_id", "at"),
)

report_deeds = Table(
    "report_deeds",
    metadata,
    Column("report_id", ForeignKey("reports.id", ondelete="CASCADE"), nullable=False),
    Column("guild_id", GuildId, nullable=False, index=True),
    Column("deed", CleanText, nullable=False),
    Column("done_by", BigInteger, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("until", UtcDateTime),
    PrimaryKeyConstraint("report_id", "deed"),
    _one_of("deed", get_args(ReportDeed)),
)

opt_outs = Table(
    "opt_outs",
    metadata,
    Column("guild_id", GuildId, nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("everywhere", Boolean, nullable=False),
    Column("since", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("guild_id", "user_id", "everywhere"),
    sqlite_with_rowid=False,
)

erasures = Table(
    "erasures",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=False),
    Column("guild_id", GuildId, nullable=False, index=True),
    Column("everywhere", Boolean, nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("answers", Boolean, nullable=False),
    Column("in_discord", Boolean, nullable=False),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("done_at", UtcDateTime),
    Column("swept_at", UtcDateTime),
)

left_guilds = Table(
    "left_guilds",
    metadata,
    Column("guild_id", GuildId, nullable=False),
    Column("left_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("guild_id"),
    sqlite_with_rowid=False,
)

sealed_keys = Table(
    "sealed_keys",
    metadata,
    Column("guild_id", GuildId, nullable=False),
    Column("owner_id", BigInteger, nullable=False, index=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("refused_at", UtcDateTime),
    PrimaryKeyConstraint("guild_id", "owner_id"),
)

model_facts = Table(
    "model_facts",
    metadata,
    Column("model", CleanText, primary_key=True),
    Column("context_window", Integer),
    Column("system_role", Boolean),
    Column("token_ratio", Float),
    Column("ratio_samples", Integer, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("picture_limit", Integer),
)
