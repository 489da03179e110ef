"""The installation, its colleges, their units, subjects and calendars."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from qaflow.store.db import Model, Name, Ref
from qaflow.store.types import only


class Installation(Model):
    """The one row that says what this database is; the sandbox mark cannot be taken off."""

    __tablename__ = "installation"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sandbox: Mapped[bool]
    created_at: Mapped[datetime]
    clock_base: Mapped[datetime | None]  # simulated instant at which a sandbox's own clock was set
    clock_real: Mapped[datetime | None]  # the machine's instant at that moment
    figures: Mapped[str | None]  # JSON of the demo's making
    schema: Mapped[str]
    paused_reason: Mapped[str | None]  # why automatic steps wait for `tick --confirm`
    __table_args__ = (CheckConstraint("id = 1", "single"),)


class College(Model):
    """A college (院校), the tenant; `version` and `head` are its journal stream's length and newest hash."""

    __tablename__ = "college"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    key: Mapped[Name]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    timezone: Mapped[str]
    body: Mapped[str]  # canonical JSON of the college file
    created_at: Mapped[datetime]
    version: Mapped[int]
    head: Mapped[Name]
    calendar_until: Mapped[date | None]  # last day of the adopted teaching years, the last break included
    config_no: Mapped[int]  # rises when file, organisation or calendar change: what caches compare
    kind: Mapped[str] = mapped_column(server_default=text("'ordinary'"))  # new ordinary demonstration
    __table_args__ = (UniqueConstraint("key"),)


class Unit(Model):
    """A functional department, teaching unit, section or class; `system` is its vertical system."""

    __tablename__ = "unit"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    college_id: Mapped[Ref] = mapped_column(ForeignKey("college.id"))
    code: Mapped[Name]
    kind: Mapped[str]
    system: Mapped[str | None]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    parent_id: Mapped[Ref | None] = mapped_column(ForeignKey("unit.id"))
    aliases: Mapped[str]  # JSON list
    starts: Mapped[date | None]
    ends: Mapped[date | None]
    __table_args__ = (UniqueConstraint("college_id", "code"),)


class Subject(Model):
    """What runs spirals: the school, a major, a course, a teacher, a student, a service department."""

    __tablename__ = "subject"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    college_id: Mapped[Ref] = mapped_column(ForeignKey("college.id"))
    layer: Mapped[Name]
    code: Mapped[Name]
    name: Mapped[str]
    unit_id: Mapped[Ref] = mapped_column(ForeignKey("unit.id"))
    responsible_id: Mapped[Ref | None]
    starts: Mapped[date | None]
    ends: Mapped[date | None]
    tier: Mapped[str | None]
    kind: Mapped[str | None]
    anchor: Mapped[date | None]  # from which its own periods count
    parent_id: Mapped[Ref | None] = mapped_column(ForeignKey("subject.id"))
    attributes: Mapped[str]  # JSON
    ended: Mapped[bool]  # its cycles were cancelled after `ends`
    __table_args__ = (
        UniqueConstraint("college_id", "layer", "code"),
        Index(None, "college_id", "unit_id"),
        Index("ix_subject_ends", "college_id", "ends", **only("ends is not null and not ended")),
    )


class CalendarDay(Model):
    """A day that is not what its weekday says: a holiday, a make-up working day, the college's own day off."""

    __tablename__ = "calendar_day"
    college_id: Mapped[Ref] = mapped_column(ForeignKey("college.id"), primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(primary_key=True)
    working: Mapped[bool]
    name: Mapped[str]
    source: Mapped[str]


class Term(Model):
    """A term (学期) of a college's year."""

    __tablename__ = "term"
    college_id: Mapped[Ref] = mapped_column(ForeignKey("college.id"), primary_key=True, autoincrement=False)
    key: Mapped[Name] = mapped_column(primary_key=True)
    name_zh: Mapped[str]
    name_en: Mapped[str]
    starts: Mapped[date]
    ends: Mapped[date]


class CalendarYear(Model):
    """A civil year whose days were adopted; `published` says whether its make-up days were known."""

    __tablename__ = "calendar_year"
    college_id: Mapped[Ref] = mapped_column(ForeignKey("college.id"), primary_key=True, autoincrement=False)
    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    published: Mapped[bool]
    adopted_at: Mapped[datetime]
