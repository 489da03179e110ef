"""First: every table, and the triggers that keep the journal append-only.

Types and trigger texts are spelled out here, so that later code cannot change what this migration does.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEY = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")  # compared bytewise on both databases
INSTANT = KEY  # 2025-09-01T00:00:00.000000Z
DAY = KEY  # 2025-09-01

SQLITE_TRIGGERS = (
    """create trigger journal_no_update before update on journal
begin select raise(abort, 'journal: append only'); end""",
    """create trigger journal_no_delete before delete on journal
begin select raise(abort, 'journal: append only'); end""",
    """create trigger journal_no_replace before insert on journal
when exists (select 1 from journal where id = new.id)
  or exists (select 1 from journal where stream = new.stream and seq = new.seq)
begin select raise(abort, 'journal: the key exists'); end""",
)
POSTGRESQL_TRIGGERS = (
    """create function journal_refuse() returns trigger language plpgsql as $$
begin raise exception 'journal: append only' using errcode = 'QF001'; end $$""",
    """create function journal_refuse_key() returns trigger language plpgsql as $$
begin
  if exists (select 1 from journal where id = new.id)
     or exists (select 1 from journal where stream = new.stream and seq = new.seq) then
    raise exception 'journal: the key exists' using errcode = 'unique_violation';
  end if;
  return new;
end $$""",
    """create trigger journal_no_update before update on journal for each statement execute function journal_refuse()""",
    """create trigger journal_no_delete before delete on journal for each statement execute function journal_refuse()""",
    """create trigger journal_no_truncate before truncate on journal for each statement execute function journal_refuse()""",
    """create trigger journal_no_replace before insert on journal for each row execute function journal_refuse_key()""",
)


def upgrade() -> None:
    """Make all tables."""
    _organisation()
    _people()
    _cycles()
    _chains()
    _work()
    _journal()
    for statement in SQLITE_TRIGGERS if op.get_bind().dialect.name == "sqlite" else POSTGRESQL_TRIGGERS:
        op.execute(sa.text(statement))


def _organisation() -> None:
    """Make the installation, colleges, units, subjects and calendars."""
    op.create_table(
        "installation",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sandbox", sa.Boolean(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("clock_base", INSTANT),
        sa.Column("clock_real", INSTANT),
        sa.Column("figures", sa.Text()),
        sa.Column("schema", sa.Text(), nullable=False),
        sa.Column("paused_reason", sa.Text()),
        sa.CheckConstraint("id = 1", name=op.f("ck_installation_single")),
        sa.PrimaryKeyConstraint("id", name="pk_installation"),
    )
    op.create_table(
        "college",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("head", KEY, nullable=False),
        sa.Column("calendar_until", DAY),
        sa.Column("config_no", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_college"),
        sa.UniqueConstraint("key", name="uq_college_key"),
    )
    op.create_table(
        "unit",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("college_id", BIG_ID, nullable=False),
        sa.Column("code", KEY, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("system", sa.Text()),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("parent_id", BIG_ID),
        sa.Column("aliases", sa.Text(), nullable=False),
        sa.Column("starts", DAY),
        sa.Column("ends", DAY),
        sa.ForeignKeyConstraint(["college_id"], ["college.id"], name="fk_unit_college_id_college"),
        sa.ForeignKeyConstraint(["parent_id"], ["unit.id"], name="fk_unit_parent_id_unit"),
        sa.PrimaryKeyConstraint("id", name="pk_unit"),
        sa.UniqueConstraint("college_id", "code", name="uq_unit_college_id_code"),
    )
    op.create_table(
        "subject",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("college_id", BIG_ID, nullable=False),
        sa.Column("layer", KEY, nullable=False),
        sa.Column("code", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("unit_id", BIG_ID, nullable=False),
        sa.Column("responsible_id", BIG_ID),
        sa.Column("starts", DAY),
        sa.Column("ends", DAY),
        sa.Column("tier", sa.Text()),
        sa.Column("kind", sa.Text()),
        sa.Column("anchor", DAY),
        sa.Column("parent_id", BIG_ID),
        sa.Column("attributes", sa.Text(), nullable=False),
        sa.Column("ended", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["college_id"], ["college.id"], name="fk_subject_college_id_college"),
        sa.ForeignKeyConstraint(["parent_id"], ["subject.id"], name="fk_subject_parent_id_subject"),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name="fk_subject_unit_id_unit"),
        sa.PrimaryKeyConstraint("id", name="pk_subject"),
        sa.UniqueConstraint("college_id", "layer", "code", name="uq_subject_college_id_layer_code"),
    )
    op.create_index("ix_subject_college_id_unit_id", "subject", ["college_id", "unit_id"])
    op.create_index(
        "ix_subject_ends",
        "subject",
        ["college_id", "ends"],
        sqlite_where=sa.text("ends is not null and not ended"),
        postgresql_where=sa.text("ends is not null and not ended"),
    )
    op.create_table(
        "calendar_day",
        sa.Column("college_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("day", DAY, nullable=False),
        sa.Column("working", sa.Boolean(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["college_id"], ["college.id"], name="fk_calendar_day_college_id_college"),
        sa.PrimaryKeyConstraint("college_id", "day", name="pk_calendar_day"),
    )
    op.create_table(
        "term",
        sa.Column("college_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("starts", DAY, nullable=False),
        sa.Column("ends", DAY, nullable=False),
        sa.ForeignKeyConstraint(["college_id"], ["college.id"], name="fk_term_college_id_college"),
        sa.PrimaryKeyConstraint("college_id", "key", name="pk_term"),
    )
    op.create_table(
        "calendar_year",
        sa.Column("college_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("published", sa.Boolean(), nullable=False),
        sa.Column("adopted_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["college_id"], ["college.id"], name="fk_calendar_year_college_id_college"),
        sa.PrimaryKeyConstraint("college_id", "year", name="pk_calendar_year"),
    )


def _people() -> None:
    """Make persons, tokens, grants and deputies."""
    op.create_table(
        "person",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("college_id", BIG_ID),
        sa.Column("login", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("disabled_at", INSTANT),
        sa.Column("is_system", sa.Boolean(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("head", KEY, nullable=False),
        sa.Column("password_hash", sa.Text()),
        sa.ForeignKeyConstraint(["college_id"], ["college.id"], name="fk_person_college_id_college"),
        sa.PrimaryKeyConstraint("id", name="pk_person"),
        sa.UniqueConstraint("login", name="uq_person_login"),
    )
    op.create_index("ix_person_college_id", "person", ["college_id"])
    op.create_table(
        "token",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("hash", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT),
        sa.Column("revoked_at", INSTANT),
        sa.Column("last_used_at", INSTANT),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_token_person_id_person"),
        sa.PrimaryKeyConstraint("id", name="pk_token"),
        sa.UniqueConstraint("hash", name="uq_token_hash"),
    )
    op.create_index("ix_token_person_id", "token", ["person_id"])
    op.create_table(
        "role_grant",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("college_id", BIG_ID, nullable=False),
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("role", KEY, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("scope_kind", KEY, nullable=False),
        sa.Column("scope_id", BIG_ID),
        sa.Column("scope_layer", sa.Text()),
        sa.Column("starts", DAY),
        sa.Column("ends", DAY),
        sa.ForeignKeyConstraint(["college_id"], ["college.id"], name="fk_role_grant_college_id_college"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_role_grant_person_id_person"),
        sa.PrimaryKeyConstraint("id", name="pk_role_grant"),
    )
    op.create_index("ix_role_grant_college_id_kind", "role_grant", ["college_id", "kind"])
    op.create_index("ix_role_grant_college_id_person_id", "role_grant", ["college_id", "person_id"])
    op.create_index(
        "ix_role_grant_college_id_role_scope_kind_scope_id",
        "role_grant",
        ["college_id", "role", "scope_kind", "scope_id"],
    )
    op.create_table(
        "deputy",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("college_id", BIG_ID, nullable=False),
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("deputy_id", BIG_ID, nullable=False),
        sa.Column("role", sa.Text()),
        sa.Column("layer", sa.Text()),
        sa.Column("starts", DAY, nullable=False),
        sa.Column("ends", DAY, nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.Column("reason", sa.Text()),
        sa.ForeignKeyConstraint(["college_id"], ["college.id"], name="fk_deputy_college_id_college"),
        sa.ForeignKeyConstraint(["deputy_id"], ["person.id"], name="fk_deputy_deputy_id_person"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_deputy_person_id_person"),
        sa.PrimaryKeyConstraint("id", name="pk_deputy"),
    )
    op.create_index("ix_deputy_college_id_deputy_id", "deputy", ["college_id", "deputy_id"])
    op.create_index("ix_deputy_college_id_person_id", "deputy", ["college_id", "person_id"])


def _cycles() -> None:
    """Make definitions, tracks and cycles with what hangs on them."""
    op.create_table(
        "definition",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("college_id", BIG_ID),
        sa.Column("key", KEY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("hash", KEY, nullable=False),
        sa.Column("layer", KEY, nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("stages", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("published_at", INSTANT, nullable=False),
        sa.Column("published_by", BIG_ID, nullable=False),
        sa.ForeignKeyConstraint(["college_id"], ["college.id"], name="fk_definition_college_id_college"),
        sa.PrimaryKeyConstraint("id", name="pk_definition"),
        sa.UniqueConstraint("college_id", "key", "version", name="uq_definition_college_id_key_version"),
        sa.UniqueConstraint("key", "version", name="uq_definition_key_version"),
    )
    op.create_table(
        "track",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("college_id", BIG_ID, nullable=False),
        sa.Column("layer", KEY, nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("definition_key", KEY, nullable=False),
        sa.Column("parent_key", KEY),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["college_id"], ["college.id"], name="fk_track_college_id_college"),
        sa.PrimaryKeyConstraint("id", name="pk_track"),
        sa.UniqueConstraint("college_id", "layer", "key", name="uq_track_college_id_layer_key"),
    )
    op.create_table(
        "schedule",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("college_id", BIG_ID, nullable=False),
        sa.Column("subject_id", BIG_ID, nullable=False),
        sa.Column("track", KEY, nullable=False),
        sa.Column("next_start", DAY),
        sa.Column("next_at", INSTANT),
        sa.Column("unstarted_reason", sa.Text()),
        sa.ForeignKeyConstraint(["college_id"], ["college.id"], name="fk_schedule_college_id_college"),
        sa.ForeignKeyConstraint(["subject_id"], ["subject.id"], name="fk_schedule_subject_id_subject"),
        sa.PrimaryKeyConstraint("id", name="pk_schedule"),
        sa.UniqueConstraint("college_id", "subject_id", "track", name="uq_schedule_college_id_subject_id_track"),
    )
    op.create_index(
        "ix_schedule_due",
        "schedule",
        ["college_id", "next_at"],
        sqlite_where=sa.text("next_at is not null"),
        postgresql_where=sa.text("next_at is not null"),
    )
    op.create_table(
        "round",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("college_id", BIG_ID, nullable=False),
        sa.Column("layer", KEY, nullable=False),
        sa.Column("track", KEY, nullable=False),
        sa.Column("period_start", DAY, nullable=False),
        sa.Column("period_end", DAY, nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("cycles", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["college_id"], ["college.id"], name="fk_round_college_id_college"),
        sa.PrimaryKeyConstraint("id", name="pk_round"),
        sa.UniqueConstraint(
            "college_id", "layer", "track", "period_start", name="uq_round_college_id_layer_track_period_start"
        ),
    )
    op.create_table(
        "cycle",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("college_id", BIG_ID, nullable=False),
        sa.Column("subject_id", BIG_ID, nullable=False),
        sa.Column("layer", KEY, nullable=False),
        sa.Column("track", KEY, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("parent_id", BIG_ID),
        sa.Column("definition_id", BIG_ID, nullable=False),
        sa.Column("period_start", DAY, nullable=False),
        sa.Column("period_end", DAY, nullable=False),
        sa.Column("status", KEY, nullable=False),
        sa.Column("outcome", sa.Text()),
        sa.Column("stage", KEY, nullable=False),
        sa.Column("leaf", sa.Text(), nullable=False),
        sa.Column("visit", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("due", DAY),
        sa.Column("deadline_no", sa.Integer(), nullable=False),
        sa.Column("next_due", INSTANT),
        sa.Column("open_warnings", sa.Integer(), nullable=False),
        sa.Column("item_no", sa.Integer(), nullable=False),
        sa.Column("warning_no", sa.Integer(), nullable=False),
        sa.Column("sheet_no", sa.Integer(), nullable=False),
        sa.Column("proposal", sa.Text()),
        sa.Column("unit_id", BIG_ID, nullable=False),
        sa.Column("responsible_id", BIG_ID),
        sa.Column("previous_id", BIG_ID),
        sa.Column("adopted", sa.Boolean(), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("closed_at", INSTANT),
        sa.Column("ends_at", INSTANT),
        sa.Column("clock_left", sa.Text()),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("head", KEY, nullable=False),
        sa.ForeignKeyConstraint(["college_id"], ["college.id"], name="fk_cycle_college_id_college"),
        sa.ForeignKeyConstraint(["definition_id"], ["definition.id"], name="fk_cycle_definition_id_definition"),
        sa.ForeignKeyConstraint(["subject_id"], ["subject.id"], name="fk_cycle_subject_id_subject"),
        sa.PrimaryKeyConstraint("id", name="pk_cycle"),
        sa.UniqueConstraint(
            "college_id",
            "subject_id",
            "track",
            "period_start",
            name="uq_cycle_college_id_subject_id_track_period_start",
        ),
    )
    op.create_index("ix_cycle_college_id_status_layer_stage", "cycle", ["college_id", "status", "layer", "stage"])
    op.create_index("ix_cycle_college_id_subject_id", "cycle", ["college_id", "subject_id"])
    op.create_index(
        "ix_cycle_due",
        "cycle",
        ["next_due"],
        sqlite_where=sa.text("status = 'running' and next_due is not null"),
        postgresql_where=sa.text("status = 'running' and next_due is not null"),
    )
    op.create_index(
        "ix_cycle_parent_id",
        "cycle",
        ["parent_id"],
        sqlite_where=sa.text("parent_id is not null"),
        postgresql_where=sa.text("parent_id is not null"),
    )
    op.create_table(
        "visit",
        sa.Column("cycle_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("stage", KEY, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("entered_at", INSTANT, nullable=False),
        sa.Column("due", DAY),
        sa.Column("submitted_at", INSTANT),
        sa.Column("submitted_by", BIG_ID),
        sa.Column("submitted_for", BIG_ID),
        sa.Column("decided_at", INSTANT),
        sa.Column("outcome", sa.Text()),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("content", KEY),
        sa.Column("order_kind", sa.Text(), nullable=False),
        sa.Column("need", sa.Integer(), nullable=False),
        sa.Column("auto_at", INSTANT),
        sa.ForeignKeyConstraint(["cycle_id"], ["cycle.id"], name="fk_visit_cycle_id_cycle"),
        sa.PrimaryKeyConstraint("cycle_id", "stage", "number", name="pk_visit"),
    )
    op.create_table(
        "signature",
        sa.Column("cycle_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("stage", KEY, nullable=False),
        sa.Column("visit", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("person_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("added", sa.Boolean(), nullable=False),
        sa.Column("decision", sa.Text()),
        sa.Column("at", INSTANT),
        sa.Column("on_behalf_of", BIG_ID),
        sa.Column("signed_by", BIG_ID),
        sa.Column("content", KEY),
        sa.Column("void", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["cycle_id"], ["cycle.id"], name="fk_signature_cycle_id_cycle"),
        sa.PrimaryKeyConstraint("cycle_id", "stage", "visit", "revision", "person_id", name="pk_signature"),
    )
    op.create_table(
        "sheet",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("college_id", BIG_ID, nullable=False),
        sa.Column("cycle_id", BIG_ID, nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("due", DAY, nullable=False),
        sa.Column("issue_at", INSTANT, nullable=False),
        sa.Column("assessor_id", BIG_ID),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("content", KEY),
        sa.Column("recorded_at", INSTANT),
        sa.Column("recorded_by", BIG_ID),
        sa.ForeignKeyConstraint(["college_id"], ["college.id"], name="fk_sheet_college_id_college"),
        sa.ForeignKeyConstraint(["cycle_id"], ["cycle.id"], name="fk_sheet_cycle_id_cycle"),
        sa.PrimaryKeyConstraint("id", name="pk_sheet"),
        sa.UniqueConstraint("college_id", "cycle_id", "no", name="uq_sheet_college_id_cycle_id_no"),
    )
    op.create_table(
        "carry",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("college_id", BIG_ID, nullable=False),
        sa.Column("subject_id", BIG_ID, nullable=False),
        sa.Column("track", KEY, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("text", KEY, nullable=False),
        sa.Column("from_cycle_id", BIG_ID, nullable=False),
        sa.Column("from_ref", sa.Text(), nullable=False),
        sa.Column("to_cycle_id", BIG_ID),
        sa.Column("round_count", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["college_id"], ["college.id"], name="fk_carry_college_id_college"),
        sa.ForeignKeyConstraint(["from_cycle_id"], ["cycle.id"], name="fk_carry_from_cycle_id_cycle"),
        sa.ForeignKeyConstraint(["subject_id"], ["subject.id"], name="fk_carry_subject_id_subject"),
        sa.ForeignKeyConstraint(["to_cycle_id"], ["cycle.id"], name="fk_carry_to_cycle_id_cycle"),
        sa.PrimaryKeyConstraint("id", name="pk_carry"),
    )
    op.create_index("ix_carry_college_id_subject_id_track", "carry", ["college_id", "subject_id", "track"])
    op.create_table(
        "evidence",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("college_id", BIG_ID, nullable=False),
        sa.Column("cycle_id", BIG_ID, nullable=False),
        sa.Column("stage", KEY, nullable=False),
        sa.Column("visit", sa.Integer(), nullable=False),
        sa.Column("hash", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("size", BIG_ID, nullable=False),
        sa.Column("media", sa.Text(), nullable=False),
        sa.Column("added_at", INSTANT, nullable=False),
        sa.Column("added_by", BIG_ID, nullable=False),
        sa.ForeignKeyConstraint(["college_id"], ["college.id"], name="fk_evidence_college_id_college"),
        sa.ForeignKeyConstraint(["cycle_id"], ["cycle.id"], name="fk_evidence_cycle_id_cycle"),
        sa.PrimaryKeyConstraint("id", name="pk_evidence"),
    )
    op.create_index("ix_evidence_college_id_cycle_id", "evidence", ["college_id", "cycle_id"])


def _chains() -> None:
    """Make plans, goal and standard chains and frames."""
    op.create_table(
        "plan_task",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("college_id", BIG_ID, nullable=False),
        sa.Column("plan", KEY, nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("title_zh", sa.Text(), nullable=False),
        sa.Column("title_en", sa.Text(), nullable=False),
        sa.Column("departments", sa.Text(), nullable=False),
        sa.Column("owner_unit_id", BIG_ID),
        sa.Column("point_code", KEY),
        sa.Column("task_kind", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("source_time", sa.Text()),
        sa.Column("month", sa.Integer()),
        sa.Column("due", DAY),
        sa.Column("recurs", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("done_at", INSTANT),
        sa.Column("late_warned", sa.Boolean(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("parent", sa.Integer()),
        sa.ForeignKeyConstraint(["college_id"], ["college.id"], name="fk_plan_task_college_id_college"),
        sa.ForeignKeyConstraint(["owner_unit_id"], ["unit.id"], name="fk_plan_task_owner_unit_id_unit"),
        sa.PrimaryKeyConstraint("id", name="pk_plan_task"),
        sa.UniqueConstraint("college_id", "plan", "no", name="uq_plan_task_college_id_plan_no"),
    )
    op.create_table(
        "goal",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("college_id", BIG_ID, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("cycle_id", BIG_ID),
        sa.Column("layer", KEY, nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("text_zh", sa.Text(), nullable=False),
        sa.Column("text_en", sa.Text(), nullable=False),
        sa.Column("unit_codes", sa.Text(), nullable=False),
        sa.Column("parent_id", BIG_ID),
        sa.Column("indicator", sa.Text()),
        sa.Column("target", sa.Double()),
        sa.Column("weight", sa.Double()),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["college_id"], ["college.id"], name="fk_goal_college_id_college"),
        sa.ForeignKeyConstraint(["cycle_id"], ["cycle.id"], name="fk_goal_cycle_id_cycle"),
        sa.ForeignKeyConstraint(["parent_id"], ["goal.id"], name="fk_goal_parent_id_goal"),
        sa.PrimaryKeyConstraint("id", name="pk_goal"),
        sa.UniqueConstraint("college_id", "key", name="uq_goal_college_id_key"),
    )
    op.create_table(
        "standard",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("college_id", BIG_ID, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("cycle_id", BIG_ID),
        sa.Column("layer", KEY, nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("text_zh", sa.Text(), nullable=False),
        sa.Column("text_en", sa.Text(), nullable=False),
        sa.Column("departments", sa.Text(), nullable=False),
        sa.Column("goal_id", BIG_ID),
        sa.Column("indicator", sa.Text()),
        sa.Column("target", sa.Text()),
        sa.Column("warning", sa.Text()),
        sa.Column("system", sa.Text()),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["college_id"], ["college.id"], name="fk_standard_college_id_college"),
        sa.ForeignKeyConstraint(["cycle_id"], ["cycle.id"], name="fk_standard_cycle_id_cycle"),
        sa.ForeignKeyConstraint(["goal_id"], ["goal.id"], name="fk_standard_goal_id_goal"),
        sa.PrimaryKeyConstraint("id", name="pk_standard"),
        sa.UniqueConstraint("college_id", "key", name="uq_standard_college_id_key"),
    )
    op.create_table(
        "frame",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("college_id", BIG_ID, nullable=False),
        sa.Column("code", KEY, nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("parent_code", KEY),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("star", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["college_id"], ["college.id"], name="fk_frame_college_id_college"),
        sa.PrimaryKeyConstraint("id", name="pk_frame"),
        sa.UniqueConstraint("college_id", "code", name="uq_frame_college_id_code"),
    )


def _work() -> None:
    """Make control points, readings, work items, escalations and warnings."""
    op.create_table(
        "control_point",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("college_id", BIG_ID, nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("layer", KEY, nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("cadence", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("target", sa.Double(), nullable=False),
        sa.Column("warn_lower", sa.Double()),
        sa.Column("warn_upper", sa.Double()),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("next_check", DAY),
        sa.ForeignKeyConstraint(["college_id"], ["college.id"], name="fk_control_point_college_id_college"),
        sa.PrimaryKeyConstraint("id", name="pk_control_point"),
        sa.UniqueConstraint("college_id", "key", name="uq_control_point_college_id_key"),
    )
    op.create_table(
        "batch",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("college_id", BIG_ID, nullable=False),
        sa.Column("digest", KEY, nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("accepted_at", INSTANT, nullable=False),
        sa.Column("by", BIG_ID, nullable=False),
        sa.ForeignKeyConstraint(["college_id"], ["college.id"], name="fk_batch_college_id_college"),
        sa.PrimaryKeyConstraint("id", name="pk_batch"),
    )
    op.create_index("ix_batch_college_id", "batch", ["college_id"])
    op.create_table(
        "reading",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("college_id", BIG_ID, nullable=False),
        sa.Column("point_id", BIG_ID, nullable=False),
        sa.Column("subject_id", BIG_ID, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("source", KEY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("batch_id", BIG_ID, nullable=False),
        sa.Column("replaces", BIG_ID),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name="fk_reading_batch_id_batch"),
        sa.ForeignKeyConstraint(["college_id"], ["college.id"], name="fk_reading_college_id_college"),
        sa.ForeignKeyConstraint(["point_id"], ["control_point.id"], name="fk_reading_point_id_control_point"),
        sa.ForeignKeyConstraint(["subject_id"], ["subject.id"], name="fk_reading_subject_id_subject"),
        sa.PrimaryKeyConstraint("id", name="pk_reading"),
        sa.UniqueConstraint(
            "college_id",
            "point_id",
            "subject_id",
            "at",
            "source",
            "version",
            name="uq_reading_college_id_point_id_subject_id_at_source_version",
        ),
    )
    op.create_table(
        "work_item",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("college_id", BIG_ID, nullable=False),
        sa.Column("cycle_id", BIG_ID),
        sa.Column("subject_id", BIG_ID, nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("stage", KEY),
        sa.Column("visit", sa.Integer()),
        sa.Column("ref", sa.Text()),
        sa.Column("holder_id", BIG_ID),
        sa.Column("owner_id", BIG_ID),
        sa.Column("unit_id", BIG_ID, nullable=False),
        sa.Column("layer", KEY, nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("due", DAY),
        sa.Column("deadline_no", sa.Integer(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("next_level", sa.Integer()),
        sa.Column("next_level_at", INSTANT),
        sa.Column("state", KEY, nullable=False),
        sa.Column("closed_at", INSTANT),
        sa.Column("clock_left", sa.Integer()),
        sa.ForeignKeyConstraint(["college_id"], ["college.id"], name="fk_work_item_college_id_college"),
        sa.ForeignKeyConstraint(["cycle_id"], ["cycle.id"], name="fk_work_item_cycle_id_cycle"),
        sa.ForeignKeyConstraint(["subject_id"], ["subject.id"], name="fk_work_item_subject_id_subject"),
        sa.PrimaryKeyConstraint("id", name="pk_work_item"),
        sa.UniqueConstraint("college_id", "cycle_id", "no", name="uq_work_item_college_id_cycle_id_no"),
    )
    op.create_index(
        "ix_work_item_college_id_holder_id_state_due", "work_item", ["college_id", "holder_id", "state", "due"]
    )
    op.create_index("ix_work_item_cycle_id", "work_item", ["cycle_id"])
    op.create_index(
        "ix_work_item_level",
        "work_item",
        ["next_level_at"],
        sqlite_where=sa.text("state = 'open' and next_level_at is not null"),
        postgresql_where=sa.text("state = 'open' and next_level_at is not null"),
    )
    op.create_table(
        "escalation",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("college_id", BIG_ID, nullable=False),
        sa.Column("item_id", BIG_ID, nullable=False),
        sa.Column("deadline_no", sa.Integer(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("cycle_id", BIG_ID),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("fired_at", INSTANT, nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("to_id", BIG_ID),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["college_id"], ["college.id"], name="fk_escalation_college_id_college"),
        sa.ForeignKeyConstraint(["item_id"], ["work_item.id"], name="fk_escalation_item_id_work_item"),
        sa.PrimaryKeyConstraint("id", name="pk_escalation"),
        sa.UniqueConstraint(
            "college_id", "item_id", "deadline_no", "level", name="uq_escalation_college_id_item_id_deadline_no_level"
        ),
    )
    op.create_index("ix_escalation_college_id_to_id", "escalation", ["college_id", "to_id"])
    op.create_table(
        "warning",
        sa.Column("id", KEY, nullable=False),
        sa.Column("college_id", BIG_ID, nullable=False),
        sa.Column("cycle_id", BIG_ID),
        sa.Column("subject_id", BIG_ID, nullable=False),
        sa.Column("point_id", BIG_ID),
        sa.Column("task_id", BIG_ID),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("breached", sa.Boolean(), nullable=False),
        sa.Column("inside", sa.Integer(), nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("reading_id", BIG_ID),
        sa.Column("limit_text", sa.Text()),
        sa.Column("value", sa.Double()),
        sa.Column("acknowledged_by", BIG_ID),
        sa.Column("cause", KEY),
        sa.Column("scope", sa.Text()),
        sa.Column("measure", KEY),
        sa.Column("reason", KEY),
        sa.Column("confirmed_at", INSTANT),
        sa.Column("closed_at", INSTANT),
        sa.Column("proposal", sa.Text()),
        sa.ForeignKeyConstraint(["college_id"], ["college.id"], name="fk_warning_college_id_college"),
        sa.ForeignKeyConstraint(["cycle_id"], ["cycle.id"], name="fk_warning_cycle_id_cycle"),
        sa.ForeignKeyConstraint(["point_id"], ["control_point.id"], name="fk_warning_point_id_control_point"),
        sa.ForeignKeyConstraint(["subject_id"], ["subject.id"], name="fk_warning_subject_id_subject"),
        sa.ForeignKeyConstraint(["task_id"], ["plan_task.id"], name="fk_warning_task_id_plan_task"),
        sa.PrimaryKeyConstraint("id", name="pk_warning"),
    )
    op.create_index("ix_warning_college_id_cycle_id", "warning", ["college_id", "cycle_id"])
    op.create_index("ix_warning_college_id_state", "warning", ["college_id", "state"])
    op.create_index(
        "uq_warning_open_point",
        "warning",
        ["college_id", "point_id", "subject_id"],
        unique=True,
        sqlite_where=sa.text("state not in ('closed', 'dismissed') and point_id is not null"),
        postgresql_where=sa.text("state not in ('closed', 'dismissed') and point_id is not null"),
    )
    op.create_index(
        "uq_warning_open_task",
        "warning",
        ["college_id", "task_id", "subject_id"],
        unique=True,
        sqlite_where=sa.text("state not in ('closed', 'dismissed') and task_id is not null"),
        postgresql_where=sa.text("state not in ('closed', 'dismissed') and task_id is not null"),
    )


def _journal() -> None:
    """Make the journal with its guards, and what stands beside it."""
    op.create_table(
        "journal",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("stream", KEY, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("format", sa.Integer(), nullable=False),
        sa.Column("at", KEY, nullable=False),
        sa.Column("recorded_at", KEY, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("on_behalf_of", sa.Text()),
        sa.Column("door", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text()),
        sa.Column("definition", sa.Text()),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("prev", KEY, nullable=False),
        sa.Column("hash", KEY, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_journal"),
        sa.UniqueConstraint("stream", "seq", name="uq_journal_stream_seq"),
    )
    op.create_table(
        "content",
        sa.Column("hash", KEY, nullable=False),
        sa.Column("salt", sa.LargeBinary()),
        sa.Column("bytes", sa.LargeBinary()),
        sa.Column("erased_at", INSTANT),
        sa.PrimaryKeyConstraint("hash", name="pk_content"),
    )
    op.create_table(
        "outbox",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("college_id", BIG_ID, nullable=False),
        sa.Column("journal_stream", KEY, nullable=False),
        sa.Column("journal_seq", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("person_id", BIG_ID),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("available_at", INSTANT, nullable=False),
        sa.Column("sent_at", INSTANT),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
    )
    op.create_index(
        "ix_outbox_waiting",
        "outbox",
        ["available_at"],
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "incident",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("college_id", BIG_ID),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("ref", KEY, nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_try_at", INSTANT),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("solved_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_incident"),
    )
    op.create_index(
        "uq_incident_open",
        "incident",
        ["kind", "ref"],
        unique=True,
        sqlite_where=sa.text("state <> 'solved'"),
        postgresql_where=sa.text("state <> 'solved'"),
    )
    op.create_table(
        "tick_run",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("from_at", INSTANT),
        sa.Column("to_at", INSTANT, nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.Column("done", sa.Text(), nullable=False),
        sa.Column("skipped", sa.Text(), nullable=False),
        sa.Column("door", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tick_run"),
    )
    op.create_table(
        "lease",
        sa.Column("name", KEY, nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("token", sa.Integer(), nullable=False),
        sa.Column("until", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_lease"),
    )
