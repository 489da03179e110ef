"""What a review rests on: when history was last proven, and which evidence is frozen."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from qaflow.store.db import Model, Name, Ref


class Proof(Model):
    """One verification of the journal: what was read, against which checkpoint, and the first fault."""

    __tablename__ = "proof"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    college_id: Mapped[Ref | None] = mapped_column(ForeignKey("college.id"))  # whose office asked
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]  # None: still at work
    person_id: Mapped[Ref | None]
    door: Mapped[str]
    entries: Mapped[int]
    streams: Mapped[int]
    faults: Mapped[int]
    first_fault: Mapped[str | None]  # JSON: stream, seq, why; of the college that asked, where it has one
    results: Mapped[str]  # JSON: how many faults of each kind
    checkpoint: Mapped[str | None]  # JSON: how the heads stand to the checkpoint that it was held against
    __table_args__ = (Index(None, "college_id", "started_at"),)


class Freeze(Model):
    """The evidence of a college as it stood on a day, kept still for an outside review until the office lifts it."""

    __tablename__ = "evidence_freeze"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    college_id: Mapped[Ref] = mapped_column(ForeignKey("college.id"))
    day: Mapped[date]  # cycles whose period began by then
    layer: Mapped[Name | None]  # one layer, or all
    reason: Mapped[str]
    cycles: Mapped[int]
    files: Mapped[int]
    digest: Mapped[Name]
    manifest: Mapped[Name]  # content hash
    frozen_at: Mapped[datetime]
    frozen_by: Mapped[Ref]
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[Ref | None]
    lifted_why: Mapped[str | None]
    __table_args__ = (Index(None, "college_id", "day"),)
