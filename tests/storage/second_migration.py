"""A second migration, which the tests add after the first: with several statements, and a table made anew."""

from pathlib import Path

from storage._migrate import FOLDER, Migrations

SCRIPT = f"""
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{Migrations().head}"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table("extra", sa.Column("id", sa.BigInteger, primary_key=True), sa.Column("note", sa.Text))
    op.bulk_insert(sa.table("extra", sa.column("id"), sa.column("note")), [{{"id": 1, "note": "first"}}])
    with op.batch_alter_table("usage") as batch:
        batch.alter_column("kind", new_column_name="sort")
    anew = "always" if op.get_bind().dialect.name == "sqlite" else "auto"
    with op.batch_alter_table("messages", recreate=anew) as batch:
        batch.add_column(sa.Column("mood", sa.Text, nullable=False, server_default="calm"))
    op.execute(sa.table("messages", sa.column("mood")).update().values(mood="good"))
"""


def with_second_migration(folder: Path) -> Migrations:
    """Our migrations and this one."""
    folder.mkdir(exist_ok=True)
    (folder / "9999_second.py").write_text(SCRIPT)
    return Migrations((FOLDER / "versions", folder), "9999")
