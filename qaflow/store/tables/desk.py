"""What lies on a person's desk in the web: drafts, kept filters, watched cycles; and days on which they are away."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from qaflow.store.db import Model, Name, Ref


class Draft(Model):
    """What somebody has typed into a stage's form and not submitted; nobody else sees it, and it proves nothing."""

    __tablename__ = "draft"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    college_id: Mapped[Ref] = mapped_column(ForeignKey("college.id"))
    cycle_id: Mapped[Ref] = mapped_column(ForeignKey("cycle.id"))
    person_id: Mapped[Ref] = mapped_column(ForeignKey("person.id"))
    stage: Mapped[Name]
    visit: Mapped[int]
    revision: Mapped[int]  # of the cycle, when the form was shown
    content: Mapped[str]  # JSON of the form's values
    saved_at: Mapped[datetime]
    __table_args__ = (UniqueConstraint("college_id", "cycle_id", "person_id", "stage", "visit", "revision"),)


class SavedFilter(Model):
    """A list of the inbox as somebody narrowed it, under a name of theirs."""

    __tablename__ = "saved_filter"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    college_id: Mapped[Ref] = mapped_column(ForeignKey("college.id"))
    person_id: Mapped[Ref] = mapped_column(ForeignKey("person.id"))
    name: Mapped[Name]
    query: Mapped[str]
    made_at: Mapped[datetime]
    __table_args__ = (UniqueConstraint("college_id", "person_id", "name"),)


class Watch(Model):
    """A cycle that somebody watches: by their own choice, or because it was copied to them or named them."""

    __tablename__ = "watch"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    college_id: Mapped[Ref] = mapped_column(ForeignKey("college.id"))
    person_id: Mapped[Ref] = mapped_column(ForeignKey("person.id"))
    cycle_id: Mapped[Ref] = mapped_column(ForeignKey("cycle.id"))
    why: Mapped[str]  # chosen copied named
    since: Mapped[datetime]
    __table_args__ = (UniqueConstraint("college_id", "person_id", "cycle_id"),)


class Absence(Model):
    """Days on which somebody is away, known beforehand; who acts for them stands among the deputies."""

    __tablename__ = "absence"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    college_id: Mapped[Ref] = mapped_column(ForeignKey("college.id"))
    person_id: Mapped[Ref] = mapped_column(ForeignKey("person.id"))
    starts: Mapped[date]
    ends: Mapped[date]
    reason: Mapped[str]
    noted_at: Mapped[datetime]
    noted_by: Mapped[Ref | None]
    ended_at: Mapped[datetime | None]  # taken back
    __table_args__ = (Index(None, "college_id", "person_id"),)
