"""Who is signed in on the web, and which passwords were tried."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from qaflow.store.db import Model, Name, Ref


class WebSession(Model):
    """A person signed in at a browser; ended ones stay for a time, for they tell who was signed in from where."""

    __tablename__ = "web_session"
    hash: Mapped[Name] = mapped_column(primary_key=True)  # of the random id, which only the browser knows
    person_id: Mapped[Ref] = mapped_column(ForeignKey("person.id"))
    device: Mapped[Name]  # hash of the browser's lasting mark
    address: Mapped[str]
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    secret_stamp: Mapped[Name]  # what the password was when the session began,
    roles_stamp: Mapped[Name]  # and which roles were held: where either changes the session is dead
    ended_at: Mapped[datetime | None]
    ended_why: Mapped[str | None]  # out idle old password roles disabled provider second
    provider: Mapped[Name | None]  # by which they signed in; None: by a password of ours
    provider_session: Mapped[Name | None]  # hash of what the provider calls this session when it ends it
    sealed: Mapped[str | None]  # the proof that the provider's own sign-out asks for
    proven_at: Mapped[datetime | None]  # when the person last proved who they are; None: as the session began
    __table_args__ = (Index(None, "person_id", "device"), Index(None, "provider", "provider_session"))


class SignInGuess(Model):
    """One try at a password, written before it is weighed; the account is a keyed hash of what was typed."""

    __tablename__ = "sign_in_guess"
    id: Mapped[Ref] = mapped_column(primary_key=True)
    account: Mapped[Name]
    device: Mapped[Name]  # of a browser that this account has used before, else empty
    address: Mapped[str]
    at: Mapped[datetime]
    fits: Mapped[bool]
    __table_args__ = (Index(None, "account", "at"), Index(None, "at"))
