"""What the web keeps beside the journal: drafts, kept filters, watched cycles, absences, proofs and freezes."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEY = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")  # compared bytewise on both databases
INSTANT = KEY  # 2025-09-01T00:00:00.000000Z
DAY = KEY  # 2025-09-01


def _refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=f"fk_{table}_{column}_{to}")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "draft",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("college_id", BIG_ID, nullable=False),
        sa.Column("cycle_id", BIG_ID, nullable=False),
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("stage", KEY, nullable=False),
        sa.Column("visit", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("saved_at", INSTANT, nullable=False),
        _refers("draft", "college_id", "college"),
        _refers("draft", "cycle_id", "cycle"),
        _refers("draft", "person_id", "person"),
        sa.PrimaryKeyConstraint("id", name="pk_draft"),
        sa.UniqueConstraint("college_id", "cycle_id", "person_id", "stage", "visit", "revision",
                            name="uq_draft_college_id_cycle_id_person_id_stage_visit_revision"),
    )
    op.create_table(
        "saved_filter",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("college_id", BIG_ID, nullable=False),
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("name", KEY, nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        _refers("saved_filter", "college_id", "college"),
        _refers("saved_filter", "person_id", "person"),
        sa.PrimaryKeyConstraint("id", name="pk_saved_filter"),
        sa.UniqueConstraint("college_id", "person_id", "name", name="uq_saved_filter_college_id_person_id_name"),
    )
    op.create_table(
        "watch",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("college_id", BIG_ID, nullable=False),
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("cycle_id", BIG_ID, nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        _refers("watch", "college_id", "college"),
        _refers("watch", "person_id", "person"),
        _refers("watch", "cycle_id", "cycle"),
        sa.PrimaryKeyConstraint("id", name="pk_watch"),
        sa.UniqueConstraint("college_id", "person_id", "cycle_id", name="uq_watch_college_id_person_id_cycle_id"),
    )
    op.create_table(
        "absence",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("college_id", BIG_ID, nullable=False),
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("starts", DAY, nullable=False),
        sa.Column("ends", DAY, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("noted_at", INSTANT, nullable=False),
        sa.Column("noted_by", BIG_ID),
        sa.Column("ended_at", INSTANT),
        _refers("absence", "college_id", "college"),
        _refers("absence", "person_id", "person"),
        sa.PrimaryKeyConstraint("id", name="pk_absence"),
    )
    op.create_index("ix_absence_college_id_person_id", "absence", ["college_id", "person_id"])
    op.create_table(
        "proof",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("college_id", BIG_ID),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.Column("person_id", BIG_ID),
        sa.Column("door", sa.Text(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("streams", sa.Integer(), nullable=False),
        sa.Column("faults", sa.Integer(), nullable=False),
        sa.Column("first_fault", sa.Text()),
        sa.Column("results", sa.Text(), nullable=False),
        sa.Column("checkpoint", sa.Text()),
        _refers("proof", "college_id", "college"),
        sa.PrimaryKeyConstraint("id", name="pk_proof"),
    )
    op.create_index("ix_proof_college_id_started_at", "proof", ["college_id", "started_at"])
    op.create_table(
        "evidence_freeze",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("college_id", BIG_ID, nullable=False),
        sa.Column("day", DAY, nullable=False),
        sa.Column("layer", KEY),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("cycles", sa.Integer(), nullable=False),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.Column("digest", KEY, nullable=False),
        sa.Column("manifest", KEY, nullable=False),
        sa.Column("frozen_at", INSTANT, nullable=False),
        sa.Column("frozen_by", BIG_ID, nullable=False),
        sa.Column("lifted_at", INSTANT),
        sa.Column("lifted_by", BIG_ID),
        sa.Column("lifted_why", sa.Text()),
        _refers("evidence_freeze", "college_id", "college"),
        sa.PrimaryKeyConstraint("id", name="pk_evidence_freeze"),
    )
    op.create_index("ix_evidence_freeze_college_id_day", "evidence_freeze", ["college_id", "day"])
    for name, where in (("again", "state = 'open' and submitted_at is not null"), ("review", "state = 'review'")):
        op.create_index(f"ix_visit_{name}", "visit", ["cycle_id", "stage", "number"],
                        sqlite_where=sa.text(where), postgresql_where=sa.text(where))  # fmt: skip
    op.create_index("ix_journal_actor", "journal", ["actor"])
    behalf = sa.text("on_behalf_of is not null")
    op.create_index("ix_journal_on_behalf_of", "journal", ["on_behalf_of"], sqlite_where=behalf, postgresql_where=behalf)
