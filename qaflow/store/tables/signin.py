"""Sign-in by the campus, second factors, and what a college asks of who signs in."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from qaflow.store.db import Model, Name, Ref


class LinkedAccount(Model):
    """Who somebody is at a provider, by its stable id; never by a mail address or a name."""

    __tablename__ = "linked_account"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    person_id: Mapped[Ref] = mapped_column(ForeignKey("person.id"))
    provider: Mapped[Name]
    subject: Mapped[Name]
    made_person: Mapped[bool]  # the first sign-in added the person: nobody here knew of them
    linked_at: Mapped[datetime]
    last_at: Mapped[datetime]
    __table_args__ = (UniqueConstraint("provider", "subject"), UniqueConstraint("person_id", "provider"))


class SecondFactor(Model):
    """A person's key of one-time codes (TOTP, RFC 6238), sealed with the installation's own; unconfirmed ones ask for
    nothing yet."""

    __tablename__ = "second_factor"
    person_id: Mapped[Ref] = mapped_column(ForeignKey("person.id"), primary_key=True)
    sealed: Mapped[str]
    made_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[Ref | None]  # the newest time step whose code was taken: no code is taken twice


class RecoveryCode(Model):
    """A code that stands in for a lost telephone, once; kept as its keyed hash."""

    __tablename__ = "recovery_code"
    hash: Mapped[Name] = mapped_column(primary_key=True)
    person_id: Mapped[Ref] = mapped_column(ForeignKey("person.id"), index=True)
    made_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class SignInRule(Model):
    """What a college asks: codes of its administrators and quality office, a fresh proof for approvals."""

    __tablename__ = "signin_rule"
    college_id: Mapped[Ref] = mapped_column(ForeignKey("college.id"), primary_key=True)
    second_factor: Mapped[bool]
    approval_minutes: Mapped[int | None]  # so old a proof still counts; None: that of the session does


class SignInStep(Model):
    """What the server remembers while somebody is between two steps of signing in; taken once, then gone."""

    __tablename__ = "sign_in_step"
    hash: Mapped[Name] = mapped_column(primary_key=True)  # of the random id, which only the browser knows
    kind: Mapped[Name]
    sealed: Mapped[str]
    at: Mapped[datetime]
    __table_args__ = (Index(None, "at"),)
