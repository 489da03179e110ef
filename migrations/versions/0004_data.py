"""The data: chains with owners and periods, months of tasks, limits by day, answers to the frame, self-tests, incidents."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEY = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")  # compared bytewise on both databases
INSTANT = KEY  # 2025-09-01T00:00:00.000000Z
DAY = KEY  # 2025-09-01
CHAIN = (
    ("unit", sa.Text()), ("direction", sa.Text()), ("starts", DAY), ("ends", DAY), ("owner_unit_id", BIG_ID),
    ("owner_id", BIG_ID), ("subject_id", BIG_ID), ("origin", sa.Text()), ("kind", sa.Text()),
    ("point_id", BIG_ID), ("retired_at", INSTANT),
)  # fmt: skip
"""Columns that goals and standards have in common."""


def _refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=f"fk_{table}_{column}_{to}")


def _add(table: str, *columns: sa.Column) -> None:
    for column in columns:
        op.add_column(table, column)


def _version() -> sa.Column:
    return sa.Column("version", sa.Integer(), nullable=False, server_default=sa.text("1"))


def _flag(name: str, stands: bool) -> sa.Column:
    return sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.true() if stands else sa.false())


def upgrade() -> None:
    """Add the columns and make the tables."""
    _columns()
    _tables_of_data()
    _library()
    _tables_of_voices()
    _indexes()


def _indexes() -> None:
    """Let figures of closed rounds and of one subject be read without the whole table."""
    for table in ("goal", "standard"):
        op.create_index(f"ix_{table}_college_id_subject_id", table, ["college_id", "subject_id"])
    closed = sa.text("status = 'closed'")
    op.create_index("ix_cycle_closed", "cycle",
                    ["college_id", "closed_at", "layer", "outcome", "unit_id", "responsible_id", "subject_id"],
                    sqlite_where=closed, postgresql_where=closed)  # fmt: skip


def _columns() -> None:
    _add("goal", *(sa.Column(name, kind) for name, kind in CHAIN), sa.Column("attained", sa.Double()),
         sa.Column("attained_at", INSTANT), sa.Column("degree", sa.Double()), _version())  # fmt: skip
    _add("standard", *(sa.Column(name, kind) for name, kind in CHAIN), sa.Column("value", sa.Double()),
         sa.Column("warn_lower", sa.Double()), sa.Column("warn_upper", sa.Double()), sa.Column("weight", sa.Double()),
         _version())  # fmt: skip
    for table, others in (("goal", ("parent_id", "cycle_id")), ("standard", ("goal_id", "cycle_id"))):
        for column in others:
            op.create_index(f"ix_{table}_college_id_{column}", table, ["college_id", column])
    _add("plan_task", sa.Column("owner_id", BIG_ID), sa.Column("goal_id", BIG_ID),
         sa.Column("starts", DAY), sa.Column("cost", sa.Double()), sa.Column("result", KEY),
         sa.Column("year", sa.Integer()), _flag("loaded", True), _version())  # fmt: skip
    _add("college", sa.Column("kind", sa.Text(), nullable=False, server_default=sa.text("'ordinary'")))
    _add("frame", _flag("loaded", True), _flag("dropped", False), _version())
    _add("warning", sa.Column("limit_id", BIG_ID), sa.Column("category", sa.Text()))
    _add("control_point", sa.Column("formula", sa.Text()), sa.Column("owner_unit_id", BIG_ID),
         sa.Column("owner_id", BIG_ID), _flag("loaded", True), sa.Column("retired_at", INSTANT),
         _version())  # fmt: skip
    _add("reading", sa.Column("reason", KEY))


def _tables_of_data() -> None:
    op.create_table(
        "task_month",
        sa.Column("college_id", BIG_ID, nullable=False),
        sa.Column("task_id", BIG_ID, nullable=False),
        sa.Column("month", KEY, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("noted_at", INSTANT, nullable=False),
        sa.Column("noted_by", BIG_ID, nullable=False),
        _refers("task_month", "college_id", "college"),
        _refers("task_month", "task_id", "plan_task"),
        sa.PrimaryKeyConstraint("college_id", "task_id", "month", name="pk_task_month"),
    )
    op.create_table(
        "point_limit",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("college_id", BIG_ID, nullable=False),
        sa.Column("point_id", BIG_ID, nullable=False),
        sa.Column("subject_id", BIG_ID),
        sa.Column("valid_from", DAY, nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("target", sa.Double(), nullable=False),
        sa.Column("warn_lower", sa.Double()),
        sa.Column("warn_upper", sa.Double()),
        sa.Column("alarm_lower", sa.Double()),
        sa.Column("alarm_upper", sa.Double()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("set_at", INSTANT, nullable=False),
        sa.Column("set_by", BIG_ID, nullable=False),
        _refers("point_limit", "college_id", "college"),
        _refers("point_limit", "point_id", "control_point"),
        _refers("point_limit", "subject_id", "subject"),
        sa.PrimaryKeyConstraint("id", name="pk_point_limit"),
    )
    op.create_index("ix_point_limit_college_id_point_id_subject_id_valid_from", "point_limit",
                    ["college_id", "point_id", "subject_id", "valid_from"])  # fmt: skip
    op.create_table(
        "frame_answer",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("college_id", BIG_ID, nullable=False),
        sa.Column("code", KEY, nullable=False),
        sa.Column("cycle_id", BIG_ID, nullable=False),
        sa.Column("sheet_no", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("degree", sa.Text(), nullable=False),
        sa.Column("text", KEY, nullable=False),
        sa.Column("answered_at", INSTANT, nullable=False),
        sa.Column("answered_by", BIG_ID, nullable=False),
        _refers("frame_answer", "college_id", "college"),
        _refers("frame_answer", "cycle_id", "cycle"),
        sa.PrimaryKeyConstraint("id", name="pk_frame_answer"),
        sa.UniqueConstraint("college_id", "cycle_id", "sheet_no", "code", "version",
                            name="uq_frame_answer_college_id_cycle_id_sheet_no_code_version"),
    )  # fmt: skip
    op.create_index("ix_frame_answer_college_id_code", "frame_answer", ["college_id", "code"])


def _library() -> None:
    op.create_table(
        "frame_library",
        sa.Column("key", KEY, nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("digest", KEY, nullable=False),
        sa.Column("stored_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_frame_library"),
    )


def _tables_of_voices() -> None:
    op.create_table(
        "catalogue",
        sa.Column("college_id", BIG_ID, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        _refers("catalogue", "college_id", "college"),
        sa.PrimaryKeyConstraint("college_id", "kind", "key", name="pk_catalogue"),
    )
    op.create_table(
        "questionnaire",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("college_id", BIG_ID, nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("term", KEY, nullable=False),
        sa.Column("layer", KEY, nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("digest", KEY, nullable=False),
        sa.Column("opens", DAY, nullable=False),
        sa.Column("closes", DAY, nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("made_by", BIG_ID, nullable=False),
        _refers("questionnaire", "college_id", "college"),
        sa.PrimaryKeyConstraint("id", name="pk_questionnaire"),
        sa.UniqueConstraint("college_id", "key", "term", name="uq_questionnaire_college_id_key_term"),
    )
    op.create_table(
        "questionnaire_answer",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("college_id", BIG_ID, nullable=False),
        sa.Column("questionnaire_id", BIG_ID, nullable=False),
        sa.Column("subject_id", BIG_ID, nullable=False),
        sa.Column("answers", sa.Text(), nullable=False),
        sa.Column("scores", sa.Text(), nullable=False),
        sa.Column("saved_at", INSTANT, nullable=False),
        sa.Column("handed_in_at", INSTANT),
        sa.Column("handed_in_by", BIG_ID),
        sa.Column("unit_id", BIG_ID),
        _refers("questionnaire_answer", "college_id", "college"),
        _refers("questionnaire_answer", "questionnaire_id", "questionnaire"),
        _refers("questionnaire_answer", "subject_id", "subject"),
        sa.PrimaryKeyConstraint("id", name="pk_questionnaire_answer"),
        sa.UniqueConstraint("college_id", "questionnaire_id", "subject_id",
                            name="uq_questionnaire_answer_college_id_questionnaire_id_subject_id"),
    )  # fmt: skip
    op.create_index("ix_questionnaire_answer_college_id_subject_id", "questionnaire_answer",
                    ["college_id", "subject_id"])  # fmt: skip
    op.create_table(
        "quality_incident",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("college_id", BIG_ID, nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("grade", sa.Text()),
        sa.Column("complaint", sa.Boolean(), nullable=False),
        sa.Column("title", KEY, nullable=False),
        sa.Column("account", KEY, nullable=False),
        sa.Column("handling", KEY),
        sa.Column("answer", KEY),
        sa.Column("conclusion", KEY),
        sa.Column("occurred_on", DAY, nullable=False),
        sa.Column("reported_at", INSTANT, nullable=False),
        sa.Column("reported_by", BIG_ID, nullable=False),
        sa.Column("unit_id", BIG_ID, nullable=False),
        sa.Column("subject_id", BIG_ID),
        sa.Column("cycle_id", BIG_ID),
        sa.Column("warning_id", KEY),
        sa.Column("owner_id", BIG_ID),
        sa.Column("due", DAY),
        sa.Column("graded_at", INSTANT),
        sa.Column("graded_by", BIG_ID),
        sa.Column("handled_at", INSTANT),
        sa.Column("handled_by", BIG_ID),
        sa.Column("answered_at", INSTANT),
        sa.Column("answered_by", BIG_ID),
        sa.Column("closed_at", INSTANT),
        sa.Column("closed_by", BIG_ID),
        sa.Column("version", sa.Integer(), nullable=False),
        _refers("quality_incident", "college_id", "college"),
        _refers("quality_incident", "unit_id", "unit"),
        sa.PrimaryKeyConstraint("id", name="pk_quality_incident"),
        sa.UniqueConstraint("college_id", "no", name="uq_quality_incident_college_id_no"),
    )
    op.create_index("ix_quality_incident_college_id_state", "quality_incident", ["college_id", "state"])
