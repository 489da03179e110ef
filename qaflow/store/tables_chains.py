"""Plans with their tasks, the chains of goals and standards, and the frame of diagnosis points."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, UniqueConstraint
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
    state: Mapped[str]  # planned going done
    done_at: Mapped[datetime | None]
    late_warned: Mapped[bool]
    body: Mapped[str]
    parent: Mapped[int | None]
    __table_args__ = (UniqueConstraint("college_id", "plan", "no"),)


class Goal(Model):
    """An entry of the goal chain (目标链), from a plan or fixed in a cycle."""

    __tablename__ = "goal"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    college_id: Mapped[Ref] = mapped_column(ForeignKey("college.id"))
    source: Mapped[str]  # plan cycle
    cycle_id: Mapped[Ref | None] = mapped_column(ForeignKey("cycle.id"))
    layer: Mapped[Name]
    key: Mapped[Name]
    text_zh: Mapped[str]
    text_en: Mapped[str]
    unit_codes: Mapped[str]  # JSON list
    parent_id: Mapped[Ref | None] = mapped_column(ForeignKey("goal.id"))
    indicator: Mapped[str | None]
    target: Mapped[float | None]
    weight: Mapped[float | None]
    body: Mapped[str]
    __table_args__ = (UniqueConstraint("college_id", "key"),)


class Standard(Model):
    """An entry of the standard chain (标准链)."""

    __tablename__ = "standard"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    college_id: Mapped[Ref] = mapped_column(ForeignKey("college.id"))
    source: Mapped[str]  # plan cycle
    cycle_id: Mapped[Ref | None] = mapped_column(ForeignKey("cycle.id"))
    layer: Mapped[Name]
    key: Mapped[Name]
    text_zh: Mapped[str]
    text_en: Mapped[str]
    departments: Mapped[str]  # JSON list of unit codes
    goal_id: Mapped[Ref | None] = mapped_column(ForeignKey("goal.id"))
    indicator: Mapped[str | None]
    target: Mapped[str | None]
    warning: Mapped[str | None]
    system: Mapped[str | None]
    body: Mapped[str]
    __table_args__ = (UniqueConstraint("college_id", "key"),)


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
    __table_args__ = (UniqueConstraint("college_id", "code"),)
