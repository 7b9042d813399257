"""Personas with their earlier versions, and lorebooks."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables."""
    time = sa.DateTime(timezone=True)
    op.create_table(
        "personas",
        sa.Column("id", ROW_ID, nullable=False, autoincrement=False),
        sa.Column("guild_id", sa.BigInteger, nullable=False),
        sa.Column("owner_id", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("card", sa.LargeBinary, nullable=False),
        sa.Column("avatar", sa.LargeBinary),
        sa.Column("avatar_type", sa.Text),
        sa.Column("adult", sa.Boolean, nullable=False),
        sa.Column("greeting", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", time, nullable=False),
        sa.Column("updated_at", time, nullable=False),
        sa.Column("updated_by", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_personas"),
        sa.CheckConstraint("kind IN ('draft', 'own', 'server')", name="kind"),
    )
    op.create_index("ix_personas_guild_id_owner_id", "personas", ["guild_id", "owner_id"])
    op.create_table(
        "persona_versions",
        sa.Column("persona_id", ROW_ID, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("card", sa.LargeBinary, nullable=False),
        sa.Column("avatar", sa.LargeBinary),
        sa.Column("avatar_type", sa.Text),
        sa.Column("adult", sa.Boolean, nullable=False),
        sa.Column("greeting", sa.Integer, nullable=False),
        sa.Column("updated_at", time, nullable=False),
        sa.Column("updated_by", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("persona_id", "version", name="pk_persona_versions"),
        sa.ForeignKeyConstraint(
            ["persona_id"], ["personas.id"], name="fk_persona_versions_persona_id", ondelete="CASCADE"
        ),
    )
    _add_lorebooks(time)


def _add_lorebooks(time: sa.DateTime) -> None:
    op.create_table(
        "lorebooks",
        sa.Column("id", ROW_ID, nullable=False, autoincrement=False),
        sa.Column("guild_id", sa.BigInteger, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.Column("entries", sa.Integer, nullable=False),
        sa.Column("created_by", sa.BigInteger, nullable=False),
        sa.Column("created_at", time, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_lorebooks"),
    )
    op.create_index("ix_lorebooks_guild_id", "lorebooks", ["guild_id"])
    op.create_table(
        "lorebook_places",
        sa.Column("lorebook_id", ROW_ID, nullable=False),
        sa.Column("scope_kind", sa.Text, nullable=False),
        sa.Column("scope_id", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("lorebook_id", "scope_kind", "scope_id", name="pk_lorebook_places"),
        sa.ForeignKeyConstraint(
            ["lorebook_id"], ["lorebooks.id"], name="fk_lorebook_places_lorebook_id", ondelete="CASCADE"
        ),
        sa.CheckConstraint("scope_kind IN ('thread', 'channel', 'persona', 'guild', 'user')", name="scope_kind"),
    )
    op.create_index("ix_lorebook_places_scope_kind_scope_id", "lorebook_places", ["scope_kind", "scope_id"])
    op.create_table(
        "lore_fired",
        sa.Column("message_id", ROW_ID, nullable=False),
        sa.Column("entry", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("message_id", "entry", name="pk_lore_fired"),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name="fk_lore_fired_message_id", ondelete="CASCADE"),
    )
