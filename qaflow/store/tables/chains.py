"""Plans with their tasks, the chains of goals and standards, and the frame of diagnosis points."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint, false, text, true
from sqlalchemy.orm import Mapped, mapped_column

from qaflow.store.db import Model, Name, Ref


class PlanTask(Model):
    """A task (任务), an entry of a plan: a planned finish and a state, but no ladder."""

    __tablename__ = "plan_task"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    college_id: Mapped[Ref] = mapped_column(ForeignKey("college.id"))
    plan: Mapped[Name]
    no: Mapped[int]
    title_zh: Mapped[str]
    title_en: Mapped[str]
    departments: Mapped[str]  # JSON list of unit codes, the lead first
    owner_unit_id: Mapped[Ref | None] = mapped_column(ForeignKey("unit.id"))
    point_code: Mapped[Name | None]
    task_kind: Mapped[str]
    origin: Mapped[str]
    source_time: Mapped[str | None]  # verbatim
    month: Mapped[int | None]
    due: Mapped[date | None]
    recurs: Mapped[bool]
    state: Mapped[str]  # planned going done dropped
    done_at: Mapped[datetime | None]
    late_warned: Mapped[bool]
    body: Mapped[str]
    parent: Mapped[int | None]
    owner_id: Mapped[Ref | None]  # the person who answers for it
    goal_id: Mapped[Ref | None]  # the goal it serves
    starts: Mapped[date | None]
    cost: Mapped[float | None]  # yuan
    result: Mapped[Name | None]  # content hash
    year: Mapped[int | None]  # civil year in which its year of the grid begins
    loaded: Mapped[bool] = mapped_column(server_default=true())  # by the college's files, not entered or imported
    version: Mapped[int] = mapped_column(server_default=text("1"))
    __table_args__ = (UniqueConstraint("college_id", "plan", "no"),)


class TaskMonth(Model):
    """How a task stood in a month of the grid (部门工作任务完成情况), as its unit noted it."""

    __tablename__ = "task_month"
    college_id: Mapped[Ref] = mapped_column(ForeignKey("college.id"), primary_key=True, autoincrement=False)
    task_id: Mapped[Ref] = mapped_column(ForeignKey("plan_task.id"), primary_key=True, autoincrement=False)
    month: Mapped[Name] = mapped_column(primary_key=True)  # YYYY-MM
    state: Mapped[str]  # planned going done late
    noted_at: Mapped[datetime]
    noted_by: Mapped[Ref]


class Entry:
    """What goals and standards have in common: whose entry it is, its words, its measure and its days."""

    id: Mapped[Ref] = mapped_column(primary_key=True)
    college_id: Mapped[Ref] = mapped_column(ForeignKey("college.id"))
    source: Mapped[str]  # plan (the college's files) cycle entered imported
    cycle_id: Mapped[Ref | None] = mapped_column(ForeignKey("cycle.id"))
    layer: Mapped[Name]
    key: Mapped[Name]
    text_zh: Mapped[str]
    text_en: Mapped[str]
    indicator: Mapped[str | None]
    weight: Mapped[float | None]
    body: Mapped[str]
    unit: Mapped[str | None]
    direction: Mapped[str | None]  # higher lower band
    starts: Mapped[date | None]
    ends: Mapped[date | None]
    owner_unit_id: Mapped[Ref | None]
    owner_id: Mapped[Ref | None]
    subject_id: Mapped[Ref | None]  # whose it is; without one it is the whole layer's
    origin: Mapped[str | None]  # plan superior school
    kind: Mapped[str | None]  # key routine ad_hoc
    point_id: Mapped[Ref | None]  # the control point whose readings tell how far it is attained
    retired_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(server_default=text("1"))


class Goal(Entry, Model):
    """An entry of the goal chain (目标链), from a plan or fixed in a cycle."""

    __tablename__ = "goal"
    unit_codes: Mapped[str]  # JSON list
    parent_id: Mapped[Ref | None] = mapped_column(ForeignKey("goal.id"))
    target: Mapped[float | None]
    attained: Mapped[float | None]  # the value reached, as its owner states it where no point measures it
    attained_at: Mapped[datetime | None]
    degree: Mapped[float | None]  # per cent attained, as a diagnosis or its owner says where there is no value
    __table_args__ = (
        UniqueConstraint("college_id", "key"),
        Index(None, "college_id", "parent_id"),
        Index(None, "college_id", "cycle_id"),
        Index(None, "college_id", "subject_id"),
    )


class Standard(Entry, Model):
    """An entry of the standard chain (标准链)."""

    __tablename__ = "standard"
    departments: Mapped[str]  # JSON list of unit codes
    goal_id: Mapped[Ref | None] = mapped_column(ForeignKey("goal.id"))
    target: Mapped[str | None]
    warning: Mapped[str | None]
    system: Mapped[str | None]
    value: Mapped[float | None]  # the value that meets it
    warn_lower: Mapped[float | None]
    warn_upper: Mapped[float | None]
    __table_args__ = (
        UniqueConstraint("college_id", "key"),
        Index(None, "college_id", "goal_id"),
        Index(None, "college_id", "cycle_id"),
        Index(None, "college_id", "subject_id"),
    )


class Frame(Model):
    """An item, element or diagnosis point (诊断项目, 要素, 点) of a college's frame."""

    __tablename__ = "frame"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    college_id: Mapped[Ref] = mapped_column(ForeignKey("college.id"))
    code: Mapped[Name]
    level: Mapped[str]  # item element point
    parent_code: Mapped[Name | None]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    star: Mapped[str]
    body: Mapped[str]
    loaded: Mapped[bool] = mapped_column(server_default=true())  # by the college's files, not taken or written since
    dropped: Mapped[bool] = mapped_column(server_default=false())  # not diagnosed here
    version: Mapped[int] = mapped_column(server_default=text("1"))
    __table_args__ = (UniqueConstraint("college_id", "code"),)


class FrameLibrary(Model):
    """A library of diagnosis points that travels with the program, as `init` stored it: read from files once."""

    __tablename__ = "frame_library"
    key: Mapped[Name] = mapped_column(primary_key=True)
    name_zh: Mapped[str]
    name_en: Mapped[str]
    source: Mapped[str]
    body: Mapped[str]  # canonical JSON: items with elements and points, and the tasks of the points
    digest: Mapped[Name]
    stored_at: Mapped[datetime]


class FrameAnswer(Model):
    """What a diagnosis says of one point of the frame; a later one of the same cycle and sheet takes its place."""

    __tablename__ = "frame_answer"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    college_id: Mapped[Ref] = mapped_column(ForeignKey("college.id"))
    code: Mapped[Name]
    cycle_id: Mapped[Ref] = mapped_column(ForeignKey("cycle.id"))
    sheet_no: Mapped[int]  # 0 is the stage `diagnose` itself
    version: Mapped[int]
    degree: Mapped[str]  # met mostly partly not inapplicable
    text: Mapped[Name]  # content hash of evidence, problems and causes
    answered_at: Mapped[datetime]
    answered_by: Mapped[Ref]
    __table_args__ = (
        UniqueConstraint("college_id", "cycle_id", "sheet_no", "code", "version"),
        Index(None, "college_id", "code"),
    )
