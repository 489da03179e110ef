"""Column types: instants and days as text that sorts and reads the same on SQLite and PostgreSQL.

SQLite drops time zones and PostgreSQL's collations differ by machine; fixed-width UTC text compared bytewise (collation
``C``) has neither fault and needs no conversion on the hot path.
"""

from datetime import UTC, date, datetime
from typing import Annotated, Any

from sqlalchemy import TEXT, BigInteger, Dialect, Integer, Text, text
from sqlalchemy.types import TypeDecorator

BYTEWISE = "C"
BIG_ID = BigInteger().with_variant(Integer(), "sqlite")  # SQLite numbers rows itself only for INTEGER PRIMARY KEY
Ref = Annotated[int, BigInteger]  # an id


def utc(moment: datetime) -> str:
    """Return an aware instant as fixed-width UTC text, ``YYYY-MM-DDTHH:MM:SS.ffffffZ``."""
    if moment.tzinfo is not UTC:
        if moment.utcoffset() is None:
            raise ValueError(f"an instant needs a time zone, got the naive {moment!r}")
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="microseconds")[:26] + "Z"


def instant(stored: str) -> datetime:
    """Return the aware instant of a text made by `utc`."""
    return datetime.fromisoformat(stored)


class _BytewiseText(TypeDecorator[Any]):
    """Text that PostgreSQL compares bytewise, as SQLite does."""

    impl = Text
    cache_ok = True  # SQLAlchemy wants it said in each class

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """Give PostgreSQL's column the collation ``C``."""
        return TEXT(collation=BYTEWISE) if dialect.name == "postgresql" else Text()


class Bytewise(_BytewiseText):
    """A key in text: streams, hashes, states."""

    cache_ok = True


Name = Annotated[str, Bytewise]


class Instant(_BytewiseText):
    """An aware instant, kept as UTC text of fixed width; a naive one is refused."""

    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """Turn an aware instant into text."""
        return None if value is None else utc(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        """Turn stored text into an aware instant."""
        return None if value is None else instant(value)


class Day(_BytewiseText):
    """A calendar day, kept as ``YYYY-MM-DD``; an instant is refused, for its day hangs on a zone."""

    cache_ok = True

    def process_bind_param(self, value: date | None, dialect: Dialect) -> str | None:
        """Turn a day into text."""
        if isinstance(value, datetime):
            raise TypeError(f"a day is wanted, got the instant {value!r}")
        return None if value is None else value.isoformat()

    def process_result_value(self, value: str | None, dialect: Dialect) -> date | None:
        """Turn stored text into a day."""
        return None if value is None else date.fromisoformat(value)


def only(condition: str) -> dict[str, Any]:
    """Return the arguments that make an index partial on both databases."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}
