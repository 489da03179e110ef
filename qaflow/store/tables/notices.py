"""The notices on their way: what a person chose, when digests leave, messages with their tries, and the channels."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from qaflow.store.db import Model, Name, Ref
from qaflow.store.types import only


class NoticeChoice(Model):
    """Whether, where and at which hour a person wants mail; who chose nothing gets it at the usual hour."""

    __tablename__ = "notice_choice"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    college_id: Mapped[Ref] = mapped_column(ForeignKey("college.id"))
    person_id: Mapped[Ref] = mapped_column(ForeignKey("person.id"))
    mail: Mapped[bool]
    address: Mapped[str | None]
    hour: Mapped[int]
    changed_at: Mapped[datetime]
    __table_args__ = (UniqueConstraint("college_id", "person_id"),)


class NoticeTopic(Model):
    """How a person wants to be told of a topic, where the definition leaves it to them."""

    __tablename__ = "notice_topic"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    college_id: Mapped[Ref] = mapped_column(ForeignKey("college.id"))
    person_id: Mapped[Ref] = mapped_column(ForeignKey("person.id"))
    topic: Mapped[Name]
    how: Mapped[str]  # urgent digest off
    __table_args__ = (UniqueConstraint("college_id", "person_id", "topic"),)


class DigestSlot(Model):
    """When the digests of an hour leave next, of those hours that somebody wants."""

    __tablename__ = "digest_slot"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    college_id: Mapped[Ref] = mapped_column(ForeignKey("college.id"))
    hour: Mapped[int]
    next_at: Mapped[datetime]
    __table_args__ = (UniqueConstraint("college_id", "hour"),)


class Channel(Model):
    """A way out (渠道): the mail server, or the bot of a group in a chat; it rests after a failure, and is tried again.

    `address` and `secret` are encrypted with the installation's secret key; `mark` tells equal addresses apart.
    """

    __tablename__ = "channel"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    college_id: Mapped[Ref] = mapped_column(ForeignKey("college.id"))
    kind: Mapped[Name]  # mail wecom dingtalk feishu
    name: Mapped[Name]
    unit_id: Mapped[Ref | None] = mapped_column(ForeignKey("unit.id"))
    language: Mapped[str]
    address: Mapped[bytes | None]
    secret: Mapped[bytes | None]
    mark: Mapped[Name]
    tries: Mapped[int]  # failures in a row
    next_try_at: Mapped[datetime | None]
    last_error: Mapped[str | None]
    failed_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    made_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]
    __table_args__ = (
        Index("uq_channel_name", "college_id", "kind", "name", unique=True, **only("removed_at is null")),
    )


class Message(Model):
    """One message over one channel, to a person or a group; `key` is its Message-ID, kept over all tries."""

    __tablename__ = "message"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    college_id: Mapped[Ref] = mapped_column(ForeignKey("college.id"))
    key: Mapped[Name]
    kind: Mapped[Name]  # digest urgent group trial
    channel_id: Mapped[Ref] = mapped_column(ForeignKey("channel.id"))
    person_id: Mapped[Ref | None] = mapped_column(ForeignKey("person.id"))
    day: Mapped[date]
    notices: Mapped[str]  # JSON: the numbers of the outbox's rows that it carries
    state: Mapped[Name]  # waiting sent failed dropped
    available_at: Mapped[datetime]
    made_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    tries: Mapped[int]
    error: Mapped[str | None]
    __table_args__ = (
        UniqueConstraint("college_id", "key"),
        Index("uq_message_digest", "college_id", "person_id", "day", unique=True, **only("kind = 'digest'")),
        Index(None, "college_id", "person_id"),
        Index(None, "college_id", "channel_id", "sent_at"),
        Index("ix_message_waiting", "available_at", **only("state = 'waiting'")),
    )
