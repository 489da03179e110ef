"""Sessions of the web door, and the tries at passwords."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEY = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")  # compared bytewise on both databases
INSTANT = KEY  # 2025-09-01T00:00:00.000000Z


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "web_session",
        sa.Column("hash", KEY, nullable=False),
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("device", KEY, nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("seen_at", INSTANT, nullable=False),
        sa.Column("secret_stamp", KEY, nullable=False),
        sa.Column("roles_stamp", KEY, nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.Column("ended_why", sa.Text()),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_web_session_person_id_person"),
        sa.PrimaryKeyConstraint("hash", name="pk_web_session"),
    )
    op.create_index("ix_web_session_person_id_device", "web_session", ["person_id", "device"])
    op.create_table(
        "sign_in_guess",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("account", KEY, nullable=False),
        sa.Column("device", KEY, nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("fits", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sign_in_guess"),
    )
    op.create_index("ix_sign_in_guess_account_at", "sign_in_guess", ["account", "at"])
    op.create_index("ix_sign_in_guess_at", "sign_in_guess", ["at"])

