"""What the API answered to requests that carry a key, for those who send them again."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from qaflow.store.db import Model, Name, Ref


class AnsweredRequest(Model):
    """A request with an idempotency key and its reply, kept for a day; empty while it is worked on."""

    __tablename__ = "answered_request"
    person_id: Mapped[Ref] = mapped_column(ForeignKey("person.id"), primary_key=True)
    key: Mapped[Name] = mapped_column(primary_key=True)
    digest: Mapped[Name]  # of what was asked
    reply: Mapped[bytes]  # sealed: only the token that asked opens it
    at: Mapped[datetime]
    __table_args__ = (Index(None, "at"),)
