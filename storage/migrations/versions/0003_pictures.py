"""Pictures that people show, and how many of them a model takes."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the table and the column."""
    op.create_table(
        "pictures",
        sa.Column("message_id", ROW_ID, nullable=False),
        sa.Column("attachment_id", sa.BigInteger, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("content_type", sa.Text, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("message_id", "attachment_id", name="pk_pictures"),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name="fk_pictures_message_id", ondelete="CASCADE"),
    )
    op.add_column("model_facts", sa.Column("picture_limit", sa.Integer))
