"""Persons, what they may do and for whom they stand in."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from qaflow.store.db import Model, Name, Ref


class Person(Model):
    """An account; `version` and `head` are its journal stream's length and newest hash."""

    __tablename__ = "person"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    college_id: Mapped[Ref | None] = mapped_column(ForeignKey("college.id"))
    login: Mapped[Name]
    name: Mapped[str]
    language: Mapped[str]
    disabled_at: Mapped[datetime | None]
    is_system: Mapped[bool]
    created_at: Mapped[datetime]
    version: Mapped[int]
    head: Mapped[Name]
    password_hash: Mapped[str | None]
    mail: Mapped[str | None]  # the address that the college keeps; one that the person chose counts before it
    program_since: Mapped[datetime | None]  # a neighbour system's account: nobody signs in by it; None: a person's
    __table_args__ = (UniqueConstraint("login"), Index(None, "college_id"))


class Token(Model):
    """A bearer token, kept as its hash; it gives what its scopes name, never more than the person may."""

    __tablename__ = "token"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    person_id: Mapped[Ref] = mapped_column(ForeignKey("person.id"), index=True)
    hash: Mapped[Name]
    name: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]  # to the minute
    prefix: Mapped[Name | None]  # the first signs of its text, by which its owner knows it again
    scopes: Mapped[str | None]  # parted by blanks; none: all, as the command line makes them
    made_by: Mapped[Ref | None]  # a person; none: the operator
    __table_args__ = (UniqueConstraint("hash"),)


class RoleGrant(Model):
    """A role held for a scope (college, unit, layer, subject) between two days; `kind` is the role's neutral kind."""

    __tablename__ = "role_grant"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    college_id: Mapped[Ref] = mapped_column(ForeignKey("college.id"))
    person_id: Mapped[Ref] = mapped_column(ForeignKey("person.id"))
    role: Mapped[Name]
    kind: Mapped[str]
    scope_kind: Mapped[Name]
    scope_id: Mapped[Ref | None]
    scope_layer: Mapped[str | None]
    starts: Mapped[date | None]
    ends: Mapped[date | None]
    provider: Mapped[Name | None]  # who gave it, by what a provider says at sign-in; None: people here did
    __table_args__ = (
        Index(None, "college_id", "person_id"),
        Index(None, "college_id", "role", "scope_kind", "scope_id"),
        Index(None, "college_id", "kind"),
    )


class Deputy(Model):
    """A deputy (代理) acts in their own name for a person between two days."""

    __tablename__ = "deputy"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    college_id: Mapped[Ref] = mapped_column(ForeignKey("college.id"))
    person_id: Mapped[Ref] = mapped_column(ForeignKey("person.id"))
    deputy_id: Mapped[Ref] = mapped_column(ForeignKey("person.id"))
    role: Mapped[str | None]
    layer: Mapped[str | None]
    starts: Mapped[date]
    ends: Mapped[date]
    ended_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    __table_args__ = (
        Index(None, "college_id", "deputy_id"),
        Index(None, "college_id", "person_id"),
    )
