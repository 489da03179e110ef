"""The events out: their positions, webhooks, their deliveries, private calendars."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEY = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")  # compared bytewise on both databases
INSTANT = KEY  # 2025-09-01T00:00:00.000000Z


def _refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=f"fk_{table}_{column}_{to}")


def upgrade() -> None:
    """Make the tables."""
    _positions()
    _webhooks()
    _deliveries()
    op.create_table(
        "calendar_feed",
        sa.Column("hash", KEY, nullable=False),
        sa.Column("college_id", BIG_ID, nullable=False),
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT),
        _refers("calendar_feed", "college_id", "college"),
        _refers("calendar_feed", "person_id", "person"),
        sa.PrimaryKeyConstraint("hash", name="pk_calendar_feed"),
        sa.UniqueConstraint("college_id", "person_id", name="uq_calendar_feed_college_id_person_id"),
    )


def _positions() -> None:
    op.create_table(
        "event",
        sa.Column("id", BIG_ID, nullable=False, autoincrement=False),
        sa.Column("college_id", BIG_ID, nullable=False),
        sa.Column("journal_id", BIG_ID, nullable=False),
        sa.Column("stream", KEY, nullable=False),
        sa.Column("cycle_id", BIG_ID),
        _refers("event", "college_id", "college"),
        _refers("event", "cycle_id", "cycle"),
        sa.PrimaryKeyConstraint("id", name="pk_event"),
        sa.UniqueConstraint("college_id", "journal_id", name="uq_event_college_id_journal_id"),
    )
    op.create_index("ix_event_college_id_id", "event", ["college_id", "id"])
    op.create_table(
        "event_relay",
        sa.Column("name", KEY, nullable=False),
        sa.Column("settled", BIG_ID, nullable=False),
        sa.Column("mark", BIG_ID, nullable=False),
        sa.Column("mark_xid", BIG_ID, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_event_relay"),
    )


def _webhooks() -> None:
    op.create_table(
        "webhook",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("college_id", BIG_ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("types", sa.Text(), nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("why", sa.Text()),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("secret_before", sa.LargeBinary()),
        sa.Column("before_until", INSTANT),
        sa.Column("position", BIG_ID, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("next_at", INSTANT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("created_by", BIG_ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        _refers("webhook", "college_id", "college"),
        sa.PrimaryKeyConstraint("id", name="pk_webhook"),
    )
    op.create_index("ix_webhook_college_id", "webhook", ["college_id"])


def _deliveries() -> None:
    op.create_table(
        "delivery",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("college_id", BIG_ID, nullable=False),
        sa.Column("webhook_id", BIG_ID, nullable=False),
        sa.Column("event_id", BIG_ID),
        sa.Column("message_id", KEY, nullable=False),
        sa.Column("stream", KEY, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_at", INSTANT, nullable=False),
        sa.Column("status", sa.Integer()),
        sa.Column("millis", sa.Integer()),
        sa.Column("detail", sa.Text()),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT),
        _refers("delivery", "college_id", "college"),
        _refers("delivery", "webhook_id", "webhook"),
        sa.PrimaryKeyConstraint("id", name="pk_delivery"),
        sa.UniqueConstraint("college_id", "webhook_id", "message_id",
                            name="uq_delivery_college_id_webhook_id_message_id"),
    )  # fmt: skip
    waiting, ended = sa.text("state = 'waiting'"), sa.text("ended_at is not null")
    op.create_index("ix_delivery_waiting", "delivery", ["college_id", "webhook_id", "stream", "id"],
                    sqlite_where=waiting, postgresql_where=waiting)  # fmt: skip
    op.create_index("ix_delivery_ended", "delivery", ["college_id", "ended_at"],
                    sqlite_where=ended, postgresql_where=ended)  # fmt: skip
