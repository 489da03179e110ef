"""What people owe now: work items and their ladder, warnings, control points and readings."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text, true
from sqlalchemy.orm import Mapped, mapped_column

from qaflow.store.db import Model, Name, Ref
from qaflow.store.types import only

OPEN_WARNING = "state not in ('closed', 'dismissed')"


class WorkItem(Model):
    """A work item (待办): what one person owes now, with a deadline and the next level of its ladder."""

    __tablename__ = "work_item"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    college_id: Mapped[Ref] = mapped_column(ForeignKey("college.id"))
    cycle_id: Mapped[Ref | None] = mapped_column(ForeignKey("cycle.id"))
    subject_id: Mapped[Ref] = mapped_column(ForeignKey("subject.id"))
    no: Mapped[int]
    kind: Mapped[str]  # submit decide sign acknowledge correct confirm sheet
    stage: Mapped[Name | None]
    visit: Mapped[int | None]
    ref: Mapped[str | None]
    holder_id: Mapped[Ref | None]
    owner_id: Mapped[Ref | None]
    unit_id: Mapped[Ref]
    layer: Mapped[Name]
    opened_at: Mapped[datetime]
    due: Mapped[date | None]
    deadline_no: Mapped[int]
    level: Mapped[int]
    next_level: Mapped[int | None]
    next_level_at: Mapped[datetime | None]
    state: Mapped[Name]  # open done dropped stopped
    closed_at: Mapped[datetime | None]
    clock_left: Mapped[int | None]  # working days left while its clock stands
    __table_args__ = (
        UniqueConstraint("college_id", "cycle_id", "no"),
        Index("ix_work_item_level", "next_level_at", **only("state = 'open' and next_level_at is not null")),
        Index(None, "college_id", "holder_id", "state", "due"),
        Index(None, "cycle_id"),
    )


class Escalation(Model):
    """A level of the ladder that fired: once for (work item, deadline number, level)."""

    __tablename__ = "escalation"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    college_id: Mapped[Ref] = mapped_column(ForeignKey("college.id"))
    item_id: Mapped[Ref] = mapped_column(ForeignKey("work_item.id"))
    deadline_no: Mapped[int]
    level: Mapped[int]
    cycle_id: Mapped[Ref | None]
    due_at: Mapped[datetime]
    fired_at: Mapped[datetime]
    role: Mapped[str]
    to_id: Mapped[Ref | None]
    act: Mapped[str]
    outcome: Mapped[str]  # sent skipped reassigned
    __table_args__ = (
        UniqueConstraint("college_id", "item_id", "deadline_no", "level"),
        Index(None, "college_id", "to_id"),
    )


class Warning(Model):  # noqa: A001 - the word of the field; Python's own is not used in the store
    """A warning (预警) with its own life; one open at a time for (point or task, subject)."""

    __tablename__ = "warning"
    id: Mapped[Name] = mapped_column(primary_key=True)
    college_id: Mapped[Ref] = mapped_column(ForeignKey("college.id"))
    cycle_id: Mapped[Ref | None] = mapped_column(ForeignKey("cycle.id"))
    subject_id: Mapped[Ref] = mapped_column(ForeignKey("subject.id"))
    point_id: Mapped[Ref | None] = mapped_column(ForeignKey("control_point.id"))
    task_id: Mapped[Ref | None] = mapped_column(ForeignKey("plan_task.id"))
    kind: Mapped[str]  # breach late task manual
    severity: Mapped[str]
    state: Mapped[Name]  # opened acknowledged correcting confirmed closed dismissed
    breached: Mapped[bool]
    inside: Mapped[int]  # readings within limits in a row
    opened_at: Mapped[datetime]
    reading_id: Mapped[Ref | None]
    limit_text: Mapped[str | None]
    value: Mapped[float | None]
    acknowledged_by: Mapped[Ref | None]
    cause: Mapped[Name | None]  # content hash
    scope: Mapped[str | None]
    measure: Mapped[Name | None]  # content hash
    reason: Mapped[Name | None]  # content hash
    confirmed_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    proposal: Mapped[str | None]
    limit_id: Mapped[Ref | None]  # the limit that the opening reading breached
    category: Mapped[str | None]  # of the cause: people equipment material method measurement environment
    __table_args__ = (
        Index(
            "uq_warning_open_point", "college_id", "point_id", "subject_id", unique=True,
            **only(f"{OPEN_WARNING} and point_id is not null"),
        ),
        Index(
            "uq_warning_open_task", "college_id", "task_id", "subject_id", unique=True,
            **only(f"{OPEN_WARNING} and task_id is not null"),
        ),
        Index(None, "college_id", "cycle_id"),
        Index(None, "college_id", "state"),
    )  # fmt: skip


class ControlPoint(Model):
    """A control point (质控点): a measured quantity with target and warning values."""

    __tablename__ = "control_point"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    college_id: Mapped[Ref] = mapped_column(ForeignKey("college.id"))
    key: Mapped[Name]
    layer: Mapped[Name]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    unit: Mapped[str]
    cadence: Mapped[str]
    direction: Mapped[str]
    target: Mapped[float]
    warn_lower: Mapped[float | None]
    warn_upper: Mapped[float | None]
    body: Mapped[str]
    next_check: Mapped[date | None]  # when late readings are next looked for
    formula: Mapped[str | None]  # of a derived point, canonical JSON
    owner_unit_id: Mapped[Ref | None]
    owner_id: Mapped[Ref | None]
    loaded: Mapped[bool] = mapped_column(server_default=true())  # by the college's files, not entered or imported
    retired_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(server_default=text("1"))
    __table_args__ = (UniqueConstraint("college_id", "key"),)


class PointLimit(Model):
    """The limits of a control point from a day on, for all subjects or for one; the past keeps those it had."""

    __tablename__ = "point_limit"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    college_id: Mapped[Ref] = mapped_column(ForeignKey("college.id"))
    point_id: Mapped[Ref] = mapped_column(ForeignKey("control_point.id"))
    subject_id: Mapped[Ref | None] = mapped_column(ForeignKey("subject.id"))
    valid_from: Mapped[date]
    direction: Mapped[str]  # higher lower band
    target: Mapped[float]
    warn_lower: Mapped[float | None]
    warn_upper: Mapped[float | None]
    alarm_lower: Mapped[float | None]  # beyond it a breach is major
    alarm_upper: Mapped[float | None]
    reason: Mapped[str]
    set_at: Mapped[datetime]
    set_by: Mapped[Ref]
    __table_args__ = (Index(None, "college_id", "point_id", "subject_id", "valid_from"),)


class Reading(Model):
    """A reading; a corrected one is a higher version that names the one it replaces."""

    __tablename__ = "reading"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    college_id: Mapped[Ref] = mapped_column(ForeignKey("college.id"))
    point_id: Mapped[Ref] = mapped_column(ForeignKey("control_point.id"))
    subject_id: Mapped[Ref] = mapped_column(ForeignKey("subject.id"))
    at: Mapped[datetime]
    value: Mapped[float]
    source: Mapped[Name]
    version: Mapped[int]
    batch_id: Mapped[Ref] = mapped_column(ForeignKey("batch.id"))
    replaces: Mapped[Ref | None]
    reason: Mapped[Name | None]  # content hash: why a later version was written
    __table_args__ = (UniqueConstraint("college_id", "point_id", "subject_id", "at", "source", "version"),)


class Batch(Model):
    """An accepted delivery of readings; the journal holds its digest."""

    __tablename__ = "batch"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    college_id: Mapped[Ref] = mapped_column(ForeignKey("college.id"), index=True)
    digest: Mapped[Name]
    rows: Mapped[int]
    accepted_at: Mapped[datetime]
    by: Mapped[Ref]
