"""What moderators decide and see, and what members decide about what is kept of them."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Create the tables."""
    _usage()
    _audit()
    _access()
    _filters()
    _privacy()
    _quotes()
    _limits()
    _keys()
    _reports()


WAITS = (*(f"waits_to_{edge}" for edge in (1, 2, 5, 10, 20, 30, 60, 120)), "waits_longer")
COUNTS = ("requests", *WAITS)
SUMS = ("prompt_tokens", "completion_tokens", "waited_ms")
PARTS: tuple[tuple[str, Any, tuple[str, ...]], ...] = (
    ("server", sa.literal(0), ("model", "user_id", "channel_id")),
    ("channel", sa.column("channel_id"), ("model", "user_id")),
    ("user", sa.column("user_id"), ("model",)),
)


def _usage() -> None:
    """What was used so far, by day, and by one thing at a time. Nobody noted how long people waited."""
    days = op.create_table(
        "usage_days",
        sa.Column("guild_id", sa.BigInteger, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("channel_id", sa.BigInteger, nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        *_amounts(),
        sa.PrimaryKeyConstraint("guild_id", "day", "channel_id", "user_id", "model", "kind", name="pk_usage_days"),
        sqlite_with_rowid=False,
    )
    sums = op.create_table(
        "usage_sums",
        sa.Column("guild_id", sa.BigInteger, nullable=False),
        sa.Column("level", sa.Text, nullable=False),
        sa.Column("scope_kind", sa.Text, nullable=False),
        sa.Column("scope_id", sa.BigInteger, nullable=False),
        sa.Column("part", sa.Text, nullable=False),
        sa.Column("start", sa.Date, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        *_amounts(),
        sa.PrimaryKeyConstraint(
            "guild_id", "level", "scope_kind", "scope_id", "part", "start", "key", name="pk_usage_sums"
        ),
        sqlite_with_rowid=False,
    )
    _sum_up_days(days)
    for level in ("day", "month"):
        for scope, scope_id, parts in PARTS:
            for part in parts:
                _sum_up(days, sums, level, scope, scope_id, part)


def _audit() -> None:
    row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "audit_entries",
        sa.Column("id", row_id, nullable=False, autoincrement=False),
        sa.Column("guild_id", sa.BigInteger, nullable=False),
        sa.Column("actor_id", sa.BigInteger),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("before", sa.Text, nullable=False),
        sa.Column("after", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_entries"),
    )
    op.create_index("ix_audit_entries_guild_id_id", "audit_entries", ["guild_id", "id"])
    op.create_index("ix_audit_entries_guild_id_action", "audit_entries", ["guild_id", "action"])


def _access() -> None:
    row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "access_rules",
        sa.Column("id", row_id, nullable=False, autoincrement=False),
        sa.Column("guild_id", sa.BigInteger, nullable=False),
        sa.Column("verdict", sa.Text, nullable=False),
        *(sa.Column(name, sa.BigInteger) for name in ("user_id", "role_id", "channel_id", "category_id")),
        sa.Column("model", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        sa.Column("set_by", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("verdict IN ('allow', 'deny')", name=op.f("ck_access_rules_verdict")),
        sa.PrimaryKeyConstraint("id", name="pk_access_rules"),
    )
    op.create_index("ix_access_rules_guild_id", "access_rules", ["guild_id"])
    op.create_index("ix_access_rules_expires_at", "access_rules", ["expires_at"])
    op.create_index("ix_usage_user_id_guild_id", "usage", ["user_id", "guild_id"])


def _filters() -> None:
    row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "filters",
        sa.Column("id", row_id, nullable=False, autoincrement=False),
        sa.Column("guild_id", sa.BigInteger, nullable=False),
        sa.Column("channel_id", sa.BigInteger),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("kind", "text", "side", "action")),
        sa.Column("created_by", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('words', 'pattern')", name=op.f("ck_filters_kind")),
        sa.CheckConstraint("side IN ('asked', 'answered', 'both')", name=op.f("ck_filters_side")),
        sa.CheckConstraint("action IN ('block', 'mask', 'flag')", name=op.f("ck_filters_action")),
        sa.PrimaryKeyConstraint("id", name="pk_filters"),
    )
    op.create_index("ix_filters_guild_id", "filters", ["guild_id"])


UNITS = "unit IN ('requests', 'tokens')"


def _limits() -> None:
    """What may be used how often, and what was."""
    op.create_table(
        "limits",
        sa.Column("guild_id", sa.BigInteger, nullable=False),
        sa.Column("scope_kind", sa.Text, nullable=False),
        sa.Column("scope_id", sa.BigInteger, nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("period", sa.Text, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("hard", sa.Boolean, nullable=False),
        *_set_by(),
        sa.CheckConstraint("scope_kind IN ('guild', 'channel', 'role', 'user')", name=op.f("ck_limits_scope_kind")),
        sa.CheckConstraint(UNITS, name=op.f("ck_limits_unit")),
        sa.CheckConstraint("period IN ('minute', 'hour', 'day', 'week', 'month')", name=op.f("ck_limits_period")),
        sa.PrimaryKeyConstraint("guild_id", "scope_kind", "scope_id", "unit", "period", name="pk_limits"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "limit_grants",
        sa.Column("guild_id", sa.BigInteger, nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        *_set_by(),
        sa.CheckConstraint(UNITS, name=op.f("ck_limit_grants_unit")),
        sa.PrimaryKeyConstraint("guild_id", "user_id", "unit", name="pk_limit_grants"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_limit_grants_until", "limit_grants", ["until"])
    _limit_counters()


def _limit_counters() -> None:
    row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    keys = ("guild_id", "subject", "subject_id", "unit", "period", "start")
    op.create_table(
        "limit_counters",
        sa.Column("guild_id", sa.BigInteger, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("subject_id", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("unit", "period")),
        *(sa.Column(name, sa.DateTime(timezone=True), nullable=False) for name in ("start", "ends_at")),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("spent", "reserved")),
        sa.CheckConstraint("subject IN ('guild', 'channel', 'user')", name=op.f("ck_limit_counters_subject")),
        sa.PrimaryKeyConstraint(*keys, name="pk_limit_counters"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_limit_counters_ends_at", "limit_counters", ["ends_at"])
    op.create_table(
        "limit_reservations",
        sa.Column("id", row_id, nullable=False, autoincrement=False),
        sa.Column("guild_id", sa.BigInteger, nullable=False),
        sa.Column("process", sa.Text, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("windows", sa.Text, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("requests", "tokens", "people")),
        sa.PrimaryKeyConstraint("id", name="pk_limit_reservations"),
    )
    for column in ("process", "expires_at"):
        op.create_index(f"ix_limit_reservations_{column}", "limit_reservations", [column])


def _set_by() -> list[sa.Column[Any]]:
    return [
        sa.Column("set_by", sa.BigInteger, nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
    ]


def _privacy() -> None:
    row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_index("ix_messages_author_id_id", "messages", ["author_id", "id"])
    op.create_table(
        "opt_outs",
        sa.Column("guild_id", sa.BigInteger, nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("everywhere", sa.Boolean, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("guild_id", "user_id", "everywhere", name="pk_opt_outs"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "erasures",
        sa.Column("id", row_id, nullable=False, autoincrement=False),
        sa.Column("guild_id", sa.BigInteger, nullable=False),
        sa.Column("everywhere", sa.Boolean, nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("answers", sa.Boolean, nullable=False),
        sa.Column("in_discord", sa.Boolean, nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True)),
        sa.Column("swept_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_erasures"),
    )
    op.create_index("ix_erasures_guild_id", "erasures", ["guild_id"])
    op.create_table(
        "left_guilds",
        sa.Column("guild_id", sa.BigInteger, nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("guild_id", name="pk_left_guilds"),
        sqlite_with_rowid=False,
    )


def _quotes() -> None:
    """What somebody replied to stood in their own words so far, where it stays."""
    op.add_column("messages", sa.Column("quote", sa.Text))
    for name in ("quoted_id", "quoted_author_id"):
        op.add_column("messages", sa.Column(name, sa.BigInteger))
        is_set = sa.column(name).is_not(None)
        op.create_index(f"ix_messages_{name}", "messages", [name], sqlite_where=is_set, postgresql_where=is_set)


def _keys() -> None:
    op.create_table(
        "sealed_keys",
        sa.Column("guild_id", sa.BigInteger, nullable=False),
        sa.Column("owner_id", sa.BigInteger, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        *(sa.Column(name, sa.DateTime(timezone=True), nullable=False) for name in ("created_at", "updated_at")),
        sa.Column("refused_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("guild_id", "owner_id", name="pk_sealed_keys"),
    )
    op.create_index("ix_sealed_keys_owner_id", "sealed_keys", ["owner_id"])


def _reports() -> None:
    row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "reports",
        sa.Column("id", row_id, nullable=False, autoincrement=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("guild_id", "channel_id")),
        sa.Column("message_id", sa.BigInteger),
        sa.Column("discord_id", sa.BigInteger, nullable=False),
        sa.Column("requester_id", sa.BigInteger),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        *(sa.Column(name, sa.BigInteger) for name in ("log_channel_id", "posted_id")),
        sa.PrimaryKeyConstraint("id", name="pk_reports"),
    )
    for column in ("message_id", "discord_id"):
        op.create_index(f"ix_reports_guild_id_{column}", "reports", ["guild_id", column])
    op.create_table(
        "report_reporters",
        *_of_report("report_reporters"),
        sa.Column("reporter_id", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("report_id", "reporter_id", name="pk_report_reporters"),
    )
    of_reporter = ["guild_id", "reporter_id", "at"]
    op.create_index("ix_report_reporters_guild_id_reporter_id_at", "report_reporters", of_reporter)
    op.create_table(
        "report_deeds",
        *_of_report("report_deeds"),
        sa.Column("deed", sa.Text, nullable=False),
        sa.Column("done_by", sa.BigInteger, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True)),
        sa.CheckConstraint("deed IN ('deleted', 'blocked', 'dismissed')", name=op.f("ck_report_deeds_deed")),
        sa.PrimaryKeyConstraint("report_id", "deed", name="pk_report_deeds"),
    )
    op.create_index("ix_report_deeds_guild_id", "report_deeds", ["guild_id"])


def _of_report(table: str) -> list[sa.Column[Any]]:
    row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    parent = sa.ForeignKey("reports.id", name=f"fk_{table}_report_id", ondelete="CASCADE")
    return [
        sa.Column("report_id", row_id, parent, nullable=False),
        sa.Column("guild_id", sa.BigInteger, nullable=False),
    ]


def _amounts() -> list[sa.Column[int]]:
    counts = [sa.Column(name, sa.Integer, nullable=False) for name in COUNTS]
    return counts + [sa.Column(name, sa.BigInteger, nullable=False) for name in SUMS]


def _sum_up_days(days: sa.Table) -> None:
    usage = sa.table("usage", *map(sa.column, ("guild_id", "channel_id", "user_id", "model", "kind", "at", *SUMS)))
    keys = {
        "guild_id": usage.c.guild_id,
        "day": _day(usage.c.at),
        **{name: usage.c[name] for name in ("channel_id", "user_id", "model", "kind")},
    }
    amounts = {
        "requests": sa.func.count(),
        "prompt_tokens": sa.func.sum(usage.c.prompt_tokens),
        "completion_tokens": sa.func.sum(usage.c.completion_tokens),
    }
    values: dict[str, Any] = {name: sa.literal(0) for name in (*WAITS, *SUMS)} | keys | amounts
    op.execute(days.insert().from_select(list(values), sa.select(*values.values()).group_by(*keys.values())))


def _sum_up(days: sa.Table, sums: sa.Table, level: str, scope: str, scope_id: Any, part: str) -> None:
    keys = {
        "guild_id": days.c.guild_id,
        "scope_id": scope_id,
        "start": days.c.day if level == "day" else _month(days.c.day),
        "key": sa.cast(days.c[part], sa.Text),
    }
    said = {"level": level, "scope_kind": scope, "part": part.removesuffix("_id")}
    values = {name: sa.literal(value, sa.Text) for name, value in said.items()} | keys
    values |= {name: sa.func.sum(days.c[name]) for name in (*COUNTS, *SUMS)}
    grouped = [keys[name] for name in ("guild_id", "start", "key")] + ([] if scope == "server" else [scope_id])
    op.execute(sums.insert().from_select(list(values), sa.select(*values.values()).group_by(*grouped)))


def _day(time: Any) -> Any:
    """The day in UTC; SQLite keeps times as text that begins with it."""
    if op.get_bind().dialect.name == "sqlite":
        return sa.func.substr(time, 1, 10)
    return sa.cast(sa.func.timezone("UTC", time), sa.Date)


def _month(day: Any) -> Any:
    if op.get_bind().dialect.name == "sqlite":
        return sa.func.substr(day, 1, 8) + "01"
    return sa.cast(sa.func.date_trunc("month", day), sa.Date)
