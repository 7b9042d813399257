"""The first tables.

Types are spelled out here and not taken from the schema: the schema goes on, this step stays what it was.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision: str = "0001"
down_revision: str | None = None
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
NO_ROW_NUMBER: dict[str, Any] = {"sqlite_with_rowid": False}
UNFINISHED = "state IN ('pending', 'streaming')"


def upgrade() -> None:
    """Create the tables."""
    _messages()
    _heads()
    _discord_messages()
    _claims()
    _settings()
    _usage()
    _model_facts()


def _messages() -> None:
    op.create_table(
        "messages",
        sa.Column("id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("guild_id", sa.BigInteger, nullable=False),
        sa.Column("channel_id", sa.BigInteger, nullable=False),
        sa.Column("parent_id", ROW_ID),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("author_id", sa.BigInteger),
        sa.Column("author_name", sa.Text),
        sa.Column("persona_id", sa.BigInteger),
        sa.Column("model", sa.Text),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("tokens", sa.Integer),
        sa.Column("finish_reason", sa.Text),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("private_to", sa.BigInteger),
        sa.Column("prompt_tokens", sa.Integer),
        sa.PrimaryKeyConstraint("id", name="pk_messages"),
        sa.ForeignKeyConstraint(["parent_id"], ["messages.id"], name="fk_messages_parent_id"),
        sa.CheckConstraint("role IN ('user', 'assistant', 'system')", name=op.f("ck_messages_role")),
        sa.CheckConstraint(
            "state IN ('complete', 'pending', 'streaming', 'stopped', 'interrupted', 'failed', 'deleted')",
            name=op.f("ck_messages_state"),
        ),
    )
    op.create_index("ix_messages_parent_id", "messages", ["parent_id"])
    where = sa.text(UNFINISHED)
    op.create_index("ix_messages_unfinished", "messages", ["id"], sqlite_where=where, postgresql_where=where)


def _heads() -> None:
    op.create_table(
        "heads",
        sa.Column("guild_id", sa.BigInteger, nullable=False),
        sa.Column("channel_id", sa.BigInteger, nullable=False),
        sa.Column("owner_id", sa.BigInteger, nullable=False),
        sa.Column("private", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("message_id", ROW_ID),
        sa.PrimaryKeyConstraint("guild_id", "channel_id", "owner_id", "private", name="pk_heads"),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name="fk_heads_message_id", ondelete="SET NULL"),
        **NO_ROW_NUMBER,
    )
    op.create_index("ix_heads_message_id", "heads", ["message_id"])


def _discord_messages() -> None:
    op.create_table(
        "discord_messages",
        sa.Column("discord_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("message_id", ROW_ID, nullable=False),
        sa.Column("part", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("discord_id", name="pk_discord_messages"),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name="fk_discord_messages_message_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_discord_messages_message_id_part", "discord_messages", ["message_id", "part"])


def _claims() -> None:
    op.create_table(
        "claims",
        sa.Column("claim_id", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("claim_id", "kind", name="pk_claims"),
        **NO_ROW_NUMBER,
    )
    op.create_index("ix_claims_created_at", "claims", ["created_at"])


def _settings() -> None:
    op.create_table(
        "settings",
        sa.Column("guild_id", sa.BigInteger, nullable=False),
        sa.Column("scope_kind", sa.Text, nullable=False),
        sa.Column("scope_id", sa.BigInteger, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("set_by", sa.BigInteger),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("guild_id", "scope_kind", "scope_id", "name", name="pk_settings"),
        sa.CheckConstraint(
            "scope_kind IN ('thread', 'channel', 'persona', 'guild', 'user')", name=op.f("ck_settings_scope_kind")
        ),
        **NO_ROW_NUMBER,
    )


def _usage() -> None:
    op.create_table(
        "usage",
        sa.Column("id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("guild_id", sa.BigInteger, nullable=False),
        sa.Column("channel_id", sa.BigInteger, nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("prompt_tokens", sa.Integer, nullable=False),
        sa.Column("completion_tokens", sa.Integer, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_usage"),
    )
    op.create_index("ix_usage_guild_id_at", "usage", ["guild_id", "at"])


def _model_facts() -> None:
    op.create_table(
        "model_facts",
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("context_window", sa.Integer),
        sa.Column("system_role", sa.Boolean),
        sa.Column("token_ratio", sa.Float),
        sa.Column("ratio_samples", sa.Integer, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("model", name="pk_model_facts"),
    )
