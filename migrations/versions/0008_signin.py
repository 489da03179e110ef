"""The sign-in by the campus: linked accounts, second factors, what providers say."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEY = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")  # compared bytewise on both databases
INSTANT = KEY  # 2025-09-01T00:00:00.000000Z


def _refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=f"fk_{table}_{column}_{to}")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "linked_account",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("provider", KEY, nullable=False),
        sa.Column("subject", KEY, nullable=False),
        sa.Column("made_person", sa.Boolean(), nullable=False),
        sa.Column("linked_at", INSTANT, nullable=False),
        sa.Column("last_at", INSTANT, nullable=False),
        _refers("linked_account", "person_id", "person"),
        sa.PrimaryKeyConstraint("id", name="pk_linked_account"),
        sa.UniqueConstraint("provider", "subject", name="uq_linked_account_provider_subject"),
        sa.UniqueConstraint("person_id", "provider", name="uq_linked_account_person_id_provider"),
    )
    op.create_table(
        "second_factor",
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("confirmed_at", INSTANT),
        sa.Column("last_step", BIG_ID),
        _refers("second_factor", "person_id", "person"),
        sa.PrimaryKeyConstraint("person_id", name="pk_second_factor"),
    )
    op.create_table(
        "recovery_code",
        sa.Column("hash", KEY, nullable=False),
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT),
        _refers("recovery_code", "person_id", "person"),
        sa.PrimaryKeyConstraint("hash", name="pk_recovery_code"),
    )
    op.create_index("ix_recovery_code_person_id", "recovery_code", ["person_id"])
    op.create_table(
        "signin_rule",
        sa.Column("college_id", BIG_ID, nullable=False),
        sa.Column("second_factor", sa.Boolean(), nullable=False),
        sa.Column("approval_minutes", sa.Integer()),
        _refers("signin_rule", "college_id", "college"),
        sa.PrimaryKeyConstraint("college_id", name="pk_signin_rule"),
    )
    op.create_table(
        "sign_in_step",
        sa.Column("hash", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_sign_in_step"),
    )
    op.create_index("ix_sign_in_step_at", "sign_in_step", ["at"])
    op.add_column("role_grant", sa.Column("provider", KEY))
    op.add_column("web_session", sa.Column("provider", KEY))
    op.add_column("web_session", sa.Column("provider_session", KEY))
    op.add_column("web_session", sa.Column("sealed", sa.Text()))
    op.add_column("web_session", sa.Column("proven_at", INSTANT))
    op.create_index("ix_web_session_provider_provider_session", "web_session", ["provider", "provider_session"])
