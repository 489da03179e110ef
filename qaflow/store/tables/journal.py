"""The journal and what stands beside it: erasable content, the outbox, incidents, ticks and leases."""

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from qaflow.store.db import Model, Name, Ref
from qaflow.store.types import only


class Journal(Model):
    """The append-only, hash-chained list of facts (engine rules, 7); triggers guard it, see `journal.TRIGGERS`."""

    __tablename__ = "journal"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    stream: Mapped[Name]  # cycle:ID person:ID college:KEY
    seq: Mapped[int]
    kind: Mapped[str]
    format: Mapped[int]
    at: Mapped[Name]  # effective; text, for the exact characters were hashed
    recorded_at: Mapped[Name]  # the machine's clock
    actor: Mapped[str]
    on_behalf_of: Mapped[str | None]
    door: Mapped[str]
    request_id: Mapped[str | None]
    definition: Mapped[str | None]
    data: Mapped[str]  # the exact text that was hashed
    prev: Mapped[Name]
    hash: Mapped[Name]
    __table_args__ = (
        UniqueConstraint("stream", "seq"),
        Index("ix_journal_actor", "actor"),  # what somebody did, in any history
        Index("ix_journal_on_behalf_of", "on_behalf_of", **only("on_behalf_of is not null")),
    )


class Content(Model):
    """Long or personal text under its salted hash; erased, only the tombstone is left."""

    __tablename__ = "content"
    hash: Mapped[Name] = mapped_column(primary_key=True)
    salt: Mapped[bytes | None]
    bytes: Mapped[bytes | None]
    erased_at: Mapped[datetime | None]


class Outbox(Model):
    """A notice that left with its fact's transaction and is delivered after it."""

    __tablename__ = "outbox"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    college_id: Mapped[Ref]
    journal_stream: Mapped[Name]
    journal_seq: Mapped[int]
    kind: Mapped[str]
    person_id: Mapped[Ref | None]
    payload: Mapped[str]
    state: Mapped[Name]  # waiting sent failed dropped
    available_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    tries: Mapped[int]
    message_id: Mapped[str]
    __table_args__ = (Index("ix_outbox_waiting", "available_at", **only("state = 'waiting'")),)


class Incident(Model):
    """Work that failed alone and waits for a retry or a person."""

    __tablename__ = "incident"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    college_id: Mapped[Ref | None]
    kind: Mapped[Name]
    ref: Mapped[Name]
    detail: Mapped[str]
    state: Mapped[Name]  # open retry solved
    tries: Mapped[int]
    next_try_at: Mapped[datetime | None]
    opened_at: Mapped[datetime]
    solved_at: Mapped[datetime | None]
    __table_args__ = (Index("uq_incident_open", "kind", "ref", unique=True, **only("state <> 'solved'")),)


class TickRun(Model):
    """One sweep: from, to, done by kind, skipped and why."""

    __tablename__ = "tick_run"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    from_at: Mapped[datetime | None]
    to_at: Mapped[datetime]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    done: Mapped[str]  # JSON
    skipped: Mapped[str]  # JSON
    door: Mapped[str]


class Lease(Model):
    """Who wakes the tick, until when; `token` rises with each holder."""

    __tablename__ = "lease"
    name: Mapped[Name] = mapped_column(primary_key=True)
    holder: Mapped[str]
    token: Mapped[int]
    until: Mapped[datetime]
