"""The webhooks through which personas speak, and what they posted."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Create the tables."""
    row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "webhooks",
        sa.Column("id", row_id, nullable=False, autoincrement=False),
        sa.Column("guild_id", sa.BigInteger, nullable=False),
        sa.Column("channel_id", sa.BigInteger, nullable=False),
        sa.Column("persona_id", sa.BigInteger, nullable=False),
        sa.Column("looks", sa.Text, nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_webhooks"),
    )
    op.create_index("ix_webhooks_guild_id_channel_id", "webhooks", ["guild_id", "channel_id"])
    op.create_table(
        "webhook_posts",
        sa.Column("discord_id", row_id, nullable=False, autoincrement=False),
        sa.Column("webhook_id", row_id, nullable=False),
        sa.Column("persona_id", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("discord_id", name="pk_webhook_posts"),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhooks.id"], name="fk_webhook_posts_webhook_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_webhook_posts_webhook_id", "webhook_posts", ["webhook_id"])
    for table in ("personas", "persona_versions"):
        op.add_column(table, sa.Column("undo_to", sa.Integer))
        op.add_column(table, sa.Column("redo_to", sa.Integer))
    op.execute("UPDATE personas SET undo_to = version - 1 WHERE version > 1")
    op.execute("UPDATE persona_versions SET undo_to = version - 1 WHERE version > 1")
