"""The webhooks through which personas speak, and which of them posted a message."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Create the table and add the column."""
    row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.add_column("discord_messages", sa.Column("webhook_id", sa.BigInteger))
    op.create_table(
        "webhooks",
        sa.Column("webhook_id", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("guild_id", sa.BigInteger, nullable=False),
        sa.Column("channel_id", sa.BigInteger, nullable=False),
        sa.Column("persona_id", row_id, nullable=False),
        sa.Column("looks", sa.Text, nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("webhook_id", name="pk_webhooks"),
    )
    op.create_index("ix_webhooks_guild_id_channel_id", "webhooks", ["guild_id", "channel_id"])
