"""Definitions, tracks and the cycles that run through them."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from qaflow.store.db import Model, Name, Ref
from qaflow.store.types import only

AGAIN = "state = 'open' and submitted_at is not null"


class Definition(Model):
    """A published version of a definition (流程定义); without a college it serves all."""

    __tablename__ = "definition"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    college_id: Mapped[Ref | None] = mapped_column(ForeignKey("college.id"))
    key: Mapped[Name]
    version: Mapped[int]
    hash: Mapped[Name]
    layer: Mapped[Name]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    stages: Mapped[str]  # JSON list of stage keys
    body: Mapped[str]  # canonical JSON
    published_at: Mapped[datetime]
    published_by: Mapped[Ref]
    __table_args__ = (
        UniqueConstraint("college_id", "key", "version"),
        UniqueConstraint("key", "version"),
    )


class Track(Model):
    """What a layer's subjects run through, with period and cadences in `body` (JSON)."""

    __tablename__ = "track"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    college_id: Mapped[Ref] = mapped_column(ForeignKey("college.id"))
    layer: Mapped[Name]
    key: Mapped[Name]
    definition_key: Mapped[Name]
    parent_key: Mapped[Name | None]
    body: Mapped[str]
    __table_args__ = (UniqueConstraint("college_id", "layer", "key"),)


class Schedule(Model):
    """When a subject's next cycle of a track starts, or why it did not."""

    __tablename__ = "schedule"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    college_id: Mapped[Ref] = mapped_column(ForeignKey("college.id"))
    subject_id: Mapped[Ref] = mapped_column(ForeignKey("subject.id"))
    track: Mapped[Name]
    next_start: Mapped[date | None]
    next_at: Mapped[datetime | None]
    unstarted_reason: Mapped[str | None]
    __table_args__ = (
        UniqueConstraint("college_id", "subject_id", "track"),
        Index("ix_schedule_due", "college_id", "next_at", **only("next_at is not null")),
    )


class Round(Model):
    """A round (期次): all cycles of one track for one period, started together."""

    __tablename__ = "round"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    college_id: Mapped[Ref] = mapped_column(ForeignKey("college.id"))
    layer: Mapped[Name]
    track: Mapped[Name]
    period_start: Mapped[date]
    period_end: Mapped[date]
    started_at: Mapped[datetime]
    cycles: Mapped[int]
    __table_args__ = (UniqueConstraint("college_id", "layer", "track", "period_start"),)


class Cycle(Model):
    """A cycle (轮次), the projection of its stream: `version` is the stream's length, `head` its newest hash."""

    __tablename__ = "cycle"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    college_id: Mapped[Ref] = mapped_column(ForeignKey("college.id"))
    subject_id: Mapped[Ref] = mapped_column(ForeignKey("subject.id"))
    layer: Mapped[Name]
    track: Mapped[Name]
    number: Mapped[int]
    parent_id: Mapped[Ref | None]
    definition_id: Mapped[Ref] = mapped_column(ForeignKey("definition.id"))
    period_start: Mapped[date]
    period_end: Mapped[date]  # half-open: the first day after it
    status: Mapped[Name]  # running suspended closed cancelled
    outcome: Mapped[str | None]  # complete incomplete lapsed; cancelled
    stage: Mapped[Name]
    leaf: Mapped[str]
    visit: Mapped[int]
    revision: Mapped[int]
    due: Mapped[date | None]
    deadline_no: Mapped[int]
    next_due: Mapped[datetime | None]  # when the tick must look at it
    open_warnings: Mapped[int]
    item_no: Mapped[int]  # last numbers given
    warning_no: Mapped[int]
    sheet_no: Mapped[int]
    proposal: Mapped[str | None]
    unit_id: Mapped[Ref]
    responsible_id: Mapped[Ref | None]
    previous_id: Mapped[Ref | None]
    adopted: Mapped[bool]
    started_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]  # end of the period, until the tick has seen it
    clock_left: Mapped[str | None]  # JSON: working time left while suspended
    version: Mapped[int]
    head: Mapped[Name]
    __table_args__ = (
        UniqueConstraint("college_id", "subject_id", "track", "period_start"),
        Index("ix_cycle_due", "next_due", **only("status = 'running' and next_due is not null")),
        Index(None, "college_id", "status", "layer", "stage"),
        Index(None, "college_id", "subject_id"),
        Index("ix_cycle_parent_id", "parent_id", **only("parent_id is not null")),
        Index(  # figures of a year's rounds: a cycle enters it once, when it closes
            "ix_cycle_closed", "college_id", "closed_at", "layer", "outcome", "unit_id", "responsible_id", "subject_id",
            **only("status = 'closed'"),
        ),
    )  # fmt: skip


class Visit(Model):
    """One stay of a cycle in a stage."""

    __tablename__ = "visit"
    cycle_id: Mapped[Ref] = mapped_column(ForeignKey("cycle.id"), primary_key=True, autoincrement=False)
    stage: Mapped[Name] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    state: Mapped[str]  # open review done void
    entered_at: Mapped[datetime]
    due: Mapped[date | None]
    submitted_at: Mapped[datetime | None]
    submitted_by: Mapped[Ref | None]
    submitted_for: Mapped[Ref | None]  # the absent person, where a deputy submitted
    decided_at: Mapped[datetime | None]
    outcome: Mapped[str | None]  # approved returned reopened auto none lapsed adopted
    revision: Mapped[int]
    content: Mapped[Name | None]  # hash of the submitted content
    order_kind: Mapped[str]
    need: Mapped[int]
    auto_at: Mapped[datetime | None]  # when the tick moves it on by itself
    __table_args__ = (  # few among all visits: inboxes ask of each item whether its visit is one of them
        Index("ix_visit_again", "cycle_id", "stage", "number", **only(AGAIN)),
        Index("ix_visit_review", "cycle_id", "stage", "number", **only("state = 'review'")),
    )


class Signature(Model):
    """One signer of a revision of a visit, asked or decided."""

    __tablename__ = "signature"
    cycle_id: Mapped[Ref] = mapped_column(ForeignKey("cycle.id"), primary_key=True, autoincrement=False)
    stage: Mapped[Name] = mapped_column(primary_key=True)
    visit: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    revision: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    position: Mapped[int]
    person_id: Mapped[Ref] = mapped_column(primary_key=True, autoincrement=False)
    added: Mapped[bool]
    decision: Mapped[str | None]
    at: Mapped[datetime | None]
    on_behalf_of: Mapped[Ref | None]
    signed_by: Mapped[Ref | None]
    content: Mapped[Name | None]
    void: Mapped[bool]


class Sheet(Model):
    """A dated diagnosis sheet (诊断表) inside a cycle."""

    __tablename__ = "sheet"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    college_id: Mapped[Ref] = mapped_column(ForeignKey("college.id"))
    cycle_id: Mapped[Ref] = mapped_column(ForeignKey("cycle.id"))
    no: Mapped[int]
    kind: Mapped[str]
    number: Mapped[int]
    due: Mapped[date]
    issue_at: Mapped[datetime]
    assessor_id: Mapped[Ref | None]
    state: Mapped[str]  # planned open done dropped
    content: Mapped[Name | None]
    recorded_at: Mapped[datetime | None]
    recorded_by: Mapped[Ref | None]
    __table_args__ = (UniqueConstraint("college_id", "cycle_id", "no"),)


class Carry(Model):
    """What a closed cycle hands on: an open problem or goal, or a child's whole list."""

    __tablename__ = "carry"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    college_id: Mapped[Ref] = mapped_column(ForeignKey("college.id"))
    subject_id: Mapped[Ref] = mapped_column(ForeignKey("subject.id"))
    track: Mapped[Name]
    kind: Mapped[str]  # problem goal child
    text: Mapped[Name]  # content hash
    from_cycle_id: Mapped[Ref] = mapped_column(ForeignKey("cycle.id"))
    from_ref: Mapped[str]
    to_cycle_id: Mapped[Ref | None] = mapped_column(ForeignKey("cycle.id"))
    round_count: Mapped[int]
    state: Mapped[str]
    __table_args__ = (Index(None, "college_id", "subject_id", "track"),)


class Evidence(Model):
    """A file left in a visit, by its SHA-256."""

    __tablename__ = "evidence"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    college_id: Mapped[Ref] = mapped_column(ForeignKey("college.id"))
    cycle_id: Mapped[Ref] = mapped_column(ForeignKey("cycle.id"))
    stage: Mapped[Name]
    visit: Mapped[int]
    hash: Mapped[Name]
    name: Mapped[str]
    size: Mapped[Ref]
    media: Mapped[str]
    added_at: Mapped[datetime]
    added_by: Mapped[Ref]
    __table_args__ = (Index(None, "college_id", "cycle_id"),)
