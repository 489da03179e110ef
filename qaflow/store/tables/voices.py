"""What people say of themselves and of quality: self-tests by questionnaire, and reports of incidents."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from qaflow.store.db import Model, Name, Ref


class Catalogue(Model):
    """What a college's files say of self-tests (``selftest``, by key) and of incidents (``incidents``)."""

    __tablename__ = "catalogue"
    college_id: Mapped[Ref] = mapped_column(ForeignKey("college.id"), primary_key=True)
    kind: Mapped[Name] = mapped_column(primary_key=True)
    key: Mapped[Name] = mapped_column(primary_key=True)
    body: Mapped[str]  # canonical JSON


class Questionnaire(Model):
    """A self-test (自测诊断) that is open between two days; its dimensions, elements and questions are data."""

    __tablename__ = "questionnaire"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    college_id: Mapped[Ref] = mapped_column(ForeignKey("college.id"))
    key: Mapped[Name]
    term: Mapped[Name]
    layer: Mapped[Name]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    body: Mapped[str]  # canonical JSON
    digest: Mapped[Name]
    opens: Mapped[date]
    closes: Mapped[date]
    made_at: Mapped[datetime]
    made_by: Mapped[Ref]
    __table_args__ = (UniqueConstraint("college_id", "key", "term"),)


class QuestionnaireAnswer(Model):
    """One subject's answers to a self-test; changed until they are handed in."""

    __tablename__ = "questionnaire_answer"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    college_id: Mapped[Ref] = mapped_column(ForeignKey("college.id"))
    questionnaire_id: Mapped[Ref] = mapped_column(ForeignKey("questionnaire.id"))
    subject_id: Mapped[Ref] = mapped_column(ForeignKey("subject.id"))
    answers: Mapped[str]  # JSON: question to grade
    scores: Mapped[str]  # JSON: element to mean; {} until handed in
    saved_at: Mapped[datetime]
    handed_in_at: Mapped[datetime | None]
    handed_in_by: Mapped[Ref | None]
    unit_id: Mapped[Ref | None]  # where the subject lay when they were handed in: whose mean they count to
    __table_args__ = (
        UniqueConstraint("college_id", "questionnaire_id", "subject_id"),
        Index(None, "college_id", "subject_id"),
    )


class QualityIncident(Model):
    """A quality incident (质量事故): reported, graded, handled, answered, closed."""

    __tablename__ = "quality_incident"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    college_id: Mapped[Ref] = mapped_column(ForeignKey("college.id"))
    no: Mapped[int]
    state: Mapped[Name]  # reported graded handled answered closed
    category: Mapped[str]
    grade: Mapped[str | None]
    complaint: Mapped[bool]
    title: Mapped[Name]  # content hash, as all long texts here
    account: Mapped[Name]
    handling: Mapped[Name | None]
    answer: Mapped[Name | None]
    conclusion: Mapped[Name | None]
    occurred_on: Mapped[date]
    reported_at: Mapped[datetime]
    reported_by: Mapped[Ref]
    unit_id: Mapped[Ref] = mapped_column(ForeignKey("unit.id"))
    subject_id: Mapped[Ref | None]
    cycle_id: Mapped[Ref | None]
    warning_id: Mapped[Name | None]
    owner_id: Mapped[Ref | None]  # who handles it
    due: Mapped[date | None]
    graded_at: Mapped[datetime | None]
    graded_by: Mapped[Ref | None]
    handled_at: Mapped[datetime | None]
    handled_by: Mapped[Ref | None]
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[Ref | None]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[Ref | None]
    version: Mapped[int]
    __table_args__ = (
        UniqueConstraint("college_id", "no"),
        Index(None, "college_id", "state"),
    )
