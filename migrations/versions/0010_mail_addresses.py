"""The mail address that a college keeps of a person."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make room for it; nobody has one yet."""
    op.add_column("person", sa.Column("mail", sa.Text()))
