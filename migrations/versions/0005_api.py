"""The API: tokens with scopes, what was answered to an idempotency key."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEY = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")  # compared bytewise on both databases
INSTANT = KEY  # 2025-09-01T00:00:00.000000Z


def upgrade() -> None:
    """Widen the tokens, make the table of replies."""
    op.add_column("token", sa.Column("prefix", KEY))
    op.add_column("token", sa.Column("scopes", sa.Text()))
    op.add_column("token", sa.Column("made_by", BIG_ID))
    op.create_table(
        "answered_request",
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("digest", KEY, nullable=False),
        sa.Column("reply", sa.LargeBinary(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_answered_request_person_id_person"),
        sa.PrimaryKeyConstraint("person_id", "key", name="pk_answered_request"),
    )
    op.create_index("ix_answered_request_at", "answered_request", ["at"])
