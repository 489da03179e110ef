"""The journal: append-only, chained by hash, one stream a cycle, person and college (engine rules, 7)."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import DDL, event, text
from sqlalchemy.orm import Session, scoped_session

from qaflow.store.driver import Driver, Sql
from qaflow.store.faults import APPEND_ONLY, KEY_EXISTS, SEALED_STATE
from qaflow.store.tables.journal import Journal

GENESIS = ""  # what the first entry of a stream names as the one before
BATCH = 2000


class Entry(NamedTuple):
    """One line of a stream, in the order of the table's columns; instants are text, as hashed."""

    stream: str
    seq: int
    kind: str
    format: int
    at: str
    recorded_at: str
    actor: str
    on_behalf_of: str | None
    door: str
    request_id: str | None
    definition: str | None
    data: str
    prev: str
    hash: str


COLUMNS = Entry._fields


def digest(
    prev: str, stream: str, seq: int, kind: str, format: int, at: str, recorded_at: str, actor: str,
    on_behalf_of: str | None, door: str, request_id: str | None, definition: str | None, data: str,
) -> str:  # fmt: skip
    """Return the SHA-256 over every column but id and hash, each with its length.

    A text stands as ``<number of characters>:<text>``, a number as its digits and ``;``, nothing as ``-``, joined in
    the order of the arguments and encoded as UTF-8; so no two different entries give the same bytes.
    """
    behalf = "-" if on_behalf_of is None else f"{len(on_behalf_of)}:{on_behalf_of}"
    request = "-" if request_id is None else f"{len(request_id)}:{request_id}"
    pinned = "-" if definition is None else f"{len(definition)}:{definition}"
    return hashlib.sha256(
        f"{len(prev)}:{prev}{len(stream)}:{stream}{seq};{len(kind)}:{kind}{format};{len(at)}:{at}"
        f"{len(recorded_at)}:{recorded_at}{len(actor)}:{actor}{behalf}{len(door)}:{door}{request}{pinned}"
        f"{len(data)}:{data}".encode()
    ).hexdigest()


def append(driver: Driver, entries: Sequence[Entry]) -> None:
    """Write entries at the end of their streams; `Duplicate` where another writer was first."""
    driver.insert_rows("journal", COLUMNS, entries)


_STREAM = Sql(f"select {','.join(COLUMNS)} from journal where stream = :stream and seq > :after order by seq")
_PAGE = Sql(
    f"select {','.join(COLUMNS)} from journal where (stream, seq) > (:stream, :seq) order by stream, seq limit :batch"
)
_HEADS = Sql(
    "select stream, max(seq), hash from journal group by stream order by stream",
    postgresql="select distinct on (stream) stream, seq, hash from journal order by stream, seq desc",
)


def read(driver: Driver, stream: str, after: int = 0) -> list[Entry]:
    """Return the entries of one stream after a number, in order."""
    return list(map(Entry._make, driver.all(_STREAM, {"stream": stream, "after": after})))


def read_all(driver: Driver, batch: int = BATCH) -> Iterator[list[Entry]]:
    """Yield the whole journal in batches ordered by stream and number; memory does not grow with it."""
    stream, seq = "", 0
    while entries := list(map(Entry._make, driver.all(_PAGE, {"stream": stream, "seq": seq, "batch": batch}))):
        yield entries
        stream, seq = entries[-1].stream, entries[-1].seq


def heads(driver: Driver) -> list[tuple[str, int, str]]:
    """Return (stream, length, newest hash) of every stream, ordered by stream."""
    return driver.all(_HEADS)


# SQLite's REPLACE skips delete triggers, hence the guard on insert; it runs before the unique index speaks.
_SQLITE_TRIGGERS = {
    "journal_no_update": f"""create trigger journal_no_update before update on journal
begin select raise(abort, '{APPEND_ONLY}'); end""",
    "journal_no_delete": f"""create trigger journal_no_delete before delete on journal
begin select raise(abort, '{APPEND_ONLY}'); end""",
    "journal_no_replace": f"""create trigger journal_no_replace before insert on journal
when exists (select 1 from journal where id = new.id)
  or exists (select 1 from journal where stream = new.stream and seq = new.seq)
begin select raise(abort, '{KEY_EXISTS}'); end""",
}
_POSTGRES_FUNCTIONS = {
    "journal_refuse": f"""create function journal_refuse() returns trigger language plpgsql as $$
begin raise exception '{APPEND_ONLY}' using errcode = '{SEALED_STATE}'; end $$""",
    "journal_refuse_key": f"""create function journal_refuse_key() returns trigger language plpgsql as $$
begin
  if exists (select 1 from journal where id = new.id)
     or exists (select 1 from journal where stream = new.stream and seq = new.seq) then
    raise exception '{KEY_EXISTS}' using errcode = 'unique_violation';
  end if;
  return new;
end $$""",
}
_POSTGRES_TRIGGERS = {
    "journal_no_update": "create trigger journal_no_update before update on journal"
    " for each statement execute function journal_refuse()",
    "journal_no_delete": "create trigger journal_no_delete before delete on journal"
    " for each statement execute function journal_refuse()",
    "journal_no_truncate": "create trigger journal_no_truncate before truncate on journal"
    " for each statement execute function journal_refuse()",
    "journal_no_replace": "create trigger journal_no_replace before insert on journal"
    " for each row execute function journal_refuse_key()",
}
TRIGGERS = {"sqlite": _SQLITE_TRIGGERS, "postgresql": _POSTGRES_TRIGGERS}
"""The triggers that must stand, by database and name."""

_STANDING = {
    "sqlite": "select name, sql from sqlite_master where type = 'trigger' and tbl_name = 'journal'",
    "postgresql": "select tgname, tgenabled::text from pg_trigger"
    " where tgrelid = to_regclass('journal') and not tgisinternal",
}


def missing_triggers(session: Session | scoped_session[Session]) -> list[str]:
    """Return the names of journal triggers that are absent, switched off or (SQLite) reworded; empty when all stand."""
    dialect = session.connection().dialect.name
    standing: dict[str, str] = {row[0]: row[1] for row in session.execute(text(_STANDING[dialect]))}
    if dialect == "sqlite":
        return [name for name, sql in _SQLITE_TRIGGERS.items() if _words(standing.get(name, "")) != _words(sql)]
    return [name for name in _POSTGRES_TRIGGERS if standing.get(name) not in ("O", "A")]


def _words(sql: str) -> list[str]:
    return sql.lower().split()


def _install(dialect: str, statements: Iterable[str]) -> None:
    for statement in statements:
        ddl = DDL(statement.replace("%", "%%")).execute_if(dialect=dialect)
        event.listen(Journal.__table__, "after_create", ddl)


_install("sqlite", _SQLITE_TRIGGERS.values())
_install("postgresql", [*_POSTGRES_FUNCTIONS.values(), *_POSTGRES_TRIGGERS.values()])
