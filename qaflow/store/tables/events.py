"""The events out: their positions, webhooks with their deliveries, and the private calendars."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from qaflow.store.db import Model, Name, Ref
from qaflow.store.types import only


class Event(Model):
    """The position (`id`, without gaps) of a fact that is told outside; what it says is read from the journal."""

    __tablename__ = "event"
    id: Mapped[Ref] = mapped_column(primary_key=True, autoincrement=False)
    college_id: Mapped[Ref] = mapped_column(ForeignKey("college.id"))
    journal_id: Mapped[Ref]
    stream: Mapped[Name]
    cycle_id: Mapped[Ref | None] = mapped_column(ForeignKey("cycle.id"))
    __table_args__ = (UniqueConstraint("college_id", "journal_id"), Index(None, "college_id", "id"))


class EventRelay(Model):
    """How far the journal was looked through: up to `settled` no entry can appear any more."""

    __tablename__ = "event_relay"
    name: Mapped[Name] = mapped_column(primary_key=True)
    settled: Mapped[Ref]
    mark: Mapped[Ref]  # becomes settled when every transaction older than `mark_xid` has ended
    mark_xid: Mapped[Ref]


class Webhook(Model):
    """A target of one college's events, with its sealed signing secrets."""

    __tablename__ = "webhook"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    college_id: Mapped[Ref] = mapped_column(ForeignKey("college.id"))
    name: Mapped[str]
    url: Mapped[str]
    types: Mapped[str]  # JSON: types of events; empty: all
    state: Mapped[Name]  # active paused removed
    why: Mapped[str | None]  # it was paused
    secret: Mapped[bytes]  # sealed with a key derived from the installation's
    secret_before: Mapped[bytes | None]
    before_until: Mapped[datetime | None]
    position: Mapped[Ref]  # of the last event that was put into its queue
    failures: Mapped[int]  # in a row
    next_at: Mapped[datetime]  # not before
    created_at: Mapped[datetime]
    created_by: Mapped[Ref]
    version: Mapped[int]
    __table_args__ = (Index(None, "college_id"),)


class Delivery(Model):
    """One event on its way to one webhook; kept 30 days after it arrived."""

    __tablename__ = "delivery"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    college_id: Mapped[Ref] = mapped_column(ForeignKey("college.id"))
    webhook_id: Mapped[Ref] = mapped_column(ForeignKey("webhook.id"))
    event_id: Mapped[Ref | None]  # none: a trial
    message_id: Mapped[Name]
    stream: Mapped[Name]  # within it the order is kept
    state: Mapped[Name]  # waiting sent dropped
    tries: Mapped[int]
    next_at: Mapped[datetime]
    status: Mapped[int | None]  # of HTTP
    millis: Mapped[int | None]
    detail: Mapped[str | None]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    __table_args__ = (
        UniqueConstraint("college_id", "webhook_id", "message_id"),
        Index("ix_delivery_waiting", "college_id", "webhook_id", "stream", "id", **only("state = 'waiting'")),
        Index("ix_delivery_ended", "college_id", "ended_at", **only("ended_at is not null")),
    )


class CalendarFeed(Model):
    """A person's private address of a calendar: the hash of its token."""

    __tablename__ = "calendar_feed"
    hash: Mapped[Name] = mapped_column(primary_key=True)
    college_id: Mapped[Ref] = mapped_column(ForeignKey("college.id"))
    person_id: Mapped[Ref] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    __table_args__ = (UniqueConstraint("college_id", "person_id"),)
