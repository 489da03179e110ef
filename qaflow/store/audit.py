"""What proof reads: the stored bytes of the journal, the projection beside it, contents, readings and definitions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy.orm import Session, scoped_session

from qaflow.store.cycles import CYCLE_COLUMNS, ITEM_COLUMNS, SHEET_COLUMNS, VISIT_COLUMNS, WARNING_COLUMNS
from qaflow.store.driver import Driver, Sql, driver
from qaflow.store.faults import DRIVER_ERRORS
from qaflow.store.frame_answers import ANSWER_COLUMNS
from qaflow.store.journal import COLUMNS

PAGE = 2000
STREAMS = {"cycle": ("cycle", "id"), "person": ("person", "id"), "college": ("college", "key")}
"""Each kind of stream with the table and column of the row that holds its head."""

_READ = (*COLUMNS, "id")
_AFTER = "(stream, seq) > (:stream, :seq) order by stream, seq limit :batch"
_COLLEGES = "college_id in (select id from college)"  # their indexes begin with the college
_ENTRIES = Sql(f"select {', '.join(_READ)} from journal where {_AFTER}")
# Bytes that are no UTF-8 cannot be read as text: such a page is read as bytes. Only SQLite can hold them.
_BYTES = Sql(
    f"select {', '.join(f'cast({c} as blob)' for c in _READ)} from journal where (stream, seq) > "
    "(cast(:stream as text), :seq) order by stream, seq limit :batch"
)
_ONE = Sql(f"select {', '.join(_READ)} from journal where stream = :stream order by seq")
_CYCLES = Sql(
    f"select {', '.join('c.' + c for c in CYCLE_COLUMNS)}, c.visit, c.due, c.next_due, c.open_warnings, c.proposal, "
    "c.head, d.hash from cycle c left join definition d on d.id = c.definition_id where c.id in :ids[]"
)
_VISITS = Sql(f"select cycle_id, {', '.join(VISIT_COLUMNS)} from visit where cycle_id in :ids[]")
_ITEMS = Sql(f"select cycle_id, {', '.join(ITEM_COLUMNS)} from work_item where cycle_id in :ids[]")
_WARNINGS = Sql(f"select cycle_id, {', '.join(WARNING_COLUMNS)} from warning where {_COLLEGES} and cycle_id in :ids[]")
_SHEETS = Sql(f"select cycle_id, {', '.join(SHEET_COLUMNS)} from sheet where {_COLLEGES} and cycle_id in :ids[]")
_SIGNATURES = Sql(
    "select cycle_id, stage, visit, revision, position, person_id, decision, at, signed_by, on_behalf_of, content "
    "from signature where cycle_id in :ids[] and not void"
)
_ANSWERS = Sql(
    f"select cycle_id, {', '.join(ANSWER_COLUMNS)} from frame_answer where {_COLLEGES} and cycle_id in :ids[] "
    "order by sheet_no, code, version"
)
_DEFINITIONS = Sql("select hash, key, version, body from definition order by key, version")
_CONTENTS = Sql("select hash, salt, bytes, erased_at from content where hash > :after order by hash limit :batch")
_KNOWN = Sql("select hash from content where hash in :hashes[]")
_READINGS = Sql(
    "select r.id, r.batch_id, p.key, r.subject_id, r.at, r.value, r.source from reading r "
    "join control_point p on p.id = r.point_id where r.id > :after order by r.id limit :batch"
)
_BATCHES = Sql("select id, digest, rows from batch order by id")
_INSTALLED = Sql("select sandbox from installation where id = 1")
_ROWS = {
    kind: Sql(f"select '{kind}:' || {key}, version, head from {table} where {key} > :after order by {key} limit :batch")
    for kind, (table, key) in STREAMS.items()
}
_ACTORS = Sql("select id, login, name from person where id in :ids[]")
_COLLEGE = Sql("select key, name_zh, name_en from college where id = (select college_id from cycle where id = :id)")
_CONTENTS_OF = Sql("select hash, salt, bytes, erased_at from content where hash in :hashes[] order by hash")
_BODIES = Sql("select hash, body from definition where hash in :hashes[] order by hash")

Row = tuple[Any, ...]


def steady(session: Session | scoped_session[Any]) -> Driver:
    """Begin a fresh reading transaction that sees one moment throughout; writers go on meanwhile."""
    session.rollback()
    options: dict[str, Any] = {"qaflow_reading": True}
    if session.get_bind().dialect.name == "postgresql":
        options |= {"postgresql_readonly": True, "isolation_level": "REPEATABLE READ"}
    session.connection(execution_options=options)
    return driver(session)


def entries(driver: Driver, batch: int = PAGE) -> Iterator[list[Row]]:
    """Yield the journal ordered by stream and number, each row in the order of its columns and then its id."""
    stream, seq = "", 0
    while True:
        key = {"stream": stream, "seq": seq, "batch": batch}
        try:
            page = driver.all(_ENTRIES, key)
        except (*DRIVER_ERRORS, UnicodeError):
            key["stream"] = stream.encode(errors="surrogateescape")
            page = [_decoded(row) for row in driver.all(_BYTES, key)]
        if not page:
            return
        yield page
        stream, seq = page[-1][0], page[-1][1]


def _decoded(row: Row) -> Row:
    texts = [None if v is None else v.decode(errors="surrogateescape") for v in row]
    numbers = {_READ.index(n) for n in ("seq", "format", "id")}
    return tuple(_number(v) if n in numbers else v for n, v in enumerate(texts))


def _number(text: Any) -> Any:
    return int(text) if text is not None and text.lstrip("-").isdigit() else text


def stream(driver: Driver, name: str) -> list[Row]:
    """Return the entries of one stream in order, each with its id last."""
    return driver.all(_ONE, {"stream": name})


def rows_of(driver: Driver, ids: Sequence[int]) -> dict[str, list[Row]]:
    """Return the projection of cycles: `cycle` rows, and visits, items, warnings, sheets, signatures by cycle."""
    key = {"ids": list(ids)}
    return {
        "cycle": driver.all(_CYCLES, key), "visit": driver.all(_VISITS, key), "work_item": driver.all(_ITEMS, key),
        "warning": driver.all(_WARNINGS, key), "sheet": driver.all(_SHEETS, key),
        "signature": driver.all(_SIGNATURES, key), "frame_answer": driver.all(_ANSWERS, key),
    }  # fmt: skip


def heads_on_rows(driver: Driver, kind: str, batch: int = PAGE * 5) -> Iterator[tuple[str, int, str]]:
    """Yield (stream, length, newest hash) as the rows of one kind say."""
    after: Any = "" if kind == "college" else -1
    while page := driver.all(_ROWS[kind], {"after": after, "batch": batch}):
        yield from page
        last = page[-1][0].partition(":")[2]
        after = last if kind == "college" else int(last)


def definitions(driver: Driver) -> list[tuple[str, str, int, str]]:
    """Return (hash, key, version, canonical JSON) of every definition."""
    return driver.all(_DEFINITIONS)


def contents(driver: Driver, batch: int = PAGE) -> Iterator[tuple[str, bytes | None, bytes | None, str | None]]:
    """Yield (hash, salt, bytes, erased at) of every content."""
    after = ""
    while page := driver.all(_CONTENTS, {"after": after, "batch": batch}):
        yield from page
        after = page[-1][0]


def known_contents(driver: Driver, hashes: Sequence[str]) -> set[str]:
    """Return those of the hashes under which something is, or was, kept."""
    return {row[0] for row in driver.all(_KNOWN, {"hashes": list(hashes)})}


def readings(driver: Driver, batch: int = PAGE * 5) -> Iterator[Row]:
    """Yield (batch, key of the point, subject, at, value, source) of every reading, in the order of acceptance."""
    after = 0
    while page := driver.all(_READINGS, {"after": after, "batch": batch}):
        for row in page:
            yield row[1:]
        after = page[-1][0]


def batches(driver: Driver) -> list[tuple[int, str, int]]:
    """Return (number, digest, count) of the accepted batches of readings."""
    return driver.all(_BATCHES)


def is_sandbox(driver: Driver) -> bool:
    """Tell whether this database carries the sandbox mark."""
    return bool(driver.value(_INSTALLED))


def actors(driver: Driver, ids: Sequence[int]) -> list[tuple[int, str, str]]:
    """Return (id, login, name) of persons, as of now."""
    return driver.all(_ACTORS, {"ids": list(ids)})


def college_of(driver: Driver, cycle: int) -> tuple[str, str, str] | None:
    """Return (key, name in Chinese, name in English) of a cycle's college."""
    return driver.one(_COLLEGE, {"id": cycle})


def contents_of(driver: Driver, hashes: Sequence[str]) -> list[Row]:
    """Return (hash, salt, bytes, erased at) of the contents named."""
    return driver.all(_CONTENTS_OF, {"hashes": list(hashes)})


def bodies(driver: Driver, hashes: Sequence[str]) -> list[tuple[str, str]]:
    """Return (hash, canonical JSON) of definitions."""
    return driver.all(_BODIES, {"hashes": list(hashes)})
