"""Accounts of programs: neighbour systems that act by tokens alone."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

INSTANT = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")  # 2025-09-01T00:00:00.000000Z


def upgrade() -> None:
    """Mark the accounts."""
    op.add_column("person", sa.Column("program_since", INSTANT))
