"""An index to read a channel's messages in order, for searching and copying its whole history."""

from collections.abc import Sequence

from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Create the index."""
    op.create_index("ix_messages_guild_id_channel_id_id", "messages", ["guild_id", "channel_id", "id"])
