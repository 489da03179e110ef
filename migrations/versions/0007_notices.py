"""The notices: channels, what a person chose, messages and their tries."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEY = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")  # compared bytewise on both databases
INSTANT = KEY  # 2025-09-01T00:00:00.000000Z
DAY = KEY  # 2025-09-01


def _table(name: str, *columns: sa.Column | sa.Constraint, refers: tuple[str, ...] = ()) -> None:
    keys = [sa.ForeignKeyConstraint([f"{to}_id"], [f"{to}.id"], name=f"fk_{name}_{to}_id_{to}")
            for to in ("college", *refers)]  # fmt: skip
    op.create_table(
        name,
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("college_id", BIG_ID, nullable=False),
        *columns,
        *keys,
        sa.PrimaryKeyConstraint("id", name=f"pk_{name}"),
    )


def _only(name: str, table: str, columns: list[str], where: str, unique: bool = False) -> None:
    op.create_index(name, table, columns, unique=unique, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def upgrade() -> None:
    """Make the tables of the notices on their way."""
    _table(
        "notice_choice",
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("mail", sa.Boolean(), nullable=False),
        sa.Column("address", sa.Text()),
        sa.Column("hour", sa.Integer(), nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.UniqueConstraint("college_id", "person_id", name="uq_notice_choice_college_id_person_id"),
        refers=("person",),
    )
    _table(
        "notice_topic",
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("topic", KEY, nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.UniqueConstraint("college_id", "person_id", "topic", name="uq_notice_topic_college_id_person_id_topic"),
        refers=("person",),
    )
    _table(
        "digest_slot",
        sa.Column("hour", sa.Integer(), nullable=False),
        sa.Column("next_at", INSTANT, nullable=False),
        sa.UniqueConstraint("college_id", "hour", name="uq_digest_slot_college_id_hour"),
    )
    _channels()
    _messages()


def _channels() -> None:
    _table(
        "channel",
        sa.Column("kind", KEY, nullable=False),
        sa.Column("name", KEY, nullable=False),
        sa.Column("unit_id", BIG_ID),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("address", sa.LargeBinary()),
        sa.Column("secret", sa.LargeBinary()),
        sa.Column("mark", KEY, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_try_at", INSTANT),
        sa.Column("last_error", sa.Text()),
        sa.Column("failed_at", INSTANT),
        sa.Column("sent_at", INSTANT),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("removed_at", INSTANT),
        refers=("unit",),
    )
    _only("uq_channel_name", "channel", ["college_id", "kind", "name"], "removed_at is null", unique=True)


def _messages() -> None:
    _table(
        "message",
        sa.Column("key", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("channel_id", BIG_ID, nullable=False),
        sa.Column("person_id", BIG_ID),
        sa.Column("day", DAY, nullable=False),
        sa.Column("notices", sa.Text(), nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("available_at", INSTANT, nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("sent_at", INSTANT),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.UniqueConstraint("college_id", "key", name="uq_message_college_id_key"),
        refers=("channel", "person"),
    )
    _only("uq_message_digest", "message", ["college_id", "person_id", "day"], "kind = 'digest'", unique=True)
    op.create_index("ix_message_college_id_person_id", "message", ["college_id", "person_id"])
    op.create_index("ix_message_college_id_channel_id_sent_at", "message", ["college_id", "channel_id", "sent_at"])
    _only("ix_message_waiting", "message", ["available_at"], "state = 'waiting'")
